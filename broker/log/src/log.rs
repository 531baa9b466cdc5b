//! The log of one partition: its bounds, its epochs, truncation and syncing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use records::BatchError;
use uuid::Uuid;

use crate::checkpoint::CheckpointError;
use crate::config::LogConfig;
use crate::directory;
use crate::disk::{self, DiskFile, StorageError};
use crate::epochs::{EpochEntry, Epochs};
use crate::open;
use crate::producers::{ProducerState, Producers};
use crate::segment::{Home, Segment, WalkError};
use crate::tail::Tail;

/// One partition's log. Made by [`Log::open`].
#[derive(Debug)]
pub struct Log {
    pub(crate) home: Home,
    pub(crate) config: LogConfig,
    pub(crate) topic_id: Option<Uuid>,
    /// Sorted by base offset, never empty; the last one is the active one.
    pub(crate) segments: Vec<Segment>,
    pub(crate) log_start_offset: i64,
    pub(crate) log_end_offset: i64,
    pub(crate) recovery_point: i64,
    /// The highest recovery point that a checkpoint may hold.
    pub(crate) promised_recovery_point: i64,
    /// A file says that the recovery point is lower than that.
    pub(crate) truncated: bool,
    pub(crate) epochs: Epochs,
    /// The epochs differ from the file.
    pub(crate) epochs_unwritten: bool,
    /// The file of the epochs was not synced since it changed.
    pub(crate) epochs_unsynced: bool,
    pub(crate) producers: Producers,
    pub(crate) tail: Arc<Tail>,
    /// When the oldest record that is not synced was appended.
    pub(crate) unsynced_since_ms: Option<i64>,
    /// Counts changes of the directory's names, and those of them that are synced.
    pub(crate) directory_changes: u64,
    pub(crate) directory_synced: u64,
    /// Counts truncations: a sync that was planned before one says nothing about what came after.
    pub(crate) truncations: u32,
    /// Renamed files and when they may be removed.
    pub(crate) retired: Vec<(PathBuf, i64)>,
    /// A write or sync failed, and nobody knows what the disk holds.
    pub(crate) damaged: bool,
}

/// A log that cannot be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log directory is offline. `KAFKA_STORAGE_ERROR`.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A checkpoint file makes no sense.
    #[error(transparent)]
    Checkpoint(CheckpointError),
    /// Bytes that were synced are no longer what they were. Another replica has them.
    #[error("{} at byte {position}: {error}", path.display())]
    Corrupt { path: PathBuf, position: u64, error: BatchError },
    /// The directory belongs to another topic of the same name. `INCONSISTENT_TOPIC_ID`.
    #[error("{} belongs to topic id {found}, not {expected}", directory.display())]
    InconsistentTopicId { directory: PathBuf, found: Uuid, expected: Uuid },
    /// The directory was written by something else or newer.
    #[error("{}: {what}", path.display())]
    Unreadable { path: PathBuf, what: String },
}

impl From<WalkError> for LogError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Storage(error) => Self::Storage(error),
            WalkError::Corrupt { path, position, error } => Self::Corrupt { path, position, error },
        }
    }
}

impl From<CheckpointError> for LogError {
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Storage(error) => Self::Storage(error),
            malformed => Self::Checkpoint(malformed),
        }
    }
}

impl Log {
    /// Offset of the first record that may be read.
    pub fn log_start_offset(&self) -> i64 {
        self.log_start_offset
    }

    /// Offset that the next record gets.
    pub fn log_end_offset(&self) -> i64 {
        self.log_end_offset
    }

    /// Everything before this offset is on disk for sure.
    pub fn recovery_point(&self) -> i64 {
        self.recovery_point
    }

