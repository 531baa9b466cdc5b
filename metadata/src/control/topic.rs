//! Topics: their names, their partitions, their end.

use std::sync::Arc;

use super::state::State;
use super::{CreateTopic, Outcome, TopicSelector, configs, placement};
use crate::{
    BrokerId, Config, ConfigResource, ControlError, Partition, Record, Topic, TopicPartition,
};

/// Room for the assignment of one topic, as JSON in one znode of at most 1 MiB. Both modes have the
/// same limit, so that a cluster can change its mode.
const ASSIGNMENT_BYTES_MAX: usize = 1_000_000;

/// The longest name of a topic, as in Kafka: a directory's name has room for a partition behind it.
const NAME_LEN_MAX: usize = 249;

/// Creates a topic. Its partitions come first and the topic last: partitions without a topic are
/// invisible. The answer is the [`Record::Topic`]. The same request again (the same id) gives the
/// same answer.
pub(super) fn create(state: State<'_>, request: &CreateTopic) -> Outcome {
    check_name(&request.name)?;
    if let Some(before) = state.image.topics.get(&request.name) {
        if before.id == request.id && !request.validate_only {
            return Ok(existing(state, before));
        }
        return Err(ControlError::TopicAlreadyExists(request.name.clone()));
    }
    if let Some(other) = colliding(state, &request.name) {
        let reason = format!("Topic '{}' collides with existing topic: {other}", request.name);
        return Err(ControlError::InvalidTopic(reason));
    }
    if request.id.is_nil() || state.image.topic_names.contains_key(&request.id) {
        let reason = format!("topic id {} is taken or reserved; draw another one", request.id);
        return Err(ControlError::InvalidRequest(reason));
    }
    configs::check_topic(state, &request.configs)?;
    let assignments = assign(state, request)?;
    check_size(&request.name, assignments.iter())?;
    let partitions: Vec<Partition> = assignments
        .into_iter()
        .enumerate()
        .map(|(number, replicas)| new_partition(state, &request.name, number as i32, replicas))
        .collect();
    if request.validate_only {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    let resource = ConfigResource::Topic(request.name.clone());
    let left_over = state.image.partitions_of(&request.name).next().is_some();
    if left_over || state.image.configs.contains_key(&resource) {
        records.push(Record::TopicRemoved(request.name.clone()));
    }
    if !request.configs.is_empty() {
        records.push(Record::Config(Config { resource, values: request.configs.clone() }));
    }
    let count = partitions.len() as i32;
    records.extend(partitions.into_iter().map(Record::Partition));
    let (name, id) = (request.name.clone(), request.id);
    records.push(Record::Topic(Topic { name, id, partitions: count }));
    Ok(records)
}

/// Deletes a topic, its partitions and its configuration.
pub(super) fn delete(state: State<'_>, topic: &TopicSelector) -> Outcome {
    let name = match topic {
        TopicSelector::Name(name) => {
            let found = state.image.topics.get(name).map(|it| it.name.clone());
            found.ok_or_else(|| ControlError::UnknownTopicOrPartition(Some(name.to_string())))?
        }
        TopicSelector::Id(id) => {
            state.image.topic_names.get(id).cloned().ok_or(ControlError::UnknownTopicId(*id))?
        }
    };
    Ok(vec![Record::TopicRemoved(name)])
}

/// Adds partitions to a topic, `count` being the new total.
pub(super) fn create_partitions(
    state: State<'_>,
    name: &Arc<str>,
    count: i32,
    assignments: Option<&[Vec<BrokerId>]>,
) -> Outcome {
    let unknown = || ControlError::UnknownTopicOrPartition(Some(name.to_string()));
    let topic = state.image.topics.get(name).ok_or_else(unknown)?;
    let current = topic.partitions;
    if count == current {
        let reason = format!("Topic already has {current} partition(s).");
        return Err(ControlError::InvalidPartitions(reason));
    }
    if count < current {
        return Err(ControlError::InvalidPartitions(format!(
            "The topic {name} currently has {current} partition(s); {count} would not be an \
             increase."
        )));
    }
    let first = state.image.partition(name, 0).ok_or_else(unknown)?;
    let replication_factor = first.replicas.len();
    let (current, total) = (current as usize, count as usize);
    check_count(name, total, replication_factor)?;
    let placed = match assignments {
        Some(assignments) if assignments.len() != total - current => {
            return Err(ControlError::InvalidReplicaAssignment(format!(
                "Attempted to add {} additional partition(s), but only {} assignment(s) were \
                 specified.",
                total - current,
                assignments.len()
            )));
        }
        Some(assignments) => {
            for (offset, replicas) in assignments.iter().enumerate() {
                check_assignment(state, replicas, Some(replication_factor))?;
                check_active(state, current + offset, replicas)?;
            }
            assignments.to_vec()
        }
        None => placement::place(state.image, topic.id, current, total, replication_factor)?,
    };
    let existing = state.image.partitions_of(name).map(|it| &it.replicas);
    check_size(name, existing.chain(&placed))?;
    let mut records: Vec<Record> = placed
        .into_iter()
        .enumerate()
        .map(|(offset, replicas)| new_partition(state, name, (current + offset) as i32, replicas))
        .map(Record::Partition)
        .collect();
    records.push(Record::Topic(Topic { partitions: count, ..Topic::clone(topic) }));
    Ok(records)
}

fn assign(state: State<'_>, request: &CreateTopic) -> Result<Vec<Vec<BrokerId>>, ControlError> {
    let invalid = |why: &str| Err(ControlError::InvalidRequest(why.into()));
    if !request.assignments.is_empty() {
        if request.replication_factor != -1 {
            return invalid(
                "A manual partition assignment was specified, but replication factor was not set \
                 to -1.",
            );
        }
        if request.partitions != -1 {
            return invalid(
                "A manual partition assignment was specified, but numPartitions was not set to -1.",
            );
        }
        check_count(&request.name, request.assignments.len(), 1)?;
        let replication_factor = request.assignments[0].len();
        for (number, replicas) in request.assignments.iter().enumerate() {
            check_assignment(state, replicas, Some(replication_factor))?;
            check_active(state, number, replicas)?;
        }
        return Ok(request.assignments.clone());
    }
    let replication_factor = match request.replication_factor {
        -1 => state.defaults.default_replication_factor,
        wish => wish,
    };
    if replication_factor < 1 {
        return Err(ControlError::InvalidReplicationFactor(
            "Replication factor must be larger than 0, or -1 to use the default value.".into(),
        ));
    }
    let partitions = match request.partitions {
        -1 => state.defaults.num_partitions,
        wish => wish,
    };
    if partitions < 1 {
        return Err(ControlError::InvalidPartitions(
            "Number of partitions was set to an invalid non-positive value.".into(),
        ));
    }
    let (partitions, replication_factor) = (partitions as usize, replication_factor as usize);
    check_count(&request.name, partitions, replication_factor)?;
    placement::place(state.image, request.id, 0, partitions, replication_factor)
}

fn new_partition(
    state: State<'_>,
    topic: &Arc<str>,
    number: i32,
    replicas: Vec<BrokerId>,
) -> Partition {
    let active = |id: &BrokerId| state.image.is_active(*id);
    let isr: Vec<BrokerId> = replicas.iter().copied().filter(active).collect();
    Partition {
        id: TopicPartition { topic: topic.clone(), partition: number },
        leader: isr.first().copied(),
        replicas,
        isr,
        elr: Vec::new(),
        last_known_leader: None,
        leader_epoch: 0,
        partition_epoch: 0,
        recovering: false,
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
    }
}

fn existing(state: State<'_>, topic: &Topic) -> Vec<Record> {
    let partitions = state.image.partitions_of(&topic.name);
    let partitions = partitions.map(|it| Record::Partition(Partition::clone(it)));
    partitions.chain([Record::Topic(topic.clone())]).collect()
}

/// Replicas that somebody names: registered brokers, each once.
pub(super) fn check_assignment(
    state: State<'_>,
    replicas: &[BrokerId],
    replication_factor: Option<usize>,
) -> Result<(), ControlError> {
    let invalid = |why: String| Err(ControlError::InvalidReplicaAssignment(why));
    if replicas.is_empty() {
        return invalid("The manual partition assignment includes an empty replica list.".into());
    }
    for (index, broker) in replicas.iter().enumerate() {
        if !state.image.brokers.contains_key(broker) {
            return invalid(format!(
                "The manual partition assignment includes broker {broker}, but no such broker is \
                 registered."
            ));
        }
        if replicas[..index].contains(broker) {
            return invalid(format!(
                "The manual partition assignment includes the broker {broker} more than once."
            ));
        }
    }
    if let Some(expected) = replication_factor.filter(|it| *it != replicas.len()) {
        return invalid(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is \
             not consistent with previous partitions, which have {expected} replica(s).",
            replicas.len()
        ));
    }
    Ok(())
}

