//! DescribeProducers: who wrote to a partition, as its log remembers for deduplication.

use std::collections::BTreeSet;

use kafka::ErrorCode;
use kafka::messages::describe_producers::{
    DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState,
    TopicResponse,
};
use metadata::ClusterImage;
use metadata::control::check_topic_name;

use super::Context;
use super::control_error::{Refusal, error_fields};

pub(super) async fn describe_producers(
    context: Context,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let image = context.broker.images.load();
    let mut seen = BTreeSet::new();
    let topics = request.topics.into_iter().map(|topic| TopicResponse {
        partitions: topic
            .partition_indexes
            .iter()
            .map(|index| {
                let producers = match seen.insert((topic.name.clone(), *index)) {
                    true => producers(&context, &image, &topic.name, *index),
                    false => Err(Refusal::invalid_request("Duplicate partition.")),
                };
                let (error_code, error_message) = error_fields(&producers);
                PartitionResponse {
                    partition_index: *index,
                    error_code,
                    error_message,
                    active_producers: producers.unwrap_or_default(),
                }
            })
            .collect(),
        name: topic.name,
    });
    DescribeProducersResponse { topics: topics.collect(), ..Default::default() }
}

/// Any replica answers: clients ask the leader, or the broker that they are told to ask.
fn producers(
    context: &Context,
    image: &ClusterImage,
    topic: &str,
    partition: i32,
) -> Result<Vec<ProducerState>, Refusal> {
    check_topic_name(topic)?;
    let unknown = Refusal::from(ErrorCode::UnknownTopicOrPartition);
    let topic = image.topics.get(topic).ok_or(unknown.clone())?;
    image.partition(&topic.name, partition).ok_or(unknown)?;
    let replica = context.broker.replicas.find(topic.id, partition)?;
    let producers = replica.with_log(|log, _| {
        let producers = log.producers().map(|(producer_id, state)| ProducerState {
            producer_id,
            producer_epoch: i32::from(state.producer_epoch),
            last_sequence: state.last_sequence(),
            last_timestamp: state.last_timestamp,
            coordinator_epoch: state.coordinator_epoch,
            current_txn_start_offset: state.transaction_start.unwrap_or(-1),
        });
        producers.collect()
    });
    producers.ok_or(ErrorCode::NotLeaderOrFollower.into())
}
