//! Fetch (api key 1); generated from `schemas/fetch.schema`, do not edit.

use std::ops::RangeInclusive;

use uuid::Uuid;

use crate::decoder::DecodeReason;
use crate::{Chunks, DecodeError, Decoder, EncodeError, Encoder, Message, Request, Str};

/// Request, versions 4 to 18.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// `ClusterId`, versions 12+, nullable.
    pub cluster_id: Option<Str>,
    /// `ReplicaId`, versions 4 to 14.
    pub replica_id: i32,
    /// `ReplicaState`, versions 15+.
    pub replica_state: ReplicaState,
    /// `MaxWaitMs`, all versions.
    pub max_wait_ms: i32,
    /// `MinBytes`, all versions.
    pub min_bytes: i32,
    /// `MaxBytes`, all versions.
    pub max_bytes: i32,
    /// `IsolationLevel`, all versions.
    pub isolation_level: i8,
    /// `SessionId`, versions 7+.
    pub session_id: i32,
    /// `SessionEpoch`, versions 7+.
    pub session_epoch: i32,
    /// `Topics`, all versions.
    pub topics: Vec<FetchTopic>,
    /// `ForgottenTopicsData`, versions 7+.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// `RackId`, versions 11+.
    pub rack_id: Str,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: None,
            replica_id: -1,
            replica_state: ReplicaState::default(),
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: 0,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics_data: Vec::new(),
            rack_id: Str::new(),
        }
    }
}

impl Message for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const API_KEY: i16 = 1;
    const VERSIONS: RangeInclusive<i16> = 4..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 12;
        let mut cluster_id = None;
        let replica_id = if version <= 14 { d.i32()? } else { -1 };
        let mut replica_state = ReplicaState::default();
        let max_wait_ms = d.i32()?;
        let min_bytes = d.i32()?;
        let max_bytes = d.i32()?;
        let isolation_level = d.i8()?;
        let session_id = if version >= 7 { d.i32()? } else { 0 };
        let session_epoch = if version >= 7 { d.i32()? } else { -1 };
        let topics = d.array(flexible, version, 3, FetchTopic::decode)?;
        let forgotten_topics_data = if version >= 7 {
            d.array(flexible, version, 3, ForgottenTopic::decode)?
        } else {
            Vec::new()
        };
        let rack_id = if version >= 11 { d.string(flexible)? } else { Str::new() };
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 => cluster_id = d.nullable_string(flexible)?,
                    1 if version >= 15 => replica_state = ReplicaState::decode(d, version)?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self {
            cluster_id,
            replica_id,
            replica_state,
            max_wait_ms,
            min_bytes,
            max_bytes,
            isolation_level,
            session_id,
            session_epoch,
            topics,
            forgotten_topics_data,
            rack_id,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 12;
        if version <= 14 {
            e.i32(self.replica_id);
        } else if self.replica_id != -1 {
            return Err(EncodeError::UnsupportedField { field: "FetchRequest.ReplicaId", version });
        }
        e.i32(self.max_wait_ms);
        e.i32(self.min_bytes);
        e.i32(self.max_bytes);
        e.i8(self.isolation_level);
        if version >= 7 {
            e.i32(self.session_id);
        }
        if version >= 7 {
            e.i32(self.session_epoch);
        }
        e.array(&self.topics, flexible, version, FetchTopic::encode)?;
        if version >= 7 {
            e.array(&self.forgotten_topics_data, flexible, version, ForgottenTopic::encode)?;
        } else if !self.forgotten_topics_data.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "FetchRequest.ForgottenTopicsData",
                version,
            });
        }
        if version >= 11 {
            e.string(&self.rack_id, flexible)?;
        }
        if version < 15 && self.replica_state != ReplicaState::default() {
            return Err(EncodeError::UnsupportedField {
                field: "FetchRequest.ReplicaState",
                version,
            });
        }
        if flexible {
            let tags = e.begin_tags();
            if self.cluster_id.is_some() {
                let start = e.begin_tag(&tags, 0);
                e.nullable_string(self.cluster_id.as_ref(), flexible)?;
                e.end_tag(start);
            }
            if version >= 15 && self.replica_state != ReplicaState::default() {
                let start = e.begin_tag(&tags, 1);
                self.replica_state.encode(e, version)?;
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

impl Request for FetchRequest {
    type Response = FetchResponse;
}

/// Part of [`FetchRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    /// `ReplicaId`, versions 15+.
    pub replica_id: i32,
    /// `ReplicaEpoch`, versions 15+.
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self { replica_id: -1, replica_epoch: -1 }
    }
}

