//! `janus groups`: consumer groups, their members, their offsets and how far they lag.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use kafka::Data;
use kafka::messages::consumer_group_describe::TopicPartitions;
use kafka::messages::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use kafka::messages::offset_fetch::OffsetFetchRequestGroup;
use kafka::messages::{
    ConsumerGroupDescribeRequest, ConsumerProtocolAssignment, DeleteGroupsRequest,
    DeleteGroupsResponse, DescribeGroupsRequest, ListGroupsRequest, MetadataResponse,
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest,
};
use serde::Serialize;
use serde_json::json;

use crate::Usage;
use crate::arguments::Common;
use crate::client::{Client, EARLIEST, LATEST, Offsets, PartitionName, check};
use crate::output::{Output, Table};

/// List, describe and delete consumer groups; reset their offsets
#[derive(Debug, Subcommand)]
pub(crate) enum Groups {
    List(List),
    Describe(Describe),
    Delete(Delete),
    ResetOffsets(ResetOffsets),
}

/// List consumer groups
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus groups list")]
pub(crate) struct List {}

/// Show what a group has read, how far it lags, and who its members are
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus groups describe billing\n  \
    janus groups describe billing --members")]
pub(crate) struct Describe {
    group: String,
    /// Show members instead of offsets
    #[arg(long)]
    members: bool,
}

/// Delete groups that have no members
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus groups delete billing")]
pub(crate) struct Delete {
    #[arg(required = true)]
    groups: Vec<String>,
}

/// Move the offsets of a group that has no members
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  janus groups reset-offsets billing --topic orders --to earliest\n  \
    janus groups reset-offsets billing --topic orders --partition 0 --to +100 --dry-run"
)]
pub(crate) struct ResetOffsets {
    group: String,
    #[arg(long)]
    topic: String,
    /// Only this partition
    #[arg(long, value_name = "P")]
    partition: Option<i32>,
    /// earliest, latest, an offset, +N or -N from where the group is, or @MILLISECONDS
    #[arg(long, value_name = "WHERE", value_parser = Place::parse, allow_hyphen_values = true)]
    to: Place,
    /// Only show what would be committed
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Description {
    group: String,
    state: String,
    protocol: String,
    coordinator: i32,
    members: Vec<Member>,
    offsets: Vec<PartitionOffset>,
    /// Over all partitions whose lag is known.
    lag: i64,
}

#[derive(Debug, Serialize)]
struct Member {
    id: String,
    client_id: String,
    host: String,
    #[serde(serialize_with = "as_names")]
    partitions: Vec<PartitionName>,
}

#[derive(Debug, Serialize)]
struct PartitionOffset {
    topic: String,
    partition: i32,
    committed: Option<i64>,
    end: Option<i64>,
    lag: Option<i64>,
    member: Option<String>,
}

impl Groups {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        match self {
            Self::List(it) => it.run(common).await,
            Self::Describe(it) => it.run(common).await,
            Self::Delete(it) => it.run(common).await,
            Self::ResetOffsets(it) => it.run(common).await,
        }
    }
}

impl List {
    async fn run(self, common: &Common) -> Result<()> {
        let mut client = common.client().await?;
        let mut groups = BTreeMap::new();
        let brokers: Vec<i32> = client.brokers().collect();
        // Each broker knows the groups that it coordinates.
        for broker in brokers {
            let response = client.call_broker(broker, &ListGroupsRequest::default()).await?;
            check(format!("list the groups of broker {broker}"), response.error_code, None)?;
            for group in response.groups {
                let (state, kind) = (group.group_state.to_string(), group.group_type.to_string());
                let protocol = group.protocol_type.to_string();
                groups.insert(group.group_id.to_string(), (broker, state, kind, protocol));
            }
        }
        let document: Vec<_> = groups
            .iter()
            .map(|(group, (coordinator, state, kind, protocol))| {
                json!({
                    "group": group,
                    "state": state,
                    "type": kind,
                    "protocol": protocol,
                    "coordinator": coordinator,
                })
            })
            .collect();
        Ok(common.output().show(&document, || {
            let mut table = Table::new(["group", "state", "type", "protocol", "coordinator"]);
            for (group, (broker, state, kind, protocol)) in &groups {
                let cells = [group, state, kind, protocol].map(String::clone);
                let [group, state, kind, protocol] = cells;
                table.row([group, state, kind, protocol, broker.to_string()]);
            }
            table
        })?)
    }
}

