//! AlterUserScramCredentials (api key 51); generated from `schemas/alter_user_scram_credentials.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterUserScramCredentialsRequest {
    /// `Deletions`, all versions.
    pub deletions: Vec<ScramCredentialDeletion>,
    /// `Upsertions`, all versions.
    pub upsertions: Vec<ScramCredentialUpsertion>,
}

impl Message for AlterUserScramCredentialsRequest {
    const NAME: &'static str = "AlterUserScramCredentialsRequest";
    const API_KEY: i16 = 51;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let deletions = d.array(flexible, version, 3, ScramCredentialDeletion::decode)?;
        let upsertions = d.array(flexible, version, 9, ScramCredentialUpsertion::decode)?;
        d.skip_tags()?;
        Ok(Self { deletions, upsertions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.array(&self.deletions, flexible, version, ScramCredentialDeletion::encode)?;
        e.array(&self.upsertions, flexible, version, ScramCredentialUpsertion::encode)?;
        e.no_tags();
        Ok(())
    }
}

impl Request for AlterUserScramCredentialsRequest {
    type Response = AlterUserScramCredentialsResponse;
}

/// Part of [`AlterUserScramCredentialsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScramCredentialDeletion {
    /// `Name`, all versions.
    pub name: Str,
    /// `Mechanism`, all versions.
    pub mechanism: i8,
}

impl ScramCredentialDeletion {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let mechanism = d.i8()?;
        d.skip_tags()?;
        Ok(Self { name, mechanism })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.i8(self.mechanism);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`AlterUserScramCredentialsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScramCredentialUpsertion {
    /// `Name`, all versions.
    pub name: Str,
    /// `Mechanism`, all versions.
    pub mechanism: i8,
    /// `Iterations`, all versions.
    pub iterations: i32,
    /// `Salt`, all versions.
    pub salt: Bytes,
    /// `SaltedPassword`, all versions.
    pub salted_password: Bytes,
}

impl ScramCredentialUpsertion {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let name = d.string(flexible)?;
        let mechanism = d.i8()?;
        let iterations = d.i32()?;
        let salt = d.bytes(flexible)?;
        let salted_password = d.bytes(flexible)?;
        d.skip_tags()?;
        Ok(Self { name, mechanism, iterations, salt, salted_password })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.name, flexible)?;
        e.i8(self.mechanism);
        e.i32(self.iterations);
        e.bytes(&self.salt, flexible)?;
        e.bytes(&self.salted_password, flexible)?;
        e.no_tags();
        Ok(())
    }
}

/// Response, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterUserScramCredentialsResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Results`, all versions.
    pub results: Vec<AlterUserScramCredentialsResult>,
}

impl Message for AlterUserScramCredentialsResponse {
    const NAME: &'static str = "AlterUserScramCredentialsResponse";
    const API_KEY: i16 = 51;
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let results = d.array(flexible, version, 5, AlterUserScramCredentialsResult::decode)?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, results })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.array(&self.results, flexible, version, AlterUserScramCredentialsResult::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`AlterUserScramCredentialsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct AlterUserScramCredentialsResult {
    /// `User`, all versions.
    pub user: Str,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
}

impl Default for AlterUserScramCredentialsResult {
    fn default() -> Self {
        Self { user: Str::new(), error_code: 0, error_message: Some(Str::new()) }
    }
}

impl AlterUserScramCredentialsResult {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let user = d.string(flexible)?;
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        d.skip_tags()?;
        Ok(Self { user, error_code, error_message })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.user, flexible)?;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        e.no_tags();
        Ok(())
    }
}
