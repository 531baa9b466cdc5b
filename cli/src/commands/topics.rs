//! `janus topics`: create, list, describe, alter and delete topics.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use kafka::ErrorCode;
use kafka::messages::create_partitions::CreatePartitionsTopic;
use kafka::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use kafka::messages::delete_topics::DeleteTopicState;
use kafka::messages::metadata::MetadataResponseTopic;
use kafka::messages::{CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest};
use serde::Serialize;
use serde_json::json;

use crate::Usage;
use crate::arguments::{Common, key_value};
use crate::client::{ADMIN_TIMEOUT_MS, Change, Client, Resource, check, nearest_key};
use crate::output::Table;

/// How long `create` waits until the brokers know the leaders of the new topic.
const VISIBLE_TIMEOUT: Duration = Duration::from_secs(10);
const VISIBLE_POLL: Duration = Duration::from_millis(10);
/// The number that DescribeConfigs gives to values that were set for the topic itself.
const SOURCE_TOPIC: i8 = 1;

/// Create, list, describe, alter and delete topics
#[derive(Debug, Subcommand)]
pub(crate) enum Topics {
    Create(Create),
    List(List),
    Describe(Describe),
    Alter(Alter),
    Delete(Delete),
}

/// Create a topic
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  janus topics create orders --partitions 6 --config retention.ms=3600000"
)]
pub(crate) struct Create {
    name: String,
    /// [default: the cluster's num.partitions]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// [default: the cluster's default.replication.factor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A setting of the topic; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,
    /// A topic that exists is no error
    #[arg(long)]
    if_not_exists: bool,
}

/// List topics
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus topics list -o json")]
pub(crate) struct List {
    /// Show the cluster's own topics too
    #[arg(long)]
    internal: bool,
}

/// Show leaders, replicas and settings of a topic, or of all
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus topics describe orders")]
pub(crate) struct Describe {
    name: Option<String>,
}

/// Add partitions to a topic, change its settings
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus topics alter orders --partitions 12\n  \
    janus topics alter orders --config retention.ms=60000 --delete-config cleanup.policy")]
pub(crate) struct Alter {
    name: String,
    /// The new total
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// A setting of the topic; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    config: Vec<(String, String)>,
    /// A setting that goes back to its default; may be repeated
    #[arg(long, value_name = "KEY")]
    delete_config: Vec<String>,
}

/// Delete topics and all their records
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus topics delete orders")]
pub(crate) struct Delete {
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Description {
    name: String,
    id: String,
    internal: bool,
    partitions: Vec<Partition>,
    /// What was set for this topic.
    configs: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct Partition {
    partition: i32,
    leader: Option<i32>,
    leader_epoch: i32,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    offline_replicas: Vec<i32>,
}

impl Topics {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        match self {
            Self::Create(it) => it.run(common).await,
            Self::List(it) => it.run(common).await,
            Self::Describe(it) => it.run(common).await,
            Self::Alter(it) => it.run(common).await,
            Self::Delete(it) => it.run(common).await,
        }
    }
}

impl Create {
    async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let config = |(name, value): &(String, String)| CreatableTopicConfig {
            name: name.as_str().into(),
            value: Some(value.as_str().into()),
        };
        let request = CreateTopicsRequest {
            topics: vec![CreatableTopic {
                name: self.name.as_str().into(),
                num_partitions: self.partitions.unwrap_or(-1),
                replication_factor: self.replication_factor.unwrap_or(-1),
                configs: self.config.iter().map(config).collect(),
                ..Default::default()
            }],
            timeout_ms: ADMIN_TIMEOUT_MS,
            validate_only: false,
        };
        let mut client = common.client().await?;
        let response = client.call_controller(&request).await?;
        let result = response.topics.first().context("the answer names no topic")?;
        let exists = ErrorCode::from(result.error_code) == ErrorCode::TopicAlreadyExists;
        if !(exists && self.if_not_exists) {
            let what = format!("create topic '{}'", self.name);
            let meant = nearest_key(self.config.iter().map(|(key, _)| key.as_str()));
            check(what, result.error_code, result.error_message.as_deref()).or_else(|error| {
                match meant {
                    Some(key) => bail!("{error:#}; did you mean {key}?"),
                    None => Err(error),
                }
            })?;
        }
        let topic = wait_until_visible(&mut client, &self.name).await?;
        let document = json!({
            "name": self.name,
            "id": config::directory::format_uuid(&topic.topic_id),
            "partitions": topic.partitions.len(),
            "replication_factor": topic.partitions.first().map(|it| it.replica_nodes.len()),
            "created": !exists,
        });
        Ok(output.say(&document, || match exists {
            true => format!("topic {} exists", self.name),
            false => format!("created topic {}", self.name),
        })?)
    }
}

