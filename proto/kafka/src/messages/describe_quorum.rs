//! DescribeQuorum (api key 55); generated from `schemas/describe_quorum.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeQuorumRequest {
    /// `Topics`, all versions.
    pub topics: Vec<TopicData>,
}

impl Message for DescribeQuorumRequest {
    const NAME: &'static str = "DescribeQuorumRequest";
    const API_KEY: i16 = 55;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let topics = d.array(flexible, version, 3, TopicData::decode)?;
        d.skip_tags()?;
        Ok(Self { topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.array(&self.topics, flexible, version, TopicData::encode)?;
        e.no_tags();
        Ok(())
    }
}

impl Request for DescribeQuorumRequest {
    type Response = DescribeQuorumResponse;
}

/// Part of [`DescribeQuorumRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    /// `TopicName`, all versions.
    pub topic_name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<PartitionData>,
}

impl TopicData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 5, PartitionData::decode)?;
        d.skip_tags()?;
        Ok(Self { topic_name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.topic_name, flexible)?;
        e.array(&self.partitions, flexible, version, PartitionData::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeQuorumRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
}

impl PartitionData {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let partition_index = d.i32()?;
        d.skip_tags()?;
        Ok(Self { partition_index })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.partition_index);
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeQuorumResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, versions 2+, nullable.
    pub error_message: Option<Str>,
    /// `Topics`, all versions.
    pub topics: Vec<ResponseTopicData>,
    /// `Nodes`, versions 2+.
    pub nodes: Vec<Node>,
}

impl Default for DescribeQuorumResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: Some(Str::new()),
            topics: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

impl Message for DescribeQuorumResponse {
    const NAME: &'static str = "DescribeQuorumResponse";
    const API_KEY: i16 = 55;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let error_code = d.i16()?;
        let error_message =
            if version >= 2 { d.nullable_string(flexible)? } else { Some(Str::new()) };
        let topics = d.array(flexible, version, 3, ResponseTopicData::decode)?;
        let nodes =
            if version >= 2 { d.array(flexible, version, 6, Node::decode)? } else { Vec::new() };
        d.skip_tags()?;
        Ok(Self { error_code, error_message, topics, nodes })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i16(self.error_code);
        if version >= 2 {
            e.nullable_string(self.error_message.as_ref(), flexible)?;
        }
        e.array(&self.topics, flexible, version, ResponseTopicData::encode)?;
        if version >= 2 {
            e.array(&self.nodes, flexible, version, Node::encode)?;
        } else if !self.nodes.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "DescribeQuorumResponse.Nodes",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseTopicData {
    /// `TopicName`, all versions.
    pub topic_name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<ResponsePartitionData>,
}

impl ResponseTopicData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 25, ResponsePartitionData::decode)?;
        d.skip_tags()?;
        Ok(Self { topic_name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.topic_name, flexible)?;
        e.array(&self.partitions, flexible, version, ResponsePartitionData::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct ResponsePartitionData {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, versions 2+, nullable.
    pub error_message: Option<Str>,
    /// `LeaderId`, all versions.
    pub leader_id: i32,
    /// `LeaderEpoch`, all versions.
    pub leader_epoch: i32,
    /// `HighWatermark`, all versions.
    pub high_watermark: i64,
    /// `CurrentVoters`, all versions.
    pub current_voters: Vec<ReplicaState>,
    /// `Observers`, all versions.
    pub observers: Vec<ReplicaState>,
}

impl Default for ResponsePartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            leader_id: 0,
            leader_epoch: 0,
            high_watermark: 0,
            current_voters: Vec::new(),
            observers: Vec::new(),
        }
    }
}

impl ResponsePartitionData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let partition_index = d.i32()?;
        let error_code = d.i16()?;
        let error_message =
            if version >= 2 { d.nullable_string(flexible)? } else { Some(Str::new()) };
        let leader_id = d.i32()?;
        let leader_epoch = d.i32()?;
        let high_watermark = d.i64()?;
        let current_voters = d.array(flexible, version, 13, ReplicaState::decode)?;
        let observers = d.array(flexible, version, 13, ReplicaState::decode)?;
        d.skip_tags()?;
        Ok(Self {
            partition_index,
            error_code,
            error_message,
            leader_id,
            leader_epoch,
            high_watermark,
            current_voters,
            observers,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.partition_index);
        e.i16(self.error_code);
        if version >= 2 {
            e.nullable_string(self.error_message.as_ref(), flexible)?;
        }
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.i64(self.high_watermark);
        e.array(&self.current_voters, flexible, version, ReplicaState::encode)?;
        e.array(&self.observers, flexible, version, ReplicaState::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// `NodeId`, versions 2+.
    pub node_id: i32,
    /// `Listeners`, versions 2+.
    pub listeners: Vec<Listener>,
}

impl Node {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let node_id = d.i32()?;
        let listeners = d.array(flexible, version, 5, Listener::decode)?;
        d.skip_tags()?;
        Ok(Self { node_id, listeners })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.node_id);
        e.array(&self.listeners, flexible, version, Listener::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// `Name`, versions 2+.
    pub name: Str,
    /// `Host`, versions 2+.
    pub host: Str,
    /// `Port`, versions 2+.
    pub port: u16,
}

impl Listener {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let host = d.string(flexible)?;
        let port = d.u16()?;
        d.skip_tags()?;
        Ok(Self { name, host, port })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.string(&self.host, flexible)?;
        e.u16(self.port);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// `ReplicaId`, all versions.
    pub replica_id: i32,
    /// `ReplicaDirectoryId`, versions 2+.
    pub replica_directory_id: Uuid,
    /// `LogEndOffset`, all versions.
    pub log_end_offset: i64,
    /// `LastFetchTimestamp`, versions 1+.
    pub last_fetch_timestamp: i64,
    /// `LastCaughtUpTimestamp`, versions 1+.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: 0,
            replica_directory_id: Uuid::nil(),
            log_end_offset: 0,
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl ReplicaState {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let replica_id = d.i32()?;
        let replica_directory_id = if version >= 2 { d.uuid()? } else { Uuid::nil() };
        let log_end_offset = d.i64()?;
        let last_fetch_timestamp = if version >= 1 { d.i64()? } else { -1 };
        let last_caught_up_timestamp = if version >= 1 { d.i64()? } else { -1 };
        d.skip_tags()?;
        Ok(Self {
            replica_id,
            replica_directory_id,
            log_end_offset,
            last_fetch_timestamp,
            last_caught_up_timestamp,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        e.i32(self.replica_id);
        if version >= 2 {
            e.uuid(self.replica_directory_id);
        } else if !self.replica_directory_id.is_nil() {
            return Err(EncodeError::UnsupportedField {
                field: "ReplicaState.ReplicaDirectoryId",
                version,
            });
        }
        e.i64(self.log_end_offset);
        if version >= 1 {
            e.i64(self.last_fetch_timestamp);
        }
        if version >= 1 {
            e.i64(self.last_caught_up_timestamp);
        }
        e.no_tags();
        Ok(())
    }
}
