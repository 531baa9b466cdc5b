//! Kafka's wire protocol: every message that clients, tools and brokers exchange.
//!
//! ```text
//! schemas/*.schema --examples/generate--> messages/*.rs
//!                                             |
//! socket bytes -> Decoder -> RequestHeader -> ProduceRequest  -> broker
//! socket bytes <- Chunks  <- Encoder       <- ProduceResponse <-
//! ```
//!
//! Read [`messages`] for what exists, `decoder` and `encoder` for how the wire types look and what
//! keeps hostile input harmless, `header` and `frame` for whole requests, `api` for what is served.
//!
//! Strings ([`Str`]) and byte fields are slices of the received frame; record sets ([`Chunks`])
//! leave without being copied. A value that is kept for long keeps its whole frame, so copy it
//! then.
//!
//! What this crate does not do: it neither looks into record batches nor opens sockets, and it has
//! no share groups, streams groups or controller RPCs. Unknown tagged fields are not kept.

pub mod messages;

mod api;
mod chunks;
mod decoder;
mod encoder;
mod error_code;
mod frame;
mod header;
mod message;
mod offsets_key;

pub use bytestring::ByteString as Str;

pub use api::{
    ApiKey, SERVED, Served, api_versions_response, find_served, unsupported_api_versions,
};
pub use chunks::Chunks;
pub use decoder::{DecodeError, DecodeReason, Decoder, HEAP_ALLOWANCE, HEAP_PER_FRAME_BYTE, Tag};
pub use encoder::{EncodeError, Encoder, Tags};
pub use error_code::ErrorCode;
pub use frame::{decode_response, encode_request, encode_response};
pub use header::{RequestHeader, response_header_version};
pub use message::{Data, Message, Request};
pub use offsets_key::OffsetsKey;
