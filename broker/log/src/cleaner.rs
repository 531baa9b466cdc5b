//! Log compaction: of each key, the latest record stays (Kafka's `cleanup.policy=compact`).
//!
//! ```text
//!  cleanable()        how dirty is the log? (under the partition's lock)
//!  plan_cleaning()    which files, and what must survive
//!  CleanPlan::execute two passes over sealed segments, no lock: an OffsetMap of the dirty part,
//!                     then copies of all segments up to there, without what it supersedes
//!  finish_cleaning()  swaps the copies in, unless the log changed meanwhile
//! ```
//!
//! Offsets never change: a batch keeps its first and last offset, and a segment keeps its base. A
//! tombstone stays until `delete.retention.ms` after the first cleaning that saw it, so that slow
//! readers learn of it; the batch carries that time (KIP-534). A batch that holds the last sequence
//! number of a known producer stays, empty if need be, and so does the last batch of a cleaning.
//!
//! Transactional batches are copied as they are and supersede nothing: whether they were aborted
//! is for the transaction index to say, which this crate only carries along.
//!
//! A crash at any point leaves a whole log: copies have the suffix `.cleaned` until all are synced,
//! `.swap` from when they count, with the batches' file renamed last at each step; opening the log
//! removes the former and finishes with the latter.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use records::{BatchBuilder, BatchError, BatchHeader, Record, RecordIter};

use crate::config::LogConfig;
use crate::disk::{self, DiskFile, StorageError};
use crate::log::Log;
use crate::offset_map::OffsetMap;
use crate::segment::{AppendFailure, Home, Segment, Walk, WalkError};
use crate::shared::{FileId, segment_path};

/// Bytes of a copy that are written at once.
const WRITE_BYTES: usize = 512 * 1024;

/// How much of a compacted log could be cleaned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cleanable {
    /// Where the last cleaning ended.
    pub first_dirty_offset: i64,
    /// Nothing from here on may be cleaned yet.
    pub first_uncleanable_offset: i64,
    pub clean_bytes: u64,
    pub dirty_bytes: u64,
    /// A record has been dirty for `max.compaction.lag.ms`.
    pub overdue: bool,
}

impl Cleanable {
    /// The share of the log that is dirty.
    pub fn dirty_ratio(&self) -> f64 {
        match self.clean_bytes + self.dirty_bytes {
            0 => 0.0,
            all => self.dirty_bytes as f64 / all as f64,
        }
    }

    /// Whether cleaning is worth it by the topic's configuration. Of several logs, clean the one
    /// with the highest ratio first.
    pub fn is_due(&self, config: &LogConfig) -> bool {
        self.dirty_bytes > 0
            && (self.overdue || self.dirty_ratio() > config.min_cleanable_dirty_ratio)
    }
}

/// A cleaning that did not happen. The log is as it was.
#[derive(Debug, thiserror::Error)]
pub enum CleanError {
    #[error("the cleaning was cancelled")]
    Cancelled,
    /// The log changed while it was cleaned: plan again.
    #[error("the log was truncated or replaced meanwhile")]
    Superseded,
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A batch cannot be opened: the log cannot be cleaned until it is gone.
    #[error("{} at byte {position}: {error}", path.display())]
    Corrupt { path: PathBuf, position: u64, error: BatchError },
}

impl From<WalkError> for CleanError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Storage(error) => Self::Storage(error),
            WalkError::Corrupt { path, position, error } => Self::Corrupt { path, position, error },
        }
    }
}

/// A sealed segment to be copied.
#[derive(Debug)]
struct Source {
    base_offset: i64,
    /// Base offset of the segment after it.
    end_offset: i64,
    file_id: FileId,
    file: Arc<DiskFile>,
    size: u32,
    index_bytes: usize,
    modified_ms: i64,
}

/// A cleaning, planned. Execute it without the partition's lock.
#[derive(Debug)]
pub struct CleanPlan {
    home: Home,
    config: LogConfig,
    sources: Vec<Source>,
    cleanable: Cleanable,
    /// Offset of the last batch of each producer.
    last_batches: HashMap<i64, i64>,
    truncations: u32,
}

