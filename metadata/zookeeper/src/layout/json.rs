//! The value of every znode that holds an entity.
//!
//! Readers take what Kafka 3.9 writes, where our own members are missing; writers add theirs. Each
//! member or znode of ours carries a format version, and a newer one is refused.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use metadata::{
    Broker, BrokerId, ClusterImage, Controller, ControllerId, Coordination, Listener, Mode,
    Partition, ProducerIds, Topic, TopicPartition, Uuid,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The format of our members and znodes that this program writes. It reads this one.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Why a znode's value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("{path} cannot be read: {reason}")]
    Malformed { path: String, reason: String },
    #[error(
        "{path} has format {found}, newer than {FORMAT_VERSION}, the newest that this program \
         reads: upgrade this server first"
    )]
    NewerFormat { path: String, found: u32 },
}

impl ReadError {
    pub(crate) fn malformed(path: &str, reason: impl ToString) -> Self {
        Self::Malformed { path: path.into(), reason: reason.to_string() }
    }
}

pub(crate) fn parse<T: DeserializeOwned>(path: &str, data: &[u8]) -> Result<T, ReadError> {
    // The format first: what a newer program wrote may look different.
    match format_of(path, data) {
        Some(found) if found > FORMAT_VERSION => {
            Err(ReadError::NewerFormat { path: path.into(), found })
        }
        _ => serde_json::from_slice(data).map_err(|error| ReadError::malformed(path, error)),
    }
}

/// The version of what is ours in a znode: all of it below `/janus`, one member elsewhere.
fn format_of(path: &str, data: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Ours {
        version: u32,
    }
    #[derive(Deserialize)]
    struct Kafkas {
        janus: Ours,
    }
    let ours = if path.starts_with(super::JANUS) {
        serde_json::from_slice::<Ours>(data)
    } else {
        serde_json::from_slice::<Kafkas>(data).map(|it| it.janus)
    };
    ours.ok().map(|it| it.version)
}

pub(crate) fn render(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps with names as keys are JSON")
}

/// Kafka's form of a UUID: base64url without padding, 22 characters.
fn format_uuid(uuid: &Uuid) -> String {
    URL_SAFE_NO_PAD.encode(uuid.as_bytes())
}

fn parse_uuid(path: &str, text: &str) -> Result<Uuid, ReadError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    bytes.and_then(|bytes| Uuid::from_slice(&bytes).ok()).ok_or_else(|| {
        ReadError::malformed(path, format!("'{text}' is no id of 22 base64 characters"))
    })
}

// `/cluster/id`

#[derive(Serialize, Deserialize)]
struct ClusterJson {
    #[serde(default)]
    version: String,
    id: String,
}

pub(crate) fn cluster_id(id: &str) -> Vec<u8> {
    render(&ClusterJson { version: "1".into(), id: id.into() })
}

pub(crate) fn parse_cluster_id(path: &str, data: &[u8]) -> Result<String, ReadError> {
    parse::<ClusterJson>(path, data).map(|it| it.id)
}

// `/latest_producer_id_block`

#[derive(Serialize, Deserialize)]
struct ProducerIdsJson {
    version: u32,
    broker: BrokerId,
    block_start: String,
    /// The last id of the block.
    block_end: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    janus: Option<ProducerIdsExtra>,
}

#[derive(Serialize, Deserialize)]
struct ProducerIdsExtra {
    version: u32,
    broker_epoch: i64,
}

/// Kafka's block of producer ids.
const PRODUCER_ID_BLOCK: i64 = 1000;

pub(crate) fn producer_ids(ids: &ProducerIds) -> Vec<u8> {
    render(&ProducerIdsJson {
        version: 1,
        broker: ids.broker,
        block_start: ids.next.wrapping_sub(PRODUCER_ID_BLOCK).to_string(),
        block_end: ids.next.wrapping_sub(1).to_string(),
        janus: Some(ProducerIdsExtra { version: FORMAT_VERSION, broker_epoch: ids.broker_epoch }),
    })
}

