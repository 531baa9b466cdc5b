//! The controller as a function: image and command in, records out. No clock, no IO, no locks.
//!
//! `election` is the heart: whatever happens to a broker or a partition becomes a wish for one
//! partition, and `election::change` settles ISR, eligible leaders, leader and epochs by one set of
//! rules. Read it first, then `broker` and `partition`.

mod balance;
mod broker;
mod configs;
mod election;
mod partition;
mod placement;
mod producer_ids;
mod reassignment;
mod reconcile;
mod state;
mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::state::Defaults;
use self::state::State;
pub use self::topic::check_name as check_topic_name;
use crate::{BrokerId, ClusterImage, ConfigResource, Controller, Listener, Record, TopicPartition};

/// Everything that can ask the controller for a change. Commands cross gRPC: like records, variants
/// are only ever appended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    RegisterBroker(RegisterBroker),
    RegisterController(Controller),
    UnregisterBroker {
        id: BrokerId,
    },
    /// The broker counts as dead: it leaves every ISR and leads nothing.
    FenceBroker {
        id: BrokerId,
        epoch: i64,
    },
    /// The broker has recovered and is caught up: it may serve.
    UnfenceBroker {
        id: BrokerId,
        epoch: i64,
    },
    /// Moves leaderships away and takes the broker out of ISRs that can spare it.
    BeginControlledShutdown {
        id: BrokerId,
        epoch: i64,
    },
    CreateTopic(CreateTopic),
    DeleteTopic {
        topic: TopicSelector,
    },
    CreatePartitions {
        topic: Arc<str>,
        /// The new total.
        count: i32,
        assignments: Option<Vec<Vec<BrokerId>>>,
        validate_only: bool,
    },
    AlterPartition(AlterPartition),
    ElectLeader {
        partition: TopicPartition,
        election: Election,
    },
    /// Preferred elections for brokers whose imbalance exceeds this percentage
    /// (`leader.imbalance.per.broker.percentage`). At most `limit` partitions move.
    BalanceLeaders {
        imbalance_percentage: i32,
        limit: usize,
    },
    /// One block of producer ids; the record says which: `[next - 1000, next)`.
    AllocateProducerIds {
        broker: BrokerId,
        broker_epoch: i64,
    },
    AlterConfigs(AlterConfigs),
    /// The first command of a new active controller: finishes what its predecessor left half done
    /// (partitions without a topic are removed, leaderless partitions get a leader where possible).
    Reconcile,
    /// The first command of a new cluster.
    FormCluster {
        cluster_id: String,
    },
    /// Moves a partition to these replicas (AlterPartitionReassignments); `None` takes back the
    /// move that is under way.
    ReassignPartition {
        partition: TopicPartition,
        replicas: Option<Vec<BrokerId>>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterBroker {
    pub id: BrokerId,
    pub incarnation: Uuid,
    pub listeners: Vec<Listener>,
    pub rack: Option<String>,
    pub log_dirs: Vec<Uuid>,
    /// From the clean-shutdown file; `None` after an unclean stop. A broker that stopped uncleanly
    /// leaves ISR and ELR, but never as the last member of their union.
    pub previous_epoch: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreateTopic {
    pub name: Arc<str>,
    /// Drawn by the caller: `decide` names no random number.
    pub id: Uuid,
    /// -1: `num.partitions`.
    pub partitions: i32,
    /// -1: `default.replication.factor`.
    pub replication_factor: i16,
    /// Empty: the controller places the replicas.
    pub assignments: Vec<Vec<BrokerId>>,
    pub configs: BTreeMap<String, String>,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TopicSelector {
    Name(Arc<str>),
    Id(Uuid),
}

/// An ISR change that a partition leader proposes (AlterPartition, KIP-497 and KIP-903).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlterPartition {
    pub broker: BrokerId,
    pub broker_epoch: i64,
    pub topic_id: Uuid,
    pub partition: i32,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    /// Members with the broker epochs that the leader saw them fetch with; -1: not known.
    pub isr: Vec<(BrokerId, i64)>,
    pub recovering: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Election {
    Preferred,
    Unclean,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlterConfigs {
    pub resource: ConfigResource,
    /// Replace everything (AlterConfigs) instead of changing single keys (IncrementalAlterConfigs).
    pub replace: bool,
    pub operations: Vec<(String, ConfigOperation)>,
    pub validate_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigOperation {
    Set(String),
    Delete,
    /// For lists: adds and removes elements.
    Append(String),
    Subtract(String),
}

/// What a command brought about: the records that were committed for it, in order. The caller reads
/// its answer from them (topic id, new ISR, block of producer ids).
pub type Outcome = Result<Vec<Record>, ControlError>;

/// The whole controller, as a function. Every prefix of the records is a valid state.
pub fn decide(defaults: &Defaults, image: &ClusterImage, command: &Command) -> Outcome {
    let state = State { defaults, image };
    match command {
        Command::RegisterBroker(it) => broker::register(state, it),
        Command::RegisterController(it) => Ok(broker::register_controller(state, it)),
        Command::UnregisterBroker { id } => broker::unregister(state, *id),
        Command::FenceBroker { id, epoch } => broker::fence(state, *id, *epoch),
        Command::UnfenceBroker { id, epoch } => broker::unfence(state, *id, *epoch),
        Command::BeginControlledShutdown { id, epoch } => {
            broker::begin_controlled_shutdown(state, *id, *epoch)
        }
        Command::CreateTopic(it) => topic::create(state, it),
        Command::DeleteTopic { topic } => topic::delete(state, topic),
        Command::CreatePartitions { topic, count, assignments, validate_only } => {
            let records = topic::create_partitions(state, topic, *count, assignments.as_deref())?;
            Ok(if *validate_only { Vec::new() } else { records })
        }
        Command::AlterPartition(it) => partition::alter(state, it),
        Command::ElectLeader { partition, election } => {
            partition::elect_leader(state, partition, *election)
        }
        Command::BalanceLeaders { imbalance_percentage, limit } => {
            Ok(balance::balance_leaders(state, *imbalance_percentage, *limit))
        }
        Command::AllocateProducerIds { broker, broker_epoch } => {
            producer_ids::allocate(state, *broker, *broker_epoch)
        }
        Command::AlterConfigs(it) => configs::alter(state, it),
        Command::Reconcile => Ok(reconcile::reconcile(state)),
        Command::FormCluster { cluster_id } => reconcile::form_cluster(state, cluster_id),
        Command::ReassignPartition { partition, replicas } => {
            reassignment::reassign(state, partition, replicas.as_deref())
        }
    }
}

/// Why a command was refused. Each variant is one reaction of the caller, and one Kafka error code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ControlError {
    #[error("topic '{0}' already exists")]
    TopicAlreadyExists(Arc<str>),
    #[error("unknown topic or partition{}", quoted(.0.as_deref()))]
    UnknownTopicOrPartition(Option<String>),
    #[error("unknown topic id {0}")]
    UnknownTopicId(Uuid),
    #[error("{0}")]
    InvalidTopic(String),
    #[error("{0}")]
    InvalidPartitions(String),
    #[error("{0}")]
    InvalidReplicationFactor(String),
    #[error("{0}")]
    InvalidReplicaAssignment(String),
    #[error("{0}")]
    InvalidConfig(String),
    #[error("{0}")]
    InvalidRequest(String),
    #[error("{0}")]
    PolicyViolation(String),
    /// The sender's registration is not the current one: it must register again.
    #[error("broker {id} is registered with {}, not with epoch {got}", epoch(*.current))]
    StaleBrokerEpoch { id: BrokerId, got: i64, current: Option<i64> },
    #[error("broker {0} is not registered")]
    BrokerIdNotRegistered(BrokerId),
    #[error("another process is registered as broker {0} and alive")]
    DuplicateBrokerRegistration(BrokerId),
    #[error("leader epoch {got} is behind {current}")]
    FencedLeaderEpoch { got: i32, current: i32 },
    #[error("partition epoch {got} is behind {current}")]
    InvalidUpdateVersion { got: i32, current: i32 },
    /// The sender knows a newer epoch than this controller: it is stale itself.
    #[error("this controller is behind the sender")]
    NotController,
    #[error("replica {0} may not join the ISR")]
    IneligibleReplica(BrokerId),
    #[error("the preferred leader is not available")]
    PreferredLeaderNotAvailable,
    #[error("no eligible leader is available")]
    EligibleLeadersNotAvailable,
    #[error("the partition already has its leader")]
    ElectionNotNeeded,
    #[error("{0}")]
    UnsupportedVersion(String),
    #[error("no reassignment of {0} is in progress")]
    NoReassignmentInProgress(String),
}

fn quoted(name: Option<&str>) -> String {
    name.map(|name| format!(" '{name}'")).unwrap_or_default()
}

fn epoch(current: Option<i64>) -> String {
    current.map_or("no epoch".into(), |epoch| format!("epoch {epoch}"))
}
