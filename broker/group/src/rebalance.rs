//! How a group moves from one generation to the next: preparing, completing, giving up on members.

use std::collections::BTreeMap;

use bytes::Bytes;
use tracing::{debug, info, warn};

use crate::context::{Context, InFlight, Replacement};
use crate::group::{Group, InitialDelay, State};
use crate::reply::{GroupError, JoinReply, Joined, JoinedMember, Reply, Synced};
use crate::timers::Timer;
use crate::{Name, records, subscription};

/// Shortest time between two looks at a rebalance that nobody joined: a client may ask for none.
const POSTPONED_REBALANCE_MS: i64 = 100;

impl Group {
    /// Starts a rebalance, or completes the one under way when this was the last it waited for.
    pub(crate) fn rebalance_or_complete(&mut self, context: &mut Context, reason: &str) {
        match self.state {
            State::PreparingRebalance | State::Dead => self.complete_if_all_joined(context),
            State::Empty | State::CompletingRebalance | State::Stable => {
                self.prepare_rebalance(context, reason);
            }
        }
    }

    /// Makes everybody join again.
    pub(crate) fn prepare_rebalance(&mut self, context: &mut Context, reason: &str) {
        if self.state == State::CompletingRebalance {
            self.drop_assignment(context, GroupError::RebalanceInProgress);
        }
        self.pending_sync.clear();
        self.is_assigning = false;
        context.timers.cancel(&Timer::Sync { group_id: self.id.clone() });

        let is_initial = self.state == State::Empty;
        self.enter(context, State::PreparingRebalance);
        info!(group = &*self.id, generation = self.generation_id, reason, "preparing to rebalance");
        if is_initial {
            // Most groups start all their members at once: waiting saves a rebalance for each.
            let delay_ms = i64::from(context.config.group_initial_rebalance_delay_ms);
            let remaining_ms = (self.rebalance_timeout_ms() - delay_ms).max(0);
            let delay = InitialDelay { delay_ms, remaining_ms, member_added: false };
            self.initial_delay = Some(delay);
            context.schedule(Timer::Join { group_id: self.id.clone() }, delay_ms);
        } else if self.has_all_joined() {
            self.complete_join(context);
        } else {
            let timeout_ms = self.rebalance_timeout_ms();
            context.schedule(Timer::Join { group_id: self.id.clone() }, timeout_ms);
        }
    }

    /// Completes the rebalance if it waits for nobody; the first one always lasts its delay.
    pub(crate) fn complete_if_all_joined(&mut self, context: &mut Context) {
        let is_preparing = self.state == State::PreparingRebalance;
        if is_preparing && self.initial_delay.is_none() && self.has_all_joined() {
            self.complete_join(context);
        }
    }

    /// The rebalance has waited long enough.
    pub(crate) fn join_timed_out(&mut self, context: &mut Context) {
        if self.state != State::PreparingRebalance {
            return;
        }
        match &mut self.initial_delay {
            Some(initial) if initial.member_added && initial.remaining_ms > 0 => {
                let full_delay_ms = i64::from(context.config.group_initial_rebalance_delay_ms);
                let delay_ms = full_delay_ms.min(initial.remaining_ms);
                let remaining_ms = (initial.remaining_ms - initial.delay_ms).max(0);
                *initial = InitialDelay { delay_ms, remaining_ms, member_added: false };
                context.schedule(Timer::Join { group_id: self.id.clone() }, delay_ms);
            }
            _ => self.complete_join(context),
        }
    }

    /// Starts the next generation with those who joined, and static members who did not.
    pub(crate) fn complete_join(&mut self, context: &mut Context) {
        context.timers.cancel(&Timer::Join { group_id: self.id.clone() });
        let absent = self.members.values().filter(|member| member.join.is_none());
        let absent: Vec<Name> =
            absent.filter(|member| !member.is_static()).map(|member| member.id.clone()).collect();
        for member_id in absent {
            info!(group = &*self.id, member = &*member_id, "removing a member that did not rejoin");
            self.remove(context, &member_id);
        }
        if !self.members.is_empty() && !self.elect_leader() {
            // Static members only, all absent: they keep their place until their sessions end.
            warn!(group = &*self.id, "nobody joined the rebalance: it is postponed");
            let timeout_ms = self.rebalance_timeout_ms().max(POSTPONED_REBALANCE_MS);
            return context.schedule(Timer::Join { group_id: self.id.clone() }, timeout_ms);
        }

        self.generation_id = self.generation_id.wrapping_add(1).max(0);
        self.pending_sync.clear();
        self.protocol_name = self.vote();
        self.subscribed_topics = subscription::topics(self);
        if self.members.is_empty() {
            self.enter(context, State::Empty);
            info!(group = &*self.id, generation = self.generation_id, "the group is now empty");
            // If this is lost, the members of the last generation come back with the next load,
            // and time out: so nothing depends on it.
            let record = records::group_metadata(self, &BTreeMap::new());
            context.write(vec![record], InFlight::default());
        } else {
            self.enter(context, State::CompletingRebalance);
            self.announce_generation(context);
        }
    }

