//! What a replica's lock guards: log, role, watermark and who waits; and how each step changes them.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use metadata::{BrokerId, TopicPartition};
use partition_log::{AppendError, Log, LogError, ReadError};

use super::{Applied, Fetch, LeaderAppended};
use crate::replica::leader::Leader;
use crate::replica::waiting::{Completion, Moves, Subscribers, Waiting};
use crate::replica::{Disks, ReplicaError};

pub(super) struct State {
    /// `None` once the replica was deleted or its disk failed.
    pub(super) log: Option<Log>,
    pub(super) role: Role,
    pub(super) high_watermark: i64,
    /// As the leader said last; 0 before it said anything.
    pub(super) leader_high_watermark: i64,
    /// The topic's `min.insync.replicas`.
    pub(super) min_isr: usize,
    /// The first record that is known to be unreadable here. Whoever leads with it hands over, and
    /// what follows it is fetched anew once nobody counts on it.
    pub(super) damage: Option<i64>,
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) subscribers: Subscribers,
}

pub(super) enum Role {
    /// No leadership has been applied since the broker started.
    Unassigned,
    Leader(Leader),
    Follower {
        leader: Option<BrokerId>,
        leader_epoch: i32,
    },
}

impl State {
    pub(super) fn new(log: Log, high_watermark: i64, min_isr: usize) -> Self {
        Self {
            high_watermark: high_watermark.clamp(log.log_start_offset(), log.log_end_offset()),
            log: Some(log),
            role: Role::Unassigned,
            leader_high_watermark: 0,
            min_isr,
            damage: None,
            waiting: VecDeque::new(),
            subscribers: Subscribers::default(),
        }
    }

    pub(super) fn leader_epoch(&self) -> i32 {
        match &self.role {
            Role::Unassigned => -1,
            Role::Leader(leader) => leader.leader_epoch,
            Role::Follower { leader_epoch, .. } => *leader_epoch,
        }
    }

    pub(super) fn leader(&self, current_leader_epoch: i32) -> Result<&Leader, ReplicaError> {
        let ours = self.leader_epoch();
        if current_leader_epoch >= 0 && ours >= 0 {
            if current_leader_epoch < ours {
                return Err(ReplicaError::FencedLeaderEpoch);
            }
            if current_leader_epoch > ours {
                return Err(ReplicaError::UnknownLeaderEpoch);
            }
        }
        match &self.role {
            Role::Leader(leader) => Ok(leader),
            _ => Err(ReplicaError::NotLeader),
        }
    }

    pub(super) fn append(
        &mut self,
        disks: &Disks,
        record_set: Bytes,
        acks_all: bool,
        wait: Option<(&Arc<Completion>, usize)>,
        now_ms: i64,
    ) -> Result<LeaderAppended, ReplicaError> {
        let Role::Leader(leader) = &self.role else { return Err(ReplicaError::NotLeader) };
        if acks_all && leader.isr_size() < leader.effective_min_isr(self.min_isr) {
            return Err(ReplicaError::NotEnoughReplicas);
        }
        // A smaller batch may fit where one before it did not: a producer's order would be broken.
        if !disks.are_sound() {
            return Err(ReplicaError::Storage(
                "a disk of this broker has failed or is full".into(),
            ));
        }
        let log = self.log.as_mut().ok_or_else(gone)?;
        let appended = log
            .append_as_leader(record_set, leader.leader_epoch, now_ms)
            .map_err(|error| append_failed(disks, log, error))?;
        let required = appended.last_offset + 1;
        let log_start_offset = log.log_start_offset();
        if let Some((completion, slot)) = wait {
            completion.expect();
            if self.high_watermark >= required {
                completion.settle(Some(slot), Ok(()));
            } else {
                let at = self.waiting.partition_point(|it| it.offset <= required);
                let completion = completion.clone();
                self.waiting.insert(at, Waiting { offset: required, slot, completion });
            }
        }
        if !appended.duplicate {
            self.subscribers.moved(Moves::LogEnd);
            self.advance_high_watermark();
        }
        Ok(LeaderAppended { appended, log_start_offset })
    }

    pub(super) fn lead(
        &mut self,
        partition: &metadata::Partition,
        me: BrokerId,
        now_ms: i64,
    ) -> Applied {
        let Some(log) = &mut self.log else { return Applied::Unchanged };
        match &mut self.role {
            Role::Leader(leader) if leader.leader_epoch == partition.leader_epoch => {
                if partition.partition_epoch <= leader.partition_epoch {
                    return Applied::Unchanged;
                }
                leader.update(partition, now_ms);
            }
            _ => {
                log.assign_leader_epoch(partition.leader_epoch, log.log_end_offset());
                let leader = Leader::new(me, partition, log.log_end_offset(), now_ms);
                self.role = Role::Leader(leader);
            }
        }
        self.advance_high_watermark();
        self.subscribers.moved_any();
        Applied::Leading
    }

