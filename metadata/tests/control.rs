//! Scenarios in `scripts/*`: commands in, records out. `UPDATE_GOLDENFILES=1` records them anew.
//!
//! ```text
//! broker ID [incarnation=N] [rack=R] [previous=EPOCH]     registers a broker, fenced
//! up ID...            registers and unfences brokers; `up 1=a 2=b` gives them racks
//! fence ID | unfence ID | shutdown ID | unregister ID     [epoch=N], else the current one
//! topic NAME [partitions=N] [factor=N] [assign="1,2 2,3"] [id=N] [validate=yes] [KEY=VALUE...]
//! delete NAME | delete id=N | partitions NAME COUNT [assign="1,2"] [validate=yes]
//! isr TOPIC P "1,2:EPOCH" [by=ID] [leader_epoch=N] [partition_epoch=N] [broker_epoch=N] [id=N]
//!     [recovering=yes]    what is not said is current, the sender the leader
//! elect TOPIC P preferred|unclean | balance PERCENT [limit=N] | reconcile
//! form CLUSTER | ids BROKER [epoch=N] | controller ID
//! reassign TOPIC P "1,2" | reassign TOPIC P cancel
//! config RESOURCE [replace=yes] [validate=yes] [KEY=VALUE...]
//!     [delete=KEY] [append="KEY:VALUE"] [subtract="KEY:VALUE"]
//! cut N COMMAND...    only N records of the decision are committed, as in a crash
//! defaults KEY=VALUE  the controller's own configuration | state: the whole image
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use goldenscript::{ArgumentConsumer, Context};
use metadata::control::{
    AlterConfigs, AlterPartition, ConfigOperation, CreateTopic, Election, RegisterBroker,
    TopicSelector,
};
use metadata::{
    Broker, ClusterImage, Command, ConfigResource, Controller, Defaults, Listener, Partition,
    Record, TopicPartition, Uuid, decide,
};
use test_each_file::test_each_path;

test_each_path! { in "metadata/tests/scripts" => run }

fn run(path: &Path) {
    goldenscript::run(&mut Runner::default(), path).expect("goldenscript failed")
}

type Failure = Box<dyn Error>;

#[derive(Default)]
struct Runner {
    defaults: Defaults,
    image: ClusterImage,
    /// Distinguishes topics and incarnations.
    drawn: u128,
}

impl goldenscript::Runner for Runner {
    type Command = goldenscript::Command;

    fn run(&mut self, command: &Self::Command, _: &Context) -> Result<String, Failure> {
        let mut arguments = command.consume_args();
        let output = match command.name.as_str() {
            "state" => self.image.records().iter().map(line).collect(),
            "defaults" => self.set_defaults(&mut arguments)?,
            "up" => self.up(&mut arguments)?,
            "cut" => {
                let keep = next(&mut arguments)?;
                let name = arguments.next_pos().ok_or("no command")?;
                self.decide(name, &mut arguments, keep)?
            }
            name => self.decide(name, &mut arguments, usize::MAX)?,
        };
        arguments.reject_next()?;
        Ok(output)
    }
}

impl Runner {
    fn decide(
        &mut self,
        name: &str,
        arguments: &mut ArgumentConsumer<'_>,
        keep: usize,
    ) -> Result<String, Failure> {
        let command = self.command(name, arguments)?;
        self.commit(&command, keep)
    }

    fn commit(&mut self, command: &Command, keep: usize) -> Result<String, Failure> {
        let records = decide(&self.defaults, &self.image, command)?;
        let kept = &records[..keep.min(records.len())];
        kept.iter().for_each(|record| self.image.apply(record));
        let mut output: String = kept.iter().map(line).collect();
        if kept.len() < records.len() {
            writeln!(output, "({} lost)", records.len() - kept.len())?;
        }
        Ok(output)
    }

