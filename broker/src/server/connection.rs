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
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep};

use super::frames::Frames;
use crate::broker::Broker;
use crate::limits::{REQUESTS_PER_CONNECTION, UNSENT_BYTES_PER_CONNECTION, WRITE_SLICES};
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

pub(super) struct Connection {
    stream: TcpStream,
    broker: Arc<Broker>,
    peer: Peer,
    frames: Frames,
    answering: VecDeque<(Option<Arrival>, Reply)>,
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
        loop {
            let answered = self.poll_answers(context);
            let written = self.poll_write(context)?;
            if self.closing && self.answering.is_empty() && self.unsent.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let dispatched = self.dispatch()?;
            let read = self.poll_read(context)?;
            if answered || written || dispatched || read {
                self.last_active = Instant::now();
            } else {
                ready!(self.poll_idle(context));
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Moves finished answers, oldest first, to what is to be sent.
    fn poll_answers(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while self.unsent_bytes < UNSENT_BYTES_PER_CONNECTION {
            let answer = match self.answering.front_mut().map(|(_, reply)| reply) {
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
            let arrival = self.answering.pop_front().and_then(|(arrival, _)| arrival);
            self.broker.metrics.requests.answered(arrival);
            moved = true;
            for chunk in answer.into_iter().flat_map(|it| it.0).filter(|it| !it.is_empty()) {
                self.unsent_bytes += chunk.len();
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

    fn accepts_requests(&self) -> bool {
        !self.closing
            && self.answering.len() < REQUESTS_PER_CONNECTION
            && self.unsent_bytes < UNSENT_BYTES_PER_CONNECTION
    }

    fn dispatch(&mut self) -> io::Result<bool> {
        let mut dispatched = false;
        while self.accepts_requests() {
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            let Some(frame) = self.frames.next().map_err(|error| invalid(error.to_string()))?
            else {
                break;
            };
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
                reply => self.answering.push_back((arrival, reply)),
            }
        }
        Ok(dispatched)
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        if !self.accepts_requests() {
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

    /// Ready when nothing has happened for `connections.max.idle.ms`.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.idle.as_mut().poll(context));
            let due = self.last_active + self.max_idle;
            if due <= Instant::now() && self.answering.is_empty() {
                return Poll::Ready(());
            }
            let next = due.max(Instant::now() + Duration::from_millis(100));
            self.idle.as_mut().reset(next);
        }
    }
}
