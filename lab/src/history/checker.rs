//! Judges a history: was anything lost, duplicated, reordered, invented?
//!
//! The rules are those by which published consistency tests of Kafka-like systems judge, computed
//! in linear passes: version orders first (`versions`), then questions about sets (lost, unseen,
//! phantom), then the order that each process saw, then circles among transactions.

use std::collections::{HashMap, HashSet};

use super::cycles::{Graph, circles};
use super::versions::{KeyVersions, Version, committed, versions};
use super::{Action, History, Key, Operation, Outcome, Step, Value, Verdict};

/// Whether the history ends with a read of every partition from beginning to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FinalRead {
    /// It does: what must be in the log and was never read is lost.
    Complete,
    /// It does not: only gaps below the highest record read count as lost.
    Partial,
}

/// Judges a history. Linear in its records, apart from one sort of the distinct ones.
pub fn check(history: &History, final_read: FinalRead) -> Verdict {
    let mut verdict = Verdict::new();
    let keys = versions(history, &mut verdict);
    count(history, &keys, &mut verdict);
    find_lost(history, &keys, final_read, &mut verdict);
    find_impossible_reads(history, &keys, &mut verdict);
    find_broken_order(history, &keys, &mut verdict);
    find_circles(history, &keys, &mut verdict);
    verdict.judge(final_read);
    verdict
}

fn count(history: &History, keys: &[KeyVersions], verdict: &mut Verdict) {
    for operation in history.operations() {
        let sends = operation.sends().count() as u64;
        match operation.outcome {
            Outcome::Ok => verdict.acknowledged += sends,
            Outcome::Info => verdict.unknown += sends,
            Outcome::Fail => verdict.failed += sends,
        }
        verdict.records_read +=
            operation.polls().map(|poll| poll.records.len() as u64).sum::<u64>();
    }
    verdict.values_read = keys
        .iter()
        .map(|key| key.values.values().filter(|version| version.read).count() as u64)
        .sum();
}

fn find_lost(
    history: &History,
    keys: &[KeyVersions],
    final_read: FinalRead,
    verdict: &mut Verdict,
) {
    // Up to here a key was certainly read: the highest first place of a value that was read.
    let bounds: Vec<Option<u32>> = keys
        .iter()
        .map(|key| key.values.values().filter(|version| version.read).filter_map(|v| v.first).max())
        .collect();
    for operation in history.operations() {
        if !committed(operation, keys) {
            continue;
        }
        for send in operation.sends() {
            let version = keys[send.key as usize].values[&send.value];
            if version.read {
                continue;
            }
            let name = history.name(send.key);
            let wording = || match send.offset {
                Some(offset) => format!(
                    "{name}: value {} acknowledged at offset {offset} was never read",
                    send.value
                ),
                None => format!("{name}: value {} must be there and was never read", send.value),
            };
            if operation.outcome == Outcome::Ok {
                verdict.unseen.add(wording);
            }
            let passed_over = version.first.is_some()
                && bounds[send.key as usize].is_some_and(|bound| version.last <= bound);
            if passed_over || final_read == FinalRead::Complete {
                verdict.lost.add(wording);
            }
        }
    }
}

fn find_impossible_reads(history: &History, keys: &[KeyVersions], verdict: &mut Verdict) {
    for (key, versions) in keys.iter().enumerate() {
        let mut impossible: Vec<(Value, &Version)> = versions
            .values
            .iter()
            .filter(|(_, version)| match version.writer {
                None => version.reader.is_some(),
                Some(writer) => {
                    version.read && history.operations()[writer as usize].outcome == Outcome::Fail
                }
            })
            .map(|(value, version)| (*value, version))
            .collect();
        impossible.sort_unstable_by_key(|(value, version)| (version.reader, *value));
        for (value, version) in impossible {
            let (finding, why) = match version.writer {
                None => (&mut verdict.phantom, "which nobody sent"),
                Some(_) => (&mut verdict.aborted_read, "whose send failed"),
            };
            finding.add(|| {
                format!(
                    "{}: process {} read value {value} at offset {}, {why}",
                    history.name(key as Key),
                    version.reader.map_or(0, |at| history.operations()[at as usize].process),
                    versions.offset(value).unwrap_or_default(),
                )
            });
        }
    }
    for operation in history.operations() {
        find_precommitted_read(history, operation, verdict);
    }
}

fn find_precommitted_read(history: &History, operation: &Operation, verdict: &mut Verdict) {
    let Action::Transaction(_) = operation.action else { return };
    let own: HashSet<(Key, Value)> = operation.sends().map(|send| (send.key, send.value)).collect();
    for poll in operation.polls() {
        if let Some((_, value)) =
            poll.records.iter().find(|(_, value)| own.contains(&(poll.key, *value)))
        {
            verdict.precommitted_read.add(|| {
                format!(
                    "{}: a transaction of process {} read its own value {value}",
                    history.name(poll.key),
                    operation.process
                )
            });
        }
    }
}

/// What one process saw and sent last, per key.
#[derive(Default)]
struct Position {
    read: HashMap<Key, Value>,
    sent: HashMap<Key, Value>,
    subscribed: bool,
}

