//! Why a replica refused. Each variant is one reaction of the client; `api` maps it to Kafka's code.

use std::sync::Arc;

use kafka::ErrorCode;
use partition_log::AppendError;

#[derive(Clone, Debug, thiserror::Error)]
pub enum ReplicaError {
    #[error("this broker does not lead the partition")]
    NotLeader,
    #[error("no such partition on this broker")]
    UnknownTopicOrPartition,
    #[error("the topic id is not known")]
    UnknownTopicId,
    #[error("the client's leader epoch is behind")]
    FencedLeaderEpoch,
    #[error("the client's leader epoch is ahead")]
    UnknownLeaderEpoch,
    #[error("the offset is outside the log")]
    OffsetOutOfRange,
    #[error("fewer replicas in sync than min.insync.replicas")]
    NotEnoughReplicas,
    #[error("the ISR shrank below min.insync.replicas before the records were replicated")]
    NotEnoughReplicasAfterAppend,
    #[error("not replicated within the request's timeout")]
    TimedOut,
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    Append(Arc<AppendError>),
    /// Damaged here, and no other replica is in sync: asking again does not help.
    #[error("corrupt: {0}")]
    Corrupt(String),
    #[error("storage: {0}")]
    Storage(String),
}

impl ReplicaError {
    /// The client asked the wrong broker, or for what is not there: nothing failed here.
    pub fn is_misdirected(&self) -> bool {
        matches!(
            self,
            Self::NotLeader
                | Self::UnknownTopicOrPartition
                | Self::UnknownTopicId
                | Self::FencedLeaderEpoch
                | Self::UnknownLeaderEpoch
                | Self::OffsetOutOfRange
        )
    }

    /// The disk refused, which was reported where it did.
    pub fn is_storage(&self) -> bool {
        match self {
            Self::Storage(_) => true,
            Self::Append(error) => matches!(**error, AppendError::Io(_) | AppendError::Offline),
            _ => false,
        }
    }

    /// Kafka's error code for this refusal.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotLeader => ErrorCode::NotLeaderOrFollower,
            Self::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
            Self::UnknownTopicId => ErrorCode::UnknownTopicId,
            Self::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
            Self::UnknownLeaderEpoch => ErrorCode::UnknownLeaderEpoch,
            Self::OffsetOutOfRange => ErrorCode::OffsetOutOfRange,
            Self::NotEnoughReplicas => ErrorCode::NotEnoughReplicas,
            Self::NotEnoughReplicasAfterAppend => ErrorCode::NotEnoughReplicasAfterAppend,
            Self::TimedOut => ErrorCode::RequestTimedOut,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::Append(error) => append_code(error),
            Self::Corrupt(_) => ErrorCode::CorruptMessage,
            Self::Storage(_) => ErrorCode::KafkaStorageError,
        }
    }
}

impl From<AppendError> for ReplicaError {
    fn from(error: AppendError) -> Self {
        Self::Append(Arc::new(error))
    }
}

fn append_code(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::CorruptMessage(_) => ErrorCode::CorruptMessage,
        AppendError::InvalidRecord(_) => ErrorCode::InvalidRecord,
        AppendError::MessageTooLarge { .. } => ErrorCode::MessageTooLarge,
        AppendError::InvalidTimestamp(_) => ErrorCode::InvalidTimestamp,
        AppendError::OutOfOrderSequence(_) => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::InvalidProducerEpoch(_) => ErrorCode::InvalidProducerEpoch,
        AppendError::UnsupportedForMessageFormat(_) => ErrorCode::UnsupportedForMessageFormat,
        AppendError::UnsupportedCompressionType(_) => ErrorCode::UnsupportedCompressionType,
        AppendError::RecordListTooLarge { .. } => ErrorCode::RecordListTooLarge,
        AppendError::NotTransactional => ErrorCode::InvalidTxnState,
        AppendError::OffsetsOutOfOrder { .. } | AppendError::Io(_) | AppendError::Offline => {
            ErrorCode::KafkaStorageError
        }
    }
}
