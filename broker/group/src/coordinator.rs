//! One shard of the coordinator: the groups and offsets of one partition of `__consumer_offsets`.

use std::collections::BTreeMap;

use tracing::warn;
use uuid::Uuid;

use crate::admission;
use crate::config::Config;
use crate::context::{Context, InFlight, Outcome};
use crate::describe;
use crate::group::Group;
use crate::offsets::Offsets;
use crate::rebalance::ReplaceError;
use crate::reply::{GroupError, JoinReply, Reply, WriteError};
use crate::request::{Join, Leave, Request, Sync};
use crate::timers::Timer;
use crate::{Effects, Name, ReplyToken, WriteId, records};

/// A loaded shard: see the crate's description for how it is driven.
///
/// Time never runs backwards here: a `now_ms` before the last one counts as the last one.
#[derive(Debug)]
pub struct Coordinator {
    pub(crate) groups: BTreeMap<Name, Group>,
    pub(crate) offsets: Offsets,
    pub(crate) context: Context,
}

/// What a shard holds, for the metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Groups by state (`NumGroups`, `NumGroupsStable` and so on).
    pub groups: BTreeMap<&'static str, usize>,
    /// Committed offsets (`NumOffsets`).
    pub offsets: usize,
    /// Writes that wait for replication.
    pub writes_in_flight: usize,
}

impl Coordinator {
    pub(crate) fn new(config: Config) -> Self {
        let context = Context::new(config, i64::MIN);
        Self { groups: BTreeMap::new(), offsets: Offsets::new(), context }
    }

    /// Serves a request. Its answer is among the effects of this call or of a later one; every
    /// token is answered exactly once, at the latest by [`Coordinator::unload`].
    pub fn handle(&mut self, token: ReplyToken, request: Request, now_ms: i64) -> Effects {
        self.advance(now_ms);
        let writes_in_flight = self.context.writes_in_flight();
        if let Err(error) = admission::admit(&request, &self.context.config, writes_in_flight) {
            self.context.reply(token, request.refuse(error));
            return self.context.take_effects();
        }
        match request {
            Request::Join(join) => self.join(join, token),
            Request::Sync(sync) => self.sync(sync, token),
            Request::Heartbeat(heartbeat) => {
                let result = match self.groups.get(&heartbeat.group_id) {
                    Some(group) => group.heartbeat(&mut self.context, &heartbeat),
                    None => Err(GroupError::UnknownMemberId),
                };
                self.context.reply(token, Reply::Heartbeat(result));
            }
            Request::Leave(leave) => self.leave(leave, token),
            Request::CommitOffsets(commit) => self.commit_offsets(commit, token),
            Request::FetchOffsets(fetch) => self.fetch_offsets(fetch, token),
            Request::DeleteOffsets(delete) => self.delete_offsets(&delete, token),
            Request::DeleteGroups(group_ids) => self.delete_groups(&group_ids, token),
            Request::DescribeGroups(request) => {
                let described = describe::describe(&self.groups, &request);
                self.context.reply(token, Reply::DescribeGroups(described));
            }
            Request::ListGroups(request) => {
                let listed = describe::list(&self.groups, &request);
                self.context.reply(token, Reply::ListGroups(Ok(listed)));
            }
        }
        self.context.take_effects()
    }

    /// Fires what is due. Call it at [`Coordinator::next_timer_ms`], or later.
    pub fn tick(&mut self, now_ms: i64) -> Effects {
        self.advance(now_ms);
        while let Some(timer) = self.context.timers.pop_due(self.context.now_ms) {
            match timer {
                Timer::Join { group_id } => {
                    self.with_group(&group_id, |group, context| group.join_timed_out(context));
                }
                Timer::Sync { group_id } => {
                    self.with_group(&group_id, |group, context| group.sync_timed_out(context));
                }
                Timer::Session { group_id, member_id } => {
                    self.with_group(&group_id, |group, context| {
                        group.session_timed_out(context, &member_id);
                    })
                }
                Timer::Write(id) => {
                    warn!(?id, "a write to the offsets topic was not replicated in time");
                    let overdue = self.context.expire_write(id);
                    self.settle(overdue, Err(Unwritten::Overdue));
                }
                Timer::OffsetExpiry => self.expire_offsets(),
            }
        }
        self.context.take_effects()
    }

