//! Controllers over a store in memory, and a broker that is only a gRPC client.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use grpc::auth::{Credentials, Role, Secret};
use grpc::client::{ControllerClient, connect};
use grpc::{
    HeartbeatReply, HeartbeatRequest, MetadataBatch, QuorumMember, SubmitReply, SubmitRequest,
    WatchRequest,
};
use janus_controller::driver::Options;
use janus_controller::node::{Coordination, Node};
use janus_controller::service::{Quorum, QuorumState};
use metadata::control::{CreateTopic, RegisterBroker};
use metadata::memory::MemoryStore;
use metadata::{
    ClusterImage, Command, CommitError, Controller, ControllerEpoch, ControllerId, Defaults,
    Leadership, Listener, MetadataStore, Offset, Outcome, Record, Uuid, codec,
};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::{Status, Streaming};

pub const CLUSTER: &str = "5L6g3nShT-eMCtK--X86sw";
/// Nothing in a test waits this long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// A session that does not end during a test.
pub const LONG: Duration = Duration::from_secs(3600);

/// A store whose commits can be held up.
pub struct GatedStore {
    pub inner: MemoryStore,
    gate: Semaphore,
    /// Commits that are under way.
    pub waiting: watch::Sender<usize>,
}

impl GatedStore {
    pub fn new() -> Arc<Self> {
        let (gate, waiting) = (Semaphore::new(1), watch::Sender::new(0));
        Arc::new(Self { inner: MemoryStore::new(1), gate, waiting })
    }

    /// Commits wait until the permit is dropped.
    pub async fn hold(&self) -> tokio::sync::SemaphorePermit<'_> {
        self.gate.acquire().await.unwrap()
    }
}

#[async_trait]
impl MetadataStore for GatedStore {
    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.inner.leadership()
    }

    async fn load(&self) -> Result<(Offset, ClusterImage), CommitError> {
        self.inner.load().await
    }

    async fn commit(
        &self,
        epoch: ControllerEpoch,
        records: &[Record],
    ) -> Result<Offset, CommitError> {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _permit = self.gate.acquire().await.unwrap();
        self.waiting.send_modify(|waiting| *waiting -= 1);
        self.inner.commit(epoch, records).await
    }
}

/// What all controllers of a test share.
pub struct Ensemble {
    pub store: Arc<GatedStore>,
    pub endpoints: Arc<Mutex<BTreeMap<ControllerId, String>>>,
    pub secret: Option<Secret>,
    pub session_timeout: Duration,
    pub fence_on_process_death: bool,
}

impl Ensemble {
    pub fn new() -> Self {
        Self {
            store: GatedStore::new(),
            endpoints: Arc::default(),
            secret: None,
            session_timeout: LONG,
            fence_on_process_death: true,
        }
    }

    /// Starts a controller on a free port of the loopback interface.
    pub async fn start(&self, id: ControllerId) -> TestController {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = listener.local_addr().unwrap().to_string();
        self.endpoints.lock().unwrap().insert(id, endpoint.clone());
        let options = Options {
            cluster_id: CLUSTER.into(),
            me: Controller {
                id,
                incarnation: Uuid::new_v4(),
                endpoint: endpoint.clone(),
                directory_id: Uuid::from_u128(id as u128),
            },
            defaults: Defaults::default(),
            fence_on_process_death: self.fence_on_process_death,
            probe_on_takeover: self.fence_on_process_death,
            balance: None,
            leaderless_interval: LONG,
            inter_broker_listener: String::new(),
            addresses: BTreeMap::new(),
        };
        let node = Node {
            options,
            heartbeat_interval: self.session_timeout / 4,
            session_timeout: self.session_timeout,
            secret: self.secret.clone(),
            watched: Vec::new(),
        };
        let coordination = Coordination {
            store: self.store.clone(),
            quorum: Arc::new(self.quorum()),
            witnessed: None,
            znodes: Vec::new(),
            routes: Routes::default(),
            close: ready(()).boxed(),
        };
        let task = tokio::spawn(async move {
            node.run(listener, coordination, pending()).await.unwrap();
        });
        TestController { id, endpoint, task }
    }

    fn quorum(&self) -> Quorum {
        let (endpoints, store) = (self.endpoints.clone(), self.store.clone());
        let known = self.endpoints.clone();
        let member = |(id, endpoint): (&ControllerId, &String)| QuorumMember {
            id: *id,
            endpoint: endpoint.clone(),
            voter: true,
            ..Default::default()
        };
        Quorum {
            state: Box::new(move || QuorumState {
                mode: "memory".into(),
                members: endpoints.lock().unwrap().iter().map(member).collect(),
                ..Default::default()
            }),
            change: None,
            transfer: Box::new(move |to| {
                let leader = store.leadership().borrow().leader;
                let known = known.lock().unwrap();
                let heir = known.keys().find(|id| to.map_or(Some(**id) != leader, |to| to == **id));
                let elected = match heir {
                    Some(heir) => {
                        store.inner.elect(*heir);
                        Ok(())
                    }
                    None => Err("nobody to hand over to".to_owned()),
                };
                async move { elected }.boxed()
            }),
        }
    }

    pub fn elect(&self, controller: &TestController) -> ControllerEpoch {
        self.store.inner.elect(controller.id)
    }
}

/// A controller in this process.
pub struct TestController {
    pub id: ControllerId,
    pub endpoint: String,
    task: JoinHandle<()>,
}

