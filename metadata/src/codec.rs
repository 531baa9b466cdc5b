//! Records, commands and outcomes as bytes: one byte of format version, then postcard.
//!
//! The raft log, snapshots, znode extras and gRPC all carry this. A postcard enum is its variant's
//! number, and a struct its fields in order: that is why variants are only ever appended and a
//! changed entity gets a new variant. `tests/codec.rs` pins the bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{BATCH_BYTES_MAX, Command, Outcome, Record};

/// The format that this program writes. It reads this one and all before it.
pub const FORMAT_VERSION: u8 = 1;

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer program wrote this.
    #[error(
        "format {found} is newer than {FORMAT_VERSION}, the newest that this program reads: \
         upgrade this server first"
    )]
    NewerFormat { found: u8 },
    #[error("damaged {what}: {reason}")]
    Malformed { what: &'static str, reason: String },
}

/// Encodes a batch of records.
pub fn encode_records(records: &[Record]) -> Vec<u8> {
    encode(records)
}

/// Decodes a batch of records.
pub fn decode_records(bytes: &[u8]) -> Result<Vec<Record>, DecodeError> {
    decode(bytes, "records")
}

/// Encodes what a broker or a tool asks of the controller.
pub fn encode_command(command: &Command) -> Vec<u8> {
    encode(command)
}

/// Decodes what a broker or a tool asks of the controller.
pub fn decode_command(bytes: &[u8]) -> Result<Command, DecodeError> {
    decode(bytes, "command")
}

/// Encodes the controller's answer to a command.
pub fn encode_outcome(outcome: &Outcome) -> Vec<u8> {
    encode(outcome)
}

/// Decodes the controller's answer to a command.
pub fn decode_outcome(bytes: &[u8]) -> Result<Outcome, DecodeError> {
    decode(bytes, "outcome")
}

/// What a record adds to an encoded batch, in bytes.
pub fn encoded_len(record: &Record) -> usize {
    postcard::serialize_with_flavor(record, postcard::ser_flavors::Size::default())
        .expect("counting bytes cannot fail")
}

/// The most bytes that a batch has beyond its records: the version and the count.
pub const BATCH_OVERHEAD_BYTES: usize = 1 + 10;

/// Cuts records into batches that are at most [`BATCH_BYTES_MAX`] encoded. A single record that is
/// larger than that makes a batch of its own, which stores refuse.
pub fn batches(records: &[Record]) -> impl Iterator<Item = &[Record]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = BATCH_OVERHEAD_BYTES;
        let fitting = rest.iter().take_while(|record| {
            bytes += encoded_len(record);
            bytes <= BATCH_BYTES_MAX
        });
        let count = fitting.count().max(1).min(rest.len());
        let (batch, after) = rest.split_at(count);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, vec![FORMAT_VERSION]).expect("memory takes everything")
}

/// Lengths inside are not trusted: serde allocates little ahead of the bytes that are there.
fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, DecodeError> {
    let malformed = |reason: String| DecodeError::Malformed { what, reason };
    match bytes.split_first() {
        None => Err(malformed("no bytes".into())),
        Some((0, _)) => Err(malformed("format 0 was never written".into())),
        Some((&found, _)) if found > FORMAT_VERSION => Err(DecodeError::NewerFormat { found }),
        Some((_, body)) => match postcard::take_from_bytes(body) {
            Ok((value, [])) => Ok(value),
            Ok((_, rest)) => Err(malformed(format!("{} bytes too many", rest.len()))),
            Err(error) => Err(malformed(error.to_string())),
        },
    }
}
