//! What the logs of one broker share: a bounded set of open files and the budget of the tail cache.
//!
//! A broker has 20,000 descriptors and 100,000 replicas, so no log owns one: files are opened when
//! needed and the set forgets those not used lately (second chance). Whoever holds an `Arc` of a
//! file keeps it open through that.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{DiskFile, StorageError};
use crate::tail::Ring;

/// Names an open file. A segment has three in a row. Never used again once the file is gone.
pub(crate) type FileId = u64;

/// What all logs of one broker share.
#[derive(Debug)]
pub struct Shared {
    files: Mutex<OpenFiles>,
    next_file_id: AtomicU64,
    pub(crate) tails: Ring,
}

impl Shared {
    /// `tail_bytes`: what the tails of all partitions may take together (0: all reads go to disk).
    /// `open_files`: how many files stay open.
    pub fn new(tail_bytes: usize, open_files: usize) -> Arc<Self> {
        Arc::new(Self {
            files: Mutex::new(OpenFiles {
                files: HashMap::new(),
                clock: VecDeque::new(),
                limit: open_files.max(1),
            }),
            next_file_id: AtomicU64::new(0),
            tails: Ring::new(tail_bytes),
        })
    }

    /// Bytes that the tails of all partitions take now.
    pub fn tail_bytes(&self) -> usize {
        self.tails.bytes()
    }

    /// Forgets what was in the tails already when this was called last: call it every few seconds.
    pub fn age_tails(&self) {
        self.tails.age();
    }

    /// Files that are open now.
    pub fn open_files(&self) -> usize {
        lock(&self.files).files.len()
    }

    pub(crate) fn next_file_id(&self) -> FileId {
        self.next_file_id.fetch_add(3, Ordering::Relaxed)
    }

    /// The open file of that id, or the one that `open` opens.
    pub(crate) fn open(
        &self,
        id: FileId,
        open: impl FnOnce() -> Result<DiskFile, StorageError>,
    ) -> Result<Arc<DiskFile>, StorageError> {
        if let Some(known) = lock(&self.files).files.get_mut(&id) {
            known.used = true;
            return Ok(known.file.clone());
        }
        // Outside the lock: another thread may open it too, and then one of both is kept.
        let file = Arc::new(open()?);
        Ok(lock(&self.files).insert(id, file))
    }

    /// Forgets a file that was removed or replaced.
    pub(crate) fn close(&self, id: FileId) {
        lock(&self.files).files.remove(&id);
    }
}

#[derive(Debug)]
struct OpenFiles {
    files: HashMap<FileId, OpenFile>,
    /// Every open file once, and some that were closed since.
    clock: VecDeque<FileId>,
    limit: usize,
}

#[derive(Debug)]
struct OpenFile {
    file: Arc<DiskFile>,
    used: bool,
}

impl OpenFiles {
    fn insert(&mut self, id: FileId, file: Arc<DiskFile>) -> Arc<DiskFile> {
        let file = match self.files.entry(id) {
            Entry::Occupied(open) => return open.get().file.clone(),
            Entry::Vacant(slot) => slot.insert(OpenFile { file, used: false }).file.clone(),
        };
        self.clock.push_back(id);
        while self.files.len() > self.limit || self.clock.len() > 2 * self.limit {
            let Some(oldest) = self.clock.pop_front() else { break };
            match self.files.get_mut(&oldest) {
                Some(open) if open.used => {
                    open.used = false;
                    self.clock.push_back(oldest);
                }
                Some(_) => drop(self.files.remove(&oldest)),
                None => (),
            }
        }
        file
    }
}

/// Locks a mutex whose data stays whole when a holder panics.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `<directory>/<offset, 20 digits>.<suffix>`, Kafka's name of a segment's file.
pub(crate) fn segment_path(directory: &Path, base_offset: i64, suffix: &str) -> PathBuf {
    directory.join(format!("{base_offset:020}.{suffix}"))
}
