//! JoinGroup (api key 11); generated from `schemas/join_group.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::encoder::required;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 9.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupRequest {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `SessionTimeoutMs`, all versions.
    pub session_timeout_ms: i32,
    /// `RebalanceTimeoutMs`, versions 1+.
    pub rebalance_timeout_ms: i32,
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 5+, nullable.
    pub group_instance_id: Option<Str>,
    /// `ProtocolType`, all versions.
    pub protocol_type: Str,
    /// `Protocols`, all versions.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// `Reason`, versions 8+, nullable.
    pub reason: Option<Str>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Str::new(),
            session_timeout_ms: 0,
            rebalance_timeout_ms: -1,
            member_id: Str::new(),
            group_instance_id: None,
            protocol_type: Str::new(),
            protocols: Vec::new(),
            reason: None,
        }
    }
}

impl Message for JoinGroupRequest {
    const NAME: &'static str = "JoinGroupRequest";
    const API_KEY: i16 = 11;
    const VERSIONS: RangeInclusive<i16> = 0..=9;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 6;
        let group_id = d.string(flexible)?;
        let session_timeout_ms = d.i32()?;
        let rebalance_timeout_ms = if version >= 1 { d.i32()? } else { -1 };
        let member_id = d.string(flexible)?;
        let group_instance_id = if version >= 5 { d.nullable_string(flexible)? } else { None };
        let protocol_type = d.string(flexible)?;
        let protocols = d.array(flexible, version, 3, JoinGroupRequestProtocol::decode)?;
        let reason = if version >= 8 { d.nullable_string(flexible)? } else { None };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            group_id,
            session_timeout_ms,
            rebalance_timeout_ms,
            member_id,
            group_instance_id,
            protocol_type,
            protocols,
            reason,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 6;
        e.string(&self.group_id, flexible)?;
        e.i32(self.session_timeout_ms);
        if version >= 1 {
            e.i32(self.rebalance_timeout_ms);
        }
        e.string(&self.member_id, flexible)?;
        if version >= 5 {
            e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::UnsupportedField {
                field: "JoinGroupRequest.GroupInstanceId",
                version,
            });
        }
        e.string(&self.protocol_type, flexible)?;
        e.array(&self.protocols, flexible, version, JoinGroupRequestProtocol::encode)?;
        if version >= 8 {
            e.nullable_string(self.reason.as_ref(), flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for JoinGroupRequest {
    type Response = JoinGroupResponse;
}

/// Part of [`JoinGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupRequestProtocol {
    /// `Name`, all versions.
    pub name: Str,
    /// `Metadata`, all versions.
    pub metadata: Bytes,
}

impl JoinGroupRequestProtocol {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let name = d.string(flexible)?;
        let metadata = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { name, metadata })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        e.string(&self.name, flexible)?;
        e.bytes(&self.metadata, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 0 to 9.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// `ThrottleTimeMs`, versions 2+.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `GenerationId`, all versions.
    pub generation_id: i32,
    /// `ProtocolType`, versions 7+, nullable.
    pub protocol_type: Option<Str>,
    /// `ProtocolName`, all versions, nullable 7+.
    pub protocol_name: Option<Str>,
    /// `Leader`, all versions.
    pub leader: Str,
    /// `SkipAssignment`, versions 9+.
    pub skip_assignment: bool,
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `Members`, all versions.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            error_code: 0,
            generation_id: -1,
            protocol_type: None,
            protocol_name: Some(Str::new()),
            leader: Str::new(),
            skip_assignment: false,
            member_id: Str::new(),
            members: Vec::new(),
        }
    }
}

impl Message for JoinGroupResponse {
    const NAME: &'static str = "JoinGroupResponse";
    const API_KEY: i16 = 11;
    const VERSIONS: RangeInclusive<i16> = 0..=9;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 6;
        let throttle_time_ms = if version >= 2 { d.i32()? } else { 0 };
        let error_code = d.i16()?;
        let generation_id = d.i32()?;
        let protocol_type = if version >= 7 { d.nullable_string(flexible)? } else { None };
        let protocol_name =
            if version >= 7 { d.nullable_string(flexible)? } else { Some(d.string(flexible)?) };
        let leader = d.string(flexible)?;
        let skip_assignment = if version >= 9 { d.bool()? } else { false };
        let member_id = d.string(flexible)?;
        let members = d.array(flexible, version, 4, JoinGroupResponseMember::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            throttle_time_ms,
            error_code,
            generation_id,
            protocol_type,
            protocol_name,
            leader,
            skip_assignment,
            member_id,
            members,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 6;
        if version >= 2 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        e.i32(self.generation_id);
        if version >= 7 {
            e.nullable_string(self.protocol_type.as_ref(), flexible)?;
        }
        if version >= 7 {
            e.nullable_string(self.protocol_name.as_ref(), flexible)?;
        } else {
            e.string(
                required(&self.protocol_name, "JoinGroupResponse.ProtocolName", version)?,
                flexible,
            )?;
        }
        e.string(&self.leader, flexible)?;
        if version >= 9 {
            e.bool(self.skip_assignment);
        } else if self.skip_assignment {
            return Err(EncodeError::UnsupportedField {
                field: "JoinGroupResponse.SkipAssignment",
                version,
            });
        }
        e.string(&self.member_id, flexible)?;
        e.array(&self.members, flexible, version, JoinGroupResponseMember::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`JoinGroupResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupResponseMember {
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 5+, nullable.
    pub group_instance_id: Option<Str>,
    /// `Metadata`, all versions.
    pub metadata: Bytes,
}

impl JoinGroupResponseMember {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 6;
        let member_id = d.string(flexible)?;
        let group_instance_id = if version >= 5 { d.nullable_string(flexible)? } else { None };
        let metadata = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { member_id, group_instance_id, metadata })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 6;
        e.string(&self.member_id, flexible)?;
        if version >= 5 {
            e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        }
        e.bytes(&self.metadata, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
