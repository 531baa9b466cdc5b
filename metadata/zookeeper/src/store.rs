//! The store that the controller sees: [`MetadataStore`] on a ZooKeeper ensemble.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex as SyncMutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use metadata::codec::encode_records;
use metadata::{
    BATCH_BYTES_MAX, BrokerId, ClusterImage, CommitError, ControllerEpoch, ControllerId,
    Leadership, MetadataStore, Offset, Record,
};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::commit::{self, Cursor, WriteError};
use crate::config::{Ensemble, OpenError, ZooKeeperConfig};
use crate::election::{Election, Request};
use crate::layout::Znode;
use crate::layout::plan::{self, CHANGES_BYTES_MAX, Change, Limits, Step};
use crate::load::{self, Loaded};
use crate::standing::{Standing, Term};

/// A transaction that is not known to be applied after this time is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// What was on its way when leadership was lost has so long to be answered: the ensemble refuses it,
/// which is a better answer than that nobody knows.
const DEPOSED_GRACE: Duration = Duration::from_millis(250);
/// A successor that has not taken over after this time is no longer asked to.
const HANDOVER_TIMEOUT: Duration = Duration::from_millis(1500);
/// What is left behind by a close that takes longer goes with the session.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Requests to the election that wait for it.
const REQUESTS: usize = 16;
/// Findings about one tree that are logged one by one.
const FINDINGS_MAX: usize = 20;

/// Cluster metadata in the znodes of a ZooKeeper ensemble.
///
/// Every controller holds one open, whether it leads or not; it contends for leadership as long as
/// it is open. Dropping it is like the death of its process: the ensemble notices when the session
/// expires. Close it to let others go on at once.
pub struct ZooKeeperStore {
    config: Arc<ZooKeeperConfig>,
    ensemble: Ensemble,
    standing: Arc<Standing>,
    requests: mpsc::Sender<Request>,
    /// One load or commit at a time.
    known: Mutex<Known>,
    committed: AtomicU64,
    /// Ends with the store.
    tasks: SyncMutex<JoinSet<()>>,
}

/// What is known of the tree.
#[derive(Default)]
struct Known {
    /// The tree as this controller's term left it.
    tree: Option<Tree>,
    /// A term in which something was sent whose end is not known.
    unsettled: Option<ControllerEpoch>,
}

struct Tree {
    epoch: ControllerEpoch,
    cursor: Cursor,
    image: ClusterImage,
}

/// The ensemble as one store sees it.
#[derive(Clone, Debug)]
pub struct EnsembleView {
    /// host:port,... and the chroot, as configured.
    pub connect: String,
    /// Whether the ensemble answered within the lease.
    pub connected: bool,
    /// What the ensemble granted. `None`: there is no session.
    pub session_timeout: Option<Duration>,
    pub leadership: Leadership,
    /// The newest offset that this store loaded or committed.
    pub committed_offset: Offset,
    /// The controllers that live, the active one included.
    pub candidates: Vec<Candidate>,
}

/// A controller that holds a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: ControllerId,
    /// host:port of its gRPC services.
    pub endpoint: String,
}

/// Why leadership stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Ask the active controller.
    #[error("this controller does not lead")]
    NotLeader,
    /// Choose another one.
    #[error("controller {0} has no session with ZooKeeper")]
    NoCandidate(ControllerId),
    #[error("no other controller has a session with ZooKeeper")]
    Alone,
    /// Try again.
    #[error("controller {0} did not take over within {HANDOVER_TIMEOUT:?}")]
    NotTaken(ControllerId),
}

