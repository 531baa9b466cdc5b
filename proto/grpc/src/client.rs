//! How brokers, controllers and tools reach a controller.

use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

use crate::MESSAGE_BYTES_MAX;
use crate::auth::Credentials;
use crate::controller_client::ControllerClient as Generated;

/// A connection that carries the token of its owner.
pub type Connection = InterceptedService<Channel, Credentials>;
/// A client of one controller. Cheap to clone; clones share the connection.
pub type ControllerClient = Generated<Connection>;

/// A dead peer that sends no reset (a machine or a network that went away) is noticed this late.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Fix the configuration.
    #[error("'{endpoint}' is not HOST:PORT: {source}")]
    Address { endpoint: String, source: tonic::transport::Error },
    /// Try another controller, or again later.
    #[error("cannot connect to {endpoint}: {}", innermost(.source))]
    Unreachable { endpoint: String, source: tonic::transport::Error },
}

/// Connects to `host:port`, or fails within `deadline`. When the connection breaks, calls in flight
/// and streams fail, and the next call connects again: bound calls with `Request::set_timeout`.
pub async fn connect(
    endpoint: &str,
    deadline: Duration,
    credentials: Credentials,
) -> Result<ControllerClient, ConnectError> {
    let channel = connect_channel(endpoint, deadline).await?;
    Ok(Generated::with_interceptor(channel, credentials)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX))
}

/// The bare connection, for the other services of a controller.
pub async fn connect_channel(endpoint: &str, deadline: Duration) -> Result<Channel, ConnectError> {
    let name = || endpoint.to_owned();
    Endpoint::from_shared(format!("http://{endpoint}"))
        .map_err(|source| ConnectError::Address { endpoint: name(), source })?
        .connect_timeout(deadline)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .connect()
        .await
        .map_err(|source| ConnectError::Unreachable { endpoint: name(), source })
}

/// tonic says "transport error"; what happened stands at the end of its chain of sources.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
