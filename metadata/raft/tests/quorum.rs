//! Three controllers over real gRPC and real disks: elect, commit, fail over, restart.

mod support;

use std::time::Instant;

use metadata::{CommitError, ControllerEpoch, MetadataStore};
use support::{Cluster, applied, record, value};

#[tokio::test(flavor = "multi_thread")]
async fn three_controllers_started_together_elect_and_commit() {
    let mut cluster = Cluster::new([1, 2, 3], |_| {});
    let start = Instant::now();
    cluster.start_all().await;
    let (leader, epoch) = cluster.leader().await;
    println!("leader {leader} of {epoch} after {:?}", start.elapsed());
    let store = cluster.store(leader);
    let mut latencies = Vec::new();
    for round in 0..100 {
        let start = Instant::now();
        store.commit(epoch, &[record("orders", round)]).await.unwrap();
        latencies.push(start.elapsed());
    }
    latencies.sort();
    println!("commit: median {:?}, worst {:?}", latencies[50], latencies[99]);
    let (offset, image) = store.load().await.unwrap();
    assert_eq!(value(&image, "orders").as_deref(), Some("99"));
    assert!(offset >= 100);
    for id in [1, 2, 3] {
        applied(cluster.store(id), |image| value(image, "orders").as_deref() == Some("99")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_leader_is_replaced_and_its_epoch_is_fenced() {
    let mut cluster = Cluster::started([1, 2, 3], |_| {}).await;
    let (first, old) = cluster.leader().await;
    cluster.store(first).commit(old, &[record("orders", 1)]).await.unwrap();
    let start = Instant::now();
    cluster.kill(first);
    let (second, new) = cluster.leader_after(old).await;
    println!("leader {second} of {new} {:?} after the death of {first}", start.elapsed());
    assert_ne!(first, second);
    let store = cluster.store(second);
    let (_, image) = store.load().await.unwrap();
    println!("loaded {:?} after", start.elapsed());
    assert_eq!(value(&image, "orders").as_deref(), Some("1"));
    let fenced = store.commit(old, &[record("orders", 2)]).await;
    assert_eq!(fenced, Err(CommitError::Fenced { ours: old, current: new }));
    let other_generation = ControllerEpoch { generation: 2, ..new };
    assert!(matches!(
        store.commit(other_generation, &[record("orders", 2)]).await,
        Err(CommitError::Fenced { .. })
    ));
    store.commit(new, &[record("orders", 3)]).await.unwrap();

    cluster.start(first).await;
    applied(cluster.store(first), |image| value(image, "orders").as_deref() == Some("3")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_leader_is_replaced_by_the_election_timer() {
    let mut cluster = Cluster::started([1, 2, 3], |config| config.fast_failover = false).await;
    let (first, old) = cluster.leader().await;
    let start = Instant::now();
    cluster.kill(first);
    let (second, new) = cluster.leader_after(old).await;
    println!("leader {second} of {new} {:?} after the death of {first}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_survives_the_death_of_all() {
    let mut cluster = Cluster::started([1, 2, 3], |_| {}).await;
    let (leader, epoch) = cluster.leader().await;
    for round in 0..20 {
        let name = format!("topic-{round}");
        cluster.store(leader).commit(epoch, &[record(&name, round)]).await.unwrap();
    }
    [1, 2, 3].into_iter().for_each(|id| cluster.kill(id));
    cluster.start_all().await;
    let (leader, new) = cluster.leader_after(epoch).await;
    let (_, image) = cluster.store(leader).load().await.unwrap();
    for round in 0..20 {
        assert_eq!(value(&image, &format!("topic-{round}")), Some(round.to_string()));
    }
    cluster.store(leader).commit(new, &[record("orders", 1)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_alone_is_a_quorum() {
    let mut cluster = Cluster::started([7], |_| {}).await;
    let (leader, epoch) = cluster.leader().await;
    assert_eq!(leader, 7);
    cluster.store(7).commit(epoch, &[record("orders", 1)]).await.unwrap();
    cluster.shut_down(7).await;
    cluster.start(7).await;
    let (_, new) = cluster.leader_after(epoch).await;
    assert!(new > epoch);
    let (_, image) = cluster.store(7).load().await.unwrap();
    assert_eq!(value(&image, "orders").as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_restarts_is_not_waited_for() {
    let mut cluster =
        Cluster::started([1, 2, 3], |config| config.election_timeout_ms = 600_000).await;
    let (first, old) = cluster.leader().await;
    let start = Instant::now();
    cluster.kill(first);
    cluster.start(first).await;
    let (second, new) = cluster.leader_after(old).await;
    println!("leader {second} of {new} {:?} after the restart of {first}", start.elapsed());
}
