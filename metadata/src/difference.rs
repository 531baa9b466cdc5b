//! An image as records: all of them (a snapshot), those that lead to another image, and their hash.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use sha2::{Digest, Sha256};

use crate::{
    Broker, Cluster, ClusterImage, Config, ConfigResource, Controller, Feature, Mode, Partition,
    ProducerIds, Record, Topic, codec,
};

impl ClusterImage {
    /// The records that rebuild this image from an empty one. Every prefix is a valid state.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = self.singletons().collect();
        records.extend(self.features.values().map(|it| Record::Feature(Feature::clone(it))));
        records
            .extend(self.controllers.values().map(|it| Record::Controller(Controller::clone(it))));
        records.extend(self.brokers.values().map(|it| Record::Broker(Broker::clone(it))));
        records.extend(self.configs.iter().map(|(resource, values)| config(resource, values)));
        records.extend(self.partitions.values().map(|it| Record::Partition(Partition::clone(it))));
        records.extend(self.topics.values().map(|it| Record::Topic(Topic::clone(it))));
        records
    }

    /// The records that turn this image into `next`, a later one of the same cluster. The cost
    /// follows what changed. Cluster id, producer ids, features and mode are never taken back, so
    /// there is no record for that.
    pub fn delta(&self, next: &Self) -> Vec<Record> {
        let reset = self.topics_to_remove(next);
        let kept = |topic: &Arc<str>| !reset.contains(topic);
        let mut records: Vec<Record> = reset.iter().cloned().map(Record::TopicRemoved).collect();

        let singletons = next.singletons().filter(|it| !self.singletons().any(|old| old == *it));
        records.extend(singletons);
        records.extend(
            upserts(&self.features, &next.features)
                .map(|(_, it)| Record::Feature(Feature::clone(it))),
        );
        records.extend(
            upserts(&self.controllers, &next.controllers)
                .map(|(_, it)| Record::Controller(Controller::clone(it))),
        );
        records.extend(
            upserts(&self.brokers, &next.brokers).map(|(_, it)| Record::Broker(Broker::clone(it))),
        );

        for item in self.configs.diff(&next.configs) {
            match item {
                DiffItem::Add(resource, values)
                | DiffItem::Update { new: (resource, values), .. } => {
                    if topic_of(resource).is_none_or(kept) {
                        records.push(config(resource, values));
                    }
                }
                DiffItem::Remove(resource, _) => {
                    if topic_of(resource).is_none_or(kept) {
                        records.push(config(resource, &BTreeMap::new()));
                    }
                }
            }
        }
        for topic in &reset {
            let resource = ConfigResource::Topic(topic.clone());
            records.extend(next.configs.get(&resource).map(|values| config(&resource, values)));
        }

        let changed = upserts(&self.partitions, &next.partitions);
        let changed = changed.filter(|(id, _)| kept(&id.topic)).map(|(_, it)| it);
        let whole = reset.iter().flat_map(|topic| next.partitions_of(topic));
        records.extend(changed.chain(whole).map(|it| Record::Partition(Partition::clone(it))));

        let changed = upserts(&self.topics, &next.topics);
        let changed = changed.filter(|(name, _)| kept(name)).map(|(_, it)| it);
        let whole = reset.iter().filter_map(|topic| next.topics.get(topic));
        records.extend(changed.chain(whole).map(|it| Record::Topic(Topic::clone(it))));

        records.extend(removals(&self.brokers, &next.brokers).map(|id| Record::BrokerRemoved(*id)));
        records.extend(
            removals(&self.controllers, &next.controllers).map(|id| Record::ControllerRemoved(*id)),
        );
        records
    }

    /// A hash of everything but the mode record, as 64 hexadecimal digits. Images that hold the
    /// same have the same hash, however they came about and in whichever store they are kept.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for record in self.records() {
            if !matches!(record, Record::Mode(_)) {
                let bytes = codec::encode_records(std::slice::from_ref(&record));
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn singletons(&self) -> impl Iterator<Item = Record> {
        let cluster =
            self.cluster_id.iter().map(|id| Record::Cluster(Cluster { id: id.to_string() }));
        let mode = self.mode.iter().map(|it| Record::Mode(Mode::clone(it)));
        let ids = self.producer_ids.iter().map(|it| Record::ProducerIds(ProducerIds::clone(it)));
        cluster.chain(mode).chain(ids)
    }

    /// Topics that are gone, or that are there under another id, or that lost a partition: there
    /// is no record for the removal of one partition.
    fn topics_to_remove(&self, next: &Self) -> BTreeSet<Arc<str>> {
        let topics = self.topics.diff(&next.topics).filter_map(|item| match item {
            DiffItem::Remove(name, _) => Some(name.clone()),
            DiffItem::Update { old: (name, old), new: (_, new) } if old.id != new.id => {
                Some(name.clone())
            }
            _ => None,
        });
        let partitions = removals(&self.partitions, &next.partitions).map(|id| id.topic.clone());
        topics.chain(partitions).collect()
    }
}

fn topic_of(resource: &ConfigResource) -> Option<&Arc<str>> {
    match resource {
        ConfigResource::Topic(name) => Some(name),
        _ => None,
    }
}

fn config(resource: &ConfigResource, values: &BTreeMap<String, String>) -> Record {
    Record::Config(Config { resource: resource.clone(), values: values.clone() })
}

fn upserts<'a, K: Ord, V: PartialEq>(
    before: &'a OrdMap<K, V>,
    after: &'a OrdMap<K, V>,
) -> impl Iterator<Item = (&'a K, &'a V)> {
    before.diff(after).filter_map(|item| match item {
        DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => {
            Some((key, value))
        }
        DiffItem::Remove(..) => None,
    })
}

fn removals<'a, K: Ord, V: PartialEq>(
    before: &'a OrdMap<K, V>,
    after: &'a OrdMap<K, V>,
) -> impl Iterator<Item = &'a K> {
    before.diff(after).filter_map(|item| match item {
        DiffItem::Remove(key, _) => Some(key),
        _ => None,
    })
}
