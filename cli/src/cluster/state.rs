//! What `cluster.json` remembers of a local cluster: identity, mode, servers, ports, processes.
//!
//! Several `janus` processes may act on one cluster (one stays in `up`, another kills a broker), so
//! nobody keeps the state in memory: whoever changes it takes the lock, reads, changes and writes.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::POLL_INTERVAL;
use super::process::Process;

const FORMAT: u32 = 1;
const FILE: &str = "cluster.json";
const LOCK: &str = "cluster.lock";

/// The coordination model of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The controllers form a quorum of their own.
    Raft,
    /// The controllers share an external ZooKeeper ensemble.
    #[value(name = "zookeeper")]
    ZooKeeper,
}

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Keeps the metadata of a cluster in ZooKeeper mode.
    ZooKeeper,
    /// Decides every change of the metadata while it is active.
    Controller,
    /// Serves clients.
    Broker,
}

/// Names one server of a cluster: `broker 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerId {
    /// What it does.
    pub role: Role,
    /// Its `node.id`.
    pub id: i32,
}

/// One server: where it listens and which process it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    /// Which one it is.
    #[serde(flatten)]
    pub id: ServerId,
    /// Brokers: the client listener. Controllers: gRPC. ZooKeeper: clients.
    pub port: u16,
    /// Brokers only: the listener that other brokers replicate from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_port: Option<u16>,
    /// Brokers and controllers: where they are watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_port: Option<u16>,
    /// The last process that ran as this server. It may have ended.
    #[serde(flatten)]
    pub process: Option<Process>,
}

/// The content of `cluster.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterState {
    /// Rises when the meaning of the file changes.
    pub format: u32,
    /// 22 characters, as Kafka writes a UUID.
    pub cluster_id: String,
    /// How its controllers coordinate.
    pub mode: Mode,
    /// In the order in which they are started.
    pub servers: Vec<Server>,
    /// The ensemble that it uses, where that is not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_zookeeper: Option<String>,
}

/// The exclusive right to change a cluster, held by one `janus` at a time.
#[derive(Debug)]
pub(super) struct Lock(#[allow(dead_code)] File);

impl ClusterState {
    /// The state of a cluster that was not started yet.
    pub fn new(cluster_id: String, mode: Mode, servers: Vec<Server>) -> Self {
        Self { format: FORMAT, cluster_id, mode, servers, foreign_zookeeper: None }
    }

    /// Reads the state of the cluster in `data`, `None` where there is no cluster.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = data.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context(format!("read {}", path.display())),
        };
        let state: Self = serde_json::from_str(&text).with_context(|| {
            format!(
                "read {}; it is written by `janus up` and not meant to be edited",
                path.display()
            )
        })?;
        if state.format > FORMAT {
            bail!(
                "{} has format {}, newer than this janus knows ({FORMAT}); use the janus that made it",
                path.display(),
                state.format
            );
        }
        Ok(Some(state))
    }

    /// Replaces the file at once: a reader sees the old state or the new one.
    pub fn write(&self, data: &Path) -> Result<()> {
        let (path, draft) = (data.join(FILE), data.join("cluster.json.new"));
        let text = serde_json::to_string_pretty(self).expect("the state is plain data");
        let written = File::create(&draft)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&draft, &path));
        written.with_context(|| format!("write {}", path.display()))
    }

    /// A server; the error for one that is not there names those that are.
    pub fn server(&self, id: ServerId) -> Result<&Server> {
        self.servers.iter().find(|server| server.id == id).with_context(|| self.unknown(id))
    }

    /// The same, to be changed.
    pub fn server_mut(&mut self, id: ServerId) -> Result<&mut Server> {
        let unknown = self.unknown(id);
        self.servers.iter_mut().find(|server| server.id == id).context(unknown)
    }

    /// All servers of one kind.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &Server> {
        self.servers.iter().filter(move |server| server.id.role == role)
    }

    /// `HOST:PORT,...` of all brokers.
    pub fn bootstrap(&self) -> String {
        endpoints(self.of_role(Role::Broker))
    }

    /// Where its ZooKeeper ensemble is, in ZooKeeper mode.
    pub fn zookeeper_connect(&self) -> Option<String> {
        match (self.mode, &self.foreign_zookeeper) {
            (Mode::Raft, _) => None,
            (Mode::ZooKeeper, Some(connect)) => Some(connect.clone()),
            (Mode::ZooKeeper, None) => Some(endpoints(self.of_role(Role::ZooKeeper))),
        }
    }

    fn unknown(&self, id: ServerId) -> String {
        let names: Vec<String> = self.servers.iter().map(|server| server.id.to_string()).collect();
        format!("no {id} in this cluster; its servers are: {}", names.join(", "))
    }
}

