//! Opening what is damaged: it ends, it says what is wrong, and it never serves a damaged batch.

use std::fs;
use std::path::PathBuf;

use partition_log::{AppendError, Log, LogConfig, LogError, ReadError, Recovery, Shared};
use proptest::prelude::*;
use records::batches;
use uuid::Uuid;

use crate::support::{Fixture, batch, read_all, sequenced};

fn config() -> LogConfig {
    LogConfig { segment_bytes: 1500, index_interval_bytes: 200, ..LogConfig::KAFKA }
}

/// Several segments, two epochs, one idempotent producer.
fn filled() -> Fixture {
    let mut fixture = Fixture::new(config(), 0);
    fixture.log.assign_topic_id(Uuid::from_u128(7)).expect("assign");
    for round in 0..20 {
        let record_set = match round % 3 {
            0 => sequenced(3, 0, round / 3 * 2, 2),
            _ => batch(3, i64::from(round) * 100),
        };
        fixture.log.append_as_leader(record_set, round / 8, 0).expect("append");
    }
    fixture
}

fn files(fixture: &Fixture) -> Vec<PathBuf> {
    let entries = fs::read_dir(&fixture.directory).expect("list");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("entry").path()).collect();
    files.sort();
    files
}

fn unclean(recovery_point: i64) -> Recovery {
    Recovery { recovery_point, log_start_offset: 0, clean_shutdown: false }
}

/// Reads to the end or to the first error; every batch on the way has a CRC that is right.
fn read_what_is_good(log: &Log) -> Result<(), ReadError> {
    let mut from = log.log_start_offset();
    while from < log.log_end_offset() {
        let chunks = log.read(from, 400, log.log_end_offset(), true)?.execute()?;
        let before = from;
        for chunk in &chunks {
            for batch in batches(chunk) {
                let (range, header) = batch.expect("only whole batches are served");
                header.check_crc(&chunk[range]).expect("only good batches are served");
                assert!(header.last_offset() >= from, "offsets rise");
                from = header.next_offset();
            }
        }
        if from == before {
            break;
        }
    }
    Ok(())
}

#[derive(Clone, Debug)]
enum Damage {
    Flip { file: prop::sample::Index, at: prop::sample::Index, mask: u8 },
    Cut { file: prop::sample::Index, at: prop::sample::Index },
    Extend { file: prop::sample::Index, garbage: Vec<u8> },
    Zero { file: prop::sample::Index, at: prop::sample::Index },
    Remove { file: prop::sample::Index },
    Invent { name: &'static str, garbage: Vec<u8> },
}

fn damage() -> impl Strategy<Value = Damage> {
    let file = any::<prop::sample::Index>;
    let garbage = || prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        5 => (file(), file(), 1u8..=255).prop_map(|(file, at, mask)| Damage::Flip { file, at, mask }),
        2 => (file(), file()).prop_map(|(file, at)| Damage::Cut { file, at }),
        2 => (file(), garbage()).prop_map(|(file, garbage)| Damage::Extend { file, garbage }),
        1 => (file(), file()).prop_map(|(file, at)| Damage::Zero { file, at }),
        1 => file().prop_map(|file| Damage::Remove { file }),
        1 => (prop::sample::select(vec![
            "00000000000000000005.log",
            "00000000000000000005.log.swap",
            "00000000000000000000.index.swap",
            "00000000000000000000.log.cleaned",
            "00000000000000000010.timeindex",
            "99999999999999999999.log",
            "09223372036854775807.log",
            "00000000000000000099.snapshot",
            "nonsense",
        ]), garbage()).prop_map(|(name, garbage)| Damage::Invent { name, garbage }),
    ]
}

