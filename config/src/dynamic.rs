//! Checks of configuration that is changed while the cluster runs. Texts follow Kafka's.

use std::collections::BTreeMap;

use crate::{
    Key, Settings, Update, client_metrics_keys, group_keys, nearest, server_key, server_keys,
    topic, topic_key, topic_keys,
};

/// Whether a topic may have this value.
pub fn validate_topic_config(name: &str, value: &str) -> Result<(), String> {
    let key = topic_key(name).ok_or_else(|| unknown("topic config name", name, topic_keys()))?;
    key.validate(value)?;
    if name == "remote.storage.enable" && value.trim().eq_ignore_ascii_case("true") {
        return Err("Tiered storage functionality is disabled in the broker. Topic cannot be \
                    configured with remote log storage."
            .into());
    }
    Ok(())
}

/// Whether a topic may have all of these values.
pub fn validate_topic_configs(
    broker: &Settings,
    values: &BTreeMap<String, String>,
) -> Result<(), String> {
    for (name, value) in values {
        validate_topic_config(name, value)?;
    }
    validate_topic_together(broker, values)
}

/// Whether values that are allowed each for itself fit together. Others are passed over.
pub fn validate_topic_together(
    broker: &Settings,
    values: &BTreeMap<String, String>,
) -> Result<(), String> {
    let lag = |name: &str| -> i64 {
        topic::value(broker, values, name).parse().expect("it was checked when it was set")
    };
    let (min, max) = (lag("min.compaction.lag.ms"), lag("max.compaction.lag.ms"));
    if min > max {
        return Err(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > \
             max.compaction.lag.ms ({max})"
        ));
    }
    Ok(())
}

/// Whether a broker's key may have this value while it runs: for one broker, or for all of them.
pub fn validate_broker_config(name: &str, value: &str, one_broker: bool) -> Result<(), String> {
    let key = server_key(name).ok_or_else(|| unknown("broker config name", name, server_keys()))?;
    match key.update {
        Update::ReadOnly => return Err(format!("Cannot update these configs dynamically: {name}")),
        Update::PerBroker if !one_broker => {
            return Err(format!(
                "Cannot update these configs at default cluster level, per-broker configs must be \
                 used: {name}"
            ));
        }
        Update::PerBroker | Update::ClusterWide => {}
    }
    key.validate(value)
}

/// Whether a group may have this value.
pub fn validate_group_config(name: &str, value: &str) -> Result<(), String> {
    let key = group_keys().find(|key| key.name == name);
    key.ok_or_else(|| unknown("group config name", name, group_keys()))?.validate(value)
}

/// Whether a client metrics subscription may have this value.
pub fn validate_client_metrics_config(name: &str, value: &str) -> Result<(), String> {
    let key = client_metrics_keys().find(|key| key.name == name);
    key.ok_or_else(|| unknown("client metrics configuration", name, client_metrics_keys()))?
        .validate(value)
}

fn unknown(what: &str, name: &str, keys: impl Iterator<Item = &'static Key>) -> String {
    match nearest(name, keys) {
        Some(near) => format!("Unknown {what}: {name} (did you mean {near}?)"),
        None => format!("Unknown {what}: {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_values_are_checked_with_kafkas_words() {
        for (name, value, expected) in [
            (
                "retention.ms",
                "x",
                "Invalid value x for configuration retention.ms: Not a number of type LONG",
            ),
            (
                "retention.ms",
                "-2",
                "Invalid value -2 for configuration retention.ms: Value must be at least -1",
            ),
            ("segment.bytes", "99999999999", "Not a number of type INT"),
            ("segment.bytes", "", "Not a number of type INT"),
            ("cleanup.policy", "delete,foo", "String must be one of: compact, delete"),
            ("min.cleanable.dirty.ratio", "2", "Value must be no more than 1"),
            ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
            ("compression.type", "GZIP", "String must be one of: uncompressed, zstd"),
            ("preallocate", "yes", "Expected value to be either true or false"),
            ("leader.replication.throttled.replicas", "1:a", "must be the literal '*'"),
            ("nope", "1", "Unknown topic config name: nope"),
            ("retention.m", "1", "(did you mean retention.ms?)"),
            ("remote.storage.enable", "true", "Tiered storage functionality is disabled"),
        ] {
            let error = validate_topic_config(name, value).unwrap_err();
            assert!(error.contains(expected), "{name}={value}: {error}");
        }
        for (name, value) in [
            ("retention.ms", " 5 "),
            ("retention.bytes", "-7"),
            ("cleanup.policy", "compact, delete"),
            ("cleanup.policy", ""),
            ("preallocate", "TRUE"),
            ("leader.replication.throttled.replicas", "*"),
            ("leader.replication.throttled.replicas", "0:1,1:2"),
            ("remote.storage.enable", "false"),
        ] {
            assert_eq!(validate_topic_config(name, value), Ok(()), "{name}={value}");
        }
    }

    #[test]
    fn compaction_lags_must_fit_together() {
        let values = [("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")];
        let values = values.map(|(key, value)| (key.to_string(), value.to_string())).into();
        let error = validate_topic_configs(&Settings::default(), &values).unwrap_err();
        assert!(
            error.contains("min.compaction.lag.ms (10) > max.compaction.lag.ms (5)"),
            "{error}"
        );
    }

    #[test]
    fn broker_values_are_checked_with_their_update_mode() {
        assert_eq!(validate_broker_config("log.retention.ms", "5", false), Ok(()));
        assert_eq!(validate_broker_config("leader.replication.throttled.rate", "5", true), Ok(()));
        for (name, value, one, expected) in [
            ("node.id", "5", true, "Cannot update these configs dynamically: node.id"),
            ("listeners", "A://:1", false, "per-broker configs must be used"),
            ("log.retention.ms", "x", true, "Not a number of type LONG"),
            ("log.retentoin.ms", "1", true, "(did you mean log.retention.ms?)"),
        ] {
            let error = validate_broker_config(name, value, one).unwrap_err();
            assert!(error.contains(expected), "{name}={value}: {error}");
        }
    }
}
