//! The Kafka APIs, one file per request type or family: wire structs in, wire structs out.
//!
//! [`dispatch`] runs on the connection's task. What must keep the order of requests (appending)
//! happens inside it; the rest is a future that is awaited when its turn to be answered comes.

mod alter_configs;
mod alter_partition_reassignments;
mod api_versions;
mod config_resource;
mod control_error;
mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_log_dirs;
mod describe_producers;
mod describe_quorum;
mod elect_leaders;
mod fetch;
mod groups;
mod list_config_resources;
mod list_offsets;
mod list_partition_reassignments;
mod metadata;
mod offsets_for_leader_epoch;
mod produce;
mod producer_ids;
mod sasl;
mod topics_on_demand;
mod unregister_broker;

use std::future::Future;
use std::sync::Arc;

use ::metadata::{Broker as BrokerRecord, BrokerId, ClusterImage, Uuid};
use bytes::Bytes;
use kafka::messages::*;
use kafka::{ApiKey, Decoder, ErrorCode, Message, Request, RequestHeader, Served};

use crate::broker::Broker;
use crate::replica::ReplicaError;
use crate::server::{Peer, Reply};

pub use producer_ids::ProducerIds;

/// Longest client id that is kept for logs; longer ones are valid and cut.
const PRINCIPAL_BYTES_MAX: usize = 128;

/// What most handlers need to know of a request besides its body.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) broker: Arc<Broker>,
    /// The listener that the client came in on: answers name endpoints of the same one.
    pub(crate) listener: Arc<str>,
    pub(crate) version: i16,
    pub(crate) client_id: kafka::Str,
    pub(crate) client_host: std::net::IpAddr,
}

/// Reads one frame and starts to answer it.
pub fn dispatch(broker: &Arc<Broker>, peer: &mut Peer, frame: Bytes) -> Reply {
    let mut decoder = Decoder::new(frame);
    let header = match RequestHeader::decode(&mut decoder) {
        Ok(header) => header,
        Err(error) => return Reply::Close(format!("request header: {error}")),
    };
    let RequestHeader { api_key, api_version: version, correlation_id, .. } = header;
    let unsupported = || Reply::Close(format!("{api_key} version {version} is not served"));
    let Some(served) = kafka::find_served(api_key) else { return unsupported() };
    if api_key == ApiKey::ApiVersions && !served.has(version) {
        // KIP-511: the answer of version 0 tells the client which versions there are.
        return kafka::unsupported_api_versions(correlation_id)
            .map_or_else(|error| Reply::Close(error.to_string()), Reply::Now);
    }
    if !served.has(version) {
        return unsupported();
    }
    route(broker, peer, decoder, &header, served)
}

