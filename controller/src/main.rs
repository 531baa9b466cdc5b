//! `janus-controller FILE [--override key=value]...`: reads the configuration, chooses the
//! coordination, and runs one controller until it is told to stop.

mod raft;
mod zookeeper;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use config::directory::{self, DirectoryError, FormattedDirectory};
use config::{Role, Server, Settings};
use grpc::auth::Secret;
use janus_controller::driver::{Balance, Options};
use janus_controller::node::{Coordination, Node};
use metadata::{Controller, ControllerId, Defaults, Uuid};
use telemetry::{LogFormat, Logging};

/// A Janus controller: decides every change of the cluster's metadata while it is active.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example:\n  janus-controller controller.properties --override node.id=101"
)]
struct Arguments {
    /// A server.properties file with Kafka's keys
    file: PathBuf,
    /// Sets one key, whatever the file says
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

/// Why the process ends, by its exit code.
pub(crate) enum Failure {
    /// 2: somebody must change the configuration, or format a directory.
    Configuration(anyhow::Error),
    /// 1: the system failed.
    Runtime(anyhow::Error),
}

impl Failure {
    pub(crate) fn configuration(error: impl Into<anyhow::Error>) -> Self {
        Self::Configuration(error.into())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Runtime(error)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let variables = config::environment();
    let server = Server::load(Role::Controller, &arguments.file, &arguments.overrides, variables);
    let server = match server {
        Ok(server) => server,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = telemetry::init_logging(&logging(&server.settings)) {
        eprintln!("janus-controller: open the log in janus.log.dir: {error}");
        return ExitCode::FAILURE;
    }
    // One thread: what takes a disk's time, the log's syncs and the snapshots, has others.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(&server)),
        Err(error) => Err(anyhow!(error).context("start the runtime").into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Configuration(error)) => {
            eprintln!("{error:#}");
            ExitCode::from(2)
        }
        Err(Failure::Runtime(error)) => {
            error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(server: &Server) -> Result<(), Failure> {
    let settings = &server.settings;
    settings.warnings().iter().for_each(|warning| warn!("{warning}"));
    let secret = read_secret(settings).map_err(Failure::Configuration)?;
    let listener = server.listeners.listeners.first().expect("a controller has one listener");
    let addresses = settings.peer_addresses();
    let directory = open_directory(settings)?;

    let bind = listener.bind_address();
    let socket = TcpListener::bind(&bind).await.with_context(|| format!("listen on {bind}"))?;
    let bound = socket.local_addr().with_context(|| format!("listen on {bind}"))?;
    let port = if listener.port == 0 { bound.port() } else { listener.advertised_port };
    let me = Controller {
        id: settings.node_id(),
        incarnation: Uuid::new_v4(),
        endpoint: endpoint(&listener.advertised_host, port),
        directory_id: directory.directory_id,
    };
    info!(
        "Starting controller {} of cluster {} in {}",
        me.id,
        directory.cluster_id,
        directory.path.display()
    );
    let mut watched = Vec::new();
    for address in settings.list("janus.metrics.listener") {
        let listener = TcpListener::bind(address).await;
        watched.push(listener.with_context(|| format!("listen on {address}"))?);
    }
    let coordination = coordination(settings, &directory, &me, &secret, &addresses).await?;
    let endpoint = me.endpoint.clone();
    let node = node(settings, me, &directory, secret, addresses, watched);
    let mut terminate = signal(SignalKind::terminate()).context("wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for SIGINT")?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    info!("Started controller {} on {endpoint}, listening on {bound}", settings.node_id());
    node.run(socket, coordination, stop).await?;
    info!("Stopped controller {}", settings.node_id());
    Ok(())
}

fn node(
    settings: &Settings,
    me: Controller,
    directory: &FormattedDirectory,
    secret: Option<Secret>,
    addresses: BTreeMap<ControllerId, String>,
    watched: Vec<TcpListener>,
) -> Node {
    let balance = settings.bool("auto.leader.rebalance.enable").then(|| Balance {
        interval: seconds(settings, "leader.imbalance.check.interval.seconds"),
        imbalance_percentage: settings.i32("leader.imbalance.per.broker.percentage"),
    });
    let options = Options {
        cluster_id: directory.cluster_id.to_string(),
        me,
        defaults: Defaults::new(settings),
        fence_on_process_death: settings.bool("janus.fence.on.process.death"),
        probe_on_takeover: settings.bool("janus.probe.brokers.on.takeover"),
        balance,
        leaderless_interval: milliseconds(settings, "unclean.leader.election.interval.ms"),
        inter_broker_listener: settings
            .string("inter.broker.listener.name")
            .unwrap_or_default()
            .to_uppercase(),
        addresses,
    };
    Node {
        options,
        heartbeat_interval: milliseconds(settings, "broker.heartbeat.interval.ms"),
        session_timeout: milliseconds(settings, "broker.session.timeout.ms"),
        secret,
        watched,
    }
}

fn logging(settings: &Settings) -> Logging {
    let json = settings.str("janus.log.format") == "json";
    Logging {
        format: if json { LogFormat::Json } else { LogFormat::Text },
        directory: settings.string("janus.log.dir").filter(|it| !it.is_empty()).map(Into::into),
        name: format!("controller-{}.log", settings.node_id()),
        file_bytes_max: settings.i64("janus.log.file.bytes").unsigned_abs(),
        files: settings.i32("janus.log.files").unsigned_abs(),
    }
}

/// The only place that knows the modes: each brings a store and a few plain values.
async fn coordination(
    settings: &Settings,
    directory: &FormattedDirectory,
    me: &Controller,
    secret: &Option<Secret>,
    addresses: &BTreeMap<ControllerId, String>,
) -> Result<Coordination, Failure> {
    match settings.string("zookeeper.connect").filter(|connect| !connect.is_empty()) {
        Some(connect) => zookeeper::coordinate(settings, connect, directory, me, addresses).await,
        None => raft::coordinate(settings, directory, me, secret, addresses).await,
    }
}

fn read_secret(settings: &Settings) -> anyhow::Result<Option<Secret>> {
    let key = "janus.cluster.secret.file";
    let path = settings.string(key).filter(|path| !path.is_empty());
    let wrong = |error| anyhow!("{}: {key}: {error}", settings.place(key));
    path.map(|path| Secret::read(path.as_ref())).transpose().map_err(wrong)
}

fn open_directory(settings: &Settings) -> Result<FormattedDirectory, Failure> {
    directory::open(&settings.metadata_log_dir(), settings.node_id(), None).map_err(|error| {
        match error {
            DirectoryError::Unreadable { .. } => Failure::Runtime(error.into()),
            _ => Failure::configuration(error),
        }
    })
}

fn endpoint(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Keys whose checks let nothing negative pass.
pub(crate) fn positive(settings: &Settings, key: &str) -> u64 {
    settings.i64(key).max(0).unsigned_abs()
}

fn milliseconds(settings: &Settings, key: &str) -> Duration {
    Duration::from_millis(positive(settings, key))
}

fn seconds(settings: &Settings, key: &str) -> Duration {
    Duration::from_secs(positive(settings, key))
}