/// A new partition has a leader.
fn check_active(
    state: State<'_>,
    partition: usize,
    replicas: &[BrokerId],
) -> Result<(), ControlError> {
    if replicas.iter().any(|id| state.image.is_active(*id)) {
        return Ok(());
    }
    Err(ControlError::InvalidReplicaAssignment(format!(
        "All brokers specified in the manual partition assignment for partition {partition} are \
         fenced or in controlled shutdown."
    )))
}

/// Whether a topic may be called so; the words are Kafka's.
pub fn check_name(name: &str) -> Result<(), ControlError> {
    let invalid =
        |why: String| Err(ControlError::InvalidTopic(format!("Topic name is invalid: {why}")));
    let allowed = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
    if name.is_empty() {
        return invalid("the empty string is not allowed".into());
    }
    if name == "." || name == ".." {
        return invalid(format!("'{name}' is not allowed"));
    }
    if name.len() > NAME_LEN_MAX {
        return invalid(format!(
            "the length of '{name}' is longer than the max allowed length {NAME_LEN_MAX}"
        ));
    }
    if !name.chars().all(allowed) {
        return invalid(format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' \
             and '-'"
        ));
    }
    Ok(())
}

/// Metric names hold no dots: `a.b` and `a_b` would be one.
fn colliding(state: State<'_>, name: &str) -> Option<Arc<str>> {
    if !name.contains(['.', '_']) {
        return None;
    }
    let unify = |byte: u8| if byte == b'.' { b'_' } else { byte };
    let collides = |it: &&Arc<str>| {
        it.len() == name.len() && it.bytes().map(unify).eq(name.bytes().map(unify))
    };
    state.image.topics.keys().find(collides).cloned()
}