/// A topic is created once the controller says so; it can be used once the brokers have heard of it.
async fn wait_until_visible(client: &mut Client, name: &str) -> Result<MetadataResponseTopic> {
    let deadline = Instant::now() + VISIBLE_TIMEOUT;
    loop {
        let metadata = client.metadata(Some(&[name.to_owned()])).await?;
        let topic = metadata.topics.into_iter().next().filter(|topic| topic.error_code == 0);
        let led =
            |topic: &MetadataResponseTopic| topic.partitions.iter().all(|it| it.leader_id >= 0);
        match topic {
            Some(topic) if led(&topic) || Instant::now() >= deadline => return Ok(topic),
            None if Instant::now() >= deadline => bail!(
                "topic '{name}' was created, but the brokers do not name it after {} s; look with \
                 `janus status`",
                VISIBLE_TIMEOUT.as_secs()
            ),
            _ => tokio::time::sleep(VISIBLE_POLL).await,
        }
    }
}

impl List {
    async fn run(self, common: &Common) -> Result<()> {
        let metadata = common.client().await?.metadata(None).await?;
        let shown = metadata.topics.iter().filter(|topic| self.internal || !topic.is_internal);
        let mut topics: Vec<_> = shown.map(describe).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        let row = |topic: &Description| {
            let replicas = topic.partitions.iter().map(|it| it.replicas.len()).max();
            (topic.name.clone(), topic.partitions.len(), replicas.unwrap_or_default())
        };
        let document: Vec<_> = topics
            .iter()
            .map(|topic| {
                let (name, partitions, replication_factor) = row(topic);
                json!({
                    "name": name,
                    "id": topic.id,
                    "internal": topic.internal,
                    "partitions": partitions,
                    "replication_factor": replication_factor,
                })
            })
            .collect();
        Ok(common.output().show(&document, || {
            let mut table = Table::new(["topic", "partitions", "replication factor"]);
            for topic in &topics {
                let (name, partitions, replicas) = row(topic);
                table.row([name, partitions.to_string(), replicas.to_string()]);
            }
            table
        })?)
    }
}

impl Describe {
    async fn run(self, common: &Common) -> Result<()> {
        let mut client = common.client().await?;
        let names = self.name.map(|name| vec![name]);
        let metadata = client.metadata(names.as_deref()).await?;
        let mut topics = Vec::new();
        for topic in &metadata.topics {
            let name = topic.name.as_deref().unwrap_or_default();
            check(format!("describe topic '{name}'"), topic.error_code, None)?;
            let mut description = describe(topic);
            let configs = client.describe_configs(&Resource::topic(name)).await?;
            let own = configs.into_iter().filter(|config| config.config_source == SOURCE_TOPIC);
            description.configs = own
                .map(|it| (it.name.to_string(), it.value.as_deref().unwrap_or("").to_owned()))
                .collect();
            topics.push(description);
        }
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(common.output().show(&topics, || table(&topics))?)
    }
}

