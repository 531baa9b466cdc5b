//! Counting the frequent among very many, in bounded memory (lossy counting).
//!
//! When the table is full, everything at or below the lowest counts is dropped and the floor rises.
//! A count is exact until then; afterwards it is too low by at most the floor.

use std::collections::HashMap;
use std::hash::Hash;

/// Counts of keys, the rarest of which are forgotten when there are too many.
#[derive(Debug, Clone)]
pub(crate) struct Counter<K> {
    counts: HashMap<K, u64>,
    keys_max: usize,
    floor: u64,
}

impl<K: Hash + Eq> Counter<K> {
    /// Keeps at most `keys_max` keys, which must be more than none.
    pub(crate) fn new(keys_max: usize) -> Counter<K> {
        assert!(keys_max > 0);
        Counter { counts: HashMap::new(), keys_max, floor: 0 }
    }

    /// Adds to the count of a key.
    pub(crate) fn add(&mut self, key: K, count: u64) {
        *self.counts.entry(key).or_default() += count;
        while self.counts.len() > self.keys_max {
            // Half of the table goes at once, so that this is rare.
            let mut counts: Vec<u64> = self.counts.values().copied().collect();
            let (_, median, _) = counts.select_nth_unstable(self.keys_max / 2);
            let lowest = *median;
            self.floor = self.floor.max(lowest);
            self.counts.retain(|_, count| *count > lowest);
        }
    }

    /// The count of a key, 0 if it is unknown or forgotten.
    pub(crate) fn get<Q>(&self, key: &Q) -> u64
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.counts.get(key).copied().unwrap_or(0)
    }

    /// All keys and counts, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, u64)> {
        self.counts.iter().map(|(key, count)| (key, *count))
    }

    /// By how much counts may be too low.
    pub(crate) fn floor(&self) -> u64 {
        self.floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frequent_survive_and_memory_stays_bounded() {
        let mut counter = Counter::new(100);
        for round in 0..10_000_u64 {
            counter.add(round % 5, 1);
            counter.add(1_000 + round, 1);
            assert!(counter.iter().count() <= 100);
        }
        for frequent in 0..5 {
            assert!(counter.get(&frequent) + counter.floor() >= 2000);
            assert!(counter.get(&frequent) > 1000);
        }
        assert!(counter.floor() > 0);
    }
}
