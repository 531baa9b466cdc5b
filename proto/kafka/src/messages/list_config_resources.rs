//! ListConfigResources (api key 74); generated from `schemas/list_config_resources.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesRequest {
    /// `ResourceTypes`, versions 1+.
    pub resource_types: Vec<i8>,
}

impl Message for ListConfigResourcesRequest {
    const NAME: &'static str = "ListConfigResourcesRequest";
    const API_KEY: i16 = 74;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let resource_types =
            if version >= 1 { d.array(flexible, version, 1, |d, _| d.i8())? } else { Vec::new() };
        d.skip_tags()?;
        Ok(Self { resource_types })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        if version >= 1 {
            e.array(&self.resource_types, flexible, version, |value, e, _| {
                e.i8(*value);
                Ok(())
            })?;
        } else if !self.resource_types.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "ListConfigResourcesRequest.ResourceTypes",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}

impl Request for ListConfigResourcesRequest {
    type Response = ListConfigResourcesResponse;
}

/// Response, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ConfigResources`, all versions.
    pub config_resources: Vec<ConfigResource>,
}

impl Message for ListConfigResourcesResponse {
    const NAME: &'static str = "ListConfigResourcesResponse";
    const API_KEY: i16 = 74;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let error_code = d.i16()?;
        let config_resources = d.array(flexible, version, 2, ConfigResource::decode)?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, error_code, config_resources })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.array(&self.config_resources, flexible, version, ConfigResource::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ListConfigResourcesResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigResource {
    /// `ResourceName`, all versions.
    pub resource_name: Str,
    /// `ResourceType`, versions 1+.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self { resource_name: Str::new(), resource_type: 16 }
    }
}

impl ConfigResource {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let resource_name = d.string(flexible)?;
        let resource_type = if version >= 1 { d.i8()? } else { 16 };
        d.skip_tags()?;
        Ok(Self { resource_name, resource_type })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.resource_name, flexible)?;
        if version >= 1 {
            e.i8(self.resource_type);
        }
        e.no_tags();
        Ok(())
    }
}
