//! A classic group: its members, and what they have agreed upon.
//!
//! The bookkeeping of membership is here; `rebalance` moves the group through its states and
//! `membership` serves its members' requests.
//!
//! ```text
//!            first member                all joined, or time is up
//!   Empty ------------------> Preparing ---------------------------> Completing
//!     ^                        ^  |  ^                                   |
//!     |   nobody joined        |  |  |  a member joins, leaves, fails    | leader's assignment
//!     +------------------------+--+  |  or does not sync                 | is replicated
//!                              |     +-----------------------------------+
//!                              +--------------------- Stable <-----------+
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::context::Context;
use crate::member::Member;
use crate::reply::{GroupError, JoinReply, Reply};
use crate::request::Protocol;
use crate::timers::Timer;
use crate::{Name, ReplyToken};

/// The protocol type whose metadata the coordinator looks into.
const CONSUMER: &str = "consumer";

/// Where a group is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Without members; it may have offsets.
    Empty,
    /// Waiting for members to join the next generation.
    PreparingRebalance,
    /// Waiting for the leader's assignment.
    CompletingRebalance,
    /// At work.
    Stable,
    /// Does not exist; only ever seen in descriptions.
    Dead,
}

impl State {
    /// The name Kafka gives the state.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

/// The first rebalance of a group waits for more members, as long as more keep coming.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitialDelay {
    pub(crate) delay_ms: i64,
    pub(crate) remaining_ms: i64,
    pub(crate) member_added: bool,
}

/// A group. Its fields are plain: this crate keeps the invariants that `check` spells out.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: Name,
    pub(crate) state: State,
    /// When it entered the state; unknown in records older than value version 2.
    pub(crate) state_timestamp_ms: Option<i64>,
    pub(crate) generation_id: i32,
    /// Absent from groups that only ever committed offsets.
    pub(crate) protocol_type: Option<Name>,
    pub(crate) protocol_name: Option<Name>,
    pub(crate) leader: Option<Name>,
    pub(crate) members: BTreeMap<Name, Member>,
    /// Member ids by group instance id.
    pub(crate) static_members: BTreeMap<Name, Name>,
    /// Given an id, not joined yet (KIP-394).
    pub(crate) pending_members: BTreeSet<Name>,
    /// Told of the generation, not asked for their share yet.
    pub(crate) pending_sync: BTreeSet<Name>,
    /// Topics the members subscribe to; absent when the coordinator cannot know.
    pub(crate) subscribed_topics: Option<BTreeSet<Name>>,
    /// Set while the first rebalance of the group is prepared.
    pub(crate) initial_delay: Option<InitialDelay>,
    /// The assignment of this generation is being written.
    pub(crate) is_assigning: bool,
    /// How many members support each protocol.
    protocol_counts: BTreeMap<Name, usize>,
    /// How many members wait in a join.
    joined: usize,
}

impl Group {
    /// A group without members, protocol or past.
    pub(crate) fn new(id: Name, now_ms: i64) -> Self {
        Self {
            id,
            state: State::Empty,
            state_timestamp_ms: Some(now_ms),
            generation_id: 0,
            protocol_type: None,
            protocol_name: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_members: BTreeSet::new(),
            pending_sync: BTreeSet::new(),
            subscribed_topics: None,
            initial_delay: None,
            is_assigning: false,
            protocol_counts: BTreeMap::new(),
            joined: 0,
        }
    }

    /// Whether nothing is known of it but its name, and perhaps offsets.
    pub(crate) fn is_vacant(&self) -> bool {
        self.state == State::Empty
            && self.protocol_type.is_none()
            && self.pending_members.is_empty()
            && self.generation_id == 0
    }

    pub(crate) fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// The leader's id, empty when there is none.
    pub(crate) fn leader_id(&self) -> Name {
        self.leader.clone().unwrap_or_default()
    }

    pub(crate) fn is_consumer_group(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Consumers whose subscription cannot be read are taken to subscribe to everything.
    pub(crate) fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed_topics {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer_group(),
        }
    }

