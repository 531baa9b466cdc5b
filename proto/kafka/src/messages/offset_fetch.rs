//! OffsetFetch (api key 9); generated from `schemas/offset_fetch.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::encoder::required;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 1 to 10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequest {
    /// `GroupId`, versions 1 to 7.
    pub group_id: Str,
    /// `Topics`, versions 1 to 7, nullable 2+.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// `Groups`, versions 8+.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// `RequireStable`, versions 7+.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            topics: Some(Vec::new()),
            groups: Vec::new(),
            require_stable: false,
        }
    }
}

impl Message for OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetchRequest";
    const API_KEY: i16 = 9;
    const VERSIONS: RangeInclusive<i16> = 1..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 6;
        let group_id = if version <= 7 { d.string(flexible)? } else { Str::new() };
        let topics = if version <= 7 {
            if version >= 2 {
                d.nullable_array(flexible, version, 3, OffsetFetchRequestTopic::decode)?
            } else {
                Some(d.array(flexible, version, 3, OffsetFetchRequestTopic::decode)?)
            }
        } else {
            Some(Vec::new())
        };
        let groups = if version >= 8 {
            d.array(flexible, version, 3, OffsetFetchRequestGroup::decode)?
        } else {
            Vec::new()
        };
        let require_stable = if version >= 7 { d.bool()? } else { false };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { group_id, topics, groups, require_stable })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 6;
        if version <= 7 {
            e.string(&self.group_id, flexible)?;
        } else if !self.group_id.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetFetchRequest.GroupId",
                version,
            });
        }
        if version <= 7 {
            if version >= 2 {
                e.nullable_array(
                    self.topics.as_ref(),
                    flexible,
                    version,
                    OffsetFetchRequestTopic::encode,
                )?;
            } else {
                e.array(
                    required(&self.topics, "OffsetFetchRequest.Topics", version)?,
                    flexible,
                    version,
                    OffsetFetchRequestTopic::encode,
                )?;
            }
        } else if self.topics.as_ref().is_none_or(|value| !value.is_empty()) {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetFetchRequest.Topics",
                version,
            });
        }
        if version >= 8 {
            e.array(&self.groups, flexible, version, OffsetFetchRequestGroup::encode)?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetFetchRequest.Groups",
                version,
            });
        }
        if version >= 7 {
            e.bool(self.require_stable);
        } else if self.require_stable {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetFetchRequest.RequireStable",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for OffsetFetchRequest {
    type Response = OffsetFetchResponse;
}

/// Part of [`OffsetFetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopic {
    /// `Name`, versions 1 to 7.
    pub name: Str,
    /// `PartitionIndexes`, versions 1 to 7.
    pub partition_indexes: Vec<i32>,
}

impl OffsetFetchRequestTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let name = d.string(flexible)?;
        let partition_indexes = d.array(flexible, version, 4, |d, _| d.i32())?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, partition_indexes })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        e.string(&self.name, flexible)?;
        e.array(&self.partition_indexes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// `GroupId`, versions 8+.
    pub group_id: Str,
    /// `MemberId`, versions 9+, nullable.
    pub member_id: Option<Str>,
    /// `MemberEpoch`, versions 9+.
    pub member_epoch: i32,
    /// `Topics`, versions 8+, nullable.
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self { group_id: Str::new(), member_id: None, member_epoch: -1, topics: Some(Vec::new()) }
    }
}

