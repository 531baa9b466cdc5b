//! Controllers of a test, as far as the ensemble sees them: a store and a listening port each.

use std::collections::BTreeMap;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metadata::{Config, ConfigResource, ControllerEpoch, Leadership, MetadataStore, Record};
use metadata_zookeeper::{OpenError, ZooKeeperConfig, ZooKeeperStore};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};
use zookeeper_client::Client;

use crate::server::{PATIENCE, Server};

/// The one of the contract.
pub(crate) const CLUSTER_ID: &str = "5L6g3nShT-eMCtK--X86sw";

pub(crate) struct Controller {
    pub(crate) config: ZooKeeperConfig,
    pub(crate) store: Arc<ZooKeeperStore>,
    runtime: Option<Runtime>,
}

/// host:port,.../chroot that no other test uses.
pub(crate) fn connect(server: &Server) -> String {
    static TESTS: AtomicUsize = AtomicUsize::new(0);
    format!("{}/test/{}", server.address(), TESTS.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn config(connect: &str, id: i32) -> ZooKeeperConfig {
    init_tracing();
    ZooKeeperConfig {
        connect: connect.into(),
        // The longest that a tick of 500 ms allows: nobody is deposed because the machine is slow.
        session_timeout_ms: 10_000,
        controller_id: id,
        endpoint: String::new(),
        cluster_id: CLUSTER_ID.into(),
        generation: 1,
        fast_failover: true,
        address_map: BTreeMap::new(),
        server_address_map: BTreeMap::new(),
    }
}

impl Controller {
    /// Listens at the endpoint of the configuration, or at a free port, and opens the store.
    pub(crate) async fn start(config: ZooKeeperConfig) -> Self {
        Self::try_start(config).await.unwrap()
    }

    pub(crate) async fn try_start(mut config: ZooKeeperConfig) -> Result<Self, OpenError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .thread_name(format!("controller-{}", config.controller_id))
            .build()
            .unwrap();
        let listener = listen(&config.endpoint).await;
        config.endpoint = listener.local_addr().unwrap().to_string();
        let opening = config.clone();
        let store = runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            tokio::spawn(async move {
                let mut connections = Vec::new();
                loop {
                    connections.push(listener.accept().await.unwrap());
                }
            });
            ZooKeeperStore::open(opening).await
        });
        match store.await.unwrap() {
            Ok(store) => Ok(Self { config, store: Arc::new(store), runtime: Some(runtime) }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Ends without any farewell, as the end of its process would, whoever still holds its store:
    /// sockets close, the session stays until it expires.
    pub(crate) fn kill(mut self) -> ZooKeeperConfig {
        self.end();
        self.config.clone()
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// The epoch in which this one leads, newer than `after`.
    pub(crate) async fn leads(&self, after: ControllerEpoch) -> ControllerEpoch {
        let me = self.config.controller_id;
        self.sees(|now| now.leader == Some(me) && now.epoch > after).await.epoch
    }

    /// Waits until the store says so.
    pub(crate) async fn sees(&self, mut so: impl FnMut(&Leadership) -> bool) -> Leadership {
        let mut leadership = self.store.leadership();
        *eventually(leadership.wait_for(|now| so(now))).await.expect("the store is open")
    }

    /// What the leader reads, as soon as it can.
    pub(crate) async fn value(&self, name: &str) -> Option<String> {
        let image = eventually(async {
            loop {
                if let Ok((_, image)) = self.store.load().await {
                    break image;
                }
                self.sees(|now| now.leader == Some(self.config.controller_id)).await;
            }
        })
        .await;
        let values = image.configs.get(&ConfigResource::Group(name.into()))?;
        values.get("key").cloned()
    }

    /// A client of another program, on the same chroot.
    pub(crate) async fn stranger(&self) -> Client {
        Client::connector().connect(&self.config.connect).await.unwrap()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.end();
    }
}

/// The sockets of a killed controller close a moment later.
async fn listen(endpoint: &str) -> StdListener {
    let address = if endpoint.is_empty() { "127.0.0.1:0" } else { endpoint };
    eventually(async {
        loop {
            match StdListener::bind(address) {
                Ok(listener) => {
                    listener.set_nonblocking(true).unwrap();
                    return listener;
                }
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

/// A record that can be told apart.
pub(crate) fn record(name: &str, value: impl ToString) -> Record {
    let values = BTreeMap::from([("key".to_owned(), value.to_string())]);
    Record::Config(Config { resource: ConfigResource::Group(name.into()), values })
}

/// Fails instead of hanging.
pub(crate) async fn eventually<T>(event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event).await.expect("it happens")
}

pub(crate) fn init_tracing() {
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "off".into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}
