//! Kafka's wire protocol: every message a client or tool exchanges with a broker.
pub mod messages;
mod chunks;
mod decoder;
mod encoder;
mod message;

pub use bytestring::ByteString as Str;
pub use chunks::Chunks;
pub use decoder::{DecodeError, DecodeReason, Decoder, HEAP_ALLOWANCE, HEAP_PER_FRAME_BYTE, Tag};
pub use encoder::{EncodeError, Encoder, Tags};
pub use message::{Data, Message, Request};
