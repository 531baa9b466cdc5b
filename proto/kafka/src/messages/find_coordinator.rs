//! FindCoordinator (api key 10); generated from `schemas/find_coordinator.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorRequest {
    /// `Key`, versions 0 to 3.
    pub key: Str,
    /// `KeyType`, versions 1+.
    pub key_type: i8,
    /// `CoordinatorKeys`, versions 4+.
    pub coordinator_keys: Vec<Str>,
}

impl Message for FindCoordinatorRequest {
    const NAME: &'static str = "FindCoordinatorRequest";
    const API_KEY: i16 = 10;
    const VERSIONS: RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let key = if version <= 3 { d.string(flexible)? } else { Str::new() };
        let key_type = if version >= 1 { d.i8()? } else { 0 };
        let coordinator_keys = if version >= 4 {
            d.array(flexible, version, 1, |d, version| d.string(version >= 3))?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { key, key_type, coordinator_keys })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        if version <= 3 {
            e.string(&self.key, flexible)?;
        } else if !self.key.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorRequest.Key",
                version,
            });
        }
        if version >= 1 {
            e.i8(self.key_type);
        } else if self.key_type != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorRequest.KeyType",
                version,
            });
        }
        if version >= 4 {
            e.array(&self.coordinator_keys, flexible, version, |value, e, version| {
                e.string(value, version >= 3)
            })?;
        } else if !self.coordinator_keys.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorRequest.CoordinatorKeys",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for FindCoordinatorRequest {
    type Response = FindCoordinatorResponse;
}

/// Response, versions 0 to 6.
#[derive(Clone, Debug, PartialEq)]
pub struct FindCoordinatorResponse {
    /// `ThrottleTimeMs`, versions 1+.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, versions 0 to 3.
    pub error_code: i16,
    /// `ErrorMessage`, versions 1 to 3, nullable.
    pub error_message: Option<Str>,
    /// `NodeId`, versions 0 to 3.
    pub node_id: i32,
    /// `Host`, versions 0 to 3.
    pub host: Str,
    /// `Port`, versions 0 to 3.
    pub port: i32,
    /// `Coordinators`, versions 4+.
    pub coordinators: Vec<Coordinator>,
}

impl Default for FindCoordinatorResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            node_id: 0,
            host: Str::new(),
            port: 0,
            coordinators: Vec::new(),
        }
    }
}

impl Message for FindCoordinatorResponse {
    const NAME: &'static str = "FindCoordinatorResponse";
    const API_KEY: i16 = 10;
    const VERSIONS: RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let throttle_time_ms = if version >= 1 { d.i32()? } else { 0 };
        let error_code = if version <= 3 { d.i16()? } else { 0 };
        let error_message = if (1..=3).contains(&version) {
            d.nullable_string(flexible)?
        } else {
            Some(Str::new())
        };
        let node_id = if version <= 3 { d.i32()? } else { 0 };
        let host = if version <= 3 { d.string(flexible)? } else { Str::new() };
        let port = if version <= 3 { d.i32()? } else { 0 };
        let coordinators = if version >= 4 {
            d.array(flexible, version, 14, Coordinator::decode)?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, error_code, error_message, node_id, host, port, coordinators })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        if version >= 1 {
            e.i32(self.throttle_time_ms);
        }
        if version <= 3 {
            e.i16(self.error_code);
        } else if self.error_code != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorResponse.ErrorCode",
                version,
            });
        }
        if (1..=3).contains(&version) {
            e.nullable_string(self.error_message.as_ref(), flexible)?;
        }
        if version <= 3 {
            e.i32(self.node_id);
        } else if self.node_id != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorResponse.NodeId",
                version,
            });
        }
        if version <= 3 {
            e.string(&self.host, flexible)?;
        } else if !self.host.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorResponse.Host",
                version,
            });
        }
        if version <= 3 {
            e.i32(self.port);
        } else if self.port != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorResponse.Port",
                version,
            });
        }
        if version >= 4 {
            e.array(&self.coordinators, flexible, version, Coordinator::encode)?;
        } else if !self.coordinators.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "FindCoordinatorResponse.Coordinators",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`FindCoordinatorResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinator {
    /// `Key`, versions 4+.
    pub key: Str,
    /// `NodeId`, versions 4+.
    pub node_id: i32,
    /// `Host`, versions 4+.
    pub host: Str,
    /// `Port`, versions 4+.
    pub port: i32,
    /// `ErrorCode`, versions 4+.
    pub error_code: i16,
    /// `ErrorMessage`, versions 4+, nullable.
    pub error_message: Option<Str>,
}

impl Default for Coordinator {
    fn default() -> Self {
        Self {
            key: Str::new(),
            node_id: 0,
            host: Str::new(),
            port: 0,
            error_code: 0,
            error_message: Some(Str::new()),
        }
    }
}

impl Coordinator {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let key = d.string(flexible)?;
        let node_id = d.i32()?;
        let host = d.string(flexible)?;
        let port = d.i32()?;
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        d.skip_tags()?;
        Ok(Self { key, node_id, host, port, error_code, error_message })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.key, flexible)?;
        e.i32(self.node_id);
        e.string(&self.host, flexible)?;
        e.i32(self.port);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        e.no_tags();
        Ok(())
    }
}
