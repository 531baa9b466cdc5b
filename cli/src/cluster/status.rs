//! The document of `janus status`: built from what the machine, the controllers and the brokers say.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use grpc::auth::Secret;
use serde::Serialize;

use super::controllers::{Quorum, fetch_image, tool_credentials};
use super::process::Process;
use super::state::{ClusterState, Role, Server, ServerId, endpoints};
use super::view::{BrokerView, QuorumView, View};
use super::{LocalCluster, zookeeper};
use crate::client::{Client, check};

/// The state of a cluster. The names are fixed: scripts read them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// 22 characters, as Kafka writes a UUID.
    pub cluster_id: String,
    /// `None` where the cluster does not tell: it is not Janus, or we may not ask its controllers.
    pub mode: Option<String>,
    /// Rises with every switch of the mode.
    pub generation: Option<u32>,
    /// `HOST:PORT,...` for clients.
    pub bootstrap: String,
    /// `None` while no controller is active.
    pub controller: Option<ActiveController>,
    /// By id.
    pub brokers: Vec<BrokerStatus>,
    /// By id.
    pub controllers: Vec<ControllerStatus>,
    /// `None` where no ensemble is used.
    pub zookeeper: Option<ZooKeeperStatus>,
    /// The cluster's own topics included.
    pub topics: usize,
    /// Of all topics.
    pub partitions: usize,
    /// Partitions with a replica that is not in sync.
    pub under_replicated: usize,
    /// Partitions without a leader.
    pub offline: usize,
}

/// The controller that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveController {
    /// Its `node.id`.
    pub id: i32,
    /// The term: rises with every election.
    pub epoch: u64,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrokerStatus {
    /// Its `node.id`.
    pub id: i32,
    /// Whether it serves.
    pub state: BrokerState,
    /// Where clients reach it.
    pub host: String,
    /// The port for clients.
    pub port: u16,
    /// `None` for a broker that is not local or does not run.
    pub pid: Option<i32>,
    /// Rises with every registration. `None` where the cluster does not tell.
    pub epoch: Option<i64>,
    /// `HOST:PORT` of `/metrics`, `/healthz` and `/readyz`, where `janus up` chose it.
    pub metrics: Option<String>,
    /// Partitions that it leads.
    pub leaders: usize,
    /// Partitions that it holds, led ones included.
    pub replicas: usize,
}

/// Whether a broker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BrokerState {
    /// The process runs and has not registered yet.
    Starting,
    /// Registered, and serves clients.
    Running,
    /// Registered, and counts as dead.
    Fenced,
    /// Hands its leaderships over.
    Stopping,
    /// No process.
    Down,
}

/// One controller.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ControllerStatus {
    /// Its `node.id`.
    pub id: i32,
    /// Whether it decides.
    pub role: ControllerRole,
    /// `HOST:PORT` of its gRPC services.
    pub endpoint: String,
    /// `None` for a controller that is not local or does not run.
    pub pid: Option<i32>,
    /// `HOST:PORT` of `/metrics`, `/healthz` and `/readyz`, where `janus up` chose it.
    pub metrics: Option<String>,
}

/// Whether a controller decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ControllerRole {
    /// It decides.
    Active,
    /// It runs and takes over when the active one is gone.
    Standby,
    /// No process.
    Down,
}

/// The ensemble of a cluster in ZooKeeper mode.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZooKeeperStatus {
    /// Its connect string, chroot included.
    pub connect: String,
    /// Those that are local.
    pub servers: Vec<ZooKeeperServerStatus>,
}

/// One ZooKeeper server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZooKeeperServerStatus {
    /// Its `myid`.
    pub id: i32,
    /// `leader`, `follower` or `down`.
    pub role: String,
    /// `HOST:PORT` for its clients.
    pub endpoint: String,
    /// `None` while it does not run.
    pub pid: Option<i32>,
}

impl LocalCluster {
    /// How the cluster is. Works whatever of it runs.
    pub async fn status(&self) -> Result<Status> {
        let state = self.state()?;
        let quorum = self.describe_quorum().await?;
        let view = self.view(&state, &quorum).await?.unwrap_or_default();
        let ensemble = zookeeper::ensemble(&state).await;
        Ok(of_local(&state, &quorum, &view, ensemble))
    }

