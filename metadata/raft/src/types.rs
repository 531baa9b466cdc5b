//! The types that openraft is instantiated with, and how they become bytes.
//!
//! Whatever is kept or sent starts with a format version, so that a newer one is refused with a
//! clear word instead of being misread.

use std::fmt;
use std::io;

use bytes::Bytes;
use metadata::codec::{self, DecodeError};
use metadata::{ControllerEpoch, ControllerId};
use openraft::impls::leader_id_std;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Version of everything that this crate keeps on disk or sends to a peer.
pub(crate) const FORMAT: u32 = 1;

openraft::declare_raft_types!(
    /// One leader per term (`leader_id_std`): a term is the second half of a controller epoch.
    pub(crate) TypeConfig:
        D = Batch,
        R = Applied,
        NodeId = NodeKey,
        Node = Member,
        LeaderId = leader_id_std::LeaderId<u64, NodeKey>,
);

pub(crate) type Raft = openraft::Raft<TypeConfig, crate::machine::StateMachine>;
pub(crate) type Entry = openraft::type_config::alias::EntryOf<TypeConfig>;
pub(crate) type LogId = openraft::type_config::alias::LogIdOf<TypeConfig>;
pub(crate) type Vote = openraft::type_config::alias::VoteOf<TypeConfig>;
pub(crate) type Membership = openraft::type_config::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<TypeConfig>;
pub(crate) type Metrics = openraft::RaftMetrics<TypeConfig>;

/// What raft knows a controller by: its number and its disk.
///
/// A wiped controller is another node to raft. It has no vote until it is added, and nobody can
/// mistake what it says for a promise of the one whose number it bears (KIP-853 keys voters alike).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct NodeKey {
    pub id: ControllerId,
    pub directory_id: Uuid,
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.directory_id)
    }
}

/// What the membership tells about a controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// `host:port` of its gRPC services.
    pub endpoint: String,
}

/// One raft entry: a batch of records, all or nothing, decided under one epoch.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub epoch: ControllerEpoch,
    /// Encoded by the crate `metadata`.
    #[serde(with = "blob")]
    pub records: Bytes,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "batch of {} bytes under {}", self.records.len(), self.epoch)
    }
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    Done,
    /// Decided under an epoch that had ended: nothing was changed. Carries the newest epoch.
    Fenced(ControllerEpoch),
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Bytes that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("{what} has format {found}, this version knows up to {known}")]
    Newer { what: String, found: u32, known: u32 },
    #[error("{what} cannot be decoded: {reason}")]
    Damaged { what: String, reason: String },
}

impl FormatError {
    /// For records that the crate `metadata` cannot read.
    pub(crate) fn of_records(what: String, error: DecodeError) -> Self {
        match error {
            DecodeError::NewerFormat { found } => {
                Self::Newer { what, found: found.into(), known: codec::FORMAT_VERSION.into() }
            }
            error @ DecodeError::Malformed { .. } => {
                Self::Damaged { what, reason: error.to_string() }
            }
        }
    }
}

impl From<FormatError> for io::Error {
    fn from(error: FormatError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// The value behind its format version.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, vec![FORMAT as u8]).expect("a Vec takes everything")
}

/// `what` names the bytes in errors.
pub(crate) fn decode<T: DeserializeOwned>(
    what: impl FnOnce() -> String,
    bytes: &[u8],
) -> Result<T, FormatError> {
    match bytes.split_first() {
        Some((&format, value)) if u32::from(format) == FORMAT => postcard::from_bytes(value)
            .map_err(|error| FormatError::Damaged { what: what(), reason: error.to_string() }),
        Some((&format, _)) if u32::from(format) > FORMAT => {
            Err(FormatError::Newer { what: what(), found: format.into(), known: FORMAT })
        }
        _ => Err(FormatError::Damaged { what: what(), reason: "no format version".into() }),
    }
}

/// Byte strings as byte strings: serde would visit them byte by byte.
mod blob {
    use std::fmt;

    use bytes::Bytes;
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Bytes,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Bytes, D::Error> {
        struct Blob;

        impl Visitor<'_> for Blob {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes::copy_from_slice(bytes))
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(bytes.into())
            }
        }

        deserializer.deserialize_byte_buf(Blob)
    }
}
