//! What DescribeConfigs and `janus config get` show: every key, its value, and where it comes from.

use std::collections::BTreeMap;

use crate::{Key, Scope, Settings, Source, Update, Usage, server_keys, topic, topic_keys};

/// One key of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    pub key: &'static Key,
    /// `None`: not set and without a default, or sensitive.
    pub value: Option<String>,
    pub source: Source,
    /// Cannot be changed while the cluster runs.
    pub read_only: bool,
    /// Everything that has a say, the one that counts first. Values of sensitive keys are left out.
    pub synonyms: Vec<Synonym>,
}

/// A key that has a say in the value of another one, or of itself, at one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    pub name: &'static str,
    pub value: String,
    pub source: Source,
}

impl Settings {
    /// The configuration of this broker as clients see it.
    pub fn describe_broker(&self) -> Vec<Described> {
        let visible = |key: &&Key| {
            !key.internal
                && matches!(key.scope, Scope::Broker | Scope::Both)
                && key.usage != Usage::Retired
        };
        server_keys().filter(visible).map(|key| self.describe_key(key)).collect()
    }

    /// The configuration of a topic as clients see it.
    pub fn describe_topic(&self, overrides: &BTreeMap<String, String>) -> Vec<Described> {
        let describe = |key: &'static Key| {
            let own = overrides.get(key.name).map(|value| Synonym {
                name: key.name,
                value: value.clone(),
                source: Source::DynamicTopic,
            });
            let synonyms: Vec<Synonym> =
                own.into_iter().chain(topic::synonyms(self, key)).collect();
            Described {
                key,
                value: Some(topic::value(self, overrides, key.name)),
                source: synonyms.first().map_or(Source::Default, |it| it.source),
                read_only: false,
                synonyms,
            }
        };
        topic_keys().filter(|key| !key.internal).map(describe).collect()
    }

    fn describe_key(&self, key: &'static Key) -> Described {
        let names = broker_synonyms(key);
        let mut synonyms = Vec::new();
        for name in names {
            let layers = self.layers(name).into_iter();
            synonyms.extend(layers.map(|(value, source)| Synonym {
                name: name.name,
                value: value.to_string(),
                source,
            }));
        }
        let source = synonyms.first().map_or(Source::Default, |it| it.source);
        if key.is_sensitive() {
            synonyms.clear();
        }
        Described {
            key,
            value: self.string(key.name).filter(|_| !key.is_sensitive()).map(Into::into),
            source,
            read_only: key.update == Update::ReadOnly,
            synonyms,
        }
    }
}

/// The key itself and, for a key in milliseconds, the coarser ones behind it.
fn broker_synonyms(key: &'static Key) -> Vec<&'static Key> {
    let family = topic_keys().find(|it| it.synonyms.first() == Some(&key.name));
    match family {
        Some(topic_key) => topic_key
            .synonyms
            .iter()
            .map(|name| crate::server_key(name).expect("synonyms are keys of brokers"))
            .collect(),
        None => vec![key],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(all: &[Described], name: &str) -> Described {
        all.iter().find(|it| it.key.name == name).unwrap().clone()
    }

    #[test]
    fn a_topic_shows_every_level_that_has_a_say() {
        let text = "node.id=1\nlog.retention.hours=2\nssl.key.password=hunter2";
        let settings = Settings::from_text(text, "test", &[]).unwrap();
        let own = BTreeMap::from([("cleanup.policy".to_string(), "compact".to_string())]);
        let all = settings.describe_topic(&own);
        let policy = find(&all, "cleanup.policy");
        assert_eq!(policy.value.as_deref(), Some("compact"));
        let sources: Vec<Source> = policy.synonyms.iter().map(|it| it.source).collect();
        assert_eq!(sources, [Source::DynamicTopic, Source::Default]);
        let retention = find(&all, "retention.ms");
        assert_eq!(retention.value.as_deref(), Some("7200000"));
        assert_eq!(retention.source, Source::File { line: 2 });
        assert!(!all.iter().any(|it| it.key.internal));
    }

    #[test]
    fn a_broker_hides_secrets_and_names_synonyms() {
        let text = "node.id=1\nlog.retention.hours=2\nssl.key.password=hunter2";
        let settings = Settings::from_text(text, "test", &[]).unwrap();
        let all = settings.describe_broker();
        let password = find(&all, "ssl.key.password");
        assert_eq!((password.value, password.synonyms), (None, vec![]));
        let retention = find(&all, "log.retention.ms");
        assert_eq!(retention.value, None);
        assert_eq!(retention.synonyms[0].name, "log.retention.hours");
        assert!(find(&all, "node.id").read_only);
        assert!(!format!("{all:?}").contains("hunter2"));
    }
}
