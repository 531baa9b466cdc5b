//! The quorum as operators see and change it: describe, add, remove and update voters, hand over.

use std::collections::BTreeSet;
use std::time::Duration;

use metadata::ControllerId;
use openraft::async_runtime::WatchReceiver;
use openraft::error::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft::{ChangeMembers, Instant};
use uuid::Uuid;

use crate::config::Voter;
use crate::store::RaftStore;
use crate::types::{Member as Node, Metrics, NodeKey, TypeConfig};

/// A new voter must catch up within this time.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(60);
/// A change must be committed within this time.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The quorum as one controller knows it (KIP-595's DescribeQuorum).
#[derive(Clone, Debug, PartialEq)]
pub struct QuorumView {
    /// Whom this controller follows or is.
    pub leader: Option<ControllerId>,
    pub term: u64,
    /// Up to which entry a majority has the log; `None` before the first.
    pub committed_offset: Option<u64>,
    /// The oldest entry of this controller's own log; those before it are in a snapshot.
    pub log_start_offset: u64,
    /// The newest entry of this controller's own log.
    pub log_end_offset: Option<u64>,
    /// The newest entry covered by a snapshot.
    pub snapshot_offset: Option<u64>,
    pub members: Vec<QuorumMember>,
    /// Why raft stopped here, if it did. The process should end.
    pub failure: Option<String>,
}

/// One member of the quorum.
#[derive(Clone, Debug, PartialEq)]
pub struct QuorumMember {
    pub id: ControllerId,
    pub directory_id: Uuid,
    pub endpoint: String,
    /// Votes; the others are observers.
    pub voter: bool,
    /// Newest entry known to be on its disk. Only the leader knows those of others.
    pub log_end_offset: Option<u64>,
    /// Time since it last answered. Only the leader knows.
    pub last_contact: Option<Duration>,
}

/// Why the quorum was not changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QuorumError {
    /// Ask the leader, if there is one.
    #[error("not the leader of the quorum")]
    NotLeader { leader: Option<ControllerId> },
    /// Another change goes on: try again later.
    #[error("another change of the quorum is in progress")]
    InProgress,
    /// The change makes no sense. Nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// The outcome is unknown: describe the quorum, then decide.
    #[error("the quorum did not answer: {0}")]
    Unavailable(String),
}

impl RaftStore {
    /// The quorum as this controller sees it.
    pub fn describe(&self) -> QuorumView {
        let metrics = self.raft.metrics().borrow_watched().clone();
        let me = self.links.identity.key;
        let voters: BTreeSet<NodeKey> = metrics.membership_config.voter_ids().collect();
        let members = metrics.membership_config.nodes().map(|(key, node)| {
            let replicated = metrics.replication.as_ref().and_then(|it| *it.get(key)?);
            let contact = metrics.heartbeat.as_ref().and_then(|it| *it.get(key)?);
            let mine = *key == me;
            QuorumMember {
                id: key.id,
                directory_id: key.directory_id,
                endpoint: node.endpoint.clone(),
                voter: voters.contains(key),
                log_end_offset: if mine {
                    metrics.last_log_index
                } else {
                    replicated.map(|it| it.index)
                },
                last_contact: if mine {
                    Some(Duration::ZERO)
                } else {
                    contact.map(|at| at.elapsed())
                },
            }
        });
        QuorumView {
            leader: metrics.current_leader.map(|it| it.id),
            term: metrics.current_term,
            committed_offset: metrics.cluster_committed.map(|it| it.index),
            log_start_offset: metrics.purged.map_or(0, |it| it.index + 1),
            log_end_offset: metrics.last_log_index,
            snapshot_offset: metrics.snapshot.map(|it| it.index),
            members: members.collect(),
            failure: metrics.running_state.as_ref().err().map(ToString::to_string),
        }
    }

    /// Adds a voter: first as an observer, and once it has caught up with a vote. Its disk is asked
    /// for its identity if the caller does not tell.
    pub async fn add_voter(&self, voter: Voter) -> Result<(), QuorumError> {
        self.check_leader()?;
        let key = self.identify(&voter).await?;
        let members = self.metrics().membership_config.clone();
        if let Some((other, _)) = members.nodes().find(|(it, _)| it.id == key.id && **it != key) {
            return Err(QuorumError::Invalid(format!(
                "controller {} is a member with directory {}; remove that one first",
                key.id, other.directory_id
            )));
        }
        if members.voter_ids().any(|it| it == key) {
            return Err(QuorumError::Invalid(format!("controller {key} is a voter already")));
        }
        let node = Node { endpoint: voter.endpoint };
        within(CATCH_UP_TIMEOUT, self.raft.add_learner(key, node, true)).await?;
        let change = ChangeMembers::AddVoterIds([key].into());
        within(CHANGE_TIMEOUT, self.raft.change_membership(change, true)).await
    }

