//! Commits: applied once, whatever happens to answers, and whoever else writes to the tree.

use std::collections::BTreeMap;

use metadata::{ControllerEpoch, MetadataStore, Partition, Record, Topic, TopicPartition, Uuid};
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions};

use crate::controllers::{Controller, config, connect, eventually, record};
use crate::server::{Cable, Server};

const ANY: ControllerEpoch = ControllerEpoch { generation: 0, term: 0 };
const PERSISTENT: CreateOptions<'static> = CreateMode::Persistent.with_acls(Acls::anyone_all());

/// A leader that has loaded, and a client of somebody else.
async fn leader() -> (Controller, ControllerEpoch, Client) {
    let leader = Controller::start(config(&connect(Server::shared()), 1)).await;
    let epoch = leader.leads(ANY).await;
    leader.store.load().await.unwrap();
    let stranger = leader.stranger().await;
    (leader, epoch, stranger)
}

fn partition(topic: &str, number: i32) -> Record {
    Record::Partition(Partition {
        id: TopicPartition::new(topic, number),
        replicas: vec![1, 2],
        isr: vec![1, 2],
        elr: Vec::new(),
        last_known_leader: None,
        leader: Some(1),
        leader_epoch: 0,
        partition_epoch: 0,
        recovering: false,
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
    })
}

