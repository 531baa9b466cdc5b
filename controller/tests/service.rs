//! Controllers over real gRPC on the loopback interface, with a store in memory.

mod support;

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use grpc::auth::{Credentials, Role, Secret};
use grpc::change_quorum_request::Change;
use grpc::{
    ChangeQuorumRequest, DescribeQuorumRequest, SubmitRequest, TransferLeadershipRequest,
    WatchRequest,
};
use metadata::memory::Interruption;
use metadata::{Command, ControlError, codec};
use support::{CLUSTER, Ensemble, TestBroker, create_topic, submit};
use tokio::io::AsyncReadExt;
use tonic::Code;

#[tokio::test]
async fn a_broker_registers_catches_up_and_serves() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    let epoch = ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.try_register().await.unwrap();

    // Registered, but it has not applied anything yet.
    let reply = broker.beat(false, false).await;
    assert!(reply.fenced && !reply.caught_up && !reply.stale_broker_epoch);
    broker.watch().await;
    let first = broker.update().await.unwrap();
    assert!(first.full && first.epoch.unwrap().term == epoch.term);
    let leases = first.leases.unwrap();
    assert_eq!(leases.session_timeout_ms, 3_600_000);
    assert_eq!(leases.heartbeat_interval_ms, 900_000);
    assert_eq!(broker.image.cluster_id.as_deref(), Some(CLUSTER));
    assert!(broker.image.controllers.contains_key(&101));

    let reply = broker.beat(true, false).await;
    assert!(reply.fenced && reply.caught_up);
    let reply = broker.beat(false, false).await;
    assert!(!reply.fenced && reply.caught_up);
    broker.until(|image| !image.brokers[&1].fenced).await;
}

#[tokio::test]
async fn who_submits_reads_its_own_writes() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    let epoch = ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.serve().await;

    let topic = || create_topic("orders", vec![1]);
    let reply = submit(&mut broker.client, &[topic(), topic()]).await.unwrap();
    assert_eq!(reply.epoch.unwrap().term, epoch.term);
    let outcomes: Vec<_> =
        reply.outcomes.iter().map(|it| codec::decode_outcome(it).unwrap()).collect();
    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1], Err(ControlError::TopicAlreadyExists("orders".into())));
    while broker.at.1 < reply.offset {
        broker.update().await.unwrap();
    }
    assert_eq!(broker.image.topics["orders"].partitions, 1);
}

#[tokio::test]
async fn another_clusters_requests_are_refused() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut client = controller.client(Credentials::none()).await;
    let other = "AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    let request = SubmitRequest { cluster_id: other.clone(), ..Default::default() };
    let status = client.submit(request).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains(CLUSTER) && status.message().contains(&other));
    let request = WatchRequest { cluster_id: other.clone(), ..Default::default() };
    assert_eq!(client.watch(request).await.unwrap_err().code(), Code::FailedPrecondition);

    let garbage = SubmitRequest {
        cluster_id: CLUSTER.into(),
        commands: vec![vec![0xff; 3].into()],
        ..Default::default()
    };
    assert_eq!(client.submit(garbage).await.unwrap_err().code(), Code::InvalidArgument);
    // Whoever asks which cluster this is cannot name it.
    let reply = client.describe_quorum(DescribeQuorumRequest::default()).await.unwrap();
    assert_eq!(reply.into_inner().cluster_id, CLUSTER);
}

#[tokio::test]
async fn a_standby_names_the_active_controller() {
    let ensemble = Ensemble::new();
    let (active, standby) = (ensemble.start(101).await, ensemble.start(102).await);
    let mut broker = standby.broker(1).await;
    let reply = submit(&mut broker.client, &[Command::Reconcile]).await.unwrap();
    assert_eq!(reply.not_active.unwrap().active_id, -1);

    ensemble.elect(&active);
    let reply = submit(&mut broker.client, &[Command::Reconcile]).await.unwrap();
    let not_active = reply.not_active.unwrap();
    assert_eq!((not_active.active_id, not_active.active_endpoint), (101, active.endpoint.clone()));
    assert_eq!(broker.beat(false, false).await.not_active.unwrap().active_id, 101);
    broker.watch().await;
    assert!(broker.update().await.is_none());

    let reply = broker.client.describe_quorum(DescribeQuorumRequest::default()).await.unwrap();
    let reply = reply.into_inner();
    assert_eq!((reply.active_id, reply.answered_by, reply.members.len()), (101, 102, 2));

    // It has made itself known to the active one.
    let mut watcher = active.broker(2).await;
    watcher.try_register().await.unwrap();
    watcher.watch().await;
    watcher.until(|image| image.controllers.contains_key(&102)).await;
}

