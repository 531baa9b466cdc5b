//! The store that the controller sees: [`MetadataStore`] on a raft quorum.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use grpc::MESSAGE_BYTES_MAX;
use grpc::auth::{Credentials, Guard, Role};
use grpc::raft_server::RaftServer;
use metadata::codec::encode_records;
use metadata::{
    BATCH_BYTES_MAX, ClusterImage, CommitError, ControllerEpoch, Leadership, MetadataStore, Offset,
    Record,
};
use openraft::error::ClientWriteError;
use openraft::impls::{ProgressResponder, leader_id_std::LeaderId};
use openraft::vote::RaftLeaderId;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tonic::service::interceptor::InterceptedService;

use crate::config::{OpenError, RaftConfig};
use crate::database::{Database, unreadable};
use crate::failover::Failover;
use crate::founding;
use crate::leadership;
use crate::log::LogStore;
use crate::machine::{SharedState, StateMachine};
use crate::peer::{Links, Peers};
use crate::service::RaftService;
use crate::snapshot;
use crate::ticking::{self, Heard};
use crate::types::{Applied, Batch, Raft};
use crate::wire::Identity;

/// A commit that is not known to be durable after this time is given up, its outcome unknown.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Cluster metadata in a raft quorum of controllers.
///
/// Every controller holds one open, whether it leads or not. [`RaftStore::raft_service`] must be
/// mounted where `initial_controllers` and the other members say that this controller is reached.
/// Close it before the process ends: RocksDB must not be at work then.
pub struct RaftStore {
    pub(crate) raft: Raft,
    pub(crate) links: Arc<Links>,
    config: RaftConfig,
    database: Database,
    state: SharedState,
    failover: Arc<Failover>,
    heard: Arc<Heard>,
    leadership: watch::Receiver<Leadership>,
    /// Ends with the store.
    tasks: Mutex<JoinSet<()>>,
}

impl RaftStore {
    /// Opens the store, replays it, and joins the quorum or the founding of one.
    ///
    /// Returns as soon as the store is usable; an election follows in its own time. Must be called
    /// inside a tokio runtime.
    pub async fn open(config: RaftConfig) -> Result<Self, OpenError> {
        let openraft = config.openraft()?;
        let (key, timing, directory) = (config.key(), config.timing(), config.directory.clone());
        let database = Database::open(&directory, &config.cluster_id, key)?;
        let log = LogStore::new(database.clone());
        let newest = snapshot::newest(&directory)?;
        let covered = newest.as_ref().and_then(|(_, state)| state.applied);
        log.check().await.map_err(unreadable)?;
        let purged = log.purged().map_err(unreadable)?;
        if purged > covered {
            return Err(OpenError::Corrupt(format!(
                "the raft log of {} begins after a snapshot that is missing or damaged",
                directory.display()
            )));
        }
        let machine = StateMachine::new(directory.clone(), newest);
        let state = machine.state();
        let role = Role::Controller;
        let links = Arc::new(Links::new(
            Identity { cluster_id: config.cluster_id.as_str().into(), key },
            timing,
            Credentials::new(config.secret.as_ref(), &config.cluster_id, role, config.node_id),
            config.peer_address_map.clone(),
        ));
        let raft = Raft::new(key, Arc::new(openraft), Peers(links.clone()), log, machine)
            .await
            .map_err(|error| OpenError::Io(std::io::Error::other(error)))?;
        // openraft publishes what it read from disk before it answers anybody.
        raft.with_raft_state(|_| ()).await.map_err(std::io::Error::other)?;
        let failover = Failover::new(raft.clone(), links.clone(), config.fast_failover);

        let mut tasks = JoinSet::new();
        let generation = config.generation;
        let nobody = ControllerEpoch { generation, term: 0 };
        let (publish, leadership) = watch::channel(Leadership { epoch: nobody, leader: None });
        tasks.spawn(leadership::publish(raft.clone(), key, generation, timing, publish));
        let heard = Arc::new(Heard::default());
        tasks.spawn(ticking::run(raft.clone(), heard.clone(), timing));
        let starting = failover.clone();
        tasks.spawn(async move { starting.campaign_at_start().await });
        if founding::is_founder(key, &config.initial_controllers) {
            let initial = config.initial_controllers.clone();
            tasks.spawn(founding::found(raft.clone(), links.clone(), initial));
        }
        let tasks = Mutex::new(tasks);
        Ok(Self { raft, links, config, database, state, failover, heard, leadership, tasks })
    }

    /// The gRPC service through which the other controllers reach this store. It checks tokens.
    pub fn raft_service(
        &self,
    ) -> InterceptedService<RaftServer<impl grpc::raft_server::Raft>, Guard> {
        let service = RaftService {
            raft: self.raft.clone(),
            links: self.links.clone(),
            failover: self.failover.clone(),
            heard: self.heard.clone(),
            directory: self.config.directory.clone(),
            incoming: Semaphore::new(1),
            refusals: Default::default(),
        };
        let server = RaftServer::new(service)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let guard = Guard::new(self.config.secret.clone(), &self.config.cluster_id);
        InterceptedService::new(server, guard.only(Role::Controller))
    }

