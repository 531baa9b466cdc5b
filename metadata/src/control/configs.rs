//! Changes of dynamic configuration, checked against the table of keys.

use std::collections::{BTreeMap, BTreeSet};

use config::{Settings, Type};

use super::election::{Rules, change};
use super::state::{MIN_INSYNC_REPLICAS, State, UNCLEAN_LEADER_ELECTION};
use super::{AlterConfigs, ConfigOperation, Outcome, topic};
use crate::{ClusterImage, Config, ConfigResource, ControlError, Partition, Record};

/// Room for the configuration of one resource, which is one znode.
const CONFIG_BYTES_MAX: usize = 1_000_000;

/// AlterConfigs and IncrementalAlterConfigs. No records: nothing changes.
///
/// Two keys have consequences for partitions. With a lower `min.insync.replicas` leaders may move
/// the high watermark on their own again, so eligible replicas are given up *before* the new value
/// shows. Where `unclean.leader.election.enable` becomes true, leaderless partitions get a leader.
pub(super) fn alter(state: State<'_>, request: &AlterConfigs) -> Outcome {
    check_resource(state, &request.resource)?;
    let before = state.image.configs.get(&request.resource);
    let before = before.map(|it| (**it).clone()).unwrap_or_default();
    let after = apply(&before, request)?;
    check_values(state, &request.resource, &before, &after)?;
    if after == before || request.validate_only {
        return Ok(Vec::new());
    }
    let config = Record::Config(Config { resource: request.resource.clone(), values: after });
    let mut image = state.image.clone();
    image.apply(&config);
    let changed = |key: &str| {
        let value = |image: &ClusterImage| {
            image.configs.get(&request.resource).and_then(|values| values.get(key).cloned())
        };
        value(state.image) != value(&image)
    };
    let next = State { image: &image, ..state };
    let mut records = Vec::new();
    if changed(MIN_INSYNC_REPLICAS) {
        let eligible = partitions_of(state, &request.resource).filter(|it| !it.elr.is_empty());
        records.extend(eligible.filter_map(|it| change(it, Rules::new(next), |_| {})));
    }
    let settled: BTreeSet<_> = records.iter().map(|it| it.id.clone()).collect();
    let mut records: Vec<Record> = records.into_iter().map(Record::Partition).collect();
    records.push(config);
    if changed(UNCLEAN_LEADER_ELECTION) {
        let leaderless = partitions_of(state, &request.resource)
            .filter(|it| it.leader.is_none() && !settled.contains(&it.id));
        let led = leaderless.filter_map(|it| change(it, Rules::new(next), |_| {}));
        records.extend(led.map(Record::Partition));
    }
    Ok(records)
}

/// The configuration of a topic that is about to be created.
pub(super) fn check_topic(
    state: State<'_>,
    values: &BTreeMap<String, String>,
) -> Result<(), ControlError> {
    config::validate_topic_configs(&brokers(state), values).map_err(ControlError::InvalidConfig)?;
    check_size(values)
}

/// The partitions whose configuration a resource decides. Those of all topics only for the default
/// of all brokers, which people change and failovers do not.
fn partitions_of<'a>(
    state: State<'a>,
    resource: &'a ConfigResource,
) -> Box<dyn Iterator<Item = &'a Partition> + 'a> {
    match resource {
        ConfigResource::Topic(name) => Box::new(state.image.partitions_of(name).map(|it| &**it)),
        ConfigResource::BrokerDefault => Box::new(state.image.partitions.values().map(|it| &**it)),
        _ => Box::new(std::iter::empty()),
    }
}

fn apply(
    before: &BTreeMap<String, String>,
    request: &AlterConfigs,
) -> Result<BTreeMap<String, String>, ControlError> {
    let mut after = if request.replace { BTreeMap::new() } else { before.clone() };
    let mut seen = BTreeSet::new();
    for (key, operation) in &request.operations {
        if !seen.insert(key) {
            let reason = format!("Error due to duplicate config keys: {key}");
            return Err(ControlError::InvalidRequest(reason));
        }
        match operation {
            ConfigOperation::Set(value) => drop(after.insert(key.clone(), value.trim().into())),
            _ if request.replace => {
                let reason = format!("{key}: everything is replaced, so it can only be set");
                return Err(ControlError::InvalidRequest(reason));
            }
            ConfigOperation::Delete => drop(after.remove(key)),
            ConfigOperation::Append(value) | ConfigOperation::Subtract(value) => {
                let (kind, default) = list(&request.resource, key);
                if kind != Some(Type::List) {
                    let word = match operation {
                        ConfigOperation::Append(_) => "APPEND",
                        _ => "SUBTRACT",
                    };
                    return Err(ControlError::InvalidConfig(format!(
                        "Can't {word} to key {key} because its type is not LIST."
                    )));
                }
                let current = after.get(key).map(String::as_str).unwrap_or(default);
                let mut elements: Vec<&str> = split(current).collect();
                for element in split(value) {
                    match operation {
                        ConfigOperation::Append(_) if elements.contains(&element) => {}
                        ConfigOperation::Append(_) => elements.push(element),
                        _ => elements.retain(|it| *it != element),
                    }
                }
                let joined = elements.join(",");
                after.insert(key.clone(), joined);
            }
        }
    }
    Ok(after)
}

