//! CreatePartitions: more partitions for topics that exist.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka::Str;
use kafka::messages::create_partitions::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
    CreatePartitionsTopicResult,
};
use metadata::Command;

use super::Context;
use super::control_error::{Refusal, error_fields, forward, request_timeout};

pub(super) async fn create_partitions(
    context: Context,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut once = BTreeSet::new();
    let twice: BTreeSet<Str> =
        request.topics.iter().map(|it| &it.name).filter(|it| !once.insert(*it)).cloned().collect();
    let wanted: Vec<&CreatePartitionsTopic> =
        request.topics.iter().filter(|it| !twice.contains(&it.name)).collect();
    let commands: Vec<Command> =
        wanted.iter().map(|it| command(it, request.validate_only)).collect();
    let outcomes = forward(&context, &commands, request_timeout(request.timeout_ms)).await;
    let duplicate = || Err(Refusal::invalid_request("Duplicate topic name."));
    let results = twice
        .iter()
        .map(|name| result(name, duplicate()))
        .chain(wanted.iter().zip(outcomes).map(|(it, outcome)| result(&it.name, outcome.map(drop))))
        .collect();
    CreatePartitionsResponse { results, ..Default::default() }
}

fn command(wanted: &CreatePartitionsTopic, validate_only: bool) -> Command {
    let assignments = wanted.assignments.as_ref();
    Command::CreatePartitions {
        topic: Arc::from(&*wanted.name),
        count: wanted.count,
        assignments: assignments.map(|all| all.iter().map(|it| it.broker_ids.clone()).collect()),
        validate_only,
    }
}

fn result(name: &Str, outcome: Result<(), Refusal>) -> CreatePartitionsTopicResult {
    let (error_code, error_message) = error_fields(&outcome);
    CreatePartitionsTopicResult { name: name.clone(), error_code, error_message }
}
