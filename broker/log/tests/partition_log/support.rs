//! Batches and logs for the tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use partition_log::{Log, LogConfig, Recovery, Shared};
use records::{BatchBuilder, BatchHeader, Record, RecordIter, batches};

pub(crate) const INFLATED_BYTES_MAX: usize = 64 << 20;

/// A log in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) log: Log,
    pub(crate) config: LogConfig,
    pub(crate) shared: Arc<Shared>,
    pub(crate) directory: PathBuf,
    root: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new(config: LogConfig, tail_bytes: usize) -> Self {
        let root = temporary_directory();
        let directory = root.path().join("topic-0");
        let shared = Shared::new(tail_bytes, 100);
        let recovery = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown: true };
        let log = Log::open(&directory, config.clone(), shared.clone(), recovery, 0);
        Self { log: log.expect("open"), config, shared, directory, root }
    }

    pub(crate) fn reopen_clean(&mut self) -> &mut Log {
        self.log.close().expect("close");
        let log_start_offset = self.log.log_start_offset();
        self.open(Recovery { recovery_point: 0, log_start_offset, clean_shutdown: true })
    }

    pub(crate) fn reopen_unclean(&mut self, recovery_point: i64) -> &mut Log {
        let log_start_offset = self.log.log_start_offset();
        self.open(Recovery { recovery_point, log_start_offset, clean_shutdown: false })
    }

    /// The log by itself, and what keeps its directory.
    pub(crate) fn into_parts(self) -> (Log, tempfile::TempDir) {
        (self.log, self.root)
    }

    pub(crate) fn open(&mut self, recovery: Recovery) -> &mut Log {
        let log = Log::open(&self.directory, self.config.clone(), self.shared.clone(), recovery, 0);
        self.log = log.expect("open");
        &mut self.log
    }
}

/// In memory where the machine offers that: these tests sync without end.
pub(crate) fn temporary_directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::tempdir_in(root).expect("a temporary directory")
}

/// `count` records with keys and values of their own, the first one at `timestamp`.
pub(crate) fn batch(count: i64, timestamp: i64) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    fill(&mut builder, count, timestamp);
    builder.build().expect("build")
}

pub(crate) fn produced(count: i64) -> Bytes {
    batch(count, 0)
}

/// A batch of an idempotent producer.
pub(crate) fn sequenced(producer_id: i64, epoch: i16, sequence: i32, count: i64) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    builder.producer_id = producer_id;
    builder.producer_epoch = epoch;
    builder.base_sequence = sequence;
    fill(&mut builder, count, 0);
    builder.build().expect("build")
}

fn fill(builder: &mut BatchBuilder, count: i64, timestamp: i64) {
    for index in 0..count {
        let key = format!("key-{index}");
        let value = format!("value-{timestamp}-{index}");
        builder.push_next(timestamp + index, Some(key.as_bytes()), Some(value.as_bytes()));
    }
}

pub(crate) fn headers(chunks: &[Bytes]) -> Vec<BatchHeader> {
    let all = chunks.iter().flat_map(|chunk| batches(chunk));
    all.map(|batch| batch.expect("a whole batch").1).collect()
}

/// Every record of a log, read in small fetches.
pub(crate) fn read_all(log: &Log) -> Vec<Record> {
    let mut records = Vec::new();
    let mut from = log.log_start_offset();
    loop {
        let read = log.read(from, 300, log.log_end_offset(), true).expect("plan");
        let chunks = read.execute().expect("read");
        if chunks.is_empty() {
            return records;
        }
        for chunk in chunks {
            for batch in batches(&chunk) {
                let (range, header) = batch.expect("a whole batch");
                let batch = chunk.slice(range);
                header.check_crc(&batch).expect("CRC");
                let inner = RecordIter::new(&batch, INFLATED_BYTES_MAX).expect("open");
                records.extend(inner.map(|record| record.expect("record")));
                from = header.next_offset();
            }
        }
    }
}

/// A batch of records with these keys and values, timestamps from `timestamp` on.
pub(crate) fn keyed(records: &[(&[u8], Option<&[u8]>)], timestamp: i64) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    for (index, (key, value)) in records.iter().enumerate() {
        builder.push_next(timestamp + index as i64, Some(key), *value);
    }
    builder.build().expect("build")
}
