//! The gRPC service: what brokers and tools ask of a controller, translated for the driver.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::{mpsc, watch};
use tonic::{Request, Response, Status};
use tracing::{debug, info, warn};
use uuid::Uuid;

use config::directory::parse_uuid;
use grpc::auth::{Peer, Role};
use grpc::change_quorum_request::Change as Wanted;
use grpc::{
    ChangeQuorumReply, ChangeQuorumRequest, DescribeQuorumReply, DescribeQuorumRequest,
    HeartbeatReply, HeartbeatRequest, Leases, MetadataBatch, NotActive, QuorumMember, SubmitReply,
    SubmitRequest, TransferLeadershipReply, TransferLeadershipRequest, WatchRequest,
};
use metadata::{BrokerId, Command, ControlError, ControllerId, Leadership, Offset, codec};

use crate::batch::{Answer, Request as Queued};
use crate::epoch;
use crate::heartbeat::Heartbeats;
use crate::liveness::{Beat, Wish};
use crate::watch::{Connections, Publication};

/// Commands of one Submit.
const SUBMIT_COMMANDS_MAX: usize = 1000;

/// The quorum as one store sees it.
#[derive(Clone, Debug, Default)]
pub struct QuorumState {
    /// `raft` or `zookeeper`.
    pub mode: String,
    pub committed_offset: Offset,
    pub members: Vec<QuorumMember>,
    pub zookeeper_connect: String,
}

/// Asks the store to hand leadership to this controller; `None`: to whichever is best.
type Transfer =
    dyn Fn(Option<ControllerId>) -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// Who votes from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuorumChange {
    /// The controller that answers at `endpoint`, once it has caught up.
    Add { id: ControllerId, endpoint: String },
    /// Not the controller with this disk.
    Remove { id: ControllerId, directory_id: Uuid },
}

/// Makes a change and returns when it is committed.
type Change = dyn Fn(QuorumChange) -> BoxFuture<'static, Result<(), String>> + Send + Sync;

/// What a store can do beyond storing: plain functions, because every store does it differently.
pub struct Quorum {
    pub state: Box<dyn Fn() -> QuorumState + Send + Sync>,
    pub transfer: Box<Transfer>,
    /// Where there are voters to change.
    pub change: Option<Box<Change>>,
}

impl Quorum {
    /// What this store can do.
    pub fn of<S, F, E>(
        store: Arc<S>,
        state: fn(&S) -> QuorumState,
        transfer: impl Fn(Arc<S>, Option<ControllerId>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        S: Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: ToString,
    {
        let transferring = store.clone();
        Self {
            state: Box::new(move || state(&store)),
            transfer: Box::new(move |to| {
                let transferred = transfer(transferring.clone(), to);
                async move { transferred.await.map_err(|error| error.to_string()) }.boxed()
            }),
            change: None,
        }
    }

    /// host:port of a controller, as far as the store knows it.
    pub fn endpoint(&self, id: ControllerId) -> Option<String> {
        let member = (self.state)().members.into_iter().find(|member| member.id == id)?;
        Some(member.endpoint).filter(|endpoint| !endpoint.is_empty())
    }
}

/// Serves the controller's service. Every field is shared with the driver or fixed.
pub struct ControllerService {
    pub id: ControllerId,
    pub cluster_id: Arc<str>,
    pub leases: Leases,
    pub requests: mpsc::Sender<Queued>,
    pub leadership: watch::Receiver<Leadership>,
    pub quorum: Arc<Quorum>,
    pub publication: Arc<Publication>,
    pub heartbeats: Arc<Heartbeats>,
    pub live: watch::Receiver<BTreeSet<BrokerId>>,
    pub connections: Connections,
}

/// Why the driver has no answer.
enum Unanswered {
    NotActive,
    /// The queue is full.
    Busy,
}

impl ControllerService {
    fn check_cluster(&self, theirs: &str) -> Result<(), Status> {
        if theirs == &*self.cluster_id {
            return Ok(());
        }
        Err(Status::failed_precondition(format!(
            "the request is meant for cluster {theirs}, this controller belongs to cluster {}",
            self.cluster_id
        )))
    }

    async fn submit(&self, commands: Vec<Command>) -> Result<Answer, Unanswered> {
        let (request, answer) = Queued::new(commands);
        self.requests.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Unanswered::Busy,
            mpsc::error::TrySendError::Closed(_) => Unanswered::NotActive,
        })?;
        // A request that is dropped met a controller that stepped down.
        answer.await.map_err(|_| Unanswered::NotActive)
    }

    fn is_active(&self) -> bool {
        self.leadership.borrow().leader == Some(self.id)
    }

    fn not_active(&self) -> NotActive {
        not_active(&self.leadership, &self.quorum)
    }
}

fn not_active(leadership: &watch::Receiver<Leadership>, quorum: &Quorum) -> NotActive {
    let leader = leadership.borrow().leader;
    NotActive {
        active_id: leader.unwrap_or(-1),
        active_endpoint: leader.and_then(|id| quorum.endpoint(id)).unwrap_or_default(),
    }
}

