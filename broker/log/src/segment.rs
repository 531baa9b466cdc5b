//! One segment of a log: its file of batches and the two indexes into it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use records::{BatchError, BatchHeader, HEADER_BYTES, NO_TIMESTAMP};

use crate::config::LogConfig;
use crate::disk::{self, DiskFile, StorageError};
use crate::index::{Index, Lookup, OffsetEntry, TimeEntry};
use crate::shared::{FileId, Shared, segment_path};

/// Suffixes of the files of a segment.
pub(crate) const SUFFIXES: [&str; 5] = ["log", "index", "timeindex", "txnindex", "snapshot"];
/// Suffixes of the files that a cleaning replaces, the batches last.
pub(crate) const REPLACED_SUFFIXES: [&str; 4] = ["index", "timeindex", "txnindex", "log"];
/// Bytes that a walk over headers reads at once.
const HEADERS_READ_BYTES: usize = 64 * 1024;
/// Bytes that a walk over whole batches reads at once.
const BATCHES_READ_BYTES: usize = 1024 * 1024;

/// Where a log's files are, and through what they are opened.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) directory: PathBuf,
    pub(crate) shared: Arc<Shared>,
}

/// The largest timestamp of a segment and the last offset of the first batch that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxTimestamp {
    pub(crate) timestamp: i64,
    pub(crate) offset: i64,
}

/// A sealed segment or the active one.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    /// Bytes of whole batches; the file may be longer only after a failed write.
    pub(crate) size: u32,
    file_id: FileId,
    /// What follows the suffixes of the files: nothing, or `.cleaned` or `.swap` while the cleaner
    /// has it.
    stage: &'static str,
    offset_index: Index<OffsetEntry>,
    time_index: Index<TimeEntry>,
    bytes_since_entry: u32,
    last_indexed_timestamp: i64,
    /// Read from the time index when first needed.
    max_timestamp: OnceLock<MaxTimestamp>,
    /// Largest timestamp of the first append: what the age of the segment is counted from.
    pub(crate) first_timestamp: Option<i64>,
    /// When the segment was made, or its file was last written before it was opened.
    pub(crate) modified_ms: i64,
}

impl Segment {
    /// A new, empty segment.
    pub(crate) fn create(home: &Home, base_offset: i64, now_ms: i64) -> Result<Self, StorageError> {
        let segment = Self::of_files(home, base_offset, FileSizes::default(), now_ms);
        home.shared.open(segment.file_id, || DiskFile::create(&segment.path(home, "log")))?;
        Ok(segment)
    }

    /// A new, empty segment for the cleaner.
    pub(crate) fn create_cleaned(
        home: &Home,
        base_offset: i64,
        modified_ms: i64,
    ) -> Result<Self, StorageError> {
        let mut segment = Self::of_files(home, base_offset, FileSizes::default(), modified_ms);
        segment.stage = ".cleaned";
        for suffix in REPLACED_SUFFIXES {
            disk::remove(&segment.path(home, suffix))?;
        }
        home.shared.open(segment.file_id, || DiskFile::create(&segment.path(home, "log")))?;
        Ok(segment)
    }

    /// Renames the files for the next stage, the one with the batches last: what stands beside it
    /// is complete.
    pub(crate) fn restage(&mut self, home: &Home, stage: &'static str) -> Result<(), StorageError> {
        self.close_files(home);
        let before = std::mem::replace(&mut self.stage, stage);
        for suffix in REPLACED_SUFFIXES {
            let from =
                segment_path(&home.directory, self.base_offset, &format!("{suffix}{before}"));
            rename_if_there(&from, &self.path(home, suffix))?;
        }
        // The open files of the old id know themselves by their old names.
        self.file_id = home.shared.next_file_id();
        Ok(())
    }

    /// Removes the files of a copy that is not needed.
    pub(crate) fn discard(&self, home: &Home) -> Result<(), StorageError> {
        self.close_files(home);
        REPLACED_SUFFIXES.iter().try_for_each(|suffix| disk::remove(&self.path(home, suffix)))
    }

    pub(crate) fn file_id(&self) -> FileId {
        self.file_id
    }

    /// Bytes of the larger index.
    pub(crate) fn index_bytes(&self) -> usize {
        self.offset_index.bytes().max(self.time_index.bytes())
    }

