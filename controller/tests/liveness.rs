//! Heartbeat sessions with explicit time.

use std::collections::BTreeSet;

use janus_controller::liveness::{Beat, Sessions, Wish};
use metadata::{Broker, ClusterImage, Partition, Record, TopicPartition, Uuid};

const TIMEOUT_MS: u64 = 9000;
const INTERVAL_MS: u64 = 2000;

fn broker(id: i32, epoch: i64) -> Broker {
    Broker {
        id,
        epoch,
        incarnation: Uuid::from_u128(epoch as u128),
        listeners: Vec::new(),
        rack: None,
        log_dirs: Vec::new(),
        fenced: false,
        in_controlled_shutdown: false,
    }
}

fn partition(leader: i32, isr: &[i32]) -> Record {
    Record::Partition(Partition {
        id: TopicPartition::new("orders", 0),
        replicas: isr.to_vec(),
        isr: isr.to_vec(),
        elr: Vec::new(),
        last_known_leader: None,
        leader: Some(leader),
        leader_epoch: 1,
        partition_epoch: 1,
        recovering: false,
        adding_replicas: Vec::new(),
        removing_replicas: Vec::new(),
    })
}

fn image(brokers: impl IntoIterator<Item = Broker>) -> ClusterImage {
    let records: Vec<Record> = brokers.into_iter().map(Record::Broker).collect();
    ClusterImage::from_records(&records)
}

fn beat(id: i32, broker_epoch: i64, applied: u64) -> Beat {
    let applied = Some(applied);
    Beat { id, broker_epoch, applied, want_fence: false, want_shutdown: false }
}

fn sessions() -> Sessions {
    Sessions::new(TIMEOUT_MS, INTERVAL_MS)
}

#[test]
fn a_session_ends_when_no_heartbeat_renews_it() {
    let mut sessions = sessions();
    sessions.begin(&image([broker(1, 10), broker(2, 11)]), 100, 0);
    sessions.beat(&beat(1, 10, 100), 100, 5000);
    assert_eq!(sessions.next_expiry_ms(), Some(9000));

    sessions.expire(8999);
    assert_eq!(sessions.live(), BTreeSet::from([1, 2]));
    sessions.expire(9000);
    assert_eq!(sessions.live(), BTreeSet::from([1]));
    assert_eq!(sessions.next_expiry_ms(), Some(14_000));
    sessions.expire(14_000);
    assert_eq!(sessions.live(), BTreeSet::new());
    assert_eq!(sessions.next_expiry_ms(), None);

    sessions.beat(&beat(2, 11, 100), 100, 15_000);
    assert_eq!(sessions.live(), BTreeSet::from([2]));
}

#[test]
fn a_takeover_gives_every_unfenced_broker_a_fresh_session() {
    let mut sessions = sessions();
    sessions.begin(&image([broker(1, 10)]), 100, 0);
    let fenced = Broker { fenced: true, ..broker(3, 12) };
    sessions.begin(&image([broker(2, 11), fenced]), 200, 50_000);
    assert_eq!(sessions.live(), BTreeSet::from([2]));
    assert_eq!(sessions.next_expiry_ms(), Some(59_000));
}

#[test]
fn brokers_that_could_not_be_heard_get_one_more_interval() {
    let mut sessions = sessions();
    sessions.begin(&image([broker(1, 10), broker(2, 11)]), 100, 0);
    // This process was stopped from 1000 to 60000.
    sessions.expire(60_000);
    assert_eq!(sessions.live(), BTreeSet::from([1, 2]));
    sessions.beat(&beat(1, 10, 100), 100, 60_100);
    // It is stopped again: broker 2 has had its extra time, broker 1 has not.
    sessions.expire(90_000);
    assert_eq!(sessions.live(), BTreeSet::from([1]));
}

