//! The cluster at one offset: an immutable value that is cheap to clone and to compare.
//!
//! All maps are persistent (`imbl`), so a clone shares everything and a difference costs what
//! changed. The index broker -> partitions keeps a broker's death at the cost of its own
//! partitions.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use uuid::Uuid;

use crate::{
    Broker, BrokerId, ConfigResource, Controller, ControllerId, Feature, Fingerprint, Mode,
    Partition, ProducerIds, Record, Topic, TopicPartition,
};

/// An immutable view of the cluster.
///
/// Readers take one `Arc<ClusterImage>` and keep it for a whole request, so that a request never
/// sees half of a change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterImage {
    pub cluster_id: Option<Arc<str>>,
    pub brokers: OrdMap<BrokerId, Arc<Broker>>,
    pub controllers: OrdMap<ControllerId, Arc<Controller>>,
    pub topics: OrdMap<Arc<str>, Arc<Topic>>,
    /// Names of topics by id.
    pub topic_names: OrdMap<Uuid, Arc<str>>,
    pub partitions: OrdMap<TopicPartition, Arc<Partition>>,
    /// Which partitions have a replica on a broker.
    pub by_broker: OrdMap<BrokerId, OrdSet<TopicPartition>>,
    pub configs: OrdMap<ConfigResource, Arc<BTreeMap<String, String>>>,
    pub producer_ids: Option<Arc<ProducerIds>>,
    pub features: OrdMap<String, Arc<Feature>>,
    pub mode: Option<Arc<Mode>>,
    /// Partitions that nobody leads, so that nobody has to search for them at a failover.
    pub leaderless: OrdSet<TopicPartition>,
    /// How many partitions have fewer in-sync replicas than replicas.
    pub under_replicated: usize,
    /// Of everything that records say; equal where that is equal.
    pub fingerprint: Fingerprint,
}

impl ClusterImage {
    pub fn from_records<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut image = Self::default();
        records.into_iter().for_each(|record| image.apply(record));
        image
    }

    /// The only way state changes, on every node, in every mode.
    pub fn apply(&mut self, record: &Record) {
        let sum = &mut self.fingerprint;
        match record {
            Record::Cluster(it) => sum.set(&mut self.cluster_id, "cluster", it.id.as_str().into()),
            Record::Broker(it) => {
                sum.put(&mut self.brokers, "broker", it.id, Arc::new(it.clone()));
            }
            Record::BrokerRemoved(id) => drop(sum.take(&mut self.brokers, "broker", id)),
            Record::Controller(it) => {
                sum.put(&mut self.controllers, "controller", it.id, Arc::new(it.clone()));
            }
            Record::ControllerRemoved(id) => {
                sum.take(&mut self.controllers, "controller", id);
            }
            Record::Topic(it) => {
                let topic = Arc::new(it.clone());
                if let Some(before) = sum.put(&mut self.topics, "topic", it.name.clone(), topic) {
                    self.topic_names.remove(&before.id);
                }
                self.topic_names.insert(it.id, it.name.clone());
            }
            Record::TopicRemoved(name) => self.remove_topic(name),
            Record::Partition(it) => self.insert_partition(it),
            Record::Config(it) if it.values.is_empty() => {
                sum.take(&mut self.configs, "config", &it.resource);
            }
            Record::Config(it) => {
                let values = Arc::new(it.values.clone());
                sum.put(&mut self.configs, "config", it.resource.clone(), values);
            }
            Record::ProducerIds(it) => {
                sum.set(&mut self.producer_ids, "producer-ids", Arc::new(it.clone()));
            }
            Record::Feature(it) => {
                sum.put(&mut self.features, "feature", it.name.clone(), Arc::new(it.clone()));
            }
            Record::Mode(it) => sum.set(&mut self.mode, "mode", Arc::new(it.clone())),
        }
    }

    fn insert_partition(&mut self, partition: &Partition) {
        let (id, value) = (partition.id.clone(), Arc::new(partition.clone()));
        let before = self.fingerprint.put(&mut self.partitions, "partition", id, value);
        let moved = before.as_ref().is_none_or(|it| it.replicas != partition.replicas);
        if let Some(before) = before {
            self.forget_state(&before);
            if moved {
                self.forget_replicas(&before);
            }
        }
        if partition.leader.is_none() {
            self.leaderless.insert(partition.id.clone());
        }
        self.under_replicated += usize::from(is_under_replicated(partition));
        if moved {
            for replica in &partition.replicas {
                self.by_broker.entry(*replica).or_default().insert(partition.id.clone());
            }
        }
    }

    fn forget_state(&mut self, partition: &Partition) {
        if partition.leader.is_none() {
            self.leaderless.remove(&partition.id);
        }
        self.under_replicated -= usize::from(is_under_replicated(partition));
    }

    fn forget_replicas(&mut self, partition: &Partition) {
        for replica in &partition.replicas {
            if let Some(hosted) = self.by_broker.get_mut(replica) {
                hosted.remove(&partition.id);
                if hosted.is_empty() {
                    self.by_broker.remove(replica);
                }
            }
        }
    }

    fn remove_topic(&mut self, name: &Arc<str>) {
        if let Some(topic) = self.fingerprint.take(&mut self.topics, "topic", name) {
            self.topic_names.remove(&topic.id);
        }
        let ids: Vec<TopicPartition> =
            self.partitions_of(name).map(|partition| partition.id.clone()).collect();
        for id in ids {
            if let Some(partition) = self.fingerprint.take(&mut self.partitions, "partition", &id) {
                self.forget_state(&partition);
                self.forget_replicas(&partition);
            }
        }
        let resource = ConfigResource::Topic(name.clone());
        self.fingerprint.take(&mut self.configs, "config", &resource);
    }

    /// The partitions of a topic in order, whether or not the topic is visible yet.
    pub fn partitions_of(&self, topic: &Arc<str>) -> impl Iterator<Item = &Arc<Partition>> {
        let first = TopicPartition { topic: topic.clone(), partition: 0 };
        let last = TopicPartition { topic: topic.clone(), partition: i32::MAX };
        self.partitions.range(first..=last).map(|(_, partition)| partition)
    }

    pub fn topic_by_id(&self, id: &Uuid) -> Option<&Arc<Topic>> {
        self.topics.get(self.topic_names.get(id)?)
    }

    /// The partitions with a replica on a broker, in order.
    pub fn partitions_on(&self, broker: BrokerId) -> impl Iterator<Item = &Arc<Partition>> {
        let hosted = self.by_broker.get(&broker).into_iter().flatten();
        hosted.filter_map(|id| self.partitions.get(id))
    }

    pub fn partition(&self, topic: &Arc<str>, partition: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(&TopicPartition { topic: topic.clone(), partition })
    }

    /// Registered, not fenced, not leaving: may lead and join an ISR.
    pub fn is_active(&self, broker: BrokerId) -> bool {
        self.brokers.get(&broker).is_some_and(|it| !it.fenced && !it.in_controlled_shutdown)
    }
}

fn is_under_replicated(partition: &Partition) -> bool {
    partition.isr.len() < partition.replicas.len()
}
