//! What every store must keep, as one test that is run on all of them.
//!
//! A store brings its [`Contenders`] and calls [`contract`] under a time limit of its own; a broken
//! sentence of the contract is a panic that says which.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use tokio::sync::watch;
use uuid::Uuid;

use crate::{
    BATCH_BYTES_MAX, Broker, BrokerId, Cluster, ClusterImage, CommitError, Config, ConfigResource,
    Controller, ControllerEpoch, ControllerId, Coordination, Feature, Leadership, Listener,
    MetadataStore, Mode, Partition, ProducerIds, Record, Topic, TopicPartition, codec,
};

/// Some controllers that contend for one store, with an empty one to begin with.
#[async_trait]
pub trait Contenders: Send {
    /// Which kind of store this is.
    fn coordination(&self) -> Coordination;

    /// Every contender with the store as it sees it.
    fn stores(&self) -> Vec<(ControllerId, Arc<dyn MetadataStore>)>;

    /// Sees to it that the leader's term ends. Somebody, perhaps the same one, is elected under a
    /// newer epoch, soon after this returns.
    async fn depose(&mut self);

    /// Stops all contenders at once, without warning, and starts them again with what they had on
    /// disk. `stores` gives their new ones.
    async fn restart(&mut self);
}

/// Checks every sentence of the contract on [`MetadataStore`].
pub async fn contract(contenders: &mut dyn Contenders) {
    let mut run = Run { elections: BTreeMap::new(), image: ClusterImage::default() };
    let first = run.leader(contenders, ControllerEpoch::default()).await;
    run.everything_committed_is_loaded(contenders.coordination(), &first).await;
    run.a_batch_may_be_a_mebibyte(&first).await;
    let second = run.an_older_epoch_is_fenced(contenders, &first).await;
    let third = run.the_same_controller_is_fenced_too(contenders, &second).await;
    let fourth = run.a_restart_loses_nothing(contenders, &third).await;
    run.interrupted_commits_are_whole_or_absent(contenders, fourth).await;
}

/// The leader of an epoch.
#[derive(Clone)]
struct Leader {
    id: ControllerId,
    epoch: ControllerEpoch,
    store: Arc<dyn MetadataStore>,
}

struct Run {
    /// Who led which epoch, as any contender ever said.
    elections: BTreeMap<ControllerEpoch, ControllerId>,
    /// What the store must hold.
    image: ClusterImage,
}

impl Run {
    /// Waits for a leader of an epoch newer than `after` that knows that it leads.
    async fn leader(&mut self, contenders: &dyn Contenders, after: ControllerEpoch) -> Leader {
        let stores = contenders.stores();
        let mut watches: Vec<watch::Receiver<Leadership>> =
            stores.iter().map(|(_, store)| store.leadership()).collect();
        loop {
            for ((id, store), watch) in stores.iter().zip(&mut watches) {
                let Leadership { epoch, leader } = *watch.borrow_and_update();
                if let Some(leader) = leader {
                    let known = *self.elections.entry(epoch).or_insert(leader);
                    assert_eq!(known, leader, "two controllers lead in epoch {epoch}");
                }
                if leader == Some(*id) && epoch > after {
                    return Leader { id: *id, epoch, store: store.clone() };
                }
            }
            any_changed(&mut watches).await;
        }
    }

    async fn commit(&mut self, leader: &Leader, records: &[Record]) {
        let (before, _) = leader.store.load().await.expect("the leader loads");
        let offset = leader.store.commit(leader.epoch, records).await.expect("the leader commits");
        assert!(offset > before, "offsets rise: {offset} follows {before}");
        records.iter().for_each(|record| self.image.apply(record));
    }

    async fn check_loaded(&self, leader: &Leader, when: &str) {
        let (_, image) = leader.store.load().await.expect("the leader loads");
        let difference = image.delta(&self.image);
        assert!(image == self.image, "{when}: the store lacks {difference:?}");
    }

    async fn everything_committed_is_loaded(
        &mut self,
        coordination: Coordination,
        leader: &Leader,
    ) {
        self.check_loaded(leader, "an empty store holds nothing").await;
        for (step, records) in life_of_a_cluster(coordination, leader.epoch).iter().enumerate() {
            self.commit(leader, records).await;
            self.check_loaded(leader, &format!("after step {step}")).await;
        }
        let all = self.image.records();
        self.commit(leader, &all).await;
        self.check_loaded(leader, "records applied twice change nothing").await;
    }

    async fn a_batch_may_be_a_mebibyte(&mut self, leader: &Leader) {
        let mut records = Vec::new();
        let mut bytes = codec::BATCH_OVERHEAD_BYTES;
        for number in 0.. {
            let record = Record::Partition(partition("large", number, &[1, 2, 3]));
            bytes += codec::encoded_len(&record);
            if bytes > BATCH_BYTES_MAX {
                break;
            }
            records.push(record);
        }
        let partitions = records.len() as i32;
        self.commit(leader, &records).await;
        self.check_loaded(leader, "after a batch of 1 MiB").await;
        let topic = Topic { name: "large".into(), id: Uuid::from_u128(99), partitions };
        self.commit(leader, &[Record::Topic(topic)]).await;
        self.check_loaded(leader, "after its topic").await;
        self.commit(leader, &[Record::TopicRemoved("large".into())]).await;
        self.check_loaded(leader, "after the removal of a large topic").await;
    }

