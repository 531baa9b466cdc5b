//! DescribeQuorum: the controllers, as the active one sees them. In both coordination modes it looks
//! like Kafka's metadata quorum, so that its tools find their way.

use std::time::Duration;

use kafka::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, ReplicaState,
    ResponsePartitionData, ResponseTopicData,
};
use kafka::{ErrorCode, Str};

use super::Context;
use super::control_error::Refusal;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The answer names endpoints and directories (KIP-853).
const NODES_FROM: i16 = 2;
const CLUSTER_METADATA: &str = "__cluster_metadata";
/// What Kafka's controllers call their listener as a rule. Ours speak gRPC there.
const LISTENER: &str = "CONTROLLER";

pub(super) async fn describe_quorum(
    context: Context,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    let is_metadata = match &request.topics[..] {
        [topic] => {
            topic.topic_name == CLUSTER_METADATA
                && topic.partitions.iter().map(|it| it.partition_index).eq([0])
        }
        _ => false,
    };
    if !is_metadata {
        return unknown(&request);
    }
    match context.broker.controller.describe_quorum(TIMEOUT).await {
        Ok(reply) => describe(&reply, context.version),
        Err(error) => {
            let (error_code, error_message) = Refusal::from(error).fields();
            DescribeQuorumResponse { error_code, error_message, ..Default::default() }
        }
    }
}

fn describe(reply: &grpc::DescribeQuorumReply, version: i16) -> DescribeQuorumResponse {
    let (voters, observers): (Vec<_>, Vec<_>) = reply.members.iter().partition(|it| it.voter);
    let states = |members: Vec<&grpc::QuorumMember>| {
        members.into_iter().map(|member| state(member, version)).collect()
    };
    let nodes = reply.members.iter().filter(|_| version >= NODES_FROM);
    let term = reply.epoch.map_or(0, |it| it.term);
    let partition = ResponsePartitionData {
        leader_id: reply.active_id,
        leader_epoch: i32::try_from(term).unwrap_or(i32::MAX),
        high_watermark: offset(reply.committed_offset),
        current_voters: states(voters),
        observers: states(observers),
        ..Default::default()
    };
    let topic = ResponseTopicData {
        topic_name: Str::from_static(CLUSTER_METADATA),
        partitions: vec![partition],
    };
    DescribeQuorumResponse {
        topics: vec![topic],
        nodes: nodes.filter_map(node).collect(),
        ..Default::default()
    }
}

fn state(member: &grpc::QuorumMember, version: i16) -> ReplicaState {
    let directory = config::directory::parse_uuid(&member.directory_id);
    ReplicaState {
        replica_id: member.id,
        replica_directory_id: directory.filter(|_| version >= NODES_FROM).unwrap_or_default(),
        log_end_offset: member.log_end_offset,
        last_fetch_timestamp: member.last_fetch_timestamp_ms,
        last_caught_up_timestamp: member.last_caught_up_timestamp_ms,
    }
}

fn node(member: &grpc::QuorumMember) -> Option<Node> {
    let (host, port) = config::parse_host_port(&member.endpoint)?;
    let listener = Listener { name: Str::from_static(LISTENER), host: host.into(), port };
    Some(Node { node_id: member.id, listeners: vec![listener] })
}

fn offset(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// Every partition that is asked for, none of which has a quorum.
fn unknown(request: &DescribeQuorumRequest) -> DescribeQuorumResponse {
    let code = ErrorCode::UnknownTopicOrPartition;
    let topics = request.topics.iter().map(|topic| ResponseTopicData {
        topic_name: topic.topic_name.clone(),
        partitions: topic
            .partitions
            .iter()
            .map(|partition| ResponsePartitionData {
                partition_index: partition.partition_index,
                error_code: code.code(),
                error_message: Some(Str::from_static(code.message())),
                ..Default::default()
            })
            .collect(),
    });
    DescribeQuorumResponse { topics: topics.collect(), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use kafka::Message;

    use super::*;

    #[test]
    fn every_version_can_be_encoded() {
        let member = |id, voter| grpc::QuorumMember {
            id,
            endpoint: format!("host-{id}:9093"),
            directory_id: "agMbX5bpSRKW_XvawqeKng".into(),
            voter,
            log_end_offset: 7,
            last_fetch_timestamp_ms: 5,
            last_caught_up_timestamp_ms: 5,
        };
        let reply = grpc::DescribeQuorumReply {
            active_id: 101,
            epoch: Some(grpc::Epoch { generation: 1, term: 3 }),
            committed_offset: 7,
            members: vec![member(101, true), member(102, false)],
            ..Default::default()
        };
        for version in DescribeQuorumResponse::VERSIONS {
            let response = describe(&reply, version);
            let partition = &response.topics[0].partitions[0];
            assert_eq!((partition.leader_id, partition.leader_epoch), (101, 3));
            assert_eq!((partition.current_voters.len(), partition.observers.len()), (1, 1));
            assert_eq!(response.nodes.len(), if version < 2 { 0 } else { 2 });
            kafka::encode_response(1, &response, version).unwrap();
        }
    }
}
