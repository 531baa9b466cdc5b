//! Partition directories that Kafka 4.3.0 wrote: they open, and hold what kafka-dump-log says.
//!
//! The fixtures were made by one broker: `mixed-0` with every codec, an idempotent producer, and
//! committed and aborted transactions over five segments; `stamped-0` with LogAppendTime. The
//! `.dump` files are the output of `kafka-dump-log --deep-iteration --print-data-log`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use partition_log::{Log, LogConfig, Recovery, Shared};
use records::{BatchHeader, TimestampType, batches};

use crate::support::{headers, read_all, temporary_directory};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kafka-4.3.0").join(name)
}

/// Opens a copy of a fixture.
fn open(name: &str, clean_shutdown: bool) -> (Log, tempfile::TempDir) {
    let root = temporary_directory();
    let directory = root.path().join(name);
    fs::create_dir(&directory).expect("create");
    for entry in fs::read_dir(fixture(name)).expect("list") {
        let entry = entry.expect("entry");
        fs::copy(entry.path(), directory.join(entry.file_name())).expect("copy");
    }
    let recovery = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown };
    let log = Log::open(&directory, LogConfig::KAFKA, Shared::new(0, 100), recovery, 0);
    (log.expect("open"), root)
}

/// The fields of a line of the dump, by name; the payload takes the rest of the line.
fn fields(line: &str) -> BTreeMap<&str, &str> {
    let mut fields = BTreeMap::new();
    let mut rest = line.trim_start_matches("| ");
    while let Some((name, after)) = rest.split_once(": ") {
        if name == "payload" {
            fields.insert(name, after);
            break;
        }
        let (value, after) = after.split_once(' ').unwrap_or((after, ""));
        fields.insert(name, value);
        rest = after;
    }
    fields
}

fn number(fields: &BTreeMap<&str, &str>, name: &str) -> i64 {
    fields[name].parse().unwrap_or_else(|_| panic!("{name} is a number in {fields:?}"))
}

fn all_batches(log: &Log) -> Vec<(BatchHeader, Bytes)> {
    let mut found = Vec::new();
    let mut from = log.log_start_offset();
    while from < log.log_end_offset() {
        let read = log.read(from, 1 << 20, log.log_end_offset(), true).expect("plan");
        for chunk in read.execute().expect("read") {
            for batch in batches(&chunk) {
                let (range, header) = batch.expect("whole");
                from = header.next_offset();
                found.push((header, chunk.slice(range)));
            }
        }
    }
    found
}

#[test]
fn batches_and_records_are_those_that_kafka_dumps() {
    for name in ["mixed-0", "stamped-0"] {
        for clean in [true, false] {
            let (log, _root) = open(name, clean);
            let dump = fs::read_to_string(fixture(&format!("{name}.dump"))).expect("dump");
            let mut batches = all_batches(&log).into_iter();
            let mut records = read_all(&log).into_iter();
            for line in dump.lines() {
                if line.starts_with("baseOffset") {
                    compare_batch(&fields(line), &batches.next().expect("a batch").0);
                } else if line.starts_with("| ") {
                    let expected = fields(line);
                    let record = records.next().expect("a record");
                    assert_eq!(record.offset, number(&expected, "offset"));
                    let time = expected.get("CreateTime").or(expected.get("LogAppendTime"));
                    assert_eq!(record.timestamp, time.expect("time").parse().expect("number"));
                    let size =
                        |part: &Option<Bytes>| part.as_ref().map_or(-1, |it| it.len() as i64);
                    assert_eq!(size(&record.key), number(&expected, "keySize"));
                    assert_eq!(size(&record.value), number(&expected, "valueSize"));
                    if let Some(payload) = expected.get("payload") {
                        assert_eq!(record.value.as_deref(), Some(payload.as_bytes()));
                    }
                    let names: Vec<_> = record.headers.iter().map(|(key, _)| &key[..]).collect();
                    let expected: Vec<_> = expected["headerKeys"]
                        .trim_matches(['[', ']'])
                        .split_terminator(',')
                        .map(str::as_bytes)
                        .collect();
                    assert_eq!(names, expected);
                }
            }
            assert!(batches.next().is_none() && records.next().is_none());
        }
    }
}

