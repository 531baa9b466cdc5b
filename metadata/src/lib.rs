//! What the cluster knows about itself, and how that knowledge changes.
//!
//! ```text
//!  command --> control::decide --> records --> MetadataStore::commit --> ClusterImage::apply
//!              (pure)                          (ZooKeeper | raft)        (pure)
//! ```
//!
//! Read `record`, `image`, `control`, `store`, in this order. `memory` is the store of tests, and
//! `contract` the test of every store. Nothing here names a clock, a socket or a random number
//! (`clippy.toml` sees to that).

pub mod codec;
pub mod contract;
pub mod control;
mod difference;
mod fingerprint;
mod image;
pub mod memory;
mod record;
mod store;

pub use control::{Command, ControlError, Defaults, Outcome, decide};
pub use fingerprint::Fingerprint;
pub use image::ClusterImage;
pub use record::*;
pub use store::{BATCH_BYTES_MAX, CommitError, ControllerEpoch, Leadership, MetadataStore, Offset};
