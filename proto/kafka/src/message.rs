//! What all generated messages have in common.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::{DecodeError, Decoder, EncodeError, Encoder};

/// A request or response body.
pub trait Message: Sized {
    /// The name in Kafka's schemas, `ProduceRequest` for example.
    const NAME: &'static str;
    /// The API that the message belongs to.
    const API_KEY: i16;
    /// The versions that can be read and written.
    const VERSIONS: RangeInclusive<i16>;
    /// The first version with compact lengths and tagged fields (KIP-482), or `i16::MAX`.
    const FLEXIBLE_FROM: i16;

    /// Reads a body. Fields that the version lacks get their default; unknown tagged fields are
    /// skipped.
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes a body. A field that the version lacks is dropped if the schema says so; otherwise
    /// anything but its default is an error.
    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError>;
}

/// A request body and the body that answers it.
pub trait Request: Message {
    /// The answer, in the same version.
    type Response: Message;
}

/// A value that is stored or embedded in a byte field, not sent by itself.
pub trait Data: Sized {
    /// The name in Kafka's schemas, `OffsetCommitValue` for example.
    const NAME: &'static str;
    /// The versions that can be read and written.
    const VERSIONS: RangeInclusive<i16>;
    /// The first version with compact lengths and tagged fields (KIP-482), or `i16::MAX`.
    const FLEXIBLE_FROM: i16;

    /// Reads the value without the version that precedes it; see [`Message::decode`].
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes the value without the version that precedes it; see [`Message::encode`].
    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError>;

    /// Reads two bytes of version and then the value.
    fn from_versioned(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        let version = d.i16()?;
        Self::decode(&mut d, version)
    }

    /// As [`Data::from_versioned`], but a version newer than the known ones is read as the newest
    /// of them. The consumer protocol is read so: its new versions only append fields.
    fn from_versioned_or_newer(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        let version = d.i16()?.min(*Self::VERSIONS.end());
        Self::decode(&mut d, version)
    }

    /// Writes two bytes of version and then the value.
    fn to_versioned(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut e = Encoder::new();
        e.i16(version);
        self.encode(&mut e, version)?;
        Ok(e.finish().to_bytes())
    }
}