    /// Bytes of all segments, indexes excluded.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| u64::from(segment.size)).sum()
    }

    /// How many segments the log has, the active one included.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    pub fn directory(&self) -> &Path {
        &self.home.directory
    }

    pub fn config(&self) -> &LogConfig {
        &self.config
    }

    /// Takes effect with the next append and the next deletion.
    pub fn update_config(&mut self, config: LogConfig) {
        self.config = config;
    }

    /// From `partition.metadata`; `None` until [`Self::assign_topic_id`].
    pub fn topic_id(&self) -> Option<Uuid> {
        self.topic_id
    }

    /// Writes down which topic the log belongs to; fails where it is another one's.
    pub fn assign_topic_id(&mut self, topic_id: Uuid) -> Result<(), LogError> {
        match self.topic_id {
            Some(found) if found == topic_id => Ok(()),
            Some(found) => Err(LogError::InconsistentTopicId {
                directory: self.home.directory.clone(),
                found,
                expected: topic_id,
            }),
            None => {
                directory::write_topic_id(&self.home.directory, topic_id)?;
                self.topic_id = Some(topic_id);
                Ok(())
            }
        }
    }

    /// Leader epoch of the last entry; `None` in a log without epochs.
    pub fn last_epoch(&self) -> Option<i32> {
        self.epochs.last().map(|entry| entry.epoch)
    }

    /// Where each leader epoch began.
    pub fn leader_epochs(&self) -> &[EpochEntry] {
        self.epochs.entries()
    }

    /// Begins a leader epoch. A new leader calls it with its log end offset.
    pub fn assign_leader_epoch(&mut self, epoch: i32, start_offset: i64) {
        // Written when the recovery point moves: until then, the batches say it.
        self.epochs_unwritten |= self.epochs.insert(EpochEntry { epoch, start_offset });
    }

    /// The largest leader epoch not above `requested_epoch` and the offset where it ends, as
    /// OffsetForLeaderEpoch answers it (KIP-101, KIP-279). `(-1, -1)`: not known.
    pub fn end_offset_for_epoch(&self, requested_epoch: i32) -> (i32, i64) {
        self.epochs.end_offset_for(requested_epoch, self.log_end_offset)
    }

    /// The leader epoch of the record at `offset`.
    pub fn epoch_of(&self, offset: i64) -> Option<i32> {
        self.epochs.epoch_of(offset)
    }

    /// What each idempotent producer wrote last (DescribeProducers), by producer id.
    pub fn producers(&self) -> impl Iterator<Item = (i64, &ProducerState)> {
        self.producers.iter()
    }

    /// Forgets producers that have been silent for `producer_id_expiration_ms`.
    pub fn expire_producers(&mut self, now_ms: i64) {
        self.producers.expire(now_ms, self.config.producer_id_expiration_ms);
    }

    /// Removes everything from `offset` on: a follower whose log parted from its leader's. Returns
    /// the new log end offset, which is lower where `offset` lies inside a batch or a gap.
    pub fn truncate_to(&mut self, offset: i64) -> Result<i64, LogError> {
        if offset >= self.log_end_offset {
            // A leadership without a record leaves an epoch at the end, which its successor lacks:
            // kept, the two would find their logs different for ever.
            self.epochs_unwritten |= self.epochs.truncate_end(self.log_end_offset);
            self.write_epochs()?;
            return Ok(self.log_end_offset);
        }
        if offset <= self.segments[0].base_offset {
            self.truncate_fully_and_start_at(offset)?;
            return Ok(offset);
        }
        tracing::info!(
            directory = %self.home.directory.display(),
            from = self.log_end_offset,
            to = offset,
            "truncating"
        );
        self.truncations += 1;
        self.tail.clear();
        let active = self.segments.partition_point(|segment| segment.base_offset <= offset) - 1;
        for segment in self.segments.drain(active + 1..) {
            for path in segment.retire(&self.home, &[])? {
                disk::remove(&path)?;
            }
        }
        let end_offset = self.cut_active(offset)?;
        self.log_end_offset = end_offset;
        self.recovery_point = self.recovery_point.min(end_offset);
        self.log_start_offset = self.log_start_offset.min(end_offset);
        self.epochs_unwritten |= self.epochs.truncate_end(end_offset);
        self.write_epochs()?;
        self.keep_promise()?;
        open::load_producers(self, directory::list_snapshots(&self.home.directory)?)?;
        Ok(end_offset)
    }

    /// Removes everything from a damaged batch on, and the whole log where the files are too damaged
    /// for that. Only for a replica on which nobody counts: records go that were committed.
    pub fn truncate_damaged(&mut self, offset: i64) -> Result<i64, LogError> {
        let start_offset = self.log_start_offset;
        match self.truncate_to(offset.max(start_offset)) {
            Ok(end_offset) => Ok(end_offset),
            Err(error) => {
                let directory = self.home.directory.display();
                tracing::warn!(%directory, offset, %error, "cannot cut the log before the damage");
                self.truncate_fully_and_start_at(start_offset)?;
                Ok(start_offset)
            }
        }
    }

    /// Cuts the active segment before the batch that holds or follows `offset`. The log ends where
    /// the last batch before it does: what the files say when they are opened again.
    fn cut_active(&mut self, offset: i64) -> Result<i64, LogError> {
        let segment = self.segments.last_mut().expect("a log has an active segment");
        let mut walk = segment.walk_to(&self.home, offset)?;
        let (mut position, mut cut_offset) = (segment.size, offset);
        while let Some((at, header)) = walk.next_header()? {
            if header.last_offset() >= offset {
                position = at;
                cut_offset = offset.min(header.base_offset);
                break;
            }
        }
        segment.truncate(&self.home, position)?;
        segment.truncate_times(&self.home, cut_offset)?;
        Ok(segment.resume(&self.home)?)
    }

    /// Removes everything and continues at `offset`: a follower whose leader no longer has what
    /// would come next.
    pub fn truncate_fully_and_start_at(&mut self, offset: i64) -> Result<(), LogError> {
        tracing::info!(
            directory = %self.home.directory.display(),
            start = offset,
            "removing everything and starting anew"
        );
        self.truncations += 1;
        self.tail.clear();
        for segment in self.segments.drain(..) {
            for path in segment.retire(&self.home, &[])? {
                disk::remove(&path)?;
            }
        }
        // Until the new segment exists the log has none: a failure in between must not go unseen.
        self.damaged = true;
        self.segments.push(Segment::create(&self.home, offset, 0)?);
        self.damaged = false;
        self.directory_changes += 1;
        self.log_start_offset = offset;
        self.log_end_offset = offset;
        self.recovery_point = offset;
        self.epochs.clear();
        self.epochs_unwritten = true;
        self.write_epochs()?;
        self.keep_promise()?;
        self.producers.clear();
        open::remove_snapshots(&self.home.directory)?;
        Ok(())
    }

    /// The checkpoint of the log directory is written now and then, so it may say that more is
    /// synced than a truncation has left. As long as that may be, a file beside the log corrects
    /// it: an unclean stop would otherwise find batches torn that were promised to be whole.
    pub(crate) fn keep_promise(&mut self) -> Result<(), StorageError> {
        self.promised_recovery_point = self.promised_recovery_point.max(self.recovery_point);
        let truncated = self.recovery_point < self.promised_recovery_point;
        if truncated {
            directory::write_truncated(&self.home.directory, self.recovery_point)?;
        } else if self.truncated {
            directory::remove_truncated(&self.home.directory)?;
        }
        self.truncated = truncated;
        Ok(())
    }

    pub(crate) fn write_epochs(&mut self) -> Result<(), StorageError> {
        if self.epochs_unwritten {
            self.epochs.write(&self.home.directory)?;
            self.epochs_unwritten = false;
            self.epochs_unsynced = true;
        }
        Ok(())
    }

    /// Whether the oldest unsynced record is older than `flush.ms` allows.
    pub fn flush_is_due(&self, now_ms: i64) -> bool {
        self.unsynced_since_ms
            .is_some_and(|since| now_ms.saturating_sub(since) >= self.config.flush_ms)
    }

    /// Syncs everything up to the log end. Returns the new recovery point.
    pub fn flush(&mut self) -> Result<i64, StorageError> {
        if let Some(plan) = self.plan_flush(self.log_end_offset)? {
            if let Err(error) = plan.execute() {
                // What the page cache dropped, a second attempt would call synced.
                self.damaged = true;
                return Err(error);
            }
            self.flushed(&plan);
        }
        Ok(self.recovery_point)
    }

    /// What has to be synced to move the recovery point to `to` at least as far as whole segments
    /// go: give [`Self::active_base_offset`] to sync the sealed ones, or the log end offset. The
    /// plan runs without the partition's lock; report it with [`Self::flushed`].
    pub fn plan_flush(&mut self, to: i64) -> Result<Option<FlushPlan>, StorageError> {
        let to = to.min(self.log_end_offset);
        if to <= self.recovery_point {
            return Ok(None);
        }
        let first = self
            .segments
            .partition_point(|segment| segment.base_offset <= self.recovery_point)
            .saturating_sub(1);
        let mut files = Vec::new();
        for segment in self.segments[first..].iter().filter(|segment| segment.base_offset < to) {
            files.push(segment.log(&self.home)?);
        }
        Ok(Some(FlushPlan {
            files,
            directory: (self.directory_synced < self.directory_changes)
                .then(|| self.home.directory.clone()),
            directory_changes: self.directory_changes,
            epochs: (self.epochs_unwritten || self.epochs_unsynced)
                .then(|| (self.home.directory.clone(), self.epochs.clone())),
            recovery_point: to,
            truncations: self.truncations,
        }))
    }

    /// Takes note of a plan that was executed.
    pub fn flushed(&mut self, plan: &FlushPlan) {
        if plan.truncations != self.truncations {
            return;
        }
        self.recovery_point = self.recovery_point.max(plan.recovery_point);
        self.directory_synced = self.directory_synced.max(plan.directory_changes);
        if let Some((_, epochs)) = &plan.epochs
            && epochs.entries() == self.epochs.entries()
        {
            self.epochs_unwritten = false;
            self.epochs_unsynced = false;
        }
        if self.recovery_point >= self.log_end_offset {
            self.unsynced_since_ms = None;
        }
        if !self.truncated || self.recovery_point >= self.promised_recovery_point {
            // Else the file beside the log names an earlier point, which is as true.
            if let Err(error) = self.keep_promise() {
                tracing::warn!(%error, "the log will recover from an earlier point than it has to");
            }
        }
    }

    /// Takes the log offline after a plan could not be executed: nothing is appended any more, and
    /// it does not count as closed properly.
    pub fn failed(&mut self) {
        self.damaged = true;
    }

    /// Whether a write or sync failed such that nobody knows what the disk holds.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Base offset of the active segment.
    pub fn active_base_offset(&self) -> i64 {
        self.active().base_offset
    }

    pub(crate) fn active(&self) -> &Segment {
        self.segments.last().expect("a log has an active segment")
    }

    /// Syncs the log and writes what makes the next start quick: indexes and producer snapshot.
    /// Whoever closes all logs of a directory marks it clean afterwards.
    pub fn close(&mut self) -> Result<(), StorageError> {
        if self.damaged {
            let earlier = std::io::Error::other("an earlier write or sync failed");
            return Err(StorageError::new("close", &self.home.directory, earlier));
        }
        self.flush()?;
        self.write_epochs()?;
        self.producers.write_snapshot(&self.home.directory, self.log_end_offset)?;
        let active = self.segments.last_mut().expect("a log has an active segment");
        active.seal(&self.home)?;
        self.segments.iter().for_each(|segment| segment.close_files(&self.home));
        self.tail.clear();
        for (path, _) in self.retired.drain(..) {
            disk::remove(&path)?;
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.segments.iter().for_each(|segment| segment.close_files(&self.home));
        self.tail.clear();
    }
}

/// Files to sync, and the recovery point that this reaches.
#[derive(Debug)]
pub struct FlushPlan {
    files: Vec<Arc<DiskFile>>,
    directory: Option<PathBuf>,
    directory_changes: u64,
    epochs: Option<(PathBuf, Epochs)>,
    recovery_point: i64,
    truncations: u32,
}

impl FlushPlan {
    /// Syncs the files. An error means that the page cache may have lost them: the log directory
    /// is offline, and syncing again proves nothing. Say so with [`Log::failed`].
    pub fn execute(&self) -> Result<(), StorageError> {
        for file in &self.files {
            file.sync()?;
        }
        if let Some((directory, epochs)) = &self.epochs {
            epochs.sync(directory)?;
        }
        if let Some(directory) = &self.directory {
            disk::sync_directory(directory)?;
            // The directory itself may be new.
            directory.parent().map_or(Ok(()), disk::sync_directory)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_log_is_small() {
        // Beside these, a log has its directory's name, its list of segments and an empty tail.
        let bytes = size_of::<Log>() + size_of::<Segment>() + size_of::<Tail>();
        assert!(bytes < 1024, "{bytes} bytes");
    }
}
