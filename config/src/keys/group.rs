//! Consumer groups and their offsets.

use crate::key::table;

table! {
    /// How long a new group waits for more members before its first rebalance.
    "group.initial.rebalance.delay.ms": int = "3000", broker;
    /// Longest session timeout that a member may ask for.
    "group.max.session.timeout.ms": int = "1800000", broker;
    /// Shortest session timeout that a member may ask for.
    "group.min.session.timeout.ms": int = "6000", broker;
    /// Members of one group.
    "group.max.size": int = "2147483647", at_least(1), broker;
    /// How long writes of the coordinator are gathered. -1: adaptive.
    "group.coordinator.append.linger.ms": int = "-1", at_least(-1), broker, unused;
    /// Threads for background work of the coordinator.
    "group.coordinator.background.threads": int = "2", at_least(1), broker, unused;
    /// Largest write buffer that the coordinator keeps.
    "group.coordinator.cached.buffer.max.bytes": int = "1048588",
        at_least(524_288), broker, cluster_wide, unused;
    /// Group protocols that are served.
    "group.coordinator.rebalance.protocols": list = "classic,consumer,streams",
        one_of(&["consumer", "classic", "share", "streams"]), broker, unused;
    /// Threads of the coordinator.
    "group.coordinator.threads": int = "4", at_least(1), broker, unused;
    /// Time between two assignments of a group.
    "group.consumer.assignment.interval.ms": int = "1000",
        at_least(0), broker, cluster_wide, unused;
    /// Assignors of the server, the default one first.
    "group.consumer.assignors": list = "uniform,range", broker, unused;
    /// Heartbeat interval given to members.
    "group.consumer.heartbeat.interval.ms": int = "5000", at_least(1), broker, unused;
    /// Longest assignment interval of a group.
    "group.consumer.max.assignment.interval.ms": int = "15000", at_least(0), broker, unused;
    /// Longest heartbeat interval of a group.
    "group.consumer.max.heartbeat.interval.ms": int = "15000", at_least(1), broker, unused;
    /// Longest session timeout of a group.
    "group.consumer.max.session.timeout.ms": int = "60000", at_least(1), broker, unused;
    /// Members of one group of the consumer protocol.
    "group.consumer.max.size": int = "2147483647", at_least(1), broker, unused;
    /// Which groups may change between the classic and the consumer protocol.
    "group.consumer.migration.policy": string = "bidirectional",
        one_of_ignoring_case(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]),
        broker, unused;
    /// Shortest assignment interval of a group.
    "group.consumer.min.assignment.interval.ms": int = "0", at_least(0), broker, unused;
    /// Shortest heartbeat interval of a group.
    "group.consumer.min.heartbeat.interval.ms": int = "5000", at_least(1), broker, unused;
    /// Shortest session timeout of a group.
    "group.consumer.min.session.timeout.ms": int = "45000", at_least(1), broker, unused;
    /// Time between two evaluations of subscribed patterns.
    "group.consumer.regex.refresh.interval.ms": int = "600000",
        at_least(10_000), broker, internal, unused;
    /// Session timeout of members of the consumer protocol.
    "group.consumer.session.timeout.ms": int = "45000", at_least(1), broker, unused;
    /// Longest metadata of a committed offset.
    "offset.metadata.max.bytes": int = "4096", broker;
    /// How long a commit waits for the replicas of the offsets topic.
    "offsets.commit.timeout.ms": int = "5000", at_least(1), broker;
    /// Bytes read at once when offsets are loaded.
    "offsets.load.buffer.size": int = "5242880", at_least(1), broker, unused;
    /// Time between two searches for expired offsets.
    "offsets.retention.check.interval.ms": long = "600000", at_least(1), broker;
    /// How long the offsets of an empty group are kept.
    "offsets.retention.minutes": int = "10080", at_least(1), broker;
    /// Compression of the offsets topic, as a number.
    "offsets.topic.compression.codec": int = "0", broker, unused;
    /// Partitions of the offsets topic. Do not change it later.
    "offsets.topic.num.partitions": int = "50", at_least(1), broker;
    /// Replicas of the offsets topic. It is not created with fewer brokers.
    "offsets.topic.replication.factor": short = "3", at_least(1), broker;
    /// Segment size of the offsets topic.
    "offsets.topic.segment.bytes": int = "104857600", at_least(1), broker;
    /// Time between two assignments of a streams group.
    "group.streams.assignment.interval.ms": int = "1000", at_least(0), broker, cluster_wide, unused;
    /// Heartbeat interval of streams groups.
    "group.streams.heartbeat.interval.ms": int = "5000", at_least(1), broker, unused;
    /// How long a new streams group waits for more members.
    "group.streams.initial.rebalance.delay.ms": int = "3000", at_least(0), broker, unused;
    /// Longest assignment interval of a streams group.
    "group.streams.max.assignment.interval.ms": int = "15000", at_least(0), broker, unused;
    /// Longest heartbeat interval of a streams group.
    "group.streams.max.heartbeat.interval.ms": int = "15000", at_least(1), broker, unused;
    /// Longest session timeout of a streams group.
    "group.streams.max.session.timeout.ms": int = "60000", at_least(1), broker, unused;
    /// Members of one streams group.
    "group.streams.max.size": int = "2147483647", at_least(1), broker, unused;
    /// Most standby replicas of a streams group.
    "group.streams.max.standby.replicas": int = "2", at_least(0), broker, unused;
    /// Shortest assignment interval of a streams group.
    "group.streams.min.assignment.interval.ms": int = "0", at_least(0), broker, unused;
    /// Shortest heartbeat interval of a streams group.
    "group.streams.min.heartbeat.interval.ms": int = "5000", at_least(1), broker, unused;
    /// Shortest session timeout of a streams group.
    "group.streams.min.session.timeout.ms": int = "45000", at_least(1), broker, unused;
    /// Standby replicas of each task.
    "group.streams.num.standby.replicas": int = "0", at_least(0), broker, unused;
    /// Session timeout of streams groups.
    "group.streams.session.timeout.ms": int = "45000", at_least(1), broker, unused;
}
