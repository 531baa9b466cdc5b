//! The first commands of a new cluster and of a new controller.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Outcome;
use super::election::{Rules, change};
use super::state::{MIN_INSYNC_REPLICAS, State};
use crate::{Cluster, Config, ConfigResource, ControlError, Record, Topic, TopicPartition};

/// Names the cluster. Where eligible leader replicas are kept, `min.insync.replicas` becomes one
/// value for all brokers at the same time: controller and leaders must agree on it.
pub(super) fn form_cluster(state: State<'_>, cluster_id: &str) -> Outcome {
    match state.image.cluster_id.as_deref() {
        Some(id) if id == cluster_id => return Ok(Vec::new()),
        Some(id) => {
            let reason = format!("this is cluster {id}, not {cluster_id}");
            return Err(ControlError::InvalidRequest(reason));
        }
        None => {}
    }
    config::directory::ClusterId::parse(cluster_id).map_err(ControlError::InvalidRequest)?;
    let mut records = Vec::new();
    if state.defaults.elr_enabled {
        let value = state.defaults.min_insync_replicas.to_string();
        let values = BTreeMap::from([(MIN_INSYNC_REPLICAS.to_string(), value)]);
        records.push(Record::Config(Config { resource: ConfigResource::BrokerDefault, values }));
    }
    records.push(Record::Cluster(Cluster { id: cluster_id.to_string() }));
    Ok(records)
}

/// Finishes what a predecessor left half done: partitions and configurations of topics that never
/// came to be or are gone, new partitions that their topic does not count yet, and partitions
/// without a leader that can have one.
pub(super) fn reconcile(state: State<'_>) -> Vec<Record> {
    let mut records: Vec<Record> = orphans(state).map(Record::TopicRemoved).collect();
    for resource in state.image.configs.keys() {
        if let ConfigResource::Topic(name) = resource
            && !state.image.topics.contains_key(name)
            && !records.contains(&Record::TopicRemoved(name.clone()))
        {
            let (resource, values) = (resource.clone(), BTreeMap::new());
            records.push(Record::Config(Config { resource, values }));
        }
    }
    for topic in state.image.topics.values() {
        let next = state.image.partition(&topic.name, topic.partitions);
        if next.is_some() {
            let partitions = count(state, topic);
            records.push(Record::Topic(Topic { partitions, ..Topic::clone(topic) }));
        }
    }
    let leaderless = state.image.leaderless.iter().filter_map(|id| state.image.partitions.get(id));
    let led = leaderless
        .filter(|it| state.image.topics.contains_key(&it.id.topic))
        .filter_map(|it| change(it, Rules::new(state), |_| {}));
    records.extend(led.map(Record::Partition));
    records
}

/// Topics that have partitions but do not exist. Goes from topic to topic, not through partitions.
fn orphans<'a>(state: State<'a>) -> impl Iterator<Item = Arc<str>> + use<'a> {
    let mut next = TopicPartition { topic: "".into(), partition: 0 };
    std::iter::from_fn(move || {
        loop {
            let (id, _) = state.image.partitions.range(next.clone()..).next()?;
            next = TopicPartition { topic: id.topic.clone(), partition: i32::MAX };
            if !state.image.topics.contains_key(&id.topic) {
                return Some(id.topic.clone());
            }
        }
    })
}

fn count(state: State<'_>, topic: &Topic) -> i32 {
    let mut count = topic.partitions;
    while state.image.partition(&topic.name, count).is_some() {
        count += 1;
    }
    count
}