fn split(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|it| !it.is_empty())
}

fn list(resource: &ConfigResource, key: &str) -> (Option<Type>, &'static str) {
    let found = match resource {
        ConfigResource::Topic(_) => config::topic_key(key),
        ConfigResource::Broker(_) | ConfigResource::BrokerDefault => config::server_key(key),
        ConfigResource::Group(_) => config::group_keys().find(|it| it.name == key),
        ConfigResource::ClientMetrics(_) => config::client_metrics_keys().find(|it| it.name == key),
    };
    (found.map(|it| it.kind), found.and_then(|it| it.default).unwrap_or_default())
}

fn check_resource(state: State<'_>, resource: &ConfigResource) -> Result<(), ControlError> {
    let unnamed = |what: &str| Err(ControlError::InvalidRequest(format!("{what} has no name")));
    match resource {
        ConfigResource::Topic(name) => topic::exists(state, name),
        ConfigResource::Broker(id) if !state.image.brokers.contains_key(id) => {
            Err(ControlError::BrokerIdNotRegistered(*id))
        }
        ConfigResource::Group(name) if name.is_empty() => unnamed("the group"),
        ConfigResource::ClientMetrics(name) if name.is_empty() => unnamed("the subscription"),
        _ => Ok(()),
    }
}

/// Only what changes is checked: what an earlier version allowed does not stand in the way.
fn check_values(
    state: State<'_>,
    resource: &ConfigResource,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Result<(), ControlError> {
    let touched = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    let touched: BTreeMap<String, String> =
        touched.map(|(key, value)| (key.clone(), value.clone())).collect();
    let each = |check: &dyn Fn(&str, &str) -> Result<(), String>| {
        touched.iter().try_for_each(|(key, value)| check(key, value))
    };
    let checked = match resource {
        ConfigResource::Topic(_) => each(&config::validate_topic_config)
            .and_then(|()| config::validate_topic_together(&brokers(state), after)),
        ConfigResource::Broker(_) => {
            each(&|key, value| config::validate_broker_config(key, value, true))
        }
        ConfigResource::BrokerDefault => {
            each(&|key, value| config::validate_broker_config(key, value, false))
        }
        ConfigResource::Group(_) => each(&config::validate_group_config),
        ConfigResource::ClientMetrics(_) => each(&config::validate_client_metrics_config),
    };
    checked.map_err(ControlError::InvalidConfig)?;
    check_min_insync_replicas(state, resource, before, after)?;
    check_size(after)
}

/// With eligible leader replicas, controller and leaders must agree on when the high watermark can
/// move. Rules and words are Kafka's.
fn check_min_insync_replicas(
    state: State<'_>,
    resource: &ConfigResource,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Result<(), ControlError> {
    let (old, new) = (before.get(MIN_INSYNC_REPLICAS), after.get(MIN_INSYNC_REPLICAS));
    if !state.defaults.elr_enabled || old == new {
        return Ok(());
    }
    match resource {
        ConfigResource::Broker(_) if new.is_some() => Err(ControlError::InvalidConfig(
            "Broker-level min.insync.replicas cannot be altered while ELR is enabled.".into(),
        )),
        ConfigResource::BrokerDefault if new.is_none() => Err(ControlError::InvalidConfig(
            "Cluster-level min.insync.replicas cannot be removed while ELR is enabled.".into(),
        )),
        _ => Ok(()),
    }
}

fn check_size(values: &BTreeMap<String, String>) -> Result<(), ControlError> {
    let bytes: usize = values.iter().map(|(key, value)| key.len() + value.len() + 8).sum();
    if bytes > CONFIG_BYTES_MAX {
        return Err(ControlError::InvalidConfig(format!(
            "the configuration takes {bytes} bytes, and one resource may have {CONFIG_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// The configuration of brokers as far as the controller knows it.
fn brokers(state: State<'_>) -> Settings {
    let default = state.image.configs.get(&ConfigResource::BrokerDefault);
    let default = default.map(|it| (**it).clone()).unwrap_or_default();
    Settings::default().with_dynamic(&default, &BTreeMap::new())
}
