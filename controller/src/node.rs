//! One controller process: what runs in it, and how it stops.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::service::Routes;
use tracing::{info, warn};

use grpc::auth::{Credentials, Guard, Role, Secret};
use grpc::{Leases, ZnodeLease};
use metadata::{BrokerId, Leadership, MetadataStore};
use telemetry::Process;

use crate::driver::{Driver, Options};
use crate::heartbeat::Heartbeats;
use crate::metrics::{Metrics, Observer};
use crate::server;
use crate::service::{ControllerService, Quorum};
use crate::standby::Standby;
use crate::watch::{Connections, Publication};

/// Requests that wait for a decision. More are refused.
const QUEUE_REQUESTS: usize = 512;
/// How long a stopping controller tries to hand leadership over.
const HANDOVER_DEADLINE: Duration = Duration::from_secs(2);

/// Everything that a mode brings to a controller.
pub struct Coordination {
    pub store: Arc<dyn MetadataStore>,
    pub quorum: Arc<Quorum>,
    /// The brokers that something beside heartbeats proves to be alive, where there is such a thing.
    pub witnessed: Option<watch::Receiver<BTreeSet<BrokerId>>>,
    /// Where brokers hold an ephemeral znode.
    pub znodes: Vec<ZnodeLease>,
    /// Services between controllers.
    pub routes: Routes,
    /// Closes the store, once nothing uses it any more.
    pub close: BoxFuture<'static, ()>,
}

/// Settings of the process that are alike in both modes.
pub struct Node {
    pub options: Options,
    /// `broker.heartbeat.interval.ms`
    pub heartbeat_interval: Duration,
    /// `broker.session.timeout.ms`
    pub session_timeout: Duration,
    pub secret: Option<Secret>,
    /// Where it is watched (`janus.metrics.listener`).
    pub watched: Vec<TcpListener>,
}

impl Node {
    /// Serves on the listener until `stop` resolves, then hands leadership over and ends. It is
    /// safe to kill the process at any time.
    pub async fn run(
        self,
        listener: TcpListener,
        coordination: Coordination,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let Coordination { store, quorum, witnessed, znodes, routes, close } = coordination;
        let Node { options, heartbeat_interval, session_timeout, secret, watched } = self;
        let me = options.me.clone();
        let cluster_id: Arc<str> = options.cluster_id.as_str().into();
        let heartbeats = Heartbeats::new(session_timeout, heartbeat_interval, witnessed);
        let heartbeats = Arc::new(heartbeats);
        let (connections, publication) = (Connections::default(), Arc::new(Publication::default()));
        let (sender, requests) = mpsc::channel(QUEUE_REQUESTS);
        let milliseconds = |duration: Duration| duration.as_millis().try_into().unwrap_or(u32::MAX);
        let leadership = store.leadership();

        let service = ControllerService {
            id: me.id,
            cluster_id: cluster_id.clone(),
            leases: Leases {
                heartbeat_interval_ms: milliseconds(heartbeat_interval),
                session_timeout_ms: milliseconds(session_timeout),
                heartbeats_count: true,
                znodes,
            },
            requests: sender,
            leadership: leadership.clone(),
            quorum: quorum.clone(),
            publication: publication.clone(),
            heartbeats: heartbeats.clone(),
            live: heartbeats.live(),
            connections: connections.clone(),
        };
        let guard = Guard::new(secret.clone(), &cluster_id);
        let routes = server::routes(routes, service, guard);
        let credentials = Credentials::new(secret.as_ref(), &cluster_id, Role::Controller, me.id);
        let standby = Standby {
            me: me.clone(),
            cluster_id,
            leadership: leadership.clone(),
            quorum: quorum.clone(),
            credentials,
            addresses: options.addresses.clone(),
        };
        let metrics = Arc::new(Metrics::default());
        let observer = Arc::new(Observer {
            id: me.id,
            leadership: leadership.clone(),
            quorum: quorum.clone(),
            publication: publication.clone(),
            connections: connections.clone(),
            metrics: metrics.clone(),
            process: Process::default(),
        });
        let mut watching = JoinSet::new();
        for listener in watched {
            watching.spawn(telemetry::serve(listener, observer.clone()));
        }
        let driver = Driver {
            options,
            store,
            requests,
            live: heartbeats.live(),
            heartbeats: heartbeats.clone(),
            connections,
            publication: publication.clone(),
            metrics,
        };
        let stopping = async {
            stop.await;
            info!("Stopping");
            hand_over(me.id, leadership, &quorum).await;
            publication.withdraw();
        };
        let ended = tokio::select! {
            ended = driver.run() => match ended {
                Ok(()) => Err(anyhow!("the metadata store has stopped")),
                Err(foreign) => Err(foreign.into()),
            },
            served = server::serve(listener, routes, stopping) => served.context("serve gRPC"),
            never = standby.run() => never,
            never = heartbeats.follow() => never,
        };
        close.await;
        ended
    }
}

async fn hand_over(id: i32, mut leadership: watch::Receiver<Leadership>, quorum: &Quorum) {
    let others = (quorum.state)().members.iter().any(|member| member.voter && member.id != id);
    if leadership.borrow().leader != Some(id) || !others {
        return;
    }
    let moved = timeout(HANDOVER_DEADLINE, async {
        (quorum.transfer)(None).await?;
        leadership.wait_for(|it| it.leader.is_some_and(|leader| leader != id)).await.ok();
        Ok::<_, String>(leadership.borrow().leader)
    });
    match moved.await {
        Ok(Ok(Some(leader))) => info!("Handed leadership over to controller {leader}"),
        Ok(Ok(None)) => {}
        Ok(Err(reason)) => warn!("Leadership is not handed over: {reason}"),
        Err(_) => warn!("Nobody took over leadership within {HANDOVER_DEADLINE:?}"),
    }
}
