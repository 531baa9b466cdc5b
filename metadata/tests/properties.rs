//! Random lives of a cluster: whatever happens, after every single record the cluster is valid, and
//! who is elected cleanly holds every acknowledged record.
//!
//! Beside the image runs a model of the data: which replicas of a partition hold everything that
//! was acknowledged. Writes are acknowledged all the time, whenever a leader has enough in-sync
//! replicas. Brokers lose their unsynced data when they stop uncleanly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use metadata::control::{
    AlterConfigs, AlterPartition, ConfigOperation, CreateTopic, Election, RegisterBroker,
    TopicSelector,
};
use metadata::{
    BrokerId, ClusterImage, Command, ConfigResource, ControlError, Defaults, Listener, Partition,
    Record, TopicPartition, Uuid, decide,
};
use proptest::prelude::*;

const TOPICS: [&str; 3] = ["orders", "clicks", "audit"];

#[derive(Clone, Debug)]
enum Step {
    Register { id: BrokerId, clean: bool, again: bool },
    Fence(BrokerId),
    Unfence(BrokerId),
    Shutdown(BrokerId),
    Unregister(BrokerId),
    Create { topic: usize, partitions: i32, factor: i16, min_isr: Option<i32>, unclean: bool },
    Delete { topic: usize },
    Expand { topic: usize, by: i32 },
    Alter { pick: usize, members: u8, recovering: bool, stale: bool },
    Elect { pick: usize, unclean: bool },
    Reassign { pick: usize, first: BrokerId, len: i32, cancel: bool },
    MinIsr { topic: Option<usize>, value: i32 },
    Unclean { topic: usize, value: bool },
    Balance,
    ProducerIds(BrokerId),
    Reconcile,
}

fn step() -> impl Strategy<Value = Step> {
    let broker = || 1..=5i32;
    let topic = || 0..TOPICS.len();
    let pick = || any::<usize>();
    prop_oneof![
        6 => (broker(), any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(id, clean, again)| Step::Register { id, clean, again }),
        4 => broker().prop_map(Step::Fence),
        8 => broker().prop_map(Step::Unfence),
        1 => broker().prop_map(Step::Shutdown),
        1 => broker().prop_map(Step::Unregister),
        3 => (topic(), 1..4, 1..4i16, prop::option::of(1..4), prop::bool::weighted(0.2)).prop_map(
            |(topic, partitions, factor, min_isr, unclean)| Step::Create {
                topic, partitions, factor, min_isr, unclean
            }
        ),
        1 => topic().prop_map(|topic| Step::Delete { topic }),
        1 => (topic(), 1..3).prop_map(|(topic, by)| Step::Expand { topic, by }),
        10 => (pick(), any::<u8>(), prop::bool::weighted(0.1), prop::bool::weighted(0.1)).prop_map(
            |(pick, members, recovering, stale)| Step::Alter { pick, members, recovering, stale }
        ),
        2 => (pick(), prop::bool::weighted(0.2)).prop_map(|(pick, unclean)| Step::Elect {
            pick, unclean
        }),
        2 => (pick(), broker(), 1..4, prop::bool::weighted(0.3)).prop_map(
            |(pick, first, len, cancel)| Step::Reassign { pick, first, len, cancel }
        ),
        1 => (prop::option::of(topic()), 1..4).prop_map(|(topic, value)| Step::MinIsr {
            topic, value
        }),
        1 => (topic(), any::<bool>()).prop_map(|(topic, value)| Step::Unclean { topic, value }),
        1 => Just(Step::Balance),
        1 => broker().prop_map(Step::ProducerIds),
        1 => Just(Step::Reconcile),
    ]
}

struct World {
    defaults: Defaults,
    image: ClusterImage,
    data: BTreeMap<TopicPartition, Data>,
    drawn: u128,
    /// Highest epochs ever seen of a topic's partitions.
    epochs: BTreeMap<(Uuid, TopicPartition), (i32, i32)>,
    producer_ids: i64,
}

/// The acknowledged records of one partition.
#[derive(Clone, Debug, Default)]
struct Data {
    /// Replicas that hold all of them. Empty: part of them is lost for good.
    complete: BTreeSet<BrokerId>,
}

impl World {
    fn new(elr_enabled: bool) -> Self {
        Self {
            defaults: Defaults { elr_enabled, ..Defaults::default() },
            image: ClusterImage::default(),
            data: BTreeMap::new(),
            drawn: 0,
            epochs: BTreeMap::new(),
            producer_ids: 0,
        }
    }