    pub(super) fn follow(&mut self, partition: &metadata::Partition) -> Applied {
        let (leader, leader_epoch) = (partition.leader, partition.leader_epoch);
        if let Role::Follower { leader: known, leader_epoch: epoch } = self.role
            && (known, epoch) == (leader, leader_epoch)
        {
            return Applied::Unchanged;
        }
        self.role = Role::Follower { leader, leader_epoch };
        self.fail_waiting(&ReplicaError::NotLeader);
        self.subscribers.moved_any();
        Applied::Following { leader, leader_epoch }
    }

    pub(super) fn unreadable(
        &mut self,
        id: &TopicPartition,
        offset: i64,
        error: &ReadError,
    ) -> ReplicaError {
        let reason = match error {
            ReadError::OffsetOutOfRange { .. } => return ReplicaError::OffsetOutOfRange,
            ReadError::Storage(error) if error.is_out_of_resources() => {
                return ReplicaError::Storage(error.to_string());
            }
            ReadError::Storage(error) => format!("{error} (offset {offset})"),
            ReadError::Corrupt { .. } => error.to_string(),
        };
        // Who follows by now may have truncated its log since the read was planned.
        let Role::Leader(leader) = &self.role else { return ReplicaError::NotLeader };
        let alone = leader.is_alone();
        if self.damage.is_none_or(|known| offset < known) {
            match alone {
                true => tracing::error!("{id}: {reason}; no other replica is in sync"),
                false => tracing::error!("{id}: {reason}; another replica takes over"),
            }
            self.damage = Some(offset);
        }
        // Asking again is of use only where somebody else may answer.
        match alone {
            true => ReplicaError::Corrupt(reason),
            false => ReplicaError::Storage(reason),
        }
    }

    /// Cuts off what is damaged, once nobody counts on this replica: it stands neither in the ISR
    /// nor in the ELR, so it is not elected before it has fetched everything from the new leader.
    ///
    /// Only right after `follow`: under this leadership nothing was fetched yet, so the leader has
    /// not heard of the records that go.
    pub(super) fn repair(
        &mut self,
        partition: &metadata::Partition,
        me: BrokerId,
    ) -> Result<(), LogError> {
        let (Some(damage), Some(log)) = (self.damage, &mut self.log) else { return Ok(()) };
        let counted_on = partition.isr.contains(&me) || partition.elr.contains(&me);
        if counted_on || partition.leader.is_none() {
            return Ok(());
        }
        let end_offset = log.truncate_damaged(damage)?;
        self.damage = None;
        self.high_watermark = self.high_watermark.min(end_offset);
        tracing::warn!("{}: cut at offset {end_offset}, to fetch it from there anew", partition.id);
        Ok(())
    }

    pub(super) fn acknowledge(&mut self, id: BrokerId, epoch: i64, fetch: &Fetch, now_ms: i64) {
        let Some(log) = &self.log else { return };
        let log_end_offset = log.log_end_offset();
        if let Role::Leader(leader) = &mut self.role {
            leader.fetched(id, epoch, fetch.offset, log_end_offset, now_ms);
            if leader.starts_at(id, fetch.log_start_offset) {
                self.subscribers.moved(Moves::LogStart);
            }
            self.advance_high_watermark();
        }
    }

    pub(super) fn advance_high_watermark(&mut self) {
        let (Role::Leader(leader), Some(log)) = (&self.role, &self.log) else { return };
        let next = leader.high_watermark(self.high_watermark, log.log_end_offset(), self.min_isr);
        assert!(next >= self.high_watermark && next <= log.log_end_offset());
        if next == self.high_watermark {
            return;
        }
        self.high_watermark = next;
        let enough = leader.isr_size() >= leader.effective_min_isr(self.min_isr);
        while self.waiting.front().is_some_and(|it| it.offset <= next) {
            let waiting = self.waiting.pop_front().expect("front exists");
            let outcome =
                if enough { Ok(()) } else { Err(ReplicaError::NotEnoughReplicasAfterAppend) };
            waiting.completion.settle(Some(waiting.slot), outcome);
        }
        self.subscribers.moved(Moves::HighWatermark);
    }

    pub(super) fn fail_waiting(&mut self, error: &ReplicaError) {
        for waiting in self.waiting.drain(..) {
            waiting.completion.settle(Some(waiting.slot), Err(error.clone()));
        }
    }
}

pub(super) fn gone() -> ReplicaError {
    ReplicaError::Storage("the replica is gone".into())
}

/// Nothing was appended; where that is the disk's doing, it is reported.
pub(super) fn append_failed(disks: &Disks, log: &Log, error: AppendError) -> ReplicaError {
    match &error {
        AppendError::Io(storage) if log.is_damaged() => disks.fail(storage),
        AppendError::Io(storage) => disks.report(storage),
        _ => {}
    }
    error.into()
}

pub(super) fn change_failed(disks: &Disks, error: LogError) -> ReplicaError {
    if let LogError::Storage(storage) = &error {
        disks.report(storage);
    }
    ReplicaError::Storage(error.to_string())
}