pub(crate) fn parse_producer_ids(path: &str, data: &[u8]) -> Result<ProducerIds, ReadError> {
    let json: ProducerIdsJson = parse(path, data)?;
    let end: i64 = json.block_end.parse().map_err(|error| {
        ReadError::malformed(path, format!("block_end '{}': {error}", json.block_end))
    })?;
    let broker_epoch = json.janus.map_or(-1, |it| it.broker_epoch);
    Ok(ProducerIds { next: end.wrapping_add(1), broker: json.broker, broker_epoch })
}

// `/feature`

#[derive(Serialize, Deserialize)]
struct FeaturesJson {
    version: u32,
    /// 1: enabled.
    status: u32,
    features: BTreeMap<String, FeatureJson>,
}

#[derive(Serialize, Deserialize)]
struct FeatureJson {
    max_version_level: i16,
}

pub(crate) fn features(image: &ClusterImage) -> Vec<u8> {
    let level = |level| FeatureJson { max_version_level: level };
    let features = image.features.iter().map(|(name, it)| (name.clone(), level(it.level)));
    render(&FeaturesJson { version: 2, status: 1, features: features.collect() })
}

pub(crate) fn parse_features(
    path: &str,
    data: &[u8],
) -> Result<impl Iterator<Item = (String, i16)> + use<>, ReadError> {
    let json: FeaturesJson = parse(path, data)?;
    Ok(json.features.into_iter().map(|(name, it)| (name, it.max_version_level)))
}

// `/config/<type>/<entity>`

#[derive(Serialize, Deserialize)]
struct ConfigJson {
    version: u32,
    #[serde(default)]
    config: BTreeMap<String, String>,
}

pub(crate) fn config(values: &BTreeMap<String, String>) -> Vec<u8> {
    render(&ConfigJson { version: 1, config: values.clone() })
}

pub(crate) fn parse_config(path: &str, data: &[u8]) -> Result<BTreeMap<String, String>, ReadError> {
    if data.is_empty() {
        return Ok(BTreeMap::new());
    }
    parse::<ConfigJson>(path, data).map(|it| it.config)
}

// `/brokers/topics/<topic>`

#[derive(Serialize, Deserialize)]
struct TopicJson {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic_id: Option<String>,
    partitions: BTreeMap<i32, Vec<BrokerId>>,
    #[serde(default)]
    adding_replicas: BTreeMap<i32, Vec<BrokerId>>,
    #[serde(default)]
    removing_replicas: BTreeMap<i32, Vec<BrokerId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    janus: Option<TopicExtra>,
}

/// Only where the topic does not count exactly the partitions that are listed.
#[derive(Serialize, Deserialize)]
struct TopicExtra {
    version: u32,
    /// How many partitions the topic counts. Nothing where there is no topic id: then the
    /// partitions belong to a topic that is being created.
    partitions: i32,
}

/// The replicas of one partition, as its topic's znode lists them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) replicas: Vec<BrokerId>,
    pub(crate) adding: Vec<BrokerId>,
    pub(crate) removing: Vec<BrokerId>,
}

/// A topic's znode: id and count, unless the topic is not complete, and all assignments.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct TopicValue {
    pub(crate) topic: Option<(Uuid, i32)>,
    pub(crate) assignments: BTreeMap<i32, Assignment>,
}

pub(crate) fn topic<'a>(
    topic: Option<&Topic>,
    partitions: impl Iterator<Item = &'a Partition>,
) -> Vec<u8> {
    let mut json = TopicJson {
        version: 3,
        topic_id: topic.map(|it| format_uuid(&it.id)),
        partitions: BTreeMap::new(),
        adding_replicas: BTreeMap::new(),
        removing_replicas: BTreeMap::new(),
        janus: None,
    };
    for Partition { id, replicas, adding_replicas, removing_replicas, .. } in partitions {
        json.partitions.insert(id.partition, replicas.clone());
        if !adding_replicas.is_empty() {
            json.adding_replicas.insert(id.partition, adding_replicas.clone());
        }
        if !removing_replicas.is_empty() {
            json.removing_replicas.insert(id.partition, removing_replicas.clone());
        }
    }
    let count = topic.map(|it| it.partitions);
    if count.is_none_or(|count| usize::try_from(count) != Ok(json.partitions.len())) {
        let partitions = count.unwrap_or(0);
        json.janus = Some(TopicExtra { version: FORMAT_VERSION, partitions });
    }
    render(&json)
}

