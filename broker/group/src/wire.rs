//! From the messages of the Kafka protocol to requests, and from replies back.
//!
//! The broker decides what this crate cannot: whether a topic exists, what its id or name is, and
//! who may see it. Where topics are named it therefore gives a `resolve` function; topics that
//! function refuses come back in a form ready for the response, and the shard never hears of them.

use bytes::Bytes;
use kafka::messages::describe_groups::DescribedGroupMember;
use kafka::messages::join_group::JoinGroupResponseMember;
use kafka::messages::leave_group::MemberResponse;
use kafka::messages::list_groups::ListedGroup as WireListedGroup;
use kafka::messages::offset_commit::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka::messages::offset_delete::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka::messages::offset_fetch::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka::messages::{
    DescribeGroupsRequest, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
    ListGroupsResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest,
    OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse, SyncGroupRequest,
    SyncGroupResponse, delete_groups, describe_groups,
};
use kafka::{ErrorCode, Str};
use uuid::Uuid;

use crate::reply::{
    DescribedGroup, FetchedOffset, GroupError, JoinReply, LeftMember, ListedGroup, PartitionResult,
    Synced,
};
use crate::request::{
    CommitOffsets, CommitPartition, DeleteOffsets, FetchOffsets, Heartbeat, Join, Leave,
    LeavingMember, ListGroups, Protocol, Sync,
};
use crate::{Name, State, TopicPartitions};

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// From the request's header; empty when it has none.
    pub id: &'a str,
    /// The peer's address with a leading slash, as Kafka writes it: `/127.0.0.1`.
    pub host: &'a str,
}

/// A topic, as the broker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: Name,
    /// Its id; zero if the broker gives topics none.
    pub id: Uuid,
}

impl From<GroupError> for ErrorCode {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::CoordinatorLoadInProgress => Self::CoordinatorLoadInProgress,
            GroupError::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            GroupError::NotCoordinator => Self::NotCoordinator,
            GroupError::InvalidGroupId => Self::InvalidGroupId,
            GroupError::InvalidSessionTimeout => Self::InvalidSessionTimeout,
            GroupError::InconsistentGroupProtocol => Self::InconsistentGroupProtocol,
            GroupError::UnknownMemberId => Self::UnknownMemberId,
            GroupError::MemberIdRequired => Self::MemberIdRequired,
            GroupError::IllegalGeneration => Self::IllegalGeneration,
            GroupError::RebalanceInProgress => Self::RebalanceInProgress,
            GroupError::FencedInstanceId => Self::FencedInstanceId,
            GroupError::GroupMaxSizeReached => Self::GroupMaxSizeReached,
            GroupError::GroupIdNotFound => Self::GroupIdNotFound,
            GroupError::NonEmptyGroup => Self::NonEmptyGroup,
            GroupError::GroupSubscribedToTopic => Self::GroupSubscribedToTopic,
            GroupError::OffsetMetadataTooLarge => Self::OffsetMetadataTooLarge,
            GroupError::MessageTooLarge => Self::MessageTooLarge,
            GroupError::UnknownServerError => Self::UnknownServerError,
        }
    }
}

/// JoinGroup. `new_member_uuid` is drawn afresh for each request.
pub fn join(
    request: &JoinGroupRequest,
    api_version: i16,
    client: Client<'_>,
    new_member_uuid: Uuid,
) -> Join {
    let protocols = request.protocols.iter().map(|protocol| Protocol {
        name: name(&protocol.name),
        metadata: kept(&protocol.metadata),
    });
    Join {
        group_id: name(&request.group_id),
        member_id: name(&request.member_id),
        group_instance_id: request.group_instance_id.as_ref().map(name),
        client_id: Name::from(client.id),
        client_host: Name::from(client.host),
        new_member_uuid,
        session_timeout_ms: request.session_timeout_ms,
        // Version 0 knew one timeout for both.
        rebalance_timeout_ms: match api_version {
            0 => request.session_timeout_ms,
            _ => request.rebalance_timeout_ms,
        },
        protocol_type: name(&request.protocol_type),
        protocols: protocols.collect(),
        reason: request.reason.as_ref().map(name),
        api_version,
    }
}

