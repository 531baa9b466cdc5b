//! What this controller knows of the election, and what it tells the rest of the program.
//!
//! Two things together say who leads: what `/controller` shows (`election`), and whether this
//! session's lease still runs (`lease`). Each writes its part here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use metadata::{BrokerId, ControllerEpoch, ControllerId, Leadership};
use tokio::sync::watch;
use zookeeper_client::Client;

/// A term in which this controller was elected.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) epoch: ControllerEpoch,
    /// The version of `/controller_epoch` since the election: while it holds nobody else was elected.
    pub(crate) epoch_version: i32,
    pub(crate) client: Client,
}

pub(crate) struct Standing {
    state: Mutex<State>,
    leadership: watch::Sender<Leadership>,
    live: watch::Sender<BTreeSet<BrokerId>>,
}

struct State {
    /// As `/controller` and `/controller_epoch` showed it last.
    seen: Leadership,
    lease_runs: bool,
    session: Option<(Client, Duration)>,
    term: Option<Term>,
    candidates: BTreeMap<ControllerId, String>,
}

impl Standing {
    pub(crate) fn new(generation: u32) -> Self {
        let seen = Leadership { epoch: ControllerEpoch { generation, term: 0 }, leader: None };
        Self {
            state: Mutex::new(State {
                seen,
                lease_runs: false,
                session: None,
                term: None,
                candidates: BTreeMap::new(),
            }),
            leadership: watch::Sender::new(seen),
            live: watch::Sender::default(),
        }
    }

    pub(crate) fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    pub(crate) fn live(&self) -> watch::Receiver<BTreeSet<BrokerId>> {
        self.live.subscribe()
    }

    /// The newest epoch that was ever seen.
    pub(crate) fn epoch(&self) -> ControllerEpoch {
        self.lock().seen.epoch
    }

    /// The term in which this controller leads, whether or not its lease runs.
    pub(crate) fn term(&self) -> Option<Term> {
        self.lock().term.clone()
    }

    pub(crate) fn client(&self) -> Option<Client> {
        self.lock().session.as_ref().map(|(client, _)| client.clone())
    }

    /// The timeout that the ensemble granted, while there is a session.
    pub(crate) fn session_timeout(&self) -> Option<Duration> {
        self.lock().session.as_ref().map(|(_, timeout)| *timeout)
    }

    /// Whether the ensemble has answered within the lease.
    pub(crate) fn is_connected(&self) -> bool {
        self.lock().lease_runs
    }

    pub(crate) fn candidates(&self) -> BTreeMap<ControllerId, String> {
        self.lock().candidates.clone()
    }

    pub(crate) fn begin_session(&self, client: &Client) {
        self.lock().session = Some((client.clone(), client.session_timeout()));
    }

    /// The session is over, and with it everything that was held by it.
    pub(crate) fn end_session(&self) {
        self.change(|state| {
            state.session = None;
            state.term = None;
            state.lease_runs = false;
            state.seen.leader = None;
        });
    }

    /// This controller leads.
    pub(crate) fn lead(&self, me: ControllerId, term: Term) {
        self.change(|state| {
            state.seen = Leadership { epoch: term.epoch, leader: Some(me) };
            state.term = Some(term);
        });
    }

    /// Somebody else leads, or nobody does. Epochs only rise, whatever the tree shows.
    pub(crate) fn follow(&self, epoch: ControllerEpoch, leader: Option<ControllerId>) {
        self.change(|state| {
            let current = epoch >= state.seen.epoch;
            let epoch = epoch.max(state.seen.epoch);
            state.seen = Leadership { epoch, leader: leader.filter(|_| current) };
            state.term = None;
        });
    }

    pub(crate) fn set_lease(&self, runs: bool) {
        self.change(|state| state.lease_runs = runs);
    }

    pub(crate) fn set_live(&self, brokers: BTreeSet<BrokerId>) {
        self.live.send_if_modified(|live| std::mem::replace(live, brokers.clone()) != brokers);
    }

    pub(crate) fn set_candidates(&self, candidates: BTreeMap<ControllerId, String>) {
        self.lock().candidates = candidates;
    }

    /// Returns when `me` no longer leads in `epoch`.
    pub(crate) async fn deposed(&self, me: ControllerId, epoch: ControllerEpoch) {
        let ours = Leadership { epoch, leader: Some(me) };
        let mut leadership = self.leadership();
        // The sender is part of this value.
        leadership.wait_for(|now| *now != ours).await.ok();
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let Leadership { epoch, leader } = state.seen;
        let now = Leadership { epoch, leader: leader.filter(|_| state.lease_runs) };
        // Under the lock, so that what is told is told in order.
        if self.leadership.send_if_modified(|before| std::mem::replace(before, now) != now) {
            tracing::info!(epoch = %now.epoch, leader = ?now.leader, "leadership");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn epoch(term: u64) -> ControllerEpoch {
        ControllerEpoch { generation: 3, term }
    }

    #[test]
    fn nobody_leads_without_a_lease() {
        let standing = Standing::new(3);
        let leadership = standing.leadership();
        let now = || *leadership.borrow();
        assert_eq!(now(), Leadership { epoch: epoch(0), leader: None });
        standing.follow(epoch(4), Some(1));
        assert_eq!(now(), Leadership { epoch: epoch(4), leader: None });
        standing.set_lease(true);
        assert_eq!(now(), Leadership { epoch: epoch(4), leader: Some(1) });
        standing.set_lease(false);
        assert_eq!(now(), Leadership { epoch: epoch(4), leader: None });
    }

    #[test]
    fn epochs_only_rise() {
        let standing = Standing::new(3);
        standing.set_lease(true);
        standing.follow(epoch(4), Some(1));
        standing.follow(epoch(2), Some(2));
        assert_eq!(*standing.leadership().borrow(), Leadership { epoch: epoch(4), leader: None });
        standing.end_session();
        assert_eq!(standing.epoch(), epoch(4));
    }
}