    fn up(&mut self, arguments: &mut ArgumentConsumer<'_>) -> Result<String, Failure> {
        let mut output = String::new();
        for argument in arguments.by_ref() {
            let (id, rack) = match argument {
                goldenscript::Argument::Positional(id) => (id.parse()?, None),
                goldenscript::Argument::KeyValue(id, rack) => (id.parse()?, Some(rack.clone())),
                other => return Err(format!("what is {other}?").into()),
            };
            let previous = self.image.brokers.get(&id).map(|it| it.epoch);
            let registration = self.registration(id, rack, previous, None);
            output += &self.commit(&Command::RegisterBroker(registration), usize::MAX)?;
            let epoch = self.image.brokers[&id].epoch;
            output += &self.commit(&Command::UnfenceBroker { id, epoch }, usize::MAX)?;
        }
        Ok(output)
    }

    fn registration(
        &mut self,
        id: i32,
        rack: Option<String>,
        previous_epoch: Option<i64>,
        incarnation: Option<u128>,
    ) -> RegisterBroker {
        RegisterBroker {
            id,
            incarnation: Uuid::from_u128(incarnation.unwrap_or_else(|| self.draw())),
            listeners: vec![Listener {
                name: "PLAINTEXT".into(),
                host: format!("broker{id}"),
                port: 9092,
                security_protocol: "PLAINTEXT".into(),
            }],
            rack,
            log_dirs: vec![Uuid::from_u128(1000 + u128::from(id.unsigned_abs()))],
            previous_epoch,
        }
    }

    fn draw(&mut self) -> u128 {
        self.drawn += 1;
        self.drawn
    }

    fn set_defaults(&mut self, arguments: &mut ArgumentConsumer<'_>) -> Result<String, Failure> {
        let elr_enabled = arguments.take_key("elr") != Some("false");
        let lines = std::iter::from_fn(|| arguments.next_key());
        let lines: Vec<String> = lines.map(|(key, value)| format!("{key}={value}")).collect();
        let text = format!("node.id=1\n{}", lines.join("\n"));
        let settings = config::Settings::from_text(&text, "defaults", &[])?;
        self.defaults = Defaults { elr_enabled, ..Defaults::new(&settings) };
        Ok(String::new())
    }

    fn command(
        &mut self,
        name: &str,
        arguments: &mut ArgumentConsumer<'_>,
    ) -> Result<Command, Failure> {
        Ok(match name {
            "broker" => {
                let id = next(arguments)?;
                let rack = arguments.take_key("rack").map(Into::into);
                let previous = key(arguments, "previous")?;
                let incarnation = key(arguments, "incarnation")?;
                Command::RegisterBroker(self.registration(id, rack, previous, incarnation))
            }
            "fence" | "unfence" | "shutdown" => {
                let id = next(arguments)?;
                let current = self.image.brokers.get(&id).map_or(-1, |it| it.epoch);
                let epoch = key(arguments, "epoch")?.unwrap_or(current);
                match name {
                    "fence" => Command::FenceBroker { id, epoch },
                    "unfence" => Command::UnfenceBroker { id, epoch },
                    _ => Command::BeginControlledShutdown { id, epoch },
                }
            }
            "unregister" => Command::UnregisterBroker { id: next(arguments)? },
            "controller" => {
                let id: i32 = next(arguments)?;
                Command::RegisterController(Controller {
                    id,
                    incarnation: Uuid::from_u128(1),
                    endpoint: format!("controller{id}:9093"),
                    directory_id: Uuid::from_u128(1),
                })
            }
            "topic" => Command::CreateTopic(self.topic(arguments)?),
            "delete" => Command::DeleteTopic {
                topic: match key(arguments, "id")? {
                    Some(id) => TopicSelector::Id(Uuid::from_u128(id)),
                    None => TopicSelector::Name(text(arguments)?),
                },
            },
            "partitions" => Command::CreatePartitions {
                topic: text(arguments)?,
                count: next(arguments)?,
                assignments: assignments(arguments)?,
                validate_only: flag(arguments, "validate"),
            },
            "isr" => Command::AlterPartition(self.isr(arguments)?),
            "elect" => Command::ElectLeader {
                partition: TopicPartition { topic: text(arguments)?, partition: next(arguments)? },
                election: match arguments.next_pos() {
                    Some("preferred") => Election::Preferred,
                    Some("unclean") => Election::Unclean,
                    other => return Err(format!("no such election: {other:?}").into()),
                },
            },
            "balance" => Command::BalanceLeaders {
                imbalance_percentage: next(arguments)?,
                limit: key(arguments, "limit")?.unwrap_or(usize::MAX),
            },
            "ids" => {
                let broker = next(arguments)?;
                let current = self.image.brokers.get(&broker).map_or(-1, |it| it.epoch);
                let broker_epoch = key(arguments, "epoch")?.unwrap_or(current);
                Command::AllocateProducerIds { broker, broker_epoch }
            }
            "config" => Command::AlterConfigs(alter_configs(arguments)?),
            "reassign" => Command::ReassignPartition {
                partition: TopicPartition { topic: text(arguments)?, partition: next(arguments)? },
                replicas: match arguments.next_pos().ok_or("no replicas")? {
                    "cancel" => None,
                    list => Some(ids(list)?),
                },
            },
            "reconcile" => Command::Reconcile,
            "form" => Command::FormCluster { cluster_id: text(arguments)?.to_string() },
            name => return Err(format!("unknown command {name}").into()),
        })
    }