/// The answer to JoinGroup.
pub fn join_response(reply: &JoinReply, api_version: i16) -> JoinGroupResponse {
    let mut response =
        JoinGroupResponse { member_id: string(&reply.member_id), ..Default::default() };
    match &reply.result {
        Err(error) => {
            response.error_code = code(Err(*error));
            response.protocol_name = Some(Str::new());
        }
        Ok(joined) => {
            response.generation_id = joined.generation_id;
            response.protocol_type = joined.protocol_type.as_ref().map(string);
            response.protocol_name = joined.protocol_name.as_ref().map(string);
            if api_version < 7 {
                response.protocol_name.get_or_insert_default();
            }
            response.leader = string(&joined.leader);
            response.skip_assignment = joined.skip_assignment;
            let members = joined.members.iter().map(|member| JoinGroupResponseMember {
                member_id: string(&member.member_id),
                group_instance_id: member.group_instance_id.as_ref().map(string),
                metadata: member.metadata.clone(),
            });
            response.members = members.collect();
        }
    }
    response
}

/// SyncGroup.
pub fn sync(request: &SyncGroupRequest, api_version: i16) -> Sync {
    let assignments = request.assignments.iter();
    Sync {
        group_id: name(&request.group_id),
        generation_id: request.generation_id,
        member_id: name(&request.member_id),
        group_instance_id: request.group_instance_id.as_ref().map(name),
        protocol_type: request.protocol_type.as_ref().map(name),
        protocol_name: request.protocol_name.as_ref().map(name),
        assignments: assignments
            .map(|assignment| (name(&assignment.member_id), kept(&assignment.assignment)))
            .collect(),
        api_version,
    }
}

/// The answer to SyncGroup.
pub fn sync_response(reply: &Result<Synced, GroupError>) -> SyncGroupResponse {
    match reply {
        Err(error) => SyncGroupResponse { error_code: code(Err(*error)), ..Default::default() },
        Ok(synced) => SyncGroupResponse {
            protocol_type: synced.protocol_type.as_ref().map(string),
            protocol_name: synced.protocol_name.as_ref().map(string),
            assignment: synced.assignment.clone(),
            ..Default::default()
        },
    }
}

/// Heartbeat.
pub fn heartbeat(request: &HeartbeatRequest) -> Heartbeat {
    Heartbeat {
        group_id: name(&request.group_id),
        generation_id: request.generation_id,
        member_id: name(&request.member_id),
        group_instance_id: request.group_instance_id.as_ref().map(name),
    }
}

/// The answer to Heartbeat.
pub fn heartbeat_response(reply: Result<(), GroupError>) -> HeartbeatResponse {
    HeartbeatResponse { error_code: code(reply), ..Default::default() }
}

/// LeaveGroup; until version 2 it was about one member.
pub fn leave(request: &LeaveGroupRequest, api_version: i16) -> Leave {
    let members = match api_version {
        ..=2 => vec![LeavingMember {
            member_id: name(&request.member_id),
            group_instance_id: None,
            reason: None,
        }],
        _ => {
            let members = request.members.iter().map(|member| LeavingMember {
                member_id: name(&member.member_id),
                group_instance_id: member.group_instance_id.as_ref().map(name),
                reason: member.reason.as_ref().map(name),
            });
            members.collect()
        }
    };
    Leave { group_id: name(&request.group_id), members }
}

/// The answer to LeaveGroup.
pub fn leave_response(
    reply: &Result<Vec<LeftMember>, GroupError>,
    api_version: i16,
) -> LeaveGroupResponse {
    let mut response = LeaveGroupResponse::default();
    match reply {
        Err(error) => response.error_code = code(Err(*error)),
        Ok(members) if api_version <= 2 => {
            response.error_code = members.first().map_or(0, |member| code(member.result));
        }
        Ok(members) => {
            let members = members.iter().map(|member| MemberResponse {
                member_id: string(&member.member_id),
                group_instance_id: member.group_instance_id.as_ref().map(string),
                error_code: code(member.result),
            });
            response.members = members.collect();
        }
    }
    response
}