    /// A segment whose files exist and are believed.
    pub(crate) fn of_files(
        home: &Home,
        base_offset: i64,
        sizes: FileSizes,
        modified_ms: i64,
    ) -> Self {
        Self {
            base_offset,
            size: sizes.log,
            file_id: home.shared.next_file_id(),
            stage: "",
            offset_index: Index::of_file(sizes.index),
            time_index: Index::of_file(sizes.time_index),
            bytes_since_entry: 0,
            last_indexed_timestamp: i64::MIN,
            max_timestamp: OnceLock::new(),
            first_timestamp: None,
            modified_ms,
        }
    }

    pub(crate) fn log(&self, home: &Home) -> Result<Arc<DiskFile>, StorageError> {
        home.shared.open(self.file_id, || DiskFile::open(&self.path(home, "log")))
    }

    fn index_file(&self, home: &Home) -> Result<Arc<DiskFile>, StorageError> {
        let open = || DiskFile::open_or_create(&self.path(home, "index"));
        home.shared.open(self.file_id + 1, open)
    }

    fn time_index_file(&self, home: &Home) -> Result<Arc<DiskFile>, StorageError> {
        let open = || DiskFile::open_or_create(&self.path(home, "timeindex"));
        home.shared.open(self.file_id + 2, open)
    }

    fn path(&self, home: &Home, suffix: &str) -> PathBuf {
        segment_path(&home.directory, self.base_offset, &format!("{suffix}{}", self.stage))
    }

    /// Closes what is open of this segment; files that are being read stay open for their readers.
    pub(crate) fn close_files(&self, home: &Home) {
        (0..3).for_each(|kind| home.shared.close(self.file_id + kind));
    }

    /// Whether an append of `len` bytes up to `last_offset` has no place here.
    pub(crate) fn is_full(&self, config: &LogConfig, len: usize, last_offset: i64) -> bool {
        let room = u64::from(config.segment_bytes).saturating_sub(self.size.into());
        let index_max = config.segment_index_bytes as usize;
        self.size > 0 && len as u64 > room
            || self.offset_index.bytes() + 8 > index_max
            || self.time_index.bytes() + 24 > index_max
            || !self.spans(last_offset)
    }

    /// How long the segment has been filling, by the timestamps in it or else by the clock.
    pub(crate) fn age_ms(&self, max_timestamp: i64, now_ms: i64) -> i64 {
        match self.first_timestamp {
            Some(first) if first >= 0 => max_timestamp.saturating_sub(first),
            _ => now_ms.saturating_sub(self.modified_ms),
        }
    }

    /// Writes batches at the end and enters them into the indexes. After an error nothing has
    /// changed, unless the file could not be cut back (`Err` of the inner kind).
    pub(crate) fn append(
        &mut self,
        home: &Home,
        config: &LogConfig,
        bytes: &[u8],
        batches: &[(Range<usize>, BatchHeader)],
    ) -> Result<(), AppendFailure> {
        let file = self.log(home).map_err(AppendFailure::Unchanged)?;
        if let Err(error) = file.write_at(self.size.into(), bytes) {
            return Err(match file.truncate(self.size.into()) {
                Ok(()) => AppendFailure::Unchanged(error),
                Err(_) => AppendFailure::Damaged(error),
            });
        }
        for (range, header) in batches {
            self.note(header, self.size + range.start as u32, config.index_interval_bytes);
        }
        self.size += bytes.len() as u32;
        if self.offset_index.must_write() || self.time_index.must_write() {
            // The batches are in the log: an index that lags behind it only costs time.
            if let Err(error) = self.write_indexes(home) {
                tracing::warn!(%error, "cannot write an index; it will be tried again");
            }
        }
        Ok(())
    }