impl ZooKeeperStore {
    /// Begins a session and to contend for leadership, which is decided in its own time.
    ///
    /// Returns when the ensemble has answered, or has not for a session timeout: then it is tried
    /// for ever, and a later refusal is logged. Must be called inside a tokio runtime.
    pub async fn open(config: ZooKeeperConfig) -> Result<Self, OpenError> {
        let ensemble =
            Ensemble::new(&config.connect, &config.server_address_map, config.session_timeout_ms)?;
        let config = Arc::new(config);
        let standing = Arc::new(Standing::new(config.generation));
        let (requests, received) = mpsc::channel(REQUESTS);
        let (tell, opened) = oneshot::channel();
        let election = Election {
            ensemble: ensemble.clone(),
            config: config.clone(),
            standing: standing.clone(),
            requests: received,
            resigned_until: None,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(election.run(tell));
        let store = Self {
            config,
            ensemble,
            standing,
            requests,
            known: Mutex::default(),
            committed: AtomicU64::new(0),
            tasks: SyncMutex::new(tasks),
        };
        opened.await.unwrap_or(Ok(())).map(|()| store)
    }

    /// The brokers that hold an ephemeral znode in `/brokers/ids`. While the ensemble is away this
    /// is what it was before.
    pub fn live(&self) -> watch::Receiver<BTreeSet<BrokerId>> {
        self.standing.live()
    }

    /// What is known of the ensemble and of the controllers.
    pub fn describe(&self) -> EnsembleView {
        let candidates = self.standing.candidates().into_iter();
        EnsembleView {
            connect: self.config.connect.clone(),
            connected: self.standing.is_connected(),
            session_timeout: self.standing.session_timeout(),
            leadership: *self.standing.leadership().borrow(),
            committed_offset: self.committed.load(Ordering::Relaxed),
            candidates: candidates.map(|(id, endpoint)| Candidate { id, endpoint }).collect(),
        }
    }

    /// Gives leadership up, if this controller has it, and lets others go first for a second.
    pub async fn resign(&self) {
        self.ask(Request::Resign).await;
    }

    /// Hands leadership to a controller; `None`: to any other one. There is no moment without a
    /// leader: the successor takes over what this controller keeps until then.
    pub async fn transfer_leadership(&self, to: Option<ControllerId>) -> Result<(), TransferError> {
        let me = self.config.controller_id;
        let mut leadership = self.standing.leadership();
        let Leadership { epoch, leader } = *leadership.borrow_and_update();
        if leader != Some(me) {
            return Err(TransferError::NotLeader);
        }
        let candidates = self.standing.candidates();
        let heir = match to {
            Some(heir) if heir == me => return Ok(()),
            Some(heir) if candidates.contains_key(&heir) => heir,
            Some(heir) => return Err(TransferError::NoCandidate(heir)),
            None => {
                let mut others = candidates.keys().filter(|id| **id != me);
                *others.next().ok_or(TransferError::Alone)?
            }
        };
        self.ask(|done| Request::Hand { to: Some(heir), done }).await;
        let taken = leadership.wait_for(|now| now.epoch > epoch);
        if timeout(HANDOVER_TIMEOUT, taken).await.is_ok() {
            return Ok(());
        }
        self.ask(|done| Request::Hand { to: None, done }).await;
        Err(TransferError::NotTaken(heir))
    }

    /// Gives up leadership and everything else that the session holds. The store is of no use
    /// afterwards.
    pub async fn close(&self) {
        if timeout(CLOSE_TIMEOUT, self.ask(Request::Close)).await.is_err() {
            tracing::warn!("ZooKeeper did not answer; what this controller holds will expire");
        }
        self.tasks.lock().expect("nothing panics while holding it").abort_all();
        self.standing.end_session();
    }

    /// Has the election do something. It may be over, or wait for the ensemble.
    async fn ask(&self, request: impl FnOnce(oneshot::Sender<()>) -> Request) {
        let (done, answer) = oneshot::channel();
        if self.requests.send(request(done)).await.is_ok() {
            answer.await.ok();
        }
    }

    async fn load_in_term(
        &self,
        term: &Term,
        known: &mut Known,
    ) -> Result<(Offset, ClusterImage), CommitError> {
        known.tree = None;
        if known.unsettled == Some(term.epoch) {
            self.while_leading(term, commit::settle(term)).await?;
        }
        let Loaded { mut cursor, tree } =
            self.while_leading(term, load::load(&term.client)).await?;
        known.unsettled = None;
        report(&tree.findings);
        for name in &tree.leftovers {
            cursor = self.sweep(term, cursor, name, known).await?;
        }
        self.committed.store(cursor.offset, Ordering::Relaxed);
        let image = tree.image;
        known.tree = Some(Tree { epoch: term.epoch, cursor, image: image.clone() });
        Ok((cursor.offset, image))
    }

    /// Removes what an interrupted removal of a topic left.
    async fn sweep(
        &self,
        term: &Term,
        mut cursor: Cursor,
        name: &Arc<str>,
        known: &mut Known,
    ) -> Result<Cursor, CommitError> {
        let path = Znode::Topic(name.clone()).path();
        tracing::info!("removing what is left of topic {name}");
        let mut paths = vec![path.clone()];
        let below = commit::descendants(&term.client, &path).await;
        paths.extend(below.map_err(|error| CommitError::Unavailable(error.to_string()))?);
        let changes = paths.into_iter().rev().map(|path| Change::Delete { path }).collect();
        known.unsettled = Some(term.epoch);
        for changes in plan::chunks(changes, self.limits()) {
            cursor = self.while_leading(term, commit::write(term, cursor, changes)).await?;
        }
        known.unsettled = None;
        Ok(cursor)
    }

    async fn commit_in_term(
        &self,
        term: &Term,
        records: &[Record],
        known: &mut Known,
    ) -> Result<Offset, CommitError> {
        if known.tree.as_ref().is_none_or(|tree| tree.epoch != term.epoch) {
            self.load_in_term(term, known).await?;
        }
        let tree = known.tree.as_ref().expect("it has just been loaded");
        let mut cursor = tree.cursor;
        let steps = plan::plan(&tree.image, records, term.epoch.term, self.limits())
            .map_err(|error| CommitError::Unavailable(error.to_string()))?;
        let count = steps.len();
        tracing::debug!("{} records take {count} transactions", records.len());
        // Until everything is known to be applied nothing is known.
        known.tree = None;
        known.unsettled = Some(term.epoch);
        for (done, Step { changes, image }) in steps.into_iter().enumerate() {
            let write = timed(commit::write(term, cursor, changes));
            cursor = match self.while_leading(term, write).await {
                Ok(cursor) => cursor,
                // Part of it is there, which is not nothing.
                Err(error) if done > 0 => {
                    let reason = format!("after {done} of {count} transactions: {error}");
                    return Err(CommitError::Unavailable(reason));
                }
                Err(error) => {
                    if matches!(error, CommitError::Fenced { .. }) {
                        known.unsettled = None;
                    }
                    return Err(error);
                }
            };
            if done + 1 == count {
                known.tree = Some(Tree { epoch: term.epoch, cursor, image });
            }
        }
        known.unsettled = None;
        self.committed.store(cursor.offset, Ordering::Relaxed);
        Ok(cursor.offset)
    }

    /// Goes on only as long as this controller is believed to lead.
    async fn while_leading<T>(
        &self,
        term: &Term,
        work: impl Future<Output = Result<T, WriteError>>,
    ) -> Result<T, CommitError> {
        let mut work = pin!(work);
        let done = tokio::select! {
            biased;
            done = &mut work => done,
            () = self.standing.deposed(self.config.controller_id, term.epoch) => {
                let lost = || WriteError::Unknown("leadership was lost".into());
                timeout(DEPOSED_GRACE, work).await.unwrap_or_else(|_| Err(lost()))
            }
        };
        match done {
            Ok(done) => Ok(done),
            Err(error) => {
                // Whatever it was, the election should see for itself.
                self.requests.try_send(Request::LookAgain).ok();
                Err(match error {
                    WriteError::Fenced { current } => {
                        CommitError::Fenced { ours: term.epoch, current }
                    }
                    WriteError::Unknown(reason) => CommitError::Unavailable(reason),
                })
            }
        }
    }

    /// The error for a commit under an epoch in which this controller does not lead. Another one may
    /// have been elected without that this one has heard of it.
    async fn refused(&self, ours: ControllerEpoch) -> CommitError {
        let unavailable = |reason: String| CommitError::Unavailable(reason);
        let Some(client) = self.standing.client() else {
            return unavailable("there is no session with ZooKeeper".into());
        };
        match timed(commit::read_fences(&client)).await {
            Ok((term, ..)) => {
                let current = ControllerEpoch { generation: self.config.generation, term };
                let current = current.max(self.standing.epoch());
                if current > ours {
                    CommitError::Fenced { ours, current }
                } else {
                    unavailable(format!("this controller does not lead in epoch {ours}"))
                }
            }
            Err(error) => unavailable(error.to_string()),
        }
    }

    fn limits(&self) -> Limits<'_> {
        Limits { chroot: &self.ensemble.chroot, bytes_max: CHANGES_BYTES_MAX }
    }
}

