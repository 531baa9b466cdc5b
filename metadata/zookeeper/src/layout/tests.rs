//! The mapping, against a tree in memory that is as strict as ZooKeeper.

use std::collections::BTreeMap;

use metadata::{
    Broker, ClusterImage, Config, ConfigResource, Controller, Coordination, Listener, Mode,
    Partition, ProducerIds, Record, Topic, TopicPartition, Uuid,
};
use proptest::collection::vec;
use proptest::prelude::*;

use super::assembly::{Assembled, Assembly};
use super::json::ReadError;
use super::plan::{CHANGES_BYTES_MAX, Change, Limits, plan};
use super::signs::{self, Lock};
use super::{BASE, CONTROLLER, DIRECTORIES, SINGLE, Znode, decode_name, encode_name};

#[allow(dead_code)]
#[path = "../../../tests/support/mod.rs"]
mod records;

const WIDE: Limits<'static> = Limits { chroot: "", bytes_max: CHANGES_BYTES_MAX };
/// So little that batches are cut, and enough for every single entity.
const NARROW: Limits<'static> = Limits { chroot: "/chroot", bytes_max: 3000 };
const TERM: u64 = 4;

/// Znodes by path, with ZooKeeper's rules.
#[derive(Clone, Debug, PartialEq)]
struct Tree(BTreeMap<String, Vec<u8>>);

impl Tree {
    fn new() -> Self {
        let base = BASE.iter().map(|path| (path.to_string(), Vec::new()));
        Self(base.collect())
    }

    fn children(&self, path: &str) -> Vec<String> {
        let prefix = format!("{path}/");
        let below = self.0.range(prefix.clone()..).map(|(path, _)| path);
        let below = below.map_while(|path| path.strip_prefix(&prefix));
        below.filter(|name| !name.contains('/')).map(str::to_owned).collect()
    }

    /// One transaction.
    fn write(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Create { path, data } => {
                    let (parent, _) = path.rsplit_once('/').unwrap();
                    assert!(parent.is_empty() || self.0.contains_key(parent), "{path}: no parent");
                    let before = self.0.insert(path.clone(), data.clone());
                    assert_eq!(before, None, "{path} exists");
                }
                Change::Set { path, data } => {
                    let before = self.0.insert(path.clone(), data.clone());
                    assert!(before.is_some(), "{path} does not exist");
                }
                Change::Delete { path } => {
                    assert!(self.0.remove(path).is_some(), "{path} does not exist");
                    assert!(self.children(path).is_empty(), "{path} has children");
                }
            }
        }
    }

    fn read(&self) -> Result<Assembled, ReadError> {
        let mut assembly = Assembly::default();
        let mut znodes = SINGLE.to_vec();
        for directory in DIRECTORIES {
            for name in self.children(directory.0) {
                znodes.extend(assembly.child(directory, &name));
            }
        }
        znodes.sort_by_key(|znode| !matches!(znode, Znode::Topic(_)));
        let add = |assembly: &mut Assembly, znode: Znode| {
            if let Some(data) = self.0.get(&znode.path()) {
                assembly.add(znode, data);
            }
        };
        znodes.into_iter().for_each(|znode| add(&mut assembly, znode));
        let states: Vec<Znode> = assembly.states().collect();
        states.into_iter().for_each(|znode| add(&mut assembly, znode));
        assembly.finish()
    }

    fn image(&self) -> ClusterImage {
        let Assembled { image, findings, .. } = self.read().unwrap();
        assert_eq!(findings, Vec::<String>::new());
        image
    }
}

fn bytes(changes: &[Change], limits: Limits<'_>) -> usize {
    changes.iter().map(|change| change.encoded_len(limits.chroot)).sum()
}

