//! AlterReplicaLogDirs (api key 34); generated from `schemas/alter_replica_log_dirs.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirsRequest {
    /// `Dirs`, all versions.
    pub dirs: Vec<AlterReplicaLogDir>,
}

impl Message for AlterReplicaLogDirsRequest {
    const NAME: &'static str = "AlterReplicaLogDirsRequest";
    const API_KEY: i16 = 34;
    const VERSIONS: RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let dirs = d.array(flexible, version, 3, AlterReplicaLogDir::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { dirs })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.array(&self.dirs, flexible, version, AlterReplicaLogDir::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for AlterReplicaLogDirsRequest {
    type Response = AlterReplicaLogDirsResponse;
}

/// Part of [`AlterReplicaLogDirsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDir {
    /// `Path`, all versions.
    pub path: Str,
    /// `Topics`, all versions.
    pub topics: Vec<AlterReplicaLogDirTopic>,
}

impl AlterReplicaLogDir {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let path = d.string(flexible)?;
        let topics = d.array(flexible, version, 3, AlterReplicaLogDirTopic::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { path, topics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        e.string(&self.path, flexible)?;
        e.array(&self.topics, flexible, version, AlterReplicaLogDirTopic::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`AlterReplicaLogDirsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirTopic {
    /// `Name`, all versions.
    pub name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl AlterReplicaLogDirTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        e.string(&self.name, flexible)?;
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Results`, all versions.
    pub results: Vec<AlterReplicaLogDirTopicResult>,
}

impl Message for AlterReplicaLogDirsResponse {
    const NAME: &'static str = "AlterReplicaLogDirsResponse";
    const API_KEY: i16 = 34;
    const VERSIONS: RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let throttle_time_ms = d.i32()?;
        let results = d.array(flexible, version, 3, AlterReplicaLogDirTopicResult::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, results })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.i32(self.throttle_time_ms);
        e.array(&self.results, flexible, version, AlterReplicaLogDirTopicResult::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`AlterReplicaLogDirsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirTopicResult {
    /// `TopicName`, all versions.
    pub topic_name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<AlterReplicaLogDirPartitionResult>,
}

impl AlterReplicaLogDirTopicResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let topic_name = d.string(flexible)?;
        let partitions =
            d.array(flexible, version, 6, AlterReplicaLogDirPartitionResult::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topic_name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        e.string(&self.topic_name, flexible)?;
        e.array(&self.partitions, flexible, version, AlterReplicaLogDirPartitionResult::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`AlterReplicaLogDirsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterReplicaLogDirPartitionResult {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
}

impl AlterReplicaLogDirPartitionResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let partition_index = d.i32()?;
        let error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { partition_index, error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        e.i32(self.partition_index);
        e.i16(self.error_code);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
