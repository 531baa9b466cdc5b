//! Brokers live while they hold their znode, and know it.

use std::collections::{BTreeMap, BTreeSet};

use metadata::{BrokerId, ControllerEpoch, Listener};
use metadata_zookeeper::{BrokerLease, BrokerLeaseConfig, OpenError};
use tokio::sync::watch;
use zookeeper_client::Client;

use crate::controllers::{Controller, config, connect, eventually};
use crate::server::{Cable, Server};

fn lease(connect: &str, broker_id: BrokerId) -> BrokerLeaseConfig {
    let listener = Listener {
        name: "PLAINTEXT".into(),
        host: "broker".into(),
        port: 9092,
        security_protocol: "PLAINTEXT".into(),
    };
    BrokerLeaseConfig {
        connect: connect.into(),
        server_address_map: BTreeMap::new(),
        session_timeout_ms: 10_000,
        broker_id,
        listeners: vec![listener],
        rack: None,
    }
}

fn hold(connect: &str, broker_id: BrokerId) -> BrokerLease {
    BrokerLease::hold(lease(connect, broker_id)).unwrap()
}

/// A controller, whose live set this is.
async fn controller(connect: &str) -> (Controller, watch::Receiver<BTreeSet<BrokerId>>) {
    let controller = Controller::start(config(connect, 101)).await;
    controller.leads(ControllerEpoch::default()).await;
    let live = controller.store.live();
    (controller, live)
}

async fn are_live(live: &mut watch::Receiver<BTreeSet<BrokerId>>, ids: &[BrokerId]) {
    eventually(live.wait_for(|live| live.iter().eq(ids))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_lives_until_it_releases_its_znode() {
    let connect = connect(Server::shared());
    let (_controller, mut live) = controller(&connect).await;
    let (seven, eight) = (hold(&connect, 7), hold(&connect, 8));
    are_live(&mut live, &[7, 8]).await;
    let mut renewals = seven.renewals();
    let renewal = eventually(renewals.wait_for(Option::is_some)).await.unwrap().unwrap();
    assert!(renewal.lease.as_millis() < 10_000, "it ends before the session");
    eventually(renewals.wait_for(|next| next.is_some_and(|next| next.sent > renewal.sent)))
        .await
        .unwrap();
    seven.release().await;
    are_live(&mut live, &[8]).await;
    eight.release().await;
    are_live(&mut live, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_cut_off_knows_before_it_is_dead_to_others() {
    let server = Server::shared();
    let cable = Cable::to(server.port).await;
    let connect = connect(server);
    let (_controller, mut live) = controller(&connect).await;
    let config = BrokerLeaseConfig {
        session_timeout_ms: 2000,
        server_address_map: [(server.address(), format!("127.0.0.1:{}", cable.port))].into(),
        ..lease(&connect, 7)
    };
    let broker = BrokerLease::hold(config).unwrap();
    let mut renewals = broker.renewals();
    eventually(renewals.wait_for(Option::is_some)).await.unwrap();
    are_live(&mut live, &[7]).await;

    cable.cut();
    eventually(renewals.wait_for(Option::is_none)).await.unwrap();
    are_live(&mut live, &[]).await;
    cable.mend();
    eventually(renewals.wait_for(Option::is_some)).await.unwrap();
    are_live(&mut live, &[7]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_broker_takes_its_own_place_and_a_replaced_one_leaves_it() {
    let connect = connect(Server::shared());
    let (_controller, mut live) = controller(&connect).await;
    let older = hold(&connect, 7);
    let mut renewals = older.renewals();
    eventually(renewals.wait_for(Option::is_some)).await.unwrap();
    are_live(&mut live, &[7]).await;
    live.mark_unchanged();
    let newer = hold(&connect, 7);
    eventually(newer.renewals().wait_for(Option::is_some)).await.unwrap();
    eventually(renewals.wait_for(Option::is_none)).await.unwrap();
    assert!(!live.has_changed().unwrap(), "there was no moment without the znode");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_znode_that_somebody_deletes_comes_back() {
    let connect = connect(Server::shared());
    let (_controller, mut live) = controller(&connect).await;
    let _broker = hold(&connect, 7);
    are_live(&mut live, &[7]).await;
    let stranger = Client::connect(&connect).await.unwrap();
    let (_, created, _) = stranger.get_and_watch_data("/brokers/ids/7").await.unwrap();
    stranger.delete("/brokers/ids/7", None).await.unwrap();
    eventually(async {
        loop {
            let (stat, changed) = stranger.check_and_watch_stat("/brokers/ids/7").await.unwrap();
            if stat.is_some_and(|stat| stat.czxid > created.czxid) {
                break;
            }
            changed.changed().await;
        }
    })
    .await;
    are_live(&mut live, &[7]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_connect_string_is_refused() {
    let refused = BrokerLease::hold(lease("zk1", 7)).map(drop);
    assert!(matches!(refused, Err(OpenError::Config(_))), "{refused:?}");
}
