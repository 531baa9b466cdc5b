//! Committed offsets, and those on their way to be.
//!
//! A commit is validated against what is *latest* (appended, perhaps not replicated yet) and seen
//! by readers once it is *committed* (replicated). So each partition has a committed value and,
//! while writes are in flight, a queue of staged ones, in the order of the log.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{Name, WriteId};

/// A group's position in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    pub(crate) offset: i64,
    /// -1 when unknown.
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
    pub(crate) commit_timestamp_ms: i64,
    /// Asked for by clients before OffsetCommit version 5.
    pub(crate) expire_timestamp_ms: Option<i64>,
    /// Zero when the client did not tell.
    pub(crate) topic_id: Uuid,
}

/// Names the position of one group in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OffsetKey {
    pub(crate) group_id: Name,
    pub(crate) topic: Name,
    pub(crate) partition: i32,
}

type Partitions<V> = BTreeMap<i32, V>;

/// Values by group, topic and partition.
#[derive(Debug)]
struct OffsetMap<V>(BTreeMap<Name, BTreeMap<Name, Partitions<V>>>);

/// A staged value; absent values remove the offset.
type Staged = Vec<(WriteId, Option<CommittedOffset>)>;

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Offsets {
    committed: OffsetMap<CommittedOffset>,
    staged: OffsetMap<Staged>,
    count: usize,
}

impl<V> OffsetMap<V> {
    fn get(&self, group_id: &str, topic: &str, partition: i32) -> Option<&V> {
        self.0.get(group_id)?.get(topic)?.get(&partition)
    }

    fn entry(&mut self, key: &OffsetKey) -> std::collections::btree_map::Entry<'_, i32, V> {
        let topics = self.0.entry(key.group_id.clone()).or_default();
        topics.entry(key.topic.clone()).or_default().entry(key.partition)
    }

    fn remove(&mut self, key: &OffsetKey) -> Option<V> {
        let topics = self.0.get_mut(&key.group_id)?;
        let partitions = topics.get_mut(&key.topic)?;
        let value = partitions.remove(&key.partition);
        if partitions.is_empty() {
            topics.remove(&key.topic);
        }
        if topics.is_empty() {
            self.0.remove(&key.group_id);
        }
        value
    }

    fn group(&self, group_id: &str) -> impl Iterator<Item = (&Name, i32, &V)> {
        let topics = self.0.get(group_id).into_iter().flatten();
        topics.flat_map(|(topic, partitions)| {
            partitions.iter().map(move |(partition, value)| (topic, *partition, value))
        })
    }
}

impl Offsets {
    pub(crate) fn new() -> Self {
        Self { committed: OffsetMap(BTreeMap::new()), staged: OffsetMap(BTreeMap::new()), count: 0 }
    }

    /// How many offsets are committed.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The replicated value.
    pub(crate) fn committed(
        &self,
        group_id: &str,
        topic: &str,
        partition: i32,
    ) -> Option<&CommittedOffset> {
        self.committed.get(group_id, topic, partition)
    }

    /// The appended value.
    pub(crate) fn latest(
        &self,
        group_id: &str,
        topic: &str,
        partition: i32,
    ) -> Option<&CommittedOffset> {
        match self.staged.get(group_id, topic, partition).and_then(|staged| staged.last()) {
            Some((_, value)) => value.as_ref(),
            None => self.committed(group_id, topic, partition),
        }
    }

    /// Replicated values of a group, by topic and partition.
    pub(crate) fn committed_of(
        &self,
        group_id: &str,
    ) -> impl Iterator<Item = (&Name, i32, &CommittedOffset)> {
        self.committed.group(group_id)
    }

    /// Appended values of a group, by topic and partition.
    pub(crate) fn latest_of(&self, group_id: &str) -> BTreeMap<(&Name, i32), &CommittedOffset> {
        let committed = self.committed.group(group_id);
        let mut latest: BTreeMap<_, _> =
            committed.map(|(topic, partition, value)| ((topic, partition), value)).collect();
        for (topic, partition, staged) in self.staged.group(group_id) {
            match staged.last() {
                Some((_, Some(value))) => latest.insert((topic, partition), value),
                Some((_, None)) => latest.remove(&(topic, partition)),
                None => None,
            };
        }
        latest
    }

    /// Groups that have appended values, or had until a write in flight removed them.
    pub(crate) fn group_ids(&self) -> impl Iterator<Item = &Name> {
        let staged_only = |id: &&Name| !self.committed.0.contains_key(*id);
        self.committed.0.keys().chain(self.staged.0.keys().filter(staged_only))
    }

    /// The last write in flight that touches offsets of the group.
    pub(crate) fn last_write(&self, group_id: &str) -> Option<WriteId> {
        self.staged.group(group_id).filter_map(|(_, _, staged)| Some(staged.last()?.0)).max()
    }

    /// Stores a value that is replicated already.
    pub(crate) fn set(&mut self, key: &OffsetKey, value: Option<CommittedOffset>) {
        let previous = match value {
            Some(value) => {
                self.count += 1;
                match self.committed.entry(key) {
                    std::collections::btree_map::Entry::Occupied(mut entry) => {
                        Some(entry.insert(value))
                    }
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert(value);
                        None
                    }
                }
            }
            None => self.committed.remove(key),
        };
        self.count -= usize::from(previous.is_some());
    }

    /// Stores a value that the write appends.
    pub(crate) fn stage(
        &mut self,
        write: WriteId,
        key: &OffsetKey,
        value: Option<CommittedOffset>,
    ) {
        self.staged.entry(key).or_default().push((write, value));
    }

    /// The write is replicated, and so are those before it.
    pub(crate) fn commit(&mut self, write: WriteId, key: &OffsetKey) {
        for (_, value) in self.unstage(key, |staged| staged <= write) {
            self.set(key, value);
        }
    }

    /// The write never reached the log.
    pub(crate) fn abort(&mut self, write: WriteId, key: &OffsetKey) {
        self.unstage(key, |staged| staged == write);
    }

    fn unstage(&mut self, key: &OffsetKey, is_done: impl Fn(WriteId) -> bool) -> Staged {
        let Some(staged) = self.staged.remove(key) else { return Staged::new() };
        let (done, rest): (Staged, Staged) = staged.into_iter().partition(|(id, _)| is_done(*id));
        if !rest.is_empty() {
            *self.staged.entry(key).or_default() = rest;
        }
        done
    }
}
