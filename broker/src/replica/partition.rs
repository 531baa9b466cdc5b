//! One replica of one partition on this broker: its log, its role, and who waits for it.
//!
//! Everything happens under one short lock that is never held across an await or a cold read:
//! append, fetch, become leader or follower. Offsets and epochs are judged by [`Leader`], bytes are
//! kept by [`Log`]; this file joins the two and wakes whoever waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use metadata::{BrokerId, TopicPartition, Uuid};
use partition_log::{AppendError, Appended, Log, LogConfig, LogError, Read, ReadError};

use super::leader::Leader;
use super::waiting::{Completion, Moves, Signal, Subscribers, Waiting};
use super::{Disks, ReplicaError};
use crate::metrics::Traffic;

pub struct Partition {
    pub id: TopicPartition,
    pub topic_id: Uuid,
    pub traffic: Arc<Traffic>,
    disks: Arc<Disks>,
    state: Mutex<State>,
}

struct State {
    /// `None` once the replica was deleted or its disk failed.
    log: Option<Log>,
    role: Role,
    high_watermark: i64,
    /// As the leader said last; 0 before it said anything.
    leader_high_watermark: i64,
    /// The topic's `min.insync.replicas`.
    min_isr: usize,
    /// The first record that is known to be unreadable here. Whoever leads with it hands over, and
    /// what follows it is fetched anew once nobody counts on it.
    damage: Option<i64>,
    waiting: VecDeque<Waiting>,
    subscribers: Subscribers,
}

enum Role {
    /// No leadership has been applied since the broker started.
    Unassigned,
    Leader(Leader),
    Follower {
        leader: Option<BrokerId>,
        leader_epoch: i32,
    },
}

/// What applying new metadata made of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    Leading,
    /// Follow this leader from now on.
    Following {
        leader: Option<BrokerId>,
        leader_epoch: i32,
    },
    /// Older than what is known, or nothing that concerns this broker's role.
    Unchanged,
}

/// Who reads, and what it may see.
#[derive(Clone, Copy, Debug)]
pub enum Reader {
    /// Up to the high watermark.
    Client,
    /// This broker itself: up to the log end.
    Local,
    /// Up to the log end. The fetch acknowledges everything below its offset.
    Follower { id: BrokerId, epoch: i64 },
}

#[derive(Clone, Copy, Debug)]
pub struct Fetch {
    pub offset: i64,
    pub max_bytes: usize,
    /// -1: the client does not say.
    pub current_leader_epoch: i32,
    /// -1: the client does not say.
    pub last_fetched_epoch: i32,
    /// Where the log of a follower begins.
    pub log_start_offset: i64,
    pub reader: Reader,
    /// Return one batch even when it is larger than `max_bytes`.
    pub at_least_one_batch: bool,
}

pub struct Fetched {
    pub high_watermark: i64,
    pub log_start_offset: i64,
    /// The reader's log differs from here: (epoch, end offset) of the largest common epoch.
    pub diverging: Option<(i32, i64)>,
    pub data: Option<Read>,
    /// A fetch just made this follower fit to join the ISR.
    pub may_join_isr: bool,
}

/// What appending as leader did.
#[derive(Clone, Copy, Debug)]
pub struct LeaderAppended {
    pub appended: Appended,
    pub log_start_offset: i64,
}

/// What a scrape wants to know of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub offsets: Offsets,
    pub size_bytes: u64,
    pub segments: usize,
    /// The topic's `min.insync.replicas`.
    pub min_isr: usize,
    /// Records that it lacks as a follower.
    pub follower_lag: Option<i64>,
}

/// Offsets of a replica at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Offsets {
    pub log_start_offset: i64,
    pub high_watermark: i64,
    pub log_end_offset: i64,
}

