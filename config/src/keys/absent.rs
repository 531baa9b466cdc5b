//! Tiered storage and share groups, which Janus does not have.

use crate::key::table;

table! {
    /// How long a fetch waits for tiered data.
    "remote.fetch.max.wait.ms": int = "500", at_least(1), broker, cluster_wide, unused;
    /// How long a search for tiered offsets may take.
    "remote.list.offsets.request.timeout.ms": long = "30000",
        at_least(1), broker, cluster_wide, unused;
    /// Bytes of cached tiered indexes.
    "remote.log.index.file.cache.total.size.bytes": long = "1073741824",
        at_least(1), broker, cluster_wide, unused;
    /// How long a tiered index stays cached.
    "remote.log.index.file.cache.ttl.ms": long = "900000", at_least(-1), broker, internal, unused;
    /// Threads that copy segments to tiered storage.
    "remote.log.manager.copier.thread.pool.size": int = "10",
        at_least(1), broker, cluster_wide, unused;
    /// Bytes per second copied to tiered storage.
    "remote.log.manager.copy.max.bytes.per.second": long = "9223372036854775807",
        at_least(1), broker, cluster_wide, unused;
    /// Samples kept for that quota.
    "remote.log.manager.copy.quota.window.num": int = "11", at_least(1), broker, unused;
    /// Length of one sample of that quota.
    "remote.log.manager.copy.quota.window.size.seconds": int = "1", at_least(1), broker, unused;
    /// Threads that delete tiered segments.
    "remote.log.manager.expiration.thread.pool.size": int = "10",
        at_least(1), broker, cluster_wide, unused;
    /// Bytes per second fetched from tiered storage.
    "remote.log.manager.fetch.max.bytes.per.second": long = "9223372036854775807",
        at_least(1), broker, cluster_wide, unused;
    /// Samples kept for that quota.
    "remote.log.manager.fetch.quota.window.num": int = "11", at_least(1), broker, unused;
    /// Length of one sample of that quota.
    "remote.log.manager.fetch.quota.window.size.seconds": int = "1", at_least(1), broker, unused;
    /// Threads of followers for tiered storage.
    "remote.log.manager.follower.thread.pool.size": int = "2",
        at_least(1), broker, cluster_wide, unused;
    /// Time between two runs of tiered tasks.
    "remote.log.manager.task.interval.ms": long = "30000", at_least(1), broker, unused;
    /// Longest rest after a failed tiered task.
    "remote.log.manager.task.retry.backoff.max.ms": long = "30000",
        at_least(1), broker, internal, unused;
    /// First rest after a failed tiered task.
    "remote.log.manager.task.retry.backoff.ms": long = "500", at_least(1), broker, internal, unused;
    /// Random share of that rest.
    "remote.log.manager.task.retry.jitter": double = "0.2",
        fraction(0.0, 0.5), broker, internal, unused;
    /// Older name of the followers' threads.
    "remote.log.manager.thread.pool.size": int = "2", at_least(1), broker, unused;
    /// Largest metadata of a storage plugin.
    "remote.log.metadata.custom.metadata.max.bytes": int = "128", at_least(0), broker, unused;
    /// Class that keeps metadata of tiered segments.
    "remote.log.metadata.manager.class.name": string =
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        not_empty, broker, unused;
    /// Class path of that class.
    "remote.log.metadata.manager.class.path": string, broker, unused;
    /// Prefix of keys for that class.
    "remote.log.metadata.manager.impl.prefix": string = "rlmm.config.", not_empty, broker, unused;
    /// Listener that this class uses.
    "remote.log.metadata.manager.listener.name": string, not_empty, broker, unused;
    /// Tiered reads that may wait.
    "remote.log.reader.max.pending.tasks": int = "100", at_least(1), broker, unused;
    /// Threads that read tiered data.
    "remote.log.reader.threads": int = "10", at_least(1), broker, cluster_wide, unused;
    /// Class of the tiered storage.
    "remote.log.storage.manager.class.name": string, not_empty, broker, unused;
    /// Class path of that class.
    "remote.log.storage.manager.class.path": string, broker, unused;
    /// Prefix of keys for that class.
    "remote.log.storage.manager.impl.prefix": string = "rsm.config.", not_empty, broker, unused;
    /// Turn tiered storage on.
    "remote.log.storage.system.enable": boolean = "false", broker, refused;
    /// Time between two assignments of a share group.
    "group.share.assignment.interval.ms": int = "1000", at_least(0), broker, cluster_wide, unused;
    /// Assignors of share groups.
    "group.share.assignors": list = "simple", broker, unused;
    /// Deliveries of one record.
    "group.share.delivery.count.limit": int = "5", between(2, 10), broker, unused;
    /// Heartbeat interval of share groups.
    "group.share.heartbeat.interval.ms": int = "5000", at_least(1), broker, unused;
    /// Rest between two attempts to initialize share state.
    "group.share.initialize.retry.interval.ms": int = "30000",
        at_least(1), broker, internal, unused;
    /// Longest assignment interval of a share group.
    "group.share.max.assignment.interval.ms": int = "15000", at_least(0), broker, unused;
    /// Largest limit of deliveries of a share group.
    "group.share.max.delivery.count.limit": int = "10", between(5, 25), broker, unused;
    /// Longest heartbeat interval of a share group.
    "group.share.max.heartbeat.interval.ms": int = "15000", at_least(1), broker, unused;
    /// Largest limit of locked records of a share group.
    "group.share.max.partition.max.record.locks": int = "4000",
        between(2000, 10_000), broker, unused;
    /// Longest lock of a share group.
    "group.share.max.record.lock.duration.ms": int = "60000",
        between(30_000, 3_600_000), broker, unused;
    /// Longest session timeout of a share group.
    "group.share.max.session.timeout.ms": int = "60000", at_least(1), broker, unused;
    /// Share sessions of a broker.
    "group.share.max.share.sessions": int = "2000", at_least(1), broker, unused;
    /// Members of one share group.
    "group.share.max.size": int = "200", between(1, 1000), broker, unused;
    /// Shortest assignment interval of a share group.
    "group.share.min.assignment.interval.ms": int = "0", at_least(0), broker, unused;
    /// Smallest limit of deliveries of a share group.
    "group.share.min.delivery.count.limit": int = "2", between(2, 5), broker, unused;
    /// Shortest heartbeat interval of a share group.
    "group.share.min.heartbeat.interval.ms": int = "5000", at_least(1), broker, unused;
    /// Smallest limit of locked records of a share group.
    "group.share.min.partition.max.record.locks": int = "100", between(100, 2000), broker, unused;
    /// Shortest lock of a share group.
    "group.share.min.record.lock.duration.ms": int = "15000", between(1000, 30_000), broker, unused;
    /// Shortest session timeout of a share group.
    "group.share.min.session.timeout.ms": int = "45000", at_least(1), broker, unused;
    /// Records of a partition that may be locked.
    "group.share.partition.max.record.locks": int = "2000", between(100, 10_000), broker, unused;
    /// Class that keeps share state.
    "group.share.persister.class.name": string =
        "org.apache.kafka.server.share.persister.DefaultStatePersister",
        broker, internal, unused;
    /// How long a delivered record is locked.
    "group.share.record.lock.duration.ms": int = "30000", between(1000, 3_600_000), broker, unused;
    /// Session timeout of share groups.
    "group.share.session.timeout.ms": int = "45000", at_least(1), broker, unused;
    /// How long writes of the share coordinator are gathered.
    "share.coordinator.append.linger.ms": int = "-1", at_least(-1), broker, unused;
    /// Largest write buffer that the share coordinator keeps.
    "share.coordinator.cached.buffer.max.bytes": int = "1048588",
        at_least(524_288), broker, cluster_wide, unused;
    /// Time between two snapshots of idle share partitions.
    "share.coordinator.cold.partition.snapshot.interval.ms": int = "300000",
        at_least(1), broker, internal, unused;
    /// Bytes read at once when share state is loaded.
    "share.coordinator.load.buffer.size": int = "5242880", at_least(1), broker, unused;
    /// Updates between two snapshots of share state.
    "share.coordinator.snapshot.update.records.per.snapshot": int = "500",
        between(0, 500), broker, unused;
    /// Compression of the share state topic, as a number.
    "share.coordinator.state.topic.compression.codec": int = "0", broker, unused;
    /// In-sync replicas that the share state topic needs.
    "share.coordinator.state.topic.min.isr": short = "2", at_least(1), broker, unused;
    /// Partitions of the share state topic.
    "share.coordinator.state.topic.num.partitions": int = "50", at_least(1), broker, unused;
    /// Time between two prunings of the share state topic.
    "share.coordinator.state.topic.prune.interval.ms": int = "300000",
        at_least(1), broker, internal, unused;
    /// Replicas of the share state topic.
    "share.coordinator.state.topic.replication.factor": short = "3", at_least(1), broker, unused;
    /// Segment size of the share state topic.
    "share.coordinator.state.topic.segment.bytes": int = "104857600", at_least(1), broker, unused;
    /// Threads of the share coordinator.
    "share.coordinator.threads": int = "1", at_least(1), broker, unused;
    /// How long a write of the share coordinator waits for replicas.
    "share.coordinator.write.timeout.ms": int = "5000", at_least(1), broker, unused;
}
