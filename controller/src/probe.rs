//! Is there still a process behind a broker's port?
//!
//! A refused connection proves that the process is gone: its sockets were closed for it. Everything
//! else proves nothing (a network that drops packets, a process that was stopped), and then the
//! session decides.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// A whole probe takes at most this long.
const DEADLINE: Duration = Duration::from_millis(1000);
/// A connection that is still open after this time has a process behind it.
const OPEN_FOR: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(5);
/// Between two probes of one broker.
const AGAIN_AFTER: Duration = Duration::from_millis(250);

/// Waits until the port refuses connections; `answered` is told once that it did not at first.
pub(crate) async fn until_refused(address: &str, answered: impl FnOnce()) {
    if refuses(address).await {
        return;
    }
    answered();
    loop {
        sleep(AGAIN_AFTER).await;
        if refuses(address).await {
            return;
        }
    }
}

/// True iff the port refuses connections.
async fn refuses(address: &str) -> bool {
    timeout(DEADLINE, refused(address)).await.unwrap_or(false)
}

async fn refused(address: &str) -> bool {
    loop {
        match TcpStream::connect(address).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return true,
            Err(_) => return false,
            // A dying process closes its sockets one after the other: while its listener is still
            // open the kernel accepts for it, and resets the connection a moment later.
            Ok(mut stream) => match timeout(OPEN_FOR, stream.read(&mut [0])).await {
                Err(_) | Ok(Ok(1..)) => return false,
                Ok(Ok(0) | Err(_)) => sleep(PAUSE).await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn only_a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        // Nobody accepts: the process might be stopped, but it is there.
        assert!(!refuses(&address).await);
        drop(listener);
        assert!(refuses(&address).await);
        assert!(!refuses("no such address").await);
    }

    #[tokio::test]
    async fn a_process_that_dies_later_is_found_dead_then() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (answered, lived) = tokio::sync::oneshot::channel();
        let probe = tokio::spawn(async move {
            until_refused(&address, || answered.send(()).unwrap()).await;
        });
        lived.await.unwrap();
        assert!(!probe.is_finished());
        drop(listener);
        probe.await.unwrap();
    }

    #[tokio::test]
    async fn a_process_that_is_just_dying_is_found_dead() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let probe = tokio::spawn(async move { refuses(&address).await });
        drop(listener.accept().await.unwrap());
        drop(listener);
        assert!(probe.await.unwrap());
    }
}
