//! What the groups of a shard share while a step runs: the time, the settings, the timers, and
//! where effects are gathered.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::config::Config;
use crate::group::Group;
use crate::member::Member;
use crate::offsets::OffsetKey;
use crate::reply::{GroupError, Reply};
use crate::request::{FetchOffsets, Request};
use crate::timers::{Timer, Timers};
use crate::{Effects, Name, Record, ReplyToken, Write, WriteId};

/// A write that waits for replication, and what depends on it.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    /// Answers that say what the write made true.
    pub(crate) replies: Vec<(ReplyToken, Reply)>,
    /// Those who want stable offsets. They are looked up once the write has its outcome: an earlier
    /// write may fail until then, though this one succeeds.
    pub(crate) fetches: Vec<(ReplyToken, FetchOffsets)>,
    /// Offsets that it sets or removes.
    pub(crate) offsets: Vec<OffsetKey>,
    /// What else its outcome decides.
    pub(crate) outcome: Option<Outcome>,
}

/// A decision that waits for a write.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The group becomes stable with this assignment, if it still awaits it.
    Assigned { group_id: Name, generation_id: i32, assignments: BTreeMap<Name, Bytes> },
    /// A static member that returned without a rebalance is told so, or its predecessor put back.
    Replaced(Replacement),
    /// The groups are gone already; they come back when the write fails.
    Deleted(Vec<Group>),
}

/// A static member that took its predecessor's place without a rebalance.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) group_id: Name,
    pub(crate) generation_id: i32,
    pub(crate) predecessor: Member,
    pub(crate) member_id: Name,
    pub(crate) token: ReplyToken,
    /// The leader's id before the replacement, told to clients that cannot skip the assignment: it
    /// keeps them from taking up the leader's work without the list of members.
    pub(crate) previous_leader: Name,
    pub(crate) can_skip_assignment: bool,
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) now_ms: i64,
    pub(crate) timers: Timers,
    effects: Effects,
    writes: BTreeMap<WriteId, InFlight>,
    last_write_id: WriteId,
}

impl Context {
    pub(crate) fn new(config: Config, now_ms: i64) -> Self {
        Self {
            config,
            now_ms,
            timers: Timers::default(),
            effects: Effects::default(),
            writes: BTreeMap::new(),
            last_write_id: WriteId(0),
        }
    }

    /// Answers a request.
    pub(crate) fn reply(&mut self, token: ReplyToken, reply: Reply) {
        self.effects.replies.push((token, reply));
    }

    /// Arms a timer `delay_ms` from now.
    pub(crate) fn schedule(&mut self, timer: Timer, delay_ms: i64) {
        self.timers.schedule(timer, self.now_ms.saturating_add(delay_ms));
    }

    /// The id that the next write will get.
    pub(crate) fn next_write_id(&self) -> WriteId {
        WriteId(self.last_write_id.0 + 1)
    }

    /// Appends records; what depends on them happens in [`Context::take_write`]'s caller.
    pub(crate) fn write(&mut self, records: Vec<Record>, in_flight: InFlight) -> WriteId {
        let id = self.next_write_id();
        self.last_write_id = id;
        self.schedule(Timer::Write(id), self.config.offsets_commit_timeout_ms);
        self.writes.insert(id, in_flight);
        self.effects.writes.push(Write { id, records });
        id
    }

    /// Fetches when the write is replicated, or refuses at once if that is overdue already.
    pub(crate) fn fetch_after(&mut self, write: WriteId, token: ReplyToken, fetch: FetchOffsets) {
        // An overdue write has lost its timer, so nothing would bound the wait for it.
        if !self.timers.is_armed(&Timer::Write(write)) {
            let request = Request::FetchOffsets(fetch);
            return self.reply(token, request.refuse(GroupError::CoordinatorNotAvailable));
        }
        if let Some(in_flight) = self.writes.get_mut(&write) {
            in_flight.fetches.push((token, fetch));
        }
    }

    /// Removes a write that was replicated, or failed.
    pub(crate) fn take_write(&mut self, id: WriteId) -> Option<InFlight> {
        self.timers.cancel(&Timer::Write(id));
        self.writes.remove(&id)
    }

    /// Takes from an overdue write what cannot wait any longer; its offsets still may.
    pub(crate) fn expire_write(&mut self, id: WriteId) -> InFlight {
        let Some(write) = self.writes.get_mut(&id) else { return InFlight::default() };
        let outcome = match write.outcome.take() {
            // Deleted groups are not put back: the tombstones are in the log and may yet count.
            deleted @ Some(Outcome::Deleted(_)) => {
                write.outcome = deleted;
                None
            }
            outcome => outcome,
        };
        InFlight {
            replies: std::mem::take(&mut write.replies),
            fetches: std::mem::take(&mut write.fetches),
            offsets: Vec::new(),
            outcome,
        }
    }

    /// Removes every write, when the shard is given up.
    pub(crate) fn take_writes(&mut self) -> Vec<InFlight> {
        std::mem::take(&mut self.writes).into_values().collect()
    }

    /// How many writes wait for replication.
    pub(crate) fn writes_in_flight(&self) -> usize {
        self.writes.len()
    }

    /// What the steps so far want done.
    pub(crate) fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }
}

#[cfg(test)]
impl Context {
    /// Whether the assignment of a generation is in flight.
    pub(crate) fn is_assigning(&self, group: &Group) -> bool {
        self.writes.values().any(|write| match &write.outcome {
            Some(Outcome::Assigned { group_id, generation_id, .. }) => {
                *group_id == group.id && *generation_id == group.generation_id
            }
            _ => false,
        })
    }
}
