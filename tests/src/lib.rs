//! The harness of the end-to-end tests: real servers, real clients, deadlines on everything.
//!
//! ```text
//!  test ──> with_cluster ──> for every mode: Cluster (janus up ... janus down --wipe)
//!                                │
//!             kcat, Kafka's tools, Python, janus: Program ──> Finished or Background
//! ```
//!
//! The binaries under test are those in `JANUS_BIN_DIR`. A test fails when it says so, and also when
//! a server panicked or logged an error that the test does not expect. A test that fails shows the
//! end of every server's log.
//!
//! Read `cluster`, then `program`, then `clients`. `kafka_cluster` is Apache Kafka itself and `znodes`
//! what stands in ZooKeeper, to compare the two. `machines` is a cluster on three machines, each in a
//! network of its own. Nothing here knows how the servers work inside.

mod clients;
mod cluster;
mod kafka_cluster;
mod logs;
mod machines;
mod program;
mod znodes;

pub use clients::{kafka_tool, kcat, python};
pub use cluster::{Cluster, Mode, janus, with_cluster, with_cluster_in};
pub use kafka_cluster::KafkaCluster;
pub use machines::{FOURTH_MACHINE, Machines, with_machines};
pub use program::{Background, Finished, Program, eventually, report};
pub use znodes::{Difference, Ensemble, Known, Tree, Znode, differences};
