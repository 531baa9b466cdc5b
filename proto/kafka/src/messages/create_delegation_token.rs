//! CreateDelegationToken (api key 38); generated from `schemas/create_delegation_token.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 1 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateDelegationTokenRequest {
    /// `OwnerPrincipalType`, versions 3+, nullable.
    pub owner_principal_type: Option<Str>,
    /// `OwnerPrincipalName`, versions 3+, nullable.
    pub owner_principal_name: Option<Str>,
    /// `Renewers`, all versions.
    pub renewers: Vec<CreatableRenewers>,
    /// `MaxLifetimeMs`, all versions.
    pub max_lifetime_ms: i64,
}

impl Default for CreateDelegationTokenRequest {
    fn default() -> Self {
        Self {
            owner_principal_type: Some(Str::new()),
            owner_principal_name: Some(Str::new()),
            renewers: Vec::new(),
            max_lifetime_ms: 0,
        }
    }
}

impl Message for CreateDelegationTokenRequest {
    const NAME: &'static str = "CreateDelegationTokenRequest";
    const API_KEY: i16 = 38;
    const VERSIONS: RangeInclusive<i16> = 1..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let owner_principal_type =
            if version >= 3 { d.nullable_string(flexible)? } else { Some(Str::new()) };
        let owner_principal_name =
            if version >= 3 { d.nullable_string(flexible)? } else { Some(Str::new()) };
        let renewers = d.array(flexible, version, 3, CreatableRenewers::decode)?;
        let max_lifetime_ms = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { owner_principal_type, owner_principal_name, renewers, max_lifetime_ms })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        if version >= 3 {
            e.nullable_string(self.owner_principal_type.as_ref(), flexible)?;
        } else if self.owner_principal_type.as_ref().is_none_or(|value| !value.is_empty()) {
            return Err(EncodeError::UnsupportedField {
                field: "CreateDelegationTokenRequest.OwnerPrincipalType",
                version,
            });
        }
        if version >= 3 {
            e.nullable_string(self.owner_principal_name.as_ref(), flexible)?;
        } else if self.owner_principal_name.as_ref().is_none_or(|value| !value.is_empty()) {
            return Err(EncodeError::UnsupportedField {
                field: "CreateDelegationTokenRequest.OwnerPrincipalName",
                version,
            });
        }
        e.array(&self.renewers, flexible, version, CreatableRenewers::encode)?;
        e.i64(self.max_lifetime_ms);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for CreateDelegationTokenRequest {
    type Response = CreateDelegationTokenResponse;
}

/// Part of [`CreateDelegationTokenRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableRenewers {
    /// `PrincipalType`, all versions.
    pub principal_type: Str,
    /// `PrincipalName`, all versions.
    pub principal_name: Str,
}

impl CreatableRenewers {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let principal_type = d.string(flexible)?;
        let principal_name = d.string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { principal_type, principal_name })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        e.string(&self.principal_type, flexible)?;
        e.string(&self.principal_name, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateDelegationTokenResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `PrincipalType`, all versions.
    pub principal_type: Str,
    /// `PrincipalName`, all versions.
    pub principal_name: Str,
    /// `TokenRequesterPrincipalType`, versions 3+.
    pub token_requester_principal_type: Str,
    /// `TokenRequesterPrincipalName`, versions 3+.
    pub token_requester_principal_name: Str,
    /// `IssueTimestampMs`, all versions.
    pub issue_timestamp_ms: i64,
    /// `ExpiryTimestampMs`, all versions.
    pub expiry_timestamp_ms: i64,
    /// `MaxTimestampMs`, all versions.
    pub max_timestamp_ms: i64,
    /// `TokenId`, all versions.
    pub token_id: Str,
    /// `Hmac`, all versions.
    pub hmac: Bytes,
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
}

impl Message for CreateDelegationTokenResponse {
    const NAME: &'static str = "CreateDelegationTokenResponse";
    const API_KEY: i16 = 38;
    const VERSIONS: RangeInclusive<i16> = 1..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let error_code = d.i16()?;
        let principal_type = d.string(flexible)?;
        let principal_name = d.string(flexible)?;
        let token_requester_principal_type =
            if version >= 3 { d.string(flexible)? } else { Str::new() };
        let token_requester_principal_name =
            if version >= 3 { d.string(flexible)? } else { Str::new() };
        let issue_timestamp_ms = d.i64()?;
        let expiry_timestamp_ms = d.i64()?;
        let max_timestamp_ms = d.i64()?;
        let token_id = d.string(flexible)?;
        let hmac = d.bytes(flexible)?;
        let throttle_time_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            error_code,
            principal_type,
            principal_name,
            token_requester_principal_type,
            token_requester_principal_name,
            issue_timestamp_ms,
            expiry_timestamp_ms,
            max_timestamp_ms,
            token_id,
            hmac,
            throttle_time_ms,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.i16(self.error_code);
        e.string(&self.principal_type, flexible)?;
        e.string(&self.principal_name, flexible)?;
        if version >= 3 {
            e.string(&self.token_requester_principal_type, flexible)?;
        } else if !self.token_requester_principal_type.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "CreateDelegationTokenResponse.TokenRequesterPrincipalType",
                version,
            });
        }
        if version >= 3 {
            e.string(&self.token_requester_principal_name, flexible)?;
        } else if !self.token_requester_principal_name.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "CreateDelegationTokenResponse.TokenRequesterPrincipalName",
                version,
            });
        }
        e.i64(self.issue_timestamp_ms);
        e.i64(self.expiry_timestamp_ms);
        e.i64(self.max_timestamp_ms);
        e.string(&self.token_id, flexible)?;
        e.bytes(&self.hmac, flexible)?;
        e.i32(self.throttle_time_ms);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
