//! Proof that this broker still counts as alive, by its own monotonic clock.
//!
//! A lease runs from the moment a heartbeat was *sent* whose answer arrived: the controller cannot
//! have counted from an earlier one. Who cannot renew stops by itself and does not wait to be told.

use std::sync::atomic::{AtomicI64, Ordering};

/// Shared between the session, which renews, and the request path, which asks.
#[derive(Debug, Default)]
pub struct Lease {
    valid_until_ms: AtomicI64,
    session_timeout_ms: AtomicI64,
}

impl Lease {
    /// A heartbeat sent at `sent_ms` (monotonic) was answered.
    pub fn renew(&self, sent_ms: i64, session_timeout_ms: i64) {
        self.session_timeout_ms.store(session_timeout_ms, Ordering::Relaxed);
        self.valid_until_ms.fetch_max(sent_ms + session_timeout_ms, Ordering::Relaxed);
    }

    pub fn is_valid(&self, now_ms: i64) -> bool {
        now_ms <= self.valid_until_ms.load(Ordering::Relaxed)
    }

    /// How long the controller waits for a sign of life, as last told; 0 before the first.
    pub fn session_timeout_ms(&self) -> i64 {
        self.session_timeout_ms.load(Ordering::Relaxed)
    }
}