    /// Decides and commits. With `cut` only so many records, and then a new controller takes over.
    fn run(&mut self, step: &Step, cut: Option<usize>) {
        let Some(command) = self.command(step) else { return };
        let encoded = metadata::codec::encode_command(&command);
        assert_eq!(metadata::codec::decode_command(&encoded).as_ref(), Ok(&command));
        let outcome = decide(&self.defaults, &self.image, &command);
        let again = decide(&self.defaults, &self.image, &command);
        assert_eq!(outcome, again, "a decision is a function");
        let Ok(records) = outcome else { return };
        if let Some(id) = self.loses_data(&command) {
            for data in self.data.values_mut() {
                data.complete.remove(&id);
            }
        }
        let kept = cut.unwrap_or(records.len()).min(records.len());
        self.commit(&records[..kept], &command);
        if kept < records.len() {
            let records = decide(&self.defaults, &self.image, &Command::Reconcile).unwrap();
            self.commit(&records, &Command::Reconcile);
            for topic in self.image.topics.values() {
                let count = self.image.partitions_of(&topic.name).count();
                assert_eq!(topic.partitions as usize, count, "reconciling counts partitions");
            }
        }
    }

    /// The broker that has lost what it had not synced. Without eligible leader replicas nothing
    /// protects from that.
    fn loses_data(&self, command: &Command) -> Option<BrokerId> {
        match command {
            Command::RegisterBroker(it) if it.previous_epoch.is_none() => {
                let before = self.image.brokers.get(&it.id);
                let is_new = before.is_none_or(|before| before.incarnation != it.incarnation);
                is_new.then_some(it.id)
            }
            _ => None,
        }
        .filter(|_| self.defaults.elr_enabled)
    }

    fn commit(&mut self, records: &[Record], command: &Command) {
        let before = self.image.clone();
        for record in records {
            let previous = self.image.clone();
            self.image.apply(record);
            if let Record::Partition(partition) = record {
                self.check_transition(&previous, partition, command);
            }
            self.forget_unregistered(record, command);
            self.acknowledge();
            self.check();
        }
        let rebuilt = ClusterImage::from_records(&self.image.records());
        assert!(rebuilt == self.image, "records rebuild the image, and so its indexes");
        assert_eq!(rebuilt.hash(), self.image.hash());
        let mut replayed = before.clone();
        before.delta(&self.image).iter().for_each(|record| replayed.apply(record));
        assert!(replayed == self.image, "the difference leads to the image");
    }

    fn check_transition(&mut self, before: &ClusterImage, after: &Partition, command: &Command) {
        let id = before.topics.get(&after.id.topic).map_or(Uuid::nil(), |topic| topic.id);
        let epochs = self.epochs.entry((id, after.id.clone())).or_insert((-1, -1));
        let known = before.partitions.get(&after.id);
        if id.is_nil() || known.is_none() {
            // A topic that is not there yet.
            *epochs = (after.leader_epoch, after.partition_epoch);
            let holders = after.isr.iter().copied().collect();
            self.data.insert(after.id.clone(), Data { complete: holders });
            return;
        }
        let known = known.expect("checked above");
        assert!(after.leader_epoch >= epochs.0, "leader epochs never fall: {after:?}");
        if **known != *after {
            assert!(after.partition_epoch > epochs.1, "partition epochs rise: {after:?}");
        }
        if known.leader != after.leader {
            assert!(after.leader_epoch > epochs.0, "a new leader has a new epoch: {after:?}");
        }
        *epochs = (after.leader_epoch, after.partition_epoch);

        let data = self.data.entry(after.id.clone()).or_default();
        if let Command::AlterPartition(_) = command {
            // Followers that join have fetched everything their leader had.
            data.complete.extend(after.isr.iter().filter(|it| !known.isr.contains(it)));
        }
        let Some(leader) = after.leader.filter(|it| known.leader != Some(*it)) else { return };
        // A replica that joins may lead at once: its request completed a reassignment.
        let unclean = !known.isr.contains(&leader)
            && !known.elr.contains(&leader)
            && !matches!(command, Command::AlterPartition(_));
        let asked = matches!(command, Command::ElectLeader { election: Election::Unclean, .. });
        if unclean {
            assert!(after.recovering, "an unclean leader recovers: {after:?}");
            let allowed =
                self.image.configs.values().any(|it| {
                    it.get("unclean.leader.election.enable").is_some_and(|it| it == "true")
                });
            assert!(asked || allowed, "nobody allowed an unclean election: {after:?}");
        } else if !data.complete.contains(&leader) {
            assert!(
                data.complete.is_empty(),
                "{leader} leads {} without all acknowledged records: {known:?} -> {after:?}, \
                 complete {:?}",
                after.id,
                data.complete
            );
        }
        if !data.complete.contains(&leader) {
            // What it has is the truth from now on.
            data.complete = BTreeSet::from([leader]);
        }
    }

