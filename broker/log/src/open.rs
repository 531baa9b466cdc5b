//! Opening a log: believing what was closed properly, and making good what was not.
//!
//! After a clean stop nothing is read but the end of the active segment. Otherwise the segments
//! from the recovery point on are walked: every CRC is checked, the log is cut where the first
//! batch is torn, and their indexes, epochs and producers are made anew. What was synced is never
//! cut: where that is damaged, the log stays closed.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use records::{BatchError, ControlRecord, RecordIter};

use crate::checkpoint::CheckpointError;
use crate::config::LogConfig;
use crate::directory::{self, Listing};
use crate::disk::{self, StorageError};
use crate::epochs::{self, EpochEntry, Epochs};
use crate::log::{Log, LogError};
use crate::producers::Producers;
use crate::segment::{Home, Segment, WalkError};
use crate::shared::{Shared, segment_path};

/// A marker's record is a few bytes; what inflates further is none.
const MARKER_BYTES_MAX: usize = 64 * 1024;

/// What the checkpoints of the log directory say about this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// 0 where the checkpoint does not name the log.
    pub recovery_point: i64,
    /// 0 where the checkpoint does not name the log.
    pub log_start_offset: i64,
    /// The log directory had the mark of a clean shutdown.
    pub clean_shutdown: bool,
}

impl Log {
    /// Opens the log in `directory` (`<topic>-<partition>`), or makes an empty one.
    pub fn open(
        directory: &Path,
        config: LogConfig,
        shared: Arc<Shared>,
        recovery: Recovery,
        now_ms: i64,
    ) -> Result<Self, LogError> {
        let is_new = disk::create_directory(directory)?;
        let home = Home { directory: directory.to_owned(), shared };
        let listing = if is_new { Listing::empty() } else { Listing::read(&home)? };
        let mut segments = listing.segments(&home, &config)?;
        let created = segments.is_empty();
        if created {
            segments.push(Segment::create(&home, recovery.log_start_offset.max(0), now_ms)?);
        }
        let epochs = if listing.has(epochs::FILE_NAME) { load_epochs(directory)? } else { None };
        let truncated = listing.truncated(directory)?;
        let mut log = Self {
            topic_id: listing.topic_id(directory)?,
            home,
            config,
            log_start_offset: recovery.log_start_offset.max(segments[0].base_offset),
            log_end_offset: segments[0].base_offset,
            segments,
            recovery_point: truncated.unwrap_or(i64::MAX).min(recovery.recovery_point),
            promised_recovery_point: recovery.recovery_point,
            truncated: truncated.is_some(),
            epochs_unwritten: false,
            epochs_unsynced: epochs.is_none(),
            epochs: epochs.unwrap_or_default(),
            producers: Producers::default(),
            tail: Arc::default(),
            unsynced_since_ms: None,
            // Nothing is known of the names that an unclean stop left.
            directory_changes: u64::from(!recovery.clean_shutdown || created),
            directory_synced: 0,
            truncations: 0,
            retired: Vec::new(),
            damaged: false,
        };
        match is_new {
            // There is nothing to walk.
            true => log.settle_recovery_point()?,
            false => log.find_end(recovery.clean_shutdown, listing.snapshots())?,
        }
        if log.epochs.last().is_none() {
            log.read_epochs()?;
        }
        log.epochs_unwritten |= log.epochs.truncate_end(log.log_end_offset);
        if log.log_start_offset > log.log_end_offset {
            log.truncate_fully_and_start_at(log.log_start_offset)?;
        }
        log.epochs_unwritten |= log.epochs.truncate_start(log.log_start_offset);
        log.write_epochs()?;
        log.expire_producers(now_ms);
        Ok(log)
    }