/// OffsetCommit, and those of its topics that `resolve` refuses by name (until version 9) or id.
pub fn commit_offsets(
    request: &OffsetCommitRequest,
    api_version: i16,
    mut resolve: impl FnMut(&str, Uuid) -> Result<Topic, ErrorCode>,
) -> (CommitOffsets, Vec<OffsetCommitResponseTopic>) {
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut refused = Vec::new();
    for topic in &request.topics {
        match resolve(&topic.name, topic.topic_id) {
            Ok(Topic { name, id }) => {
                let partitions = topic.partitions.iter().map(|partition| CommitPartition {
                    partition: partition.partition_index,
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.as_deref().unwrap_or("").to_owned(),
                });
                let partitions = partitions.collect();
                topics.push(TopicPartitions { topic: name, topic_id: id, partitions });
            }
            Err(error) => refused.push(OffsetCommitResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| OffsetCommitResponsePartition {
                        partition_index: partition.partition_index,
                        error_code: error as i16,
                    })
                    .collect(),
            }),
        }
    }
    let commit = CommitOffsets {
        group_id: name(&request.group_id),
        generation_id: request.generation_id_or_member_epoch,
        member_id: name(&request.member_id),
        group_instance_id: request.group_instance_id.as_ref().map(name),
        retention_time_ms: Some(request.retention_time_ms).filter(|ms| *ms != -1),
        topics,
        api_version,
    };
    (commit, refused)
}

/// The answer to OffsetCommit, the refused topics included.
pub fn commit_offsets_response(
    reply: &[TopicPartitions<PartitionResult>],
    refused: Vec<OffsetCommitResponseTopic>,
) -> OffsetCommitResponse {
    let mut topics = refused;
    topics.extend(reply.iter().map(|topic| {
        OffsetCommitResponseTopic {
            name: string(&topic.topic),
            topic_id: topic.topic_id,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| OffsetCommitResponsePartition {
                    partition_index: partition.partition,
                    error_code: code(partition.result),
                })
                .collect(),
        }
    }));
    OffsetCommitResponse { topics, ..Default::default() }
}

/// One group of an OffsetFetch.
#[derive(Clone, Debug)]
pub struct FetchGroup {
    /// What its shard is asked.
    pub request: FetchOffsets,
    /// Topics that were refused.
    pub refused: Vec<OffsetFetchResponseTopics>,
}

/// OffsetFetch: one group until version 7, several since, each with the topics that `resolve`
/// refuses by name (until version 9) or id.
pub fn fetch_offsets(
    request: &OffsetFetchRequest,
    api_version: i16,
    mut resolve: impl FnMut(&Name, &str, Uuid) -> Result<Topic, ErrorCode>,
) -> Vec<FetchGroup> {
    let mut fetch = |group_id: &Str, topics: Option<Vec<(&Str, Uuid, &Vec<i32>)>>| {
        let group_id = name(group_id);
        let mut refused = Vec::new();
        let topics = topics.map(|topics| {
            let resolved = topics.into_iter().filter_map(|(topic, id, partitions)| {
                match resolve(&group_id, topic, id) {
                    Ok(Topic { name, id }) => {
                        let partitions = partitions.clone();
                        Some(TopicPartitions { topic: name, topic_id: id, partitions })
                    }
                    Err(error) => {
                        let partitions = partitions.iter();
                        refused.push(OffsetFetchResponseTopics {
                            name: topic.clone(),
                            topic_id: id,
                            partitions: partitions.map(|p| no_offset(*p, error as i16)).collect(),
                        });
                        None
                    }
                }
            });
            resolved.collect()
        });
        let request = FetchOffsets { group_id, topics, require_stable: request.require_stable };
        FetchGroup { request, refused }
    };
    if api_version < 8 {
        let topics = request.topics.as_ref().map(|topics| {
            topics.iter().map(|it| (&it.name, Uuid::nil(), &it.partition_indexes)).collect()
        });
        return vec![fetch(&request.group_id, topics)];
    }
    let groups = request.groups.iter().map(|group| {
        let topics = group.topics.as_ref().map(|topics| {
            topics.iter().map(|it| (&it.name, it.topic_id, &it.partition_indexes)).collect()
        });
        fetch(&group.group_id, topics)
    });
    groups.collect()
}

