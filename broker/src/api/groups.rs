//! The APIs of classic consumer groups: translated to and from the pure core, asked of its shards.

use std::time::Duration;

use ::metadata::{ClusterImage, Uuid};
use group::{GroupError, Name, Reply, Request, wire};
use kafka::messages::find_coordinator::Coordinator;
use kafka::messages::*;
use kafka::{ErrorCode, Str};

use super::topics_on_demand::create_topics_on_demand;
use super::{Context, endpoint_of};
use crate::group::{OFFSETS_TOPIC, coordinator_of};

const CREATE_TIMEOUT: Duration = Duration::from_secs(5);
/// FindCoordinator's key types.
const GROUP: i8 = 0;

/// Answers of another kind than the question would be a defect of the core.
macro_rules! expect {
    ($reply:expr, $kind:path) => {
        match $reply {
            $kind(it) => it,
            other => unreachable!("{other:?} answers another request"),
        }
    };
}

pub(super) async fn find_coordinator(
    context: Context,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    // Before version 4 one key is asked for, outside the list.
    let single = context.version < 4;
    let keys = if single { vec![request.key] } else { request.coordinator_keys };
    if request.key_type == GROUP {
        create_offsets_topic(&context).await;
    }
    let image = context.broker.images.settled().await;
    let mut coordinators: Vec<Coordinator> =
        keys.into_iter().map(|key| find_one(&context, &image, request.key_type, key)).collect();
    if !single {
        return FindCoordinatorResponse { coordinators, ..Default::default() };
    }
    let one = coordinators.pop().unwrap_or_default();
    FindCoordinatorResponse {
        error_code: one.error_code,
        error_message: one.error_message,
        node_id: one.node_id,
        host: one.host,
        port: one.port,
        ..Default::default()
    }
}

fn find_one(context: &Context, image: &ClusterImage, key_type: i8, key: Str) -> Coordinator {
    let refuse = |code: ErrorCode| Coordinator {
        key: key.clone(),
        node_id: -1,
        port: -1,
        error_code: code.code(),
        error_message: Some(Str::from_static(code.message())),
        ..Default::default()
    };
    match key_type {
        GROUP => {}
        // Transactions are not built: a clear no, which clients do not retry for ever.
        1 => return refuse(ErrorCode::TransactionalIdAuthorizationFailed),
        _ => return refuse(ErrorCode::InvalidRequest),
    }
    let Some(leader) = coordinator_of(image, &key) else {
        return refuse(ErrorCode::CoordinatorNotAvailable);
    };
    match endpoint_of(image, leader, &context.listener) {
        Some((broker, host, port)) => Coordinator {
            key,
            node_id: broker.id,
            host: Str::from(host),
            port: i32::from(port),
            ..Default::default()
        },
        None => refuse(ErrorCode::CoordinatorNotAvailable),
    }
}

async fn create_offsets_topic(context: &Context) {
    if !context.broker.images.load().topics.contains_key(OFFSETS_TOPIC) {
        let names = [Str::from_static(OFFSETS_TOPIC)];
        for (name, code) in create_topics_on_demand(&context.broker, &names, CREATE_TIMEOUT).await {
            tracing::warn!("creating {name}: {}", code.name());
        }
    }
}

pub(super) async fn join_group(context: Context, request: JoinGroupRequest) -> JoinGroupResponse {
    let host = format!("/{}", context.client_host);
    let client = wire::Client { id: &context.client_id, host: &host };
    let join = wire::join(&request, context.version, client, Uuid::new_v4());
    let reply = context.broker.groups.ask(&request.group_id, Request::Join(join)).await;
    wire::join_response(&expect!(reply, Reply::Join), context.version)
}

pub(super) async fn sync_group(context: Context, request: SyncGroupRequest) -> SyncGroupResponse {
    let sync = Request::Sync(wire::sync(&request, context.version));
    let reply = context.broker.groups.ask(&request.group_id, sync).await;
    wire::sync_response(&expect!(reply, Reply::Sync))
}

pub(super) async fn heartbeat(context: Context, request: HeartbeatRequest) -> HeartbeatResponse {
    let heartbeat = Request::Heartbeat(wire::heartbeat(&request));
    let reply = context.broker.groups.ask(&request.group_id, heartbeat).await;
    wire::heartbeat_response(expect!(reply, Reply::Heartbeat))
}