pub(crate) fn parse_topic(path: &str, data: &[u8]) -> Result<TopicValue, ReadError> {
    let json: TopicJson = parse(path, data)?;
    let topic = match (json.topic_id, json.janus) {
        (Some(id), extra) => {
            let listed = i32::try_from(json.partitions.len()).unwrap_or(i32::MAX);
            Some((parse_uuid(path, &id)?, extra.map_or(listed, |it| it.partitions)))
        }
        (None, Some(_)) => None,
        (None, None) => {
            let reason = "it has no topic_id; Kafka gives topics one from version 2.8 on: run a \
                          newer Kafka on this ensemble once";
            return Err(ReadError::malformed(path, reason));
        }
    };
    let (mut adding, mut removing) = (json.adding_replicas, json.removing_replicas);
    let assignments = json.partitions.into_iter().map(|(number, replicas)| {
        let adding = adding.remove(&number).unwrap_or_default();
        let removing = removing.remove(&number).unwrap_or_default();
        (number, Assignment { replicas, adding, removing })
    });
    Ok(TopicValue { topic, assignments: assignments.collect() })
}

// `/brokers/topics/<topic>/partitions/<partition>/state`

#[derive(Serialize, Deserialize)]
struct StateJson {
    version: u32,
    /// -1: none.
    leader: BrokerId,
    leader_epoch: i32,
    controller_epoch: u64,
    isr: Vec<BrokerId>,
    /// 1: recovering.
    #[serde(skip_serializing_if = "Option::is_none")]
    leader_recovery_state: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    janus: Option<StateExtra>,
}

#[derive(Serialize, Deserialize)]
struct StateExtra {
    version: u32,
    partition_epoch: i32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    elr: Vec<BrokerId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_known_leader: Option<BrokerId>,
}

const RECOVERING: u8 = 1;

/// `term` is the controller epoch under which this is written.
pub(crate) fn state(partition: &Partition, term: u64) -> Vec<u8> {
    render(&StateJson {
        version: 1,
        leader: partition.leader.unwrap_or(-1),
        leader_epoch: partition.leader_epoch,
        controller_epoch: term,
        isr: partition.isr.clone(),
        leader_recovery_state: partition.recovering.then_some(RECOVERING),
        janus: Some(StateExtra {
            version: FORMAT_VERSION,
            partition_epoch: partition.partition_epoch,
            elr: partition.elr.clone(),
            last_known_leader: partition.last_known_leader,
        }),
    })
}

pub(crate) fn parse_state(
    path: &str,
    data: &[u8],
    id: TopicPartition,
    assignment: Assignment,
) -> Result<Partition, ReadError> {
    let json: StateJson = parse(path, data)?;
    let extra = json.janus.unwrap_or(StateExtra {
        version: FORMAT_VERSION,
        partition_epoch: 0,
        elr: Vec::new(),
        last_known_leader: None,
    });
    Ok(Partition {
        id,
        replicas: assignment.replicas,
        isr: json.isr,
        elr: extra.elr,
        last_known_leader: extra.last_known_leader,
        leader: Some(json.leader).filter(|leader| *leader != -1),
        leader_epoch: json.leader_epoch,
        partition_epoch: extra.partition_epoch,
        recovering: json.leader_recovery_state == Some(RECOVERING),
        adding_replicas: assignment.adding,
        removing_replicas: assignment.removing,
    })
}

// `/janus/mode`

