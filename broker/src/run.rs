//! A broker's life: open directories, join the cluster, recover, serve, leave in order.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use config::{Listeners, Server, Settings, directory};
use grpc::auth::{Credentials, Guard, Role, Secret};
use metadata::{BrokerId, ClusterImage, Record, Uuid};
use partition_log::{Shared, checkpoint};
use telemetry::Process;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, watch};

use crate::api::ProducerIds;
use crate::broker::{Broker, Options};
use crate::control::{
    Controller, Images, Intent, Lease, Received, Registration, Session, SessionOptions, Update,
    Znodes,
};
use crate::group::{self, Groups};
use crate::limits::{ISR_QUEUE, OPEN_FILES, TAIL_CACHE_BYTES};
use crate::metrics::{Metrics, Observer};
use crate::peer::PeerOptions;
use crate::replica::{
    Cleaner, CleanerOptions, Disks, FetchSessions, FetcherOptions, Fetchers, IsrChanges,
    IsrOptions, LogDirectory, Maintenance, MaintenanceOptions, Replicas, ReplicasOptions,
    write_checkpoints,
};
use crate::server::{self, Memory};

/// Updates that may wait to be applied before the metadata stream is not read any further.
const UPDATES_MAX: usize = 16;

/// How long a stopping broker waits for its leaderships to be moved away.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a broker did not start, or did not stop in order.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Change the configuration.
    #[error("{0}")]
    Configuration(String),
    #[error("{0}")]
    Failed(String),
}

fn configuration(error: impl std::fmt::Display) -> RunError {
    RunError::Configuration(error.to_string())
}

fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::Failed(error.to_string())
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(server: Server) -> Result<(), RunError> {
    let Server { settings, listeners } = server;
    settings.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let settings = Arc::new(settings);
    let id = settings.node_id();
    let controllers = controllers(&settings);

    // Locks are held for as long as the opened directories live.
    let mut opened = Vec::new();
    let mut directories = Vec::new();
    let mut clean_epochs = Vec::new();
    let mut cluster = None;
    for path in settings.log_dirs() {
        let open = directory::open(&path, id, cluster).map_err(configuration)?;
        cluster = Some(open.cluster_id);
        let (directory, epoch) = LogDirectory::read(path, open.directory_id).map_err(failed)?;
        clean_epochs.push(epoch);
        directories.push(directory);
        opened.push(open);
    }
    let cluster = cluster.ok_or_else(|| configuration("log.dirs names no directory"))?;
    let cluster_id: Arc<str> = cluster.to_string().into();
    // Clean is only what every directory says is clean.
    let previous_epoch = clean_epochs.iter().copied().min().flatten();

    let secret = secret(&settings)?;
    let guard = Guard::new(secret.clone(), &cluster_id).only(Role::Broker);
    let credentials = Credentials::new(secret.as_ref(), &cluster_id, Role::Broker, id);

    let mut bound = Vec::new();
    let mut advertised = Vec::new();
    for listener in &listeners.listeners {
        let ready = server::bind(&listener.name, &listener.host, listener.port)
            .await
            .map_err(|error| failed(format!("bind {}: {error}", listener.bind_address())))?;
        let port = match listener.advertised_port {
            0 => ready.address.port(),
            port => port,
        };
        advertised.push(metadata::Listener {
            name: listener.name.clone(),
            host: listener.advertised_host.clone(),
            port,
            security_protocol: listener.security_protocol.to_string(),
        });
        bound.push(ready);
    }

    let mut watched = Vec::new();
    for address in settings.list("janus.metrics.listener") {
        let listener = TcpListener::bind(address).await;
        watched.push(listener.map_err(|error| failed(format!("bind {address}: {error}")))?);
    }

    let metrics = Arc::new(Metrics::default());
    let images = Images::default();
    let known = images.changes();
    let lease = Arc::new(Lease::default());
    let lease_addresses = settings.zookeeper_addresses();
    let znodes = Arc::new(Znodes::new(lease_addresses));
    let (active, active_controller) = watch::channel(None);
    let (broker_epoch, broker_epoch_known) = watch::channel(-1);
    let (intent, wanted_intent) = watch::channel(Intent::StayFenced);
    let (may_shutdown, shutdown_granted) = watch::channel(false);
    let (updates, received_updates) = mpsc::channel(UPDATES_MAX);
    let controller = Controller::new(cluster_id.clone(), active_controller, images.clone());

    let fetchers = Fetchers::new(FetcherOptions {
        me: id,
        peer: PeerOptions {
            me: id,
            inter_broker_listener: listeners.inter_broker.clone(),
            token: credentials.token_text(Role::Broker, id),
            addresses: settings.peer_addresses(),
        },
        images: images.clone(),
        broker_epoch: broker_epoch_known.clone(),
        wait_max_ms: settings.i32("replica.fetch.wait.max.ms"),
        min_bytes: settings.i32("replica.fetch.min.bytes"),
        partition_bytes_max: settings.i32("replica.fetch.max.bytes"),
        response_bytes_max: settings.i32("replica.fetch.response.max.bytes"),
    });
    let (isr_wanted, isr_queue) = mpsc::channel(ISR_QUEUE);
    let (leaderships, leadership_changes) = mpsc::unbounded_channel();
    let log_dirs: Vec<Uuid> = directories.iter().map(|it| it.id).collect();
    let disks = Arc::new(Disks::new(directories.iter().map(|it| it.path.clone()).collect()));
    let replicas = Arc::new(Replicas::new(
        ReplicasOptions {
            me: id,
            settings: settings.clone(),
            directories,
            shared: Shared::new(TAIL_CACHE_BYTES, OPEN_FILES),
            disks: disks.clone(),
            metrics: metrics.clone(),
        },
        fetchers,
        isr_wanted,
        leaderships,
    ));
    let groups = Arc::new(Groups::new(group::config_of(&settings), images.clone()));
    tokio::spawn(groups.clone().run(leadership_changes));
    let broker = Arc::new(Broker {
        options: options(&settings, &listeners, id, cluster_id.clone(), guard),
        settings: settings.clone(),
        images: images.clone(),
        controller: controller.clone(),
        replicas: replicas.clone(),
        sessions: FetchSessions::new(
            settings.i32("max.incremental.fetch.session.cache.slots").max(1) as usize,
            rand::random(),
        ),
        producer_ids: ProducerIds::default(),
        groups: groups.clone(),
        lease: lease.clone(),
        metrics: metrics.clone(),
        memory: Memory::new(usize::try_from(settings.i64("queued.max.request.bytes")).ok()),
        broker_epoch: broker_epoch_known.clone(),
    });
    let observer = Arc::new(Observer {
        broker: broker.clone(),
        intent: wanted_intent.clone(),
        process: Process::default(),
    });
    for listener in watched {
        tokio::spawn(telemetry::serve(listener, observer.clone()));
    }

    let session = Session {
        options: SessionOptions {
            cluster_id,
            controllers,
            credentials,
            registration: Registration {
                id,
                incarnation: Uuid::new_v4(),
                listeners: advertised,
                rack: settings.string("broker.rack").map(str::to_owned),
                log_dirs,
                previous_epoch,
            },
        },
        images: images.clone(),
        received: Received::default(),
        lease,
        znodes: znodes.clone(),
        intent: wanted_intent,
        active,
        broker_epoch,
        updates,
        may_shutdown,
    };
    let session = tokio::spawn(session.run());
    let applier = Applier {
        replicas: replicas.clone(),
        images: images.clone(),
        groups,
        metrics,
        me: id,
        intent: intent.clone(),
    };
    // Opens, creates and removes logs, which may take a disk's time: on a thread of its own, lest
    // nobody serves clients meanwhile.
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("metadata".into())
        .spawn(move || runtime.block_on(applier.run(received_updates)))
        .map_err(|error| failed(format!("start the metadata thread: {error}")))?;
    let isr_changes = IsrChanges {
        options: IsrOptions { me: id, lag_max_ms: settings.i64("replica.lag.time.max.ms") },
        replicas: replicas.clone(),
        images: images.clone(),
        controller,
        broker_epoch: broker_epoch_known.clone(),
        wanted: isr_queue,
    };
    tokio::spawn(isr_changes.run());
    let interval = |key| Duration::from_millis(settings.i64(key).max(1) as u64);
    let maintenance = Maintenance {
        options: MaintenanceOptions {
            checkpoint_interval: interval("replica.high.watermark.checkpoint.interval.ms"),
            retention_interval: interval("log.retention.check.interval.ms"),
        },
        replicas: replicas.clone(),
    };
    let maintenance = tokio::spawn(maintenance.run());
    let cleaner = Cleaner {
        options: CleanerOptions {
            enabled: settings.bool("log.cleaner.enable"),
            backoff: interval("log.cleaner.backoff.ms"),
            dedupe_buffer_bytes: settings.i64("log.cleaner.dedupe.buffer.size").max(1) as usize,
            bytes_per_second_max: settings.f64("log.cleaner.io.max.bytes.per.second").max(1.0),
        },
        replicas: replicas.clone(),
    };
    let cleaner = tokio::spawn(cleaner.run());

    let connections = settings.i32("max.connections").max(1) as usize;
    let connections = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
    for listener in bound {
        tracing::info!("listening on {} ({})", listener.address, listener.name);
        let serving = server::serve(listener, broker.clone(), connections.clone());
        let mut known = known.clone();
        // Before the first metadata clients wait in the kernel's queue, as at Kafka's brokers. An
        // answer without brokers and topics would be believed: librdkafka forgets all, for good.
        tokio::spawn(async move {
            if known.changed().await.is_ok() {
                serving.await;
            }
        });
    }

    tokio::select! {
        stopped = stop_signal() => stopped.map_err(failed)?,
        Ok(Err(refusal)) = session => {
            let paths = opened.iter().map(|it| it.path.join("meta.properties"));
            let paths: Vec<_> = paths.map(|it| it.display().to_string()).collect();
            return Err(configuration(format!(
                "the controllers refuse this broker: {refusal}; {} names cluster {cluster}: point \
                 log.dirs at this cluster's directory, the controllers' addresses at that cluster, \
                 or janus.cluster.secret.file at its secret",
                paths.join(", ")
            )));
        }
        // Nothing is closed in order: the next start finds out what the disk holds.
        error = disks.failed() => {
            let next = "repair the disk and start this broker again, the others have taken over";
            return Err(failed(format!("{error}; {next}")));
        }
    }
    leave(&settings, &intent, shutdown_granted).await;
    maintenance.abort();
    cleaner.abort();
    tokio::task::spawn_blocking(move || {
        write_checkpoints(&replicas);
        let offsets: Vec<_> =
            (0..replicas.directories().len()).map(|at| (at, replicas.checkpoints(at))).collect();
        if !replicas.close() {
            return;
        }
        let epoch = *broker_epoch_known.borrow();
        for (at, offsets) in offsets {
            let path = &replicas.directories()[at].path;
            // Everything is synced now: recovery may start at the end of each log.
            let marked =
                checkpoint::write(path, checkpoint::RECOVERY_POINTS, &offsets.log_end_offsets)
                    .and_then(|()| checkpoint::mark_clean_shutdown(path, epoch));
            if let Err(error) = marked {
                tracing::error!("marking the clean stop in {}: {error}", path.display());
            }
        }
    })
    .await
    .map_err(failed)?;
    znodes.release().await;
    drop(opened);
    tracing::info!("stopped");
    Ok(())
}

