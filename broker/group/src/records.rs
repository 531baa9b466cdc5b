//! The records of `__consumer_offsets`, byte for byte as Kafka 4.3 writes and reads them.
//!
//! Keys: version 1 for offsets, 2 for groups. Values: offsets in version 4, or 1 when the client
//! asked for an expiry time, which only that version has; groups in version 3.

#[cfg(test)]
mod golden;

use std::collections::BTreeMap;

use bytes::Bytes;
use kafka::messages::consumer_offsets::MemberMetadata;
use kafka::messages::{GroupMetadataKey, GroupMetadataValue, OffsetCommitKey, OffsetCommitValue};
use kafka::{Data, DecodeError, OffsetsKey, Str};

use crate::group::Group;
use crate::offsets::{CommittedOffset, OffsetKey};
use crate::{Name, Record};

const OFFSET_VALUE_VERSION: i16 = 4;
const EXPIRING_OFFSET_VALUE_VERSION: i16 = 1;
const GROUP_VALUE_VERSION: i16 = 3;

/// Why a record cannot be replayed: it is damaged, or was written by something newer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The key.
    #[error("read the key of a record of __consumer_offsets: {0}")]
    Key(DecodeError),
    /// The value; the key says what it should be.
    #[error("read the value of a record of __consumer_offsets: {0}")]
    Value(DecodeError),
}

/// What a record says; an absent value deletes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    Offset(OffsetKey, Option<CommittedOffset>),
    Group(Name, Option<GroupMetadata>),
}

/// A group's last generation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupMetadata {
    pub(crate) protocol_type: Name,
    pub(crate) generation_id: i32,
    pub(crate) protocol_name: Option<Name>,
    pub(crate) leader: Option<Name>,
    pub(crate) state_timestamp_ms: Option<i64>,
    pub(crate) members: Vec<LoadedMember>,
}

/// A member of that generation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoadedMember {
    pub(crate) member_id: Name,
    pub(crate) group_instance_id: Option<Name>,
    pub(crate) client_id: Name,
    pub(crate) client_host: Name,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) session_timeout_ms: i32,
    pub(crate) subscription: Bytes,
    pub(crate) assignment: Bytes,
}

/// Sets an offset.
pub(crate) fn offset_commit(key: &OffsetKey, value: &CommittedOffset) -> Record {
    let version = match value.expire_timestamp_ms {
        Some(_) => EXPIRING_OFFSET_VALUE_VERSION,
        None => OFFSET_VALUE_VERSION,
    };
    let body = OffsetCommitValue {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: Str::from(value.metadata.as_str()),
        commit_timestamp: value.commit_timestamp_ms,
        expire_timestamp: value.expire_timestamp_ms.unwrap_or(-1),
        topic_id: value.topic_id,
    };
    Record { key: offset_key(key), value: Some(encode(&body, version)) }
}

/// Removes an offset.
pub(crate) fn offset_tombstone(key: &OffsetKey) -> Record {
    Record { key: offset_key(key), value: None }
}

/// Says that a group exists, before it has had a generation.
pub(crate) fn new_group(group: &Group) -> Record {
    let body = GroupMetadataValue {
        protocol_type: Str::new(),
        generation: 0,
        protocol: None,
        leader: None,
        current_state_timestamp: group.state_timestamp_ms.unwrap_or(-1),
        members: Vec::new(),
    };
    Record { key: group_key(&group.id), value: Some(encode(&body, GROUP_VALUE_VERSION)) }
}

/// Stores the group's present generation with the assignments; members without one get none.
pub(crate) fn group_metadata(group: &Group, assignments: &BTreeMap<Name, Bytes>) -> Record {
    let protocol_name = group.protocol_name.clone().unwrap_or_default();
    let members = group.members.values().map(|member| MemberMetadata {
        member_id: string(&member.id),
        group_instance_id: member.group_instance_id.as_ref().map(string),
        client_id: string(&member.client_id),
        client_host: string(&member.client_host),
        rebalance_timeout: member.rebalance_timeout_ms,
        session_timeout: member.session_timeout_ms,
        subscription: member.metadata(&protocol_name),
        assignment: assignments.get(&member.id).cloned().unwrap_or_default(),
    });
    let body = GroupMetadataValue {
        protocol_type: group.protocol_type.as_ref().map(string).unwrap_or_default(),
        generation: group.generation_id,
        protocol: group.protocol_name.as_ref().map(string),
        leader: group.leader.as_ref().map(string),
        current_state_timestamp: group.state_timestamp_ms.unwrap_or(-1),
        members: members.collect(),
    };
    Record { key: group_key(&group.id), value: Some(encode(&body, GROUP_VALUE_VERSION)) }
}

