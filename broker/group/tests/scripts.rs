//! Runs the scripts in `tests/scripts`: each is a story about one shard, with what it answers and
//! writes recorded. `UPDATE_GOLDENFILES=1 cargo test -p group` records them anew.
//!
//! Member ids end with a UUID; here the n-th join draws the UUID n, and `a-1` stands for client `a`
//! with UUID 1. Writes succeed at once unless the script says `hold`. Time stands still but for
//! `advance`, which stops at every timer that does something.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use goldenscript::{Argument, Command, Context};
use group::reply::{JoinReply, PartitionResult};
use group::request::{
    CommitOffsets, CommitPartition, DeleteOffsets, DescribeGroups, FetchOffsets, Heartbeat, Join,
    Leave, LeavingMember, ListGroups, Protocol, Sync,
};
use group::{
    Config, Coordinator, Effects, GroupError, Loading, Name, Record, Reply, ReplyToken, Request,
    TopicPartitions, WriteError,
};
use kafka::messages::{GroupMetadataValue, OffsetCommitValue};
use kafka::{Data, ErrorCode, OffsetsKey};
use uuid::Uuid;

test_each_file::test_each_path! { in "broker/group/tests/scripts" => run_script }

fn run_script(path: &Path) {
    goldenscript::run(&mut Shard::new(), path).unwrap();
}

/// A shard with its log and its clock.
struct Shard {
    config: Config,
    coordinator: Option<Coordinator>,
    log: Vec<Record>,
    held: VecDeque<group::Write>,
    holds_writes: bool,
    now_ms: i64,
    tokens: u64,
    joins: u128,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Positional arguments, and the others by key.
struct Args(Vec<String>, Vec<(String, String)>);

impl Args {
    fn new(command: &Command) -> Self {
        let mut args = Self(Vec::new(), Vec::new());
        for arg in &command.args {
            match arg {
                Argument::Positional(value) => args.0.push(value.clone()),
                Argument::KeyValue(key, value) => args.1.push((key.clone(), value.clone())),
                other => panic!("unknown argument {other}"),
            }
        }
        args
    }

    fn next(&mut self) -> Result<String> {
        if self.0.is_empty() {
            return Err("an argument is missing".into());
        }
        Ok(self.0.remove(0))
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let index = self.1.iter().position(|(found, _)| found == key)?;
        Some(self.1.remove(index).1)
    }

    fn number<T: std::str::FromStr>(&mut self, key: &str, default: T) -> Result<T> {
        match self.take(key) {
            Some(value) => value.parse().map_err(|_| format!("{key}={value}").into()),
            None => Ok(default),
        }
    }

    fn end(self) -> Result<()> {
        if self.0.is_empty() && self.1.is_empty() {
            return Ok(());
        }
        Err(format!("unexpected arguments {:?} {:?}", self.0, self.1).into())
    }
}

impl goldenscript::Runner for Shard {
    type Command = Command;

    fn run(&mut self, command: &Command, _: &Context) -> Result<String> {
        let mut args = Args::new(command);
        let output = self.dispatch(&command.name, &mut args)?;
        args.end()?;
        Ok(output)
    }
}

impl Shard {
    fn new() -> Self {
        let config = Config::kafka();
        let (coordinator, _) = Loading::new(config.clone()).finish(0);
        Self {
            config,
            coordinator: Some(coordinator),
            log: Vec::new(),
            held: VecDeque::new(),
            holds_writes: false,
            now_ms: 0,
            tokens: 0,
            joins: 0,
        }
    }

    fn dispatch(&mut self, command: &str, args: &mut Args) -> Result<String> {
        match command {
            "config" => self.configure(args),
            "advance" => self.advance(args.next()?.parse()?),
            "hold" => {
                self.holds_writes = true;
                Ok(String::new())
            }
            "release" => {
                self.holds_writes = false;
                Ok(String::new())
            }
            "written" => self.written(args),
            "reload" => self.reload(),
            "unload" => self.unload(),
            "loading" => self.loading(),
            "topic_deleted" => {
                let topics = [(Name::from(args.next()?), id(args.number("id", 0)?))];
                let now_ms = self.now_ms;
                let effects = self.coordinator().topics_deleted(&topics, now_ms);
                self.show(effects)
            }
            "gauges" => Ok(format!("{:?}\n", self.coordinator().gauges())),
            "log" => {
                let lines = self.log.iter().map(|record| show_record(record) + "\n");
                Ok(shorten(&lines.collect::<String>()))
            }
            request => {
                let request = self.request(request, args)?;
                self.tokens += 1;
                let (token, now_ms) = (ReplyToken(self.tokens), self.now_ms);
                let effects = self.coordinator().handle(token, request, now_ms);
                let output = self.show(effects)?;
                if output.contains(&format!("#{} ", token.0)) {
                    return Ok(output);
                }
                Ok(format!("#{} waits\n{output}", token.0))
            }
        }
    }

