//! Makes a cluster and starts its servers.

use std::fs;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use config::directory::ClusterId;

use super::ports::{self, Claims, Sizes};
use super::process::Process;
use super::properties::{self, SECRET_FILE, applies};
use super::state::{ClusterState, Mode, Role, Server, ServerId, lock};
use super::{BROKER_BINARY, CONTROLLER_BINARY, LocalCluster, zookeeper};
use crate::Usage;
use crate::commands::format::{format_server, random_cluster_id};

/// How much of a log is shown when its server failed.
const LOG_LINES_SHOWN: usize = 15;
const LOG_BYTES_READ: u64 = 16 << 10;

/// What `janus up` was asked for. `None` means: as the cluster is, or the default for a new one.
#[derive(Clone, Debug, Default)]
pub struct UpOptions {
    /// Raft for a new cluster.
    pub mode: Option<Mode>,
    /// Three for a new cluster.
    pub brokers: Option<i32>,
    /// Three for a new cluster.
    pub controllers: Option<i32>,
    /// ZooKeeper servers to start with it; three for a new cluster in ZooKeeper mode.
    pub zookeepers: Option<i32>,
    /// An ensemble that runs already, instead of one of its own.
    pub zookeeper: Option<String>,
    /// First client port; 0 means any.
    pub port: Option<u16>,
    /// Settings for the servers that know them.
    pub set: Vec<(String, String)>,
}

/// What [`LocalCluster::up`] did.
#[derive(Debug)]
pub struct Started {
    /// The servers that did not run before.
    pub servers: Vec<ServerId>,
    /// False: the cluster existed.
    pub made: bool,
    /// Things worth telling: other ports than wanted, settings that apply later.
    pub notes: Vec<String>,
    /// Keeps the ports until the servers have bound them.
    claims: Claims,
}

impl LocalCluster {
    /// Makes the cluster unless it exists, and starts every server that does not run. The servers
    /// serve once [`LocalCluster::wait_until_ready`] has returned.
    pub async fn launch(&self, options: &UpOptions) -> Result<Started> {
        fs::create_dir_all(&self.data)
            .with_context(|| format!("create the folder {}", self.data.display()))?;
        let _lock = lock(&self.data).await?;
        let (mut state, mut started) = match self.state_if_any()? {
            Some(state) => self.adopt(state, options)?,
            None => self.make(options)?,
        };
        // Ensemble, controllers, brokers: in the order of need. Nobody waits for anybody.
        state.servers.sort_by_key(|server| server.id);
        for server in &mut state.servers {
            if !server.is_alive() {
                server.process = Some(self.spawn(server.id)?);
                started.servers.push(server.id);
            }
        }
        state.write(&self.data)?;
        Ok(started)
    }

    /// [`LocalCluster::launch`], then waits until every server serves.
    pub async fn up(&self, options: &UpOptions) -> Result<Started> {
        let mut started = self.launch(options).await?;
        self.wait_until_ready().await?;
        started.release_ports();
        Ok(started)
    }

    /// Starts one server again. False: it runs already.
    pub async fn start(&self, id: ServerId) -> Result<bool> {
        let _lock = lock(&self.data).await?;
        let mut state = self.state()?;
        let server = state.server_mut(id)?;
        if server.is_alive() {
            return Ok(false);
        }
        server.process = Some(self.spawn(id)?);
        state.write(&self.data)?;
        Ok(true)
    }

    fn make(&self, options: &UpOptions) -> Result<(ClusterState, Started)> {
        let mode = options.mode.unwrap_or(Mode::Raft);
        if mode == Mode::Raft && (options.zookeeper.is_some() || options.zookeepers.is_some()) {
            let reason = "--zookeeper and --zookeepers need --mode zookeeper; a cluster in raft \
                          mode has no ensemble";
            return Err(Usage::new(reason).into());
        }
        let own_ensemble = mode == Mode::ZooKeeper && options.zookeeper.is_none();
        let sizes = Sizes {
            brokers: options.brokers.unwrap_or(3),
            controllers: options.controllers.unwrap_or(3),
            zookeepers: if own_ensemble { options.zookeepers.unwrap_or(3) } else { 0 },
        };
        let wanted = options.port.unwrap_or(9092);
        let (ports, claims) = ports::choose(wanted, sizes)
            .with_context(|| format!("no free ports from {wanted} on; name others with --port"))?;
        let mut notes = Vec::new();
        if wanted != 0 && ports.broker(1) != wanted {
            notes.push(format!(
                "ports from {wanted} on are taken; this cluster uses {} and up",
                ports.broker(1)
            ));
        }
        let controllers = (101..=100 + sizes.controllers).map(|id| Server {
            id: ServerId::controller(id),
            port: ports.controller(id),
            replication_port: None,
            metrics_port: Some(ports.controller_metrics(id)),
            process: None,
        });
        let brokers = (1..=sizes.brokers).map(|id| Server {
            id: ServerId::broker(id),
            port: ports.broker(id),
            replication_port: Some(ports.replication(id)),
            metrics_port: Some(ports.broker_metrics(id)),
            process: None,
        });
        let zookeepers = (1..=sizes.zookeepers).map(|id| Server {
            id: ServerId::zookeeper(id),
            port: ports.zookeeper(id),
            replication_port: None,
            metrics_port: None,
            process: None,
        });
        let servers = zookeepers.chain(controllers).chain(brokers).collect();
        let mut state = ClusterState::new(random_cluster_id().to_string(), mode, servers);
        state.foreign_zookeeper = options.zookeeper.clone();
        self.write_files(&state, &options.set)?;
        Ok((state, Started { servers: Vec::new(), made: true, notes, claims }))
    }

