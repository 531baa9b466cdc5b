//! What happened in the last one or two minutes, from values that only ever grow.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Age at which a remembered value makes room for a younger one.
const WINDOW: Duration = Duration::from_secs(60);

/// Remembers earlier readings of a value, so that a scrape can tell what is new since one of them.
///
/// Works at scrapes only: whoever changes the value knows nothing of it.
#[derive(Debug)]
pub struct Recent<T>(Mutex<[(Instant, T); 2]>);

impl<T: Clone> Recent<T> {
    /// Begins now, with the value of now.
    pub fn new(value: T) -> Self {
        let now = (Instant::now(), value);
        Self(Mutex::new([now.clone(), now]))
    }

    /// A reading that is one to two minutes old, or the first one; `value` is that of `now`.
    pub fn earlier(&self, now: Instant, value: &T) -> (Instant, T) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = readings[0].clone();
        if now.duration_since(readings[1].0) >= WINDOW {
            readings.swap(0, 1);
            readings[1] = (now, value.clone());
        }
        earlier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_with_is_one_to_two_windows_old() {
        let recent = Recent::new(0);
        let begin = recent.0.lock().unwrap()[0].0;
        let read = |seconds, value| recent.earlier(begin + Duration::from_secs(seconds), &value).1;
        assert_eq!([read(1, 1), read(59, 59), read(60, 60)], [0, 0, 0]);
        assert_eq!([read(61, 61), read(119, 119), read(120, 120)], [0, 0, 0]);
        assert_eq!([read(121, 121), read(179, 179)], [60, 60]);
    }
}
