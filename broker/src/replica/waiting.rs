//! What waits for a partition to move: producers for the high watermark, fetches for new records.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::ReplicaError;

/// One produce request that waits until all its partitions are replicated, or one fails.
#[derive(Debug)]
pub struct Completion {
    open: AtomicUsize,
    outcomes: Mutex<Vec<Option<Result<(), ReplicaError>>>>,
    done: Notify,
}

impl Completion {
    /// Waits for as many outcomes as are expected with [`Completion::expect`].
    pub fn new(slots: usize) -> Arc<Self> {
        Arc::new(Self {
            // One for the request itself, until it has appended everywhere.
            open: AtomicUsize::new(1),
            outcomes: Mutex::new(vec![None; slots]),
            done: Notify::new(),
        })
    }

    /// Counts one more partition to wait for.
    pub fn expect(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    /// Called once per expected partition, and once by the request when it has expected all.
    pub fn settle(&self, slot: Option<usize>, outcome: Result<(), ReplicaError>) {
        if let Some(slot) = slot {
            self.outcomes.lock().expect("no panic under this lock")[slot] = Some(outcome);
        }
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    pub async fn wait(&self) {
        while self.open.load(Ordering::Acquire) > 0 {
            self.done.notified().await;
        }
    }

    /// The outcome of one slot so far; `None` while it is still waiting.
    pub fn outcome(&self, slot: usize) -> Option<Result<(), ReplicaError>> {
        self.outcomes.lock().expect("no panic under this lock")[slot].clone()
    }
}

/// A producer's place in a partition's queue.
#[derive(Debug)]
pub(super) struct Waiting {
    /// The high watermark that acknowledges it.
    pub(super) offset: i64,
    pub(super) slot: usize,
    pub(super) completion: Arc<Completion>,
}

/// Wakes one fetcher (a fetch session or one long poll) and says which of its partitions moved.
#[derive(Debug, Default)]
pub struct Signal {
    moved: Mutex<Vec<u32>>,
    notify: Notify,
}

impl Signal {
    fn mark(&self, index: u32) {
        self.moved.lock().expect("no panic under this lock").push(index);
    }

    fn wake(&self) {
        self.notify.notify_one();
    }

    /// The indexes marked since the last call.
    pub fn take(&self) -> Vec<u32> {
        std::mem::take(&mut *self.moved.lock().expect("no panic under this lock"))
    }

    pub async fn notified(&self) {
        self.notify.notified().await;
    }
}

/// What a subscriber waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// Followers: any append.
    LogEnd,
    /// Clients: what they may read.
    HighWatermark,
    /// DeleteRecords: a follower's log begins elsewhere.
    LogStart,
}

#[derive(Debug)]
struct Subscriber {
    signal: Arc<Signal>,
    index: u32,
    moves: Moves,
    /// Marked and not read since: keeps the signal's list at one entry per partition.
    marked: bool,
    woken: bool,
}

/// The subscribers of one partition.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    slots: Vec<Option<Subscriber>>,
}

impl Subscribers {
    pub(super) fn add(&mut self, signal: Arc<Signal>, index: u32, moves: Moves) -> usize {
        let subscriber = Some(Subscriber { signal, index, moves, marked: false, woken: false });
        match self.slots.iter().position(Option::is_none) {
            Some(free) => {
                self.slots[free] = subscriber;
                free
            }
            None => {
                self.slots.push(subscriber);
                self.slots.len() - 1
            }
        }
    }

    pub(super) fn remove(&mut self, key: usize) {
        if let Some(slot) = self.slots.get_mut(key) {
            *slot = None;
        }
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
        self.slots.shrink_to(4);
    }

    /// The subscriber is about to read: the next move marks it again.
    pub(super) fn clear(&mut self, key: usize) {
        if let Some(Some(subscriber)) = self.slots.get_mut(key) {
            subscriber.marked = false;
            subscriber.woken = false;
        }
    }

    /// The log end or the high watermark moved. Whoever waits for that is woken; the others are
    /// marked, so that their next look finds it (a follower learns the high watermark this way).
    pub(super) fn moved(&mut self, moves: Moves) {
        self.mark(|it| it.moves == moves);
    }

    pub(super) fn moved_any(&mut self) {
        self.mark(|_| true);
    }

    fn mark(&mut self, wakes: impl Fn(&Subscriber) -> bool) {
        for subscriber in self.slots.iter_mut().flatten() {
            if !subscriber.marked {
                subscriber.marked = true;
                subscriber.signal.mark(subscriber.index);
            }
            if !subscriber.woken && wakes(subscriber) {
                subscriber.woken = true;
                subscriber.signal.wake();
            }
        }
    }
}
