//! Golden bytes of the wire types, and the errors that they give.

use bytes::Bytes;
use kafka::messages::consumer_protocol_assignment::{ConsumerProtocolAssignment, TopicPartition};
use kafka::messages::{
    ConsumerProtocolSubscription, FetchRequest, GroupMetadataKey, JoinGroupResponse,
    MetadataRequest, OffsetCommitKey, OffsetCommitValue, OffsetFetchRequest, ProduceRequest,
};
use kafka::{
    Chunks, Data, DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Message, OffsetsKey,
    Str,
};
use proptest::prelude::*;

fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut e = Encoder::new();
    write(&mut e);
    e.finish().to_bytes().to_vec()
}

fn decoder(bytes: &[u8]) -> Decoder {
    Decoder::new(Bytes::copy_from_slice(bytes))
}

fn reason<T: std::fmt::Debug>(result: Result<T, DecodeError>) -> DecodeReason {
    result.unwrap_err().reason
}

#[test]
fn varints_are_those_of_protocol_buffers() {
    for (value, bytes) in [
        (0, vec![0]),
        (127, vec![0x7f]),
        (128, vec![0x80, 1]),
        (300, vec![0xac, 2]),
        (u32::MAX, vec![0xff, 0xff, 0xff, 0xff, 0x0f]),
    ] {
        assert_eq!(written(|e| e.unsigned_varint(value)), bytes);
        assert_eq!(decoder(&bytes).unsigned_varint(), Ok(value));
    }
    assert_eq!(written(|e| e.varint(-1)), [1]);
    assert_eq!(written(|e| e.varint(1)), [2]);
    assert_eq!(written(|e| e.varlong(i64::MIN)), [[0xff; 9].as_slice(), &[1]].concat());
}

proptest! {
    #[test]
    fn zigzag_varints_come_back(int in any::<i32>(), long in any::<i64>()) {
        prop_assert_eq!(decoder(&written(|e| e.varint(int))).varint(), Ok(int));
        prop_assert_eq!(decoder(&written(|e| e.varlong(long))).varlong(), Ok(long));
    }
}

#[test]
fn endless_varints_are_errors() {
    let bytes = [0x80; 20];
    assert_eq!(reason(decoder(&bytes).unsigned_varint()), DecodeReason::VarintTooLong(5));
    assert_eq!(reason(decoder(&bytes).varlong()), DecodeReason::VarintTooLong(10));
    let cut = reason(decoder(&bytes[..3]).varint());
    assert_eq!(cut, DecodeReason::Truncated { wanted: 4, remaining: 3 });
}

#[test]
fn malformed_text_is_replaced_as_kafka_replaces_it() {
    let text = decoder(&[0, 3, b'a', 0xff, b'b']).string(false).unwrap();
    assert_eq!(&text[..], "a\u{fffd}b");
}

#[test]
fn an_error_says_what_and_where() {
    // Acks, timeout, and a transactional id that claims 200 bytes.
    let error = ProduceRequest::decode(&mut decoder(&[0, 200, 1, 2, 3]), 3).unwrap_err();
    assert_eq!(error.to_string(), "200 more bytes are needed but only 3 remain at byte 2");

    let null = OffsetFetchRequest::decode(&mut decoder(&[0xff, 0xff]), 1);
    assert_eq!(null.unwrap_err().to_string(), "null where a value is required at byte 0");

    let version = ProduceRequest::decode(&mut decoder(&[]), 2).unwrap_err();
    assert_eq!(version.to_string(), "unsupported version 2 of ProduceRequest at byte 0");
}

#[test]
fn a_count_without_elements_allocates_nothing() {
    // The four bytes that cost other codecs many gigabytes.
    let error = MetadataRequest::decode(&mut decoder(&[0x7f, 0xff, 0xff, 0xff]), 0).unwrap_err();
    assert!(matches!(error.reason, DecodeReason::Truncated { remaining: 0, .. }), "{error}");
}

#[test]
fn a_frame_of_tiny_values_runs_out_of_its_budget() {
    // A million empty strings, each 32 bytes in memory.
    let mut bytes = written(|e| e.unsigned_varint((1 << 20) + 1));
    bytes.resize(bytes.len() + (1 << 20), 1);
    let strings = decoder(&bytes).array(true, 0, 1, |d, _| d.string(true));
    assert_eq!(reason(strings), DecodeReason::TooMuchMemory);
}

