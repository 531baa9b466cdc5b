//! Metadata (api key 3); generated from `schemas/metadata.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::encoder::required;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// `Topics`, all versions, nullable 1+.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// `AllowAutoTopicCreation`, versions 4+.
    pub allow_auto_topic_creation: bool,
    /// `IncludeClusterAuthorizedOperations`, versions 8 to 10.
    pub include_cluster_authorized_operations: bool,
    /// `IncludeTopicAuthorizedOperations`, versions 8+.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

impl Message for MetadataRequest {
    const NAME: &'static str = "MetadataRequest";
    const API_KEY: i16 = 3;
    const VERSIONS: RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 9;
        let topics = if version >= 1 {
            d.nullable_array(flexible, version, 2, MetadataRequestTopic::decode)?
        } else {
            Some(d.array(flexible, version, 2, MetadataRequestTopic::decode)?)
        };
        let allow_auto_topic_creation = if version >= 4 { d.bool()? } else { true };
        let include_cluster_authorized_operations =
            if (8..=10).contains(&version) { d.bool()? } else { false };
        let include_topic_authorized_operations = if version >= 8 { d.bool()? } else { false };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            topics,
            allow_auto_topic_creation,
            include_cluster_authorized_operations,
            include_topic_authorized_operations,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 9;
        if version >= 1 {
            e.nullable_array(
                self.topics.as_ref(),
                flexible,
                version,
                MetadataRequestTopic::encode,
            )?;
        } else {
            e.array(
                required(&self.topics, "MetadataRequest.Topics", version)?,
                flexible,
                version,
                MetadataRequestTopic::encode,
            )?;
        }
        if version >= 4 {
            e.bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            return Err(EncodeError::UnsupportedField {
                field: "MetadataRequest.AllowAutoTopicCreation",
                version,
            });
        }
        if (8..=10).contains(&version) {
            e.bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            return Err(EncodeError::UnsupportedField {
                field: "MetadataRequest.IncludeClusterAuthorizedOperations",
                version,
            });
        }
        if version >= 8 {
            e.bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            return Err(EncodeError::UnsupportedField {
                field: "MetadataRequest.IncludeTopicAuthorizedOperations",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for MetadataRequest {
    type Response = MetadataResponse;
}

/// Part of [`MetadataRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequestTopic {
    /// `TopicId`, versions 10+.
    pub topic_id: Uuid,
    /// `Name`, all versions, nullable 10+.
    pub name: Option<Str>,
}

impl Default for MetadataRequestTopic {
    fn default() -> Self {
        Self { topic_id: Uuid::nil(), name: Some(Str::new()) }
    }
}

impl MetadataRequestTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let topic_id = if version >= 10 { d.uuid()? } else { Uuid::nil() };
        let name =
            if version >= 10 { d.nullable_string(flexible)? } else { Some(d.string(flexible)?) };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topic_id, name })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        if version >= 10 {
            e.uuid(self.topic_id);
        }
        if version >= 10 {
            e.nullable_string(self.name.as_ref(), flexible)?;
        } else {
            e.string(required(&self.name, "MetadataRequestTopic.Name", version)?, flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 0 to 13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// `ThrottleTimeMs`, versions 3+.
    pub throttle_time_ms: i32,
    /// `Brokers`, all versions.
    pub brokers: Vec<MetadataResponseBroker>,
    /// `ClusterId`, versions 2+, nullable.
    pub cluster_id: Option<Str>,
    /// `ControllerId`, versions 1+.
    pub controller_id: i32,
    /// `Topics`, all versions.
    pub topics: Vec<MetadataResponseTopic>,
    /// `ClusterAuthorizedOperations`, versions 8 to 10.
    pub cluster_authorized_operations: i32,
    /// `ErrorCode`, versions 13+.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: i32::MIN,
            error_code: 0,
        }
    }
}

