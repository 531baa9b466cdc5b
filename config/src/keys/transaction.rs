//! Transactions.

use crate::key::table;

table! {
    /// Longest timeout that a transactional producer may ask for.
    "transaction.max.timeout.ms": int = "900000", at_least(1), broker, unused;
    /// How long an idle transactional id is remembered.
    "transactional.id.expiration.ms": int = "604800000", at_least(1), broker, unused;
    /// Time between two searches for transactions that timed out.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": int = "10000",
        at_least(1), broker, unused;
    /// Time between two searches for expired transactional ids.
    "transaction.remove.expired.transaction.cleanup.interval.ms": int = "3600000",
        at_least(1), broker, unused;
    /// Check that a partition belongs to the transaction before writing to it.
    "transaction.partition.verification.enable": boolean = "true", broker, cluster_wide, unused;
    /// Bytes read at once when transactions are loaded.
    "transaction.state.log.load.buffer.size": int = "5242880", at_least(1), broker, unused;
    /// In-sync replicas that the transaction topic needs.
    "transaction.state.log.min.isr": int = "2", at_least(1), broker, unused;
    /// Partitions of the transaction topic. Do not change it later.
    "transaction.state.log.num.partitions": int = "50", at_least(1), broker, unused;
    /// Replicas of the transaction topic.
    "transaction.state.log.replication.factor": short = "3", at_least(1), broker, unused;
    /// Segment size of the transaction topic.
    "transaction.state.log.segment.bytes": int = "104857600", at_least(1), broker, unused;
    /// Allow two-phase commit with an external coordinator.
    "transaction.two.phase.commit.enable": boolean = "false", broker, unused;
    /// Longest time for adding a partition to a transaction on the server.
    "add.partitions.to.txn.retry.backoff.max.ms": int = "100", at_least(0), broker, unused;
    /// Rest between two attempts to add a partition to a transaction.
    "add.partitions.to.txn.retry.backoff.ms": int = "20", at_least(1), broker, unused;
}
