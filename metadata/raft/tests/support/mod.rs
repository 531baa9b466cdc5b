//! A quorum in one process: every controller with its own runtime, directory and loopback port.
//!
//! Killing a controller drops its runtime and with it every socket and task, as the end of its
//! process would.

#![allow(dead_code)]

mod wire;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metadata::{Config, ConfigResource, ControllerEpoch, Leadership, MetadataStore, Record};
use metadata_raft::{OpenError, RaftConfig, RaftStore, Voter};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use uuid::Uuid;
use wire::Wire;

/// Nothing here takes as long, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Node {
    pub(crate) store: Arc<RaftStore>,
    runtime: Option<Runtime>,
    server: tokio::task::AbortHandle,
}

pub(crate) struct Cluster {
    pub(crate) configs: BTreeMap<i32, RaftConfig>,
    pub(crate) nodes: BTreeMap<i32, Node>,
    listeners: BTreeMap<i32, TcpListener>,
    ports: BTreeMap<i32, u16>,
    directories: TempDir,
    /// Cables by (from, to), in a wired cluster.
    wires: BTreeMap<(i32, i32), Wire>,
}

impl Cluster {
    /// `ids` found the cluster. Nobody is started yet.
    pub(crate) fn new(
        ids: impl IntoIterator<Item = i32>,
        change: impl Fn(&mut RaftConfig),
    ) -> Self {
        init_tracing();
        let directories = tempfile::tempdir().unwrap();
        let (configs, nodes, listeners, ports, wires) = Default::default();
        let mut cluster = Self { configs, nodes, listeners, ports, directories, wires };
        let ids: Vec<i32> = ids.into_iter().collect();
        let voters: Vec<Voter> = ids.iter().map(|id| cluster.reserve(*id)).collect();
        for id in ids {
            cluster.configure(id, voters.clone(), &change);
        }
        cluster
    }

    pub(crate) async fn started(
        ids: impl IntoIterator<Item = i32>,
        change: impl Fn(&mut RaftConfig),
    ) -> Self {
        let mut cluster = Self::new(ids, change);
        cluster.start_all().await;
        cluster
    }

    /// A cable between every two controllers. Before they are started.
    pub(crate) async fn wire(&mut self) {
        let ids: Vec<i32> = self.configs.keys().copied().collect();
        for (from, to) in ids.iter().flat_map(|from| ids.iter().map(move |to| (*from, *to))) {
            if from != to {
                let wire = Wire::to(self.ports[&to]).await;
                let address = format!("127.0.0.1:{}", wire.port);
                self.configs.get_mut(&from).unwrap().peer_address_map.insert(to, address);
                self.wires.insert((from, to), wire);
            }
        }
    }

    /// Cuts a controller off.
    pub(crate) fn isolate(&self, id: i32) {
        self.wires_of(id).for_each(Wire::cut);
    }

    pub(crate) fn rejoin(&self, id: i32) {
        self.wires_of(id).for_each(Wire::mend);
    }

    pub(crate) fn wire_between(&self, from: i32, to: i32) -> &Wire {
        &self.wires[&(from, to)]
    }

    fn wires_of(&self, id: i32) -> impl Iterator<Item = &Wire> {
        self.wires.iter().filter(move |((from, to), _)| *from == id || *to == id).map(|(_, it)| it)
    }

    /// Gives a controller that does not run a new disk.
    pub(crate) fn wipe(&mut self, id: i32) {
        let config = self.configs.get_mut(&id).unwrap();
        std::fs::remove_dir_all(&config.directory).unwrap();
        config.directory_id = Uuid::new_v4();
    }

    fn reserve(&mut self, id: i32) -> Voter {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        self.listeners.insert(id, listener);
        self.ports.insert(id, port);
        Voter { id, endpoint: format!("127.0.0.1:{port}"), directory_id: None }
    }

    fn configure(&mut self, id: i32, voters: Vec<Voter>, change: impl Fn(&mut RaftConfig)) {
        let mut config = RaftConfig {
            node_id: id,
            cluster_id: "MkU3OEVBNTcwNTJENDM2Qk".into(),
            directory: self.directories.path().join(id.to_string()),
            directory_id: Uuid::new_v4(),
            initial_controllers: voters,
            election_timeout_ms: 2000,
            heartbeat_interval_ms: 150,
            snapshot_after_entries: 10_000,
            generation: 1,
            peer_address_map: BTreeMap::new(),
            secret: None,
            fast_failover: true,
        };
        change(&mut config);
        self.configs.insert(id, config);
    }

    /// Another controller, not in the quorum.
    pub(crate) fn newcomer(&mut self, id: i32, change: impl Fn(&mut RaftConfig)) -> Voter {
        let voter = self.reserve(id);
        self.configure(id, Vec::new(), change);
        voter
    }

