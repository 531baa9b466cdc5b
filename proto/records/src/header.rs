//! The 61-byte header of a record batch: reading it, checking it, and patching it in place.
//!
//! ```text
//!  0 base_offset i64 | 8 batch_length i32 | 12 partition_leader_epoch i32 | 16 magic i8 | 17 crc u32
//! 21 attributes i16 | 23 last_offset_delta i32 | 27 base_timestamp i64 | 35 max_timestamp i64
//! 43 producer_id i64 | 51 producer_epoch i16 | 53 base_sequence i32 | 57 records_count i32 | 61 ...
//! ```
//!
//! The CRC covers everything from byte 21 on, so a leader assigns offset and epoch without touching
//! it (KIP-98).

use std::ops::Range;

use crate::{BatchError, Codec};

/// Bytes of a batch header, records excluded.
pub const HEADER_BYTES: usize = 61;
/// Bytes before the ones that `batch_length` counts: base offset and the length itself.
pub const LOG_OVERHEAD_BYTES: usize = 12;
/// The producer is not idempotent.
pub const NO_PRODUCER_ID: i64 = -1;
/// Goes with [`NO_PRODUCER_ID`].
pub const NO_PRODUCER_EPOCH: i16 = -1;
/// Goes with [`NO_PRODUCER_ID`].
pub const NO_SEQUENCE: i32 = -1;
/// The producer gave no timestamp.
pub const NO_TIMESTAMP: i64 = -1;
/// The leader epoch of a batch that no leader has seen yet.
pub const NO_PARTITION_LEADER_EPOCH: i32 = -1;

const MAGIC_AT: usize = 16;
const CRC_AT: usize = 17;
const ATTRIBUTES_AT: usize = 21;
const MAX_TIMESTAMP_AT: usize = 35;

const CODEC_MASK: i16 = 0x07;
pub(crate) const TIMESTAMP_TYPE_BIT: i16 = 0x08;
pub(crate) const TRANSACTIONAL_BIT: i16 = 0x10;
pub(crate) const CONTROL_BIT: i16 = 0x20;
pub(crate) const DELETE_HORIZON_BIT: i16 = 0x40;

/// Whose clock the timestamps of a batch are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's, one per record.
    CreateTime,
    /// The leader's at the time of the append, one for the whole batch.
    LogAppendTime,
}

/// The header of one batch. Made by [`BatchHeader::parse`], whose checks make the arithmetic of the
/// methods safe from overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Offset of the first record, also when compaction removed that record.
    pub base_offset: i64,
    /// Bytes that follow the first twelve.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch.
    pub partition_leader_epoch: i32,
    /// CRC-32C of everything from the attributes on.
    pub crc: u32,
    pub attributes: i16,
    /// Last offset minus base offset; survives compaction.
    pub last_offset_delta: i32,
    /// What the records' timestamps are relative to; the delete horizon where that bit is set.
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    /// Records in the batch; 0 where compaction emptied it.
    pub records_count: i32,
}

impl BatchHeader {
    /// Reads a header from the first bytes of `bytes` and checks what needs no other bytes: magic,
    /// length, offsets and counts. The batch itself may be longer than `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        if let Some(&magic) = bytes.get(MAGIC_AT) {
            match magic as i8 {
                2 => (),
                old @ (0 | 1) => return Err(BatchError::UnsupportedFormat(old)),
                other => return Err(BatchError::Corrupt(format!("unknown magic {other}"))),
            }
        }
        if bytes.len() < HEADER_BYTES {
            return Err(BatchError::Incomplete { at: 0, needs: HEADER_BYTES, has: bytes.len() });
        }
        let header = Self {
            base_offset: i64::from_be_bytes(array(bytes, 0)),
            batch_length: i32::from_be_bytes(array(bytes, 8)),
            partition_leader_epoch: i32::from_be_bytes(array(bytes, 12)),
            crc: u32::from_be_bytes(array(bytes, CRC_AT)),
            attributes: i16::from_be_bytes(array(bytes, ATTRIBUTES_AT)),
            last_offset_delta: i32::from_be_bytes(array(bytes, 23)),
            base_timestamp: i64::from_be_bytes(array(bytes, 27)),
            max_timestamp: i64::from_be_bytes(array(bytes, MAX_TIMESTAMP_AT)),
            producer_id: i64::from_be_bytes(array(bytes, 43)),
            producer_epoch: i16::from_be_bytes(array(bytes, 51)),
            base_sequence: i32::from_be_bytes(array(bytes, 53)),
            records_count: i32::from_be_bytes(array(bytes, 57)),
        };
        header.check_structure()?;
        Ok(header)
    }

    fn check_structure(&self) -> Result<(), BatchError> {
        let corrupt = |what: String| Err(BatchError::Corrupt(what));
        if self.batch_length < (HEADER_BYTES - LOG_OVERHEAD_BYTES) as i32 {
            return corrupt(format!("batch length {} is below 49", self.batch_length));
        }
        if !(0..=i64::MAX - (1 << 32)).contains(&self.base_offset) {
            return corrupt(format!("base offset {}", self.base_offset));
        }
        if self.last_offset_delta < 0 {
            return corrupt(format!("last offset delta {}", self.last_offset_delta));
        }
        // Not `+ 1`: that overflows for the largest delta.
        if self.records_count < 0 || self.records_count - 1 > self.last_offset_delta {
            return corrupt(format!(
                "{} records within {} offsets",
                self.records_count,
                i64::from(self.last_offset_delta) + 1
            ));
        }
        Ok(())
    }

    /// Bytes of the whole batch, header included.
    pub fn size_bytes(&self) -> usize {
        LOG_OVERHEAD_BYTES + self.batch_length as usize
    }

    pub fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_offset_delta)
    }

    /// Offset of whatever follows the batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// The codec of the records; the id itself where Kafka defines none.
    pub fn codec(&self) -> Result<Codec, BatchError> {
        Codec::from_id((self.attributes & CODEC_MASK) as u8)
    }

    pub fn timestamp_type(&self) -> TimestampType {
        match self.attributes & TIMESTAMP_TYPE_BIT {
            0 => TimestampType::CreateTime,
            _ => TimestampType::LogAppendTime,
        }
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_BIT != 0
    }

    /// Holds markers written by a broker, not records of a client.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_BIT != 0
    }

    /// When the tombstones of the batch may be removed (KIP-534); `None` until the cleaner set it.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON_BIT != 0).then_some(self.base_timestamp)
    }

    /// From an idempotent or transactional producer.
    pub fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// Sequence number of the last record. Sequence numbers wrap from `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        match self.base_sequence {
            NO_SEQUENCE => NO_SEQUENCE,
            base => next_sequence(base, self.last_offset_delta),
        }
    }

    /// Compares the CRC with the bytes of the whole batch.
    pub fn check_crc(&self, batch: &[u8]) -> Result<(), BatchError> {
        let covered = batch
            .get(ATTRIBUTES_AT..self.size_bytes())
            .ok_or(BatchError::Incomplete { at: 0, needs: self.size_bytes(), has: batch.len() })?;
        let computed = crc32c(covered);
        if computed != self.crc {
            return Err(BatchError::Corrupt(format!(
                "CRC is {computed:#010x}, the header says {:#010x}",
                self.crc
            )));
        }
        Ok(())
    }

    /// What a leader demands of a batch that a producer sent, on top of what [`Self::parse`] checks.
    pub fn validate_produced(&self, batch: &[u8]) -> Result<(), BatchError> {
        self.check_crc(batch)?;
        self.codec()?;
        let invalid = |what: String| Err(BatchError::Invalid(what));
        if self.records_count == 0 {
            return invalid("it has no records".into());
        }
        if self.records_count - 1 != self.last_offset_delta {
            return invalid(format!(
                "it declares {} records and a last offset delta of {}",
                self.records_count, self.last_offset_delta
            ));
        }
        if self.has_producer_id() && (self.base_sequence < 0 || self.producer_epoch < 0) {
            return invalid(format!(
                "producer {} with epoch {} and sequence {}",
                self.producer_id, self.producer_epoch, self.base_sequence
            ));
        }
        if self.base_timestamp < NO_TIMESTAMP || self.max_timestamp < NO_TIMESTAMP {
            return invalid(format!(
                "negative timestamps {} and {}",
                self.base_timestamp, self.max_timestamp
            ));
        }
        Ok(())
    }
}