    /// Enters a batch at `position` into the indexes and the bounds.
    pub(crate) fn note(&mut self, header: &BatchHeader, position: u32, interval_bytes: u32) {
        if position == 0 {
            self.first_timestamp = Some(header.max_timestamp);
        }
        let batch = MaxTimestamp { timestamp: header.max_timestamp, offset: header.last_offset() };
        match self.max_timestamp.get_mut() {
            Some(max) if max.timestamp >= batch.timestamp => (),
            Some(max) => *max = batch,
            None => drop(self.max_timestamp.set(batch)),
        }
        if self.bytes_since_entry > interval_bytes {
            self.offset_index.push(OffsetEntry {
                relative_offset: self.relative(header.last_offset()),
                position,
            });
            self.index_max_timestamp();
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry = self
            .bytes_since_entry
            .saturating_add(header.size_bytes().min(u32::MAX as usize) as u32);
    }

    fn index_max_timestamp(&mut self) {
        let Some(max) = self.max_timestamp.get() else { return };
        if max.timestamp > self.last_indexed_timestamp && max.timestamp > NO_TIMESTAMP {
            self.last_indexed_timestamp = max.timestamp;
            self.time_index.push(TimeEntry {
                timestamp: max.timestamp,
                relative_offset: self.relative(max.offset),
            });
        }
    }

    /// Whether the indexes of this segment can name an offset.
    pub(crate) fn spans(&self, offset: i64) -> bool {
        (0..=i64::from(i32::MAX)).contains(&(offset - self.base_offset))
    }

    fn relative(&self, offset: i64) -> u32 {
        u32::try_from(offset - self.base_offset).expect("is_full() keeps offsets within 31 bits")
    }

    /// Writes what is only in memory of the indexes.
    pub(crate) fn write_indexes(&mut self, home: &Home) -> Result<(), StorageError> {
        if self.offset_index.has_pending() {
            self.offset_index.write(&*self.index_file(home)?)?;
        }
        if self.time_index.has_pending() {
            self.time_index.write(&*self.time_index_file(home)?)?;
        }
        Ok(())
    }

    /// Completes the indexes of a segment that takes no more appends. Makes their files where the
    /// segment was too small to need entries, since Kafka rebuilds an index it cannot find.
    pub(crate) fn seal(&mut self, home: &Home) -> Result<(), StorageError> {
        self.index_max_timestamp();
        self.write_indexes(home)?;
        self.index_file(home)?;
        self.time_index_file(home)?;
        Ok(())
    }

    /// Plans the search for the index entry at or before the batch that holds `offset`.
    pub(crate) fn lookup(
        &self,
        home: &Home,
        offset: i64,
    ) -> Result<Lookup<OffsetEntry>, StorageError> {
        self.offset_index.lookup(offset - self.base_offset, || self.index_file(home))
    }

    /// A position at or before the batch that holds `offset`, if the index is sound.
    fn position_before(&self, home: &Home, offset: i64) -> Result<u32, StorageError> {
        let entry = self.lookup(home, offset)?.execute()?;
        Ok(entry.map(|entry| entry.position).filter(|position| *position < self.size).unwrap_or(0))
    }

    /// An offset before which nothing has a timestamp of `timestamp` or later.
    pub(crate) fn offset_before(&self, home: &Home, timestamp: i64) -> Result<i64, StorageError> {
        let file = || self.time_index_file(home);
        let entry = self.time_index.lookup(timestamp.saturating_sub(1), file)?.execute()?;
        Ok(entry.map_or(self.base_offset, |it| self.base_offset + i64::from(it.relative_offset)))
    }

    /// The largest timestamp in the segment; `None` where it has none.
    pub(crate) fn max_timestamp(&self, home: &Home) -> Result<Option<MaxTimestamp>, StorageError> {
        if let Some(known) = self.max_timestamp.get() {
            return Ok((known.timestamp > NO_TIMESTAMP).then_some(*known));
        }
        let last = self.time_index.last(|| self.time_index_file(home))?;
        Ok(last.map(|entry| {
            let offset = self.base_offset + i64::from(entry.relative_offset);
            *self.max_timestamp.get_or_init(|| MaxTimestamp { timestamp: entry.timestamp, offset })
        }))
    }

    /// Prepares a segment that was opened for appends: walks from the last index entry to the end.
    /// Returns the offset after the last batch.
    pub(crate) fn resume(&mut self, home: &Home) -> Result<i64, WalkError> {
        let last_time = self.time_index.last(|| self.time_index_file(home))?;
        if let Some(entry) = last_time {
            self.last_indexed_timestamp = entry.timestamp;
            let offset = self.base_offset + i64::from(entry.relative_offset);
            self.max_timestamp = MaxTimestamp { timestamp: entry.timestamp, offset }.into();
        }
        if self.size > 0 {
            let first = self.walk(home, 0)?.next_header()?;
            self.first_timestamp = first.map(|(_, header)| header.max_timestamp);
        }
        let position = self.position_before(home, i64::MAX)?;
        let mut next_offset = self.base_offset;
        let mut walk = self.walk(home, position)?;
        while let Some((at, header)) = walk.next_header()? {
            if header.base_offset < next_offset || !self.spans(header.last_offset()) {
                let error = BatchError::Corrupt(format!("base offset {}", header.base_offset));
                let path = walk.path().to_owned();
                return Err(WalkError::Corrupt { path, position: at.into(), error });
            }
            next_offset = header.next_offset();
            if at > position || position == 0 {
                // Entries are made by appends only: what is between two of them stays so.
                self.note(&header, at, u32::MAX);
            }
        }
        Ok(next_offset)
    }

    /// Walks the segment's batches from a position at which one begins.
    pub(crate) fn walk(&self, home: &Home, position: u32) -> Result<Walk, StorageError> {
        Ok(Walk::new(self.log(home)?, position, self.size))
    }

    /// Walks the segment's batches from one at or before the one that holds `offset`. A damaged
    /// index costs a walk from the segment's beginning.
    pub(crate) fn walk_to(&self, home: &Home, offset: i64) -> Result<Walk, StorageError> {
        let mut walk = self.walk(home, self.position_before(home, offset)?)?;
        let sound = match walk.peek(HEADERS_READ_BYTES) {
            Ok(first) => first.is_some_and(|(_, header)| header.base_offset <= offset),
            Err(WalkError::Storage(error)) => return Err(error),
            Err(WalkError::Corrupt { .. }) => false,
        };
        if !sound && walk.position > 0 {
            warn_of_damaged_index(walk.path());
            walk = self.walk(home, 0)?;
        }
        Ok(walk)
    }

    /// Forgets the indexes, to make them anew with [`Self::note`].
    pub(crate) fn reset_indexes(&mut self, home: &Home) -> Result<(), StorageError> {
        self.index_file(home)?.truncate(0)?;
        self.time_index_file(home)?.truncate(0)?;
        self.offset_index = Index::of_file(0);
        self.time_index = Index::of_file(0);
        self.bytes_since_entry = 0;
        self.last_indexed_timestamp = i64::MIN;
        self.max_timestamp = OnceLock::new();
        self.first_timestamp = None;
        Ok(())
    }

    /// Cuts the segment at a position at which a batch begins.
    pub(crate) fn truncate(&mut self, home: &Home, position: u32) -> Result<(), StorageError> {
        self.log(home)?.truncate(position.into())?;
        self.size = position;
        self.offset_index.truncate(&*self.index_file(home)?, |entry| entry.position < position)
    }

    /// Cuts the time index to offsets below `end_offset` and finds the bounds again.
    pub(crate) fn truncate_times(
        &mut self,
        home: &Home,
        end_offset: i64,
    ) -> Result<(), StorageError> {
        let end = end_offset - self.base_offset;
        let keep = |entry: &TimeEntry| i64::from(entry.relative_offset) < end;
        self.time_index.truncate(&*self.time_index_file(home)?, keep)?;
        self.last_indexed_timestamp = i64::MIN;
        self.max_timestamp = OnceLock::new();
        self.first_timestamp = None;
        self.bytes_since_entry = 0;
        Ok(())
    }

    /// Renames the files of the segment out of the way, except those with a suffix in `kept`.
    /// Returns their new names.
    pub(crate) fn retire(&self, home: &Home, kept: &[&str]) -> Result<Vec<PathBuf>, StorageError> {
        self.close_files(home);
        let mut retired = Vec::new();
        for suffix in SUFFIXES.iter().filter(|suffix| !kept.contains(suffix)) {
            let deleted =
                segment_path(&home.directory, self.base_offset, &format!("{suffix}.deleted"));
            if rename_if_there(&self.path(home, suffix), &deleted)? {
                retired.push(deleted);
            }
        }
        Ok(retired)
    }
}

fn rename_if_there(from: &Path, to: &Path) -> Result<bool, StorageError> {
    match disk::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The log goes on without the index: the next unclean start makes it anew, and so does removing it.
pub(crate) fn warn_of_damaged_index(log: &Path) {
    tracing::warn!(log = %log.display(), "the offset index is damaged; remove it to have it rebuilt");
}

/// Sizes of a segment's files, 0 where one is missing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileSizes {
    pub(crate) log: u32,
    pub(crate) index: u64,
    pub(crate) time_index: u64,
}

/// An append that did not happen.
#[derive(Debug)]
pub(crate) enum AppendFailure {
    /// The segment is as it was.
    Unchanged(StorageError),
    /// Bytes of the append may stand after the segment's end: nothing may be appended any more.
    Damaged(StorageError),
}

/// Why a walk stopped before the end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bytes at that position are no batch.
    #[error("{} at byte {position}: {error}", path.display())]
    Corrupt { path: PathBuf, position: u64, error: BatchError },
}

