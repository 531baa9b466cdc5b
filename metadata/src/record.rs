//! The entities of cluster metadata, and the records that change them.
//!
//! A record is the whole new value of one entity, or its removal: never a difference. Applying one
//! twice is harmless, a snapshot is a list of records, and every record maps to one znode. The raft
//! log, the znode tree, the brokers' stream and the image are encodings of one map.
//!
//! The order of enum variants and of struct fields is persisted (see `codec`): variants are only
//! ever appended, and a changed entity gets a new variant.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
pub use uuid::Uuid;

/// A broker's `node.id`.
pub type BrokerId = i32;
/// A controller's `node.id`. Brokers and controllers share one number space, as in Kafka.
pub type ControllerId = i32;

/// A change to one entity: its whole new value, or its removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// Written once, by the first controller: which cluster this is.
    Cluster(Cluster),
    Broker(Broker),
    BrokerRemoved(BrokerId),
    Controller(Controller),
    ControllerRemoved(ControllerId),
    /// Follows its partitions: partitions without a topic are invisible, so that every prefix of a
    /// creation is a valid state.
    Topic(Topic),
    /// Removes the topic, its partitions and its configuration.
    TopicRemoved(Arc<str>),
    Partition(Partition),
    /// The whole dynamic configuration of one resource. Empty values are not kept: an empty map
    /// removes the entity.
    Config(Config),
    ProducerIds(ProducerIds),
    Feature(Feature),
    Mode(Mode),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Base64url of a UUID without padding, 22 characters, never starting with a dash.
    pub id: String,
}

/// A broker as it registered, and whether it may serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Broker {
    pub id: BrokerId,
    /// Rises with every registration of a new incarnation. Requests of earlier ones are refused.
    pub epoch: i64,
    /// Chosen by the broker process at its start. The same incarnation keeps its epoch.
    pub incarnation: Uuid,
    pub listeners: Vec<Listener>,
    pub rack: Option<String>,
    pub log_dirs: Vec<Uuid>,
    /// Registered, but may neither lead nor join an ISR.
    pub fenced: bool,
    /// Leaving: keeps its replicas, receives no leadership.
    pub in_controlled_shutdown: bool,
}

/// One advertised endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    pub name: String,
    pub host: String,
    pub port: u16,
    /// PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
    pub security_protocol: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controller {
    pub id: ControllerId,
    pub incarnation: Uuid,
    /// host:port of its gRPC services.
    pub endpoint: String,
    pub directory_id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Topic {
    pub name: Arc<str>,
    pub id: Uuid,
    pub partitions: i32,
}

/// Names a partition. Ordered by topic, then number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TopicPartition {
    pub topic: Arc<str>,
    pub partition: i32,
}

/// Leadership and membership of one partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    pub id: TopicPartition,
    /// Preference order: the first replica is the preferred leader.
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    /// Eligible leader replicas (KIP-966): left the ISR while it was below `min.insync.replicas`,
    /// and hold everything up to the high watermark.
    pub elr: Vec<BrokerId>,
    pub last_known_leader: Option<BrokerId>,
    pub leader: Option<BrokerId>,
    /// Rises when the leader changes. Fences clients and followers.
    pub leader_epoch: i32,
    /// Rises with any change. Fences concurrent changes of the ISR.
    pub partition_epoch: i32,
    /// An unclean election happened and the leader has not finished recovery.
    pub recovering: bool,
    pub adding_replicas: Vec<BrokerId>,
    pub removing_replicas: Vec<BrokerId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConfigResource {
    Topic(Arc<str>),
    Broker(BrokerId),
    /// The default of all brokers (an empty resource name on the wire, `<default>` in ZooKeeper).
    BrokerDefault,
    Group(Arc<str>),
    ClientMetrics(Arc<str>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    pub resource: ConfigResource,
    pub values: BTreeMap<String, String>,
}

/// All producer ids below `next` have been handed out in blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProducerIds {
    pub next: i64,
    /// Who took the last block, as Kafka's znode and record name it.
    pub broker: BrokerId,
    pub broker_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    pub name: String,
    pub level: i16,
}

/// Which store holds the truth. The last record of a store that was left stays as a tombstone that
/// names its successor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mode {
    pub coordination: Coordination,
    pub generation: u32,
    /// Connect string of the ensemble, chroot included; empty in raft mode.
    pub zookeeper_connect: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Coordination {
    Raft,
    ZooKeeper,
}

impl TopicPartition {
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl std::fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