/// The sequence number `increment` records after `sequence`: wraps from `i32::MAX` to 0.
pub fn next_sequence(sequence: i32, increment: i32) -> i32 {
    ((i64::from(sequence) + i64::from(increment)) & i64::from(i32::MAX)) as i32
}

/// CRC-32C (Castagnoli), as record batches use it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// The batches of a record set in order; see [`Batches`].
pub fn batches(record_set: &[u8]) -> Batches<'_> {
    Batches { record_set, at: 0 }
}

/// Iterates the batches of a record set: where each lies, and its header. After an error it ends. A
/// record set that stops inside a batch ends with [`BatchError::Incomplete`].
#[derive(Clone, Debug)]
pub struct Batches<'a> {
    record_set: &'a [u8],
    at: usize,
}

impl Iterator for Batches<'_> {
    type Item = Result<(Range<usize>, BatchHeader), BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.at;
        let rest = &self.record_set[at..];
        if rest.is_empty() {
            return None;
        }
        self.at = self.record_set.len();
        let header = match BatchHeader::parse(rest) {
            Ok(header) => header,
            Err(BatchError::Incomplete { needs, has, .. }) => {
                return Some(Err(BatchError::Incomplete { at, needs, has }));
            }
            Err(error) => return Some(Err(error)),
        };
        let needs = header.size_bytes();
        if needs > rest.len() {
            return Some(Err(BatchError::Incomplete { at, needs, has: rest.len() }));
        }
        self.at = at + needs;
        Some(Ok((at..at + needs, header)))
    }
}

/// Gives the batch that starts `batch` its place in the log. Outside the CRC.
pub fn set_base_offset(batch: &mut [u8], base_offset: i64) {
    batch[..8].copy_from_slice(&base_offset.to_be_bytes());
}

/// Marks the batch that starts `batch` as appended by the leader of that epoch. Outside the CRC.
pub fn set_partition_leader_epoch(batch: &mut [u8], leader_epoch: i32) {
    batch[12..MAGIC_AT].copy_from_slice(&leader_epoch.to_be_bytes());
}

/// Stamps the one batch in `batch` with the leader's clock and computes its CRC anew.
pub fn set_log_append_time(batch: &mut [u8], log_append_time_ms: i64) {
    let attributes = i16::from_be_bytes(array(batch, ATTRIBUTES_AT)) | TIMESTAMP_TYPE_BIT;
    batch[ATTRIBUTES_AT..ATTRIBUTES_AT + 2].copy_from_slice(&attributes.to_be_bytes());
    batch[MAX_TIMESTAMP_AT..MAX_TIMESTAMP_AT + 8]
        .copy_from_slice(&log_append_time_ms.to_be_bytes());
    write_crc(batch);
}

pub(crate) fn write_crc(batch: &mut [u8]) {
    let crc = crc32c(&batch[ATTRIBUTES_AT..]);
    batch[CRC_AT..ATTRIBUTES_AT].copy_from_slice(&crc.to_be_bytes());
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes is an array of N bytes")
}
