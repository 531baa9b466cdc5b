//! `janus config`: dynamic configuration of a running cluster, and what keys mean.

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
use config::{Key, Scope, Update, Usage as KeyUsage};
use kafka::messages::describe_configs::DescribeConfigsResourceResult;
use serde::Serialize;
use serde_json::json;

use crate::Usage;
use crate::arguments::{Common, key_value};
use crate::client::{Change, Resource};
use crate::output::{Format, Table, print};

/// Read and change configuration while the cluster runs; explain keys
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    Get(Get),
    Set(Set),
    Unset(Unset),
    Explain(Explain),
}

/// Show what is set for a topic, a broker, or all brokers
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  janus config get topic orders\n  janus config get broker 1 --all\n  \
    janus config get broker default"
)]
pub(crate) struct Get {
    #[command(flatten)]
    entity: Entity,
    /// Only this key
    key: Option<String>,
    /// Show defaults too
    #[arg(short, long)]
    all: bool,
}

/// Set keys; takes effect at once and survives restarts
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus config set topic orders retention.ms=3600000")]
pub(crate) struct Set {
    #[command(flatten)]
    entity: Entity,
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = key_value)]
    settings: Vec<(String, String)>,
}

/// Return keys to their defaults
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus config unset topic orders retention.ms")]
pub(crate) struct Unset {
    #[command(flatten)]
    entity: Entity,
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

/// Explain a key: what it is for, its type, its default; without a key, list all
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus config explain min.insync.replicas")]
pub(crate) struct Explain {
    key: Option<String>,
}

/// What has a configuration.
#[derive(Debug, Args)]
struct Entity {
    kind: EntityKind,
    /// A topic's name, a broker's id or `default`, a group's id
    name: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EntityKind {
    Topic,
    Broker,
    Group,
}

#[derive(Debug, Serialize)]
struct Setting {
    key: String,
    /// `None`: secret, or without a value.
    value: Option<String>,
    source: &'static str,
    read_only: bool,
}

impl Config {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        match self {
            Self::Get(it) => it.run(common).await,
            Self::Set(it) => it.run(common).await,
            Self::Unset(it) => it.run(common).await,
            Self::Explain(it) => it.run(common),
        }
    }
}

impl Entity {
    fn resource(&self) -> Result<Resource> {
        match (self.kind, self.name.as_str()) {
            (EntityKind::Topic, name) => Ok(Resource::topic(name)),
            (EntityKind::Group, name) => Ok(Resource::group(name)),
            (EntityKind::Broker, "default") => Ok(Resource::broker_default()),
            (EntityKind::Broker, id) => match id.parse() {
                Ok(id) => Ok(Resource::broker(id)),
                Err(_) => {
                    let reason = format!("'{id}' is no broker; give its id, or 'default' for all");
                    Err(Usage::new(reason).into())
                }
            },
        }
    }
}

impl Get {
    async fn run(self, common: &Common) -> Result<()> {
        let resource = self.entity.resource()?;
        let configs = common.client().await?.describe_configs(&resource).await?;
        let mut settings: Vec<Setting> = configs.iter().map(setting).collect();
        match &self.key {
            Some(key) => {
                settings.retain(|setting| setting.key == *key);
                if settings.is_empty() {
                    anyhow::bail!("{resource} has no key '{key}'; `--all` shows those it has");
                }
            }
            None if !self.all => settings.retain(|setting| setting.source != "default"),
            None => {}
        }
        settings.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(common.output().show(&settings, || {
            let mut table = Table::new(["key", "value", "source", "read only"]);
            for it in &settings {
                let value = it.value.clone().unwrap_or_else(|| "-".to_owned());
                let read_only = if it.read_only { "yes" } else { "no" };
                table.row([it.key.clone(), value, it.source.to_owned(), read_only.to_owned()]);
            }
            table
        })?)
    }
}

fn setting(config: &DescribeConfigsResourceResult) -> Setting {
    Setting {
        key: config.name.to_string(),
        value: config.value.as_ref().map(|value| value.to_string()),
        source: match config.config_source {
            1 => "topic",
            2 => "broker",
            3 => "default of all brokers",
            4 => "file",
            5 => "default",
            7 => "client metrics",
            8 => "group",
            _ => "unknown",
        },
        read_only: config.read_only,
    }
}

impl Set {
    async fn run(self, common: &Common) -> Result<()> {
        let changes =
            self.settings.iter().map(|(key, value)| Change::Set(key.clone(), value.clone()));
        alter(common, &self.entity, changes.collect()).await
    }
}

impl Unset {
    async fn run(self, common: &Common) -> Result<()> {
        alter(common, &self.entity, self.keys.into_iter().map(Change::Unset).collect()).await
    }
}

async fn alter(common: &Common, entity: &Entity, changes: Vec<Change>) -> Result<()> {
    let resource = entity.resource()?;
    common.client().await?.alter_configs(&resource, &changes).await?;
    let keys: Vec<&str> = changes.iter().map(Change::key).collect();
    let document = json!({ "entity": resource.to_string(), "changed": keys });
    Ok(common.output().say(&document, || format!("changed {} of {resource}", keys.join(", ")))?)
}

#[derive(Debug, Serialize)]
struct Explanation {
    key: &'static str,
    of: &'static str,
    #[serde(rename = "type")]
    kind: String,
    default: Option<&'static str>,
    valid: String,
    update: &'static str,
    doc: &'static str,
    /// For keys of topics: the keys of brokers that give the default.
    defaults_from: &'static [&'static str],
    used: bool,
}

