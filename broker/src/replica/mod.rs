//! Replicas: the partitions that this broker holds, as leader or follower.
//!
//! ```text
//!  metadata update --> replicas --> partition (log + role, one short lock)
//!                                    |  leader: pure rules for high watermark and ISR
//!                                    |  waiting: producers and fetches that wait for a move
//!                      fetcher ------+  follower side: one task per leader broker
//!                      isr ----------+  proposes ISR changes to the controller
//!                      maintenance --+  checkpoints, retention
//!                      cleaner ------+  compaction
//!                      disks --------+  what follows when a disk fails
//! ```

mod cleaner;
mod disks;
mod error;
mod fetcher;
mod isr;
mod leader;
mod maintenance;
mod partition;
mod replicas;
pub mod session;
mod topic_config;
mod waiting;

pub use cleaner::{Cleaner, CleanerOptions};
pub use disks::Disks;
pub use error::ReplicaError;
pub use fetcher::{FetcherOptions, Fetchers, ReplicaKey};
pub use isr::{IsrChanges, IsrOptions};
pub(crate) use maintenance::write_checkpoints;
pub use maintenance::{Maintenance, MaintenanceOptions};
pub use partition::{Applied, Fetch, IsrProposal, Measured, Partition, Reader};
pub(crate) use replicas::is_internal;
pub use replicas::{LeadershipChange, LogDirectory, Replicas, ReplicasOptions};
pub use session::FetchSessions;
pub(crate) use topic_config::dynamic_settings;
pub use waiting::{Completion, Moves, Signal};
