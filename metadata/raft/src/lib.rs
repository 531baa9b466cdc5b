//! Cluster metadata in a raft quorum of controllers: `MetadataStore` on openraft and RocksDB.
//!
//! ```text
//!   controller                    this crate                               disk, peers
//!  ------------   ------------------------------------------------------   -------------
//!   commit ---->  store --> openraft --> log --------> database ---------> RocksDB (WAL)
//!   load   <----  store <-- machine <----'  \--------> peer  ----- gRPC -> service (peers)
//!                             '--> snapshot ------------------------------> snapshot-N
//!   leadership <- leadership <- openraft's metrics
//! ```
//!
//! Read `store` first, then `types`, `machine`, `log`, `database`, `snapshot` for what is kept, `wire`,
//! `peer`, `service` for what is sent, and `founding`, `leadership`, `ticking`, `failover`, `quorum` for
//! the life of a quorum.
//!
//! What this does not do: decide anything. Records come decided and are applied as they are.

mod config;
mod database;
mod failover;
mod founding;
mod leadership;
mod log;
mod machine;
mod peer;
mod quorum;
mod refusals;
mod service;
mod snapshot;
mod store;
mod ticking;
mod types;
mod wire;

pub use config::{OpenError, RaftConfig, Voter};
pub use quorum::{QuorumError, QuorumMember, QuorumView};
pub use store::RaftStore;
