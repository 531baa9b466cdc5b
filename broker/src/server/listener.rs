//! Accepting connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};

use super::connection::{Connection, Peer};
use crate::broker::Broker;

/// A port that is listened on, before anything is accepted.
pub struct Bound {
    pub name: Arc<str>,
    pub address: SocketAddr,
    listener: TcpListener,
}

/// Binds `host:port` (an empty host means every interface; port 0 lets the system choose).
pub async fn bind(name: &str, host: &str, port: u16) -> io::Result<Bound> {
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    let listener = TcpListener::bind((host, port)).await?;
    let address = listener.local_addr()?;
    Ok(Bound { name: name.into(), address, listener })
}

/// Accepts until the task is dropped. Connections beyond the limit wait in the kernel's queue.
pub async fn serve(bound: Bound, broker: Arc<Broker>, connections: Arc<Semaphore>) {
    let Bound { name, listener, .. } = bound;
    let counted = broker.metrics.listener(&name);
    loop {
        let permit = connections.clone().acquire_owned().await.expect("never closed");
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, usually: connections end and make room.
                tracing::warn!("accept on listener {name}: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        prepare(&stream);
        let peer = Peer {
            listener: name.clone(),
            address,
            broker: None,
            hurry: Arc::new(Notify::new()),
            client_software: None,
        };
        let connection = Connection::new(stream, broker.clone(), peer);
        let counted = counted.clone();
        counted.opened.increment();
        tokio::spawn(async move {
            connection.run().await;
            counted.closed.increment();
            drop(permit);
        });
    }
}

/// Small answers must not wait for an acknowledgement of the previous ones.
fn prepare(stream: &TcpStream) {
    if let Err(error) =
        stream.set_nodelay(true).and_then(|()| SockRef::from(stream).set_keepalive(true))
    {
        tracing::debug!("socket options: {error}");
    }
}
