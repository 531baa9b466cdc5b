//! Compaction beside a history of everything that was ever appended: the latest record of each key
//! stays, offsets never change, and a stop at any moment leaves a whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use bytes::Bytes;
use partition_log::{CleanError, CleanStatistics, Log, LogConfig, OffsetMap, Recovery, Shared};
use proptest::prelude::*;
use records::{BatchBuilder, Codec, Record};

use crate::support::{Fixture, keyed, read_all, temporary_directory};

const DELETE_RETENTION_MS: i64 = 1000;

fn config() -> LogConfig {
    LogConfig {
        compact: true,
        delete: false,
        segment_bytes: 1500,
        index_interval_bytes: 200,
        delete_retention_ms: DELETE_RETENTION_MS,
        file_delete_delay_ms: 0,
        ..LogConfig::KAFKA
    }
}

fn clean_with(
    log: &mut Log,
    map: &mut OffsetMap,
    checkpoint: Option<i64>,
    now_ms: i64,
) -> (i64, CleanStatistics) {
    let cleanable = log.cleanable(checkpoint, log.log_end_offset(), now_ms).expect("cleanable");
    let plan = log.plan_cleaning(cleanable).expect("plan");
    let cleaned = plan.execute(map, now_ms, &mut |_| ControlFlow::Continue(())).expect("clean");
    let statistics = cleaned.statistics;
    (log.finish_cleaning(cleaned, now_ms).expect("finish"), statistics)
}

fn clean(log: &mut Log, checkpoint: Option<i64>, now_ms: i64) -> i64 {
    clean_with(log, &mut OffsetMap::new(0), checkpoint, now_ms).0
}

#[derive(Clone, Debug)]
enum Step {
    /// Keys and whether they have a value.
    Append {
        records: Vec<(u8, bool)>,
        codec: u8,
        producer: Option<u8>,
    },
    Clean {
        wait_ms: i64,
    },
    ReopenClean,
    ReopenUnclean,
}

fn step() -> impl Strategy<Value = Step> {
    let records = prop::collection::vec((0u8..10, prop::bool::weighted(0.8)), 1..6);
    prop_oneof![
        10 => (records, 0u8..5, prop::option::of(0u8..3))
            .prop_map(|(records, codec, producer)| Step::Append { records, codec, producer }),
        3 => (0i64..800).prop_map(|wait_ms| Step::Clean { wait_ms }),
        1 => Just(Step::ReopenClean),
        1 => Just(Step::ReopenUnclean),
    ]
}

struct Model {
    fixture: Fixture,
    history: BTreeMap<i64, Record>,
    sequences: BTreeMap<u8, i32>,
    now_ms: i64,
    checkpoint: Option<i64>,
    /// When a tombstone was first cleaned.
    tombstones: BTreeMap<i64, i64>,
}