#[derive(Serialize, Deserialize)]
struct ModeJson {
    version: u32,
    coordination: CoordinationJson,
    generation: u32,
    zookeeper_connect: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CoordinationJson {
    Raft,
    ZooKeeper,
}

pub(crate) fn mode(mode: &Mode) -> Vec<u8> {
    render(&ModeJson {
        version: FORMAT_VERSION,
        coordination: match mode.coordination {
            Coordination::Raft => CoordinationJson::Raft,
            Coordination::ZooKeeper => CoordinationJson::ZooKeeper,
        },
        generation: mode.generation,
        zookeeper_connect: mode.zookeeper_connect.clone(),
    })
}

pub(crate) fn parse_mode(path: &str, data: &[u8]) -> Result<Mode, ReadError> {
    let json: ModeJson = parse(path, data)?;
    Ok(Mode {
        coordination: match json.coordination {
            CoordinationJson::Raft => Coordination::Raft,
            CoordinationJson::ZooKeeper => Coordination::ZooKeeper,
        },
        generation: json.generation,
        zookeeper_connect: json.zookeeper_connect,
    })
}

// `/janus/brokers/<id>`

#[derive(Serialize, Deserialize)]
struct BrokerJson {
    version: u32,
    epoch: i64,
    incarnation: String,
    listeners: Vec<ListenerJson>,
    rack: Option<String>,
    log_dirs: Vec<String>,
    fenced: bool,
    in_controlled_shutdown: bool,
}

#[derive(Serialize, Deserialize)]
struct ListenerJson {
    name: String,
    host: String,
    port: u16,
    security_protocol: String,
}

pub(crate) fn broker(broker: &Broker) -> Vec<u8> {
    let listener = |it: &Listener| ListenerJson {
        name: it.name.clone(),
        host: it.host.clone(),
        port: it.port,
        security_protocol: it.security_protocol.clone(),
    };
    render(&BrokerJson {
        version: FORMAT_VERSION,
        epoch: broker.epoch,
        incarnation: format_uuid(&broker.incarnation),
        listeners: broker.listeners.iter().map(listener).collect(),
        rack: broker.rack.clone(),
        log_dirs: broker.log_dirs.iter().map(format_uuid).collect(),
        fenced: broker.fenced,
        in_controlled_shutdown: broker.in_controlled_shutdown,
    })
}

pub(crate) fn parse_broker(path: &str, data: &[u8], id: BrokerId) -> Result<Broker, ReadError> {
    let json: BrokerJson = parse(path, data)?;
    let listener = |it: ListenerJson| Listener {
        name: it.name,
        host: it.host,
        port: it.port,
        security_protocol: it.security_protocol,
    };
    let log_dirs = json.log_dirs.iter().map(|text| parse_uuid(path, text));
    Ok(Broker {
        id,
        epoch: json.epoch,
        incarnation: parse_uuid(path, &json.incarnation)?,
        listeners: json.listeners.into_iter().map(listener).collect(),
        rack: json.rack,
        log_dirs: log_dirs.collect::<Result<_, _>>()?,
        fenced: json.fenced,
        in_controlled_shutdown: json.in_controlled_shutdown,
    })
}

// `/janus/controllers/<id>`

#[derive(Serialize, Deserialize)]
struct ControllerJson {
    version: u32,
    incarnation: String,
    endpoint: String,
    directory_id: String,
}

pub(crate) fn controller(controller: &Controller) -> Vec<u8> {
    render(&ControllerJson {
        version: FORMAT_VERSION,
        incarnation: format_uuid(&controller.incarnation),
        endpoint: controller.endpoint.clone(),
        directory_id: format_uuid(&controller.directory_id),
    })
}

pub(crate) fn parse_controller(
    path: &str,
    data: &[u8],
    id: ControllerId,
) -> Result<Controller, ReadError> {
    let json: ControllerJson = parse(path, data)?;
    Ok(Controller {
        id,
        incarnation: parse_uuid(path, &json.incarnation)?,
        endpoint: json.endpoint,
        directory_id: parse_uuid(path, &json.directory_id)?,
    })
}