fn inflict(fixture: &Fixture, damage: &Damage) {
    let files = files(fixture);
    let change = |file: &prop::sample::Index, change: &dyn Fn(&mut Vec<u8>)| {
        let path = file.get(&files);
        let mut bytes = fs::read(path).expect("read");
        change(&mut bytes);
        fs::write(path, bytes).expect("write");
    };
    match damage {
        Damage::Flip { file, at, mask } => change(file, &|bytes| {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] ^= mask;
            }
        }),
        Damage::Cut { file, at } => {
            change(file, &|bytes| bytes.truncate(at.index(bytes.len() + 1)));
        }
        Damage::Extend { file, garbage } => change(file, &|bytes| bytes.extend(garbage)),
        Damage::Zero { file, at } => change(file, &|bytes| {
            let at = at.index(bytes.len() + 1);
            bytes[at..].fill(0);
        }),
        Damage::Remove { file } => fs::remove_file(file.get(&files)).expect("remove"),
        Damage::Invent { name, garbage } => {
            fs::write(fixture.directory.join(name), garbage).expect("write");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn any_damage_is_survived_and_no_damaged_batch_is_served(
        damages in prop::collection::vec(damage(), 1..4),
        clean_shutdown in any::<bool>(),
        recovery_point in 0i64..60,
    ) {
        let mut fixture = filled();
        fixture.log.close().expect("close");
        damages.iter().for_each(|damage| inflict(&fixture, damage));
        let recovery = Recovery { recovery_point, log_start_offset: 0, clean_shutdown };
        let shared = Shared::new(1 << 16, 10);
        let opened = Log::open(&fixture.directory, config(), shared, recovery, 0);
        if let Ok(mut log) = opened {
            let _ = read_what_is_good(&log);
            let _ = log.offset_for_timestamp(700, 60).and_then(|search| search.execute());
            let _ = log.offset_of_max_timestamp(60).and_then(|search| search.execute());
            let _ = log.end_offset_for_epoch(1);
            if log.append_as_leader(batch(2, 0), 9, 0).is_ok() {
                let _ = log.truncate_to(log.log_end_offset() / 2);
            }
            let _ = log.delete_old_segments(1 << 40, 10);
            let _ = log.close();
        }
    }
}

#[test]
fn recovery_starts_at_the_recovery_point() {
    let mut fixture = filled();
    let expected = read_all(&fixture.log);
    let first = files(&fixture).into_iter().find(|it| it.extension().is_some_and(|x| x == "log"));
    let first = first.expect("a log file");
    let mut bytes = fs::read(&first).expect("read");
    bytes[100] ^= 1;
    fs::write(&first, bytes).expect("write");
    let recovery_point = fixture.log.active_base_offset();
    // What was synced long ago is not read again, so the damage is found by who reads it.
    fixture.open(unclean(recovery_point));
    let error = fixture.log.read(0, 100, 10, true).expect("plan").execute().expect_err("damaged");
    match error {
        ReadError::Corrupt { path, position, .. } => assert_eq!((path, position), (first, 0)),
        other => panic!("{other}"),
    }
    let chunks = fixture.log.read(10, 1 << 20, 60, true).expect("plan").execute().expect("read");
    assert!(chunks[0].len() > 100 && expected.len() > 10);
}

/// A log whose second batch, of the offsets 2 to 4, is damaged at that byte of its header; the file
/// and where that batch begins in it.
fn damaged_at(byte: usize) -> (Fixture, PathBuf, u64) {
    let mut fixture = filled();
    let first = fixture.directory.join("00000000000000000000.log");
    let mut bytes = fs::read(&first).expect("read");
    let second = records::BatchHeader::parse(&bytes).expect("header").size_bytes();
    bytes[second + byte] ^= 1;
    fs::write(&first, bytes).expect("write");
    let recovery_point = fixture.log.active_base_offset();
    fixture.open(unclean(recovery_point));
    (fixture, first, second as u64)
}

/// Bytes of a batch's base offset, which its CRC does not cover; of its format; of its records.
const DAMAGED_BYTES: [usize; 3] = [6, 16, 70];

#[test]
fn what_stands_before_the_damage_is_served_and_the_error_names_file_and_offset() {
    for byte in DAMAGED_BYTES {
        let (fixture, file, second) = damaged_at(byte);
        let before = fixture.log.read(0, 1 << 20, 60, true).expect("plan").execute();
        let before = before.expect("the first batch is good").concat();
        assert_eq!(before.len() as u64, second, "byte {byte}");
        for offset in [2, 3] {
            let error = fixture.log.read(offset, 100, 60, true).expect("plan").execute();
            match error.expect_err("damaged") {
                ReadError::Corrupt { path, position, offset: named, .. } => {
                    assert_eq!((&path, position, named), (&file, second, offset), "byte {byte}");
                }
                other => panic!("byte {byte}: {other}"),
            }
        }
    }
}

