//! Raft's outgoing half: one lazily connected channel per peer, a deadline on every call.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};
use grpc::auth::Credentials;
use grpc::raft_client::RaftClient;
use grpc::{MESSAGE_BYTES_MAX, RaftFrame};
use metadata::ControllerId;
use openraft::base::{BoxFuture, BoxStream};
use openraft::error::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{
    Backoff, NetBackoff, NetSnapshot, NetStreamAppend, NetTransferLeader, NetVote, RPCOption,
};
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, StreamAppendError, StreamAppendResult,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, Snapshot};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status};

use crate::config::Timing;
use crate::refusals::Refusals;
use crate::snapshot::SnapshotFile;
use crate::types::{Member, NodeKey, TypeConfig, Vote};
use crate::wire::{
    AppendReply, CHUNK_BYTES_MAX, HelloReply, Identity, Receiver, SnapshotStart, message,
};

type Client = RaftClient<InterceptedService<Channel, Credentials>>;
type Rpc<T> = Result<T, RPCError<TypeConfig>>;

/// How to reach the other controllers.
pub(crate) struct Links {
    pub identity: Identity,
    pub timing: Timing,
    credentials: Credentials,
    /// Overrides of endpoints, by controller.
    addresses: BTreeMap<ControllerId, String>,
    /// Connections by address. Holds as many as there ever were controllers.
    channels: Mutex<HashMap<String, Channel>>,
    refusals: Refusals,
}

impl Links {
    pub(crate) fn new(
        identity: Identity,
        timing: Timing,
        credentials: Credentials,
        addresses: BTreeMap<ControllerId, String>,
    ) -> Self {
        let (channels, refusals) = Default::default();
        Self { identity, timing, credentials, addresses, channels, refusals }
    }

    /// Where the controller is reached from here.
    pub(crate) fn address<'a>(&'a self, id: ControllerId, endpoint: &'a str) -> &'a str {
        self.addresses.get(&id).map_or(endpoint, String::as_str)
    }

    /// Asks a controller who it is.
    pub(crate) async fn hello(
        &self,
        id: ControllerId,
        endpoint: &str,
    ) -> Result<(NodeKey, HelloReply), Status> {
        let mut client = self.client(self.shared_channel(self.address(id, endpoint))?);
        let frame = self.identity.frame(Receiver::AnyDisk(id), &());
        let reply = within(self.timing.election_timeout, client.hello(frame)).await?.into_inner();
        let from = self.identity.check_but_disk(&reply)?;
        Ok((from, message(&reply)?))
    }

    fn client(&self, channel: Channel) -> Client {
        RaftClient::with_interceptor(channel, self.credentials.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn shared_channel(&self, address: &str) -> Result<Channel, Status> {
        let mut channels = self.channels.lock().expect("nothing panics while holding it");
        if let Some(channel) = channels.get(address) {
            return Ok(channel.clone());
        }
        let channel = self.new_channel(address)?;
        channels.insert(address.to_owned(), channel.clone());
        Ok(channel)
    }

    /// Connects with its first call, and again with the first call after it broke.
    fn new_channel(&self, address: &str) -> Result<Channel, Status> {
        let timeout = self.timing.election_timeout;
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|error| {
            Status::invalid_argument(format!("'{address}' is not HOST:PORT: {error}"))
        })?;
        // A connection into a partition must not linger in TCP's retransmission back-off.
        Ok(endpoint
            .connect_timeout(timeout / 2)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(timeout)
            .keep_alive_timeout(timeout)
            .keep_alive_while_idle(true)
            .connect_lazy())
    }
}

/// Makes clients for openraft.
pub(crate) struct Peers(pub Arc<Links>);

impl RaftNetworkFactory<TypeConfig> for Peers {
    type Network = Peer;

    async fn new_client(&mut self, target: NodeKey, node: &Member) -> Peer {
        let channel = self.0.shared_channel(self.0.address(target.id, &node.endpoint));
        self.peer(target, channel)
    }

