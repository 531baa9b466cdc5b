//! A log through its public interface: what is appended comes back, after any kind of reopening.

use crate::support::{Fixture, batch, headers, produced, read_all, sequenced};
use partition_log::{AppendError, LogConfig, ReadError};

#[test]
fn appended_batches_are_read_from_the_tail_and_from_the_disk() {
    for tail_bytes in [0, 1 << 20] {
        let mut fixture = Fixture::new(LogConfig::KAFKA, tail_bytes);
        for round in 0..10 {
            let appended =
                fixture.log.append_as_leader(batch(3, round * 10), 5, round).expect("append");
            assert_eq!((appended.base_offset, appended.last_offset), (round * 3, round * 3 + 2));
        }
        let records = read_all(&fixture.log);
        assert_eq!(records.len(), 30);
        assert!(records.iter().enumerate().all(|(at, it)| it.offset == at as i64));
        assert_eq!(fixture.log.last_epoch(), Some(5));
        let reopened = fixture.reopen_clean();
        assert_eq!(read_all(reopened), records);
        assert_eq!(reopened.log_end_offset(), 30);
        let recovered = fixture.reopen_unclean(0);
        assert_eq!(read_all(recovered), records);
    }
}

#[test]
fn an_offset_inside_a_batch_returns_the_whole_batch() {
    for tail_bytes in [0, 1 << 20] {
        let mut fixture = Fixture::new(LogConfig::KAFKA, tail_bytes);
        fixture.log.append_as_leader(batch(5, 0), 0, 0).expect("append");
        fixture.log.append_as_leader(batch(5, 0), 0, 0).expect("append");
        let chunks = fixture.log.read(7, 1, 10, true).expect("plan").execute().expect("read");
        let found = headers(&chunks);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].base_offset, 5);
        let none = fixture.log.read(7, 1, 10, false).expect("plan").execute().expect("read");
        assert!(none.is_empty());
        // A batch that reaches beyond the limit is not visible.
        let none = fixture.log.read(5, 1000, 7, true).expect("plan").execute().expect("read");
        assert!(none.is_empty());
        assert!(matches!(
            fixture.log.read(11, 1, 10, true),
            Err(ReadError::OffsetOutOfRange { .. })
        ));
    }
}

#[test]
fn a_retried_batch_is_recognised_and_a_gap_is_refused() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 1 << 20);
    for sequence in 0..4 {
        let appended = fixture.log.append_as_leader(sequenced(9, 0, sequence, 1), 0, 0);
        assert_eq!(appended.expect("append").base_offset, i64::from(sequence));
    }
    let again = fixture.log.append_as_leader(sequenced(9, 0, 1, 1), 0, 0).expect("append");
    assert!(again.duplicate);
    assert_eq!(again.base_offset, 1);
    assert!(matches!(
        fixture.log.append_as_leader(sequenced(9, 0, 6, 1), 0, 0),
        Err(AppendError::OutOfOrderSequence(_))
    ));
    fixture.log.append_as_leader(sequenced(9, 1, 0, 1), 0, 0).expect("a new epoch begins at 0");
    assert!(matches!(
        fixture.log.append_as_leader(sequenced(9, 0, 4, 1), 0, 0),
        Err(AppendError::InvalidProducerEpoch(_))
    ));
    assert_eq!(fixture.log.log_end_offset(), 5);
}

#[test]
fn a_follower_takes_over_what_the_leader_has() {
    let mut leader = Fixture::new(LogConfig::KAFKA, 1 << 20);
    let mut follower = Fixture::new(LogConfig::KAFKA, 1 << 20);
    for epoch in [1, 1, 4] {
        leader.log.append_as_leader(produced(2), epoch, 0).expect("append");
    }
    for chunk in leader.log.read(0, 1 << 20, 6, true).expect("plan").execute().expect("read") {
        follower.log.append_as_follower(chunk, 0).expect("append");
    }
    assert_eq!(read_all(&follower.log), read_all(&leader.log));
    assert_eq!(follower.log.leader_epochs(), leader.log.leader_epochs());
    assert_eq!(follower.log.end_offset_for_epoch(2), (1, 4));
    assert_eq!(follower.log.truncate_to(4).expect("truncate"), 4);
    assert_eq!(follower.log.last_epoch(), Some(1));
    assert_eq!(read_all(&follower.log), read_all(&leader.log)[..4]);
}

#[test]
fn a_truncation_at_the_end_forgets_a_leadership_without_records() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 1 << 20);
    fixture.log.append_as_leader(produced(2), 1, 0).expect("append");
    fixture.log.assign_leader_epoch(3, 2);
    assert_eq!(fixture.log.last_epoch(), Some(3));
    assert_eq!(fixture.log.truncate_to(2).expect("truncate"), 2);
    assert_eq!(fixture.log.last_epoch(), Some(1));
    assert_eq!(fixture.log.log_end_offset(), 2);
}