    /// Finds the end of the log and what its producers wrote last.
    fn find_end(&mut self, clean_shutdown: bool, snapshots: Vec<i64>) -> Result<(), LogError> {
        if clean_shutdown {
            let active = self.segments.last_mut().expect("a log has an active segment");
            match active.resume(&self.home) {
                Ok(end_offset) => {
                    self.log_end_offset = end_offset;
                    self.compare_length();
                    self.recovery_point = end_offset;
                    self.keep_promise()?;
                    return load_producers(self, snapshots);
                }
                Err(WalkError::Storage(error)) => return Err(error.into()),
                Err(corrupt) => {
                    tracing::warn!(error = %corrupt, "recovering a log closed properly")
                }
            }
        }
        self.recover(snapshots)
    }

    /// Walks the segments from the recovery point on, and cuts the log at the first torn batch.
    fn recover(&mut self, snapshots: Vec<i64>) -> Result<(), LogError> {
        let first = self
            .segments
            .partition_point(|segment| segment.base_offset <= self.recovery_point)
            .saturating_sub(1);
        self.log_end_offset = self.segments[first].base_offset;
        load_producers(self, snapshots)?;
        for index in first..self.segments.len() {
            if let Some(torn) = self.recover_segment(index)? {
                self.cut_at(index, torn)?;
                break;
            }
        }
        self.settle_recovery_point()
    }

    /// What is not there is not synced, whatever the checkpoint says.
    fn settle_recovery_point(&mut self) -> Result<(), LogError> {
        self.compare_length();
        self.recovery_point = self.recovery_point.min(self.log_end_offset);
        self.keep_promise()?;
        Ok(())
    }

    /// Whole batches may be missing without a trace in the files. It is only a warning: the
    /// checkpoint may be that of an earlier topic of the same name.
    fn compare_length(&self) {
        if self.log_end_offset < self.recovery_point {
            tracing::warn!(
                directory = %self.home.directory.display(),
                log_end_offset = self.log_end_offset,
                recovery_point = self.recovery_point,
                "the log ends before its recovery point: records are missing, or the checkpoint is \
                 that of another log"
            );
        }
    }

    /// Checks every batch of a segment and takes it into indexes, epochs and producers. Returns
    /// what ended the walk before the end of its file.
    fn recover_segment(&mut self, index: usize) -> Result<Option<Torn>, LogError> {
        let interval_bytes = self.config.index_interval_bytes;
        let segment = &mut self.segments[index];
        self.log_end_offset = self.log_end_offset.max(segment.base_offset);
        segment.reset_indexes(&self.home)?;
        let mut walk = segment.walk(&self.home, 0)?;
        let torn = loop {
            let position = walk.position();
            let (header, batch) = match walk.next_batch() {
                Ok(None) => break None,
                Ok(Some((_, header, batch))) => (header, batch),
                Err(WalkError::Storage(error)) => return Err(error.into()),
                Err(error) => break Some(Torn { position, error }),
            };
            let in_order =
                header.base_offset >= self.log_end_offset && segment.spans(header.last_offset());
            let checked = match in_order {
                true => header.check_crc(&batch),
                false => Err(BatchError::Corrupt(format!(
                    "base offset {} where {} comes next",
                    header.base_offset, self.log_end_offset
                ))),
            };
            if let Err(error) = checked {
                let path = walk.path().to_owned();
                let error = WalkError::Corrupt { path, position: position.into(), error };
                break Some(Torn { position, error });
            }
            self.log_end_offset = header.next_offset();
            segment.note(&header, position, interval_bytes);
            let epoch = EpochEntry {
                epoch: header.partition_leader_epoch,
                start_offset: header.base_offset,
            };
            if self.epochs.last().is_none_or(|last| last.epoch < epoch.epoch) {
                self.epochs_unwritten |= self.epochs.insert(epoch);
            }
            self.producers.update(&header, header.is_control().then(|| marker(&batch)).flatten());
        };
        match index + 1 == self.segments.len() || torn.is_some() {
            true => self.segments[index].write_indexes(&self.home)?,
            false => {
                self.segments[index].seal(&self.home)?;
                let next = self.segments[index + 1].base_offset;
                self.producers.write_snapshot(&self.home.directory, next)?;
            }
        }
        Ok(torn)
    }

