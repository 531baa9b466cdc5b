//! The replicated state machine: the cluster image, in memory, on every controller.
//!
//! Standbys apply what the leader commits as it comes, so a new leader has nothing to load.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::{Stream, TryStreamExt};
use metadata::codec::decode_records;
use metadata::{ClusterImage, ControllerEpoch, Offset, Record};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend, RaftSnapshotBuilder, Snapshot};

use crate::snapshot::{self, SnapshotFile};
use crate::types::{Applied, Batch, FormatError, LogId, Membership, SnapshotMeta, TypeConfig};

type MachineSnapshot = openraft::type_config::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// A larger batch takes milliseconds to apply, and heartbeats must not wait for it.
const INLINE_BYTES_MAX: usize = 32 << 10;

/// Everything that the log has led to so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub applied: Option<LogId>,
    pub membership: Membership,
    /// The newest epoch that committed anything.
    pub epoch: ControllerEpoch,
    pub image: ClusterImage,
    /// The newest entry that changed the image.
    pub offset: Offset,
}

impl State {
    pub(crate) fn meta(&self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: self.applied, last_membership: self.membership.clone() }
    }

    /// Applies one committed batch, or refuses it.
    ///
    /// The term of an entry is the term of the leader that appended it. A batch that was decided in
    /// an earlier one must not count: what it was decided on may have changed in between.
    fn apply(&mut self, log_id: LogId, epoch: ControllerEpoch, records: &[Record]) -> Applied {
        let newest = self.epoch.max(ControllerEpoch {
            generation: self.epoch.generation,
            term: log_id.leader_id.term,
        });
        if epoch < newest || epoch.term != log_id.leader_id.term {
            return Applied::Fenced(newest);
        }
        self.epoch = epoch;
        self.offset = log_id.index;
        records.iter().for_each(|record| self.image.apply(record));
        Applied::Done
    }
}

/// The state behind a lock that is never held for long: a change is made on a copy, which shares
/// almost everything with what it was copied from.
#[derive(Clone, Default)]
pub(crate) struct SharedState(Arc<Mutex<State>>);

impl SharedState {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while holding it")
    }

    /// Called by the state machine only, which is alone in changing the state.
    fn apply(&self, log_id: LogId, batch: &Batch) -> io::Result<Applied> {
        let records = decode_records(&batch.records).map_err(|error| {
            FormatError::of_records(format!("the batch of raft entry {}", log_id.index), error)
        })?;
        let mut next = self.lock().clone();
        let answer = next.apply(log_id, batch.epoch, &records);
        next.applied = Some(log_id);
        *self.lock() = next;
        Ok(answer)
    }
}

pub(crate) struct StateMachine {
    directory: PathBuf,
    state: SharedState,
    latest: Latest,
}

/// The snapshot that a lagging peer would be sent.
#[derive(Clone, Default)]
struct Latest(Arc<Mutex<Option<(SnapshotMeta, SnapshotFile)>>>);

impl Latest {
    fn set(&self, meta: SnapshotMeta, file: SnapshotFile) {
        let mut latest = self.0.lock().expect("nothing panics while holding it");
        if latest.as_ref().is_none_or(|(before, _)| before.last_log_id <= meta.last_log_id) {
            *latest = Some((meta, file));
        }
    }

    fn get(&self) -> Option<MachineSnapshot> {
        let latest = self.0.lock().expect("nothing panics while holding it");
        latest.clone().map(|(meta, snapshot)| Snapshot { meta, snapshot })
    }
}

impl StateMachine {
    /// Starts from the newest snapshot of `directory`.
    pub(crate) fn new(directory: PathBuf, newest: Option<(SnapshotFile, State)>) -> Self {
        let (latest, state) = (Latest::default(), SharedState::default());
        if let Some((file, loaded)) = newest {
            latest.set(loaded.meta(), file);
            *state.lock() = loaded;
        }
        Self { directory, state, latest }
    }