/// Kafka's sign of no leader is not a broker's id, and no two topics have one id.
fn record() -> impl Strategy<Value = Record> {
    records::record().prop_map(|record| match record {
        Record::Partition(it) => {
            let leader = it.leader.filter(|leader| *leader != -1);
            Record::Partition(Partition { leader, ..it })
        }
        Record::Topic(it) => {
            let name =
                it.name.bytes().fold(1, |id: u128, byte| id << 7 ^ id >> 90 ^ u128::from(byte));
            Record::Topic(Topic { id: Uuid::from_u128(name << 8 | it.id.as_u128() & 0xff), ..it })
        }
        other => other,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(batches in vec(vec(record(), 0..12), 0..8)) {
        let (mut tree, mut image) = (Tree::new(), ClusterImage::default());
        for batch in batches {
            let steps = plan(&image, &batch, TERM, WIDE).unwrap();
            prop_assert_eq!(steps.len(), 1, "what fits is one transaction");
            tree.write(&steps[0].changes);
            batch.iter().for_each(|record| image.apply(record));
            prop_assert_eq!(tree.image(), image.clone());
        }
    }

    #[test]
    fn a_batch_that_does_not_fit_is_an_ordered_prefix_of_valid_steps(
        before in vec(record(), 0..60),
        batch in vec(record(), 0..60),
    ) {
        let (mut tree, mut image) = (Tree::new(), ClusterImage::default());
        for records in [before, batch] {
            let mut reached = 0;
            for step in plan(&image, &records, TERM, NARROW).unwrap() {
                prop_assert!(bytes(&step.changes, NARROW) <= NARROW.bytes_max);
                tree.write(&step.changes);
                prop_assert_eq!(tree.image(), step.image.clone());
                while step.image != image {
                    prop_assert!(reached < records.len(), "no prefix of the batch is like that");
                    image.apply(&records[reached]);
                    reached += 1;
                }
            }
            records[reached..].iter().for_each(|record| image.apply(record));
            prop_assert_eq!(tree.image(), image.clone());
        }
    }

    #[test]
    fn names_become_znodes_and_back(name in "\\PC{0,12}|[./%]{0,3}") {
        let encoded = encode_name(&name);
        prop_assert!(encoded.chars().all(|it| it.is_ascii_graphic() && it != '/'), "{}", encoded);
        prop_assert!(!["", ".", ".."].contains(&encoded.as_str()));
        prop_assert_eq!(decode_name(&encoded), Some(name.into()));
    }

    #[test]
    fn nothing_makes_a_reader_panic(data in vec(any::<u8>(), 0..40), text in "[{}\\[\\]\":,a-z0-9-]*") {
        for data in [data, text.into_bytes()] {
            for znode in SINGLE.into_iter().chain([
                Znode::Topic("t".into()),
                Znode::Broker(1),
                Znode::Controller(1),
                Znode::Config(ConfigResource::BrokerDefault),
            ]) {
                let mut assembly = Assembly::default();
                assembly.add(znode, &data);
                let _ = assembly.finish();
            }
            let _ = signs::parse_lock(CONTROLLER, &data);
            let _ = signs::parse_offset("/janus/offset", &data);
        }
    }
}

#[test]
fn names_that_kafka_uses_stay_as_they_are() {
    assert_eq!(encode_name("my.topic_1-x"), "my.topic_1-x");
    assert_eq!(encode_name("a/b c*d"), "a%2Fb%20c%2Ad");
    assert_eq!(Znode::Config(ConfigResource::BrokerDefault).path(), "/config/brokers/<default>");
    for bad in ["a%2", "%zz", "a b", "%2e", "%41"] {
        assert_eq!(decode_name(bad), None, "nobody encodes '{bad}'");
    }
}

/// Every kind of znode, literally: Kafka's tools read this, and later versions of this program.
#[test]
fn golden() {
    let topic_id = Uuid::from_u128(0x1234_5678_9abc_def0_1122_3344_5566_7788);
    let partition = Partition {
        id: TopicPartition::new("orders", 0),
        replicas: vec![1, 2, 3],
        isr: vec![1, 2],
        elr: Vec::new(),
        last_known_leader: None,
        leader: Some(1),
        leader_epoch: 7,
        partition_epoch: 9,
        recovering: false,
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
    };
    let troubled = Partition {
        id: TopicPartition::new("orders", 1),
        isr: Vec::new(),
        elr: vec![2, 3],
        last_known_leader: Some(2),
        leader: None,
        recovering: true,
        adding_replicas: vec![3],
        removing_replicas: vec![1],
        ..partition.clone()
    };
    let config = |resource| {
        let values = BTreeMap::from([("retention.ms".into(), "1000".into())]);
        Record::Config(Config { resource, values })
    };
    let listener = Listener {
        name: "EXTERNAL".into(),
        host: "broker1".into(),
        port: 9092,
        security_protocol: "PLAINTEXT".into(),
    };
    let listeners = vec![listener];
    let records = [
        Record::Cluster(metadata::Cluster { id: "MkU3OEVBNTcwNTJENDM2Qk".into() }),
        Record::Mode(Mode {
            coordination: Coordination::ZooKeeper,
            generation: 2,
            zookeeper_connect: "zk1:2181/janus".into(),
        }),
        Record::ProducerIds(ProducerIds { next: 2000, broker: 1, broker_epoch: 12 }),
        Record::Feature(metadata::Feature { name: "metadata.version".into(), level: 27 }),
        Record::Controller(Controller {
            id: 101,
            incarnation: Uuid::from_u128(1),
            endpoint: "controller1:9093".into(),
            directory_id: Uuid::from_u128(2),
        }),
        Record::Broker(Broker {
            id: 1,
            epoch: 12,
            incarnation: Uuid::from_u128(3),
            listeners: listeners.clone(),
            rack: Some("dc1".into()),
            log_dirs: vec![Uuid::from_u128(4)],
            fenced: false,
            in_controlled_shutdown: false,
        }),
        config(ConfigResource::Topic("orders".into())),
        config(ConfigResource::BrokerDefault),
        config(ConfigResource::Broker(1)),
        Record::Partition(partition),
        Record::Partition(troubled),
        Record::Topic(Topic { name: "orders".into(), id: topic_id, partitions: 2 }),
    ];
    let mut tree = Tree::new();
    for step in plan(&ClusterImage::default(), &records, TERM, WIDE).unwrap() {
        tree.write(&step.changes);
    }
    let lock = Lock {
        controller: 101,
        timestamp: "1795505726440".into(),
        term: Some(TERM),
        endpoint: Some("controller1:9093".into()),
        successor: None,
    };
    tree.0.insert(CONTROLLER.into(), signs::lock(&lock));
    tree.0.insert("/janus".into(), signs::format());
    tree.0.insert("/janus/offset".into(), signs::offset(17, Uuid::nil()));
    tree.0.insert("/janus/candidates/101".into(), signs::candidate("controller1:9093"));
    let sign_of_life = signs::broker_id(&listeners, Some("dc1"), 1_795_505_725_024);
    tree.0.insert("/brokers/ids/1".into(), sign_of_life);
    let text: String = tree
        .0
        .iter()
        .filter(|(_, data)| !data.is_empty())
        .map(|(path, data)| format!("{path} {}\n", std::str::from_utf8(data).unwrap()))
        .collect();
    assert_eq!(text, include_str!("../../tests/fixtures/golden.txt"));

    assert_eq!(signs::parse_lock(CONTROLLER, &signs::lock(&lock)), Ok(lock));
}

/// A tree that Kafka 3.9.1 wrote, with a dead broker 2.
#[test]
fn kafkas_own_tree_is_read() {
    let fixture = include_str!("../../tests/fixtures/kafka-3.9.1.json");
    let znodes: BTreeMap<String, Option<String>> = serde_json::from_str(fixture).unwrap();
    let tree = znodes.into_iter().map(|(path, data)| (path, data.unwrap_or_default().into_bytes()));
    let mut tree = Tree(tree.collect());
    let image = tree.image();

    assert_eq!(image.cluster_id.as_deref(), Some("gcYtisckSF6L8_dUK1ZU0w"));
    assert_eq!(image.producer_ids.as_ref().unwrap().next, 1000);
    assert!(image.features.is_empty() && image.mode.is_none());
    assert!(image.brokers.is_empty(), "an ephemeral znode is liveness, not registration");
    let orders = &image.topics["orders"];
    assert_eq!(orders.partitions, 3);
    let partition = image.partition(&orders.name, 1).unwrap();
    let expected = Partition {
        id: TopicPartition::new("orders", 1),
        replicas: vec![2, 1],
        isr: vec![1],
        elr: Vec::new(),
        last_known_leader: None,
        leader: Some(1),
        leader_epoch: 1,
        partition_epoch: 0,
        recovering: false,
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
    };
    assert_eq!(**partition, expected);
    let dead = image.partition(&"solo".into(), 1).unwrap();
    assert_eq!((dead.leader, &dead.isr), (None, &vec![2]));
    let values = |resource| image.configs.get(&resource).map(|it| (**it).clone());
    assert_eq!(
        values(ConfigResource::Topic("orders".into())).unwrap(),
        BTreeMap::from([
            ("cleanup.policy".into(), "compact".into()),
            ("retention.ms".into(), "86400000".into())
        ])
    );
    assert_eq!(values(ConfigResource::Topic("solo".into())), None, "empty is none");
    assert!(values(ConfigResource::Broker(1)).is_some());
    assert!(values(ConfigResource::BrokerDefault).is_some());
    let lock = signs::parse_lock(CONTROLLER, &tree.0[CONTROLLER]).unwrap();
    assert_eq!((lock.controller, lock.term, lock.endpoint), (1, None, None));

    // What we write on top of it is read as well.
    let shrunk = Record::Partition(Partition { partition_epoch: 1, leader: None, ..expected });
    for step in plan(&image, std::slice::from_ref(&shrunk), TERM, WIDE).unwrap() {
        tree.write(&step.changes);
    }
    let mut next = image.clone();
    next.apply(&shrunk);
    assert_eq!(tree.image(), next);
}

#[test]
fn what_cannot_be_read_is_named() {
    let read = |path: &str, data: &str| {
        let mut tree = Tree::new();
        tree.0.insert(path.into(), data.into());
        tree.read().unwrap_err().to_string()
    };
    let error = read("/brokers/topics/old", r#"{"version":2,"partitions":{"0":[1]}}"#);
    assert!(error.contains("/brokers/topics/old") && error.contains("topic_id"), "{error}");
    let error = read("/cluster/id", "gcYtisckSF6L8_dUK1ZU0w");
    assert!(error.contains("/cluster/id cannot be read"), "{error}");
    let error = read("/janus/brokers/1", r#"{"version":2,"epoch":"?"}"#);
    assert!(error.contains("/janus/brokers/1") && error.contains("upgrade"), "{error}");
    let error = read(
        "/latest_producer_id_block",
        r#"{"version":1,"broker":1,"block_start":"0","block_end":"1","janus":{"version":9}}"#,
    );
    assert!(error.contains("has format 9, newer"), "{error}");
}

#[test]
fn a_topic_of_kafkas_tools_starts_without_states() {
    let mut tree = Tree::new();
    let assignment =
        r#"{"version":3,"topic_id":"myMmSb4NRtGO0j9mAGu_dw","partitions":{"0":[1,2],"1":[2]}}"#;
    tree.0.insert("/brokers/topics/new".into(), assignment.into());
    let Assembled { image, findings, .. } = tree.read().unwrap();
    assert_eq!(image.topics["new"].partitions, 2);
    let partition = image.partition(&"new".into(), 0).unwrap();
    assert_eq!((partition.leader, &partition.isr), (None, &vec![1, 2]));
    assert_eq!(findings.len(), 2);
}

/// As in Kafka.
#[test]
fn a_topic_has_a_configuration_even_if_it_is_empty() {
    let path = "/config/topics/orders";
    let topic =
        Record::Topic(Topic { name: "orders".into(), id: Uuid::from_u128(1), partitions: 0 });
    let config = |values: &[(&str, &str)]| {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let resource = ConfigResource::Topic("orders".into());
        Record::Config(Config { resource, values: values.collect() })
    };
    let (mut tree, mut image) = (Tree::new(), ClusterImage::default());
    for (record, expected) in [
        (topic, Some(r#"{"version":1,"config":{}}"#)),
        (config(&[("a", "b")]), Some(r#"{"version":1,"config":{"a":"b"}}"#)),
        (config(&[]), Some(r#"{"version":1,"config":{}}"#)),
        (Record::TopicRemoved("orders".into()), None),
    ] {
        for step in plan(&image, std::slice::from_ref(&record), TERM, WIDE).unwrap() {
            tree.write(&step.changes);
            image = step.image;
        }
        let found = tree.0.get(path).map(|data| std::str::from_utf8(data).unwrap());
        assert_eq!(found, expected);
        assert_eq!(tree.image(), image);
    }
}

#[test]
fn the_removal_of_a_large_topic_takes_effect_at_once() {
    let name: std::sync::Arc<str> = "large".into();
    let mut records: Vec<Record> = (0..100)
        .map(|number| {
            Record::Partition(Partition {
                id: TopicPartition { topic: name.clone(), partition: number },
                replicas: vec![1],
                isr: vec![1],
                elr: Vec::new(),
                last_known_leader: None,
                leader: Some(1),
                leader_epoch: 0,
                partition_epoch: 0,
                recovering: false,
                adding_replicas: Vec::new(),
                removing_replicas: Vec::new(),
            })
        })
        .collect();
    let id = Uuid::from_u128(1);
    records.push(Record::Topic(Topic { name: name.clone(), id, partitions: 100 }));
    let (mut tree, image) = (Tree::new(), ClusterImage::from_records(&records));
    let narrow = Limits { chroot: "", bytes_max: 6000 };
    for step in plan(&ClusterImage::default(), &records, TERM, narrow).unwrap() {
        tree.write(&step.changes);
    }
    let steps = plan(&image, &[Record::TopicRemoved(name.clone())], TERM, narrow).unwrap();
    assert!(steps.len() > 1);
    for (number, step) in steps.iter().enumerate() {
        tree.write(&step.changes);
        let Assembled { image, leftovers, .. } = tree.read().unwrap();
        assert_eq!(image, ClusterImage::default());
        let last = number + 1 == steps.len();
        assert_eq!(leftovers, if last { vec![] } else { vec![name.clone()] });
    }
    assert_eq!(tree, Tree::new());
}

#[test]
fn an_entity_that_fits_into_no_transaction_is_refused() {
    let values = BTreeMap::from([("key".to_owned(), "x".repeat(2000))]);
    let record = Record::Config(Config { resource: ConfigResource::BrokerDefault, values });
    let narrow = Limits { chroot: "", bytes_max: 1000 };
    let error = plan(&ClusterImage::default(), &[record], TERM, narrow).unwrap_err().to_string();
    assert!(error.contains("/config/brokers/<default> would take 2"), "{error}");
}
