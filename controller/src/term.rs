//! One epoch of one active controller: requests in, committed images out.
//!
//! One batch is in flight at a time. It is decided on a clone of the image; if its commit fails,
//! dropping the clone is the rollback, and dropping the requests tells their senders to look for
//! the new controller. While a commit is under way requests wait in their bounded queue and are
//! decided together afterwards: that is all there is to group commit.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, OptionFuture};
use imbl::ordmap::DiffItem;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tracing::{debug, info};

use metadata::{
    Broker, BrokerId, ClusterImage, Command, CommitError, ControllerEpoch, Leadership,
    MetadataStore, Offset, Record,
};

use crate::batch::{BATCH_COMMANDS_MAX, Batch, Request};
use crate::driver::{Balance, Driver, ForeignStore};
use crate::probe;
use crate::watch::Snapshot;

/// How long a new controller waits for brokers to connect before it probes them.
const TAKEOVER_GRACE: Duration = Duration::from_millis(50);
/// Kafka's delay of the first check of leader imbalance.
const FIRST_BALANCE: Duration = Duration::from_secs(5);
/// Partitions that one check of leader imbalance moves at most.
const BALANCE_LIMIT: usize = 1000;

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

/// A probe that was refused.
struct Probe {
    id: BrokerId,
    broker_epoch: i64,
}

/// A probe that goes on.
struct Probing {
    broker_epoch: i64,
    task: AbortHandle,
}

/// Why a term ended.
pub(crate) enum StepDown {
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

/// The batch that is being committed.
struct InFlight {
    commit: BoxFuture<'static, Result<Offset, CommitError>>,
    next: Arc<ClusterImage>,
    finished: Vec<Request>,
    records: usize,
    deciding: Duration,
    decided_at: Instant,
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
pub(crate) struct Term<'a> {
    driver: &'a mut Driver,
    committed: Snapshot,
    received: Vec<Request>,
    queue: VecDeque<Request>,
    in_flight: Option<InFlight>,
    /// Registrations to fence with the next batch, and why.
    to_fence: BTreeMap<BrokerId, (i64, &'static str)>,
    probes: JoinSet<Probe>,
    /// Registrations without a stream that are being probed.
    probing: BTreeMap<BrokerId, Probing>,
    probe_absent_at: Option<Instant>,
    balance_at: Option<Instant>,
    leaderless_at: Instant,
}

impl<'a> Term<'a> {
    pub(crate) fn begin(driver: &'a mut Driver, committed: Snapshot) -> Self {
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
        let leaderless_at = now + options.leaderless_interval;

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
            probing: BTreeMap::new(),
            probe_absent_at,
            balance_at,
            leaderless_at,
        };
        term.driver.live.mark_unchanged();
        term.fence_absent();
        term
    }

    pub(crate) async fn run(mut self, leadership: &mut watch::Receiver<Leadership>) -> StepDown {
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
            Event::Probed(probe) => self.probed(probe),
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
            let (started, driver) = (Instant::now(), &*self.driver);
            let Batch { next, commits, finished } =
                Batch::assemble(&self.committed.image, &mut self.queue, |image, command| {
                    driver.decide(image, command)
                });
            if commits.is_empty() {
                self.answer(finished);
                continue;
            }
            let (store, decided_at) = (self.driver.store.clone(), Instant::now());
            self.in_flight = Some(InFlight {
                records: commits.iter().map(Vec::len).sum(),
                commit: commit_all(store, self.committed.epoch, commits).boxed(),
                next: Arc::new(next),
                finished,
                deciding: decided_at - started,
                decided_at,
            });
            return;
        }
    }

