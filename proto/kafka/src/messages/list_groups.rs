//! ListGroups (api key 16); generated from `schemas/list_groups.schema`, do not edit.

use std::ops::RangeInclusive;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsRequest {
    /// `StatesFilter`, versions 4+.
    pub states_filter: Vec<Str>,
    /// `TypesFilter`, versions 5+.
    pub types_filter: Vec<Str>,
}

impl Message for ListGroupsRequest {
    const NAME: &'static str = "ListGroupsRequest";
    const API_KEY: i16 = 16;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let states_filter = if version >= 4 {
            d.array(flexible, version, 1, |d, version| d.string(version >= 3))?
        } else {
            Vec::new()
        };
        let types_filter = if version >= 5 {
            d.array(flexible, version, 1, |d, version| d.string(version >= 3))?
        } else {
            Vec::new()
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { states_filter, types_filter })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        if version >= 4 {
            e.array(&self.states_filter, flexible, version, |value, e, version| {
                e.string(value, version >= 3)
            })?;
        } else if !self.states_filter.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "ListGroupsRequest.StatesFilter",
                version,
            });
        }
        if version >= 5 {
            e.array(&self.types_filter, flexible, version, |value, e, version| {
                e.string(value, version >= 3)
            })?;
        } else if !self.types_filter.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "ListGroupsRequest.TypesFilter",
                version,
            });
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

impl Request for ListGroupsRequest {
    type Response = ListGroupsResponse;
}

/// Response, versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsResponse {
    /// `ThrottleTimeMs`, versions 1+.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `Groups`, all versions.
    pub groups: Vec<ListedGroup>,
}

impl Message for ListGroupsResponse {
    const NAME: &'static str = "ListGroupsResponse";
    const API_KEY: i16 = 16;
    const VERSIONS: RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 3;
        let throttle_time_ms = if version >= 1 { d.i32()? } else { 0 };
        let error_code = d.i16()?;
        let groups = d.array(flexible, version, 3, ListedGroup::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { throttle_time_ms, error_code, groups })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 3;
        if version >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        e.array(&self.groups, flexible, version, ListedGroup::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`ListGroupsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedGroup {
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `ProtocolType`, all versions.
    pub protocol_type: Str,
    /// `GroupState`, versions 4+.
    pub group_state: Str,
    /// `GroupType`, versions 5+.
    pub group_type: Str,
}

impl ListedGroup {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 3;
        let group_id = d.string(flexible)?;
        let protocol_type = d.string(flexible)?;
        let group_state = if version >= 4 { d.string(flexible)? } else { Str::new() };
        let group_type = if version >= 5 { d.string(flexible)? } else { Str::new() };
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { group_id, protocol_type, group_state, group_type })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 3;
        e.string(&self.group_id, flexible)?;
        e.string(&self.protocol_type, flexible)?;
        if version >= 4 {
            e.string(&self.group_state, flexible)?;
        }
        if version >= 5 {
            e.string(&self.group_type, flexible)?;
        }
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
