//! CreateTopics (api key 19); generated from `schemas/create_topics.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 2 to 7.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    /// `Topics`, all versions.
    pub topics: Vec<CreatableTopic>,
    /// `timeoutMs`, all versions.
    pub timeout_ms: i32,
    /// `validateOnly`, all versions.
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self { topics: Vec::new(), timeout_ms: 60000, validate_only: false }
    }
}

impl Message for CreateTopicsRequest {
    const NAME: &'static str = "CreateTopicsRequest";
    const API_KEY: i16 = 19;
    const VERSIONS: RangeInclusive<i16> = 2..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 5;
        let topics = d.array(flexible, version, 10, CreatableTopic::decode)?;
        let timeout_ms = d.i32()?;
        let validate_only = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topics, timeout_ms, validate_only })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 5;
        e.array(&self.topics, flexible, version, CreatableTopic::encode)?;
        e.i32(self.timeout_ms);
        e.bool(self.validate_only);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for CreateTopicsRequest {
    type Response = CreateTopicsResponse;
}

/// Part of [`CreateTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableTopic {
    /// `Name`, all versions.
    pub name: Str,
    /// `NumPartitions`, all versions.
    pub num_partitions: i32,
    /// `ReplicationFactor`, all versions.
    pub replication_factor: i16,
    /// `Assignments`, all versions.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// `Configs`, all versions.
    pub configs: Vec<CreatableTopicConfig>,
}

impl CreatableTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 5;
        let name = d.string(flexible)?;
        let num_partitions = d.i32()?;
        let replication_factor = d.i16()?;
        let assignments = d.array(flexible, version, 6, CreatableReplicaAssignment::decode)?;
        let configs = d.array(flexible, version, 3, CreatableTopicConfig::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, num_partitions, replication_factor, assignments, configs })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 5;
        e.string(&self.name, flexible)?;
        e.i32(self.num_partitions);
        e.i16(self.replication_factor);
        e.array(&self.assignments, flexible, version, CreatableReplicaAssignment::encode)?;
        e.array(&self.configs, flexible, version, CreatableTopicConfig::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`CreateTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableReplicaAssignment {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `BrokerIds`, all versions.
    pub broker_ids: Vec<i32>,
}

impl CreatableReplicaAssignment {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 5;
        let partition_index = d.i32()?;
        let broker_ids = d.array(flexible, version, 4, |d, _| d.i32())?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { partition_index, broker_ids })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 5;
        e.i32(self.partition_index);
        e.array(&self.broker_ids, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`CreateTopicsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfig {
    /// `Name`, all versions.
    pub name: Str,
    /// `Value`, all versions, nullable.
    pub value: Option<Str>,
}

impl Default for CreatableTopicConfig {
    fn default() -> Self {
        Self { name: Str::new(), value: Some(Str::new()) }
    }
}

impl CreatableTopicConfig {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 5;
        let name = d.string(flexible)?;
        let value = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, value })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 5;
        e.string(&self.name, flexible)?;
        e.nullable_string(self.value.as_ref(), flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 2 to 7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTopicsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Topics`, all versions.
    pub topics: Vec<CreatableTopicResult>,
}

impl Message for CreateTopicsResponse {
    const NAME: &'static str = "CreateTopicsResponse";
    const API_KEY: i16 = 19;
    const VERSIONS: RangeInclusive<i16> = 2..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 5;
        let throttle_time_ms = d.i32()?;
        let topics = d.array(flexible, version, 6, CreatableTopicResult::decode)?;
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
        let flexible = version >= 5;
        e.i32(self.throttle_time_ms);
        e.array(&self.topics, flexible, version, CreatableTopicResult::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`CreateTopicsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    /// `Name`, all versions.
    pub name: Str,
    /// `TopicId`, versions 7+.
    pub topic_id: Uuid,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
    /// `TopicConfigErrorCode`, versions 5+.
    pub topic_config_error_code: i16,
    /// `NumPartitions`, versions 5+.
    pub num_partitions: i32,
    /// `ReplicationFactor`, versions 5+.
    pub replication_factor: i16,
    /// `Configs`, versions 5+, nullable.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Str::new(),
            topic_id: Uuid::nil(),
            error_code: 0,
            error_message: Some(Str::new()),
            topic_config_error_code: 0,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
        }
    }
}

impl CreatableTopicResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 5;
        let name = d.string(flexible)?;
        let topic_id = if version >= 7 { d.uuid()? } else { Uuid::nil() };
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        let mut topic_config_error_code = 0;
        let num_partitions = if version >= 5 { d.i32()? } else { -1 };
        let replication_factor = if version >= 5 { d.i16()? } else { -1 };
        let configs = if version >= 5 {
            d.nullable_array(flexible, version, 6, CreatableTopicConfigs::decode)?
        } else {
            Some(Vec::new())
        };
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 => topic_config_error_code = d.i16()?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self {
            name,
            topic_id,
            error_code,
            error_message,
            topic_config_error_code,
            num_partitions,
            replication_factor,
            configs,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 5;
        e.string(&self.name, flexible)?;
        if version >= 7 {
            e.uuid(self.topic_id);
        }
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        if version >= 5 {
            e.i32(self.num_partitions);
        }
        if version >= 5 {
            e.i16(self.replication_factor);
        }
        if version >= 5 {
            e.nullable_array(
                self.configs.as_ref(),
                flexible,
                version,
                CreatableTopicConfigs::encode,
            )?;
        }
        if flexible {
            let tags = e.begin_tags();
            if self.topic_config_error_code != 0 {
                let start = e.begin_tag(&tags, 0);
                e.i16(self.topic_config_error_code);
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`CreateTopicsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    /// `Name`, versions 5+.
    pub name: Str,
    /// `Value`, versions 5+, nullable.
    pub value: Option<Str>,
    /// `ReadOnly`, versions 5+.
    pub read_only: bool,
    /// `ConfigSource`, versions 5+.
    pub config_source: i8,
    /// `IsSensitive`, versions 5+.
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Str::new(),
            value: Some(Str::new()),
            read_only: false,
            config_source: -1,
            is_sensitive: false,
        }
    }
}

impl CreatableTopicConfigs {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let value = d.nullable_string(flexible)?;
        let read_only = d.bool()?;
        let config_source = d.i8()?;
        let is_sensitive = d.bool()?;
        d.skip_tags()?;
        Ok(Self { name, value, read_only, config_source, is_sensitive })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.nullable_string(self.value.as_ref(), flexible)?;
        e.bool(self.read_only);
        e.i8(self.config_source);
        e.bool(self.is_sensitive);
        e.no_tags();
        Ok(())
    }
}
