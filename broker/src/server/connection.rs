//! One client connection as one task: reads, dispatches, and writes answers in request order.
//!
//! Requests are pipelined: the next one is read and dispatched while earlier ones wait for
//! replication or for data. All answers that are ready go to the kernel in one vectored write.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use kafka::Chunks;
use metadata::BrokerId;
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, Sleep};

use super::frames::Frames;
use super::memory::Claim;
use crate::broker::Broker;
use crate::limits::{
    REQUESTS_PER_CONNECTION, ROUNDS_PER_TURN, SLOW_REQUEST_BYTES, SLOW_REQUEST_TIME, WRITE_SLICES,
};
use crate::metrics::Arrival;

/// Who is at the other end.
#[derive(Debug)]
pub struct Peer {
    /// The listener that the connection came in on.
    pub listener: Arc<str>,
    pub address: SocketAddr,
    /// Proven by the cluster secret: this is another broker, which may fetch as a replica.
    pub broker: Option<BrokerId>,
    /// Rung when a broker has sent its next request: a long poll answers at once.
    pub hurry: Arc<Notify>,
    pub client_software: Option<(String, String)>,
}

/// What dispatching one frame led to.
pub enum Reply {
    Now(Chunks),
    /// `None`: there is no answer that the client could read, so the connection ends.
    Later(Pin<Box<dyn Future<Output = Option<Chunks>> + Send>>),
    /// Nothing is sent (acks=0).
    Nothing,
    /// The peer broke the protocol: the connection ends, after what was asked before is answered.
    Close(String),
}

/// A request that is being answered.
struct Asked {
    arrival: Option<Arrival>,
    reply: Reply,
    /// What it has paid for its memory.
    _memory: Option<OwnedSemaphorePermit>,
}

