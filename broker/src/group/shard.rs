//! One shard's task: loads the partition, then feeds requests, timers and the outcomes of writes to
//! the pure coordinator, and carries its effects out.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use group::reply::WriteError;
use group::{
    Config, Coordinator, Effects, GroupError, Loading, Name, Reply, ReplyToken, Request, Write,
    WriteId,
};
use metadata::Uuid;
use partition_log::Read;
use records::{BatchBuilder, RecordIter, batches};
use tokio::sync::{mpsc, oneshot};

use crate::clock::{monotonic_ms, now_ms};
use crate::limits::DECOMPRESSED_BYTES;
use crate::replica::{Completion, Fetch, Partition, Reader, ReplicaError};

const LOAD_BYTES: usize = 4 << 20;
/// How long a shard that has loaded waits until all it loaded is replicated, so that nobody is told
/// an offset that another failure takes back. Afterwards it serves all the same: with too few
/// replicas nothing can be committed, but what was can be read.
const REPLICATION_WAIT: Duration = Duration::from_secs(2);
/// The coordinator's own timers cover whatever is shorter.
const SLEEP_MAX: Duration = Duration::from_secs(3_600);

/// One message to a shard.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Reply>,
    deleted: Option<Vec<(Name, Uuid)>>,
}

impl Asked {
    pub(super) fn new(request: Request, reply: oneshot::Sender<Reply>) -> Self {
        Self { request, reply, deleted: None }
    }

    /// Topics were deleted; nobody waits for an answer.
    pub(super) fn deleted(topics: Vec<(Name, Uuid)>, reply: oneshot::Sender<Reply>) -> Self {
        Self { request: Request::DeleteGroups(Vec::new()), reply, deleted: Some(topics) }
    }
}

pub(super) struct Shard {
    pub(super) config: Config,
    pub(super) partition: Arc<Partition>,
    pub(super) leader_epoch: i32,
    pub(super) asked: mpsc::Receiver<Asked>,
}

type Written = Pin<Box<dyn Future<Output = (WriteId, Result<(), WriteError>)> + Send>>;

/// Everything that can happen to a loaded shard.
enum Event {
    Asked(Option<Asked>),
    Written(WriteId, Result<(), WriteError>),
    Due,
}

impl Shard {
    /// Serves until the leadership moves away (the sender is dropped).
    pub(super) async fn run(mut self) {
        let Some((coordinator, effects)) = self.load().await else { return };
        let mut serving = Serving {
            partition: self.partition.clone(),
            leader_epoch: self.leader_epoch,
            coordinator,
            waiting: HashMap::new(),
            next_token: 0,
            writes: FuturesOrdered::new(),
        };
        serving.carry_out(effects);
        serving.serve(&mut self.asked).await;
    }

    /// Replays the log. Meanwhile clients are told to wait. `None`: the leadership has moved.
    async fn load(&mut self) -> Option<(Coordinator, Effects)> {
        let started_ms = monotonic_ms();
        let loading = replay(self.config.clone(), self.partition.clone());
        tokio::pin!(loading);
        let loaded = loop {
            tokio::select! {
                loaded = &mut loading => break loaded,
                asked = self.asked.recv() => {
                    let Asked { request, reply, .. } = asked?;
                    reply.send(request.refuse(GroupError::CoordinatorLoadInProgress)).ok();
                }
            }
        };
        match loaded {
            Ok((loading, records)) => {
                let took_ms = monotonic_ms() - started_ms;
                tracing::debug!("{}: {records} records in {took_ms} ms", self.partition.id);
                Some(loading.finish(now_ms()))
            }
            Err(error) => {
                tracing::warn!("{}: loading groups: {error}", self.partition.id);
                None
            }
        }
    }
}

/// Feeds every record up to the log end: what is not replicated yet will be, by this leader.
async fn replay(
    config: Config,
    partition: Arc<Partition>,
) -> Result<(Loading, usize), ReplicaError> {
    let mut loading = Loading::new(config);
    let mut records = 0;
    let offsets = partition.offsets()?;
    let mut at = offsets.log_start_offset;
    while at < offsets.log_end_offset {
        let fetch = Fetch {
            offset: at,
            max_bytes: LOAD_BYTES,
            current_leader_epoch: -1,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            reader: Reader::Local,
            at_least_one_batch: true,
        };
        let read = partition.fetch(&fetch, None, monotonic_ms())?.data;
        let storage = |error: String| ReplicaError::Storage(error);
        let chunks = match read {
            None => Vec::new(),
            Some(Read::Tail(chunks)) => chunks,
            Some(cold) => tokio::task::spawn_blocking(move || cold.execute())
                .await
                .map_err(|error| storage(error.to_string()))?
                .map_err(|error| storage(error.to_string()))?,
        };
        let before = at;
        for chunk in chunks {
            for batch in batches(&chunk) {
                let (range, header) = batch.map_err(|error| storage(error.to_string()))?;
                at = at.max(header.next_offset());
                if header.is_control() {
                    continue;
                }
                records += replay_batch(&mut loading, chunk.slice(range))
                    .map_err(|error| storage(error.to_string()))?;
            }
        }
        if at == before {
            return Err(storage(format!("nothing to read at offset {at}")));
        }
        tokio::task::yield_now().await;
    }
    let replicated = partition.wait_for_high_watermark(offsets.log_end_offset);
    tokio::time::timeout(REPLICATION_WAIT, replicated).await.ok();
    Ok((loading, records))
}