/// Reads the batches of a segment's file in order.
#[derive(Debug)]
pub(crate) struct Walk {
    file: Arc<DiskFile>,
    position: u32,
    end: u32,
    /// Bytes of the file from `buffer_at` on.
    buffer: Bytes,
    buffer_at: u32,
}

impl Walk {
    pub(crate) fn new(file: Arc<DiskFile>, position: u32, end: u32) -> Self {
        Self { file, position, end, buffer: Bytes::new(), buffer_at: position }
    }

    /// Where the next batch begins.
    pub(crate) fn position(&self) -> u32 {
        self.position
    }

    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The next batch's position and header; its records are not read.
    pub(crate) fn next_header(&mut self) -> Result<Option<(u32, BatchHeader)>, WalkError> {
        let Some((at, header)) = self.peek(HEADERS_READ_BYTES)? else { return Ok(None) };
        self.position = at + header.size_bytes() as u32;
        Ok(Some((at, header)))
    }

    /// The next batch as a whole. Its CRC is not checked.
    pub(crate) fn next_batch(&mut self) -> Result<Option<(u32, BatchHeader, Bytes)>, WalkError> {
        let Some((at, header)) = self.peek(BATCHES_READ_BYTES)? else { return Ok(None) };
        let batch = self.batch(at, &header)?;
        self.position = at + header.size_bytes() as u32;
        Ok(Some((at, header, batch)))
    }