#[test]
fn a_damaged_log_is_cut_before_the_damage_and_goes_on_from_there() {
    for (byte, end) in [(70, 2), (16, 0)] {
        let (mut fixture, ..) = damaged_at(byte);
        assert_eq!(fixture.log.truncate_damaged(3).expect("cut"), end, "byte {byte}");
        assert_eq!((fixture.log.log_end_offset(), fixture.log.segments()), (end, 1));
        fixture.log.append_as_leader(batch(3, 0), 9, 0).expect("append");
        assert_eq!(fixture.reopen_unclean(0).log_end_offset(), end + 3, "byte {byte}");
        read_all(&fixture.log);
    }
}

#[test]
fn a_directory_in_place_of_a_segment_is_no_missing_segment() {
    let fixture = filled();
    let first = fixture.directory.join("00000000000000000000.log");
    fs::remove_file(&first).expect("remove");
    fs::create_dir(&first).expect("create");
    let refused = Log::open(&fixture.directory, config(), Shared::new(0, 10), unclean(0), 0);
    match refused.expect_err("refused") {
        LogError::Storage(error) => assert_eq!(error.path, first),
        other => panic!("{other}"),
    }
}

#[test]
fn what_was_synced_is_not_cut_away() {
    let fixture = filled();
    let shared = Shared::new(0, 10);
    let first = fixture.directory.join("00000000000000000000.log");
    let mut bytes = fs::read(&first).expect("read");
    let second = records::BatchHeader::parse(&bytes).expect("header").size_bytes();
    bytes[second + 70] ^= 1;
    fs::write(&first, &bytes).expect("write");
    let refused = Log::open(&fixture.directory, config(), shared.clone(), unclean(20), 0)
        .expect_err("refused");
    match refused {
        LogError::Corrupt { path, position, .. } => {
            assert_eq!((path, position), (first.clone(), second as u64));
        }
        other => panic!("{other}"),
    }
    assert!(fs::read(&first).expect("read") == bytes, "something was changed");
    // What was not synced is cut before the damage.
    let log = Log::open(&fixture.directory, config(), shared, unclean(0), 0).expect("open");
    assert_eq!(log.log_end_offset(), 2);
    assert_eq!(log.segments(), 1);
}

#[test]
fn missing_epochs_are_read_from_the_batches() {
    for contents in [None, Some("0\n7\nnonsense\n"), Some("")] {
        let mut fixture = filled();
        let expected = fixture.log.leader_epochs().to_vec();
        assert_eq!(expected.len(), 3);
        fixture.log.close().expect("close");
        let path = fixture.directory.join("leader-epoch-checkpoint");
        match contents {
            None => fs::remove_file(path).expect("remove"),
            Some(contents) => fs::write(path, contents).expect("write"),
        }
        let recovery = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown: true };
        assert_eq!(fixture.open(recovery).leader_epochs(), expected);
    }
}

#[test]
fn epochs_above_the_recovery_point_need_no_file() {
    let mut fixture = filled();
    let expected = fixture.log.leader_epochs().to_vec();
    let path = fixture.directory.join("leader-epoch-checkpoint");
    assert!(!path.exists(), "nothing was flushed");
    assert_eq!(fixture.open(unclean(0)).leader_epochs(), expected);
    // A flush makes the file say what a recovery from there does not read any more.
    let recovery_point = fixture.log.flush().expect("flush");
    let written = fs::read_to_string(&path).expect("read");
    assert_eq!(written.lines().nth(1), Some("3"), "{written}");
    assert_eq!(fixture.open(unclean(recovery_point)).leader_epochs(), expected);
}

#[test]
fn a_damaged_index_does_not_hide_records() {
    let mut fixture = filled();
    let expected = read_all(&fixture.log);
    fixture.log.close().expect("close");
    for path in files(&fixture) {
        if path.extension().is_some_and(|it| it == "index") {
            let mut bytes = fs::read(&path).expect("read");
            bytes.chunks_exact_mut(8).for_each(|entry| entry[7] = entry[7].wrapping_add(13));
            fs::write(&path, bytes).expect("write");
        }
    }
    let recovery = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown: true };
    assert_eq!(read_all(fixture.open(recovery)), expected);
}

