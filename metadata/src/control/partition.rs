//! ISR changes that partition leaders propose, and elections that people ask for.

use std::sync::Arc;

use super::election::{Rules, change};
use super::state::State;
use super::{AlterPartition, Election, Outcome};
use crate::{BrokerId, ControlError, Partition, Record, TopicPartition};

/// Changes an ISR (KIP-497, KIP-903). The checks and their order are Kafka's. The answer is the one
/// [`Record::Partition`]: if it names another leader than the sender, a reassignment was completed
/// or the sender is on its way out, and the sender's answer is NEW_LEADER_ELECTED.
///
/// Beyond Kafka, a leader may propose an ISR without itself: it has found its log damaged.
pub(super) fn alter(state: State<'_>, request: &AlterPartition) -> Outcome {
    state.check_broker_epoch(request.broker, request.broker_epoch)?;
    let topic = state
        .image
        .topic_by_id(&request.topic_id)
        .ok_or(ControlError::UnknownTopicId(request.topic_id))?;
    let id = TopicPartition { topic: topic.name.clone(), partition: request.partition };
    let partition = find(state, &id)?;
    check_epochs(partition, request)?;
    check_isr(partition, request)?;
    for (member, epoch) in &request.isr {
        if !is_eligible(state, request.broker, *member, *epoch) {
            return Err(ControlError::IneligibleReplica(*member));
        }
    }
    let resigns = request.isr.iter().all(|(member, _)| *member != request.broker);
    let rules = match resigns {
        // Its log is damaged: it must not be elected before it has caught up again.
        true => Rules::new(state).stopped_uncleanly(request.broker),
        false => Rules::new(state),
    };
    let after = change(partition, rules, |after| {
        after.isr = request.isr.iter().map(|(member, _)| *member).collect();
        after.recovering = request.recovering;
        // A leader on its way out stays in sync only as long as nobody can take over.
        if after.isr.iter().any(|it| state.image.is_active(*it)) {
            after.isr.retain(|it| state.image.is_active(*it));
        }
    });
    let partition = after.unwrap_or_else(|| Partition::clone(partition));
    Ok(vec![Record::Partition(partition)])
}

/// A sender with higher epochs knows more than this controller, which must be stale itself.
fn check_epochs(partition: &Partition, request: &AlterPartition) -> Result<(), ControlError> {
    if request.leader_epoch > partition.leader_epoch
        || request.partition_epoch > partition.partition_epoch
    {
        return Err(ControlError::NotController);
    }
    if request.leader_epoch < partition.leader_epoch {
        let (got, current) = (request.leader_epoch, partition.leader_epoch);
        return Err(ControlError::FencedLeaderEpoch { got, current });
    }
    if partition.leader != Some(request.broker) {
        return Err(ControlError::InvalidRequest(format!(
            "broker {} does not lead {}",
            request.broker, partition.id
        )));
    }
    if request.partition_epoch < partition.partition_epoch {
        let (got, current) = (request.partition_epoch, partition.partition_epoch);
        return Err(ControlError::InvalidUpdateVersion { got, current });
    }
    Ok(())
}

fn check_isr(partition: &Partition, request: &AlterPartition) -> Result<(), ControlError> {
    let invalid = |why: String| Err(ControlError::InvalidRequest(why));
    let members = || request.isr.iter().map(|(member, _)| *member);
    for (index, member) in members().enumerate() {
        if !partition.replicas.contains(&member) {
            return invalid(format!("{member} is no replica of {}", partition.id));
        }
        if members().take(index).any(|it| it == member) {
            return invalid(format!("{member} stands twice in the ISR of {}", partition.id));
        }
    }
    // A leader may leave it, unlike in Kafka, but only to others.
    if request.isr.is_empty() {
        return invalid(format!("the ISR of {} would be empty", partition.id));
    }
    if request.recovering && request.isr.len() > 1 {
        return invalid(format!("{} cannot grow its ISR while it is recovering", partition.id));
    }
    if request.recovering && !partition.recovering {
        return invalid(format!("{} has recovered already", partition.id));
    }
    Ok(())
}

/// A follower must be active, and fetch as the process that is registered (KIP-903). The leader
/// itself may be on its way out: it hands over with this very request.
fn is_eligible(state: State<'_>, leader: BrokerId, member: BrokerId, epoch: i64) -> bool {
    state.image.brokers.get(&member).is_some_and(|broker| {
        !broker.fenced
            && (!broker.in_controlled_shutdown || member == leader)
            && (epoch == -1 || epoch == broker.epoch)
    })
}

/// An election that somebody asks for (ElectLeaders).
pub(super) fn elect_leader(state: State<'_>, id: &TopicPartition, election: Election) -> Outcome {
    if !state.image.topics.contains_key(&id.topic) {
        return Err(ControlError::UnknownTopicOrPartition(Some(id.topic.to_string())));
    }
    let partition = find(state, id)?;
    let (rules, is_needed, otherwise) = match election {
        Election::Preferred => (
            Rules::new(state).preferred(),
            partition.leader != partition.replicas.first().copied(),
            ControlError::PreferredLeaderNotAvailable,
        ),
        Election::Unclean => (
            Rules::new(state).unclean(),
            partition.leader.is_none(),
            ControlError::EligibleLeadersNotAvailable,
        ),
    };
    if !is_needed {
        return Err(ControlError::ElectionNotNeeded);
    }
    match change(partition, rules, |_| {}) {
        Some(after) => Ok(vec![Record::Partition(after)]),
        None => Err(otherwise),
    }
}

fn find<'a>(state: State<'a>, id: &TopicPartition) -> Result<&'a Arc<Partition>, ControlError> {
    let found = state.image.partitions.get(id);
    found.ok_or_else(|| ControlError::UnknownTopicOrPartition(Some(id.to_string())))
}
