//! GetTelemetrySubscriptions (api key 71); generated from `schemas/get_telemetry_subscriptions.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetTelemetrySubscriptionsRequest {
    /// `ClientInstanceId`, all versions.
    pub client_instance_id: Uuid,
}

impl Message for GetTelemetrySubscriptionsRequest {
    const NAME: &'static str = "GetTelemetrySubscriptionsRequest";
    const API_KEY: i16 = 71;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let client_instance_id = d.uuid()?;
        d.skip_tags()?;
        Ok(Self { client_instance_id })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        e.uuid(self.client_instance_id);
        e.no_tags();
        Ok(())
    }
}

impl Request for GetTelemetrySubscriptionsRequest {
    type Response = GetTelemetrySubscriptionsResponse;
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetTelemetrySubscriptionsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ClientInstanceId`, all versions.
    pub client_instance_id: Uuid,
    /// `SubscriptionId`, all versions.
    pub subscription_id: i32,
    /// `AcceptedCompressionTypes`, all versions.
    pub accepted_compression_types: Vec<i8>,
    /// `PushIntervalMs`, all versions.
    pub push_interval_ms: i32,
    /// `TelemetryMaxBytes`, all versions.
    pub telemetry_max_bytes: i32,
    /// `DeltaTemporality`, all versions.
    pub delta_temporality: bool,
    /// `RequestedMetrics`, all versions.
    pub requested_metrics: Vec<Str>,
}

impl Message for GetTelemetrySubscriptionsResponse {
    const NAME: &'static str = "GetTelemetrySubscriptionsResponse";
    const API_KEY: i16 = 71;
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
        let client_instance_id = d.uuid()?;
        let subscription_id = d.i32()?;
        let accepted_compression_types = d.array(flexible, version, 1, |d, _| d.i8())?;
        let push_interval_ms = d.i32()?;
        let telemetry_max_bytes = d.i32()?;
        let delta_temporality = d.bool()?;
        let requested_metrics = d.array(flexible, version, 1, |d, _| d.string(true))?;
        d.skip_tags()?;
        Ok(Self {
            throttle_time_ms,
            error_code,
            client_instance_id,
            subscription_id,
            accepted_compression_types,
            push_interval_ms,
            telemetry_max_bytes,
            delta_temporality,
            requested_metrics,
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
        e.uuid(self.client_instance_id);
        e.i32(self.subscription_id);
        e.array(&self.accepted_compression_types, flexible, version, |value, e, _| {
            e.i8(*value);
            Ok(())
        })?;
        e.i32(self.push_interval_ms);
        e.i32(self.telemetry_max_bytes);
        e.bool(self.delta_temporality);
        e.array(&self.requested_metrics, flexible, version, |value, e, _| e.string(value, true))?;
        e.no_tags();
        Ok(())
    }
}
