//! LeaveGroup (api key 13); generated from `schemas/leave_group.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupRequest {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `MemberId`, versions 0 to 2.
    pub member_id: Str,
    /// `Members`, versions 3+.
    pub members: Vec<MemberIdentity>,
}

impl Message for LeaveGroupRequest {
    const NAME: &'static str = "LeaveGroupRequest";
    const API_KEY: i16 = 13;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let group_id = d.string(flexible)?;
        let member_id = if version <= 2 { d.string(flexible)? } else { Str::new() };
        let members = if version >= 3 {
            d.array(flexible, version, 3, MemberIdentity::decode)?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { group_id, member_id, members })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        e.string(&self.group_id, flexible)?;
        if version <= 2 {
            e.string(&self.member_id, flexible)?;
        } else if !self.member_id.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "LeaveGroupRequest.MemberId",
                version,
            });
        }
        if version >= 3 {
            e.array(&self.members, flexible, version, MemberIdentity::encode)?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "LeaveGroupRequest.Members",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for LeaveGroupRequest {
    type Response = LeaveGroupResponse;
}

/// Part of [`LeaveGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberIdentity {
    /// `MemberId`, versions 3+.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 3+, nullable.
    pub group_instance_id: Option<Str>,
    /// `Reason`, versions 5+, nullable.
    pub reason: Option<Str>,
}

impl MemberIdentity {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let member_id = d.string(flexible)?;
        let group_instance_id = d.nullable_string(flexible)?;
        let reason = if version >= 5 { d.nullable_string(flexible)? } else { None };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { member_id, group_instance_id, reason })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        e.string(&self.member_id, flexible)?;
        e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        if version >= 5 {
            e.nullable_string(self.reason.as_ref(), flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupResponse {
    /// `ThrottleTimeMs`, versions 1+.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `Members`, versions 3+.
    pub members: Vec<MemberResponse>,
}

impl Message for LeaveGroupResponse {
    const NAME: &'static str = "LeaveGroupResponse";
    const API_KEY: i16 = 13;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let throttle_time_ms = if version >= 1 { d.i32()? } else { 0 };
        let error_code = d.i16()?;
        let members = if version >= 3 {
            d.array(flexible, version, 5, MemberResponse::decode)?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, error_code, members })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        if version >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        if version >= 3 {
            e.array(&self.members, flexible, version, MemberResponse::encode)?;
        } else if !self.members.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "LeaveGroupResponse.Members",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`LeaveGroupResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct MemberResponse {
    /// `MemberId`, versions 3+.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 3+, nullable.
    pub group_instance_id: Option<Str>,
    /// `ErrorCode`, versions 3+.
    pub error_code: i16,
}

impl Default for MemberResponse {
    fn default() -> Self {
        Self { member_id: Str::new(), group_instance_id: Some(Str::new()), error_code: 0 }
    }
}

impl MemberResponse {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let member_id = d.string(flexible)?;
        let group_instance_id = d.nullable_string(flexible)?;
        let error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { member_id, group_instance_id, error_code })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        e.string(&self.member_id, flexible)?;
        e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        e.i16(self.error_code);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
