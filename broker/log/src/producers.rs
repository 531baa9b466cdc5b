//! What each idempotent producer wrote last: the reason why a retry is not a duplicate (KIP-98).
//!
//! A leader accepts a batch that continues its producer's sequence, recognises the last five by
//! their sequence numbers, and refuses everything else. A follower believes its leader and only
//! keeps the books, so that it can take over. The state at the start of each segment, and at a
//! clean stop, is in a `.snapshot` file of Kafka's format; what follows is replayed from the log.

use std::collections::{HashMap, VecDeque};
use std::path::Path;

use bytes::{Buf, BufMut};
use records::{BatchHeader, ControlRecord, NO_PRODUCER_EPOCH, NO_SEQUENCE, crc32c, next_sequence};

use crate::disk::{self, StorageError};
use crate::shared::segment_path;

/// Batches of a producer that a retry is compared with.
const BATCHES_MAX: usize = 5;
const SNAPSHOT_VERSION: i16 = 1;
const SNAPSHOT_HEADER_BYTES: usize = 6;
const SNAPSHOT_ENTRY_BYTES: usize = 46;

/// A batch that a producer wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducedBatch {
    pub last_sequence: i32,
    pub last_offset: i64,
    /// Last offset minus base offset.
    pub offset_delta: i32,
    pub timestamp: i64,
}

impl ProducedBatch {
    pub fn base_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    pub fn first_sequence(&self) -> i32 {
        next_sequence(self.last_sequence, -self.offset_delta)
    }
}

/// What one producer wrote last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerState {
    pub producer_epoch: i16,
    /// Epoch of the transaction coordinator that wrote the last marker; -1: none did.
    pub coordinator_epoch: i32,
    pub last_timestamp: i64,
    /// Where the producer's open transaction began.
    pub transaction_start: Option<i64>,
    /// The newest last. Empty where only markers are known.
    pub batches: VecDeque<ProducedBatch>,
}

impl ProducerState {
    fn new() -> Self {
        Self {
            producer_epoch: NO_PRODUCER_EPOCH,
            coordinator_epoch: -1,
            last_timestamp: -1,
            transaction_start: None,
            batches: VecDeque::new(),
        }
    }

    /// Sequence of the last record; -1 where none is known.
    pub fn last_sequence(&self) -> i32 {
        self.batches.back().map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    fn duplicate(&self, header: &BatchHeader) -> Option<ProducedBatch> {
        let same = |batch: &&ProducedBatch| {
            batch.first_sequence() == header.base_sequence
                && batch.last_sequence == header.last_sequence()
        };
        let known = self.producer_epoch == header.producer_epoch;
        known.then(|| self.batches.iter().find(same).copied()).flatten()
    }

    fn check(&self, header: &BatchHeader) -> Result<(), ProducerError> {
        if self.producer_epoch == NO_PRODUCER_EPOCH {
            // Nothing is known, perhaps since retention removed it: any sequence may begin.
            return Ok(());
        }
        if header.producer_epoch < self.producer_epoch {
            return Err(ProducerError::InvalidEpoch {
                producer_id: header.producer_id,
                got: header.producer_epoch,
                current: self.producer_epoch,
            });
        }
        let last_sequence = match header.producer_epoch == self.producer_epoch {
            true => self.last_sequence(),
            false => NO_SEQUENCE,
        };
        let expected = match last_sequence {
            NO_SEQUENCE => 0,
            last => next_sequence(last, 1),
        };
        match header.base_sequence == expected {
            true => Ok(()),
            false => Err(ProducerError::OutOfOrderSequence {
                producer_id: header.producer_id,
                producer_epoch: header.producer_epoch,
                got: header.base_sequence,
                expected,
            }),
        }
    }

    fn add(&mut self, header: &BatchHeader, marker: Option<ControlRecord>) {
        if self.producer_epoch != header.producer_epoch {
            self.batches.clear();
            self.producer_epoch = header.producer_epoch;
        }
        self.last_timestamp = header.max_timestamp;
        if header.is_control() {
            if let Some(
                ControlRecord::Abort { coordinator_epoch }
                | ControlRecord::Commit { coordinator_epoch },
            ) = marker
            {
                self.coordinator_epoch = self.coordinator_epoch.max(coordinator_epoch);
            }
            self.transaction_start = None;
            return;
        }
        if self.batches.len() == BATCHES_MAX {
            self.batches.pop_front();
        }
        self.batches.push_back(ProducedBatch {
            last_sequence: header.last_sequence(),
            last_offset: header.last_offset(),
            offset_delta: header.last_offset_delta,
            timestamp: header.max_timestamp,
        });
        if header.is_transactional() {
            self.transaction_start.get_or_insert(header.base_offset);
        }
    }
}

/// Why a leader refuses an idempotent producer's batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// A newer instance of the producer wrote already. `INVALID_PRODUCER_EPOCH`.
    #[error("producer {producer_id} has epoch {current}, the batch has {got}")]
    InvalidEpoch { producer_id: i64, got: i16, current: i16 },
    /// A batch before this one is missing. `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    #[error(
        "producer {producer_id} (epoch {producer_epoch}) sent sequence {got}, expected {expected}"
    )]
    OutOfOrderSequence { producer_id: i64, producer_epoch: i16, got: i32, expected: i32 },
}