    fn topic(&mut self, arguments: &mut ArgumentConsumer<'_>) -> Result<CreateTopic, Failure> {
        let name = text(arguments)?;
        let id = key(arguments, "id")?.unwrap_or_else(|| self.draw());
        Ok(CreateTopic {
            name,
            id: Uuid::from_u128(id),
            partitions: key(arguments, "partitions")?.unwrap_or(-1),
            replication_factor: key(arguments, "factor")?.unwrap_or(-1),
            assignments: assignments(arguments)?.unwrap_or_default(),
            validate_only: flag(arguments, "validate"),
            configs: std::iter::from_fn(|| arguments.next_key())
                .map(|(key, value)| (key.to_string(), value.to_string()))
                .collect(),
        })
    }

    fn isr(&self, arguments: &mut ArgumentConsumer<'_>) -> Result<AlterPartition, Failure> {
        let id = TopicPartition { topic: text(arguments)?, partition: next(arguments)? };
        let partition = self.image.partitions.get(&id);
        let topic_id = self.image.topics.get(&id.topic).map_or(Uuid::nil(), |it| it.id);
        let leader = partition.and_then(|it| it.leader).unwrap_or(-1);
        let broker = key(arguments, "by")?.unwrap_or(leader);
        let epoch = self.image.brokers.get(&broker).map_or(-1, |it| it.epoch);
        let isr = arguments.next_pos().ok_or("no ISR")?.split(',').map(|member| {
            let (id, epoch) = member.split_once(':').unwrap_or((member, "-1"));
            Ok((id.parse()?, epoch.parse()?))
        });
        Ok(AlterPartition {
            broker,
            broker_epoch: key(arguments, "broker_epoch")?.unwrap_or(epoch),
            topic_id: key(arguments, "id")?.map_or(topic_id, Uuid::from_u128),
            partition: id.partition,
            leader_epoch: key(arguments, "leader_epoch")?
                .unwrap_or_else(|| partition.map_or(0, |it| it.leader_epoch)),
            partition_epoch: key(arguments, "partition_epoch")?
                .unwrap_or_else(|| partition.map_or(0, |it| it.partition_epoch)),
            isr: isr.collect::<Result<_, Failure>>()?,
            recovering: flag(arguments, "recovering"),
        })
    }
}

fn alter_configs(arguments: &mut ArgumentConsumer<'_>) -> Result<AlterConfigs, Failure> {
    let resource = match arguments.next_pos().ok_or("no resource")? {
        "brokers" => ConfigResource::BrokerDefault,
        other => match other.split_once('/') {
            Some(("topic", name)) => ConfigResource::Topic(name.into()),
            Some(("broker", id)) => ConfigResource::Broker(id.parse()?),
            Some(("group", name)) => ConfigResource::Group(name.into()),
            Some(("metrics", name)) => ConfigResource::ClientMetrics(name.into()),
            _ => return Err(format!("no such resource: {other}").into()),
        },
    };
    let (replace, validate_only) = (flag(arguments, "replace"), flag(arguments, "validate"));
    let mut operations = Vec::new();
    while let Some((word, value)) = arguments.next_key() {
        let pair = || value.split_once(':').ok_or("no value");
        operations.push(match word {
            "delete" => (value.to_string(), ConfigOperation::Delete),
            "append" => (pair()?.0.to_string(), ConfigOperation::Append(pair()?.1.into())),
            "subtract" => (pair()?.0.to_string(), ConfigOperation::Subtract(pair()?.1.into())),
            key => (key.to_string(), ConfigOperation::Set(value.into())),
        });
    }
    Ok(AlterConfigs { resource, replace, operations, validate_only })
}

