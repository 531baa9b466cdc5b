//! Arbitrary records, small enough that they meet: few names, few numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use metadata::{
    Broker, Cluster, Config, ConfigResource, Controller, Coordination, Feature, Listener, Mode,
    Partition, ProducerIds, Record, Topic, TopicPartition, Uuid,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

pub(crate) fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        1 => "[a-zA-Z0-9_]{22}".prop_map(|id| Record::Cluster(Cluster { id })),
        3 => broker().prop_map(Record::Broker),
        1 => id().prop_map(Record::BrokerRemoved),
        2 => controller().prop_map(Record::Controller),
        1 => id().prop_map(Record::ControllerRemoved),
        4 => topic().prop_map(Record::Topic),
        2 => name().prop_map(Record::TopicRemoved),
        8 => partition().prop_map(Record::Partition),
        4 => config().prop_map(Record::Config),
        1 => (any::<i64>(), id(), any::<i64>()).prop_map(|(next, broker, broker_epoch)| {
            Record::ProducerIds(ProducerIds { next, broker, broker_epoch })
        }),
        1 => ("[a-c.]{1,3}", any::<i16>())
            .prop_map(|(name, level)| Record::Feature(Feature { name, level })),
        1 => (any::<bool>(), any::<u32>(), "[a-z:0-9,/]{0,12}").prop_map(
            |(raft, generation, zookeeper_connect)| Record::Mode(Mode {
                coordination: if raft { Coordination::Raft } else { Coordination::ZooKeeper },
                generation,
                zookeeper_connect,
            })
        ),
    ]
}

pub(crate) fn id() -> impl Strategy<Value = i32> {
    prop_oneof![4 => 0..4i32, 1 => any::<i32>()]
}

pub(crate) fn name() -> impl Strategy<Value = Arc<str>> {
    prop_oneof![4 => "[ab]", 1 => "[a-zA-Z0-9._-]{1,20}"].prop_map(Into::into)
}

pub(crate) fn uuid() -> impl Strategy<Value = Uuid> {
    prop_oneof![3 => 0..3u128, 1 => any::<u128>()].prop_map(Uuid::from_u128)
}

fn broker() -> impl Strategy<Value = Broker> {
    let states = (any::<bool>(), any::<bool>());
    let rack = option::of("[a-z]{0,3}");
    (id(), any::<i64>(), uuid(), vec(listener(), 0..3), rack, vec(uuid(), 0..3), states).prop_map(
        |(id, epoch, incarnation, listeners, rack, log_dirs, states)| Broker {
            id,
            epoch,
            incarnation,
            listeners,
            rack,
            log_dirs,
            fenced: states.0,
            in_controlled_shutdown: states.1,
        },
    )
}

pub(crate) fn listener() -> impl Strategy<Value = Listener> {
    ("[A-Z]{1,4}", "\\PC{0,6}", any::<u16>(), "[A-Z_]{0,9}").prop_map(
        |(name, host, port, security_protocol)| Listener { name, host, port, security_protocol },
    )
}

pub(crate) fn controller() -> impl Strategy<Value = Controller> {
    (id(), uuid(), "[a-z:0-9]{0,9}", uuid()).prop_map(
        |(id, incarnation, endpoint, directory_id)| Controller {
            id,
            incarnation,
            endpoint,
            directory_id,
        },
    )
}

fn topic() -> impl Strategy<Value = Topic> {
    (name(), uuid(), id()).prop_map(|(name, id, partitions)| Topic { name, id, partitions })
}

pub(crate) fn topic_partition() -> impl Strategy<Value = TopicPartition> {
    (name(), prop_oneof![0..3i32, 0..=i32::MAX - 1])
        .prop_map(|(topic, partition)| TopicPartition { topic, partition })
}

fn partition() -> impl Strategy<Value = Partition> {
    let brokers = || vec(id(), 0..4);
    let distinct = prop::collection::btree_set(id(), 0..4);
    let sets = (distinct, brokers(), brokers(), brokers(), brokers());
    let leaders = (option::of(id()), option::of(id()));
    let epochs = (any::<i32>(), any::<i32>(), any::<bool>());
    (topic_partition(), sets, leaders, epochs).prop_map(|(id, sets, leaders, epochs)| Partition {
        id,
        replicas: sets.0.into_iter().collect(),
        isr: sets.1,
        elr: sets.2,
        last_known_leader: leaders.0,
        leader: leaders.1,
        leader_epoch: epochs.0,
        partition_epoch: epochs.1,
        recovering: epochs.2,
        adding_replicas: sets.3,
        removing_replicas: sets.4,
    })
}

pub(crate) fn resource() -> impl Strategy<Value = ConfigResource> {
    prop_oneof![
        3 => name().prop_map(ConfigResource::Topic),
        1 => id().prop_map(ConfigResource::Broker),
        1 => Just(ConfigResource::BrokerDefault),
        1 => name().prop_map(ConfigResource::Group),
        1 => name().prop_map(ConfigResource::ClientMetrics),
    ]
}

pub(crate) fn values() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map("[a-c.]{1,3}", "\\PC{0,6}", 0..3)
}

fn config() -> impl Strategy<Value = Config> {
    (resource(), values()).prop_map(|(resource, values)| Config { resource, values })
}