    /// The bytes of a batch that the walk has just passed.
    pub(crate) fn batch(&mut self, at: u32, header: &BatchHeader) -> Result<Bytes, WalkError> {
        let len = header.size_bytes();
        self.fill(at, len, BATCHES_READ_BYTES)?;
        let start = (at - self.buffer_at) as usize;
        match self.buffer.len() - start < len {
            true => Err(self.corrupt(
                at,
                BatchError::Incomplete { at: 0, needs: len, has: self.buffer.len() - start },
            )),
            false => Ok(self.buffer.slice(start..start + len)),
        }
    }

    fn peek(&mut self, read_bytes: usize) -> Result<Option<(u32, BatchHeader)>, WalkError> {
        let at = self.position;
        if at >= self.end {
            return Ok(None);
        }
        self.fill(at, HEADER_BYTES, read_bytes)?;
        let header = BatchHeader::parse(&self.buffer[(at - self.buffer_at) as usize..])
            .map_err(|error| self.corrupt(at, error))?;
        let (needs, has) = (header.size_bytes(), (self.end - at) as usize);
        if needs > has {
            return Err(self.corrupt(at, BatchError::Incomplete { at: 0, needs, has }));
        }
        Ok(Some((at, header)))
    }

    /// Makes the buffer hold `len` bytes from `at` on, or what the segment has of them.
    fn fill(&mut self, at: u32, len: usize, read_bytes: usize) -> Result<(), StorageError> {
        let has = self.buffer_at as usize + self.buffer.len();
        if at >= self.buffer_at && at as usize + len <= has {
            return Ok(());
        }
        let len = len.max(read_bytes).min((self.end - at) as usize);
        let used = std::mem::take(&mut self.buffer);
        self.buffer = self.file.read_into(used, at.into(), len)?;
        self.buffer_at = at;
        Ok(())
    }

    fn corrupt(&self, position: u32, error: BatchError) -> WalkError {
        WalkError::Corrupt { path: self.path().to_owned(), position: position.into(), error }
    }
}
