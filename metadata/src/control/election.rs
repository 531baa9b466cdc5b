//! Settling one partition: who is in sync, who may lead, who leads, and under which epochs.
//!
//! The rules are Kafka's (KIP-966), with one of ours:
//!
//! - Replicas that leave the ISR while it is below `min.insync.replicas` stay *eligible* (ELR): the
//!   high watermark does not move meanwhile, so they hold every committed record. Once the ISR is
//!   large enough the ELR is emptied.
//! - A leader is the current one while it can stay, else the first replica in order of assignment
//!   that is active and in the ISR, or in the ELR when the ISR is empty. A broker on its way out
//!   leads only what nobody else can.
//! - Beyond that, and only where the topic allows an unclean election: the last known leader, or
//!   else the first active replica. It is alone in the ISR then, and recovering.
//! - A replica that stopped uncleanly leaves ISR and ELR, but never as the last member of their
//!   union: it is the best copy there is. After all brokers were killed, the last one leads again.
//! - Without ELR the last member of an ISR is never dropped.

use super::state::State;
use crate::{BrokerId, Partition};

/// Who may do what while a partition is settled, and how far an election may go.
#[derive(Clone, Copy)]
pub(super) struct Rules<'a> {
    state: State<'a>,
    /// Counts as gone, though the image says otherwise.
    leaving: Option<BrokerId>,
    /// Counts as active, though the image says otherwise.
    joining: Option<BrokerId>,
    /// Lost data that it had acknowledged, perhaps.
    stopped_uncleanly: Option<BrokerId>,
    election: Election,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Election {
    /// A leader stays as long as it can.
    Needed,
    /// The preferred replica takes over if it can.
    Preferred,
    /// A replica outside ISR and ELR will do, whatever the topic says.
    Unclean,
}

impl<'a> Rules<'a> {
    pub(super) fn new(state: State<'a>) -> Self {
        Self {
            state,
            leaving: None,
            joining: None,
            stopped_uncleanly: None,
            election: Election::Needed,
        }
    }

    pub(super) fn leaving(self, id: BrokerId) -> Self {
        Self { leaving: Some(id), ..self }
    }

    pub(super) fn joining(self, id: BrokerId) -> Self {
        Self { joining: Some(id), ..self }
    }

    pub(super) fn stopped_uncleanly(self, id: BrokerId) -> Self {
        Self { leaving: Some(id), stopped_uncleanly: Some(id), ..self }
    }

    pub(super) fn preferred(self) -> Self {
        Self { election: Election::Preferred, ..self }
    }

    pub(super) fn unclean(self) -> Self {
        Self { election: Election::Unclean, ..self }
    }

    /// May become the leader.
    fn may_lead(&self, id: BrokerId) -> bool {
        self.leaving != Some(id) && (self.joining == Some(id) || self.state.image.is_active(id))
    }

    /// May lead where nobody else can: perhaps on its way out, but still there.
    fn is_there(&self, id: BrokerId) -> bool {
        self.leaving != Some(id)
            && self.state.image.brokers.get(&id).is_some_and(|broker| !broker.fenced)
    }
}

/// What becomes of a partition once `edit` has put in what is wished for: a new ISR, other
/// replicas. `None`: nothing changes.
pub(super) fn change(
    before: &Partition,
    rules: Rules<'_>,
    edit: impl FnOnce(&mut Partition),
) -> Option<Partition> {
    let mut after = before.clone();
    edit(&mut after);
    complete_reassignment(&mut after);
    let min_insync_replicas =
        rules.state.min_insync_replicas(&before.id.topic).min(after.replicas.len());
    keep_eligible(before, &mut after, rules, min_insync_replicas);
    elect(&mut after, rules);
    if after.isr.len() >= min_insync_replicas {
        after.elr.clear();
    }
    after.last_known_leader = match (after.leader, before.leader) {
        (Some(_), _) => None,
        (None, Some(lost)) => Some(lost),
        (None, None) => before.last_known_leader,
    };
    if after == *before {
        return None;
    }
    let replica_removed = before.replicas.iter().any(|it| !after.replicas.contains(it));
    if after.leader != before.leader || replica_removed {
        after.leader_epoch += 1;
    }
    after.partition_epoch += 1;
    Some(after)
}

/// Fills the ELR, and sees to it that ISR and ELR together are never empty.
fn keep_eligible(before: &Partition, after: &mut Partition, rules: Rules<'_>, min_isr: usize) {
    let had = || {
        let union = before.isr.iter().chain(&before.elr).copied();
        union.filter(|it| after.replicas.contains(it) && !after.isr.contains(it))
    };
    if !rules.state.defaults.elr_enabled {
        if after.isr.is_empty() {
            let isr = had().collect();
            after.isr = isr;
        }
        after.elr.clear();
        return;
    }
    let mut elr: Vec<BrokerId> = Vec::new();
    if after.isr.len() < min_isr {
        elr = had().filter(|it| rules.stopped_uncleanly != Some(*it)).collect();
    }
    if after.isr.is_empty() && elr.is_empty() {
        elr = had().collect();
    }
    elr.sort_unstable();
    elr.dedup();
    after.elr = elr;
}

fn elect(after: &mut Partition, rules: Rules<'_>) {
    let is_clean =
        |it: BrokerId| after.isr.contains(&it) || (after.isr.is_empty() && after.elr.contains(&it));
    let clean = |it: &BrokerId| is_clean(*it) && rules.may_lead(*it);
    let leaving = |it: &BrokerId| is_clean(*it) && rules.is_there(*it);
    let current = after.leader;
    let preferred = after.replicas.first().copied();
    let first = match rules.election {
        Election::Preferred => preferred.filter(clean),
        Election::Needed | Election::Unclean => None,
    };
    let clean_leader = first
        .or(current.filter(clean))
        .or_else(|| after.replicas.iter().copied().find(clean))
        .or(current.filter(leaving))
        .or_else(|| after.replicas.iter().copied().find(leaving));
    if let Some(leader) = clean_leader {
        if !after.isr.contains(&leader) {
            after.isr = vec![leader];
            after.elr.retain(|it| *it != leader);
        }
        after.leader = clean_leader;
        return;
    }
    let unclean =
        rules.election == Election::Unclean || rules.state.unclean_leader_election(&after.id.topic);
    let last_known = after.last_known_leader.or(current).filter(|it| after.replicas.contains(it));
    let unclean_leader = last_known
        .filter(|it| rules.may_lead(*it))
        .or_else(|| after.replicas.iter().copied().find(|it| rules.may_lead(*it)))
        .filter(|_| unclean);
    if let Some(leader) = unclean_leader {
        after.isr = vec![leader];
        after.elr.clear();
        after.recovering = true;
    }
    after.leader = unclean_leader;
}

/// A reassignment is complete once every added replica is in sync and one of those that stay is.
fn complete_reassignment(after: &mut Partition) {
    if after.adding_replicas.is_empty() && after.removing_replicas.is_empty() {
        return;
    }
    let stays = |it: &BrokerId| !after.removing_replicas.contains(it);
    let isr: Vec<BrokerId> = after.isr.iter().copied().filter(stays).collect();
    if isr.is_empty() || !after.adding_replicas.iter().all(|it| isr.contains(it)) {
        return;
    }
    after.replicas = after.replicas.iter().copied().filter(stays).collect();
    after.isr = isr;
    after.adding_replicas.clear();
    after.removing_replicas.clear();
}
