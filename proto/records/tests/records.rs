//! Record batches: what is built is read again, what is damaged is refused, and nothing that a
//! client can send makes a reader panic or inflate beyond its limit.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use records::{
    BatchBuilder, BatchError, BatchHeader, Codec, ControlRecord, HEADER_BYTES, Record, RecordIter,
    TimestampType, batches, compress, crc32c, decompress, next_sequence, set_base_offset,
    set_log_append_time, set_partition_leader_epoch,
};

const LIMIT_BYTES: usize = 16 << 20;

fn some_bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn record() -> impl Strategy<Value = (i64, i64, Record)> {
    let headers = vec((some_bytes(8), option::of(some_bytes(8))), 0..4);
    (0i64..5, -1i64..1_000_000, option::of(some_bytes(30)), option::of(some_bytes(200)), headers)
        .prop_map(|(gap, timestamp, key, value, headers)| {
            (gap, timestamp, Record { offset: 0, timestamp, key, value, headers })
        })
}

fn codec() -> impl Strategy<Value = Codec> {
    (0usize..5).prop_map(|index| Codec::ALL[index])
}

fn read(batch: &Bytes) -> Result<Vec<Record>, BatchError> {
    RecordIter::new(batch, LIMIT_BYTES)?.collect()
}

fn simple(codec: Codec) -> Bytes {
    let mut builder = BatchBuilder::new(0);
    builder.compression = codec;
    builder.push_next(5, Some(b"key"), Some(b"value"));
    builder.push_next(7, None, None);
    builder.build().expect("build")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn records_come_back_with_gaps_and_duplicate_headers(
        base_offset in 0i64..1_000_000_000_000,
        records in vec(record(), 1..20),
        codec in codec(),
    ) {
        let mut builder = BatchBuilder::new(base_offset);
        builder.compression = codec;
        let mut offset = base_offset;
        let mut pushed = Vec::new();
        for (gap, _, mut record) in records {
            offset += gap;
            record.offset = offset;
            offset += 1;
            builder.push(&record);
            pushed.push(record);
        }
        let batch = builder.build().expect("build");
        let header = BatchHeader::parse(&batch).expect("header");
        prop_assert_eq!(header.size_bytes(), batch.len());
        prop_assert_eq!(header.codec(), Ok(codec));
        prop_assert_eq!(header.last_offset(), offset - 1);
        prop_assert_eq!(Some(header.max_timestamp), pushed.iter().map(|it| it.timestamp).max());
        prop_assert_eq!(header.check_crc(&batch), Ok(()));
        prop_assert_eq!(read(&batch), Ok(pushed));
    }

    #[test]
    fn the_crc_is_that_of_another_implementation(bytes in vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(crc32c(&bytes), crc32c::crc32c(&bytes));
    }

    #[test]
    fn every_codec_restores_what_it_compressed(bytes in vec(0u8..4, 0..20_000), codec in codec()) {
        let compressed = compress(codec, &bytes);
        prop_assert_eq!(decompress(codec, &compressed, bytes.len()), Ok(Bytes::from(bytes)));
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..300)) {
        for batch in batches(&bytes) {
            let _ = batch.map(|(range, header)| header.validate_produced(&bytes[range]));
        }
        let bytes = Bytes::from(bytes);
        for codec in Codec::ALL {
            let _ = decompress(codec, &bytes, 1000);
        }
    }

    #[test]
    fn a_damaged_batch_is_refused_or_read_without_a_panic(
        codec in codec(),
        flips in vec((any::<prop::sample::Index>(), 1u8..=255), 1..4),
        cut in option::of(any::<prop::sample::Index>()),
    ) {
        let mut batch = simple(codec).to_vec();
        for (index, mask) in flips {
            let at = index.index(batch.len());
            batch[at] ^= mask;
        }
        if let Some(cut) = cut {
            batch.truncate(cut.index(batch.len()));
        }
        let batch = Bytes::from(batch);
        for found in batches(&batch) {
            let Ok((range, header)) = found else { break };
            let bytes = batch.slice(range);
            let _ = header.validate_produced(&bytes);
            if let Ok(records) = RecordIter::new(&bytes, 100_000) {
                prop_assert!(records.count() <= 1 + header.records_count as usize);
            }
        }
    }

    #[test]
    fn any_change_behind_the_crc_is_found(at in 21usize..90, mask in 1u8..=255) {
        let mut batch = simple(Codec::None).to_vec();
        let at = at.min(batch.len() - 1);
        batch[at] ^= mask;
        let checked = BatchHeader::parse(&batch).and_then(|header| header.check_crc(&batch));
        prop_assert!(matches!(checked, Err(BatchError::Corrupt(_))), "{:?}", checked);
    }

    #[test]
    fn record_bodies_of_arbitrary_bytes_end(body in vec(any::<u8>(), 0..200), count in 1i32..50) {
        let mut batch = BytesMut::from(&simple(Codec::None)[..HEADER_BYTES]);
        batch.extend_from_slice(&body);
        let length = (batch.len() - 12) as i32;
        batch[8..12].copy_from_slice(&length.to_be_bytes());
        batch[23..27].copy_from_slice(&(count - 1).to_be_bytes());
        batch[57..61].copy_from_slice(&count.to_be_bytes());
        let records = RecordIter::new(&batch.freeze(), LIMIT_BYTES).expect("a well formed header");
        prop_assert!(records.count() <= count as usize + 1);
    }
}

