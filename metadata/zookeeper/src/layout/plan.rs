//! What to write so that one image becomes another, cut into transactions that the ensemble takes.
//!
//! Nearly always that is one transaction. JSON is larger than our own encoding, so a large batch can
//! exceed what one transaction holds; then it becomes an ordered series of them, each of which leaves
//! the tree as some prefix of the records would. The removal of a large topic makes it invisible
//! with the first transaction; the rest only cleans up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use metadata::{ClusterImage, ConfigResource, Partition, Record};

use super::{Znode, json, partition_path, partitions_path};

/// The longest packet that a server takes by default (`jute.maxbuffer`).
const PACKET_BYTES_MAX: usize = 0xf_ffff;
/// What a transaction has beyond its changes: headers, the fence and the offset.
const OVERHEAD_BYTES: usize = 1024;
/// Room for the changes of one transaction.
pub(crate) const CHANGES_BYTES_MAX: usize = PACKET_BYTES_MAX - OVERHEAD_BYTES;

/// What happens to one znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Create { path: String, data: Vec<u8> },
    Set { path: String, data: Vec<u8> },
    Delete { path: String },
}

impl Change {
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Create { path, .. } | Self::Set { path, .. } | Self::Delete { path } => path,
        }
    }

    /// Bytes that this takes in a transaction, as jute encodes it.
    pub(crate) fn encoded_len(&self, chroot: &str) -> usize {
        // Kind, end mark and error code; the lengths of path and value; then what is the kind's
        // own: everybody's access and flags, or a version.
        const HEADER: usize = 4 + 1 + 4;
        const ACCESS: usize = 4 + (4 + 4 + "world".len() + 4 + "anyone".len());
        let path = 4 + chroot.len() + self.path().len();
        HEADER
            + path
            + match self {
                Self::Create { data, .. } => 4 + data.len() + ACCESS + 4,
                Self::Set { data, .. } => 4 + data.len() + 4,
                Self::Delete { .. } => 4,
            }
    }
}

/// One transaction, and the image that the tree shows after it.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) changes: Vec<Change>,
    pub(crate) image: ClusterImage,
}

/// One entity needs more than a transaction holds.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path} would take {bytes} bytes, more than the {room} that fit into a transaction")]
pub(crate) struct TooLarge {
    path: String,
    bytes: usize,
    room: usize,
}

/// The bounds of a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'a> {
    /// Stands before every path.
    pub(crate) chroot: &'a str,
    /// For the changes of one transaction.
    pub(crate) bytes_max: usize,
}

impl Limits<'_> {
    fn bytes(&self, changes: &[Change]) -> usize {
        changes.iter().map(|change| change.encoded_len(self.chroot)).sum()
    }
}

/// The transactions that apply records to the tree of an image, at least one. `term` is the
/// controller epoch under which they are written.
pub(crate) fn plan(
    before: &ClusterImage,
    records: &[Record],
    term: u64,
    limits: Limits<'_>,
) -> Result<Vec<Step>, TooLarge> {
    let mut image = before.clone();
    records.iter().for_each(|record| image.apply(record));
    let changes = changes(before, &image, term);
    let bytes = limits.bytes(&changes);
    if bytes <= limits.bytes_max {
        return Ok(vec![Step { changes, image }]);
    }
    match records {
        [Record::TopicRemoved(name)] => remove_in_steps(name, changes, image, limits),
        [] | [_] => {
            let largest = changes.iter().max_by_key(|change| change.encoded_len(""));
            let path = largest.map_or_else(String::new, |change| change.path().to_owned());
            Err(TooLarge { path, bytes, room: limits.bytes_max })
        }
        _ => {
            let pieces = bytes.div_ceil(limits.bytes_max).clamp(2, records.len());
            let (mut steps, mut reached) = (Vec::new(), before.clone());
            for piece in records.chunks(records.len().div_ceil(pieces)) {
                let planned = plan(&reached, piece, term, limits)?;
                reached = planned.last().map_or(reached, |step| step.image.clone());
                steps.extend(planned);
            }
            Ok(steps)
        }
    }
}

/// Makes a topic an empty one that is not complete, then removes what nobody sees any more.
fn remove_in_steps(
    name: &Arc<str>,
    changes: Vec<Change>,
    image: ClusterImage,
    limits: Limits<'_>,
) -> Result<Vec<Step>, TooLarge> {
    let path = Znode::Config(ConfigResource::Topic(name.clone())).path();
    let (visible, hidden): (Vec<_>, Vec<_>) =
        changes.into_iter().partition(|change| change.path() == path);
    let topic = Znode::Topic(name.clone()).path();
    let mut first = vec![Change::Set { path: topic, data: json::topic(None, [].into_iter()) }];
    first.extend(visible);
    let mut steps = vec![Step { changes: first, image: image.clone() }];
    for changes in chunks(hidden, limits) {
        steps.push(Step { changes, image: image.clone() });
    }
    Ok(steps)
}