/// Copies that wait to be swapped in with [`Log::finish_cleaning`].
#[derive(Debug)]
pub struct Cleaned {
    groups: Vec<Group>,
    end_offset: i64,
    truncations: u32,
    pub statistics: CleanStatistics,
}

/// What a cleaning read and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanStatistics {
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub records_read: u64,
    pub records_written: u64,
}

/// Segments and the one that takes their place.
#[derive(Debug)]
struct Group {
    sources: Vec<FileId>,
    cleaned: Segment,
}

impl Log {
    /// How much of the log could be cleaned. `checkpoint` is where the last cleaning ended (from
    /// `cleaner-offset-checkpoint`); only what is below `stable_offset`, the high watermark or the
    /// last stable offset, is cleaned.
    pub fn cleanable(
        &self,
        checkpoint: Option<i64>,
        stable_offset: i64,
        now_ms: i64,
    ) -> Result<Cleanable, StorageError> {
        let known = self.log_start_offset..=self.log_end_offset;
        let first_dirty_offset =
            checkpoint.filter(|offset| known.contains(offset)).unwrap_or(self.log_start_offset);
        let mut first_uncleanable_offset = self.active_base_offset().min(stable_offset);
        let mut cleanable = Cleanable {
            first_dirty_offset,
            first_uncleanable_offset,
            clean_bytes: 0,
            dirty_bytes: 0,
            overdue: false,
        };
        for (index, segment) in self.segments.iter().enumerate() {
            let end = self.segments.get(index + 1).map_or(self.log_end_offset, |it| it.base_offset);
            if segment.base_offset >= first_uncleanable_offset {
                break;
            }
            if end <= first_dirty_offset {
                cleanable.clean_bytes += u64::from(segment.size);
                continue;
            }
            if self.config.min_compaction_lag_ms > 0 {
                let newest = segment.max_timestamp(&self.home)?;
                let newest_ms = newest.map_or(segment.modified_ms, |max| max.timestamp);
                if newest_ms > now_ms.saturating_sub(self.config.min_compaction_lag_ms) {
                    first_uncleanable_offset = segment.base_offset;
                    break;
                }
            }
            cleanable.dirty_bytes += u64::from(segment.size);
            cleanable.overdue |= self.is_overdue(segment, now_ms)?;
        }
        cleanable.first_uncleanable_offset = first_uncleanable_offset.max(first_dirty_offset);
        Ok(cleanable)
    }

    fn is_overdue(&self, segment: &Segment, now_ms: i64) -> Result<bool, StorageError> {
        if self.config.max_compaction_lag_ms == i64::MAX || segment.size == 0 {
            return Ok(false);
        }
        let first = match segment.walk(&self.home, 0)?.next_header() {
            Ok(first) => first.map(|(_, header)| header.max_timestamp).filter(|it| *it >= 0),
            Err(WalkError::Storage(error)) => return Err(error),
            Err(WalkError::Corrupt { .. }) => None,
        };
        let first_ms = first.unwrap_or(segment.modified_ms);
        Ok(now_ms.saturating_sub(first_ms) > self.config.max_compaction_lag_ms)
    }

    /// Plans the cleaning of what is cleanable.
    pub fn plan_cleaning(&self, cleanable: Cleanable) -> Result<CleanPlan, StorageError> {
        let mut sources = Vec::new();
        for pair in self.segments.windows(2) {
            let [segment, next] = pair else { continue };
            if segment.base_offset >= cleanable.first_uncleanable_offset {
                break;
            }
            sources.push(Source {
                base_offset: segment.base_offset,
                end_offset: next.base_offset,
                file_id: segment.file_id(),
                file: segment.log(&self.home)?,
                size: segment.size,
                index_bytes: segment.index_bytes(),
                modified_ms: segment.modified_ms,
            });
        }
        let last_batches = self
            .producers
            .iter()
            .filter_map(|(id, state)| Some((id, state.batches.back()?.last_offset)))
            .collect();
        Ok(CleanPlan {
            home: self.home.clone(),
            config: self.config.clone(),
            sources,
            cleanable,
            last_batches,
            truncations: self.truncations,
        })
    }