fn compare_batch(expected: &BTreeMap<&str, &str>, header: &BatchHeader) {
    assert_eq!(header.base_offset, number(expected, "baseOffset"));
    assert_eq!(header.last_offset(), number(expected, "lastOffset"));
    assert_eq!(i64::from(header.records_count), number(expected, "count"));
    assert_eq!(i64::from(header.base_sequence), number(expected, "baseSequence"));
    assert_eq!(i64::from(header.last_sequence()), number(expected, "lastSequence"));
    assert_eq!(header.producer_id, number(expected, "producerId"));
    assert_eq!(i64::from(header.producer_epoch), number(expected, "producerEpoch"));
    assert_eq!(header.size_bytes() as i64, number(expected, "size"));
    assert_eq!(i64::from(header.crc), number(expected, "crc"));
    assert_eq!(header.is_transactional().to_string(), expected["isTransactional"]);
    assert_eq!(header.is_control().to_string(), expected["isControl"]);
    let codec = match expected["compresscodec"] {
        "none" => "uncompressed",
        codec => codec,
    };
    assert_eq!(header.codec().expect("codec").name(), codec);
    let time = match header.timestamp_type() {
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    };
    assert_eq!(header.max_timestamp, number(expected, time));
}

#[test]
fn offsets_by_timestamp_are_those_that_kafka_answered() {
    let (log, _root) = open("mixed-0", true);
    let answers = [
        (1700000000000, 0, 1700000000000),
        (1700000000007, 7, 1700000000007),
        (1700000015000, 40, 1700000020000),
        (1700000050002, 102, 1700000050002),
        (1700000200000, 129, 1795500681061),
    ];
    for (asked, offset, timestamp) in answers {
        let search = log.offset_for_timestamp(asked, 143).expect("plan");
        let found = search.execute().expect("search").expect("found");
        assert_eq!((found.offset, found.timestamp, found.leader_epoch), (offset, timestamp, 0));
    }
    let newest = log.offset_of_max_timestamp(143).expect("plan").execute().expect("search");
    assert_eq!(newest.map(|it| (it.offset, it.timestamp)), Some((138, 1795500681186)));
}

#[test]
fn producers_are_the_same_from_the_snapshot_and_from_the_log() {
    let (snapshot, _root) = open("mixed-0", true);
    let (mut replayed, root) = open("mixed-0", true);
    for entry in fs::read_dir(root.path().join("mixed-0")).expect("list") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|it| it == "snapshot") {
            fs::remove_file(path).expect("remove");
        }
    }
    let recovery = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown: true };
    let directory = replayed.directory().to_owned();
    drop(replayed);
    replayed =
        Log::open(&directory, LogConfig::KAFKA, Shared::new(0, 100), recovery, 0).expect("open");
    let summary = |log: &Log| -> BTreeMap<i64, _> {
        log.producers()
            .map(|(id, it)| {
                let last = it.batches.back().copied();
                (id, (it.producer_epoch, it.coordinator_epoch, it.last_timestamp, last))
            })
            .collect()
    };
    assert_eq!(summary(&replayed), summary(&snapshot));
    assert_eq!(summary(&snapshot).len(), 3);
}

#[test]
fn a_kafka_log_goes_on_where_it_ended() {
    let (mut log, _root) = open("mixed-0", true);
    assert_eq!(log.log_end_offset(), 143);
    assert_eq!(log.segments(), 5);
    assert_eq!(log.last_epoch(), Some(0));
    assert!(log.topic_id().is_some());
    let appended = log.append_as_leader(crate::support::produced(2), 1, 0).expect("append");
    assert_eq!(appended.base_offset, 143);
    let chunks = log.read(142, 1 << 20, 145, true).expect("plan").execute().expect("read");
    assert_eq!(headers(&chunks).len(), 2);
}
