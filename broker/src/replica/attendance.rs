//! Whether a follower keeps asking: one value per fetch session, shared with the partitions in it,
//! because a session does not name the partitions that stand still.

use std::sync::atomic::{AtomicI64, Ordering};

/// The time over which one fetch session has asked without a long silence.
#[derive(Debug)]
pub struct Attendance {
    since_ms: AtomicI64,
    last_ms: AtomicI64,
}

impl Attendance {
    pub fn new(now_ms: i64) -> Self {
        Self { since_ms: AtomicI64::new(now_ms), last_ms: AtomicI64::new(now_ms) }
    }

    /// The follower asks. After a longer silence its attendance begins anew: this process may have
    /// stood still, and the request may be as old as that.
    pub fn asked(&self, now_ms: i64, silence_max_ms: i64) {
        if now_ms - self.last_ms.swap(now_ms, Ordering::Relaxed) > silence_max_ms {
            self.since_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// Whether the follower has asked from `since_ms` until now without a longer silence.
    pub fn lasts(&self, since_ms: i64, now_ms: i64, silence_max_ms: i64) -> bool {
        self.since_ms.load(Ordering::Relaxed) <= since_ms
            && now_ms - self.last_ms.load(Ordering::Relaxed) <= silence_max_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_silence_ends_an_attendance() {
        let attendance = Attendance::new(100);
        attendance.asked(150, 100);
        assert!(attendance.lasts(120, 200, 100));
        assert!(!attendance.lasts(90, 200, 100), "it had not begun");
        assert!(!attendance.lasts(120, 251, 100), "it is silent");
        attendance.asked(300, 100);
        assert!(!attendance.lasts(120, 300, 100), "it was silent in between");
        assert!(attendance.lasts(300, 310, 100));
    }
}