    fn coordinator(&mut self) -> &mut Coordinator {
        self.coordinator.as_mut().expect("the shard is loaded")
    }

    fn configure(&mut self, args: &mut Args) -> Result<String> {
        let config = &mut self.config;
        config.group_max_size = args.number("group_max_size", config.group_max_size)?;
        config.group_initial_rebalance_delay_ms = args.number("delay_ms", 3_000)?;
        config.offset_metadata_max_bytes = args.number("metadata_max_bytes", 4_096)?;
        config.groups_max = args.number("groups_max", config.groups_max)?;
        config.pending_members_max = args.number("pending_members_max", 100)?;
        config.writes_in_flight_max = args.number("writes_in_flight_max", 100)?;
        config.member_metadata_bytes_max = args.number("member_metadata_bytes_max", 1_000)?;
        config.write_bytes_max = args.number("write_bytes_max", 1_000_000)?;
        config.offsets_retention_ms = args.number("retention_ms", config.offsets_retention_ms)?;
        self.reload()
    }

    fn request(&mut self, name: &str, args: &mut Args) -> Result<Request> {
        let request = match name {
            "join" => self.join(args)?,
            "sync" => Request::Sync(Sync {
                group_id: args.next()?.into(),
                member_id: member(args)?,
                generation_id: args.number("generation", 1)?,
                group_instance_id: args.take("instance").map(Name::from),
                protocol_type: Some(args.take("type").unwrap_or("consumer".into()).into()),
                protocol_name: Some(args.take("protocol").unwrap_or("range".into()).into()),
                assignments: pairs(args.take("assign"))
                    .into_iter()
                    .map(|(id, share)| (Name::from(lengthen(&id)), Bytes::from(share)))
                    .collect(),
                api_version: 5,
            }),
            "heartbeat" => Request::Heartbeat(Heartbeat {
                group_id: args.next()?.into(),
                member_id: member(args)?,
                generation_id: args.number("generation", 1)?,
                group_instance_id: args.take("instance").map(Name::from),
            }),
            "leave" => {
                let group_id = args.next()?.into();
                let instance_id = args.take("instance").map(Name::from);
                let mut members = Vec::new();
                while !args.0.is_empty() {
                    members.push(LeavingMember {
                        member_id: member(args)?,
                        group_instance_id: instance_id.clone(),
                        reason: None,
                    });
                }
                Request::Leave(Leave { group_id, members })
            }
            "commit" => commit(args)?,
            "fetch" => {
                let group_id = args.next()?.into();
                let require_stable = args.number("stable", false)?;
                let topic_id = id(args.number("id", 0)?);
                let topics = topics(args, topic_id)?;
                let topics = Some(topics).filter(|topics| !topics.is_empty());
                Request::FetchOffsets(FetchOffsets { group_id, topics, require_stable })
            }
            "delete_offsets" => {
                let group_id = args.next()?.into();
                let topics = topics(args, Uuid::nil())?;
                Request::DeleteOffsets(DeleteOffsets { group_id, topics })
            }
            "delete_groups" => Request::DeleteGroups(rest(args)),
            "describe" => Request::DescribeGroups(DescribeGroups {
                api_version: args.number("version", 6)?,
                group_ids: rest(args),
            }),
            "list" => Request::ListGroups(ListGroups {
                states: args.take("state").into_iter().map(Name::from).collect(),
                types: args.take("type").into_iter().map(Name::from).collect(),
            }),
            name => return Err(format!("unknown command {name}").into()),
        };
        Ok(request)
    }

