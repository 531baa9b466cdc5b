//! The tail of a log in memory: what was appended last, by reference count.
//!
//! Followers and consumers that keep up read from here and never touch the disk. All tails together
//! have one budget: the broker remembers the order of all appends, and when the budget is exceeded
//! the oldest append of any partition goes first. So an idle partition loses its tail to busy ones,
//! and what remains of a tail is always one piece that ends at the log's end. What nobody read in its
//! first seconds goes too: readers that are further behind are served by the page cache, and a
//! broker without work gives its memory back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::shared::lock;

/// What an entry costs beyond its bytes: its place in two queues and the header of a buffer.
const ENTRY_BYTES: usize = 128;

/// The order of all appends of a broker, and what they cost.
#[derive(Debug)]
pub(crate) struct Ring {
    appends: Mutex<Appends>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Appends {
    queue: VecDeque<(Arc<Tail>, u64, usize)>,
    bytes: usize,
    /// Appends since the ring was last told to age.
    young: usize,
}

impl Ring {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { appends: Mutex::default(), bytes_max }
    }

    pub(crate) fn bytes(&self) -> usize {
        lock(&self.appends).bytes
    }

    /// Counts an append that is in `tail` already; makes room by evicting the oldest ones.
    fn count(&self, tail: &Arc<Tail>, sequence: u64, bytes: usize) {
        let mut appends = lock(&self.appends);
        appends.bytes += bytes;
        appends.young += 1;
        appends.queue.push_back((tail.clone(), sequence, bytes));
        let evicted = appends.evict_while(|appends| appends.bytes > self.bytes_max);
        drop(appends);
        evict(evicted);
    }

    /// Forgets the appends that were there already when this was called last.
    pub(crate) fn age(&self) {
        let mut appends = lock(&self.appends);
        let evicted = appends.evict_while(|appends| appends.queue.len() > appends.young);
        appends.young = 0;
        // A queue that was long once keeps its room.
        if appends.queue.is_empty() {
            appends.queue = VecDeque::new();
        }
        drop(appends);
        evict(evicted);
    }
}

impl Appends {
    /// Takes out the oldest appends, as long as something demands it.
    fn evict_while(&mut self, demanded: impl Fn(&Self) -> bool) -> Vec<(Arc<Tail>, u64)> {
        let mut evicted = Vec::new();
        while demanded(self) {
            let Some((tail, sequence, bytes)) = self.queue.pop_front() else { break };
            self.bytes -= bytes;
            evicted.push((tail, sequence));
        }
        evicted
    }
}

fn evict(appends: Vec<(Arc<Tail>, u64)>) {
    for (tail, sequence) in appends {
        tail.evict(sequence);
    }
}

/// The tail of one log.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    queue: VecDeque<TailEntry>,
    next_sequence: u64,
}

/// The batches of one append.
#[derive(Clone, Debug)]
pub(crate) struct TailEntry {
    sequence: u64,
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) bytes: Bytes,
}

impl Tail {
    /// Adds an append that continues the tail.
    pub(crate) fn push(
        self: &Arc<Self>,
        ring: &Ring,
        base_offset: i64,
        last_offset: i64,
        bytes: Bytes,
    ) {
        let cost = bytes.len() + ENTRY_BYTES;
        if cost > ring.bytes_max {
            return self.clear();
        }
        let mut entries = lock(&self.entries);
        let sequence = entries.next_sequence;
        entries.next_sequence += 1;
        entries.queue.push_back(TailEntry { sequence, base_offset, last_offset, bytes });
        drop(entries);
        ring.count(self, sequence, cost);
    }

    /// The entries from the one that holds `offset` on, until `enough` says stop. `None` where the
    /// tail does not reach back to `offset`.
    pub(crate) fn from(
        &self,
        offset: i64,
        mut enough: impl FnMut(&TailEntry) -> bool,
    ) -> Option<Vec<TailEntry>> {
        let entries = lock(&self.entries);
        // With gaps between batches, the first entry may begin after an offset it stands for; only
        // the disk knows that.
        if entries.queue.front().is_none_or(|first| offset < first.base_offset) {
            return None;
        }
        let start = entries.queue.partition_point(|entry| entry.last_offset < offset);
        let mut found = Vec::new();
        for entry in entries.queue.range(start..) {
            if enough(entry) {
                break;
            }
            found.push(entry.clone());
        }
        Some(found)
    }

    /// Forgets what begins before `offset`: the disk holds something else there now.
    pub(crate) fn forget_before(&self, offset: i64) {
        let mut entries = lock(&self.entries);
        while entries.queue.front().is_some_and(|entry| entry.base_offset < offset) {
            entries.queue.pop_front();
        }
    }

    /// Forgets everything; what the ring counted it forgets in its order.
    pub(crate) fn clear(&self) {
        lock(&self.entries).queue = VecDeque::new();
    }

    fn evict(&self, sequence: u64) {
        let mut entries = lock(&self.entries);
        while entries.queue.front().is_some_and(|entry| entry.sequence <= sequence) {
            entries.queue.pop_front();
        }
        if entries.queue.is_empty() {
            entries.queue = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(tail: &Tail) -> Vec<i64> {
        lock(&tail.entries).queue.iter().map(|entry| entry.base_offset).collect()
    }

    #[test]
    fn what_is_old_goes_and_what_is_young_stays() {
        let (ring, busy, idle) = (Ring::new(1 << 20), Arc::new(Tail::default()), Arc::default());
        let push = |tail: &Arc<Tail>, offset| {
            tail.push(&ring, offset, offset, Bytes::from_static(b"batch"));
        };
        push(&busy, 0);
        push(&idle, 0);
        ring.age();
        push(&busy, 1);
        assert_eq!((offsets(&busy), offsets(&idle)), (vec![0, 1], vec![0]));
        ring.age();
        assert_eq!((offsets(&busy), offsets(&idle)), (vec![1], vec![]));
        assert_eq!(ring.bytes(), b"batch".len() + ENTRY_BYTES);
        ring.age();
        assert_eq!((offsets(&busy), ring.bytes()), (vec![], 0));
    }
}
