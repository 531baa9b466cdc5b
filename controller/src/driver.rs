//! The active controller: requests in, committed images out. The same loop in both modes.
//!
//! One batch is in flight at a time. It is decided on a clone of the image; if its commit fails,
//! dropping the clone is the rollback, and dropping the requests tells their senders to look for
//! the new controller. While a commit is under way requests wait in their bounded queue and are
//! decided together afterwards: that is all there is to group commit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, OptionFuture};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use metadata::{
    Broker, BrokerId, ClusterImage, Command, CommitError, Controller, ControllerEpoch, Defaults,
    Leadership, MetadataStore, Offset, Outcome, Record, control::RegisterBroker, decide,
};

use crate::batch::{BATCH_COMMANDS_MAX, Batch, Request};
use crate::heartbeat::Heartbeats;
use crate::probe;
use crate::watch::{Connections, Publication, Snapshot};

/// Rest before a store that was unavailable is loaded again.
const RELOAD_DELAY: Duration = Duration::from_millis(200);
/// How long a new controller waits for brokers to connect before it probes them.
const TAKEOVER_GRACE: Duration = Duration::from_millis(200);
/// Kafka's delay of the first check of leader imbalance.
const FIRST_BALANCE: Duration = Duration::from_secs(5);
/// Partitions that one check of leader imbalance moves at most.
const BALANCE_LIMIT: usize = 1000;

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

/// Everything that can happen to an active controller.
enum Event {
    /// Requests have been received.
    Submitted,
    /// The batch in flight has been committed, or not.
    Committed(Result<Offset, CommitError>),
    /// A broker has appeared in the live set, or left it.
    LiveChanged,
    /// A broker has connected its stream, or lost it.
    ConnectionsChanged,
    /// It is known whether a broker's port refuses.
    Probed(Probe),
    /// The next deadline has passed.
    Timer,
    /// The store knows of another leadership.
    LeadershipChanged,
    /// Nobody is left who could ask for anything.
    Shutdown,
}

struct Probe {
    id: BrokerId,
    broker_epoch: i64,
    refused: bool,
}

/// Why a term ended.
enum StepDown {
    Lost,
    Store(CommitError),
    Foreign(ForeignStore),
    Shutdown,
}

impl From<CommitError> for StepDown {
    fn from(error: CommitError) -> Self {
        Self::Store(error)
    }
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
}

