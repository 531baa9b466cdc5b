//! Experiments on a live cluster: load, faults, histories, verdicts.
//!
//! ```text
//!  load ──(publisher, rdkafka)──> any Kafka cluster ──> readers, final read
//!    │            └──> gap: how long each fault kept clients waiting
//!    └──> history ──> checker ──> verdict: lost, duplicated, reordered, phantom, ...
//! ```
//!
//! Read `history` (what is judged, and the judge), `gap`, then `load` (what makes a history).
//! `client`, `publisher` and `final_read` are the pieces of a load that the shop uses too.
//!
//! What this does not do: it breaks nothing itself and knows no Janus; faults come from outside.

pub mod history;

pub mod client;
pub mod final_read;
pub mod gap;
pub mod load;
pub mod publisher;