impl OffsetFetchRequestGroup {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let group_id = d.string(flexible)?;
        let member_id = if version >= 9 { d.nullable_string(flexible)? } else { None };
        let member_epoch = if version >= 9 { d.i32()? } else { -1 };
        let topics = d.nullable_array(flexible, version, 3, OffsetFetchRequestTopics::decode)?;
        d.skip_tags()?;
        Ok(Self { group_id, member_id, member_epoch, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.group_id, flexible)?;
        if version >= 9 {
            e.nullable_string(self.member_id.as_ref(), flexible)?;
        }
        if version >= 9 {
            e.i32(self.member_epoch);
        }
        e.nullable_array(
            self.topics.as_ref(),
            flexible,
            version,
            OffsetFetchRequestTopics::encode,
        )?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`OffsetFetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopics {
    /// `Name`, versions 8 to 9.
    pub name: Str,
    /// `TopicId`, versions 10+.
    pub topic_id: Uuid,
    /// `PartitionIndexes`, versions 8+.
    pub partition_indexes: Vec<i32>,
}

impl OffsetFetchRequestTopics {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = if version <= 9 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 10 { d.uuid()? } else { Uuid::nil() };
        let partition_indexes = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { name, topic_id, partition_indexes })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        if version <= 9 {
            e.string(&self.name, flexible)?;
        }
        if version >= 10 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partition_indexes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 1 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponse {
    /// `ThrottleTimeMs`, versions 3+.
    pub throttle_time_ms: i32,
    /// `Topics`, versions 1 to 7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// `ErrorCode`, versions 2 to 7.
    pub error_code: i16,
    /// `Groups`, versions 8+.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Message for OffsetFetchResponse {
    const NAME: &'static str = "OffsetFetchResponse";
    const API_KEY: i16 = 9;
    const VERSIONS: RangeInclusive<i16> = 1..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 6;
        let throttle_time_ms = if version >= 3 { d.i32()? } else { 0 };
        let topics = if version <= 7 {
            d.array(flexible, version, 3, OffsetFetchResponseTopic::decode)?
        } else {
            Vec::new()
        };
        let error_code = if (2..=7).contains(&version) { d.i16()? } else { 0 };
        let groups = if version >= 8 {
            d.array(flexible, version, 5, OffsetFetchResponseGroup::decode)?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, topics, error_code, groups })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 6;
        if version >= 3 {
            e.i32(self.throttle_time_ms);
        }
        if version <= 7 {
            e.array(&self.topics, flexible, version, OffsetFetchResponseTopic::encode)?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetFetchResponse.Topics",
                version,
            });
        }
        if (2..=7).contains(&version) {
            e.i16(self.error_code);
        }
        if version >= 8 {
            e.array(&self.groups, flexible, version, OffsetFetchResponseGroup::encode)?;
        } else if !self.groups.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetFetchResponse.Groups",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopic {
    /// `Name`, versions 1 to 7.
    pub name: Str,
    /// `Partitions`, versions 1 to 7.
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl OffsetFetchResponseTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 16, OffsetFetchResponsePartition::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        e.string(&self.name, flexible)?;
        e.array(&self.partitions, flexible, version, OffsetFetchResponsePartition::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartition {
    /// `PartitionIndex`, versions 1 to 7.
    pub partition_index: i32,
    /// `CommittedOffset`, versions 1 to 7.
    pub committed_offset: i64,
    /// `CommittedLeaderEpoch`, versions 5 to 7.
    pub committed_leader_epoch: i32,
    /// `Metadata`, versions 1 to 7, nullable.
    pub metadata: Option<Str>,
    /// `ErrorCode`, versions 1 to 7.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(Str::new()),
            error_code: 0,
        }
    }
}

impl OffsetFetchResponsePartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let partition_index = d.i32()?;
        let committed_offset = d.i64()?;
        let committed_leader_epoch = if version >= 5 { d.i32()? } else { -1 };
        let metadata = d.nullable_string(flexible)?;
        let error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { partition_index, committed_offset, committed_leader_epoch, metadata, error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if version >= 5 {
            e.i32(self.committed_leader_epoch);
        }
        e.nullable_string(self.metadata.as_ref(), flexible)?;
        e.i16(self.error_code);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseGroup {
    /// `GroupId`, versions 8+.
    pub group_id: Str,
    /// `Topics`, versions 8+.
    pub topics: Vec<OffsetFetchResponseTopics>,
    /// `ErrorCode`, versions 8+.
    pub error_code: i16,
}

impl OffsetFetchResponseGroup {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let group_id = d.string(flexible)?;
        let topics = d.array(flexible, version, 3, OffsetFetchResponseTopics::decode)?;
        let error_code = d.i16()?;
        d.skip_tags()?;
        Ok(Self { group_id, topics, error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.group_id, flexible)?;
        e.array(&self.topics, flexible, version, OffsetFetchResponseTopics::encode)?;
        e.i16(self.error_code);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopics {
    /// `Name`, versions 8 to 9.
    pub name: Str,
    /// `TopicId`, versions 10+.
    pub topic_id: Uuid,
    /// `Partitions`, versions 8+.
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl OffsetFetchResponseTopics {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = if version <= 9 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 10 { d.uuid()? } else { Uuid::nil() };
        let partitions = d.array(flexible, version, 20, OffsetFetchResponsePartitions::decode)?;
        d.skip_tags()?;
        Ok(Self { name, topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        if version <= 9 {
            e.string(&self.name, flexible)?;
        }
        if version >= 10 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, flexible, version, OffsetFetchResponsePartitions::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`OffsetFetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    /// `PartitionIndex`, versions 8+.
    pub partition_index: i32,
    /// `CommittedOffset`, versions 8+.
    pub committed_offset: i64,
    /// `CommittedLeaderEpoch`, versions 8+.
    pub committed_leader_epoch: i32,
    /// `Metadata`, versions 8+, nullable.
    pub metadata: Option<Str>,
    /// `ErrorCode`, versions 8+.
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            metadata: Some(Str::new()),
            error_code: 0,
        }
    }
}

impl OffsetFetchResponsePartitions {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let partition_index = d.i32()?;
        let committed_offset = d.i64()?;
        let committed_leader_epoch = d.i32()?;
        let metadata = d.nullable_string(flexible)?;
        let error_code = d.i16()?;
        d.skip_tags()?;
        Ok(Self { partition_index, committed_offset, committed_leader_epoch, metadata, error_code })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        e.i32(self.committed_leader_epoch);
        e.nullable_string(self.metadata.as_ref(), flexible)?;
        e.i16(self.error_code);
        e.no_tags();
        Ok(())
    }
}
