//! Signals, controlled shutdown, and the end of a cluster.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::process::{Process, ProcessState, Signal};
use super::properties::SECRET_FILE;
use super::state::{ClusterState, Role, ServerId, lock};
use super::target::{Target, Which};
use super::{LocalCluster, POLL_INTERVAL, status, zookeeper};

/// How long a server may take to leave in order before it is killed.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// The same when nobody is left who could take over what it leads.
const LONELY_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// A killed process is gone once the kernel has freed its memory.
const KILL_TIMEOUT: Duration = Duration::from_secs(10);

/// What [`LocalCluster::down`] did.
#[derive(Debug, Default)]
pub struct Stopped {
    /// Servers that ran and do not any more.
    pub servers: Vec<ServerId>,
    /// Those of them that did not leave in time and were killed.
    pub killed: Vec<ServerId>,
}

impl LocalCluster {
    /// SIGKILL, and waits until the process is gone.
    pub async fn kill(&self, id: ServerId) -> Result<()> {
        let process = self.running(id)?;
        kill(id, &process).await
    }

    /// SIGTERM: the broker hands its leaderships over before it ends. True when it did so in time;
    /// otherwise it was killed.
    pub async fn stop(&self, id: ServerId) -> Result<bool> {
        let process = self.running(id)?;
        terminate(id, &process, shutdown_timeout(&self.state()?)).await
    }

    /// SIGSTOP: the process is there and does nothing.
    pub async fn pause(&self, id: ServerId) -> Result<()> {
        let process = self.running(id)?;
        process.signal(Signal::STOP).with_context(|| format!("pause {id}"))?;
        while process.state() == ProcessState::Running {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// SIGCONT.
    pub async fn resume(&self, id: ServerId) -> Result<()> {
        let process = self.running(id)?;
        process.signal(Signal::CONT).with_context(|| format!("resume {id}"))?;
        while process.state() == ProcessState::Paused {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(())
    }

    /// Stops every server in order, brokers first, so that the controllers can serve them until the
    /// end.
    pub async fn down(&self) -> Result<Stopped> {
        self.down_except(&[]).await
    }

    /// The same, but some servers go on.
    pub async fn down_except(&self, keep: &[ServerId]) -> Result<Stopped> {
        let mut stopped = Stopped::default();
        if self.state_if_any()?.is_none() {
            return Ok(stopped);
        }
        let _lock = lock(&self.data).await?;
        let state = self.state()?;
        for role in [Role::Broker, Role::Controller, Role::ZooKeeper] {
            let limit = shutdown_timeout(&state);
            let alive = state.of_role(role).filter(|server| server.is_alive());
            let alive = alive.filter(|server| !keep.contains(&server.id));
            let ends = alive.filter_map(|server| Some((server.id, server.process.as_ref()?)));
            let ends = ends.map(|(id, process)| async move {
                terminate(id, process, limit).await.map(|in_time| (id, in_time))
            });
            for end in futures::future::join_all(ends).await {
                let (id, in_time) = end?;
                stopped.servers.push(id);
                if !in_time {
                    stopped.killed.push(id);
                }
            }
        }
        Ok(stopped)
    }

    /// Removes what `up` has written, and the folder if nothing else is in it. The cluster must be
    /// down.
    pub async fn wipe(&self) -> Result<()> {
        let Some(state) = self.state_if_any()? else { return Ok(()) };
        let _lock = lock(&self.data).await?;
        if let Some(server) = state.servers.iter().find(|server| server.is_alive()) {
            bail!("{} still runs; stop the cluster with `janus down` first", server.id);
        }
        for server in &state.servers {
            let folder = server.id.folder(&self.data);
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).context(format!("remove {}", folder.display()));
                }
                _ => {}
            }
        }
        // The state goes last: a wipe that was cut off can be done again.
        for file in [SECRET_FILE, "cluster.json", "cluster.lock"] {
            let path = self.data.join(file);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).context(format!("remove {}", path.display()));
                }
                _ => {}
            }
        }
        // Somebody else's files may be in it: then it stays.
        let _ = fs::remove_dir(&self.data);
        Ok(())
    }

    /// The servers that a command means, in the order in which they are listed.
    pub async fn resolve(&self, target: &Target) -> Result<Vec<ServerId>> {
        let state = self.state()?;
        let id = match target {
            Target::All => return Ok(state.servers.iter().map(|server| server.id).collect()),
            Target::Broker { id } => ServerId::broker(*id),
            Target::Controller { which: Which::Id(id) } => ServerId::controller(*id),
            Target::ZooKeeper { which: Which::Id(id) } => ServerId::zookeeper(*id),
            Target::Controller { which: Which::Leading } => {
                ServerId::controller(self.active_controller().await?)
            }
            Target::ZooKeeper { which: Which::Leading } => zookeeper::leader(&state).await?,
            Target::Leader { topic, partition } => {
                let leader = status::leader_of(&state.bootstrap(), topic, *partition).await?;
                ServerId::broker(leader)
            }
        };
        Ok(vec![state.server(id)?.id])
    }

    fn running(&self, id: ServerId) -> Result<Process> {
        let state = self.state()?;
        match state.server(id)? {
            server if server.is_alive() => Ok(server.process.clone().expect("it is alive")),
            _ => bail!("{id} does not run; start it with `janus start {id}`"),
        }
    }
}

/// Controllers decide over leaderships only while most of them run.
fn shutdown_timeout(state: &ClusterState) -> Duration {
    let controllers: Vec<bool> =
        state.of_role(Role::Controller).map(|server| server.is_alive()).collect();
    let alive = controllers.iter().filter(|alive| **alive).count();
    if alive * 2 > controllers.len() { SHUTDOWN_TIMEOUT } else { LONELY_SHUTDOWN_TIMEOUT }
}

async fn kill(id: ServerId, process: &Process) -> Result<()> {
    process.signal(Signal::KILL).with_context(|| format!("kill {id}"))?;
    match process.ended_within(KILL_TIMEOUT).await {
        true => Ok(()),
        false => bail!("{id} (pid {}) does not end, not even by SIGKILL", process.pid),
    }
}

/// False: the process did not end in time and was killed.
async fn terminate(id: ServerId, process: &Process, limit: Duration) -> Result<bool> {
    process.signal(Signal::TERM).with_context(|| format!("stop {id}"))?;
    // A paused process acts on signals only once it goes on.
    process.signal(Signal::CONT).with_context(|| format!("stop {id}"))?;
    if process.ended_within(limit).await {
        return Ok(true);
    }
    kill(id, process).await.map(|()| false)
}
