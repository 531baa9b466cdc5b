//! Fetch sessions (KIP-227): what one fetcher reads, so that each fetch costs what moved and not
//! what is assigned.
//!
//! Every partition of a session is subscribed. A fetch looks at three kinds of partitions only:
//! those that the request changed, those that moved since the last look, and those that had more
//! than fitted into the last answer. A request without a session uses the same code with a session
//! that lives as long as the request.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use kafka::Str;
use metadata::Uuid;

use super::waiting::{Moves, Signal};
use super::{Partition, ReplicaError};

/// One partition as its reader wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub fetch_offset: i64,
    pub max_bytes: i32,
    pub current_leader_epoch: i32,
    pub last_fetched_epoch: i32,
    /// Where the log of a follower begins.
    pub log_start_offset: i64,
}

/// Names a partition in a session: by topic id from version 13 on, else by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    pub topic: Str,
    pub topic_id: Uuid,
    pub partition: i32,
}

pub struct Entry {
    pub key: SessionKey,
    pub wanted: Wanted,
    /// What the last answer said, to leave out what did not change.
    pub sent_high_watermark: i64,
    pub sent_log_start_offset: i64,
    /// Looked up once; `None` while this broker does not host it.
    pub partition: Option<Arc<Partition>>,
    pub subscription: Option<usize>,
}

pub struct FetchSession {
    pub id: i32,
    /// The epoch that the next request must carry.
    pub next_epoch: i32,
    moves: Moves,
    pub signal: Arc<Signal>,
    entries: BTreeMap<u32, Entry>,
    by_key: HashMap<SessionKey, u32>,
    next_index: u32,
    /// To look at in the next fetch, in this order, whatever moved.
    hot: std::collections::VecDeque<u32>,
    /// Subscribing costs a lock per partition: requests without a session do it only to wait.
    subscribes: bool,
}

impl FetchSession {
    /// `id` 0: lives for one request.
    pub fn new(id: i32, moves: Moves) -> Self {
        Self {
            id,
            next_epoch: 1,
            moves,
            signal: Arc::default(),
            entries: BTreeMap::new(),
            by_key: HashMap::new(),
            next_index: 0,
            hot: std::collections::VecDeque::new(),
            subscribes: id != 0,
        }
    }

    /// Adds a partition or changes what is wanted of it, and looks at it in this fetch.
    pub fn want(
        &mut self,
        key: SessionKey,
        wanted: Wanted,
        find: impl FnOnce() -> Option<Arc<Partition>>,
    ) {
        if let Some(index) = self.by_key.get(&key) {
            let entry = self.entries.get_mut(index).expect("both maps name the same entries");
            entry.wanted = wanted;
            self.hot.push_back(*index);
            return;
        }
        let index = self.next_index;
        self.next_index += 1;
        let entry = Entry {
            key: key.clone(),
            wanted,
            sent_high_watermark: -1,
            sent_log_start_offset: -1,
            partition: find(),
            subscription: None,
        };
        self.entries.insert(index, entry);
        self.by_key.insert(key, index);
        self.hot.push_back(index);
        if self.subscribes {
            self.subscribe(index);
        }
    }

    /// Takes a partition out; the partition, if this broker hosts it.
    pub fn forget(&mut self, key: &SessionKey) {
        if let Some(entry) = self.by_key.remove(key).and_then(|index| self.entries.remove(&index)) {
            unsubscribe(&entry);
        }
    }

    /// Subscribes a request without a session, which is about to wait. True the first time.
    pub fn subscribe_all(&mut self) -> bool {
        let first = !self.subscribes;
        if first {
            self.subscribes = true;
            let indexes: Vec<u32> = self.entries.keys().copied().collect();
            indexes.into_iter().for_each(|index| self.subscribe(index));
        }
        first
    }

    fn subscribe(&mut self, index: u32) {
        let entry = self.entries.get_mut(&index).expect("just inserted");
        if let Some(partition) = &entry.partition {
            entry.subscription = Some(partition.subscribe(self.signal.clone(), index, self.moves));
        }
    }

    /// The partitions to look at now, each once, the ones that waited longest first.
    pub fn candidates(&mut self) -> Vec<u32> {
        let mut seen = std::collections::HashSet::new();
        let mut candidates: Vec<u32> = std::mem::take(&mut self.hot).into();
        candidates.extend(self.signal.take());
        candidates.retain(|index| self.entries.contains_key(index) && seen.insert(*index));
        candidates
    }