impl Describe {
    async fn run(self, common: &Common) -> Result<()> {
        let mut client = common.client().await?;
        let description = describe(&mut client, &self.group).await?;
        Ok(common.output().show(&description, || match self.members {
            true => member_table(&description),
            false => offset_table(&description),
        })?)
    }
}

async fn describe(client: &mut Client, group: &str) -> Result<Description> {
    let coordinator = client.coordinator(group).await?;
    let mut description = match describe_consumer(client, coordinator, group).await? {
        Some(description) => description,
        None => describe_classic(client, coordinator, group).await?,
    };
    let committed = committed(client, coordinator, group).await?;
    let assigned = description.members.iter().flat_map(|member| member.partitions.iter().cloned());
    let names: BTreeSet<PartitionName> = committed.keys().cloned().chain(assigned).collect();
    let topics: BTreeSet<String> = names.iter().map(|(topic, _)| topic.clone()).collect();
    let topics: Vec<String> = topics.into_iter().collect();
    let metadata = client.metadata(Some(&topics)).await?;
    let ends = client.offsets(&metadata, LATEST).await?;
    let offsets: Vec<PartitionOffset> = names
        .into_iter()
        .map(|name| {
            let owns = |member: &&Member| member.partitions.contains(&name);
            let committed = committed.get(&name).copied();
            let end = ends.get(&name).and_then(|end| end.as_ref().ok()).copied();
            PartitionOffset {
                committed,
                end,
                lag: committed.zip(end).map(|(committed, end)| (end - committed).max(0)),
                member: description.members.iter().find(owns).map(|member| member.id.clone()),
                topic: name.0,
                partition: name.1,
            }
        })
        .collect();
    description.lag = offsets.iter().filter_map(|offset| offset.lag).sum();
    description.offsets = offsets;
    Ok(description)
}

/// `None`: the group is of the classic kind, or the broker does not know the newer one (KIP-848).
async fn describe_consumer(
    client: &mut Client,
    coordinator: i32,
    group: &str,
) -> Result<Option<Description>> {
    let request =
        ConsumerGroupDescribeRequest { group_ids: vec![group.into()], ..Default::default() };
    let Ok(response) = client.call_broker(coordinator, &request).await else { return Ok(None) };
    let Some(found) = response.groups.into_iter().next().filter(|it| it.error_code == 0) else {
        return Ok(None);
    };
    let names = |topics: &[TopicPartitions]| {
        let all = topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|partition| (topic.topic_name.to_string(), *partition))
        });
        all.collect()
    };
    let members = found.members.iter().map(|member| Member {
        id: member.member_id.to_string(),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        partitions: names(&member.assignment.topic_partitions),
    });
    Ok(Some(Description {
        group: group.to_owned(),
        state: found.group_state.to_string(),
        protocol: found.assignor_name.to_string(),
        coordinator,
        members: members.collect(),
        offsets: Vec::new(),
        lag: 0,
    }))
}

async fn describe_classic(
    client: &mut Client,
    coordinator: i32,
    group: &str,
) -> Result<Description> {
    let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
    let response = client.call_broker(coordinator, &request).await?;
    let found = response.groups.into_iter().next().context("the answer names no group")?;
    let what = format!("describe group '{group}'");
    check(&what, found.error_code, found.error_message.as_deref())?;
    // Older brokers answer so for a group that does not exist.
    if found.group_state == "Dead" {
        bail!("{what}: there is no such group; `janus groups list` names those there are");
    }
    let members = found.members.iter().map(|member| Member {
        id: member.member_id.to_string(),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        partitions: assigned(member.member_assignment.clone()),
    });
    Ok(Description {
        group: group.to_owned(),
        state: found.group_state.to_string(),
        protocol: found.protocol_data.to_string(),
        coordinator,
        members: members.collect(),
        offsets: Vec::new(),
        lag: 0,
    })
}

/// The partitions in a member's assignment; none where the bytes are of another protocol.
fn assigned(bytes: bytes::Bytes) -> Vec<PartitionName> {
    let Ok(assignment) = ConsumerProtocolAssignment::from_versioned(bytes) else {
        return Vec::new();
    };
    let topics = assignment
        .assigned_partitions
        .iter()
        .flat_map(|it| it.partitions.iter().map(|partition| (it.topic.to_string(), *partition)));
    topics.collect()
}

/// `topic-partition`, as people write it.
fn names(partitions: &[PartitionName]) -> Vec<String> {
    partitions.iter().map(|(topic, partition)| format!("{topic}-{partition}")).collect()
}

