//! Answers scrapes and probes: reads what the broker is made of at this moment.

use std::sync::Arc;
use std::time::Duration;

use group::request::{FetchOffsets, ListGroups};
use group::{Name, Reply, Request, State};
use telemetry::{Kind, Observed, Page, Process};
use tokio::sync::watch;
use tokio::time::timeout;

use super::partitions;
use crate::broker::Broker;
use crate::clock::monotonic_ms;
use crate::control::Intent;
use crate::limits::MEASURED_GROUPS;

/// How long a scrape waits for the group coordinators.
const GROUPS_TIMEOUT: Duration = Duration::from_secs(2);

/// The broker as those see it who watch it.
pub struct Observer {
    pub broker: Arc<Broker>,
    pub intent: watch::Receiver<Intent>,
    pub process: Process,
}

/// Kafka's numbers for the life of a broker.
#[derive(Clone, Copy)]
enum BrokerState {
    Starting = 1,
    Recovery = 2,
    Running = 3,
    PendingControlledShutdown = 6,
}

impl Observed for Observer {
    /// Logs recovered, registered, not fenced, and a lease that holds.
    fn ready(&self) -> Result<(), String> {
        let broker = &self.broker;
        match *self.intent.borrow() {
            Intent::StayFenced => return Err("not all logs are open, or a disk is full".into()),
            Intent::ShutDown => return Err("stopping".into()),
            Intent::Serve => {}
        }
        let epoch = broker.epoch();
        if epoch < 0 {
            return Err("not registered with a controller".into());
        }
        if !self.is_active() {
            return Err(format!("fenced: the registration with epoch {epoch} is not active"));
        }
        if !broker.lease.is_valid(monotonic_ms()) {
            return Err("the lease has run out: nobody who counts has answered in time".into());
        }
        Ok(())
    }

    fn measure(&self, page: &mut Page) {
        let metrics = &self.broker.metrics;
        metrics.topics.write(page);
        metrics.requests.write(page);
        self.write_connections(page);
        let idle = self.process.write_runtime(page);
        // One pool of threads does both of what Kafka keeps apart.
        for (name, help) in [
            (
                "kafka_server_kafkarequesthandlerpool_requesthandleravgidle_percent",
                "Fraction of time in which threads that handle requests are idle",
            ),
            (
                "kafka_network_socketserver_networkprocessoravgidle_percent",
                "Fraction of time in which threads that read and write sockets are idle",
            ),
        ] {
            page.gauge(name, help, idle);
        }
        partitions::write(page, &self.broker, &self.broker.images.load());
        let prefix = "kafka_server_replicamanager";
        page.counter(
            &format!("{prefix}_isrshrinks_total"),
            "Times that the ISR of a led partition shrank",
            metrics.isr_shrinks.get(),
        );
        page.counter(
            &format!("{prefix}_isrexpands_total"),
            "Times that the ISR of a led partition grew",
            metrics.isr_expands.get(),
        );
        self.write_groups(page);
        self.write_standing(page);
        self.process.write(page);
    }
}

impl Observer {
    /// The newest image says that this registration counts.
    fn is_active(&self) -> bool {
        let image = self.broker.images.load();
        let mine = image.brokers.get(&self.broker.options.id);
        mine.is_some_and(|it| it.epoch == self.broker.epoch() && !it.fenced)
    }

    fn state(&self) -> BrokerState {
        match *self.intent.borrow() {
            Intent::StayFenced => BrokerState::Recovery,
            Intent::ShutDown => BrokerState::PendingControlledShutdown,
            Intent::Serve if self.is_active() => BrokerState::Running,
            Intent::Serve => BrokerState::Starting,
        }
    }

    fn write_connections(&self, page: &mut Page) {
        let listeners = self.broker.metrics.listeners();
        let mut family = |name: &str, kind, help, value: fn(u64, u64) -> u64| {
            let name = format!("kafka_server_socket_server_metrics_{name}");
            let mut family = page.family(&name, kind, help);
            for (listener, connections) in &listeners {
                // In this order: what was closed was opened before.
                let closed = connections.closed.get();
                let opened = connections.opened.get();
                family.sample(&[("listener", listener)], value(opened, closed));
            }
        };
        family("connection_count", Kind::Gauge, "Open connections", |opened, closed| {
            opened - closed
        });
        family("connection_creation_total", Kind::Counter, "Connections accepted", |it, _| it);
        family("connection_close_total", Kind::Counter, "Connections ended", |_, it| it);
    }