impl Partition {
    pub fn new(
        id: TopicPartition,
        topic_id: Uuid,
        log: Log,
        high_watermark: i64,
        min_isr: usize,
        traffic: Arc<Traffic>,
        disks: Arc<Disks>,
    ) -> Self {
        let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
        let state = State {
            log: Some(log),
            role: Role::Unassigned,
            high_watermark,
            leader_high_watermark: 0,
            min_isr,
            damage: None,
            waiting: VecDeque::new(),
            subscribers: Subscribers::default(),
        };
        Self { id, topic_id, traffic, disks, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under this lock")
    }

    /// Takes over leadership and ISR as the controller committed them.
    pub fn apply(&self, partition: &metadata::Partition, me: BrokerId, now_ms: i64) -> Applied {
        let mut state = self.lock();
        if partition.leader_epoch < state.leader_epoch() {
            return Applied::Unchanged;
        }
        if partition.leader == Some(me) {
            return state.lead(partition, me, now_ms);
        }
        let applied = state.follow(partition);
        if applied != Applied::Unchanged
            && let Err(error) = state.repair(partition, me)
        {
            self.disks.fail(&error);
        }
        applied
    }

    /// Appends what a producer sent. With `wait` the completion is told when the whole ISR has it.
    pub fn append(
        &self,
        record_set: Bytes,
        acks_all: bool,
        wait: Option<(&Arc<Completion>, usize)>,
        now_ms: i64,
    ) -> Result<LeaderAppended, ReplicaError> {
        let bytes = record_set.len();
        let appended = self.lock().append(&self.disks, record_set, acks_all, wait, now_ms)?;
        self.count(&appended.appended, bytes);
        Ok(appended)
    }

    /// Appends for the whole ISR (acks=all), but only under the leadership that the caller built
    /// its state on: another leader may have written since.
    pub fn append_in_epoch(
        &self,
        leader_epoch: i32,
        record_set: Bytes,
        wait: Option<(&Arc<Completion>, usize)>,
        now_ms: i64,
    ) -> Result<LeaderAppended, ReplicaError> {
        let bytes = record_set.len();
        let mut state = self.lock();
        if state.leader_epoch() != leader_epoch {
            return Err(ReplicaError::NotLeader);
        }
        let appended = state.append(&self.disks, record_set, true, wait, now_ms)?;
        drop(state);
        self.count(&appended.appended, bytes);
        Ok(appended)
    }

    fn count(&self, appended: &Appended, bytes: usize) {
        if !appended.duplicate {
            let records = appended.last_offset - appended.base_offset + 1;
            self.traffic.messages_in.add(records.unsigned_abs());
            self.traffic.bytes_in.add(bytes as u64);
        }
    }

    /// Reads for a client or a follower; a follower's fetch also acknowledges.
    ///
    /// `subscription` is the reader's, so that the next move wakes it again.
    pub fn fetch(
        &self,
        fetch: &Fetch,
        subscription: Option<usize>,
        now_ms: i64,
    ) -> Result<Fetched, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if let Some(key) = subscription {
            state.subscribers.clear(key);
        }
        let leader = state.leader(fetch.current_leader_epoch)?;
        let log = state.log.as_ref().ok_or_else(gone)?;
        let mut fetched = Fetched {
            high_watermark: state.high_watermark,
            log_start_offset: log.log_start_offset(),
            diverging: None,
            data: None,
            may_join_isr: false,
        };
        if fetch.last_fetched_epoch >= 0 {
            let (epoch, end_offset) = log.end_offset_for_epoch(fetch.last_fetched_epoch);
            if end_offset < 0 {
                return Err(ReplicaError::OffsetOutOfRange);
            }
            if epoch < fetch.last_fetched_epoch || end_offset < fetch.offset {
                fetched.diverging = Some((epoch, end_offset));
                return Ok(fetched);
            }
        }
        let limit = match fetch.reader {
            Reader::Client => state.high_watermark,
            Reader::Follower { id, .. } if !leader.is_replica(id) => {
                return Err(ReplicaError::UnknownTopicOrPartition);
            }
            Reader::Local | Reader::Follower { .. } => log.log_end_offset(),
        };
        let read = log.read(fetch.offset, fetch.max_bytes, limit, fetch.at_least_one_batch);
        fetched.data = match read {
            Ok(read) => Some(read),
            Err(ReadError::OffsetOutOfRange { .. }) => return Err(ReplicaError::OffsetOutOfRange),
            Err(error) => return Err(state.unreadable(&self.id, fetch.offset, &error)),
        };
        if let Reader::Follower { id, epoch } = fetch.reader {
            state.acknowledge(id, epoch, fetch, now_ms);
            fetched.high_watermark = state.high_watermark;
            fetched.may_join_isr = match &state.role {
                Role::Leader(leader) => leader.may_join(id, state.high_watermark),
                _ => false,
            };
        }
        Ok(fetched)
    }