fn find_broken_order(history: &History, keys: &[KeyVersions], verdict: &mut Verdict) {
    let mut positions: HashMap<u32, Position> = HashMap::new();
    for operation in history.operations() {
        let position = positions.entry(operation.process).or_default();
        match &operation.action {
            Action::Assign(kept) | Action::Subscribe(kept) => {
                if operation.outcome == Outcome::Ok {
                    position.read.retain(|key, _| kept.contains(key));
                    position.sent.retain(|key, _| kept.contains(key));
                    position.subscribed = matches!(operation.action, Action::Subscribe(_));
                }
            }
            Action::Send(_) | Action::Poll(_) | Action::Transaction(_) => {
                follow_reads(history, keys, operation, position, verdict);
                follow_sends(history, keys, operation, position, verdict);
            }
        }
    }
}

fn follow_reads(
    history: &History,
    keys: &[KeyVersions],
    operation: &Operation,
    position: &mut Position,
    verdict: &mut Verdict,
) {
    let mut within: HashMap<Key, Value> = HashMap::new();
    for poll in operation.polls() {
        let versions = &keys[poll.key as usize];
        let earlier_poll = within.get(&poll.key).copied();
        let before = earlier_poll.or_else(|| position.read.get(&poll.key).copied());
        let mut previous = before.map(|value| (value, versions.place(value)));
        // Between two operations a group's member may be sent back or forward; within one operation
        // it may not, unless its assignment changed meanwhile.
        let mut tolerant = earlier_poll.is_none() && position.subscribed;
        for (_, value) in &poll.records {
            let place = versions.place(*value);
            if let (Some((before, Some(from))), Some(to)) = (previous, place)
                && to - from != 1
            {
                let example = || {
                    format!(
                        "{}: process {} read value {value} (offset {}) directly after value \
                         {before} (offset {})",
                        history.name(poll.key),
                        operation.process,
                        versions.offset(*value).unwrap_or_default(),
                        versions.offset(before).unwrap_or_default(),
                    )
                };
                let finding = match (tolerant || poll.rebalanced, to > from) {
                    (false, true) => &mut verdict.skipped,
                    (false, false) => &mut verdict.reordered,
                    (true, true) => &mut verdict.group_skipped,
                    (true, false) => &mut verdict.redelivered,
                };
                finding.add(example);
            }
            previous = Some((*value, place));
            tolerant = false;
        }
        if let Some((_, value)) = poll.records.last() {
            within.insert(poll.key, *value);
        }
    }
    if operation.outcome == Outcome::Ok {
        position.read.extend(within);
    }
}

fn follow_sends(
    history: &History,
    keys: &[KeyVersions],
    operation: &Operation,
    position: &mut Position,
    verdict: &mut Verdict,
) {
    if operation.outcome == Outcome::Fail {
        return;
    }
    for send in operation.sends() {
        let versions = &keys[send.key as usize];
        // A send whose place is unknown says nothing about the order; the one before it still does.
        let Some(to) = versions.place(send.value) else { continue };
        let before = position.sent.insert(send.key, send.value);
        if let Some(before) = before
            && versions.place(before).is_some_and(|from| to <= from)
        {
            verdict.reordered.add(|| {
                format!(
                    "{}: process {} sent value {} after value {before}, but it stands before it \
                     (offsets {} and {})",
                    history.name(send.key),
                    operation.process,
                    send.value,
                    versions.offset(send.value).unwrap_or_default(),
                    versions.offset(before).unwrap_or_default(),
                )
            });
        }
    }
}

/// Circles need operations that touch several keys, or read and write: only transactions can.
fn find_circles(history: &History, keys: &[KeyVersions], verdict: &mut Verdict) {
    let operations = history.operations();
    let is_transaction =
        |index: u32| matches!(operations[index as usize].action, Action::Transaction(_));
    if !(0..operations.len() as u32).any(is_transaction) {
        return;
    }
    let mut reads_from = Graph::new();
    for (reader, operation) in operations.iter().enumerate() {
        let Action::Transaction(steps) = &operation.action else { continue };
        let polls = steps.iter().filter_map(|step| match step {
            Step::Poll(polls) => Some(polls),
            Step::Send(_) => None,
        });
        for poll in polls.flatten() {
            for (_, value) in &poll.records {
                let writer = keys[poll.key as usize].values[value].writer;
                if let Some(writer) = writer.filter(|w| *w != reader as u32 && is_transaction(*w)) {
                    reads_from.entry(writer).or_default().push(reader as u32);
                }
            }
        }
    }
    let mut overwrites = Graph::new();
    for key in keys {
        let writers = key.order.iter().filter_map(|value| key.values[value].writer);
        for (earlier, later) in writers.clone().zip(writers.skip(1)) {
            if earlier != later {
                overwrites.entry(earlier).or_default().push(later);
            }
        }
    }
    let describe = |circle: &[u32]| {
        let processes: Vec<_> =
            circle.iter().map(|index| operations[*index as usize].process).collect();
        format!("{} transactions depend on each other, of processes {processes:?}", circle.len())
    };
    for circle in circles(&reads_from) {
        verdict.circular.add(|| describe(&circle));
    }
    for circle in circles(&overwrites) {
        verdict.write_cycle.add(|| describe(&circle));
    }
}
