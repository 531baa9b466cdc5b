//! What a controller's raft store is told when it opens, and how Kafka's timers become openraft's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use grpc::auth::Secret;
use metadata::ControllerId;
use openraft::{Config, SnapshotPolicy};
use uuid::Uuid;

use crate::types::NodeKey;

/// One controller of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    /// `node.id`.
    pub id: ControllerId,
    /// `host:port` of its gRPC services.
    pub endpoint: String,
    /// Identity of its disk. `None`: whatever disk answers when the cluster is founded.
    pub directory_id: Option<Uuid>,
}

/// Everything that [`crate::RaftStore::open`] needs to know.
#[derive(Clone, Debug)]
pub struct RaftConfig {
    pub node_id: ControllerId,
    pub cluster_id: String,
    /// Holds the log, the vote and the snapshots of this store and nothing else.
    pub directory: PathBuf,
    /// Identity of this disk, from `meta.properties`.
    pub directory_id: Uuid,
    /// Who founds the cluster. Matters only to a store that never belonged to one; empty for a
    /// controller that will be added to an existing quorum.
    pub initial_controllers: Vec<Voter>,
    /// `controller.quorum.election.timeout.ms`: a leader that went silent is replaced after this
    /// time, at most a quarter later.
    pub election_timeout_ms: u64,
    /// How often a leader shows that it lives. At most a third of the election timeout.
    pub heartbeat_interval_ms: u64,
    /// A snapshot is taken, and the log before it dropped, after this many entries.
    pub snapshot_after_entries: u64,
    /// First half of the epochs of this store: rises with every mode switch.
    pub generation: u32,
    /// Overrides the endpoints of peers, for a proxy between named pairs.
    pub peer_address_map: BTreeMap<ControllerId, String>,
    /// Proof of membership that peers demand from each other.
    pub secret: Option<Secret>,
    /// Elect as soon as the leader's process is seen to be dead (its stream broke and its port
    /// refuses), instead of waiting for the election timeout.
    pub fast_failover: bool,
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Fix the configuration.
    #[error("raft configuration: {0}")]
    Config(String),
    /// Stop the other process first.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The directory belongs to somebody else: point to the right one.
    #[error("{directory} belongs to {found}, not to {expected}")]
    Foreign { directory: PathBuf, found: String, expected: String },
    /// Written by a newer version: upgrade this controller.
    #[error("{what} has format {found}, this version knows up to {known}: upgrade this controller")]
    Newer { what: String, found: u32, known: u32 },
    /// The disk lost something that was durable. Remove this voter from the quorum, format its
    /// directory and add it again.
    #[error("{0}; remove this controller from the quorum, format its directory, and add it again")]
    Corrupt(String),
    /// The disk or the system failed.
    #[error("cannot open the raft store: {0}")]
    Io(#[from] std::io::Error),
}

impl RaftConfig {
    pub(crate) fn key(&self) -> NodeKey {
        NodeKey { id: self.node_id, directory_id: self.directory_id }
    }

    pub(crate) fn timing(&self) -> Timing {
        let timeout = Duration::from_millis(self.election_timeout_ms);
        Timing {
            election_timeout: timeout,
            lease: timeout * 3 / 5,
            heartbeat: Duration::from_millis(self.heartbeat_interval_ms),
        }
    }

    fn check(&self) -> Result<(), OpenError> {
        let fail = |message: String| Err(OpenError::Config(message));
        if !(100..=600_000).contains(&self.election_timeout_ms) {
            return fail(format!(
                "the election timeout must lie between 100 and 600000 ms, not {}",
                self.election_timeout_ms
            ));
        }
        if self.heartbeat_interval_ms == 0
            || self.heartbeat_interval_ms * 3 > self.election_timeout_ms
        {
            return fail(format!(
                "the heartbeat interval of {} ms must lie between 1 ms and a third of the election \
                 timeout of {} ms",
                self.heartbeat_interval_ms, self.election_timeout_ms
            ));
        }
        if self.snapshot_after_entries == 0 {
            return fail("snapshots must be at least one entry apart".into());
        }
        let mut seen = BTreeMap::new();
        for voter in &self.initial_controllers {
            if seen.insert(voter.id, voter).is_some() {
                return fail(format!("controller {} is listed twice", voter.id));
            }
            if voter.id == self.node_id
                && voter.directory_id.is_some_and(|it| it != self.directory_id)
            {
                return fail(format!(
                    "controller {} is listed with another directory id than its own {}",
                    voter.id, self.directory_id
                ));
            }
        }
        Ok(())
    }

