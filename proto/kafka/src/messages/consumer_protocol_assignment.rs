//! The data schemas of `consumer_protocol_assignment`; generated from `schemas/consumer_protocol_assignment.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{Data, DecodeError, Decoder, EncodeError, Encoder, Str};

/// Data, versions 0 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerProtocolAssignment {
    /// `AssignedPartitions`, all versions.
    pub assigned_partitions: Vec<TopicPartition>,
    /// `UserData`, all versions, nullable.
    pub user_data: Option<Bytes>,
}

impl Data for ConsumerProtocolAssignment {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const VERSIONS: RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let assigned_partitions = d.array(flexible, version, 6, TopicPartition::decode)?;
        let user_data = d.nullable_bytes(flexible)?;
        Ok(Self { assigned_partitions, user_data })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.array(&self.assigned_partitions, flexible, version, TopicPartition::encode)?;
        e.nullable_bytes(self.user_data.as_ref(), flexible)?;
        Ok(())
    }
}

/// Part of [`ConsumerProtocolAssignment`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// `Topic`, all versions.
    pub topic: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl TopicPartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = false;
        let topic = d.string(flexible)?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        Ok(Self { topic, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = false;
        e.string(&self.topic, flexible)?;
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        Ok(())
    }
}
