//! PushTelemetry (api key 72); generated from `schemas/push_telemetry.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;
use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushTelemetryRequest {
    /// `ClientInstanceId`, all versions.
    pub client_instance_id: Uuid,
    /// `SubscriptionId`, all versions.
    pub subscription_id: i32,
    /// `Terminating`, all versions.
    pub terminating: bool,
    /// `CompressionType`, all versions.
    pub compression_type: i8,
    /// `Metrics`, all versions.
    pub metrics: Bytes,
}

impl Message for PushTelemetryRequest {
    const NAME: &'static str = "PushTelemetryRequest";
    const API_KEY: i16 = 72;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let client_instance_id = d.uuid()?;
        let subscription_id = d.i32()?;
        let terminating = d.bool()?;
        let compression_type = d.i8()?;
        let metrics = d.bytes(flexible)?;
        d.skip_tags()?;
        Ok(Self { client_instance_id, subscription_id, terminating, compression_type, metrics })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.uuid(self.client_instance_id);
        e.i32(self.subscription_id);
        e.bool(self.terminating);
        e.i8(self.compression_type);
        e.bytes(&self.metrics, flexible)?;
        e.no_tags();
        Ok(())
    }
}

impl Request for PushTelemetryRequest {
    type Response = PushTelemetryResponse;
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushTelemetryResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
}

impl Message for PushTelemetryResponse {
    const NAME: &'static str = "PushTelemetryResponse";
    const API_KEY: i16 = 72;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let throttle_time_ms = d.i32()?;
        let error_code = d.i16()?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.no_tags();
        Ok(())
    }
}
