//! What members ask of their group: to join, to get their share, to stay, to leave.

use std::collections::BTreeMap;

use bytes::Bytes;
use tracing::info;

use crate::context::{Context, InFlight, Outcome, Replacement};
use crate::group::{Group, State};
use crate::member::Member;
use crate::reply::{GroupError, JoinReply, LeftMember, Reply, Synced};
use crate::request::{Heartbeat, Join, LeavingMember, Protocol, Sync};
use crate::{Name, ReplyToken, records, subscription};

/// From this version on, members are first given an id, and join with it (KIP-394).
const MEMBER_ID_REQUIRED_VERSION: i16 = 4;
/// From this version on, the leader can be told to keep the present assignment (KIP-814).
const SKIP_ASSIGNMENT_VERSION: i16 = 9;
/// From this version on, a sync must say what protocol it is about (KIP-559).
const PROTOCOL_REQUIRED_VERSION: i16 = 5;

impl Group {
    /// Serves a join.
    pub(crate) fn join(&mut self, context: &mut Context, join: Join, token: ReplyToken) {
        let refuse = |context: &mut Context, member_id: Name, error: GroupError| {
            context.reply(token, Reply::Join(JoinReply::failed(member_id, error)));
        };
        if !self.has_room_for(context, &join.member_id) {
            // After `group.max.size` was lowered, the last to come back go.
            self.remove(context, &join.member_id);
            refuse(context, Name::default(), GroupError::GroupMaxSizeReached);
            return self.complete_if_all_joined(context);
        }
        if !self.supports(&join.protocol_type, &join.protocols) {
            return refuse(context, join.member_id, GroupError::InconsistentGroupProtocol);
        }
        if join.member_id.is_empty() {
            self.join_new(context, join, token);
        } else if self.pending_members.contains(&join.member_id) && join.group_instance_id.is_none()
        {
            self.add(context, join.member_id.clone(), join, token);
        } else if let Err(error) =
            self.validate_member(&join.member_id, join.group_instance_id.as_deref())
        {
            refuse(context, join.member_id, error);
        } else {
            self.join_again(context, join, token);
        }
    }

    /// An existing member always has a place, except that a rebalance counts those who came back.
    fn has_room_for(&self, context: &Context, member_id: &str) -> bool {
        let size_max = context.config.group_max_size;
        match self.state {
            State::Empty | State::Dead => true,
            State::PreparingRebalance => {
                let member = self.members.get(member_id);
                member.is_some_and(|member| member.join.is_some()) || self.joined() < size_max
            }
            State::CompletingRebalance | State::Stable => {
                self.members.contains_key(member_id) || self.members.len() < size_max
            }
        }
    }

    fn join_new(&mut self, context: &mut Context, join: Join, token: ReplyToken) {
        let prefix = join.group_instance_id.as_ref().unwrap_or(&join.client_id);
        let member_id = Name::from(format!("{prefix}-{}", join.new_member_uuid));
        let known = join.group_instance_id.as_ref().and_then(|id| self.static_members.get(id));
        if let Some(old_id) = known.cloned() {
            return self.take_over(context, &old_id, member_id, join, token);
        }
        let is_static = join.group_instance_id.is_some();
        if is_static || join.api_version < MEMBER_ID_REQUIRED_VERSION {
            return self.add(context, member_id, join, token);
        }
        // Clients that gave up on an earlier answer must not leave a member behind each time, so
        // the member only counts once it has come back with its id.
        let error = if self.pending_members.len() < context.config.pending_members_max {
            info!(group = &*self.id, member = &*member_id, "a new member is given its id");
            self.schedule_session(context, &member_id, join.session_timeout_ms.into());
            self.pending_members.insert(member_id.clone());
            GroupError::MemberIdRequired
        } else {
            GroupError::GroupMaxSizeReached
        };
        context.reply(token, Reply::Join(JoinReply::failed(member_id, error)));
    }

    fn add(&mut self, context: &mut Context, member_id: Name, join: Join, token: ReplyToken) {
        if let Some(initial) = &mut self.initial_delay {
            initial.member_added = true;
        }
        let member = Member {
            id: member_id.clone(),
            group_instance_id: join.group_instance_id,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout_ms: join.session_timeout_ms,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            protocols: join.protocols,
            assignment: Bytes::new(),
            is_new: true,
            join: Some(token),
            sync: None,
        };
        self.insert(member, &join.protocol_type);
        self.schedule_session(context, &member_id, context.config.new_member_join_timeout_ms);
        let reason = reason("a member joined", join.reason.as_ref());
        self.rebalance_or_complete(context, &reason);
    }

