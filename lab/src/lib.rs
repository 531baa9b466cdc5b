//! Experiments on a live cluster: load, faults, histories, verdicts.
//!
//! ```text
//!  load ──(rdkafka)──> any Kafka cluster
//!    └──> history ──> checker ──> verdict: lost, duplicated, reordered, phantom, ...
//! ```
//!
//! Read `history` (what is judged, and the judge), then `load` (what makes a history).

pub mod history;
