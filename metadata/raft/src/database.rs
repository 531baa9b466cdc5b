//! RocksDB under the raft log: small, synced by one thread for many writers.
//!
//! Every write goes to the memtable and to the buffer of the write-ahead log and returns. Who needs
//! durability queues for the flusher, which syncs once for all that queued meanwhile: on a disk of
//! 4 ms per sync a thousand entries per second cost as many syncs as ten.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, RwLock};

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamily, DB, DBCompressionType, LogLevel, Options, ReadOptions,
    WriteBatch,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::config::OpenError;
use crate::types::{FormatError, NodeKey, decode, encode};

const LOG: &str = "log";
/// Vote, identity and the like. It exists anyway, and every family costs syncs at the first start.
const META: &str = rocksdb::DEFAULT_COLUMN_FAMILY_NAME;
const IDENTITY: &str = "identity";

/// Durability requests that may queue. Writers wait beyond that.
const FLUSH_QUEUE_MAX: usize = 4096;

/// Called with the outcome of a sync.
pub(crate) type OnFlushed = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Whose store this is. Written once, compared at every start.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Identity {
    cluster_id: String,
    key: NodeKey,
}

/// Handle of the store. Clones share it.
#[derive(Clone)]
pub(crate) struct Database {
    shared: Arc<Shared>,
    flusher: SyncSender<OnFlushed>,
}

/// The database itself, until it is closed: openraft's tasks may outlive it by a moment, and a
/// switch of modes opens the directory again in the same process.
struct Shared(RwLock<Option<DB>>);

impl Database {
    /// Opens or creates the store below `directory` and makes sure that it belongs to `key`.
    pub(crate) fn open(
        directory: &Path,
        cluster_id: &str,
        key: NodeKey,
    ) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join("log");
        let db =
            DB::open_cf_with_opts(&options(), &path, [LOG, META].map(|name| (name, options())))
                .map_err(|error| open_error(&path, error))?;
        let (flusher, queue) = sync_channel(FLUSH_QUEUE_MAX);
        let database = Self { shared: Arc::new(Shared(RwLock::new(Some(db)))), flusher };
        database.claim(directory, Identity { cluster_id: cluster_id.to_owned(), key })?;
        let shared = database.shared.clone();
        std::thread::Builder::new()
            .name("raft-log-flusher".into())
            .spawn(move || flush_for_all(&shared, &queue))?;
        Ok(database)
    }

    fn claim(&self, directory: &Path, ours: Identity) -> Result<(), OpenError> {
        let name = |it: &Identity| format!("controller {} of cluster {}", it.key, it.cluster_id);
        match self.get_meta::<Identity>(IDENTITY) {
            Ok(None) => {
                self.put_meta(IDENTITY, &ours)?;
                Ok(self.shared.sync()?)
            }
            Ok(Some(found)) if found == ours => Ok(()),
            Ok(Some(found)) => Err(OpenError::Foreign {
                directory: directory.to_owned(),
                found: name(&found),
                expected: name(&ours),
            }),
            Err(error) => Err(unreadable(error)),
        }
    }

    /// A value of the small column family, or `None` when it was never written.
    pub(crate) fn get_meta<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let value = self.shared.with(|db| {
            db.get_pinned_cf(family(db, META), name).map(|value| {
                value.map(|bytes| decode(|| format!("the raft store's {name}"), &bytes))
            })
        })?;
        Ok(value.transpose()?)
    }

    /// Durable after the next sync.
    pub(crate) fn put_meta(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        self.shared.with(|db| db.put_cf(family(db, META), name, encode(value)))
    }

    /// Writes log entries, each under its index. Durable after the next sync.
    pub(crate) fn append(
        &self,
        entries: impl IntoIterator<Item = (u64, Vec<u8>)>,
    ) -> io::Result<()> {
        self.shared.with(|db| {
            let mut batch = WriteBatch::default();
            for (index, entry) in entries {
                batch.put_cf(family(db, LOG), index.to_be_bytes(), entry);
            }
            db.write(batch)
        })
    }

    /// Removes the entries in `from..to`, together with a change of `name` if there is one.
    pub(crate) fn remove(
        &self,
        from: u64,
        to: u64,
        meta: Option<(&str, Vec<u8>)>,
    ) -> io::Result<()> {
        self.shared.with(|db| {
            let mut batch = WriteBatch::default();
            if let Some((name, value)) = meta {
                batch.put_cf(family(db, META), name, value);
            }
            batch.delete_range_cf(family(db, LOG), from.to_be_bytes(), to.to_be_bytes());
            db.write(batch)
        })
    }

    /// Reads entries in `from..to` in order, as long as `take` says so.
    pub(crate) fn scan(
        &self,
        from: u64,
        to: u64,
        mut take: impl FnMut(u64, &[u8]) -> bool,
    ) -> io::Result<()> {
        self.shared.with(|db| {
            let mut read = ReadOptions::default();
            read.set_iterate_upper_bound(to.to_be_bytes());
            let mut at = db.raw_iterator_cf_opt(family(db, LOG), read);
            at.seek(from.to_be_bytes());
            while let (Some(key), Some(value)) = (at.key(), at.value()) {
                let index = key.try_into().map(u64::from_be_bytes).expect("keys have 8 bytes");
                if !take(index, value) {
                    return Ok(());
                }
                at.next();
            }
            at.status()
        })
    }

    /// The newest entry.
    pub(crate) fn last(&self) -> io::Result<Option<Vec<u8>>> {
        self.shared.with(|db| {
            let mut at = db.raw_iterator_cf(family(db, LOG));
            at.seek_to_last();
            at.status()?;
            Ok(at.value().map(<[u8]>::to_vec))
        })
    }

    /// Calls `then` once everything written so far is on disk.
    pub(crate) fn on_flushed(&self, then: OnFlushed) -> io::Result<()> {
        self.flusher.send(then).map_err(|_| closed())
    }

    /// Returns once everything written so far is on disk.
    pub(crate) async fn flushed(&self) -> io::Result<()> {
        let (done, outcome) = oneshot::channel();
        self.on_flushed(Box::new(move |result| drop(done.send(result))))?;
        outcome.await.map_err(|_| closed())?
    }

    /// Syncs and closes. Later calls on any clone fail.
    pub(crate) fn close(&self) {
        if let Err(error) = self.shared.sync() {
            tracing::warn!("cannot sync the raft log while closing it: {error}");
        }
        self.shared.0.write().expect("readers do not panic").take();
    }
}

