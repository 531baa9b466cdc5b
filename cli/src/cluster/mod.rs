//! A cluster on this machine: its servers are processes, its state is a folder.
//!
//! ```text
//! DIR/cluster.json                        identity, mode, servers, ports, pids   (state)
//! DIR/secret                              proves the servers to each other
//! DIR/broker-1/server.properties          what the server reads                  (properties)
//!              data/                      its log directory
//!              server.log                 what it prints
//! DIR/controller-101/...
//! DIR/zookeeper-1/zoo.cfg, data/, server.log
//! ```
//!
//! Read `state`, `process`, `ports`, `properties` for the parts, then `start` (make and start), `ready`
//! (wait until it serves), `stop` (signals, controlled shutdown), `restart` (one after another),
//! `target` (which server is meant), `zookeeper` (the servers that are not ours), and `view` and `status` (what is known of it).
//! [`LocalCluster`] is only a handle: the truth is in the folder, so that several `janus` processes
//! may act on one cluster.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

mod controllers;
mod ports;
mod process;
mod properties;
mod ready;
mod restart;
mod start;
mod state;
mod status;
mod stop;
mod target;
mod view;
mod zookeeper;

pub(crate) use controllers::{Quorum, describe_quorum, tool_credentials};
pub use process::{Process, ProcessState};
pub(crate) use properties::set_in_text;
pub use start::{Started, UpOptions};
pub use state::{ClusterState, Mode, Role, Server, ServerId};
pub use status::{BrokerState, BrokerStatus, ControllerRole, ControllerStatus, Status};
pub use stop::Stopped;
pub use target::{Target, Which};
pub(crate) use view::QuorumView;

/// Pause between two looks at something that sends no event: another process's readiness.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A handle on the local cluster in one folder, which need not exist yet.
#[derive(Clone, Debug)]
pub struct LocalCluster {
    data: PathBuf,
    binaries: PathBuf,
}

impl LocalCluster {
    /// `binaries`: the folder with `janus-broker` and `janus-controller`.
    pub fn new(data: &Path, binaries: PathBuf) -> Result<Self> {
        let data = std::path::absolute(data).context("find the current folder")?;
        Ok(Self { data, binaries })
    }

    /// The cluster's folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// What `cluster.json` says; an error where there is no cluster.
    pub fn state(&self) -> Result<ClusterState> {
        self.state_if_any()?.with_context(|| {
            format!(
                "no cluster in {}; make one with `janus up`, or name its folder with --data",
                self.data.display()
            )
        })
    }

    /// `None` where there is no cluster.
    pub fn state_if_any(&self) -> Result<Option<ClusterState>> {
        ClusterState::read(&self.data)
    }

    /// The servers whose processes run; none where there is no cluster.
    pub fn running_servers(&self) -> Result<Vec<ServerId>> {
        let servers = self.state_if_any()?.map(|state| state.servers).unwrap_or_default();
        Ok(servers.iter().filter(|server| server.is_alive()).map(|server| server.id).collect())
    }

    /// `HOST:PORT,...` of its brokers.
    pub fn bootstrap(&self) -> Result<String> {
        Ok(self.state()?.bootstrap())
    }
}

/// The folder with the servers: `JANUS_BIN_DIR`, or where this program is (tests run one below).
pub fn find_binaries() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("JANUS_BIN_DIR") {
        return Ok(folder.into());
    }
    let program = std::env::current_exe().context("find the folder of this program")?;
    let folders = program.ancestors().skip(1).take(2);
    match folders.into_iter().find(|folder| folder.join(BROKER_BINARY).is_file()) {
        Some(folder) => Ok(folder.to_owned()),
        None => bail!(
            "{BROKER_BINARY} is not beside {}; build it with `make build`, or set JANUS_BIN_DIR",
            program.display()
        ),
    }
}

const BROKER_BINARY: &str = "janus-broker";
const CONTROLLER_BINARY: &str = "janus-controller";
