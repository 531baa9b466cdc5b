//! What is asked about offsets: to commit, fetch and delete them; and how they expire (KIP-211).

use std::collections::BTreeSet;

use tracing::info;
use uuid::Uuid;

use crate::context::{InFlight, Outcome};
use crate::coordinator::Coordinator;
use crate::group::{Group, State};
use crate::offsets::{CommittedOffset, OffsetKey};
use crate::reply::{FetchedOffset, GroupError, PartitionResult, Reply};
use crate::request::{CommitOffsets, CommitPartition, DeleteOffsets, FetchOffsets, Request};
use crate::timers::Timer;
use crate::{Name, Record, ReplyToken, TopicPartitions, records};

/// From this version on, a commit to an unknown group is told so.
const GROUP_ID_NOT_FOUND_VERSION: i16 = 9;

impl Coordinator {
    pub(crate) fn commit_offsets(&mut self, commit: CommitOffsets, token: ReplyToken) {
        if let Err(error) = self.validate_commit(&commit) {
            let reply = Request::CommitOffsets(commit).refuse(error);
            return self.context.reply(token, reply);
        }
        // A member that commits lives, wherever its heartbeats are.
        if let Some(group) = self.groups.get(&commit.group_id)
            && matches!(group.state, State::Stable | State::PreparingRebalance)
        {
            group.renew_session(&mut self.context, &commit.member_id);
        }

        let write = self.context.next_write_id();
        let now_ms = self.context.now_ms;
        let mut records = Vec::new();
        let mut keys = Vec::new();
        let mut results = Vec::with_capacity(commit.topics.len());
        for topic in &commit.topics {
            results.push(topic.map(|partition| {
                let result = self.check_metadata(partition);
                if result.is_ok() {
                    let key = OffsetKey {
                        group_id: commit.group_id.clone(),
                        topic: topic.topic.clone(),
                        partition: partition.partition,
                    };
                    let retention_ms = commit.retention_time_ms;
                    let value = CommittedOffset {
                        offset: partition.offset,
                        leader_epoch: partition.leader_epoch,
                        metadata: partition.metadata.clone(),
                        commit_timestamp_ms: now_ms,
                        expire_timestamp_ms: retention_ms.map(|ms| now_ms.saturating_add(ms)),
                        topic_id: topic.topic_id,
                    };
                    records.push(records::offset_commit(&key, &value));
                    self.offsets.stage(write, &key, Some(value));
                    keys.push(key);
                }
                PartitionResult { partition: partition.partition, result }
            }));
        }
        let reply = Reply::CommitOffsets(results);
        if records.is_empty() {
            return self.context.reply(token, reply);
        }
        let group_id = &commit.group_id;
        let new = || Group::new(group_id.clone(), now_ms);
        self.groups.entry(group_id.clone()).or_insert_with(new);
        let replies = vec![(token, reply)];
        self.context.write(records, InFlight { replies, offsets: keys, ..InFlight::default() });
    }

    fn validate_commit(&self, commit: &CommitOffsets) -> Result<(), GroupError> {
        let is_simple = commit.generation_id < 0;
        let Some(group) = self.groups.get(&commit.group_id) else {
            return match commit.api_version {
                _ if is_simple && self.groups.len() < self.context.config.groups_max => Ok(()),
                _ if is_simple => Err(GroupError::GroupMaxSizeReached),
                GROUP_ID_NOT_FOUND_VERSION.. => Err(GroupError::GroupIdNotFound),
                _ => Err(GroupError::IllegalGeneration),
            };
        };
        if is_simple && group.state == State::Empty {
            return Ok(());
        }
        let instance_id = commit.group_instance_id.as_deref();
        if is_simple && commit.member_id.is_empty() && instance_id.is_none() {
            return Err(GroupError::UnknownMemberId);
        }
        group.validate_member(&commit.member_id, instance_id)?;
        if commit.generation_id != group.generation_id {
            Err(GroupError::IllegalGeneration)
        } else if group.state == State::CompletingRebalance {
            Err(GroupError::RebalanceInProgress)
        } else {
            Ok(())
        }
    }