    /// A read that was planned under this replica's lock failed at `offset`. Returns what to say to
    /// the reader: another replica may have the record, or none has.
    pub fn unreadable(&self, offset: i64, error: &ReadError) -> ReplicaError {
        self.lock().unreadable(&self.id, offset, error)
    }

    /// Appends what this follower fetched under `leader_epoch`, and takes over high watermark and
    /// log start. True if the log start moved, which the leader waits to hear.
    pub fn append_fetched(
        &self,
        leader_epoch: i32,
        record_set: Vec<Bytes>,
        leader_high_watermark: i64,
        leader_log_start_offset: i64,
        now_ms: i64,
    ) -> Result<bool, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        let log_start_offset = log.log_start_offset();
        for chunk in record_set.into_iter().filter(|it| !it.is_empty()) {
            self.traffic.replication_bytes_in.add(chunk.len() as u64);
            log.append_as_follower(chunk, now_ms)
                .map_err(|error| append_failed(&self.disks, log, error))?;
        }
        state.leader_high_watermark = leader_high_watermark;
        let high_watermark = leader_high_watermark.min(log.log_end_offset());
        state.high_watermark = state.high_watermark.max(high_watermark);
        if leader_log_start_offset > log.log_start_offset() {
            let to = leader_log_start_offset.min(state.high_watermark);
            log.advance_log_start_offset(to)
                .map_err(|error| change_failed(&self.disks, error.into()))?;
        }
        Ok(log.log_start_offset() != log_start_offset)
    }

    /// The leader said where this follower's log differs: truncates to the last common offset.
    /// Returns the new log end offset.
    pub fn truncate_diverging(
        &self,
        leader_epoch: i32,
        common_epoch: i32,
        end_offset: i64,
    ) -> Result<i64, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        let (local_epoch, local_end) = log.end_offset_for_epoch(common_epoch);
        let to = match (local_epoch, local_end) {
            (_, end) if end < 0 => log.log_start_offset(),
            (epoch, end) if epoch == common_epoch => end.min(end_offset),
            (_, end) => end,
        };
        log.truncate_to(to.max(log.log_start_offset()))
            .map_err(|error| change_failed(&self.disks, error))?;
        state.high_watermark = state.high_watermark.min(log.log_end_offset());
        Ok(log.log_end_offset())
    }

    /// The leader no longer has what this follower would fetch next: starts over at its log start.
    pub fn restart_at(&self, leader_epoch: i32, offset: i64) -> Result<(), ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        log.truncate_fully_and_start_at(offset)
            .map_err(|error| change_failed(&self.disks, error))?;
        state.high_watermark = offset;
        Ok(())
    }

    /// Where a follower's next fetch begins: (log end offset, epoch of the last entry or -1, log
    /// start offset), if it still follows under this epoch.
    pub fn fetch_position(&self, leader_epoch: i32) -> Result<(i64, i32, i64), ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        Ok((log.log_end_offset(), log.last_epoch().unwrap_or(-1), log.log_start_offset()))
    }

    /// The ISR change to propose now, marked as pending. A repeated call while one is pending
    /// returns nothing, unless `again` asks for a proposal whose answer was lost.
    pub fn propose_isr(
        &self,
        now_ms: i64,
        lag_max_ms: i64,
        can_join: impl Fn(BrokerId, i64) -> bool,
    ) -> Option<IsrProposal> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log_end_offset = state.log.as_ref()?.log_end_offset();
        let Role::Leader(leader) = &mut state.role else { return None };
        let resignation = state.damage.and_then(|_| leader.resignation());
        let change = resignation.or_else(|| {
            leader.isr_change(state.high_watermark, log_end_offset, now_ms, lag_max_ms, can_join)
        })?;
        let proposal = IsrProposal {
            topic_id: self.topic_id,
            partition: self.id.partition,
            leader_epoch: leader.leader_epoch,
            partition_epoch: leader.partition_epoch,
            isr: change.iter().map(|id| (*id, leader.broker_epoch(*id))).collect(),
        };
        leader.propose(change);
        Some(proposal)
    }

    /// The controller certainly refused the proposal made under this partition epoch.
    pub fn withdraw_isr(&self, leader_epoch: i32, partition_epoch: i32) {
        let mut state = self.lock();
        if let Role::Leader(leader) = &mut state.role
            && (leader.leader_epoch, leader.partition_epoch) == (leader_epoch, partition_epoch)
        {
            leader.withdraw();
            state.advance_high_watermark();
        }
    }

    pub fn subscribe(&self, signal: Arc<Signal>, index: u32, moves: Moves) -> usize {
        self.lock().subscribers.add(signal, index, moves)
    }

    /// Waits until everything below `offset` is replicated, or this replica stops leading.
    pub async fn wait_for_high_watermark(&self, offset: i64) {
        let signal = Arc::new(Signal::default());
        let key = self.subscribe(signal.clone(), 0, Moves::HighWatermark);
        loop {
            let waits = {
                let mut state = self.lock();
                state.subscribers.clear(key);
                matches!(state.role, Role::Leader(_)) && state.high_watermark < offset
            };
            if !waits {
                break;
            }
            signal.notified().await;
        }
        self.unsubscribe(key);
    }

    pub fn unsubscribe(&self, key: usize) {
        self.lock().subscribers.remove(key);
    }

    pub fn offsets(&self) -> Result<Offsets, ReplicaError> {
        let state = self.lock();
        let log = state.log.as_ref().ok_or_else(gone)?;
        Ok(Offsets {
            log_start_offset: log.log_start_offset(),
            high_watermark: state.high_watermark,
            log_end_offset: log.log_end_offset(),
        })
    }

    /// `None` once the replica was deleted or its disk failed.
    pub fn measure(&self) -> Option<Measured> {
        let state = self.lock();
        let log = state.log.as_ref()?;
        let log_end_offset = log.log_end_offset();
        let follows = matches!(state.role, Role::Follower { .. });
        Some(Measured {
            offsets: Offsets {
                log_start_offset: log.log_start_offset(),
                high_watermark: state.high_watermark,
                log_end_offset,
            },
            size_bytes: log.size_bytes(),
            segments: log.segments(),
            min_isr: state.min_isr,
            follower_lag: follows.then(|| (state.leader_high_watermark - log_end_offset).max(0)),
        })
    }

    /// Runs `work` on the log if this broker leads the partition under `current_leader_epoch` (-1:
    /// any), with the high watermark.
    pub fn with_leader_log<T>(
        &self,
        current_leader_epoch: i32,
        work: impl FnOnce(&mut Log, i64) -> T,
    ) -> Result<T, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.leader(current_leader_epoch)?;
        let high_watermark = state.high_watermark;
        Ok(work(state.log.as_mut().ok_or_else(gone)?, high_watermark))
    }

    /// Runs maintenance on the log in any role, with the high watermark; `None` once it is deleted.
    pub fn with_log<T>(&self, work: impl FnOnce(&mut Log, i64) -> T) -> Option<T> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let high_watermark = state.high_watermark;
        state.log.as_mut().map(|log| work(log, high_watermark))
    }

    /// DeleteRecords: everything below `offset` (-1: the high watermark) goes. Returns the new low
    /// watermark.
    pub fn delete_records(&self, offset: i64) -> Result<i64, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.leader(-1)?;
        let log = state.log.as_mut().ok_or_else(gone)?;
        let offset = if offset == -1 { state.high_watermark } else { offset };
        if offset < 0 || offset > state.high_watermark {
            return Err(ReplicaError::OffsetOutOfRange);
        }
        if offset > log.log_start_offset() {
            log.advance_log_start_offset(offset)
                .map_err(|error| change_failed(&self.disks, error.into()))?;
            state.subscribers.moved_any();
        }
        Ok(log.log_start_offset())
    }

    /// The offset below which no replica of a broker that is alive has anything. The subscription is
    /// told when it moves next.
    pub fn low_watermark(
        &self,
        subscription: usize,
        is_alive: impl Fn(BrokerId) -> bool,
    ) -> Result<i64, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.subscribers.clear(subscription);
        let log_start_offset = state.log.as_ref().ok_or_else(gone)?.log_start_offset();
        Ok(state.leader(-1)?.low_watermark(log_start_offset, is_alive))
    }

    /// Whether this broker leads, and the ISR, grown or not, is this broker: nobody else can be elected.
    pub fn leads_alone(&self) -> bool {
        matches!(&self.lock().role, Role::Leader(leader) if leader.is_alone())
    }

    /// When this broker began to lead; `None`: it does not.
    pub fn leads_since_ms(&self) -> Option<i64> {
        match &self.lock().role {
            Role::Leader(leader) => Some(leader.since_ms),
            _ => None,
        }
    }

    pub fn configure(&self, config: LogConfig, min_isr: usize) {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.min_isr = min_isr;
        if let Some(log) = &mut state.log {
            log.update_config(config);
        }
        state.advance_high_watermark();
    }

    /// Ends the replica: producers and fetchers are told to look elsewhere. The log is handed out,
    /// to be closed or deleted.
    pub fn take_log(&self) -> Option<Log> {
        let mut state = self.lock();
        state.role = Role::Unassigned;
        state.fail_waiting(&ReplicaError::NotLeader);
        state.subscribers.moved_any();
        state.log.take()
    }
}

