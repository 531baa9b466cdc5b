//! From what producers and readers noted down to one history.

use std::collections::BTreeMap;

use crate::history::{Action, History, Operation, Outcome, Send};
use crate::publisher::lock;

use super::Run;
use super::payload::value_of;
use super::reader::{ReadLog, Role};

/// One producer's sends, by sequence number.
#[derive(Debug, Default)]
pub(super) struct SendLog {
    pub outcomes: Vec<SendOutcome>,
    pub acknowledged: u64,
}

/// The offset of an acknowledged record, or a mark below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SendOutcome(i64);

impl SendOutcome {
    pub(super) const UNKNOWN: SendOutcome = SendOutcome(-1);
    pub(super) const NOT_SENT: SendOutcome = SendOutcome(-2);
    /// Acknowledged, but the client does not know the offset.
    pub(super) const SOMEWHERE: SendOutcome = SendOutcome(-3);

    pub(super) fn acknowledged(offset: Option<i64>) -> SendOutcome {
        offset.map_or(SendOutcome::SOMEWHERE, SendOutcome)
    }
}

/// The partition of a producer's record: every producer goes round all partitions.
pub(super) fn partition_of(producer: usize, sequence: u64, partitions: i32) -> i32 {
    ((producer as u64 + sequence) % partitions as u64) as i32
}

/// One more than the highest acknowledged offset of each partition.
pub(super) fn acknowledged_ends(run: &Run) -> BTreeMap<i32, i64> {
    let mut ends = BTreeMap::new();
    for (producer, log) in run.sends.iter().enumerate() {
        for (sequence, outcome) in lock(log).outcomes.iter().enumerate() {
            if outcome.0 >= 0 {
                let partition = partition_of(producer, sequence as u64, run.partitions);
                let end: &mut i64 = ends.entry(partition).or_default();
                *end = (*end).max(outcome.0 + 1);
            }
        }
    }
    ends
}

/// Records that members of the group received although the group had received them before.
pub(super) fn redelivered(logs: &[ReadLog]) -> u64 {
    let mut offsets: Vec<(u32, i64)> = logs
        .iter()
        .filter(|log| matches!(log.role, Role::Member { .. }))
        .flat_map(|log| &log.operations)
        .flat_map(|operation| operation.polls())
        .flat_map(|poll| poll.records.iter().map(|(offset, _)| (poll.key, *offset)))
        .collect();
    let received = offsets.len();
    offsets.sort_unstable();
    offsets.dedup();
    (received - offsets.len()) as u64
}

/// Everything that was noted down.
pub(super) struct Evidence<'a> {
    pub topic: &'a str,
    pub run: &'a Run,
    pub logs: Vec<ReadLog>,
}

impl Evidence<'_> {
    /// Records handed to the client.
    pub(super) fn sent(&self) -> u64 {
        self.run.sends.iter().map(|log| lock(log).outcomes.len() as u64).sum()
    }

    /// One process per producer and reader; the keys are the partitions in order.
    pub(super) fn into_history(self) -> History {
        let mut history = History::new();
        for partition in 0..self.run.partitions {
            history.key(&format!("{}-{partition}", self.topic));
        }
        for (producer, log) in self.run.sends.iter().enumerate() {
            for (sequence, outcome) in lock(log).outcomes.iter().enumerate() {
                let sequence = sequence as u64;
                let (outcome, offset) = match *outcome {
                    SendOutcome::UNKNOWN => (Outcome::Info, None),
                    SendOutcome::NOT_SENT => (Outcome::Fail, None),
                    SendOutcome::SOMEWHERE => (Outcome::Ok, None),
                    SendOutcome(offset) => (Outcome::Ok, Some(offset)),
                };
                let key = partition_of(producer, sequence, self.run.partitions) as u32;
                let send = Send { key, offset, value: value_of(producer, sequence) };
                history.push(Operation {
                    process: producer as u32,
                    outcome,
                    action: Action::Send(send),
                });
            }
        }
        for log in self.logs {
            for operation in log.operations {
                history.push(operation);
            }
        }
        history
    }
}
