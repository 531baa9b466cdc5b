//! RenewDelegationToken (api key 39); generated from `schemas/renew_delegation_token.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request};

/// Request, versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenewDelegationTokenRequest {
    /// `Hmac`, all versions.
    pub hmac: Bytes,
    /// `RenewPeriodMs`, all versions.
    pub renew_period_ms: i64,
}

impl Message for RenewDelegationTokenRequest {
    const NAME: &'static str = "RenewDelegationTokenRequest";
    const API_KEY: i16 = 39;
    const VERSIONS: RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let hmac = d.bytes(flexible)?;
        let renew_period_ms = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { hmac, renew_period_ms })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.bytes(&self.hmac, flexible)?;
        e.i64(self.renew_period_ms);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for RenewDelegationTokenRequest {
    type Response = RenewDelegationTokenResponse;
}

/// Response, versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenewDelegationTokenResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ExpiryTimestampMs`, all versions.
    pub expiry_timestamp_ms: i64,
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
}

impl Message for RenewDelegationTokenResponse {
    const NAME: &'static str = "RenewDelegationTokenResponse";
    const API_KEY: i16 = 39;
    const VERSIONS: RangeInclusive<i16> = 1..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let error_code = d.i16()?;
        let expiry_timestamp_ms = d.i64()?;
        let throttle_time_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { error_code, expiry_timestamp_ms, throttle_time_ms })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.i16(self.error_code);
        e.i64(self.expiry_timestamp_ms);
        e.i32(self.throttle_time_ms);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
