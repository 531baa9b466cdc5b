//! Deadlines of a shard, in a fixed order: two runs with the same inputs fire them alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Name, WriteId};

/// What falls due. At most one deadline is set for each value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The rebalance of a group has waited long enough for members to join.
    Join { group_id: Name },
    /// The members of a group have had long enough to fetch their assignment.
    Sync { group_id: Name },
    /// A member, pending ones included, has not been heard of.
    Session { group_id: Name, member_id: Name },
    /// A write has not been replicated in time.
    Write(WriteId),
    /// Expired offsets and empty groups are looked for.
    OffsetExpiry,
}

/// The set of armed timers.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_deadline: BTreeSet<(i64, Timer)>,
    deadlines: BTreeMap<Timer, i64>,
}

impl Timers {
    /// Arms the timer, or moves it when it is armed already.
    pub(crate) fn schedule(&mut self, timer: Timer, deadline_ms: i64) {
        self.cancel(&timer);
        self.by_deadline.insert((deadline_ms, timer.clone()));
        self.deadlines.insert(timer, deadline_ms);
    }

    /// Disarms the timer, if it is armed.
    pub(crate) fn cancel(&mut self, timer: &Timer) {
        if let Some((timer, deadline_ms)) = self.deadlines.remove_entry(timer) {
            self.by_deadline.remove(&(deadline_ms, timer));
        }
    }

    /// Disarms and returns the earliest timer that is due.
    pub(crate) fn pop_due(&mut self, now_ms: i64) -> Option<Timer> {
        if self.next_ms()? > now_ms {
            return None;
        }
        let (_, timer) = self.by_deadline.pop_first()?;
        self.deadlines.remove(&timer);
        Some(timer)
    }

    /// When the earliest timer falls due.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        self.by_deadline.first().map(|(deadline_ms, _)| *deadline_ms)
    }

    /// Whether the timer is set.
    pub(crate) fn is_armed(&self, timer: &Timer) -> bool {
        self.deadlines.contains_key(timer)
    }
}