    /// Look at this partition again in the next fetch, even if it does not move.
    pub fn keep_hot(&mut self, index: u32) {
        self.hot.push_back(index);
    }

    pub fn entry(&mut self, index: u32) -> Option<&mut Entry> {
        self.entries.get_mut(&index)
    }

    /// Looks an entry's partition up again: it was created, deleted or moved since.
    pub fn rebind(&mut self, index: u32, find: impl FnOnce(&SessionKey) -> Option<Arc<Partition>>) {
        let Some(entry) = self.entries.get_mut(&index) else { return };
        let found = find(&entry.key);
        let same = match (&found, &entry.partition) {
            (Some(found), Some(known)) => Arc::ptr_eq(found, known),
            (None, None) => true,
            _ => false,
        };
        if !same {
            unsubscribe(entry);
            entry.subscription = None;
            entry.partition = found;
            if self.subscribes {
                self.subscribe(index);
            }
        }
    }
}

impl Drop for FetchSession {
    fn drop(&mut self) {
        self.entries.values().for_each(unsubscribe);
    }
}

fn unsubscribe(entry: &Entry) {
    if let (Some(partition), Some(key)) = (&entry.partition, entry.subscription) {
        partition.unsubscribe(key);
    }
}

/// The sessions of all clients and followers, at most `max.incremental.fetch.session.cache.slots`.
pub struct FetchSessions {
    slots_max: usize,
    next_id: AtomicI32,
    sessions: Mutex<HashMap<i32, Slot>>,
}

struct Slot {
    session: Arc<tokio::sync::Mutex<FetchSession>>,
    /// A follower's session is not evicted for a client's.
    follower: bool,
    last_used_ms: i64,
}

/// A session used within this time is not evicted for another one of its kind (Kafka's
/// min.incremental.fetch.session.eviction.ms).
const EVICTION_MIN_MS: i64 = 120_000;

impl FetchSessions {
    pub fn new(slots_max: usize, seed: i32) -> Self {
        // Ids of an earlier run must not fit by accident.
        let next_id = AtomicI32::new((seed & 0x3fff_ffff).max(1));
        Self { slots_max, next_id, sessions: Mutex::default() }
    }

    /// Makes room for one session and reserves its id; `None` when there is no room.
    pub fn reserve(&self, follower: bool, now_ms: i64) -> Option<i32> {
        let mut sessions = self.sessions.lock().expect("no panic under this lock");
        if sessions.len() >= self.slots_max {
            let evictable = |slot: &Slot| {
                now_ms - slot.last_used_ms > EVICTION_MIN_MS || follower && !slot.follower
            };
            let oldest = sessions
                .iter()
                .filter(|(_, slot)| evictable(slot))
                .min_by_key(|(_, slot)| slot.last_used_ms)
                .map(|(id, _)| *id)?;
            sessions.remove(&oldest);
        }
        loop {
            let id = self.next_id.fetch_add(1, Ordering::Relaxed) & i32::MAX;
            if id != 0 && !sessions.contains_key(&id) {
                return Some(id);
            }
        }
    }

    pub fn insert(
        &self,
        session: FetchSession,
        follower: bool,
        now_ms: i64,
    ) -> Arc<tokio::sync::Mutex<FetchSession>> {
        let id = session.id;
        let session = Arc::new(tokio::sync::Mutex::new(session));
        let slot = Slot { session: session.clone(), follower, last_used_ms: now_ms };
        self.sessions.lock().expect("no panic under this lock").insert(id, slot);
        session
    }

    pub fn get(&self, id: i32, now_ms: i64) -> Option<Arc<tokio::sync::Mutex<FetchSession>>> {
        let mut sessions = self.sessions.lock().expect("no panic under this lock");
        let slot = sessions.get_mut(&id)?;
        slot.last_used_ms = now_ms;
        Some(slot.session.clone())
    }

    pub fn remove(&self, id: i32) {
        self.sessions.lock().expect("no panic under this lock").remove(&id);
    }
}

/// The replica that an entry reads, or why there is none.
pub fn hosted(entry: &Entry) -> Result<&Arc<Partition>, ReplicaError> {
    entry.partition.as_ref().ok_or(if entry.key.topic_id.is_nil() {
        ReplicaError::UnknownTopicOrPartition
    } else {
        ReplicaError::UnknownTopicId
    })
}
