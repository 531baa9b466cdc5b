//! CreateTopics: each topic succeeds or fails for itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::Settings;
use kafka::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfigs, CreatableTopicResult,
    CreateTopicsRequest, CreateTopicsResponse,
};
use kafka::{ErrorCode, Str};
use metadata::control::CreateTopic;
use metadata::{BrokerId, Command, Record, Uuid};

use super::Context;
use super::control_error::{Refusal, forward, request_timeout};
use crate::replica::dynamic_settings;

/// Kafka's name of the log of its own metadata, which nobody may create.
const CLUSTER_METADATA: &str = "__cluster_metadata";
/// The answer describes the topic (KIP-525).
const DESCRIBES_FROM: i16 = 5;

pub(super) async fn create_topics(
    context: Context,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let timeout = request_timeout(request.timeout_ms);
    let mut once = BTreeSet::new();
    let twice: BTreeSet<Str> =
        request.topics.iter().map(|it| &it.name).filter(|it| !once.insert(*it)).cloned().collect();
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut asked = Vec::new();
    let mut commands = Vec::new();
    for topic in request.topics.iter().filter(|it| !twice.contains(&it.name)) {
        match command(topic, request.validate_only) {
            Ok(command) => {
                commands.push(Command::CreateTopic(command.clone()));
                asked.push(command);
            }
            Err(refusal) => topics.push(refused(&topic.name, &refusal)),
        }
    }
    let outcomes = forward(&context, &commands, timeout).await;
    let image = context.broker.images.load();
    let settings = dynamic_settings(&context.broker.settings, &image, context.broker.options.id);
    for (command, outcome) in asked.iter().zip(outcomes) {
        topics.push(match outcome {
            Ok(records) => created(command, &records, &settings, context.version),
            Err(refusal) => refused(&Str::from(&*command.name), &refusal),
        });
    }
    let duplicate = Refusal::invalid_request("Duplicate topic name.");
    topics.extend(twice.iter().map(|name| refused(name, &duplicate)));
    CreateTopicsResponse { topics, ..Default::default() }
}

fn command(topic: &CreatableTopic, validate_only: bool) -> Result<CreateTopic, Refusal> {
    if topic.name == CLUSTER_METADATA {
        return Err(Refusal::invalid_request(format!(
            "Creation of internal topic {CLUSTER_METADATA} is prohibited."
        )));
    }
    let unset: Vec<&str> =
        topic.configs.iter().filter(|it| it.value.is_none()).map(|it| &*it.name).collect();
    if !unset.is_empty() {
        return Err(Refusal::new(
            ErrorCode::InvalidConfig,
            format!("Null value not supported for topic configs: {}", unset.join(",")),
        ));
    }
    let configs = topic.configs.iter().filter_map(|it| {
        let value = it.value.as_ref()?;
        Some((it.name.to_string(), value.to_string()))
    });
    Ok(CreateTopic {
        name: Arc::from(&*topic.name),
        id: Uuid::new_v4(),
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments(&topic.assignments)?,
        configs: configs.collect(),
        validate_only,
    })
}

/// Replicas by partition, which must be numbered from 0 without gaps.
fn assignments(wanted: &[CreatableReplicaAssignment]) -> Result<Vec<Vec<BrokerId>>, Refusal> {
    let invalid = |why: String| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, why));
    let mut by_partition = BTreeMap::new();
    for assignment in wanted {
        let partition = assignment.partition_index;
        if by_partition.insert(partition, assignment.broker_ids.clone()).is_some() {
            return invalid(format!(
                "Found multiple manual partition assignments for partition {partition}"
            ));
        }
    }
    if by_partition.keys().zip(0..).any(|(partition, expected)| *partition != expected) {
        return invalid("partitions should be a consecutive 0-based integer sequence".into());
    }
    Ok(by_partition.into_values().collect())
}