#[tokio::test]
async fn leadership_moves_when_it_is_asked_to() {
    let ensemble = Ensemble::new();
    let (first, second) = (ensemble.start(101).await, ensemble.start(102).await);
    ensemble.elect(&first);
    let mut broker = first.broker(1).await;
    broker.serve().await;
    let request = TransferLeadershipRequest { cluster_id: CLUSTER.into(), to_id: second.id };
    let reply = broker.client.transfer_leadership(request.clone()).await.unwrap();
    assert_eq!(reply.into_inner().not_active, None);
    // The stream ends; the broker moves on and is not fenced by that.
    while broker.update().await.is_some() {}
    let reply = broker.client.transfer_leadership(request).await.unwrap().into_inner();
    assert_eq!(reply.not_active.unwrap().active_id, 102);

    broker.client = second.client(Credentials::none()).await;
    assert!(broker.submit(create_topic("orders", vec![1])).await.is_ok());
    broker.watch().await;
    broker.until(|image| image.topics.contains_key("orders")).await;
    assert!(!broker.beat(false, false).await.fenced);
}

#[tokio::test]
async fn who_votes_is_changed_only_by_the_active_one_and_where_somebody_votes() {
    let ensemble = Ensemble::new();
    let (first, second) = (ensemble.start(101).await, ensemble.start(102).await);
    ensemble.elect(&first);
    let mut broker = second.broker(1).await;
    let change = Some(Change::AddAt("localhost:1".into()));
    let request = ChangeQuorumRequest { cluster_id: CLUSTER.into(), id: 103, change };
    let reply = broker.client.change_quorum(request.clone()).await.unwrap().into_inner();
    assert_eq!(reply.not_active.unwrap().active_id, 101);

    broker.client = first.client(Credentials::none()).await;
    let refused = broker.client.change_quorum(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    let change = Some(Change::RemoveDirectoryId("no directory".into()));
    let garbled = ChangeQuorumRequest { change, ..request };
    let refused = broker.client.change_quorum(garbled).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
}

#[tokio::test]
async fn a_deposed_controller_drops_what_is_in_flight() {
    let ensemble = Ensemble::new();
    let (old, new) = (ensemble.start(101).await, ensemble.start(102).await);
    ensemble.elect(&old);
    let mut broker = old.broker(1).await;
    broker.serve().await;

    let held = ensemble.store.hold().await;
    let mut client = broker.client.clone();
    let waiting = tokio::spawn(async move {
        submit(&mut client, &[create_topic("orders", vec![1])]).await.unwrap()
    });
    ensemble.store.waiting.subscribe().wait_for(|waiting| *waiting == 1).await.unwrap();
    ensemble.elect(&new);
    let reply = waiting.await.unwrap();
    assert_eq!(reply.not_active.unwrap().active_id, 102);
    drop(held);

    broker.client = new.client(Credentials::none()).await;
    assert!(broker.submit(create_topic("orders", vec![1])).await.is_ok());
}

#[tokio::test]
async fn a_commit_whose_outcome_is_unknown_is_looked_up() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.serve().await;
    for (topic, interruption) in
        [("lost", Interruption::BeforeCommit), ("kept", Interruption::AfterCommit)]
    {
        ensemble.store.inner.interrupt_next_commit(interruption);
        let create = create_topic(topic, vec![1]);
        let reply = submit(&mut broker.client, slice::from_ref(&create)).await.unwrap();
        assert!(reply.not_active.is_some());
        while broker.update().await.is_some() {}
        // The controller loads and serves again, still in its epoch, and the retry settles it.
        assert!(broker.submit(create).await.is_ok());
        broker.watch().await;
        broker.until(|image| image.topics.contains_key(topic)).await;
    }
    assert!(!broker.beat(false, false).await.fenced);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.serve().await;

    let held = ensemble.store.hold().await;
    // One is in flight, 512 wait, and a connection carries 256 at once.
    let mut calls = tokio::task::JoinSet::new();
    for connection in 0..4 {
        let client = controller.client(Credentials::none()).await;
        for index in 0..200 {
            let mut client = client.clone();
            let topic = create_topic(&format!("orders-{connection}-{index}"), vec![1]);
            calls.spawn(async move { submit(&mut client, &[topic]).await });
        }
    }
    // The queue is full and the others are refused, while heartbeats are answered as ever.
    let refused = calls.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(!broker.beat(false, false).await.fenced);
    drop(held);
    let mut done = 0;
    while let Some(outcome) = calls.join_next().await {
        match outcome.unwrap() {
            Ok(reply) => {
                assert!(codec::decode_outcome(&reply.outcomes[0]).unwrap().is_ok());
                done += 1;
            }
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
        }
    }
    assert!(done >= 512, "{done} of 800");
    assert!(broker.submit(create_topic("last", vec![1])).await.is_ok());
}

