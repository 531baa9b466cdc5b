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

use crate::standing::Standing;

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

/// Keeps the lease of a session that was asked for at `begun`. Returns when the session is over.
pub(crate) async fn keep(client: &Client, begun: Instant, standing: &Standing) -> Error {
    let timing = Timing::of(client.session_timeout());
    let mut valid_until = begun + timing.lease;
    let mut runs = Instant::now() < valid_until;
    standing.set_lease(runs);
    loop {
        let sent = Instant::now();
        // Answered by the ensemble's leader, unlike a ping.
        let answer = client.sync("/");
        tokio::pin!(answer);
        let answered = match timeout_at(valid_until, &mut answer).await {
            Ok(answered) => answered,
            Err(_) => {
                if runs {
                    tracing::warn!(
                        "ZooKeeper has not answered for {:?}: nobody is known to lead",
                        timing.lease
                    );
                }
                runs = false;
                standing.set_lease(false);
                answer.await
            }
        };
        match answered {
            Ok(()) => {
                valid_until = sent + timing.lease;
                runs = Instant::now() < valid_until;
                standing.set_lease(runs);
                if runs {
                    sleep(timing.interval).await;
                }
            }
            // The library is connecting again. The next request waits for that.
            Err(Error::ConnectionLoss) => sleep(timing.interval / 8).await,
            Err(over) => {
                standing.set_lease(false);
                return over;
            }
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