    /// When [`Coordinator::tick`] has something to do next; there always is something.
    pub fn next_timer_ms(&self) -> Option<i64> {
        self.context.timers.next_ms()
    }

    /// The outcome of a [`Write`](crate::Write): replicated, or not in the log for good.
    ///
    /// Outcomes are told in the order of the log. A write whose replication is slow has no outcome
    /// yet: the shard itself refuses those who wait for it after `offsets.commit.timeout.ms`, and
    /// still takes its outcome later. Unknown ids, from before an unload, are ignored.
    pub fn written(&mut self, id: WriteId, result: Result<(), WriteError>, now_ms: i64) -> Effects {
        self.advance(now_ms);
        let Some(write) = self.context.take_write(id) else { return Effects::default() };
        for key in &write.offsets {
            match result {
                Ok(()) => self.offsets.commit(id, key),
                Err(_) => {
                    self.offsets.abort(id, key);
                    self.remove_if_unused(&key.group_id);
                }
            }
        }
        if let Err(error) = result {
            warn!(?id, %error, "a write to the offsets topic failed");
        }
        self.settle(write, result.map_err(|error| Unwritten::Refused(error.into())));
        self.context.take_effects()
    }

    /// Topics, by name and id, were deleted: so are their offsets.
    pub fn topics_deleted(&mut self, topics: &[(Name, Uuid)], now_ms: i64) -> Effects {
        self.advance(now_ms);
        self.delete_topics(topics);
        self.context.take_effects()
    }

    /// Gives the shard up: answers everybody who waits with [`GroupError::NotCoordinator`].
    pub fn unload(mut self) -> Vec<(ReplyToken, Reply)> {
        for group in self.groups.values_mut() {
            group.refuse_all(&mut self.context, GroupError::NotCoordinator);
        }
        for write in self.context.take_writes() {
            for (token, reply) in write.replies {
                self.context.reply(token, reply.fail(GroupError::NotCoordinator));
            }
            for (token, fetch) in write.fetches {
                let reply = Request::FetchOffsets(fetch).refuse(GroupError::NotCoordinator);
                self.context.reply(token, reply);
            }
        }
        self.context.take_effects().replies
    }

    /// What the shard holds.
    pub fn gauges(&self) -> Gauges {
        let mut groups = BTreeMap::new();
        for group in self.groups.values() {
            *groups.entry(group.state.as_str()).or_default() += 1;
        }
        let writes_in_flight = self.context.writes_in_flight();
        Gauges { groups, offsets: self.offsets.count(), writes_in_flight }
    }

    pub(crate) fn advance(&mut self, now_ms: i64) {
        self.context.now_ms = self.context.now_ms.max(now_ms);
    }

    fn join(&mut self, mut join: Join, token: ReplyToken) {
        normalise(&mut join);
        if let Some(group) = self.groups.get_mut(&join.group_id) {
            return group.join(&mut self.context, join, token);
        }
        let refused = if !join.member_id.is_empty() {
            Some(GroupError::UnknownMemberId)
        } else if self.groups.len() >= self.context.config.groups_max {
            Some(GroupError::GroupMaxSizeReached)
        } else {
            None
        };
        if let Some(error) = refused {
            let reply = JoinReply::failed(join.member_id, error);
            return self.context.reply(token, Reply::Join(reply));
        }
        let mut group = Group::new(join.group_id.clone(), self.context.now_ms);
        // The log learns of the group before its first generation, so that it is known, if not
        // remembered in detail, wherever the shard moves. Nothing depends on that write.
        let record = records::new_group(&group);
        group.join(&mut self.context, join, token);
        if !group.is_vacant() {
            self.context.write(vec![record], InFlight::default());
            self.groups.insert(group.id.clone(), group);
        }
    }