    fn check_metadata(&self, partition: &CommitPartition) -> Result<(), GroupError> {
        let bytes_max = self.context.config.offset_metadata_max_bytes;
        // No string has more UTF-16 code units than UTF-8 bytes; a record holds 32767 of these.
        let length = partition.metadata.len();
        let is_too_large =
            length > bytes_max && partition.metadata.encode_utf16().count() > bytes_max;
        if is_too_large || i16::try_from(length).is_err() {
            Err(GroupError::OffsetMetadataTooLarge)
        } else {
            Ok(())
        }
    }

    pub(crate) fn fetch_offsets(&mut self, fetch: FetchOffsets, token: ReplyToken) {
        match self.offsets.last_write(&fetch.group_id) {
            Some(write) if fetch.require_stable => self.context.fetch_after(write, token, fetch),
            _ => {
                let reply = self.committed_offsets(&fetch);
                self.context.reply(token, reply);
            }
        }
    }

    /// What is replicated now.
    pub(crate) fn committed_offsets(&self, fetch: &FetchOffsets) -> Reply {
        let group_id = &*fetch.group_id;
        let is_known = self.groups.contains_key(group_id);
        let found = match &fetch.topics {
            Some(topics) => topics.iter().map(|it| self.fetch_topic(group_id, it)).collect(),
            None if is_known => self.fetch_all(group_id),
            None => Vec::new(),
        };
        Reply::FetchOffsets(Ok(found))
    }

    fn fetch_topic(
        &self,
        group_id: &str,
        topic: &TopicPartitions<i32>,
    ) -> TopicPartitions<FetchedOffset> {
        let is_known = self.groups.contains_key(group_id);
        topic.map(|&partition| {
            let found = self.offsets.committed(group_id, &topic.topic, partition);
            // An offset of a deleted topic is no offset of another one that took its name.
            let is_same_topic = |found: &&CommittedOffset| {
                found.topic_id.is_nil()
                    || topic.topic_id.is_nil()
                    || found.topic_id == topic.topic_id
            };
            match found.filter(|_| is_known).filter(is_same_topic) {
                Some(found) => fetched(partition, found),
                None => FetchedOffset {
                    partition,
                    offset: -1,
                    leader_epoch: -1,
                    metadata: String::new(),
                },
            }
        })
    }

    fn fetch_all(&self, group_id: &str) -> Vec<TopicPartitions<FetchedOffset>> {
        let mut topics: Vec<TopicPartitions<FetchedOffset>> = Vec::new();
        for (topic, partition, found) in self.offsets.committed_of(group_id) {
            let found_offset = fetched(partition, found);
            match topics.last_mut().filter(|last| last.topic == *topic) {
                Some(last) => last.partitions.push(found_offset),
                None => topics.push(TopicPartitions {
                    topic: topic.clone(),
                    topic_id: found.topic_id,
                    partitions: vec![found_offset],
                }),
            }
        }
        topics
    }

    pub(crate) fn delete_offsets(&mut self, delete: &DeleteOffsets, token: ReplyToken) {
        let group = self.groups.get(&delete.group_id).ok_or(GroupError::GroupIdNotFound);
        let group = group.and_then(|group| match group.state {
            State::Empty | State::Dead => Ok(group),
            // What others than consumers subscribe to cannot be known.
            _ if group.is_consumer_group() => Ok(group),
            _ => Err(GroupError::NonEmptyGroup),
        });
        let group = match group {
            Ok(group) => group,
            Err(error) => return self.context.reply(token, Reply::DeleteOffsets(Err(error))),
        };

        let mut keys = Vec::new();
        let mut results = Vec::with_capacity(delete.topics.len());
        for topic in &delete.topics {
            let is_subscribed = group.is_subscribed_to(&topic.topic);
            results.push(topic.map(|&partition| {
                if is_subscribed {
                    let result = Err(GroupError::GroupSubscribedToTopic);
                    return PartitionResult { partition, result };
                }
                if self.offsets.latest(&group.id, &topic.topic, partition).is_some() {
                    keys.push(OffsetKey {
                        group_id: group.id.clone(),
                        topic: topic.topic.clone(),
                        partition,
                    });
                }
                PartitionResult { partition, result: Ok(()) }
            }));
        }
        let reply = Reply::DeleteOffsets(Ok(results));
        if keys.is_empty() {
            return self.context.reply(token, reply);
        }
        let records = self.stage_tombstones(&keys);
        let replies = vec![(token, reply)];
        self.context.write(records, InFlight { replies, offsets: keys, ..InFlight::default() });
    }