    /// On a connection of its own: megabytes of snapshot must not delay a heartbeat.
    async fn new_snapshot_client(&mut self, target: NodeKey, node: &Member) -> Peer {
        let channel = self.0.new_channel(self.0.address(target.id, &node.endpoint));
        self.peer(target, channel)
    }
}

impl Peers {
    fn peer(&self, target: NodeKey, channel: Result<Channel, Status>) -> Peer {
        let links = self.0.clone();
        Peer { target, client: channel.map(|channel| links.client(channel)), links }
    }
}

/// One peer, for one of openraft's tasks.
pub(crate) struct Peer {
    target: NodeKey,
    /// Fails with the reason why there cannot be a channel.
    client: Result<Client, Status>,
    links: Arc<Links>,
}

impl Peer {
    fn frame(&self, message: &impl Serialize) -> RaftFrame {
        self.links.identity.frame(Receiver::Exactly(self.target), message)
    }

    fn client(&self) -> Rpc<Client> {
        self.client.clone().map_err(|status| self.error(status))
    }

    /// The message in an answer of the peer that was asked.
    fn answer<T: DeserializeOwned>(&self, reply: &RaftFrame) -> Result<T, Status> {
        let from = self.links.identity.check(reply)?;
        if from != self.target {
            return Err(Status::failed_precondition(format!(
                "controller {from} answered in place of {}",
                self.target
            )));
        }
        message(reply)
    }

    async fn call<T, F>(&self, option: RPCOption, call: F) -> Rpc<T>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<Response<RaftFrame>, Status>>,
    {
        let reply = within(option.soft_ttl(), call).await;
        reply
            .and_then(|reply| self.answer(&reply.into_inner()))
            .map_err(|status| self.error(status))
    }

    fn error(&self, status: Status) -> RPCError<TypeConfig> {
        match status.code() {
            Code::FailedPrecondition
            | Code::Unauthenticated
            | Code::PermissionDenied
            | Code::InvalidArgument => {
                self.links.refusals.report(format!(
                    "controller {} refuses raft messages: {}",
                    self.target,
                    status.message()
                ));
                Unreachable::from_string(status.message()).into()
            }
            Code::DeadlineExceeded | Code::Cancelled | Code::Internal | Code::ResourceExhausted => {
                NetworkError::from_string(status.message()).into()
            }
            _ => {
                Unreachable::from_string(format!("{}: {}", self.target, innermost(&status))).into()
            }
        }
    }

