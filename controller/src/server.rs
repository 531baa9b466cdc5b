//! The controller's listener: a bounded number of connections, and dead peers are noticed.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::{Connected, TcpConnectInfo};
use tracing::warn;

use grpc::MESSAGE_BYTES_MAX;
use grpc::auth::Guard;
use grpc::controller_server::ControllerServer;

use crate::service::ControllerService;

const CONNECTIONS_MAX: usize = 1000;
const STREAMS_PER_CONNECTION_MAX: u32 = 256;
/// A peer that sends no reset (a machine or a network that went away) is noticed this late.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Streams and calls get this long to end once the server stops.
const DRAIN_DEADLINE: Duration = Duration::from_millis(250);
/// Rest after `accept` failed, as it does while there are no file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Adds the controller's own service, for members of the cluster only.
pub fn routes(others: Routes, service: ControllerService, guard: Guard) -> Routes {
    let server = ControllerServer::new(service)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    others.add_service(InterceptedService::new(server, guard))
}

/// Serves until `stop` resolves, then a moment longer for what is under way.
pub async fn serve(
    listener: TcpListener,
    routes: Routes,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let drained = async {
        stop.await;
        drop(stopping);
        tokio::time::sleep(DRAIN_DEADLINE).await;
    };
    let served = Server::builder()
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming(listener), async {
            stopped.await.ok();
        });
    tokio::select! {
        served = served => served,
        () = drained => Ok(()),
    }
}

/// Accepted connections. While the limit is reached nothing is accepted: clients wait in the
/// kernel's backlog, and time out there. A failed `accept` must not end the server.
fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Limited>> {
    let state = (listener, Arc::new(Semaphore::new(CONNECTIONS_MAX)));
    stream::unfold(state, |(listener, permits)| async move {
        let permit = permits.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((socket, peer)) => {
                    // Fails where the peer has gone already, as reading will tell.
                    socket.set_nodelay(true).ok();
                    let accepted = Limited { socket, peer, _permit: permit };
                    return Some((Ok(accepted), (listener, permits)));
                }
                Err(error) => {
                    warn!("Cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    })
}

/// A connection that counts until it is dropped.
struct Limited {
    socket: TcpStream,
    peer: SocketAddr,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Limited {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: self.socket.local_addr().ok(), remote_addr: Some(self.peer) }
    }
}

impl AsyncRead for Limited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl AsyncWrite for Limited {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