    pub(crate) fn delete_groups(&mut self, group_ids: &[Name], token: ReplyToken) {
        let mut results = Vec::with_capacity(group_ids.len());
        let mut keys = Vec::new();
        let mut deleted = Vec::new();
        for group_id in group_ids {
            let result = match self.groups.get(group_id).map(|group| group.state) {
                None => Err(GroupError::GroupIdNotFound),
                Some(State::Empty | State::Dead) => {
                    keys.extend(self.latest_keys(group_id));
                    deleted.extend(self.remove_group(group_id));
                    Ok(())
                }
                Some(_) => Err(GroupError::NonEmptyGroup),
            };
            results.push((group_id.clone(), result));
        }
        let reply = Reply::DeleteGroups(results);
        if deleted.is_empty() {
            return self.context.reply(token, reply);
        }
        let mut records = self.stage_tombstones(&keys);
        records.extend(deleted.iter().map(|group| records::group_tombstone(&group.id)));
        let replies = vec![(token, reply)];
        let outcome = Some(Outcome::Deleted(deleted));
        self.context
            .write(records, InFlight { replies, offsets: keys, outcome, ..InFlight::default() });
    }

    /// Forgets offsets that are past their time, and groups that have neither members nor offsets.
    pub(crate) fn expire_offsets(&mut self) {
        let interval_ms = self.context.config.offsets_retention_check_interval_ms;
        self.context.schedule(Timer::OffsetExpiry, interval_ms);
        let mut tombstones = Tombstones::default();
        let group_ids: Vec<Name> = self.groups.keys().cloned().collect();
        for group_id in group_ids {
            let group = &self.groups[&group_id];
            let latest = self.offsets.latest_of(&group_id);
            let expired: Vec<OffsetKey> = latest
                .iter()
                .filter(|((topic, _), offset)| self.has_expired(group, topic, offset))
                .map(|((topic, partition), _)| OffsetKey {
                    group_id: group_id.clone(),
                    topic: (*topic).clone(),
                    partition: *partition,
                })
                .collect();
            let is_over = expired.len() == latest.len()
                && group.state == State::Empty
                && group.pending_members.is_empty();
            for key in expired {
                tombstones.push_offset(self, key);
            }
            if is_over && let Some(group) = self.remove_group(&group_id) {
                tombstones.push_group(self, group);
            }
        }
        tombstones.flush(self);
    }

    fn has_expired(&self, group: &Group, topic: &str, offset: &CommittedOffset) -> bool {
        let since_ms = match &group.protocol_type {
            // A group that never had members: each offset for itself.
            None => offset.commit_timestamp_ms,
            // From the day the last member left, for all alike.
            Some(_) if group.state == State::Empty => {
                group.state_timestamp_ms.unwrap_or(offset.commit_timestamp_ms)
            }
            // At work: offsets of topics that were given up.
            Some(_) if group.is_consumer_group() && group.state == State::Stable => {
                offset.commit_timestamp_ms
            }
            Some(_) => return false,
        };
        if group.is_subscribed_to(topic) {
            return false;
        }
        let now_ms = self.context.now_ms;
        match offset.expire_timestamp_ms {
            Some(expire_timestamp_ms) => now_ms >= expire_timestamp_ms,
            None => now_ms.saturating_sub(since_ms) >= self.context.config.offsets_retention_ms,
        }
    }