fn next<T: FromStr<Err: Error + 'static>>(
    arguments: &mut ArgumentConsumer<'_>,
) -> Result<T, Failure> {
    Ok(arguments.next_pos().ok_or("an argument is missing")?.parse()?)
}

fn text(arguments: &mut ArgumentConsumer<'_>) -> Result<Arc<str>, Failure> {
    Ok(arguments.next_pos().ok_or("an argument is missing")?.into())
}

fn key<T: FromStr<Err: Error + 'static>>(
    arguments: &mut ArgumentConsumer<'_>,
    name: &str,
) -> Result<Option<T>, Failure> {
    Ok(arguments.take_key(name).map(str::parse).transpose()?)
}

fn flag(arguments: &mut ArgumentConsumer<'_>, name: &str) -> bool {
    arguments.take_key(name).is_some()
}

fn ids(list: &str) -> Result<Vec<i32>, Failure> {
    list.split(',').map(|id| Ok(id.parse()?)).collect()
}

fn assignments(arguments: &mut ArgumentConsumer<'_>) -> Result<Option<Vec<Vec<i32>>>, Failure> {
    let Some(text) = arguments.take_key("assign") else { return Ok(None) };
    text.split(' ').map(ids).collect::<Result<_, Failure>>().map(Some)
}

/// A record as people read it. What is empty or false is left out.
fn line(record: &Record) -> String {
    let mut out = match record {
        Record::Broker(it) => broker(it),
        Record::Partition(it) => partition(it),
        Record::Topic(it) => {
            format!("topic {} id={} partitions={}", it.name, it.id.as_u128(), it.partitions)
        }
        Record::TopicRemoved(name) => format!("topic {name} removed"),
        Record::BrokerRemoved(id) => format!("broker {id} removed"),
        Record::Controller(it) => format!("controller {} at {}", it.id, it.endpoint),
        Record::Config(it) => format!("config {} {}", resource(&it.resource), values(&it.values)),
        Record::ProducerIds(it) => {
            format!("producer ids below {} to {} epoch={}", it.next, it.broker, it.broker_epoch)
        }
        Record::Cluster(it) => format!("cluster {}", it.id),
        other => format!("{other:?}"),
    };
    out.push('\n');
    out
}

fn broker(it: &Broker) -> String {
    let mut out = format!("broker {} epoch={}", it.id, it.epoch);
    if let Some(rack) = &it.rack {
        out += &format!(" rack={rack}");
    }
    out += if it.fenced { " fenced" } else { " active" };
    if it.in_controlled_shutdown {
        out += " in_controlled_shutdown";
    }
    out
}

fn partition(it: &Partition) -> String {
    let leader = it.leader.map_or("none".into(), |id| id.to_string());
    let mut out = format!("{} leader={leader} replicas={:?} isr={:?}", it.id, it.replicas, it.isr);
    for (name, list) in
        [("elr", &it.elr), ("adding", &it.adding_replicas), ("removing", &it.removing_replicas)]
    {
        if !list.is_empty() {
            out += &format!(" {name}={list:?}");
        }
    }
    if let Some(id) = it.last_known_leader {
        out += &format!(" last_known_leader={id}");
    }
    if it.recovering {
        out += " recovering";
    }
    out + &format!(" epochs={}.{}", it.leader_epoch, it.partition_epoch)
}

fn resource(resource: &ConfigResource) -> String {
    match resource {
        ConfigResource::Topic(name) => format!("topic/{name}"),
        ConfigResource::Broker(id) => format!("broker/{id}"),
        ConfigResource::BrokerDefault => "brokers".into(),
        ConfigResource::Group(name) => format!("group/{name}"),
        ConfigResource::ClientMetrics(name) => format!("metrics/{name}"),
    }
}

fn values(values: &BTreeMap<String, String>) -> String {
    if values.is_empty() {
        return "removed".into();
    }
    values.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
}