impl Shared {
    fn with<T>(&self, run: impl FnOnce(&DB) -> Result<T, rocksdb::Error>) -> io::Result<T> {
        let db = self.0.read().expect("close does not panic");
        run(db.as_ref().ok_or_else(closed)?).map_err(io::Error::other)
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|db| db.flush_wal(true))
    }
}

fn flush_for_all(shared: &Shared, queue: &Receiver<OnFlushed>) {
    while let Ok(first) = queue.recv() {
        let mut waiting = vec![first];
        waiting.extend(queue.try_iter().take(FLUSH_QUEUE_MAX));
        let result = shared.sync().map_err(|error| error.to_string());
        for then in waiting {
            then(result.clone().map_err(io::Error::other));
        }
    }
}

fn family<'a>(db: &'a DB, name: &str) -> &'a ColumnFamily {
    db.cf_handle(name).expect("both column families are created when the store is opened")
}

fn closed() -> io::Error {
    io::Error::other("the raft store is closed")
}

/// Tuned for little: some thousand entries live here, and they are read once.
fn options() -> Options {
    let mut table = BlockBasedOptions::default();
    if let Ok(cache) = Cache::new_lru_cache(1 << 20) {
        table.set_block_cache(&cache);
    }
    let mut options = Options::default();
    options.set_block_based_table_factory(&table);
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_manual_wal_flush(true);
    options.set_write_buffer_size(4 << 20);
    options.set_arena_block_size(128 << 10);
    options.set_max_write_buffer_number(2);
    options.set_max_total_wal_size(16 << 20);
    options.set_max_background_jobs(2);
    options.set_max_open_files(64);
    options.set_compression_type(DBCompressionType::None);
    options.set_max_manifest_file_size(1 << 20);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_log_level(LogLevel::Warn);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

fn open_error(path: &Path, error: rocksdb::Error) -> OpenError {
    let message = error.to_string();
    match error.kind() {
        // RocksDB's words for a lock held here and elsewhere.
        rocksdb::ErrorKind::IOError
            if message.contains("lock hold by current process")
                || message.contains("While lock file") =>
        {
            OpenError::Locked(PathBuf::from(path))
        }
        rocksdb::ErrorKind::Corruption => corrupt(path.display(), message),
        _ => OpenError::Io(io::Error::other(message)),
    }
}

fn corrupt(what: impl Display, reason: impl Display) -> OpenError {
    OpenError::Corrupt(format!("{what} is damaged: {reason}"))
}

/// Why something kept in the store cannot be used at start.
pub(crate) fn unreadable(error: io::Error) -> OpenError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<FormatError>()) {
        Some(FormatError::Newer { what, found, known }) => {
            OpenError::Newer { what: what.clone(), found: *found, known: *known }
        }
        Some(FormatError::Damaged { what, reason }) => corrupt(what, reason),
        None => OpenError::Io(error),
    }
}
