//! Who leads: Kafka's election, with a quick way around a dead process.
//!
//! ```text
//!   look at /controller and watch it
//!     nobody      create it and raise /controller_epoch, in one transaction
//!     somebody    follow; watch their process too
//!     this one    lead
//!   something changed: look again
//! ```
//!
//! Whoever raises `/controller_epoch` fences everybody before, so it is safe to take leadership from
//! somebody who may still be alive: from a process that is dead by all appearance, from an earlier
//! session of this controller, or from a leader that asks for it. Taking over deletes and creates
//! `/controller` and raises the epoch in one transaction, on the version of the epoch that was seen.
//!
//! All of it happens in one task per store, one step after the other. While the ensemble is away a
//! step may wait; the lease runs out meanwhile on its own (`lease`).

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::{BoxFuture, OptionFuture};
use metadata::{BrokerId, ControllerEpoch, ControllerId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};
use zookeeper_client::{Client, Error, MultiReadResult, MultiWriteResult, Stat};

use crate::config::{Ensemble, OpenError, ZooKeeperConfig};
use crate::layout::signs::{self, Lock};
use crate::layout::{BROKER_IDS, CANDIDATES, CONTROLLER, CONTROLLER_EPOCH, candidate_path};
use crate::session::{self, EPHEMERAL, Session, SessionError, is_lost, retried};
use crate::standing::{Standing, Term};
use crate::{lease, process};

/// Rest before another session is asked for.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// Rest before something that somebody must repair is looked at again.
const REPAIR_PAUSE: Duration = Duration::from_secs(2);
/// How long who resigned leaves leadership to others.
const RESIGNED_FOR: Duration = Duration::from_secs(1);

/// What the store asks of the election.
pub(crate) enum Request {
    /// Stop leading, and let others go first.
    Resign(oneshot::Sender<()>),
    /// Ask a controller to take over, or nobody any more.
    Hand { to: Option<ControllerId>, done: oneshot::Sender<()> },
    /// `/controller_epoch` is not what it was when this controller was elected.
    LookAgain,
    /// Give up everything that this session holds. Nothing happens afterwards.
    Close(oneshot::Sender<()>),
}

/// The task that contends for leadership, session after session.
pub(crate) struct Election {
    pub(crate) ensemble: Ensemble,
    pub(crate) config: Arc<ZooKeeperConfig>,
    pub(crate) standing: Arc<Standing>,
    pub(crate) requests: mpsc::Receiver<Request>,
    /// This controller does not contend before then.
    pub(crate) resigned_until: Option<Instant>,
}

/// The store is being closed.
struct Closed;

impl Election {
    /// Runs until the store is closed or refused. `opened` is told how the first try to begin a
    /// session ended; an ensemble that does not answer is tried for ever.
    pub(crate) async fn run(mut self, opened: oneshot::Sender<Result<(), OpenError>>) {
        let mut opened = Some(opened);
        let mut tell = |result| drop(opened.take().map(|opened| opened.send(result)));
        loop {
            let (config, standing) = (self.config.clone(), self.standing.clone());
            let session = match session::begin(&self.ensemble, &config, standing.epoch().term).await
            {
                Ok(session) => session,
                Err(SessionError::Refused(error)) => {
                    tracing::error!("{error}");
                    tell(Err(error));
                    sleep(REPAIR_PAUSE).await;
                    continue;
                }
                Err(SessionError::Lost(error)) => {
                    tracing::warn!("ZooKeeper {} cannot be reached: {error}", config.connect);
                    tell(Ok(()));
                    sleep(RECONNECT_PAUSE).await;
                    continue;
                }
            };
            tell(Ok(()));
            standing.begin_session(&session.client);
            let leased = lease::keep(&session.client, |renewal| {
                standing.set_lease(renewal.is_some());
            });
            let ended = tokio::select! {
                ended = self.serve(&session) => ended,
                error = leased => Err(error),
            };
            standing.end_session();
            match ended {
                Ok(Closed) => return,
                Err(error) => {
                    tracing::warn!("session {} is over: {error}", session.client.session_id());
                }
            }
        }
    }