    /// The longest time that any member asks a rebalance to wait for it.
    pub(crate) fn rebalance_timeout_ms(&self) -> i64 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0).into()
    }

    pub(crate) fn has_all_joined(&self) -> bool {
        self.joined == self.members.len() && self.pending_members.is_empty()
    }

    pub(crate) fn joined(&self) -> usize {
        self.joined
    }

    /// Whether somebody with these protocols can be a member.
    pub(crate) fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.state == State::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let supported_by_all = |name: &Name| {
            self.protocol_counts.get(name).copied().unwrap_or(0) == self.members.len()
        };
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|protocol| supported_by_all(&protocol.name))
    }

    /// The protocol that most members want most, of those that all support.
    pub(crate) fn vote(&self) -> Option<Name> {
        let is_candidate = |name: &Name| self.protocol_counts[name] == self.members.len();
        let mut votes: BTreeMap<&Name, usize> = BTreeMap::new();
        for member in self.members.values() {
            let names = member.protocols.iter().map(|protocol| &protocol.name);
            let choice = names.into_iter().find(|name| is_candidate(name))?;
            *votes.entry(choice).or_default() += 1;
        }
        let winner = votes.into_iter().max_by_key(|(_, votes)| *votes);
        winner.map(|(name, _)| name.clone())
    }

    /// Checks that a request comes from who is a member now.
    pub(crate) fn validate_member(
        &self,
        member_id: &str,
        group_instance_id: Option<&str>,
    ) -> Result<(), GroupError> {
        if let Some(instance_id) = group_instance_id {
            match self.static_members.get(instance_id) {
                None => return Err(GroupError::UnknownMemberId),
                Some(current) if &**current != member_id => {
                    return Err(GroupError::FencedInstanceId);
                }
                Some(_) => {}
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(GroupError::UnknownMemberId) }
    }

    /// Adds a member; the first one decides the protocol type, and leads.
    pub(crate) fn insert(&mut self, member: Member, protocol_type: &Name) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        if let Some(instance_id) = &member.group_instance_id {
            self.static_members.insert(instance_id.clone(), member.id.clone());
        }
        self.pending_members.remove(&member.id);
        self.count_protocols(&member.protocols);
        self.joined += usize::from(member.join.is_some());
        let previous = self.members.insert(member.id.clone(), member);
        assert!(previous.is_none(), "member ids are fresh");
    }

    /// Removes a member, pending ones included, and refuses what it waits for.
    pub(crate) fn remove(&mut self, context: &mut Context, member_id: &str) {
        let timer = Timer::Session { group_id: self.id.clone(), member_id: member_id.into() };
        context.timers.cancel(&timer);
        self.pending_members.remove(member_id);
        self.pending_sync.remove(member_id);
        let Some(mut member) = self.members.remove(member_id) else { return };
        self.discount_protocols(&member.protocols);
        self.refuse_waiting(context, &mut member, GroupError::UnknownMemberId, Name::default());
        if let Some(instance_id) = &member.group_instance_id {
            self.static_members.remove(instance_id);
        }
        if self.is_leader(member_id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    /// Gives a static member's place to another member id, and fences the old one.
    pub(crate) fn replace(&mut self, context: &mut Context, old_id: &str, new_id: Name) -> Member {
        let mut old = self.members.remove(old_id).expect("static members are members");
        let timer = Timer::Session { group_id: self.id.clone(), member_id: old.id.clone() };
        context.timers.cancel(&timer);
        let fenced_id = old.id.clone();
        self.refuse_waiting(context, &mut old, GroupError::FencedInstanceId, fenced_id);
        if self.is_leader(old_id) {
            self.leader = Some(new_id.clone());
        }
        if self.pending_sync.remove(old_id) {
            self.pending_sync.insert(new_id.clone());
        }
        if let Some(instance_id) = &old.group_instance_id {
            self.static_members.insert(instance_id.clone(), new_id.clone());
        }
        let new = Member { id: new_id.clone(), is_new: false, ..old.clone() };
        self.members.insert(new_id, new);
        old
    }

    /// Takes over what a member says when it joins again.
    pub(crate) fn update(
        &mut self,
        member_id: &str,
        protocols: Vec<Protocol>,
        session_timeout_ms: i32,
        rebalance_timeout_ms: i32,
    ) {
        let member = self.members.get_mut(member_id).expect("only members are updated");
        let previous = std::mem::replace(&mut member.protocols, protocols.clone());
        member.session_timeout_ms = session_timeout_ms;
        member.rebalance_timeout_ms = rebalance_timeout_ms;
        self.discount_protocols(&previous);
        self.count_protocols(&protocols);
    }

    /// Lets a member's join wait for the rebalance.
    pub(crate) fn park_join(&mut self, context: &mut Context, member_id: &str, token: ReplyToken) {
        let member = self.members.get_mut(member_id).expect("only members wait");
        match member.join.replace(token) {
            None => self.joined += 1,
            // The same member asked twice: the first connection is likely gone, but is answered.
            Some(previous) => {
                let reply = JoinReply::failed(member.id.clone(), GroupError::RebalanceInProgress);
                context.reply(previous, Reply::Join(reply));
            }
        }
    }

    /// Takes a waiting join, to be answered now.
    pub(crate) fn take_join(&mut self, member_id: &str) -> Option<ReplyToken> {
        let token = self.members.get_mut(member_id)?.join.take()?;
        self.joined -= 1;
        Some(token)
    }

    /// Lets a member's sync wait for the assignment.
    pub(crate) fn park_sync(&mut self, context: &mut Context, member_id: &str, token: ReplyToken) {
        let member = self.members.get_mut(member_id).expect("only members wait");
        if let Some(previous) = member.sync.replace(token) {
            context.reply(previous, Reply::Sync(Err(GroupError::RebalanceInProgress)));
        }
    }

    /// Expects to hear from a member within its session timeout.
    pub(crate) fn renew_session(&self, context: &mut Context, member_id: &str) {
        let Some(member) = self.members.get(member_id) else { return };
        self.schedule_session(context, &member.id, member.session_timeout_ms.into());
    }

    /// Expects to hear from a member within some time.
    pub(crate) fn schedule_session(
        &self,
        context: &mut Context,
        member_id: &Name,
        timeout_ms: i64,
    ) {
        let timer = Timer::Session { group_id: self.id.clone(), member_id: member_id.clone() };
        context.schedule(timer, timeout_ms);
    }

    /// Refuses everything that members wait for.
    pub(crate) fn refuse_all(&mut self, context: &mut Context, error: GroupError) {
        for (id, mut member) in std::mem::take(&mut self.members) {
            self.refuse_waiting(context, &mut member, error, id.clone());
            self.members.insert(id, member);
        }
    }

    /// Disarms everything armed for this group.
    pub(crate) fn cancel_timers(&self, context: &mut Context) {
        context.timers.cancel(&Timer::Join { group_id: self.id.clone() });
        context.timers.cancel(&Timer::Sync { group_id: self.id.clone() });
        for member_id in self.members.keys().chain(&self.pending_members) {
            let timer = Timer::Session { group_id: self.id.clone(), member_id: member_id.clone() };
            context.timers.cancel(&timer);
        }
    }

    fn refuse_waiting(
        &mut self,
        context: &mut Context,
        member: &mut Member,
        error: GroupError,
        member_id: Name,
    ) {
        if let Some(token) = member.join.take() {
            self.joined -= 1;
            context.reply(token, Reply::Join(JoinReply::failed(member_id, error)));
        }
        if let Some(token) = member.sync.take() {
            context.reply(token, Reply::Sync(Err(error)));
        }
    }

    fn count_protocols(&mut self, protocols: &[Protocol]) {
        for protocol in protocols {
            *self.protocol_counts.entry(protocol.name.clone()).or_default() += 1;
        }
    }

    fn discount_protocols(&mut self, protocols: &[Protocol]) {
        for protocol in protocols {
            if let Some(count) = self.protocol_counts.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.protocol_counts.remove(&protocol.name);
                }
            }
        }
    }
}

