//! OffsetForLeaderEpoch (KIP-101, KIP-320): where an epoch ends, for consumers that detect
//! truncation.

use kafka::ErrorCode;
use kafka::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
};

use super::{Context, find_topic};

pub(super) async fn offsets_for_leader_epoch(
    context: Context,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let image = context.broker.images.load();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let found = find_topic(&image, &topic.topic, Default::default());
            let partitions = topic
                .partitions
                .iter()
                .map(|wanted| {
                    let answer = found.clone().and_then(|id| {
                        let partition = context.broker.replicas.find(id, wanted.partition)?;
                        let epoch = wanted.leader_epoch;
                        partition.with_leader_log(wanted.current_leader_epoch, |log, _| {
                            log.end_offset_for_epoch(epoch)
                        })
                    });
                    let (code, (leader_epoch, end_offset)) = match answer {
                        Ok(end) => (ErrorCode::None, end),
                        Err(error) => (error.code(), (-1, -1)),
                    };
                    EpochEndOffset {
                        error_code: code.code(),
                        partition: wanted.partition,
                        leader_epoch,
                        end_offset,
                    }
                })
                .collect();
            OffsetForLeaderTopicResult { topic: topic.topic, partitions }
        })
        .collect();
    OffsetForLeaderEpochResponse { topics, ..Default::default() }
}