    fn cut_at(&mut self, index: usize, torn: Torn) -> Result<(), LogError> {
        if self.log_end_offset < self.recovery_point {
            // This was synced: it is not a torn append, and cutting would lose what was promised.
            return Err(torn.error.into());
        }
        tracing::warn!(
            directory = %self.home.directory.display(),
            offset = self.log_end_offset,
            error = %torn.error,
            "an unclean stop left a torn batch: the log ends before it"
        );
        self.segments[index].truncate(&self.home, torn.position)?;
        for segment in self.segments.drain(index + 1..) {
            for path in segment.retire(&self.home, &[])? {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }

    /// Finds the leader epochs in the batches where their checkpoint is missing or unreadable.
    fn read_epochs(&mut self) -> Result<(), LogError> {
        for segment in &self.segments {
            let mut walk = segment.walk(&self.home, 0)?;
            while let Some((_, header)) = walk.next_header()? {
                let (epoch, start_offset) = (header.partition_leader_epoch, header.base_offset);
                if self.epochs.last().is_none_or(|last| last.epoch < epoch) {
                    self.epochs_unwritten |= self.epochs.insert(EpochEntry { epoch, start_offset });
                }
            }
        }
        Ok(())
    }
}

fn load_epochs(directory: &Path) -> Result<Option<Epochs>, LogError> {
    match Epochs::load(directory) {
        Ok(epochs) => Ok(Some(epochs).filter(|epochs| epochs.last().is_some())),
        Err(CheckpointError::Storage(error)) => Err(error.into()),
        Err(malformed) => {
            tracing::warn!(error = %malformed, "reading the leader epochs from the log instead");
            Ok(None)
        }
    }
}

/// Where a walk over a segment found no whole batch any more.
struct Torn {
    position: u32,
    error: WalkError,
}

/// Loads the newest producer snapshot that the log reaches, and replays what follows it.
pub(crate) fn load_producers(log: &mut Log, mut snapshots: Vec<i64>) -> Result<(), LogError> {
    let directory = &log.home.directory;
    let end = log.log_end_offset;
    let newest = snapshots.iter().rev().find(|offset| **offset <= end).copied();
    let is_base = |offset| log.segments.binary_search_by_key(&offset, |it| it.base_offset).is_ok();
    for offset in &snapshots {
        if *offset > end || Some(*offset) != newest && !is_base(*offset) {
            disk::remove(&segment_path(directory, *offset, "snapshot"))?;
        }
    }
    snapshots.retain(|offset| *offset <= end);

    let mut from = log.segments[0].base_offset;
    log.producers.clear();
    while let Some(offset) = snapshots.pop() {
        if let Some(producers) = Producers::read_snapshot(directory, offset)? {
            log.producers = producers;
            from = from.max(offset);
            break;
        }
    }
    let first =
        log.segments.partition_point(|segment| segment.base_offset <= from).saturating_sub(1);
    for segment in &log.segments[first..] {
        if from.max(segment.base_offset) >= end {
            break;
        }
        let mut walk = segment.walk_to(&log.home, from)?;
        while let Some((at, header)) = walk.next_header()? {
            if header.last_offset() < from || !header.has_producer_id() {
                continue;
            }
            let batch = header.is_control().then(|| walk.batch(at, &header)).transpose()?;
            log.producers.update(&header, batch.as_ref().and_then(marker));
        }
    }
    Ok(())
}

/// What the record of a control batch says; `None` where it has none any more.
pub(crate) fn marker(batch: &Bytes) -> Option<ControlRecord> {
    let record = RecordIter::new(batch, MARKER_BYTES_MAX).ok()?.next()?.ok()?;
    ControlRecord::parse(&record).ok()
}

/// Removes all producer snapshots.
pub(crate) fn remove_snapshots(directory: &Path) -> Result<(), StorageError> {
    for offset in directory::list_snapshots(directory)? {
        disk::remove(&segment_path(directory, offset, "snapshot"))?;
    }
    Ok(())
}