/// One group of the answer to OffsetFetch. Whoever may not see all topics gets a `reply` from which
/// the broker has removed those; for version 10 it has put in the ids that it lacks.
pub fn fetch_offsets_group(
    group: FetchGroup,
    reply: &Result<Vec<TopicPartitions<FetchedOffset>>, GroupError>,
) -> OffsetFetchResponseGroup {
    let group_id = string(&group.request.group_id);
    let topics = match reply {
        Err(error) => {
            let error_code = code(Err(*error));
            return OffsetFetchResponseGroup { group_id, error_code, ..Default::default() };
        }
        Ok(topics) => topics,
    };
    let found = topics.iter().map(|topic| OffsetFetchResponseTopics {
        name: string(&topic.topic),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|found| OffsetFetchResponsePartitions {
                partition_index: found.partition,
                committed_offset: found.offset,
                committed_leader_epoch: found.leader_epoch,
                metadata: Some(Str::from(found.metadata.as_str())),
                error_code: 0,
            })
            .collect(),
    });
    let topics = group.refused.into_iter().chain(found).collect();
    OffsetFetchResponseGroup { group_id, topics, error_code: 0 }
}

/// The answer to OffsetFetch, in the form of its version.
pub fn fetch_offsets_response(
    request: &OffsetFetchRequest,
    mut groups: Vec<OffsetFetchResponseGroup>,
    api_version: i16,
) -> OffsetFetchResponse {
    if api_version >= 8 {
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    let group = groups.pop().unwrap_or_default();
    let mut response = OffsetFetchResponse { error_code: group.error_code, ..Default::default() };
    let partition = |it: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: it.partition_index,
        committed_offset: it.committed_offset,
        committed_leader_epoch: it.committed_leader_epoch,
        metadata: it.metadata,
        error_code: it.error_code,
    };
    if api_version < 2 && group.error_code != 0 {
        // Version 1 has no place for an error of the group, so each partition has it.
        let topics = request.topics.iter().flatten().map(|topic| OffsetFetchResponseTopic {
            name: topic.name.clone(),
            partitions: topic
                .partition_indexes
                .iter()
                .map(|index| partition(no_offset(*index, group.error_code)))
                .collect(),
        });
        response.topics = topics.collect();
    } else {
        let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
            name: topic.name,
            partitions: topic.partitions.into_iter().map(partition).collect(),
        });
        response.topics = topics.collect();
    }
    response
}

/// OffsetDelete, and those of its topics that `resolve` refuses.
pub fn delete_offsets(
    request: &OffsetDeleteRequest,
    mut resolve: impl FnMut(&str) -> Result<Topic, ErrorCode>,
) -> (DeleteOffsets, Vec<OffsetDeleteResponseTopic>) {
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut refused = Vec::new();
    for topic in &request.topics {
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
        match resolve(&topic.name) {
            Ok(Topic { name, id }) => topics.push(TopicPartitions {
                topic: name,
                topic_id: id,
                partitions: partitions.collect(),
            }),
            Err(error) => refused.push(OffsetDeleteResponseTopic {
                name: topic.name.clone(),
                partitions: partitions
                    .map(|partition_index| OffsetDeleteResponsePartition {
                        partition_index,
                        error_code: error as i16,
                    })
                    .collect(),
            }),
        }
    }
    (DeleteOffsets { group_id: name(&request.group_id), topics }, refused)
}