    /// Who is unregistered is said to be gone with all it has.
    fn forget_unregistered(&mut self, record: &Record, command: &Command) {
        let Command::UnregisterBroker { id } = command else { return };
        if !self.defaults.elr_enabled {
            return;
        }
        for (partition, data) in &mut self.data {
            if matches!(record, Record::Partition(it) if it.id == *partition)
                || matches!(record, Record::BrokerRemoved(_))
            {
                data.complete.remove(id);
            }
        }
    }

    /// Leaders with enough in-sync replicas acknowledge more: others fall behind.
    fn acknowledge(&mut self) {
        self.data.retain(|id, _| self.image.partitions.contains_key(id));
        for (id, data) in &mut self.data {
            let partition = &self.image.partitions[id];
            data.complete.retain(|it| partition.replicas.contains(it));
            if partition.leader.is_some()
                && partition.isr.len() >= min_isr(&self.defaults, &self.image, partition)
            {
                data.complete = partition.isr.iter().copied().collect();
            }
        }
    }
}

impl World {
    fn check(&self) {
        for partition in self.image.partitions.values() {
            self.check_partition(partition);
        }
        for topic in self.image.topics.values() {
            for number in 0..topic.partitions {
                assert!(self.image.partition(&topic.name, number).is_some(), "{topic:?}");
            }
            assert_eq!(self.image.topic_names.get(&topic.id), Some(&topic.name));
        }
        let epochs: BTreeSet<i64> = self.image.brokers.values().map(|it| it.epoch).collect();
        assert_eq!(epochs.len(), self.image.brokers.len(), "broker epochs are unique");
        if let Some(ids) = &self.image.producer_ids {
            assert!(ids.next >= self.producer_ids && ids.next % 1000 == 0);
        }
    }

    fn check_partition(&self, it: &Partition) {
        let distinct = |list: &[BrokerId]| list.iter().collect::<BTreeSet<_>>().len() == list.len();
        assert!(distinct(&it.replicas) && distinct(&it.isr) && distinct(&it.elr), "{it:?}");
        assert!(it.isr.iter().chain(&it.elr).all(|id| it.replicas.contains(id)), "{it:?}");
        assert!(it.elr.iter().all(|id| !it.isr.contains(id)), "ISR and ELR are disjoint: {it:?}");
        assert!(!it.isr.is_empty() || !it.elr.is_empty(), "somebody holds the data: {it:?}");
        assert!(it.leader.is_none_or(|id| it.isr.contains(&id)), "LeaderInIsr: {it:?}");
        let enough = it.isr.len() >= min_isr(&self.defaults, &self.image, it);
        assert!(!enough || it.elr.is_empty(), "a full ISR leaves no ELR: {it:?}");
        assert!(!it.recovering || it.isr.len() <= 1, "recovering alone: {it:?}");
        let serves = |id: &BrokerId| self.image.brokers.get(id).is_some_and(|it| !it.fenced);
        assert!(it.leader.iter().all(serves), "a fenced broker leads nothing: {it:?}");
        if self.defaults.elr_enabled {
            assert!(it.isr.iter().all(serves), "a fenced broker is not in sync: {it:?}");
            assert_eq!(it.leader.is_none(), it.isr.is_empty(), "an ISR has a leader: {it:?}");
        } else {
            assert!(it.elr.is_empty(), "{it:?}");
            assert!(it.isr.len() == 1 || it.isr.iter().all(serves), "only as the last: {it:?}");
        }
        for id in it.adding_replicas.iter().chain(&it.removing_replicas) {
            assert!(it.replicas.contains(id), "{it:?}");
        }
    }

    fn draw(&mut self) -> Uuid {
        self.drawn += 1;
        Uuid::from_u128(self.drawn)
    }

    fn epoch(&self, id: BrokerId) -> i64 {
        self.image.brokers.get(&id).map_or(-1, |it| it.epoch)
    }

    fn pick(&self, pick: usize) -> Option<Arc<Partition>> {
        let count = self.image.partitions.len();
        if count == 0 {
            return None;
        }
        self.image.partitions.values().nth(pick % count).cloned()
    }