impl Message for MetadataResponse {
    const NAME: &'static str = "MetadataResponse";
    const API_KEY: i16 = 3;
    const VERSIONS: RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 9;
        let throttle_time_ms = if version >= 3 { d.i32()? } else { 0 };
        let brokers = d.array(flexible, version, 10, MetadataResponseBroker::decode)?;
        let cluster_id = if version >= 2 { d.nullable_string(flexible)? } else { None };
        let controller_id = if version >= 1 { d.i32()? } else { -1 };
        let topics = d.array(flexible, version, 8, MetadataResponseTopic::decode)?;
        let cluster_authorized_operations =
            if (8..=10).contains(&version) { d.i32()? } else { i32::MIN };
        let error_code = if version >= 13 { d.i16()? } else { 0 };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            throttle_time_ms,
            brokers,
            cluster_id,
            controller_id,
            topics,
            cluster_authorized_operations,
            error_code,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 9;
        if version >= 3 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.brokers, flexible, version, MetadataResponseBroker::encode)?;
        if version >= 2 {
            e.nullable_string(self.cluster_id.as_ref(), flexible)?;
        }
        if version >= 1 {
            e.i32(self.controller_id);
        }
        e.array(&self.topics, flexible, version, MetadataResponseTopic::encode)?;
        if (8..=10).contains(&version) {
            e.i32(self.cluster_authorized_operations);
        } else if self.cluster_authorized_operations != i32::MIN {
            return Err(EncodeError::UnsupportedField {
                field: "MetadataResponse.ClusterAuthorizedOperations",
                version,
            });
        }
        if version >= 13 {
            e.i16(self.error_code);
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataResponseBroker {
    /// `NodeId`, all versions.
    pub node_id: i32,
    /// `Host`, all versions.
    pub host: Str,
    /// `Port`, all versions.
    pub port: i32,
    /// `Rack`, versions 1+, nullable.
    pub rack: Option<Str>,
}

impl MetadataResponseBroker {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let node_id = d.i32()?;
        let host = d.string(flexible)?;
        let port = d.i32()?;
        let rack = if version >= 1 { d.nullable_string(flexible)? } else { None };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { node_id, host, port, rack })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        e.i32(self.node_id);
        e.string(&self.host, flexible)?;
        e.i32(self.port);
        if version >= 1 {
            e.nullable_string(self.rack.as_ref(), flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `Name`, all versions, nullable 12+.
    pub name: Option<Str>,
    /// `TopicId`, versions 10+.
    pub topic_id: Uuid,
    /// `IsInternal`, versions 1+.
    pub is_internal: bool,
    /// `Partitions`, all versions.
    pub partitions: Vec<MetadataResponsePartition>,
    /// `TopicAuthorizedOperations`, versions 8+.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
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

impl MetadataResponseTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let error_code = d.i16()?;
        let name =
            if version >= 12 { d.nullable_string(flexible)? } else { Some(d.string(flexible)?) };
        let topic_id = if version >= 10 { d.uuid()? } else { Uuid::nil() };
        let is_internal = if version >= 1 { d.bool()? } else { false };
        let partitions = d.array(flexible, version, 18, MetadataResponsePartition::decode)?;
        let topic_authorized_operations = if version >= 8 { d.i32()? } else { i32::MIN };
        if flexible {
            d.skip_tags()?;
        }
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
        let flexible = version >= 9;
        e.i16(self.error_code);
        if version >= 12 {
            e.nullable_string(self.name.as_ref(), flexible)?;
        } else {
            e.string(required(&self.name, "MetadataResponseTopic.Name", version)?, flexible)?;
        }
        if version >= 10 {
            e.uuid(self.topic_id);
        }
        if version >= 1 {
            e.bool(self.is_internal);
        }
        e.array(&self.partitions, flexible, version, MetadataResponsePartition::encode)?;
        if version >= 8 {
            e.i32(self.topic_authorized_operations);
        } else if self.topic_authorized_operations != i32::MIN {
            return Err(EncodeError::UnsupportedField {
                field: "MetadataResponseTopic.TopicAuthorizedOperations",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `LeaderId`, all versions.
    pub leader_id: i32,
    /// `LeaderEpoch`, versions 7+.
    pub leader_epoch: i32,
    /// `ReplicaNodes`, all versions.
    pub replica_nodes: Vec<i32>,
    /// `IsrNodes`, all versions.
    pub isr_nodes: Vec<i32>,
    /// `OfflineReplicas`, versions 5+.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: 0,
            partition_index: 0,
            leader_id: 0,
            leader_epoch: -1,
            replica_nodes: Vec::new(),
            isr_nodes: Vec::new(),
            offline_replicas: Vec::new(),
        }
    }
}

impl MetadataResponsePartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let error_code = d.i16()?;
        let partition_index = d.i32()?;
        let leader_id = d.i32()?;
        let leader_epoch = if version >= 7 { d.i32()? } else { -1 };
        let replica_nodes = d.array(flexible, version, 4, |d, _| d.i32())?;
        let isr_nodes = d.array(flexible, version, 4, |d, _| d.i32())?;
        let offline_replicas =
            if version >= 5 { d.array(flexible, version, 4, |d, _| d.i32())? } else { Vec::new() };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            error_code,
            partition_index,
            leader_id,
            leader_epoch,
            replica_nodes,
            isr_nodes,
            offline_replicas,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        e.i16(self.error_code);
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        if version >= 7 {
            e.i32(self.leader_epoch);
        }
        e.array(&self.replica_nodes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.array(&self.isr_nodes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        if version >= 5 {
            e.array(&self.offline_replicas, flexible, version, |value, e, _| {
                e.i32(*value);
                Ok(())
            })?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
