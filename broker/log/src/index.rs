//! The sparse indexes of a segment: offset to position (`.index`) and timestamp to offset
//! (`.timeindex`), in Kafka's format.
//!
//! New entries collect in memory and are written in groups; older ones are searched in the file by
//! a few positioned reads. So an index costs no memory map and no memory that grows with the log.
//! It is never synced: after an unclean stop it is made anew from the log.

use std::sync::Arc;

use crate::disk::{DiskFile, StorageError};

/// Entries that are written together.
const PENDING_MAX: usize = 64;
/// Bytes that one step of a search reads.
const BLOCK_BYTES: usize = 4096;

/// An entry of fixed size whose key only rises within an index.
pub(crate) trait IndexEntry: Copy {
    const BYTES: usize;
    fn key(&self) -> i64;
    fn encode(&self, out: &mut Vec<u8>);
    fn decode(bytes: &[u8]) -> Self;
}

/// The batch at `position` ends with offset base + `relative_offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OffsetEntry {
    pub(crate) relative_offset: u32,
    pub(crate) position: u32,
}

impl IndexEntry for OffsetEntry {
    const BYTES: usize = 8;

    fn key(&self) -> i64 {
        self.relative_offset.into()
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
        out.extend_from_slice(&self.position.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        Self { relative_offset: u32_at(bytes, 0), position: u32_at(bytes, 4) }
    }
}

/// Nothing up to offset base + `relative_offset` is younger than `timestamp`, which the batch that
/// ends there has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeEntry {
    pub(crate) timestamp: i64,
    pub(crate) relative_offset: u32,
}

impl IndexEntry for TimeEntry {
    const BYTES: usize = 12;

    fn key(&self) -> i64 {
        self.timestamp
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.relative_offset.to_be_bytes());
    }

    fn decode(bytes: &[u8]) -> Self {
        let timestamp = bytes[..8].try_into().expect("a slice of 8 bytes");
        Self { timestamp: i64::from_be_bytes(timestamp), relative_offset: u32_at(bytes, 8) }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("a slice of 4 bytes"))
}

/// One index of a segment: entries in its file, then entries in memory.
#[derive(Clone, Debug)]
pub(crate) struct Index<E> {
    written: u32,
    pending: Vec<E>,
}

impl<E: IndexEntry> Index<E> {
    /// An index whose file has `len` bytes. A torn last entry is ignored and overwritten.
    pub(crate) fn of_file(len: u64) -> Self {
        let written = u32::try_from(len / E::BYTES as u64).unwrap_or(u32::MAX);
        Self { written, pending: Vec::new() }
    }

    pub(crate) fn entries(&self) -> usize {
        self.written as usize + self.pending.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.entries() * E::BYTES
    }

    pub(crate) fn push(&mut self, entry: E) {
        self.pending.push(entry);
    }

    pub(crate) fn must_write(&self) -> bool {
        self.pending.len() >= PENDING_MAX
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes what is only in memory.
    pub(crate) fn write(&mut self, file: &DiskFile) -> Result<(), StorageError> {
        let mut bytes = Vec::with_capacity(self.pending.len() * E::BYTES);
        self.pending.iter().for_each(|entry| entry.encode(&mut bytes));
        file.write_at(self.written as u64 * E::BYTES as u64, &bytes)?;
        self.written += self.pending.len() as u32;
        self.pending = Vec::new();
        Ok(())
    }

    /// Plans the search for the last entry whose key is not above `key`.
    pub(crate) fn lookup(
        &self,
        key: i64,
        file: impl FnOnce() -> Result<Arc<DiskFile>, StorageError>,
    ) -> Result<Lookup<E>, StorageError> {
        let found = self.pending.partition_point(|entry| entry.key() <= key);
        if found > 0 || self.written == 0 {
            return Ok(Lookup::Known(found.checked_sub(1).map(|last| self.pending[last])));
        }
        Ok(Lookup::InFile { file: file()?, entries: self.written as usize, key })
    }

    pub(crate) fn last(
        &self,
        file: impl FnOnce() -> Result<Arc<DiskFile>, StorageError>,
    ) -> Result<Option<E>, StorageError> {
        match (self.pending.last(), self.written) {
            (Some(last), _) => Ok(Some(*last)),
            (None, 0) => Ok(None),
            (None, written) => {
                Ok(read_entries(&*file()?, written as usize - 1, 1)?.first().copied())
            }
        }
    }

    /// Forgets the entries from the first one that `keep` refuses.
    pub(crate) fn truncate(
        &mut self,
        file: &DiskFile,
        keep: impl Fn(&E) -> bool,
    ) -> Result<(), StorageError> {
        self.write(file)?;
        let entries: Vec<E> = read_entries(file, 0, self.written as usize)?;
        self.written = entries.iter().take_while(|entry| keep(entry)).count() as u32;
        file.truncate(self.written as u64 * E::BYTES as u64)
    }
}

/// A search that may still have to read the index file.
#[derive(Clone, Debug)]
pub(crate) enum Lookup<E> {
    Known(Option<E>),
    InFile { file: Arc<DiskFile>, entries: usize, key: i64 },
}

impl<E: IndexEntry> Lookup<E> {
    pub(crate) fn execute(&self) -> Result<Option<E>, StorageError> {
        match self {
            Self::Known(entry) => Ok(*entry),
            Self::InFile { file, entries, key } => search(file, *entries, *key),
        }
    }
}

fn read_entries<E: IndexEntry>(
    file: &DiskFile,
    first: usize,
    count: usize,
) -> Result<Vec<E>, StorageError> {
    let bytes = file.read_at((first * E::BYTES) as u64, count * E::BYTES)?;
    Ok(bytes.chunks_exact(E::BYTES).map(E::decode).collect())
}

/// Halves the range of blocks until one is left, then searches that one in memory.
fn search<E: IndexEntry>(
    file: &DiskFile,
    entries: usize,
    key: i64,
) -> Result<Option<E>, StorageError> {
    let per_block = BLOCK_BYTES / E::BYTES;
    // The last block whose first entry is not above the key, if any, is in `low..high`.
    let (mut low, mut high) = (0, entries.div_ceil(per_block));
    while high - low > 1 {
        let middle = (low + high) / 2;
        let first: Vec<E> = read_entries(file, middle * per_block, 1)?;
        match first.first() {
            Some(first) if first.key() <= key => low = middle,
            _ => high = middle,
        }
    }
    let first = low * per_block;
    let block: Vec<E> = read_entries(file, first, per_block.min(entries - first))?;
    let found = block.partition_point(|entry| entry.key() <= key);
    Ok(found.checked_sub(1).map(|last| block[last]))
}