    /// Forgets the offsets of topics that are gone.
    pub(crate) fn delete_topics(&mut self, topics: &[(Name, Uuid)]) {
        let mut tombstones = Tombstones::default();
        let group_ids: Vec<Name> = self.offsets.group_ids().cloned().collect();
        let names: BTreeSet<&Name> = topics.iter().map(|(name, _)| name).collect();
        for group_id in group_ids {
            let is_gone = |topic: &Name, offset: &CommittedOffset| {
                let of_that_topic = |(name, id): &(Name, Uuid)| {
                    name == topic && (offset.topic_id.is_nil() || offset.topic_id == *id)
                };
                names.contains(topic) && topics.iter().any(of_that_topic)
            };
            let latest = self.offsets.latest_of(&group_id);
            let gone = latest.iter().filter(|((topic, _), offset)| is_gone(topic, offset));
            let gone: Vec<OffsetKey> = gone
                .map(|((topic, partition), _)| OffsetKey {
                    group_id: group_id.clone(),
                    topic: (*topic).clone(),
                    partition: *partition,
                })
                .collect();
            for key in gone {
                tombstones.push_offset(self, key);
            }
        }
        tombstones.flush(self);
    }

    fn latest_keys(&self, group_id: &Name) -> Vec<OffsetKey> {
        let latest = self.offsets.latest_of(group_id).into_keys();
        let keys = latest.map(|(topic, partition)| OffsetKey {
            group_id: group_id.clone(),
            topic: topic.clone(),
            partition,
        });
        keys.collect()
    }

    fn stage_tombstones(&mut self, keys: &[OffsetKey]) -> Vec<Record> {
        let write = self.context.next_write_id();
        for key in keys {
            self.offsets.stage(write, key, None);
        }
        keys.iter().map(records::offset_tombstone).collect()
    }

    fn remove_group(&mut self, group_id: &Name) -> Option<Group> {
        let group = self.groups.remove(group_id)?;
        group.cancel_timers(&mut self.context);
        info!(group = &**group_id, "the group is deleted");
        Some(group)
    }
}

fn fetched(partition: i32, found: &CommittedOffset) -> FetchedOffset {
    FetchedOffset {
        partition,
        offset: found.offset,
        leader_epoch: found.leader_epoch,
        metadata: found.metadata.clone(),
    }
}

/// Deletions that need not happen together, written in batches of bounded size.
#[derive(Default)]
struct Tombstones {
    offsets: Vec<OffsetKey>,
    groups: Vec<Group>,
    bytes: usize,
}

impl Tombstones {
    fn push_offset(&mut self, coordinator: &mut Coordinator, key: OffsetKey) {
        self.make_room(coordinator, key.group_id.len() + key.topic.len());
        self.offsets.push(key);
    }

    fn push_group(&mut self, coordinator: &mut Coordinator, group: Group) {
        self.make_room(coordinator, group.id.len());
        self.groups.push(group);
    }

    fn make_room(&mut self, coordinator: &mut Coordinator, name_bytes: usize) {
        // Names, and what a record costs besides: lengths, partition, attributes, deltas.
        let record_bytes = name_bytes + 32;
        if self.bytes + record_bytes > coordinator.context.config.write_bytes_max {
            self.flush(coordinator);
        }
        self.bytes += record_bytes;
    }

    fn flush(&mut self, coordinator: &mut Coordinator) {
        let Self { offsets, groups, .. } = std::mem::take(self);
        if offsets.is_empty() && groups.is_empty() {
            return;
        }
        let mut records = coordinator.stage_tombstones(&offsets);
        records.extend(groups.iter().map(|group| records::group_tombstone(&group.id)));
        let outcome = Some(Outcome::Deleted(groups));
        coordinator.context.write(records, InFlight { offsets, outcome, ..InFlight::default() });
    }
}