    pub(crate) async fn start_all(&mut self) {
        let ids: Vec<i32> = self.configs.keys().copied().collect();
        for id in ids {
            self.start(id).await;
        }
    }

    pub(crate) async fn start(&mut self, id: i32) {
        self.try_start(id).await.unwrap();
    }

    pub(crate) async fn try_start(&mut self, id: i32) -> Result<(), OpenError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name(format!("controller-{id}"))
            .build()
            .unwrap();
        let listener = self.listeners.remove(&id).unwrap_or_else(|| self.listen(id));
        listener.set_nonblocking(true).unwrap();
        let config = self.configs[&id].clone();
        let opening = runtime.spawn(async move {
            let deadline = Instant::now() + PATIENCE;
            loop {
                match RaftStore::open(config.clone()).await {
                    // The tasks of a killed controller let go of its directory a moment later.
                    Err(OpenError::Locked(_)) if Instant::now() < deadline => {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    other => break other,
                }
            }
        });
        let store = match opening.await.unwrap() {
            Ok(store) => Arc::new(store),
            Err(error) => {
                runtime.shutdown_background();
                return Err(error);
            }
        };
        let service = store.raft_service();
        let server = runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .unwrap();
        });
        let server = server.abort_handle();
        self.nodes.insert(id, Node { store, runtime: Some(runtime), server });
        Ok(())
    }

    fn listen(&self, id: i32) -> TcpListener {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match TcpListener::bind(("127.0.0.1", self.ports[&id])) {
                Ok(listener) => return listener,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn endpoint(&self, id: i32) -> String {
        format!("127.0.0.1:{}", self.ports[&id])
    }

    pub(crate) fn store(&self, id: i32) -> &RaftStore {
        &self.nodes[&id].store
    }

    /// Ends a controller without any farewell.
    pub(crate) fn kill(&mut self, id: i32) {
        let mut node = self.nodes.remove(&id).unwrap();
        node.runtime.take().unwrap().shutdown_background();
    }

    /// Ends a controller without any farewell, while somebody still holds its store.
    pub(crate) async fn stop(&mut self, id: i32) {
        let mut node = self.nodes.remove(&id).unwrap();
        node.store.close().await;
        node.runtime.take().unwrap().shutdown_background();
    }

    /// Ends a controller as an operator would.
    pub(crate) async fn shut_down(&mut self, id: i32) {
        let mut node = self.nodes.remove(&id).unwrap();
        node.store.shutdown().await;
        node.runtime.take().unwrap().shutdown_background();
    }

    /// A controller that leads according to itself.
    pub(crate) async fn leader(&self) -> (i32, ControllerEpoch) {
        let (_, leadership) = self.leader_in(|_| true).await;
        (leadership.leader.unwrap(), leadership.epoch)
    }

    /// The leader of a newer epoch than `epoch`.
    pub(crate) async fn leader_after(&self, epoch: ControllerEpoch) -> (i32, ControllerEpoch) {
        let (_, leadership) = self.leader_in(|it| it.epoch > epoch).await;
        (leadership.leader.unwrap(), leadership.epoch)
    }

    async fn leader_in(&self, good: impl Fn(&Leadership) -> bool + Copy) -> (i32, Leadership) {
        let waiting = self.nodes.iter().map(|(id, node)| {
            let mut leadership = node.store.leadership();
            Box::pin(async move {
                let found = leadership.wait_for(|it| it.leader == Some(*id) && good(it)).await;
                (*id, *found.expect("raft runs"))
            })
        });
        eventually(futures::future::select_all(waiting)).await.0
    }
}

/// RocksDB must not be at work when the process ends.
impl Drop for Node {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let (store, (done, closed)) = (self.store.clone(), std::sync::mpsc::channel());
        runtime.spawn(async move {
            store.close().await;
            drop(done);
        });
        let _ = closed.recv_timeout(PATIENCE) as Result<(), _>;
        runtime.shutdown_background();
    }
}

/// Fails instead of hanging.
pub(crate) async fn eventually<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event).await.expect("it happens")
}

/// Waits until something that sends no events is so.
pub(crate) async fn until(check: impl Fn() -> bool) {
    eventually(async {
        while !check() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Waits until `check` holds for what a store has applied.
pub(crate) async fn applied(store: &RaftStore, check: impl Fn(&metadata::ClusterImage) -> bool) {
    until(|| check(&store.image().1)).await;
}

/// A record that can be told apart.
pub(crate) fn record(name: &str, value: impl ToString) -> Record {
    Record::Config(Config {
        resource: ConfigResource::Topic(name.into()),
        values: BTreeMap::from([("retention.ms".to_owned(), value.to_string())]),
    })
}

/// What [`record`] left in an image.
pub(crate) fn value(image: &metadata::ClusterImage, name: &str) -> Option<String> {
    let values = image.configs.get(&ConfigResource::Topic(name.into()))?;
    values.get("retention.ms").cloned()
}

fn init_tracing() {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}
