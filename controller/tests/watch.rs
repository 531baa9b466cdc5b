//! Metadata streams: what a broker that applies them ends up with.

use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use grpc::{Leases, MetadataBatch};
use janus_controller::watch::{Connection, Connections, Publication, Snapshot};
use metadata::{
    ClusterImage, Controller, ControllerEpoch, Partition, Record, Topic, TopicPartition, Uuid,
    codec,
};

const EPOCH: ControllerEpoch = ControllerEpoch { generation: 1, term: 3 };

fn topic(name: &str, partitions: i32) -> Vec<Record> {
    let partition = |number| {
        Record::Partition(Partition {
            id: TopicPartition::new(name, number),
            replicas: vec![1, 2, 3],
            isr: vec![1, 2, 3],
            elr: Vec::new(),
            last_known_leader: None,
            leader: Some(1),
            leader_epoch: 1,
            partition_epoch: 1,
            recovering: false,
            adding_replicas: Vec::new(),
            removing_replicas: Vec::new(),
        })
    };
    let topic = Topic { name: name.into(), id: Uuid::from_u128(name.len() as u128), partitions };
    (0..partitions).map(partition).chain([Record::Topic(topic)]).collect()
}

/// A publication and the image that it has published last.
#[derive(Default)]
struct Source {
    publication: Publication,
    image: ClusterImage,
    offset: u64,
}

impl Source {
    fn commit(&mut self, records: &[Record]) {
        records.iter().for_each(|record| self.image.apply(record));
        self.offset += 1;
        self.publish(EPOCH);
    }

    fn publish(&self, epoch: ControllerEpoch) {
        let image = Arc::new(self.image.clone());
        self.publication.publish(Snapshot { epoch, offset: self.offset, image });
    }

    fn stream(&self, has: Option<(ControllerEpoch, u64)>) -> Broker {
        let leases = Leases { heartbeat_interval_ms: 2000, ..Default::default() };
        let stream = self.publication.stream(has, leases, None);
        Broker { stream: Box::pin(stream), image: ClusterImage::default(), messages: 0 }
    }
}

/// The receiving end.
struct Broker {
    stream: std::pin::Pin<Box<dyn Stream<Item = Result<MetadataBatch, tonic::Status>>>>,
    image: ClusterImage,
    messages: usize,
}

