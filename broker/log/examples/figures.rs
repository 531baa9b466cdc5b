//! Prints what a log costs on this machine: appends, reads, opening, and memory when idle. Times
//! are those of the processor, so that a busy machine does not matter.
//!
//! `cargo run --release -p partition-log --example figures [DIRECTORY]`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use partition_log::{Log, LogConfig, Recovery, Shared};
use records::BatchBuilder;

const CLEAN: Recovery = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown: true };

/// Time that this thread has spent on a processor.
struct Instant(Duration);

impl Instant {
    fn now() -> Self {
        let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        let nanoseconds = statistics.split(' ').next().and_then(|it| it.parse().ok());
        Self(Duration::from_nanos(nanoseconds.expect("the first number is the time run")))
    }

    fn elapsed(&self) -> Duration {
        Self::now().0 - self.0
    }
}

fn main() {
    let root = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let root = root.join(format!("log-figures-{}", std::process::id()));
    opening(&root.join("opening"), 5000);
    for bytes in [200, 1 << 10, 16 << 10, 128 << 10] {
        appends(&root.join(format!("append-{bytes}")), bytes);
    }
    std::fs::remove_dir_all(&root).expect("the directory was made above");
}

fn batch(bytes: usize) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    let value = vec![b'x'; 100.min(bytes / 2)];
    while builder.size_bytes() < bytes {
        builder.push_next(0, None, Some(&value));
    }
    builder.build().expect("a small batch")
}

fn open(directory: &Path, shared: &Arc<Shared>, recovery: Recovery) -> Log {
    Log::open(directory, LogConfig::KAFKA, shared.clone(), recovery, 0).expect("open")
}

fn appends(directory: &Path, bytes: usize) {
    let shared = Shared::new(64 << 20, 1000);
    let mut log = open(directory, &shared, CLEAN);
    let batch = batch(bytes);
    let count = (512 << 20) / batch.len().max(2048);
    let mut spent = Duration::ZERO;
    for _ in 0..count / 100 {
        // As it comes from a socket: each in a buffer of its own.
        let record_sets: Vec<Bytes> =
            (0..100).map(|_| BytesMut::from(&batch[..]).freeze()).collect();
        let started = Instant::now();
        for record_set in record_sets {
            log.append_as_leader(record_set, 0, 0).expect("append");
        }
        spent += started.elapsed();
    }
    let count = count / 100 * 100;
    let total = (count * batch.len()) as f64;
    let tail = read(&log, (log.log_end_offset() - 1000).max(0), 200);
    let cold = read(&log, 0, 1);
    let started = Instant::now();
    let recovered = {
        drop(log);
        open(directory, &shared, Recovery { clean_shutdown: false, ..CLEAN })
    };
    let recovery = started.elapsed();
    println!(
        "batch of {:>6} bytes: append {:>6.2} us, {:>6.0} MB/s; read tail {:>6.0} MB/s, cold {:>6.0} \
         MB/s; recovery {:>5.0} MB/s, {} segments",
        batch.len(),
        spent.as_secs_f64() * 1e6 / count as f64,
        total / spent.as_secs_f64() / 1e6,
        tail,
        cold,
        total / recovery.as_secs_f64() / 1e6,
        recovered.segments()
    );
}

/// Reads from an offset to the end in fetches of 1 MiB, so many times; megabytes a second.
fn read(log: &Log, from: i64, times: usize) -> f64 {
    let started = Instant::now();
    let mut bytes = 0;
    for _ in 0..times {
        let mut from = from;
        while from < log.log_end_offset() {
            let read = log.read(from, 1 << 20, log.log_end_offset(), true).expect("plan");
            let chunks = read.execute().expect("read");
            bytes += chunks.iter().map(Bytes::len).sum::<usize>();
            let last = records::batches(chunks.last().expect("a batch")).last();
            from = last.expect("a batch").expect("a whole batch").1.next_offset();
        }
    }
    bytes as f64 / started.elapsed().as_secs_f64() / 1e6
}

fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split(' ').nth(1).and_then(|it| it.parse::<usize>().ok());
    pages.expect("the second number is the resident set") * 4096
}

fn opening(root: &Path, count: usize) {
    let shared = Shared::new(64 << 20, 1000);
    let directory = |index: usize| root.join(format!("some-topic-name-{index}"));
    let timed = |what: &str, action: &mut dyn FnMut()| {
        let started = Instant::now();
        action();
        println!("{what}: {:.1} us each", started.elapsed().as_secs_f64() * 1e6 / count as f64);
    };
    let before = resident_bytes();
    let mut logs = Vec::with_capacity(count);
    timed("new log", &mut || {
        logs.extend((0..count).map(|index| open(&directory(index), &shared, CLEAN)));
    });
    println!("idle log: {} bytes resident", (resident_bytes() - before) / count);
    let batch = batch(200);
    timed("first append", &mut || {
        for log in &mut logs {
            log.append_as_leader(batch.clone(), 0, 0).expect("append");
        }
    });
    timed("append to one of many logs", &mut || {
        for log in &mut logs {
            log.append_as_leader(batch.clone(), 0, 0).expect("append");
        }
    });
    println!("files open: {}", shared.open_files());
    logs.clear();
    timed("unclean open", &mut || {
        let recovery = Recovery { clean_shutdown: false, ..CLEAN };
        logs.extend((0..count).map(|index| open(&directory(index), &shared, recovery)));
    });
    timed("close", &mut || logs.iter_mut().for_each(|log| log.close().expect("close")));
    logs.clear();
    let before = resident_bytes();
    timed("clean open", &mut || {
        logs.extend((0..count).map(|index| open(&directory(index), &shared, CLEAN)));
    });
    println!("idle log: {} bytes resident", resident_bytes().saturating_sub(before) / count);
}
