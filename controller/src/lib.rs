//! The controller: decides every change of cluster metadata while it is active, and tells brokers.
//!
//! ```text
//!   gRPC --> service --> batch::Request --> term ----> MetadataStore::commit
//!              |  ^                           |
//!   heartbeat -+  |                           +--> watch::Publication --> streams to brokers
//!      v          |                           |
//!   liveness --> live set ------------------> +   connections --> probe --> fence
//! ```
//!
//! The driver is the same in both modes: it knows a store, a live set and plain values. `main.rs`
//! holds the one place where a mode is chosen.
//!
//! Read `term`, `batch`, `driver`, `liveness`, `watch`, `service`, `node`, in this order. `decide`, which
//! makes all decisions, is in the crate `metadata`; what makes them durable is behind its trait.

pub mod batch;
pub mod driver;
mod epoch;
pub mod heartbeat;
pub mod liveness;
pub mod metrics;
pub mod node;
mod probe;
pub mod server;
pub mod service;
pub mod standby;
mod term;
pub mod watch;
