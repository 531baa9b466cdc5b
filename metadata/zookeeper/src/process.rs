//! Has the process behind a port ended?
//!
//! A process that dies closes its sockets: an open connection breaks, and its port refuses from then
//! on. A network that drops packets and a paused process do neither; then the session decides.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// No answer within this time proves nothing.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);
/// A dying process closes its sockets one after the other.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Whoever was never seen to answer must refuse for this long. Its address may be wrong, and then
/// controllers would depose each other without end.
const STRANGER_REFUSES: Duration = Duration::from_secs(1);

/// Holds a connection to `address` and returns when nobody listens there any more.
pub(crate) async fn ended(address: &str) {
    let mut known = false;
    let mut refusing_since = None;
    let mut pause = PAUSE_MIN;
    loop {
        match timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await {
            Ok(Ok(mut stream)) => {
                let opened = Instant::now();
                known = true;
                while let Ok(1..) = stream.read(&mut [0; 512]).await {}
                let lasted = opened.elapsed() > PAUSE_MAX;
                pause = if lasted { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
                refusing_since = None;
            }
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => {
                let since = *refusing_since.get_or_insert_with(Instant::now);
                if known || since.elapsed() >= STRANGER_REFUSES {
                    return;
                }
                pause = PAUSE_MAX / 5;
            }
            // A name that is unknown, a network that is away: no proof.
            Ok(Err(_)) | Err(_) => {
                refusing_since = None;
                pause = PAUSE_MAX;
            }
        }
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_process_ends_when_its_connections_break_and_its_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let watching = tokio::spawn(async move { ended(&address).await });
        let (first, _) = listener.accept().await.unwrap();
        // A connection that breaks is no proof while somebody listens.
        drop(first);
        let (second, _) = listener.accept().await.unwrap();
        assert!(!watching.is_finished());
        drop(listener);
        drop(second);
        timeout(Duration::from_secs(60), watching).await.expect("it is noticed").unwrap();
    }

    #[tokio::test]
    async fn an_address_that_does_not_exist_proves_nothing() {
        let waited = timeout(Duration::from_millis(50), ended("no such address")).await;
        assert!(waited.is_err());
    }
}
