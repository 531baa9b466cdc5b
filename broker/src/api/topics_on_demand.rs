//! Topics that come into being because somebody names them: a client's Metadata request, or the first
//! group that needs `__consumer_offsets`.

use std::time::Duration;

use ::metadata::control::CreateTopic;
use ::metadata::{Command, ControlError, Uuid};
use kafka::{ErrorCode, Str};

use super::control_error::Refusal;
use crate::broker::Broker;
use crate::group::OFFSETS_TOPIC;

/// Creates topics with the cluster's defaults (internal ones with their own), and waits until this
/// broker knows them. Returns those that could not be created, and why.
pub(super) async fn create_topics_on_demand(
    broker: &Broker,
    names: &[Str],
    timeout: Duration,
) -> Vec<(Str, ErrorCode)> {
    let commands: Vec<Command> = names.iter().map(|name| create(broker, name)).collect();
    let Ok(outcomes) = broker.controller.submit(&commands, "auto-create", timeout).await else {
        let failed = |name: &Str| (name.clone(), ErrorCode::LeaderNotAvailable);
        return names.iter().map(failed).collect();
    };
    let failures = names.iter().zip(outcomes).filter_map(|(name, outcome)| match outcome {
        // Somebody may have been faster.
        Ok(_) | Err(ControlError::TopicAlreadyExists(_)) => None,
        Err(error) => Some((name.clone(), Refusal::from(error).code)),
    });
    failures.collect()
}

fn create(broker: &Broker, name: &Str) -> Command {
    let internal = (&**name == OFFSETS_TOPIC).then(|| broker.offsets_topic());
    let (partitions, replication_factor, configs) =
        internal.unwrap_or((-1, -1, Default::default()));
    Command::CreateTopic(CreateTopic {
        name: (&**name).into(),
        id: Uuid::new_v4(),
        partitions,
        replication_factor,
        assignments: Vec::new(),
        configs,
        validate_only: false,
    })
}
