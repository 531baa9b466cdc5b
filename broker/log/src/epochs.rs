//! Where each leader epoch began in the log (KIP-101, KIP-279), in Kafka's `leader-epoch-checkpoint`.
//!
//! Two replicas find the point where their logs part by comparing these. The file is synced before
//! the recovery point passes the first batch of a new epoch: what lies behind the recovery point is
//! known from the file, what lies after it from the batches.

use std::path::{Path, PathBuf};

use crate::checkpoint::CheckpointError;
use crate::disk::{self, StorageError};

/// The file's name in a partition's directory.
pub(crate) const FILE_NAME: &str = "leader-epoch-checkpoint";

/// No epoch, and no offset for it (`UNDEFINED_EPOCH`, `UNDEFINED_EPOCH_OFFSET`).
pub(crate) const UNDEFINED: (i32, i64) = (-1, -1);

/// The first offset of a leader epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    pub epoch: i32,
    pub start_offset: i64,
}

/// The epochs of a log, both numbers strictly rising.
#[derive(Clone, Debug, Default)]
pub(crate) struct Epochs {
    entries: Vec<EpochEntry>,
}

impl Epochs {
    pub(crate) fn load(directory: &Path) -> Result<Self, CheckpointError> {
        let mut epochs = Self::default();
        for (line, fields) in crate::checkpoint::read_lines(&path(directory))?.iter().enumerate() {
            let parsed = match fields.as_slice() {
                [epoch, offset] => epoch.parse().ok().zip(offset.parse().ok()),
                _ => None,
            };
            let (epoch, start_offset) = parsed.ok_or_else(|| {
                CheckpointError::malformed(&path(directory), line + 3, "two numbers")
            })?;
            epochs.insert(EpochEntry { epoch, start_offset });
        }
        Ok(epochs)
    }

    pub(crate) fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    pub(crate) fn last(&self) -> Option<EpochEntry> {
        self.entries.last().copied()
    }

    /// Starts an epoch; what contradicts it is dropped. True where that changed something.
    pub(crate) fn insert(&mut self, entry: EpochEntry) -> bool {
        let needed = entry.epoch >= 0
            && entry.start_offset >= 0
            && self.last().is_none_or(|last| {
                last.epoch != entry.epoch || entry.start_offset < last.start_offset
            });
        if needed {
            let kept = self.entries.iter().take_while(|known| {
                known.epoch < entry.epoch && known.start_offset < entry.start_offset
            });
            self.entries.truncate(kept.count());
            self.entries.push(entry);
        }
        needed
    }

    /// The largest known epoch that is not above the requested one, and where it ends.
    pub(crate) fn end_offset_for(&self, requested: i32, log_end_offset: i64) -> (i32, i64) {
        let Some(last) = self.last() else { return UNDEFINED };
        if requested < 0 {
            return UNDEFINED;
        }
        if requested == last.epoch {
            return (requested, log_end_offset);
        }
        let higher = self.entries.partition_point(|entry| entry.epoch <= requested);
        match (higher.checked_sub(1), self.entries.get(higher)) {
            (_, None) => UNDEFINED,
            // Its records are gone: the follower may go on where the log begins.
            (None, Some(first)) => (requested, first.start_offset),
            (Some(floor), Some(higher)) => (self.entries[floor].epoch, higher.start_offset),
        }
    }

    /// The epoch that an offset of the log belongs to.
    pub(crate) fn epoch_of(&self, offset: i64) -> Option<i32> {
        let after = self.entries.partition_point(|entry| entry.start_offset <= offset);
        Some(self.entries[after.checked_sub(1)?].epoch)
    }

    /// Drops the epochs that begin at or after the log's new end.
    pub(crate) fn truncate_end(&mut self, end_offset: i64) -> bool {
        let kept = self.entries.partition_point(|entry| entry.start_offset < end_offset);
        let changed = kept < self.entries.len();
        self.entries.truncate(kept);
        changed
    }

    /// Drops the epochs that end before the log's new start; the one it lies in begins there now.
    pub(crate) fn truncate_start(&mut self, start_offset: i64) -> bool {
        let after = self.entries.partition_point(|entry| entry.start_offset <= start_offset);
        let Some(containing) = after.checked_sub(1) else { return false };
        let changed = containing > 0 || self.entries[containing].start_offset != start_offset;
        self.entries.drain(..containing);
        self.entries[0].start_offset = start_offset;
        changed
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Writes the checkpoint, where a killed process finds it again.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), StorageError> {
        disk::write_unsynced(&path(directory), self.text().as_bytes())
    }

    /// Writes the checkpoint; it is durable on return.
    pub(crate) fn sync(&self, directory: &Path) -> Result<(), StorageError> {
        disk::write_atomically(&path(directory), self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut text = format!("0\n{}\n", self.entries.len());
        for entry in &self.entries {
            text += &format!("{} {}\n", entry.epoch, entry.start_offset);
        }
        text
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(FILE_NAME)
}
