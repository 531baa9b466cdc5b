//! openraft's timers rest while none of them can run out.
//!
//! openraft wakes twenty times a second to look at its timers, and in a cluster without work that is
//! most of what a controller does. A follower has one timer, the lease that it grants to its leader,
//! and each message of the leader begins it anew: it looks again only when it has heard nothing for
//! half of the lease. A leader has only heartbeats to send, which are sent from here. A candidate and
//! whoever knows no leader always look.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use openraft::ServerState;
use openraft::async_runtime::WatchReceiver;

use crate::config::Timing;
use crate::types::{NodeKey, Raft};

/// Who spoke last as a leader, and when.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Option<(NodeKey, Instant)>>);

impl Heard {
    /// A message of `from` was let in.
    pub(crate) fn note(&self, from: NodeKey) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((from, Instant::now()));
    }

    /// For how long `leader` has been silent. One that was not the last to speak counts as silent.
    fn silence_of(&self, leader: NodeKey) -> Option<Duration> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(from, _)| *from == leader).map(|(_, at)| at.elapsed())
    }
}

/// What the timers are needed for.
enum Need {
    /// Nothing for so long.
    Nothing(Duration),
    /// The next heartbeat.
    Heartbeat,
    /// An election may be due.
    Election,
}

/// Lets the timers of `raft` rest and wakes them, until it is shut down.
pub(crate) async fn run(raft: Raft, heard: Arc<Heard>, timing: Timing) {
    let patience = timing.lease / 2;
    let mut metrics = raft.server_metrics();
    loop {
        let need = {
            let metrics = metrics.borrow_watched();
            let leader = metrics.current_leader.filter(|_| metrics.state == ServerState::Follower);
            let silence = leader.and_then(|leader| heard.silence_of(leader));
            match silence.and_then(|silence| patience.checked_sub(silence)) {
                Some(left) if !left.is_zero() => Need::Nothing(left),
                _ if metrics.state == ServerState::Leader => Need::Heartbeat,
                _ => Need::Election,
            }
        };
        raft.runtime_config().tick(matches!(need, Need::Election));
        let again = match need {
            Need::Nothing(left) => left,
            Need::Heartbeat => {
                if raft.trigger().heartbeat().await.is_err() {
                    return;
                }
                timing.heartbeat
            }
            Need::Election => patience,
        };
        // Only a shutdown ends the metrics.
        let changed = tokio::time::timeout(again, metrics.changed());
        if changed.await.is_ok_and(|changed| changed.is_err()) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn only_the_leader_that_spoke_last_is_not_silent() {
        let key = |id: i32| NodeKey { id, directory_id: Uuid::from_u128(id as u128) };
        let heard = Heard::default();
        assert_eq!(heard.silence_of(key(1)), None);
        heard.note(key(1));
        assert!(heard.silence_of(key(1)).is_some());
        heard.note(key(2));
        assert_eq!(heard.silence_of(key(1)), None);
        assert!(heard.silence_of(key(2)).is_some());
    }
}
