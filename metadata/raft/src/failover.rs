//! Election without waiting, once the leader's process is known to be dead.
//!
//! A process that dies closes its sockets: the stream from the leader breaks and its port refuses, or
//! it is back already and asks for votes. A network that drops packets or a paused process does neither, so only the election timeout can
//! tell. A standby that sees both gives up the lease that it granted to that leader and asks for a
//! pre-vote; peers check for themselves before they answer, so a majority that hears from its leader
//! is never disturbed by one that cannot reach it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::raft::TransferLeaderRequest;
use tokio::net::TcpStream;

use crate::peer::Links;
use crate::types::{Metrics, NodeKey, Raft, Vote};

/// The listener of a dying process may close a moment after its connections.
const PROBES: u32 = 3;
const PROBE_PAUSE: Duration = Duration::from_millis(5);
const PROBE_TIMEOUT: Duration = Duration::from_millis(100);

/// Rounds of pre-votes before the election timer is left to do its work.
const ROUNDS: u32 = 8;

pub(crate) struct Failover {
    raft: Raft,
    links: Arc<Links>,
    enabled: bool,
    /// One campaign at a time.
    campaigning: AtomicBool,
}

impl Failover {
    pub(crate) fn new(raft: Raft, links: Arc<Links>, enabled: bool) -> Arc<Self> {
        Arc::new(Self { raft, links, enabled, campaigning: AtomicBool::new(false) })
    }

    /// A stream from `peer` broke. Returns at once.
    pub(crate) fn suspect(self: &Arc<Self>, peer: NodeKey) {
        if !self.enabled || self.leader().is_none_or(|(leader, _)| leader != peer) {
            return;
        }
        if self.campaigning.swap(true, SeqCst) {
            return;
        }
        let this = self.clone();
        tokio::spawn(async move {
            this.campaign().await;
            this.campaigning.store(false, SeqCst);
        });
    }

    /// Ends the lease of a leader whose process is dead, and says whether it did. A leader that asks
    /// for votes itself has died and come back.
    pub(crate) async fn release_dead_leader(&self, candidate: Option<NodeKey>) -> bool {
        let Some((leader, vote)) = self.leader().filter(|_| self.enabled) else { return false };
        if leader == self.links.identity.key {
            return false;
        }
        let Some(address) = self.address(leader) else { return false };
        if candidate != Some(leader) && !refuses(&address).await {
            return false;
        }
        // A transfer to the dead leader itself: openraft ends the lease and does nothing else.
        let transfer = TransferLeaderRequest::new(vote, leader, None);
        self.raft.handle_transfer_leader(transfer).await.is_ok()
    }

    /// Elects without delay after a start. A restart of all controllers need not wait for timers, and
    /// while a leader lives nobody answers with a pre-vote.
    pub(crate) async fn campaign_at_start(&self) {
        if self.enabled {
            self.elect_by_turns(None, |metrics| metrics.current_leader.is_some()).await;
        }
    }

    async fn campaign(&self) {
        let Some((leader, vote)) = self.leader() else { return };
        if !self.release_dead_leader(None).await {
            return;
        }
        tracing::info!("the process of leader {leader} is dead: electing without delay");
        let replaced = |metrics: &Metrics| metrics.vote != vote && metrics.current_leader.is_some();
        self.elect_by_turns(Some(leader), replaced).await;
    }

    /// One candidate at a time: the first by rank is done before the second begins.
    async fn elect_by_turns(&self, dead: Option<NodeKey>, done: impl Fn(&Metrics) -> bool) {
        let step = (self.links.timing.election_timeout / 20)
            .clamp(Duration::from_millis(20), Duration::from_millis(60));
        let mut wait = step * self.rank(dead);
        let mut metrics = self.raft.metrics();
        for _ in 0..ROUNDS {
            let elected = tokio::time::timeout(wait, async {
                while !done(&metrics.borrow_watched()) {
                    if metrics.changed().await.is_err() {
                        break;
                    }
                }
            });
            if elected.await.is_ok() || self.raft.trigger().elect(true).await.is_err() {
                return;
            }
            wait = step * 2 + step.mul_f64(rand::random());
        }
    }

    /// Position among the voters that remain.
    fn rank(&self, dead: Option<NodeKey>) -> u32 {
        let me = self.links.identity.key;
        let alive = self.raft.voter_ids().filter(|voter| Some(*voter) != dead);
        let before = alive.filter(|voter| *voter < me).count();
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// Whom this controller follows, and the vote that says so.
    fn leader(&self) -> Option<(NodeKey, Vote)> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        metrics.current_leader.map(|leader| (leader, metrics.vote))
    }

    fn address(&self, key: NodeKey) -> Option<String> {
        let membership = self.raft.metrics().borrow_watched().membership_config.clone();
        let member = membership.get_node(&key)?;
        Some(self.links.address(key.id, &member.endpoint).to_owned())
    }
}

/// Whether nobody listens there. An answer that does not come is no answer.
async fn refuses(address: &str) -> bool {
    for probe in 0..PROBES {
        if probe > 0 {
            tokio::time::sleep(PROBE_PAUSE).await;
        }
        match tokio::time::timeout(PROBE_TIMEOUT, TcpStream::connect(address)).await {
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => return true,
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return false,
        }
    }
    false
}
