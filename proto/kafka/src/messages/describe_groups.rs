//! DescribeGroups (api key 15); generated from `schemas/describe_groups.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsRequest {
    /// `Groups`, all versions.
    pub groups: Vec<Str>,
    /// `IncludeAuthorizedOperations`, versions 3+.
    pub include_authorized_operations: bool,
}

impl Message for DescribeGroupsRequest {
    const NAME: &'static str = "DescribeGroupsRequest";
    const API_KEY: i16 = 15;
    const VERSIONS: RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 5;
        let groups = d.array(flexible, version, 1, |d, version| d.string(version >= 5))?;
        let include_authorized_operations = if version >= 3 { d.bool()? } else { false };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { groups, include_authorized_operations })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 5;
        e.array(&self.groups, flexible, version, |value, e, version| {
            e.string(value, version >= 5)
        })?;
        if version >= 3 {
            e.bool(self.include_authorized_operations);
        } else if self.include_authorized_operations {
            return Err(EncodeError::UnsupportedField {
                field: "DescribeGroupsRequest.IncludeAuthorizedOperations",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for DescribeGroupsRequest {
    type Response = DescribeGroupsResponse;
}

/// Response, versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsResponse {
    /// `ThrottleTimeMs`, versions 1+.
    pub throttle_time_ms: i32,
    /// `Groups`, all versions.
    pub groups: Vec<DescribedGroup>,
}

impl Message for DescribeGroupsResponse {
    const NAME: &'static str = "DescribeGroupsResponse";
    const API_KEY: i16 = 15;
    const VERSIONS: RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 5;
        let throttle_time_ms = if version >= 1 { d.i32()? } else { 0 };
        let groups = d.array(flexible, version, 12, DescribedGroup::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, groups })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 5;
        if version >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.groups, flexible, version, DescribedGroup::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`DescribeGroupsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, versions 6+, nullable.
    pub error_message: Option<Str>,
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `GroupState`, all versions.
    pub group_state: Str,
    /// `ProtocolType`, all versions.
    pub protocol_type: Str,
    /// `ProtocolData`, all versions.
    pub protocol_data: Str,
    /// `Members`, all versions.
    pub members: Vec<DescribedGroupMember>,
    /// `AuthorizedOperations`, versions 3+.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Str::new(),
            group_state: Str::new(),
            protocol_type: Str::new(),
            protocol_data: Str::new(),
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl DescribedGroup {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 5;
        let error_code = d.i16()?;
        let error_message = if version >= 6 { d.nullable_string(flexible)? } else { None };
        let group_id = d.string(flexible)?;
        let group_state = d.string(flexible)?;
        let protocol_type = d.string(flexible)?;
        let protocol_data = d.string(flexible)?;
        let members = d.array(flexible, version, 7, DescribedGroupMember::decode)?;
        let authorized_operations = if version >= 3 { d.i32()? } else { i32::MIN };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            error_code,
            error_message,
            group_id,
            group_state,
            protocol_type,
            protocol_data,
            members,
            authorized_operations,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 5;
        e.i16(self.error_code);
        if version >= 6 {
            e.nullable_string(self.error_message.as_ref(), flexible)?;
        } else if self.error_message.is_some() {
            return Err(EncodeError::UnsupportedField {
                field: "DescribedGroup.ErrorMessage",
                version,
            });
        }
        e.string(&self.group_id, flexible)?;
        e.string(&self.group_state, flexible)?;
        e.string(&self.protocol_type, flexible)?;
        e.string(&self.protocol_data, flexible)?;
        e.array(&self.members, flexible, version, DescribedGroupMember::encode)?;
        if version >= 3 {
            e.i32(self.authorized_operations);
        } else if self.authorized_operations != i32::MIN {
            return Err(EncodeError::UnsupportedField {
                field: "DescribedGroup.AuthorizedOperations",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`DescribeGroupsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedGroupMember {
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `GroupInstanceId`, versions 4+, nullable.
    pub group_instance_id: Option<Str>,
    /// `ClientId`, all versions.
    pub client_id: Str,
    /// `ClientHost`, all versions.
    pub client_host: Str,
    /// `MemberMetadata`, all versions.
    pub member_metadata: Bytes,
    /// `MemberAssignment`, all versions.
    pub member_assignment: Bytes,
}

impl DescribedGroupMember {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 5;
        let member_id = d.string(flexible)?;
        let group_instance_id = if version >= 4 { d.nullable_string(flexible)? } else { None };
        let client_id = d.string(flexible)?;
        let client_host = d.string(flexible)?;
        let member_metadata = d.bytes(flexible)?;
        let member_assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            member_id,
            group_instance_id,
            client_id,
            client_host,
            member_metadata,
            member_assignment,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 5;
        e.string(&self.member_id, flexible)?;
        if version >= 4 {
            e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        }
        e.string(&self.client_id, flexible)?;
        e.string(&self.client_host, flexible)?;
        e.bytes(&self.member_metadata, flexible)?;
        e.bytes(&self.member_assignment, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
