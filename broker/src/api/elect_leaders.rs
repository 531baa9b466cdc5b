//! ElectLeaders: preferred leaders back, or a leader at the price of records.

use std::sync::Arc;

use kafka::ErrorCode;
use kafka::messages::elect_leaders::{
    ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult,
};
use metadata::control::Election;
use metadata::{ClusterImage, Command, TopicPartition};
use tokio::time::Instant;

use super::Context;
use super::control_error::{COMMANDS_MAX, Refusal, error_fields, forward, request_timeout};

pub(super) async fn elect_leaders(
    context: Context,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    let all = request.topic_partitions.is_none();
    let image = context.broker.images.load();
    let election = match request.election_type {
        0 => Election::Preferred,
        1 => Election::Unclean,
        other => {
            let why = Refusal::invalid_request(format!("Unknown election type {other}"));
            let wanted = named(&request);
            let outcomes = wanted.iter().map(|_| Err(why.clone())).collect();
            let error_code = if context.version == 0 { 0 } else { why.code.code() };
            return ElectLeadersResponse {
                error_code,
                replica_election_results: results(wanted, outcomes),
                ..Default::default()
            };
        }
    };
    let wanted = if all { without_leader(&image, election) } else { named(&request) };
    let commands: Vec<Command> = wanted
        .iter()
        .map(|partition| Command::ElectLeader { partition: partition.clone(), election })
        .collect();
    let deadline = Instant::now() + request_timeout(request.timeout_ms);
    let mut outcomes = Vec::with_capacity(commands.len());
    // Nobody can ask for less than everything after a broker is back: no request is too large.
    for commands in commands.chunks(COMMANDS_MAX) {
        let left = deadline.saturating_duration_since(Instant::now());
        let elected = forward(&context, commands, left).await;
        outcomes.extend(elected.into_iter().map(|it| it.map(drop)));
    }
    let mut replica_election_results = results(wanted, outcomes);
    if all {
        // Who is asked about everything does not name what has been right meanwhile.
        let not_needed = ErrorCode::ElectionNotNeeded.code();
        for topic in &mut replica_election_results {
            topic.partition_result.retain(|it| it.error_code != not_needed);
        }
    }
    ElectLeadersResponse { replica_election_results, ..Default::default() }
}

fn named(request: &ElectLeadersRequest) -> Vec<TopicPartition> {
    let topics = request.topic_partitions.iter().flatten();
    topics
        .flat_map(|topic| {
            let name: Arc<str> = Arc::from(&*topic.topic);
            topic.partitions.iter().map(move |it| TopicPartition::new(name.clone(), *it))
        })
        .collect()
}

/// All partitions for which an election makes sense: the others have nothing to be asked about.
fn without_leader(image: &ClusterImage, election: Election) -> Vec<TopicPartition> {
    match election {
        Election::Preferred => image
            .partitions
            .values()
            .filter(|it| it.leader != it.replicas.first().copied())
            .map(|it| it.id.clone())
            .collect(),
        Election::Unclean => image.leaderless.iter().cloned().collect(),
    }
}

fn results(
    wanted: Vec<TopicPartition>,
    outcomes: Vec<Result<(), Refusal>>,
) -> Vec<ReplicaElectionResult> {
    let mut topics: Vec<ReplicaElectionResult> = Vec::new();
    for (partition, outcome) in wanted.into_iter().zip(outcomes) {
        let (error_code, error_message) = error_fields(&outcome);
        let result =
            PartitionResult { partition_id: partition.partition, error_code, error_message };
        match topics.last_mut().filter(|it| it.topic == *partition.topic) {
            Some(topic) => topic.partition_result.push(result),
            None => topics.push(ReplicaElectionResult {
                topic: (&*partition.topic).into(),
                partition_result: vec![result],
            }),
        }
    }
    topics
}
