//! ConsumerGroupDescribe (api key 69); generated from `schemas/consumer_group_describe.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeRequest {
    /// `GroupIds`, all versions.
    pub group_ids: Vec<Str>,
    /// `IncludeAuthorizedOperations`, all versions.
    pub include_authorized_operations: bool,
}

impl Message for ConsumerGroupDescribeRequest {
    const NAME: &'static str = "ConsumerGroupDescribeRequest";
    const API_KEY: i16 = 69;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let group_ids = d.array(flexible, version, 1, |d, _| d.string(true))?;
        let include_authorized_operations = d.bool()?;
        d.skip_tags()?;
        Ok(Self { group_ids, include_authorized_operations })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.array(&self.group_ids, flexible, version, |value, e, _| e.string(value, true))?;
        e.bool(self.include_authorized_operations);
        e.no_tags();
        Ok(())
    }
}

impl Request for ConsumerGroupDescribeRequest {
    type Response = ConsumerGroupDescribeResponse;
}

/// Response, versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `Groups`, all versions.
    pub groups: Vec<DescribedGroup>,
}

impl Message for ConsumerGroupDescribeResponse {
    const NAME: &'static str = "ConsumerGroupDescribeResponse";
    const API_KEY: i16 = 69;
    const VERSIONS: RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = true;
        let throttle_time_ms = d.i32()?;
        let groups = d.array(flexible, version, 20, DescribedGroup::decode)?;
        d.skip_tags()?;
        Ok(Self { throttle_time_ms, groups })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = true;
        e.i32(self.throttle_time_ms);
        e.array(&self.groups, flexible, version, DescribedGroup::encode)?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `ErrorMessage`, all versions, nullable.
    pub error_message: Option<Str>,
    /// `GroupId`, all versions.
    pub group_id: Str,
    /// `GroupState`, all versions.
    pub group_state: Str,
    /// `GroupEpoch`, all versions.
    pub group_epoch: i32,
    /// `AssignmentEpoch`, all versions.
    pub assignment_epoch: i32,
    /// `AssignorName`, all versions.
    pub assignor_name: Str,
    /// `Members`, all versions.
    pub members: Vec<Member>,
    /// `AuthorizedOperations`, all versions.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: 0,
            error_message: None,
            group_id: Str::new(),
            group_state: Str::new(),
            group_epoch: 0,
            assignment_epoch: 0,
            assignor_name: Str::new(),
            members: Vec::new(),
            authorized_operations: i32::MIN,
        }
    }
}

impl DescribedGroup {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let error_code = d.i16()?;
        let error_message = d.nullable_string(flexible)?;
        let group_id = d.string(flexible)?;
        let group_state = d.string(flexible)?;
        let group_epoch = d.i32()?;
        let assignment_epoch = d.i32()?;
        let assignor_name = d.string(flexible)?;
        let members = d.array(flexible, version, 16, Member::decode)?;
        let authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(Self {
            error_code,
            error_message,
            group_id,
            group_state,
            group_epoch,
            assignment_epoch,
            assignor_name,
            members,
            authorized_operations,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible)?;
        e.string(&self.group_id, flexible)?;
        e.string(&self.group_state, flexible)?;
        e.i32(self.group_epoch);
        e.i32(self.assignment_epoch);
        e.string(&self.assignor_name, flexible)?;
        e.array(&self.members, flexible, version, Member::encode)?;
        e.i32(self.authorized_operations);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// `MemberId`, all versions.
    pub member_id: Str,
    /// `InstanceId`, all versions, nullable.
    pub instance_id: Option<Str>,
    /// `RackId`, all versions, nullable.
    pub rack_id: Option<Str>,
    /// `MemberEpoch`, all versions.
    pub member_epoch: i32,
    /// `ClientId`, all versions.
    pub client_id: Str,
    /// `ClientHost`, all versions.
    pub client_host: Str,
    /// `SubscribedTopicNames`, all versions.
    pub subscribed_topic_names: Vec<Str>,
    /// `SubscribedTopicRegex`, all versions, nullable.
    pub subscribed_topic_regex: Option<Str>,
    /// `Assignment`, all versions.
    pub assignment: Assignment,
    /// `TargetAssignment`, all versions.
    pub target_assignment: Assignment,
    /// `MemberType`, versions 1+.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: Str::new(),
            instance_id: None,
            rack_id: None,
            member_epoch: 0,
            client_id: Str::new(),
            client_host: Str::new(),
            subscribed_topic_names: Vec::new(),
            subscribed_topic_regex: None,
            assignment: Assignment::default(),
            target_assignment: Assignment::default(),
            member_type: -1,
        }
    }
}

impl Member {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let member_id = d.string(flexible)?;
        let instance_id = d.nullable_string(flexible)?;
        let rack_id = d.nullable_string(flexible)?;
        let member_epoch = d.i32()?;
        let client_id = d.string(flexible)?;
        let client_host = d.string(flexible)?;
        let subscribed_topic_names = d.array(flexible, version, 1, |d, _| d.string(true))?;
        let subscribed_topic_regex = d.nullable_string(flexible)?;
        let assignment = Assignment::decode(d, version)?;
        let target_assignment = Assignment::decode(d, version)?;
        let member_type = if version >= 1 { d.i8()? } else { -1 };
        d.skip_tags()?;
        Ok(Self {
            member_id,
            instance_id,
            rack_id,
            member_epoch,
            client_id,
            client_host,
            subscribed_topic_names,
            subscribed_topic_regex,
            assignment,
            target_assignment,
            member_type,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.string(&self.member_id, flexible)?;
        e.nullable_string(self.instance_id.as_ref(), flexible)?;
        e.nullable_string(self.rack_id.as_ref(), flexible)?;
        e.i32(self.member_epoch);
        e.string(&self.client_id, flexible)?;
        e.string(&self.client_host, flexible)?;
        e.array(&self.subscribed_topic_names, flexible, version, |value, e, _| {
            e.string(value, true)
        })?;
        e.nullable_string(self.subscribed_topic_regex.as_ref(), flexible)?;
        self.assignment.encode(e, version)?;
        self.target_assignment.encode(e, version)?;
        if version >= 1 {
            e.i8(self.member_type);
        }
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `TopicId`, all versions.
    pub topic_id: Uuid,
    /// `TopicName`, all versions.
    pub topic_name: Str,
    /// `Partitions`, all versions.
    pub partitions: Vec<i32>,
}

impl TopicPartitions {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_id = d.uuid()?;
        let topic_name = d.string(flexible)?;
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        d.skip_tags()?;
        Ok(Self { topic_id, topic_name, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.uuid(self.topic_id);
        e.string(&self.topic_name, flexible)?;
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        e.no_tags();
        Ok(())
    }
}

/// Part of [`ConsumerGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// `TopicPartitions`, all versions.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Assignment {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let topic_partitions = d.array(flexible, version, 19, TopicPartitions::decode)?;
        d.skip_tags()?;
        Ok(Self { topic_partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.array(&self.topic_partitions, flexible, version, TopicPartitions::encode)?;
        e.no_tags();
        Ok(())
    }
}