fn describe(topic: &MetadataResponseTopic) -> Description {
    let mut partitions: Vec<Partition> = topic
        .partitions
        .iter()
        .map(|it| Partition {
            partition: it.partition_index,
            leader: Some(it.leader_id).filter(|id| *id >= 0),
            leader_epoch: it.leader_epoch,
            replicas: it.replica_nodes.clone(),
            isr: it.isr_nodes.clone(),
            offline_replicas: it.offline_replicas.clone(),
        })
        .collect();
    partitions.sort_by_key(|partition| partition.partition);
    Description {
        name: topic.name.as_deref().unwrap_or_default().to_owned(),
        id: config::directory::format_uuid(&topic.topic_id),
        internal: topic.is_internal,
        partitions,
        configs: BTreeMap::new(),
    }
}

fn table(topics: &[Description]) -> Table {
    let mut table =
        Table::new(["topic", "partition", "leader", "epoch", "replicas", "in sync", "offline"]);
    let list = |ids: &[i32]| match ids {
        [] => "-".to_owned(),
        ids => ids.iter().map(i32::to_string).collect::<Vec<_>>().join(","),
    };
    for topic in topics {
        for it in &topic.partitions {
            table.row([
                topic.name.clone(),
                it.partition.to_string(),
                it.leader.map_or("-".to_owned(), |id| id.to_string()),
                it.leader_epoch.to_string(),
                list(&it.replicas),
                list(&it.isr),
                list(&it.offline_replicas),
            ]);
        }
    }
    let configs = topics.iter().flat_map(|topic| {
        topic.configs.iter().map(|(key, value)| format!("{}: {key}={value}", topic.name))
    });
    let configs: Vec<String> = configs.collect();
    if !configs.is_empty() {
        table.footer(configs.join("\n"));
    }
    table
}

impl Alter {
    async fn run(self, common: &Common) -> Result<()> {
        let set = self.config.iter().map(|(key, value)| Change::Set(key.clone(), value.clone()));
        let unset = self.delete_config.iter().cloned().map(Change::Unset);
        let changes: Vec<Change> = set.chain(unset).collect();
        if self.partitions.is_none() && changes.is_empty() {
            let reason = "nothing to change; give --partitions, --config or --delete-config";
            return Err(Usage::new(reason).into());
        }
        let mut client = common.client().await?;
        if !changes.is_empty() {
            client.alter_configs(&Resource::topic(&self.name), &changes).await?;
        }
        if let Some(count) = self.partitions {
            let topic =
                CreatePartitionsTopic { name: self.name.as_str().into(), count, assignments: None };
            let request = CreatePartitionsRequest {
                topics: vec![topic],
                timeout_ms: ADMIN_TIMEOUT_MS,
                validate_only: false,
            };
            let response = client.call_controller(&request).await?;
            let result = response.results.first().context("the answer names no topic")?;
            let what = format!("add partitions to topic '{}'", self.name);
            check(what, result.error_code, result.error_message.as_deref())?;
        }
        let document = json!({ "name": self.name, "altered": true });
        Ok(common.output().say(&document, || format!("altered topic {}", self.name))?)
    }
}

impl Delete {
    async fn run(self, common: &Common) -> Result<()> {
        let state = |name: &String| DeleteTopicState {
            name: Some(name.as_str().into()),
            ..Default::default()
        };
        let request = DeleteTopicsRequest {
            topics: self.names.iter().map(state).collect(),
            timeout_ms: ADMIN_TIMEOUT_MS,
            ..Default::default()
        };
        let response = common.client().await?.call_controller(&request).await?;
        for result in &response.responses {
            let what = format!("delete topic '{}'", result.name.as_deref().unwrap_or_default());
            check(what, result.error_code, result.error_message.as_deref())?;
        }
        let document = json!({ "deleted": self.names });
        Ok(common.output().say(&document, || format!("deleted {}", self.names.join(", ")))?)
    }
}
