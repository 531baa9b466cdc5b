//! From the messages of the Kafka protocol to requests, and from replies back.

mod offsets;

use bytes::Bytes;
use kafka::messages::describe_groups::DescribedGroupMember;
use kafka::messages::join_group::JoinGroupResponseMember;
use kafka::messages::leave_group::MemberResponse;
use kafka::messages::list_groups::ListedGroup as WireListedGroup;
use kafka::messages::{
    DescribeGroupsRequest, HeartbeatRequest, HeartbeatResponse, JoinGroupRequest,
    JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse, ListGroupsRequest,
    ListGroupsResponse, SyncGroupRequest, SyncGroupResponse, delete_groups, describe_groups,
};
use kafka::{ErrorCode, Str};
use uuid::Uuid;

use crate::reply::{DescribedGroup, GroupError, JoinReply, LeftMember, ListedGroup, Synced};
use crate::request::{Heartbeat, Join, Leave, LeavingMember, ListGroups, Protocol, Sync};
use crate::{Name, State};

pub use offsets::{
    FetchGroup, Topic, commit_offsets, commit_offsets_response, delete_offsets,
    delete_offsets_response, fetch_offsets, fetch_offsets_group, fetch_offsets_response,
};

/// Who sent a request.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// From the request's header; empty when it has none.
    pub id: &'a str,
    /// The peer's address with a leading slash, as Kafka writes it: `/127.0.0.1`.
    pub host: &'a str,
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

/// The ids in a DescribeGroups, to be dealt out to their shards.
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
