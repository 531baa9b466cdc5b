//! Followers and the ISR.

use crate::key::table;

table! {
    /// Connections over which one broker fetches from another.
    "num.replica.fetchers": int = "1", at_least(1), broker, cluster_wide;
    /// Rest after a failed fetch.
    "replica.fetch.backoff.ms": int = "1000", at_least(0), broker;
    /// Bytes of one partition that a follower asks for at once.
    "replica.fetch.max.bytes": int = "1048576", at_least(0), broker;
    /// Bytes for which a follower's fetch waits.
    "replica.fetch.min.bytes": int = "1", broker;
    /// Bytes of all partitions that a follower asks for at once.
    "replica.fetch.response.max.bytes": int = "10485760", at_least(0), broker;
    /// How long a follower's fetch waits for new records.
    "replica.fetch.wait.max.ms": int = "500", broker;
    /// Time between two writes of the high watermarks.
    "replica.high.watermark.checkpoint.interval.ms": long = "5000", broker;
    /// A follower that has not caught up for this long leaves the ISR.
    "replica.lag.time.max.ms": long = "30000", broker;
    /// Class that chooses the replica from which a consumer reads.
    "replica.selector.class": string, broker, unused;
    /// Receive buffer of a follower's connection.
    "replica.socket.receive.buffer.bytes": int = "65536", broker;
    /// How long a follower waits for an answer.
    "replica.socket.timeout.ms": int = "30000", broker;
    /// Samples kept for replication quotas.
    "replication.quota.window.num": int = "11", at_least(1), broker, unused;
    /// Length of one sample of replication quotas.
    "replication.quota.window.size.seconds": int = "1", at_least(1), broker, unused;
    /// Samples kept for the quota of moves between directories.
    "alter.log.dirs.replication.quota.window.num": int = "11", at_least(1), broker, unused;
    /// Length of one sample of that quota.
    "alter.log.dirs.replication.quota.window.size.seconds": int = "1", at_least(1), broker, unused;
    /// Let an empty follower start at the last tiered offset.
    "follower.fetch.last.tiered.offset.enable": boolean = "false", broker, cluster_wide, unused;
    /// Bytes per second that a leader sends of throttled replicas.
    "leader.replication.throttled.rate": long = "9223372036854775807",
        at_least(0), broker, cluster_wide, unused;
    /// Bytes per second that a follower fetches of throttled replicas.
    "follower.replication.throttled.rate": long = "9223372036854775807",
        at_least(0), broker, cluster_wide, unused;
    /// Bytes per second of moves between directories.
    "replica.alter.log.dirs.io.max.bytes.per.second": long = "9223372036854775807",
        at_least(0), broker, cluster_wide, unused;
}