    async fn an_older_epoch_is_fenced(
        &mut self,
        contenders: &mut dyn Contenders,
        old: &Leader,
    ) -> Leader {
        contenders.depose().await;
        let new = self.leader(contenders, old.epoch).await;
        self.check_loaded(&new, "a new leader sees every commit").await;
        for (id, store) in contenders.stores() {
            self.check_fenced(&*store, old.epoch, &format!("through the store of {id}")).await;
        }
        self.check_loaded(&new, "a fenced commit changes nothing").await;
        self.commit(&new, &[Record::BrokerRemoved(77)]).await;
        new
    }

    async fn the_same_controller_is_fenced_too(
        &mut self,
        contenders: &mut dyn Contenders,
        old: &Leader,
    ) -> Leader {
        let mut new = old.clone();
        loop {
            contenders.depose().await;
            new = self.leader(contenders, new.epoch).await;
            if new.id == old.id {
                break;
            }
        }
        self.check_fenced(&*new.store, old.epoch, "by the same controller, elected again").await;
        self.check_loaded(&new, "its older epoch changes nothing").await;
        new
    }

    async fn check_fenced(&self, store: &dyn MetadataStore, ours: ControllerEpoch, how: &str) {
        let records = [Record::Broker(broker(66, 66, true))];
        match store.commit(ours, &records).await {
            Err(CommitError::Fenced { ours: named, current }) => {
                assert_eq!(named, ours, "it names the epoch of the commit");
                assert!(current > ours, "{current} does not fence {ours}");
            }
            other => panic!("epoch {ours} is not fenced {how}: {other:?}"),
        }
    }

    async fn a_restart_loses_nothing(
        &mut self,
        contenders: &mut dyn Contenders,
        old: &Leader,
    ) -> Leader {
        self.commit(old, &[Record::Broker(broker(5, 50, true))]).await;
        contenders.restart().await;
        let new = self.leader(contenders, old.epoch).await;
        self.check_loaded(&new, "after a restart").await;
        self.check_fenced(&*new.store, old.epoch, "after a restart").await;
        self.commit(&new, &[Record::BrokerRemoved(5)]).await;
        new
    }

    /// A commit races with the end of its epoch. Whatever it is told, it happened or it did not.
    async fn interrupted_commits_are_whole_or_absent(
        &mut self,
        contenders: &mut dyn Contenders,
        mut leader: Leader,
    ) {
        for round in 0..10 {
            let records: Vec<Record> = (0..50)
                .map(|number| Record::Broker(broker(1000 + number, round + 1, round % 2 == 0)))
                .collect();
            let store = leader.store.clone();
            let (result, ()) =
                tokio::join!(store.commit(leader.epoch, &records), contenders.depose());
            leader = self.leader(contenders, leader.epoch).await;
            let with = records.iter().fold(self.image.clone(), |mut image, record| {
                image.apply(record);
                image
            });
            let (_, loaded) = leader.store.load().await.expect("the leader loads");
            match result {
                Ok(_) => assert!(loaded == with, "round {round}: a commit that succeeded is there"),
                Err(CommitError::Fenced { .. }) => {
                    assert!(loaded == self.image, "round {round}: a fenced commit is not there");
                }
                Err(CommitError::Unavailable(_)) => assert!(
                    loaded == with || loaded == self.image,
                    "round {round}: a commit happens as a whole or not at all"
                ),
            }
            self.image = loaded;
            contenders.depose().await;
            leader = self.leader(contenders, leader.epoch).await;
            self.check_loaded(&leader, "every later load agrees with the first").await;
        }
    }
}

async fn any_changed(watches: &mut [watch::Receiver<Leadership>]) {
    let mut changes: Vec<Change<'_>> = watches.iter_mut().map(change).collect();
    poll_fn(|context| {
        let mut gone = 0;
        for change in &mut changes {
            match change.as_mut().poll(context) {
                Poll::Ready(true) => return Poll::Ready(()),
                Poll::Ready(false) => gone += 1,
                Poll::Pending => {}
            }
        }
        assert!(gone == 0, "a running contender's store is gone");
        Poll::Pending
    })
    .await;
}

type Change<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

fn change(watch: &mut watch::Receiver<Leadership>) -> Change<'_> {
    Box::pin(async move { watch.changed().await.is_ok() })
}