fn route(
    broker: &Arc<Broker>,
    peer: &mut Peer,
    mut decoder: Decoder,
    header: &RequestHeader,
    served: &Served,
) -> Reply {
    let version = header.api_version;
    let context = || Context {
        broker: broker.clone(),
        listener: peer.listener.clone(),
        version,
        client_id: clip(header.client_id.clone().unwrap_or_default()),
        client_host: peer.address.ip(),
    };
    /// Decodes the body, or closes the connection with a word about what is wrong with it.
    macro_rules! body {
        ($request:ty) => {
            match decode::<$request>(&mut decoder, version) {
                Ok(request) => request,
                Err(error) => return Reply::Close(format!("{} v{version}: {error}", served.key)),
            }
        };
    }
    macro_rules! later {
        ($request:ty, $handler:path) => {{
            let request = body!($request);
            later(header, $handler(context(), request))
        }};
    }
    match header.api_key {
        ApiKey::Produce => {
            let request = body!(ProduceRequest);
            match produce::produce(broker, &peer.listener, header.api_version, request) {
                produce::Produced::Silent(Ok(())) => Reply::Nothing,
                produce::Produced::Silent(Err(error)) => {
                    Reply::Close(format!("Produce with acks=0: {error}"))
                }
                produce::Produced::Answered(response) => now(header, &response),
                produce::Produced::Waiting(pending) => later(header, pending.finish()),
            }
        }
        ApiKey::Fetch => {
            let request = body!(FetchRequest);
            let peer = fetch::FetchPeer {
                broker: peer.broker,
                hurry: peer.hurry.clone(),
                listener: peer.listener.clone(),
            };
            later(header, fetch::fetch(broker.clone(), peer, request, version))
        }
        ApiKey::ApiVersions => {
            let request = body!(ApiVersionsRequest);
            now(header, &api_versions::api_versions(peer, &request, version))
        }
        ApiKey::SaslHandshake => now(header, &sasl::handshake(&body!(SaslHandshakeRequest))),
        ApiKey::SaslAuthenticate => {
            let request = body!(SaslAuthenticateRequest);
            now(header, &sasl::authenticate(broker, peer, &request))
        }
        ApiKey::Metadata => later!(MetadataRequest, metadata::metadata),
        ApiKey::ListOffsets => later!(ListOffsetsRequest, list_offsets::list_offsets),
        ApiKey::OffsetForLeaderEpoch => {
            later!(OffsetForLeaderEpochRequest, offsets_for_leader_epoch::offsets_for_leader_epoch)
        }
        ApiKey::InitProducerId => later!(InitProducerIdRequest, producer_ids::init_producer_id),
        ApiKey::FindCoordinator => later!(FindCoordinatorRequest, groups::find_coordinator),
        ApiKey::JoinGroup => later!(JoinGroupRequest, groups::join_group),
        ApiKey::SyncGroup => later!(SyncGroupRequest, groups::sync_group),
        ApiKey::Heartbeat => later!(HeartbeatRequest, groups::heartbeat),
        ApiKey::LeaveGroup => later!(LeaveGroupRequest, groups::leave_group),
        ApiKey::OffsetCommit => later!(OffsetCommitRequest, groups::offset_commit),
        ApiKey::OffsetFetch => later!(OffsetFetchRequest, groups::offset_fetch),
        ApiKey::OffsetDelete => later!(OffsetDeleteRequest, groups::offset_delete),
        ApiKey::DeleteGroups => later!(DeleteGroupsRequest, groups::delete_groups),
        ApiKey::DescribeGroups => later!(DescribeGroupsRequest, groups::describe_groups),
        ApiKey::ListGroups => later!(ListGroupsRequest, groups::list_groups),
        ApiKey::CreateTopics => later!(CreateTopicsRequest, create_topics::create_topics),
        ApiKey::DeleteTopics => later!(DeleteTopicsRequest, delete_topics::delete_topics),
        ApiKey::DescribeConfigs => {
            later!(DescribeConfigsRequest, describe_configs::describe_configs)
        }
        ApiKey::AlterConfigs => later!(AlterConfigsRequest, alter_configs::alter_configs),
        ApiKey::IncrementalAlterConfigs => {
            later!(IncrementalAlterConfigsRequest, alter_configs::incremental_alter_configs)
        }
        ApiKey::DescribeCluster => {
            later!(DescribeClusterRequest, describe_cluster::describe_cluster)
        }
        ApiKey::CreatePartitions => {
            later!(CreatePartitionsRequest, create_partitions::create_partitions)
        }
        ApiKey::DeleteRecords => later!(DeleteRecordsRequest, delete_records::delete_records),
        ApiKey::ElectLeaders => later!(ElectLeadersRequest, elect_leaders::elect_leaders),
        ApiKey::DescribeQuorum => later!(DescribeQuorumRequest, describe_quorum::describe_quorum),
        ApiKey::DescribeLogDirs => {
            later!(DescribeLogDirsRequest, describe_log_dirs::describe_log_dirs)
        }
        ApiKey::DescribeProducers => {
            later!(DescribeProducersRequest, describe_producers::describe_producers)
        }
        ApiKey::ListPartitionReassignments => later!(
            ListPartitionReassignmentsRequest,
            list_partition_reassignments::list_partition_reassignments
        ),
        ApiKey::AlterPartitionReassignments => later!(
            AlterPartitionReassignmentsRequest,
            alter_partition_reassignments::alter_partition_reassignments
        ),
        ApiKey::UnregisterBroker => {
            later!(UnregisterBrokerRequest, unregister_broker::unregister_broker)
        }
        ApiKey::ListConfigResources => {
            later!(ListConfigResourcesRequest, list_config_resources::list_config_resources)
        }
        key => Reply::Close(format!("{key} is not served")),
    }
}

