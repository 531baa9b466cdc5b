//! Restarts that nobody notices: one server after another, each only while all others are well.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::state::{ClusterState, Role, ServerId};
use super::view::View;
use super::{LocalCluster, POLL_INTERVAL, zookeeper};
use crate::client::Client;

/// How long followers may take to catch up with what they missed.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(300);

impl LocalCluster {
    /// Controlled stop and start of one server; returns when it serves. False: it did not stop in
    /// time and was killed.
    pub async fn restart(&self, id: ServerId) -> Result<bool> {
        let in_time = self.stop(id).await?;
        self.start(id).await?;
        self.wait_until_serving(&[id]).await?;
        Ok(in_time)
    }

    /// Brokers first, one by one, each when every partition has all its replicas in sync; then the
    /// controllers, the active one last, so that leadership moves once; then the ensemble, if it is
    /// the cluster's own, in the same way.
    pub async fn restart_all(&self, mut restarted: impl FnMut(ServerId)) -> Result<()> {
        let state = self.state()?;
        for broker in state.of_role(Role::Broker) {
            self.wait_until_in_sync().await?;
            self.restart(broker.id).await?;
            restarted(broker.id);
        }
        self.wait_until_in_sync().await?;
        let active = ServerId::controller(self.active_controller().await?);
        for id in last(active, &state) {
            self.restart(id).await?;
            restarted(id);
        }
        if state.of_role(Role::ZooKeeper).next().is_some() {
            for id in last(zookeeper::leader(&state).await?, &state) {
                self.restart(id).await?;
                restarted(id);
            }
        }
        self.wait_until_ready().await
    }

    /// Returns once every replica of every partition is in sync.
    pub async fn wait_until_in_sync(&self) -> Result<()> {
        let bootstrap = self.bootstrap()?;
        let deadline = Instant::now() + CATCH_UP_TIMEOUT;
        loop {
            let view = View::fetch(&mut Client::connect(&bootstrap).await?).await?;
            let behind = view.partitions.iter().filter(|it| it.in_sync < it.replicas.len()).count();
            if behind == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!(
                    "{behind} partitions are still under-replicated after {} s; look with `janus \
                     status` and `janus topics describe`",
                    CATCH_UP_TIMEOUT.as_secs()
                );
            }
            tokio::time::sleep(POLL_INTERVAL * 10).await;
        }
    }
}

/// The servers of one kind, the leading one last.
fn last(leading: ServerId, state: &ClusterState) -> Vec<ServerId> {
    let mut ids: Vec<ServerId> = state.of_role(leading.role).map(|server| server.id).collect();
    ids.sort_by_key(|id| *id == leading);
    ids
}