#[test]
fn a_broker_is_unfenced_once_it_has_applied_its_own_registration() {
    let fenced = Broker { fenced: true, ..broker(1, 10) };
    let image = image([fenced]);
    let mut sessions = sessions();
    sessions.begin(&ClusterImage::default(), 90, 0);

    let behind = Beat { applied: None, ..beat(1, 10, 0) };
    sessions.beat(&behind, 100, 0);
    assert_eq!(sessions.wish(&behind, &image, &sessions.live()), Wish::Nothing);
    let behind = beat(1, 10, 99);
    sessions.beat(&behind, 105, 0);
    assert!(!sessions.is_caught_up(1));
    assert_eq!(sessions.wish(&behind, &image, &sessions.live()), Wish::Nothing);

    let ready = beat(1, 10, 100);
    sessions.beat(&ready, 110, 0);
    assert!(sessions.is_caught_up(1));
    assert_eq!(sessions.wish(&ready, &image, &sessions.live()), Wish::Unfence);
    // What counts as life may be something else than heartbeats.
    assert_eq!(sessions.wish(&ready, &image, &BTreeSet::new()), Wish::Nothing);
    let recovering = Beat { want_fence: true, ..ready };
    assert_eq!(sessions.wish(&recovering, &image, &sessions.live()), Wish::Nothing);
}

#[test]
fn a_new_incarnation_has_everything_to_prove_again() {
    let mut sessions = sessions();
    sessions.begin(&image([broker(1, 10)]), 100, 0);
    sessions.beat(&beat(1, 10, 500), 500, 0);
    assert!(sessions.is_caught_up(1));
    sessions.beat(&beat(1, 20, 599), 600, 0);
    assert!(!sessions.is_caught_up(1));
}

#[test]
fn a_serving_broker_can_ask_to_be_fenced() {
    let image = image([broker(1, 10)]);
    let mut sessions = sessions();
    sessions.begin(&image, 100, 0);
    let beat = Beat { want_fence: true, ..beat(1, 10, 100) };
    sessions.beat(&beat, 100, 0);
    assert_eq!(sessions.wish(&beat, &image, &sessions.live()), Wish::Fence);
}

#[test]
fn a_leaving_broker_goes_when_all_others_know_that_it_leads_nothing() {
    let leave = Beat { want_shutdown: true, ..beat(1, 10, 100) };
    let mut image = image([broker(1, 10), broker(2, 11), broker(3, 12)]);
    image.apply(&partition(1, &[1, 2]));
    let mut sessions = sessions();
    sessions.begin(&image, 100, 0);
    sessions.beat(&leave, 100, 0);
    assert_eq!(sessions.wish(&leave, &image, &sessions.live()), Wish::BeginControlledShutdown);

    // The leadership has moved at 101; the brokers have yet to hear of it.
    image.apply(&Record::Broker(Broker { in_controlled_shutdown: true, ..broker(1, 10) }));
    image.apply(&partition(2, &[2]));
    sessions.shutdown_began(1, 10, 101);
    sessions.beat(&beat(2, 11, 101), 101, 0);
    assert_eq!(sessions.wish(&leave, &image, &sessions.live()), Wish::Nothing);
    // Broker 3 dies: it is not waited for.
    sessions.beat(&beat(2, 11, 101), 101, 5000);
    sessions.expire(9000);
    assert_eq!(sessions.wish(&leave, &image, &sessions.live()), Wish::Leave);
}

#[test]
fn only_leaderships_that_can_move_hold_up_a_shutdown() {
    let leave = Beat { want_shutdown: true, ..beat(1, 10, 100) };
    let leaving = Broker { in_controlled_shutdown: true, ..broker(1, 10) };
    let mut image = image([leaving, Broker { fenced: true, ..broker(2, 11) }]);
    let mut sessions = sessions();
    sessions.begin(&image, 100, 0);

    image.apply(&partition(1, &[1, 2]));
    assert_eq!(sessions.wish(&leave, &image, &sessions.live()), Wish::Leave);
    // Broker 2 is back in time.
    image.apply(&Record::Broker(broker(2, 11)));
    assert_eq!(sessions.wish(&leave, &image, &sessions.live()), Wish::BeginControlledShutdown);
    image.apply(&Record::Broker(Broker { fenced: true, ..broker(1, 10) }));
    assert_eq!(sessions.wish(&leave, &image, &sessions.live()), Wish::Leave);
}