    async fn send_snapshot(
        &self,
        start: SnapshotStart,
        file: SnapshotFile,
        timeout: Duration,
    ) -> Rpc<SnapshotResponse<TypeConfig>> {
        let first = self.frame(&start);
        let (identity, to) = (self.links.identity.clone(), Receiver::Exactly(self.target));
        // A local read error ends the stream early, and the receiver misses the rest of the file.
        let chunks = stream::unfold((file, 0u64), move |(file, offset)| {
            let identity = identity.clone();
            async move {
                let read = file.clone();
                let chunk = crate::machine::blocking(move || read.read_at(offset, CHUNK_BYTES_MAX))
                    .await
                    .inspect_err(|error| tracing::error!("cannot read a snapshot: {error}"))
                    .ok()
                    .filter(|chunk| !chunk.is_empty())?;
                let next = offset + chunk.len() as u64;
                Some((identity.frame_bytes(to, chunk), (file, next)))
            }
        });
        let mut client = self.client()?;
        let frames = stream::iter([first]).chain(chunks);
        let reply = within(timeout, client.snapshot(frames)).await;
        reply
            .and_then(|reply| self.answer(&reply.into_inner()))
            .map_err(|status| self.error(status))
    }
}

impl NetVote<TypeConfig> for Peer {
    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<VoteResponse<TypeConfig>> {
        let (mut client, frame) = (self.client()?, self.frame(&request));
        self.call(option, client.vote(frame)).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<VoteResponse<TypeConfig>> {
        let (mut client, frame) = (self.client()?, self.frame(&request));
        self.call(option, client.pre_vote(frame)).await
    }
}

impl NetTransferLeader<TypeConfig> for Peer {
    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Rpc<TransferLeaderResponse<TypeConfig>> {
        let (mut client, frame) = (self.client()?, self.frame(&request));
        self.call(option, client.transfer_leader(frame)).await
    }
}

impl NetBackoff<TypeConfig> for Peer {
    fn backoff(&self) -> Option<Backoff> {
        None
    }
}

impl NetStreamAppend<TypeConfig> for Peer {
    /// Requests flow as openraft makes them and answers come back in order. An answer that stays
    /// out for an election timeout ends the stream; an idle stream may last for ever.
    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Rpc<BoxStream<'s, Rpc<StreamAppendResult<TypeConfig>>>>>
    where
        S: Stream<Item = AppendEntriesRequest<TypeConfig>> + OptionalSend + Unpin + 'static,
    {
        let sent = Arc::new(AtomicU64::new(0));
        let (identity, to) = (self.links.identity.clone(), Receiver::Exactly(self.target));
        let counter = sent.clone();
        let frames = input.map(move |request| {
            counter.fetch_add(1, Relaxed);
            identity.frame(to, &request)
        });
        Box::pin(async move {
            let mut client = self.client()?;
            let opened = within(option.hard_ttl(), client.append(Request::new(frames))).await;
            let peer: &'s Self = self;
            let replies = opened.map_err(|status| peer.error(status))?.into_inner();
            let state = Some((replies, 0u64));
            let replies = stream::unfold(state, move |state| {
                let sent = sent.clone();
                async move {
                    let (mut replies, received) = state?;
                    let reply = loop {
                        let before = sent.load(Relaxed);
                        let next = within(peer.links.timing.election_timeout, replies.message());
                        match next.await {
                            Err(status)
                                if status.code() == Code::DeadlineExceeded
                                    && before <= received => {}
                            reply => break reply.transpose()?,
                        }
                    };
                    let result = reply.and_then(|reply| peer.answer(&reply));
                    Some(match result {
                        Ok(AppendReply::Accepted(last)) => {
                            (Ok(Ok(last)), Some((replies, received + 1)))
                        }
                        Ok(AppendReply::Conflict(at)) => {
                            (Ok(Err(StreamAppendError::Conflict(at))), None)
                        }
                        Ok(AppendReply::HigherVote(vote)) => {
                            (Ok(Err(StreamAppendError::HigherVote(vote))), None)
                        }
                        Err(status) => (Err(peer.error(status)), None),
                    })
                }
            });
            let replies: BoxStream<'s, _> = Box::pin(replies);
            Ok(replies)
        })
    }
}

impl NetSnapshot<TypeConfig> for Peer {
    type SnapshotData = SnapshotFile;

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: openraft::type_config::alias::SnapshotOf<TypeConfig, SnapshotFile>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let Snapshot { meta, snapshot: file } = snapshot;
        let start = SnapshotStart { vote, meta, length: file.length };
        let sending = self.send_snapshot(start, file, option.hard_ttl());
        tokio::select! {
            closed = cancel => Err(closed.into()),
            sent = sending => sent.map_err(|error| match error {
                RPCError::Timeout(error) => error.into(),
                RPCError::Unreachable(error) => error.into(),
                RPCError::Network(error) => error.into(),
            }),
        }
    }
}

/// A call with a deadline.
async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    match tokio::time::timeout(timeout, call).await {
        Ok(result) => result,
        Err(_) => Err(Status::deadline_exceeded(format!("no answer within {timeout:?}"))),
    }
}

/// tonic says "transport error"; what happened stands at the end of its chain of sources.
fn innermost(status: &Status) -> String {
    let mut last: &(dyn std::error::Error + 'static) = status;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
