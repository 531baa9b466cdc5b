//! Measures two clusters beside each other: the same machine, the same client, turn by turn.
//!
//! ```text
//!  schedule ── A B B A ──> Cluster (Janus, given by the caller) | kafka (Apache Kafka, ours)
//!     │                        ^ load, probe (librdkafka)           │
//!     │                        └── machine (CPU and memory of the server processes, from /proc)
//!     └──> report: figures of both, ratio, spread, marks, calibration ──> Markdown, JSON
//! ```
//!
//! Read `cluster` (what is measured), `scenario` (which figures), `load` (how they are taken; its
//! guard voids a run that lost, doubled or reordered a record), `measure`, `schedule`, `report`.
//!
//! What this does not do: it starts no Janus and reads no configuration. Whoever calls it brings the
//! cluster.

mod cluster;
mod scenario;

mod calibration;
mod machine;

mod load;
mod probe;

mod measure;
mod schedule;

mod markdown;
mod report;

pub mod kafka;

pub use calibration::Calibration;
pub use cluster::{Cluster, Role, Server};
pub use report::{Failure, Report, Row, Verdict};
pub use scenario::{Compression, Marks, Scenario};
pub use schedule::{Options, run};
