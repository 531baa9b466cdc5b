//! The data schemas of `consumer_protocol_subscription`; generated from `schemas/consumer_protocol_subscription.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{Data, DecodeError, Decoder, EncodeError, Encoder, Str};

/// Data, versions 0 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerProtocolSubscription {
    /// `Topics`, all versions.
    pub topics: Vec<Str>,
    /// `UserData`, all versions, nullable.
    pub user_data: Option<Bytes>,
    /// `OwnedPartitions`, versions 1+.
    pub owned_partitions: Vec<TopicPartition>,
    /// `GenerationId`, versions 2+.
    pub generation_id: i32,
    /// `RackId`, versions 3+, nullable.
    pub rack_id: Option<Str>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Vec::new(),
            user_data: None,
            owned_partitions: Vec::new(),
            generation_id: -1,
            rack_id: None,
        }
    }
}

impl Data for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const VERSIONS: RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let topics = d.array(flexible, version, 2, |d, _| d.string(false))?;
        let user_data = d.nullable_bytes(flexible)?;
        let owned_partitions = if version >= 1 {
            d.array(flexible, version, 6, TopicPartition::decode)?
        } else {
            Vec::new()
        };
        let generation_id = if version >= 2 { d.i32()? } else { -1 };
        let rack_id = if version >= 3 { d.nullable_string(flexible)? } else { None };
        Ok(Self { topics, user_data, owned_partitions, generation_id, rack_id })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.array(&self.topics, flexible, version, |value, e, _| e.string(value, false))?;
        e.nullable_bytes(self.user_data.as_ref(), flexible)?;
        if version >= 1 {
            e.array(&self.owned_partitions, flexible, version, TopicPartition::encode)?;
        }
        if version >= 2 {
            e.i32(self.generation_id);
        }
        if version >= 3 {
            e.nullable_string(self.rack_id.as_ref(), flexible)?;
        }
        Ok(())
    }
}

/// Part of [`ConsumerProtocolSubscription`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    /// `Topic`, versions 1+.
    pub topic: Str,
    /// `Partitions`, versions 1+.
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
