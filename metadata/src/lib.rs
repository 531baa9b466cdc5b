//! What the cluster knows about itself, and how that knowledge changes.
//!
//! ```text
//!  command --> control::decide --> records --> MetadataStore::commit --> ClusterImage::apply
//!              (pure)                          (ZooKeeper | raft)        (pure)
//! ```
//!
//! Read `record`, `image`, `control`, `store`, in this order. Nothing here names a clock, a socket or
//! a random number.

pub mod codec;
pub mod control;
mod difference;
mod image;
mod record;
mod store;

pub use control::{Command, ControlError, Defaults, Outcome, decide};
pub use image::ClusterImage;
pub use record::*;
pub use store::{BATCH_BYTES_MAX, CommitError, ControllerEpoch, Leadership, MetadataStore, Offset};