fn decode<R: Request>(decoder: &mut Decoder, version: i16) -> Result<R, kafka::DecodeError> {
    R::decode(decoder, version)
}

fn now<M: Message>(header: &RequestHeader, response: &M) -> Reply {
    kafka::encode_response(header.correlation_id, response, header.api_version)
        .map_or_else(|error| Reply::Close(error.to_string()), Reply::Now)
}

fn later<M: Message + 'static>(
    header: &RequestHeader,
    response: impl Future<Output = M> + Send + 'static,
) -> Reply {
    let (correlation_id, version) = (header.correlation_id, header.api_version);
    Reply::Later(Box::pin(async move {
        let response = response.await;
        kafka::encode_response(correlation_id, &response, version)
            .inspect_err(|error| tracing::error!("encoding {}: {error}", M::NAME))
            .ok()
    }))
}

fn clip(client_id: kafka::Str) -> kafka::Str {
    if client_id.len() <= PRINCIPAL_BYTES_MAX {
        return client_id;
    }
    let end = (0..=PRINCIPAL_BYTES_MAX).rev().find(|at| client_id.is_char_boundary(*at));
    kafka::Str::from(&client_id[..end.unwrap_or(0)])
}

/// The id of the topic that a request names: by id where it gives one, else by name.
pub(crate) fn find_topic(image: &ClusterImage, name: &str, id: Uuid) -> Result<Uuid, ReplicaError> {
    if !id.is_nil() {
        return image.topic_by_id(&id).map(|it| it.id).ok_or(ReplicaError::UnknownTopicId);
    }
    image.topics.get(name).map(|it| it.id).ok_or(ReplicaError::UnknownTopicOrPartition)
}

/// Errors that say: ask the leader.
pub(crate) fn is_wrong_leader(code: i16) -> bool {
    code == ErrorCode::NotLeaderOrFollower.code() || code == ErrorCode::FencedLeaderEpoch.code()
}

/// Where clients of a listener reach the leaders that they asked in vain for (KIP-951), as whatever
/// type the answer has for it.
pub(crate) fn node_endpoints<T>(
    image: &ClusterImage,
    listener: &str,
    mut leaders: Vec<BrokerId>,
    endpoint: impl Fn(BrokerId, kafka::Str, i32, Option<kafka::Str>) -> T,
) -> Vec<T> {
    leaders.sort_unstable();
    leaders.dedup();
    let reachable = leaders.into_iter().filter_map(|id| endpoint_of(image, id, listener));
    reachable
        .map(|(broker, host, port)| {
            let rack = broker.rack.as_deref().map(kafka::Str::from);
            endpoint(broker.id, kafka::Str::from(host), i32::from(port), rack)
        })
        .collect()
}

/// Where clients of a listener reach a broker, if it has such a listener.
pub(crate) fn endpoint_of<'a>(
    image: &'a ClusterImage,
    id: BrokerId,
    listener: &str,
) -> Option<(&'a BrokerRecord, &'a str, u16)> {
    let broker = image.brokers.get(&id)?;
    let endpoint = broker.listeners.iter().find(|it| it.name == listener)?;
    Some((broker, &endpoint.host, endpoint.port))
}
