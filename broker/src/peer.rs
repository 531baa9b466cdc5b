//! A connection to another broker's inter-broker listener.
//!
//! It opens with a SASL exchange of one mechanism, `JANUS`, whose token proves membership of the
//! cluster and names the broker: only such a connection may fetch as a replica.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka::messages::{SaslAuthenticateRequest, SaslHandshakeRequest};
use kafka::{ErrorCode, Request, Str};
use metadata::{BrokerId, ClusterImage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The mechanism that only brokers use.
pub const MECHANISM: &str = "JANUS";

const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);
/// Larger than any fetch answer that a broker asks for.
const FRAME_BYTES_MAX: usize = 128 << 20;

#[derive(Clone, Debug)]
pub struct PeerOptions {
    pub me: BrokerId,
    pub inter_broker_listener: String,
    /// The token of `grpc::auth`, as text.
    pub token: String,
    /// Where to reach brokers instead of where they say (`janus.peer.address.map`).
    pub addresses: BTreeMap<BrokerId, String>,
}

/// Why talking to a broker failed: connect again, to whoever leads by then.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    #[error("broker {0} is not registered with listener {1}")]
    NoAddress(BrokerId, String),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no answer in time")]
    TimedOut,
    #[error("refused: {}", .0.name())]
    Refused(ErrorCode),
    #[error("the answer cannot be read: {0}")]
    Garbled(String),
}

pub struct PeerConnection {
    stream: TcpStream,
    received: BytesMut,
    client_id: Str,
    correlation_id: i32,
    /// Correlation ids of requests whose answers are due, oldest first.
    due: std::collections::VecDeque<i32>,
}

impl PeerConnection {
    /// Connects to the broker's inter-broker endpoint and proves who this broker is.
    pub async fn connect(
        options: &PeerOptions,
        image: &ClusterImage,
        to: BrokerId,
    ) -> Result<Self, PeerError> {
        let dial = async {
            match options.addresses.get(&to) {
                Some(address) => TcpStream::connect(address).await,
                None => TcpStream::connect(registered(options, image, to)?).await,
            }
            .map_err(PeerError::from)
        };
        let stream = timeout(CONNECT_TIMEOUT, dial).await.map_err(|_| PeerError::TimedOut)??;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream,
            received: BytesMut::new(),
            client_id: Str::from(format!("broker-{}", options.me)),
            correlation_id: 0,
            due: std::collections::VecDeque::new(),
        };
        let handshake = SaslHandshakeRequest { mechanism: Str::from_static(MECHANISM) };
        let answer = connection.call(&handshake, 1).await?;
        accepted(answer.error_code)?;
        let authenticate =
            SaslAuthenticateRequest { auth_bytes: Bytes::from(options.token.clone().into_bytes()) };
        let answer = connection.call(&authenticate, 2).await?;
        accepted(answer.error_code)?;
        Ok(connection)
    }

    async fn call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, PeerError> {
        self.send(request, version).await?;
        self.receive::<R>(version, CONNECT_TIMEOUT).await
    }

    /// Sends a request; its answer comes with a later [`PeerConnection::receive`].
    pub async fn send<R: Request>(&mut self, request: &R, version: i16) -> Result<(), PeerError> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let frame = kafka::encode_request(
            self.correlation_id,
            Some(self.client_id.clone()),
            request,
            version,
        )
        .map_err(|error| PeerError::Garbled(error.to_string()))?;
        for mut chunk in frame.0 {
            self.stream.write_all_buf(&mut chunk).await?;
        }
        self.due.push_back(self.correlation_id);
        Ok(())
    }

    /// Waits for the answer to the oldest request. Cancel-safe: what has arrived is kept.
    pub async fn receive<R: Request>(
        &mut self,
        version: i16,
        patience: Duration,
    ) -> Result<R::Response, PeerError> {
        let frame =
            timeout(patience, self.read_frame()).await.map_err(|_| PeerError::TimedOut)??;
        let due = self.due.pop_front().ok_or_else(|| PeerError::Garbled("not asked for".into()))?;
        kafka::decode_response::<R>(frame, due, version)
            .map_err(|error| PeerError::Garbled(error.to_string()))
    }

    async fn read_frame(&mut self) -> Result<Bytes, PeerError> {
        loop {
            if let Some(prefix) = self.received.first_chunk::<4>() {
                let length = i32::from_be_bytes(*prefix);
                let length = usize::try_from(length)
                    .ok()
                    .filter(|length| *length <= FRAME_BYTES_MAX)
                    .ok_or_else(|| PeerError::Garbled(format!("a frame of {length} bytes")))?;
                if self.received.len() >= 4 + length {
                    self.received.advance(4);
                    let frame = self.received.split_to(length).freeze();
                    return Ok(frame);
                }
                self.received.reserve(4 + length - self.received.len());
            } else {
                self.received.reserve(4 << 10);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
        }
    }
}

/// The inter-broker endpoint that a broker advertises.
fn registered<'a>(
    options: &PeerOptions,
    image: &'a ClusterImage,
    to: BrokerId,
) -> Result<(&'a str, u16), PeerError> {
    let name = &options.inter_broker_listener;
    let listeners = image.brokers.get(&to).into_iter().flat_map(|broker| &broker.listeners);
    let listener = listeners.into_iter().find(|it| it.name == *name);
    let listener = listener.ok_or_else(|| PeerError::NoAddress(to, name.clone()))?;
    Ok((listener.host.as_str(), listener.port))
}

fn accepted(code: i16) -> Result<(), PeerError> {
    match ErrorCode::from(code) {
        ErrorCode::None => Ok(()),
        code => Err(PeerError::Refused(code)),
    }
}