fn replay_batch(loading: &mut Loading, batch: Bytes) -> Result<usize, records::BatchError> {
    let mut records = 0;
    for record in RecordIter::new(&batch, DECOMPRESSED_BYTES)? {
        let record = record?;
        records += 1;
        let Some(key) = &record.key else { continue };
        if let Err(error) = loading.replay(key, record.value.as_ref()) {
            tracing::warn!("offset {}: {error}", record.offset);
        }
    }
    Ok(records)
}

struct Serving {
    partition: Arc<Partition>,
    leader_epoch: i32,
    coordinator: Coordinator,
    waiting: HashMap<ReplyToken, oneshot::Sender<Reply>>,
    next_token: u64,
    /// Writes under way, in the order of the log.
    writes: FuturesOrdered<Written>,
}

impl Serving {
    async fn serve(mut self, asked: &mut mpsc::Receiver<Asked>) {
        loop {
            let due = self.coordinator.next_timer_ms().map_or(SLEEP_MAX, |due_ms| {
                Duration::from_millis((due_ms - now_ms()).max(0) as u64).min(SLEEP_MAX)
            });
            let event = tokio::select! {
                asked = asked.recv() => Event::Asked(asked),
                Some((id, outcome)) = self.writes.next() => Event::Written(id, outcome),
                () = tokio::time::sleep(due) => Event::Due,
            };
            let effects = match event {
                Event::Asked(None) => break,
                Event::Asked(Some(Asked { deleted: Some(topics), .. })) => {
                    self.coordinator.topics_deleted(&topics, now_ms())
                }
                Event::Asked(Some(Asked { request, reply, .. })) => {
                    self.next_token += 1;
                    let token = ReplyToken(self.next_token);
                    self.waiting.insert(token, reply);
                    self.coordinator.handle(token, request, now_ms())
                }
                Event::Written(id, outcome) => self.coordinator.written(id, outcome, now_ms()),
                Event::Due => self.coordinator.tick(now_ms()),
            };
            self.carry_out(effects);
        }
        for (token, reply) in self.coordinator.unload() {
            if let Some(waiting) = self.waiting.remove(&token) {
                waiting.send(reply).ok();
            }
        }
    }

    fn carry_out(&mut self, effects: Effects) {
        for (token, reply) in effects.replies {
            if let Some(waiting) = self.waiting.remove(&token) {
                // The client may have gone.
                waiting.send(reply).ok();
            }
        }
        for write in effects.writes {
            self.write(write);
        }
    }

    fn write(&mut self, write: Write) {
        let now_ms = now_ms();
        let mut builder = BatchBuilder::new(0);
        for record in &write.records {
            builder.push_next(now_ms, Some(&record.key), record.value.as_deref());
        }
        let completion = Completion::new(1);
        let appended = builder.build().map_err(|_| WriteError::TooLarge).and_then(|batch| {
            self.partition
                .append_in_epoch(self.leader_epoch, batch, Some((&completion, 0)), now_ms)
                .map_err(|error| write_error(&error))
        });
        completion.settle(None, Ok(()));
        let id = write.id;
        self.writes.push_back(match appended {
            Err(error) => Box::pin(async move { (id, Err(error)) }),
            Ok(_) => Box::pin(async move {
                completion.wait().await;
                let outcome = completion.outcome(0).unwrap_or(Err(ReplicaError::TimedOut));
                (id, outcome.map_err(|error| write_error(&error)))
            }),
        });
    }
}

fn write_error(error: &ReplicaError) -> WriteError {
    match error {
        error if error.is_storage() => WriteError::NotLeader,
        ReplicaError::NotEnoughReplicas | ReplicaError::NotEnoughReplicasAfterAppend => {
            WriteError::NotEnoughReplicas
        }
        ReplicaError::NotLeader
        | ReplicaError::FencedLeaderEpoch
        | ReplicaError::UnknownLeaderEpoch => WriteError::NotLeader,
        ReplicaError::Append(error)
            if matches!(
                **error,
                partition_log::AppendError::MessageTooLarge { .. }
                    | partition_log::AppendError::RecordListTooLarge { .. }
            ) =>
        {
            WriteError::TooLarge
        }
        _ => WriteError::Failed,
    }
}
