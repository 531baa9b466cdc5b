//! Images against arbitrary records: snapshots, differences, hashes and indexes.

mod support;

use std::collections::BTreeSet;

use metadata::contract::partition;
use metadata::{BrokerId, ClusterImage, Partition, Record, Topic, TopicPartition};
use proptest::collection::vec;
use proptest::prelude::*;
use support::record;

/// What records can take back. The rest is never removed.
fn is_removable(record: &Record) -> bool {
    !matches!(
        record,
        Record::Cluster(_) | Record::Mode(_) | Record::ProducerIds(_) | Record::Feature(_)
    )
}

/// Topic ids are unique: a topic never takes the id of another one.
fn with_own_ids(records: Vec<Record>) -> Vec<Record> {
    let own = |record| match record {
        Record::Topic(mut it) => {
            let name = it.name.bytes().fold(0u128, |sum, byte| (sum << 8) ^ u128::from(byte));
            it.id = metadata::Uuid::from_u128(it.id.as_u128() ^ (name << 8));
            Record::Topic(it)
        }
        other => other,
    };
    records.into_iter().map(own).collect()
}

fn records(size: usize) -> impl Strategy<Value = Vec<Record>> {
    vec(record(), 0..size).prop_map(with_own_ids)
}

fn check_indexes(image: &ClusterImage) {
    let on = |broker: &BrokerId| -> BTreeSet<&TopicPartition> {
        let hosted = image.partitions.values().filter(|it| it.replicas.contains(broker));
        hosted.map(|it| &it.id).collect()
    };
    let brokers: BTreeSet<BrokerId> =
        image.partitions.values().flat_map(|it| it.replicas.iter().copied()).collect();
    assert_eq!(image.by_broker.keys().copied().collect::<BTreeSet<_>>(), brokers);
    for broker in &brokers {
        assert_eq!(image.by_broker[broker].iter().collect::<BTreeSet<_>>(), on(broker));
        assert_eq!(image.partitions_on(*broker).count(), on(broker).len());
    }
    let leaderless = image.partitions.values().filter(|it| it.leader.is_none());
    assert!(leaderless.map(|it| &it.id).eq(image.leaderless.iter()));
    let behind = image.partitions.values().filter(|it| it.isr.len() < it.replicas.len());
    assert_eq!(image.under_replicated, behind.count());
    let ids: BTreeSet<_> = image.topics.values().map(|it| (it.id, it.name.clone())).collect();
    let named: BTreeSet<_> = image.topic_names.iter().map(|(id, it)| (*id, it.clone())).collect();
    assert_eq!(ids, named);
    let anew = ClusterImage::from_records(&image.records());
    assert_eq!(image.fingerprint, anew.fingerprint, "it follows every change");
}