    /// `join GROUP CLIENT [id=MEMBER] ...`; protocols are `name@topic.topic/name@...`.
    fn join(&mut self, args: &mut Args) -> Result<Request> {
        self.joins += 1;
        let group_id = args.next()?.into();
        let protocol_type = args.take("type").unwrap_or("consumer".into());
        let protocols = args.take("protocols").unwrap_or("range@t".into());
        let protocols = pairs(Some(protocols)).into_iter().map(|(name, topics)| Protocol {
            name: name.into(),
            metadata: if protocol_type == "consumer" && topics != "garbage" {
                subscription(&topics)
            } else {
                Bytes::from(topics)
            },
        });
        Ok(Request::Join(Join {
            group_id,
            client_id: args.next()?.into(),
            client_host: "/127.0.0.1".into(),
            member_id: lengthen(&args.take("id").unwrap_or_default()).into(),
            group_instance_id: args.take("instance").map(Name::from),
            new_member_uuid: Uuid::from_u128(self.joins),
            session_timeout_ms: args.number("session_ms", 10_000)?,
            rebalance_timeout_ms: args.number("rebalance_ms", 60_000)?,
            protocols: protocols.collect(),
            protocol_type: protocol_type.into(),
            reason: None,
            api_version: args.number("version", 9)?,
        }))
    }

    /// Moves the clock, and reports what happens on the way.
    fn advance(&mut self, by_ms: i64) -> Result<String> {
        let until_ms = self.now_ms + by_ms;
        let mut output = String::new();
        while let Some(due_ms) = self.coordinator().next_timer_ms().filter(|due| *due <= until_ms) {
            let now_ms = due_ms.max(self.now_ms);
            self.now_ms = now_ms;
            let effects = self.coordinator().tick(now_ms);
            let happened = self.show(effects)?;
            if !happened.is_empty() {
                write!(output, "at {now_ms} ms:\n{happened}")?;
            }
        }
        self.now_ms = until_ms;
        Ok(output)
    }

    /// The oldest write that is held ends.
    fn written(&mut self, args: &mut Args) -> Result<String> {
        let result = match args.take("error").as_deref() {
            None => Ok(()),
            Some("replicas") => Err(WriteError::NotEnoughReplicas),
            Some("leader") => Err(WriteError::NotLeader),
            Some("size") => Err(WriteError::TooLarge),
            Some(other) => return Err(format!("unknown error {other}").into()),
        };
        let write = self.held.pop_front().ok_or("no write is held")?;
        if result.is_ok() {
            self.log.extend(write.records);
        }
        let now_ms = self.now_ms;
        let effects = self.coordinator().written(write.id, result, now_ms);
        self.show(effects)
    }

    /// Another broker takes over: everything but the log is lost.
    fn reload(&mut self) -> Result<String> {
        let mut output = self.unload()?;
        output.push_str(&self.loading()?);
        Ok(output)
    }

    fn unload(&mut self) -> Result<String> {
        let replies = self.coordinator.take().map(Coordinator::unload).unwrap_or_default();
        self.held.clear();
        self.show(Effects { replies, writes: Vec::new() })
    }

    fn loading(&mut self) -> Result<String> {
        let mut loading = Loading::new(self.config.clone());
        for record in &self.log {
            loading.replay(&record.key, record.value.as_ref())?;
        }
        let (coordinator, effects) = loading.finish(self.now_ms);
        self.coordinator = Some(coordinator);
        self.show(effects)
    }

