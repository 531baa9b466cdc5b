//! When this controller leads, and with which rules.
//!
//! The driver waits until its store says that this controller is elected, loads the image, and hands
//! it to a `Term`, which serves until the epoch is over. Nothing survives a term but the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use metadata::control::RegisterBroker;
use metadata::{
    Broker, BrokerId, ClusterImage, Command, CommitError, Controller, ControllerEpoch, Defaults,
    Leadership, Listener, MetadataStore, Outcome, Record, decide,
};

use crate::batch::Request;
use crate::heartbeat::Heartbeats;
use crate::metrics::Metrics;
use crate::term::{StepDown, Term};
use crate::watch::{Connections, Publication, Snapshot};

/// Rest before a store that was unavailable is loaded again.
const RELOAD_DELAY: Duration = Duration::from_millis(200);

/// What the driver is told once, at its start.
#[derive(Debug)]
pub struct Options {
    pub cluster_id: String,
    /// This process, as it registers.
    pub me: Controller,
    pub defaults: Defaults,
    /// Probe a broker whose stream broke, and fence it if its port refuses
    /// (`janus.fence.on.process.death`).
    pub fence_on_process_death: bool,
    /// Probe brokers that do not connect to a new controller (`janus.probe.brokers.on.takeover`).
    pub probe_on_takeover: bool,
    /// `None`: leaderships stay where they are (`auto.leader.rebalance.enable`).
    pub balance: Option<Balance>,
    /// How often to look for partitions that have found no leader yet
    /// (`unclean.leader.election.interval.ms`).
    pub leaderless_interval: Duration,
    /// Which listener of a broker is probed; the first one where it is missing.
    pub inter_broker_listener: String,
    /// Where to reach brokers instead of where they say (`janus.peer.address.map`).
    pub addresses: BTreeMap<BrokerId, String>,
}

/// Preferred leader elections from time to time.
#[derive(Clone, Copy, Debug)]
pub struct Balance {
    /// `leader.imbalance.check.interval.seconds`
    pub interval: Duration,
    /// `leader.imbalance.per.broker.percentage`
    pub imbalance_percentage: i32,
}

/// The store holds another cluster's metadata.
#[derive(Debug, thiserror::Error)]
#[error(
    "the metadata store belongs to cluster {found}, this controller was formatted for {expected}"
)]
pub struct ForeignStore {
    found: String,
    expected: String,
}

/// The task that leads whenever this controller is elected.
pub struct Driver {
    pub options: Options,
    pub store: Arc<dyn MetadataStore>,
    pub requests: mpsc::Receiver<Request>,
    /// The brokers that count as alive, whatever proves it.
    pub live: watch::Receiver<BTreeSet<BrokerId>>,
    pub heartbeats: Arc<Heartbeats>,
    pub connections: Connections,
    pub publication: Arc<Publication>,
    pub metrics: Arc<Metrics>,
}

impl Driver {
    /// Leads in every epoch in which this controller is elected. Ends when the store or everybody
    /// who could send requests is gone. It is safe to drop it at any time.
    pub async fn run(mut self) -> Result<(), ForeignStore> {
        let mut leadership = self.store.leadership();
        let mut fenced = None;
        while let Some(epoch) = self.elected(&mut leadership, fenced).await {
            info!("Elected as the active controller in epoch {epoch}");
            self.metrics.elections.increment();
            let ended = self.lead(epoch, &mut leadership).await;
            self.publication.withdraw();
            match ended {
                StepDown::Lost => info!("Resigned: epoch {epoch} is over"),
                StepDown::Store(error @ CommitError::Fenced { .. }) => {
                    info!("Resigned: {error}");
                    fenced = Some(epoch);
                }
                StepDown::Store(error @ CommitError::Unavailable(_)) => {
                    warn!("Stopped serving in epoch {epoch} until the store is back: {error}");
                    sleep(RELOAD_DELAY).await;
                }
                StepDown::Foreign(error) => return Err(error),
                StepDown::Shutdown => break,
            }
        }
        Ok(())
    }