    async fn serve(&mut self, session: &Session) -> Result<Closed, Error> {
        let client = &session.client;
        let mut live = self.read_live(client).await?;
        let mut candidates = self.read_candidates(client).await?;
        loop {
            let (view, mut changed) = look(client).await?;
            let Some(view) = view else {
                sleep(REPAIR_PAUSE).await;
                continue;
            };
            if self.is_leader(client, &view) {
                live = self.lead(client, &view).await?;
            } else {
                self.follow(client, &view);
            }
            if let Some(why) = self.must_elect(session, &view) {
                tracing::info!("contending for leadership: {why}");
                self.elect(client, &view).await?;
                continue;
            }
            let mut ended = self.leader_ended(client, &view);
            loop {
                let resigned_until = self.resigned_until.filter(|_| view.lock.is_none());
                tokio::select! {
                    () = &mut changed => break,
                    () = &mut live => live = self.read_live(client).await?,
                    () = &mut candidates => candidates = self.read_candidates(client).await?,
                    () = &mut ended => {
                        let leader = view.lock.as_ref().map(|it| it.value.controller);
                        tracing::info!("the process of leader {leader:?} is dead: taking over");
                        self.elect(client, &view).await?;
                        break;
                    }
                    Some(()) = OptionFuture::from(resigned_until.map(sleep_until)) => break,
                    Some(request) = self.requests.recv() => {
                        match self.handle(client, &view, request).await? {
                            Handled::Stay => {}
                            Handled::Look => break,
                            Handled::Close => return Ok(Closed),
                        }
                    }
                }
            }
        }
    }

    /// Whether this session holds `/controller`, and nothing was edited under it.
    fn is_leader(&self, client: &Client, view: &View) -> bool {
        let term = self.standing.term();
        view.lock.as_ref().is_some_and(|lock| lock.owner == client.session_id().0)
            && view.lock.as_ref().is_some_and(|lock| lock.value.term == Some(view.term))
            && view.term >= self.standing.epoch().term
            && term.is_none_or(|term| {
                term.epoch.term != view.term || term.epoch_version == view.term_version
            })
    }