#[test]
fn offset_and_epoch_are_outside_the_crc() {
    let mut batch = simple(Codec::Lz4).to_vec();
    set_base_offset(&mut batch, 1 << 40);
    set_partition_leader_epoch(&mut batch, 9);
    let header = BatchHeader::parse(&batch).expect("header");
    assert_eq!((header.base_offset, header.partition_leader_epoch), (1 << 40, 9));
    assert_eq!(header.validate_produced(&batch), Ok(()));
    assert_eq!(read(&batch.into()).expect("records")[1].offset, (1 << 40) + 1);
}

#[test]
fn a_stamped_batch_gives_every_record_the_leaders_time() {
    let mut batch = simple(Codec::Zstd).to_vec();
    set_log_append_time(&mut batch, 1234);
    let header = BatchHeader::parse(&batch).expect("header");
    assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(header.check_crc(&batch), Ok(()));
    assert!(read(&batch.into()).expect("records").iter().all(|record| record.timestamp == 1234));
}

#[test]
fn a_bomb_does_not_inflate_beyond_the_limit() {
    let zeros = vec![0; 8 << 20];
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let bomb = compress(codec, &zeros);
        let error = decompress(codec, &bomb, 1 << 20).expect_err("too large");
        assert_eq!(error, BatchError::TooLarge { limit_bytes: 1 << 20 }, "{codec}");
        assert_eq!(decompress(codec, &bomb, 8 << 20).expect("within").len(), 8 << 20);
    }
}

#[test]
fn a_snappy_block_that_declares_gigabytes_is_refused_before_it_is_believed() {
    // A length of 2^32 - 1, then nothing that could fill it.
    let lie = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x00]);
    assert!(matches!(decompress(Codec::Snappy, &lie, usize::MAX), Err(BatchError::Corrupt(_))));
}

#[test]
fn raw_snappy_is_read_too() {
    let raw = snap_raw(b"hello hello hello");
    assert_eq!(decompress(Codec::Snappy, &raw, 100), Ok(Bytes::from_static(b"hello hello hello")));
}

/// The raw block out of the frame that `compress` makes: magic and versions, then its length.
fn snap_raw(bytes: &[u8]) -> Bytes {
    compress(Codec::Snappy, bytes).slice(16 + 4..)
}

#[test]
fn old_formats_and_unknown_codecs_have_errors_of_their_own() {
    let mut batch = simple(Codec::None).to_vec();
    batch[16] = 1;
    assert_eq!(BatchHeader::parse(&batch), Err(BatchError::UnsupportedFormat(1)));
    batch[16] = 3;
    assert!(matches!(BatchHeader::parse(&batch), Err(BatchError::Corrupt(_))));
    batch[16] = 2;
    batch[22] = 6;
    let header = BatchHeader::parse(&batch).expect("header");
    assert_eq!(header.codec(), Err(BatchError::UnsupportedCompression(6)));
}

#[test]
fn a_produced_batch_must_count_its_records() {
    let mut builder = BatchBuilder::new(0);
    builder.last_offset = Some(5);
    builder.push_next(0, None, None);
    let batch = builder.build().expect("build");
    let header = BatchHeader::parse(&batch).expect("a compacted batch is well formed");
    assert!(matches!(header.validate_produced(&batch), Err(BatchError::Invalid(_))));

    let empty = BatchBuilder::like(&header).expect("like").build().expect("build");
    let header = BatchHeader::parse(&empty).expect("header");
    assert_eq!((header.records_count, header.last_offset()), (0, 5));
    assert!(matches!(header.validate_produced(&empty), Err(BatchError::Invalid(_))));
    assert_eq!(read(&empty), Ok(vec![]));
}

#[test]
fn a_record_set_that_is_cut_off_ends_with_what_is_missing() {
    let batch = simple(Codec::None);
    let cut = [&batch[..], &batch[..30]].concat();
    let found: Vec<_> = batches(&cut).collect();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].as_ref().map(|(range, _)| range.clone()), Ok(0..batch.len()));
    assert_eq!(
        found[1],
        Err(BatchError::Incomplete { at: batch.len(), needs: HEADER_BYTES, has: 30 })
    );
}

#[test]
fn the_delete_horizon_takes_the_place_of_the_base_timestamp() {
    let mut builder = BatchBuilder::new(0);
    builder.delete_horizon_ms = Some(1_000_000);
    builder.push_next(500, Some(b"key"), None);
    let batch = builder.build().expect("build");
    let header = BatchHeader::parse(&batch).expect("header");
    assert_eq!(header.delete_horizon_ms(), Some(1_000_000));
    assert_eq!(header.max_timestamp, 500);
    assert_eq!(read(&batch).expect("records")[0].timestamp, 500);
}

#[test]
fn sequence_numbers_wrap_to_zero() {
    assert_eq!(next_sequence(i32::MAX, 1), 0);
    assert_eq!(next_sequence(i32::MAX - 1, 3), 1);
    assert_eq!(next_sequence(1, -3), i32::MAX - 1);
}

#[test]
fn transaction_markers_are_recognised() {
    // Version 0, type 1; version 0, coordinator epoch 7.
    let mut builder = BatchBuilder::new(0);
    (builder.is_control, builder.is_transactional) = (true, true);
    builder.push_next(0, Some(&[0, 0, 0, 1]), Some(&[0, 0, 0, 0, 0, 7]));
    let batch = builder.build().expect("build");
    assert!(BatchHeader::parse(&batch).expect("header").is_control());
    let record = &read(&batch).expect("records")[0];
    assert_eq!(ControlRecord::parse(record), Ok(ControlRecord::Commit { coordinator_epoch: 7 }));
}
