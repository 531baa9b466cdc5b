//! What a topic's configuration comes to, once topic, brokers and defaults are combined.

use std::collections::BTreeMap;

use crate::key::{elements, parse_bool};
use crate::{Key, Settings, Synonym, topic_key};

/// Everything that a log needs to know of its topic's configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicSettings {
    pub segment_bytes: i32,
    pub segment_ms: i64,
    pub segment_jitter_ms: i64,
    pub segment_index_bytes: i32,
    pub index_interval_bytes: i32,
    /// -1: for ever.
    pub retention_ms: i64,
    /// Negative: no limit.
    pub retention_bytes: i64,
    pub max_message_bytes: i32,
    /// `cleanup.policy` names delete.
    pub delete: bool,
    /// `cleanup.policy` names compact.
    pub compact: bool,
    pub delete_retention_ms: i64,
    pub min_compaction_lag_ms: i64,
    pub max_compaction_lag_ms: i64,
    pub min_cleanable_dirty_ratio: f64,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    pub flush_ms: i64,
    pub min_insync_replicas: i32,
    pub unclean_leader_election: bool,
    pub compression_type: CompressionType,
    /// -1: the codec's default.
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_zstd_level: i32,
    pub message_timestamp_type: TimestampType,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_after_max_ms: i64,
}

/// How batches are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As they came.
    Producer,
    Uncompressed,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// What a record's timestamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

impl TopicSettings {
    /// Combines the configuration of a broker with what the topic overrides. An override that this
    /// version does not know or allow falls back to the broker's value: it was checked when it was
    /// made.
    pub fn resolve(broker: &Settings, topic: &BTreeMap<String, String>) -> Self {
        let value = |name: &str| value(broker, topic, name);
        let long = |name: &str| number(&value(name));
        let int = |name: &str| {
            i32::try_from(long(name)).expect("the table says that every such key is an INT")
        };
        let policy = value("cleanup.policy");
        let has = |word: &str| elements(&policy).any(|it| it == word);
        let segment_bytes = match topic.get("internal.segment.bytes").map(|it| it.trim().parse()) {
            Some(Ok(bytes)) => bytes,
            _ => int("segment.bytes"),
        };
        Self {
            segment_bytes,
            segment_ms: long("segment.ms"),
            segment_jitter_ms: long("segment.jitter.ms"),
            segment_index_bytes: int("segment.index.bytes"),
            index_interval_bytes: int("index.interval.bytes"),
            retention_ms: long("retention.ms").max(-1),
            retention_bytes: long("retention.bytes"),
            max_message_bytes: int("max.message.bytes"),
            delete: has("delete"),
            compact: has("compact"),
            delete_retention_ms: long("delete.retention.ms"),
            min_compaction_lag_ms: long("min.compaction.lag.ms"),
            max_compaction_lag_ms: long("max.compaction.lag.ms"),
            min_cleanable_dirty_ratio: value("min.cleanable.dirty.ratio")
                .parse()
                .expect("validated when it was set"),
            file_delete_delay_ms: long("file.delete.delay.ms"),
            flush_messages: long("flush.messages"),
            flush_ms: long("flush.ms"),
            min_insync_replicas: int("min.insync.replicas"),
            unclean_leader_election: parse_bool(&value("unclean.leader.election.enable"))
                .expect("validated when it was set"),
            compression_type: match value("compression.type").as_str() {
                "uncompressed" => CompressionType::Uncompressed,
                "gzip" => CompressionType::Gzip,
                "snappy" => CompressionType::Snappy,
                "lz4" => CompressionType::Lz4,
                "zstd" => CompressionType::Zstd,
                _ => CompressionType::Producer,
            },
            compression_gzip_level: int("compression.gzip.level"),
            compression_lz4_level: int("compression.lz4.level"),
            compression_zstd_level: int("compression.zstd.level"),
            message_timestamp_type: match value("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppendTime,
                _ => TimestampType::CreateTime,
            },
            message_timestamp_before_max_ms: long("message.timestamp.before.max.ms"),
            message_timestamp_after_max_ms: long("message.timestamp.after.max.ms"),
        }
    }
}

impl Default for TopicSettings {
    /// The defaults of Kafka.
    fn default() -> Self {
        Self::resolve(&Settings::default(), &BTreeMap::new())
    }
}