#[tokio::test]
async fn a_silent_broker_is_fenced_when_its_session_ends() {
    let ensemble = Ensemble {
        session_timeout: Duration::from_millis(300),
        fence_on_process_death: false,
        ..Ensemble::new()
    };
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.try_register().await.unwrap();
    broker.watch().await;
    broker.update().await.unwrap();
    broker.beat(false, false).await;
    broker.until(|image| !image.brokers[&1].fenced).await;
    // It keeps its stream and says nothing any more.
    broker.until(|image| image.brokers[&1].fenced).await;
    // It comes back as the same incarnation.
    broker.beat(false, false).await;
    broker.until(|image| !image.brokers[&1].fenced).await;
}

#[tokio::test]
async fn a_broker_whose_process_died_is_fenced_at_once() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let (mut dying, mut witness) = (controller.broker(1).await, controller.broker(2).await);
    dying.serve().await;
    witness.serve().await;
    drop(dying);
    witness.until(|image| image.brokers[&1].fenced).await;
    assert!(!witness.image.brokers[&2].fenced);
}

#[tokio::test]
async fn a_broker_that_only_lost_its_connection_is_not_fenced() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.serve().await;
    broker.disconnect();
    // The probe connects, and has come to its conclusion once it hangs up.
    let (mut probe, _) = broker.listener.as_ref().unwrap().accept().await.unwrap();
    assert_eq!(probe.read(&mut [0]).await.unwrap(), 0);
    assert!(!broker.beat(false, false).await.fenced);
    assert!(!broker.beat(false, false).await.fenced);
}

#[tokio::test]
async fn a_new_controller_probes_brokers_that_do_not_come() {
    let ensemble = Ensemble::new();
    let (old, new) = (ensemble.start(101).await, ensemble.start(102).await);
    ensemble.elect(&old);
    let (mut dying, mut witness) = (old.broker(1).await, old.broker(2).await);
    dying.serve().await;
    witness.serve().await;
    ensemble.elect(&new);
    drop(old);
    drop(dying);
    witness.client = new.client(Credentials::none()).await;
    assert!(witness.submit(Command::Reconcile).await.is_ok());
    witness.watch().await;
    witness.until(|image| image.brokers[&1].fenced).await;
    assert!(!witness.image.brokers[&2].fenced);
}

