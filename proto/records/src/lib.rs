//! The record batch (Kafka's message format v2) as a view of bytes. No IO, no clock.
//!
//! ```text
//!  Produce / Fetch / .log file
//!     bytes --> batches()        one (range, BatchHeader) per batch: lengths, magic, structure
//!                 |--> BatchHeader::validate_produced()   CRC, counts, codec: what a leader demands
//!                 |--> set_base_offset(), ...             patches the header in place
//!                 '--> RecordIter    opens a batch, with a limit on what it may inflate to
//!     BatchBuilder --> bytes         for coordinators, tools and the log cleaner
//! ```
//!
//! Read `header`, `record`, `compression`, `builder`, in this order. A batch is opaque to the data
//! path: its header is read and patched, its records are not. Whoever opens one says how many bytes
//! the records may take, since a kilobyte can declare gigabytes.
//!
//! What this does not do: the formats v0 and v1 (Kafka 4 does not accept them either, KIP-724), and
//! any decision about where a batch goes.

mod builder;
mod compression;
mod header;
mod record;

pub use builder::BatchBuilder;
pub use compression::{Codec, compress, decompress};
pub use header::{
    BatchHeader, Batches, HEADER_BYTES, LOG_OVERHEAD_BYTES, NO_PARTITION_LEADER_EPOCH,
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TimestampType, batches, crc32c,
    next_sequence, set_base_offset, set_log_append_time, set_partition_leader_epoch,
};
pub use record::{ControlRecord, Record, RecordIter};

/// Why bytes are not the batches they should be. Variants by what the reader does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// The bytes end inside a batch: wait for more, or ignore the rest (a fetch cuts where it likes).
    #[error("a batch at byte {at} needs {needs} bytes, {has} are there")]
    Incomplete { at: usize, needs: usize, has: usize },
    /// Written in message format v0 or v1. `UNSUPPORTED_FOR_MESSAGE_FORMAT`.
    #[error("message format v{0} is not supported; clients must send record batches (v2)")]
    UnsupportedFormat(i8),
    /// The bytes are damaged: whoever sent them should send them again. `CORRUPT_MESSAGE`.
    #[error("corrupt record batch: {0}")]
    Corrupt(String),
    /// Undamaged, but not allowed: sending it again does not help. `INVALID_RECORD`.
    #[error("invalid record batch: {0}")]
    Invalid(String),
    /// A codec that no Kafka version defines. `UNSUPPORTED_COMPRESSION_TYPE`.
    #[error("unknown compression codec {0}")]
    UnsupportedCompression(u8),
    /// The records of the batch inflate to more than the reader allows.
    #[error("the records of the batch take more than {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
}