#[test]
fn a_foreign_topic_id_is_refused() {
    let mut fixture = filled();
    fixture.reopen_clean();
    assert_eq!(fixture.log.topic_id(), Some(Uuid::from_u128(7)));
    fixture.log.assign_topic_id(Uuid::from_u128(7)).expect("the same one");
    let refused = fixture.log.assign_topic_id(Uuid::from_u128(8));
    assert!(matches!(refused, Err(LogError::InconsistentTopicId { .. })));
}

#[test]
fn a_topic_id_that_a_stop_left_unwritten_is_given_again() {
    let mut fixture = filled();
    fs::write(fixture.directory.join("partition.metadata"), "").expect("write");
    fixture.reopen_clean();
    assert_eq!(fixture.log.topic_id(), None);
    fixture.log.assign_topic_id(Uuid::from_u128(7)).expect("assign");
    fixture.reopen_clean();
    assert_eq!(fixture.log.topic_id(), Some(Uuid::from_u128(7)));
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let fixture = filled();
    fs::remove_dir_all(&fixture.directory).expect("remove");
    fs::write(&fixture.directory, "no directory").expect("write");
    let opened = Log::open(&fixture.directory, LogConfig::KAFKA, Shared::new(0, 1), unclean(0), 0);
    let refused = opened.expect_err("not a directory").to_string();
    assert!(
        refused.contains(&format!("cannot create {}", fixture.directory.display())),
        "{refused}"
    );
}

#[test]
fn files_that_a_deletion_left_are_removed() {
    let mut fixture = filled();
    let expected = read_all(&fixture.log);
    for name in ["00000000000000000000.log.deleted", "x.log.cleaned", "leader-epoch-checkpoint.tmp"]
    {
        fs::write(fixture.directory.join(name), b"left").expect("write");
    }
    assert_eq!(read_all(fixture.reopen_clean()), expected);
    let names: Vec<_> = files(&fixture);
    assert!(!names.iter().any(|path| {
        path.extension().is_some_and(|it| it == "deleted" || it == "cleaned" || it == "tmp")
    }));
}

#[test]
fn a_write_that_cannot_be_undone_takes_the_log_offline() {
    let mut fixture = Fixture::new(config(), 0);
    let active = fixture.directory.join("00000000000000000000.log");
    fs::remove_file(&active).expect("remove");
    // Every write to it fails, and so does cutting it back.
    std::os::unix::fs::symlink("/dev/full", &active).expect("link");
    fixture.open(unclean(0));
    let failed = fixture.log.append_as_leader(batch(1, 0), 0, 0);
    assert!(matches!(failed, Err(AppendError::Io(_))), "{failed:?}");
    let refused = fixture.log.append_as_leader(batch(1, 0), 0, 0);
    assert!(matches!(refused, Err(AppendError::Offline)), "{refused:?}");
    assert_eq!(fixture.log.log_end_offset(), 0);
    assert!(fixture.log.close().is_err(), "it must not count as closed properly");
}

#[test]
fn a_truncation_holds_against_an_older_checkpoint() {
    let mut fixture = filled();
    fixture.log.flush().expect("flush");
    let checkpoint = fixture.log.recovery_point();
    let truncated = fixture.log.truncate_to(20).expect("truncate");
    fixture.log.append_as_leader(batch(3, 0), 9, 0).expect("append");
    assert!(fixture.log.log_end_offset() < checkpoint);
    let base = fixture.log.active_base_offset();
    let active = fixture.directory.join(format!("{base:020}.log"));
    let len = fs::metadata(&active).expect("metadata").len();
    fs::OpenOptions::new().write(true).open(&active).expect("open").set_len(len - 1).expect("cut");
    // The checkpoint still says that the torn batch was synced.
    assert_eq!(fixture.open(unclean(checkpoint)).log_end_offset(), truncated);
    // And nothing remembers the truncation once more than that is synced.
    for _ in 0..20 {
        fixture.log.append_as_leader(batch(3, 0), 9, 0).expect("append");
    }
    fixture.log.flush().expect("flush");
    let names = files(&fixture);
    assert!(!names.iter().any(|path| path.ends_with("truncated-recovery-point")), "{names:?}");
}
