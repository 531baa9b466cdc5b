//! Reading: from the tail by reference, or a plan for the disk that runs without any lock.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use records::{BatchError, BatchHeader, HEADER_BYTES, batches};

use crate::disk::{DiskFile, StorageError};
use crate::index::{Lookup, OffsetEntry};
use crate::log::Log;
use crate::segment::{WalkError, warn_of_damaged_index};

/// What a cold read reads beyond the bytes asked for, to reach from an index entry to the offset.
const SLACK_BYTES: usize = 16 * 1024;
/// One cold read's limit, whatever was asked for; a larger batch is still read as a whole.
const COLD_BYTES_MAX: usize = 64 << 20;

/// Segments that one cold read looks into.
const EXTENTS_MAX: usize = 2;

/// Whole batches, or how to get them.
#[derive(Debug)]
pub enum Read {
    /// Batches in memory, in order; empty where nothing is there to read.
    Tail(Vec<Bytes>),
    /// Execute it without the partition's lock.
    Cold(ColdRead),
}

impl Read {
    /// The bytes, from wherever they are.
    pub fn execute(self) -> Result<Vec<Bytes>, ReadError> {
        match self {
            Self::Tail(chunks) => Ok(chunks),
            Self::Cold(cold) => {
                let bytes = cold.execute()?;
                Ok(if bytes.is_empty() { Vec::new() } else { vec![bytes] })
            }
        }
    }
}

/// Why nothing can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// `OFFSET_OUT_OF_RANGE`.
    #[error("offset {from} is outside {log_start_offset}..={log_end_offset}")]
    OffsetOutOfRange { from: i64, log_start_offset: i64, log_end_offset: i64 },
    /// `CORRUPT_MESSAGE`: the file does not hold what was written to it, from the record at `offset`
    /// on. Other replicas may.
    #[error("{} at byte {position}, offset {offset}: {error}", path.display())]
    Corrupt { path: PathBuf, position: u64, offset: i64, error: BatchError },
    /// `KAFKA_STORAGE_ERROR`.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ReadError {
    /// A walk in search of `offset` ended early.
    pub(crate) fn of_walk(error: WalkError, offset: i64) -> Self {
        match error {
            WalkError::Storage(error) => Self::Storage(error),
            WalkError::Corrupt { path, position, error } => {
                Self::Corrupt { path, position, offset, error }
            }
        }
    }
}

/// Which batches are wanted.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    from: i64,
    /// Only batches that end before this offset.
    limit_offset: i64,
    bytes_max: usize,
    at_least_one: bool,
}

impl Wanted {
    /// The range of `bytes`, which begin with a batch, that is wanted; and whether what follows it
    /// might be wanted too.
    fn cut(&self, bytes: &[u8]) -> Result<(Range<usize>, bool), BatchError> {
        let mut start = None;
        let mut end = 0;
        for batch in batches(bytes) {
            let (range, header) = match batch {
                Err(BatchError::Incomplete { .. }) => break,
                // The next read begins there and fails; this one has something to give.
                Err(_) if start.is_some() => break,
                batch => batch?,
            };
            if header.last_offset() < self.from {
                end = range.end;
                continue;
            }
            let first = *start.get_or_insert(range.start);
            let fits =
                range.end - first <= self.bytes_max || self.at_least_one && first == range.start;
            if header.last_offset() >= self.limit_offset || !fits {
                return Ok((first..range.start, false));
            }
            end = range.end;
        }
        Ok((start.unwrap_or(end)..end, true))
    }
}

impl Log {
    /// Reads whole batches from the one that holds `from` on, up to `max_bytes`. Only batches that
    /// end before `limit_offset` are visible: the high watermark, or the log end. With
    /// `at_least_one_batch`, the first batch comes even where it is larger than `max_bytes`.
    pub fn read(
        &self,
        from: i64,
        max_bytes: usize,
        limit_offset: i64,
        at_least_one_batch: bool,
    ) -> Result<Read, ReadError> {
        let (log_start_offset, log_end_offset) = (self.log_start_offset, self.log_end_offset);
        if from < log_start_offset || from > log_end_offset {
            return Err(ReadError::OffsetOutOfRange { from, log_start_offset, log_end_offset });
        }
        let limit_offset = limit_offset.min(log_end_offset);
        if from >= limit_offset || max_bytes == 0 && !at_least_one_batch {
            return Ok(Read::Tail(Vec::new()));
        }
        let wanted =
            Wanted { from, limit_offset, bytes_max: max_bytes, at_least_one: at_least_one_batch };
        match self.read_tail(wanted) {
            Some(chunks) => Ok(Read::Tail(chunks)),
            None => Ok(Read::Cold(self.plan_cold(wanted)?)),
        }
    }