impl Broker {
    /// Applies one update, or says that none is ready.
    fn update(&mut self) -> Option<MetadataBatch> {
        let mut next: Option<ClusterImage> = None;
        loop {
            let batch = self.stream.next().now_or_never()??.unwrap();
            self.messages += 1;
            assert!(batch.records.len() <= 1 << 20);
            let image = next.get_or_insert_with(|| match batch.full {
                true => ClusterImage::default(),
                false => self.image.clone(),
            });
            codec::decode_records(&batch.records).unwrap().iter().for_each(|it| image.apply(it));
            let fingerprint = batch.last.then(|| image.fingerprint.value());
            assert_eq!(batch.fingerprint, fingerprint);
            if batch.last {
                assert!(batch.leases.is_some());
                self.image = next.unwrap();
                return Some(batch);
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.stream.next().now_or_never(), Some(None))
    }
}

#[test]
fn a_new_broker_gets_the_image_in_chunks_and_then_what_changes() {
    let mut source = Source::default();
    source.commit(&topic("large", 40_000));
    let mut broker = source.stream(None);
    let batch = broker.update().unwrap();
    assert!(batch.full && broker.messages > 1);
    assert_eq!(broker.image, source.image);
    assert!(broker.update().is_none());

    source.commit(&topic("small", 1));
    let batch = broker.update().unwrap();
    assert!(!batch.full && batch.records.len() < 1000);
    assert_eq!((batch.offset, &broker.image), (2, &source.image));
}

#[test]
fn a_slow_broker_gets_one_difference_for_many_changes() {
    let mut source = Source::default();
    source.commit(&topic("first", 1));
    let mut broker = source.stream(None);
    broker.update().unwrap();
    for index in 0..200 {
        source.commit(&topic(&format!("{index:0>width$}", width = index + 6), 1));
        source.commit(&[Record::TopicRemoved("first".into())]);
    }
    let batch = broker.update().unwrap();
    assert_eq!((batch.full, batch.offset), (false, 401));
    assert_eq!(broker.image, source.image);
    assert!(broker.update().is_none());
}

#[test]
fn a_broker_that_reconnects_soon_gets_the_difference() {
    let mut source = Source::default();
    source.commit(&topic("first", 1));
    let mut broker = source.stream(None);
    broker.update().unwrap();
    source.commit(&topic("second", 1));
    source.commit(&topic("third-one", 1));

    let again = Broker { image: broker.image.clone(), ..source.stream(Some((EPOCH, 1))) };
    broker = again;
    assert!(!broker.update().unwrap().full);
    assert_eq!(broker.image, source.image);

    // Nothing has changed since: it hears of epoch and leases all the same.
    broker = Broker { image: broker.image.clone(), ..source.stream(Some((EPOCH, 3))) };
    let batch = broker.update().unwrap();
    assert!(!batch.full && codec::decode_records(&batch.records).unwrap().is_empty());
}

#[test]
fn a_broker_that_was_away_too_long_or_elsewhere_gets_the_image() {
    let mut source = Source::default();
    source.commit(&topic("first", 1));
    for incarnation in 0..100 {
        source.commit(&[Record::Controller(Controller {
            id: 101,
            incarnation: Uuid::from_u128(incarnation),
            endpoint: "localhost:9093".into(),
            directory_id: Uuid::from_u128(1),
        })]);
    }
    let elsewhere = ControllerEpoch { generation: 2, ..EPOCH };
    for has in [(EPOCH, 1), (EPOCH, 10_000), (elsewhere, 101)] {
        let mut broker = source.stream(Some(has));
        assert!(broker.update().unwrap().full, "{has:?}");
        assert_eq!(broker.image, source.image);
    }
}

#[test]
fn an_offset_means_the_same_under_the_next_controller() {
    let mut source = Source::default();
    source.commit(&topic("first", 1));
    let mut broker = source.stream(None);
    broker.update().unwrap();
    let next = ControllerEpoch { term: 4, ..EPOCH };
    source.publish(next);
    assert!(broker.has_ended());
    let mut again = Broker { image: broker.image, ..source.stream(Some((EPOCH, 1))) };
    let batch = again.update().unwrap();
    assert_eq!((batch.full, batch.epoch.unwrap().term), (false, 4));
}

#[test]
fn streams_end_with_the_controllers_term() {
    let mut source = Source::default();
    assert!(source.stream(None).has_ended());
    source.commit(&topic("first", 1));
    let mut broker = source.stream(None);
    broker.update().unwrap();
    source.publication.withdraw();
    assert!(broker.has_ended());

    let mut broker = source.stream(None);
    source.publish(EPOCH);
    assert!(broker.has_ended());
}

#[test]
fn a_connection_counts_its_streams_and_remembers_that_it_broke() {
    let connections = Connections::default();
    let mut changes = connections.subscribe();
    let first = connections.open(1, 10);
    let second = connections.open(1, 10);
    assert_eq!(connections.streams(1, 10), Some(2));
    assert_eq!(connections.streams(1, 11), None);
    changes.mark_unchanged();
    drop(first);
    assert!(!changes.has_changed().unwrap());
    drop(second);
    assert!(changes.has_changed().unwrap());
    assert_eq!(connections.streams(1, 10), Some(0));

    // The guard of an earlier registration cannot break the stream of the next.
    let old = connections.open(2, 20);
    let new = connections.open(2, 21);
    drop(old);
    let expected = Connection { broker_epoch: 21, streams: 1 };
    assert_eq!(connections.subscribe().borrow().get(&2), Some(&expected));
    connections.begin();
    assert_eq!(connections.streams(1, 10), None);
    assert_eq!(connections.streams(2, 21), Some(1));
    drop(new);
    assert_eq!(connections.streams(2, 21), Some(0));
}