    /// The metadata, from whoever has it: nobody, when nothing runs.
    async fn view(&self, state: &ClusterState, quorum: &Quorum) -> Result<Option<View>> {
        // One that hangs is still called active for a while: it would be waited for in vain.
        let active = quorum.active().filter(|id| quorum.answered.contains(id));
        let active = active.map(ServerId::controller);
        if let Some(server) = active.and_then(|id| state.server(id).ok()) {
            let credentials = self.credentials(&state.cluster_id)?;
            let image = fetch_image(&server.endpoint(), &state.cluster_id, &credentials).await;
            if let Some(image) = image {
                return Ok(Some(View::of_image(&image)));
            }
        }
        Ok(view_of_brokers(state).await)
    }
}

impl Status {
    /// Of a cluster that is not local: what its brokers tell, and its controllers to those who know
    /// its secret.
    pub async fn fetch(bootstrap: &str, secret: Option<&Secret>) -> Result<Self> {
        let mut client = Client::connect(bootstrap).await?;
        let view = View::fetch(&mut client).await?;
        let quorum = QuorumView::fetch(&mut client).await?;
        let mut status = of_remote(&view, quorum.as_ref());
        if let (Some(secret), Some(quorum)) = (secret, quorum) {
            status.ask_controllers(&quorum, secret).await?;
        }
        Ok(status)
    }

    async fn ask_controllers(&mut self, quorum: &QuorumView, secret: &Secret) -> Result<()> {
        let credentials = tool_credentials(secret, &self.cluster_id);
        let told = quorum.ask(&self.cluster_id, &credentials).await;
        let reply = told.view.context(
            "the controllers do not answer; is this the secret of that cluster, and does it run \
             Janus?",
        )?;
        let active = quorum.controllers.get(&reply.active_id);
        if let Some(active) = active {
            let image = fetch_image(&active.endpoint, &self.cluster_id, &credentials).await;
            let view = image.map(|image| View::of_image(&image)).unwrap_or_default();
            for broker in &mut self.brokers {
                broker.epoch = view.brokers.get(&broker.id).and_then(|it| it.epoch);
            }
        }
        self.mode = Some(reply.mode);
        self.generation = Some(reply.generation);
        self.zookeeper = foreign_ensemble(&reply.zookeeper_connect);
        Ok(())
    }
}

/// The ensemble of a connect string; its servers are known only where they are local.
fn foreign_ensemble(connect: &str) -> Option<ZooKeeperStatus> {
    let known = !connect.is_empty();
    known.then(|| ZooKeeperStatus { connect: connect.to_owned(), servers: Vec::new() })
}

/// While no controller is active the brokers still say what they heard last.
async fn view_of_brokers(state: &ClusterState) -> Option<View> {
    let brokers = state.of_role(Role::Broker).filter(|server| server.is_alive());
    let mut client = Client::connect(&endpoints(brokers)).await.ok()?;
    View::fetch(&mut client).await.ok()
}

/// The leader of a partition, as the brokers name it.
pub(super) async fn leader_of(bootstrap: &str, topic: &str, partition: i32) -> Result<i32> {
    let mut client = Client::connect(bootstrap).await?;
    let metadata = client.metadata(Some(&[topic.to_owned()])).await?;
    let found = metadata.topics.first().context("the answer names no topic")?;
    check(format!("find topic '{topic}'"), found.error_code, None)?;
    let partitions = &found.partitions;
    let found =
        partitions.iter().find(|it| it.partition_index == partition).with_context(|| {
            format!("topic '{topic}' has no partition {partition}, only {}", partitions.len())
        })?;
    Some(found.leader_id).filter(|id| *id >= 0).with_context(|| {
        format!("partition {partition} of topic '{topic}' has no leader; look with `janus status`")
    })
}

/// A server of this machine, and whether its process runs.
fn pid(server: &Server) -> Option<i32> {
    server.process.as_ref().filter(|process| Process::is_alive(process)).map(|it| it.pid)
}

