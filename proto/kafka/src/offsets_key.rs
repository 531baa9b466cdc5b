//! Keys of the records in `__consumer_offsets`.
//!
//! Two bytes in front of a key say what kind of record it is. The value of a record starts with
//! its schema version instead, which [`Data::from_versioned`] reads.

use bytes::Bytes;

use crate::messages::{GroupMetadataKey, LegacyOffsetCommitKey, OffsetCommitKey};
use crate::{Data, DecodeError, Decoder, EncodeError, Encoder};

/// What a record of `__consumer_offsets` is about.
#[derive(Clone, Debug, PartialEq)]
pub enum OffsetsKey {
    /// An offset that a group committed for a partition; the value is an `OffsetCommitValue`.
    OffsetCommit(OffsetCommitKey),
    /// The state of a classic group; the value is a `GroupMetadataValue`.
    GroupMetadata(GroupMetadataKey),
    /// Another kind of record, by its number; to be passed over.
    Unknown(i16),
}

const LEGACY_OFFSET_COMMIT: i16 = 0;
const OFFSET_COMMIT: i16 = 1;
const GROUP_METADATA: i16 = 2;

impl OffsetsKey {
    /// Reads the key of a record.
    pub fn from_bytes(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes);
        match d.i16()? {
            LEGACY_OFFSET_COMMIT => {
                let LegacyOffsetCommitKey { group, topic, partition } = Data::decode(&mut d, 0)?;
                Ok(Self::OffsetCommit(OffsetCommitKey { group, topic, partition }))
            }
            OFFSET_COMMIT => Data::decode(&mut d, 0).map(Self::OffsetCommit),
            GROUP_METADATA => Data::decode(&mut d, 0).map(Self::GroupMetadata),
            kind => Ok(Self::Unknown(kind)),
        }
    }

    /// Writes the key of a record; of an unknown kind only its number.
    pub fn to_bytes(&self) -> Result<Bytes, EncodeError> {
        let mut e = Encoder::new();
        match self {
            Self::OffsetCommit(key) => {
                e.i16(OFFSET_COMMIT);
                key.encode(&mut e, 0)?;
            }
            Self::GroupMetadata(key) => {
                e.i16(GROUP_METADATA);
                key.encode(&mut e, 0)?;
            }
            Self::Unknown(kind) => e.i16(*kind),
        }
        Ok(e.finish().to_bytes())
    }
}