    pub(crate) fn state(&self) -> SharedState {
        self.state.clone()
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotFile;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, Membership)> {
        let state = self.state.lock();
        Ok((state.applied, state.membership.clone()))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        while let Some((entry, responder)) = entries.try_next().await? {
            let log_id = entry.log_id;
            let answer = match entry.payload {
                EntryPayload::Blank => {
                    self.state.lock().applied = Some(log_id);
                    Applied::Done
                }
                EntryPayload::Membership(membership) => {
                    let mut state = self.state.lock();
                    state.membership = Membership::new(Some(log_id), membership);
                    state.applied = Some(log_id);
                    Applied::Done
                }
                EntryPayload::Normal(batch) => {
                    let state = self.state.clone();
                    if batch.records.len() > INLINE_BYTES_MAX {
                        blocking(move || state.apply(log_id, &batch)).await?
                    } else {
                        state.apply(log_id, &batch)?
                    }
                }
            };
            if let Some(responder) = responder {
                responder.send(answer);
            }
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        Builder {
            directory: self.directory.clone(),
            state: self.state.lock().clone(),
            latest: self.latest.clone(),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        file: SnapshotFile,
    ) -> io::Result<()> {
        let directory = self.directory.clone();
        let index = meta.last_log_id.map_or(0, |it| it.index);
        let (file, state) = blocking(move || {
            let state = file.load()?;
            Ok((file.settle(&directory, index)?, state))
        })
        .await?;
        self.latest.set(state.meta(), file);
        *self.state.lock() = state;
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<MachineSnapshot>> {
        Ok(self.latest.get())
    }
}

/// Writes the state of one moment while the machine goes on.
pub(crate) struct Builder {
    directory: PathBuf,
    state: State,
    latest: Latest,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = SnapshotFile;

    async fn build_snapshot(&mut self) -> io::Result<MachineSnapshot> {
        let (directory, state) = (self.directory.clone(), self.state.clone());
        let meta = state.meta();
        let snapshot = blocking(move || snapshot::write(&directory, &state)).await?;
        self.latest.set(meta.clone(), snapshot.clone());
        Ok(Snapshot { meta, snapshot })
    }
}

/// Runs disk work where it may take long.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::NodeKey;
    use metadata::Cluster;
    use openraft::impls::leader_id_std::LeaderId;
    use openraft::vote::RaftLeaderId;

    fn apply(state: &mut State, term: u64, epoch: (u32, u64), id: &str) -> Applied {
        let key = NodeKey { id: 1, directory_id: metadata::Uuid::nil() };
        let log_id = LogId::new(LeaderId::new(term, key).to_committed(), 1);
        let epoch = ControllerEpoch { generation: epoch.0, term: epoch.1 };
        state.apply(log_id, epoch, &[Record::Cluster(Cluster { id: id.into() })])
    }

    #[test]
    fn a_batch_counts_only_in_the_term_it_was_decided_in() {
        let mut state = State::default();
        assert_eq!(apply(&mut state, 3, (1, 3), "first"), Applied::Done);
        let newest = ControllerEpoch { generation: 1, term: 4 };
        assert_eq!(apply(&mut state, 4, (1, 3), "late"), Applied::Fenced(newest));
        assert_eq!(state.image.cluster_id.as_deref(), Some("first"));
        assert_eq!(apply(&mut state, 4, (1, 4), "second"), Applied::Done);
        assert_eq!(state.image.cluster_id.as_deref(), Some("second"));
    }

    #[test]
    fn an_image_keeps_its_offset_until_a_batch_changes_it() {
        let mut state = State::default();
        apply(&mut state, 3, (1, 3), "first");
        assert_eq!(state.offset, 1);
        let key = NodeKey { id: 1, directory_id: metadata::Uuid::nil() };
        let late = LogId::new(LeaderId::new(4, key).to_committed(), 2);
        state.apply(late, ControllerEpoch { generation: 1, term: 3 }, &[]);
        assert_eq!(state.offset, 1);
    }

    #[test]
    fn an_older_generation_is_fenced_in_any_term() {
        let mut state = State::default();
        assert_eq!(apply(&mut state, 3, (5, 3), "new"), Applied::Done);
        assert!(matches!(apply(&mut state, 9, (4, 9), "old"), Applied::Fenced(_)));
        assert_eq!(state.image.cluster_id.as_deref(), Some("new"));
    }
}
