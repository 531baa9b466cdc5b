//! What a quorum must survive: partitions, lagging and wiped members, damaged files, hand-overs.

mod support;

use std::time::{Duration, Instant};

use metadata::{CommitError, MetadataStore};
use metadata_raft::{OpenError, QuorumError};
use support::{Cluster, applied, eventually, record, until, value};

fn quick(config: &mut metadata_raft::RaftConfig) {
    config.election_timeout_ms = 1000;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolated_leader_steps_down_and_returns_as_a_follower() {
    let mut cluster = Cluster::new([1, 2, 3], quick);
    cluster.wire().await;
    cluster.start_all().await;
    let (first, old) = cluster.leader().await;
    cluster.store(first).commit(old, &[record("orders", 1)]).await.unwrap();

    let start = Instant::now();
    cluster.isolate(first);
    let lost = [record("orders", "lost")];
    let refused = eventually(cluster.store(first).commit(old, &lost)).await.unwrap_err();
    assert!(matches!(refused, CommitError::Unavailable(_)), "{refused}");
    let mut leadership = cluster.store(first).leadership();
    eventually(leadership.wait_for(|it| it.leader != Some(first))).await.unwrap();
    println!("leader {first} stepped down {:?} after it was cut off", start.elapsed());

    let (second, new) = cluster.leader_after(old).await;
    println!("leader {second} elected {:?} after {first} was cut off", start.elapsed());
    let store = cluster.store(second);
    store.commit(new, &[record("orders", 2)]).await.unwrap();

    cluster.rejoin(first);
    applied(cluster.store(first), |image| value(image, "orders").as_deref() == Some("2")).await;
    eventually(leadership.wait_for(|it| it.leader == Some(second))).await.unwrap();
    store.commit(new, &[record("orders", 3)]).await.expect("the epoch goes on");
    let stale = cluster.store(first).commit(old, &[record("orders", "late")]).await;
    assert_eq!(stale, Err(CommitError::Fenced { ours: old, current: new }));
    let (_, image) = store.load().await.unwrap();
    assert_eq!(value(&image, "orders").as_deref(), Some("3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_was_cut_off_does_not_depose_the_leader() {
    let mut cluster = Cluster::new([1, 2, 3], quick);
    cluster.wire().await;
    cluster.start_all().await;
    let (leader, epoch) = cluster.leader().await;
    let follower = [1, 2, 3].into_iter().find(|id| *id != leader).unwrap();
    cluster.isolate(follower);
    let store = cluster.store(leader);
    store.commit(epoch, &[record("orders", 1)]).await.unwrap();
    let other = 6 - leader - follower;
    // It has asked for votes more than once.
    until(|| cluster.wire_between(follower, other).attempts() >= 3).await;
    cluster.rejoin(follower);
    applied(cluster.store(follower), |image| value(image, "orders").is_some()).await;
    let mut leadership = cluster.store(follower).leadership();
    eventually(leadership.wait_for(|it| it.leader == Some(leader))).await.unwrap();
    assert_eq!(leadership.borrow().epoch, epoch);
    store.commit(epoch, &[record("orders", 2)]).await.expect("the epoch goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_controller_is_sent_a_snapshot() {
    let mut cluster = Cluster::started([1, 2, 3], |config| {
        config.snapshot_after_entries = 50;
    })
    .await;
    let (leader, epoch) = cluster.leader().await;
    let lagging = [3, 2].into_iter().find(|id| *id != leader).unwrap();
    cluster.store(leader).commit(epoch, &[record("first", 0)]).await.unwrap();
    let behind = cluster.store(lagging).describe().log_end_offset.unwrap();
    cluster.kill(lagging);
    let store = cluster.store(leader);
    let mut round = 0;
    while store.describe().log_start_offset <= behind + 1 {
        let name = format!("topic-{}", round % 40);
        store.commit(epoch, &[record(&name, round)]).await.unwrap();
        round += 1;
    }
    store.commit(epoch, &[record("last", 0)]).await.unwrap();
    println!("log begins at {} after {round} commits", store.describe().log_start_offset);
    cluster.start(lagging).await;
    applied(cluster.store(lagging), |image| value(image, "last").is_some()).await;
    let copy = cluster.store(lagging);
    assert_eq!(copy.image().1, cluster.store(leader).load().await.unwrap().1);
    assert!(copy.describe().log_start_offset > behind + 1, "it did not get the log");

    // It starts from what it was sent.
    cluster.kill(lagging);
    cluster.start(lagging).await;
    assert!(value(&cluster.store(lagging).image().1, "first").is_some());

    // Damage to a file that the log no longer covers is not papered over.
    cluster.kill(lagging);
    for entry in std::fs::read_dir(&cluster.configs[&lagging].directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let whole = std::fs::read(&path).unwrap();
            std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        }
    }
    assert!(matches!(cluster.try_start(lagging).await, Err(OpenError::Corrupt(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_voter_has_no_vote_until_it_is_added_again() {
    let mut cluster = Cluster::started([1, 2, 3], quick).await;
    let (leader, epoch) = cluster.leader().await;
    let [wiped, other] = [1, 2, 3].into_iter().filter(|id| *id != leader).collect::<Vec<_>>()[..]
    else {
        unreachable!()
    };
    cluster.store(leader).commit(epoch, &[record("orders", 1)]).await.unwrap();
    let before = cluster.configs[&wiped].directory_id;
    cluster.kill(wiped);
    cluster.wipe(wiped);
    cluster.start(wiped).await;

    // The leader and the wiped one are no majority.
    cluster.kill(other);
    let refused = cluster.store(leader).commit(epoch, &[record("orders", "lost?")]).await;
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    assert!(cluster.store(wiped).describe().members.is_empty());
    cluster.start(other).await;

    let (leader, epoch) = cluster.leader().await;
    let voter =
        metadata_raft::Voter { id: wiped, endpoint: cluster.endpoint(wiped), directory_id: None };
    let store = cluster.store(leader);
    let refused = store.add_voter(voter.clone()).await;
    assert!(matches!(refused, Err(QuorumError::Invalid(_))), "{refused:?}");
    store.remove_voter(wiped, before).await.unwrap();
    store.add_voter(voter).await.unwrap();
    cluster.kill(other);
    let store = cluster.store(leader);
    store.commit(epoch, &[record("orders", 2)]).await.expect("two of three");
    applied(cluster.store(wiped), |image| value(image, "orders").as_deref() == Some("2")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wiped_controllers_do_not_found_a_second_cluster() {
    let mut cluster = Cluster::new([1, 2, 3], quick);
    cluster.wire().await;
    cluster.start_all().await;
    let (leader, epoch) = cluster.leader().await;
    let offset = cluster.store(leader).commit(epoch, &[record("orders", 1)]).await.unwrap();
    applied(cluster.store(3), |image| value(image, "orders").is_some()).await;
    [1, 2, 3].into_iter().for_each(|id| cluster.kill(id));
    // A majority is wiped while the last one with data is out of reach.
    for id in [1, 2] {
        cluster.wipe(id);
        cluster.start(id).await;
    }
    cluster.isolate(3);
    until(|| cluster.wire_between(1, 3).attempts() >= 3).await;
    for id in [1, 2] {
        assert!(cluster.store(id).describe().members.is_empty());
    }
    cluster.rejoin(3);
    cluster.start(3).await;
    // The one with data still has it, and knows whose it is.
    let view = cluster.store(3).describe();
    assert_eq!(view.members.len(), 3);
    assert!(view.log_end_offset >= Some(offset));
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_is_handed_over_without_waiting() {
    let mut cluster = Cluster::started([1, 2, 3], |_| {}).await;
    let (first, old) = cluster.leader().await;
    let heir = [1, 2, 3].into_iter().find(|id| *id != first).unwrap();
    cluster.store(first).commit(old, &[record("orders", 1)]).await.unwrap();
    let start = Instant::now();
    cluster.store(first).transfer_leadership(Some(heir)).await.unwrap();
    let (second, new) = cluster.leader_after(old).await;
    println!("handed over in {:?}", start.elapsed());
    assert_eq!(second, heir);
    assert!(matches!(
        cluster.store(first).transfer_leadership(None).await,
        Err(QuorumError::NotLeader { leader }) if leader == Some(heir)
    ));
    let start = Instant::now();
    cluster.shut_down(second).await;
    println!("shut down in {:?}", start.elapsed());
    let (third, newest) = cluster.leader_after(new).await;
    assert_ne!(third, second);
    cluster.store(third).commit(newest, &[record("orders", 2)]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quorum_grows_and_shrinks() {
    let mut cluster = Cluster::started([1], quick).await;
    let (_, epoch) = cluster.leader().await;
    cluster.store(1).commit(epoch, &[record("orders", 1)]).await.unwrap();
    for id in [2, 3] {
        let voter = cluster.newcomer(id, quick);
        cluster.start(id).await;
        cluster.store(1).add_voter(voter).await.unwrap();
    }
    let view = cluster.store(1).describe();
    assert_eq!(view.leader, Some(1));
    assert!(view.members.iter().all(|member| member.voter));
    until(|| {
        let view = cluster.store(1).describe();
        view.members.iter().all(|member| member.log_end_offset == view.log_end_offset)
    })
    .await;
    assert!(view.members.iter().all(|it| it.last_contact < Some(Duration::from_secs(60))));

    // The first leaves while it leads: somebody else takes over.
    let directory_id = cluster.configs[&1].directory_id;
    cluster.store(1).remove_voter(1, directory_id).await.unwrap();
    let (second, new) = cluster.leader_after(epoch).await;
    assert_ne!(second, 1);
    cluster.kill(1);
    cluster.store(second).commit(new, &[record("orders", 2)]).await.unwrap();
    assert_eq!(cluster.store(second).describe().members.len(), 2);
    assert!(matches!(
        cluster.store(second).remove_voter(9, directory_id).await,
        Err(QuorumError::Invalid(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_belongs_to_one_controller() {
    let mut cluster = Cluster::started([1], |_| {}).await;
    cluster.leader().await;
    let config = cluster.configs[&1].clone();
    let second = metadata_raft::RaftStore::open(config.clone()).await;
    assert!(matches!(second, Err(OpenError::Locked(_))));
    cluster.shut_down(1).await;
    for other in [
        metadata_raft::RaftConfig { cluster_id: "another".into(), ..config.clone() },
        metadata_raft::RaftConfig { node_id: 2, initial_controllers: vec![], ..config.clone() },
        metadata_raft::RaftConfig { directory_id: uuid::Uuid::new_v4(), ..config },
    ] {
        let other = metadata_raft::RaftStore::open(other).await;
        assert!(matches!(other, Err(OpenError::Foreign { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_knows_the_secret_is_heard() {
    let secret = |text: &str| grpc::auth::Secret::new(text.as_bytes());
    let mut cluster = Cluster::started([1, 2, 3], |config| {
        quick(config);
        config.secret = secret("the secret of this cluster");
    })
    .await;
    let (leader, epoch) = cluster.leader().await;
    cluster.store(leader).commit(epoch, &[record("orders", 1)]).await.unwrap();
    let voter = cluster.newcomer(4, |config| config.secret = secret("that of another one"));
    cluster.start(4).await;
    let refused = cluster.store(leader).add_voter(voter).await;
    assert!(matches!(refused, Err(QuorumError::Unavailable(_))), "{refused:?}");
}
