//! Bad disks: full, unwritable, unreadable, damaged, of somebody else.
//!
//! What is asked: a clear error that names the file, nothing wrong is served, nothing acknowledged is
//! lost, the rest goes on, and all heals when space or a replica is back.
//!
//! Disks are small file systems in memory, mounted over a broker's directory: these tests need root.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tests::{Cluster, Program, eventually, with_cluster};

use crate::load::{assert_nothing_broken, under_load, wait_until_it_flows};

/// More than the records of a test, and less than filling it takes long.
const DISK_MEGABYTES: usize = 128;

/// A file system that is mounted for as long as this lives.
struct Mount {
    directory: PathBuf,
}

impl Mount {
    /// An empty one over `directory`, with these options.
    fn over(directory: &Path, options: &str) -> Self {
        let mounted = Program::new("mount")
            .words(&format!("-t tmpfs -o {options} janus-test"))
            .argument(directory)
            .run();
        assert!(mounted.status.success(), "a disk of its own takes root and mount: {mounted}");
        Self { directory: directory.to_owned() }
    }

    /// Gives a broker that is stopped a small disk, with everything that it had on the large one.
    fn small_disk_of(cluster: &Cluster, broker: i64) -> Self {
        let directory = cluster.log_dir(broker);
        let large = directory.with_file_name("large");
        fs::rename(&directory, &large).unwrap();
        fs::create_dir(&directory).unwrap();
        let mount = Self::over(&directory, &format!("size={DISK_MEGABYTES}m"));
        Program::new("cp").words("-a").argument(large.join(".")).argument(&directory).success();
        mount
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: after a panic a broker may still have files open there.
        let unmounted = Program::new("umount").words("-l").argument(&self.directory).run();
        if !unmounted.status.success() {
            eprintln!("{unmounted}");
        }
    }
}

/// Writes a file until nothing more fits on its disk.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for block in [1 << 20, 4096, 1] {
        let block = vec![0; block];
        let error = loop {
            if let Err(error) = file.write_all(&block) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    }
}

/// The bytes of a partition's log on one broker, from its first segment to its last.
fn log_of(cluster: &Cluster, broker: i64, partition: &str) -> Vec<u8> {
    let folder = cluster.log_dir(broker).join(partition);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|it| it == "log")).collect();
    segments.sort();
    segments.iter().flat_map(|segment| fs::read(segment).unwrap()).collect()
}

/// Of brokers that have stopped.
fn assert_logs_are_equal(cluster: &Cluster, partitions: &[&str]) {
    for partition in partitions {
        let first = log_of(cluster, 1, partition);
        assert!(!first.is_empty(), "{partition} is empty");
        for broker in [2, 3] {
            let other = log_of(cluster, broker, partition);
            assert!(other == first, "{partition} differs between broker 1 and broker {broker}");
        }
    }
}

#[test]
fn a_broker_with_a_full_disk_steps_back_and_returns_when_there_is_space() {
    with_cluster(&[], |cluster| {
        cluster.expect_error("No space left on device");
        cluster.json("stop broker 3");
        let disk = Mount::small_disk_of(cluster, 3);
        cluster.json("start broker 3");
        cluster.wait_until_in_sync();
        let filler = cluster.log_dir(3).join("filler");
        let report = under_load(cluster, |load| {
            load.mark_fault("a disk is full");
            fill(&filler);
            cluster.wait_for_status("the broker has stepped back", |status| {
                let broker = &status["brokers"][2];
                broker["state"] == "fenced" && broker["leaders"] == 0 && status["offline"] == 0
            });
            wait_until_it_flows(load);

            load.mark_fault("it dies meanwhile");
            cluster.kill("broker 3");
            cluster.json("start --no-wait broker 3");
            wait_until_it_flows(load);

            load.mark_fault("there is space");
            fs::remove_file(&filler).unwrap();
            cluster.wait_until_in_sync();
            wait_until_it_flows(load);
        });
        assert_nothing_broken(&report);
        let log = cluster.janus("logs broker 3").success();
        assert!(log.contains("this broker leads nothing until"), "{log}");
        assert!(log.contains("there is space again"), "{log}");
        cluster.json("down");
        let partitions = ["orders-0", "orders-1", "orders-2", "orders-3", "orders-4", "orders-5"];
        assert_logs_are_equal(cluster, &partitions);
        drop(disk);
    });
}

