//! ListPartitionReassignments: partitions that are being moved to other brokers.

use std::sync::Arc;

use kafka::messages::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment, OngoingTopicReassignment,
};
use metadata::Partition;

use super::Context;

pub(super) async fn list_partition_reassignments(
    context: Context,
    request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    let image = context.broker.images.load();
    let moving: Vec<&Arc<Partition>> = match &request.topics {
        None => image.partitions.values().filter(|it| is_moving(it)).collect(),
        Some(topics) => topics
            .iter()
            .filter_map(|topic| Some((image.topics.get(&*topic.name)?, &topic.partition_indexes)))
            .flat_map(|(topic, indexes)| {
                indexes.iter().filter_map(|index| image.partition(&topic.name, *index))
            })
            .filter(|it| is_moving(it))
            .collect(),
    };
    let mut topics: Vec<OngoingTopicReassignment> = Vec::new();
    for partition in moving {
        let ongoing = OngoingPartitionReassignment {
            partition_index: partition.id.partition,
            replicas: partition.replicas.clone(),
            adding_replicas: partition.adding_replicas.clone(),
            removing_replicas: partition.removing_replicas.clone(),
        };
        match topics.last_mut().filter(|it| it.name == *partition.id.topic) {
            Some(topic) => topic.partitions.push(ongoing),
            None => topics.push(OngoingTopicReassignment {
                name: (&*partition.id.topic).into(),
                partitions: vec![ongoing],
            }),
        }
    }
    ListPartitionReassignmentsResponse { topics, ..Default::default() }
}

fn is_moving(partition: &Partition) -> bool {
    !partition.adding_replicas.is_empty() || !partition.removing_replicas.is_empty()
}