/// The ports of a ZooKeeper server, by the first of them: for clients, for its peers, for elections.
pub(super) fn zookeeper_ports(port: u16) -> [u16; 3] {
    [port, port + 10, port + 20]
}

/// `HOST:PORT,...` of some servers.
pub(super) fn endpoints<'a>(servers: impl Iterator<Item = &'a Server>) -> String {
    servers.map(Server::endpoint).collect::<Vec<_>>().join(",")
}

impl Server {
    /// `HOST:PORT` for those who ask it something.
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// `HOST:PORT` for those who watch it.
    pub fn metrics_endpoint(&self) -> Option<String> {
        self.metrics_port.map(|port| format!("127.0.0.1:{port}"))
    }

    /// Every port that it listens at.
    pub fn ports(&self) -> Vec<u16> {
        match self.id.role {
            Role::ZooKeeper => zookeeper_ports(self.port).into(),
            _ => {
                let ports = [Some(self.port), self.replication_port, self.metrics_port];
                ports.into_iter().flatten().collect()
            }
        }
    }

    /// Whether its process is there, running or paused.
    pub fn is_alive(&self) -> bool {
        self.process.as_ref().is_some_and(Process::is_alive)
    }
}

impl ServerId {
    /// `broker ID`
    pub fn broker(id: i32) -> Self {
        Self { role: Role::Broker, id }
    }

    /// `controller ID`
    pub fn controller(id: i32) -> Self {
        Self { role: Role::Controller, id }
    }

    /// `zookeeper ID`
    pub fn zookeeper(id: i32) -> Self {
        Self { role: Role::ZooKeeper, id }
    }

    /// The server's folder in the cluster's.
    pub fn folder(self, data: &Path) -> PathBuf {
        data.join(format!("{}-{}", self.role, self.id))
    }

    /// What it reads.
    pub fn properties(self, data: &Path) -> PathBuf {
        self.folder(data).join(match self.role {
            Role::ZooKeeper => "zoo.cfg",
            Role::Controller | Role::Broker => "server.properties",
        })
    }

    /// What it prints.
    pub fn log(self, data: &Path) -> PathBuf {
        self.folder(data).join("server.log")
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raft => "raft",
            Self::ZooKeeper => "zookeeper",
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZooKeeper => "zookeeper",
            Self::Controller => "controller",
            Self::Broker => "broker",
        })
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.id)
    }
}

/// Waits until no other `janus` changes this cluster.
pub(super) async fn lock(data: &Path) -> Result<Lock> {
    let path = data.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("open {}", path.display()))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(POLL_INTERVAL).await,
            Err(TryLockError::Error(error)) => {
                return Err(error).context(format!("lock {}", path.display()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        assert!(ClusterState::read(folder.path()).unwrap().is_none());
        let process = Process { pid: 4711, started: "boot/1".into() };
        let servers = vec![
            Server {
                id: ServerId::controller(101),
                port: 9193,
                replication_port: None,
                metrics_port: None,
                process: Some(process.clone()),
            },
            Server {
                id: ServerId::broker(1),
                port: 9092,
                replication_port: Some(9292),
                metrics_port: Some(9492),
                process: None,
            },
        ];
        ClusterState::new("id".into(), Mode::Raft, servers).write(folder.path()).unwrap();
        let state = ClusterState::read(folder.path()).unwrap().unwrap();
        assert_eq!(state.bootstrap(), "127.0.0.1:9092");
        assert_eq!(state.server(ServerId::controller(101)).unwrap().process, Some(process));
        assert!(state.server(ServerId::broker(1)).unwrap().process.is_none());
        let error = state.server(ServerId::broker(7)).unwrap_err().to_string();
        assert!(error.contains("controller 101, broker 1"), "{error}");
    }

    #[test]
    fn a_newer_format_and_a_broken_file_are_refused_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        for text in
            ["{\"format\": 9, \"cluster_id\": \"\", \"mode\": \"raft\", \"servers\": []}", "{"]
        {
            fs::write(folder.path().join(FILE), text).unwrap();
            let error = format!("{:#}", ClusterState::read(folder.path()).unwrap_err());
            assert!(error.contains(FILE), "{error}");
        }
    }
}