fn as_names<S: serde::Serializer>(
    partitions: &[PartitionName],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    names(partitions).serialize(serializer)
}

/// Every offset that a group has committed.
async fn committed(
    client: &mut Client,
    coordinator: i32,
    group: &str,
) -> Result<BTreeMap<PartitionName, i64>> {
    let metadata = client.metadata(None).await?;
    let wanted =
        OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![wanted], ..Default::default() };
    let response = client.call_broker(coordinator, &request).await?;
    let found = response.groups.first().context("the answer names no group")?;
    check(format!("read the offsets of group '{group}'"), found.error_code, None)?;
    let mut committed = BTreeMap::new();
    for topic in &found.topics {
        // Newer versions name a topic by its id only.
        let named = metadata.topics.iter().find(|it| it.topic_id == topic.topic_id);
        let name = match named.and_then(|topic| topic.name.as_ref()) {
            Some(name) if topic.name.is_empty() => name.to_string(),
            _ => topic.name.to_string(),
        };
        for partition in topic.partitions.iter().filter(|it| it.committed_offset >= 0) {
            committed.insert((name.clone(), partition.partition_index), partition.committed_offset);
        }
    }
    Ok(committed)
}

fn offset_table(description: &Description) -> Table {
    let mut table = Table::new(["topic", "partition", "committed", "end", "lag", "member"]);
    let dash = || "-".to_owned();
    let number = |value: Option<i64>| value.map_or_else(dash, |value| value.to_string());
    for it in &description.offsets {
        table.row([
            it.topic.clone(),
            it.partition.to_string(),
            number(it.committed),
            number(it.end),
            number(it.lag),
            it.member.clone().unwrap_or_else(dash),
        ]);
    }
    caption(&mut table, description);
    table
}

fn member_table(description: &Description) -> Table {
    let mut table = Table::new(["member", "client", "host", "partitions"]);
    for it in &description.members {
        let (id, client, host) = (it.id.clone(), it.client_id.clone(), it.host.clone());
        table.row([id, client, host, names(&it.partitions).join(",")]);
    }
    caption(&mut table, description);
    table
}

fn caption(table: &mut Table, description: &Description) {
    table.title(format!(
        "group {}, {}, {} members, coordinator {}",
        description.group,
        description.state,
        description.members.len(),
        description.coordinator
    ));
    table.footer(format!("{} records behind", description.lag));
}

impl Delete {
    async fn run(self, common: &Common) -> Result<()> {
        let mut client = common.client().await?;
        for group in &self.groups {
            let request = DeleteGroupsRequest { groups_names: vec![group.as_str().into()] };
            let code = |response: &DeleteGroupsResponse| {
                response.results.first().map_or(0, |result| result.error_code)
            };
            let response = client.call_coordinator(group, &request, code).await?;
            let result = response.results.first().context("the answer names no group")?;
            check(format!("delete group '{group}'"), result.error_code, None)?;
        }
        let document = json!({ "deleted": self.groups });
        Ok(common.output().say(&document, || format!("deleted {}", self.groups.join(", ")))?)
    }
}

/// Where `reset-offsets` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Earliest,
    Latest,
    Offset(i64),
    /// From where the group is.
    Shift(i64),
    /// The first record at or after this time.
    TimestampMs(i64),
}

impl Place {
    fn parse(text: &str) -> Result<Self, Usage> {
        let place = match text {
            "earliest" => Some(Self::Earliest),
            "latest" => Some(Self::Latest),
            _ => match text.as_bytes().first() {
                Some(b'+' | b'-') => text.parse().ok().map(Self::Shift),
                Some(b'@') => text[1..].parse().ok().filter(|it| *it >= 0).map(Self::TimestampMs),
                _ => text.parse().ok().map(Self::Offset),
            },
        };
        place
            .ok_or_else(|| Usage::new("give earliest, latest, an offset, +N, -N, or @MILLISECONDS"))
    }
}