impl Model {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append { records, codec, producer } => self.append(records, *codec, *producer),
            Step::Clean { wait_ms } => {
                self.now_ms += wait_ms;
                let end = clean(&mut self.fixture.log, self.checkpoint, self.now_ms);
                assert!(end >= self.checkpoint.unwrap_or(0));
                self.checkpoint = Some(end);
                for (offset, record) in self.history.range(..end) {
                    if record.value.is_none() {
                        self.tombstones.entry(*offset).or_insert(self.now_ms);
                    }
                }
                self.check(true);
            }
            Step::ReopenClean => drop(self.fixture.reopen_clean()),
            Step::ReopenUnclean => drop(self.fixture.reopen_unclean(0)),
        }
        self.check(false);
    }

    fn append(&mut self, records: &[(u8, bool)], codec: u8, producer: Option<u8>) {
        let mut builder = BatchBuilder::new(0);
        builder.compression = Codec::ALL[usize::from(codec)];
        if let Some(producer) = producer {
            let sequence = self.sequences.entry(producer).or_default();
            builder.producer_id = producer.into();
            builder.producer_epoch = 0;
            builder.base_sequence = *sequence;
            *sequence += records.len() as i32;
        }
        let first = self.fixture.log.log_end_offset();
        for (index, (key, has_value)) in records.iter().enumerate() {
            let offset = first + index as i64;
            let record = Record {
                offset,
                timestamp: offset * 10,
                key: Some(Bytes::from(format!("key-{key}"))),
                value: has_value.then(|| Bytes::from(format!("value-{offset}"))),
                headers: vec![(Bytes::from_static(b"h"), None)],
            };
            builder.push(&Record { offset: index as i64, ..record.clone() });
            self.history.insert(offset, record);
        }
        let appended =
            self.fixture.log.append_as_leader(builder.build().expect("build"), 0, self.now_ms);
        assert_eq!(appended.expect("append").base_offset, first);
    }

    fn check(&self, just_cleaned: bool) {
        let found = read_all(&self.fixture.log);
        let clean_until = self.checkpoint.unwrap_or(0);
        let mut latest: BTreeMap<&[u8], i64> = BTreeMap::new();
        let mut latest_clean: BTreeMap<&[u8], i64> = BTreeMap::new();
        for (offset, record) in &self.history {
            let key = record.key.as_deref().expect("every record has a key");
            latest.insert(key, *offset);
            if *offset < clean_until {
                latest_clean.insert(key, *offset);
            }
        }
        for record in &found {
            assert_eq!(Some(record), self.history.get(&record.offset), "nothing is changed");
        }
        let offsets: BTreeSet<i64> = found.iter().map(|record| record.offset).collect();
        for (offset, record) in &self.history {
            let key = record.key.as_deref().expect("every record has a key");
            let there = offsets.contains(offset);
            if *offset >= clean_until || record.value.is_some() && latest_clean[key] == *offset {
                assert!(there, "{record:?} is missing");
            } else if latest_clean[key] != *offset {
                assert!(!there, "{record:?} is superseded");
            } else {
                let until_ms = self.tombstones[offset] + DELETE_RETENTION_MS;
                assert!(there || self.now_ms >= until_ms, "the tombstone {record:?} went early");
                assert!(!there || !just_cleaned || self.now_ms < until_ms, "{record:?} stays");
            }
        }
        assert_eq!(self.fixture.log.log_end_offset(), self.history.len() as i64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_latest_record_of_every_key_stays(steps in prop::collection::vec(step(), 1..80)) {
        let mut model = Model {
            fixture: Fixture::new(config(), 2000),
            history: BTreeMap::new(),
            sequences: BTreeMap::new(),
            now_ms: 0,
            checkpoint: None,
            tombstones: BTreeMap::new(),
        };
        for step in &steps {
            model.apply(step);
        }
        // Without snapshots, what producers wrote last is known from what compaction left.
        for entry in fs::read_dir(&model.fixture.directory).expect("list") {
            let path = entry.expect("entry").path();
            if path.extension().is_some_and(|it| it == "snapshot") {
                fs::remove_file(path).expect("remove");
            }
        }
        let log = model.fixture.reopen_unclean(0);
        let known: BTreeMap<i64, i32> =
            log.producers().map(|(id, state)| (id, state.last_sequence() + 1)).collect();
        let expected: BTreeMap<i64, i32> =
            model.sequences.iter().map(|(id, next)| (i64::from(*id), *next)).collect();
        prop_assert_eq!(known, expected);
    }
}

/// A log with many versions of few keys, and where it was cleaned to so far.
fn dirty() -> Fixture {
    let mut fixture = Fixture::new(config(), 0);
    for round in 0..60 {
        let key = format!("key-{}", round % 7);
        let record_set = keyed(&[(key.as_bytes(), Some(b"some value or other"))], round);
        fixture.log.append_as_leader(record_set, 0, 0).expect("append");
    }
    assert!(fixture.log.segments() > 3);
    fixture
}

#[test]
fn the_dirty_ratio_and_the_lags_say_when_to_clean() {
    let mut fixture = dirty();
    let end = fixture.log.log_end_offset();
    let active = fixture.log.active_base_offset();
    let all = fixture.log.cleanable(None, end, 0).expect("cleanable");
    assert_eq!((all.first_dirty_offset, all.first_uncleanable_offset), (0, active));
    assert_eq!(all.dirty_ratio(), 1.0);
    assert!(all.is_due(&config()));
    let below = fixture.log.cleanable(None, 20, 0).expect("cleanable");
    assert_eq!(below.first_uncleanable_offset, 20);

    let checkpoint = clean(&mut fixture.log, None, 0);
    assert_eq!(checkpoint, active);
    let nothing = fixture.log.cleanable(Some(checkpoint), end, 0).expect("cleanable");
    assert_eq!(nothing.dirty_bytes, 0);
    assert!(!nothing.is_due(&config()));
    // A checkpoint beyond the log is that of a longer one.
    let anew = fixture.log.cleanable(Some(1000), end, 0).expect("cleanable");
    assert_eq!(anew.first_dirty_offset, 0);

    let fixture = &mut dirty();
    fixture.log.update_config(LogConfig { min_compaction_lag_ms: 100, ..config() });
    let lagging = fixture.log.cleanable(None, end, 120).expect("cleanable");
    assert!(lagging.first_uncleanable_offset < active && lagging.first_uncleanable_offset > 0);
    let overdue =
        LogConfig { max_compaction_lag_ms: 100, min_cleanable_dirty_ratio: 1.0, ..config() };
    fixture.log.update_config(overdue.clone());
    assert!(!fixture.log.cleanable(None, end, 100).expect("cleanable").is_due(&overdue));
    assert!(fixture.log.cleanable(None, end, 101).expect("cleanable").is_due(&overdue));
}

#[test]
fn segments_that_shrink_are_joined() {
    let mut fixture = dirty();
    let before = (fixture.log.segments(), fixture.log.size_bytes());
    clean(&mut fixture.log, None, 0);
    assert_eq!(fixture.log.segments(), before.0, "they were full, each on its own");
    assert!(fixture.log.size_bytes() < before.1 / 2);
    let record_set = keyed(&[(b"other", Some(&[b'x'; 1400]))], 0);
    fixture.log.append_as_leader(record_set, 0, 0).expect("append");
    clean(&mut fixture.log, None, 0);
    assert!(fixture.log.segments() < before.0);
    let offsets: Vec<i64> = read_all(&fixture.log).iter().map(|record| record.offset).collect();
    assert_eq!(offsets.len(), 8);
    fixture.reopen_unclean(0);
    let again: Vec<i64> = read_all(&fixture.log).iter().map(|record| record.offset).collect();
    assert_eq!(again, offsets);
}

#[test]
fn a_full_map_cleans_a_part_and_goes_on_from_there() {
    let mut fixture = Fixture::new(LogConfig { segment_bytes: 50_000, ..config() }, 0);
    for round in 0..2 {
        for batch in 0..20 {
            let keys: Vec<String> = (0..100).map(|key| format!("key-{batch}-{key}")).collect();
            let value = format!("value-{round}");
            let records: Vec<(&[u8], Option<&[u8]>)> =
                keys.iter().map(|key| (key.as_bytes(), Some(value.as_bytes()))).collect();
            fixture.log.append_as_leader(keyed(&records, 0), 0, 0).expect("append");
        }
    }
    fixture.log.append_as_leader(keyed(&[(b"last", Some(&[0; 49_000]))], 0), 0, 0).expect("append");
    let active = fixture.log.active_base_offset();
    let mut checkpoint = None;
    let mut rounds = 0;
    while checkpoint != Some(active) {
        let next = clean(&mut fixture.log, checkpoint, 0);
        assert!(Some(next) > checkpoint, "every cleaning gets further");
        checkpoint = Some(next);
        rounds += 1;
    }
    assert!(rounds > 2, "2000 keys do not fit into the smallest map");
    assert_eq!(read_all(&fixture.log).len(), 2001);
}

#[test]
fn a_cleaning_can_be_cancelled_and_leaves_nothing() {
    let mut fixture = dirty();
    let expected = read_all(&fixture.log);
    let cleanable = fixture.log.cleanable(None, 60, 0).expect("cleanable");
    for steps in [0, 30, 90] {
        let plan = fixture.log.plan_cleaning(cleanable).expect("plan");
        let mut left = steps;
        let mut count = |_| match left {
            0 => ControlFlow::Break(()),
            _ => {
                left -= 1;
                ControlFlow::Continue(())
            }
        };
        let cancelled = plan.execute(&mut OffsetMap::new(0), 0, &mut count);
        assert!(matches!(cancelled, Err(CleanError::Cancelled)), "after {steps}");
    }
    assert_eq!(read_all(&fixture.log), expected);
    assert!(!names(&fixture.directory).iter().any(|name| name.ends_with(".cleaned")));
    let plan = fixture.log.plan_cleaning(cleanable).expect("plan");
    let mut go_on = |_| ControlFlow::Continue(());
    let cleaned = plan.execute(&mut OffsetMap::new(0), 0, &mut go_on).expect("clean");
    fixture.log.truncate_to(40).expect("truncate");
    let superseded = fixture.log.finish_cleaning(cleaned, 0);
    assert!(matches!(superseded, Err(CleanError::Superseded)));
    assert_eq!(read_all(&fixture.log), expected[..40]);
    assert!(!names(&fixture.directory).iter().any(|name| name.ends_with(".cleaned")));
}

#[test]
fn transactional_batches_are_copied_as_they_are() {
    let mut fixture = Fixture::new(LogConfig { segment_bytes: 150, ..config() }, 0);
    for offset in 0..4 {
        let mut builder = BatchBuilder::new(offset);
        builder.is_transactional = offset == 1;
        builder.push_next(0, Some(b"key"), Some(&[offset as u8; 60]));
        fixture.log.append_as_follower(builder.build().expect("build"), 0).expect("append");
    }
    let entries = b"what Kafka wrote of the transaction";
    fs::write(fixture.directory.join(format!("{:020}.txnindex", 1)), entries).expect("write");
    clean(&mut fixture.log, None, 0);
    let offsets: Vec<i64> = read_all(&fixture.log).iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [1, 2, 3], "it stays, and supersedes nothing that is later");
    let kept = names(&fixture.directory).into_iter().filter(|name| name.ends_with(".txnindex"));
    let kept: Vec<_> = kept.map(|name| fs::read(fixture.directory.join(name))).collect();
    assert!(kept.iter().any(|it| it.as_ref().is_ok_and(|it| it == entries)));
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("list");
    let mut names: Vec<String> =
        entries.map(|it| it.expect("entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("create");
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).expect("copy");
    }
}

