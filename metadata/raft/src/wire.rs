//! What every raft message says about its sender and its receiver, and the messages of our own.
//!
//! A frame names cluster, controller and disk on both sides. A controller answers only to the name it
//! bears now: what is meant for the disk it had before it was wiped never reaches raft.

use std::sync::Arc;

use grpc::RaftFrame;
use metadata::ControllerId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tonic::Status;
use uuid::Uuid;

use crate::types::{FORMAT, LogId, NodeKey, SnapshotMeta, Vote};

/// Bytes of one frame of a snapshot.
pub(crate) const CHUNK_BYTES_MAX: usize = 1 << 20;

/// The answer to one AppendEntries request.
#[derive(Serialize, Deserialize)]
pub(crate) enum AppendReply {
    Accepted(Option<LogId>),
    Conflict(LogId),
    HigherVote(Vote),
}

/// First frame of a snapshot. The file follows in chunks.
#[derive(Serialize, Deserialize)]
pub(crate) struct SnapshotStart {
    pub vote: Vote,
    pub meta: SnapshotMeta,
    pub length: u64,
}

/// Who a controller is, and whether it belongs to a quorum already.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HelloReply {
    /// Neither log nor vote: it may take part in the founding of a cluster.
    pub pristine: bool,
    /// The members it knows, if it knows any.
    pub members: Vec<NodeKey>,
}

/// This controller's name, on every frame it sends.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub cluster_id: Arc<str>,
    pub key: NodeKey,
}

/// Who a frame is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Receiver {
    Exactly(NodeKey),
    /// Whatever disk that controller has.
    AnyDisk(ControllerId),
}

impl Identity {
    pub(crate) fn frame(&self, to: Receiver, message: &impl Serialize) -> RaftFrame {
        let payload = postcard::to_allocvec(message).expect("a Vec takes everything");
        self.frame_bytes(to, payload)
    }

    pub(crate) fn frame_bytes(&self, to: Receiver, payload: Vec<u8>) -> RaftFrame {
        let (to_id, to_directory_id) = match to {
            Receiver::Exactly(key) => (key.id, key.directory_id.to_string()),
            Receiver::AnyDisk(id) => (id, String::new()),
        };
        RaftFrame {
            format: FORMAT,
            cluster_id: self.cluster_id.to_string(),
            from_id: self.key.id,
            from_directory_id: self.key.directory_id.to_string(),
            to_id,
            to_directory_id,
            payload: payload.into(),
        }
    }

    /// Who sent the frame, if it is for this controller and its present disk.
    pub(crate) fn check(&self, frame: &RaftFrame) -> Result<NodeKey, Status> {
        let from = self.check_but_disk(frame)?;
        if frame.to_directory_id != self.key.directory_id.to_string() {
            return Err(Status::failed_precondition(format!(
                "controller {} has directory {}, not {}: if it was formatted anew, remove the \
                 voter with the old directory and add the new one",
                self.key.id, self.key.directory_id, frame.to_directory_id
            )));
        }
        Ok(from)
    }

    /// Who sent the frame, if it is for this controller, whatever its disk.
    pub(crate) fn check_but_disk(&self, frame: &RaftFrame) -> Result<NodeKey, Status> {
        if frame.format != FORMAT {
            return Err(Status::failed_precondition(format!(
                "raft frame of format {}; controller {} speaks {FORMAT}: upgrade the older one",
                frame.format, self.key.id
            )));
        }
        if *frame.cluster_id != *self.cluster_id {
            return Err(Status::failed_precondition(format!(
                "controller {} belongs to cluster {}, not {}",
                self.key.id, self.cluster_id, frame.cluster_id
            )));
        }
        if frame.to_id != self.key.id {
            return Err(Status::failed_precondition(format!(
                "this is controller {}, not {}",
                self.key.id, frame.to_id
            )));
        }
        let directory_id = Uuid::parse_str(&frame.from_directory_id).map_err(|_| {
            Status::invalid_argument(format!(
                "'{}' is no directory id",
                frame.from_directory_id.escape_debug()
            ))
        })?;
        Ok(NodeKey { id: frame.from_id, directory_id })
    }
}

/// The message in a frame that was checked.
pub(crate) fn message<T: DeserializeOwned>(frame: &RaftFrame) -> Result<T, Status> {
    postcard::from_bytes(&frame.payload).map_err(|error| {
        Status::invalid_argument(format!("raft message from {}: {error}", frame.from_id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(id: ControllerId, disk: u128) -> Identity {
        let key = NodeKey { id, directory_id: Uuid::from_u128(disk) };
        Identity { cluster_id: "cluster".into(), key }
    }

    #[test]
    fn a_frame_reaches_only_the_disk_it_is_for() {
        let (one, two) = (identity(1, 1), identity(2, 2));
        let frame = one.frame(Receiver::Exactly(two.key), &7u32);
        assert_eq!(two.check(&frame).unwrap(), one.key);
        assert_eq!(message::<u32>(&frame).unwrap(), 7);

        let wiped = identity(2, 3);
        assert!(wiped.check(&frame).unwrap_err().message().contains("formatted anew"));
        assert!(identity(3, 3).check(&frame).is_err());
        assert!(Identity { cluster_id: "other".into(), ..two.clone() }.check(&frame).is_err());
        assert!(two.check(&RaftFrame { format: FORMAT + 1, ..frame.clone() }).is_err());
        assert!(two.check(&RaftFrame { from_directory_id: "x".into(), ..frame }).is_err());

        let hello = one.frame(Receiver::AnyDisk(2), &());
        assert!(wiped.check_but_disk(&hello).is_ok());
        assert!(wiped.check(&hello).is_err());
    }
}
