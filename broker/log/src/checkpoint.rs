//! Kafka's checkpoint files: one per log directory and kind, and the mark of a clean shutdown.
//!
//! The text is a version, a count, and a line for each entry. Files are replaced as a whole, so a
//! reader sees the old ones or the new ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::disk::{self, StorageError};

/// Up to where each log is on disk for sure: recovery starts there.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// The high watermark of each replica.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// Where each log starts, where DeleteRecords or retention moved that.
pub const LOG_START_OFFSETS: &str = "log-start-offset-checkpoint";
/// Up to where each compacted log has been cleaned.
pub const CLEANER_OFFSETS: &str = "cleaner-offset-checkpoint";
const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// Offsets by topic and partition.
pub type Offsets = BTreeMap<(String, i32), i64>;

/// A checkpoint that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Remove the file to go on without what it says: recovery then starts from the beginning.
    #[error("{} line {line}: expected {expected}", path.display())]
    Malformed { path: PathBuf, line: usize, expected: &'static str },
}

impl CheckpointError {
    pub(crate) fn malformed(path: &Path, line: usize, expected: &'static str) -> Self {
        Self::Malformed { path: path.to_owned(), line, expected }
    }
}

/// Reads a checkpoint of a log directory; empty where the file is missing.
pub fn read(log_directory: &Path, name: &str) -> Result<Offsets, CheckpointError> {
    let path = log_directory.join(name);
    let mut offsets = Offsets::new();
    for (index, fields) in read_lines(&path)?.iter().enumerate() {
        let parsed = match fields.as_slice() {
            [topic, partition, offset] => partition
                .parse()
                .ok()
                .zip(offset.parse().ok())
                .map(|(partition, offset)| ((topic.clone(), partition), offset)),
            _ => None,
        };
        let (partition, offset) = parsed.ok_or_else(|| {
            CheckpointError::malformed(&path, index + 3, "a topic, a partition and an offset")
        })?;
        offsets.insert(partition, offset);
    }
    Ok(offsets)
}

/// Replaces a checkpoint of a log directory; it is durable on return.
pub fn write(log_directory: &Path, name: &str, offsets: &Offsets) -> Result<(), StorageError> {
    let mut text = format!("0\n{}\n", offsets.len());
    for ((topic, partition), offset) in offsets {
        text += &format!("{topic} {partition} {offset}\n");
    }
    disk::write_atomically(&log_directory.join(name), text.as_bytes())
}

/// The entries of a checkpoint, split at blanks; none where the file is missing.
pub(crate) fn read_lines(path: &Path) -> Result<Vec<Vec<String>>, CheckpointError> {
    let Some(bytes) = disk::read_small(path)? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines = text.lines();
    if lines.next() != Some("0") {
        return Err(CheckpointError::malformed(path, 1, "version 0"));
    }
    let count: usize = lines
        .next()
        .and_then(|line| line.trim().parse().ok())
        .ok_or_else(|| CheckpointError::malformed(path, 2, "the number of entries"))?;
    let entries: Vec<Vec<String>> =
        lines.map(|line| line.split_whitespace().map(str::to_owned).collect()).collect();
    if entries.len() != count {
        return Err(CheckpointError::malformed(path, 2, "the number of lines that follow"));
    }
    Ok(entries)
}

/// Marks a log directory as closed properly by the broker registered under `broker_epoch`.
pub fn mark_clean_shutdown(log_directory: &Path, broker_epoch: i64) -> Result<(), StorageError> {
    let text = format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}");
    disk::write_atomically(&log_directory.join(CLEAN_SHUTDOWN), text.as_bytes())?;
    disk::sync_directory(log_directory)
}

/// Whether the directory was closed properly, and by which broker epoch (-1 where Kafka wrote none).
/// The mark stays until [`clear_clean_shutdown`], which must come before the first append.
pub fn clean_shutdown(log_directory: &Path) -> Result<Option<i64>, StorageError> {
    let Some(bytes) = disk::read_small(&log_directory.join(CLEAN_SHUTDOWN))? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let epoch = text.split_once("\"brokerEpoch\"").and_then(|(_, rest)| {
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let end = rest.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    Ok(Some(epoch.unwrap_or(-1)))
}

/// Removes the mark of a clean shutdown.
pub fn clear_clean_shutdown(log_directory: &Path) -> Result<(), StorageError> {
    disk::remove(&log_directory.join(CLEAN_SHUTDOWN))?;
    disk::sync_directory(log_directory)
}