    /// Waits until this controller leads, in another epoch than the one it was fenced in. Requests
    /// that still arrive are dropped, which answers them.
    async fn elected(
        &mut self,
        leadership: &mut watch::Receiver<Leadership>,
        fenced: Option<ControllerEpoch>,
    ) -> Option<ControllerEpoch> {
        loop {
            let Leadership { epoch, leader } = *leadership.borrow_and_update();
            if leader == Some(self.options.me.id) && Some(epoch) != fenced {
                while self.requests.try_recv().is_ok() {}
                return Some(epoch);
            }
            tokio::select! {
                changed = leadership.changed() => changed.ok()?,
                request = self.requests.recv() => drop(request?),
            }
        }
    }

    async fn lead(
        &mut self,
        epoch: ControllerEpoch,
        leadership: &mut watch::Receiver<Leadership>,
    ) -> StepDown {
        let started = Instant::now();
        let loaded = tokio::select! {
            loaded = self.store.load() => loaded,
            changed = leadership.changed() => {
                leadership.mark_changed();
                return changed.map_or(StepDown::Shutdown, |()| StepDown::Lost);
            }
        };
        let (offset, image) = match loaded {
            Ok(loaded) => loaded,
            Err(error) => return error.into(),
        };
        info!(
            "Loaded {} topics, {} partitions and {} brokers at offset {offset} in {} ms",
            image.topics.len(),
            image.partitions.len(),
            image.brokers.len(),
            started.elapsed().as_millis()
        );
        if let Some(found) = image.cluster_id.as_ref().filter(|it| ***it != self.options.cluster_id)
        {
            let expected = self.options.cluster_id.clone();
            return StepDown::Foreign(ForeignStore { found: found.to_string(), expected });
        }
        Term::begin(self, Snapshot { epoch, offset, image: Arc::new(image) }).run(leadership).await
    }
}

impl Driver {
    /// The records of a command, and those that must precede them.
    pub(crate) fn decide(&self, image: &ClusterImage, command: &Command) -> (Vec<Record>, Outcome) {
        let defaults = &self.options.defaults;
        let mut before = Vec::new();
        let mut seen = image.clone();
        if let Command::RegisterBroker(registration) = command
            && let Some(old) = image.brokers.get(&registration.id)
            && self.is_replaced(old, registration)
        {
            let (id, epoch) = (old.id, old.epoch);
            info!("Fencing broker {id} of epoch {epoch}: it has been started again");
            match decide(defaults, image, &Command::FenceBroker { id, epoch }) {
                Ok(records) => before = records,
                Err(error) => warn!("Cannot fence broker {id} of epoch {epoch}: {error}"),
            }
            before.iter().for_each(|record| seen.apply(record));
        }
        (before, decide(defaults, &seen, command))
    }

    /// Whether a registration proves that the process which it replaces is dead: that one has no
    /// stream any more, and its port belongs to the new one.
    fn is_replaced(&self, old: &Broker, new: &RegisterBroker) -> bool {
        let address = |listeners: &[Listener]| {
            self.listener(listeners).map(|listener| (listener.host.clone(), listener.port))
        };
        self.options.fence_on_process_death
            && !old.fenced
            && old.incarnation != new.incarnation
            && self.connections.streams(old.id, old.epoch).is_none_or(|streams| streams == 0)
            && address(&old.listeners) == address(&new.listeners)
    }

    /// host:port at which a broker is probed.
    pub(crate) fn probe_address(&self, broker: &Broker) -> Option<String> {
        if let Some(address) = self.options.addresses.get(&broker.id) {
            return Some(address.clone());
        }
        let Listener { host, port, .. } = self.listener(&broker.listeners)?;
        Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
    }

    fn listener<'a>(&self, listeners: &'a [Listener]) -> Option<&'a Listener> {
        let name = &self.options.inter_broker_listener;
        listeners.iter().find(|listener| listener.name == *name).or(listeners.first())
    }
}