#[test]
fn a_stop_at_any_rename_of_a_swap_leaves_a_whole_log() {
    let mut fixture = dirty();
    clean(&mut fixture.log, None, 0);
    for round in 0..40 {
        let key = format!("key-{}", round % 5);
        fixture
            .log
            .append_as_leader(keyed(&[(key.as_bytes(), Some(b"new"))], 0), 0, 0)
            .expect("append");
    }
    let end = fixture.log.log_end_offset();
    let before = read_all(&fixture.log);
    let root = temporary_directory();
    let cleanable = fixture.log.cleanable(None, end, 0).expect("cleanable");
    let plan = fixture.log.plan_cleaning(cleanable).expect("plan");
    let mut go_on = |_| ControlFlow::Continue(());
    let cleaned = plan.execute(&mut OffsetMap::new(0), 0, &mut go_on).expect("clean");
    fixture.log.flush().expect("flush");
    let start = root.path().join("start");
    copy(&fixture.directory, &start);
    fixture.log.finish_cleaning(cleaned, 0).expect("finish");
    let after = read_all(&fixture.log);
    assert!(after.len() < before.len());

    let renames = renames_of_a_swap(&start);
    assert!(renames.len() > 20);
    let latest = |records: &[Record]| -> BTreeMap<Option<Bytes>, Record> {
        records.iter().map(|record| (record.key.clone(), record.clone())).collect()
    };
    for stop in 0..=renames.len() {
        let directory = root.path().join(format!("stopped-{stop}"));
        copy(&start, &directory);
        for (from, to) in &renames[..stop] {
            fs::rename(directory.join(from), directory.join(to)).expect("rename");
        }
        for recovery_point in [0, end] {
            let recovery = Recovery { recovery_point, log_start_offset: 0, clean_shutdown: false };
            let log = Log::open(&directory, config(), Shared::new(0, 10), recovery, 0);
            let log = log.unwrap_or_else(|error| panic!("after {stop} renames: {error}"));
            let found = read_all(&log);
            assert_eq!(log.log_end_offset(), end);
            assert_eq!(latest(&found), latest(&before), "after {stop} renames");
            assert!(found.iter().all(|record| before.contains(record)));
        }
        if stop == renames.len() {
            let log = Log::open(
                &directory,
                config(),
                Shared::new(0, 10),
                Recovery { recovery_point: end, log_start_offset: 0, clean_shutdown: false },
                0,
            );
            assert_eq!(read_all(&log.expect("open")), after);
        }
    }
}

