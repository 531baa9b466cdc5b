//! The narrow waist: the one thing that ZooKeeper and raft must both be able to do.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{ClusterImage, ControllerId, Record};

/// Position of a committed batch: a raft index, a counter kept in ZooKeeper. Opaque, increasing
/// under one [`ControllerEpoch`].
pub type Offset = u64;

/// Who may commit. `generation` rises with a change of mode, so that a raft term of 1 still
/// outranks a ZooKeeper controller epoch of 57.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct ControllerEpoch {
    pub generation: u32,
    pub term: u64,
}

impl fmt::Display for ControllerEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.term)
    }
}

/// What a store knows of the election. `leader` is `None` while there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leadership {
    pub epoch: ControllerEpoch,
    pub leader: Option<ControllerId>,
}

/// Durable, fenced storage of cluster metadata, with leader election.
///
/// The contract, checked by [`crate::contract`] on every store:
/// - At most one controller leads in an epoch, and epochs only rise.
/// - `commit` is all or nothing, and durable before it returns.
/// - A commit under an epoch that is no longer the newest changes nothing and is `Fenced`, whoever
///   sends it: also the same controller, elected again since.
/// - `load`, called by the leader of the newest epoch, sees every commit that ever succeeded. One
///   whose outcome was `Unavailable` is either seen by every later `load` or by none.
#[async_trait]
pub trait MetadataStore: Send + Sync {
    /// The current leadership. Changes when an election ends and when a leader is lost.
    fn leadership(&self) -> watch::Receiver<Leadership>;

    /// The committed state. Called by a controller that has just been elected.
    async fn load(&self) -> Result<(Offset, ClusterImage), CommitError>;

    /// Makes `records` durable, all or nothing, iff `epoch` is still the newest. A batch is at most
    /// [`BATCH_BYTES_MAX`] encoded.
    async fn commit(
        &self,
        epoch: ControllerEpoch,
        records: &[Record],
    ) -> Result<Offset, CommitError>;
}

/// Encoded size at which the driver cuts a batch: tonic receives 4 MiB, jute 1 MiB.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommitError {
    /// Another epoch has begun. Step down; do not retry.
    #[error("fenced: epoch {ours} is behind {current}")]
    Fenced { ours: ControllerEpoch, current: ControllerEpoch },
    /// The outcome is unknown. Step down, and load before serving again.
    #[error("store unavailable: {0}")]
    Unavailable(String),
}