    /// Swaps the copies in. Returns the checkpoint of the next cleaning.
    pub fn finish_cleaning(&mut self, cleaned: Cleaned, now_ms: i64) -> Result<i64, CleanError> {
        let superseded = self.damaged
            || cleaned.truncations != self.truncations
            || cleaned.groups.iter().any(|group| self.range_of(group).is_none());
        if superseded {
            for group in cleaned.groups {
                group.cleaned.discard(&self.home)?;
            }
            return Err(CleanError::Superseded);
        }
        // Where a rename fails, files and segments no longer agree: the log has to be opened again.
        self.damaged = true;
        let delete_at_ms = now_ms.saturating_add(self.config.file_delete_delay_ms);
        for mut group in cleaned.groups {
            let range = self.range_of(&group).expect("all groups were found just now");
            group.cleaned.restage(&self.home, ".swap")?;
            for segment in &self.segments[range.clone()] {
                let kept = segment.base_offset == group.cleaned.base_offset;
                let retired = segment.retire(&self.home, if kept { &["snapshot"] } else { &[] })?;
                self.retired.extend(retired.into_iter().map(|path| (path, delete_at_ms)));
            }
            group.cleaned.restage(&self.home, "")?;
            self.segments.splice(range, [group.cleaned]);
        }
        self.damaged = false;
        self.directory_changes += 1;
        self.tail.forget_before(cleaned.end_offset);
        Ok(cleaned.end_offset)
    }

    /// Where the sources of a group stand; `None` where one is gone.
    fn range_of(&self, group: &Group) -> Option<Range<usize>> {
        let source = group.sources.first()?;
        let first = self.segments.iter().position(|segment| segment.file_id() == *source)?;
        let range = first..first + group.sources.len();
        let found = self.segments.get(range.clone())?.iter().map(Segment::file_id);
        found.eq(group.sources.iter().copied()).then_some(range)
    }
}

impl CleanPlan {
    /// Copies the segments without what later records supersede. `progress` hears of every block
    /// read or written: it may sleep (`log.cleaner.io.max.bytes.per.second`) or cancel.
    pub fn execute(
        self,
        map: &mut OffsetMap,
        now_ms: i64,
        progress: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Cleaned, CleanError> {
        let mut cleaning = Cleaning {
            plan: &self,
            map,
            now_ms,
            end_offset: self.cleanable.first_dirty_offset,
            statistics: CleanStatistics::default(),
            progress,
        };
        cleaning.map.clear();
        cleaning.map_dirty_part()?;
        let mut groups = Vec::new();
        let copied = cleaning.groups().into_iter().try_for_each(|sources| {
            groups.push(cleaning.copy(sources)?);
            Ok(())
        });
        let (end_offset, statistics) = (cleaning.end_offset, cleaning.statistics);
        cleaning.map.clear();
        match copied {
            Ok(()) => Ok(Cleaned { groups, end_offset, truncations: self.truncations, statistics }),
            Err(error) => {
                for group in groups {
                    group.cleaned.discard(&self.home)?;
                }
                Err(error)
            }
        }
    }
}

/// A cleaning under way.
struct Cleaning<'a> {
    plan: &'a CleanPlan,
    map: &'a mut OffsetMap,
    now_ms: i64,
    /// The map knows every key up to here.
    end_offset: i64,
    statistics: CleanStatistics,
    progress: &'a mut dyn FnMut(usize) -> ControlFlow<()>,
}