proptest! {
    #[test]
    fn a_snapshot_is_the_image(records in records(60)) {
        let image = ClusterImage::from_records(&records);
        check_indexes(&image);
        let again = ClusterImage::from_records(&image.records());
        prop_assert!(again == image);
        prop_assert_eq!(again.hash(), image.hash());
        let mut twice = image.clone();
        image.records().iter().for_each(|record| twice.apply(record));
        prop_assert!(twice == image, "records applied twice change nothing");
    }

    #[test]
    fn a_difference_leads_from_one_image_to_a_later_one(
        before in records(40),
        after in records(40),
    ) {
        let first = ClusterImage::from_records(&before);
        let mut second = first.clone();
        after.iter().for_each(|record| second.apply(record));
        let delta = first.delta(&second);
        let mut replayed = first.clone();
        delta.iter().for_each(|record| replayed.apply(record));
        prop_assert!(replayed == second, "{:?}", delta);
        check_indexes(&replayed);
        prop_assert_eq!(replayed.hash(), second.hash());
        prop_assert!(second.delta(&second).is_empty());
        prop_assert_eq!(first == second, delta.is_empty());
    }

    #[test]
    fn a_difference_leads_between_any_two_images_of_a_cluster(
        before in records(40),
        after in records(40),
    ) {
        let image = |records: &[Record]| {
            ClusterImage::from_records(records.iter().filter(|it| is_removable(it)))
        };
        let (mut first, second) = (image(&before), image(&after));
        first.delta(&second).iter().for_each(|record| first.apply(record));
        prop_assert!(first == second);
        check_indexes(&first);
    }

    #[test]
    fn the_fingerprint_tells_what_a_difference_lost(
        before in records(40),
        after in records(40),
        lost: prop::sample::Index,
    ) {
        let first = ClusterImage::from_records(&before);
        let mut second = first.clone();
        after.iter().for_each(|record| second.apply(record));
        let mut delta = first.delta(&second);
        prop_assume!(!delta.is_empty());
        delta.remove(lost.index(delta.len()));
        let mut replayed = first.clone();
        delta.iter().for_each(|record| replayed.apply(record));
        let same = replayed.records() == second.records();
        prop_assert_eq!(same, replayed.fingerprint == second.fingerprint);
    }

    #[test]
    fn the_hash_tells_images_apart(before in records(20), more in record()) {
        let first = ClusterImage::from_records(&before);
        let mut second = first.clone();
        second.apply(&more);
        let same = first.delta(&second).iter().all(|it| matches!(it, Record::Mode(_)));
        prop_assert_eq!(same, first.hash() == second.hash());
    }
}

#[test]
fn a_topic_that_comes_back_under_another_id_is_removed_and_created() {
    let topic = |id| {
        Record::Topic(Topic {
            name: "orders".into(),
            id: metadata::Uuid::from_u128(id),
            partitions: 0,
        })
    };
    let (first, second) =
        (ClusterImage::from_records(&[topic(1)]), ClusterImage::from_records(&[topic(2)]));
    assert_eq!(first.delta(&second), [Record::TopicRemoved("orders".into()), topic(2)]);
}

/// `topics` of eight partitions each: more entries than a node of the maps has room for.
fn large(topics: usize) -> ClusterImage {
    let records = (0..topics).flat_map(|number| topic_records(&format!("topic-{number}"), number));
    ClusterImage::from_records(&records.collect::<Vec<_>>())
}

fn topic_records(name: &str, number: usize) -> Vec<Record> {
    let id = metadata::Uuid::from_u128(1 + number as u128);
    let topic = Record::Topic(Topic { name: name.into(), id, partitions: 8 });
    let created = (0..8).map(|it| Record::Partition(partition(name, it, &[1, 2, 3])));
    created.chain([topic]).collect()
}

/// What a broker makes of a difference must hold what the controller's image holds. Entries are
/// compared one by one: equality of the maps may rest on the same walk as their difference.
fn assert_difference_leads_to(before: &ClusterImage, after: &ClusterImage) {
    let mut replayed = before.clone();
    before.delta(after).iter().for_each(|record| replayed.apply(record));
    assert_eq!(replayed.records(), after.records());
    assert_eq!(replayed.fingerprint, after.fingerprint);
    assert!(replayed == *after);
    assert!(before.records() == after.records() || before != after);
}

#[test]
fn a_difference_misses_no_change_in_a_large_image() {
    let before = large(40);
    for partition in before.partitions.values() {
        let mut after = before.clone();
        let changed = Partition { leader: Some(2), leader_epoch: 1, ..Partition::clone(partition) };
        after.apply(&Record::Partition(changed.clone()));
        assert_eq!(before.delta(&after), [Record::Partition(changed)]);
        assert_difference_leads_to(&before, &after);
    }
    for topic in before.topics.values() {
        let mut after = before.clone();
        after.apply(&Record::TopicRemoved(topic.name.clone()));
        assert_difference_leads_to(&before, &after);
        let next = topic_records(&format!("{}-next", topic.name), 1000);
        let created = after.clone();
        next.iter().for_each(|record| after.apply(record));
        assert_difference_leads_to(&created, &after);
        assert_difference_leads_to(&before, &after);
    }
}