    /// The live set comes first: who has just been elected acts upon it.
    async fn lead(
        &mut self,
        client: &Client,
        view: &View,
    ) -> Result<BoxFuture<'static, ()>, Error> {
        let live = self.read_live(client).await?;
        self.resigned_until = None;
        let epoch = self.epoch(view.term);
        let term = Term { epoch, epoch_version: view.term_version, client: client.clone() };
        self.standing.lead(self.config.controller_id, term);
        Ok(live)
    }

    fn follow(&mut self, client: &Client, view: &View) {
        let leader = view.lock.as_ref().map(|lock| lock.value.controller);
        let other = leader.filter(|leader| *leader != self.config.controller_id);
        if other.is_some() {
            self.resigned_until = None;
        }
        let held = view.lock.as_ref().is_some_and(|lock| lock.owner == client.session_id().0);
        if held {
            let (claimed, found) = (view.lock.as_ref().and_then(|it| it.value.term), view.term);
            tracing::warn!(
                "{CONTROLLER_EPOCH} was edited by somebody else: it is {found}, this controller \
                 leads under {claimed:?}"
            );
        }
        self.standing.follow(self.epoch(view.term), other);
    }

    /// Why this controller should take leadership now.
    fn must_elect(&self, session: &Session, view: &View) -> Option<&'static str> {
        let me = self.config.controller_id;
        let Some(lock) = &view.lock else {
            let waits = self.resigned_until.is_some_and(|until| Instant::now() < until);
            return (!waits).then_some("nobody leads");
        };
        if lock.owner == session.client.session_id().0 {
            let edited = !self.is_leader(&session.client, view);
            return edited.then_some("the epoch was edited");
        }
        if lock.value.controller == me && lock.owner != 0 {
            if lock.created > session.registered {
                tracing::error!(
                    "another process leads as controller {me}: give it its own node.id"
                );
                return None;
            }
            return self.config.fast_failover.then_some("an earlier session of this one leads");
        }
        (lock.value.successor == Some(me)).then_some("the leader asks for it")
    }

    /// Resolves when the process of another leader has ended.
    fn leader_ended(&self, client: &Client, view: &View) -> BoxFuture<'static, ()> {
        let other = view.lock.as_ref().filter(|lock| {
            self.config.fast_failover
                && lock.owner != client.session_id().0
                && lock.value.controller != self.config.controller_id
        });
        let address = other.and_then(|lock| {
            let mapped = self.config.address_map.get(&lock.value.controller);
            mapped.or(lock.value.endpoint.as_ref()).cloned()
        });
        match address {
            Some(address) => async move { process::ended(&address).await }.boxed(),
            None => pending().boxed(),
        }
    }

    /// Takes leadership in one transaction, or leaves it to whoever was quicker. Looking again tells.
    async fn elect(&self, client: &Client, view: &View) -> Result<(), Error> {
        let term = view.term.max(self.standing.epoch().term) + 1;
        let lock = signs::lock(&Lock {
            controller: self.config.controller_id,
            timestamp: milliseconds().to_string(),
            term: Some(term),
            endpoint: Some(self.config.endpoint.clone()),
            successor: None,
        });
        let mut writer = client.new_multi_writer();
        writer.add_set_data(
            CONTROLLER_EPOCH,
            term.to_string().as_bytes(),
            Some(view.term_version),
        )?;
        if view.lock.is_some() {
            writer.add_delete(CONTROLLER, None)?;
        }
        writer.add_create(CONTROLLER, &lock, &EPHEMERAL)?;
        match writer.commit().await.map_err(Error::from) {
            Ok(results) => {
                let raised = matches!(results.first(), Some(MultiWriteResult::SetData { .. }));
                debug_assert!(raised, "the first change raises the epoch");
                tracing::debug!("elected under epoch {}", self.epoch(term));
                Ok(())
            }
            Err(Error::BadVersion | Error::NodeExists | Error::NoNode) => Ok(()),
            Err(error) if is_lost(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn handle(
        &mut self,
        client: &Client,
        view: &View,
        request: Request,
    ) -> Result<Handled, Error> {
        match request {
            Request::LookAgain => Ok(Handled::Look),
            Request::Resign(done) => {
                self.leave(client).await?;
                self.resigned_until = Some(Instant::now() + RESIGNED_FOR);
                done.send(()).ok();
                Ok(Handled::Look)
            }
            Request::Hand { to, done } => {
                self.ask(client, view, to).await?;
                done.send(()).ok();
                Ok(Handled::Stay)
            }
            Request::Close(done) => {
                self.leave(client).await?;
                let candidate = candidate_path(self.config.controller_id);
                client.delete(&candidate, None).await.ok();
                done.send(()).ok();
                Ok(Handled::Close)
            }
        }
    }

    /// Gives `/controller` up, if this controller leads.
    async fn leave(&self, client: &Client) -> Result<(), Error> {
        let Some(term) = self.standing.term() else { return Ok(()) };
        let mut writer = client.new_check_writer(CONTROLLER_EPOCH, Some(term.epoch_version))?;
        writer.add_delete(CONTROLLER, None)?;
        let written = writer.commit().await.map_err(Error::from);
        self.standing.follow(term.epoch, None);
        ended_or(written.map(drop))
    }

    /// Names the successor in `/controller`, if this controller leads.
    async fn ask(
        &self,
        client: &Client,
        view: &View,
        successor: Option<ControllerId>,
    ) -> Result<(), Error> {
        let (Some(term), Some(held)) = (self.standing.term(), &view.lock) else { return Ok(()) };
        let lock = signs::lock(&Lock { successor, ..held.value.clone() });
        let mut writer = client.new_check_writer(CONTROLLER_EPOCH, Some(term.epoch_version))?;
        writer.add_set_data(CONTROLLER, &lock, None)?;
        ended_or(writer.commit().await.map_err(Error::from).map(drop))
    }

    /// Publishes the brokers that hold an ephemeral znode. The answer resolves when they change.
    async fn read_live(&self, client: &Client) -> Result<BoxFuture<'static, ()>, Error> {
        let (names, watcher) = retried(|| client.list_and_watch_children(BROKER_IDS)).await?;
        let live: BTreeSet<BrokerId> = names.iter().filter_map(|name| name.parse().ok()).collect();
        self.standing.set_live(live);
        Ok(async move { drop(watcher.changed().await) }.boxed())
    }

    async fn read_candidates(&self, client: &Client) -> Result<BoxFuture<'static, ()>, Error> {
        let (names, watcher) = retried(|| client.list_and_watch_children(CANDIDATES)).await?;
        let mut candidates = BTreeMap::new();
        for id in names.iter().filter_map(|name| name.parse().ok()) {
            let path = candidate_path(id);
            if let Some(data) = session::read(client, &path).await? {
                match signs::parse_candidate(&path, &data) {
                    Ok(endpoint) => drop(candidates.insert(id, endpoint)),
                    Err(error) => tracing::warn!("{error}"),
                }
            }
        }
        self.standing.set_candidates(candidates);
        Ok(async move { drop(watcher.changed().await) }.boxed())
    }

    fn epoch(&self, term: u64) -> ControllerEpoch {
        ControllerEpoch { generation: self.config.generation, term }
    }
}

