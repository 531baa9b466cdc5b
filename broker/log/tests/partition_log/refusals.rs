//! What a leader refuses, and what it changes in what it accepts.

use bytes::Bytes;
use partition_log::{AppendError, LogConfig};
use records::{BatchBuilder, Codec, TimestampType};

use crate::support::{Fixture, batch, headers, keyed, produced, read_all};

fn append(config: LogConfig, record_set: Bytes, now_ms: i64) -> Result<Fixture, AppendError> {
    let mut fixture = Fixture::new(config, 1 << 20);
    let appended = fixture.log.append_as_leader(record_set, 0, now_ms);
    let expected_end = if appended.is_ok() { 1 } else { 0 };
    assert!(fixture.log.log_end_offset() >= expected_end);
    assert_eq!(fixture.log.log_end_offset() == 0, appended.is_err());
    appended.map(|_| fixture)
}

fn with(change: impl FnOnce(&mut BatchBuilder)) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    change(&mut builder);
    builder.push_next(1000, Some(b"key"), Some(b"value"));
    builder.build().expect("build")
}

#[test]
fn damaged_and_ill_formed_batches_are_refused() {
    let mut flipped = produced(2).to_vec();
    *flipped.last_mut().expect("bytes") ^= 1;
    let refused = append(LogConfig::KAFKA, flipped.into(), 0);
    assert!(matches!(refused, Err(AppendError::CorruptMessage(_))));

    let cut = produced(2).slice(..70);
    assert!(matches!(append(LogConfig::KAFKA, cut, 0), Err(AppendError::CorruptMessage(_))));

    let mut old = produced(1).to_vec();
    old[16] = 1;
    let refused = append(LogConfig::KAFKA, old.into(), 0);
    assert!(matches!(refused, Err(AppendError::UnsupportedForMessageFormat(_))));

    let nothing = append(LogConfig::KAFKA, Bytes::new(), 0);
    assert!(matches!(nothing, Err(AppendError::InvalidRecord(_))));

    let elsewhere = BatchBuilder::new(7);
    let mut elsewhere = elsewhere.clone();
    elsewhere.push_next(0, None, None);
    let refused = append(LogConfig::KAFKA, elsewhere.build().expect("build"), 0);
    assert!(matches!(refused, Err(AppendError::InvalidRecord(_))));

    let no_sequence = with(|builder| (builder.producer_id, builder.producer_epoch) = (1, 0));
    let refused = append(LogConfig::KAFKA, no_sequence, 0);
    assert!(matches!(refused, Err(AppendError::InvalidRecord(_))));
}

#[test]
fn transactional_and_control_batches_of_clients_are_refused() {
    for record_set in
        [with(|builder| builder.is_transactional = true), with(|builder| builder.is_control = true)]
    {
        let refused = append(LogConfig::KAFKA, record_set, 0);
        assert!(matches!(refused, Err(AppendError::NotTransactional)));
    }
}

#[test]
fn sizes_are_limited_per_batch_and_per_append() {
    let config = LogConfig { max_message_bytes: 200, segment_bytes: 1000, ..LogConfig::KAFKA };
    let refused = append(config.clone(), batch(20, 0), 0);
    assert!(matches!(refused, Err(AppendError::MessageTooLarge { bytes_max: 200, .. })));
    let many: Bytes = produced(1).repeat(15).into();
    let refused = append(config, many, 0);
    assert!(matches!(refused, Err(AppendError::RecordListTooLarge { bytes_max: 1000, .. })));
}

#[test]
fn timestamps_out_of_range_are_refused() {
    let config =
        LogConfig { timestamp_before_max_ms: 100, timestamp_after_max_ms: 50, ..LogConfig::KAFKA };
    for (now_ms, accepted) in [(950, true), (949, false), (1100, true), (1101, false)] {
        let appended = append(config.clone(), with(|_| ()), now_ms);
        match appended {
            Ok(_) => assert!(accepted, "accepted at {now_ms}"),
            Err(AppendError::InvalidTimestamp(_)) => assert!(!accepted, "refused at {now_ms}"),
            Err(other) => panic!("{other}"),
        }
    }
    let stamped = with(|builder| builder.timestamp_type = TimestampType::LogAppendTime);
    let refused = append(LogConfig::KAFKA, stamped, 1000);
    assert!(matches!(refused, Err(AppendError::InvalidTimestamp(_))));
    // Without a timestamp there is nothing to compare.
    let mut none = BatchBuilder::new(0);
    none.push_next(-1, None, None);
    append(config, none.build().expect("build"), 1 << 40).expect("accepted");
}