impl<'a> Cleaning<'a> {
    /// Notes the latest offset of every key of the dirty part, or of as much of it as fits.
    fn map_dirty_part(&mut self) -> Result<(), CleanError> {
        let Cleanable { first_dirty_offset, first_uncleanable_offset, .. } = self.plan.cleanable;
        for source in &self.plan.sources {
            if source.end_offset <= first_dirty_offset {
                continue;
            }
            let mut walk = Walk::new(source.file.clone(), 0, source.size);
            while let Some((at, header, batch)) = walk.next_batch()? {
                if header.base_offset >= first_uncleanable_offset {
                    return Ok(());
                }
                self.step(batch.len())?;
                if header.last_offset() < first_dirty_offset || header.is_transactional() {
                    continue;
                }
                for record in self.open(source, at, &header, &batch)? {
                    let record = record.map_err(|error| source.corrupt(at, error))?;
                    let dirty = record.offset >= first_dirty_offset;
                    if let Some(key) = record.key.filter(|_| dirty) {
                        if !self.map.insert(&key, record.offset) {
                            return Ok(());
                        }
                        self.end_offset = record.offset + 1;
                    }
                }
                self.end_offset = header.next_offset();
            }
            self.end_offset = source.end_offset.min(first_uncleanable_offset);
        }
        Ok(())
    }

