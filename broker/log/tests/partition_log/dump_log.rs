//! Kafka's own DumpLogSegments reads every file that a log writes, and has nothing to complain of.
//!
//! The jars are those of a Kafka 4.3 distribution, in the folder that `KAFKA_CLIENTS_LIBS` names.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use partition_log::{LogConfig, OffsetMap};
use records::{BatchBuilder, Codec, TimestampType};

use crate::support::{Fixture, batch, keyed, sequenced};

/// Files of a directory that end with the suffix, in order.
fn files(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("list");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    files.retain(|path| path.to_string_lossy().ends_with(suffix));
    files.sort();
    files
}

/// Whether the offsets of a log have gaps.
#[derive(Clone, Copy, PartialEq)]
enum Offsets {
    Consecutive,
    Compacted,
}

/// The folder of Kafka's jars.
fn kafka_libs() -> PathBuf {
    let libs = std::env::var_os("KAFKA_CLIENTS_LIBS").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").expect("HOME is set");
        PathBuf::from(home).join(".cache/janus/kafka-4.3.0/libs")
    });
    let jar = libs.join("kafka-clients-4.3.0.jar");
    assert!(
        jar.exists(),
        "{} is missing: this test reads the log with Kafka's own tool. Run `make tools-test`, or \
         set KAFKA_CLIENTS_LIBS to the folder libs of a Kafka 4.3.0.",
        jar.display()
    );
    libs
}

/// Runs the tool; it must succeed and complain of nothing on stderr.
fn dump(files: &[PathBuf], arguments: &[&str], offsets: Offsets) -> String {
    assert!(!files.is_empty());
    let libs = kafka_libs();
    let names: Vec<_> = files.iter().map(|path| path.to_string_lossy()).collect();
    let output = Command::new("java")
        .args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp"])
        .arg(libs.join("*"))
        .arg("org.apache.kafka.tools.DumpLogSegments")
        .args(arguments)
        .args(["--files", &names.join(",")])
        .output()
        .expect("java 17 or newer is installed; `make tools-test` installs it");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    // Of every segment that does not begin at 0, it says that -1 is followed by its first offset.
    let complaint = |line: &&str| match line.trim_start() {
        line if line.starts_with("Non-consecutive offsets in") => false,
        line if line.contains(" is followed by ") => {
            offsets == Offsets::Consecutive && !line.starts_with("-1 ")
        }
        // Without a configuration, the tool's logger speaks up once.
        line => !line.contains("Reconfiguration") && !line.contains("logger"),
    };
    let complaints: Vec<&str> = stderr.lines().filter(complaint).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
    assert!(!stdout.contains("isvalid: false"), "{stdout}");
    assert!(!stdout.contains("invalid bytes at the end"), "{stdout}");
    stdout
}

/// Every file of the log, every way to look at it.
fn check(directory: &Path, batches: usize, offsets: Offsets) {
    let contents = [files(directory, ".log"), files(directory, ".snapshot")].concat();
    let logs = dump(&contents, &["--deep-iteration", "--print-data-log"], offsets);
    assert_eq!(logs.matches("isvalid: true").count(), batches, "{logs}");
    let indexes = [files(directory, ".index"), files(directory, ".timeindex")].concat();
    dump(&indexes, &["--verify-index-only"], offsets);
    let sane = dump(&indexes, &["--index-sanity-check"], offsets);
    assert!(sane.contains("passed sanity check"), "{sane}");
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 5000, index_interval_bytes: 200, ..LogConfig::KAFKA }
}

#[test]
fn segments_indexes_and_snapshots_are_kafkas() {
    let mut fixture = Fixture::new(config(), 0);
    let mut batches = 0;
    for round in 0..25 {
        let mut builder = BatchBuilder::new(0);
        builder.compression = Codec::ALL[round % 5];
        for index in 0..4 {
            let timestamp = (round * 1000 + index) as i64;
            builder.push_next(
                timestamp,
                (index > 0).then_some(b"key"),
                (index < 3).then_some(b"v"),
            );
        }
        let mut record_set = builder.build().expect("build").to_vec();
        record_set.extend_from_slice(&batch(3, round as i64 * 1000 + 500));
        let epoch = round as i32 / 10;
        fixture.log.append_as_leader(record_set.into(), epoch, 30_000).expect("append");
        let sequence = round as i32 * 2;
        fixture.log.append_as_leader(sequenced(77, 0, sequence, 2), epoch, 0).expect("append");
        batches += 3;
    }
    // While the log is open, its active index lags behind, which the tool must accept.
    check(&fixture.directory, batches, Offsets::Consecutive);
    fixture.log.close().expect("close");
    check(&fixture.directory, batches, Offsets::Consecutive);
    // A cut, and what comes after it.
    let end = fixture.log.log_end_offset();
    fixture.reopen_clean();
    assert_eq!(fixture.log.truncate_to(end - 2).expect("truncate"), end - 2);
    fixture.log.append_as_leader(batch(50, 100_000), 7, 100_000).expect("append");
    fixture.log.close().expect("close");
    check(&fixture.directory, batches, Offsets::Consecutive);
    // After an unclean stop, everything is made anew.
    fixture.reopen_unclean(0);
    fixture.log.close().expect("close");
    check(&fixture.directory, batches, Offsets::Consecutive);
}

#[test]
fn batches_stamped_by_the_leader_are_kafkas() {
    let stamped = LogConfig { timestamp_type: TimestampType::LogAppendTime, ..config() };
    let mut fixture = Fixture::new(stamped, 0);
    for round in 0..40 {
        let appended = fixture.log.append_as_leader(batch(3, 5), 0, 1000 + round).expect("append");
        assert_eq!(appended.log_append_time_ms, 1000 + round);
    }
    fixture.log.close().expect("close");
    check(&fixture.directory, 40, Offsets::Consecutive);
    let dumped =
        dump(&files(&fixture.directory, ".log"), &["--deep-iteration"], Offsets::Consecutive);
    assert!(dumped.contains("LogAppendTime: 1039"), "{dumped}");
}

#[test]
fn compacted_segments_are_kafkas() {
    let compacted = LogConfig { compact: true, delete: false, ..config() };
    let mut fixture = Fixture::new(compacted, 0);
    for round in 0..60 {
        let key = format!("key-{}", round % 7);
        let value = (round % 9 != 8).then(|| format!("value-{round}").into_bytes());
        let other: (&[u8], Option<&[u8]>) = match round {
            10 => (b"gone", None),
            _ => (b"other", Some(b"x")),
        };
        let records = [(key.as_bytes(), value.as_deref()), other];
        fixture.log.append_as_leader(keyed(&records, round * 1000), 0, 60_000).expect("append");
    }
    let log = &mut fixture.log;
    let cleanable = log.cleanable(None, log.log_end_offset(), 100_000).expect("cleanable");
    let plan = log.plan_cleaning(cleanable).expect("plan");
    let mut go_on = |_| ControlFlow::Continue(());
    let cleaned = plan.execute(&mut OffsetMap::new(0), 100_000, &mut go_on).expect("clean");
    log.finish_cleaning(cleaned, 100_000).expect("finish");
    log.close().expect("close");
    let dumped =
        dump(&files(&fixture.directory, ".log"), &["--deep-iteration"], Offsets::Compacted);
    let batches = dumped.matches("isvalid: true").count();
    assert!(batches < 60, "{dumped}");
    assert!(dumped.contains("deleteHorizonMs: OptionalLong["), "{dumped}");
    check(&fixture.directory, batches, Offsets::Compacted);
}