/// Turns updates into replicas, then shows their image to the request handlers.
struct Applier {
    replicas: Arc<Replicas>,
    images: Images,
    groups: Arc<Groups>,
    metrics: Arc<Metrics>,
    me: BrokerId,
    intent: watch::Sender<Intent>,
}

impl Applier {
    async fn run(self, mut updates: mpsc::Receiver<Update>) {
        let mut first = true;
        while let Some(update) = updates.recv().await {
            self.apply(update).await;
            if std::mem::take(&mut first) {
                self.recovered();
            }
        }
    }

    async fn apply(&self, Update { published, records }: Update) {
        self.replicas.apply(&published.image, &records).await;
        let before = self.images.load();
        self.count_isr_changes(&before, &records);
        self.images.publish(published);
        let deleted: Vec<_> = records
            .iter()
            .filter_map(|record| match record {
                Record::TopicRemoved(name) => Some((name.clone(), before.topics.get(name)?.id)),
                _ => None,
            })
            .collect();
        if !deleted.is_empty() {
            self.groups.topics_deleted(deleted).await;
        }
    }

    /// Of partitions that this broker led before and leads now.
    fn count_isr_changes(&self, before: &ClusterImage, records: &[Record]) {
        for record in records {
            let Record::Partition(after) = record else { continue };
            let Some(before) = before.partitions.get(&after.id) else { continue };
            if [before.leader, after.leader] != [Some(self.me); 2] {
                continue;
            }
            match after.isr.len().cmp(&before.isr.len()) {
                Ordering::Less => self.metrics.isr_shrinks.increment(),
                Ordering::Greater => self.metrics.isr_expands.increment(),
                Ordering::Equal => {}
            }
        }
    }

