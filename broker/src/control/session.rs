//! One task that keeps the broker a member of the cluster: finds the active controller, registers,
//! watches the metadata, sends heartbeats, and starts over when the controller changes.

use std::sync::Arc;
use std::time::Duration;

use grpc::auth::Credentials;
use grpc::client::{ControllerClient, connect};
use metadata::control::RegisterBroker;
use metadata::{BrokerId, Command, ControllerEpoch, Record, Uuid, codec};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;

use super::lease::Witness;
use super::received::{Received, StreamError, Update};
use super::{Images, Lease, Znodes, epoch};
use crate::clock::monotonic_ms;

const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
const CALL_TIMEOUT: Duration = Duration::from_millis(2_000);
const SEARCH_PAUSE: Duration = Duration::from_millis(20);
const SEARCH_PAUSE_MAX: Duration = Duration::from_millis(200);

/// Who this broker is, for as long as the process lives.
#[derive(Clone, Debug)]
pub struct Registration {
    pub id: BrokerId,
    pub incarnation: Uuid,
    pub listeners: Vec<metadata::Listener>,
    pub rack: Option<String>,
    pub log_dirs: Vec<Uuid>,
    /// From the clean-shutdown file.
    pub previous_epoch: Option<i64>,
}

#[derive(Clone)]
pub struct SessionOptions {
    pub cluster_id: Arc<str>,
    /// host:port of every controller.
    pub controllers: Vec<String>,
    pub credentials: Credentials,
    pub registration: Registration,
}

/// What the broker wants of the controller; sent with every heartbeat, at once when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Recovering, or a disk is full: registered, but not to be used.
    StayFenced,
    Serve,
    ShutDown,
}

pub struct Session {
    pub options: SessionOptions,
    /// What has been applied, as heartbeats report it.
    pub images: Images,
    pub received: Received,
    pub lease: Arc<Lease>,
    pub znodes: Arc<Znodes>,
    pub intent: watch::Receiver<Intent>,
    /// The active controller, for [`super::Controller`].
    pub active: watch::Sender<Option<ControllerClient>>,
    /// The epoch of this registration; -1 before the first.
    pub broker_epoch: watch::Sender<i64>,
    /// Every update, in order, to whoever turns metadata into replicas.
    pub updates: mpsc::Sender<Update>,
    /// Set once the controller lets the broker go.
    pub may_shutdown: watch::Sender<bool>,
}

/// Everything that can happen while connected.
enum Event {
    Batch(Option<Result<grpc::MetadataBatch, tonic::Status>>),
    BeatDue,
    IntentChanged,
    Beaten {
        sent_ms: i64,
        reply: Result<grpc::HeartbeatReply, tonic::Status>,
    },
    /// Whether another controller says that it is the active one.
    Doubted {
        replaced: bool,
    },
}

/// Why a connection to the active controller ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Status(Box<tonic::Status>),
    #[error("the stream ended")]
    EndOfStream,
    #[error("the controller is not active any more")]
    NotActive,
    #[error("the registration was refused: {0}")]
    Refused(String),
    #[error("the registration was answered with what cannot be read: {0}")]
    Garbled(String),
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error("the registration is not known any more")]
    StaleBrokerEpoch,
    #[error("the broker is stopping")]
    Stopping,
}