/// Batches in which every kind of record is written, changed and removed.
fn life_of_a_cluster(coordination: Coordination, epoch: ControllerEpoch) -> Vec<Vec<Record>> {
    let topic = |name: &str, id: u128, partitions| {
        Record::Topic(Topic { name: name.into(), id: Uuid::from_u128(id), partitions })
    };
    let config = |resource: &ConfigResource, pairs: &[(&str, &str)]| {
        let values = pairs.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        Record::Config(Config { resource: resource.clone(), values: values.collect() })
    };
    let resources = [
        ConfigResource::Topic("orders".into()),
        ConfigResource::Broker(1),
        ConfigResource::BrokerDefault,
        ConfigResource::Group("shop".into()),
        ConfigResource::ClientMetrics("all".into()),
    ];
    let orders = |number| Record::Partition(partition("orders", number, &[1, 2, 3]));
    // More partitions than a node of an image's maps has room for, and each of them changed alone.
    let wide = |number| partition("wide", number, &[1, 2, 3]);
    let created = (0..40).map(|number| Record::Partition(wide(number)));
    let created = created.chain([topic("wide", 4, 40)]).collect();
    let led_by_another = |number| {
        vec![Record::Partition(Partition {
            leader: Some(2),
            leader_epoch: 1,
            partition_epoch: 1,
            ..wide(number)
        })]
    };
    let changed = Partition {
        isr: vec![],
        elr: vec![2, 3],
        leader: None,
        last_known_leader: Some(2),
        leader_epoch: 1,
        partition_epoch: 4,
        recovering: true,
        adding_replicas: vec![4],
        removing_replicas: vec![1],
        ..partition("orders", 0, &[1, 2, 3, 4])
    };
    let steps = vec![
        vec![
            Record::Mode(Mode {
                coordination,
                generation: epoch.generation,
                zookeeper_connect: String::new(),
            }),
            config(&ConfigResource::BrokerDefault, &[("min.insync.replicas", "2")]),
            Record::Cluster(Cluster { id: "5L6g3nShT-eMCtK--X86sw".into() }),
        ],
        (1..=3).map(|id| Record::Controller(controller(id, "first:1"))).collect(),
        (1..=4).map(|id| Record::Broker(broker(id, i64::from(id), true))).collect(),
        (1..=4).map(|id| Record::Broker(broker(id, i64::from(id), false))).collect(),
        vec![orders(0), orders(1), topic("orders", 1, 2)],
        vec![orders(2), topic("orders", 1, 3), orders(2)],
        resources
            .iter()
            .map(|it| config(it, &[("a.b", "1"), ("c", "x, \"y\" \u{e9}=\n")]))
            .collect(),
        resources.iter().map(|it| config(it, &[("a.b", "2")])).collect(),
        resources[1..].iter().map(|it| config(it, &[])).collect(),
        vec![Record::Partition(changed)],
        vec![Record::ProducerIds(ProducerIds { next: 1000, broker: 1, broker_epoch: 1 })],
        vec![Record::ProducerIds(ProducerIds { next: 2000, broker: 2, broker_epoch: 9 })],
        vec![Record::Feature(Feature { name: "metadata.version".into(), level: 27 })],
        vec![Record::Feature(Feature { name: "metadata.version".into(), level: 28 })],
        vec![
            Record::BrokerRemoved(4),
            Record::BrokerRemoved(77),
            Record::ControllerRemoved(3),
            Record::ControllerRemoved(77),
            Record::Controller(controller(2, "second:2")),
        ],
        // A topic that was never completed, and one that comes back as another.
        vec![Record::Partition(partition("half", 0, &[1]))],
        vec![Record::TopicRemoved("half".into()), Record::TopicRemoved("nothing".into())],
        vec![Record::TopicRemoved("orders".into()), orders(0), topic("orders", 2, 1)],
        vec![Record::Partition(partition("a.b_c-d", 0, &[1])), topic("a.b_c-d", 3, 1)],
        vec![Record::TopicRemoved("orders".into())],
        created,
    ];
    steps.into_iter().chain((0..40).map(led_by_another)).collect()
}

/// A partition as it is when its topic is new: all replicas in sync, led by the first.
pub fn partition(topic: &str, number: i32, replicas: &[BrokerId]) -> Partition {
    Partition {
        id: TopicPartition::new(topic, number),
        replicas: replicas.to_vec(),
        isr: replicas.to_vec(),
        elr: Vec::new(),
        last_known_leader: None,
        leader: replicas.first().copied(),
        leader_epoch: 0,
        partition_epoch: 0,
        recovering: false,
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
    }
}

fn broker(id: BrokerId, epoch: i64, fenced: bool) -> Broker {
    let listener = |name: &str, port| Listener {
        name: name.into(),
        host: format!("broker{id}"),
        port,
        security_protocol: "PLAINTEXT".into(),
    };
    Broker {
        id,
        epoch,
        incarnation: Uuid::from_u128(u128::from(id.unsigned_abs()) << 64 | epoch as u128),
        listeners: vec![listener("PLAINTEXT", 9092), listener("INTERNAL", 19092)],
        rack: (id % 2 == 0).then(|| format!("rack \"{id}\"")),
        log_dirs: vec![Uuid::from_u128(7), Uuid::from_u128(8)],
        fenced,
        in_controlled_shutdown: !fenced && id == 3,
    }
}

fn controller(id: ControllerId, endpoint: &str) -> Controller {
    Controller {
        id,
        incarnation: Uuid::from_u128(1),
        endpoint: endpoint.into(),
        directory_id: Uuid::from_u128(2),
    }
}