/// The answer to OffsetDelete, the refused topics included unless the whole was refused.
pub fn delete_offsets_response(
    reply: &Result<Vec<TopicPartitions<PartitionResult>>, GroupError>,
    refused: Vec<OffsetDeleteResponseTopic>,
) -> OffsetDeleteResponse {
    let found = match reply {
        Err(error) => {
            return OffsetDeleteResponse { error_code: code(Err(*error)), ..Default::default() };
        }
        Ok(found) => found,
    };
    let mut topics = refused;
    topics.extend(found.iter().map(|topic| {
        OffsetDeleteResponseTopic {
            name: string(&topic.topic),
            partitions: topic
                .partitions
                .iter()
                .map(|partition| OffsetDeleteResponsePartition {
                    partition_index: partition.partition,
                    error_code: code(partition.result),
                })
                .collect(),
        }
    }));
    OffsetDeleteResponse { topics, ..Default::default() }
}

/// One group of the answer to DeleteGroups.
pub fn deleted_group(
    group_id: &Name,
    result: Result<(), GroupError>,
) -> delete_groups::DeletableGroupResult {
    delete_groups::DeletableGroupResult { group_id: string(group_id), error_code: code(result) }
}

/// One group of the answer to DescribeGroups; what the client may do to it is the broker's to say.
pub fn described_group(
    group_id: &Name,
    result: &Result<DescribedGroup, GroupError>,
) -> describe_groups::DescribedGroup {
    let mut response =
        describe_groups::DescribedGroup { group_id: string(group_id), ..Default::default() };
    match result {
        Err(GroupError::GroupIdNotFound) => {
            response.error_code = code(Err(GroupError::GroupIdNotFound));
            response.error_message = Some(Str::from(format!("Group {group_id} not found.")));
            response.group_state = Str::from_static(State::Dead.as_str());
        }
        Err(error) => response.error_code = code(Err(*error)),
        Ok(group) => {
            response.group_state = Str::from_static(group.state.as_str());
            response.protocol_type = string(&group.protocol_type);
            response.protocol_data = string(&group.protocol_name);
            let members = group.members.iter().map(|member| DescribedGroupMember {
                member_id: string(&member.member_id),
                group_instance_id: member.group_instance_id.as_ref().map(string),
                client_id: string(&member.client_id),
                client_host: string(&member.client_host),
                member_metadata: member.metadata.clone(),
                member_assignment: member.assignment.clone(),
            });
            response.members = members.collect();
        }
    }
    response
}

/// The ids in a DescribeGroups, to be dealt out to their shards in [`crate::request::DescribeGroups`].
pub fn described_group_ids(request: &DescribeGroupsRequest) -> Vec<Name> {
    request.groups.iter().map(name).collect()
}

/// ListGroups, for every shard.
pub fn list_groups(request: &ListGroupsRequest) -> ListGroups {
    ListGroups {
        states: request.states_filter.iter().map(name).collect(),
        types: request.types_filter.iter().map(name).collect(),
    }
}

/// The answer to ListGroups, from the shares of all shards of this broker.
pub fn list_groups_response(groups: &[ListedGroup]) -> ListGroupsResponse {
    let groups = groups.iter().map(|group| WireListedGroup {
        group_id: string(&group.group_id),
        protocol_type: string(&group.protocol_type),
        group_state: Str::from_static(group.state.as_str()),
        group_type: Str::from_static("classic"),
    });
    ListGroupsResponse { groups: groups.collect(), ..Default::default() }
}

fn no_offset(partition_index: i32, error_code: i16) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Str::new()),
        error_code,
    }
}

fn code(result: Result<(), GroupError>) -> i16 {
    result.map_or_else(|error| ErrorCode::from(error) as i16, |()| 0)
}

/// A slice would keep the whole frame of the request in memory for as long as the member lives.
fn kept(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn string(name: &Name) -> Str {
    Str::from(&**name)
}

fn name(string: &Str) -> Name {
    Name::from(&**string)
}
