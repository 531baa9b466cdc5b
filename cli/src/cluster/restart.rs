//! Restarts that nobody notices: one server after another, each only while all others are well.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::state::{Role, ServerId};
use super::view::View;
use super::{LocalCluster, POLL_INTERVAL};
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
    /// controllers, the active one last, so that leadership moves once.
    pub async fn restart_all(&self, mut restarted: impl FnMut(ServerId)) -> Result<()> {
        let state = self.state()?;
        for broker in state.of_role(Role::Broker) {
            self.wait_until_in_sync().await?;
            self.restart(broker.id).await?;
            restarted(broker.id);
        }
        self.wait_until_in_sync().await?;
        let active = self.active_controller().await?;
        let mut controllers: Vec<ServerId> =
            state.of_role(Role::Controller).map(|server| server.id).collect();
        controllers.sort_by_key(|id| id.id == active);
        for id in controllers {
            self.restart(id).await?;
            restarted(id);
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
