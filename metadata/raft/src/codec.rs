//! Records as bytes, until the crate `metadata` has its codec.

use metadata::Record;

pub(crate) fn encode_records(records: &[Record]) -> Vec<u8> {
    postcard::to_allocvec(records).expect("a Vec takes everything")
}

pub(crate) fn decode_records(bytes: &[u8]) -> Result<Vec<Record>, postcard::Error> {
    postcard::from_bytes(bytes)
}
