//! The driver alone, over a store in memory and on virtual time: no sockets, no waiting.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use janus_controller::batch::Request;
use janus_controller::driver::{Balance, Driver, ForeignStore, Options};
use janus_controller::heartbeat::Heartbeats;
use janus_controller::liveness::Beat;
use janus_controller::watch::{Connections, Publication, Snapshot};
use metadata::control::{CreateTopic, Election, RegisterBroker};
use metadata::memory::MemoryStore;
use metadata::{
    BrokerId, ClusterImage, Command, Controller, ControllerEpoch, ControllerId, Defaults, Listener,
    MetadataStore, Outcome, Record, TopicPartition, Uuid,
};
use support::{CLUSTER, LONG};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

const SESSION: Duration = Duration::from_secs(9);
const INTERVAL: Duration = Duration::from_secs(2);

struct Running {
    store: Arc<MemoryStore>,
    requests: mpsc::Sender<Request>,
    heartbeats: Arc<Heartbeats>,
    publication: Arc<Publication>,
    task: JoinHandle<Result<(), ForeignStore>>,
}

fn options(id: ControllerId) -> Options {
    Options {
        cluster_id: CLUSTER.into(),
        me: Controller {
            id,
            incarnation: Uuid::from_u128(1),
            endpoint: "localhost:9093".into(),
            directory_id: Uuid::from_u128(2),
        },
        defaults: Defaults::default(),
        fence_on_process_death: false,
        probe_on_takeover: false,
        balance: None,
        leaderless_interval: LONG,
        inter_broker_listener: String::new(),
        addresses: BTreeMap::new(),
    }
}

/// Starts controller 101. `live` replaces heartbeats as the proof of life.
fn start(
    store: &Arc<MemoryStore>,
    options: Options,
    live: Option<watch::Receiver<BTreeSet<BrokerId>>>,
) -> Running {
    let heartbeats = Arc::new(Heartbeats::new(SESSION, INTERVAL, None));
    let publication = Arc::new(Publication::default());
    let (requests, receiver) = mpsc::channel(16);
    let driver = Driver {
        options,
        store: store.clone(),
        requests: receiver,
        live: live.unwrap_or_else(|| heartbeats.live()),
        heartbeats: heartbeats.clone(),
        connections: Connections::default(),
        publication: publication.clone(),
        metrics: Arc::default(),
    };
    let (store, task) = (store.clone(), tokio::spawn(driver.run()));
    Running { store, requests, heartbeats, publication, task }
}

impl Running {
    fn elect(&self) -> ControllerEpoch {
        self.store.elect(101)
    }

    async fn until(&self, wanted: impl Fn(&ClusterImage) -> bool) -> Snapshot {
        let mut published = self.publication.subscribe();
        let snapshot = published
            .wait_for(|it| it.as_ref().is_some_and(|it| wanted(&it.image)))
            .await
            .expect("the driver runs");
        let snapshot = snapshot.as_ref().expect("just checked");
        Snapshot::clone(snapshot)
    }

    async fn submit(&self, command: Command) -> Outcome {
        let (request, answer) = Request::new(vec![command]);
        self.requests.send(request).await.unwrap();
        answer.await.expect("the controller is active").outcomes.remove(0)
    }

    /// Registers a broker and unfences it. Returns its epoch.
    async fn serve(&self, id: BrokerId) -> i64 {
        let listener = Listener {
            name: "PLAINTEXT".into(),
            host: "localhost".into(),
            port: 9092,
            security_protocol: "PLAINTEXT".into(),
        };
        let registration = RegisterBroker {
            id,
            incarnation: Uuid::from_u128(id as u128),
            listeners: vec![listener],
            rack: None,
            log_dirs: vec![Uuid::from_u128(id as u128)],
            previous_epoch: None,
        };
        let records = self.submit(Command::RegisterBroker(registration)).await.unwrap();
        let Some(Record::Broker(broker)) = records.last() else { panic!("{records:?}") };
        self.beat(id, broker.epoch);
        let epoch = broker.epoch;
        self.submit(Command::UnfenceBroker { id, epoch }).await.unwrap();
        epoch
    }

