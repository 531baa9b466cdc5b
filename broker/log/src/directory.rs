//! The files of a partition's directory: their names, what an unclean stop left of them, and the
//! small ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::config::LogConfig;
use crate::disk::{self, DirectoryEntry, DiskFile, StorageError};
use crate::log::LogError;
use crate::segment::{FileSizes, Home, REPLACED_SUFFIXES, Segment, Walk, WalkError};
use crate::shared::segment_path;

const METADATA: &str = "partition.metadata";
const TRUNCATED: &str = "truncated-recovery-point";

/// The name of a partition's directory: `<topic>-<partition>`, or one that is to be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionDirectory {
    Partition {
        topic: String,
        partition: i32,
    },
    /// Renamed by [`crate::Log::delete`] (or Kafka): remove it.
    Deleted,
}

impl PartitionDirectory {
    /// Reads a name; `None` where it is no partition's.
    pub fn parse(name: &str) -> Option<Self> {
        if name.ends_with("-delete") && name.contains('.') || name.ends_with("-stray") {
            return Some(Self::Deleted);
        }
        let (topic, partition) = name.rsplit_once('-')?;
        let partition = partition.parse().ok().filter(|partition: &i32| *partition >= 0)?;
        (!topic.is_empty()).then(|| Self::Partition { topic: topic.to_owned(), partition })
    }
}

/// What a directory holds when its log is opened.
#[derive(Debug)]
pub(crate) struct Listing {
    entries: Vec<DirectoryEntry>,
}

impl Listing {
    /// Of a directory that was made a moment ago.
    pub(crate) fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    /// Lists the directory, after removing what a deletion or a cleaning left half done.
    pub(crate) fn read(home: &Home) -> Result<Self, LogError> {
        let entries = disk::list(&home.directory)?;
        let left = [".deleted", ".cleaned", ".tmp", ".swap"];
        if !entries.iter().any(|entry| left.iter().any(|suffix| entry.name.ends_with(suffix))) {
            return Ok(Self { entries });
        }
        finish_swaps(home, &entries)?;
        Ok(Self { entries: disk::list(&home.directory)? })
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Offsets of the producer snapshots, in order.
    pub(crate) fn snapshots(&self) -> Vec<i64> {
        snapshots(&self.entries)
    }

    /// The topic that the directory says it belongs to.
    pub(crate) fn topic_id(&self, directory: &Path) -> Result<Option<Uuid>, LogError> {
        match self.has(METADATA) {
            true => read_topic_id(&directory.join(METADATA)),
            false => Ok(None),
        }
    }

    /// The recovery point after a truncation that went below what was synced.
    pub(crate) fn truncated(&self, directory: &Path) -> Result<Option<i64>, LogError> {
        if !self.has(TRUNCATED) {
            return Ok(None);
        }
        let bytes = disk::read_small(&directory.join(TRUNCATED))?.unwrap_or_default();
        // Unreadable: nothing is known to be synced.
        Ok(Some(String::from_utf8_lossy(&bytes).trim().parse().unwrap_or(0)))
    }

    /// The segments in order; those without whole indexes get new ones.
    pub(crate) fn segments(
        &self,
        home: &Home,
        config: &LogConfig,
    ) -> Result<Vec<Segment>, LogError> {
        let of_suffix = |suffix: &'static str| -> BTreeMap<i64, &DirectoryEntry> {
            let named = self.entries.iter().map(|entry| (parse_name(&entry.name, suffix), entry));
            named.filter_map(|(offset, entry)| Some((offset?, entry))).collect()
        };
        let (logs, indexes, time_indexes) =
            (of_suffix("log"), of_suffix("index"), of_suffix("timeindex"));
        let orphans = indexes.keys().chain(time_indexes.keys()).filter(|it| !logs.contains_key(it));
        for orphan in orphans {
            for suffix in ["index", "timeindex", "txnindex"] {
                disk::remove(&segment_path(&home.directory, *orphan, suffix))?;
            }
        }
        let mut segments = Vec::with_capacity(logs.len().max(1));
        for (base_offset, log) in logs {
            let len = |of: &BTreeMap<i64, &DirectoryEntry>| of.get(&base_offset).map(|it| it.len);
            let (index, time_index) = (len(&indexes), len(&time_indexes));
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
        Ok(segments)
    }
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

/// Removes unfinished files, and finishes a replacement that had begun: its `.swap` files are
/// whole, the segments that they replace may be gone.
fn finish_swaps(home: &Home, entries: &[DirectoryEntry]) -> Result<(), LogError> {
    let path = |name: &str| home.directory.join(name);
    for entry in entries {
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
        for entry in entries {
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
    let file = Arc::new(DiskFile::open(path)?);
    let size = size_of(path, file.len()?)?;
    let mut walk = Walk::new(file, 0, size);
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

/// Offsets of the producer snapshots in a directory, in order.
pub(crate) fn list_snapshots(directory: &Path) -> Result<Vec<i64>, StorageError> {
    Ok(snapshots(&disk::list(directory)?))
}

fn snapshots(entries: &[DirectoryEntry]) -> Vec<i64> {
    let mut offsets: Vec<i64> =
        entries.iter().filter_map(|entry| parse_name(&entry.name, "snapshot")).collect();
    offsets.sort_unstable();
    offsets
}

/// The offset in `<20 digits>.<suffix>`.
fn parse_name(name: &str, suffix: &str) -> Option<i64> {
    let digits = name.strip_suffix(suffix)?.strip_suffix('.')?;
    let all_digits = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Beyond this there would be no room for offsets within the segment.
    let offset = digits.parse().ok().filter(|offset: &i64| *offset < i64::MAX - (1 << 33));
    offset.filter(|_| all_digits)
}

fn read_topic_id(path: &Path) -> Result<Option<Uuid>, LogError> {
    // An empty one was not written yet when its process or its machine stopped.
    let written = disk::read_small(path)?.filter(|bytes| !bytes.is_empty());
    let Some(bytes) = written else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    let unreadable =
        |what: &str| LogError::Unreadable { path: path.to_owned(), what: what.to_owned() };
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
    disk::write_new(&directory.join(METADATA), text.as_bytes())
}

/// Writes down that less is synced than the checkpoint of the log directory may say.
pub(crate) fn write_truncated(directory: &Path, recovery_point: i64) -> Result<(), StorageError> {
    disk::write_unsynced(&truncated_path(directory), recovery_point.to_string().as_bytes())
}

/// Takes that back.
pub(crate) fn remove_truncated(directory: &Path) -> Result<(), StorageError> {
    disk::remove(&truncated_path(directory))
}

fn truncated_path(directory: &Path) -> PathBuf {
    directory.join(TRUNCATED)
}
