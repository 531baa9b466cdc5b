//! A cable between two controllers that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Wire {
    pub(crate) port: u16,
    cut: watch::Sender<bool>,
    attempts: Arc<AtomicUsize>,
}

impl Wire {
    /// Connects whoever connects to its port with `target`.
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, state) = watch::channel(false);
        let attempts = Arc::new(AtomicUsize::new(0));
        let counter = attempts.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut state = state.clone();
                if *state.borrow() {
                    counter.fetch_add(1, SeqCst);
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = state.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { port, cut, attempts }
    }

    /// Breaks every connection. New ones are accepted and closed, as a firewall would.
    pub(crate) fn cut(&self) {
        self.attempts.store(0, SeqCst);
        self.cut.send_replace(true);
    }

    pub(crate) fn mend(&self) {
        self.cut.send_replace(false);
    }

    /// Connections attempted since it was cut.
    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(SeqCst)
    }
}
