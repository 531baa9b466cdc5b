//! What leaves the log at its start: by age, by size, by DeleteRecords, and with the topic.

use std::path::PathBuf;

use uuid::Uuid;

use crate::disk::{self, StorageError};
use crate::log::Log;

/// What a deletion removed from the log.
#[derive(Debug, Default)]
pub struct Removed {
    pub segments: usize,
    pub bytes: u64,
    /// Files whose `file.delete.delay.ms` is over.
    expired: Vec<PathBuf>,
}

impl Removed {
    /// Removes files from the disk. Call it without the partition's lock: a large file takes long.
    pub fn unlink(self) -> Result<(), StorageError> {
        self.expired.iter().try_for_each(|path| disk::remove(path))
    }
}

impl Log {
    /// Moves the log's start up to `to` (DeleteRecords, or a leader's start that a follower adopts).
    /// Segments before it go with the next [`Self::delete_old_segments`]. True where it moved.
    pub fn advance_log_start_offset(&mut self, to: i64) -> Result<bool, StorageError> {
        let to = to.min(self.log_end_offset);
        if to <= self.log_start_offset {
            return Ok(false);
        }
        self.log_start_offset = to;
        self.epochs_unwritten |= self.epochs.truncate_start(to);
        self.write_epochs()?;
        Ok(true)
    }

    /// Removes the segments that retention no longer keeps. None at or above `high_watermark` goes.
    pub fn delete_old_segments(
        &mut self,
        now_ms: i64,
        high_watermark: i64,
    ) -> Result<Removed, StorageError> {
        let mut removed = Removed::default();
        let mut size_bytes = self.size_bytes();
        let mut doomed = 0;
        while self.is_deletable(doomed, size_bytes, now_ms, high_watermark)? {
            size_bytes -= u64::from(self.segments[doomed].size);
            doomed += 1;
        }
        if doomed == self.segments.len() {
            // Everything is too old: the log goes on, empty, at its end.
            self.roll(self.log_end_offset, now_ms)?;
        }
        let start_offset = self.segments[doomed].base_offset;
        let delete_at_ms = now_ms.saturating_add(self.config.file_delete_delay_ms);
        for segment in self.segments.drain(..doomed) {
            removed.segments += 1;
            removed.bytes += u64::from(segment.size);
            let paths = segment.retire(&self.home, &[])?;
            self.retired.extend(paths.into_iter().map(|path| (path, delete_at_ms)));
        }
        self.advance_log_start_offset(start_offset)?;
        removed.expired = self
            .retired
            .extract_if(.., |(_, at_ms)| *at_ms <= now_ms)
            .map(|(path, _)| path)
            .collect();
        Ok(removed)
    }

    fn is_deletable(
        &self,
        index: usize,
        size_bytes: u64,
        now_ms: i64,
        high_watermark: i64,
    ) -> Result<bool, StorageError> {
        let Some(segment) = self.segments.get(index) else { return Ok(false) };
        let active = index + 1 == self.segments.len();
        let end = self.segments.get(index + 1).map_or(self.log_end_offset, |it| it.base_offset);
        if end > high_watermark || active && segment.size == 0 {
            return Ok(false);
        }
        if !active && end <= self.log_start_offset {
            return Ok(true);
        }
        if !self.config.delete {
            return Ok(false);
        }
        let too_old = self.config.retention_ms >= 0 && {
            let newest = segment.max_timestamp(&self.home)?;
            let newest_ms = newest.map_or(segment.modified_ms, |max| max.timestamp);
            now_ms.saturating_sub(newest_ms) > self.config.retention_ms
        };
        let excess = self.config.retention_bytes >= 0
            && size_bytes.saturating_sub(segment.size.into()) >= self.config.retention_bytes as u64;
        Ok(too_old || excess && !active)
    }

    /// Takes the log out of service: its directory gets a name by which nobody finds it.
    /// `unique` tells it from earlier logs of that name.
    pub fn delete(self, unique: Uuid) -> Result<DeletedLog, StorageError> {
        let name = self.home.directory.file_name().unwrap_or_default().to_string_lossy();
        let suffix = format!(".{}-delete", unique.simple());
        // A file name takes 255 bytes, and a topic's 249.
        let room = 255usize.saturating_sub(suffix.len());
        let kept: String = name.chars().take(room).collect();
        let path = self.home.directory.with_file_name(kept + &suffix);
        disk::rename(&self.home.directory, &path)?;
        Ok(DeletedLog { path })
    }
}

/// The directory of a log that was deleted.
#[derive(Debug)]
pub struct DeletedLog {
    path: PathBuf,
}

impl DeletedLog {
    /// Removes the files, which takes as long as there is data.
    pub fn remove(self) -> Result<(), StorageError> {
        disk::remove_directory(&self.path)
    }
}