fn topic(name: &str, partitions: i32) -> Vec<Record> {
    let topic = Topic { name: name.into(), id: Uuid::from_u128(7), partitions };
    let partitions = (0..partitions).map(|number| partition(name, number));
    partitions.chain([Record::Topic(topic)]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_applied_once() {
    let server = Server::shared();
    let cable = Cable::to(server.port).await;
    let direct = connect(server);
    let mut config = config(&direct, 1);
    config.connect = direct.replace(&server.port.to_string(), &cable.port.to_string());
    let leader = Controller::start(config).await;
    let epoch = leader.leads(ANY).await;
    let before = leader.store.commit(epoch, &[record("a", 1)]).await.unwrap();
    let stranger = Client::connect(&direct).await.unwrap();
    let (_, _, changed) = stranger.get_and_watch_data("/config/groups/a").await.unwrap();

    cable.cut_answers();
    let store = leader.store.clone();
    let committing = tokio::spawn(async move { store.commit(epoch, &[record("a", 2)]).await });
    eventually(changed.changed()).await;
    assert!(!committing.is_finished(), "there is no answer");
    cable.replace();
    let offset = eventually(committing).await.unwrap().unwrap();
    assert_eq!(offset, before + 1, "once");
    let (loaded, image) = leader.store.load().await.unwrap();
    assert_eq!((loaded, image.configs.len()), (offset, 1));
    assert_eq!(leader.value("a").await.as_deref(), Some("2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_given_up_is_settled_before_the_next_load() {
    let (leader, epoch, _) = leader().await;
    for round in 0..20 {
        // Its future is dropped at some point of the way.
        let store = leader.store.clone();
        let commit = tokio::spawn(async move { store.commit(epoch, &[record("a", round)]).await });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        commit.abort();
        let (first, image) = leader.store.load().await.unwrap();
        let (second, again) = leader.store.load().await.unwrap();
        assert!((first, image) == (second, again), "round {round}: later loads agree");
        leader.store.commit(epoch, &[record("b", round)]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_deletes_or_creates_is_written_over() {
    let (leader, epoch, stranger) = leader().await;
    leader.store.commit(epoch, &[record("a", 1)]).await.unwrap();
    leader.store.commit(epoch, &topic("orders", 2)).await.unwrap();

    stranger.delete("/config/groups/a", None).await.unwrap();
    stranger.create("/config/groups/b", b"by hand", &PERSISTENT).await.unwrap();
    for path in ["/brokers/topics/orders/partitions/1/state", "/brokers/topics/orders/partitions/1"]
    {
        stranger.delete(path, None).await.unwrap();
    }
    let mut changed = topic("orders", 2);
    for record in &mut changed {
        if let Record::Partition(partition) = record {
            partition.partition_epoch += 1;
        }
    }
    changed.extend([record("a", 2), record("b", 2)]);
    leader.store.commit(epoch, &changed).await.unwrap();
    let (_, image) = leader.store.load().await.unwrap();
    assert_eq!(image.partition(&"orders".into(), 1).unwrap().partition_epoch, 1);
    assert_eq!(leader.value("a").await.as_deref(), Some("2"));
    assert_eq!(leader.value("b").await.as_deref(), Some("2"));

    // A topic goes with what others hung below it, and without what others took away.
    stranger.create("/brokers/topics/orders/note", b"", &PERSISTENT).await.unwrap();
    stranger.create("/brokers/topics/orders/note/deep", b"", &PERSISTENT).await.unwrap();
    stranger.delete("/brokers/topics/orders/partitions/0/state", None).await.unwrap();
    leader.store.commit(epoch, &[Record::TopicRemoved("orders".into())]).await.unwrap();
    assert_eq!(stranger.check_stat("/brokers/topics/orders").await.unwrap(), None);
    let (_, image) = leader.store.load().await.unwrap();
    assert!(image.topics.is_empty() && image.partitions.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_commit_count_makes_the_outcome_unknown_and_loading_helps() {
    let (leader, epoch, stranger) = leader().await;
    leader.store.commit(epoch, &[record("a", 1)]).await.unwrap();
    let (data, _) = stranger.get_data("/janus/offset").await.unwrap();
    stranger.set_data("/janus/offset", &data, None).await.unwrap();
    let unknown = leader.store.commit(epoch, &[record("a", 2)]).await.unwrap_err().to_string();
    assert!(unknown.contains("/janus/offset"), "{unknown}");
    assert_eq!(leader.value("a").await.as_deref(), Some("1"));
    leader.store.commit(epoch, &[record("a", 3)]).await.unwrap();
    assert_eq!(leader.value("a").await.as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_interrupted_removal_left_is_removed() {
    let (leader, epoch, stranger) = leader().await;
    leader.store.commit(epoch, &topic("large", 3)).await.unwrap();
    let invisible = br#"{"version":3,"partitions":{},"janus":{"version":1,"partitions":0}}"#;
    stranger.set_data("/brokers/topics/large", invisible, None).await.unwrap();
    let (_, image) = leader.store.load().await.unwrap();
    assert!(image.topics.is_empty() && image.partitions.is_empty());
    assert_eq!(stranger.check_stat("/brokers/topics/large").await.unwrap(), None);
    leader.store.commit(epoch, &topic("large", 2)).await.unwrap();
    let (_, image) = leader.store.load().await.unwrap();
    assert_eq!(image.partitions.len(), 2);
}

/// The tree that Kafka 3.9.1 left, taken over as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_of_kafka_is_taken_over() {
    let mut config = config(&connect(Server::shared()), 1);
    config.cluster_id = "gcYtisckSF6L8_dUK1ZU0w".into();
    let (root, chroot) = config.connect.split_once('/').unwrap();
    let stranger = Client::connect(root).await.unwrap();
    stranger.mkdir(&format!("/{chroot}"), &PERSISTENT).await.unwrap();
    let stranger = stranger.chroot(format!("/{chroot}")).unwrap();
    let fixture = include_str!("../fixtures/kafka-3.9.1.json");
    let znodes: BTreeMap<String, Option<String>> = serde_json::from_str(fixture).unwrap();
    for (path, data) in &znodes {
        // Those of sessions are over.
        if path != "/controller" && !path.starts_with("/brokers/ids/") {
            let data = data.as_deref().unwrap_or_default();
            stranger.create(path, data.as_bytes(), &PERSISTENT).await.unwrap();
        }
    }
    let leader = Controller::start(config).await;
    let epoch = leader.leads(ANY).await;
    assert_eq!(epoch.term, 2, "the epoch follows Kafka's");
    let (_, image) = leader.store.load().await.unwrap();
    assert_eq!((image.topics.len(), image.partitions.len()), (2, 5));
    let records: Vec<Record> = image
        .partitions
        .values()
        .map(|it| Record::Partition(Partition { partition_epoch: 1, ..Partition::clone(it) }))
        .collect();
    leader.store.commit(epoch, &records).await.unwrap();
    let mut expected = image.clone();
    records.iter().for_each(|record| expected.apply(record));
    assert!(leader.store.load().await.unwrap().1 == expected);
}
