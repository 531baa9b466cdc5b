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
use crate::replica::{FetchSessions, Replicas};
use crate::server::Memory;

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
    /// `janus.self.fencing`: who cannot prove to be alive acknowledges nothing on its own word.
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
    /// What requests and answers of clients may take.
    pub memory: Memory,
    /// The epoch of this broker's registration; -1 before the first.
    pub broker_epoch: watch::Receiver<i64>,
}

impl Broker {
    pub fn epoch(&self) -> i64 {
        *self.broker_epoch.borrow()
    }

    /// Whether another leader may have been elected for partitions that this broker leads: its lease
    /// has run out. Its own word is worth nothing then; what its followers still fetch is.
    pub fn may_have_been_replaced(&self) -> bool {
        self.options.self_fencing && !self.lease.is_valid(monotonic_ms())
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