fn number(value: &str) -> i64 {
    value.parse().expect("validated when it was set")
}

/// The value of a topic's key in the topic's own units.
pub(crate) fn value(broker: &Settings, topic: &BTreeMap<String, String>, name: &str) -> String {
    let key = topic_key(name).unwrap_or_else(|| panic!("'{name}' is not a key of topics"));
    if let Some(own) = topic.get(name).filter(|it| key.validate(it).is_ok()) {
        return own.trim().to_string();
    }
    match synonyms(broker, key).into_iter().next() {
        Some(synonym) => in_units_of(key, synonym.name, &synonym.value),
        None => key.default.unwrap_or_default().to_string(),
    }
}

/// Values of a topic's key at the broker, the one that counts first. Of keys in several units only
/// the coarsest has a default, so that the finest that somebody set wins.
pub(crate) fn synonyms(broker: &Settings, key: &Key) -> Vec<Synonym> {
    let mut synonyms: Vec<Synonym> = Vec::new();
    for name in key.synonyms {
        let broker_key = crate::server_key(name).expect("synonyms are keys of brokers");
        synonyms.extend(broker.layers(broker_key).into_iter().map(|(value, source)| Synonym {
            name: broker_key.name,
            value: value.to_string(),
            source,
        }));
    }
    synonyms
}

/// `log.retention.hours=168` is `retention.ms=604800000`.
fn in_units_of(key: &Key, synonym: &str, value: &str) -> String {
    let factor = match synonym {
        _ if !key.name.ends_with(".ms") => return value.to_string(),
        it if it.ends_with(".hours") => 3_600_000,
        it if it.ends_with(".minutes") => 60_000,
        _ => return value.to_string(),
    };
    let value = number(value);
    if value < 0 { "-1".into() } else { value.saturating_mul(factor).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(text: &str) -> Settings {
        Settings::from_text(&format!("node.id=1\n{text}"), "test", &[]).unwrap()
    }

    fn topic(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn nothing_set_means_kafkas_defaults() {
        let settings = TopicSettings::default();
        assert_eq!(settings.segment_bytes, 1 << 30);
        assert_eq!(settings.retention_ms, 7 * 24 * 3_600_000);
        assert_eq!(settings.segment_ms, 7 * 24 * 3_600_000);
        assert_eq!(settings.flush_ms, i64::MAX);
        assert_eq!((settings.delete, settings.compact), (true, false));
        assert_eq!(settings.compression_type, CompressionType::Producer);
    }

    #[test]
    fn finer_units_win_over_coarser_ones() {
        let retention =
            |text: &str| TopicSettings::resolve(&broker(text), &BTreeMap::new()).retention_ms;
        assert_eq!(retention("log.retention.hours=1"), 3_600_000);
        assert_eq!(retention("log.retention.hours=1\nlog.retention.minutes=2"), 120_000);
        assert_eq!(retention("log.retention.minutes=2\nlog.retention.ms=3"), 3);
        assert_eq!(retention("log.retention.hours=-1"), -1);
    }

    #[test]
    fn topic_then_broker_then_all_brokers_then_file() {
        let file = broker("log.retention.ms=1\nmin.insync.replicas=2");
        let all = file.with_dynamic(&topic(&[("log.retention.ms", "2")]), &BTreeMap::new());
        let one = all.with_dynamic(
            &topic(&[("log.retention.ms", "2")]),
            &topic(&[("log.retention.ms", "3"), ("node.id", "7"), ("log.roll.ms", "x")]),
        );
        let none = BTreeMap::new();
        assert_eq!(TopicSettings::resolve(&file, &none).retention_ms, 1);
        assert_eq!(TopicSettings::resolve(&all, &none).retention_ms, 2);
        assert_eq!(TopicSettings::resolve(&one, &none).retention_ms, 3);
        assert_eq!(one.node_id(), 1, "a read-only key does not change");
        let own = topic(&[("retention.ms", "4"), ("cleanup.policy", "compact,delete")]);
        let settings = TopicSettings::resolve(&one, &own);
        assert_eq!((settings.retention_ms, settings.min_insync_replicas), (4, 2));
        assert_eq!((settings.delete, settings.compact), (true, true));
        let segments = topic(&[("internal.segment.bytes", "1000")]);
        assert_eq!(TopicSettings::resolve(&one, &segments).segment_bytes, 1000);
    }
}