impl Explain {
    fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let visible = |key: &&Key| key.usage != KeyUsage::Retired && !key.internal;
        let Some(name) = self.key else {
            let all: Vec<Explanation> = all_keys().filter(visible).map(explain).collect();
            return Ok(output.show(&all, || {
                let mut table = Table::new(["key", "of", "default", "what it is for"]);
                for it in &all {
                    let default = it.default.unwrap_or("-").to_owned();
                    table.row([it.key.into(), it.of.into(), default, it.doc.into()]);
                }
                table
            })?);
        };
        // One name may be a key of servers and of topics.
        let found: Vec<Explanation> =
            all_keys().filter(|key| key.name == name).map(explain).collect();
        if found.is_empty() {
            let hint = match config::nearest(&name, all_keys()) {
                Some(nearest) => format!("did you mean {nearest}?"),
                None => "`janus config explain` lists all keys".to_owned(),
            };
            return Err(Usage::new(format!("unknown key '{name}'; {hint}")).into());
        }
        match output.format {
            Format::Json => Ok(output.show(&found, Table::default)?),
            _ => Ok(print(&found.iter().map(paragraph).collect::<Vec<_>>().join("\n"))?),
        }
    }
}

fn all_keys() -> impl Iterator<Item = &'static Key> {
    config::server_keys()
        .chain(config::topic_keys())
        .chain(config::group_keys())
        .chain(config::client_metrics_keys())
}

fn explain(key: &'static Key) -> Explanation {
    Explanation {
        key: key.name,
        of: match key.scope {
            Scope::Broker => "broker",
            Scope::Controller => "controller",
            Scope::Both => "broker and controller",
            Scope::Topic => "topic",
            Scope::Group => "group",
            Scope::ClientMetrics => "client metrics",
        },
        kind: key.kind.to_string().to_lowercase(),
        default: key.default,
        valid: key.check.to_string(),
        update: match (key.scope, key.update) {
            (Scope::Topic | Scope::Group | Scope::ClientMetrics, _) => "while it runs",
            (_, Update::ReadOnly) => "needs a restart",
            (_, Update::PerBroker) => "while it runs, for one broker",
            (_, Update::ClusterWide) => "while it runs, for one broker or all",
        },
        doc: key.doc,
        defaults_from: key.synonyms,
        used: key.usage == KeyUsage::Used,
    }
}

fn paragraph(it: &Explanation) -> String {
    let mut text = format!("{} (of {})\n  {}\n", it.key, it.of, it.doc);
    let default = it.default.unwrap_or("none");
    text += &format!("  type     {}\n  default  {default}\n", it.kind);
    if !it.valid.is_empty() {
        text += &format!("  valid    {}\n", it.valid);
    }
    if !it.defaults_from.is_empty() {
        text += &format!("  defaults to the broker's {}\n", it.defaults_from.join(", "));
    }
    text += &format!("  change   {}\n", it.update);
    if !it.used {
        text += "  Kafka knows this key; Janus does nothing with it.\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_says_what_a_key_is_and_where_its_default_comes_from() {
        let key = config::topic_key("retention.ms").unwrap();
        let text = paragraph(&explain(key));
        assert!(text.contains("retention.ms (of topic)"), "{text}");
        assert!(text.contains("defaults to the broker's log.retention.ms"), "{text}");
        assert!(text.contains("type     long"), "{text}");
    }

    #[test]
    fn a_broker_is_named_by_number_or_as_default() {
        let entity = |name: &str| Entity { kind: EntityKind::Broker, name: name.into() };
        assert_eq!(entity("3").resource().unwrap(), Resource::broker(3));
        assert_eq!(entity("default").resource().unwrap(), Resource::broker_default());
        assert!(entity("three").resource().unwrap_err().is::<Usage>());
    }
}
