//! The data schemas of `consumer_offsets`; generated from `schemas/consumer_offsets.schema`, do not edit.

use std::ops::RangeInclusive;

use bytes::Bytes;
use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{Data, DecodeError, Decoder, EncodeError, Encoder, Str};

/// Data, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitKey {
    /// `group`, all versions.
    pub group: Str,
    /// `topic`, all versions.
    pub topic: Str,
    /// `partition`, all versions.
    pub partition: i32,
}

impl Data for LegacyOffsetCommitKey {
    const NAME: &'static str = "LegacyOffsetCommitKey";
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let group = d.string(flexible)?;
        let topic = d.string(flexible)?;
        let partition = d.i32()?;
        Ok(Self { group, topic, partition })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.string(&self.group, flexible)?;
        e.string(&self.topic, flexible)?;
        e.i32(self.partition);
        Ok(())
    }
}

/// Data, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitValue {
    /// `offset`, all versions.
    pub offset: i64,
    /// `metadata`, all versions.
    pub metadata: Str,
    /// `commitTimestamp`, all versions.
    pub commit_timestamp: i64,
}

impl Data for LegacyOffsetCommitValue {
    const NAME: &'static str = "LegacyOffsetCommitValue";
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let offset = d.i64()?;
        let metadata = d.string(flexible)?;
        let commit_timestamp = d.i64()?;
        Ok(Self { offset, metadata, commit_timestamp })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.i64(self.offset);
        e.string(&self.metadata, flexible)?;
        e.i64(self.commit_timestamp);
        Ok(())
    }
}

/// Data, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitKey {
    /// `group`, all versions.
    pub group: Str,
    /// `topic`, all versions.
    pub topic: Str,
    /// `partition`, all versions.
    pub partition: i32,
}

impl Data for OffsetCommitKey {
    const NAME: &'static str = "OffsetCommitKey";
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let group = d.string(flexible)?;
        let topic = d.string(flexible)?;
        let partition = d.i32()?;
        Ok(Self { group, topic, partition })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.string(&self.group, flexible)?;
        e.string(&self.topic, flexible)?;
        e.i32(self.partition);
        Ok(())
    }
}

/// Data, versions 0 to 4.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitValue {
    /// `offset`, all versions.
    pub offset: i64,
    /// `leaderEpoch`, versions 3+.
    pub leader_epoch: i32,
    /// `metadata`, all versions.
    pub metadata: Str,
    /// `commitTimestamp`, all versions.
    pub commit_timestamp: i64,
    /// `expireTimestamp`, versions 1 to 1.
    pub expire_timestamp: i64,
    /// `topicId`, versions 4+.
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: 0,
            leader_epoch: -1,
            metadata: Str::new(),
            commit_timestamp: 0,
            expire_timestamp: -1,
            topic_id: Uuid::nil(),
        }
    }
}

impl Data for OffsetCommitValue {
    const NAME: &'static str = "OffsetCommitValue";
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let offset = d.i64()?;
        let leader_epoch = if version >= 3 { d.i32()? } else { -1 };
        let metadata = d.string(flexible)?;
        let commit_timestamp = d.i64()?;
        let expire_timestamp = if version == 1 { d.i64()? } else { -1 };
        let mut topic_id = Uuid::nil();
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 => topic_id = d.uuid()?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self { offset, leader_epoch, metadata, commit_timestamp, expire_timestamp, topic_id })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        e.i64(self.offset);
        if version >= 3 {
            e.i32(self.leader_epoch);
        }
        e.string(&self.metadata, flexible)?;
        e.i64(self.commit_timestamp);
        if version == 1 {
            e.i64(self.expire_timestamp);
        }
        if flexible {
            let tags = e.begin_tags();
            if !self.topic_id.is_nil() {
                let start = e.begin_tag(&tags, 0);
                e.uuid(self.topic_id);
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Data, versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupMetadataKey {
    /// `group`, all versions.
    pub group: Str,
}

impl Data for GroupMetadataKey {
    const NAME: &'static str = "GroupMetadataKey";
    const VERSIONS: RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = i16::MAX;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = false;
        let group = d.string(flexible)?;
        Ok(Self { group })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = false;
        e.string(&self.group, flexible)?;
        Ok(())
    }
}

/// Data, versions 0 to 4.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMetadataValue {
    /// `protocolType`, all versions.
    pub protocol_type: Str,
    /// `generation`, all versions.
    pub generation: i32,
    /// `protocol`, all versions, nullable.
    pub protocol: Option<Str>,
    /// `leader`, all versions, nullable.
    pub leader: Option<Str>,
    /// `currentStateTimestamp`, versions 2+.
    pub current_state_timestamp: i64,
    /// `members`, all versions.
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: Str::new(),
            generation: 0,
            protocol: Some(Str::new()),
            leader: Some(Str::new()),
            current_state_timestamp: -1,
            members: Vec::new(),
        }
    }
}

