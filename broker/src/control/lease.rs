//! Proof that this broker still counts as alive, by its own monotonic clock.
//!
//! A lease runs from the moment a question was *sent* whose answer arrived: whoever answered cannot
//! have counted from an earlier one. Who cannot renew stops by itself and does not wait to be told.
//!
//! Once a lease has run out, an answer alone does not bring it back: the broker may have been replaced
//! meanwhile, and would act on what it knew before. It must have applied what the controller has
//! decided since.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whose answers renew a lease.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Witness {
    /// The active controller, by heartbeats.
    Controller,
    /// The ensemble at this connect string, by the session that holds this broker's znode.
    Ensemble(String),
}

/// Shared between those who renew and the request path, which asks.
///
/// With several witnesses all of them must have answered: any one of them may be the one that counts.
#[derive(Debug, Default)]
pub struct Lease {
    /// Until when each witness vouches for this broker. A witness that is not here is not asked.
    vouched: Mutex<BTreeMap<Witness, i64>>,
    valid_until_ms: AtomicI64,
    /// When it ran out, while the broker has not caught up since; 0: it has.
    lapsed_at_ms: AtomicI64,
}

impl Lease {
    /// Which witnesses count from now on. A new one has not vouched yet.
    pub fn require(&self, witnesses: impl IntoIterator<Item = Witness>) {
        let mut vouched = self.vouched();
        let before = std::mem::take(&mut *vouched);
        let until = |witness: &Witness| before.get(witness).copied().unwrap_or_default();
        *vouched = witnesses.into_iter().map(|it| (it.clone(), until(&it))).collect();
        self.publish(&vouched);
    }

    /// The witness answered a question that was sent at `sent_ms` (monotonic).
    pub fn renew(&self, witness: &Witness, sent_ms: i64, duration_ms: i64, now_ms: i64) {
        let mut vouched = self.vouched();
        let until = self.valid_until_ms.load(Ordering::Relaxed);
        if until > 0 && now_ms > until && self.lapsed_at_ms.load(Ordering::Relaxed) == 0 {
            self.lapsed_at_ms.store(until, Ordering::Relaxed);
        }
        if let Some(until) = vouched.get_mut(witness) {
            *until = (*until).max(sent_ms + duration_ms);
            self.publish(&vouched);
        }
    }

    /// The witness vouches for somebody else, or for nobody.
    pub fn lapse(&self, witness: &Witness, now_ms: i64) {
        let mut vouched = self.vouched();
        if let Some(until) = vouched.get_mut(witness) {
            *until = (*until).min(now_ms - 1);
            self.publish(&vouched);
        }
    }

    /// The broker has applied everything that was decided before an answer of the controller.
    pub fn caught_up(&self) {
        let _vouched = self.vouched();
        self.lapsed_at_ms.store(0, Ordering::Relaxed);
    }

    /// Whether everybody who counts vouches for this broker. False before anybody does.
    pub fn is_valid(&self, now_ms: i64) -> bool {
        now_ms <= self.valid_until_ms()
    }

    /// When it ran out, or will.
    pub fn valid_until_ms(&self) -> i64 {
        match self.lapsed_at_ms.load(Ordering::Relaxed) {
            0 => self.valid_until_ms.load(Ordering::Relaxed),
            lapsed_at_ms => lapsed_at_ms,
        }
    }

    fn publish(&self, vouched: &BTreeMap<Witness, i64>) {
        let until = vouched.values().min().copied().unwrap_or_default();
        self.valid_until_ms.store(until, Ordering::Relaxed);
    }

    fn vouched(&self) -> MutexGuard<'_, BTreeMap<Witness, i64>> {
        self.vouched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_counts_must_vouch() {
        let lease = Lease::default();
        let ensemble = Witness::Ensemble("a:1".into());
        lease.renew(&Witness::Controller, 100, 50, 100);
        assert!(!lease.is_valid(100), "nobody said that heartbeats count");
        lease.require([Witness::Controller]);
        lease.renew(&Witness::Controller, 100, 50, 100);
        assert!(lease.is_valid(150) && !lease.is_valid(151));
        lease.renew(&Witness::Controller, 90, 50, 110);
        assert!(lease.is_valid(150), "an answer that comes late takes nothing back");

        lease.require([Witness::Controller, ensemble.clone()]);
        assert!(!lease.is_valid(120), "the ensemble has not answered");
        lease.renew(&ensemble, 110, 20, 112);
        assert!(lease.is_valid(130) && !lease.is_valid(131));
        lease.require([Witness::Controller]);
        assert!(lease.is_valid(150));
        lease.lapse(&Witness::Controller, 120);
        assert!(!lease.is_valid(120));
        assert_eq!(lease.valid_until_ms(), 119, "until then it was valid");
    }

    #[test]
    fn an_answer_after_the_end_counts_only_with_the_news() {
        let lease = Lease::default();
        lease.require([Witness::Controller]);
        lease.renew(&Witness::Controller, 100, 50, 101);
        lease.renew(&Witness::Controller, 160, 50, 161);
        assert!(!lease.is_valid(161), "somebody else may lead since 150");
        assert_eq!(lease.valid_until_ms(), 150);
        lease.caught_up();
        assert!(lease.is_valid(210) && !lease.is_valid(211));
    }
}