    /// Writes everything that the servers of a new cluster need, before any of it counts: the
    /// cluster exists once `cluster.json` does.
    fn write_files(&self, state: &ClusterState, set: &[(String, String)]) -> Result<()> {
        let cluster_id = ClusterId::parse(&state.cluster_id).expect("it was made a moment ago");
        write_secret(&self.data.join(SECRET_FILE))?;
        for server in &state.servers {
            let mut settings = properties::of_server(server, state, &self.data);
            for (key, value) in set {
                if applies(key, server.id.role) {
                    properties::set(&mut settings, key, value);
                }
            }
            let folder = server.id.folder(&self.data);
            // What an earlier attempt left was never part of a cluster.
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).context(format!("remove {}", folder.display()));
                }
                _ => {}
            }
            fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
            if server.id.role == Role::ZooKeeper {
                zookeeper::write_files(server, state, &self.data)?;
                continue;
            }
            let path = server.id.properties(&self.data);
            fs::write(&path, properties::render(server, &settings))
                .with_context(|| format!("write {}", path.display()))?;
            format_server(&path, cluster_id)?;
        }
        Ok(())
    }

    /// Checks that an existing cluster is what was asked for, and gives its stopped servers their
    /// ports back.
    fn adopt(&self, state: ClusterState, options: &UpOptions) -> Result<(ClusterState, Started)> {
        let data = self.data.display();
        if let Some(mode) = options.mode.filter(|mode| *mode != state.mode) {
            return Err(Usage::new(format!(
                "the cluster in {data} runs in {} mode, not {mode}; choose another --data, or \
                 switch it with `janus mode switch --to {mode}`",
                state.mode
            ))
            .into());
        }
        let connect = state.zookeeper_connect();
        if let Some(wanted) = options.zookeeper.as_ref().filter(|it| connect.as_ref() != Some(it)) {
            let has = connect.map_or("no ensemble".into(), |connect| format!("ensemble {connect}"));
            return Err(Usage::new(format!(
                "the cluster in {data} has {has}, not {wanted}; leave out --zookeeper, or choose \
                 another --data"
            ))
            .into());
        }
        let sizes = [
            (Role::Broker, options.brokers),
            (Role::Controller, options.controllers),
            (Role::ZooKeeper, options.zookeepers),
        ];
        for (role, wanted) in sizes {
            let has = state.of_role(role).count() as i32;
            if let Some(wanted) = wanted.filter(|wanted| *wanted != has) {
                return Err(Usage::new(format!(
                    "the cluster in {data} has {has} {role}s, not {wanted}; leave out --{role}s, \
                     or choose another --data"
                ))
                .into());
            }
        }
        let mut notes = Vec::new();
        for server in &state.servers {
            for (key, value) in &options.set {
                if applies(key, server.id.role) {
                    let path = server.id.properties(&self.data);
                    let text = fs::read_to_string(&path)
                        .with_context(|| format!("read {}", path.display()))?;
                    fs::write(&path, properties::set_in_text(&text, key, value))
                        .with_context(|| format!("write {}", path.display()))?;
                    if server.is_alive() {
                        notes.push(format!("{key} applies to {} when it is restarted", server.id));
                    }
                }
            }
        }
        let mut claims = Claims::default();
        for server in state.servers.iter().filter(|server| !server.is_alive()) {
            for port in server.ports() {
                if !claims.add(port) {
                    bail!(
                        "port {port} of {} is taken by another program; stop that program (`ss -ltnp \
                         'sport = :{port}'` names it) and try again",
                        server.id
                    );
                }
            }
        }
        Ok((state, Started { servers: Vec::new(), made: false, notes, claims }))
    }

    fn spawn(&self, id: ServerId) -> Result<Process> {
        let ours = |binary| {
            let arguments = vec![id.properties(&self.data).display().to_string()];
            let advice = "build it with `make build`, or set JANUS_BIN_DIR to its folder";
            (self.binaries.join(binary), arguments, advice)
        };
        let (program, arguments, advice) = match id.role {
            Role::Broker => ours(BROKER_BINARY),
            Role::Controller => ours(CONTROLLER_BINARY),
            Role::ZooKeeper => {
                let (java, arguments) = zookeeper::command(id, &self.data)?;
                (java, arguments, "install Java with `apt-get install openjdk-17-jre-headless`")
            }
        };
        Process::spawn(&program, arguments, &id.log(&self.data))
            .with_context(|| format!("start {}; {advice}", program.display()))
    }

    /// The last lines of a server's log, under the name of the file.
    pub fn log_tail(&self, id: ServerId) -> String {
        let path = id.log(&self.data);
        let tail = read_tail(&path).unwrap_or_else(|error| format!("(cannot be read: {error})"));
        format!("the end of {}:\n{tail}", path.display())
    }
}

impl Started {
    /// Lets go of the ports; called when the servers have bound them.
    pub fn release_ports(&mut self) {
        self.claims = Claims::default();
    }
}

fn read_tail(path: &Path) -> std::io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_READ)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    Ok(shown.iter().map(|line| format!("  {line}\n")).collect())
}

/// 32 random bytes that only this user can read. A secret that is there stays.
fn write_secret(path: &Path) -> Result<()> {
    let mut options = fs::File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error).context(format!("write {}", path.display())),
    };
    let secret = format!("{}{}\n", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    std::io::Write::write_all(&mut file, secret.as_bytes())
        .with_context(|| format!("write {}", path.display()))
}