impl ReplicaState {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let replica_id = d.i32()?;
        let replica_epoch = d.i64()?;
        d.skip_tags()?;
        Ok(Self { replica_id, replica_epoch })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.replica_id);
        e.i64(self.replica_epoch);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`FetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    /// `Topic`, versions 4 to 12.
    pub topic: Str,
    /// `TopicId`, versions 13+.
    pub topic_id: Uuid,
    /// `Partitions`, all versions.
    pub partitions: Vec<FetchPartition>,
}

impl FetchTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 12;
        let topic = if version <= 12 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 13 { d.uuid()? } else { Uuid::nil() };
        let partitions = d.array(flexible, version, 16, FetchPartition::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topic, topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 12;
        if version <= 12 {
            e.string(&self.topic, flexible)?;
        }
        if version >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, flexible, version, FetchPartition::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`FetchRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct FetchPartition {
    /// `Partition`, all versions.
    pub partition: i32,
    /// `CurrentLeaderEpoch`, versions 9+.
    pub current_leader_epoch: i32,
    /// `FetchOffset`, all versions.
    pub fetch_offset: i64,
    /// `LastFetchedEpoch`, versions 12+.
    pub last_fetched_epoch: i32,
    /// `LogStartOffset`, versions 5+.
    pub log_start_offset: i64,
    /// `PartitionMaxBytes`, all versions.
    pub partition_max_bytes: i32,
    /// `ReplicaDirectoryId`, versions 17+.
    pub replica_directory_id: Uuid,
    /// `HighWatermark`, versions 18+.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
            replica_directory_id: Uuid::nil(),
            high_watermark: i64::MAX,
        }
    }
}

