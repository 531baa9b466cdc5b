//! DescribeDelegationToken (api key 41); generated from `schemas/describe_delegation_token.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 1 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeDelegationTokenRequest {
    /// `Owners`, all versions, nullable.
    pub owners: Option<Vec<DescribeDelegationTokenOwner>>,
}

impl Default for DescribeDelegationTokenRequest {
    fn default() -> Self {
        Self { owners: Some(Vec::new()) }
    }
}

impl Message for DescribeDelegationTokenRequest {
    const NAME: &'static str = "DescribeDelegationTokenRequest";
    const API_KEY: i16 = 41;
    const VERSIONS: RangeInclusive<i16> = 1..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let owners =
            d.nullable_array(flexible, version, 3, DescribeDelegationTokenOwner::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { owners })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.nullable_array(
            self.owners.as_ref(),
            flexible,
            version,
            DescribeDelegationTokenOwner::encode,
        )?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for DescribeDelegationTokenRequest {
    type Response = DescribeDelegationTokenResponse;
}

/// Part of [`DescribeDelegationTokenRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeDelegationTokenOwner {
    /// `PrincipalType`, all versions.
    pub principal_type: Str,
    /// `PrincipalName`, all versions.
    pub principal_name: Str,
}

impl DescribeDelegationTokenOwner {
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
pub struct DescribeDelegationTokenResponse {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `Tokens`, all versions.
    pub tokens: Vec<DescribedDelegationToken>,
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
}

impl Message for DescribeDelegationTokenResponse {
    const NAME: &'static str = "DescribeDelegationTokenResponse";
    const API_KEY: i16 = 41;
    const VERSIONS: RangeInclusive<i16> = 1..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 2;
        let error_code = d.i16()?;
        let tokens = d.array(flexible, version, 30, DescribedDelegationToken::decode)?;
        let throttle_time_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { error_code, tokens, throttle_time_ms })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 2;
        e.i16(self.error_code);
        e.array(&self.tokens, flexible, version, DescribedDelegationToken::encode)?;
        e.i32(self.throttle_time_ms);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`DescribeDelegationTokenResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationToken {
    /// `PrincipalType`, all versions.
    pub principal_type: Str,
    /// `PrincipalName`, all versions.
    pub principal_name: Str,
    /// `TokenRequesterPrincipalType`, versions 3+.
    pub token_requester_principal_type: Str,
    /// `TokenRequesterPrincipalName`, versions 3+.
    pub token_requester_principal_name: Str,
    /// `IssueTimestamp`, all versions.
    pub issue_timestamp: i64,
    /// `ExpiryTimestamp`, all versions.
    pub expiry_timestamp: i64,
    /// `MaxTimestamp`, all versions.
    pub max_timestamp: i64,
    /// `TokenId`, all versions.
    pub token_id: Str,
    /// `Hmac`, all versions.
    pub hmac: Bytes,
    /// `Renewers`, all versions.
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
}

impl DescribedDelegationToken {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 2;
        let principal_type = d.string(flexible)?;
        let principal_name = d.string(flexible)?;
        let token_requester_principal_type =
            if version >= 3 { d.string(flexible)? } else { Str::new() };
        let token_requester_principal_name =
            if version >= 3 { d.string(flexible)? } else { Str::new() };
        let issue_timestamp = d.i64()?;
        let expiry_timestamp = d.i64()?;
        let max_timestamp = d.i64()?;
        let token_id = d.string(flexible)?;
        let hmac = d.bytes(flexible)?;
        let renewers = d.array(flexible, version, 3, DescribedDelegationTokenRenewer::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            principal_type,
            principal_name,
            token_requester_principal_type,
            token_requester_principal_name,
            issue_timestamp,
            expiry_timestamp,
            max_timestamp,
            token_id,
            hmac,
            renewers,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 2;
        e.string(&self.principal_type, flexible)?;
        e.string(&self.principal_name, flexible)?;
        if version >= 3 {
            e.string(&self.token_requester_principal_type, flexible)?;
        } else if !self.token_requester_principal_type.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "DescribedDelegationToken.TokenRequesterPrincipalType",
                version,
            });
        }
        if version >= 3 {
            e.string(&self.token_requester_principal_name, flexible)?;
        } else if !self.token_requester_principal_name.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "DescribedDelegationToken.TokenRequesterPrincipalName",
                version,
            });
        }
        e.i64(self.issue_timestamp);
        e.i64(self.expiry_timestamp);
        e.i64(self.max_timestamp);
        e.string(&self.token_id, flexible)?;
        e.bytes(&self.hmac, flexible)?;
        e.array(&self.renewers, flexible, version, DescribedDelegationTokenRenewer::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`DescribeDelegationTokenResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationTokenRenewer {
    /// `PrincipalType`, all versions.
    pub principal_type: Str,
    /// `PrincipalName`, all versions.
    pub principal_name: Str,
}

impl DescribedDelegationTokenRenewer {
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