#[async_trait]
impl MetadataStore for ZooKeeperStore {
    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.standing.leadership()
    }

    async fn load(&self) -> Result<(Offset, ClusterImage), CommitError> {
        let mut known = self.known.lock().await;
        if let Some(term) = self.standing.term() {
            return self.load_in_term(&term, &mut known).await;
        }
        let no_session = || CommitError::Unavailable("there is no session with ZooKeeper".into());
        let client = self.standing.client().ok_or_else(no_session)?;
        match load::load(&client).await {
            Ok(Loaded { cursor, tree }) => {
                self.committed.store(cursor.offset, Ordering::Relaxed);
                Ok((cursor.offset, tree.image))
            }
            Err(error) => Err(CommitError::Unavailable(error.to_string())),
        }
    }

    /// A batch whose JSON is larger than a transaction of the ensemble is applied as an ordered
    /// series of them, each a valid state; when it fails in between, it is `Unavailable`.
    async fn commit(
        &self,
        epoch: ControllerEpoch,
        records: &[Record],
    ) -> Result<Offset, CommitError> {
        let current = self.standing.epoch();
        if epoch < current {
            return Err(CommitError::Fenced { ours: epoch, current });
        }
        let bytes = encode_records(records).len();
        if bytes > BATCH_BYTES_MAX {
            return Err(CommitError::Unavailable(format!("a batch of {bytes} bytes is too large")));
        }
        let mut known = self.known.lock().await;
        match self.standing.term().filter(|term| term.epoch == epoch) {
            Some(term) => self.commit_in_term(&term, records, &mut known).await,
            None => Err(self.refused(epoch).await),
        }
    }
}

async fn timed<T>(work: impl Future<Output = Result<T, WriteError>>) -> Result<T, WriteError> {
    let late = || WriteError::Unknown(format!("ZooKeeper did not answer within {WRITE_TIMEOUT:?}"));
    timeout(WRITE_TIMEOUT, work).await.unwrap_or_else(|_| Err(late()))
}

/// Says what somebody else did to the tree.
fn report(findings: &[String]) {
    for finding in findings.iter().take(FINDINGS_MAX) {
        tracing::warn!("foreign edit: {finding}");
    }
    if let Some(more) = findings.len().checked_sub(FINDINGS_MAX).filter(|more| *more > 0) {
        tracing::warn!("and {more} foreign edits more");
    }
}
