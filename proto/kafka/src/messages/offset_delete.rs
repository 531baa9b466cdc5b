//! OffsetDelete (api key 47); generated from `schemas/offset_delete.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteRequest {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `Topics`, all versions.
    pub topics: Vec<OffsetDeleteRequestTopic>,
}

impl Message for OffsetDeleteRequest {
    const NAME: &'static str = "OffsetDeleteRequest";
    const API_KEY: i16 = 47;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let group_id = d.string(flexible)?;
        let topics = d.array(flexible, version, 6, OffsetDeleteRequestTopic::decode)?;
        Ok(Self { group_id, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.string(&self.group_id, flexible)?;
        e.array(&self.topics, flexible, version, OffsetDeleteRequestTopic::encode)?;
        Ok(())
    }
}

impl Request for OffsetDeleteRequest {
    type Response = OffsetDeleteResponse;
}

/// Part of [`OffsetDeleteRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteRequestTopic {
    /// `Name`, all versions.
    pub name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<OffsetDeleteRequestPartition>,
}

impl OffsetDeleteRequestTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = false;
        let name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 4, OffsetDeleteRequestPartition::decode)?;
        Ok(Self { name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = false;
        e.string(&self.name, flexible)?;
        e.array(&self.partitions, flexible, version, OffsetDeleteRequestPartition::encode)?;
        Ok(())
    }
}

/// Part of [`OffsetDeleteRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteRequestPartition {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
}

impl OffsetDeleteRequestPartition {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let partition_index = d.i32()?;
        Ok(Self { partition_index })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.partition_index);
        Ok(())
    }
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Topics`, all versions.
    pub topics: Vec<OffsetDeleteResponseTopic>,
}

impl Message for OffsetDeleteResponse {
    const NAME: &'static str = "OffsetDeleteResponse";
    const API_KEY: i16 = 47;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let error_code = d.i16()?;
        let throttle_time_ms = d.i32()?;
        let topics = d.array(flexible, version, 6, OffsetDeleteResponseTopic::decode)?;
        Ok(Self { error_code, throttle_time_ms, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.i16(self.error_code);
        e.i32(self.throttle_time_ms);
        e.array(&self.topics, flexible, version, OffsetDeleteResponseTopic::encode)?;
        Ok(())
    }
}

/// Part of [`OffsetDeleteResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteResponseTopic {
    /// `Name`, all versions.
    pub name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<OffsetDeleteResponsePartition>,
}

impl OffsetDeleteResponseTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = false;
        let name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 6, OffsetDeleteResponsePartition::decode)?;
        Ok(Self { name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = false;
        e.string(&self.name, flexible)?;
        e.array(&self.partitions, flexible, version, OffsetDeleteResponsePartition::encode)?;
        Ok(())
    }
}

/// Part of [`OffsetDeleteResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetDeleteResponsePartition {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
}

impl OffsetDeleteResponsePartition {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let partition_index = d.i32()?;
        let error_code = d.i16()?;
        Ok(Self { partition_index, error_code })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        Ok(())
    }
}
