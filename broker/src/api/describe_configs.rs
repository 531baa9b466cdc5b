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
use super::config_resource::{check_topic_name, resource};
use super::control_error::{Refusal, error_fields};
use crate::replica::dynamic_settings;

/// Sources that only exist on the wire.
const CLIENT_METRICS: i8 = 7;
const GROUP: i8 = 8;

/// One key as all kinds of resources have it.
struct Entry {
    key: &'static Key,
    value: Option<String>,
    source: i8,
    read_only: bool,
    /// (name, value, source), the one that counts first.
    synonyms: Vec<(&'static str, Option<String>, i8)>,
}

pub(super) async fn describe_configs(
    context: Context,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let image = context.broker.images.load();
    let settings = dynamic_settings(&context.broker.settings, &image, context.broker.options.id);
    let results = request
        .resources
        .iter()
        .map(|it| {
            let described = describe(it, &image, &settings);
            let (error_code, error_message) = error_fields(&described);
            let entries = described.unwrap_or_default();
            let wanted = entries.into_iter().filter(|entry| is_wanted(it, entry.key.name));
            DescribeConfigsResult {
                error_code,
                error_message,
                resource_type: it.resource_type,
                resource_name: it.resource_name.clone(),
                configs: wanted.map(|entry| entry.into_wire(&request)).collect(),
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
            check_topic_name(name)?;
            if !image.topics.contains_key(name) {
                return Err(ErrorCode::UnknownTopicOrPartition.into());
            }
            settings.describe_topic(own).into_iter().map(Entry::from).collect()
        }
        ConfigResource::Broker(_) => {
            settings.describe_broker().into_iter().map(Entry::from).collect()
        }
        ConfigResource::BrokerDefault => own_values(config::server_key, own, |key| {
            (Source::DynamicDefault.wire_id(), key.update == Update::ReadOnly)
        }),
        ConfigResource::ClientMetrics(_) => {
            let find = |name: &str| config::client_metrics_keys().find(|it| it.name == name);
            own_values(find, own, |_| (CLIENT_METRICS, false))
        }
        ConfigResource::Group(_) => {
            config::group_keys().map(|key| group_entry(key, own, settings)).collect()
        }
    })
}

/// Resources that have nothing but what was set for them.
fn own_values(
    find: impl Fn(&str) -> Option<&'static Key>,
    own: &BTreeMap<String, String>,
    describe: impl Fn(&Key) -> (i8, bool),
) -> Vec<Entry> {
    let known = own.iter().filter_map(|(name, value)| Some((find(name)?, value)));
    let entries = known.map(|(key, value)| {
        let value = Some(value.clone()).filter(|_| !key.is_sensitive());
        let (source, read_only) = describe(key);
        Entry { key, synonyms: vec![(key.name, value.clone(), source)], value, source, read_only }
    });
    entries.collect()
}

/// What a group did not set, its brokers have under the same name behind `group.`.
fn group_entry(key: &'static Key, own: &BTreeMap<String, String>, settings: &Settings) -> Entry {
    let of_broker = config::server_key(&format!("group.{}", key.name))
        .and_then(|broker_key| settings.string(broker_key.name));
    let (value, source) = match own.get(key.name) {
        Some(value) => (Some(value.as_str()), GROUP),
        None => (of_broker.or(key.default), Source::Default.wire_id()),
    };
    let value = value.map(str::to_owned);
    Entry {
        key,
        synonyms: vec![(key.name, value.clone(), source)],
        value,
        source,
        read_only: false,
    }
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