#[test]
fn unknown_tagged_fields_are_skipped_and_sizes_checked() {
    // Topics null, three flags, then tagged field 9 with two bytes.
    let known = MetadataRequest { topics: None, ..Default::default() };
    let bytes = [0, 1, 0, 0, 1, 9, 2, 7, 7];
    assert_eq!(MetadataRequest::decode(&mut decoder(&bytes), 9), Ok(known));

    // Fetch 12 ends with its tagged field 0, a cluster id of one letter, said to have three bytes.
    let mut e = Encoder::new();
    FetchRequest::default().encode(&mut e, 12).unwrap();
    let mut bytes = e.finish().to_bytes().to_vec();
    *bytes.last_mut().unwrap() = 1;
    bytes.extend([0, 3, 2, b'x', 0]);
    let left = FetchRequest::decode(&mut decoder(&bytes), 12);
    assert_eq!(reason(left), DecodeReason::TaggedFieldSize { tag: 0, left: 1 });
    bytes.pop();
    let at = bytes.len() - 3;
    bytes[at] = 2;
    let cluster_id = FetchRequest::decode(&mut decoder(&bytes), 12).unwrap().cluster_id;
    assert_eq!(cluster_id.as_deref(), Some("x"));
}

#[test]
fn a_version_says_what_it_cannot_carry() {
    let encode = |message: &dyn Fn(&mut Encoder) -> Result<(), EncodeError>| {
        message(&mut Encoder::new()).unwrap_err().to_string()
    };
    let null_topics = MetadataRequest { topics: None, ..Default::default() };
    assert_eq!(
        encode(&|e| null_topics.encode(e, 0)),
        "MetadataRequest.Topics must not be null in version 0"
    );
    let skipping = JoinGroupResponse { skip_assignment: true, ..Default::default() };
    assert_eq!(
        encode(&|e| skipping.encode(e, 8)),
        "JoinGroupResponse.SkipAssignment cannot be sent in version 8"
    );
    let long = FetchRequest { rack_id: Str::from("x".repeat(40_000)), ..Default::default() };
    assert_eq!(encode(&|e| long.encode(e, 11)), "length 40000 is too large to be sent");
    assert_eq!(encode(&|e| long.encode(e, 3)), "unsupported version 3 of FetchRequest");
    // The rack is ignorable: version 10 drops it.
    assert_eq!(long.encode(&mut Encoder::new(), 10), Ok(()));
}

#[test]
fn offsets_keys_are_those_in_kafkas_logs() {
    let key = OffsetsKey::OffsetCommit(OffsetCommitKey {
        group: Str::from("g"),
        topic: Str::from("t"),
        partition: 7,
    });
    let bytes = key.to_bytes().unwrap();
    assert_eq!(bytes[..], [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 7]);
    assert_eq!(OffsetsKey::from_bytes(bytes.clone()), Ok(key.clone()));
    // Kind 0, of brokers before 0.9, reads alike.
    let legacy = Bytes::from([&[0, 0], &bytes[2..]].concat());
    assert_eq!(OffsetsKey::from_bytes(legacy), Ok(key));

    let key = OffsetsKey::GroupMetadata(GroupMetadataKey { group: Str::from("g") });
    assert_eq!(key.to_bytes().unwrap()[..], [0, 2, 0, 1, b'g']);
    assert_eq!(OffsetsKey::from_bytes(Bytes::from_static(&[0, 3, 1])), Ok(OffsetsKey::Unknown(3)));
    assert!(OffsetsKey::from_bytes(Bytes::from_static(&[0])).is_err());
}

#[test]
fn a_value_starts_with_its_version() {
    let value = OffsetCommitValue { offset: 5, commit_timestamp: 6, ..Default::default() };
    let bytes = value.to_versioned(3).unwrap();
    assert_eq!(bytes[..2], [0, 3]);
    assert_eq!(OffsetCommitValue::from_versioned(bytes), Ok(value));
    let newer = OffsetCommitValue::from_versioned(Bytes::from_static(&[0, 5]));
    assert!(matches!(reason(newer), DecodeReason::UnsupportedVersion { version: 5, .. }));
}

#[test]
fn a_newer_consumer_protocol_is_read_as_the_newest_known() {
    let assignment = ConsumerProtocolAssignment {
        assigned_partitions: vec![TopicPartition { topic: Str::from("t"), partitions: vec![1, 2] }],
        user_data: None,
    };
    let mut bytes = assignment.to_versioned(3).unwrap().to_vec();
    bytes[1] = 50;
    bytes.extend(b"appended by version 50");
    let read = ConsumerProtocolAssignment::from_versioned_or_newer(bytes.into());
    assert_eq!(read, Ok(assignment));
    let negative = Bytes::from_static(&[0xff, 0xff, 0, 0, 0, 0]);
    assert!(ConsumerProtocolSubscription::from_versioned_or_newer(negative).is_err());
}

#[test]
fn chunks_are_equal_by_content() {
    let cut = Chunks(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"c")]);
    assert_eq!(cut, Chunks::from(Bytes::from_static(b"abc")));
    assert_ne!(cut, Chunks::from(Bytes::from_static(b"abd")));
    assert_eq!((cut.len(), cut.is_empty()), (3, false));
}
