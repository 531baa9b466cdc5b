//! What both servers tell the people who run them: log lines, metrics, and whether they are well.
//!
//! ```text
//!  request path --> Counter, Histogram (relaxed atomics) --+
//!  images, replicas, the process itself (read at a scrape) --> Page --> http: /metrics
//!                                       Observed::ready -----------------> http: /readyz, /healthz
//!  tracing --> logging (text or JSON) --> stderr, or rotation (files of a bounded size and number)
//! ```
//!
//! Metrics carry the names that the usual rules of the JMX exporter give to those of Apache Kafka, so
//! that its dashboards and alerts work unchanged. Read `page`, `histogram`, `http`, `logging`.

mod histogram;
mod http;
mod logging;
mod page;
mod process;
mod recent;
mod rotation;

pub use histogram::{Counter, Durations, Histogram};
pub use http::{Observed, serve};
pub use logging::{LogFormat, Logging, init_logging};
pub use page::{Family, Kind, Page};
pub use process::Process;
pub use recent::Recent;
pub use rotation::Rotation;