    /// Tells everybody who joined, and expects everybody to ask for an assignment.
    fn announce_generation(&mut self, context: &mut Context) {
        info!(
            group = &*self.id,
            generation = self.generation_id,
            members = self.members.len(),
            "a new generation"
        );
        let member_ids: Vec<Name> = self.members.keys().cloned().collect();
        for member_id in member_ids {
            if let Some(token) = self.take_join(&member_id) {
                let joined = self.joined_reply(&member_id);
                context.reply(token, Reply::Join(joined));
            }
            if let Some(member) = self.members.get_mut(&member_id) {
                member.is_new = false;
            }
            self.renew_session(context, &member_id);
            self.pending_sync.insert(member_id);
        }
        let timeout_ms = self.rebalance_timeout_ms();
        context.schedule(Timer::Sync { group_id: self.id.clone() }, timeout_ms);
    }

    /// The present generation, as a member is told it.
    pub(crate) fn joined_reply(&self, member_id: &Name) -> JoinReply {
        let members = if self.is_leader(member_id) { self.joined_members() } else { Vec::new() };
        let joined = Joined {
            generation_id: self.generation_id,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            leader: self.leader_id(),
            skip_assignment: false,
            members,
        };
        JoinReply { member_id: member_id.clone(), result: Ok(joined) }
    }

    fn joined_members(&self) -> Vec<JoinedMember> {
        let protocol_name = self.protocol_name.clone().unwrap_or_default();
        let members = self.members.values().map(|member| JoinedMember {
            member_id: member.id.clone(),
            group_instance_id: member.group_instance_id.clone(),
            metadata: member.metadata(&protocol_name),
        });
        members.collect()
    }

    /// Members that were told of the generation did not ask for their assignment.
    pub(crate) fn sync_timed_out(&mut self, context: &mut Context) {
        let awaits_sync = matches!(self.state, State::CompletingRebalance | State::Stable);
        if !awaits_sync || self.pending_sync.is_empty() {
            return;
        }
        for member_id in std::mem::take(&mut self.pending_sync) {
            info!(group = &*self.id, member = &*member_id, "removing a member that did not sync");
            self.remove(context, &member_id);
        }
        self.prepare_rebalance(context, "members did not sync in time");
    }

    /// A member was not heard of within its session timeout.
    pub(crate) fn session_timed_out(&mut self, context: &mut Context, member_id: &str) {
        let is_pending = self.pending_members.contains(member_id);
        // Who waits for us is excused; its session starts anew with our answer.
        let has_failed = self.members.get(member_id).is_some_and(|member| !member.is_waiting());
        if !is_pending && !has_failed {
            return;
        }
        info!(group = &*self.id, member = member_id, "removing a member whose session timed out");
        self.remove(context, member_id);
        match self.state {
            State::Stable | State::CompletingRebalance if has_failed => {
                self.prepare_rebalance(context, "a member's session timed out");
            }
            State::PreparingRebalance if self.has_all_joined() => self.complete_join(context),
            _ => {}
        }
    }

    /// The leader's assignment is replicated, or could not be.
    pub(crate) fn assigned(
        &mut self,
        context: &mut Context,
        generation_id: i32,
        result: Result<BTreeMap<Name, Bytes>, GroupError>,
    ) {
        // The group may have moved on meanwhile; then whoever waited was answered by that.
        if self.state != State::CompletingRebalance || self.generation_id != generation_id {
            return;
        }
        self.is_assigning = false;
        match result {
            Ok(mut assignments) => {
                for member in self.members.values_mut() {
                    member.assignment = assignments.remove(&member.id).unwrap_or_default();
                }
                self.enter(context, State::Stable);
                self.send_assignments(context);
                info!(group = &*self.id, generation = generation_id, "the group is stable");
            }
            Err(error) => {
                self.drop_assignment(context, error);
                self.prepare_rebalance(context, "the assignment could not be persisted");
            }
        }
    }

