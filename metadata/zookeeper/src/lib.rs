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
//! controller that contends for leadership. `presence` is the one thing here that a broker uses.
//!
//! What this does not do: decide anything, and tell brokers by znode what has changed. Brokers learn
//! everything from the active controller's stream, so no notification znodes are written.

mod commit;
mod config;
mod election;
mod layout;
mod lease;
mod load;
mod presence;
mod process;
mod session;
mod standing;
mod store;

pub use config::{OpenError, ZooKeeperConfig};
pub use lease::Renewal;
pub use presence::{BrokerPresence, PresenceConfig};
pub use store::{Candidate, EnsembleView, TransferError, ZooKeeperStore};