pub(super) async fn leave_group(
    context: Context,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    let leave = Request::Leave(wire::leave(&request, context.version));
    let reply = context.broker.groups.ask(&request.group_id, leave).await;
    wire::leave_response(&expect!(reply, Reply::Leave), context.version)
}

pub(super) async fn offset_commit(
    context: Context,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    let image = context.broker.images.load();
    let (commit, refused) =
        wire::commit_offsets(&request, context.version, |name, id| resolve(&image, name, id));
    let commit = Request::CommitOffsets(commit);
    let reply = context.broker.groups.ask(&request.group_id, commit).await;
    wire::commit_offsets_response(&expect!(reply, Reply::CommitOffsets), refused)
}

pub(super) async fn offset_fetch(
    context: Context,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    let image = context.broker.images.load();
    // By name, offsets of a topic that is gone are simply not there.
    let find = |_: &Name, name: &str, id: Uuid| {
        if id.is_nil() {
            Ok(wire::Topic { name: Name::from(name), id })
        } else {
            resolve(&image, name, id)
        }
    };
    let mut groups = Vec::new();
    for group in wire::fetch_offsets(&request, context.version, find) {
        let ask = Request::FetchOffsets(group.request.clone());
        let reply = context.broker.groups.ask(&group.request.group_id, ask).await;
        groups.push(wire::fetch_offsets_group(group, &expect!(reply, Reply::FetchOffsets)));
    }
    wire::fetch_offsets_response(&request, groups, context.version)
}

pub(super) async fn offset_delete(
    context: Context,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    let image = context.broker.images.load();
    let (delete, refused) =
        wire::delete_offsets(&request, |name| resolve(&image, name, Uuid::nil()));
    let delete = Request::DeleteOffsets(delete);
    let reply = context.broker.groups.ask(&request.group_id, delete).await;
    wire::delete_offsets_response(&expect!(reply, Reply::DeleteOffsets), refused)
}

pub(super) async fn delete_groups(
    context: Context,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    let names = request.groups_names.iter().map(|it| Name::from(&**it)).collect();
    let mut results = Vec::new();
    for (_, ids) in context.broker.groups.by_shard(names) {
        let Some(first) = ids.first().cloned() else { continue };
        let reply = context.broker.groups.ask(&first, Request::DeleteGroups(ids)).await;
        for (id, result) in expect!(reply, Reply::DeleteGroups) {
            results.push(wire::deleted_group(&id, result));
        }
    }
    DeleteGroupsResponse { results, ..Default::default() }
}

pub(super) async fn describe_groups(
    context: Context,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let mut groups = Vec::new();
    for (_, ids) in context.broker.groups.by_shard(wire::described_group_ids(&request)) {
        let Some(first) = ids.first().cloned() else { continue };
        let ask = Request::DescribeGroups(group::request::DescribeGroups {
            group_ids: ids,
            api_version: context.version,
        });
        let reply = context.broker.groups.ask(&first, ask).await;
        for (id, result) in expect!(reply, Reply::DescribeGroups) {
            groups.push(wire::described_group(&id, &result));
        }
    }
    DescribeGroupsResponse { groups, ..Default::default() }
}

pub(super) async fn list_groups(
    context: Context,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let ask = Request::ListGroups(wire::list_groups(&request));
    let mut listed = Vec::new();
    let mut problem = None;
    for reply in context.broker.groups.ask_all(ask).await {
        match expect!(reply, Reply::ListGroups) {
            Ok(groups) => listed.extend(groups),
            // A shard that has just moved away lists nothing here.
            Err(GroupError::NotCoordinator) => {}
            Err(error) => problem = Some(error),
        }
    }
    let mut response = wire::list_groups_response(&listed);
    if let Some(error) = problem {
        response.error_code = ErrorCode::from(error).code();
    }
    response
}

fn resolve(image: &ClusterImage, name: &str, id: Uuid) -> Result<wire::Topic, ErrorCode> {
    if !id.is_nil() {
        let name = image.topic_names.get(&id).ok_or(ErrorCode::UnknownTopicId)?;
        return Ok(wire::Topic { name: name.clone(), id });
    }
    let topic = image.topics.get(name).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    Ok(wire::Topic { name: topic.name.clone(), id: topic.id })
}