    fn read_tail(&self, mut wanted: Wanted) -> Option<Vec<Bytes>> {
        let (from, limit_offset, bytes_max) = (wanted.from, wanted.limit_offset, wanted.bytes_max);
        let mut bytes = 0;
        let entries = self.tail.from(from, |entry| {
            // Of the first entry, only a part may be wanted.
            let enough = bytes > bytes_max || entry.base_offset >= limit_offset;
            bytes += if entry.base_offset < from { 0 } else { entry.bytes.len() };
            enough
        })?;
        let mut chunks = Vec::with_capacity(entries.len());
        for entry in entries {
            let whole = entry.base_offset >= from
                && entry.last_offset < limit_offset
                && entry.bytes.len() <= wanted.bytes_max;
            let (chunk, more) = match whole {
                true => (entry.bytes, true),
                false => {
                    let cut = wanted.cut(&entry.bytes);
                    let (range, more) = cut.expect("what is in the tail was checked before");
                    (entry.bytes.slice(range), more)
                }
            };
            if !chunk.is_empty() {
                wanted.bytes_max = wanted.bytes_max.saturating_sub(chunk.len());
                wanted.at_least_one = false;
                chunks.push(chunk);
            }
            if !more {
                break;
            }
        }
        Some(chunks)
    }

    fn plan_cold(&self, wanted: Wanted) -> Result<ColdRead, StorageError> {
        let first = self
            .segments
            .partition_point(|segment| segment.base_offset <= wanted.from)
            .saturating_sub(1);
        let mut extents = Vec::with_capacity(2);
        // Compaction may have removed the rest of a segment: then the next one that holds
        // anything has the answer.
        for (index, segment) in self.segments.iter().enumerate().skip(first) {
            if segment.size == 0 {
                continue;
            }
            let next = self.segments.get(index + 1);
            let end_offset = next.map_or(self.log_end_offset, |next| next.base_offset);
            let start = match extents.is_empty() {
                true => segment.lookup(&self.home, wanted.from)?,
                false => Lookup::Known(None),
            };
            extents.push(Extent {
                file: segment.log(&self.home)?,
                start,
                end: segment.size,
                offsets: segment.base_offset..end_offset,
            });
            if extents.len() == EXTENTS_MAX {
                break;
            }
        }
        Ok(ColdRead { extents, wanted })
    }
}

/// A segment's file, up to where it held whole batches when the read was planned.
#[derive(Clone, Debug)]
struct Extent {
    file: Arc<DiskFile>,
    /// Finds a position at which a batch begins.
    start: Lookup<OffsetEntry>,
    end: u32,
    /// Where the segment begins, and where the next one does.
    offsets: Range<i64>,
}

/// A read from the disk, planned under the partition's lock and executed without it. It keeps its
/// files open, so that retention and compaction do not disturb it.
#[derive(Clone, Debug)]
pub struct ColdRead {
    extents: Vec<Extent>,
    wanted: Wanted,
}

impl ColdRead {
    /// Reads the batches and checks their CRCs.
    pub fn execute(&self) -> Result<Bytes, ReadError> {
        for extent in &self.extents {
            if let Some(bytes) = self.read_extent(extent)? {
                return Ok(bytes);
            }
        }
        Ok(Bytes::new())
    }