    /// All logs are open: the broker may serve, as long as its disks let it.
    fn recovered(&self) {
        let image = self.images.load();
        self.replicas.set_strays_aside(&image);
        let (replicas, topics) = (self.replicas.all().len(), image.topics.len());
        tracing::info!("recovered: {replicas} replicas of {topics} topics");
        tokio::spawn(self.replicas.disks().clone().run(self.intent.clone()));
    }
}

/// Controlled shutdown: the controller moves leaderships away first, within a bound.
async fn leave(
    settings: &Settings,
    intent: &watch::Sender<Intent>,
    mut granted: watch::Receiver<bool>,
) {
    if !settings.bool("controlled.shutdown.enable") {
        return;
    }
    tracing::info!("controlled shutdown");
    intent.send_replace(Intent::ShutDown);
    if tokio::time::timeout(LEAVE_TIMEOUT, granted.wait_for(|it| *it)).await.is_err() {
        tracing::warn!(
            "no leave to shut down after {} s: stopping anyway",
            LEAVE_TIMEOUT.as_secs()
        );
    }
}

async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn options(
    settings: &Settings,
    listeners: &Listeners,
    id: i32,
    cluster_id: Arc<str>,
    guard: Guard,
) -> Options {
    Options {
        id,
        cluster_id,
        inter_broker_listener: listeners.inter_broker.clone(),
        guard,
        connections_max_idle: Duration::from_millis(
            settings.i64("connections.max.idle.ms").max(1) as u64
        ),
        request_bytes_max: settings.i32("socket.request.max.bytes").max(1) as usize,
        fetch_bytes_max: settings.i32("fetch.max.bytes").max(0) as usize,
        auto_create_topics: settings.bool("auto.create.topics.enable"),
        self_fencing: settings.bool("janus.self.fencing"),
    }
}

/// host:port of every controller, from either of Kafka's two keys. Voters have ids, by which
/// `janus.peer.address.map` names them; bootstrap servers are reached where they are said to be.
fn controllers(settings: &Settings) -> Vec<String> {
    let bootstrap = settings.list("controller.quorum.bootstrap.servers");
    let voters = settings.list("controller.quorum.voters");
    let addresses = settings.peer_addresses();
    let reached = |(id, endpoint): (&str, &str)| {
        let mapped = id.parse().ok().and_then(|id: i32| addresses.get(&id).cloned());
        mapped.unwrap_or_else(|| endpoint.to_owned())
    };
    let voters = voters.iter().filter_map(|it| it.split_once('@')).map(reached);
    let bootstrap = bootstrap.into_iter().map(str::to_owned);
    let mut endpoints: Vec<String> = bootstrap.chain(voters).collect();
    endpoints.sort();
    endpoints.dedup();
    endpoints
}

fn secret(settings: &Settings) -> Result<Option<Secret>, RunError> {
    let key = "janus.cluster.secret.file";
    let path = settings.string(key).filter(|it| !it.is_empty());
    let wrong = |error| configuration(format!("{}: {key}: {error}", settings.place(key)));
    path.map(|path| Secret::read(path.as_ref())).transpose().map_err(wrong)
}
