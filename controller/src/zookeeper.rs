//! Coordination by an external ZooKeeper ensemble.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use tonic::service::Routes;
use tracing::warn;

use config::Settings;
use config::directory::FormattedDirectory;
use grpc::{QuorumMember, ZnodeLease};
use janus_controller::node::Coordination;
use janus_controller::service::{Quorum, QuorumState};
use metadata::{Controller, ControllerId};
use metadata_zookeeper::{Candidate, OpenError, ZooKeeperConfig, ZooKeeperStore};

use crate::{Failure, positive};

/// Begins a session with the ensemble. One that does not answer is waited for in the background.
pub(crate) async fn coordinate(
    settings: &Settings,
    connect: &str,
    directory: &FormattedDirectory,
    me: &Controller,
    addresses: &BTreeMap<ControllerId, String>,
) -> Result<Coordination, Failure> {
    let session_timeout_ms = positive(settings, "zookeeper.session.timeout.ms");
    let session_timeout_ms = u32::try_from(session_timeout_ms).unwrap_or(u32::MAX);
    let config = ZooKeeperConfig {
        connect: connect.to_owned(),
        session_timeout_ms,
        controller_id: me.id,
        endpoint: me.endpoint.clone(),
        cluster_id: directory.cluster_id.to_string(),
        generation: 1,
        fast_failover: settings.bool("janus.fence.on.process.death"),
        address_map: addresses.clone(),
        server_address_map: settings.zookeeper_addresses(),
    };
    let store = ZooKeeperStore::open(config).await.map_err(|error| match error {
        OpenError::Unreadable { .. } => Failure::Runtime(error.into()),
        OpenError::Config(_) | OpenError::Foreign { .. } => Failure::configuration(error),
    })?;
    if store.describe().session_timeout.is_none() {
        warn!("ZooKeeper {connect} has not answered yet: nobody can lead until it does");
    }
    let store = Arc::new(store);
    let quorum =
        Quorum::of(
            store.clone(),
            state,
            |store, to| async move { store.transfer_leadership(to).await },
        );
    Ok(Coordination {
        store: store.clone(),
        quorum: Arc::new(quorum),
        witnessed: Some(store.live()),
        znodes: vec![ZnodeLease { connect: connect.to_owned(), session_timeout_ms }],
        routes: Routes::default(),
        close: async move { store.close().await }.boxed(),
    })
}

/// The controllers that have a session are the voters: any of them may lead.
fn state(store: &ZooKeeperStore) -> QuorumState {
    let view = store.describe();
    let member = |Candidate { id, endpoint }| QuorumMember {
        id,
        endpoint,
        directory_id: String::new(),
        voter: true,
        // The metadata is in the ensemble: a controller that does not lead keeps none.
        log_end_offset: -1,
        last_fetch_timestamp_ms: -1,
        last_caught_up_timestamp_ms: -1,
    };
    QuorumState {
        mode: "zookeeper".into(),
        committed_offset: view.committed_offset,
        members: view.candidates.into_iter().map(member).collect(),
        zookeeper_connect: view.connect,
    }
}