    fn command(&mut self, step: &Step) -> Option<Command> {
        Some(match *step {
            Step::Register { id, clean, again } => {
                let before = self.image.brokers.get(&id).cloned();
                let incarnation = match &before {
                    Some(before) if again => before.incarnation,
                    _ => self.draw(),
                };
                Command::RegisterBroker(RegisterBroker {
                    id,
                    incarnation,
                    listeners: vec![Listener {
                        name: "PLAINTEXT".into(),
                        host: "h".into(),
                        port: 1,
                        security_protocol: "PLAINTEXT".into(),
                    }],
                    rack: (id % 2 == 0).then(|| "even".into()),
                    log_dirs: Vec::new(),
                    previous_epoch: before.filter(|_| clean).map(|it| it.epoch),
                })
            }
            Step::Fence(id) => Command::FenceBroker { id, epoch: self.epoch(id) },
            Step::Unfence(id) => Command::UnfenceBroker { id, epoch: self.epoch(id) },
            Step::Shutdown(id) => Command::BeginControlledShutdown { id, epoch: self.epoch(id) },
            Step::Unregister(id) => Command::UnregisterBroker { id },
            Step::Create { topic, partitions, factor, min_isr, unclean } => {
                let mut configs = BTreeMap::new();
                if let Some(value) = min_isr {
                    configs.insert("min.insync.replicas".into(), value.to_string());
                }
                if unclean {
                    configs.insert("unclean.leader.election.enable".into(), "true".into());
                }
                Command::CreateTopic(CreateTopic {
                    name: TOPICS[topic].into(),
                    id: self.draw(),
                    partitions,
                    replication_factor: factor,
                    assignments: Vec::new(),
                    configs,
                    validate_only: false,
                })
            }
            Step::Delete { topic } => {
                Command::DeleteTopic { topic: TopicSelector::Name(TOPICS[topic].into()) }
            }
            Step::Expand { topic, by } => {
                let current = self.image.topics.get(TOPICS[topic]).map_or(0, |it| it.partitions);
                Command::CreatePartitions {
                    topic: TOPICS[topic].into(),
                    count: current + by,
                    assignments: None,
                    validate_only: false,
                }
            }
            Step::Alter { pick, members, recovering, stale } => {
                let partition = self.pick(pick)?;
                let leader = partition.leader?;
                let member = |(bit, id): (usize, &BrokerId)| {
                    (*id == leader || members & (1 << bit) != 0).then(|| (*id, self.epoch(*id)))
                };
                Command::AlterPartition(AlterPartition {
                    broker: leader,
                    broker_epoch: self.epoch(leader),
                    topic_id: self.image.topics.get(&partition.id.topic)?.id,
                    partition: partition.id.partition,
                    leader_epoch: partition.leader_epoch,
                    partition_epoch: partition.partition_epoch - i32::from(stale),
                    isr: partition.replicas.iter().enumerate().filter_map(member).collect(),
                    recovering,
                })
            }
            Step::Elect { pick, unclean } => Command::ElectLeader {
                partition: self.pick(pick)?.id.clone(),
                election: if unclean { Election::Unclean } else { Election::Preferred },
            },
            Step::Reassign { pick, first, len, cancel } => Command::ReassignPartition {
                partition: self.pick(pick)?.id.clone(),
                replicas: (!cancel).then(|| (0..len).map(|it| (first + it) % 5 + 1).collect()),
            },
            Step::MinIsr { topic, value } => alter(
                topic.map_or(ConfigResource::BrokerDefault, topic_resource),
                "min.insync.replicas",
                value.to_string(),
            ),
            Step::Unclean { topic, value } => {
                alter(topic_resource(topic), "unclean.leader.election.enable", value.to_string())
            }
            Step::Balance => Command::BalanceLeaders { imbalance_percentage: 10, limit: 3 },
            Step::ProducerIds(id) => {
                Command::AllocateProducerIds { broker: id, broker_epoch: self.epoch(id) }
            }
            Step::Reconcile => Command::Reconcile,
        })
    }
}

fn min_isr(defaults: &Defaults, image: &ClusterImage, partition: &Partition) -> usize {
    let topic = ConfigResource::Topic(partition.id.topic.clone());
    let value = [topic, ConfigResource::BrokerDefault].into_iter().find_map(|resource| {
        image.configs.get(&resource)?.get("min.insync.replicas")?.parse().ok()
    });
    value.unwrap_or(defaults.min_insync_replicas as usize).min(partition.replicas.len())
}

fn topic_resource(topic: usize) -> ConfigResource {
    ConfigResource::Topic(TOPICS[topic].into())
}

fn alter(resource: ConfigResource, key: &str, value: String) -> Command {
    Command::AlterConfigs(AlterConfigs {
        resource,
        replace: false,
        operations: vec![(key.into(), ConfigOperation::Set(value))],
        validate_only: false,
    })
}

proptest! {
    #[test]
    fn whatever_happens_the_cluster_is_valid_and_no_acknowledged_record_is_lost(
        steps in prop::collection::vec((step(), prop::option::weighted(0.1, 0..4usize)), 1..120),
        elr_enabled in prop::bool::weighted(0.8),
    ) {
        let mut world = World::new(elr_enabled);
        for (step, cut) in &steps {
            world.run(step, *cut);
        }
    }
}

#[test]
fn a_refused_command_has_an_error_and_no_records() {
    let command = Command::UnregisterBroker { id: 1 };
    let outcome = decide(&Defaults::default(), &ClusterImage::default(), &command);
    assert_eq!(outcome, Err(ControlError::BrokerIdNotRegistered(1)));
}