/// What `finish_cleaning` renames, in its order, as the names in the directory tell.
fn renames_of_a_swap(directory: &Path) -> Vec<(String, String)> {
    let all = names(directory);
    let bases = |suffix: &str| -> Vec<String> {
        all.iter().filter_map(|name| name.strip_suffix(suffix)).map(str::to_owned).collect()
    };
    let (groups, logs) = (bases(".log.cleaned"), bases(".log"));
    let sealed = &logs[..logs.len() - 1];
    let mut renames = Vec::new();
    let mut rename = |from: String, to: String| {
        if all.contains(&from)
            || from.ends_with(".swap") && all.contains(&from.replace("swap", "cleaned"))
        {
            renames.push((from, to));
        }
    };
    for (index, group) in groups.iter().enumerate() {
        for suffix in ["index", "timeindex", "txnindex", "log"] {
            rename(format!("{group}.{suffix}.cleaned"), format!("{group}.{suffix}.swap"));
        }
        let next = groups.get(index + 1);
        let sources =
            sealed.iter().filter(|base| *base >= group && next.is_none_or(|next| *base < next));
        for base in sources {
            for suffix in ["log", "index", "timeindex", "txnindex"] {
                rename(format!("{base}.{suffix}"), format!("{base}.{suffix}.deleted"));
            }
        }
        for suffix in ["index", "timeindex", "txnindex", "log"] {
            rename(format!("{group}.{suffix}.swap"), format!("{group}.{suffix}"));
        }
    }
    renames
}