    /// The groups that this broker coordinates, and how far they are.
    fn write_groups(&self, page: &mut Page) {
        let groups = self.broker.groups.clone();
        // This thread may block; the coordinators' threads may not.
        let asking = timeout(GROUPS_TIMEOUT, ask_groups(groups));
        let Ok(Coordinated { states, offsets, left_out }) =
            tokio::runtime::Handle::current().block_on(asking)
        else {
            return;
        };
        let prefix = "kafka_coordinator_group_groupmetadatamanager";
        let mut gauge = |name: &str, help: &str, value: usize| {
            page.gauge(&format!("{prefix}_{name}"), help, value);
        };
        gauge("numgroups", "Groups that this broker coordinates", states.len());
        gauge("numoffsets", "Offsets that these groups have committed", offsets.len());
        for (name, state) in [
            ("numgroupsempty", State::Empty),
            ("numgroupspreparingrebalance", State::PreparingRebalance),
            ("numgroupscompletingrebalance", State::CompletingRebalance),
            ("numgroupsstable", State::Stable),
            ("numgroupsdead", State::Dead),
        ] {
            let help = format!("Groups in the state {}", state.as_str());
            gauge(name, &help, states.iter().filter(|it| **it == state).count());
        }
        page.gauge(
            "janus_metrics_groups_left_out",
            "Groups of this broker without series of their own, because there are too many",
            left_out,
        );
        let name = "kafka_consumergroup_current_offset";
        let help = "The next offset that a group reads, by its coordinator";
        let mut family = page.family(name, Kind::Gauge, help);
        for Position { group, topic, partition, offset } in offsets {
            let partition = partition.to_string();
            let labels =
                [("consumergroup", &*group), ("topic", &*topic), ("partition", &partition)];
            family.sample(&labels, offset);
        }
    }

    /// Where this broker stands in the cluster.
    fn write_standing(&self, page: &mut Page) {
        let (broker, now_ms) = (&self.broker, monotonic_ms());
        let published = broker.images.published();
        page.gauge(
            "kafka_server_kafkaserver_brokerstate",
            "1 starting, 2 recovery, 3 running, 6 pending controlled shutdown",
            self.state() as u8,
        );
        page.gauge(
            "kafka_server_broker_metadata_metrics_last_applied_record_offset",
            "Offset of the metadata that this broker has applied",
            published.offset,
        );
        page.gauge("janus_metadata_offset", "Offset of the newest metadata", published.offset);
        page.gauge(
            "janus_controller_generation",
            "Rises with every switch of the coordination",
            published.epoch.generation,
        );
        page.gauge(
            "janus_controller_term",
            "Rises with every election of a controller",
            published.epoch.term,
        );
        page.gauge("janus_ready", "Whether /readyz says yes", u8::from(self.ready().is_ok()));
        page.gauge("janus_broker_epoch", "Epoch of the registration, or -1", broker.epoch());
        page.gauge("janus_broker_fenced", "Whether it is fenced", u8::from(!self.is_active()));
        let left_ms = broker.lease.valid_until_ms() - now_ms;
        page.gauge(
            "janus_broker_lease_valid",
            "Whether everybody who counts vouches for this broker",
            u8::from(broker.lease.is_valid(now_ms)),
        );
        page.gauge(
            "janus_broker_lease_remaining_seconds",
            "How long the lease still holds",
            left_ms.max(0) as f64 / 1_000.0,
        );
    }
}

struct Position {
    group: Name,
    topic: Name,
    partition: i32,
    offset: i64,
}

#[derive(Default)]
struct Coordinated {
    states: Vec<State>,
    offsets: Vec<Position>,
    left_out: usize,
}

async fn ask_groups(groups: Arc<crate::group::Groups>) -> Coordinated {
    let list = Request::ListGroups(ListGroups { states: Vec::new(), types: Vec::new() });
    let mut found = Coordinated::default();
    let mut ids = Vec::new();
    for reply in groups.ask_all(list).await {
        let Reply::ListGroups(Ok(listed)) = reply else { continue };
        found.states.extend(listed.iter().map(|group| group.state));
        ids.extend(listed.into_iter().map(|group| group.group_id));
    }
    ids.sort();
    found.left_out = ids.len().saturating_sub(MEASURED_GROUPS);
    ids.truncate(MEASURED_GROUPS);
    for group in ids {
        let fetch = FetchOffsets { group_id: group.clone(), topics: None, require_stable: false };
        let reply = groups.ask(&group, Request::FetchOffsets(fetch)).await;
        let Reply::FetchOffsets(Ok(topics)) = reply else { continue };
        for topic in topics {
            let name = topic.topic;
            found.offsets.extend(topic.partitions.into_iter().filter(|it| it.offset >= 0).map(
                |it| Position {
                    group: group.clone(),
                    topic: name.clone(),
                    partition: it.partition,
                    offset: it.offset,
                },
            ));
        }
    }
    found
}
