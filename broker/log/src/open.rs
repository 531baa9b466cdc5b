//! Opening a log: believing what was closed properly, and making good what was not.
//!
//! After a clean stop nothing is read but the end of the active segment. Otherwise the segments
//! from the recovery point on are walked: every CRC is checked, the log is cut where the first
//! batch is torn, and their indexes, epochs and producers are made anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use records::{BatchError, ControlRecord, RecordIter};
use uuid::Uuid;

use crate::checkpoint::CheckpointError;
use crate::config::LogConfig;
use crate::disk::{self, DirectoryEntry, StorageError};
use crate::epochs::{EpochEntry, Epochs};
use crate::log::{Log, LogError};
use crate::producers::Producers;
use crate::segment::{FileSizes, Home, REPLACED_SUFFIXES, Segment, WalkError};
use crate::shared::{Shared, segment_path};

const METADATA: &str = "partition.metadata";
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
        disk::create_directory(directory)?;
        let home = Home { directory: directory.to_owned(), shared };
        let topic_id = read_topic_id(directory)?;
        finish_swaps(&home)?;
        let segments = load_segments(&home, &config, recovery.log_start_offset, now_ms)?;
        let epochs = match Epochs::load(directory) {
            Ok(epochs) => Some(epochs).filter(|epochs| epochs.last().is_some()),
            Err(CheckpointError::Storage(error)) => return Err(error.into()),
            Err(malformed) => {
                tracing::warn!(error = %malformed, "reading the leader epochs from the log instead");
                None
            }
        };
        let mut log = Self {
            home,
            config,
            topic_id,
            log_start_offset: recovery.log_start_offset.max(segments[0].base_offset),
            log_end_offset: segments[0].base_offset,
            segments,
            recovery_point: recovery.recovery_point,
            epochs_unwritten: false,
            epochs_unsynced: epochs.is_none(),
            epochs: epochs.unwrap_or_default(),
            producers: Producers::default(),
            tail: Arc::default(),
            unsynced_since_ms: None,
            directory_unsynced: true,
            truncations: 0,
            retired: Vec::new(),
            damaged: false,
        };
        log.find_end(recovery)?;
        if log.epochs.last().is_none() {
            log.read_epochs()?;
        }
        log.epochs_unwritten |= log.epochs.truncate_end(log.log_end_offset);
        if log.log_start_offset > log.log_end_offset {
            log.truncate_fully_and_start_at(log.log_start_offset)?;
        }
        log.epochs_unwritten |= log.epochs.truncate_start(log.log_start_offset);
        log.write_epochs()?;
        load_producers(&mut log)?;
        log.expire_producers(now_ms);
        Ok(log)
    }

    fn find_end(&mut self, recovery: Recovery) -> Result<(), LogError> {
        if recovery.clean_shutdown {
            let active = self.segments.last_mut().expect("a log has an active segment");
            match active.resume(&self.home) {
                Ok(end_offset) => {
                    self.log_end_offset = end_offset;
                    self.recovery_point = end_offset;
                    return Ok(());
                }
                Err(WalkError::Storage(error)) => return Err(error.into()),
                Err(corrupt) => {
                    tracing::warn!(error = %corrupt, "recovering a log closed properly")
                }
            }
        }
        self.recover()
    }

    /// Walks the segments from the recovery point on, and cuts the log at the first torn batch.
    fn recover(&mut self) -> Result<(), LogError> {
        let first = self
            .segments
            .partition_point(|segment| segment.base_offset <= self.recovery_point)
            .saturating_sub(1);
        let mut next_offset = self.segments[first].base_offset;
        for index in first..self.segments.len() {
            if let Some(torn) = self.recover_segment(index, &mut next_offset)? {
                self.cut_at(index, next_offset, torn)?;
                break;
            }
        }
        self.log_end_offset = next_offset;
        self.recovery_point = self.recovery_point.min(next_offset);
        Ok(())
    }

    /// Checks every batch of a segment and makes its indexes anew. Returns what ended the walk
    /// before the end of its file.
    fn recover_segment(
        &mut self,
        index: usize,
        next_offset: &mut i64,
    ) -> Result<Option<Torn>, LogError> {
        let interval_bytes = self.config.index_interval_bytes;
        let segment = &mut self.segments[index];
        *next_offset = (*next_offset).max(segment.base_offset);
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
                header.base_offset >= *next_offset && segment.spans(header.last_offset());
            let checked = match in_order {
                true => header.check_crc(&batch),
                false => Err(BatchError::Corrupt(format!(
                    "base offset {} where {next_offset} comes next",
                    header.base_offset
                ))),
            };
            if let Err(error) = checked {
                let path = walk.path().to_owned();
                let error = WalkError::Corrupt { path, position: position.into(), error };
                break Some(Torn { position, error });
            }
            *next_offset = header.next_offset();
            segment.note(&header, position, interval_bytes);
            let epoch = EpochEntry {
                epoch: header.partition_leader_epoch,
                start_offset: header.base_offset,
            };
            if self.epochs.last().is_none_or(|last| last.epoch < epoch.epoch) {
                self.epochs_unwritten |= self.epochs.insert(epoch);
            }
        };
        match index + 1 == self.segments.len() || torn.is_some() {
            true => self.segments[index].write_indexes(&self.home)?,
            false => self.segments[index].seal(&self.home)?,
        }
        Ok(torn)
    }

    fn cut_at(&mut self, index: usize, next_offset: i64, torn: Torn) -> Result<(), LogError> {
        if next_offset < self.recovery_point {
            // This was synced: it is not a torn append, and cutting would lose what was promised.
            return Err(torn.error.into());
        }
        tracing::warn!(
            directory = %self.home.directory.display(),
            offset = next_offset,
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

/// Where a walk over a segment found no whole batch any more.
struct Torn {
    position: u32,
    error: WalkError,
}

/// Loads the newest producer snapshot that the log reaches, and replays what follows it.
pub(crate) fn load_producers(log: &mut Log) -> Result<(), LogError> {
    let directory = &log.home.directory;
    let mut offsets = snapshots(directory)?;
    let end = log.log_end_offset;
    let keep = |offset: i64| {
        offset == end || offset < end && log.segments.iter().any(|it| it.base_offset == offset)
    };
    let newest_useful = offsets.iter().rev().find(|offset| **offset <= end).copied();
    remove_snapshots(directory, |offset| !keep(offset) && Some(offset) != newest_useful)?;
    offsets.retain(|offset| *offset <= end);

    let mut from = log.segments[0].base_offset;
    log.producers.clear();
    while let Some(offset) = offsets.pop() {
        if let Some(producers) = Producers::read_snapshot(directory, offset)? {
            log.producers = producers;
            from = from.max(offset);
            break;
        }
    }
    let first =
        log.segments.partition_point(|segment| segment.base_offset <= from).saturating_sub(1);
    for segment in &log.segments[first..] {
        if from >= end {
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

/// Offsets of the producer snapshots in a directory, in order.
fn snapshots(directory: &Path) -> Result<Vec<i64>, StorageError> {
    let mut offsets: Vec<i64> = disk::list(directory)?
        .iter()
        .filter_map(|entry| parse_name(&entry.name, "snapshot"))
        .collect();
    offsets.sort_unstable();
    Ok(offsets)
}

pub(crate) fn remove_snapshots(
    directory: &Path,
    unwanted: impl Fn(i64) -> bool,
) -> Result<(), StorageError> {
    for offset in snapshots(directory)?.into_iter().filter(|offset| unwanted(*offset)) {
        disk::remove(&segment_path(directory, offset, "snapshot"))?;
    }
    Ok(())
}

/// The offset in `<20 digits>.<suffix>`.
fn parse_name(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?.strip_suffix('.')?;
    let all_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Beyond this there would be no room for offsets within the segment.
    let offset = digits.parse().ok().filter(|offset: &i64| *offset < i64::MAX - (1 << 33));
    offset.filter(|_| all_digits)
}

/// Removes what a deletion or a cleaning left half done, and finishes a replacement that had
/// begun: its `.swap` files are whole, the segments that they replace may be gone.
fn finish_swaps(home: &Home) -> Result<(), LogError> {
    let entries = disk::list(&home.directory)?;
    let path = |name: &str| home.directory.join(name);
    for entry in &entries {
        let unfinished = [".deleted", ".cleaned", ".tmp"];
        if unfinished.iter().any(|suffix| entry.name.ends_with(suffix)) {
            disk::remove(&path(&entry.name))?;
        }
    }
    let swaps: Vec<i64> =
        entries.iter().filter_map(|entry| parse_name(&entry.name, "log.swap")).collect();
    for swap in &swaps {
        let swapped = path(&format!("{swap:020}.log.swap"));
        let end = end_of_file(&swapped, *swap)?.max(swap + 1);
        for replaced in entries.iter().filter_map(|entry| parse_name(&entry.name, "log")) {
            if (*swap..end).contains(&replaced) {
                for suffix in REPLACED_SUFFIXES {
                    disk::remove(&segment_path(&home.directory, replaced, suffix))?;
                }
            }
        }
    }
    for suffix in REPLACED_SUFFIXES {
        for entry in &entries {
            let Some(base_offset) = parse_name(&entry.name, &format!("{suffix}.swap")) else {
                continue;
            };
            let swapped = path(&entry.name);
            // An index without its log: the stop came before the replacement counted.
            match swaps.contains(&base_offset) {
                true => {
                    disk::rename(&swapped, &segment_path(&home.directory, base_offset, suffix))?
                }
                false => disk::remove(&swapped)?,
            }
        }
    }
    Ok(())
}

fn end_of_file(path: &Path, base_offset: i64) -> Result<i64, LogError> {
    let file = Arc::new(disk::DiskFile::open(path)?);
    let size = size_of(path, file.len()?)?;
    let mut walk = crate::segment::Walk::new(file, 0, size);
    let mut end = base_offset;
    while let Some((_, header)) = walk.next_header()? {
        end = header.next_offset();
    }
    Ok(end)
}

fn size_of(path: &Path, len: u64) -> Result<u32, LogError> {
    u32::try_from(len).map_err(|_| LogError::Unreadable {
        path: path.to_owned(),
        what: "a segment of more than 4 GiB is none of Kafka's".into(),
    })
}

fn load_segments(
    home: &Home,
    config: &LogConfig,
    log_start_offset: i64,
    now_ms: i64,
) -> Result<Vec<Segment>, LogError> {
    let entries = disk::list(&home.directory)?;
    let of_suffix = |suffix: &'static str| -> BTreeMap<i64, &DirectoryEntry> {
        let named = entries.iter().map(|entry| (parse_name(&entry.name, suffix), entry));
        named.filter_map(|(offset, entry)| Some((offset?, entry))).collect()
    };
    let (logs, indexes, time_indexes) =
        (of_suffix("log"), of_suffix("index"), of_suffix("timeindex"));
    for orphan in indexes.keys().chain(time_indexes.keys()).filter(|it| !logs.contains_key(it)) {
        for suffix in ["index", "timeindex", "txnindex"] {
            disk::remove(&segment_path(&home.directory, *orphan, suffix))?;
        }
    }
    let mut segments = Vec::with_capacity(logs.len().max(1));
    for (base_offset, log) in logs {
        let len_of = |of: &BTreeMap<i64, &DirectoryEntry>| of.get(&base_offset).map(|it| it.len);
        let (index, time_index) = (len_of(&indexes), len_of(&time_indexes));
        let sizes = FileSizes {
            log: size_of(&home.directory.join(&log.name), log.len)?,
            index: index.unwrap_or(0),
            time_index: time_index.unwrap_or(0),
        };
        let mut segment = Segment::of_files(home, base_offset, sizes, log.modified_ms);
        let whole = |len: Option<u64>, entry: u64| len.is_some_and(|len| len % entry == 0);
        if sizes.log > 0 && !(whole(index, 8) && whole(time_index, 12)) {
            rebuild_indexes(&mut segment, home, config)?;
        }
        segments.push(segment);
    }
    if segments.is_empty() {
        segments.push(Segment::create(home, log_start_offset.max(0), now_ms)?);
    }
    Ok(segments)
}

/// Makes missing or torn indexes anew from the headers of the batches.
fn rebuild_indexes(
    segment: &mut Segment,
    home: &Home,
    config: &LogConfig,
) -> Result<(), StorageError> {
    tracing::info!(
        directory = %home.directory.display(),
        base_offset = segment.base_offset,
        "rebuilding missing indexes"
    );
    segment.reset_indexes(home)?;
    let mut walk = segment.walk(home, 0)?;
    loop {
        match walk.next_header() {
            Ok(Some((at, header))) if segment.spans(header.last_offset()) => {
                segment.note(&header, at, config.index_interval_bytes);
            }
            Err(WalkError::Storage(error)) => return Err(error),
            // Recovery or the first read finds out about what is torn.
            Ok(_) | Err(WalkError::Corrupt { .. }) => return segment.seal(home),
        }
    }
}

fn metadata_path(directory: &Path) -> PathBuf {
    directory.join(METADATA)
}

fn read_topic_id(directory: &Path) -> Result<Option<Uuid>, LogError> {
    let path = metadata_path(directory);
    let Some(bytes) = disk::read_small(&path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    let unreadable = |what: &str| LogError::Unreadable { path: path.clone(), what: what.into() };
    if value("version").as_deref() != Some("0") {
        return Err(unreadable("expected version 0"));
    }
    let topic_id = value("topic_id").ok_or_else(|| unreadable("expected a topic_id"))?;
    let bytes = URL_SAFE_NO_PAD.decode(topic_id).ok();
    let topic_id = bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok());
    topic_id.map(Some).ok_or_else(|| unreadable("topic_id is not a UUID in base64url"))
}

pub(crate) fn write_topic_id(directory: &Path, topic_id: Uuid) -> Result<(), StorageError> {
    let encoded = URL_SAFE_NO_PAD.encode(topic_id.as_bytes());
    let text = format!("version: 0\ntopic_id: {encoded}");
    disk::write_unsynced(&metadata_path(directory), text.as_bytes())
}
