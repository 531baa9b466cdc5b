//! What this broker counts, and how it is read.
//!
//! The request path adds to relaxed atomics (`requests`, `traffic`) and knows nothing else. What can
//! be read when somebody asks (offsets, leaders, groups, the lease) is read then, by `observer`.

mod observer;
mod partitions;
mod requests;
mod traffic;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use telemetry::Counter;

pub use observer::Observer;
pub use requests::{Arrival, Requests};
pub use traffic::{Topics, Traffic};

/// Everything that is counted as it happens.
#[derive(Debug, Default)]
pub struct Metrics {
    pub requests: Requests,
    pub topics: Topics,
    /// Changes of the ISR of partitions that this broker leads.
    pub isr_shrinks: Counter,
    pub isr_expands: Counter,
    listeners: Mutex<BTreeMap<Arc<str>, Arc<Connections>>>,
}

/// Connections of clients and other brokers on one listener.
#[derive(Debug, Default)]
pub struct Connections {
    pub opened: Counter,
    pub closed: Counter,
}

impl Metrics {
    /// The counters of one listener, for whoever accepts on it.
    pub fn listener(&self, name: &Arc<str>) -> Arc<Connections> {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.entry(name.clone()).or_default().clone()
    }

    fn listeners(&self) -> BTreeMap<Arc<str>, Arc<Connections>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