impl TestController {
    pub async fn client(&self, credentials: Credentials) -> ControllerClient {
        connect(&self.endpoint, PATIENCE, credentials).await.unwrap()
    }

    pub async fn broker(&self, id: i32) -> TestBroker {
        let client = self.client(Credentials::none()).await;
        TestBroker::new(client, id).await
    }
}

impl Drop for TestController {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A broker, as a controller sees it.
pub struct TestBroker {
    pub client: ControllerClient,
    pub id: i32,
    pub epoch: i64,
    pub incarnation: Uuid,
    /// Accepts nothing, but is there.
    pub listener: Option<TcpListener>,
    pub port: u16,
    stream: Option<Streaming<MetadataBatch>>,
    pub image: ClusterImage,
    pub at: (Option<grpc::Epoch>, u64),
}

impl TestBroker {
    pub async fn new(client: ControllerClient, id: i32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self {
            client,
            id,
            epoch: -1,
            incarnation: Uuid::new_v4(),
            listener: Some(listener),
            port,
            stream: None,
            image: ClusterImage::default(),
            at: (None, 0),
        }
    }

    pub fn credentials(secret: &Secret, id: i32) -> Credentials {
        Credentials::new(Some(secret), CLUSTER, Role::Broker, id)
    }

    /// Submits until a controller that is active answers.
    pub async fn submit(&mut self, command: Command) -> Outcome {
        loop {
            let reply = submit(&mut self.client, std::slice::from_ref(&command)).await.unwrap();
            if reply.not_active.is_none() {
                return codec::decode_outcome(&reply.outcomes[0]).unwrap();
            }
            tokio::task::yield_now().await;
        }
    }

    pub fn registration(&self) -> RegisterBroker {
        RegisterBroker {
            id: self.id,
            incarnation: self.incarnation,
            listeners: vec![Listener {
                name: "PLAINTEXT".into(),
                host: "127.0.0.1".into(),
                port: self.port,
                security_protocol: "PLAINTEXT".into(),
            }],
            rack: None,
            log_dirs: vec![Uuid::from_u128(self.id as u128)],
            previous_epoch: None,
        }
    }

    pub async fn try_register(&mut self) -> Outcome {
        let outcome = self.submit(Command::RegisterBroker(self.registration())).await;
        if let Ok(records) = &outcome {
            let epoch = records.iter().rev().find_map(|record| match record {
                Record::Broker(broker) if broker.id == self.id => Some(broker.epoch),
                _ => None,
            });
            self.epoch = epoch.unwrap_or(self.epoch);
        }
        outcome
    }

    pub async fn watch(&mut self) {
        let request = WatchRequest {
            cluster_id: CLUSTER.into(),
            broker_id: self.id,
            broker_epoch: self.epoch,
            image_epoch: self.at.0,
            image_offset: self.at.1,
        };
        self.stream = Some(self.client.watch(request).await.unwrap().into_inner());
    }

    pub fn disconnect(&mut self) {
        self.stream = None;
    }

    /// Receives one update and applies it. `None`: the controller is not active any more.
    pub async fn update(&mut self) -> Option<MetadataBatch> {
        let stream = self.stream.as_mut().expect("it watches");
        let mut next = None;
        loop {
            let batch = tokio::time::timeout(PATIENCE, stream.message()).await.unwrap().unwrap()?;
            if batch.not_active.is_some() {
                return None;
            }
            let image = next.get_or_insert_with(|| match batch.full {
                true => ClusterImage::default(),
                false => self.image.clone(),
            });
            let records = codec::decode_records(&batch.records).unwrap();
            records.iter().for_each(|record| image.apply(record));
            if batch.last {
                self.at = (batch.epoch, batch.offset);
                self.image = next.unwrap();
                return Some(batch);
            }
        }
    }

    /// Applies updates until the image is as it should be.
    pub async fn until(&mut self, wanted: impl Fn(&ClusterImage) -> bool) {
        while !wanted(&self.image) {
            self.update().await.expect("the controller stays active");
        }
    }

    pub async fn beat(&mut self, want_fence: bool, want_shutdown: bool) -> HeartbeatReply {
        let request = HeartbeatRequest {
            cluster_id: CLUSTER.into(),
            broker_id: self.id,
            broker_epoch: self.epoch,
            image_epoch: self.at.0,
            image_offset: self.at.1,
            want_fence,
            want_shutdown,
        };
        self.client.heartbeat(request).await.unwrap().into_inner()
    }

    /// Registers, catches up, and is unfenced.
    pub async fn serve(&mut self) {
        self.try_register().await.unwrap();
        self.watch().await;
        let id = self.id;
        self.until(|image| image.brokers.contains_key(&id)).await;
        while self.beat(false, false).await.fenced {
            self.update().await.unwrap();
        }
        self.until(|image| !image.brokers[&id].fenced).await;
    }
}

pub async fn submit(
    client: &mut ControllerClient,
    commands: &[Command],
) -> Result<SubmitReply, Status> {
    let request = SubmitRequest {
        cluster_id: CLUSTER.into(),
        commands: commands.iter().map(|it| codec::encode_command(it).into()).collect(),
        principal: "User:test".into(),
    };
    Ok(client.submit(request).await?.into_inner())
}

pub fn create_topic(name: &str, replicas: Vec<i32>) -> Command {
    Command::CreateTopic(CreateTopic {
        name: name.into(),
        id: Uuid::new_v4(),
        partitions: -1,
        replication_factor: -1,
        assignments: vec![replicas],
        configs: BTreeMap::new(),
        validate_only: false,
    })
}
