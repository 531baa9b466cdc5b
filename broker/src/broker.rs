//! What one broker is made of: the values that every request handler shares.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::Settings;
use grpc::auth::Guard;
use metadata::BrokerId;
use tokio::sync::watch;

use crate::api::ProducerIds;
use crate::clock::monotonic_ms;
use crate::control::{Controller, Images, Lease};
use crate::group::Groups;
use crate::metrics::Metrics;
use crate::replica::{FetchSessions, Partition, ReplicaError, Replicas};

/// Settings that are read on every request, in the types that the code uses.
pub struct Options {
    pub id: BrokerId,
    pub cluster_id: Arc<str>,
    pub inter_broker_listener: String,
    /// Checks that a peer on the inter-broker listener is a broker.
    pub guard: Guard,
    /// `connections.max.idle.ms`
    pub connections_max_idle: Duration,
    /// `socket.request.max.bytes`
    pub request_bytes_max: usize,
    /// `fetch.max.bytes`
    pub fetch_bytes_max: usize,
    /// `auto.create.topics.enable`
    pub auto_create_topics: bool,
    /// `janus.self.fencing`: who cannot prove to be alive stops serving.
    pub self_fencing: bool,
}

pub struct Broker {
    pub options: Options,
    pub settings: Arc<Settings>,
    pub images: Images,
    pub controller: Controller,
    pub replicas: Arc<Replicas>,
    pub sessions: FetchSessions,
    pub producer_ids: ProducerIds,
    pub groups: Arc<Groups>,
    pub lease: Arc<Lease>,
    pub metrics: Arc<Metrics>,
    /// The epoch of this broker's registration; -1 before the first.
    pub broker_epoch: watch::Receiver<i64>,
}

impl Broker {
    pub fn epoch(&self) -> i64 {
        *self.broker_epoch.borrow()
    }

    /// Refuses to serve a partition when this broker may have been replaced without knowing it: its
    /// lease has run out, and not even its followers still follow. While coordination as a whole is
    /// down nobody can have been elected, the followers go on fetching, and the leader goes on.
    pub fn check_lease(&self, partition: &Partition) -> Result<(), ReplicaError> {
        let now_ms = monotonic_ms();
        if !self.options.self_fencing || self.lease.is_valid(now_ms) {
            return Ok(());
        }
        let (since_ms, silence_max_ms) = (self.lease.valid_until_ms(), self.lease.duration_ms());
        if partition.is_followed(since_ms, now_ms, silence_max_ms) {
            return Ok(());
        }
        Err(ReplicaError::NotLeader)
    }

    /// (partitions, replication factor, configuration) of `__consumer_offsets`.
    pub fn offsets_topic(&self) -> (i32, i16, BTreeMap<String, String>) {
        let settings = &self.settings;
        let configs = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            ("segment.bytes", settings.str("offsets.topic.segment.bytes").to_owned()),
        ];
        let configs = configs.map(|(key, value)| (key.to_owned(), value)).into();
        let factor = settings.i32("offsets.topic.replication.factor");
        (settings.i32("offsets.topic.num.partitions"), factor as i16, configs)
    }
}