    /// Reports effects, and carries writes out unless they are held.
    fn show(&mut self, effects: Effects) -> Result<String> {
        let mut output = String::new();
        for (token, reply) in &effects.replies {
            writeln!(output, "#{} {}", token.0, show_reply(reply))?;
        }
        for write in effects.writes {
            let records: Vec<String> = write.records.iter().map(show_record).collect();
            writeln!(output, "write {}: {}", write.id.0, records.join("; "))?;
            if self.holds_writes {
                self.held.push_back(write);
                continue;
            }
            self.log.extend(write.records);
            let now_ms = self.now_ms;
            let effects = self.coordinator().written(write.id, Ok(()), now_ms);
            output.push_str(&self.show(effects)?);
        }
        Ok(shorten(&output))
    }
}

/// `commit GROUP TOPIC/PARTITION=OFFSET ... [member=] [generation=] ...`
fn commit(args: &mut Args) -> Result<Request> {
    let group_id = args.next()?.into();
    let member_id = lengthen(&args.take("member").unwrap_or_default()).into();
    let generation_id = args.number("generation", -1)?;
    let group_instance_id = args.take("instance").map(Name::from);
    let retention_time_ms = args.take("retention_ms").map(|ms| ms.parse()).transpose()?;
    let api_version = args.number("version", 9)?;
    let metadata = args.take("metadata").unwrap_or_default();
    let topic_id = id(args.number("id", 0)?);
    let leader_epoch = args.number("epoch", -1)?;
    let mut topics = Vec::new();
    for (partition, offset) in std::mem::take(&mut args.1) {
        let (topic, partition) = partition.split_once('/').ok_or(partition.clone())?;
        let partition = CommitPartition {
            partition: partition.parse()?,
            offset: offset.parse()?,
            leader_epoch,
            metadata: metadata.clone(),
        };
        topics.push(TopicPartitions { topic: topic.into(), topic_id, partitions: vec![partition] });
    }
    Ok(Request::CommitOffsets(CommitOffsets {
        group_id,
        generation_id,
        member_id,
        group_instance_id,
        retention_time_ms,
        topics,
        api_version,
    }))
}

fn topics(args: &mut Args, topic_id: Uuid) -> Result<Vec<TopicPartitions<i32>>> {
    let partitions = std::mem::take(&mut args.0).into_iter().map(|partition| {
        let (topic, partition) = partition.split_once('/').ok_or(partition.clone())?;
        let partitions = vec![partition.parse()?];
        Ok(TopicPartitions { topic: topic.into(), topic_id, partitions })
    });
    partitions.collect()
}

fn rest(args: &mut Args) -> Vec<Name> {
    std::mem::take(&mut args.0).into_iter().map(Name::from).collect()
}

/// A member id; `_` is none.
fn member(args: &mut Args) -> Result<Name> {
    let id = args.next()?;
    Ok(if id == "_" { Name::default() } else { lengthen(&id).into() })
}

fn pairs(list: Option<String>) -> Vec<(String, String)> {
    let list = list.unwrap_or_default();
    let items = list.split('/').filter(|item| !item.is_empty());
    let pair = |item: &str| {
        let (left, right) = item.split_once('@').unwrap_or((item, ""));
        (left.to_owned(), right.to_owned())
    };
    items.map(pair).collect()
}

/// What a consumer says it subscribes to: version 1 of the protocol.
fn subscription(topics: &str) -> Bytes {
    let subscription = kafka::messages::ConsumerProtocolSubscription {
        topics: topics.split('.').filter(|it| !it.is_empty()).map(kafka::Str::from).collect(),
        ..Default::default()
    };
    subscription.to_versioned(1).unwrap()
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// `a-1` becomes `a-00000000-0000-0000-0000-000000000001`.
fn lengthen(id: &str) -> String {
    match id.rsplit_once('-') {
        Some((client, number)) => match number.parse() {
            Ok(number) => format!("{client}-{}", Uuid::from_u128(number)),
            Err(_) => id.to_owned(),
        },
        None => id.to_owned(),
    }
}

/// The reverse, anywhere in a text.
fn shorten(text: &str) -> String {
    (0..40).rev().fold(text.to_owned(), |text, number| {
        text.replace(&Uuid::from_u128(number).to_string(), &number.to_string())
    })
}

fn show_reply(reply: &Reply) -> String {
    match reply {
        Reply::Join(JoinReply { member_id, result }) => match result {
            Err(error) => format!("join {member_id:?}: {}", show_error(*error)),
            Ok(joined) => {
                let protocol_type = joined.protocol_type.as_deref().unwrap_or("null");
                let protocol_name = joined.protocol_name.as_deref().unwrap_or("null");
                let members = joined.members.iter().map(|member| match &member.group_instance_id {
                    Some(instance) => format!("{}({instance})", member.member_id),
                    None => member.member_id.to_string(),
                });
                let skip = if joined.skip_assignment { " skip_assignment" } else { "" };
                format!(
                    "join {member_id}: generation={} {protocol_type}/{protocol_name} leader={} \
                     members=[{}]{skip}",
                    joined.generation_id,
                    joined.leader,
                    members.collect::<Vec<_>>().join(" "),
                )
            }
        },
        Reply::Sync(Ok(synced)) => format!("sync: {:?}", synced.assignment),
        Reply::Sync(Err(error)) => format!("sync: {}", show_error(*error)),
        Reply::Heartbeat(result) => format!("heartbeat: {}", show_result(*result)),
        Reply::Leave(Err(error)) => format!("leave: {}", show_error(*error)),
        Reply::Leave(Ok(members)) => {
            let members = members
                .iter()
                .map(|member| format!("{:?} {}", member.member_id, show_result(member.result)));
            format!("leave: {}", members.collect::<Vec<_>>().join(", "))
        }
        Reply::CommitOffsets(topics) => format!("commit: {}", show_results(topics)),
        Reply::FetchOffsets(Err(error)) => format!("fetch: {}", show_error(*error)),
        Reply::FetchOffsets(Ok(topics)) => {
            let mut found = Vec::new();
            for topic in topics {
                for offset in &topic.partitions {
                    let mut line =
                        format!("{}/{}={}", topic.topic, offset.partition, offset.offset);
                    if offset.leader_epoch >= 0 {
                        write!(line, " epoch={}", offset.leader_epoch).unwrap();
                    }
                    if !offset.metadata.is_empty() {
                        write!(line, " {:?}", offset.metadata).unwrap();
                    }
                    found.push(line);
                }
            }
            format!("fetch: [{}]", found.join(", "))
        }
        Reply::DeleteOffsets(Err(error)) => format!("delete_offsets: {}", show_error(*error)),
        Reply::DeleteOffsets(Ok(topics)) => format!("delete_offsets: {}", show_results(topics)),
        Reply::DeleteGroups(groups) => {
            let groups = groups.iter().map(|(id, result)| format!("{id} {}", show_result(*result)));
            format!("delete_groups: {}", groups.collect::<Vec<_>>().join(", "))
        }
        Reply::DescribeGroups(groups) => {
            let mut output = "describe:".to_owned();
            for (id, group) in groups {
                let group = match group {
                    Ok(group) => group,
                    Err(error) => {
                        write!(output, "\n  {id} {}", show_error(*error)).unwrap();
                        continue;
                    }
                };
                write!(
                    output,
                    "\n  {id} {} {}/{}",
                    group.state.as_str(),
                    group.protocol_type,
                    group.protocol_name
                )
                .unwrap();
                for member in &group.members {
                    write!(
                        output,
                        "\n    {} instance={:?} client={} host={} metadata={:?} assignment={:?}",
                        member.member_id,
                        member.group_instance_id,
                        member.client_id,
                        member.client_host,
                        member.metadata,
                        member.assignment
                    )
                    .unwrap();
                }
            }
            output
        }
        Reply::ListGroups(Err(error)) => format!("list: {}", show_error(*error)),
        Reply::ListGroups(Ok(groups)) => {
            let groups = groups.iter().map(|group| {
                format!("{} {:?} {}", group.group_id, group.protocol_type, group.state.as_str())
            });
            format!("list: [{}]", groups.collect::<Vec<_>>().join(", "))
        }
    }
}

fn show_results(topics: &[TopicPartitions<PartitionResult>]) -> String {
    let results = topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            format!("{}/{} {}", topic.topic, partition.partition, show_result(partition.result))
        })
    });
    results.collect::<Vec<_>>().join(", ")
}