#[cfg(test)]
impl Group {
    /// What holds between steps, whatever the requests.
    pub(crate) fn check(&self) {
        let members = self.members.values();
        assert_eq!(self.joined, members.clone().filter(|member| member.join.is_some()).count());
        assert_eq!(self.leader.is_some(), !self.members.is_empty(), "who has members has a leader");
        assert!(self.leader.iter().all(|leader| self.members.contains_key(leader)));
        assert!(self.pending_members.iter().all(|id| !self.members.contains_key(id)));
        assert!(self.pending_sync.iter().all(|id| self.members.contains_key(id)));
        let statics = members.clone().filter(|member| member.is_static()).count();
        assert_eq!(self.static_members.len(), statics, "instance ids are unique");
        for member in members.clone() {
            let holds = match self.state {
                State::PreparingRebalance => member.sync.is_none(),
                State::CompletingRebalance => member.join.is_none(),
                // A static member's join may wait for its replacement to be replicated.
                State::Stable => member.sync.is_none(),
                State::Empty | State::Dead => false,
            };
            assert!(holds, "{:?} may not wait so while {:?}", member, self.state);
        }
        assert!(self.initial_delay.is_none() || self.state == State::PreparingRebalance);
        assert!(self.members.is_empty() || self.vote().is_some(), "members share a protocol");
    }
}
