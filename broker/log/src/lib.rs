//! One partition's log, in the format that Kafka has on disk.
//!
//! ```text
//!  leader:   append_as_leader   --> checks, patches headers --.
//!  follower: append_as_follower --> checks ------------------ +--> active segment (one write)
//!                                                             +--> tail cache (by reference)
//!                                                             '--> indexes, epochs, producers
//!  read --> tail cache, or a ColdRead: a plan that runs without the partition's lock
//! ```
//!
//! Read `log`, `append`, `read`, `segment`, `index`, `tail`, `open`, `cleaner`, then the rest. All
//! IO blocks and goes through `disk`; all time is an argument; a [`Log`] has one writer at a time,
//! which its owner sees to with a lock. What takes long is a plan made under that lock and executed
//! without it: [`ColdRead`], [`TimestampSearch`], [`FlushPlan`], [`CleanPlan`].
//!
//! Invariants:
//! - Batches stand in files in the order of their offsets. The end of a segment is at or before the
//!   next one's base offset; only the last one is appended to.
//! - `log_start_offset` and `recovery_point` are at most `log_end_offset`.
//! - What is below the recovery point was synced, and the epochs of it too. It is not read again
//!   when the log is opened, and never cut away.
//! - What is in the tail cache is also in the file, is one piece, and ends at the log's end.
//! - An index entry names a position where a batch begins; indexes may lag behind the log, and a
//!   lookup that finds nothing starts at the segment's beginning.
//! - A batch leaves this crate with a CRC that is right: the tail's were checked when they were
//!   appended, those from the disk are checked when they are read.
//! - After a write that failed and could not be undone, or a sync that failed, nothing is appended
//!   any more, and the log does not close properly.
//! - Nothing panics on any contents of any file, and no allocation is larger than the file at hand
//!   or the limit of the configuration.
//!
//! What this does not do: transactions (a leader refuses transactional batches; a follower keeps
//! what Kafka's leader sent), remote storage, and deciding what the high watermark is.

mod append;
pub mod checkpoint;
mod cleaner;
mod config;
mod directory;
mod disk;
mod epochs;
mod index;
mod log;
mod offset_map;
mod open;
mod producers;
mod read;
mod retention;
mod segment;
mod shared;
mod tail;
mod timestamps;

pub use append::{AppendError, Appended};
pub use cleaner::{CleanError, CleanPlan, CleanStatistics, Cleanable, Cleaned};
pub use config::LogConfig;
pub use directory::PartitionDirectory;
pub use disk::{StorageError, claim_room};
pub use epochs::EpochEntry;
pub use log::{FlushPlan, Log, LogError};
pub use offset_map::OffsetMap;
pub use open::Recovery;
pub use producers::{ProducedBatch, ProducerError, ProducerState};
pub use read::{ColdRead, Read, ReadError};
pub use retention::{DeletedLog, Removed};
pub use segment::WalkError;
pub use shared::Shared;
pub use timestamps::{TimestampOffset, TimestampSearch};
