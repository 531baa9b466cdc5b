//! What lies on disk: Kafka's own tool reads it, retention and compaction take from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tests::{Cluster, eventually, kafka_tool, with_cluster};

/// Settings under which old data goes soon.
const EAGER: [&str; 4] = [
    "log.initial.task.delay.ms=0",
    "log.retention.check.interval.ms=200",
    "log.segment.delete.delay.ms=100",
    "log.cleaner.backoff.ms=100",
];

#[test]
fn kafka_dump_log_reads_every_file_of_a_used_cluster() {
    with_cluster(&["log.segment.bytes=1048576"], |cluster| {
        cluster.create_topic("orders", 2, &[]);
        let line = "a line of text that is as long as many lines are, to fill the segments soon";
        let mut written = 0;
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
            let lines: String =
                (0..20_000).map(|number| format!("{codec}-{number}\t{line} {number}\n")).collect();
            // A leader dies in the middle of it, so that logs are truncated and recovered.
            let mut producer = cluster
                .kcat(&format!("-P -t orders -z {codec} -X acks=all -X enable.idempotence=true"))
                .argument("-K\t")
                .start();
            let (first, second) = lines.split_at(lines.len() / 2);
            producer.write(first.as_bytes());
            let broker = cluster.kill("leader orders 0");
            producer.write(second.as_bytes());
            cluster.json(&format!("start broker {broker}"));
            cluster.wait_until_in_sync();
            let (status, said) = producer.finish();
            assert!(status.success(), "{said:?}");
            written += 20_000;
        }
        cluster.kcat("-G billing -X auto.offset.reset=earliest -e -q orders").success();
        cluster.json("down");

        for broker in 1..=3 {
            let files = files_below(&cluster.log_dir(broker));
            let of_kind = |kind: &str| -> Vec<&PathBuf> {
                files.iter().filter(|path| path.extension().is_some_and(|it| it == kind)).collect()
            };
            let logs = of_kind("log");
            assert!(logs.len() > 4, "the logs of broker {broker} were not rolled: {logs:?}");
            let dumped = dump(&logs, "--deep-iteration");
            let of_orders = logs.iter().filter(|path| topic_of(path).starts_with("orders-"));
            let records: usize = of_orders
                .map(|path| {
                    let from = dumped.find(&format!("Dumping {}", path.display())).unwrap();
                    let section = &dumped[from + 1..];
                    let section = section.split("\nDumping ").next().unwrap();
                    section.lines().filter(|line| line.starts_with("| offset: ")).count()
                })
                .sum();
            assert_eq!(records, written, "records on broker {broker}");

            let indexes = [of_kind("index"), of_kind("timeindex"), of_kind("txnindex")].concat();
            assert!(indexes.len() >= 2 * logs.len(), "{indexes:?}");
            let checked = dump(&indexes, "--index-sanity-check");
            assert!(checked.contains("passed sanity check"), "{checked}");
            dump(&indexes, "--verify-index-only");
            let snapshots = of_kind("snapshot");
            assert!(!snapshots.is_empty(), "broker {broker} remembers no producers");
            assert!(dump(&snapshots, "").contains("producerId: "), "no producer in {snapshots:?}");

            let groups: Vec<&PathBuf> = logs
                .into_iter()
                .filter(|path| topic_of(path).starts_with("__consumer_offsets-"))
                .filter(|path| path.metadata().unwrap().len() > 0)
                .collect();
            let offsets = dump(&groups, "--offsets-decoder");
            assert!(offsets.contains(r#""group":"billing""#), "{offsets}");
        }
    });
}

/// Dumps some files with Kafka's tool, which must find nothing wrong with any of them.
fn dump(files: &[&PathBuf], words: &str) -> String {
    let names: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let dumped = kafka_tool("kafka-dump-log", &format!("{words} --files"))
        .argument(names.join(","))
        .run()
        .success();
    let complaints = [
        "Exception",
        "mismatch",
        "Mismatch",
        "out of order",
        "not found in the log",
        "invalid bytes",
        "isvalid: false",
        "is followed by",
    ];
    let complaint = dumped
        .stdout
        .lines()
        .chain(dumped.stderr.lines())
        // Kafka 4.3 says so of the first offset of every segment that does not begin at 0.
        .filter(|line| !line.trim_start().starts_with("-1 is followed by"))
        .find(|line| complaints.iter().any(|complaint| line.contains(complaint)));
    assert_eq!(complaint, None, "{words}");
    dumped.stdout
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files.sort();
    files
}

fn topic_of(path: &Path) -> String {
    path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
}

/// The segments of the first partition of a topic on one broker.
fn segments(cluster: &Cluster, broker: i64, topic: &str) -> usize {
    let files = files_below(&cluster.log_dir(broker).join(format!("{topic}-0")));
    files.iter().filter(|path| path.extension().is_some_and(|it| it == "log")).count()
}

fn first_offset(cluster: &Cluster, topic: &str) -> i64 {
    let answer = cluster.kcat(&format!("-Q -t {topic}:0:-2")).success();
    answer.trim().rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn old_segments_go_when_a_topic_is_too_large_or_too_old() {
    with_cluster(&EAGER, |cluster| {
        let lines = format!("{}\n", "x".repeat(999)).repeat(8 * 1024);
        for (topic, limit) in [("large", "retention.bytes=2097152"), ("old", "retention.ms=500")] {
            cluster.create_topic(topic, 1, &["segment.bytes=1048576", limit]);
            cluster.kcat(&format!("-P -t {topic} -X acks=all")).input(lines.as_str()).success();
            eventually("old records are gone", || {
                (first_offset(cluster, topic) >= 4096).then_some(())
            });
            for broker in 1..=3 {
                eventually("old segments are gone", || {
                    (segments(cluster, broker, topic) <= 4).then_some(())
                });
            }
        }
        eventually("everything old is gone", || {
            (first_offset(cluster, "old") == 8192).then_some(())
        });
        let first = first_offset(cluster, "large");
        let left = cluster.kcat("-C -t large -o beginning -e -q").success();
        assert_eq!(left.lines().count() as i64, 8192 - first);
        assert!(left.len() > 2_097_152, "more was deleted than had to be");
        assert!(left.len() < 2 * 2_097_152);
    });
}

#[test]
fn compaction_keeps_the_last_value_of_every_key() {
    with_cluster(&EAGER, |cluster| {
        cluster.create_topic(
            "prices",
            1,
            &[
                "cleanup.policy=compact",
                "segment.ms=200",
                "min.cleanable.dirty.ratio=0.01",
                "delete.retention.ms=100",
            ],
        );
        let write = |records: &str| {
            cluster.kcat("-P -t prices -X acks=all -Z -K :").input(records).success();
        };
        for round in 0..10 {
            let records = (0..50).map(|key| format!("key-{key}:{round}\n"));
            write(&records.collect::<String>());
        }
        // A key without a value is deleted.
        write("key-7:\n");
        // The newest segment is never compacted; what is written now closes those before it.
        let kept = eventually("old values are gone", || {
            write("filler:x\n");
            let read = cluster
                .kcat("-C -t prices -o beginning -e -q")
                .argument("-f")
                .argument("%k:%s\n")
                .success();
            let records: Vec<&str> = read.lines().filter(|it| it.starts_with("key-")).collect();
            (records.len() == 49).then(|| {
                let pairs = records.iter().map(|record| record.split_once(':').unwrap());
                pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
            })
        });
        let kept: BTreeMap<String, String> = kept;
        assert_eq!(kept.len(), 49);
        assert!(!kept.contains_key("key-7"));
        assert!(kept.values().all(|value| value == "9"), "{kept:?}");
    });
}