/// Removes a group.
pub(crate) fn group_tombstone(group_id: &Name) -> Record {
    Record { key: group_key(group_id), value: None }
}

/// Reads a record; `None` for kinds of records that are not ours.
pub(crate) fn decode(key: &Bytes, value: Option<&Bytes>) -> Result<Option<Entry>, RecordError> {
    match OffsetsKey::from_bytes(key.clone()).map_err(RecordError::Key)? {
        OffsetsKey::OffsetCommit(key) => {
            let key = OffsetKey {
                group_id: name(&key.group),
                topic: name(&key.topic),
                partition: key.partition,
            };
            Ok(Some(Entry::Offset(key, read(value)?.map(committed_offset))))
        }
        OffsetsKey::GroupMetadata(key) => {
            Ok(Some(Entry::Group(name(&key.group), read(value)?.map(loaded_group))))
        }
        OffsetsKey::Unknown(_) => Ok(None),
    }
}

fn read<V: Data>(value: Option<&Bytes>) -> Result<Option<V>, RecordError> {
    let value = value.map(|value| V::from_versioned(value.clone()));
    value.transpose().map_err(RecordError::Value)
}

fn committed_offset(value: OffsetCommitValue) -> CommittedOffset {
    CommittedOffset {
        offset: value.offset,
        leader_epoch: value.leader_epoch,
        metadata: value.metadata.to_string(),
        commit_timestamp_ms: value.commit_timestamp,
        expire_timestamp_ms: Some(value.expire_timestamp).filter(|ms| *ms != -1),
        topic_id: value.topic_id,
    }
}

fn loaded_group(value: GroupMetadataValue) -> GroupMetadata {
    GroupMetadata {
        protocol_type: name(&value.protocol_type),
        generation_id: value.generation,
        protocol_name: value.protocol.as_ref().map(name),
        leader: value.leader.as_ref().map(name),
        state_timestamp_ms: Some(value.current_state_timestamp).filter(|ms| *ms != -1),
        members: value.members.into_iter().map(loaded_member).collect(),
    }
}

fn loaded_member(member: MemberMetadata) -> LoadedMember {
    LoadedMember {
        member_id: name(&member.member_id),
        group_instance_id: member.group_instance_id.as_ref().map(name),
        client_id: name(&member.client_id),
        client_host: name(&member.client_host),
        // Version 0 knew one timeout for both.
        rebalance_timeout_ms: match member.rebalance_timeout {
            -1 => member.session_timeout,
            timeout_ms => timeout_ms,
        },
        session_timeout_ms: member.session_timeout,
        // A slice would keep the whole batch of the log in memory.
        subscription: Bytes::copy_from_slice(&member.subscription),
        assignment: Bytes::copy_from_slice(&member.assignment),
    }
}

fn offset_key(key: &OffsetKey) -> Bytes {
    let key = OffsetCommitKey {
        group: string(&key.group_id),
        topic: string(&key.topic),
        partition: key.partition,
    };
    OffsetsKey::OffsetCommit(key).to_bytes().expect("names of admitted requests can be written")
}

fn group_key(group_id: &Name) -> Bytes {
    let key = OffsetsKey::GroupMetadata(GroupMetadataKey { group: string(group_id) });
    key.to_bytes().expect("names of admitted requests can be written")
}

fn encode<V: Data>(value: &V, version: i16) -> Bytes {
    value.to_versioned(version).expect("what admitted requests say can be written")
}

fn string(name: &Name) -> Str {
    Str::from(&**name)
}

fn name(string: &Str) -> Name {
    Name::from(&**string)
}
