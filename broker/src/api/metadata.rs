//! Metadata: brokers of the client's listener, topics, leaders; creates topics on demand.

use std::time::Duration;

use ::metadata::control::check_topic_name;
use ::metadata::{ClusterImage, Topic};
use kafka::messages::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseBroker,
    MetadataResponsePartition, MetadataResponseTopic,
};
use kafka::{ErrorCode, Str};

use super::topics_on_demand::create_topics_on_demand;
use super::{Context, endpoint_of};
use crate::replica::is_internal;

/// Authorised operations that were not asked for, or are not known (KIP-430).
pub(super) const OPERATIONS_UNKNOWN: i32 = i32::MIN;
/// Without an authoriser everything is allowed: the bits of Kafka's AclOperation.
const TOPIC_OPERATIONS: i32 = 0b0000_1101_1111_1000;
pub(super) const CLUSTER_OPERATIONS: i32 = 0b0001_1111_1010_0000;

const AUTO_CREATE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) async fn metadata(context: Context, request: MetadataRequest) -> MetadataResponse {
    // Version 0 says "all" with an empty list, later ones with null.
    let all = match &request.topics {
        None => true,
        Some(topics) => context.version == 0 && topics.is_empty(),
    };
    let wanted = request.topics.unwrap_or_default();
    let creates = context.version < 4 || request.allow_auto_topic_creation;
    let mut create_errors = Vec::new();
    if creates && context.broker.options.auto_create_topics {
        create_errors = create_missing(&context, &wanted).await;
    }
    let image = context.broker.images.settled().await;
    let named = |wanted: &MetadataRequestTopic| named_topic(&image, wanted, &context);
    let mut topics: Vec<MetadataResponseTopic> = if all {
        image.topics.values().map(|it| describe(&image, it, &context)).collect()
    } else {
        wanted.iter().map(named).collect()
    };
    for (name, code) in create_errors {
        for topic in topics.iter_mut().filter(|it| it.name.as_ref() == Some(&name)) {
            topic.error_code = code.code();
        }
    }
    for topic in &mut topics {
        topic.topic_authorized_operations = if request.include_topic_authorized_operations {
            TOPIC_OPERATIONS
        } else {
            OPERATIONS_UNKNOWN
        };
    }
    MetadataResponse {
        brokers: brokers(&image, &context),
        cluster_id: Some(Str::from(&*context.broker.options.cluster_id)),
        controller_id: controller_for_clients(&image, &context),
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            OPERATIONS_UNKNOWN
        },
        ..Default::default()
    }
}

fn brokers(image: &ClusterImage, context: &Context) -> Vec<MetadataResponseBroker> {
    let named = image.brokers.values().filter(|it| context.broker.images.is_named(it));
    named
        .filter_map(|it| endpoint_of(image, it.id, &context.listener))
        .map(|(broker, host, port)| MetadataResponseBroker {
            node_id: broker.id,
            host: Str::from(host),
            port: i32::from(port),
            rack: broker.rack.as_deref().map(Str::from),
        })
        .collect()
}

/// Clients send admin requests to "the controller". Any broker forwards them, so, as in Kafka, a
/// live broker is named: this one, which certainly answers.
pub(super) fn controller_for_clients(image: &ClusterImage, context: &Context) -> i32 {
    let me = context.broker.options.id;
    if image.is_active(me) {
        return me;
    }
    image.brokers.keys().copied().find(|id| image.is_active(*id)).unwrap_or(-1)
}

fn named_topic(
    image: &ClusterImage,
    wanted: &MetadataRequestTopic,
    context: &Context,
) -> MetadataResponseTopic {
    let refuse = |code: ErrorCode| MetadataResponseTopic {
        error_code: code.code(),
        name: wanted.name.clone(),
        topic_id: wanted.topic_id,
        ..Default::default()
    };
    match &wanted.name {
        Some(name) => match image.topics.get(&**name) {
            Some(topic) => describe(image, topic, context),
            None if check_topic_name(name).is_err() => refuse(ErrorCode::InvalidTopicException),
            None => refuse(ErrorCode::UnknownTopicOrPartition),
        },
        None => match image.topic_by_id(&wanted.topic_id) {
            Some(topic) => describe(image, topic, context),
            None => refuse(ErrorCode::UnknownTopicId),
        },
    }
}

fn describe(image: &ClusterImage, topic: &Topic, context: &Context) -> MetadataResponseTopic {
    let partitions = image
        .partitions_of(&topic.name)
        .map(|partition| {
            let reachable = |id: &i32| {
                endpoint_of(image, *id, &context.listener).is_some_and(|it| !it.0.fenced)
            };
            let leader = partition.leader;
            let code = match leader {
                None => ErrorCode::LeaderNotAvailable,
                Some(id) if endpoint_of(image, id, &context.listener).is_none() => {
                    ErrorCode::ListenerNotFound
                }
                Some(_) => ErrorCode::None,
            };
            MetadataResponsePartition {
                error_code: code.code(),
                partition_index: partition.id.partition,
                leader_id: leader.unwrap_or(-1),
                leader_epoch: partition.leader_epoch,
                replica_nodes: partition.replicas.clone(),
                isr_nodes: partition.isr.clone(),
                offline_replicas: partition
                    .replicas
                    .iter()
                    .copied()
                    .filter(|id| !reachable(id))
                    .collect(),
            }
        })
        .collect();
    MetadataResponseTopic {
        error_code: ErrorCode::None.code(),
        name: Some(Str::from(&*topic.name)),
        topic_id: topic.id,
        is_internal: is_internal(&topic.name),
        partitions,
        ..Default::default()
    }
}

/// Creates what is named and does not exist; returns what could not be created and why.
async fn create_missing(
    context: &Context,
    wanted: &[MetadataRequestTopic],
) -> Vec<(Str, ErrorCode)> {
    let image = context.broker.images.load();
    let missing: Vec<Str> = wanted
        .iter()
        .filter_map(|it| it.name.clone())
        .filter(|name| !image.topics.contains_key(&**name) && check_topic_name(name).is_ok())
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    create_topics_on_demand(&context.broker, &missing, AUTO_CREATE_TIMEOUT).await
}