/// Cuts changes that may be made one after the other.
pub(crate) fn chunks(changes: Vec<Change>, limits: Limits<'_>) -> Vec<Vec<Change>> {
    let mut chunks = Vec::new();
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for change in changes {
        let len = change.encoded_len(limits.chroot);
        if bytes + len > limits.bytes_max && !chunk.is_empty() {
            chunks.push(std::mem::take(&mut chunk));
            bytes = 0;
        }
        bytes += len;
        chunk.push(change);
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}

/// The difference between the trees of two images, in an order in which it can be made: parents
/// appear before their children and go after them. The cost follows what changed.
pub(crate) fn changes(before: &ClusterImage, after: &ClusterImage, term: u64) -> Vec<Change> {
    let mut changes = Vec::new();
    singles(before, after, &mut changes);
    differences(&before.brokers, &after.brokers, &mut changes, |id, value| {
        (Znode::Broker(*id), value.map(|it| json::broker(it)))
    });
    differences(&before.controllers, &after.controllers, &mut changes, |id, value| {
        (Znode::Controller(*id), value.map(|it| json::controller(it)))
    });
    configs(before, after, &mut changes);
    topics(before, after, term, &mut changes);
    changes
}

fn put(exists: bool, znode: &Znode, data: Vec<u8>) -> Change {
    let path = znode.path();
    if exists { Change::Set { path, data } } else { Change::Create { path, data } }
}

fn singles(before: &ClusterImage, after: &ClusterImage, changes: &mut Vec<Change>) {
    if let Some(id) = &after.cluster_id
        && before.cluster_id != after.cluster_id
    {
        changes.push(put(before.cluster_id.is_some(), &Znode::ClusterId, json::cluster_id(id)));
    }
    if let Some(ids) = &after.producer_ids
        && before.producer_ids != after.producer_ids
    {
        // Always there, as in Kafka.
        changes.push(put(true, &Znode::ProducerIds, json::producer_ids(ids)));
    }
    if let Some(mode) = &after.mode
        && before.mode != after.mode
    {
        changes.push(put(before.mode.is_some(), &Znode::Mode, json::mode(mode)));
    }
    if before.features != after.features {
        changes.push(put(true, &Znode::Features, json::features(after)));
    }
}

/// Topics have a znode for their configuration even when there is none, as in Kafka.
fn configs(before: &ClusterImage, after: &ClusterImage, changes: &mut Vec<Change>) {
    let mut touched = BTreeSet::new();
    for item in before.configs.diff(&after.configs) {
        let (DiffItem::Add(resource, _)
        | DiffItem::Remove(resource, _)
        | DiffItem::Update { new: (resource, _), .. }) = item;
        touched.insert(resource.clone());
    }
    for item in before.topics.diff(&after.topics) {
        if let DiffItem::Add(name, _) | DiffItem::Remove(name, _) = item {
            touched.insert(ConfigResource::Topic(name.clone()));
        }
    }
    for resource in touched {
        let (was, is) = (has_config(before, &resource), has_config(after, &resource));
        let values = after.configs.get(&resource).map(|it| (**it).clone()).unwrap_or_default();
        let znode = Znode::Config(resource);
        match is {
            true => changes.push(put(was, &znode, json::config(&values))),
            false => changes.push(Change::Delete { path: znode.path() }),
        }
    }
}

/// Whether the tree of an image has a znode for this.
fn has_config(image: &ClusterImage, resource: &ConfigResource) -> bool {
    let is_topic = match resource {
        ConfigResource::Topic(name) => image.topics.contains_key(name),
        _ => false,
    };
    is_topic || image.configs.contains_key(resource)
}

/// One znode for every entry of a map.
fn differences<K: Ord, V: PartialEq>(
    before: &OrdMap<K, V>,
    after: &OrdMap<K, V>,
    changes: &mut Vec<Change>,
    znode: impl Fn(&K, Option<&V>) -> (Znode, Option<Vec<u8>>),
) {
    for item in before.diff(after) {
        let (exists, (znode, data)) = match item {
            DiffItem::Add(key, value) => (false, znode(key, Some(value))),
            DiffItem::Update { new: (key, value), .. } => (true, znode(key, Some(value))),
            DiffItem::Remove(key, _) => (true, znode(key, None)),
        };
        changes.push(match data {
            Some(data) => put(exists, &znode, data),
            None => Change::Delete { path: znode.path() },
        });
    }
}

/// What happened to one topic and its partitions.
#[derive(Default)]
struct TopicDifference<'a> {
    /// The topic's own znode has another value.
    assignments_changed: bool,
    /// Partitions whose state must be written, and whether they are there already.
    written: Vec<(bool, &'a Partition)>,
    removed: Vec<&'a Partition>,
}

fn topics(before: &ClusterImage, after: &ClusterImage, term: u64, changes: &mut Vec<Change>) {
    let mut touched: BTreeMap<&Arc<str>, TopicDifference<'_>> = BTreeMap::new();
    for item in before.topics.diff(&after.topics) {
        let (DiffItem::Add(name, _)
        | DiffItem::Remove(name, _)
        | DiffItem::Update { new: (name, _), .. }) = item;
        touched.entry(name).or_default().assignments_changed = true;
    }
    for item in before.partitions.diff(&after.partitions) {
        let (DiffItem::Add(id, _)
        | DiffItem::Remove(id, _)
        | DiffItem::Update { new: (id, _), .. }) = item;
        let topic = touched.entry(&id.topic).or_default();
        match item {
            DiffItem::Add(_, partition) => {
                topic.assignments_changed = true;
                topic.written.push((false, partition));
            }
            DiffItem::Remove(_, partition) => {
                topic.assignments_changed = true;
                topic.removed.push(partition);
            }
            DiffItem::Update { old: (_, old), new: (_, new) } => {
                topic.assignments_changed |= !same_assignment(old, new);
                if !same_state(old, new) {
                    topic.written.push((true, new));
                }
            }
        }
    }
    for (name, difference) in touched {
        topic(before, after, name, difference, term, changes);
    }
}

fn topic(
    before: &ClusterImage,
    after: &ClusterImage,
    name: &Arc<str>,
    difference: TopicDifference<'_>,
    term: u64,
    changes: &mut Vec<Change>,
) {
    let exists = |image: &ClusterImage| {
        image.topics.contains_key(name) || image.partitions_of(name).next().is_some()
    };
    let (was, is) = (exists(before), exists(after));
    let znode = Znode::Topic(name.clone());
    for partition in difference.removed {
        changes.push(Change::Delete { path: Znode::State(partition.id.clone()).path() });
        changes.push(Change::Delete { path: partition_path(name, partition.id.partition) });
    }
    if !is {
        changes.push(Change::Delete { path: partitions_path(name) });
        changes.push(Change::Delete { path: znode.path() });
        return;
    }
    if difference.assignments_changed {
        let partitions = after.partitions_of(name).map(|it| &**it);
        let topic = after.topics.get(name).map(|it| &**it);
        changes.push(put(was, &znode, json::topic(topic, partitions)));
    }
    if !was {
        changes.push(Change::Create { path: partitions_path(name), data: Vec::new() });
    }
    for (exists, partition) in difference.written {
        if !exists {
            let path = partition_path(name, partition.id.partition);
            changes.push(Change::Create { path, data: Vec::new() });
        }
        changes.push(put(
            exists,
            &Znode::State(partition.id.clone()),
            json::state(partition, term),
        ));
    }
}

fn same_assignment(old: &Partition, new: &Partition) -> bool {
    old.replicas == new.replicas
        && old.adding_replicas == new.adding_replicas
        && old.removing_replicas == new.removing_replicas
}

fn same_state(old: &Partition, new: &Partition) -> bool {
    let replicas = new.replicas.clone();
    let adding_replicas = new.adding_replicas.clone();
    let removing_replicas = new.removing_replicas.clone();
    *new == Partition { replicas, adding_replicas, removing_replicas, ..old.clone() }
}

/// Where the changes' znodes must hang, from the top down, without those that they create.
pub(crate) fn missing_parents(changes: &[Change]) -> BTreeSet<&str> {
    let created: BTreeSet<&str> = changes
        .iter()
        .filter(|change| matches!(change, Change::Create { .. }))
        .map(Change::path)
        .collect();
    let kept = changes.iter().filter(|change| !matches!(change, Change::Delete { .. }));
    let parents = kept.flat_map(|change| ancestors(change.path()));
    parents.filter(|path| !created.contains(path)).collect()
}

/// The znodes above a path, without the root.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').skip(1).map(|(at, _)| &path[..at])
}
