//! ListPartitionReassignments (api key 46); generated from `schemas/list_partition_reassignments.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPartitionReassignmentsRequest {
    /// `TimeoutMs`, all versions.
    pub timeout_ms: i32,
    /// `Topics`, all versions, nullable.
    pub topics: Option<Vec<ListPartitionReassignmentsTopics>>,
}

impl Default for ListPartitionReassignmentsRequest {
    fn default() -> Self {
        Self { timeout_ms: 60000, topics: None }
    }
}

impl Message for ListPartitionReassignmentsRequest {
    const NAME: &'static str = "ListPartitionReassignmentsRequest";
    const API_KEY: i16 = 46;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let timeout_ms = d.i32()?;
        let topics =
            d.nullable_array(flexible, version, 3, ListPartitionReassignmentsTopics::decode)?;
        d.skip_tags()?;
        Ok(Self { timeout_ms, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.timeout_ms);
        e.nullable_array(
            self.topics.as_ref(),
            flexible,
            version,
            ListPartitionReassignmentsTopics::encode,
        )?;
        e.no_tags();
        Ok(())
    }
}

impl Request for ListPartitionReassignmentsRequest {
    type Response = ListPartitionReassignmentsResponse;
}

/// Part of [`ListPartitionReassignmentsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPartitionReassignmentsTopics {
    /// `Name`, all versions.
    pub name: Str,
    /// `PartitionIndexes`, all versions.
    pub partition_indexes: Vec<i32>,
}

impl ListPartitionReassignmentsTopics {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let partition_indexes = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { name, partition_indexes })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.array(&self.partition_indexes, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ListPartitionReassignmentsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
    /// `Topics`, all versions.
    pub topics: Vec<OngoingTopicReassignment>,
}

impl Default for ListPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            topics: Vec::new(),
        }
    }
}

impl Message for ListPartitionReassignmentsResponse {
    const NAME: &'static str = "ListPartitionReassignmentsResponse";
    const API_KEY: i16 = 46;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
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
        let topics = d.array(flexible, version, 3, OngoingTopicReassignment::decode)?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, error_code, error_message, topics })
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
        e.array(&self.topics, flexible, version, OngoingTopicReassignment::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ListPartitionReassignmentsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OngoingTopicReassignment {
    /// `Name`, all versions.
    pub name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<OngoingPartitionReassignment>,
}

impl OngoingTopicReassignment {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 8, OngoingPartitionReassignment::decode)?;
        d.skip_tags()?;
        Ok(Self { name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.array(&self.partitions, flexible, version, OngoingPartitionReassignment::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ListPartitionReassignmentsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OngoingPartitionReassignment {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `Replicas`, all versions.
    pub replicas: Vec<i32>,
    /// `AddingReplicas`, all versions.
    pub adding_replicas: Vec<i32>,
    /// `RemovingReplicas`, all versions.
    pub removing_replicas: Vec<i32>,
}

impl OngoingPartitionReassignment {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let partition_index = d.i32()?;
        let replicas = d.array(flexible, version, 4, |d, _| d.i32())?;
        let adding_replicas = d.array(flexible, version, 4, |d, _| d.i32())?;
        let removing_replicas = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { partition_index, replicas, adding_replicas, removing_replicas })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.partition_index);
        e.array(&self.replicas, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.array(&self.adding_replicas, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.array(&self.removing_replicas, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}
