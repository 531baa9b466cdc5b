//! A topic's configuration, combined from topic, broker and defaults, as its log needs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::{CompressionType, Settings, TopicSettings};
use metadata::{BrokerId, ClusterImage, ConfigResource};
use partition_log::LogConfig;
use records::Codec;

/// What a partition needs of its topic's configuration.
#[derive(Clone)]
pub(super) struct TopicConfig {
    pub(super) log: LogConfig,
    pub(super) min_isr: usize,
}

/// This broker's settings with the cluster's dynamic defaults and its own dynamic values.
pub(crate) fn dynamic_settings(
    settings: &Settings,
    image: &ClusterImage,
    me: BrokerId,
) -> Settings {
    let values =
        |resource| image.configs.get(&resource).map(|it| (**it).clone()).unwrap_or_default();
    let defaults = values(ConfigResource::BrokerDefault);
    let own = values(ConfigResource::Broker(me));
    settings.with_dynamic(&defaults, &own)
}

/// The configurations of topics under one image; each is put together once.
pub(super) struct TopicConfigs<'a> {
    image: &'a ClusterImage,
    settings: Settings,
    resolved: BTreeMap<Arc<str>, TopicConfig>,
}

impl<'a> TopicConfigs<'a> {
    /// As broker `me` sees them, whose own settings are `settings`.
    pub(super) fn new(settings: &Settings, image: &'a ClusterImage, me: BrokerId) -> Self {
        let settings = dynamic_settings(settings, image, me);
        Self { image, settings, resolved: BTreeMap::new() }
    }

    pub(super) fn of(&mut self, topic: &Arc<str>) -> TopicConfig {
        let resolve = || resolve(&self.settings, self.image, topic);
        self.resolved.entry(topic.clone()).or_insert_with(resolve).clone()
    }
}

fn resolve(broker: &Settings, image: &ClusterImage, topic: &str) -> TopicConfig {
    let overrides = image.configs.get(&ConfigResource::Topic(topic.into()));
    let empty = Default::default();
    let topic = TopicSettings::resolve(broker, overrides.map_or(&empty, |it| &**it));
    let log = LogConfig {
        segment_bytes: topic.segment_bytes as u32,
        segment_ms: topic.segment_ms,
        segment_jitter_ms: topic.segment_jitter_ms,
        segment_index_bytes: topic.segment_index_bytes as u32,
        index_interval_bytes: topic.index_interval_bytes as u32,
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes.max(-1),
        max_message_bytes: topic.max_message_bytes as u32,
        delete: topic.delete,
        compact: topic.compact,
        delete_retention_ms: topic.delete_retention_ms,
        min_compaction_lag_ms: topic.min_compaction_lag_ms,
        max_compaction_lag_ms: topic.max_compaction_lag_ms,
        min_cleanable_dirty_ratio: topic.min_cleanable_dirty_ratio,
        file_delete_delay_ms: topic.file_delete_delay_ms,
        flush_messages: topic.flush_messages,
        flush_ms: topic.flush_ms,
        timestamp_type: match topic.message_timestamp_type {
            config::TimestampType::CreateTime => records::TimestampType::CreateTime,
            config::TimestampType::LogAppendTime => records::TimestampType::LogAppendTime,
        },
        timestamp_before_max_ms: topic.message_timestamp_before_max_ms,
        timestamp_after_max_ms: topic.message_timestamp_after_max_ms,
        compression: match topic.compression_type {
            CompressionType::Producer => None,
            CompressionType::Uncompressed => Some(Codec::None),
            CompressionType::Gzip => Some(Codec::Gzip),
            CompressionType::Snappy => Some(Codec::Snappy),
            CompressionType::Lz4 => Some(Codec::Lz4),
            CompressionType::Zstd => Some(Codec::Zstd),
        },
        producer_id_expiration_ms: i64::from(broker.i32("producer.id.expiration.ms")),
    };
    TopicConfig { log, min_isr: topic.min_insync_replicas.max(1) as usize }
}