impl Driver {
    /// Leads in every epoch in which this controller is elected. Ends when the store or everybody
    /// who could send requests is gone. It is safe to drop it at any time.
    pub async fn run(mut self) -> Result<(), ForeignStore> {
        let mut leadership = self.store.leadership();
        let mut fenced = None;
        while let Some(epoch) = self.elected(&mut leadership, fenced).await {
            info!("Elected as the active controller in epoch {epoch}");
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

/// The batch that is being committed.
struct InFlight {
    commit: BoxFuture<'static, Result<Offset, CommitError>>,
    next: Arc<ClusterImage>,
    finished: Vec<Request>,
}

/// Commits that belong together, in order.
async fn commit_all(
    store: Arc<dyn MetadataStore>,
    epoch: ControllerEpoch,
    commits: Vec<Vec<Record>>,
) -> Result<Offset, CommitError> {
    let mut offset = 0;
    for records in commits {
        offset = store.commit(epoch, &records).await?;
    }
    Ok(offset)
}

/// One epoch of one active controller.
struct Term<'a> {
    driver: &'a mut Driver,
    committed: Snapshot,
    received: Vec<Request>,
    queue: VecDeque<Request>,
    in_flight: Option<InFlight>,
    /// Registrations to fence with the next batch, and why.
    to_fence: BTreeMap<BrokerId, (i64, &'static str)>,
    probes: JoinSet<Probe>,
    /// Registrations that were probed since they lost their stream.
    probed: BTreeMap<BrokerId, i64>,
    probe_absent_at: Option<Instant>,
    balance_at: Option<Instant>,
}

impl<'a> Term<'a> {
    fn begin(driver: &'a mut Driver, committed: Snapshot) -> Self {
        let mut queue = VecDeque::new();
        let options = &driver.options;
        if committed.image.cluster_id.is_none() {
            let cluster_id = options.cluster_id.clone();
            queue.push_back(Request::internal(Command::FormCluster { cluster_id }));
        }
        queue.push_back(Request::internal(Command::Reconcile));
        queue.push_back(Request::internal(Command::RegisterController(options.me.clone())));
        let now = Instant::now();
        let probe_absent_at = options.probe_on_takeover.then_some(now + TAKEOVER_GRACE);
        let balance_at = options.balance.map(|_| now + FIRST_BALANCE);

        // Before anybody can send a heartbeat to this term.
        driver.heartbeats.begin(&committed.image, committed.offset);
        driver.connections.begin();
        driver.publication.publish(committed.clone());
        let mut term = Self {
            driver,
            committed,
            received: Vec::with_capacity(BATCH_COMMANDS_MAX),
            queue,
            in_flight: None,
            to_fence: BTreeMap::new(),
            probes: JoinSet::new(),
            probed: BTreeMap::new(),
            probe_absent_at,
            balance_at,
        };
        term.driver.live.mark_unchanged();
        term.fence_absent();
        term
    }

    async fn run(mut self, leadership: &mut watch::Receiver<Leadership>) -> StepDown {
        let mut connections = self.driver.connections.subscribe();
        loop {
            self.start_batch();
            let deadline = self.next_deadline();
            let idle = self.in_flight.is_none();
            let commit = OptionFuture::from(self.in_flight.as_mut().map(|it| it.commit.as_mut()));
            let event = tokio::select! {
                // In this order: what ends the term, what waits for an answer, then new work. New
                // work cannot hold up a deadline.
                biased;
                changed = leadership.changed() => match changed {
                    Ok(()) => Event::LeadershipChanged,
                    Err(_) => Event::Shutdown,
                },
                Some(result) = commit => Event::Committed(result),
                changed = self.driver.live.changed() => match changed {
                    Ok(()) => Event::LiveChanged,
                    Err(_) => Event::Shutdown,
                },
                Ok(()) = connections.changed() => Event::ConnectionsChanged,
                Some(Ok(probe)) = self.probes.join_next() => Event::Probed(probe),
                Some(()) = OptionFuture::from(deadline.map(sleep_until)) => Event::Timer,
                received = self.driver.requests.recv_many(&mut self.received, BATCH_COMMANDS_MAX),
                    if idle => match received {
                        0 => Event::Shutdown,
                        _ => Event::Submitted,
                    },
            };
            if let Err(ended) = self.handle(event, leadership) {
                return ended;
            }
        }
    }

    fn handle(
        &mut self,
        event: Event,
        leadership: &mut watch::Receiver<Leadership>,
    ) -> Result<(), StepDown> {
        match event {
            Event::Submitted => self.queue.extend(self.received.drain(..)),
            Event::Committed(result) => self.committed(result?),
            Event::LiveChanged => self.fence_absent(),
            Event::ConnectionsChanged => self.probe_disconnected(),
            Event::Probed(probe) => self.probed(&probe),
            Event::Timer => self.timer(),
            Event::LeadershipChanged => {
                let Leadership { epoch, leader } = *leadership.borrow_and_update();
                if epoch != self.committed.epoch || leader != Some(self.driver.options.me.id) {
                    return Err(StepDown::Lost);
                }
            }
            Event::Shutdown => return Err(StepDown::Shutdown),
        }
        Ok(())
    }

    /// Decides what is queued, unless a batch is in flight.
    fn start_batch(&mut self) {
        if self.in_flight.is_some() {
            return;
        }
        self.queue_fences();
        while !self.queue.is_empty() {
            let (image, driver) = (&self.committed.image, &*self.driver);
            let decide = |image: &ClusterImage, command: &Command| driver.decide(image, command);
            let Batch { next, commits, finished } = Batch::assemble(image, &mut self.queue, decide);
            if commits.is_empty() {
                self.answer(finished);
                continue;
            }
            let store = self.driver.store.clone();
            let commit = commit_all(store, self.committed.epoch, commits).boxed();
            self.in_flight = Some(InFlight { commit, next: Arc::new(next), finished });
            return;
        }
    }

    fn committed(&mut self, offset: Offset) {
        let InFlight { next, finished, .. } =
            self.in_flight.take().expect("only a batch in flight can be committed");
        let brokers_changed = !next.brokers.ptr_eq(&self.committed.image.brokers);
        self.committed = Snapshot { epoch: self.committed.epoch, offset, image: next };
        self.driver.publication.publish(self.committed.clone());
        self.answer(finished);
        if brokers_changed {
            self.fence_absent();
            self.probe_disconnected();
        }
    }

    fn answer(&self, finished: Vec<Request>) {
        let Snapshot { epoch, offset, .. } = self.committed;
        finished.into_iter().for_each(|request| request.finish(epoch, offset));
    }

    fn queue_fences(&mut self) {
        for (id, (epoch, cause)) in std::mem::take(&mut self.to_fence) {
            let broker = self.committed.image.brokers.get(&id);
            if broker.is_some_and(|broker| broker.epoch == epoch && !broker.fenced) {
                info!("Fencing broker {id} of epoch {epoch}: {cause}");
                self.queue.push_front(Request::internal(Command::FenceBroker { id, epoch }));
            }
        }
    }

    fn unfenced(&self) -> impl Iterator<Item = &Arc<Broker>> {
        self.committed.image.brokers.values().filter(|broker| !broker.fenced)
    }

    /// Brokers that the live set lacks are dead.
    fn fence_absent(&mut self) {
        let live = self.driver.live.borrow_and_update().clone();
        let dead: Vec<_> = self
            .unfenced()
            .filter(|it| !live.contains(&it.id))
            .map(|it| (it.id, it.epoch))
            .collect();
        for (id, epoch) in dead {
            self.to_fence.entry(id).or_insert((epoch, "its session has ended"));
        }
    }

    /// Probes brokers that had a stream to this controller and lost it.
    fn probe_disconnected(&mut self) {
        if self.driver.options.fence_on_process_death {
            self.probe_where(|streams| streams == Some(0));
        }
    }

    /// Probes the unfenced brokers whose number of streams (`None`: never connected) says so.
    fn probe_where(&mut self, wanted: impl Fn(Option<usize>) -> bool) {
        let unfenced: Vec<_> = self.unfenced().cloned().collect();
        for broker in unfenced {
            let streams = self.driver.connections.streams(broker.id, broker.epoch);
            if streams.is_some_and(|streams| streams > 0) {
                self.probed.remove(&broker.id);
            } else if wanted(streams)
                && let Some(address) = self.driver.address(&broker)
                && self.probed.insert(broker.id, broker.epoch) != Some(broker.epoch)
            {
                let (id, broker_epoch) = (broker.id, broker.epoch);
                self.probes.spawn(async move {
                    Probe { id, broker_epoch, refused: probe::refuses(&address).await }
                });
            }
        }
    }

    fn probed(&mut self, probe: &Probe) {
        let streams = self.driver.connections.streams(probe.id, probe.broker_epoch);
        if probe.refused && streams.is_none_or(|streams| streams == 0) {
            self.to_fence.insert(probe.id, (probe.broker_epoch, "its process is gone"));
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let expiry = self.driver.heartbeats.next_expiry();
        [expiry, self.probe_absent_at, self.balance_at].into_iter().flatten().min()
    }

    fn timer(&mut self) {
        let now = Instant::now();
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if due(self.driver.heartbeats.next_expiry()) {
            self.driver.heartbeats.expire();
        }
        if due(self.probe_absent_at) {
            self.probe_absent_at = None;
            self.probe_where(|streams| streams.is_none());
        }
        if due(self.balance_at)
            && let Some(Balance { interval, imbalance_percentage }) = self.driver.options.balance
        {
            self.balance_at = Some(now + interval);
            let limit = BALANCE_LIMIT;
            let balance = Command::BalanceLeaders { imbalance_percentage, limit };
            self.queue.push_back(Request::internal(balance));
        }
    }
}

impl Driver {
    /// The records of a command, and those that must precede them.
    fn decide(&self, image: &ClusterImage, command: &Command) -> (Vec<Record>, Outcome) {
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
        let name = &self.options.inter_broker_listener;
        let port_of = |listeners: &[metadata::Listener]| {
            let named = listeners.iter().find(|listener| listener.name == *name);
            named.or(listeners.first()).map(|listener| (listener.host.clone(), listener.port))
        };
        self.options.fence_on_process_death
            && !old.fenced
            && old.incarnation != new.incarnation
            && self.connections.streams(old.id, old.epoch).is_none_or(|streams| streams == 0)
            && port_of(&old.listeners) == port_of(&new.listeners)
    }

    /// Where a broker is probed.
    fn address(&self, broker: &Broker) -> Option<String> {
        let name = &self.options.inter_broker_listener;
        let named = broker.listeners.iter().find(|listener| listener.name == *name);
        let listener = named.or(broker.listeners.first())?;
        let advertised = match listener.host.contains(':') {
            true => format!("[{}]:{}", listener.host, listener.port),
            false => format!("{}:{}", listener.host, listener.port),
        };
        Some(self.options.addresses.get(&broker.id).cloned().unwrap_or(advertised))
    }
}
