//! DeleteTopics (api key 20); generated from `schemas/delete_topics.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::encoder::required;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 1 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsRequest {
    /// `Topics`, versions 6+.
    pub topics: Vec<DeleteTopicState>,
    /// `TopicNames`, versions 1 to 5.
    pub topic_names: Vec<Str>,
    /// `TimeoutMs`, all versions.
    pub timeout_ms: i32,
}

impl Message for DeleteTopicsRequest {
    const NAME: &'static str = "DeleteTopicsRequest";
    const API_KEY: i16 = 20;
    const VERSIONS: RangeInclusive<i16> = 1..=6;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let topics = if version >= 6 {
            d.array(flexible, version, 18, DeleteTopicState::decode)?
        } else {
            Vec::new()
        };
        let topic_names = if version <= 5 {
            d.array(flexible, version, 1, |d, version| d.string(version >= 4))?
        } else {
            Vec::new()
        };
        let timeout_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topics, topic_names, timeout_ms })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        if version >= 6 {
            e.array(&self.topics, flexible, version, DeleteTopicState::encode)?;
        } else if !self.topics.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "DeleteTopicsRequest.Topics",
                version,
            });
        }
        if version <= 5 {
            e.array(&self.topic_names, flexible, version, |value, e, version| {
                e.string(value, version >= 4)
            })?;
        }
        e.i32(self.timeout_ms);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for DeleteTopicsRequest {
    type Response = DeleteTopicsResponse;
}

/// Part of [`DeleteTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicState {
    /// `Name`, versions 6+, nullable.
    pub name: Option<Str>,
    /// `TopicId`, versions 6+.
    pub topic_id: Uuid,
}

impl DeleteTopicState {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.nullable_string(flexible)?;
        let topic_id = d.uuid()?;
        d.skip_tags()?;
        Ok(Self { name, topic_id })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.nullable_string(self.name.as_ref(), flexible)?;
        e.uuid(self.topic_id);
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 1 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Responses`, all versions.
    pub responses: Vec<DeletableTopicResult>,
}

impl Message for DeleteTopicsResponse {
    const NAME: &'static str = "DeleteTopicsResponse";
    const API_KEY: i16 = 20;
    const VERSIONS: RangeInclusive<i16> = 1..=6;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let throttle_time_ms = d.i32()?;
        let responses = d.array(flexible, version, 4, DeletableTopicResult::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, responses })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        e.i32(self.throttle_time_ms);
        e.array(&self.responses, flexible, version, DeletableTopicResult::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`DeleteTopicsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DeletableTopicResult {
    /// `Name`, all versions, nullable 6+.
    pub name: Option<Str>,
    /// `TopicId`, versions 6+.
    pub topic_id: Uuid,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, versions 5+, nullable.
    pub error_message: Option<Str>,
}

impl Default for DeletableTopicResult {
    fn default() -> Self {
        Self { name: Some(Str::new()), topic_id: Uuid::nil(), error_code: 0, error_message: None }
    }
}

impl DeletableTopicResult {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let name =
            if version >= 6 { d.nullable_string(flexible)? } else { Some(d.string(flexible)?) };
        let topic_id = if version >= 6 { d.uuid()? } else { Uuid::nil() };
        let error_code = d.i16()?;
        let error_message = if version >= 5 { d.nullable_string(flexible)? } else { None };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, topic_id, error_code, error_message })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        if version >= 6 {
            e.nullable_string(self.name.as_ref(), flexible)?;
        } else {
            e.string(required(&self.name, "DeletableTopicResult.Name", version)?, flexible)?;
        }
        if version >= 6 {
            e.uuid(self.topic_id);
        }
        e.i16(self.error_code);
        if version >= 5 {
            e.nullable_string(self.error_message.as_ref(), flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
