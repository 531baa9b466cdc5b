//! Moving replicas of a partition to other brokers (KIP-455).
//!
//! A partition first has the wanted replicas and, behind them, those that will go. Once the added
//! ones are in sync, `election::change` drops the others.

use std::sync::Arc;

use super::election::{Rules, change};
use super::state::State;
use super::{Outcome, topic};
use crate::{BrokerId, ControlError, Partition, Record, TopicPartition};

/// Begins or changes a reassignment; with `None` takes back the one that is under way. No records:
/// the partition is as wanted.
pub(super) fn reassign(
    state: State<'_>,
    id: &TopicPartition,
    replicas: Option<&[BrokerId]>,
) -> Outcome {
    topic::exists(state, &id.topic)?;
    let unknown = || ControlError::UnknownTopicOrPartition(Some(id.to_string()));
    let partition = state.image.partitions.get(id).ok_or_else(unknown)?;
    let after = match replicas {
        Some(replicas) => begin(state, partition, replicas)?,
        None => cancel(state, partition)?,
    };
    Ok(after.into_iter().map(Record::Partition).collect())
}

fn begin(
    state: State<'_>,
    partition: &Arc<Partition>,
    wanted: &[BrokerId],
) -> Result<Option<Partition>, ControlError> {
    topic::check_assignment(state, wanted, None)?;
    let original = without(&partition.replicas, &partition.adding_replicas);
    let adding = without(wanted, &original);
    let removing = without(&original, wanted);
    let replicas = [wanted, &removing].concat();
    topic::check_replaced(state, &partition.id, &replicas)?;
    // What an earlier reassignment was adding, and this one does not want, goes at once.
    let dropped = without(&partition.replicas, &replicas);
    let isr = spare(partition, &dropped)?;
    Ok(change(partition, Rules::new(state), |after| {
        after.replicas = replicas;
        after.isr = isr;
        after.adding_replicas = adding;
        after.removing_replicas = removing;
    }))
}

fn cancel(state: State<'_>, partition: &Arc<Partition>) -> Result<Option<Partition>, ControlError> {
    let adding = &partition.adding_replicas;
    if adding.is_empty() && partition.removing_replicas.is_empty() {
        return Err(ControlError::NoReassignmentInProgress(partition.id.to_string()));
    }
    let isr = spare(partition, adding)?;
    Ok(change(partition, Rules::new(state), |after| {
        after.replicas = without(&partition.replicas, adding);
        after.isr = isr;
        after.adding_replicas.clear();
        after.removing_replicas.clear();
    }))
}

/// The ISR without these, unless they alone hold the data.
fn spare(partition: &Partition, these: &[BrokerId]) -> Result<Vec<BrokerId>, ControlError> {
    let isr = without(&partition.isr, these);
    if isr.is_empty() && without(&partition.elr, these).is_empty() {
        return Err(ControlError::InvalidReplicaAssignment(format!(
            "Unable to revert partition assignment for {} because it would require an unclean \
             leader election.",
            partition.id
        )));
    }
    Ok(isr)
}

fn without(all: &[BrokerId], these: &[BrokerId]) -> Vec<BrokerId> {
    all.iter().copied().filter(|it| !these.contains(it)).collect()
}