    fn committed(&mut self, offset: Offset) {
        let InFlight { next, finished, records, deciding, decided_at, .. } =
            self.in_flight.take().expect("only a batch in flight can be committed");
        let committing = decided_at.elapsed();
        let before = std::mem::replace(&mut self.committed.image, next);
        self.committed.offset = offset;
        self.driver.publication.publish(self.committed.clone());
        self.answer(finished);
        let metrics = &self.driver.metrics;
        metrics.deciding.record(deciding);
        metrics.committing.record(committing);
        metrics.processing.record(deciding + committing);
        metrics.records.add(records as u64);
        metrics.committed(&before, &self.committed.image);
        let timing = format_args!(
            "Decided {records} records in {deciding:.1?}, committed them at offset {offset} in \
             {committing:.1?}"
        );
        if before.brokers.ptr_eq(&self.committed.image.brokers) {
            debug!("{timing}");
        } else {
            log_brokers(&before, &self.committed.image);
            info!("{timing}");
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

    /// Probes brokers that had a stream to this controller and lost it; ends the probes that are over.
    fn probe_disconnected(&mut self) {
        self.end_probes();
        if self.driver.options.fence_on_process_death {
            self.probe_where(|streams| streams == Some(0));
        }
    }

    /// Probes the unfenced brokers whose number of streams (`None`: never connected) says so, until
    /// they are connected or fenced: a process may die some time after its stream.
    fn probe_where(&mut self, wanted: impl Fn(Option<usize>) -> bool) {
        let unfenced: Vec<_> = self.unfenced().cloned().collect();
        for broker in unfenced {
            let (id, broker_epoch) = (broker.id, broker.epoch);
            if !self.probing.contains_key(&id)
                && wanted(self.driver.connections.streams(id, broker_epoch))
                && let Some(address) = self.driver.probe_address(&broker)
            {
                let task = self.probes.spawn(async move {
                    probe::until_refused(&address, || {
                        info!("Broker {id} of epoch {broker_epoch} is not connected, but its port answers");
                    })
                    .await;
                    Probe { id, broker_epoch }
                });
                self.probing.insert(id, Probing { broker_epoch, task });
            }
        }
    }

    /// Ends the probes of brokers that are connected, fenced or registered anew.
    fn end_probes(&mut self) {
        let (brokers, connections) = (&self.committed.image.brokers, &self.driver.connections);
        self.probing.retain(|id, Probing { broker_epoch, task }| {
            let broker = brokers.get(id);
            let goes_on = broker.is_some_and(|it| !it.fenced && it.epoch == *broker_epoch)
                && !connections.is_connected(*id, *broker_epoch);
            if !goes_on {
                task.abort();
            }
            goes_on
        });
    }

    /// The port refused. A stream that is open nevertheless has the better word.
    fn probed(&mut self, Probe { id, broker_epoch }: Probe) {
        if self.probing.get(&id).is_some_and(|it| it.broker_epoch == broker_epoch) {
            self.probing.remove(&id);
        }
        if !self.driver.connections.is_connected(id, broker_epoch) {
            self.to_fence.insert(id, (broker_epoch, "its process is gone"));
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let expiry = self.driver.heartbeats.next_expiry();
        let deadlines = [expiry, self.probe_absent_at, self.balance_at, Some(self.leaderless_at)];
        deadlines.into_iter().flatten().min()
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
        if due(Some(self.leaderless_at)) {
            self.leaderless_at = now + self.driver.options.leaderless_interval;
            if !self.committed.image.leaderless.is_empty() {
                self.queue.push_back(Request::internal(Command::Reconcile));
            }
        }
    }
}

/// Says what became of the brokers.
fn log_brokers(before: &ClusterImage, after: &ClusterImage) {
    for change in before.brokers.diff(&after.brokers) {
        match change {
            DiffItem::Add(id, broker) => {
                info!("Registered broker {id} with epoch {}", broker.epoch)
            }
            DiffItem::Remove(id, _) => info!("Unregistered broker {id}"),
            DiffItem::Update { old: (id, old), new: (_, new) } => {
                let Broker { epoch, .. } = **new;
                if old.epoch != epoch {
                    info!("Registered broker {id} with epoch {epoch}, {} before", old.epoch);
                } else if old.fenced != new.fenced {
                    let state = if new.fenced { "Fenced" } else { "Unfenced" };
                    info!("{state} broker {id} of epoch {epoch}");
                } else if new.in_controlled_shutdown && !old.in_controlled_shutdown {
                    info!("Broker {id} of epoch {epoch} is shutting down");
                }
            }
        }
    }
}