fn show_result(result: std::result::Result<(), GroupError>) -> &'static str {
    result.map_or_else(show_error, |()| "ok")
}

fn show_error(error: GroupError) -> &'static str {
    ErrorCode::from(error).name()
}

/// Reads a record as a tool would, without this crate.
fn show_record(record: &Record) -> String {
    match OffsetsKey::from_bytes(record.key.clone()).unwrap() {
        OffsetsKey::OffsetCommit(key) => {
            let partition = format!("offset {} {}/{}", key.group, key.topic, key.partition);
            let Some(value) = &record.value else { return format!("{partition} deleted") };
            let version = value[1];
            let value = OffsetCommitValue::from_versioned(value.clone()).unwrap();
            let mut line = format!("{partition}={} v{version}", value.offset);
            if value.leader_epoch >= 0 {
                write!(line, " epoch={}", value.leader_epoch).unwrap();
            }
            if value.expire_timestamp >= 0 {
                write!(line, " expires={}", value.expire_timestamp).unwrap();
            }
            line
        }
        OffsetsKey::GroupMetadata(key) => {
            let Some(value) = &record.value else { return format!("group {} deleted", key.group) };
            let version = value[1];
            let value = GroupMetadataValue::from_versioned(value.clone()).unwrap();
            let members = value.members.iter().map(|member| {
                let instance = member.group_instance_id.as_ref();
                let instance = instance.map(|id| format!("({id})")).unwrap_or_default();
                format!("{}{instance}={:?}", member.member_id, member.assignment)
            });
            format!(
                "group {} v{version} generation={} {:?}/{} leader={} members=[{}]",
                key.group,
                value.generation,
                value.protocol_type,
                value.protocol.as_deref().unwrap_or("null"),
                value.leader.as_deref().unwrap_or("null"),
                members.collect::<Vec<_>>().join(" "),
            )
        }
        OffsetsKey::Unknown(kind) => format!("unknown {kind}"),
    }
}