/// Before anything is allocated for it: every replica takes two bytes and every partition five.
fn check_count(name: &str, partitions: usize, replicas: usize) -> Result<(), ControlError> {
    match partitions.saturating_mul(5 + 2 * replicas) {
        bytes if bytes > ASSIGNMENT_BYTES_MAX => Err(too_large(name, partitions, bytes)),
        _ => Ok(()),
    }
}

fn check_size<'a>(
    name: &str,
    assignments: impl Iterator<Item = &'a Vec<BrokerId>>,
) -> Result<(), ControlError> {
    let digits = |number: i32| number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    let (mut bytes, mut partitions) = (0, 0);
    for (number, replicas) in assignments.enumerate() {
        // `"12":[1,2,3],`
        bytes += digits(number as i32) + 6;
        bytes += replicas.iter().map(|id| digits(*id) + 1).sum::<usize>();
        partitions += 1;
    }
    if bytes > ASSIGNMENT_BYTES_MAX {
        return Err(too_large(name, partitions, bytes));
    }
    Ok(())
}

/// Whether the assignment of a topic still fits when one partition gets these replicas.
pub(super) fn check_replaced(
    state: State<'_>,
    id: &TopicPartition,
    replicas: &Vec<BrokerId>,
) -> Result<(), ControlError> {
    let all = state.image.partitions_of(&id.topic);
    let replaced = all.map(|it| if it.id == *id { replicas } else { &it.replicas });
    check_size(&id.topic, replaced)
}

fn too_large(name: &str, partitions: usize, bytes: usize) -> ControlError {
    ControlError::InvalidPartitions(format!(
        "Topic '{name}' cannot have {partitions} partitions: their assignment takes at least \
         {bytes} bytes, and {ASSIGNMENT_BYTES_MAX} is the most that one topic may take; use \
         several topics"
    ))
}

/// Used by the checks of configuration: a topic that exists.
pub(super) fn exists(state: State<'_>, name: &Arc<str>) -> Result<(), ControlError> {
    match state.image.topics.contains_key(name) {
        true => Ok(()),
        false => Err(ControlError::UnknownTopicOrPartition(Some(name.to_string()))),
    }
}