enum Handled {
    Stay,
    Look,
    Close,
}

/// The two znodes of the election at one moment.
struct View {
    term: u64,
    /// Version of `/controller_epoch`.
    term_version: i32,
    lock: Option<Held>,
}

struct Held {
    value: Lock,
    /// The session that holds it; 0: none, it stays until somebody deletes it.
    owner: i64,
    /// The transaction that created it.
    created: i64,
}

/// Reads both znodes at once, and watches `/controller`. `None`: they make no sense.
async fn look(client: &Client) -> Result<(Option<View>, BoxFuture<'static, ()>), Error> {
    let (results, watcher) = retried(|| async {
        let watched = client.check_and_watch_stat(CONTROLLER);
        let mut reader = client.new_multi_reader();
        reader.add_get_data(CONTROLLER_EPOCH)?;
        reader.add_get_data(CONTROLLER)?;
        let read = reader.commit();
        let (_, watcher) = watched.await?;
        Ok((read.await?, watcher))
    })
    .await?;
    let changed = async move { drop(watcher.changed().await) }.boxed();
    let mut values = results.into_iter().map(|result| match result {
        MultiReadResult::Data { data, stat } => Some((data, stat)),
        _ => None,
    });
    let (epoch, lock) = (values.next().flatten(), values.next().flatten());
    let Some((epoch, Stat { version, .. })) = epoch else {
        tracing::warn!("{CONTROLLER_EPOCH} was deleted by somebody else");
        return Err(Error::NoNode);
    };
    let view = signs::parse_controller_epoch(CONTROLLER_EPOCH, &epoch).and_then(|term| {
        let lock = lock.map(|(data, stat)| {
            let value = signs::parse_lock(CONTROLLER, &data)?;
            Ok(Held { value, owner: stat.ephemeral_owner, created: stat.czxid })
        });
        Ok(View { term, term_version: version, lock: lock.transpose()? })
    });
    if let Err(error) = &view {
        tracing::error!("{error}; delete it or write what Kafka would");
    }
    Ok((view.ok(), changed))
}

/// Passes on that the session is over. Everything else is seen when `/controller` is read again.
fn ended_or(written: Result<(), Error>) -> Result<(), Error> {
    match written {
        Err(error @ (Error::SessionExpired | Error::ClientClosed | Error::AuthFailed)) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

fn milliseconds() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}