#[tokio::test]
async fn a_restarted_broker_replaces_its_dead_incarnation() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    broker.serve().await;
    let old_epoch = broker.epoch;

    // A second process with the same id cannot push out one that is connected.
    let mut impostor = controller.broker(1).await;
    assert_eq!(impostor.try_register().await, Err(ControlError::DuplicateBrokerRegistration(1)));

    // The new process is up and holds the port before anybody noticed the death of the old one.
    let mut restarted = controller.broker(1).await;
    restarted.port = broker.port;
    restarted.listener = broker.listener.take();
    broker.disconnect();
    let registered = async {
        while restarted.try_register().await.is_err() {
            // Until the controller has seen that the stream is gone.
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(support::PATIENCE, registered).await.unwrap();
    assert!(restarted.epoch > old_epoch);
    restarted.serve().await;
    assert!(broker.beat(false, false).await.stale_broker_epoch);
}

#[tokio::test]
async fn a_leaving_broker_hands_over_its_partitions_first() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let (mut leaving, mut staying) = (controller.broker(1).await, controller.broker(2).await);
    leaving.serve().await;
    staying.serve().await;
    leaving.submit(create_topic("orders", vec![1, 2])).await.unwrap();
    let partition = |image: &metadata::ClusterImage| {
        image.partition(&Arc::from("orders"), 0).map(|it| it.leader)
    };
    staying.until(|image| partition(image) == Some(Some(1))).await;

    let reply = leaving.beat(false, true).await;
    assert!(!reply.may_shutdown && !reply.fenced);
    staying.until(|image| partition(image) == Some(Some(2))).await;
    assert!(staying.image.brokers[&1].in_controlled_shutdown);
    // It waits until the other has said that it knows.
    assert!(!leaving.beat(false, true).await.may_shutdown);
    staying.beat(false, false).await;
    let reply = leaving.beat(false, true).await;
    assert!(reply.may_shutdown && reply.fenced);
    // And once more, should the answer have been lost.
    assert!(leaving.beat(false, true).await.may_shutdown);
    staying.until(|image| image.brokers[&1].fenced).await;
}

#[tokio::test]
async fn a_secret_keeps_strangers_out() {
    let secret = Secret::new(b"0123456789abcdef").unwrap();
    let ensemble = Ensemble { secret: Some(secret.clone()), ..Ensemble::new() };
    let (active, _standby) = (ensemble.start(101).await, ensemble.start(102).await);
    ensemble.elect(&active);
    let mut stranger = active.client(Credentials::none()).await;
    let status = submit(&mut stranger, &[Command::Reconcile]).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);

    let client = active.client(TestBroker::credentials(&secret, 1)).await;
    let mut broker = TestBroker::new(client.clone(), 1).await;
    broker.serve().await;
    // Controllers know the secret too.
    broker.until(|image| image.controllers.contains_key(&102)).await;
    let mut other = TestBroker::new(client, 2).await;
    other.epoch = 1;
    let request = WatchRequest {
        cluster_id: CLUSTER.into(),
        broker_id: 2,
        broker_epoch: 1,
        ..Default::default()
    };
    assert_eq!(other.client.watch(request).await.unwrap_err().code(), Code::PermissionDenied);
    let tool = Credentials::new(Some(&secret), CLUSTER, Role::Tool, -1);
    let mut tool = active.client(tool).await;
    assert!(submit(&mut tool, &[Command::Reconcile]).await.unwrap().not_active.is_none());
}

#[tokio::test]
async fn a_stale_broker_is_told_to_register_again() {
    let ensemble = Ensemble::new();
    let controller = ensemble.start(101).await;
    ensemble.elect(&controller);
    let mut broker = controller.broker(1).await;
    assert!(broker.submit(Command::Reconcile).await.is_ok());
    assert!(broker.beat(false, false).await.stale_broker_epoch);
    broker.serve().await;
    broker.epoch -= 1;
    assert!(broker.beat(false, false).await.stale_broker_epoch);
}

#[tokio::test]
async fn an_incarnation_keeps_its_epoch_across_controllers() {
    let ensemble = Ensemble::new();
    let (old, new) = (ensemble.start(101).await, ensemble.start(102).await);
    ensemble.elect(&old);
    let mut broker = old.broker(1).await;
    broker.serve().await;
    let epoch = broker.epoch;
    ensemble.elect(&new);
    broker.client = new.client(Credentials::none()).await;
    broker.try_register().await.unwrap();
    assert_eq!(broker.epoch, epoch);
    assert!(!broker.beat(false, false).await.fenced);
}