impl ResetOffsets {
    async fn run(self, common: &Common) -> Result<()> {
        let mut client = common.client().await?;
        let mut metadata = client.metadata(Some(std::slice::from_ref(&self.topic))).await?;
        self.narrow(&mut metadata)?;
        let coordinator = client.coordinator(&self.group).await?;
        let before = committed(&mut client, coordinator, &self.group).await?;
        let first = known(client.offsets(&metadata, EARLIEST).await?)?;
        let end = known(client.offsets(&metadata, LATEST).await?)?;
        let wanted = match self.to {
            Place::TimestampMs(timestamp_ms) => {
                known(client.offsets(&metadata, timestamp_ms).await?)?
            }
            _ => BTreeMap::new(),
        };
        let mut after = BTreeMap::new();
        for (name, end) in &end {
            let first = first.get(name).copied().unwrap_or(0);
            let target = match self.to {
                Place::Earliest => first,
                Place::Latest => *end,
                Place::Offset(offset) => offset,
                Place::Shift(by) => before.get(name).copied().unwrap_or(first).saturating_add(by),
                // -1: no record is that young.
                Place::TimestampMs(_) => {
                    wanted.get(name).copied().filter(|it| *it >= 0).unwrap_or(*end)
                }
            };
            after.insert(name.clone(), target.clamp(first, *end));
        }
        if !self.dry_run {
            self.commit(&mut client, &metadata, &after).await?;
        }
        show_reset(&common.output(), &before, &after)
    }

    /// Leaves only the partitions that are meant.
    fn narrow(&self, metadata: &mut MetadataResponse) -> Result<()> {
        let topic = metadata.topics.first_mut().context("the answer names no topic")?;
        check(format!("find topic '{}'", self.topic), topic.error_code, None)?;
        if let Some(partition) = self.partition {
            topic.partitions.retain(|it| it.partition_index == partition);
            if topic.partitions.is_empty() {
                bail!("topic '{}' has no partition {partition}", self.topic);
            }
        }
        Ok(())
    }

    async fn commit(
        &self,
        client: &mut Client,
        metadata: &MetadataResponse,
        offsets: &BTreeMap<PartitionName, i64>,
    ) -> Result<()> {
        let partitions = offsets.iter().map(|((_, partition), offset)| {
            OffsetCommitRequestPartition {
                partition_index: *partition,
                committed_offset: *offset,
                // Some brokers want metadata to be there, if only empty.
                committed_metadata: Some("".into()),
                ..Default::default()
            }
        });
        let topic = OffsetCommitRequestTopic {
            name: self.topic.as_str().into(),
            topic_id: metadata.topics.first().map(|topic| topic.topic_id).unwrap_or_default(),
            partitions: partitions.collect(),
        };
        let request = OffsetCommitRequest {
            group_id: self.group.as_str().into(),
            topics: vec![topic],
            ..Default::default()
        };
        let code = |response: &OffsetCommitResponse| {
            let partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
            partitions.map(|partition| partition.error_code).find(|code| *code != 0).unwrap_or(0)
        };
        let response = client.call_coordinator(&self.group, &request, code).await?;
        for partition in response.topics.iter().flat_map(|topic| &topic.partitions) {
            let what = format!(
                "commit offset of {}-{} for group '{}'",
                self.topic, partition.partition_index, self.group
            );
            check(what, partition.error_code, None)?;
        }
        Ok(())
    }
}

/// Offsets of all partitions, or the first error.
fn known(offsets: Offsets) -> Result<BTreeMap<PartitionName, i64>> {
    let each = offsets.into_iter().map(|((topic, partition), offset)| match offset {
        Ok(offset) => Ok(((topic, partition), offset)),
        Err(error) => bail!("find the offsets of {topic}-{partition}: {error}"),
    });
    each.collect()
}

fn show_reset(
    output: &Output,
    before: &BTreeMap<PartitionName, i64>,
    after: &BTreeMap<PartitionName, i64>,
) -> Result<()> {
    let document: Vec<_> = after
        .iter()
        .map(|((topic, partition), offset)| {
            let before = before.get(&(topic.clone(), *partition));
            json!({ "topic": topic, "partition": partition, "before": before, "after": offset })
        })
        .collect();
    Ok(output.show(&document, || {
        let mut table = Table::new(["topic", "partition", "before", "after"]);
        for ((topic, partition), offset) in after {
            let before = before.get(&(topic.clone(), *partition));
            let before = before.map_or_else(|| "-".to_owned(), i64::to_string);
            table.row([topic.clone(), partition.to_string(), before, offset.to_string()]);
        }
        table
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_a_number_a_shift_or_a_time() {
        assert_eq!(Place::parse("earliest").unwrap(), Place::Earliest);
        assert_eq!(Place::parse("17").unwrap(), Place::Offset(17));
        assert_eq!(Place::parse("+5").unwrap(), Place::Shift(5));
        assert_eq!(Place::parse("-5").unwrap(), Place::Shift(-5));
        assert_eq!(Place::parse("@1700000000000").unwrap(), Place::TimestampMs(1_700_000_000_000));
        for wrong in ["", "@", "@-1", "late", "+"] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }
}
