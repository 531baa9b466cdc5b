//! What retention removes, and what it must not.

use std::fs;

use partition_log::{LogConfig, ReadError};
use uuid::Uuid;

use crate::support::{Fixture, batch, produced, read_all};

/// Ten segments of one batch of two records each, timestamps 0, 1000, ...
fn ten_segments(config: LogConfig) -> Fixture {
    let config = LogConfig { segment_bytes: 150, file_delete_delay_ms: 500, ..config };
    let mut fixture = Fixture::new(config, 0);
    for round in 0..10 {
        fixture.log.append_as_leader(batch(2, round * 1000), round as i32, 0).expect("append");
    }
    assert_eq!(fixture.log.segments(), 10);
    fixture
}

fn files(fixture: &Fixture, suffix: &str) -> usize {
    let entries = fs::read_dir(&fixture.directory).expect("list");
    let names = entries.map(|entry| entry.expect("entry").file_name());
    names.filter(|name| name.to_string_lossy().ends_with(suffix)).count()
}

#[test]
fn old_segments_go_by_their_newest_timestamp() {
    let mut fixture = ten_segments(LogConfig { retention_ms: 5000, ..LogConfig::KAFKA });
    let removed = fixture.log.delete_old_segments(8500, 20).expect("delete");
    assert_eq!(removed.segments, 4);
    assert_eq!(fixture.log.log_start_offset(), 8);
    assert_eq!(fixture.log.leader_epochs()[0].start_offset, 8);
    assert!(matches!(fixture.log.read(7, 1, 20, true), Err(ReadError::OffsetOutOfRange { .. })));
    // The files go later.
    assert_eq!((files(&fixture, ".log"), files(&fixture, ".log.deleted")), (6, 4));
    removed.unlink().expect("unlink");
    assert_eq!(files(&fixture, ".log.deleted"), 4);
    fixture.log.delete_old_segments(9000, 20).expect("delete").unlink().expect("unlink");
    assert_eq!(files(&fixture, ".deleted"), 0);
}

#[test]
fn a_log_that_is_too_old_as_a_whole_goes_on_empty() {
    let mut fixture = ten_segments(LogConfig { retention_ms: 5000, ..LogConfig::KAFKA });
    fixture.log.delete_old_segments(1 << 40, 20).expect("delete");
    assert_eq!((fixture.log.log_start_offset(), fixture.log.log_end_offset()), (20, 20));
    assert_eq!(fixture.log.append_as_leader(produced(1), 10, 0).expect("append").base_offset, 20);
    let reopened = fixture.reopen_clean();
    assert_eq!((reopened.log_start_offset(), reopened.log_end_offset()), (20, 21));
}

#[test]
fn nothing_at_or_above_the_high_watermark_goes() {
    let mut fixture = ten_segments(LogConfig { retention_ms: 0, ..LogConfig::KAFKA });
    fixture.log.delete_old_segments(1 << 40, 7).expect("delete");
    assert_eq!(fixture.log.log_start_offset(), 6);
}

#[test]
fn segments_go_until_the_size_fits() {
    let unlimited = LogConfig { retention_ms: -1, retention_bytes: -1, ..LogConfig::KAFKA };
    let mut fixture = ten_segments(unlimited.clone());
    assert_eq!(fixture.log.delete_old_segments(1 << 40, 20).expect("delete").segments, 0);
    let segment_bytes = fixture.log.size_bytes() / 10;
    let limited = LogConfig { retention_bytes: 3 * segment_bytes as i64, ..unlimited };
    fixture.log.update_config(LogConfig { segment_bytes: 150, ..limited });
    fixture.log.delete_old_segments(0, 20).expect("delete");
    assert!((3..=4).contains(&fixture.log.segments()), "{}", fixture.log.segments());
    assert!(fixture.log.size_bytes() >= 3 * segment_bytes);
}

#[test]
fn deleted_records_go_even_where_retention_keeps_everything() {
    let compacted = LogConfig { delete: false, compact: true, ..LogConfig::KAFKA };
    let mut fixture = ten_segments(compacted);
    assert!(fixture.log.advance_log_start_offset(9).expect("advance"));
    assert!(!fixture.log.advance_log_start_offset(5).expect("advance"), "never back");
    assert_eq!(fixture.log.delete_old_segments(0, 20).expect("delete").segments, 4);
    assert_eq!(fixture.log.log_start_offset(), 9, "inside a segment");
    assert_eq!(read_all(&fixture.log)[0].offset, 8, "whole batches only");
    let reopened = fixture.reopen_clean();
    assert_eq!(reopened.log_start_offset(), 9);
}

#[test]
fn a_read_that_was_planned_survives_the_removal_of_its_file() {
    let mut fixture = ten_segments(LogConfig { retention_ms: 0, ..LogConfig::KAFKA });
    fixture.log.update_config(LogConfig {
        retention_ms: 0,
        file_delete_delay_ms: 0,
        ..LogConfig::KAFKA
    });
    let planned = fixture.log.read(0, 1000, 20, true).expect("plan");
    fixture.log.delete_old_segments(1 << 40, 20).expect("delete").unlink().expect("unlink");
    assert_eq!(files(&fixture, ".log"), 1);
    assert!(!planned.execute().expect("read").is_empty());
}

#[test]
fn time_seals_a_segment_too() {
    let config = LogConfig { segment_ms: 5000, ..LogConfig::KAFKA };
    let mut fixture = Fixture::new(config, 0);
    for timestamp in [0, 4000, 5001, 6000, 9000, 10_500] {
        fixture.log.append_as_leader(batch(1, timestamp), 0, 0).expect("append");
    }
    assert_eq!(fixture.log.segments(), 3);
}

#[test]
fn a_deleted_log_leaves_its_name_to_a_new_one() {
    let fixture = ten_segments(LogConfig::KAFKA);
    let Fixture { log, directory, .. } = &fixture;
    let parent = directory.parent().expect("parent").to_owned();
    assert_eq!(log.topic_id(), None);
    let (log, _root) = fixture.into_parts();
    let deleted = log.delete(Uuid::nil()).expect("delete");
    let name = "topic-0.00000000000000000000000000000000-delete";
    assert!(parent.join(name).is_dir() && !parent.join("topic-0").exists());
    deleted.remove().expect("remove");
    assert!(!parent.join(name).exists());
}
