//! DescribeTopicPartitions (api key 75); generated from `schemas/describe_topic_partitions.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsRequest {
    /// `Topics`, all versions.
    pub topics: Vec<TopicRequest>,
    /// `ResponsePartitionLimit`, all versions.
    pub response_partition_limit: i32,
    /// `Cursor`, all versions, nullable.
    pub cursor: Option<Cursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self { topics: Vec::new(), response_partition_limit: 2000, cursor: None }
    }
}

impl Message for DescribeTopicPartitionsRequest {
    const NAME: &'static str = "DescribeTopicPartitionsRequest";
    const API_KEY: i16 = 75;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let topics = d.array(flexible, version, 2, TopicRequest::decode)?;
        let response_partition_limit = d.i32()?;
        let cursor = if d.present()? { Some(Cursor::decode(d, version)?) } else { None };
        d.skip_tags()?;
        Ok(Self { topics, response_partition_limit, cursor })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.array(&self.topics, flexible, version, TopicRequest::encode)?;
        e.i32(self.response_partition_limit);
        e.present(self.cursor.is_some());
        if let Some(value) = &self.cursor {
            value.encode(e, version)?;
        }
        e.no_tags();
        Ok(())
    }
}

impl Request for DescribeTopicPartitionsRequest {
    type Response = DescribeTopicPartitionsResponse;
}

/// Part of [`DescribeTopicPartitionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicRequest {
    /// `Name`, all versions.
    pub name: Str,
}

impl TopicRequest {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        d.skip_tags()?;
        Ok(Self { name })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeTopicPartitionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cursor {
    /// `TopicName`, all versions.
    pub topic_name: Str,
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
}

impl Cursor {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_name = d.string(flexible)?;
        let partition_index = d.i32()?;
        d.skip_tags()?;
        Ok(Self { topic_name, partition_index })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.topic_name, flexible)?;
        e.i32(self.partition_index);
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTopicPartitionsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Topics`, all versions.
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    /// `NextCursor`, all versions, nullable.
    pub next_cursor: Option<ResponseCursor>,
}

impl Message for DescribeTopicPartitionsResponse {
    const NAME: &'static str = "DescribeTopicPartitionsResponse";
    const API_KEY: i16 = 75;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let topics =
            d.array(flexible, version, 26, DescribeTopicPartitionsResponseTopic::decode)?;
        let next_cursor =
            if d.present()? { Some(ResponseCursor::decode(d, version)?) } else { None };
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, topics, next_cursor })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.array(&self.topics, flexible, version, DescribeTopicPartitionsResponseTopic::encode)?;
        e.present(self.next_cursor.is_some());
        if let Some(value) = &self.next_cursor {
            value.encode(e, version)?;
        }
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeTopicPartitionsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `Name`, all versions, nullable.
    pub name: Option<Str>,
    /// `TopicId`, all versions.
    pub topic_id: Uuid,
    /// `IsInternal`, all versions.
    pub is_internal: bool,
    /// `Partitions`, all versions.
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    /// `TopicAuthorizedOperations`, all versions.
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: 0,
            name: Some(Str::new()),
            topic_id: Uuid::nil(),
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: i32::MIN,
        }
    }
}

impl DescribeTopicPartitionsResponseTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let error_code = d.i16()?;
        let name = d.nullable_string(flexible)?;
        let topic_id = d.uuid()?;
        let is_internal = d.bool()?;
        let partitions =
            d.array(flexible, version, 20, DescribeTopicPartitionsResponsePartition::decode)?;
        let topic_authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(Self {
            error_code,
            name,
            topic_id,
            is_internal,
            partitions,
            topic_authorized_operations,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i16(self.error_code);
        e.nullable_string(self.name.as_ref(), flexible)?;
        e.uuid(self.topic_id);
        e.bool(self.is_internal);
        e.array(
            &self.partitions,
            flexible,
            version,
            DescribeTopicPartitionsResponsePartition::encode,
        )?;
        e.i32(self.topic_authorized_operations);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeTopicPartitionsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `LeaderId`, all versions.
    pub leader_id: i32,
    /// `LeaderEpoch`, all versions.
    pub leader_epoch: i32,
    /// `ReplicaNodes`, all versions.
    pub replica_nodes: Vec<i32>,
    /// `IsrNodes`, all versions.
    pub isr_nodes: Vec<i32>,
    /// `EligibleLeaderReplicas`, all versions, nullable.
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// `LastKnownElr`, all versions, nullable.
    pub last_known_elr: Option<Vec<i32>>,
    /// `OfflineReplicas`, all versions.
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            eligible_leader_replicas: None,
            last_known_elr: None,
            offline_replicas: Vec::new(),
        }
    }
}

impl DescribeTopicPartitionsResponsePartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let error_code = d.i16()?;
        let partition_index = d.i32()?;
        let leader_id = d.i32()?;
        let leader_epoch = d.i32()?;
        let replica_nodes = d.array(flexible, version, 4, |d, _| d.i32())?;
        let isr_nodes = d.array(flexible, version, 4, |d, _| d.i32())?;
        let eligible_leader_replicas = d.nullable_array(flexible, version, 4, |d, _| d.i32())?;
        let last_known_elr = d.nullable_array(flexible, version, 4, |d, _| d.i32())?;
        let offline_replicas = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self {
            error_code,
            partition_index,
            leader_id,
            leader_epoch,
            replica_nodes,
            isr_nodes,
            eligible_leader_replicas,
            last_known_elr,
            offline_replicas,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i16(self.error_code);
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.array(&self.replica_nodes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.array(&self.isr_nodes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.nullable_array(
            self.eligible_leader_replicas.as_ref(),
            flexible,
            version,
            |value, e, _| {
                e.i32(*value);
                Ok(())
            },
        )?;
        e.nullable_array(self.last_known_elr.as_ref(), flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.array(&self.offline_replicas, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeTopicPartitionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseCursor {
    /// `TopicName`, all versions.
    pub topic_name: Str,
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
}

impl ResponseCursor {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_name = d.string(flexible)?;
        let partition_index = d.i32()?;
        d.skip_tags()?;
        Ok(Self { topic_name, partition_index })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.topic_name, flexible)?;
        e.i32(self.partition_index);
        e.no_tags();
        Ok(())
    }
}
