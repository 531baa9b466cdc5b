//! A shard on its way to be one: the broker feeds it the log of its partition, from the start.

use std::collections::BTreeSet;

use bytes::Bytes;
use tracing::{info, warn};

use crate::config::Config;
use crate::coordinator::Coordinator;
use crate::group::{Group, State};
use crate::member::Member;
use crate::records::{Entry, GroupMetadata, RecordError};
use crate::request::Protocol;
use crate::timers::Timer;
use crate::{Effects, Name, records, subscription};

/// A shard that is being loaded.
///
/// It answers nothing: meanwhile the broker refuses requests with
/// [`GroupError::CoordinatorLoadInProgress`](crate::GroupError::CoordinatorLoadInProgress).
#[derive(Debug)]
pub struct Loading {
    coordinator: Coordinator,
}

impl Loading {
    /// Begins with nothing.
    pub fn new(config: Config) -> Self {
        Self { coordinator: Coordinator::new(config) }
    }

    /// Takes the next record of the log.
    ///
    /// Records of other kinds of groups (KIP-848 and later) are skipped. One that cannot be read is
    /// an error; the broker may go on with the next one.
    pub fn replay(&mut self, key: &Bytes, value: Option<&Bytes>) -> Result<(), RecordError> {
        let Coordinator { groups, offsets, context } = &mut self.coordinator;
        match records::decode(key, value)? {
            Some(Entry::Offset(key, value)) => {
                if value.is_some() && !groups.contains_key(&key.group_id) {
                    let mut group = Group::new(key.group_id.clone(), context.now_ms);
                    group.state_timestamp_ms = None;
                    groups.insert(key.group_id.clone(), group);
                }
                offsets.set(&key, value);
            }
            Some(Entry::Group(group_id, Some(metadata))) => {
                let group = restore(&group_id, metadata);
                groups.insert(group_id, group);
            }
            Some(Entry::Group(group_id, None)) => {
                groups.remove(&group_id);
            }
            None => {}
        }
        Ok(())
    }

    /// The log is replayed: every member has a whole session to be heard of from now on.
    pub fn finish(mut self, now_ms: i64) -> (Coordinator, Effects) {
        self.coordinator.advance(now_ms);
        let Coordinator { groups, offsets, context } = &mut self.coordinator;
        info!(
            groups = groups.len(),
            offsets = offsets.count(),
            "loaded a shard of the coordinator"
        );
        for group in groups.values_mut() {
            for member_id in group.members.keys() {
                group.renew_session(context, member_id);
            }
            if group.members.len() > context.config.group_max_size {
                warn!(group = &*group.id, "the group has more members than it may have");
                group.prepare_rebalance(context, "the group is over its size");
            }
        }
        let interval_ms = context.config.offsets_retention_check_interval_ms;
        context.schedule(Timer::OffsetExpiry, interval_ms);
        let effects = context.take_effects();
        (self.coordinator, effects)
    }
}

/// A group as its record says. Its members are known by what they use, not by all they support.
fn restore(group_id: &Name, metadata: GroupMetadata) -> Group {
    let mut group = Group::new(group_id.clone(), 0);
    group.state_timestamp_ms = metadata.state_timestamp_ms;
    group.generation_id = metadata.generation_id;
    group.protocol_type = Some(metadata.protocol_type.clone()).filter(|name| !name.is_empty());
    group.protocol_name = metadata.protocol_name.clone();
    let mut instance_ids = BTreeSet::new();
    for loaded in metadata.members {
        let is_twin =
            loaded.group_instance_id.as_ref().is_some_and(|id| !instance_ids.insert(id.clone()));
        if is_twin || group.members.contains_key(&loaded.member_id) {
            warn!(group = &**group_id, member = &*loaded.member_id, "a member is recorded twice");
            continue;
        }
        let name = metadata.protocol_name.clone().unwrap_or_default();
        let member = Member {
            id: loaded.member_id,
            group_instance_id: loaded.group_instance_id,
            client_id: loaded.client_id,
            client_host: loaded.client_host,
            session_timeout_ms: loaded.session_timeout_ms,
            rebalance_timeout_ms: loaded.rebalance_timeout_ms,
            protocols: vec![Protocol { name, metadata: loaded.subscription }],
            assignment: loaded.assignment,
            is_new: false,
            join: None,
            sync: None,
        };
        group.insert(member, &metadata.protocol_type);
    }
    if !group.members.is_empty() {
        group.state = State::Stable;
        if let Some(leader) = metadata.leader.filter(|leader| group.members.contains_key(leader)) {
            group.leader = Some(leader);
        }
    }
    group.subscribed_topics = subscription::topics(&group);
    group
}
