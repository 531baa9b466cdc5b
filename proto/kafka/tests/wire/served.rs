//! What the broker promises in ApiVersions, and whole frames.

use bytes::Bytes;
use kafka::messages::fetch::{FetchableTopicResponse, PartitionData};
use kafka::messages::{ApiVersionsRequest, FetchRequest, FetchResponse, MetadataRequest};
use kafka::{
    ApiKey, Chunks, DecodeReason, Decoder, Encoder, Message, RequestHeader, SERVED, Str,
    api_versions_response, decode_response, encode_request, encode_response, find_served,
    unsupported_api_versions,
};

use crate::codecs;

#[test]
fn everything_served_can_be_read_and_written() {
    let codecs = codecs::all();
    for served in SERVED {
        for codec in codecs.iter().filter(|codec| codec.schema.key == served.key.code()) {
            let versions = codec.schema.versions;
            assert!(codec.theirs.is_none() || versions.contains(served.min), "{}", served.key);
            assert!(codec.theirs.is_none() || versions.contains(served.max), "{}", served.key);
        }
        assert_eq!(find_served(served.key), Some(served));
    }
    assert!(SERVED.is_sorted_by(|a, b| a.key < b.key));
    assert_eq!(find_served(ApiKey::LeaderAndIsr), None);
}

#[test]
fn api_versions_names_what_is_served() {
    let row = |key: ApiKey| {
        let response = api_versions_response();
        let found = response.api_keys.iter().find(|row| row.api_key == key.code());
        found.map(|row| (row.min_version, row.max_version))
    };
    // Old librdkafka needs to see Produce 0 to 2, which are refused all the same.
    assert_eq!(row(ApiKey::Produce), Some((0, 13)));
    assert!(!find_served(ApiKey::Produce).unwrap().has(2));
    assert_eq!(row(ApiKey::Fetch), Some((4, 18)));
    assert_eq!(row(ApiKey::SaslHandshake), None);
    assert!(find_served(ApiKey::SaslHandshake).is_some());
    let shown = SERVED.iter().filter(|served| served.advertised_min.is_some()).count();
    assert_eq!(api_versions_response().api_keys.len(), shown);
}

#[test]
fn api_versions_answers_have_the_old_header() {
    let response = kafka::messages::ApiVersionsResponse::default();
    let frame = encode_response(1, &response, 3).unwrap().to_bytes();
    // Length, correlation id, no tagged fields, then error, empty array, throttle time, tags.
    assert_eq!(frame[..], [0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0]);
    let read = decode_response::<ApiVersionsRequest>(frame.slice(4..), 1, 3).unwrap();
    assert_eq!(read, response);
}

#[test]
fn an_unknown_version_of_api_versions_is_answered_in_version_0() {
    let mut request = Encoder::new();
    RequestHeader {
        api_key: ApiKey::ApiVersions,
        api_version: 77,
        correlation_id: 9,
        client_id: Some(Str::from_static("future")),
    }
    .encode(&mut request)
    .unwrap();
    let header = RequestHeader::decode(&mut Decoder::new(request.finish().to_bytes())).unwrap();
    assert!(!find_served(header.api_key).unwrap().has(header.api_version));

    let frame = unsupported_api_versions(header.correlation_id).unwrap().to_bytes();
    let answer = decode_response::<ApiVersionsRequest>(frame.slice(4..), 9, 0).unwrap();
    assert_eq!(answer.error_code, 35);
    let rows: Vec<_> = answer.api_keys.iter().map(|row| (row.api_key, row.max_version)).collect();
    assert_eq!(rows, [(18, 4)]);
}

#[test]
fn a_request_crosses_in_old_and_new_headers() {
    for version in [1, 9, 13] {
        let request = MetadataRequest { topics: None, ..Default::default() };
        let sent = encode_request(3, Some(Str::from_static("c")), &request, version).unwrap();
        let frame = sent.to_bytes();
        assert_eq!(frame.len() - 4, u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize);
        let mut d = Decoder::new(frame.slice(4..));
        let header = RequestHeader::decode(&mut d).unwrap();
        assert_eq!(header.api_key, ApiKey::Metadata);
        assert_eq!((header.api_version, header.correlation_id), (version, 3));
        assert_eq!(header.client_id.as_deref(), Some("c"));
        assert_eq!(MetadataRequest::decode(&mut d, version).unwrap(), request);
        assert_eq!(d.remaining(), 0);
    }
}

#[test]
fn an_unknown_api_key_is_an_error() {
    let mut d = Decoder::new(Bytes::from_static(&[0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff]));
    let error = RequestHeader::decode(&mut d).unwrap_err();
    assert_eq!(error.reason, DecodeReason::UnknownApiKey(0x7fff));
    assert_eq!(error.to_string(), "unknown api key 32767 at byte 0");
}

fn fetch_response(records: Vec<Bytes>) -> FetchResponse {
    let partition = PartitionData { records: Some(Chunks(records)), ..Default::default() };
    let topic = FetchableTopicResponse { partitions: vec![partition], ..Default::default() };
    FetchResponse { responses: vec![topic], ..Default::default() }
}

#[test]
fn large_record_sets_are_not_copied() {
    let segments =
        [Bytes::from(vec![1; 4096]), Bytes::from(vec![2; 10]), Bytes::from(vec![3; 2048])];
    let response = fetch_response(segments.to_vec());
    let sent = encode_response(1, &response, 17).unwrap();

    let at = |bytes: &Bytes| (bytes.as_ptr(), bytes.len());
    let pieces: Vec<_> = sent.0.iter().map(at).collect();
    assert_eq!(pieces.len(), 5);
    assert_eq!((pieces[1], pieces[3]), (at(&segments[0]), at(&segments[2])));

    let frame = sent.to_bytes();
    assert_eq!(frame.len() - 4, u32::from_be_bytes(frame[..4].try_into().unwrap()) as usize);
    let read = decode_response::<FetchRequest>(frame.slice(4..), 1, 17).unwrap();
    assert_eq!(read, response);
    // What was read is part of the frame.
    let records = read.responses[0].partitions[0].records.as_ref().unwrap();
    assert_eq!(records.0.len(), 1);
    assert!(frame.as_ptr_range().contains(&records.0[0].as_ptr()));
}

#[test]
fn a_response_to_another_request_is_an_error() {
    let frame = encode_response(1, &fetch_response(Vec::new()), 17).unwrap().to_bytes();
    let error = decode_response::<FetchRequest>(frame.slice(4..), 2, 17).unwrap_err();
    assert_eq!(error.reason, DecodeReason::CorrelationId { expected: 2, found: 1 });
}

#[test]
fn bytes_behind_a_message_are_left_alone() {
    let mut bytes = vec![0, 0, 0, 0];
    bytes.extend([9, 9]);
    let mut d = Decoder::new(bytes.into());
    let request = MetadataRequest::decode(&mut d, 0).unwrap();
    assert_eq!((request.topics.map(|topics| topics.len()), d.remaining()), (Some(0), 2));
}
