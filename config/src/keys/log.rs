//! How partitions are stored, kept, flushed and cleaned. Most are the defaults of topic keys.

use crate::key::table;

table! {
    /// Size at which a segment is closed and a new one begun.
    "log.segment.bytes": int = "1073741824", at_least(1_048_576), broker, cluster_wide;
    /// Age at which a segment is closed even when it is not full.
    "log.roll.ms": long, broker, cluster_wide;
    /// Age at which a segment is closed, in hours, where log.roll.ms is not set.
    "log.roll.hours": int = "168", at_least(1), broker;
    /// Largest random amount taken off the age at which a segment is closed.
    "log.roll.jitter.ms": long, broker, cluster_wide;
    /// The same in hours, where log.roll.jitter.ms is not set.
    "log.roll.jitter.hours": int = "0", at_least(0), broker;
    /// Largest offset index of a segment.
    "log.index.size.max.bytes": int = "10485760", at_least(4), broker, cluster_wide;
    /// Bytes of records between two entries of the offset index.
    "log.index.interval.bytes": int = "4096", at_least(0), broker, cluster_wide;
    /// How long records are kept. -1: for ever.
    "log.retention.ms": long, between_or(1, i64::MAX, -1), broker, cluster_wide;
    /// How long records are kept, in minutes, where log.retention.ms is not set.
    "log.retention.minutes": int, between_or(1, i64::MAX, -1), broker;
    /// How long records are kept, in hours, where neither of the other two is set.
    "log.retention.hours": int = "168", between_or(1, i64::MAX, -1), broker;
    /// How many bytes of a partition are kept. -1: no limit.
    "log.retention.bytes": long = "-1", broker, cluster_wide;
    /// Time between two searches for segments to delete.
    "log.retention.check.interval.ms": long = "300000", at_least(1), broker;
    /// What happens to old records: delete, compact, or both.
    "log.cleanup.policy": list = "delete", one_of(&["compact", "delete"]), broker, cluster_wide;
    /// Run the compaction of topics.
    "log.cleaner.enable": boolean = "true", broker;
    /// Partitions that are compacted at the same time.
    "log.cleaner.threads": int = "1", at_least(0), broker, cluster_wide;
    /// How long compaction rests when there is nothing to do.
    "log.cleaner.backoff.ms": long = "15000", at_least(0), broker, cluster_wide;
    /// Memory of all compactions for the table of last offsets by key.
    "log.cleaner.dedupe.buffer.size": long = "134217728", broker, cluster_wide;
    /// Memory of all compactions for reading and writing.
    "log.cleaner.io.buffer.size": int = "524288", at_least(0), broker, cluster_wide;
    /// How full the table of last offsets may get.
    "log.cleaner.io.buffer.load.factor": double = "0.9", broker, cluster_wide, unused;
    /// Bytes that compaction reads and writes per second.
    "log.cleaner.io.max.bytes.per.second": double = "1.7976931348623157E308", broker, cluster_wide;
    /// How long markers of deletion stay in a compacted topic.
    "log.cleaner.delete.retention.ms": long = "86400000", at_least(0), broker, cluster_wide;
    /// Share of uncompacted bytes from which a partition is compacted.
    "log.cleaner.min.cleanable.ratio": double = "0.5", fraction(0.0, 1.0), broker, cluster_wide;
    /// Age before which a record is never compacted away.
    "log.cleaner.min.compaction.lag.ms": long = "0", at_least(0), broker, cluster_wide;
    /// Age at which a record must have been offered to compaction.
    "log.cleaner.max.compaction.lag.ms": long = "9223372036854775807",
        at_least(1), broker, cluster_wide;
    /// How long the files of a deleted segment stay.
    "log.segment.delete.delay.ms": long = "60000", at_least(0), broker, cluster_wide;
    /// Records after which a partition is synced to disk.
    "log.flush.interval.messages": long = "9223372036854775807", at_least(1), broker, cluster_wide;
    /// Age of unsynced records at which a partition is synced to disk.
    "log.flush.interval.ms": long, broker, cluster_wide;
    /// Time between two searches for partitions to sync.
    "log.flush.scheduler.interval.ms": long = "9223372036854775807", broker;
    /// Time between two writes of the recovery point.
    "log.flush.offset.checkpoint.interval.ms": int = "60000", at_least(0), broker;
    /// Time between two writes of the log start offsets.
    "log.flush.start.offset.checkpoint.interval.ms": int = "60000", at_least(0), broker;
    /// Whether a record carries the time of its creation or of its append.
    "log.message.timestamp.type": string = "CreateTime",
        one_of(&["CreateTime", "LogAppendTime"]), broker, cluster_wide;
    /// How far a record's timestamp may lie in the past.
    "log.message.timestamp.before.max.ms": long = "9223372036854775807",
        at_least(0), broker, cluster_wide;
    /// How far a record's timestamp may lie in the future.
    "log.message.timestamp.after.max.ms": long = "3600000", at_least(0), broker, cluster_wide;
    /// Give a new segment its full size at once.
    "log.preallocate": boolean = "false", broker, cluster_wide, unused;
    /// Delay of the first background task after the start.
    "log.initial.task.delay.ms": long = "30000", at_least(0), broker, internal;
    /// Bytes kept on local disk with tiered storage.
    "log.local.retention.bytes": long = "-2", at_least(-2), broker, cluster_wide, unused;
    /// Time kept on local disk with tiered storage.
    "log.local.retention.ms": long = "-2", at_least(-2), broker, cluster_wide, unused;
    /// Largest record batch, as it is compressed.
    "message.max.bytes": int = "1048588", at_least(0), broker, cluster_wide;
    /// Compression of stored batches. producer: as they came.
    "compression.type": string = "producer",
        one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        broker, cluster_wide;
    /// Level where the broker compresses with gzip.
    "compression.gzip.level": int = "-1", between_or(1, 9, -1), broker, cluster_wide;
    /// Level where the broker compresses with lz4.
    "compression.lz4.level": int = "9", between(1, 17), broker, cluster_wide;
    /// Level where the broker compresses with zstd.
    "compression.zstd.level": int = "3", between(-131_072, 22), broker, cluster_wide;
    /// How long a leader remembers an idle producer.
    "producer.id.expiration.ms": int = "86400000", at_least(1), broker, cluster_wide;
    /// Time between two searches for idle producers.
    "producer.id.expiration.check.interval.ms": int = "600000", at_least(1), broker, internal;
}