    /// What this controller has applied so far. A standby lags behind the leader by a heartbeat.
    ///
    /// The offset is that of the batch which led to this image, not of entries without content
    /// after it: an election leaves it as it is, and brokers that have the image need no other.
    pub fn image(&self) -> (Offset, ClusterImage) {
        let state = self.state.lock();
        (state.offset, state.image.clone())
    }

    /// Hands leadership over if this controller has it, and closes the store.
    pub async fn shutdown(&self) {
        if self.describe().members.len() > 1
            && let Err(error) = self.transfer_leadership(None).await
        {
            tracing::debug!("leaving without a hand-over: {error}");
        }
        self.close().await;
    }

    /// Closes the store as it is. The directory can be opened again at once.
    pub async fn close(&self) {
        self.tasks.lock().expect("nothing panics while holding it").abort_all();
        if let Err(error) = self.raft.shutdown().await {
            tracing::warn!("raft did not stop cleanly: {error}");
        }
        let database = self.database.clone();
        let closed = tokio::task::spawn_blocking(move || database.close()).await;
        closed.expect("closing the database does not panic");
    }

    /// The error for a commit that was refused before it was written. Who did not lead may be the
    /// last to hear of a newer epoch, so the next heartbeat is waited for.
    async fn refused(&self, ours: ControllerEpoch, reason: impl Display) -> CommitError {
        let mut leadership = self.leadership.clone();
        let newer = leadership.wait_for(|now| now.epoch > ours);
        match tokio::time::timeout(self.links.timing.heartbeat * 2, newer).await {
            Ok(Ok(now)) => CommitError::Fenced { ours, current: now.epoch },
            _ => CommitError::Unavailable(reason.to_string()),
        }
    }

    /// Returns when this controller no longer leads in `epoch`.
    async fn deposed(&self, epoch: ControllerEpoch) {
        let mut leadership = self.leadership.clone();
        let us = Leadership { epoch, leader: Some(self.config.node_id) };
        // An error means that raft stopped, and nobody leads then.
        let _ = leadership.wait_for(|now| *now != us).await;
    }
}

#[async_trait]
impl MetadataStore for RaftStore {
    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    /// Commits an entry without content first: everything that was ever proposed by this leader is
    /// decided then, so a commit whose outcome was unknown is in the image or never will be.
    async fn load(&self) -> Result<(Offset, ClusterImage), CommitError> {
        match tokio::time::timeout(COMMIT_TIMEOUT, self.raft.write_blank()).await {
            Ok(Ok(_)) => Ok(self.image()),
            Ok(Err(error)) => Err(CommitError::Unavailable(error.to_string())),
            Err(_) => Err(CommitError::Unavailable(format!("no majority in {COMMIT_TIMEOUT:?}"))),
        }
    }

    async fn commit(
        &self,
        epoch: ControllerEpoch,
        records: &[Record],
    ) -> Result<Offset, CommitError> {
        let current = self.leadership.borrow().epoch;
        if epoch < current || epoch.generation != self.config.generation {
            return Err(CommitError::Fenced { ours: epoch, current });
        }
        let unknown = |reason: &dyn Display| CommitError::Unavailable(reason.to_string());
        let records = encode_records(records);
        if records.len() > BATCH_BYTES_MAX {
            // It would be refused by every peer, for ever.
            return Err(unknown(&format!("a batch of {} bytes cannot be sent", records.len())));
        }
        let batch = Batch { epoch, records: records.into() };
        let (responder, outcome) = ProgressResponder::complete_only();
        // openraft appends it only while this controller leads in exactly this term.
        let term = LeaderId::<u64, _>::new(epoch.term, self.config.key()).to_committed();
        let write = self.raft.write(batch).with_leader(term).responder(responder);
        write.await.map_err(|error| unknown(&error))?;
        let outcome = tokio::select! {
            outcome = outcome => outcome.map_err(|_| unknown(&"raft stopped"))?,
            () = self.deposed(epoch) => return Err(unknown(&"leadership was lost")),
            () = tokio::time::sleep(COMMIT_TIMEOUT) => {
                return Err(unknown(&format!("no majority in {COMMIT_TIMEOUT:?}")));
            }
        };
        match outcome {
            Ok(written) => match written.data {
                Applied::Done => Ok(written.log_id.index),
                Applied::Fenced(current) => Err(CommitError::Fenced { ours: epoch, current }),
            },
            Err(error @ ClientWriteError::LogEntryDiscarded(_)) => Err(unknown(&error)),
            Err(error) => Err(self.refused(epoch, error).await),
        }
    }
}
