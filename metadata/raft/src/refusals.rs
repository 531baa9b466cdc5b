//! Says once what would otherwise be said with every heartbeat.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// The same refusal is logged again after this time.
const REPEAT_AFTER: Duration = Duration::from_secs(30);
const DISTINCT_MAX: usize = 32;

/// Logs each message once per [`REPEAT_AFTER`].
#[derive(Default)]
pub(crate) struct Refusals(Mutex<Vec<(String, Instant)>>);

impl Refusals {
    pub(crate) fn report(&self, message: String) {
        let now = Instant::now();
        let mut said = self.0.lock().expect("nothing panics while holding it");
        said.retain(|(_, at)| now.duration_since(*at) < REPEAT_AFTER);
        if said.len() < DISTINCT_MAX && said.iter().all(|(before, _)| *before != message) {
            tracing::warn!("{message}");
            said.push((message, now));
        }
    }
}
