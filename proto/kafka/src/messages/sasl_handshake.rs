//! SaslHandshake (api key 17); generated from `schemas/sasl_handshake.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslHandshakeRequest {
    /// `Mechanism`, all versions.
    pub mechanism: Str,
}

impl Message for SaslHandshakeRequest {
    const NAME: &'static str = "SaslHandshakeRequest";
    const API_KEY: i16 = 17;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let mechanism = d.string(flexible)?;
        Ok(Self { mechanism })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.string(&self.mechanism, flexible)?;
        Ok(())
    }
}

impl Request for SaslHandshakeRequest {
    type Response = SaslHandshakeResponse;
}

/// Response, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslHandshakeResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `Mechanisms`, all versions.
    pub mechanisms: Vec<Str>,
}

impl Message for SaslHandshakeResponse {
    const NAME: &'static str = "SaslHandshakeResponse";
    const API_KEY: i16 = 17;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let error_code = d.i16()?;
        let mechanisms = d.array(flexible, version, 2, |d, _| d.string(false))?;
        Ok(Self { error_code, mechanisms })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.i16(self.error_code);
        e.array(&self.mechanisms, flexible, version, |value, e, _| e.string(value, false))?;
        Ok(())
    }
}
