//! UpdateFeatures (api key 57); generated from `schemas/update_features.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesRequest {
    /// `timeoutMs`, all versions.
    pub timeout_ms: i32,
    /// `FeatureUpdates`, all versions.
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// `ValidateOnly`, versions 1+.
    pub validate_only: bool,
}

impl Default for UpdateFeaturesRequest {
    fn default() -> Self {
        Self { timeout_ms: 60000, feature_updates: Vec::new(), validate_only: false }
    }
}

impl Message for UpdateFeaturesRequest {
    const NAME: &'static str = "UpdateFeaturesRequest";
    const API_KEY: i16 = 57;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let timeout_ms = d.i32()?;
        let feature_updates = d.array(flexible, version, 5, FeatureUpdateKey::decode)?;
        let validate_only = if version >= 1 { d.bool()? } else { false };
        d.skip_tags()?;
        Ok(Self { timeout_ms, feature_updates, validate_only })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.timeout_ms);
        e.array(&self.feature_updates, flexible, version, FeatureUpdateKey::encode)?;
        if version >= 1 {
            e.bool(self.validate_only);
        } else if self.validate_only {
            return Err(EncodeError::UnsupportedField {
                field: "UpdateFeaturesRequest.ValidateOnly",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}

impl Request for UpdateFeaturesRequest {
    type Response = UpdateFeaturesResponse;
}

/// Part of [`UpdateFeaturesRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureUpdateKey {
    /// `Feature`, all versions.
    pub feature: Str,
    /// `MaxVersionLevel`, all versions.
    pub max_version_level: i16,
    /// `AllowDowngrade`, versions 0 to 0.
    pub allow_downgrade: bool,
    /// `UpgradeType`, versions 1+.
    pub upgrade_type: i8,
}

impl Default for FeatureUpdateKey {
    fn default() -> Self {
        Self { feature: Str::new(), max_version_level: 0, allow_downgrade: false, upgrade_type: 1 }
    }
}

impl FeatureUpdateKey {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let feature = d.string(flexible)?;
        let max_version_level = d.i16()?;
        let allow_downgrade = if version <= 0 { d.bool()? } else { false };
        let upgrade_type = if version >= 1 { d.i8()? } else { 1 };
        d.skip_tags()?;
        Ok(Self { feature, max_version_level, allow_downgrade, upgrade_type })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.feature, flexible)?;
        e.i16(self.max_version_level);
        if version <= 0 {
            e.bool(self.allow_downgrade);
        } else if self.allow_downgrade {
            return Err(EncodeError::UnsupportedField {
                field: "FeatureUpdateKey.AllowDowngrade",
                version,
            });
        }
        if version >= 1 {
            e.i8(self.upgrade_type);
        } else if self.upgrade_type != 1 {
            return Err(EncodeError::UnsupportedField {
                field: "FeatureUpdateKey.UpgradeType",
                version,
            });
        }
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
    /// `Results`, versions 0 to 1.
    pub results: Vec<UpdatableFeatureResult>,
}

impl Default for UpdateFeaturesResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            error_message: Some(Str::new()),
            results: Vec::new(),
        }
    }
}

impl Message for UpdateFeaturesResponse {
    const NAME: &'static str = "UpdateFeaturesResponse";
    const API_KEY: i16 = 57;
    const VERSIONS: RangeInclusive<i16> = 0..=2;
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
        let results = if version <= 1 {
            d.array(flexible, version, 5, UpdatableFeatureResult::decode)?
        } else {
            Vec::new()
        };
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, error_code, error_message, results })
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
        if version <= 1 {
            e.array(&self.results, flexible, version, UpdatableFeatureResult::encode)?;
        }
        e.no_tags();
        Ok(())
    }
}

/// Part of [`UpdateFeaturesResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct UpdatableFeatureResult {
    /// `Feature`, versions 0 to 1.
    pub feature: Str,
    /// `ErrorCode`, versions 0 to 1.
    pub error_code: i16,
    /// `ErrorMessage`, versions 0 to 1, nullable.
    pub error_message: Option<Str>,
}

impl Default for UpdatableFeatureResult {
    fn default() -> Self {
        Self { feature: Str::new(), error_code: 0, error_message: Some(Str::new()) }
    }
}

impl UpdatableFeatureResult {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let feature = d.string(flexible)?;
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        d.skip_tags()?;
        Ok(Self { feature, error_code, error_message })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.feature, flexible)?;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        e.no_tags();
        Ok(())
    }
}