/// The status of the cluster on this machine.
pub(super) fn of_local(
    state: &ClusterState,
    quorum: &Quorum,
    view: &View,
    zookeeper: Option<ZooKeeperStatus>,
) -> Status {
    let reply = quorum.view.as_ref();
    let controllers = state.of_role(Role::Controller).map(|server| ControllerStatus {
        id: server.id.id,
        role: match quorum.active() == Some(server.id.id) {
            // Who is believed to be active but does not answer is not.
            true if quorum.answered.contains(&server.id.id) => ControllerRole::Active,
            _ if pid(server).is_some() => ControllerRole::Standby,
            _ => ControllerRole::Down,
        },
        endpoint: server.endpoint(),
        pid: pid(server),
        metrics: server.metrics_endpoint(),
    });
    let controllers: Vec<ControllerStatus> = controllers.collect();
    let active = controllers.iter().find(|it| it.role == ControllerRole::Active);
    let servers: BTreeMap<i32, &Server> =
        state.of_role(Role::Broker).map(|server| (server.id.id, server)).collect();
    let brokers = servers.values().map(|server| local_broker(server, view));
    Status {
        cluster_id: state.cluster_id.clone(),
        mode: Some(reply.map_or_else(|| state.mode.to_string(), |reply| reply.mode.clone())),
        generation: reply.map(|reply| reply.generation),
        bootstrap: endpoints(state.of_role(Role::Broker)),
        controller: active.map(|active| ActiveController {
            id: active.id,
            epoch: reply.and_then(|reply| reply.epoch).map_or(0, |epoch| epoch.term),
        }),
        brokers: brokers.collect(),
        controllers,
        zookeeper,
        ..totals(view)
    }
}

/// The status of any other cluster, from what its brokers tell.
fn of_remote(view: &View, quorum: Option<&QuorumView>) -> Status {
    let running = view.brokers.values().filter(|broker| !broker.fenced);
    let addresses: Vec<String> =
        running.map(|broker| format!("{}:{}", broker.host, broker.port)).collect();
    let brokers = view.brokers.iter().map(|(id, broker)| {
        let (leaders, replicas) = counts(view, *id);
        BrokerStatus {
            id: *id,
            state: registered_state(broker),
            host: broker.host.clone(),
            port: broker.port,
            pid: None,
            epoch: broker.epoch,
            metrics: None,
            leaders,
            replicas,
        }
    });
    let controllers = quorum.iter().flat_map(|quorum| {
        quorum.controllers.iter().map(|(id, controller)| ControllerStatus {
            id: *id,
            role: match quorum.active == Some(*id) {
                true => ControllerRole::Active,
                false => ControllerRole::Standby,
            },
            endpoint: controller.endpoint.clone(),
            pid: None,
            metrics: None,
        })
    });
    Status {
        bootstrap: addresses.join(","),
        controller: quorum.and_then(|quorum| {
            quorum.active.map(|id| ActiveController { id, epoch: quorum.epoch })
        }),
        brokers: brokers.collect(),
        controllers: controllers.collect(),
        ..totals(view)
    }
}

/// The counts, and nothing else.
fn totals(view: &View) -> Status {
    Status {
        cluster_id: view.cluster_id.clone().unwrap_or_default(),
        mode: None,
        generation: None,
        bootstrap: String::new(),
        controller: None,
        brokers: Vec::new(),
        controllers: Vec::new(),
        zookeeper: None,
        topics: view.topics,
        partitions: view.partitions.len(),
        under_replicated: view
            .partitions
            .iter()
            .filter(|partition| partition.in_sync < partition.replicas.len())
            .count(),
        offline: view.partitions.iter().filter(|partition| partition.leader.is_none()).count(),
    }
}

fn local_broker(server: &Server, view: &View) -> BrokerStatus {
    let id = server.id.id;
    let registered = view.brokers.get(&id);
    let (leaders, replicas) = counts(view, id);
    BrokerStatus {
        id,
        state: match (pid(server), registered) {
            (None, _) => BrokerState::Down,
            (Some(_), None) => BrokerState::Starting,
            (Some(_), Some(registered)) => registered_state(registered),
        },
        host: "127.0.0.1".into(),
        port: server.port,
        pid: pid(server),
        epoch: registered.and_then(|registered| registered.epoch),
        metrics: server.metrics_endpoint(),
        leaders,
        replicas,
    }
}

fn registered_state(broker: &BrokerView) -> BrokerState {
    match broker {
        BrokerView { fenced: true, .. } => BrokerState::Fenced,
        BrokerView { stopping: true, .. } => BrokerState::Stopping,
        _ => BrokerState::Running,
    }
}

