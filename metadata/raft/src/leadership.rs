//! Who leads, as the controller must see it: openraft's own view minus what cannot be acted upon.
//!
//! openraft calls a node the leader from its election until it hears of a higher term. Here a leader
//! counts from the moment when it has applied an entry of its own term (from then on it knows every
//! commit that ever succeeded) and as long as a majority acknowledged it within the lease.

use std::time::Duration;

use metadata::{ControllerEpoch, Leadership};
use openraft::async_runtime::WatchReceiver;
use openraft::{Instant, ServerState};
use tokio::sync::watch;

use crate::config::Timing;
use crate::types::{Metrics, NodeKey, Raft};

/// What openraft says about one moment.
#[derive(Clone, Copy, Debug)]
struct Standing {
    me: NodeKey,
    term: u64,
    leader: Option<NodeKey>,
    leads: bool,
    applied_term: Option<u64>,
    /// Time since the newest acknowledgement by a majority; zero for a sole voter.
    quorum_ack_age: Option<Duration>,
}

impl Standing {
    fn of(metrics: &Metrics, me: NodeKey) -> Self {
        let sole_voter = metrics.membership_config.voter_ids().eq([me]);
        let acked = metrics.last_quorum_acked.map(|at| at.elapsed());
        Self {
            me,
            term: metrics.current_term,
            leader: metrics.current_leader,
            leads: metrics.state == ServerState::Leader && metrics.running_state.is_ok(),
            applied_term: metrics.last_applied.map(|it| it.leader_id.term),
            quorum_ack_age: if sole_voter { Some(Duration::ZERO) } else { acked },
        }
    }

    fn leadership(&self, generation: u32, lease: Duration) -> Leadership {
        let epoch = ControllerEpoch { generation, term: self.term };
        let leader = self.leader.filter(|leader| *leader != self.me || self.may_serve(lease));
        Leadership { epoch, leader: leader.map(|leader| leader.id) }
    }

    fn may_serve(&self, lease: Duration) -> bool {
        self.leads
            && self.applied_term == Some(self.term)
            && self.quorum_ack_age.is_some_and(|age| age < lease)
    }
}

/// Publishes the leadership until raft stops, and that there is none from then on.
pub(crate) async fn publish(
    raft: Raft,
    me: NodeKey,
    generation: u32,
    timing: Timing,
    leadership: watch::Sender<Leadership>,
) {
    let mut metrics = raft.metrics();
    let mut due = tokio::time::interval(timing.heartbeat / 2);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let standing = Standing::of(&metrics.borrow_watched(), me);
        let now = standing.leadership(generation, timing.lease);
        if leadership.send_if_modified(|before| std::mem::replace(before, now) != now) {
            tracing::info!(epoch = %now.epoch, leader = ?now.leader, "leadership");
        }
        let stopped = metrics.borrow_watched().running_state.clone().err();
        if let Some(error) = stopped {
            tracing::error!("raft stopped: {error}");
            break;
        }
        // Only a leader's lease can run out without a word from openraft.
        let changed = if standing.leads {
            tokio::select! {
                changed = metrics.changed() => changed.is_ok(),
                _ = due.tick() => true,
            }
        } else {
            metrics.changed().await.is_ok()
        };
        if !changed {
            break;
        }
    }
    leadership.send_modify(|it| it.leader = None);
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const LEASE: Duration = Duration::from_millis(600);

    fn key(id: i32) -> NodeKey {
        NodeKey { id, directory_id: Uuid::from_u128(id as u128) }
    }

    fn leading() -> Standing {
        Standing {
            me: key(1),
            term: 7,
            leader: Some(key(1)),
            leads: true,
            applied_term: Some(7),
            quorum_ack_age: Some(Duration::from_millis(100)),
        }
    }

    fn leader(standing: Standing) -> Option<i32> {
        let leadership = standing.leadership(3, LEASE);
        assert_eq!(leadership.epoch, ControllerEpoch { generation: 3, term: standing.term });
        leadership.leader
    }

    #[test]
    fn a_leader_counts_once_it_knows_everything_and_while_a_majority_follows() {
        assert_eq!(leader(leading()), Some(1));
        assert_eq!(leader(Standing { applied_term: Some(6), ..leading() }), None);
        assert_eq!(leader(Standing { applied_term: None, ..leading() }), None);
        assert_eq!(leader(Standing { quorum_ack_age: None, ..leading() }), None);
        assert_eq!(leader(Standing { quorum_ack_age: Some(LEASE), ..leading() }), None);
        assert_eq!(leader(Standing { leads: false, ..leading() }), None);
    }

    #[test]
    fn a_follower_names_whom_it_follows() {
        let follower = Standing { me: key(2), leads: false, quorum_ack_age: None, ..leading() };
        assert_eq!(leader(follower), Some(1));
        assert_eq!(leader(Standing { leader: None, ..follower }), None);
    }
}
