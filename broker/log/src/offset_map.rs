//! Which offset has the latest record of a key: the memory of a compaction, with a limit.
//!
//! Keys are known by a hash of 128 bits: at a billion keys, two of them share one with a chance of
//! 10^-21. Who may write to a topic may remove any of its keys anyway, so a collision made on
//! purpose gains nothing.

use std::hash::{DefaultHasher, Hasher};

const EMPTY: i64 = -1;
const SLOT_BYTES: usize = size_of::<Slot>();
const SLOTS_MIN: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: (u64, u64),
    offset: i64,
}

/// An open-addressing table that grows up to a number of bytes (`log.cleaner.dedupe.buffer.size`).
#[derive(Debug)]
pub struct OffsetMap {
    slots: Vec<Slot>,
    used: usize,
    slots_max: usize,
}

impl OffsetMap {
    /// A map that takes at most `bytes_max`, and at least 24 KiB.
    pub fn new(bytes_max: usize) -> Self {
        let slots_max = (bytes_max / SLOT_BYTES + 1).next_power_of_two() / 2;
        Self { slots: Vec::new(), used: 0, slots_max: slots_max.max(SLOTS_MIN) }
    }

    /// Forgets all keys and returns the memory.
    pub fn clear(&mut self) {
        self.slots = Vec::new();
        self.used = 0;
    }

    /// Keys in the map.
    pub fn len(&self) -> usize {
        self.used
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Notes the latest offset of a key. False where the map has no room for another key.
    pub fn insert(&mut self, key: &[u8], offset: i64) -> bool {
        if self.slots.is_empty() {
            self.slots = vec![Slot { hash: (0, 0), offset: EMPTY }; SLOTS_MIN];
        }
        let hash = hash(key);
        let at = self.find(hash);
        if self.slots[at].offset != EMPTY {
            self.slots[at].offset = offset;
            return true;
        }
        if self.used >= self.slots.len() / 4 * 3 {
            if self.slots.len() >= self.slots_max {
                return false;
            }
            self.grow();
            return self.insert(key, offset);
        }
        self.slots[at] = Slot { hash, offset };
        self.used += 1;
        true
    }

    /// The latest offset of a key; `None` where it is not in the map.
    pub fn get(&self, key: &[u8]) -> Option<i64> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.find(hash(key))];
        (slot.offset != EMPTY).then_some(slot.offset)
    }

    /// The slot of the hash, or the empty one where it belongs.
    fn find(&self, hash: (u64, u64)) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash.0 as usize & mask;
        while self.slots[at].offset != EMPTY && self.slots[at].hash != hash {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let larger = vec![Slot { hash: (0, 0), offset: EMPTY }; self.slots.len() * 2];
        for slot in std::mem::replace(&mut self.slots, larger) {
            if slot.offset != EMPTY {
                let at = self.find(slot.hash);
                self.slots[at] = slot;
            }
        }
    }
}

fn hash(key: &[u8]) -> (u64, u64) {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(which);
        hasher.write(key);
        hasher.finish()
    };
    (half(0), half(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_latest_offset_until_the_map_is_full() {
        let mut map = OffsetMap::new(100_000);
        let mut known = Vec::new();
        for index in 0i64.. {
            let key = index.to_be_bytes();
            if !map.insert(&key, index) {
                assert!(map.get(&key).is_none());
                break;
            }
            map.insert(&key, index + 1);
            known.push(key);
        }
        assert_eq!(map.len(), known.len());
        assert!(map.slots.len() * SLOT_BYTES <= 100_000);
        for (index, key) in known.iter().enumerate() {
            assert_eq!(map.get(key), Some(index as i64 + 1));
        }
    }
}
