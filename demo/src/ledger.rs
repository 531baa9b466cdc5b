//! The books of a run: what was acknowledged where, and what the log says in the end.
//!
//! Lost is what was acknowledged and that the verifying read of all partitions did not find.
//! Duplicated is one event at two offsets of the log; redelivery to a group is no duplicate.

use std::collections::BTreeMap;

use crate::event::Topic;

/// Events of one run at most; the ledger takes 24 bytes for each.
pub(crate) const EVENTS_MAX: u64 = 20_000_000;

const EXAMPLES_MAX: usize = 5;

/// Where a record is: a topic's index, a partition, an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub topic: Topic,
    pub partition: i32,
    pub offset: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Waiting,
    Acknowledged,
    Unknown,
    NotSent,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    topic: Topic,
    partition: u16,
    fate: Fate,
    duplicated: bool,
    /// -1: not known.
    acknowledged_offset: i64,
    /// The offset at which the verifying read found it, -1 before that.
    found_offset: i64,
}

/// The books.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    acknowledged: u64,
    unknown: u64,
    foreign: u64,
}

/// The balance after the verifying read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub acknowledged: u64,
    /// Acknowledged events that the verifying read found.
    pub consumed: u64,
    pub lost: u64,
    pub duplicated: u64,
    /// Events without an acknowledgement, and how many of them the log has.
    pub unknown: u64,
    pub unknown_found: u64,
    /// Acknowledged events that are in the log, but not where the acknowledgement said.
    pub misplaced: u64,
    /// Records of this run that it never wrote.
    pub foreign: u64,
    pub examples: Vec<String>,
}

impl Ledger {
    /// Opens the next entry and returns its sequence number.
    pub(crate) fn open(&mut self, topic: Topic, partition: i32) -> u64 {
        self.entries.push(Entry {
            topic,
            partition: partition as u16,
            fate: Fate::Waiting,
            duplicated: false,
            acknowledged_offset: -1,
            found_offset: -1,
        });
        self.entries.len() as u64 - 1
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// `offset`: where it is said to be.
    pub(crate) fn acknowledge(&mut self, sequence: u64, offset: Option<i64>) {
        let entry = &mut self.entries[sequence as usize];
        entry.fate = Fate::Acknowledged;
        entry.acknowledged_offset = offset.unwrap_or(-1);
        self.acknowledged += 1;
    }

    pub(crate) fn leave_unknown(&mut self, sequence: u64) {
        self.entries[sequence as usize].fate = Fate::Unknown;
        self.unknown += 1;
    }

    pub(crate) fn leave_unsent(&mut self, sequence: u64) {
        self.entries[sequence as usize].fate = Fate::NotSent;
    }

    pub(crate) fn is_acknowledged(&self, sequence: u64) -> bool {
        self.entries.get(sequence as usize).is_some_and(|entry| entry.fate == Fate::Acknowledged)
    }

    /// One more than the highest acknowledged offset of each partition of a topic.
    pub(crate) fn ends(&self, topic: Topic) -> BTreeMap<i32, i64> {
        let mut ends = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| entry.topic == topic) {
            if entry.fate == Fate::Acknowledged {
                let end: &mut i64 = ends.entry(i32::from(entry.partition)).or_default();
                *end = (*end).max(entry.acknowledged_offset + 1);
            }
        }
        ends
    }

    /// How many acknowledged events of these topics lie at or beyond a group's positions.
    pub(crate) fn behind(&self, topics: &[Topic], position: impl Fn(Topic, i32) -> i64) -> u64 {
        self.entries
            .iter()
            .filter(|entry| entry.fate == Fate::Acknowledged && topics.contains(&entry.topic))
            .filter(|entry| {
                entry.acknowledged_offset >= position(entry.topic, i32::from(entry.partition))
            })
            .count() as u64
    }

    /// Acknowledged events of these topics.
    pub(crate) fn acknowledged_in(&self, topics: &[Topic]) -> u64 {
        self.entries
            .iter()
            .filter(|entry| entry.fate == Fate::Acknowledged && topics.contains(&entry.topic))
            .count() as u64
    }

