//! Who a server is, where it keeps data, and how it lives and leaves.

use crate::key::table;

table! {
    /// The id of this server. Brokers and controllers share one number space.
    "node.id": int, at_least(0), both;
    /// Older name of node.id.
    "broker.id": int = "-1", both;
    /// What this server is, in files that say so: the binary that reads one for the other refuses it.
    "process.roles": list, one_of(&["broker", "controller"]), both;
    /// The rack or zone of this broker. Replicas are spread over racks.
    "broker.rack": string, broker;
    /// Directory of the log data, where log.dirs is not set.
    "log.dir": list = "/tmp/kafka-logs", broker;
    /// Directories of the log data.
    "log.dirs": list, broker;
    /// Log directories that receive no new partitions.
    "cordoned.log.dirs": list = "", broker, per_broker, unused;
    /// How long a broker may run with a failed log directory that leads partitions before it stops.
    "log.dir.failure.timeout.ms": long = "30000", at_least(1), broker, unused;
    /// Time between two heartbeats of a broker to the active controller.
    "broker.heartbeat.interval.ms": int = "2000", both;
    /// A broker that is silent for this long is fenced.
    "broker.session.timeout.ms": int = "9000", controller;
    /// How long a starting broker tries to register before it gives up.
    "initial.broker.registration.timeout.ms": int = "60000", broker;
    /// Hand leaderships over before stopping.
    "controlled.shutdown.enable": boolean = "true", broker;
    /// Threads for background work.
    "background.threads": int = "10", at_least(1), broker, cluster_wide, unused;
    /// Threads that process requests.
    "num.io.threads": int = "8", at_least(1), broker, cluster_wide, unused;
    /// Threads that serve clients; half of the cores at most.
    "num.network.threads": int = "3", at_least(1), broker, cluster_wide;
    /// Logs of one directory that are recovered at the same time after an unclean stop.
    "num.recovery.threads.per.data.dir": int = "2", at_least(1), broker, cluster_wide;
    /// Threads that move replicas between directories.
    "num.replica.alter.log.dirs.threads": int, broker, unused;
    /// How long a server waits for the answer of another one.
    "request.timeout.ms": int = "30000", both;
    /// Create a topic when a client asks for one that does not exist.
    "auto.create.topics.enable": boolean = "true", broker;
    /// Allow clients to delete topics.
    "delete.topic.enable": boolean = "true", broker;
    /// Give leadership back to preferred replicas from time to time.
    "auto.leader.rebalance.enable": boolean = "true", controller;
    /// Time between two checks of the leader balance.
    "leader.imbalance.check.interval.seconds": long = "300", at_least(1), controller;
    /// Share of misplaced leaders per broker from which leadership is moved back.
    "leader.imbalance.per.broker.percentage": int = "10", between(0, 100), controller;
    /// Let a replica outside the ISR lead when no other is left. Acknowledged records may be lost.
    "unclean.leader.election.enable": boolean = "false", both, cluster_wide;
    /// Time between two searches for partitions that only an unclean election can bring back.
    "unclean.leader.election.interval.ms": long = "300000", at_least(1), controller, internal;
    /// Replicas of a topic that is created without a number.
    "default.replication.factor": int = "1", both;
    /// Partitions of a topic that is created without a number.
    "num.partitions": int = "1", at_least(1), both;
    /// In-sync replicas, the leader included, below which a write with acks=all is refused.
    "min.insync.replicas": int = "1", at_least(1), both, cluster_wide;
    /// Providers of values that stand outside this file.
    "config.providers": list = "", both, cluster_wide, refused;
    /// Classes that report metrics. Janus serves Prometheus metrics.
    "metric.reporters": list = "org.apache.kafka.common.metrics.JmxReporter",
        both, cluster_wide, unused;
    /// Samples kept for a metric.
    "metrics.num.samples": int = "2", at_least(1), both, unused;
    /// Highest level of metrics that are recorded.
    "metrics.recording.level": string = "INFO", both, unused;
    /// Length of one sample of a metric.
    "metrics.sample.window.ms": long = "30000", at_least(1), both, unused;
    /// Interval of the metrics reporters.
    "kafka.metrics.polling.interval.secs": int = "10", at_least(1), both, unused;
    /// Classes that report metrics.
    "kafka.metrics.reporters": list = "", both, unused;
    /// Largest set of client metrics that a client may push.
    "telemetry.max.bytes": int = "1048576", at_least(1), broker, unused;
    /// Class that checks changes of configuration.
    "alter.config.policy.class.name": class, controller, refused;
    /// Class that checks new topics.
    "create.topic.policy.class.name": class, controller, refused;
    /// Serve versions of requests that are not final.
    "unstable.api.versions.enable": boolean = "false", both, internal, unused;
    /// Allow feature levels that are not final.
    "unstable.feature.versions.enable": boolean = "false", both, internal, unused;
    /// Longest time that a start may take.
    "server.max.startup.time.ms": long = "9223372036854775807",
        at_least(0), broker, internal, unused;
}