impl From<tonic::Status> for Ended {
    fn from(status: tonic::Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl Session {
    /// Runs until the receiver of updates is gone. An error says that all controllers refuse this
    /// broker, which was never registered: they are those of another cluster.
    pub async fn run(mut self) -> Result<(), String> {
        let mut setbacks = 0;
        loop {
            let Some((endpoint, client)) = self.find_active().await? else { return Ok(()) };
            let ended = self.stay(&endpoint, client).await;
            self.active.send_replace(None);
            if self.updates.is_closed() || matches!(ended, Ended::Stopping) {
                return Ok(());
            }
            match ended {
                Ended::Stream(_) => tracing::error!("left controller {endpoint}: {ended}"),
                _ => tracing::info!("left controller {endpoint}: {ended}"),
            }
            // The next try may end as soon as this one.
            if matches!(ended, Ended::Refused(_) | Ended::Stream(_)) {
                setbacks += 1;
                tokio::time::sleep(SEARCH_PAUSE * setbacks.min(10)).await;
            } else {
                setbacks = 0;
            }
        }
    }

    /// Asks all controllers until one is active.
    async fn find_active(&self) -> Result<Option<(String, ControllerClient)>, String> {
        let mut pause = SEARCH_PAUSE;
        let mut tries = 0;
        loop {
            let problem = match ask(self.options.clone(), None).await {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => None,
                Err(Unfound::Refused(refusal)) if *self.broker_epoch.borrow() < 0 => {
                    return Err(refusal);
                }
                Err(Unfound::Refused(problem) | Unfound::Unknown(problem)) => Some(problem),
            };
            if self.updates.is_closed() {
                return Ok(None);
            }
            tries += 1;
            if tries % 50 == 10 {
                let detail = problem.unwrap_or_else(|| "none of them is active".into());
                tracing::warn!("still looking for an active controller: {detail}");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SEARCH_PAUSE_MAX);
        }
    }

    /// Registers with the active controller and stays with it until something ends that.
    async fn stay(&mut self, endpoint: &str, mut client: ControllerClient) -> Ended {
        match self.stay_connected(endpoint, &mut client).await {
            Err(ended) => ended,
            Ok(never) => match never {},
        }
    }

    async fn stay_connected(
        &mut self,
        endpoint: &str,
        client: &mut ControllerClient,
    ) -> Result<std::convert::Infallible, Ended> {
        let broker_epoch = self.register(client).await?;
        let (image_epoch, image_offset) = self.received.known();
        let watch = grpc::WatchRequest {
            cluster_id: self.options.cluster_id.to_string(),
            broker_id: self.options.registration.id,
            broker_epoch,
            image_epoch: Some(epoch::to_wire(image_epoch)),
            image_offset,
        };
        let opened = tokio::time::timeout(CALL_TIMEOUT, client.watch(watch)).await;
        let mut stream =
            opened.map_err(|_| tonic::Status::deadline_exceeded("watch"))??.into_inner();
        self.active.send_replace(Some(client.clone()));

        self.received.begin();
        let mut leases = grpc::Leases::default();
        let mut beats = JoinSet::new();
        let mut doubts = JoinSet::new();
        let mut next_beat = tokio::time::Instant::now();
        loop {
            let event = tokio::select! {
                batch = stream.next() => Event::Batch(batch),
                Some(Ok((sent_ms, reply))) = beats.join_next() => Event::Beaten { sent_ms, reply },
                Some(Ok(replaced)) = doubts.join_next() => Event::Doubted { replaced },
                () = tokio::time::sleep_until(next_beat),
                    if leases.heartbeat_interval_ms > 0 => Event::BeatDue,
                Ok(()) = self.intent.changed() => Event::IntentChanged,
            };
            match event {
                Event::Batch(None) => return Err(Ended::EndOfStream),
                Event::Batch(Some(Err(status))) => return Err(status.into()),
                Event::Batch(Some(Ok(batch))) => {
                    if batch.not_active.is_some() {
                        return Err(Ended::NotActive);
                    }
                    if let Some(newest) = batch.leases.as_ref().filter(|it| **it != leases) {
                        leases = newest.clone();
                        self.hold(&leases);
                    }
                    if let Some(update) = self.received.take(batch)? {
                        self.updates.send(update).await.map_err(|_| Ended::Stopping)?;
                        // Being caught up is what unfences: say so at once.
                        next_beat = tokio::time::Instant::now();
                    }
                }
                Event::Doubted { replaced: true } => return Err(Ended::NotActive),
                Event::Doubted { replaced: false } => {}
                Event::BeatDue | Event::IntentChanged => {
                    // A controller that hangs keeps its connections for long, and its successor
                    // waits for this broker no longer than a session: ask the others.
                    if !beats.is_empty() && doubts.is_empty() {
                        let epoch = self.received.epoch();
                        let current = Current { endpoint: endpoint.to_owned(), epoch };
                        let asked = ask(self.options.clone(), Some(current));
                        doubts.spawn(async { matches!(asked.await, Ok(Some(_))) });
                    }
                    next_beat = tokio::time::Instant::now()
                        + Duration::from_millis(u64::from(leases.heartbeat_interval_ms.max(1)));
                    self.beat(client.clone(), broker_epoch, &leases, &mut beats);
                }
                Event::Beaten { reply: Err(status), .. } => {
                    // One lost beat is no reason to leave: the stream tells when the peer is gone,
                    // the others tell when it has been replaced.
                    tracing::debug!("heartbeat: {}", status.message());
                }
                Event::Beaten { sent_ms, reply: Ok(reply) } => {
                    if reply.not_active.is_some() {
                        return Err(Ended::NotActive);
                    }
                    if reply.stale_broker_epoch {
                        return Err(Ended::StaleBrokerEpoch);
                    }
                    let duration_ms = i64::from(leases.session_timeout_ms);
                    self.lease.renew(&Witness::Controller, sent_ms, duration_ms, monotonic_ms());
                    let decided = (epoch::from_wire(reply.epoch), reply.offset);
                    let applied = self.images.published().position();
                    if applied >= decided {
                        self.lease.caught_up();
                    }
                    if reply.may_shutdown {
                        self.may_shutdown.send_replace(true);
                    }
                    let wants_more = match *self.intent.borrow() {
                        Intent::Serve => reply.fenced,
                        Intent::ShutDown => !reply.may_shutdown,
                        Intent::StayFenced => false,
                    };
                    if wants_more || applied < decided {
                        // A change is under way: ask again soon rather than a whole interval later.
                        next_beat =
                            next_beat.min(tokio::time::Instant::now() + Duration::from_millis(20));
                    }
                }
            }
        }
    }

    /// Holds exactly these leases.
    fn hold(&self, leases: &grpc::Leases) {
        let heartbeats = leases.heartbeats_count.then_some(Witness::Controller);
        let znodes = leases.znodes.iter().map(|it| Witness::Ensemble(it.connect.clone()));
        self.lease.require(heartbeats.into_iter().chain(znodes));
        self.znodes.hold(&leases.znodes, &self.options.registration, &self.lease);
    }

    fn beat(
        &self,
        mut client: ControllerClient,
        broker_epoch: i64,
        leases: &grpc::Leases,
        beats: &mut JoinSet<(i64, Result<grpc::HeartbeatReply, tonic::Status>)>,
    ) {
        // More than a few unanswered beats say nothing new.
        if beats.len() >= 4 {
            return;
        }
        let published = self.images.published();
        let intent = *self.intent.borrow();
        let mut request = tonic::Request::new(grpc::HeartbeatRequest {
            cluster_id: self.options.cluster_id.to_string(),
            broker_id: self.options.registration.id,
            broker_epoch,
            image_epoch: Some(epoch::to_wire(published.epoch)),
            image_offset: published.offset,
            want_fence: intent == Intent::StayFenced,
            want_shutdown: intent == Intent::ShutDown,
        });
        request.set_timeout(Duration::from_millis(u64::from(leases.session_timeout_ms.max(500))));
        let sent_ms = monotonic_ms();
        beats.spawn(async move {
            (sent_ms, client.heartbeat(request).await.map(tonic::Response::into_inner))
        });
    }

    /// Registers this incarnation and returns its epoch. Registering again is harmless.
    async fn register(&self, client: &mut ControllerClient) -> Result<i64, Ended> {
        let registration = &self.options.registration;
        let command = Command::RegisterBroker(RegisterBroker {
            id: registration.id,
            incarnation: registration.incarnation,
            listeners: registration.listeners.clone(),
            rack: registration.rack.clone(),
            log_dirs: registration.log_dirs.clone(),
            previous_epoch: registration.previous_epoch,
        });
        let mut request = tonic::Request::new(grpc::SubmitRequest {
            cluster_id: self.options.cluster_id.to_string(),
            commands: vec![codec::encode_command(&command).into()],
            principal: format!("broker:{}", registration.id),
        });
        request.set_timeout(CALL_TIMEOUT);
        let reply = client.submit(request).await?.into_inner();
        if reply.not_active.is_some() {
            return Err(Ended::NotActive);
        }
        let outcome = reply.outcomes.first().ok_or_else(|| Ended::Garbled("no outcome".into()))?;
        let outcome =
            codec::decode_outcome(outcome).map_err(|error| Ended::Garbled(error.to_string()))?;
        let records = outcome.map_err(|error| Ended::Refused(error.to_string()))?;
        let registered = records.iter().rev().find_map(|record| match record {
            Record::Broker(broker) if broker.id == registration.id => Some(broker.epoch),
            _ => None,
        });
        // Nothing changed: the epoch of the first registration still stands.
        let epoch = registered.unwrap_or(*self.broker_epoch.borrow());
        if epoch < 0 {
            return Err(Ended::Garbled("no broker record".into()));
        }
        self.broker_epoch.send_replace(epoch);
        Ok(epoch)
    }
}

/// The controller that this broker is connected to.
#[derive(Clone)]
struct Current {
    endpoint: String,
    epoch: ControllerEpoch,
}

/// Why nobody knows the active controller.
enum Unfound {
    /// No controller takes this broker for a member of its cluster.
    Refused(String),
    /// Perhaps later.
    Unknown(String),
}

/// Asks all controllers at once who is active; the first that says "me" is it. Beside a current
/// one, only a controller of a newer epoch is.
async fn ask(
    options: SessionOptions,
    current: Option<Current>,
) -> Result<Option<(String, ControllerClient)>, Unfound> {
    let mut asked = JoinSet::new();
    let is_current = |endpoint: &str| current.as_ref().is_some_and(|it| it.endpoint == endpoint);
    let newer_than = current.as_ref().map(|it| it.epoch);
    for endpoint in options.controllers.iter().filter(|it| !is_current(it)).cloned() {
        let cluster_id = options.cluster_id.to_string();
        let credentials = options.credentials.clone();
        asked.spawn(async move {
            let mut client = connect(&endpoint, CONNECT_TIMEOUT, credentials)
                .await
                .map_err(|error| Unfound::Unknown(error.to_string()))?;
            let mut request = tonic::Request::new(grpc::DescribeQuorumRequest { cluster_id });
            request.set_timeout(CALL_TIMEOUT);
            let unfound = |status: tonic::Status| {
                let text = format!("{endpoint}: {}", status.message());
                match status.code() {
                    tonic::Code::FailedPrecondition | tonic::Code::Unauthenticated => {
                        Unfound::Refused(text)
                    }
                    _ => Unfound::Unknown(text),
                }
            };
            let reply = client.describe_quorum(request).await.map_err(unfound)?.into_inner();
            let epoch = epoch::from_wire(reply.epoch);
            let active = reply.active_id >= 0
                && reply.active_id == reply.answered_by
                && newer_than.is_none_or(|current| epoch > current);
            Ok::<_, Unfound>(active.then_some((endpoint, client)))
        });
    }
    let mut problem = None;
    let mut all_refuse = true;
    while let Some(answer) = asked.join_next().await {
        all_refuse &= matches!(answer, Ok(Err(Unfound::Refused(_))));
        match answer {
            Ok(Ok(Some(found))) => return Ok(Some(found)),
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(Unfound::Refused(text) | Unfound::Unknown(text))) => problem = Some(text),
        }
    }
    match problem {
        None => Ok(None),
        Some(refusal) if all_refuse => Err(Unfound::Refused(refusal)),
        Some(problem) => Err(Unfound::Unknown(problem)),
    }
}