/// A broker that has proved who it is speaks for nobody else.
fn check_peer<T>(request: &Request<T>, broker_id: BrokerId) -> Result<(), Status> {
    match request.extensions().get::<Peer>() {
        Some(Peer { role: Role::Broker, node_id }) if *node_id != broker_id => Err(
            Status::permission_denied(format!("broker {node_id} may not speak for {broker_id}")),
        ),
        _ => Ok(()),
    }
}

#[tonic::async_trait]
impl grpc::controller_server::Controller for ControllerService {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitReply>, Status> {
        let SubmitRequest { cluster_id, commands, principal } = request.into_inner();
        self.check_cluster(&cluster_id)?;
        if commands.len() > SUBMIT_COMMANDS_MAX {
            return Err(Status::invalid_argument(format!(
                "{} commands in one request, at most {SUBMIT_COMMANDS_MAX} are allowed",
                commands.len()
            )));
        }
        let refuse = || SubmitReply { not_active: Some(self.not_active()), ..Default::default() };
        if self.publication.current().is_none() {
            return Ok(Response::new(refuse()));
        }
        let commands: Vec<Command> = commands
            .iter()
            .map(|command| codec::decode_command(command))
            .collect::<Result<_, _>>()
            .map_err(|error| Status::invalid_argument(format!("cannot decode: {error}")))?;
        debug!("Deciding {} commands for {principal}", commands.len());
        match ControllerService::submit(self, commands).await {
            Ok(Answer { epoch, offset, outcomes }) => Ok(Response::new(SubmitReply {
                not_active: None,
                epoch: Some(epoch::to_wire(epoch)),
                offset,
                outcomes: outcomes.iter().map(|it| codec::encode_outcome(it).into()).collect(),
            })),
            Err(Unanswered::NotActive) => Ok(Response::new(refuse())),
            Err(Unanswered::Busy) => Err(Status::resource_exhausted(
                "the controller's queue is full: try again in a moment",
            )),
        }
    }

    async fn heartbeat(
        &self,
        request: Request<HeartbeatRequest>,
    ) -> Result<Response<HeartbeatReply>, Status> {
        check_peer(&request, request.get_ref().broker_id)?;
        let request = request.into_inner();
        self.check_cluster(&request.cluster_id)?;
        Ok(Response::new(self.beat(request).await.unwrap_or_else(|| HeartbeatReply {
            not_active: Some(self.not_active()),
            ..Default::default()
        })))
    }

    type WatchStream = BoxStream<'static, Result<MetadataBatch, Status>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        check_peer(&request, request.get_ref().broker_id)?;
        let request = request.into_inner();
        self.check_cluster(&request.cluster_id)?;
        let published = self.publication.current();
        let registered = published
            .and_then(|published| published.image.brokers.get(&request.broker_id).cloned())
            .is_some_and(|broker| broker.epoch == request.broker_epoch);
        let connection =
            registered.then(|| self.connections.open(request.broker_id, request.broker_epoch));
        let has = epoch::from_wire(request.image_epoch).map(|epoch| (epoch, request.image_offset));
        let changes = self.publication.stream(has, self.leases.clone(), connection);
        let (leadership, quorum) = (self.leadership.clone(), self.quorum.clone());
        let end = stream::once(async move {
            let not_active = Some(not_active(&leadership, &quorum));
            Ok(MetadataBatch { not_active, ..Default::default() })
        });
        Ok(Response::new(changes.chain(end).boxed()))
    }

    async fn describe_quorum(
        &self,
        request: Request<DescribeQuorumRequest>,
    ) -> Result<Response<DescribeQuorumReply>, Status> {
        let DescribeQuorumRequest { cluster_id } = request.into_inner();
        // Whoever asks which cluster this is cannot name it.
        if !cluster_id.is_empty() {
            self.check_cluster(&cluster_id)?;
        }
        let Leadership { epoch, leader } = *self.leadership.borrow();
        let QuorumState { mode, committed_offset, members, zookeeper_connect } =
            (self.quorum.state)();
        Ok(Response::new(DescribeQuorumReply {
            cluster_id: self.cluster_id.to_string(),
            mode,
            generation: epoch.generation,
            active_id: leader.unwrap_or(-1),
            epoch: Some(epoch::to_wire(epoch)),
            committed_offset,
            members,
            zookeeper_connect,
            answered_by: self.id,
        }))
    }

    async fn transfer_leadership(
        &self,
        request: Request<TransferLeadershipRequest>,
    ) -> Result<Response<TransferLeadershipReply>, Status> {
        let TransferLeadershipRequest { cluster_id, to_id } = request.into_inner();
        self.check_cluster(&cluster_id)?;
        if !self.is_active() {
            let not_active = Some(self.not_active());
            return Ok(Response::new(TransferLeadershipReply { not_active }));
        }
        let to = (to_id >= 0).then_some(to_id);
        info!(
            "Asked to hand leadership to {}",
            to.map_or("any controller".into(), |it| it.to_string())
        );
        (self.quorum.transfer)(to).await.map_err(Status::failed_precondition)?;
        Ok(Response::new(TransferLeadershipReply { not_active: None }))
    }

    async fn change_quorum(
        &self,
        request: Request<ChangeQuorumRequest>,
    ) -> Result<Response<ChangeQuorumReply>, Status> {
        let ChangeQuorumRequest { cluster_id, id, change } = request.into_inner();
        self.check_cluster(&cluster_id)?;
        if !self.is_active() {
            let not_active = Some(self.not_active());
            return Ok(Response::new(ChangeQuorumReply { not_active }));
        }
        let wanted = match change {
            Some(Wanted::AddAt(endpoint)) => QuorumChange::Add { id, endpoint },
            Some(Wanted::RemoveDirectoryId(directory_id)) => {
                let directory_id = parse_uuid(&directory_id).ok_or_else(|| {
                    Status::invalid_argument(format!("'{directory_id}' is no directory id"))
                })?;
                QuorumChange::Remove { id, directory_id }
            }
            None => return Err(Status::invalid_argument("the request says no change")),
        };
        let change = self.quorum.change.as_ref().ok_or_else(|| {
            Status::failed_precondition(
                "every controller with a session in the ensemble may lead: start or stop one",
            )
        })?;
        info!("Asked for a change of the quorum: {wanted:?}");
        change(wanted).await.map_err(Status::failed_precondition)?;
        Ok(Response::new(ChangeQuorumReply { not_active: None }))
    }
}

