//! What a log remembers of idempotent producers, through every kind of stop.

use std::fs;

use partition_log::{AppendError, Appended, LogConfig};

use crate::support::{Fixture, sequenced};

fn append(
    fixture: &mut Fixture,
    epoch: i16,
    sequence: i32,
    count: i64,
) -> Result<Appended, AppendError> {
    fixture.log.append_as_leader(sequenced(5, epoch, sequence, count), 0, 0)
}

fn small_segments() -> LogConfig {
    LogConfig { segment_bytes: 600, ..LogConfig::KAFKA }
}

fn out_of_order(appended: Result<Appended, AppendError>) -> bool {
    matches!(appended, Err(AppendError::OutOfOrderSequence(_)))
}

#[test]
fn sequence_numbers_wrap() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 0);
    append(&mut fixture, 0, i32::MAX - 1, 1).expect("an unknown producer begins anywhere");
    append(&mut fixture, 0, i32::MAX, 3).expect("across the end");
    let again = append(&mut fixture, 0, i32::MAX, 3).expect("again");
    assert!(again.duplicate);
    assert_eq!((again.base_offset, again.last_offset), (1, 3));
    append(&mut fixture, 0, 2, 1).expect("goes on behind the wrap");
    assert!(out_of_order(append(&mut fixture, 0, i32::MAX, 1)));
}

#[test]
fn the_last_five_batches_are_recognised_and_earlier_ones_are_refused() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 0);
    for sequence in 0..7 {
        append(&mut fixture, 0, sequence, 1).expect("append");
    }
    for sequence in 2..7 {
        let again = append(&mut fixture, 0, sequence, 1).expect("again");
        assert_eq!((again.duplicate, again.base_offset), (true, i64::from(sequence)));
    }
    assert!(out_of_order(append(&mut fixture, 0, 1, 1)));
    assert!(out_of_order(append(&mut fixture, 0, 6, 2)), "the same start, another end");
    assert_eq!(fixture.log.log_end_offset(), 7);
}

#[test]
fn batches_of_one_append_are_checked_among_each_other() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 0);
    let two =
        |second: i32| [&sequenced(5, 0, 0, 2)[..], &sequenced(5, 0, second, 2)[..]].concat().into();
    let refused = fixture.log.append_as_leader(two(3), 0, 0);
    assert!(matches!(refused, Err(AppendError::OutOfOrderSequence(_))));
    assert_eq!(fixture.log.producers().count(), 0, "a refused append leaves no trace");
    fixture.log.append_as_leader(two(2), 0, 0).expect("append");
    append(&mut fixture, 0, 4, 1).expect("goes on");
}

#[test]
fn a_new_epoch_fences_the_old_one() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 0);
    append(&mut fixture, 3, 0, 2).expect("append");
    assert!(out_of_order(append(&mut fixture, 4, 2, 1)), "a new epoch begins at 0");
    append(&mut fixture, 4, 0, 1).expect("append");
    let fenced = append(&mut fixture, 3, 2, 1);
    assert!(matches!(fenced, Err(AppendError::InvalidProducerEpoch(_))));
    // Not even a duplicate of the old epoch.
    let fenced = append(&mut fixture, 3, 0, 2);
    assert!(matches!(fenced, Err(AppendError::InvalidProducerEpoch(_))));
}

#[test]
fn producers_survive_clean_and_unclean_stops() {
    let mut fixture = Fixture::new(small_segments(), 0);
    for sequence in 0..20 {
        append(&mut fixture, 0, sequence, 1).expect("append");
    }
    assert!(fixture.log.segments() > 2);
    fixture.reopen_clean();
    assert!(append(&mut fixture, 0, 19, 1).expect("again").duplicate);
    append(&mut fixture, 0, 20, 1).expect("append");
    for recovery_point in [0, 10, 21] {
        fixture.reopen_unclean(recovery_point);
        assert!(append(&mut fixture, 0, 20, 1).expect("again").duplicate, "{recovery_point}");
        assert!(out_of_order(append(&mut fixture, 0, 22, 1)), "{recovery_point}");
    }
    // Damaged snapshots are as good as none: the log has everything.
    for entry in fs::read_dir(&fixture.directory).expect("list") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|it| it == "snapshot") {
            let mut bytes = fs::read(&path).expect("read");
            *bytes.last_mut().expect("bytes") ^= 1;
            fs::write(&path, bytes).expect("write");
        }
    }
    fixture.reopen_unclean(21);
    append(&mut fixture, 0, 21, 1).expect("append");
}

#[test]
fn a_truncation_forgets_what_was_removed() {
    let mut fixture = Fixture::new(small_segments(), 0);
    for sequence in 0..20 {
        append(&mut fixture, 0, sequence, 1).expect("append");
    }
    for keep in [15, 6, 5] {
        fixture.log.truncate_to(keep).expect("truncate");
        assert!(out_of_order(append(&mut fixture, 0, keep as i32 + 1, 1)));
        append(&mut fixture, 0, keep as i32, 1).expect("the removed one is new again");
    }
    fixture.log.truncate_fully_and_start_at(100).expect("truncate");
    assert_eq!(fixture.log.producers().count(), 0);
}

#[test]
fn a_follower_keeps_the_same_books() {
    let mut leader = Fixture::new(LogConfig::KAFKA, 1 << 20);
    let mut follower = Fixture::new(LogConfig::KAFKA, 0);
    for sequence in 0..7 {
        append(&mut leader, 0, sequence, 1).expect("append");
    }
    for chunk in leader.log.read(0, 1 << 20, 7, true).expect("plan").execute().expect("read") {
        follower.log.append_as_follower(chunk, 0).expect("append");
    }
    let books = |fixture: &Fixture| {
        fixture.log.producers().map(|(id, state)| (id, state.clone())).collect::<Vec<_>>()
    };
    assert_eq!(books(&follower), books(&leader));
    assert!(append(&mut follower, 0, 3, 1).expect("again").duplicate);
}

#[test]
fn silent_producers_expire() {
    let config = LogConfig { producer_id_expiration_ms: 1000, ..LogConfig::KAFKA };
    let mut fixture = Fixture::new(config, 0);
    append(&mut fixture, 0, 0, 1).expect("append");
    fixture.log.expire_producers(999);
    assert_eq!(fixture.log.producers().count(), 1);
    fixture.log.expire_producers(1000);
    assert_eq!(fixture.log.producers().count(), 0);
    append(&mut fixture, 0, 9, 1).expect("begins anywhere");
}