impl FetchPartition {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 12;
        let partition = d.i32()?;
        let current_leader_epoch = if version >= 9 { d.i32()? } else { -1 };
        let fetch_offset = d.i64()?;
        let last_fetched_epoch = if version >= 12 { d.i32()? } else { -1 };
        let log_start_offset = if version >= 5 { d.i64()? } else { -1 };
        let partition_max_bytes = d.i32()?;
        let mut replica_directory_id = Uuid::nil();
        let mut high_watermark = i64::MAX;
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 if version >= 17 => replica_directory_id = d.uuid()?,
                    1 if version >= 18 => high_watermark = d.i64()?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self {
            partition,
            current_leader_epoch,
            fetch_offset,
            last_fetched_epoch,
            log_start_offset,
            partition_max_bytes,
            replica_directory_id,
            high_watermark,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 12;
        e.i32(self.partition);
        if version >= 9 {
            e.i32(self.current_leader_epoch);
        }
        e.i64(self.fetch_offset);
        if version >= 12 {
            e.i32(self.last_fetched_epoch);
        } else if self.last_fetched_epoch != -1 {
            return Err(EncodeError::UnsupportedField {
                field: "FetchPartition.LastFetchedEpoch",
                version,
            });
        }
        if version >= 5 {
            e.i64(self.log_start_offset);
        }
        e.i32(self.partition_max_bytes);
        if flexible {
            let tags = e.begin_tags();
            if version >= 17 && !self.replica_directory_id.is_nil() {
                let start = e.begin_tag(&tags, 0);
                e.uuid(self.replica_directory_id);
                e.end_tag(start);
            }
            if version >= 18 && self.high_watermark != i64::MAX {
                let start = e.begin_tag(&tags, 1);
                e.i64(self.high_watermark);
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`FetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    /// `Topic`, versions 7 to 12.
    pub topic: Str,
    /// `TopicId`, versions 13+.
    pub topic_id: Uuid,
    /// `Partitions`, versions 7+.
    pub partitions: Vec<i32>,
}

impl ForgottenTopic {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 12;
        let topic = if version <= 12 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 13 { d.uuid()? } else { Uuid::nil() };
        let partitions = d.array(flexible, version, 4, |d, _| d.i32())?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topic, topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 12;
        if version <= 12 {
            e.string(&self.topic, flexible)?;
        }
        if version >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, flexible, version, |value, e, _| {
            e.i32(*value);
            Ok(())
        })?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Response, versions 4 to 18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchResponse {
    /// `ThrottleTimeMs`, all versions.
    pub throttle_time_ms: i32,
    /// `ErrorCode`, versions 7+.
    pub error_code: i16,
    /// `SessionId`, versions 7+.
    pub session_id: i32,
    /// `Responses`, all versions.
    pub responses: Vec<FetchableTopicResponse>,
    /// `NodeEndpoints`, versions 16+.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Message for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const API_KEY: i16 = 1;
    const VERSIONS: RangeInclusive<i16> = 4..=18;
    const FLEXIBLE_FROM: i16 = 12;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(d.error(DecodeReason::UnsupportedVersion { message, version }));
        }
        let flexible = version >= 12;
        let throttle_time_ms = d.i32()?;
        let error_code = if version >= 7 { d.i16()? } else { 0 };
        let session_id = if version >= 7 { d.i32()? } else { 0 };
        let responses = d.array(flexible, version, 3, FetchableTopicResponse::decode)?;
        let mut node_endpoints = Vec::new();
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 if version >= 16 => {
                        node_endpoints = d.array(flexible, version, 11, NodeEndpoint::decode)?
                    }
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self { throttle_time_ms, error_code, session_id, responses, node_endpoints })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        if !Self::VERSIONS.contains(&version) {
            let message = Self::NAME;
            return Err(EncodeError::UnsupportedVersion { message, version });
        }
        let flexible = version >= 12;
        e.i32(self.throttle_time_ms);
        if version >= 7 {
            e.i16(self.error_code);
        }
        if version >= 7 {
            e.i32(self.session_id);
        } else if self.session_id != 0 {
            return Err(EncodeError::UnsupportedField {
                field: "FetchResponse.SessionId",
                version,
            });
        }
        e.array(&self.responses, flexible, version, FetchableTopicResponse::encode)?;
        if version < 16 && !self.node_endpoints.is_empty() {
            return Err(EncodeError::UnsupportedField {
                field: "FetchResponse.NodeEndpoints",
                version,
            });
        }
        if flexible {
            let tags = e.begin_tags();
            if version >= 16 && !self.node_endpoints.is_empty() {
                let start = e.begin_tag(&tags, 0);
                e.array(&self.node_endpoints, flexible, version, NodeEndpoint::encode)?;
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchableTopicResponse {
    /// `Topic`, versions 4 to 12.
    pub topic: Str,
    /// `TopicId`, versions 13+.
    pub topic_id: Uuid,
    /// `Partitions`, all versions.
    pub partitions: Vec<PartitionData>,
}

impl FetchableTopicResponse {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 12;
        let topic = if version <= 12 { d.string(flexible)? } else { Str::new() };
        let topic_id = if version >= 13 { d.uuid()? } else { Uuid::nil() };
        let partitions = d.array(flexible, version, 30, PartitionData::decode)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { topic, topic_id, partitions })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 12;
        if version <= 12 {
            e.string(&self.topic, flexible)?;
        }
        if version >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, flexible, version, PartitionData::encode)?;
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    /// `PartitionIndex`, all versions.
    pub partition_index: i32,
    /// `ErrorCode`, all versions.
    pub error_code: i16,
    /// `HighWatermark`, all versions.
    pub high_watermark: i64,
    /// `LastStableOffset`, all versions.
    pub last_stable_offset: i64,
    /// `LogStartOffset`, versions 5+.
    pub log_start_offset: i64,
    /// `DivergingEpoch`, versions 12+.
    pub diverging_epoch: EpochEndOffset,
    /// `CurrentLeader`, versions 12+.
    pub current_leader: LeaderIdAndEpoch,
    /// `SnapshotId`, versions 12+.
    pub snapshot_id: SnapshotId,
    /// `AbortedTransactions`, all versions, nullable.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// `PreferredReadReplica`, versions 11+.
    pub preferred_read_replica: i32,
    /// `Records`, all versions, nullable.
    pub records: Option<Chunks>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: 0,
            high_watermark: 0,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: EpochEndOffset::default(),
            current_leader: LeaderIdAndEpoch::default(),
            snapshot_id: SnapshotId::default(),
            aborted_transactions: Some(Vec::new()),
            preferred_read_replica: -1,
            records: None,
        }
    }
}

impl PartitionData {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 12;
        let partition_index = d.i32()?;
        let error_code = d.i16()?;
        let high_watermark = d.i64()?;
        let last_stable_offset = d.i64()?;
        let log_start_offset = if version >= 5 { d.i64()? } else { -1 };
        let mut diverging_epoch = EpochEndOffset::default();
        let mut current_leader = LeaderIdAndEpoch::default();
        let mut snapshot_id = SnapshotId::default();
        let aborted_transactions =
            d.nullable_array(flexible, version, 16, AbortedTransaction::decode)?;
        let preferred_read_replica = if version >= 11 { d.i32()? } else { -1 };
        let records = d.nullable_records(flexible)?;
        if flexible {
            for _ in 0..d.tag_count()? {
                let tag = d.begin_tag()?;
                match tag.number {
                    0 => diverging_epoch = EpochEndOffset::decode(d, version)?,
                    1 => current_leader = LeaderIdAndEpoch::decode(d, version)?,
                    2 => snapshot_id = SnapshotId::decode(d, version)?,
                    _ => d.skip_tag(),
                }
                d.end_tag(tag)?;
            }
        }
        Ok(Self {
            partition_index,
            error_code,
            high_watermark,
            last_stable_offset,
            log_start_offset,
            diverging_epoch,
            current_leader,
            snapshot_id,
            aborted_transactions,
            preferred_read_replica,
            records,
        })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 12;
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.i64(self.high_watermark);
        e.i64(self.last_stable_offset);
        if version >= 5 {
            e.i64(self.log_start_offset);
        }
        e.nullable_array(
            self.aborted_transactions.as_ref(),
            flexible,
            version,
            AbortedTransaction::encode,
        )?;
        if version >= 11 {
            e.i32(self.preferred_read_replica);
        } else if self.preferred_read_replica != -1 {
            return Err(EncodeError::UnsupportedField {
                field: "PartitionData.PreferredReadReplica",
                version,
            });
        }
        e.nullable_records(self.records.as_ref(), flexible)?;
        if version < 12 && self.diverging_epoch != EpochEndOffset::default() {
            return Err(EncodeError::UnsupportedField {
                field: "PartitionData.DivergingEpoch",
                version,
            });
        }
        if version < 12 && self.current_leader != LeaderIdAndEpoch::default() {
            return Err(EncodeError::UnsupportedField {
                field: "PartitionData.CurrentLeader",
                version,
            });
        }
        if version < 12 && self.snapshot_id != SnapshotId::default() {
            return Err(EncodeError::UnsupportedField {
                field: "PartitionData.SnapshotId",
                version,
            });
        }
        if flexible {
            let tags = e.begin_tags();
            if self.diverging_epoch != EpochEndOffset::default() {
                let start = e.begin_tag(&tags, 0);
                self.diverging_epoch.encode(e, version)?;
                e.end_tag(start);
            }
            if self.current_leader != LeaderIdAndEpoch::default() {
                let start = e.begin_tag(&tags, 1);
                self.current_leader.encode(e, version)?;
                e.end_tag(start);
            }
            if self.snapshot_id != SnapshotId::default() {
                let start = e.begin_tag(&tags, 2);
                self.snapshot_id.encode(e, version)?;
                e.end_tag(start);
            }
        }
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    /// `Epoch`, versions 12+.
    pub epoch: i32,
    /// `EndOffset`, versions 12+.
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self { epoch: -1, end_offset: -1 }
    }
}

impl EpochEndOffset {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let epoch = d.i32()?;
        let end_offset = d.i64()?;
        d.skip_tags()?;
        Ok(Self { epoch, end_offset })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.epoch);
        e.i64(self.end_offset);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    /// `LeaderId`, versions 12+.
    pub leader_id: i32,
    /// `LeaderEpoch`, versions 12+.
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self { leader_id: -1, leader_epoch: -1 }
    }
}

impl LeaderIdAndEpoch {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let leader_id = d.i32()?;
        let leader_epoch = d.i32()?;
        d.skip_tags()?;
        Ok(Self { leader_id, leader_epoch })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    /// `EndOffset`, versions 12+.
    pub end_offset: i64,
    /// `Epoch`, versions 12+.
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self { end_offset: -1, epoch: -1 }
    }
}

impl SnapshotId {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let end_offset = d.i64()?;
        let epoch = d.i32()?;
        d.skip_tags()?;
        Ok(Self { end_offset, epoch })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        e.i64(self.end_offset);
        e.i32(self.epoch);
        e.no_tags();
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortedTransaction {
    /// `ProducerId`, all versions.
    pub producer_id: i64,
    /// `FirstOffset`, all versions.
    pub first_offset: i64,
}

impl AbortedTransaction {
    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= 12;
        let producer_id = d.i64()?;
        let first_offset = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(Self { producer_id, first_offset })
    }

    fn encode(&self, e: &mut Encoder, version: i16) -> Result<(), EncodeError> {
        let flexible = version >= 12;
        e.i64(self.producer_id);
        e.i64(self.first_offset);
        if flexible {
            e.no_tags();
        }
        Ok(())
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    /// `NodeId`, versions 16+.
    pub node_id: i32,
    /// `Host`, versions 16+.
    pub host: Str,
    /// `Port`, versions 16+.
    pub port: i32,
    /// `Rack`, versions 16+, nullable.
    pub rack: Option<Str>,
}

impl NodeEndpoint {
    fn decode(d: &mut Decoder, _: i16) -> Result<Self, DecodeError> {
        let flexible = true;
        let node_id = d.i32()?;
        let host = d.string(flexible)?;
        let port = d.i32()?;
        let rack = d.nullable_string(flexible)?;
        d.skip_tags()?;
        Ok(Self { node_id, host, port, rack })
    }

    fn encode(&self, e: &mut Encoder, _: i16) -> Result<(), EncodeError> {
        let flexible = true;
        e.i32(self.node_id);
        e.string(&self.host, flexible)?;
        e.i32(self.port);
        e.nullable_string(self.rack.as_ref(), flexible)?;
        e.no_tags();
        Ok(())
    }
}
