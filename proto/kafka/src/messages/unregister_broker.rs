//! UnregisterBroker (api key 64); generated from `schemas/unregister_broker.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnregisterBrokerRequest {
    /// `BrokerId`, all versions.
    pub broker_id: i32,
}

impl Message for UnregisterBrokerRequest {
    const NAME: &'static str = "UnregisterBrokerRequest";
    const API_KEY: i16 = 64;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let broker_id = d.i32()?;
        d.skip_tags()?;
        Ok(Self { broker_id })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        e.i32(self.broker_id);
        e.no_tags();
        Ok(())
    }
}

impl Request for UnregisterBrokerRequest {
    type Response = UnregisterBrokerResponse;
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct UnregisterBrokerResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
}

impl Default for UnregisterBrokerResponse {
    fn default() -> Self {
        Self { throttle_time_ms: 0, error_code: 0, error_message: Some(Str::new()) }
    }
}

impl Message for UnregisterBrokerResponse {
    const NAME: &'static str = "UnregisterBrokerResponse";
    const API_KEY: i16 = 64;
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
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, error_code, error_message })
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
        e.no_tags();
        Ok(())
    }
}