/// Lines whose contents say where they stand.
fn lines(topic: &str, count: usize) -> String {
    (0..count).map(|number| format!("{topic} {number} {}\n", "x".repeat(100))).collect()
}

/// Writes lines in many small batches.
fn produce(cluster: &Cluster, lines: &str) {
    let words = "-P -t orders -X acks=all -X batch.num.messages=500";
    cluster.kcat(words).input(lines).success();
}

/// Changes one byte in the middle of a partition's first segment, and returns the segment.
fn damage(cluster: &Cluster, broker: i64, partition: &str) -> PathBuf {
    let segment = cluster.log_dir(broker).join(partition).join("00000000000000000000.log");
    let file = File::options().read(true).write(true).open(&segment).unwrap();
    let position = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, position).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], position).unwrap();
    segment
}

/// Small segments, so that most of a topic is sealed, and what was written is soon read from files.
const SMALL_AND_COLD: [&str; 2] =
    ["log.segment.bytes=1048576", "replica.high.watermark.checkpoint.interval.ms=100"];

#[test]
fn a_damaged_batch_is_never_served_and_comes_back_from_another_replica() {
    with_cluster(&SMALL_AND_COLD, |cluster| {
        cluster.expect_error("another replica takes over");
        cluster.create_topic("orders", 1, &[]);
        let written = lines("orders", 50_000);
        produce(cluster, &written);
        let before = cluster.leader("orders", 0);
        let segment = damage(cluster, before, "orders-0");
        // What is in memory still is whole; soon it is read from the file.
        let after = eventually("another replica leads", || {
            let read = cluster.kcat("-C -t orders -o beginning -e -q").success();
            assert!(read == written, "something wrong was served");
            Some(cluster.leader("orders", 0)).filter(|leader| *leader != before)
        });
        cluster.wait_until_in_sync();
        let log = cluster.janus(&format!("logs broker {before}")).success();
        let words = format!("orders-0: {} at byte ", segment.display());
        let line = log.lines().find(|line| line.contains(&words)).expect("it is logged");
        assert!(line.contains(", offset "), "{line}");
        assert!(log.contains("orders-0: cut at offset "), "{log}");

        // It has everything again: it may lead, and every record comes from it.
        cluster.kill(&format!("broker {after}"));
        cluster.kill(&format!("broker {}", 6 - before - after));
        cluster.wait_for_status("the others are down", |it| {
            it["offline"] != 0 || {
                let leaders = it["brokers"][before as usize - 1]["leaders"].as_i64();
                leaders.is_some_and(|leaders| leaders > 0)
            }
        });
        assert_eq!(cluster.leader("orders", 0), before);
        let read = cluster.kcat("-C -t orders -o beginning -e -q").success();
        assert!(read == written, "something is missing or wrong");
        cluster.json("start all");
        cluster.wait_until_in_sync();
        cluster.json("down");
        assert_logs_are_equal(cluster, &["orders-0"]);
    });
}

#[test]
fn a_damaged_batch_of_an_only_replica_is_an_error_and_all_others_are_served() {
    with_cluster(&SMALL_AND_COLD, |cluster| {
        cluster.expect_error("no other replica is in sync");
        cluster.json("topics create orders --partitions 1 --replication-factor 1");
        let written = lines("orders", 50_000);
        produce(cluster, &written);
        damage(cluster, cluster.leader("orders", 0), "orders-0");
        let (read, said) = eventually("the damage is found", || {
            let read = cluster.kcat("-C -t orders -o beginning -e -q").run();
            (!read.status.success()).then_some((read.stdout, read.stderr))
        });
        assert!(said.contains("at offset ") && said.contains("Invalid message"), "{said}");
        assert!(!read.is_empty() && written.starts_with(&read), "something wrong was served");
        // Whoever asks for what lies behind it gets it, and writers do not notice.
        let tail = cluster.kcat("-C -t orders -o 40000 -e -q").success();
        assert!(tail == written[written.len() - tail.len()..] && tail.lines().count() == 10_000);
        cluster.kcat("-P -t orders -X acks=all").input("one more\n").success();
        assert_eq!(cluster.kcat("-C -t orders -o 50000 -e -q").success(), "one more\n");
    });
}