    fn sync(&mut self, sync: Sync, token: ReplyToken) {
        match self.groups.get_mut(&sync.group_id) {
            Some(group) => group.sync(&mut self.context, sync, token),
            None => self.context.reply(token, Reply::Sync(Err(GroupError::UnknownMemberId))),
        }
    }

    fn leave(&mut self, leave: Leave, token: ReplyToken) {
        let Some(group) = self.groups.get_mut(&leave.group_id) else {
            let reply = Request::Leave(leave).refuse(GroupError::UnknownMemberId);
            return self.context.reply(token, reply);
        };
        let left = group.leave(&mut self.context, &leave.members);
        self.context.reply(token, Reply::Leave(Ok(left)));
    }

    /// Does what depended on a write.
    fn settle(&mut self, write: InFlight, result: Result<(), Unwritten>) {
        for (token, reply) in write.replies {
            let reply = match &result {
                Ok(()) => reply,
                Err(unwritten) => reply.fail(unwritten.reason()),
            };
            self.context.reply(token, reply);
        }
        for (token, fetch) in write.fetches {
            let reply = match &result {
                Ok(()) => self.committed_offsets(&fetch),
                Err(unwritten) => Request::FetchOffsets(fetch).refuse(unwritten.reason()),
            };
            self.context.reply(token, reply);
        }
        match write.outcome {
            None => {}
            Some(Outcome::Assigned { group_id, generation_id, assignments }) => {
                let result = result.map(|()| assignments).map_err(|error| error.reason());
                self.with_group(&group_id, |group, context| {
                    group.assigned(context, generation_id, result);
                });
            }
            Some(Outcome::Replaced(replacement)) => {
                let result = result.map_err(|unwritten| match unwritten {
                    Unwritten::Refused(error) => ReplaceError::Refused(error),
                    Unwritten::Overdue => ReplaceError::Overdue,
                });
                let group_id = replacement.group_id.clone();
                self.with_group(&group_id, |group, context| {
                    group.replaced(context, replacement, result);
                });
            }
            Some(Outcome::Deleted(groups)) if result.is_err() => {
                for mut group in groups {
                    // Those who were about to join have joined anew, if they still want to.
                    group.pending_members.clear();
                    self.groups.entry(group.id.clone()).or_insert(group);
                }
            }
            Some(Outcome::Deleted(_)) => {}
        }
    }

    fn with_group(&mut self, group_id: &Name, act: impl FnOnce(&mut Group, &mut Context)) {
        if let Some(group) = self.groups.get_mut(group_id) {
            act(group, &mut self.context);
        }
    }

    /// Undoes the creation of a group by a commit that failed.
    fn remove_if_unused(&mut self, group_id: &Name) {
        let is_vacant = self.groups.get(group_id).is_some_and(Group::is_vacant);
        if is_vacant && self.offsets.latest_of(group_id).is_empty() {
            self.groups.remove(group_id);
        }
    }
}

/// Why those who wait for a write are refused.
enum Unwritten {
    /// It is not in the log.
    Refused(GroupError),
    /// It may or may not be replicated later.
    Overdue,
}

impl Unwritten {
    fn reason(&self) -> GroupError {
        match self {
            Self::Refused(error) => *error,
            Self::Overdue => GroupError::CoordinatorNotAvailable,
        }
    }
}

/// Evens out what clients may say in odd ways.
fn normalise(join: &mut Join) {
    join.rebalance_timeout_ms = join.rebalance_timeout_ms.max(0);
    let mut names = std::collections::BTreeSet::new();
    join.protocols.retain(|protocol| names.insert(protocol.name.clone()));
}