    fn beat(&self, id: BrokerId, broker_epoch: i64) {
        let published = self.publication.current().unwrap();
        let beat = Beat {
            id,
            broker_epoch,
            applied: Some(published.offset),
            want_fence: false,
            want_shutdown: false,
        };
        self.heartbeats.beat(&beat, published.offset);
    }
}

fn create(name: &str, replicas: Vec<BrokerId>) -> Command {
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

fn is_fenced(image: &ClusterImage, id: BrokerId) -> bool {
    image.brokers.get(&id).is_some_and(|broker| broker.fenced)
}

fn leader(image: &ClusterImage, topic: &str) -> Option<BrokerId> {
    image.partition(&Arc::from(topic), 0)?.leader
}

#[tokio::test(start_paused = true)]
async fn the_first_controller_forms_the_cluster() {
    let running = start(&Arc::new(MemoryStore::new(1)), options(101), None);
    assert!(running.publication.current().is_none());
    let epoch = running.elect();
    let formed = running
        .until(|image| image.cluster_id.is_some() && image.controllers.contains_key(&101))
        .await;
    assert_eq!(formed.epoch, epoch);
    assert_eq!(formed.image.cluster_id.as_deref(), Some(CLUSTER));

    // The next term finds all of it and has nothing to write.
    running.store.depose();
    running.publication.subscribe().wait_for(Option::is_none).await.unwrap();
    let again = running.elect();
    let found = running.until(|_| true).await;
    assert_eq!((found.epoch, found.offset), (again, formed.offset));
    let offset = running.store.load().await.unwrap().0;
    assert!(running.submit(Command::Reconcile).await.is_ok());
    assert_eq!(running.store.load().await.unwrap().0, offset);
}

#[tokio::test(start_paused = true)]
async fn another_clusters_store_is_not_touched() {
    let store = Arc::new(MemoryStore::new(1));
    let epoch = store.elect(100);
    let cluster = metadata::Cluster { id: "AAAAAAAAAAAAAAAAAAAAAA".into() };
    store.commit(epoch, &[Record::Cluster(cluster)]).await.unwrap();
    let running = start(&store, options(101), None);
    running.elect();
    let error = running.task.await.unwrap().unwrap_err().to_string();
    assert!(error.contains("AAAAAAAAAAAAAAAAAAAAAA") && error.contains(CLUSTER), "{error}");
    assert_eq!(store.load().await.unwrap().0, 1);
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_nine_seconds_after_the_last_heartbeat() {
    let running = start(&Arc::new(MemoryStore::new(1)), options(101), None);
    running.elect();
    running.until(|_| true).await;
    let epoch = running.serve(1).await;
    let started = Instant::now();
    for _ in 0..10 {
        sleep(INTERVAL).await;
        running.beat(1, epoch);
    }
    let fenced = running.until(|image| is_fenced(image, 1)).await;
    let silent_for = started.elapsed() - 10 * INTERVAL;
    assert!(silent_for >= SESSION && silent_for < SESSION + INTERVAL / 20, "{silent_for:?}");
    assert_eq!(fenced.image.brokers[&1].epoch, epoch);
}

#[tokio::test(start_paused = true)]
async fn a_new_controller_gives_brokers_their_whole_session() {
    let store = Arc::new(MemoryStore::new(1));
    let running = start(&store, options(101), None);
    running.elect();
    running.until(|_| true).await;
    running.serve(1).await;
    sleep(SESSION - Duration::from_millis(1)).await;
    let next = start(&store, options(102), None);
    store.elect(102);
    next.until(|image| !is_fenced(image, 1)).await;
    assert!(running.publication.current().is_none());
    let took_over = Instant::now();
    next.until(|image| is_fenced(image, 1)).await;
    assert!(took_over.elapsed() >= SESSION - Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn the_live_set_decides_whatever_feeds_it() {
    let store = Arc::new(MemoryStore::new(1));
    let (live, receiver) = watch::channel(BTreeSet::from([1, 2, 3]));
    let running = start(&store, options(101), Some(receiver.clone()));
    running.elect();
    running.until(|_| true).await;
    for id in [1, 2, 3] {
        running.serve(id).await;
    }
    running.submit(create("orders", vec![1, 2])).await.unwrap();
    assert!(live.send_if_modified(|live| live.remove(&1)));
    let image = running.until(|image| is_fenced(image, 1)).await.image;
    assert_eq!(leader(&image, "orders"), Some(2));
    assert!(!is_fenced(&image, 2));

    // One more dies while nobody leads. The next controller sees it at once.
    store.depose();
    running.publication.subscribe().wait_for(Option::is_none).await.unwrap();
    assert!(live.send_if_modified(|live| live.remove(&2)));
    let next = start(&store, options(102), Some(receiver));
    let started = Instant::now();
    store.elect(102);
    let image = next.until(|image| is_fenced(image, 2)).await.image;
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!((leader(&image, "orders"), is_fenced(&image, 3)), (None, false));

    // It has come back, was unfenced, and its proof of life is gone before that is committed.
    assert!(live.send_if_modified(|live| live.insert(2)));
    assert!(live.send_if_modified(|live| live.remove(&2)));
    let epoch = image.brokers[&2].epoch;
    next.submit(Command::UnfenceBroker { id: 2, epoch }).await.unwrap();
    next.until(|image| is_fenced(image, 2)).await;
}

#[tokio::test(start_paused = true)]
async fn leaders_move_back_five_seconds_after_takeover_and_then_from_time_to_time() {
    let interval = Duration::from_secs(300);
    let balance = Some(Balance { interval, imbalance_percentage: 10 });
    let options = Options { balance, ..options(101) };
    let (_live, receiver) = watch::channel(BTreeSet::from([1, 2]));
    let running = start(&Arc::new(MemoryStore::new(1)), options, Some(receiver));
    let started = Instant::now();
    running.elect();
    running.until(|_| true).await;
    let first = running.serve(1).await;
    running.serve(2).await;
    running.submit(create("orders", vec![1, 2])).await.unwrap();

    for at in [Duration::from_secs(5), Duration::from_secs(5) + interval] {
        running.submit(Command::FenceBroker { id: 1, epoch: first }).await.unwrap();
        running.submit(Command::UnfenceBroker { id: 1, epoch: first }).await.unwrap();
        let image = running.until(|image| leader(image, "orders") == Some(2)).await.image;
        rejoin(&running, &image).await;
        running.until(|image| leader(image, "orders") == Some(1)).await;
        assert_eq!(started.elapsed().as_secs(), at.as_secs());
    }
    // By hand it needs no waiting, and there is nothing to do.
    let partition = TopicPartition::new("orders", 0);
    let elect = Command::ElectLeader { partition, election: Election::Preferred };
    assert!(running.submit(elect).await.is_err());
}

/// Broker 2 takes broker 1 back into the ISR of its partition.
async fn rejoin(running: &Running, image: &ClusterImage) {
    let partition = image.partition(&Arc::from("orders"), 0).unwrap();
    let isr = [1, 2].map(|id| (id, image.brokers[&id].epoch)).to_vec();
    let alter = Command::AlterPartition(metadata::control::AlterPartition {
        broker: 2,
        broker_epoch: image.brokers[&2].epoch,
        topic_id: image.topics["orders"].id,
        partition: 0,
        leader_epoch: partition.leader_epoch,
        partition_epoch: partition.partition_epoch,
        isr,
        recovering: false,
    });
    running.submit(alter).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_to_a_standby_are_dropped() {
    let running = start(&Arc::new(MemoryStore::new(1)), options(101), None);
    running.store.elect(102);
    let (request, answer) = Request::new(vec![Command::Reconcile]);
    running.requests.send(request).await.unwrap();
    assert!(answer.await.is_err());
    // And the driver ends when nobody can ask any more.
    let Running { requests, task, .. } = running;
    drop(requests);
    assert!(task.await.unwrap().is_ok());
}