#[test]
fn a_broker_that_cannot_write_ends_and_the_rest_goes_on() {
    with_cluster(&["replica.high.watermark.checkpoint.interval.ms=100"], |cluster| {
        cluster.expect_error("Read-only file system");
        let report = under_load(cluster, |load| {
            load.mark_fault("a disk takes no writes");
            let disk = Mount::over(&cluster.log_dir(3), "ro");
            cluster.wait_for_status("the broker has ended", |status| {
                let broker = &status["brokers"][2];
                broker["state"] == "down" && broker["leaders"] == 0 && status["offline"] == 0
            });
            wait_until_it_flows(load);
            let log = cluster.janus("logs broker 3").success();
            let last = log.lines().last().unwrap_or_default();
            // Which write fails first is chance, and it names its file.
            let directory = cluster.log_dir(3).display().to_string();
            let words = [directory.as_str(), "Read-only file system", "repair the disk"];
            assert!(words.iter().all(|word| last.contains(word)), "{last}");
            // It does not take the empty disk for its own either.
            let refused = cluster.janus("start broker 3").run();
            assert!(!refused.status.success(), "{refused}");
            assert!(refused.stderr.contains("Read-only file system"), "{refused}");
            let broker = broker_process(cluster, 3).run();
            assert_eq!(broker.status.code(), Some(2), "{broker}");

            load.mark_fault("the disk is back");
            drop(disk);
            cluster.json("start broker 3");
            cluster.wait_until_in_sync();
            wait_until_it_flows(load);
        });
        assert_nothing_broken(&report);
        cluster.json("down");
        assert_logs_are_equal(cluster, &["orders-0", "orders-1", "orders-2"]);
    });
}

#[test]
fn an_unreadable_replica_is_set_aside_and_fetched_anew() {
    with_cluster(&SMALL_AND_COLD, |cluster| {
        cluster.create_topic("orders", 3, &[]);
        let written = lines("orders", 100_000);
        produce(cluster, &written);
        cluster.json("stop broker 3");
        // Root reads whatever its permissions are, but no directory as a file, nor the other way.
        let replicas = ["orders-0", "orders-1"].map(|it| cluster.log_dir(3).join(it));
        let segment = replicas[0].join("00000000000000000000.log");
        fs::remove_file(&segment).unwrap();
        fs::create_dir(&segment).unwrap();
        fs::remove_dir_all(&replicas[1]).unwrap();
        fs::write(&replicas[1], "no directory").unwrap();
        cluster.json("start broker 3");
        cluster.wait_until_in_sync();
        let log = cluster.janus("logs broker 3").success();
        assert!(log.contains(&format!("cannot read {}", segment.display())), "{log}");
        assert!(log.contains(&format!("cannot create {}", replicas[1].display())), "{log}");
        cluster.json("down");
        assert_logs_are_equal(cluster, &["orders-0", "orders-1", "orders-2"]);
    });
}

/// A broker's process, as `janus start` starts it.
fn broker_process(cluster: &Cluster, broker: i64) -> Program {
    let directory = std::env::var_os("JANUS_BIN_DIR").expect("JANUS_BIN_DIR names the binaries");
    let properties = cluster.data().join(format!("broker-{broker}")).join("server.properties");
    Program::new(Path::new(&directory).join("janus-broker")).argument(properties)
}

#[test]
fn a_directory_that_is_in_use_or_of_another_cluster_is_refused() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 3, &[]);
        let second = broker_process(cluster, 3).run().failure(2);
        let directory = cluster.log_dir(3);
        assert!(second.contains(&format!("{} is in use", directory.display())), "{second}");
        cluster.kcat("-P -t orders -X acks=all").input("undisturbed\n").success();
        cluster.wait_until_in_sync();

        cluster.json("stop broker 3");
        let meta = directory.join("meta.properties");
        let ours = fs::read_to_string(&meta).unwrap();
        let id = cluster.status()["cluster_id"].as_str().unwrap().to_owned();
        let others = "otheotheotheotheotheoA";
        fs::write(&meta, ours.replace(&id, others)).unwrap();
        let refused = broker_process(cluster, 3).run().failure(2);
        let words = [format!("{} names cluster {others}", meta.display()), id];
        assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
        fs::write(&meta, ours).unwrap();
        cluster.json("start broker 3");
        cluster.wait_until_in_sync();
        assert_eq!(cluster.kcat("-C -t orders -o beginning -e -q").success(), "undisturbed\n");
    });
}
