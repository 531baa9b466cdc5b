//! Raft's incoming half: checks who speaks and to whom, and hands the message to openraft.

use std::fs::File;
use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::stream::{self, Stream, StreamExt};
use grpc::RaftFrame;
use grpc::auth::Peer as Proven;
use grpc::raft_server::Raft as Service;
use openraft::Snapshot;
use openraft::async_runtime::WatchReceiver;
use openraft::raft::{AppendEntriesRequest, StreamAppendError, TransferLeaderRequest, VoteRequest};
use serde::Serialize;
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, Streaming};

use crate::failover::Failover;
use crate::machine::blocking;
use crate::peer::Links;
use crate::refusals::Refusals;
use crate::snapshot::{self, SnapshotFile};
use crate::ticking::Heard;
use crate::types::{NodeKey, Raft, TypeConfig, Vote};
use crate::wire::{AppendReply, HelloReply, Receiver, SnapshotStart, message};

type Reply = Result<Response<RaftFrame>, Status>;

/// A snapshot that stops coming is given up after this time.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(10);

/// The raft service of one controller.
pub(crate) struct RaftService {
    pub raft: Raft,
    pub links: Arc<Links>,
    pub failover: Arc<Failover>,
    pub heard: Arc<Heard>,
    pub directory: std::path::PathBuf,
    /// One snapshot at a time: there is one file for it.
    pub incoming: Semaphore,
    pub refusals: Refusals,
}

impl RaftService {
    /// The frame, and who sent it. `proven` is who the sender's token speaks for.
    fn check(&self, frame: &RaftFrame, proven: Option<&Proven>) -> Result<NodeKey, Status> {
        self.links.identity.check(frame).and_then(|from| prove(from, proven)).inspect_err(
            |status| {
                let message = status.message();
                self.refusals
                    .report(format!("raft message of {} refused: {message}", frame.from_id));
            },
        )
    }

    /// Refuses a candidate whose number a member with another disk bears.
    fn check_candidate(&self, from: NodeKey) -> Result<(), Status> {
        let metrics = self.raft.metrics().borrow_watched().membership_config.clone();
        let known: Vec<NodeKey> = metrics.nodes().map(|(key, _)| *key).collect();
        match known.iter().find(|member| member.id == from.id) {
            Some(member) if !known.contains(&from) => {
                let message = format!(
                    "controller {from} was formatted anew: the quorum knows {member}; remove that \
                     voter and add the new one"
                );
                self.refusals.report(message.clone());
                Err(Status::failed_precondition(message))
            }
            _ => Ok(()),
        }
    }

    fn reply(&self, to: NodeKey, message: &impl Serialize) -> Reply {
        Ok(Response::new(self.links.identity.frame(Receiver::Exactly(to), message)))
    }

    async fn receive_file(
        &self,
        frames: &mut Streaming<RaftFrame>,
        from: NodeKey,
        start: &SnapshotStart,
    ) -> Result<SnapshotFile, Status> {
        let io =
            |error: std::io::Error| Status::internal(format!("cannot keep a snapshot: {error}"));
        let directory = self.directory.clone();
        let (path, mut file) =
            blocking(move || snapshot::incoming(&directory)).await.map_err(io)?;
        let mut left = start.length;
        while left > 0 {
            let next = tokio::time::timeout(CHUNK_TIMEOUT, frames.message()).await;
            let frame = next
                .map_err(|_| Status::deadline_exceeded("the snapshot stopped coming"))??
                .ok_or_else(|| Status::aborted("the snapshot ended early"))?;
            if self.links.identity.check(&frame)? != from {
                return Err(Status::invalid_argument("the snapshot changed its sender"));
            }
            left = left
                .checked_sub(frame.payload.len() as u64)
                .filter(|_| !frame.payload.is_empty())
                .ok_or_else(|| {
                    Status::invalid_argument("the snapshot is not as long as it said")
                })?;
            file = blocking(move || file.write_all(&frame.payload).map(|()| file))
                .await
                .map_err(io)?;
        }
        let meta = start.meta.clone();
        blocking(move || {
            File::sync_all(&file)?;
            let file = SnapshotFile::open(path)?;
            if file.load()?.meta() != meta {
                return Err(std::io::Error::other("it is not the snapshot that was announced"));
            }
            Ok(file)
        })
        .await
        .map_err(|error| Status::data_loss(format!("the snapshot arrived damaged: {error}")))
    }
}

#[tonic::async_trait]
impl Service for RaftService {
    type AppendStream = Pin<Box<dyn Stream<Item = Result<RaftFrame, Status>> + Send>>;

    async fn hello(&self, request: Request<RaftFrame>) -> Reply {
        let proven = request.extensions().get::<Proven>().copied();
        let frame = request.into_inner();
        let from = prove(self.links.identity.check_but_disk(&frame)?, proven.as_ref())?;
        let initialized = self.raft.is_initialized().await.map_err(stopped)?;
        let membership = self.raft.metrics().borrow_watched().membership_config.clone();
        let members = membership.nodes().map(|(key, _)| *key).collect();
        self.reply(from, &HelloReply { pristine: !initialized, members })
    }

