//! SyncGroup (api key 14); generated from `schemas/sync_group.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequest {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `GenerationId`, all versions.
    pub generation_id: i32,
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 3+, nullable.
    pub group_instance_id: Option<Str>,
    /// `ProtocolType`, versions 5+, nullable.
    pub protocol_type: Option<Str>,
    /// `ProtocolName`, versions 5+, nullable.
    pub protocol_name: Option<Str>,
    /// `Assignments`, all versions.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Message for SyncGroupRequest {
    const NAME: &'static str = "SyncGroupRequest";
    const API_KEY: i16 = 14;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let group_id = d.string(flexible)?;
        let generation_id = d.i32()?;
        let member_id = d.string(flexible)?;
        let group_instance_id = if version >= 3 { d.nullable_string(flexible)? } else { None };
        let protocol_type = if version >= 5 { d.nullable_string(flexible)? } else { None };
        let protocol_name = if version >= 5 { d.nullable_string(flexible)? } else { None };
        let assignments = d.array(flexible, version, 3, SyncGroupRequestAssignment::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            group_id,
            generation_id,
            member_id,
            group_instance_id,
            protocol_type,
            protocol_name,
            assignments,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        e.string(&self.group_id, flexible)?;
        e.i32(self.generation_id);
        e.string(&self.member_id, flexible)?;
        if version >= 3 {
            e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        } else if self.group_instance_id.is_some() {
            return Err(EncodeError::UnsupportedField {
                field: "SyncGroupRequest.GroupInstanceId",
                version,
            });
        }
        if version >= 5 {
            e.nullable_string(self.protocol_type.as_ref(), flexible)?;
        }
        if version >= 5 {
            e.nullable_string(self.protocol_name.as_ref(), flexible)?;
        }
        e.array(&self.assignments, flexible, version, SyncGroupRequestAssignment::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for SyncGroupRequest {
    type Response = SyncGroupResponse;
}

/// Part of [`SyncGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequestAssignment {
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `Assignment`, all versions.
    pub assignment: Bytes,
}

impl SyncGroupRequestAssignment {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let member_id = d.string(flexible)?;
        let assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { member_id, assignment })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        e.string(&self.member_id, flexible)?;
        e.bytes(&self.assignment, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupResponse {
    /// `ThrottleTimeMs`, versions 1+.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ProtocolType`, versions 5+, nullable.
    pub protocol_type: Option<Str>,
    /// `ProtocolName`, versions 5+, nullable.
    pub protocol_name: Option<Str>,
    /// `Assignment`, all versions.
    pub assignment: Bytes,
}

impl Message for SyncGroupResponse {
    const NAME: &'static str = "SyncGroupResponse";
    const API_KEY: i16 = 14;
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
        let protocol_type = if version >= 5 { d.nullable_string(flexible)? } else { None };
        let protocol_name = if version >= 5 { d.nullable_string(flexible)? } else { None };
        let assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, error_code, protocol_type, protocol_name, assignment })
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
        if version >= 5 {
            e.nullable_string(self.protocol_type.as_ref(), flexible)?;
        }
        if version >= 5 {
            e.nullable_string(self.protocol_name.as_ref(), flexible)?;
        }
        e.bytes(&self.assignment, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
