//! One connection to one broker: versions are negotiated when it opens, then one request at a time.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka::messages::{ApiVersionsRequest, ApiVersionsResponse};
use kafka::{DecodeError, EncodeError, ErrorCode, Message, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How the brokers see us in their logs and quotas.
const CLIENT_ID: &str = "janus";
/// A broker of another kind may send anything: no answer that we ask for is larger.
const RESPONSE_BYTES_MAX: usize = 256 << 20;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Try another broker, or the same one later.
    #[error("no answer from {address}: {source}")]
    Unreachable { address: String, source: io::Error },
    /// This cluster cannot do it.
    #[error("the broker at {address} does not support {message} in a version that janus knows")]
    Unsupported { address: String, message: &'static str },
    /// The request holds something that the negotiated version has no place for.
    #[error("the broker at {address} is too old for this request: {source}")]
    Encode { address: String, source: EncodeError },
    /// Not a Kafka broker, or a fault in it or in us.
    #[error("{address} sent something that is not a {message}: {source}")]
    Malformed { address: String, message: &'static str, source: DecodeError },
}

type Result<T> = std::result::Result<T, ClientError>;

/// A connection to a broker. After an error it is of no use any more.
#[derive(Debug)]
pub(crate) struct Connection {
    address: String,
    stream: TcpStream,
    timeout: Duration,
    /// API key -> the versions that the broker serves.
    versions: BTreeMap<i16, (i16, i16)>,
    correlation_id: i32,
}

impl Connection {
    /// Connects to `host:port` and asks which versions it serves. `timeout` holds for the opening
    /// and for every call.
    pub(crate) async fn open(address: &str, timeout: Duration) -> Result<Self> {
        let unreachable = |source| ClientError::Unreachable { address: address.into(), source };
        let stream = within(timeout, TcpStream::connect(address)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let mut connection = Self {
            address: address.into(),
            stream,
            timeout,
            versions: BTreeMap::new(),
            correlation_id: 0,
        };
        let served = connection.negotiate().await?;
        connection.versions = served
            .api_keys
            .iter()
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        Ok(connection)
    }

    /// Sends a request in the newest version that both sides know and waits for its answer.
    pub(crate) async fn call<R: Request>(&mut self, request: &R) -> Result<R::Response> {
        let unsupported =
            || ClientError::Unsupported { address: self.address.clone(), message: R::NAME };
        let (min, max) = *self.versions.get(&R::API_KEY).ok_or_else(unsupported)?;
        let version = max.min(*R::VERSIONS.end());
        if version < min.max(*R::VERSIONS.start()) {
            return Err(unsupported());
        }
        let frame = self.exchange(request, version).await?;
        self.decode::<R>(frame, version)
    }

    /// KIP-511: a broker that does not know our version of ApiVersions answers in version 0.
    async fn negotiate(&mut self) -> Result<ApiVersionsResponse> {
        let request = ApiVersionsRequest {
            client_software_name: CLIENT_ID.into(),
            client_software_version: env!("CARGO_PKG_VERSION").into(),
        };
        let newest = *ApiVersionsRequest::VERSIONS.end();
        let frame = self.exchange(&request, newest).await?;
        // The error code stands behind the correlation id, in every version.
        if frame.get(4..6) != Some(&ErrorCode::UnsupportedVersion.code().to_be_bytes()) {
            return self.decode::<ApiVersionsRequest>(frame, newest);
        }
        let frame = self.exchange(&ApiVersionsRequest::default(), 0).await?;
        self.decode::<ApiVersionsRequest>(frame, 0)
    }

    /// One request out, one frame in.
    async fn exchange<R: Request>(&mut self, request: &R, version: i16) -> Result<Bytes> {
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let frame =
            kafka::encode_request(self.correlation_id, Some(CLIENT_ID.into()), request, version)
                .map_err(|source| ClientError::Encode { address: self.address.clone(), source })?;
        let answer = within(self.timeout, self.round_trip(&frame.to_bytes())).await;
        answer.map_err(|source| ClientError::Unreachable { address: self.address.clone(), source })
    }

    async fn round_trip(&mut self, frame: &[u8]) -> io::Result<Bytes> {
        self.stream.write_all(frame).await?;
        let length = self.stream.read_u32().await? as usize;
        if length > RESPONSE_BYTES_MAX {
            let reason = format!("a frame of {length} bytes: this is no Kafka broker");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let mut body = BytesMut::zeroed(length);
        self.stream.read_exact(&mut body).await?;
        Ok(body.freeze())
    }

    fn decode<R: Request>(&self, frame: Bytes, version: i16) -> Result<R::Response> {
        kafka::decode_response::<R>(frame, self.correlation_id, version).map_err(|source| {
            let message = R::Response::NAME;
            ClientError::Malformed { address: self.address.clone(), message, source }
        })
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("nothing within {} ms", limit.as_millis()),
        )),
    }
}