    /// Removes a voter or an observer, by number and disk.
    pub async fn remove_voter(
        &self,
        id: ControllerId,
        directory_id: Uuid,
    ) -> Result<(), QuorumError> {
        self.check_leader()?;
        let key = NodeKey { id, directory_id };
        let members = self.metrics().membership_config.clone();
        if members.get_node(&key).is_none() {
            return Err(QuorumError::Invalid(format!("controller {key} is no member")));
        }
        let voters: BTreeSet<NodeKey> = members.voter_ids().collect();
        if voters == BTreeSet::from([key]) {
            return Err(QuorumError::Invalid(format!("controller {key} is the only voter")));
        }
        let change = if voters.contains(&key) {
            ChangeMembers::RemoveVoters([key].into())
        } else {
            ChangeMembers::RemoveNodes([key].into())
        };
        within(CHANGE_TIMEOUT, self.raft.change_membership(change, false)).await
    }

    /// Changes the endpoint at which a member is reached (KIP-853's UpdateVoter).
    pub async fn update_voter(&self, voter: Voter) -> Result<(), QuorumError> {
        self.check_leader()?;
        let members = self.metrics().membership_config.clone();
        let known = members.nodes().find(|(key, _)| {
            key.id == voter.id && voter.directory_id.is_none_or(|it| it == key.directory_id)
        });
        let Some((key, _)) = known else {
            return Err(QuorumError::Invalid(format!("controller {} is no member", voter.id)));
        };
        let change = ChangeMembers::SetNodes([(*key, Node { endpoint: voter.endpoint })].into());
        within(CHANGE_TIMEOUT, self.raft.change_membership(change, true)).await
    }

    /// Hands leadership to `to`, or to the voter that has most of the log, and returns when another
    /// controller leads.
    pub async fn transfer_leadership(&self, to: Option<ControllerId>) -> Result<(), QuorumError> {
        self.check_leader()?;
        let heir = self.heir(to)?;
        let stopped = |error: &dyn std::fmt::Display| QuorumError::Unavailable(error.to_string());
        self.raft.trigger().transfer_leader(heir).await.map_err(|error| stopped(&error))?;
        let me = self.links.identity.key;
        let mut metrics = self.raft.metrics();
        let handed_over = async {
            loop {
                if metrics.borrow_watched().current_leader.is_some_and(|leader| leader != me) {
                    return Ok(());
                }
                metrics.changed().await.map_err(|error| stopped(&error))?;
            }
        };
        match tokio::time::timeout(self.links.timing.election_timeout * 2, handed_over).await {
            Ok(done) => done,
            Err(_) => Err(QuorumError::Unavailable(format!("{heir} did not take over"))),
        }
    }

    fn heir(&self, to: Option<ControllerId>) -> Result<NodeKey, QuorumError> {
        let (metrics, me) = (self.metrics(), self.links.identity.key);
        let lease = self.links.timing.lease;
        let fresh = |key: &NodeKey| {
            let contact = metrics.heartbeat.as_ref().and_then(|it| *it.get(key)?);
            contact.is_some_and(|at| at.elapsed() < lease)
        };
        let matched = |key: &NodeKey| metrics.replication.as_ref().and_then(|it| *it.get(key)?);
        metrics
            .membership_config
            .voter_ids()
            .filter(|key| *key != me && to.is_none_or(|to| to == key.id))
            .filter(fresh)
            .max_by_key(matched)
            .ok_or_else(|| match to {
                Some(to) => QuorumError::Invalid(format!("controller {to} is no voter in reach")),
                None => QuorumError::Invalid("no other voter is in reach".into()),
            })
    }

    fn metrics(&self) -> Metrics {
        self.raft.metrics().borrow_watched().clone()
    }

    fn check_leader(&self) -> Result<(), QuorumError> {
        let leader = self.metrics().current_leader;
        match leader {
            Some(leader) if leader == self.links.identity.key => Ok(()),
            leader => Err(QuorumError::NotLeader { leader: leader.map(|it| it.id) }),
        }
    }

    async fn identify(&self, voter: &Voter) -> Result<NodeKey, QuorumError> {
        let (key, _) = self.links.hello(voter.id, &voter.endpoint).await.map_err(|status| {
            QuorumError::Unavailable(format!("{}: {}", voter.endpoint, status.message()))
        })?;
        match voter.directory_id.filter(|it| *it != key.directory_id) {
            None => Ok(key),
            Some(given) => Err(QuorumError::Invalid(format!(
                "controller {} has directory {}, not {given}",
                key.id, key.directory_id
            ))),
        }
    }
}

async fn within<T>(
    timeout: Duration,
    change: impl Future<Output = Result<T, RaftError<TypeConfig, ClientWriteError<TypeConfig>>>>,
) -> Result<(), QuorumError> {
    let outcome = tokio::time::timeout(timeout, change).await;
    let error = match outcome {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(RaftError::APIError(error))) => error,
        Ok(Err(RaftError::Fatal(error))) => {
            return Err(QuorumError::Unavailable(error.to_string()));
        }
        Err(_) => return Err(QuorumError::Unavailable(format!("nothing within {timeout:?}"))),
    };
    Err(match error {
        ClientWriteError::ForwardToLeader(forward) => {
            QuorumError::NotLeader { leader: forward.leader_id.map(|it| it.id) }
        }
        ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(_)) => {
            QuorumError::InProgress
        }
        ClientWriteError::ChangeMembershipError(error) => QuorumError::Invalid(error.to_string()),
        ClientWriteError::PreconditionFailed(_) => QuorumError::InProgress,
        error @ ClientWriteError::LogEntryDiscarded(_) => {
            QuorumError::Unavailable(error.to_string())
        }
    })
}
