//! AlterPartitionReassignments: moves partitions to other brokers, or takes a move back.

use std::sync::Arc;

use kafka::ErrorCode;
use kafka::messages::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use metadata::{BrokerId, Command, Partition, TopicPartition};

use super::Context;
use super::control_error::{Refusal, error_fields, forward, request_timeout};

pub(super) async fn alter_partition_reassignments(
    context: Context,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let image = context.broker.images.load();
    let mut checked: Vec<Result<(), Refusal>> = Vec::new();
    let mut commands = Vec::new();
    for topic in &request.topics {
        let name: Arc<str> = Arc::from(&*topic.name);
        for wanted in &topic.partitions {
            let known = image.partition(&name, wanted.partition_index);
            let check = match (known, &wanted.replicas) {
                (Some(partition), Some(replicas)) if !request.allow_replication_factor_change => {
                    check_factor(partition, replicas)
                }
                _ => Ok(()),
            };
            if check.is_ok() {
                commands.push(Command::ReassignPartition {
                    partition: TopicPartition::new(name.clone(), wanted.partition_index),
                    replicas: wanted.replicas.clone(),
                });
            }
            checked.push(check);
        }
    }
    let outcomes = forward(&context, &commands, request_timeout(request.timeout_ms)).await;
    let mut outcomes = outcomes.into_iter();
    let mut results = checked.into_iter().map(|checked| {
        checked.and_then(|()| outcomes.next().expect("one outcome for each command").map(drop))
    });
    let responses = request
        .topics
        .iter()
        .map(|topic| ReassignableTopicResponse {
            name: topic.name.clone(),
            partitions: topic
                .partitions
                .iter()
                .map(|wanted| {
                    let result = results.next().expect("every partition was checked");
                    let (error_code, error_message) = error_fields(&result);
                    ReassignablePartitionResponse {
                        partition_index: wanted.partition_index,
                        error_code,
                        error_message,
                    }
                })
                .collect(),
        })
        .collect();
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses,
        ..Default::default()
    }
}

/// KIP-860: a move that must not change the number of replicas.
fn check_factor(partition: &Partition, wanted: &[BrokerId]) -> Result<(), Refusal> {
    let stays = |it: &&BrokerId| !partition.removing_replicas.contains(it);
    let current = partition.replicas.iter().filter(stays).count();
    if current == wanted.len() {
        return Ok(());
    }
    Err(Refusal::new(
        ErrorCode::InvalidReplicationFactor,
        format!("The replication factor is changed from {current} to {}", wanted.len()),
    ))
}