    async fn append(
        &self,
        request: Request<Streaming<RaftFrame>>,
    ) -> Result<Response<Self::AppendStream>, Status> {
        let proven = request.extensions().get::<Proven>().copied();
        let mut frames = request.into_inner();
        // The first frame names the sender; the others must come from the same.
        let first = frames.message().await?;
        let Some(first) = first else {
            return Ok(Response::new(Box::pin(stream::empty())));
        };
        let from = self.check(&first, proven.as_ref())?;
        let (identity, failover) = (self.links.identity.clone(), self.failover.clone());
        let heard = self.heard.clone();

        // openraft reads requests, so what ends them early is told through the answers.
        let ended: Arc<Mutex<Option<Status>>> = Arc::default();
        let why = ended.clone();
        let frames = stream::iter([Ok(first)]).chain(frames);
        let requests = stream::unfold(Box::pin(frames), move |mut frames| {
            let (identity, failover, why) = (identity.clone(), failover.clone(), why.clone());
            let heard = heard.clone();
            async move {
                let frame = match frames.next().await? {
                    Ok(frame) => frame,
                    Err(_) => {
                        failover.suspect(from);
                        return None;
                    }
                };
                let request = identity.check(&frame).and_then(|sender| match sender == from {
                    true => {
                        heard.note(from);
                        message::<AppendEntriesRequest<TypeConfig>>(&frame)
                    }
                    false => Err(Status::invalid_argument("the stream changed its sender")),
                });
                request
                    .map_err(|status| {
                        *why.lock().expect("nothing panics while holding it") = Some(status);
                    })
                    .ok()
                    .map(|request| (request, frames))
            }
        });
        let identity = self.links.identity.clone();
        let answers = self.raft.stream_append(requests).map(move |answer| {
            let reply = match answer.map_err(stopped)? {
                Ok(last) => AppendReply::Accepted(last),
                Err(StreamAppendError::Conflict(at)) => AppendReply::Conflict(at),
                Err(StreamAppendError::HigherVote(vote)) => AppendReply::HigherVote(vote),
            };
            Ok(identity.frame(Receiver::Exactly(from), &reply))
        });
        let reason =
            stream::once(
                async move { ended.lock().expect("nothing panics while holding it").take() },
            )
            .filter_map(|status| async move { status.map(Err) });
        Ok(Response::new(Box::pin(answers.chain(reason))))
    }

    async fn vote(&self, request: Request<RaftFrame>) -> Reply {
        let proven = request.extensions().get::<Proven>().copied();
        let frame = request.into_inner();
        let from = self.check(&frame, proven.as_ref())?;
        self.check_candidate(from)?;
        let request: VoteRequest<TypeConfig> = message(&frame)?;
        self.reply(from, &self.raft.vote(request).await.map_err(stopped)?)
    }

    async fn pre_vote(&self, request: Request<RaftFrame>) -> Reply {
        let proven = request.extensions().get::<Proven>().copied();
        let frame = request.into_inner();
        let from = self.check(&frame, proven.as_ref())?;
        self.check_candidate(from)?;
        let request: VoteRequest<TypeConfig> = message(&frame)?;
        // The candidate may know of the leader's death before this controller does.
        self.failover.release_dead_leader(Some(from)).await;
        self.reply(from, &self.raft.pre_vote(request).await.map_err(stopped)?)
    }

    async fn transfer_leader(&self, request: Request<RaftFrame>) -> Reply {
        let proven = request.extensions().get::<Proven>().copied();
        let frame = request.into_inner();
        let from = self.check(&frame, proven.as_ref())?;
        let request: TransferLeaderRequest<TypeConfig> = message(&frame)?;
        self.reply(from, &self.raft.handle_transfer_leader(request).await.map_err(stopped)?)
    }

    async fn snapshot(&self, request: Request<Streaming<RaftFrame>>) -> Reply {
        let proven = request.extensions().get::<Proven>().copied();
        let mut frames = request.into_inner();
        let first = frames.message().await?;
        let first = first.ok_or_else(|| Status::invalid_argument("an empty snapshot"))?;
        let from = self.check(&first, proven.as_ref())?;
        let start: SnapshotStart = message(&first)?;
        let _one = self
            .incoming
            .try_acquire()
            .map_err(|_| Status::resource_exhausted("another snapshot is being received"))?;
        let vote: Vote = start.vote;
        let file = self.receive_file(&mut frames, from, &start).await?;
        let snapshot = Snapshot { meta: start.meta, snapshot: file };
        let answer = self.raft.install_full_snapshot(vote, snapshot).await;
        self.reply(from, &answer.map_err(stopped)?)
    }
}

/// A token speaks for one controller.
fn prove(from: NodeKey, proven: Option<&Proven>) -> Result<NodeKey, Status> {
    match proven {
        Some(proven) if proven.node_id != from.id => Err(Status::permission_denied(format!(
            "the token of controller {} on a message of controller {}",
            proven.node_id, from.id
        ))),
        _ => Ok(from),
    }
}

/// Raft runs until it is shut down or its disk fails.
fn stopped(error: impl std::fmt::Display) -> Status {
    Status::unavailable(format!("raft does not run here: {error}"))
}