impl ControllerService {
    /// `None`: this controller is not active.
    async fn beat(&self, request: HeartbeatRequest) -> Option<HeartbeatReply> {
        let (id, epoch) = (request.broker_id, request.broker_epoch);
        let published = self.publication.current()?;
        if published.image.brokers.get(&id).is_none_or(|broker| broker.epoch != epoch) {
            return Some(HeartbeatReply { stale_broker_epoch: true, ..Default::default() });
        }
        let is_current = epoch::from_wire(request.image_epoch) == Some(published.epoch);
        let beat = Beat {
            id,
            broker_epoch: epoch,
            applied: is_current.then_some(request.image_offset),
            want_fence: request.want_fence,
            want_shutdown: request.want_shutdown,
        };
        if self.heartbeats.beat(&beat, published.offset) {
            // The answer vouches for the broker up to the offset that it names. If the broker is
            // being fenced, that must include it: wait behind whatever is decided now.
            ControllerService::submit(self, Vec::new()).await.ok()?;
        }
        let wish = self.heartbeats.wish(&beat, &published.image, &self.live.borrow());
        match wish {
            Wish::Nothing => {}
            Wish::Unfence => drop(self.apply(Command::UnfenceBroker { id, epoch }).await?),
            Wish::Fence => drop(self.apply(Command::FenceBroker { id, epoch }).await?),
            Wish::BeginControlledShutdown => {
                if let Some(offset) =
                    self.apply(Command::BeginControlledShutdown { id, epoch }).await?
                {
                    self.heartbeats.shutdown_began(id, epoch, offset);
                }
            }
            Wish::Leave => {
                let left = self.apply(Command::FenceBroker { id, epoch }).await?.is_some();
                return self.reply(id, epoch, left);
            }
        }
        self.reply(id, epoch, false)
    }

    /// Has one command of a broker decided and committed. `None`: this controller is not active;
    /// an inner `None`: the command was refused, or must wait for the next heartbeat.
    async fn apply(&self, command: Command) -> Option<Option<Offset>> {
        let name = format!("{command:?}");
        match ControllerService::submit(self, vec![command]).await {
            Ok(Answer { offset, outcomes, .. }) => match outcomes.into_iter().next() {
                Some(Ok(_)) => Some(Some(offset)),
                // Another incarnation has registered meanwhile, as the reply will say.
                Some(Err(ControlError::StaleBrokerEpoch { .. })) | None => Some(None),
                Some(Err(error)) => {
                    warn!("Refused {name}: {error}");
                    Some(None)
                }
            },
            Err(Unanswered::NotActive) => None,
            Err(Unanswered::Busy) => Some(None),
        }
    }

    fn reply(&self, id: BrokerId, epoch: i64, may_shutdown: bool) -> Option<HeartbeatReply> {
        let published = self.publication.current()?;
        let broker = published.image.brokers.get(&id).filter(|broker| broker.epoch == epoch);
        Some(HeartbeatReply {
            not_active: None,
            stale_broker_epoch: broker.is_none(),
            caught_up: self.heartbeats.is_caught_up(id),
            fenced: broker.is_none_or(|broker| broker.fenced),
            may_shutdown,
            epoch: Some(epoch::to_wire(published.epoch)),
            offset: published.offset,
        })
    }
}
