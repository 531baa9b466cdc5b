//! Who leads, whatever happens to controllers and to their sessions.

use metadata::{CommitError, ControllerEpoch, Leadership, MetadataStore};
use metadata_zookeeper::{Candidate, OpenError, TransferError, ZooKeeperConfig};

use crate::controllers::{Controller, config, connect, eventually, record};
use crate::server::{Cable, Server};

const ANY: ControllerEpoch = ControllerEpoch { generation: 0, term: 0 };
/// Soon over, and not because the machine is slow.
const SHORT_SESSION_MS: u32 = 2000;

/// The first of these leads, the second one knows.
async fn pair(
    server: &Server,
    change: impl Fn(&mut ZooKeeperConfig),
) -> (Controller, Controller, ControllerEpoch) {
    let connect = connect(server);
    let start = |id| {
        let mut config = config(&connect, id);
        change(&mut config);
        Controller::start(config)
    };
    let first = start(1).await;
    let epoch = first.leads(ANY).await;
    let second = start(2).await;
    second.sees(|now| *now == Leadership { epoch, leader: Some(1) }).await;
    (first, second, epoch)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_replaced_before_its_session_expires() {
    let (first, second, epoch) = pair(Server::shared(), |_| {}).await;
    let stranger = second.stranger().await;
    first.kill();
    second.leads(epoch).await;
    let still_there = stranger.check_stat("/janus/candidates/1").await.unwrap();
    assert!(still_there.is_some(), "the dead leader's session has not expired yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_fast_failover_the_session_decides() {
    let (first, second, epoch) = pair(Server::shared(), |config| {
        config.fast_failover = false;
        config.session_timeout_ms = SHORT_SESSION_MS;
    })
    .await;
    let stranger = second.stranger().await;
    first.kill();
    second.leads(epoch).await;
    let gone = stranger.check_stat("/janus/candidates/1").await.unwrap();
    assert!(gone.is_none(), "the dead leader's session has expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_leader_does_not_wait_for_its_own_session() {
    let alone = Controller::start(config(&connect(Server::shared()), 1)).await;
    let epoch = alone.leads(ANY).await;
    alone.store.commit(epoch, &[record("a", 1)]).await.unwrap();
    let again = Controller::start(alone.kill()).await;
    again.leads(epoch).await;
    assert_eq!(again.value("a").await.as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_controller_znode_by_hand_elects() {
    let (first, second, epoch) = pair(Server::shared(), |_| {}).await;
    let stranger = second.stranger().await;
    stranger.delete("/controller", None).await.unwrap();
    for controller in [&first, &second] {
        controller.sees(|now| now.epoch > epoch && now.leader.is_some()).await;
    }
    let refused = first.store.commit(epoch, &[record("a", 1)]).await;
    assert!(matches!(refused, Err(CommitError::Fenced { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_stops_by_itself_and_is_fenced() {
    let server = Server::shared();
    let cable = Cable::to(server.port).await;
    let connect = connect(server);
    let mut cut_off = config(&connect, 1);
    cut_off.session_timeout_ms = SHORT_SESSION_MS;
    cut_off.connect = connect.replace(&server.port.to_string(), &cable.port.to_string());
    let first = Controller::start(cut_off).await;
    let epoch = first.leads(ANY).await;
    first.store.load().await.unwrap();
    let second = Controller::start(config(&connect, 2)).await;
    second.sees(|now| now.leader == Some(1)).await;

    cable.cut();
    // Its port answers, so only the session tells; nothing but its own clock tells the first one.
    first.sees(|now| *now == Leadership { epoch, leader: None }).await;
    assert!(!first.store.describe().connected);
    let newer = second.leads(epoch).await;
    second.store.commit(newer, &[record("a", "second")]).await.unwrap();
    let unknown = first.store.commit(epoch, &[record("a", "first")]).await;
    assert!(matches!(unknown, Err(CommitError::Unavailable(_))), "{unknown:?}");

    cable.mend();
    first.sees(|now| *now == Leadership { epoch: newer, leader: Some(2) }).await;
    let refused = first.store.commit(epoch, &[record("a", "first")]).await;
    assert_eq!(refused, Err(CommitError::Fenced { ours: epoch, current: newer }));
    assert_eq!(second.value("a").await.as_deref(), Some("second"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_is_replaced_by_a_new_one() {
    let server = Server::shared();
    let cable = Cable::to(server.port).await;
    let direct = connect(server);
    let mut config = config(&direct, 1);
    config.session_timeout_ms = SHORT_SESSION_MS;
    config.connect = direct.replace(&server.port.to_string(), &cable.port.to_string());
    let alone = Controller::start(config).await;
    let epoch = alone.leads(ANY).await;
    alone.store.commit(epoch, &[record("a", 1)]).await.unwrap();
    let stranger = zookeeper_client::Client::connect(&direct).await.unwrap();

    cable.cut();
    alone.sees(|now| now.leader.is_none()).await;
    eventually(async {
        let (_, gone) = stranger.check_and_watch_stat("/controller").await.unwrap();
        if stranger.check_stat("/controller").await.unwrap().is_some() {
            gone.changed().await;
        }
    })
    .await;
    cable.mend();
    alone.leads(epoch).await;
    assert_eq!(alone.value("a").await.as_deref(), Some("1"));
    let candidates = alone.store.describe().candidates;
    assert_eq!(candidates, [Candidate { id: 1, endpoint: alone.config.endpoint.clone() }]);
}

/// Everybody but the leader itself takes it for dead.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_only_seems_dead_is_fenced() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refusing = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    let connect = connect(Server::shared());
    let first = Controller::start(config(&connect, 1)).await;
    let epoch = first.leads(ANY).await;
    first.store.load().await.unwrap();
    let mut deceived = config(&connect, 2);
    deceived.address_map.insert(1, refusing);
    let second = Controller::start(deceived).await;
    let newer = second.leads(epoch).await;
    let refused = first.store.commit(epoch, &[record("a", "zombie")]).await;
    assert_eq!(refused, Err(CommitError::Fenced { ours: epoch, current: newer }));
    assert_eq!(second.value("a").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_with_one_id_do_not_depose_each_other_without_end() {
    let connect = connect(Server::shared());
    let older = Controller::start(config(&connect, 1)).await;
    let epoch = older.leads(ANY).await;
    let newer = Controller::start(config(&connect, 1)).await;
    let taken = newer.leads(epoch).await;
    older.sees(|now| *now == Leadership { epoch: taken, leader: None }).await;
    for value in 0..3 {
        newer.store.commit(taken, &[record("a", value)]).await.unwrap();
    }
    assert_eq!(*newer.store.leadership().borrow(), Leadership { epoch: taken, leader: Some(1) });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_epoch_deposes_and_epochs_still_rise() {
    let alone = Controller::start(config(&connect(Server::shared()), 1)).await;
    let epoch = alone.leads(ANY).await;
    alone.store.load().await.unwrap();
    let stranger = alone.stranger().await;
    for edit in ["77", "3"] {
        let before = alone.store.leadership().borrow().epoch;
        stranger.set_data("/controller_epoch", edit.as_bytes(), None).await.unwrap();
        // It notices when it is refused.
        alone.store.load().await.unwrap();
        let refused = alone.store.commit(before, &[record("a", edit)]).await;
        assert!(refused.is_err(), "{refused:?}");
        let after = alone.leads(before).await;
        alone.store.commit(after, &[record("b", edit)]).await.unwrap();
        assert_eq!(alone.value("a").await, None);
    }
    let before = alone.store.leadership().borrow().epoch;
    assert!(before.term > 77 && epoch.term < 77);

    stranger.delete("/controller_epoch", None).await.unwrap();
    let unknown = alone.store.commit(before, &[record("a", 0)]).await;
    assert!(matches!(unknown, Err(CommitError::Unavailable(_))), "{unknown:?}");
    alone.leads(before).await;
    assert_eq!(alone.value("a").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_is_handed_over_to_whom_one_names() {
    let (first, second, epoch) = pair(Server::shared(), |_| {}).await;
    let transfer = first.store.transfer_leadership(Some(9)).await;
    assert_eq!(transfer, Err(TransferError::NoCandidate(9)));
    let transfer = second.store.transfer_leadership(Some(1)).await;
    assert_eq!(transfer, Err(TransferError::NotLeader));
    eventually(async {
        // The first one hears of the second in its own time.
        while first.store.describe().candidates.len() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    eventually(async {
        loop {
            match first.store.transfer_leadership(None).await {
                Ok(()) | Err(TransferError::NotLeader) => break,
                // The machine is slow.
                Err(TransferError::NotTaken(2)) => {}
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    let epoch = second.leads(epoch).await;
    let view = second.store.describe();
    assert_eq!(view.leadership, Leadership { epoch, leader: Some(2) });
    assert_eq!(view.connect, second.config.connect);
    assert!(view.connected && view.session_timeout.is_some());

    second.store.resign().await;
    let epoch = first.leads(epoch).await;
    second.store.close().await;
    second.sees(|now| now.leader.is_none()).await;
    eventually(async {
        while first.store.describe().candidates.len() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(first.store.transfer_leadership(None).await, Err(TransferError::Alone));
    // Whoever closes leaves at once.
    let third = Controller::start(config(&first.config.connect, 3)).await;
    first.store.close().await;
    third.leads(epoch).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clusters_tree_is_refused_and_so_is_a_newer_format() {
    let alone = Controller::start(config(&connect(Server::shared()), 1)).await;
    let epoch = alone.leads(ANY).await;
    let id = metadata::Cluster { id: "gcYtisckSF6L8_dUK1ZU0w".into() };
    alone.store.commit(epoch, &[metadata::Record::Cluster(id)]).await.unwrap();
    let refused = Controller::try_start(config(&alone.config.connect, 2)).await;
    let Err(error @ OpenError::Foreign { .. }) = refused else { panic!("it opens") };
    assert!(error.to_string().contains("chroot"), "{error}");

    let stranger = alone.stranger().await;
    stranger.set_data("/janus", br#"{"version":2}"#, None).await.unwrap();
    let refused = Controller::try_start(config(&alone.config.connect, 2)).await;
    let Err(error @ OpenError::Unreadable { .. }) = refused else { panic!("it opens") };
    assert!(error.to_string().contains("upgrade"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ensemble_that_restarts_is_found_again() {
    let mut server = Server::start();
    let alone = Controller::start(config(&connect(&server), 1)).await;
    let epoch = alone.leads(ANY).await;
    alone.store.commit(epoch, &[record("a", 1)]).await.unwrap();
    server.kill();
    let down = alone.store.commit(epoch, &[record("a", 2)]).await;
    assert!(matches!(down, Err(CommitError::Unavailable(_))), "{down:?}");
    server.restart();
    let value = alone.value("a").await.unwrap();
    assert!(["1", "2"].contains(&value.as_str()), "{value}");
    let epoch = alone.sees(|now| now.leader == Some(1)).await.epoch;
    alone.store.commit(epoch, &[record("a", 3)]).await.unwrap();
    assert_eq!(alone.value("a").await.as_deref(), Some("3"));
}

/// A short silence costs nothing but time: the session goes on, and so does the epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_goes_silent_is_replaced_within_the_session() {
    let server = Server::shared();
    let cable = Cable::to(server.port).await;
    let direct = connect(server);
    let mut config = config(&direct, 1);
    config.connect = direct.replace(&server.port.to_string(), &cable.port.to_string());
    let alone = Controller::start(config).await;
    let epoch = alone.leads(ANY).await;
    alone.store.load().await.unwrap();

    // The library gives a silent connection up after two fifths of the session.
    cable.cut();
    let store = alone.store.clone();
    let committing = tokio::spawn(async move { store.commit(epoch, &[record("a", 1)]).await });
    eventually(cable.reconnected()).await;
    cable.replace();
    eventually(committing).await.unwrap().unwrap();
    assert_eq!(*alone.store.leadership().borrow(), Leadership { epoch, leader: Some(1) });
    assert_eq!(alone.value("a").await.as_deref(), Some("1"));
}
