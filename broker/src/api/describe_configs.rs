//! DescribeConfigs: topics, this broker, the default of all brokers, groups, client metrics.

use std::collections::BTreeMap;

use config::{Described, Key, Settings, Source, Type, Update};
use kafka::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka::{ErrorCode, Str};
use metadata::{ClusterImage, ConfigResource};

use super::Context;
use super::config_resource::resource;
use super::control_error::{Refusal, error_fields};
use crate::replica::dynamic_settings;

/// Entries in one answer: some 100 MB.
const ENTRIES_MAX: usize = 500_000;

/// Sources that only exist on the wire.
const CLIENT_METRICS: i8 = 7;
const GROUP: i8 = 8;

/// A name under which a value is set: (name, value, source).
type Synonym = (&'static str, Option<String>, i8);

/// One key as all kinds of resources have it.
struct Entry {
    key: &'static Key,
    value: Option<String>,
    source: i8,
    read_only: bool,
    /// The one that counts first.
    synonyms: Vec<Synonym>,
}

pub(super) async fn describe_configs(
    context: Context,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let image = context.broker.images.load();
    let settings = dynamic_settings(&context.broker.settings, &image, context.broker.options.id);
    let mut room = ENTRIES_MAX;
    let results = request
        .resources
        .iter()
        .map(|it| {
            let described = match room {
                0 => Err(Refusal::invalid_request(format!(
                    "The answer would have more than {ENTRIES_MAX} entries: ask for fewer \
                     resources at once"
                ))),
                _ => describe(it, &image, &settings),
            };
            let (error_code, error_message) = error_fields(&described);
            let entries = described.unwrap_or_default();
            let wanted = entries.into_iter().filter(|entry| is_wanted(it, entry.key.name));
            let configs: Vec<_> = wanted.map(|entry| entry.into_wire(&request)).collect();
            room = room.saturating_sub(configs.len());
            DescribeConfigsResult {
                error_code,
                error_message,
                resource_type: it.resource_type,
                resource_name: it.resource_name.clone(),
                configs,
            }
        })
        .collect();
    DescribeConfigsResponse { results, ..Default::default() }
}

/// No keys, or an empty list of them: all.
fn is_wanted(wanted: &DescribeConfigsResource, name: &str) -> bool {
    let keys = wanted.configuration_keys.as_deref().unwrap_or_default();
    keys.is_empty() || keys.iter().any(|it| it == name)
}

fn describe(
    wanted: &DescribeConfigsResource,
    image: &ClusterImage,
    settings: &Settings,
) -> Result<Vec<Entry>, Refusal> {
    let resource = resource(wanted.resource_type, &wanted.resource_name, settings.node_id())?;
    let empty = BTreeMap::new();
    let own = image.configs.get(&resource).map_or(&empty, |it| &**it);
    Ok(match &resource {
        ConfigResource::Topic(name) => {
            if !image.topics.contains_key(name) {
                return Err(ErrorCode::UnknownTopicOrPartition.into());
            }
            settings.describe_topic(own).into_iter().map(Entry::from).collect()
        }
        ConfigResource::Broker(_) => {
            settings.describe_broker().into_iter().map(Entry::from).collect()
        }
        ConfigResource::BrokerDefault => defaults(own),
        ConfigResource::ClientMetrics(_) => {
            let keys = config::client_metrics_keys();
            keys.map(|key| entry(key, own, CLIENT_METRICS, None)).collect()
        }
        ConfigResource::Group(_) => {
            let keys = config::group_keys();
            keys.map(|key| entry(key, own, GROUP, of_brokers(key, settings))).collect()
        }
    })
}

/// What was set for all brokers.
fn defaults(own: &BTreeMap<String, String>) -> Vec<Entry> {
    let source = Source::DynamicDefault.wire_id();
    let keys = own.iter().filter_map(|(name, value)| Some((config::server_key(name)?, value)));
    let entries = keys.map(|(key, value)| {
        let value = Some(value.clone()).filter(|_| !key.is_sensitive());
        Entry {
            key,
            synonyms: vec![(key.name, value.clone(), source)],
            value,
            source,
            read_only: key.update == Update::ReadOnly,
        }
    });
    entries.collect()
}

/// What a group did not set, its brokers have under the same name behind `group.`.
fn of_brokers(key: &'static Key, settings: &Settings) -> Option<Synonym> {
    let broker_key = config::server_key(&format!("group.{}", key.name));
    match broker_key.and_then(|it| Some((it.name, settings.string(it.name)?))) {
        Some((name, value)) => Some((name, Some(value.into()), settings.source(name).wire_id())),
        None => key.default.map(|it| (key.name, Some(it.into()), Source::Default.wire_id())),
    }
}

/// A key that is set for the resource itself, or elsewhere for all of them, or has its default.
fn entry(
    key: &'static Key,
    own: &BTreeMap<String, String>,
    own_source: i8,
    elsewhere: Option<Synonym>,
) -> Entry {
    let own = own.get(key.name).map(|value| (key.name, Some(value.clone()), own_source));
    let synonyms: Vec<Synonym> = own.into_iter().chain(elsewhere).collect();
    let (value, source) = match synonyms.first() {
        Some((_, value, source)) => (value.clone(), *source),
        None => (key.default.map(Into::into), Source::Default.wire_id()),
    };
    Entry { key, value, source, read_only: false, synonyms }
}

impl From<Described> for Entry {
    fn from(it: Described) -> Self {
        let synonyms = it.synonyms.into_iter();
        Self {
            key: it.key,
            value: it.value,
            source: it.source.wire_id(),
            read_only: it.read_only,
            synonyms: synonyms.map(|it| (it.name, Some(it.value), it.source.wire_id())).collect(),
        }
    }
}

impl Entry {
    fn into_wire(self, request: &DescribeConfigsRequest) -> DescribeConfigsResourceResult {
        let synonyms = if request.include_synonyms { self.synonyms } else { Vec::new() };
        let key = self.key;
        DescribeConfigsResourceResult {
            name: Str::from_static(key.name),
            value: self.value.map(Str::from),
            read_only: self.read_only,
            config_source: self.source,
            is_sensitive: key.is_sensitive(),
            synonyms: synonyms
                .into_iter()
                .map(|(name, value, source)| DescribeConfigsSynonym {
                    name: Str::from_static(name),
                    value: value.map(Str::from),
                    source,
                })
                .collect(),
            config_type: wire_type(key.kind),
            documentation: request.include_documentation.then(|| Str::from_static(key.doc)),
        }
    }
}

fn wire_type(kind: Type) -> i8 {
    match kind {
        Type::Boolean => 1,
        Type::String => 2,
        Type::Int => 3,
        Type::Short => 4,
        Type::Long => 5,
        Type::Double => 6,
        Type::List => 7,
        Type::Class => 8,
        Type::Password => 9,
    }
}
