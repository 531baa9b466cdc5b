//! One replica of one partition on this broker: its log, its role, and who waits for it.
//!
//! Everything happens under one short lock that is never held across an await or a cold read:
//! append, fetch, become leader or follower. Offsets and epochs are judged by [`Leader`], bytes are
//! kept by [`Log`]; this folder joins the two and wakes whoever waits.

mod following;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use metadata::{BrokerId, TopicPartition, Uuid};
use partition_log::{Appended, Log, LogConfig, Read, ReadError};

use self::state::{Role, State, change_failed, gone};
use super::waiting::{Completion, Moves, Signal};
use super::{Disks, ReplicaError};
use crate::metrics::Traffic;

pub struct Partition {
    pub id: TopicPartition,
    pub topic_id: Uuid,
    pub traffic: Arc<Traffic>,
    disks: Arc<Disks>,
    state: Mutex<State>,
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
        let state = State::new(log, high_watermark, min_isr);
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
