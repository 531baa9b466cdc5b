//! A topic's configuration as plain numbers. Who reads Kafka's property names makes one of these.

use records::{Codec, TimestampType};

/// What a partition's log needs of its topic's configuration. Names are those of Kafka's topic
/// settings; times are milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// A segment that would grow beyond this is sealed first. At most 2^31 - 1.
    pub segment_bytes: u32,
    /// A segment whose first batch is this old is sealed.
    pub segment_ms: i64,
    /// Up to this much is subtracted from `segment_ms`, so that partitions do not roll together.
    pub segment_jitter_ms: i64,
    /// Size at which an index counts as full, which seals its segment.
    pub segment_index_bytes: u32,
    /// Bytes of log between two index entries.
    pub index_interval_bytes: u32,
    /// Age at which a segment is removed; -1: never.
    pub retention_ms: i64,
    /// Size of the log beyond which the oldest segments are removed; -1: no limit.
    pub retention_bytes: i64,
    /// Largest batch a producer may send, and what the records of a compressed one may inflate to
    /// is bounded by a multiple of it.
    pub max_message_bytes: u32,
    /// `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// How long a compacted topic keeps tombstones.
    pub delete_retention_ms: i64,
    pub min_compaction_lag_ms: i64,
    pub max_compaction_lag_ms: i64,
    /// Share of a log that must be dirty before it is worth cleaning.
    pub min_cleanable_dirty_ratio: f64,
    /// How long a removed file stays under the name `.deleted`.
    pub file_delete_delay_ms: i64,
    /// Records after which an append syncs; `i64::MAX`: never.
    pub flush_messages: i64,
    /// Age of the oldest unsynced record at which [`crate::Log::flush_is_due`]; `i64::MAX`: never.
    pub flush_ms: i64,
    pub timestamp_type: TimestampType,
    /// How far a record's timestamp may lie before the broker's clock.
    pub timestamp_before_max_ms: i64,
    /// How far a record's timestamp may lie after the broker's clock.
    pub timestamp_after_max_ms: i64,
    /// `compression.type`; `None`: what the producer chose.
    pub compression: Option<Codec>,
    /// A producer that wrote nothing for this long is forgotten.
    pub producer_id_expiration_ms: i64,
}

impl LogConfig {
    /// Kafka 4.3's defaults.
    pub const KAFKA: Self = Self {
        segment_bytes: 1 << 30,
        segment_ms: 7 * 24 * 60 * 60 * 1000,
        segment_jitter_ms: 0,
        segment_index_bytes: 10 * 1024 * 1024,
        index_interval_bytes: 4096,
        retention_ms: 7 * 24 * 60 * 60 * 1000,
        retention_bytes: -1,
        max_message_bytes: 1024 * 1024 + 12,
        delete: true,
        compact: false,
        delete_retention_ms: 24 * 60 * 60 * 1000,
        min_compaction_lag_ms: 0,
        max_compaction_lag_ms: i64::MAX,
        min_cleanable_dirty_ratio: 0.5,
        file_delete_delay_ms: 60 * 1000,
        flush_messages: i64::MAX,
        flush_ms: i64::MAX,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: i64::MAX,
        timestamp_after_max_ms: 60 * 60 * 1000,
        compression: None,
        producer_id_expiration_ms: 24 * 60 * 60 * 1000,
    };

    /// What the records of one batch may take when they are decompressed.
    pub(crate) fn inflated_bytes_max(&self) -> usize {
        // Text compresses tenfold and more; a thousandfold is an attack.
        (self.max_message_bytes as usize).saturating_mul(64).max(64 << 20)
    }
}