/// An ISR change for the controller (AlterPartition).
#[derive(Clone, Debug, PartialEq)]
pub struct IsrProposal {
    pub topic_id: Uuid,
    pub partition: i32,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    pub isr: Vec<(BrokerId, i64)>,
}

impl State {
    fn leader_epoch(&self) -> i32 {
        match &self.role {
            Role::Unassigned => -1,
            Role::Leader(leader) => leader.leader_epoch,
            Role::Follower { leader_epoch, .. } => *leader_epoch,
        }
    }

    fn leader(&self, current_leader_epoch: i32) -> Result<&Leader, ReplicaError> {
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

    fn append(
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

    fn lead(&mut self, partition: &metadata::Partition, me: BrokerId, now_ms: i64) -> Applied {
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

    fn follow(&mut self, partition: &metadata::Partition) -> Applied {
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

    fn unreadable(&mut self, id: &TopicPartition, offset: i64, error: &ReadError) -> ReplicaError {
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
    fn repair(&mut self, partition: &metadata::Partition, me: BrokerId) -> Result<(), LogError> {
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

    fn acknowledge(&mut self, id: BrokerId, epoch: i64, fetch: &Fetch, now_ms: i64) {
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

    fn advance_high_watermark(&mut self) {
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

    fn fail_waiting(&mut self, error: &ReplicaError) {
        for waiting in self.waiting.drain(..) {
            waiting.completion.settle(Some(waiting.slot), Err(error.clone()));
        }
    }
}

/// The log of a replica that follows under `leader_epoch`; what was fetched under an older epoch is
/// refused.
fn follower_log<'a>(
    role: &Role,
    log: &'a mut Option<Log>,
    leader_epoch: i32,
) -> Result<&'a mut Log, ReplicaError> {
    match role {
        Role::Follower { leader_epoch: current, .. } if *current == leader_epoch => {
            log.as_mut().ok_or_else(gone)
        }
        Role::Follower { .. } => Err(ReplicaError::FencedLeaderEpoch),
        _ => Err(ReplicaError::NotLeader),
    }
}

fn gone() -> ReplicaError {
    ReplicaError::Storage("the replica is gone".into())
}

/// Nothing was appended; where that is the disk's doing, it is reported.
fn append_failed(disks: &Disks, log: &Log, error: AppendError) -> ReplicaError {
    match &error {
        AppendError::Io(storage) if log.is_damaged() => disks.fail(storage),
        AppendError::Io(storage) => disks.report(storage),
        _ => {}
    }
    error.into()
}

fn change_failed(disks: &Disks, error: LogError) -> ReplicaError {
    if let LogError::Storage(storage) = &error {
        disks.report(storage);
    }
    ReplicaError::Storage(error.to_string())
}
