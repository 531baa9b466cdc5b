//! Faults come from whoever runs the shop: a name, a moment, and something to do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use lab::publisher::{RunClock, SharedGaps, lock};

/// What a fault does; it says in words what it did, `killed broker 2, pid 4711` for example.
pub type FaultFuture = Pin<Box<dyn Future<Output = anyhow::Result<String>> + Send>>;

/// One fault of a run.
pub struct FaultAction {
    /// Its name in the report.
    pub name: String,
    /// When it happens, in seconds since the shop opened.
    pub at_second: f64,
    /// What happens. Runs to its end even if the shop closes meanwhile.
    pub run: Box<dyn FnOnce() -> FaultFuture + Send>,
}

/// What became of a fault.
#[derive(Debug, Clone)]
pub(crate) struct FaultOutcome {
    pub name: String,
    pub at_second: f64,
    /// False if the shop closed before its time.
    pub begun: bool,
    /// What it said of itself, or why it could not be done.
    pub result: Result<String, String>,
}

/// News of the faults of a run.
#[derive(Debug, Clone)]
pub(crate) enum FaultNews {
    Begins { name: String, at_second: f64 },
    Ends(FaultOutcome),
}

/// How often the word to stop is looked for while a fault is not due.
const STOP_CHECK: Duration = Duration::from_millis(100);

/// Does one fault after the other, each marked in the gaps just before it begins.
///
/// A fault that is still to come when the shop closes is not done.
pub(crate) async fn run_faults(
    mut faults: Vec<FaultAction>,
    clock: RunClock,
    opened_us: u64,
    gaps: SharedGaps,
    stop: Arc<AtomicBool>,
    news: mpsc::Sender<FaultNews>,
) -> Vec<FaultOutcome> {
    faults.sort_by(|a, b| a.at_second.total_cmp(&b.at_second));
    let mut outcomes = Vec::new();
    for fault in faults {
        let due_us = opened_us + (fault.at_second.max(0.0) * 1e6) as u64;
        while clock.now_us() < due_us && !stop.load(Ordering::Relaxed) {
            let left = Duration::from_micros(due_us.saturating_sub(clock.now_us()));
            tokio::time::sleep(left.min(STOP_CHECK)).await;
        }
        if stop.load(Ordering::Relaxed) {
            let result = Err("the shop closed before".to_owned());
            outcomes.push(FaultOutcome {
                name: fault.name,
                at_second: fault.at_second,
                begun: false,
                result,
            });
            continue;
        }
        let now_us = clock.now_us();
        let at_second = (now_us - opened_us) as f64 / 1e6;
        lock(&gaps).mark(&fault.name, now_us);
        // Whoever listens may have left; the fault happens all the same.
        let _ = news.send(FaultNews::Begins { name: fault.name.clone(), at_second }).await;
        let result = (fault.run)().await.map_err(|error| format!("{error:#}"));
        let outcome = FaultOutcome { name: fault.name, at_second, begun: true, result };
        let _ = news.send(FaultNews::Ends(outcome.clone())).await;
        outcomes.push(outcome);
    }
    outcomes
}
