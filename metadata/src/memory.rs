//! A store in memory: the twin of the real ones, with elections in the hands of a test.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    BATCH_BYTES_MAX, ClusterImage, CommitError, ControllerEpoch, ControllerId, Leadership,
    MetadataStore, Offset, Record, codec,
};

/// One store that all contenders of a test share.
pub struct MemoryStore {
    leadership: watch::Sender<Leadership>,
    state: Mutex<Stored>,
}

#[derive(Default)]
struct Stored {
    offset: Offset,
    image: ClusterImage,
    interruption: Option<Interruption>,
}

/// When a commit is cut off from its sender, who cannot tell which of the two it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    BeforeCommit,
    AfterCommit,
}

impl MemoryStore {
    /// An empty store that nobody leads, in a generation of the cluster's mode.
    pub fn new(generation: u32) -> Self {
        let epoch = ControllerEpoch { generation, term: 0 };
        Self {
            leadership: watch::Sender::new(Leadership { epoch, leader: None }),
            state: Mutex::default(),
        }
    }

    /// Begins a new epoch, led by `id`.
    pub fn elect(&self, id: ControllerId) -> ControllerEpoch {
        // No commit may pass the check of its epoch meanwhile.
        let _state = self.lock();
        self.leadership.send_modify(|it| {
            it.epoch.term += 1;
            it.leader = Some(id);
        });
        self.leadership.borrow().epoch
    }

    /// The leader is lost. Its epoch stays the newest until another one begins.
    pub fn depose(&self) {
        self.leadership.send_modify(|it| it.leader = None);
    }

    /// The next commit is answered with [`CommitError::Unavailable`].
    pub fn interrupt_next_commit(&self, interruption: Interruption) {
        self.lock().interruption = Some(interruption);
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

#[async_trait]
impl MetadataStore for MemoryStore {
    fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.subscribe()
    }

    async fn load(&self) -> Result<(Offset, ClusterImage), CommitError> {
        let state = self.lock();
        Ok((state.offset, state.image.clone()))
    }

    async fn commit(
        &self,
        epoch: ControllerEpoch,
        records: &[Record],
    ) -> Result<Offset, CommitError> {
        let mut state = self.lock();
        let current = self.leadership.borrow().epoch;
        if epoch != current {
            return Err(CommitError::Fenced { ours: epoch, current });
        }
        // What the other stores do: records survive only as bytes.
        let bytes = codec::encode_records(records);
        if bytes.len() > BATCH_BYTES_MAX {
            let reason = format!("a batch of {} bytes is too large", bytes.len());
            return Err(CommitError::Unavailable(reason));
        }
        let interruption = state.interruption.take();
        if interruption != Some(Interruption::BeforeCommit) {
            let records = codec::decode_records(&bytes)
                .map_err(|error| CommitError::Unavailable(error.to_string()))?;
            records.iter().for_each(|record| state.image.apply(record));
            state.offset += 1;
        }
        match interruption {
            Some(_) => Err(CommitError::Unavailable("interrupted".into())),
            None => Ok(state.offset),
        }
    }
}
