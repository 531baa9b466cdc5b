//! ListOffsets: the first and last offsets of partitions, and offsets by timestamp.

use kafka::ErrorCode;
use kafka::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse,
    ListOffsetsTopicResponse,
};
use metadata::Uuid;

use super::{Context, find_topic};
use crate::replica::ReplicaError;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
/// Without tiered storage the local log is the whole log.
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
const EARLIEST_PENDING_UPLOAD: i64 = -6;

/// (timestamp, offset, leader epoch); -1 where there is none.
type Found = (i64, i64, i32);
const NOT_FOUND: Found = (-1, -1, -1);

pub(super) async fn list_offsets(
    context: Context,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let image = context.broker.images.load();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let found = find_topic(&image, &topic.name, Uuid::nil());
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let answer = match &found {
                Ok(id) => look_up(&context, *id, wanted).await,
                Err(error) => Err(error.clone()),
            };
            let (code, (timestamp, offset, leader_epoch)) = match answer {
                Ok(found) => (ErrorCode::None, found),
                Err(error) => (error.code(), NOT_FOUND),
            };
            partitions.push(ListOffsetsPartitionResponse {
                partition_index: wanted.partition_index,
                error_code: code.code(),
                timestamp,
                offset,
                // Not there before version 4.
                leader_epoch: if context.version >= 4 { leader_epoch } else { -1 },
            });
        }
        topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
    }
    ListOffsetsResponse { topics, ..Default::default() }
}

async fn look_up(
    context: &Context,
    topic_id: Uuid,
    wanted: &ListOffsetsPartition,
) -> Result<Found, ReplicaError> {
    let partition = context.broker.replicas.find(topic_id, wanted.partition_index)?;
    let epoch = wanted.current_leader_epoch;
    match wanted.timestamp {
        LATEST => partition.with_leader_log(epoch, |log, high_watermark| {
            (-1, high_watermark, log.last_epoch().unwrap_or(-1))
        }),
        EARLIEST | EARLIEST_LOCAL | EARLIEST_PENDING_UPLOAD => {
            partition.with_leader_log(epoch, |log, _| {
                let start = log.log_start_offset();
                (-1, start, log.epoch_of(start).unwrap_or(-1))
            })
        }
        LATEST_TIERED => partition.with_leader_log(epoch, |_, _| NOT_FOUND),
        timestamp if timestamp < MAX_TIMESTAMP => {
            Err(ReplicaError::InvalidRequest(format!("unknown timestamp {timestamp}")))
        }
        timestamp => {
            let plan = partition.with_leader_log(epoch, |log, high_watermark| match timestamp {
                MAX_TIMESTAMP => log.offset_of_max_timestamp(high_watermark),
                timestamp => log.offset_for_timestamp(timestamp, high_watermark),
            })?;
            let plan = plan.map_err(|error| ReplicaError::Storage(error.to_string()))?;
            // Opens a batch, perhaps from disk.
            let found = tokio::task::spawn_blocking(move || plan.execute())
                .await
                .map_err(|error| ReplicaError::Storage(error.to_string()))?
                .map_err(|error| ReplicaError::Storage(error.to_string()))?;
            Ok(found.map_or(NOT_FOUND, |it| (it.timestamp, it.offset, it.leader_epoch)))
        }
    }
}