    /// Checks everything, and translates the timers.
    ///
    /// openraft's voters wait for the end of the leader's lease (`election_timeout_max`) and then
    /// for a random time between its minimum and its maximum. Split in 3/5 and 2/5..3/5, the sum
    /// is 1 to 6/5 of Kafka's election timeout, and a leader cut off from the majority knows that
    /// it lost its lease before anybody can be elected.
    pub(crate) fn openraft(&self) -> Result<Config, OpenError> {
        self.check()?;
        let timing = self.timing();
        let millis = |duration: Duration| duration.as_millis() as u64;
        let config = Config {
            cluster_name: self.cluster_id.clone(),
            election_timeout_min: millis(timing.election_timeout * 2 / 5),
            election_timeout_max: millis(timing.lease),
            heartbeat_interval: self.heartbeat_interval_ms,
            install_snapshot_timeout: millis(SNAPSHOT_TIMEOUT),
            max_payload_entries: 1024,
            replication_lag_threshold: self.snapshot_after_entries.saturating_mul(2) + 1000,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_after_entries),
            max_in_snapshot_log_to_keep: self.snapshot_after_entries.min(1000),
            purge_batch_size: (self.snapshot_after_entries / 4).clamp(1, 1024),
            api_channel_size: Some(4096),
            // A follower that comes back waits for one heartbeat at most.
            backoff: format!("10ms 20ms ...{}ms", self.heartbeat_interval_ms.max(40)),
            broadcast_submitted_on_append: Some(true),
            enable_pre_vote: Some(true),
            // A restarted leader's state machine starts from a snapshot, and an epoch must have one
            // incarnation of its leader.
            enable_leader_restore: Some(false),
            ..Config::default()
        };
        config.validate().map_err(|error| OpenError::Config(error.to_string()))
    }
}

/// A whole snapshot must cross within this time.
pub(crate) const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(120);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Silence of the leader after which a successor may be elected.
    pub election_timeout: Duration,
    /// How long an acknowledgement by a majority lets a leader go on.
    pub lease: Duration,
    pub heartbeat: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> RaftConfig {
        RaftConfig {
            node_id: 1,
            cluster_id: "cluster".into(),
            directory: PathBuf::new(),
            directory_id: Uuid::from_u128(1),
            initial_controllers: Vec::new(),
            election_timeout_ms: 1000,
            heartbeat_interval_ms: 166,
            snapshot_after_entries: 10_000,
            generation: 1,
            peer_address_map: BTreeMap::new(),
            secret: None,
            fast_failover: true,
        }
    }

    #[test]
    fn kafkas_election_timeout_is_lease_plus_candidacy() {
        let raft = config().openraft().unwrap();
        assert_eq!(raft.election_timeout_max + raft.election_timeout_min, 1000);
        let fast = RaftConfig { election_timeout_ms: 300, heartbeat_interval_ms: 50, ..config() };
        assert_eq!(fast.openraft().unwrap().election_timeout_max, 180);
    }

    #[test]
    fn senseless_values_are_refused() {
        let voter = Voter { id: 1, endpoint: "a:1".into(), directory_id: None };
        let other = Voter { directory_id: Some(Uuid::from_u128(2)), ..voter.clone() };
        for bad in [
            RaftConfig { election_timeout_ms: 0, ..config() },
            RaftConfig { election_timeout_ms: u64::MAX, ..config() },
            RaftConfig { heartbeat_interval_ms: 0, ..config() },
            RaftConfig { heartbeat_interval_ms: 400, ..config() },
            RaftConfig { snapshot_after_entries: 0, ..config() },
            RaftConfig { initial_controllers: vec![voter.clone(), voter.clone()], ..config() },
            RaftConfig { initial_controllers: vec![other], ..config() },
        ] {
            assert!(matches!(bad.openraft(), Err(OpenError::Config(_))), "{bad:?}");
        }
        assert!(RaftConfig { initial_controllers: vec![voter], ..config() }.openraft().is_ok());
    }
}