impl Data for GroupMetadataValue {
    const NAME: &'static str = "GroupMetadataValue";
    const VERSIONS: RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 4;
        let protocol_type = d.string(flexible)?;
        let generation = d.i32()?;
        let protocol = d.nullable_string(flexible)?;
        let leader = d.nullable_string(flexible)?;
        let current_state_timestamp = if version >= 2 { d.i64()? } else { -1 };
        let members = d.array(flexible, version, 15, MemberMetadata::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { protocol_type, generation, protocol, leader, current_state_timestamp, members })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 4;
        e.string(&self.protocol_type, flexible)?;
        e.i32(self.generation);
        e.nullable_string(self.protocol.as_ref(), flexible)?;
        e.nullable_string(self.leader.as_ref(), flexible)?;
        if version >= 2 {
            e.i64(self.current_state_timestamp);
        }
        e.array(&self.members, flexible, version, MemberMetadata::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`GroupMetadataValue`].
#[derive(Clone, Debug, PartialEq)]
pub struct MemberMetadata {
    /// `memberId`, all versions.
    pub member_id: Str,
    /// `groupInstanceId`, versions 3+, nullable.
    pub group_instance_id: Option<Str>,
    /// `clientId`, all versions.
    pub client_id: Str,
    /// `clientHost`, all versions.
    pub client_host: Str,
    /// `rebalanceTimeout`, versions 1+.
    pub rebalance_timeout: i32,
    /// `sessionTimeout`, all versions.
    pub session_timeout: i32,
    /// `subscription`, all versions.
    pub subscription: Bytes,
    /// `assignment`, all versions.
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: Str::new(),
            group_instance_id: None,
            client_id: Str::new(),
            client_host: Str::new(),
            rebalance_timeout: -1,
            session_timeout: 0,
            subscription: Bytes::new(),
            assignment: Bytes::new(),
        }
    }
}

impl MemberMetadata {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 4;
        let member_id = d.string(flexible)?;
        let group_instance_id = if version >= 3 { d.nullable_string(flexible)? } else { None };
        let client_id = d.string(flexible)?;
        let client_host = d.string(flexible)?;
        let rebalance_timeout = if version >= 1 { d.i32()? } else { -1 };
        let session_timeout = d.i32()?;
        let subscription = d.bytes(flexible)?;
        let assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self {
            member_id,
            group_instance_id,
            client_id,
            client_host,
            rebalance_timeout,
            session_timeout,
            subscription,
            assignment,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 4;
        e.string(&self.member_id, flexible)?;
        if version >= 3 {
            e.nullable_string(self.group_instance_id.as_ref(), flexible)?;
        }
        e.string(&self.client_id, flexible)?;
        e.string(&self.client_host, flexible)?;
        if version >= 1 {
            e.i32(self.rebalance_timeout);
        }
        e.i32(self.session_timeout);
        e.bytes(&self.subscription, flexible)?;
        e.bytes(&self.assignment, flexible)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}
