//! The image, out of what was read from the tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::{Cluster, ClusterImage, Config, Feature, Partition, Record, Topic, TopicPartition};

use super::json::{self, Assignment, ReadError, TopicValue};
use super::{Directory, Znode};

/// Collects znodes in any order, topics before the states of their partitions.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    image: ClusterImage,
    /// Partitions whose state has not been added yet.
    assignments: BTreeMap<TopicPartition, Assignment>,
    errors: Vec<ReadError>,
    findings: Vec<String>,
    leftovers: Vec<Arc<str>>,
}

/// What the tree says.
#[derive(Debug)]
pub(crate) struct Assembled {
    pub(crate) image: ClusterImage,
    /// What somebody else must have done to the tree.
    pub(crate) findings: Vec<String>,
    /// Topics that are gone, but whose znodes have not all been removed yet.
    pub(crate) leftovers: Vec<Arc<str>>,
}

impl Assembly {
    /// Says which child of a directory holds something.
    pub(crate) fn child(&mut self, (path, znode): Directory, name: &str) -> Option<Znode> {
        let znode = znode(name);
        if znode.is_none() {
            self.findings.push(format!("{path}/{name} means nothing and is ignored"));
        }
        znode
    }

    pub(crate) fn add(&mut self, znode: Znode, data: &[u8]) {
        if let Err(error) = self.try_add(znode, data) {
            self.errors.push(error);
        }
    }

    fn try_add(&mut self, znode: Znode, data: &[u8]) -> Result<(), ReadError> {
        let path = &znode.path();
        let record = match znode {
            Znode::ClusterId => {
                Record::Cluster(Cluster { id: json::parse_cluster_id(path, data)? })
            }
            // They are there before anything is written to them.
            Znode::ProducerIds | Znode::Features if data.is_empty() => return Ok(()),
            Znode::ProducerIds => Record::ProducerIds(json::parse_producer_ids(path, data)?),
            Znode::Features => {
                for (name, level) in json::parse_features(path, data)? {
                    self.image.apply(&Record::Feature(Feature { name, level }));
                }
                return Ok(());
            }
            Znode::Mode => Record::Mode(json::parse_mode(path, data)?),
            Znode::Broker(id) => Record::Broker(json::parse_broker(path, data, id)?),
            Znode::Controller(id) => Record::Controller(json::parse_controller(path, data, id)?),
            Znode::Config(resource) => {
                Record::Config(Config { resource, values: json::parse_config(path, data)? })
            }
            Znode::Topic(name) => {
                let value = json::parse_topic(path, data)?;
                self.add_topic(name, value);
                return Ok(());
            }
            Znode::State(id) => {
                let Some(assignment) = self.assignments.remove(&id) else { return Ok(()) };
                Record::Partition(json::parse_state(path, data, id, assignment)?)
            }
        };
        self.image.apply(&record);
        Ok(())
    }

    fn add_topic(&mut self, name: Arc<str>, value: TopicValue) {
        let TopicValue { topic, assignments } = value;
        match topic {
            Some((id, partitions)) => {
                let topic = Topic { name: name.clone(), id, partitions };
                self.image.apply(&Record::Topic(topic));
            }
            None if assignments.is_empty() => self.leftovers.push(name.clone()),
            None => {}
        }
        for (partition, assignment) in assignments {
            let id = TopicPartition { topic: name.clone(), partition };
            self.assignments.insert(id, assignment);
        }
    }

    /// The states that must be added.
    pub(crate) fn states(&self) -> impl Iterator<Item = Znode> {
        self.assignments.keys().cloned().map(Znode::State)
    }

    /// All errors are logged; the first one is returned.
    pub(crate) fn finish(mut self) -> Result<Assembled, ReadError> {
        // Kafka's tools may create a topic by its assignment alone; the controller does the rest.
        for (id, assignment) in std::mem::take(&mut self.assignments) {
            if self.image.topics.contains_key(&id.topic) {
                let path = Znode::State(id.clone()).path();
                self.findings.push(format!("{path} is missing; the partition starts without one"));
                self.image.apply(&Record::Partition(new_partition(id, assignment)));
            }
        }
        for error in &self.errors {
            tracing::error!("{error}");
        }
        match self.errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(Assembled {
                image: self.image,
                findings: self.findings,
                leftovers: self.leftovers,
            }),
        }
    }
}

/// A partition that nobody has led yet. Every replica holds all there is, which is nothing.
fn new_partition(id: TopicPartition, assignment: Assignment) -> Partition {
    Partition {
        id,
        isr: assignment.replicas.clone(),
        replicas: assignment.replicas,
        elr: Vec::new(),
        last_known_leader: None,
        leader: None,
        leader_epoch: 0,
        partition_epoch: 0,
        recovering: false,
        adding_replicas: assignment.adding,
        removing_replicas: assignment.removing,
    }
}