#[test]
fn a_compacted_topic_demands_keys() {
    let config = LogConfig { compact: true, ..LogConfig::KAFKA };
    for codec in Codec::ALL {
        let mut builder = BatchBuilder::new(0);
        builder.compression = codec;
        builder.push_next(0, Some(b"key"), None);
        builder.push_next(0, None, Some(b"value"));
        let refused = append(config.clone(), builder.build().expect("build"), 0);
        assert!(matches!(refused, Err(AppendError::InvalidRecord(_))), "{codec}");
    }
    append(config, keyed(&[(b"key", None)], 0), 0).expect("accepted");
}

#[test]
fn a_compacted_topic_refuses_a_bomb() {
    let config = LogConfig { compact: true, ..LogConfig::KAFKA };
    let mut builder = BatchBuilder::new(0);
    builder.compression = Codec::Zstd;
    let value = vec![0; 80 << 20];
    builder.push_next(0, Some(b"key"), Some(&value));
    let refused = append(config, builder.build().expect("build"), 0);
    assert!(matches!(refused, Err(AppendError::InvalidRecord(_))));
}

#[test]
fn a_topic_with_a_codec_of_its_own_compresses_anew() {
    for (sent, wanted) in [(Codec::None, Codec::Gzip), (Codec::Lz4, Codec::None)] {
        let config = LogConfig { compression: Some(wanted), ..LogConfig::KAFKA };
        let record_set = with(|builder| builder.compression = sent);
        let fixture = append(config, record_set, 1000).expect("append");
        let read = fixture.log.read(0, 1000, 1, true).expect("plan").execute().expect("read");
        assert_eq!(headers(&read)[0].codec(), Ok(wanted));
        let records = read_all(&fixture.log);
        assert_eq!(records[0].value.as_deref(), Some(&b"value"[..]));
        assert_eq!(records[0].timestamp, 1000);
    }
}

#[test]
fn bytes_that_others_hold_are_not_changed_under_them() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 1 << 20);
    fixture.log.append_as_leader(produced(3), 4, 0).expect("append");
    let held = produced(2);
    let before = held.to_vec();
    fixture.log.append_as_leader(held.clone(), 4, 0).expect("append");
    assert_eq!(held, before);
    let chunks = fixture.log.read(3, 1000, 5, true).expect("plan").execute().expect("read");
    assert_eq!((headers(&chunks)[0].base_offset, chunks[0].len()), (3, held.len()));
}

#[test]
fn a_follower_refuses_what_does_not_continue_its_log() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 1 << 20);
    let at = |offset: i64| {
        let mut builder = BatchBuilder::new(offset);
        builder.push_next(0, None, None);
        builder.push_next(0, None, None);
        builder.build().expect("build")
    };
    fixture.log.append_as_follower(at(0), 0).expect("append");
    let refused = fixture.log.append_as_follower(at(1), 0);
    assert!(matches!(refused, Err(AppendError::OffsetsOutOfOrder { first: 1, log_end_offset: 2 })));
    let mut flipped = at(2).to_vec();
    *flipped.last_mut().expect("bytes") ^= 1;
    let refused = fixture.log.append_as_follower(flipped.into(), 0);
    assert!(matches!(refused, Err(AppendError::CorruptMessage(_))));
    // A leader whose log starts inside a batch sends all of it.
    fixture.log.truncate_fully_and_start_at(11).expect("truncate");
    fixture.log.append_as_follower(at(10), 0).expect("append");
    assert_eq!((fixture.log.log_start_offset(), fixture.log.log_end_offset()), (10, 12));
}

#[test]
fn gaps_beyond_the_reach_of_a_segment_begin_a_new_one() {
    let mut fixture = Fixture::new(LogConfig::KAFKA, 0);
    let mut record_set = Vec::new();
    for offset in [0, 3_000_000_000, 9_000_000_000] {
        let mut builder = BatchBuilder::new(offset);
        builder.push_next(0, None, None);
        record_set.extend_from_slice(&builder.build().expect("build"));
    }
    fixture.log.append_as_follower(record_set.into(), 0).expect("append");
    assert_eq!(fixture.log.segments(), 3);
    let offsets: Vec<i64> = read_all(&fixture.log).iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [0, 3_000_000_000, 9_000_000_000]);
}