    fn join_again(&mut self, context: &mut Context, join: Join, token: ReplyToken) {
        let member = &self.members[&join.member_id];
        let is_unchanged = member.protocols == join.protocols;
        let needs_rebalance = match self.state {
            State::PreparingRebalance => true,
            State::CompletingRebalance => !is_unchanged,
            // A leader joins again when something changed that no member's metadata shows, such as
            // the number of partitions of a topic.
            State::Stable => !is_unchanged || self.is_leader(&join.member_id),
            State::Empty | State::Dead => {
                let error = GroupError::UnknownMemberId;
                let reply = JoinReply::failed(join.member_id, error);
                return context.reply(token, Reply::Join(reply));
            }
        };
        if !needs_rebalance {
            // It has probably not received the answer to its last join.
            let mut reply = self.joined_reply(&join.member_id);
            if self.state == State::Stable
                && let Ok(joined) = &mut reply.result
            {
                joined.members = Vec::new();
            }
            return context.reply(token, Reply::Join(reply));
        }
        self.take_in(context, &join.member_id, &join.protocols, &join, token);
        let reason = reason("a member joined again", join.reason.as_ref());
        self.rebalance_or_complete(context, &reason);
    }

    /// A static member came back without its id: it takes its own place, under a new id.
    fn take_over(
        &mut self,
        context: &mut Context,
        old_id: &Name,
        member_id: Name,
        join: Join,
        token: ReplyToken,
    ) {
        info!(
            group = &*self.id,
            member = &**old_id,
            successor = &*member_id,
            "a static member returned"
        );
        let previous_leader = self.leader_id();
        let predecessor = self.replace(context, old_id, member_id.clone());
        self.renew_session(context, &member_id);
        self.take_in(context, &member_id, &join.protocols, &join, token);
        match self.state {
            // It may have been a member that the leader is just now assigning work to, under its
            // old id; only another rebalance gets it any.
            State::CompletingRebalance => {
                let reason = reason("a static member returned", join.reason.as_ref());
                self.prepare_rebalance(context, &reason);
            }
            State::Stable if self.vote() == self.protocol_name => {
                self.subscribed_topics = subscription::topics(self);
                let replacement = Replacement {
                    group_id: self.id.clone(),
                    generation_id: self.generation_id,
                    predecessor,
                    member_id,
                    token,
                    previous_leader,
                    can_skip_assignment: join.api_version >= SKIP_ASSIGNMENT_VERSION,
                };
                let assignments = self.members.values();
                let assignments =
                    assignments.map(|member| (member.id.clone(), member.assignment.clone()));
                let record = records::group_metadata(self, &assignments.collect());
                let outcome = Some(Outcome::Replaced(replacement));
                context.write(vec![record], InFlight { outcome, ..InFlight::default() });
            }
            State::Stable => {
                let reason = reason("a static member changed the vote", join.reason.as_ref());
                self.prepare_rebalance(context, &reason);
            }
            State::PreparingRebalance | State::Empty | State::Dead => {
                self.complete_if_all_joined(context);
            }
        }
    }

    fn take_in(
        &mut self,
        context: &mut Context,
        member_id: &str,
        protocols: &[Protocol],
        join: &Join,
        token: ReplyToken,
    ) {
        let (session_ms, rebalance_ms) = (join.session_timeout_ms, join.rebalance_timeout_ms);
        self.update(member_id, protocols.to_vec(), session_ms, rebalance_ms);
        self.park_join(context, member_id, token);
    }