/// All producers that a log knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Producers {
    states: HashMap<i64, ProducerState>,
}

impl Producers {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &ProducerState)> {
        self.states.iter().map(|(id, state)| (*id, state))
    }

    /// Checks the batches of one append against what their producers wrote before and among each
    /// other. `Some` is where a batch of them is in the log already.
    pub(crate) fn check<'a>(
        &self,
        headers: impl Iterator<Item = &'a BatchHeader> + Clone,
    ) -> Result<Option<ProducedBatch>, ProducerError> {
        let produced = headers.filter(|header| header.has_producer_id());
        for header in produced.clone() {
            let known = self.states.get(&header.producer_id);
            if let Some(duplicate) = known.and_then(|state| state.duplicate(header)) {
                return Ok(Some(duplicate));
            }
        }
        let mut changed: HashMap<i64, ProducerState> = HashMap::new();
        let mut produced = produced.peekable();
        while let Some(header) = produced.next() {
            let unchanged = self.states.get(&header.producer_id);
            if let Some(state) = changed.get(&header.producer_id).or(unchanged) {
                state.check(header)?;
            }
            if produced.peek().is_some() {
                let state = changed
                    .entry(header.producer_id)
                    .or_insert_with(|| unchanged.cloned().unwrap_or_else(ProducerState::new));
                state.add(header, None);
            }
        }
        Ok(None)
    }

    /// Takes note of a batch in the log. `marker` is what a control batch says.
    pub(crate) fn update(&mut self, header: &BatchHeader, marker: Option<ControlRecord>) {
        if header.has_producer_id() {
            self.states
                .entry(header.producer_id)
                .or_insert_with(ProducerState::new)
                .add(header, marker);
        }
    }

    /// Forgets producers that wrote nothing for `expiration_ms`; open transactions keep theirs.
    pub(crate) fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.states.retain(|_, state| {
            state.transaction_start.is_some()
                || now_ms.saturating_sub(state.last_timestamp) < expiration_ms
        });
    }

    pub(crate) fn clear(&mut self) {
        self.states = HashMap::new();
    }

    /// Writes the state at `offset`.
    pub(crate) fn write_snapshot(&self, directory: &Path, offset: i64) -> Result<(), StorageError> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by_key(|(id, _)| *id);
        let mut body = Vec::with_capacity(4 + entries.len() * SNAPSHOT_ENTRY_BYTES);
        body.put_i32(entries.len() as i32);
        for (id, state) in entries {
            let last = state.batches.back();
            body.put_i64(id);
            body.put_i16(state.producer_epoch);
            body.put_i32(state.last_sequence());
            body.put_i64(last.map_or(-1, |batch| batch.last_offset));
            body.put_i32(last.map_or(0, |batch| batch.offset_delta));
            body.put_i64(state.last_timestamp);
            body.put_i32(state.coordinator_epoch);
            body.put_i64(state.transaction_start.unwrap_or(-1));
        }
        let mut file = Vec::with_capacity(SNAPSHOT_HEADER_BYTES + body.len());
        file.put_i16(SNAPSHOT_VERSION);
        file.put_u32(crc32c(&body));
        file.put_slice(&body);
        disk::write_unsynced(&segment_path(directory, offset, "snapshot"), &file)
    }

    /// Reads the snapshot at `offset`; `None` where it is missing or damaged.
    pub(crate) fn read_snapshot(
        directory: &Path,
        offset: i64,
    ) -> Result<Option<Self>, StorageError> {
        let path = segment_path(directory, offset, "snapshot");
        let Some(bytes) = disk::read_small(&path)? else { return Ok(None) };
        let producers = Self::decode(&bytes);
        if producers.is_none() {
            tracing::warn!(path = %path.display(), "ignoring a damaged producer snapshot");
        }
        Ok(producers)
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut header, mut body) = bytes.split_at_checked(SNAPSHOT_HEADER_BYTES)?;
        if header.get_i16() != SNAPSHOT_VERSION || header.get_u32() != crc32c(body) {
            return None;
        }
        let count = usize::try_from(body.try_get_i32().ok()?).ok()?;
        if body.len() != count.checked_mul(SNAPSHOT_ENTRY_BYTES)? {
            return None;
        }
        let mut states = HashMap::with_capacity(count);
        for _ in 0..count {
            let id = body.get_i64();
            let producer_epoch = body.get_i16();
            let last_sequence = body.get_i32();
            let last_offset = body.get_i64();
            let offset_delta = body.get_i32();
            let last_timestamp = body.get_i64();
            let coordinator_epoch = body.get_i32();
            let transaction_start = body.get_i64();
            let last = (last_offset >= 0 && offset_delta >= 0).then_some(ProducedBatch {
                last_sequence,
                last_offset,
                offset_delta,
                timestamp: last_timestamp,
            });
            let state = ProducerState {
                producer_epoch,
                coordinator_epoch,
                last_timestamp,
                transaction_start: (transaction_start >= 0).then_some(transaction_start),
                batches: last.into_iter().collect(),
            };
            states.insert(id, state);
        }
        Some(Self { states })
    }
}