    /// The verifying read found an event of this run.
    pub(crate) fn found(&mut self, sequence: Option<u64>, place: Place) {
        let entry =
            sequence.and_then(|sequence| self.entries.get_mut(sequence as usize)).filter(|entry| {
                entry.topic == place.topic && i32::from(entry.partition) == place.partition
            });
        let Some(entry) = entry else {
            self.foreign += 1;
            return;
        };
        if entry.found_offset < 0 {
            entry.found_offset = place.offset;
        } else if entry.found_offset != place.offset {
            entry.duplicated = true;
        }
    }

    /// Adds it all up.
    pub(crate) fn balance(&self) -> Balance {
        let mut balance =
            Balance { foreign: self.foreign, unknown: self.unknown, ..Balance::default() };
        for (sequence, entry) in self.entries.iter().enumerate() {
            let found = entry.found_offset >= 0;
            let mut note = |words: &str| {
                if balance.examples.len() < EXAMPLES_MAX {
                    balance.examples.push(format!(
                        "event {sequence} {words} ({}-{}, acknowledged at offset {}, found at {})",
                        entry.topic.name(),
                        entry.partition,
                        entry.acknowledged_offset,
                        entry.found_offset
                    ));
                }
            };
            if entry.duplicated {
                note("stands in the log twice");
                balance.duplicated += 1;
            }
            match (entry.fate, found) {
                (Fate::Acknowledged, false) => {
                    note("was acknowledged and is not in the log");
                    balance.lost += 1;
                }
                (Fate::Acknowledged, true) => {
                    balance.consumed += 1;
                    let is_elsewhere =
                        ![-1, entry.found_offset].contains(&entry.acknowledged_offset);
                    if is_elsewhere && !entry.duplicated {
                        note("is not where its acknowledgement said");
                        balance.misplaced += 1;
                    }
                }
                (_, true) => balance.unknown_found += 1,
                (_, false) => {}
            }
        }
        balance.acknowledged = self.acknowledged;
        balance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(partition: i32, offset: i64) -> Place {
        Place { topic: Topic::Clicks, partition, offset }
    }

    /// Three events acknowledged at offsets 0, 1 and 2 of one partition, one of unknown fate.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for offset in 0..3 {
            let sequence = ledger.open(Topic::Clicks, 4);
            ledger.acknowledge(sequence, Some(offset));
        }
        let unknown = ledger.open(Topic::Clicks, 4);
        ledger.leave_unknown(unknown);
        ledger
    }

    #[test]
    fn the_books_balance_when_everything_is_found_once() {
        let mut ledger = ledger();
        (0..3).for_each(|offset| ledger.found(Some(offset as u64), place(4, offset)));
        let balance = ledger.balance();
        assert_eq!((balance.acknowledged, balance.consumed, balance.lost), (3, 3, 0));
        assert_eq!((balance.duplicated, balance.unknown, balance.unknown_found), (0, 1, 0));
        assert!(balance.examples.is_empty());
    }

    #[test]
    fn what_was_acknowledged_and_not_found_is_lost() {
        let mut ledger = ledger();
        ledger.found(Some(0), place(4, 0));
        ledger.found(Some(2), place(4, 2));
        let balance = ledger.balance();
        assert_eq!((balance.consumed, balance.lost), (2, 1));
        assert!(balance.examples[0].contains("event 1 was acknowledged"), "{balance:?}");
    }

    #[test]
    fn one_event_at_two_offsets_is_duplicated_once() {
        let mut ledger = ledger();
        for offset in [0, 7, 8] {
            ledger.found(Some(0), place(4, offset));
        }
        ledger.found(Some(3), place(4, 9));
        let balance = ledger.balance();
        assert_eq!((balance.duplicated, balance.unknown_found), (1, 1));
    }

    #[test]
    fn records_that_nobody_wrote_or_that_lie_elsewhere_are_noticed() {
        let mut ledger = ledger();
        ledger.found(Some(99), place(4, 50));
        ledger.found(None, place(4, 51));
        ledger.found(Some(0), place(5, 0));
        ledger.found(Some(1), place(4, 11));
        let balance = ledger.balance();
        assert_eq!((balance.foreign, balance.misplaced, balance.lost), (3, 1, 2));
    }

    #[test]
    fn a_group_is_behind_by_what_lies_beyond_its_positions() {
        let ledger = ledger();
        assert_eq!(ledger.behind(&Topic::ALL, |_, _| 1), 2);
        assert_eq!(ledger.behind(&[Topic::Transactions], |_, _| 0), 0);
        assert_eq!(ledger.ends(Topic::Clicks), BTreeMap::from([(4, 3)]));
    }
}
