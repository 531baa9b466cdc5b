//! Cluster metadata on a ZooKeeper ensemble: `MetadataStore` with Kafka's own znodes.
//!
//! ```text
//!   controller                      this crate                                   ensemble
//!  ------------    -------------------------------------------------------    --------------
//!   commit  ---->  store --> layout::plan --> commit ----------- multi ---->  the whole tree
//!   load    <----  store <-- layout::assembly <-- load <-------- reads -----  the whole tree
//!   leadership <-  standing <-- election <---------------------- watch -----  /controller
//!   live       <-  standing <-- election <---------------------- watch -----  /brokers/ids
//! ```
//!
//! Read `layout` first, which is pure and says what stands in the ensemble; then `store`, `commit`
//! and `load`; then `session`, `standing`, `lease`, `process` and `election` for the life of a
//! controller that contends for leadership. `broker_lease` is the one thing here that a broker uses.
//!
//! What this does not do: decide anything, and tell brokers by znode what has changed. Brokers learn
//! everything from the active controller's stream, so no notification znodes are written.

mod broker_lease;
mod commit;
mod config;
mod election;
mod layout;
mod lease;
mod load;
mod process;
mod session;
mod standing;
mod store;

pub use broker_lease::{BrokerLease, BrokerLeaseConfig};
pub use config::{OpenError, ZooKeeperConfig};
pub use lease::Renewal;
pub use store::{Candidate, EnsembleView, TransferError, ZooKeeperStore};