    /// `None`: everything in the extent lies before the offset.
    fn read_extent(&self, extent: &Extent) -> Result<Option<Bytes>, ReadError> {
        let bytes_max = self.wanted.bytes_max.min(COLD_BYTES_MAX);
        let from = self.wanted.from;
        let start = extent.start.execute()?.map_or(0, |entry| entry.position.min(extent.end));
        let mut buffer = Buffer::new(extent, from, start, bytes_max + SLACK_BYTES)?;
        if start > 0 && !buffer.begins_before(from) {
            warn_of_damaged_index(extent.file.path());
            buffer = Buffer::new(extent, from, 0, SLACK_BYTES)?;
        }
        let mut offsets = extent.offsets.clone();
        let first = loop {
            let Some(header) = buffer.header()? else { return Ok(None) };
            in_order(&header, &mut offsets)
                .map_err(|error| extent.corrupt(buffer.at, from, error))?;
            if header.last_offset() >= from {
                break header;
            }
            buffer.skip(header.size_bytes());
        };
        if buffer.bytes().len() < first.size_bytes() {
            buffer.refill(first.size_bytes().max(bytes_max))?;
        }
        let wanted = Wanted { bytes_max, ..self.wanted };
        let cut = wanted.cut(buffer.bytes());
        let (range, _) = cut.map_err(|error| extent.corrupt(buffer.at, from, error))?;
        let checked = check(buffer.bytes().slice(range), extent.offsets.clone());
        Ok(Some(checked.map_err(|error| extent.corrupt(buffer.at, from, error))?))
    }
}

/// Bytes of an extent from a batch on, and how to get further ones.
struct Buffer<'a> {
    extent: &'a Extent,
    /// The offset that is looked for.
    from: i64,
    /// Position in the file of the batch at hand.
    at: u32,
    bytes: Bytes,
    read_bytes: usize,
}

impl<'a> Buffer<'a> {
    fn new(
        extent: &'a Extent,
        from: i64,
        at: u32,
        read_bytes: usize,
    ) -> Result<Self, StorageError> {
        let mut buffer = Self { extent, from, at, bytes: Bytes::new(), read_bytes };
        buffer.refill(read_bytes)?;
        Ok(buffer)
    }

    fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    fn refill(&mut self, len: usize) -> Result<(), StorageError> {
        let len = len.min((self.extent.end - self.at) as usize);
        self.bytes = self.extent.file.read_at(self.at.into(), len)?;
        Ok(())
    }

    /// The header of the batch at hand; `None` at the end of the extent.
    fn header(&mut self) -> Result<Option<BatchHeader>, ReadError> {
        if self.at >= self.extent.end {
            return Ok(None);
        }
        if self.bytes.len() < HEADER_BYTES {
            self.refill(self.read_bytes)?;
        }
        let corrupt = |error| self.extent.corrupt(self.at, self.from, error);
        let header = BatchHeader::parse(&self.bytes).map_err(corrupt)?;
        let (needs, has) = (header.size_bytes(), (self.extent.end - self.at) as usize);
        match needs > has {
            true => Err(corrupt(BatchError::Incomplete { at: 0, needs, has })),
            false => Ok(Some(header)),
        }
    }

    /// Whether the batch at hand is what an index entry for `offset` names.
    fn begins_before(&mut self, offset: i64) -> bool {
        matches!(self.header(), Ok(Some(header)) if header.base_offset <= offset)
    }

    fn skip(&mut self, len: usize) {
        self.at += len as u32;
        self.bytes = self.bytes.slice(len.min(self.bytes.len())..);
    }
}

impl Extent {
    fn corrupt(&self, position: u32, offset: i64, error: BatchError) -> ReadError {
        let path = self.file.path().to_owned();
        ReadError::Corrupt { path, position: position.into(), offset, error }
    }
}

/// The batches up to the first damaged one; an error where that is the first.
fn check(bytes: Bytes, mut offsets: Range<i64>) -> Result<Bytes, BatchError> {
    let mut good = 0;
    for batch in batches(&bytes) {
        let checked = batch.and_then(|(range, header)| {
            header.check_crc(&bytes[range.clone()])?;
            in_order(&header, &mut offsets)?;
            Ok(range.end)
        });
        match checked {
            Ok(end) => good = end,
            Err(error) if good == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(bytes.slice(..good))
}

/// The CRC does not cover a batch's base offset: it must lie in what the segment has left.
fn in_order(header: &BatchHeader, left: &mut Range<i64>) -> Result<(), BatchError> {
    let offsets = header.base_offset..header.next_offset();
    if offsets.start < left.start || offsets.end > left.end {
        return Err(BatchError::Corrupt(format!("offsets {offsets:?} where {left:?} are left")));
    }
    left.start = offsets.end;
    Ok(())
}
