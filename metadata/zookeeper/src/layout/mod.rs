//! What stands where in the ensemble: the one mapping between records and znodes.
//!
//! Paths and JSON are Kafka's, those of its ZooKeeper mode at version 3.9. What Kafka has no place
//! for stands in a member `janus` of its JSON, or below `/janus`. Everything here is pure:
//!
//! - `json`: the value of every znode that holds an entity, `signs` of every other one.
//! - `plan`: what to write so that one image becomes another.
//! - `assembly`: the image, out of what was read.

pub(crate) mod assembly;
pub(crate) mod json;
pub(crate) mod plan;
pub(crate) mod signs;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use metadata::{BrokerId, ConfigResource, ControllerId, TopicPartition};

pub(crate) const CONTROLLER: &str = "/controller";
pub(crate) const CONTROLLER_EPOCH: &str = "/controller_epoch";
pub(crate) const CLUSTER_ID: &str = "/cluster/id";
pub(crate) const BROKER_IDS: &str = "/brokers/ids";
pub(crate) const PRODUCER_IDS: &str = "/latest_producer_id_block";
pub(crate) const FEATURE: &str = "/feature";
/// Says which format everything of ours has.
pub(crate) const JANUS: &str = "/janus";
/// Counts commits; written with each of them.
pub(crate) const OFFSET: &str = "/janus/offset";
pub(crate) const MODE: &str = "/janus/mode";
/// Ephemeral: the controllers that live.
pub(crate) const CANDIDATES: &str = "/janus/candidates";

const TOPICS: &str = "/brokers/topics";
const TOPIC_CONFIGS: &str = "/config/topics";
const BROKER_CONFIGS: &str = "/config/brokers";
const GROUP_CONFIGS: &str = "/config/groups";
const CLIENT_METRICS: &str = "/config/client-metrics";
const BROKERS: &str = "/janus/brokers";
const CONTROLLERS: &str = "/janus/controllers";

/// The name of the default of all brokers, as Kafka writes it.
const DEFAULT: &str = "<default>";

/// What must be there before anything else, parents first. The first part is what Kafka creates when a
/// broker starts, whether we use it or not: people and tools expect it.
pub(crate) const BASE: [&str; 26] = [
    "/consumers",
    "/brokers",
    BROKER_IDS,
    TOPICS,
    "/brokers/seqid",
    "/cluster",
    "/config",
    "/config/changes",
    TOPIC_CONFIGS,
    "/config/clients",
    "/config/users",
    BROKER_CONFIGS,
    "/config/ips",
    "/admin",
    "/admin/delete_topics",
    "/isr_change_notification",
    PRODUCER_IDS,
    "/log_dir_event_notification",
    FEATURE,
    GROUP_CONFIGS,
    CLIENT_METRICS,
    JANUS,
    BROKERS,
    CONTROLLERS,
    CANDIDATES,
    OFFSET,
];

/// A znode that holds one entity, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Znode {
    ClusterId,
    ProducerIds,
    Features,
    Mode,
    Broker(BrokerId),
    Controller(ControllerId),
    Config(ConfigResource),
    /// The id of a topic, and which brokers hold its partitions.
    Topic(Arc<str>),
    /// Leadership and membership of one partition.
    State(TopicPartition),
}

/// Those that are always at the same place.
pub(crate) const SINGLE: [Znode; 4] =
    [Znode::ClusterId, Znode::ProducerIds, Znode::Features, Znode::Mode];

/// A znode whose children hold entities, and what a child of some name is.
pub(crate) type Directory = (&'static str, fn(&str) -> Option<Znode>);

pub(crate) const DIRECTORIES: [Directory; 7] = [
    (TOPICS, |name| Some(Znode::Topic(decode_name(name)?))),
    (TOPIC_CONFIGS, |name| Some(Znode::Config(ConfigResource::Topic(decode_name(name)?)))),
    (BROKER_CONFIGS, |name| {
        Some(Znode::Config(match name {
            DEFAULT => ConfigResource::BrokerDefault,
            id => ConfigResource::Broker(id.parse().ok()?),
        }))
    }),
    (GROUP_CONFIGS, |name| Some(Znode::Config(ConfigResource::Group(decode_name(name)?)))),
    (CLIENT_METRICS, |name| Some(Znode::Config(ConfigResource::ClientMetrics(decode_name(name)?)))),
    (BROKERS, |name| Some(Znode::Broker(name.parse().ok()?))),
    (CONTROLLERS, |name| Some(Znode::Controller(name.parse().ok()?))),
];

impl Znode {
    pub(crate) fn path(&self) -> String {
        match self {
            Self::ClusterId => CLUSTER_ID.into(),
            Self::ProducerIds => PRODUCER_IDS.into(),
            Self::Features => FEATURE.into(),
            Self::Mode => MODE.into(),
            Self::Broker(id) => format!("{BROKERS}/{id}"),
            Self::Controller(id) => format!("{CONTROLLERS}/{id}"),
            Self::Config(resource) => match resource {
                ConfigResource::Topic(name) => format!("{TOPIC_CONFIGS}/{}", encode_name(name)),
                ConfigResource::Broker(id) => format!("{BROKER_CONFIGS}/{id}"),
                ConfigResource::BrokerDefault => format!("{BROKER_CONFIGS}/{DEFAULT}"),
                ConfigResource::Group(name) => format!("{GROUP_CONFIGS}/{}", encode_name(name)),
                ConfigResource::ClientMetrics(name) => {
                    format!("{CLIENT_METRICS}/{}", encode_name(name))
                }
            },
            Self::Topic(name) => format!("{TOPICS}/{}", encode_name(name)),
            Self::State(id) => format!("{}/state", partition_path(&id.topic, id.partition)),
        }
    }
}

/// The parent of a topic's partitions.
fn partitions_path(topic: &str) -> String {
    format!("{TOPICS}/{}/partitions", encode_name(topic))
}

fn partition_path(topic: &str, partition: i32) -> String {
    format!("{}/{partition}", partitions_path(topic))
}

pub(crate) fn candidate_path(id: ControllerId) -> String {
    format!("{CANDIDATES}/{id}")
}

/// A name as a znode's name, as Kafka sanitizes names: percent-encoded as in a URL. Names of topics
/// stay as they are.
fn encode_name(name: &str) -> String {
    match name {
        "" => return "%".into(),
        "." => return "%2E".into(),
        ".." => return "%2E%2E".into(),
        _ => {}
    }
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                encoded.push(byte.into())
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// `None`: nobody encodes a name like that.
fn decode_name(encoded: &str) -> Option<Arc<str>> {
    if encoded == "%" {
        return Some("".into());
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high << 4 | low).ok()?
            }
            byte => byte,
        });
    }
    let name = String::from_utf8(bytes).ok()?;
    (encode_name(&name) == encoded).then(|| name.into())
}