fn created(
    command: &CreateTopic,
    records: &[Record],
    settings: &Settings,
    version: i16,
) -> CreatableTopicResult {
    let name = Str::from(&*command.name);
    if version < DESCRIBES_FROM {
        return CreatableTopicResult { name, topic_id: command.id, ..Default::default() };
    }
    let (num_partitions, replication_factor) =
        counted(records).unwrap_or_else(|| expected(command, settings));
    let mut configs: Vec<CreatableTopicConfigs> = settings
        .describe_topic(&command.configs)
        .into_iter()
        .map(|it| CreatableTopicConfigs {
            name: Str::from_static(it.key.name),
            value: it.value.map(Str::from),
            read_only: it.read_only,
            config_source: it.source.wire_id(),
            is_sensitive: it.key.is_sensitive(),
        })
        .collect();
    configs.sort_by(|a, b| a.name.cmp(&b.name));
    CreatableTopicResult {
        name,
        topic_id: command.id,
        num_partitions,
        replication_factor,
        configs: Some(configs),
        ..Default::default()
    }
}

/// What the controller made.
fn counted(records: &[Record]) -> Option<(i32, i16)> {
    let partitions = records.iter().find_map(|record| match record {
        Record::Topic(topic) => Some(topic.partitions),
        _ => None,
    })?;
    let factor = records.iter().find_map(|record| match record {
        Record::Partition(partition) => i16::try_from(partition.replicas.len()).ok(),
        _ => None,
    })?;
    Some((partitions, factor))
}

/// What the controller would have made, had it not been asked to check only.
fn expected(command: &CreateTopic, settings: &Settings) -> (i32, i16) {
    if let Some(first) = command.assignments.first() {
        return (command.assignments.len() as i32, first.len() as i16);
    }
    let partitions = match command.partitions {
        -1 => settings.i32("num.partitions"),
        wish => wish,
    };
    let factor = match command.replication_factor {
        -1 => settings.i32("default.replication.factor") as i16,
        wish => wish,
    };
    (partitions, factor)
}

fn refused(name: &Str, refusal: &Refusal) -> CreatableTopicResult {
    let (error_code, error_message) = refusal.fields();
    CreatableTopicResult { name: name.clone(), error_code, error_message, ..Default::default() }
}

#[cfg(test)]
mod tests {
    use kafka::Message;

    use super::*;

    fn assignment(partition_index: i32, broker_ids: &[i32]) -> CreatableReplicaAssignment {
        CreatableReplicaAssignment { partition_index, broker_ids: broker_ids.to_vec() }
    }

    #[test]
    fn assignments_are_put_in_order() {
        let wanted = [assignment(1, &[2, 3]), assignment(0, &[1, 2])];
        assert_eq!(assignments(&wanted), Ok(vec![vec![1, 2], vec![2, 3]]));
        assert_eq!(assignments(&[]), Ok(vec![]));
    }

    #[test]
    fn assignments_have_no_gaps_and_no_doubles() {
        for wanted in [
            vec![assignment(0, &[1]), assignment(2, &[1])],
            vec![assignment(1, &[1])],
            vec![assignment(-1, &[1]), assignment(0, &[1])],
            vec![assignment(0, &[1]), assignment(0, &[2])],
        ] {
            let refusal = assignments(&wanted).unwrap_err();
            assert_eq!(refusal.code, ErrorCode::InvalidReplicaAssignment, "{wanted:?}");
        }
    }

    #[test]
    fn every_version_can_be_encoded() {
        let topic = CreatableTopic {
            name: "a".into(),
            num_partitions: 2,
            replication_factor: -1,
            ..Default::default()
        };
        let command = command(&topic, true).unwrap();
        for version in CreateTopicsResponse::VERSIONS {
            let topics = vec![created(&command, &[], &Settings::default(), version)];
            let response = CreateTopicsResponse { topics, ..Default::default() };
            kafka::encode_response(1, &response, version).unwrap();
            let topic = &response.topics[0];
            assert_eq!(topic.num_partitions, if version < DESCRIBES_FROM { -1 } else { 2 });
            let described = topic.configs.iter().flatten().next().is_some();
            assert_eq!(described, version >= DESCRIBES_FROM);
        }
    }

    #[test]
    fn a_config_needs_a_value() {
        let mut topic = CreatableTopic { name: "a".into(), ..Default::default() };
        topic.configs.push(kafka::messages::create_topics::CreatableTopicConfig {
            name: "retention.ms".into(),
            value: None,
        });
        let refusal = command(&topic, false).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InvalidConfig);
        assert_eq!(refusal.message, "Null value not supported for topic configs: retention.ms");
    }
}
