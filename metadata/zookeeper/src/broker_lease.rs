//! A broker's sign of life: the ephemeral znode in `/brokers/ids` that it holds itself.
//!
//! The controllers take a broker for alive while its znode is there, and the broker takes itself for
//! alive while the lease of its session runs. The lease ends first.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use metadata::{BrokerId, Listener};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zookeeper_client::{Client, Error};

use crate::config::{Ensemble, OpenError};
use crate::layout::{BROKER_IDS, signs};
use crate::lease::{self, Renewal};
use crate::session::{self, SessionError, retried};

/// Rest before another session is asked for.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// What a release leaves behind that takes longer goes with the session.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a broker says of itself in its znode, and where.
#[derive(Clone, Debug)]
pub struct BrokerLeaseConfig {
    /// host:port,... and an optional chroot behind the last one, as the controller tells it.
    pub connect: String,
    /// Where to reach servers of the ensemble instead of where `connect` says, for a proxy between.
    pub server_address_map: BTreeMap<String, String>,
    /// As asked for. The ensemble may grant another one.
    pub session_timeout_ms: u32,
    pub broker_id: BrokerId,
    /// As registered.
    pub listeners: Vec<Listener>,
    pub rack: Option<String>,
}

/// A broker's ephemeral znode, held session after session until this is released or dropped.
///
/// Dropping it is like the death of the process: the znode stays until the session expires.
pub struct BrokerLease {
    renewals: watch::Receiver<Option<Renewal>>,
    release: mpsc::Sender<oneshot::Sender<()>>,
    _task: JoinSet<()>,
}

impl BrokerLease {
    /// Begins to hold the znode, in place of what an earlier process of this broker left there. So
    /// the controller must have accepted the registration of this one before.
    ///
    /// An ensemble that does not answer is tried for ever. Must be called inside a tokio runtime.
    pub fn hold(config: BrokerLeaseConfig) -> Result<Self, OpenError> {
        let ensemble =
            Ensemble::new(&config.connect, &config.server_address_map, config.session_timeout_ms)?;
        let (renewed, renewals) = watch::channel(None);
        let (release, released) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(Holder { ensemble, config, renewed, released }.run());
        Ok(Self { renewals, release, _task: task })
    }

    /// The newest answer of the ensemble while the znode is there; `None` before, and when the lease
    /// has run out or another process has taken the broker's place.
    pub fn renewals(&self) -> watch::Receiver<Option<Renewal>> {
        self.renewals.clone()
    }

    /// Deletes the znode.
    pub async fn release(self) {
        let (done, deleted) = oneshot::channel();
        let released = async {
            if self.release.send(done).await.is_ok() {
                deleted.await.ok();
            }
        };
        if timeout(RELEASE_TIMEOUT, released).await.is_err() {
            tracing::warn!("ZooKeeper did not answer; this broker's znode will expire");
        }
    }
}

struct Holder {
    ensemble: Ensemble,
    config: BrokerLeaseConfig,
    renewed: watch::Sender<Option<Renewal>>,
    released: mpsc::Receiver<oneshot::Sender<()>>,
}

/// Why a session is not followed by another one.
enum Stop {
    Released,
    Replaced,
}

impl Holder {
    async fn run(mut self) {
        loop {
            let ended = match session::connect(&self.ensemble).await {
                Ok(client) => self.hold(&client).await,
                Err(SessionError::Lost(error)) => Err(error),
                Err(SessionError::Refused(error)) => {
                    tracing::error!("{error}");
                    return;
                }
            };
            self.renewed.send_replace(None);
            match ended {
                Ok(Stop::Released) => return,
                Ok(Stop::Replaced) => {
                    tracing::error!(
                        "another process has registered in ZooKeeper as broker {}",
                        self.config.broker_id
                    );
                    return;
                }
                Err(error) => {
                    let servers = &self.ensemble.servers;
                    tracing::warn!("this broker has no session with ZooKeeper {servers}: {error}");
                    sleep(RECONNECT_PAUSE).await;
                }
            }
        }
    }

    async fn hold(&mut self, client: &Client) -> Result<Stop, Error> {
        let path = format!("{BROKER_IDS}/{}", self.config.broker_id);
        let since = session::claim(client, &path, &self.value()).await?;
        let renewed = self.renewed.clone();
        let leased = lease::keep(client, |renewal| {
            renewed.send_replace(renewal);
        });
        tokio::pin!(leased);
        loop {
            let (stat, watcher) = tokio::select! {
                seen = retried(|| client.check_and_watch_stat(&path)) => seen?,
                over = &mut leased => return Err(over),
            };
            match stat {
                Some(stat) if stat.ephemeral_owner == client.session_id().0 => {}
                Some(stat) if stat.czxid > since => return Ok(Stop::Replaced),
                _ => {
                    tracing::warn!("{path} was deleted by somebody else: it is created again");
                    session::claim(client, &path, &self.value()).await?;
                    continue;
                }
            }
            tokio::select! {
                _ = watcher.changed() => {}
                over = &mut leased => return Err(over),
                Some(done) = self.released.recv() => {
                    client.delete(&path, None).await.ok();
                    done.send(()).ok();
                    return Ok(Stop::Released);
                }
            }
        }
    }

    fn value(&self) -> Vec<u8> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        signs::broker_id(&self.config.listeners, self.config.rack.as_deref(), now)
    }
}
