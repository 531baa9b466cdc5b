//! What a topic can set for itself. Unset keys fall back to their broker key.

use crate::key::table;

table! {
    /// What happens to old records: delete, compact, or both. Empty: nothing.
    "cleanup.policy": list = "delete",
        one_of(&["compact", "delete"]), synonyms(&["log.cleanup.policy"]);
    /// Level where the broker compresses with gzip.
    "compression.gzip.level": int = "-1",
        between_or(1, 9, -1), synonyms(&["compression.gzip.level"]);
    /// Level where the broker compresses with lz4.
    "compression.lz4.level": int = "9", between(1, 17), synonyms(&["compression.lz4.level"]);
    /// Compression of stored batches. producer: as they came.
    "compression.type": string = "producer",
        one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
        synonyms(&["compression.type"]);
    /// Level where the broker compresses with zstd.
    "compression.zstd.level": int = "3",
        between(-131_072, 22), synonyms(&["compression.zstd.level"]);
    /// How long markers of deletion stay in a compacted topic.
    "delete.retention.ms": long = "86400000",
        at_least(0), synonyms(&["log.cleaner.delete.retention.ms"]);
    /// How long the files of a deleted segment stay.
    "file.delete.delay.ms": long = "60000", at_least(0), synonyms(&["log.segment.delete.delay.ms"]);
    /// Records after which a partition is synced to disk.
    "flush.messages": long = "9223372036854775807",
        at_least(1), synonyms(&["log.flush.interval.messages"]);
    /// Age of unsynced records at which a partition is synced to disk.
    "flush.ms": long = "9223372036854775807",
        at_least(0), synonyms(&["log.flush.interval.ms", "log.flush.scheduler.interval.ms"]);
    /// Replicas throttled on the follower: partition:broker, separated by commas, or *.
    "follower.replication.throttled.replicas": list = "", throttled_replicas, unused;
    /// Bytes of records between two entries of the offset index.
    "index.interval.bytes": int = "4096", at_least(0), synonyms(&["log.index.interval.bytes"]);
    /// Segment size for tests, below what segment.bytes allows.
    "internal.segment.bytes": int, internal;
    /// Replicas throttled on the leader: partition:broker, separated by commas, or *.
    "leader.replication.throttled.replicas": list = "", throttled_replicas, unused;
    /// Bytes kept on local disk with tiered storage.
    "local.retention.bytes": long = "-2",
        at_least(-2), synonyms(&["log.local.retention.bytes"]), unused;
    /// Time kept on local disk with tiered storage.
    "local.retention.ms": long = "-2", at_least(-2), synonyms(&["log.local.retention.ms"]), unused;
    /// Age at which a record must have been offered to compaction.
    "max.compaction.lag.ms": long = "9223372036854775807",
        at_least(1), synonyms(&["log.cleaner.max.compaction.lag.ms"]);
    /// Largest record batch, as it is compressed.
    "max.message.bytes": int = "1048588", at_least(0), synonyms(&["message.max.bytes"]);
    /// How far a record's timestamp may lie in the future.
    "message.timestamp.after.max.ms": long = "3600000",
        at_least(0), synonyms(&["log.message.timestamp.after.max.ms"]);
    /// How far a record's timestamp may lie in the past.
    "message.timestamp.before.max.ms": long = "9223372036854775807",
        at_least(0), synonyms(&["log.message.timestamp.before.max.ms"]);
    /// Whether a record carries the time of its creation or of its append.
    "message.timestamp.type": string = "CreateTime",
        one_of(&["CreateTime", "LogAppendTime"]), synonyms(&["log.message.timestamp.type"]);
    /// Share of uncompacted bytes from which a partition is compacted.
    "min.cleanable.dirty.ratio": double = "0.5",
        fraction(0.0, 1.0), synonyms(&["log.cleaner.min.cleanable.ratio"]);
    /// Age before which a record is never compacted away.
    "min.compaction.lag.ms": long = "0",
        at_least(0), synonyms(&["log.cleaner.min.compaction.lag.ms"]);
    /// In-sync replicas, the leader included, below which a write with acks=all is refused.
    "min.insync.replicas": int = "1", at_least(1), synonyms(&["min.insync.replicas"]);
    /// Give a new segment its full size at once.
    "preallocate": boolean = "false", synonyms(&["log.preallocate"]), unused;
    /// Stop copying to tiered storage.
    "remote.log.copy.disable": boolean = "false", unused;
    /// Delete tiered data when tiered storage is turned off.
    "remote.log.delete.on.disable": boolean = "false", unused;
    /// Use tiered storage.
    "remote.storage.enable": boolean = "false", unused;
    /// How many bytes of a partition are kept. -1: no limit.
    "retention.bytes": long = "-1", synonyms(&["log.retention.bytes"]);
    /// How long records are kept. -1: for ever.
    "retention.ms": long = "604800000",
        at_least(-1),
        synonyms(&["log.retention.ms", "log.retention.minutes", "log.retention.hours"]);
    /// Size at which a segment is closed and a new one begun.
    "segment.bytes": int = "1073741824", at_least(1_048_576), synonyms(&["log.segment.bytes"]);
    /// Largest offset index of a segment.
    "segment.index.bytes": int = "10485760", at_least(4), synonyms(&["log.index.size.max.bytes"]);
    /// Largest random amount taken off the age at which a segment is closed.
    "segment.jitter.ms": long = "0",
        at_least(0), synonyms(&["log.roll.jitter.ms", "log.roll.jitter.hours"]);
    /// Age at which a segment is closed even when it is not full.
    "segment.ms": long = "604800000", at_least(1), synonyms(&["log.roll.ms", "log.roll.hours"]);
    /// Allow a replica outside the ISR to lead when no other is left.
    "unclean.leader.election.enable": boolean = "false",
        synonyms(&["unclean.leader.election.enable"]);
}