    /// Serves a sync.
    pub(crate) fn sync(&mut self, context: &mut Context, sync: Sync, token: ReplyToken) {
        if let Err(error) = self.validate_sync(&sync) {
            return context.reply(token, Reply::Sync(Err(error)));
        }
        if self.pending_sync.remove(&sync.member_id) && self.pending_sync.is_empty() {
            let timer = crate::timers::Timer::Sync { group_id: self.id.clone() };
            context.timers.cancel(&timer);
        }
        if self.state == State::Stable {
            let synced = Synced {
                protocol_type: self.protocol_type.clone(),
                protocol_name: self.protocol_name.clone(),
                assignment: self.members[&sync.member_id].assignment.clone(),
            };
            return context.reply(token, Reply::Sync(Ok(synced)));
        }
        self.park_sync(context, &sync.member_id, token);
        // A leader that asks again while its assignment is being written waits for that one.
        if self.is_leader(&sync.member_id) && !self.is_assigning {
            self.assign(context, sync.assignments);
        }
    }

    fn validate_sync(&self, sync: &Sync) -> Result<(), GroupError> {
        let is_protocol_missing = sync.protocol_type.is_none() || sync.protocol_name.is_none();
        if sync.api_version >= PROTOCOL_REQUIRED_VERSION && is_protocol_missing {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        self.validate_member(&sync.member_id, sync.group_instance_id.as_deref())?;
        let differs = |theirs: &Option<Name>, ours: &Option<Name>| {
            theirs.is_some() && ours.is_some() && theirs != ours
        };
        if sync.generation_id != self.generation_id {
            Err(GroupError::IllegalGeneration)
        } else if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol_name, &self.protocol_name)
        {
            Err(GroupError::InconsistentGroupProtocol)
        } else if self.state == State::PreparingRebalance {
            Err(GroupError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    /// Persists the leader's assignment. Members it forgot get nothing to do.
    fn assign(&mut self, context: &mut Context, assignments: Vec<(Name, Bytes)>) {
        let mut assignments: BTreeMap<Name, Bytes> = assignments.into_iter().collect();
        assignments.retain(|member_id, _| self.members.contains_key(member_id));
        let record = records::group_metadata(self, &assignments);
        let group_id = self.id.clone();
        let generation_id = self.generation_id;
        let outcome = Some(Outcome::Assigned { group_id, generation_id, assignments });
        context.write(vec![record], InFlight { outcome, ..InFlight::default() });
        self.is_assigning = true;
    }

    /// Serves a heartbeat.
    pub(crate) fn heartbeat(
        &self,
        context: &mut Context,
        heartbeat: &Heartbeat,
    ) -> Result<(), GroupError> {
        self.validate_member(&heartbeat.member_id, heartbeat.group_instance_id.as_deref())?;
        if heartbeat.generation_id != self.generation_id {
            return Err(GroupError::IllegalGeneration);
        }
        self.renew_session(context, &heartbeat.member_id);
        match self.state {
            State::PreparingRebalance => Err(GroupError::RebalanceInProgress),
            _ => Ok(()),
        }
    }

    /// Serves a leave.
    pub(crate) fn leave(
        &mut self,
        context: &mut Context,
        members: &[LeavingMember],
    ) -> Vec<LeftMember> {
        let left: Vec<LeftMember> = members
            .iter()
            .map(|leaving| LeftMember::new(leaving, self.leave_one(context, leaving)))
            .collect();
        if left.iter().any(|member| member.result.is_ok()) && self.state != State::Empty {
            self.rebalance_or_complete(context, "members left");
        }
        left
    }

    fn leave_one(
        &mut self,
        context: &mut Context,
        leaving: &LeavingMember,
    ) -> Result<(), GroupError> {
        let instance_id = leaving.group_instance_id.as_ref();
        let member_id = if leaving.member_id.is_empty() {
            // An administrator removes static members, whose member ids nobody needs to know.
            let member_id = instance_id.and_then(|id| self.static_members.get(id));
            member_id.cloned().ok_or(GroupError::UnknownMemberId)?
        } else {
            if !self.pending_members.contains(&leaving.member_id) {
                self.validate_member(&leaving.member_id, instance_id.map(|id| &**id))?;
            }
            leaving.member_id.clone()
        };
        let reason = leaving.reason.as_deref().unwrap_or("not provided");
        info!(group = &*self.id, member = &*member_id, reason, "a member left");
        self.remove(context, &member_id);
        Ok(())
    }
}

/// What happened, with the client's own words for it (KIP-800).
fn reason(what: &str, client_reason: Option<&Name>) -> String {
    format!("{what}; client reason: {}", client_reason.map_or("not provided", |reason| &**reason))
}
