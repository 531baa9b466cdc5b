//! Coordination by a quorum of the controllers' own, which agrees by Raft.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use futures::FutureExt;
use tonic::service::Routes;

use config::directory::{self, FormattedDirectory};
use config::{Settings, parse_host_port};
use grpc::QuorumMember;
use grpc::auth::Secret;
use janus_controller::node::Coordination;
use janus_controller::service::{Quorum, QuorumChange, QuorumState};
use metadata::{Controller, ControllerId};
use metadata_raft::{OpenError, RaftConfig, RaftStore, Voter};

use crate::{Failure, positive};

/// Opens the store in the controller's directory. The voters found the cluster, or join it.
pub(crate) async fn coordinate(
    settings: &Settings,
    directory: &FormattedDirectory,
    me: &Controller,
    secret: &Option<Secret>,
    addresses: &BTreeMap<ControllerId, String>,
) -> Result<Coordination, Failure> {
    let election_timeout_ms = positive(settings, "controller.quorum.election.timeout.ms");
    // Kafka counts bytes; an entry of metadata has some 2 KiB as a rule.
    let snapshot_bytes = positive(settings, "metadata.log.max.record.bytes.between.snapshots");
    let config = RaftConfig {
        node_id: me.id,
        cluster_id: directory.cluster_id.to_string(),
        directory: directory.path.join("metadata"),
        directory_id: directory.directory_id,
        initial_controllers: initial_controllers(settings).map_err(Failure::Configuration)?,
        election_timeout_ms,
        heartbeat_interval_ms: (election_timeout_ms / 4).max(1),
        snapshot_after_entries: (snapshot_bytes / 2048).max(100),
        generation: 1,
        peer_address_map: addresses.clone(),
        secret: secret.clone(),
        fast_failover: settings.bool("janus.fence.on.process.death"),
    };
    let store = RaftStore::open(config).await.map_err(|error| match error {
        OpenError::Corrupt(_) | OpenError::Io(_) => Failure::Runtime(error.into()),
        _ => Failure::configuration(error),
    })?;
    let store = Arc::new(store);
    let routes = Routes::new(store.raft_service());
    let quorum =
        Quorum::of(
            store.clone(),
            state,
            |store, to| async move { store.transfer_leadership(to).await },
        );
    let changed = store.clone();
    let change = move |wanted| change(changed.clone(), wanted).boxed();
    let quorum = Quorum { change: Some(Box::new(change)), ..quorum };
    Ok(Coordination {
        store: store.clone(),
        quorum: Arc::new(quorum),
        witnessed: None,
        znodes: Vec::new(),
        routes,
        close: async move { store.close().await }.boxed(),
    })
}

async fn change(store: Arc<RaftStore>, wanted: QuorumChange) -> Result<(), String> {
    let changed = match wanted {
        QuorumChange::Add { id, endpoint } => {
            store.add_voter(Voter { id, endpoint, directory_id: None }).await
        }
        QuorumChange::Remove { id, directory_id } => store.remove_voter(id, directory_id).await,
    };
    changed.map_err(|error| error.to_string())
}

fn state(store: &RaftStore) -> QuorumState {
    let view = store.describe();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let offset = |offset: Option<u64>| offset.and_then(|it| i64::try_from(it).ok()).unwrap_or(-1);
    let since = |age: Option<Duration>| {
        age.map_or(-1, |age| now.saturating_sub(age).as_millis().try_into().unwrap_or(i64::MAX))
    };
    let member = |member: metadata_raft::QuorumMember| QuorumMember {
        id: member.id,
        endpoint: member.endpoint,
        directory_id: directory::format_uuid(&member.directory_id),
        voter: member.voter,
        log_end_offset: offset(member.log_end_offset),
        last_fetch_timestamp_ms: since(member.last_contact),
        last_caught_up_timestamp_ms: since(member.last_contact.filter(|_| {
            member.log_end_offset >= view.committed_offset && view.committed_offset.is_some()
        })),
    };
    QuorumState {
        mode: "raft".into(),
        committed_offset: view.committed_offset.unwrap_or(0),
        members: view.members.into_iter().map(member).collect(),
        zookeeper_connect: String::new(),
    }
}

/// `controller.quorum.voters`: id@host:port, who founds the cluster.
fn initial_controllers(settings: &Settings) -> anyhow::Result<Vec<Voter>> {
    let parse = |text: &str| {
        let (id, endpoint) = text.split_once('@')?;
        parse_host_port(endpoint)?;
        Some(Voter { id: id.parse().ok()?, endpoint: endpoint.to_owned(), directory_id: None })
    };
    let voters = settings.list("controller.quorum.voters");
    voters
        .into_iter()
        .map(|text| {
            parse(text).ok_or_else(|| {
                anyhow!(
                    "controller.quorum.voters: '{text}' is not ID@HOST:PORT, such as 101@h:9093"
                )
            })
        })
        .collect()
}