    /// A static member's replacement is replicated, or could not be.
    pub(crate) fn replaced(
        &mut self,
        context: &mut Context,
        replacement: Replacement,
        result: Result<(), ReplaceError>,
    ) {
        let Replacement { generation_id, member_id, token, predecessor, .. } = replacement;
        let waits = self.members.get(&member_id).is_some_and(|it| it.join == Some(token));
        if self.state != State::Stable || self.generation_id != generation_id || !waits {
            // A rebalance has begun meanwhile: the join takes part in it, or has been answered.
            return;
        }
        self.take_join(&member_id);
        match result {
            Ok(()) => {
                let mut reply = self.joined_reply(&member_id);
                if let Ok(joined) = &mut reply.result {
                    if replacement.can_skip_assignment {
                        joined.skip_assignment = self.is_leader(&member_id);
                    } else {
                        joined.leader = replacement.previous_leader;
                        joined.members = Vec::new();
                    }
                }
                context.reply(token, Reply::Join(reply));
                self.renew_session(context, &member_id);
            }
            Err(error) => {
                let reply = JoinReply::failed(Name::default(), error.reason());
                context.reply(token, Reply::Join(reply));
                if let ReplaceError::Refused(_) = error {
                    debug!(group = &*self.id, member = &*predecessor.id, "putting a member back");
                    self.replace(context, &member_id, predecessor.id.clone());
                    self.update(
                        &predecessor.id,
                        predecessor.protocols,
                        predecessor.session_timeout_ms,
                        predecessor.rebalance_timeout_ms,
                    );
                    self.renew_session(context, &predecessor.id);
                }
            }
        }
    }

    /// Moves to another state, and notes when.
    pub(crate) fn enter(&mut self, context: &Context, state: State) {
        self.state = state;
        self.state_timestamp_ms = Some(context.now_ms);
        self.initial_delay = None;
    }

    /// The leader stays if it joined; otherwise one that did takes over. False if nobody did.
    fn elect_leader(&mut self) -> bool {
        let has_joined = |id: &Name| self.members.get(id).is_some_and(|it| it.join.is_some());
        if !self.leader.as_ref().is_some_and(has_joined) {
            let joined = self.members.values().find(|member| member.join.is_some());
            let Some(successor) = joined else { return false };
            info!(group = &*self.id, leader = &*successor.id, "the leader did not rejoin");
            self.leader = Some(successor.id.clone());
        }
        true
    }

    fn drop_assignment(&mut self, context: &mut Context, error: GroupError) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
        }
        self.answer_syncs(context, |_| Err(error));
    }

    fn send_assignments(&mut self, context: &mut Context) {
        let protocol_type = self.protocol_type.clone();
        let protocol_name = self.protocol_name.clone();
        self.answer_syncs(context, |assignment| {
            Ok(Synced {
                protocol_type: protocol_type.clone(),
                protocol_name: protocol_name.clone(),
                assignment: assignment.clone(),
            })
        });
    }

    /// Answers every sync that waits. Sessions start anew: those that ended meanwhile were excused.
    fn answer_syncs(
        &mut self,
        context: &mut Context,
        answer: impl Fn(&Bytes) -> Result<Synced, GroupError>,
    ) {
        let mut answered = Vec::new();
        for member in self.members.values_mut() {
            if let Some(token) = member.sync.take() {
                context.reply(token, Reply::Sync(answer(&member.assignment)));
                answered.push(member.id.clone());
            }
        }
        for member_id in answered {
            self.renew_session(context, &member_id);
        }
    }
}

/// Why a static member's replacement is not confirmed.
pub(crate) enum ReplaceError {
    /// It is not in the log: the predecessor is still the member.
    Refused(GroupError),
    /// It is in the log, but not replicated in time: the client will come back as yet another.
    Overdue,
}

impl ReplaceError {
    fn reason(&self) -> GroupError {
        match self {
            Self::Refused(error) => *error,
            Self::Overdue => GroupError::CoordinatorNotAvailable,
        }
    }
}