/// How many partitions a broker leads and holds.
fn counts(view: &View, id: i32) -> (usize, usize) {
    let leaders = view.partitions.iter().filter(|it| it.leader == Some(id)).count();
    let replicas = view.partitions.iter().filter(|it| it.replicas.contains(&id)).count();
    (leaders, replicas)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::state::Mode;
    use crate::cluster::view::PartitionView;

    /// A process that is surely there: this one.
    fn own_process() -> Process {
        Process::of_this_program()
    }

    fn server(id: ServerId, port: u16, process: Option<Process>) -> Server {
        Server { id, port, replication_port: None, metrics_port: Some(port + 400), process }
    }

    fn view() -> View {
        let broker = |port, fenced| BrokerView {
            host: "127.0.0.1".into(),
            port,
            epoch: Some(12),
            fenced,
            stopping: false,
        };
        let partition = |leader, in_sync| PartitionView { leader, replicas: vec![1, 2], in_sync };
        View {
            cluster_id: Some("id".into()),
            brokers: [(1, broker(9092, false)), (2, broker(9093, true))].into(),
            topics: 1,
            partitions: vec![partition(Some(1), 2), partition(Some(1), 1), partition(None, 0)],
        }
    }

    #[test]
    fn the_document_is_the_one_of_the_contract() {
        let alive = Some(own_process());
        let servers = vec![
            server(ServerId::controller(101), 9193, alive.clone()),
            server(ServerId::controller(102), 9194, None),
            server(ServerId::broker(1), 9092, alive.clone()),
            server(ServerId::broker(2), 9093, None),
            server(ServerId::broker(3), 9094, alive),
        ];
        let state = ClusterState::new("id".into(), Mode::Raft, servers);
        let reply = grpc::DescribeQuorumReply {
            mode: "raft".into(),
            generation: 1,
            active_id: 101,
            epoch: Some(grpc::Epoch { generation: 1, term: 3 }),
            ..Default::default()
        };
        let quorum = Quorum { view: Some(reply), answered: vec![101] };
        let pid = std::process::id();
        let expected = serde_json::json!({
            "cluster_id": "id", "mode": "raft", "generation": 1,
            "bootstrap": "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094",
            "controller": {"id": 101, "epoch": 3},
            "brokers": [
                {"id": 1, "state": "running", "host": "127.0.0.1", "port": 9092, "pid": pid,
                 "metrics": "127.0.0.1:9492",
                 "epoch": 12, "leaders": 2, "replicas": 3},
                {"id": 2, "state": "down", "host": "127.0.0.1", "port": 9093, "pid": null,
                 "metrics": "127.0.0.1:9493",
                 "epoch": 12, "leaders": 0, "replicas": 3},
                {"id": 3, "state": "starting", "host": "127.0.0.1", "port": 9094, "pid": pid,
                 "metrics": "127.0.0.1:9494",
                 "epoch": null, "leaders": 0, "replicas": 0},
            ],
            "controllers": [
                {"id": 101, "role": "active", "endpoint": "127.0.0.1:9193", "pid": pid,
                 "metrics": "127.0.0.1:9593"},
                {"id": 102, "role": "down", "endpoint": "127.0.0.1:9194", "pid": null,
                 "metrics": "127.0.0.1:9594"},
            ],
            "zookeeper": null,
            "topics": 1, "partitions": 3, "under_replicated": 2, "offline": 1,
        });
        let status = of_local(&state, &quorum, &view(), None);
        assert_eq!(serde_json::to_value(&status).unwrap(), expected);
    }

    #[test]
    fn a_controller_that_does_not_answer_is_not_active() {
        let servers = vec![server(ServerId::controller(101), 9193, Some(own_process()))];
        let state = ClusterState::new("id".into(), Mode::Raft, servers);
        let reply = grpc::DescribeQuorumReply { active_id: 101, ..Default::default() };
        let quorum = Quorum { view: Some(reply), answered: vec![102] };
        let status = of_local(&state, &quorum, &View::default(), None);
        assert_eq!(status.controller, None);
        assert_eq!(status.controllers[0].role, ControllerRole::Standby);
    }

    #[test]
    fn a_cluster_elsewhere_has_no_pids_and_its_bootstrap_are_its_running_brokers() {
        let status = of_remote(&view(), None);
        assert_eq!(status.bootstrap, "127.0.0.1:9092");
        let states: Vec<BrokerState> = status.brokers.iter().map(|broker| broker.state).collect();
        assert_eq!(states, [BrokerState::Running, BrokerState::Fenced]);
        assert_eq!((status.mode, status.brokers[0].pid), (None, None));
    }
}
