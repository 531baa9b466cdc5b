//! The lease: how long this controller may believe what it last heard from the ensemble.
//!
//! A session ends when the ensemble has heard nothing for its timeout. The client library reports
//! that late or not at all, so the lease is counted here, by the monotonic clock, from the moment at
//! which a request was *sent* that the ensemble's leader answered. When it runs out nobody is
//! believed to lead, this controller included; an answer that comes later begins a new lease, unless
//! the session is over.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};
use zookeeper_client::{Client, Error};

use crate::session::is_lost;

/// An answer of the ensemble, and how long it is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// When the request was sent.
    pub sent: Instant,
    /// From then on. Shorter than the session.
    pub lease: Duration,
}

/// How often the ensemble is asked, and for how long an answer is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timing {
    interval: Duration,
    lease: Duration,
}

impl Timing {
    /// A server tells the ensemble's leader of its sessions every half tick, and no session is
    /// shorter than two ticks: a quarter of the session may have passed unreported.
    fn of(session_timeout: Duration) -> Self {
        Self { interval: session_timeout / 8, lease: session_timeout * 3 / 4 }
    }
}

/// Keeps the lease of a session. Tells of every renewal, and by `None` that the lease has run out.
/// Returns when the session is over.
pub(crate) async fn keep(client: &Client, mut tell: impl FnMut(Option<Renewal>)) -> Error {
    let Timing { interval, lease } = Timing::of(client.session_timeout());
    let mut valid_until = None;
    loop {
        let sent = match next_answer(client, valid_until, interval / 8, &mut tell).await {
            Ok(sent) => sent,
            Err(over) => {
                tell(None);
                return over;
            }
        };
        valid_until = Some(sent + lease).filter(|until| Instant::now() < *until);
        tell(valid_until.map(|_| Renewal { sent, lease }));
        if valid_until.is_some() {
            sleep(interval).await;
        }
    }
}

/// When the request was sent that was answered next. Tells when that takes too long.
async fn next_answer(
    client: &Client,
    valid_until: Option<Instant>,
    pause: Duration,
    tell: &mut impl FnMut(Option<Renewal>),
) -> Result<Instant, Error> {
    let asking = ask(client, pause);
    tokio::pin!(asking);
    let Some(valid_until) = valid_until else { return asking.await };
    match timeout_at(valid_until, &mut asking).await {
        Ok(answered) => answered,
        Err(_) => {
            tracing::warn!("ZooKeeper has not answered in time: what it said does not hold");
            tell(None);
            asking.await
        }
    }
}

/// Asks until there is an answer.
async fn ask(client: &Client, pause: Duration) -> Result<Instant, Error> {
    loop {
        let sent = Instant::now();
        // Answered by the ensemble's leader, unlike a ping.
        match client.sync("/").await {
            Ok(()) => return Ok(sent),
            Err(error) if is_lost(&error) => sleep(pause).await,
            Err(over) => return Err(over),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_before_its_session_and_outlives_lost_answers() {
        let timing = Timing::of(Duration::from_secs(18));
        assert_eq!(timing.lease, Duration::from_millis(13_500));
        assert!(timing.interval * 5 < timing.lease);
    }
}
