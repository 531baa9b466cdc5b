//! DeleteRecords: everything below an offset goes. The answer comes when no replica that is alive
//! has any of it, so that no later leader brings it back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafka::ErrorCode;
use kafka::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest,
    DeleteRecordsResponse, DeleteRecordsTopicResult,
};
use metadata::{ClusterImage, Topic};
use tokio::time::{Instant, timeout_at};

use super::Context;
use super::control_error::{Refusal, request_timeout};
use crate::replica::{Moves, Partition, ReplicaError, Signal, is_internal};

/// Stands for the high watermark.
const HIGH_WATERMARK: i64 = -1;
const NO_LOW_WATERMARK: i64 = -1;
/// How often brokers that have died are looked for: their replicas are not waited for.
const LIVENESS_INTERVAL: Duration = Duration::from_millis(500);

pub(super) async fn delete_records(
    context: Context,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let deadline = Instant::now() + request_timeout(request.timeout_ms);
    let image = context.broker.images.load();
    let signal = Arc::<Signal>::default();
    let mut seen = BTreeSet::new();
    let mut waiting = Vec::new();
    let mut topics: Vec<DeleteRecordsTopicResult> = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let found = image.topics.get(&*topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in &topic.partitions {
            let index = waiting.len();
            let deleted = match (found, seen.insert((topic.name.clone(), wanted.partition_index))) {
                (Some(topic), true) => delete(&context, &image, topic, wanted),
                (Some(_), false) => Err(Refusal::invalid_request("Duplicate partition.")),
                (None, _) => Err(ErrorCode::UnknownTopicOrPartition.into()),
            };
            let deleted = deleted.map(|(partition, required)| {
                let key = partition.subscribe(signal.clone(), index as u32, Moves::LogStart);
                Deletion { partition, required, key }
            });
            partitions.push(DeleteRecordsPartitionResult {
                partition_index: wanted.partition_index,
                low_watermark: NO_LOW_WATERMARK,
                error_code: deleted.as_ref().map_or_else(|it| it.code.code(), |_| 0),
            });
            waiting.push(deleted.ok());
        }
        topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
    }
    let mut results: Vec<&mut DeleteRecordsPartitionResult> =
        topics.iter_mut().flat_map(|it| &mut it.partitions).collect();
    loop {
        signal.take();
        let image = context.broker.images.load();
        for (result, deletion) in results.iter_mut().zip(&mut waiting) {
            if deletion.as_ref().is_some_and(|it| it.settle(&image, result)) {
                *deletion = None;
            }
        }
        let now = Instant::now();
        if now >= deadline || waiting.iter().all(Option::is_none) {
            break;
        }
        timeout_at(deadline.min(now + LIVENESS_INTERVAL), signal.notified()).await.ok();
    }
    DeleteRecordsResponse { topics, ..Default::default() }
}

/// Deletes on this broker. Returns the offset that the low watermark must reach.
fn delete(
    context: &Context,
    image: &ClusterImage,
    topic: &Topic,
    wanted: &DeleteRecordsPartition,
) -> Result<(Arc<Partition>, i64), Refusal> {
    if image.partition(&topic.name, wanted.partition_index).is_none() {
        return Err(ErrorCode::UnknownTopicOrPartition.into());
    }
    if is_internal(&topic.name) {
        return Err(Refusal::new(
            ErrorCode::InvalidTopicException,
            format!("Cannot delete records of internal topic {}", topic.name),
        ));
    }
    let partition = context.broker.replicas.find(topic.id, wanted.partition_index)?;
    let is_compacted = partition.with_leader_log(-1, |log, _| !log.config().delete)?;
    if is_compacted {
        return Err(Refusal::new(
            ErrorCode::PolicyViolation,
            format!(
                "Records of partition {} can not be deleted due to the configured policy",
                partition.id
            ),
        ));
    }
    let log_start_offset = partition.delete_records(wanted.offset)?;
    let required = if wanted.offset == HIGH_WATERMARK { log_start_offset } else { wanted.offset };
    Ok((partition, required))
}

/// What was deleted here and is waited for elsewhere.
struct Deletion {
    partition: Arc<Partition>,
    /// What the low watermark must reach.
    required: i64,
    /// The subscription.
    key: usize,
}

impl Deletion {
    /// Brings the answer up to date; true once it is final.
    fn settle(&self, image: &ClusterImage, result: &mut DeleteRecordsPartitionResult) -> bool {
        let is_alive = |id| image.brokers.get(&id).is_some_and(|it| !it.fenced);
        let low_watermark = self.partition.low_watermark(self.key, is_alive);
        let reached = low_watermark.as_ref().is_ok_and(|it| *it >= self.required);
        let error = match &low_watermark {
            Err(error) => Some(error.clone()),
            Ok(_) if !reached => Some(ReplicaError::TimedOut),
            Ok(_) => None,
        };
        result.error_code = error.map_or(ErrorCode::None, |it| it.code()).code();
        result.low_watermark = *low_watermark.as_ref().unwrap_or(&NO_LOW_WATERMARK);
        reached || low_watermark.is_err()
    }
}

impl Drop for Deletion {
    fn drop(&mut self) {
        self.partition.unsubscribe(self.key);
    }
}