pub(super) struct Connection {
    stream: TcpStream,
    broker: Arc<Broker>,
    peer: Peer,
    frames: Frames,
    /// The memory of the next request.
    claim: Claim,
    /// When to look whether the next request goes on coming, and how much of it was there before.
    watched: Option<(Instant, usize)>,
    answering: VecDeque<Asked>,
    unsent: VecDeque<Bytes>,
    unsent_bytes: usize,
    /// No more requests are read; the connection ends when all is sent.
    closing: bool,
    max_idle: Duration,
    last_active: Instant,
    idle: Pin<Box<Sleep>>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, broker: Arc<Broker>, peer: Peer) -> Self {
        let max_idle = broker.options.connections_max_idle;
        let frame_bytes_max = broker.options.request_bytes_max;
        Self {
            stream,
            broker,
            peer,
            frames: Frames::new(frame_bytes_max),
            claim: Claim::default(),
            watched: None,
            answering: VecDeque::new(),
            unsent: VecDeque::new(),
            unsent_bytes: 0,
            closing: false,
            max_idle,
            last_active: Instant::now(),
            idle: Box::pin(tokio::time::sleep(max_idle)),
        }
    }

    pub(super) async fn run(mut self) {
        let ended = poll_fn(|context| self.poll(context)).await;
        if let Some(id) = self.peer.broker {
            self.broker.images.suspect(id);
        }
        if let Err(error) = ended {
            let kind = error.kind();
            if kind == io::ErrorKind::InvalidData {
                tracing::warn!("closing connection from {}: {error}", self.peer.address);
            } else if kind != io::ErrorKind::UnexpectedEof {
                tracing::debug!("connection from {}: {error}", self.peer.address);
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..ROUNDS_PER_TURN {
            let answered = self.poll_answers(context);
            let written = self.poll_write(context)?;
            if self.closing && self.answering.is_empty() && self.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let dispatched = self.dispatch(context)?;
            let read = self.poll_read(context)?;
            if answered || written || dispatched || read {
                self.last_active = Instant::now();
            } else {
                return self.poll_idle(context);
            }
        }
        // A client that never pauses is not the only one.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Moves finished answers, oldest first, to what is to be sent.
    fn poll_answers(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while self.may_leave_unread() {
            let answer = match self.answering.front_mut().map(|asked| &mut asked.reply) {
                None => break,
                Some(Reply::Later(answer)) => match answer.as_mut().poll(context) {
                    Poll::Pending => break,
                    Poll::Ready(Some(answer)) => Some(answer),
                    Poll::Ready(None) => {
                        self.closing = true;
                        None
                    }
                },
                Some(Reply::Now(answer)) => Some(std::mem::take(answer)),
                Some(Reply::Nothing | Reply::Close(_)) => None,
            };
            let arrival = self.answering.pop_front().and_then(|asked| asked.arrival);
            self.broker.metrics.requests.answered(arrival);
            moved = true;
            for chunk in answer.into_iter().flat_map(|it| it.0).filter(|it| !it.is_empty()) {
                self.unsent_bytes += chunk.len();
                self.broker.memory.unsent(chunk.len());
                self.unsent.push_back(chunk);
            }
        }
        moved
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut wrote = false;
        while !self.unsent.is_empty() {
            if self.stream.poll_write_ready(context)?.is_pending() {
                break;
            }
            let slices: Vec<IoSlice<'_>> =
                self.unsent.iter().take(WRITE_SLICES).map(|it| IoSlice::new(it)).collect();
            match self.stream.try_write_vectored(&slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => {
                    wrote = true;
                    self.sent(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wrote)
    }

    fn sent(&mut self, mut bytes: usize) {
        self.unsent_bytes -= bytes;
        self.broker.memory.sent(bytes);
        while bytes > 0 {
            let front = self.unsent.front_mut().expect("no more is sent than was there");
            if front.len() > bytes {
                front.advance(bytes);
                return;
            }
            bytes -= front.len();
            self.unsent.pop_front();
        }
    }

    fn may_leave_unread(&self) -> bool {
        self.unsent_bytes < self.broker.memory.unsent_bytes_max()
    }

    fn accepts_requests(&self) -> bool {
        !self.closing && self.answering.len() < REQUESTS_PER_CONNECTION && self.may_leave_unread()
    }

    fn dispatch(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let mut dispatched = false;
        // Who waits for memory looks at what it got even when nothing can be done with it now.
        while self.accepts_requests() || self.claim.is_waiting() {
            let Some(length) = self.frames.announced().map_err(invalid)? else { break };
            // What clients wait for comes from other brokers: those wait for nobody.
            let memory = &self.broker.memory;
            let free = self.peer.broker.is_some();
            if !free && self.claim.poll(memory, length, context).is_pending() {
                break;
            }
            if !self.accepts_requests() {
                break;
            }
            let Some(frame) = self.frames.next(length) else { break };
            let memory = self.claim.take();
            self.watched = None;
            dispatched = true;
            if self.peer.broker.is_some() && !self.answering.is_empty() {
                self.peer.hurry.notify_one();
            }
            let requests = &self.broker.metrics.requests;
            let arrival = requests.arrived(&frame, self.peer.broker.is_some());
            match crate::api::dispatch(&self.broker, &mut self.peer, frame) {
                Reply::Close(reason) => {
                    tracing::warn!("closing connection from {}: {reason}", self.peer.address);
                    self.closing = true;
                }
                Reply::Nothing => self.broker.metrics.requests.answered(arrival),
                reply => self.answering.push_back(Asked { arrival, reply, _memory: memory }),
            }
        }
        if self.watched.is_none() && self.claim.holds() {
            self.watched = Some((Instant::now() + SLOW_REQUEST_TIME, self.frames.arrived()));
        }
        Ok(dispatched)
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        if !self.accepts_requests() || self.claim.is_waiting() {
            return Ok(false);
        }
        while self.stream.poll_read_ready(context)?.is_ready() {
            match self.stream.try_read_buf(self.frames.space()) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => {
                    self.frames.filled(bytes);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Ready when nothing has happened for `connections.max.idle.ms`. What is asked may take longer,
    /// but not the reading of an answer. An error when a request comes so slowly that others wait
    /// for the memory that it has.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if let Some((due, _)) = self.watched.filter(|(due, _)| *due < self.idle.deadline()) {
                self.idle.as_mut().reset(due);
            }
            ready!(self.idle.as_mut().poll(context));
            let now = Instant::now();
            if let Some((_, before)) = self.watched.filter(|(due, _)| *due <= now) {
                self.check_pace(before)?;
                self.watched = Some((now + SLOW_REQUEST_TIME, self.frames.arrived()));
            }
            let due = self.last_active + self.max_idle;
            if due <= now && (self.answering.is_empty() || !self.unsent.is_empty()) {
                return Poll::Ready(Ok(()));
            }
            self.idle.as_mut().reset(due.max(now + Duration::from_millis(100)));
        }
    }

    fn check_pace(&mut self, before: usize) -> io::Result<()> {
        let arrived = self.frames.arrived();
        let Some(length) = self.frames.announced().map_err(invalid)? else { return Ok(()) };
        if arrived >= before + SLOW_REQUEST_BYTES || !self.broker.memory.is_wanted(length) {
            return Ok(());
        }
        Err(invalid(format!(
            "{arrived} bytes of a request of {length} have come, and {} in the last {} s, while \
             others wait for the memory that it has (queued.max.request.bytes)",
            arrived.saturating_sub(before),
            SLOW_REQUEST_TIME.as_secs()
        )))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.broker.memory.sent(self.unsent_bytes);
    }
}

fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
