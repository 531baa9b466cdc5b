//! Produce (api key 0); generated from `schemas/produce.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{Chunks, DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 3 to 13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceRequest {
    /// `TransactionalId`, all versions, nullable.
    pub transactional_id: Option<Str>,
    /// `Acks`, all versions.
    pub acks: i16,
    /// `TimeoutMs`, all versions.
    pub timeout_ms: i32,
    /// `TopicData`, all versions.
    pub topic_data: Vec<TopicProduceData>,
}

impl Message for ProduceRequest {
    const NAME: &'static str = "ProduceRequest";
    const API_KEY: i16 = 0;
    const VERSIONS: RangeInclusive<i16> = 3..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 9;
        let transactional_id = d.nullable_string(flexible)?;
        let acks = d.i16()?;
        let timeout_ms = d.i32()?;
        let topic_data = d.array(flexible, version, 3, TopicProduceData::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { transactional_id, acks, timeout_ms, topic_data })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 9;
        e.nullable_string(self.transactional_id.as_ref(), flexible)?;
        e.i16(self.acks);
        e.i32(self.timeout_ms);
        e.array(&self.topic_data, flexible, version, TopicProduceData::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for ProduceRequest {
    type Response = ProduceResponse;
}

/// Part of [`ProduceRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceData {
    /// `Name`, versions 3 to 12.
    pub name: Str,
    /// `TopicId`, versions 13+.
    pub topic_id: Uuid,
    /// `PartitionData`, all versions.
    pub partition_data: Vec<PartitionProduceData>,
}

impl TopicProduceData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let name = if version <= 12 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 13 { d.uuid()? } else { Uuid::nil() };
        let partition_data = d.array(flexible, version, 6, PartitionProduceData::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, topic_id, partition_data })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        if version <= 12 {
            e.string(&self.name, flexible)?;
        }
        if version >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partition_data, flexible, version, PartitionProduceData::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`ProduceRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionProduceData {
    /// `Index`, all versions.
    pub index: i32,
    /// `Records`, all versions, nullable.
    pub records: Option<Chunks>,
}

impl PartitionProduceData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let index = d.i32()?;
        let records = d.nullable_records(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { index, records })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        e.i32(self.index);
        e.nullable_records(self.records.as_ref(), flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 3 to 13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceResponse {
    /// `Responses`, all versions.
    pub responses: Vec<TopicProduceResponse>,
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `NodeEndpoints`, versions 10+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for ProduceResponse {
    const NAME: &'static str = "ProduceResponse";
    const API_KEY: i16 = 0;
    const VERSIONS: RangeInclusive<i16> = 3..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 9;
        let responses = d.array(flexible, version, 3, TopicProduceResponse::decode)?;
        let throttle_time_ms = d.i32()?;
        let mut node_endpoints = Vec::new();
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 if version >= 10 => {
                        node_endpoints = d.array(flexible, version, 11, NodeEndpoint::decode)?
                    }
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self { responses, throttle_time_ms, node_endpoints })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 9;
        e.array(&self.responses, flexible, version, TopicProduceResponse::encode)?;
        e.i32(self.throttle_time_ms);
        if version < 10 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "ProduceResponse.NodeEndpoints",
                version,
            });
        }
        if flexible {
            let tags = e.begin_tags();
            if version >= 10 && !self.node_endpoints.is_empty() {
                let start = e.begin_tag(&tags, 0);
                e.array(&self.node_endpoints, flexible, version, NodeEndpoint::encode)?;
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceResponse {
    /// `Name`, versions 3 to 12.
    pub name: Str,
    /// `TopicId`, versions 13+.
    pub topic_id: Uuid,
    /// `PartitionResponses`, all versions.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl TopicProduceResponse {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let name = if version <= 12 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 13 { d.uuid()? } else { Uuid::nil() };
        let partition_responses =
            d.array(flexible, version, 22, PartitionProduceResponse::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, topic_id, partition_responses })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        if version <= 12 {
            e.string(&self.name, flexible)?;
        }
        if version >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partition_responses, flexible, version, PartitionProduceResponse::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    /// `Index`, all versions.
    pub index: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `BaseOffset`, all versions.
    pub base_offset: i64,
    /// `LogAppendTimeMs`, all versions.
    pub log_append_time_ms: i64,
    /// `LogStartOffset`, versions 5+.
    pub log_start_offset: i64,
    /// `RecordErrors`, versions 8+.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// `ErrorMessage`, versions 8+, nullable.
    pub error_message: Option<Str>,
    /// `CurrentLeader`, versions 10+.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: 0,
            base_offset: 0,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: LeaderIdAndEpoch::default(),
        }
    }
}

impl PartitionProduceResponse {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let index = d.i32()?;
        let error_code = d.i16()?;
        let base_offset = d.i64()?;
        let log_append_time_ms = d.i64()?;
        let log_start_offset = if version >= 5 { d.i64()? } else { -1 };
        let record_errors = if version >= 8 {
            d.array(flexible, version, 6, BatchIndexAndErrorMessage::decode)?
        } else {
            Vec::new()
        };
        let error_message = if version >= 8 { d.nullable_string(flexible)? } else { None };
        let mut current_leader = LeaderIdAndEpoch::default();
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 if version >= 10 => current_leader = LeaderIdAndEpoch::decode(d, version)?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self {
            index,
            error_code,
            base_offset,
            log_append_time_ms,
            log_start_offset,
            record_errors,
            error_message,
            current_leader,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        e.i32(self.index);
        e.i16(self.error_code);
        e.i64(self.base_offset);
        e.i64(self.log_append_time_ms);
        if version >= 5 {
            e.i64(self.log_start_offset);
        }
        if version >= 8 {
            e.array(&self.record_errors, flexible, version, BatchIndexAndErrorMessage::encode)?;
        }
        if version >= 8 {
            e.nullable_string(self.error_message.as_ref(), flexible)?;
        }
        if version < 10 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::UnsupportedField {
                field: "PartitionProduceResponse.CurrentLeader",
                version,
            });
        }
        if flexible {
            let tags = e.begin_tags();
            if version >= 10 && self.current_leader != LeaderIdAndEpoch::default() {
                let start = e.begin_tag(&tags, 0);
                self.current_leader.encode(e, version)?;
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIndexAndErrorMessage {
    /// `BatchIndex`, versions 8+.
    pub batch_index: i32,
    /// `BatchIndexErrorMessage`, versions 8+, nullable.
    pub batch_index_error_message: Option<Str>,
}

impl BatchIndexAndErrorMessage {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 9;
        let batch_index = d.i32()?;
        let batch_index_error_message = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { batch_index, batch_index_error_message })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 9;
        e.i32(self.batch_index);
        e.nullable_string(self.batch_index_error_message.as_ref(), flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `LeaderId`, versions 10+.
    pub leader_id: i32,
    /// `LeaderEpoch`, versions 10+.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl LeaderIdAndEpoch {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let leader_id = d.i32()?;
        let leader_epoch = d.i32()?;
        d.skip_tags()?;
        Ok(Self { leader_id, leader_epoch })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `NodeId`, versions 10+.
    pub node_id: i32,
    /// `Host`, versions 10+.
    pub host: Str,
    /// `Port`, versions 10+.
    pub port: i32,
    /// `Rack`, versions 10+, nullable.
    pub rack: Option<Str>,
}

impl NodeEndpoint {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let node_id = d.i32()?;
        let host = d.string(flexible)?;
        let port = d.i32()?;
        let rack = d.nullable_string(flexible)?;
        d.skip_tags()?;
        Ok(Self { node_id, host, port, rack })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.node_id);
        e.string(&self.host, flexible)?;
        e.i32(self.port);
        e.nullable_string(self.rack.as_ref(), flexible)?;
        e.no_tags();
        Ok(())
    }
}
