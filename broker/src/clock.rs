//! The broker's two clocks, in one place so that a simulation can replace them.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Wall-clock time in milliseconds since 1970: record timestamps, retention.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_millis() as i64)
}

/// Milliseconds since the process started, never set back: leases, lags, sessions.
pub fn monotonic_ms() -> i64 {
    static START: OnceLock<Instant> = OnceLock::new();
    // Starts at one day, so that "a while ago" stays positive.
    86_400_000 + START.get_or_init(Instant::now).elapsed().as_millis() as i64
}
