//! Admin requests end in commands to the controller: how they get there, and what its refusals are
//! called in Kafka's protocol. The only mapping of [`ControlError`] to an error code.

use std::time::Duration;

use kafka::{ErrorCode, Str};
use metadata::{Command, ControlError, Record};
use tokio::time::Instant;

use super::Context;
use crate::control::SubmitError;
use crate::replica::ReplicaError;

/// Longest time that any request waits for the controller, whatever the client asks for.
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Commands that are decided, and that fail to be answered, together.
const CHUNK: usize = 64;
/// Changes in one request, as in Kafka.
pub(super) const COMMANDS_MAX: usize = 10_000;
/// Who asks. Kafka's name of a client that did not log in.
const ANONYMOUS: &str = "User:ANONYMOUS";

/// Why one item of a request is refused, as its answer says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidRequest, message)
    }

    /// The two fields of an answer.
    pub(super) fn fields(&self) -> (i16, Option<Str>) {
        (self.code.code(), Some(Str::from(self.message.as_str())))
    }
}

/// The code and message fields for an outcome of any kind.
pub(super) fn error_fields<T>(outcome: &Result<T, Refusal>) -> (i16, Option<Str>) {
    match outcome {
        Ok(_) => (ErrorCode::None.code(), None),
        Err(refusal) => refusal.fields(),
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.message())
    }
}

impl From<ReplicaError> for Refusal {
    fn from(error: ReplicaError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        let code = match &error {
            ControlError::TopicAlreadyExists(_) => ErrorCode::TopicAlreadyExists,
            ControlError::UnknownTopicOrPartition(_) => ErrorCode::UnknownTopicOrPartition,
            ControlError::UnknownTopicId(_) => ErrorCode::UnknownTopicId,
            ControlError::InvalidTopic(_) => ErrorCode::InvalidTopicException,
            ControlError::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
            ControlError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
            ControlError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
            ControlError::InvalidConfig(_) => ErrorCode::InvalidConfig,
            ControlError::InvalidRequest(_) => ErrorCode::InvalidRequest,
            ControlError::PolicyViolation(_) => ErrorCode::PolicyViolation,
            ControlError::StaleBrokerEpoch { .. } => ErrorCode::StaleBrokerEpoch,
            ControlError::BrokerIdNotRegistered(_) => ErrorCode::BrokerIdNotRegistered,
            ControlError::DuplicateBrokerRegistration(_) => ErrorCode::DuplicateBrokerRegistration,
            ControlError::FencedLeaderEpoch { .. } => ErrorCode::FencedLeaderEpoch,
            ControlError::InvalidUpdateVersion { .. } => ErrorCode::InvalidUpdateVersion,
            ControlError::NotController => ErrorCode::NotController,
            ControlError::IneligibleReplica(_) => ErrorCode::IneligibleReplica,
            ControlError::PreferredLeaderNotAvailable => ErrorCode::PreferredLeaderNotAvailable,
            ControlError::EligibleLeadersNotAvailable => ErrorCode::EligibleLeadersNotAvailable,
            ControlError::ElectionNotNeeded => ErrorCode::ElectionNotNeeded,
            ControlError::UnsupportedVersion(_) => ErrorCode::UnsupportedVersion,
            ControlError::NoReassignmentInProgress(_) => ErrorCode::NoReassignmentInProgress,
        };
        match error {
            ControlError::TopicAlreadyExists(name) => {
                Self::new(code, format!("Topic '{name}' already exists."))
            }
            error => Self::new(code, error.to_string()),
        }
    }
}

impl From<SubmitError> for Refusal {
    fn from(error: SubmitError) -> Self {
        let code = match error {
            SubmitError::TimedOut => ErrorCode::RequestTimedOut,
            SubmitError::Garbled(_) => ErrorCode::UnknownServerError,
        };
        Self::new(code, error.to_string())
    }
}

/// The time that a request gives the cluster. Nothing can be done in none at all.
pub(super) fn request_timeout(timeout_ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0)).min(TIMEOUT_MAX)
}

/// Asks the active controller for all of `commands`, and waits until this broker's own image shows
/// their effects. One outcome for each command: what is not answered within `timeout` is
/// REQUEST_TIMED_OUT, and may be carried out all the same.
pub(super) async fn forward(
    context: &Context,
    commands: &[Command],
    timeout: Duration,
) -> Vec<Result<Vec<Record>, Refusal>> {
    if commands.len() > COMMANDS_MAX {
        let refusal = Refusal::new(
            ErrorCode::PolicyViolation,
            format!(
                "Unable to perform excessively large batch operation: {} changes in one request, \
                 and {COMMANDS_MAX} is the most; send several requests",
                commands.len()
            ),
        );
        return commands.iter().map(|_| Err(refusal.clone())).collect();
    }
    let deadline = Instant::now() + timeout;
    let mut outcomes = Vec::with_capacity(commands.len());
    for commands in commands.chunks(CHUNK) {
        let left = deadline.saturating_duration_since(Instant::now());
        let answered = if left.is_zero() {
            Err(SubmitError::TimedOut)
        } else {
            context.broker.controller.submit(commands, ANONYMOUS, left).await
        };
        match answered {
            Ok(answered) => {
                outcomes.extend(answered.into_iter().map(|it| it.map_err(Refusal::from)));
            }
            Err(error) => {
                outcomes.extend(commands.iter().map(|_| Err(Refusal::from(error.clone()))));
            }
        }
    }
    outcomes
}
