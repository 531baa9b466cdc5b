//! ConsumerGroupHeartbeat (api key 68); generated from `schemas/consumer_group_heartbeat.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `MemberEpoch`, all versions.
    pub member_epoch: i32,
    /// `InstanceId`, all versions, nullable.
    pub instance_id: Option<Str>,
    /// `RackId`, all versions, nullable.
    pub rack_id: Option<Str>,
    /// `RebalanceTimeoutMs`, all versions.
    pub rebalance_timeout_ms: i32,
    /// `SubscribedTopicNames`, all versions, nullable.
    pub subscribed_topic_names: Option<Vec<Str>>,
    /// `SubscribedTopicRegex`, versions 1+, nullable.
    pub subscribed_topic_regex: Option<Str>,
    /// `ServerAssignor`, all versions, nullable.
    pub server_assignor: Option<Str>,
    /// `TopicPartitions`, all versions, nullable.
    pub topic_partitions: Option<Vec<TopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            member_id: Str::new(),
            member_epoch: 0,
            instance_id: None,
            rack_id: None,
            rebalance_timeout_ms: -1,
            subscribed_topic_names: None,
            subscribed_topic_regex: None,
            server_assignor: None,
            topic_partitions: None,
        }
    }
}

impl Message for ConsumerGroupHeartbeatRequest {
    const NAME: &'static str = "ConsumerGroupHeartbeatRequest";
    const API_KEY: i16 = 68;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let group_id = d.string(flexible)?;
        let member_id = d.string(flexible)?;
        let member_epoch = d.i32()?;
        let instance_id = d.nullable_string(flexible)?;
        let rack_id = d.nullable_string(flexible)?;
        let rebalance_timeout_ms = d.i32()?;
        let subscribed_topic_names =
            d.nullable_array(flexible, version, 1, |d, _| d.string(true))?;
        let subscribed_topic_regex = if version >= 1 { d.nullable_string(flexible)? } else { None };
        let server_assignor = d.nullable_string(flexible)?;
        let topic_partitions = d.nullable_array(flexible, version, 18, TopicPartitions::decode)?;
        d.skip_tags()?;
        Ok(Self {
            group_id,
            member_id,
            member_epoch,
            instance_id,
            rack_id,
            rebalance_timeout_ms,
            subscribed_topic_names,
            subscribed_topic_regex,
            server_assignor,
            topic_partitions,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.string(&self.group_id, flexible)?;
        e.string(&self.member_id, flexible)?;
        e.i32(self.member_epoch);
        e.nullable_string(self.instance_id.as_ref(), flexible)?;
        e.nullable_string(self.rack_id.as_ref(), flexible)?;
        e.i32(self.rebalance_timeout_ms);
        e.nullable_array(
            self.subscribed_topic_names.as_ref(),
            flexible,
            version,
            |value, e, _| e.string(value, true),
        )?;
        if version >= 1 {
            e.nullable_string(self.subscribed_topic_regex.as_ref(), flexible)?;
        } else if self.subscribed_topic_regex.is_some() {
            return Err(EncodeError::UnsupportedField {
                field: "ConsumerGroupHeartbeatRequest.SubscribedTopicRegex",
                version,
            });
        }
        e.nullable_string(self.server_assignor.as_ref(), flexible)?;
        e.nullable_array(
            self.topic_partitions.as_ref(),
            flexible,
            version,
            TopicPartitions::encode,
        )?;
        e.no_tags();
        Ok(())
    }
}

impl Request for ConsumerGroupHeartbeatRequest {
    type Response = ConsumerGroupHeartbeatResponse;
}

/// Part of [`ConsumerGroupHeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `TopicId`, all versions.
    pub topic_id: Uuid,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_id = d.uuid()?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.uuid(self.topic_id);
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupHeartbeatResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
    /// `MemberId`, all versions, nullable.
    pub member_id: Option<Str>,
    /// `MemberEpoch`, all versions.
    pub member_epoch: i32,
    /// `HeartbeatIntervalMs`, all versions.
    pub heartbeat_interval_ms: i32,
    /// `Assignment`, all versions, nullable.
    pub assignment: Option<Assignment>,
}

impl Message for ConsumerGroupHeartbeatResponse {
    const NAME: &'static str = "ConsumerGroupHeartbeatResponse";
    const API_KEY: i16 = 68;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        let member_id = d.nullable_string(flexible)?;
        let member_epoch = d.i32()?;
        let heartbeat_interval_ms = d.i32()?;
        let assignment = if d.present()? { Some(Assignment::decode(d, version)?) } else { None };
        d.skip_tags()?;
        Ok(Self {
            throttle_time_ms,
            error_code,
            error_message,
            member_id,
            member_epoch,
            heartbeat_interval_ms,
            assignment,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        e.nullable_string(self.member_id.as_ref(), flexible)?;
        e.i32(self.member_epoch);
        e.i32(self.heartbeat_interval_ms);
        e.present(self.assignment.is_some());
        if let Some(value) = &self.assignment {
            value.encode(e, version)?;
        }
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ConsumerGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// `TopicPartitions`, all versions.
    pub topic_partitions: Vec<ResponseTopicPartitions>,
}

impl Assignment {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_partitions = d.array(flexible, version, 18, ResponseTopicPartitions::decode)?;
        d.skip_tags()?;
        Ok(Self { topic_partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.array(&self.topic_partitions, flexible, version, ResponseTopicPartitions::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ConsumerGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseTopicPartitions {
    /// `TopicId`, all versions.
    pub topic_id: Uuid,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl ResponseTopicPartitions {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_id = d.uuid()?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.uuid(self.topic_id);
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}
