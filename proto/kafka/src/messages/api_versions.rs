//! ApiVersions (api key 18); generated from `schemas/api_versions.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersionsRequest {
    /// `ClientSoftwareName`, versions 3+.
    pub client_software_name: Str,
    /// `ClientSoftwareVersion`, versions 3+.
    pub client_software_version: Str,
}

impl Message for ApiVersionsRequest {
    const NAME: &'static str = "ApiVersionsRequest";
    const API_KEY: i16 = 18;
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let client_software_name = if version >= 3 { d.string(flexible)? } else { Str::new() };
        let client_software_version = if version >= 3 { d.string(flexible)? } else { Str::new() };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { client_software_name, client_software_version })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        if version >= 3 {
            e.string(&self.client_software_name, flexible)?;
        }
        if version >= 3 {
            e.string(&self.client_software_version, flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for ApiVersionsRequest {
    type Response = ApiVersionsResponse;
}

/// Response, versions 0 to 4.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ApiKeys`, all versions.
    pub api_keys: Vec<ApiVersion>,
    /// `ThrottleTimeMs`, versions 1+.
    pub throttle_time_ms: i32,
    /// `SupportedFeatures`, versions 3+.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// `FinalizedFeaturesEpoch`, versions 3+.
    pub finalized_features_epoch: i64,
    /// `FinalizedFeatures`, versions 3+.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// `ZkMigrationReady`, versions 3+.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: 0,
            api_keys: Vec::new(),
            throttle_time_ms: 0,
            supported_features: Vec::new(),
            finalized_features_epoch: -1,
            finalized_features: Vec::new(),
            zk_migration_ready: false,
        }
    }
}

impl Message for ApiVersionsResponse {
    const NAME: &'static str = "ApiVersionsResponse";
    const API_KEY: i16 = 18;
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let error_code = d.i16()?;
        let api_keys = d.array(flexible, version, 6, ApiVersion::decode)?;
        let throttle_time_ms = if version >= 1 { d.i32()? } else { 0 };
        let mut supported_features = Vec::new();
        let mut finalized_features_epoch = -1;
        let mut finalized_features = Vec::new();
        let mut zk_migration_ready = false;
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 => {
                        supported_features =
                            d.array(flexible, version, 6, SupportedFeatureKey::decode)?
                    }
                    1 => finalized_features_epoch = d.i64()?,
                    2 => {
                        finalized_features =
                            d.array(flexible, version, 6, FinalizedFeatureKey::decode)?
                    }
                    3 => zk_migration_ready = d.bool()?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self {
            error_code,
            api_keys,
            throttle_time_ms,
            supported_features,
            finalized_features_epoch,
            finalized_features,
            zk_migration_ready,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        e.i16(self.error_code);
        e.array(&self.api_keys, flexible, version, ApiVersion::encode)?;
        if version >= 1 {
            e.i32(self.throttle_time_ms);
        }
        if flexible {
            let tags = e.begin_tags();
            if !self.supported_features.is_empty() {
                let start = e.begin_tag(&tags, 0);
                e.array(&self.supported_features, flexible, version, SupportedFeatureKey::encode)?;
                e.end_tag(start);
            }
            if self.finalized_features_epoch != -1 {
                let start = e.begin_tag(&tags, 1);
                e.i64(self.finalized_features_epoch);
                e.end_tag(start);
            }
            if !self.finalized_features.is_empty() {
                let start = e.begin_tag(&tags, 2);
                e.array(&self.finalized_features, flexible, version, FinalizedFeatureKey::encode)?;
                e.end_tag(start);
            }
            if self.zk_migration_ready {
                let start = e.begin_tag(&tags, 3);
                e.bool(self.zk_migration_ready);
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersion {
    /// `ApiKey`, all versions.
    pub api_key: i16,
    /// `MinVersion`, all versions.
    pub min_version: i16,
    /// `MaxVersion`, all versions.
    pub max_version: i16,
}

impl ApiVersion {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let api_key = d.i16()?;
        let min_version = d.i16()?;
        let max_version = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { api_key, min_version, max_version })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        e.i16(self.api_key);
        e.i16(self.min_version);
        e.i16(self.max_version);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SupportedFeatureKey {
    /// `Name`, versions 3+.
    pub name: Str,
    /// `MinVersion`, versions 3+.
    pub min_version: i16,
    /// `MaxVersion`, versions 3+.
    pub max_version: i16,
}

impl SupportedFeatureKey {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let min_version = d.i16()?;
        let max_version = d.i16()?;
        d.skip_tags()?;
        Ok(Self { name, min_version, max_version })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.i16(self.min_version);
        e.i16(self.max_version);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ApiVersionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalizedFeatureKey {
    /// `Name`, versions 3+.
    pub name: Str,
    /// `MaxVersionLevel`, versions 3+.
    pub max_version_level: i16,
    /// `MinVersionLevel`, versions 3+.
    pub min_version_level: i16,
}

impl FinalizedFeatureKey {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let max_version_level = d.i16()?;
        let min_version_level = d.i16()?;
        d.skip_tags()?;
        Ok(Self { name, max_version_level, min_version_level })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.i16(self.max_version_level);
        e.i16(self.min_version_level);
        e.no_tags();
        Ok(())
    }
}
