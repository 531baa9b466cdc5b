//! OffsetCommit (api key 8); generated from `schemas/offset_commit.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 2 to 10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `GenerationIdOrMemberEpoch`, all versions.
    pub generation_id_or_member_epoch: i32,
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 7+, nullable.
    pub group_instance_id: Option<Str>,
    /// `RetentionTimeMs`, versions 2 to 4.
    pub retention_time_ms: i64,
    /// `Topics`, all versions.
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            generation_id_or_member_epoch: -1,
            member_id: Str::new(),
            group_instance_id: None,
            retention_time_ms: -1,
            topics: Vec::new(),
        }
    }
}

impl Message for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommitRequest";
    const API_KEY: i16 = 8;
    const VERSIONS: RangeInclusive<i16> = 2..=10;
    const FLEXIBLE_FROM: i16 = 8;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 8;
        let group_id = d.string(flexible)?;
        let generation_id_or_member_epoch = d.i32()?;
        let member_id = d.string(flexible)?;
        let group_instance_id = if version >= 7 { d.nullable_string(flexible)? } else { None };
        let retention_time_ms = if version <= 4 { d.i64()? } else { -1 };
        let topics = d.array(flexible, version, 3, OffsetCommitRequestTopic::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            group_id,
            generation_id_or_member_epoch,
            member_id,
            group_instance_id,
            retention_time_ms,
            topics,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 8;
        e.string(&self.group_id, flexible)?;
        e.i32(self.generation_id_or_member_epoch);
        e.string(&self.member_id, flexible)?;
        if version >= 7 {
            e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::UnsupportedField {
                field: "OffsetCommitRequest.GroupInstanceId",
                version,
            });
        }
        if version <= 4 {
            e.i64(self.retention_time_ms);
        }
        e.array(&self.topics, flexible, version, OffsetCommitRequestTopic::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for OffsetCommitRequest {
    type Response = OffsetCommitResponse;
}

/// Part of [`OffsetCommitRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitRequestTopic {
    /// `Name`, versions 2 to 9.
    pub name: Str,
    /// `TopicId`, versions 10+.
    pub topic_id: Uuid,
    /// `Partitions`, all versions.
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl OffsetCommitRequestTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 8;
        let name = if version <= 9 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 10 { d.uuid()? } else { Uuid::nil() };
        let partitions = d.array(flexible, version, 14, OffsetCommitRequestPartition::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 8;
        if version <= 9 {
            e.string(&self.name, flexible)?;
        }
        if version >= 10 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, flexible, version, OffsetCommitRequestPartition::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetCommitRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `CommittedOffset`, all versions.
    pub committed_offset: i64,
    /// `CommittedLeaderEpoch`, versions 6+.
    pub committed_leader_epoch: i32,
    /// `CommittedMetadata`, all versions, nullable.
    pub committed_metadata: Option<Str>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            committed_offset: 0,
            committed_leader_epoch: -1,
            committed_metadata: Some(Str::new()),
        }
    }
}

impl OffsetCommitRequestPartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 8;
        let partition_index = d.i32()?;
        let committed_offset = d.i64()?;
        let committed_leader_epoch = if version >= 6 { d.i32()? } else { -1 };
        let committed_metadata = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { partition_index, committed_offset, committed_leader_epoch, committed_metadata })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 8;
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if version >= 6 {
            e.i32(self.committed_leader_epoch);
        }
        e.nullable_string(self.committed_metadata.as_ref(), flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 2 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponse {
    /// `ThrottleTimeMs`, versions 3+.
    pub throttle_time_ms: i32,
    /// `Topics`, all versions.
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Message for OffsetCommitResponse {
    const NAME: &'static str = "OffsetCommitResponse";
    const API_KEY: i16 = 8;
    const VERSIONS: RangeInclusive<i16> = 2..=10;
    const FLEXIBLE_FROM: i16 = 8;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 8;
        let throttle_time_ms = if version >= 3 { d.i32()? } else { 0 };
        let topics = d.array(flexible, version, 3, OffsetCommitResponseTopic::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 8;
        if version >= 3 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.topics, flexible, version, OffsetCommitResponseTopic::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponseTopic {
    /// `Name`, versions 2 to 9.
    pub name: Str,
    /// `TopicId`, versions 10+.
    pub topic_id: Uuid,
    /// `Partitions`, all versions.
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl OffsetCommitResponseTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 8;
        let name = if version <= 9 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 10 { d.uuid()? } else { Uuid::nil() };
        let partitions = d.array(flexible, version, 6, OffsetCommitResponsePartition::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 8;
        if version <= 9 {
            e.string(&self.name, flexible)?;
        }
        if version >= 10 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, flexible, version, OffsetCommitResponsePartition::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`OffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponsePartition {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
}

impl OffsetCommitResponsePartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 8;
        let partition_index = d.i32()?;
        let error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { partition_index, error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 8;
        e.i32(self.partition_index);
        e.i16(self.error_code);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
