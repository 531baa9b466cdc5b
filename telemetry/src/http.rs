//! `/metrics`, `/healthz` and `/readyz` over HTTP/1.1: three pages for programs, on few connections.
//!
//! Everything is bounded: connections, the size of a request, the time that an exchange may take.
//! A connection is closed after its answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::Page;

/// More wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 8;
/// Request line and headers.
const REQUEST_BYTES_MAX: usize = 8 << 10;
/// A whole exchange.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(10);
/// Rest when nothing can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that can be asked how it is.
pub trait Observed: Send + Sync + 'static {
    /// Whether it should be given work, or why not.
    fn ready(&self) -> Result<(), String>;

    /// Writes all metrics. Runs on a thread that may block, once at a time.
    fn measure(&self, page: &mut Page);
}

/// Answers until the task is dropped.
pub async fn serve(listener: TcpListener, observed: Arc<dyn Observed>) {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let scraping = Arc::new(Mutex::new(()));
    loop {
        let permit = connections.clone().acquire_owned().await.expect("never closed");
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("accept on the metrics listener: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (observed, scraping) = (observed.clone(), scraping.clone());
        tokio::spawn(async move {
            let exchange = exchange(stream, observed, &scraping);
            match timeout(EXCHANGE_DEADLINE, exchange).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!("metrics: {error}"),
                Err(_) => tracing::debug!("metrics: an exchange took too long"),
            }
            drop(permit);
        });
    }
}

struct Response {
    status: &'static str,
    content_type: &'static str,
    body: String,
}

impl Response {
    fn plain(status: &'static str, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() + "\n" }
    }
}

async fn exchange(
    mut stream: TcpStream,
    observed: Arc<dyn Observed>,
    scraping: &Mutex<()>,
) -> io::Result<()> {
    let head = read_head(&mut stream).await?;
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let response = match (method, path) {
        _ if !head.ends_with("\r\n\r\n") => {
            Response::plain("431 Request Header Fields Too Large", "the request is too large")
        }
        ("GET" | "HEAD", "/metrics") => {
            let _one_at_a_time = scraping.lock().await;
            let page = tokio::task::spawn_blocking(move || {
                let mut page = Page::default();
                observed.measure(&mut page);
                page.finish()
            });
            Response {
                status: "200 OK",
                content_type: "text/plain; version=0.0.4; charset=utf-8",
                body: page.await.map_err(io::Error::other)?,
            }
        }
        ("GET" | "HEAD", "/healthz") => Response::plain("200 OK", "ok"),
        ("GET" | "HEAD", "/readyz") => match observed.ready() {
            Ok(()) => Response::plain("200 OK", "ready"),
            Err(reason) => Response::plain("503 Service Unavailable", reason),
        },
        ("GET" | "HEAD", _) => {
            Response::plain("404 Not Found", "there are /metrics, /healthz and /readyz")
        }
        _ => Response::plain("405 Method Not Allowed", "only GET and HEAD"),
    };
    let Response { status, content_type, body } = response;
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    if method != "HEAD" {
        stream.write_all(body.as_bytes()).await?;
    }
    stream.shutdown().await
}

/// Reads up to the empty line that ends the headers, or as much as is allowed.
async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::with_capacity(1 << 10);
    while !head.ends_with(b"\r\n\r\n") && head.len() < REQUEST_BYTES_MAX {
        let room = REQUEST_BYTES_MAX - head.len();
        if stream.take(room as u64).read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sick;

    impl Observed for Sick {
        fn ready(&self) -> Result<(), String> {
            Err("not well".into())
        }

        fn measure(&self, page: &mut Page) {
            page.gauge("temperature", "In degrees", 39.5);
        }
    }

    async fn ask(address: std::net::SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn three_pages_and_nothing_else() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, Arc::new(Sick)));
        let get = async |path: &str| ask(address, &format!("GET {path} HTTP/1.1\r\n\r\n")).await;
        assert!(get("/metrics").await.ends_with(
            "\r\n\r\n# HELP temperature In degrees\n# TYPE temperature gauge\ntemperature 39.5\n"
        ));
        assert!(get("/metrics?a=b").await.contains("Content-Type: text/plain; version=0.0.4"));
        assert!(get("/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
        let sick = get("/readyz").await;
        assert!(
            sick.starts_with("HTTP/1.1 503 ") && sick.ends_with("\r\n\r\nnot well\n"),
            "{sick}"
        );
        assert!(get("/").await.starts_with("HTTP/1.1 404 "));
        let head = ask(address, "HEAD /healthz HTTP/1.1\r\n\r\n").await;
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 405 "));
        let endless = ask(address, &"x".repeat(REQUEST_BYTES_MAX)).await;
        assert!(endless.starts_with("HTTP/1.1 431 "), "{endless}");
        serving.abort();
    }
}