    /// Neighbours that fit into one segment together, so that segments do not dwindle.
    fn groups(&self) -> Vec<&'a [Source]> {
        let config = &self.plan.config;
        let end = self.plan.sources.partition_point(|it| it.base_offset < self.end_offset);
        let mut rest = &self.plan.sources[..end];
        let mut groups = Vec::new();
        while let Some(first) = rest.first() {
            let (mut bytes, mut index_bytes) = (0, 0);
            let fitting = rest.iter().take_while(|source| {
                bytes += u64::from(source.size);
                index_bytes += source.index_bytes;
                bytes <= config.segment_bytes.into()
                    && index_bytes <= config.segment_index_bytes as usize
                    && source.end_offset - first.base_offset <= i32::MAX.into()
            });
            let (group, after) = rest.split_at(fitting.count().max(1));
            groups.push(group);
            rest = after;
        }
        groups
    }

    fn copy(&mut self, sources: &[Source]) -> Result<Group, CleanError> {
        let home = &self.plan.home;
        let last = sources.last().expect("a group has a segment");
        let mut cleaned = Segment::create_cleaned(home, sources[0].base_offset, last.modified_ms)?;
        let copied = self.copy_into(&mut cleaned, sources).and_then(|()| {
            cleaned.seal(home)?;
            carry_transaction_indexes(home, sources)?;
            let file = cleaned.log(home)?;
            file.set_modified_ms(last.modified_ms)?;
            Ok(file.sync()?)
        });
        match copied {
            Ok(()) => Ok(Group { sources: sources.iter().map(|it| it.file_id).collect(), cleaned }),
            Err(error) => {
                cleaned.discard(home)?;
                Err(error)
            }
        }
    }

    fn copy_into(&mut self, cleaned: &mut Segment, sources: &[Source]) -> Result<(), CleanError> {
        let mut buffer = BytesMut::new();
        let mut batches = Vec::new();
        for source in sources {
            let mut walk = Walk::new(source.file.clone(), 0, source.size);
            while let Some((at, header, batch)) = walk.next_batch()? {
                self.step(batch.len())?;
                self.statistics.bytes_read += batch.len() as u64;
                self.statistics.records_read += header.records_count as u64;
                header.check_crc(&batch).map_err(|error| source.corrupt(at, error))?;
                let Some(kept) = self.filter(source, at, &header, batch)? else { continue };
                let header = BatchHeader::parse(&kept).map_err(|it| source.corrupt(at, it))?;
                self.statistics.bytes_written += kept.len() as u64;
                self.statistics.records_written += header.records_count as u64;
                batches.push((buffer.len()..buffer.len() + kept.len(), header));
                buffer.extend_from_slice(&kept);
                if buffer.len() >= WRITE_BYTES {
                    self.write(cleaned, &mut buffer, &mut batches)?;
                }
            }
        }
        self.write(cleaned, &mut buffer, &mut batches)
    }

    fn write(
        &mut self,
        cleaned: &mut Segment,
        buffer: &mut BytesMut,
        batches: &mut Vec<(Range<usize>, BatchHeader)>,
    ) -> Result<(), CleanError> {
        self.step(buffer.len())?;
        let appended = cleaned.append(&self.plan.home, &self.plan.config, buffer, batches);
        appended.map_err(|failure| match failure {
            AppendFailure::Unchanged(error) | AppendFailure::Damaged(error) => error,
        })?;
        buffer.clear();
        batches.clear();
        Ok(())
    }

    /// What remains of a batch; `None` where nothing does.
    fn filter(
        &self,
        source: &Source,
        at: u32,
        header: &BatchHeader,
        batch: Bytes,
    ) -> Result<Option<Bytes>, CleanError> {
        if header.is_transactional() || header.is_control() {
            return Ok(Some(batch));
        }
        let mut kept = Vec::with_capacity(header.records_count.min(4096) as usize);
        for record in self.open(source, at, header, &batch)? {
            let record = record.map_err(|error| source.corrupt(at, error))?;
            if self.stays(header, &record) {
                kept.push(record);
            }
        }
        if kept.is_empty() && !self.stays_empty(header) {
            return Ok(None);
        }
        let new_horizon = header.delete_horizon_ms().is_none()
            && kept.iter().any(|record| record.value.is_none());
        if kept.len() == header.records_count as usize && !new_horizon {
            return Ok(Some(batch));
        }
        let corrupt = |error| source.corrupt(at, error);
        let mut builder = BatchBuilder::like(header).map_err(corrupt)?;
        if new_horizon {
            let horizon_ms = self.now_ms.saturating_add(self.plan.config.delete_retention_ms);
            builder.delete_horizon_ms = Some(horizon_ms);
        }
        if kept.is_empty() {
            builder.delete_horizon_ms = None;
            builder.max_timestamp = Some(header.max_timestamp);
        }
        kept.iter().for_each(|record| builder.push(record));
        builder.build().map(Some).map_err(corrupt)
    }

    fn stays(&self, header: &BatchHeader, record: &Record) -> bool {
        if record.offset >= self.end_offset {
            return true;
        }
        let Some(key) = &record.key else { return false };
        let latest = self.map.get(key).is_none_or(|latest| record.offset >= latest);
        let visible = record.value.is_some()
            || header.delete_horizon_ms().is_none_or(|horizon_ms| self.now_ms < horizon_ms);
        latest && visible
    }

    /// The last batch of a producer and of the cleaning stay for the numbers in their headers.
    fn stays_empty(&self, header: &BatchHeader) -> bool {
        let last_of_producer = header.has_producer_id()
            && self.plan.last_batches.get(&header.producer_id) == Some(&header.last_offset());
        last_of_producer || header.next_offset() == self.plan.cleanable.first_uncleanable_offset
    }

    fn open(
        &self,
        source: &Source,
        at: u32,
        header: &BatchHeader,
        batch: &Bytes,
    ) -> Result<RecordIter, CleanError> {
        debug_assert_eq!(header.size_bytes(), batch.len());
        RecordIter::new(batch, self.plan.config.inflated_bytes_max())
            .map_err(|error| source.corrupt(at, error))
    }

    fn step(&mut self, bytes: usize) -> Result<(), CleanError> {
        match (self.progress)(bytes) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CleanError::Cancelled),
        }
    }
}

impl Source {
    fn corrupt(&self, position: u32, error: BatchError) -> CleanError {
        CleanError::Corrupt { path: self.file.path().to_owned(), position: position.into(), error }
    }
}

/// Transactional batches stay, so what the indexes say of them stays too.
fn carry_transaction_indexes(home: &Home, sources: &[Source]) -> Result<(), StorageError> {
    let mut entries = Vec::new();
    for source in sources {
        let path = segment_path(&home.directory, source.base_offset, "txnindex");
        entries.extend(disk::read_small(&path)?.unwrap_or_default());
    }
    if entries.is_empty() {
        return Ok(());
    }
    let path = segment_path(&home.directory, sources[0].base_offset, "txnindex.cleaned");
    let file = DiskFile::open_or_create(&path)?;
    file.write_at(0, &entries)?;
    file.sync()
}
