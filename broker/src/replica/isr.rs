//! Proposes ISR changes to the controller: at once when a follower has caught up, periodically for
//! followers that lag. One call is in flight at a time and carries all changes that are due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use metadata::control::AlterPartition;
use metadata::{BrokerId, Command, ControlError};
use tokio::sync::{mpsc, watch};

use super::{IsrProposal, Partition, ReplicaKey, Replicas};
use crate::clock::monotonic_ms;
use crate::control::{Controller, Images};

const CALL_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_PAUSE: Duration = Duration::from_millis(50);

pub struct IsrOptions {
    pub me: BrokerId,
    /// `replica.lag.time.max.ms`
    pub lag_max_ms: i64,
}

pub struct IsrChanges {
    pub options: IsrOptions,
    pub replicas: Arc<Replicas>,
    pub images: Images,
    pub controller: Controller,
    pub broker_epoch: watch::Receiver<i64>,
    pub wanted: mpsc::Receiver<Arc<Partition>>,
}

/// A proposal without an answer so far. Until there is one, nothing else is proposed for its
/// partition: the controller may have committed it.
type Open = BTreeMap<ReplicaKey, (Arc<Partition>, IsrProposal)>;

impl IsrChanges {
    /// Runs until the broker stops.
    pub async fn run(mut self) {
        let mut open = Open::new();
        // Their followers have caught up but are not active yet, or not under the epoch of their
        // fetch. A follower with nothing to fetch does not ask again; the next image may let it in.
        let mut waiting = BTreeMap::new();
        let mut images = self.images.changes();
        let period = Duration::from_millis((self.options.lag_max_ms / 2).clamp(100, 5_000) as u64);
        let mut scan = tokio::time::interval(period);
        scan.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                wanted = self.wanted.recv() => match wanted {
                    Some(partition) => self.grow(partition, &mut open, &mut waiting),
                    None => return,
                },
                _ = images.changed(), if !waiting.is_empty() => {
                    for partition in std::mem::take(&mut waiting).into_values() {
                        self.grow(partition, &mut open, &mut waiting);
                    }
                }
                _ = scan.tick() => {
                    waiting.clear();
                    for partition in self.replicas.all() {
                        self.propose(&partition, &mut open);
                    }
                }
                () = tokio::time::sleep(RETRY_PAUSE), if !open.is_empty() => {}
            }
            while let Ok(partition) = self.wanted.try_recv() {
                self.grow(partition, &mut open, &mut waiting);
            }
            if !open.is_empty() {
                self.submit(&mut open).await;
            }
        }
    }

    /// A follower has caught up: proposes it, now or as soon as it may join.
    fn grow(
        &self,
        partition: Arc<Partition>,
        open: &mut Open,
        waiting: &mut BTreeMap<ReplicaKey, Arc<Partition>>,
    ) {
        if !self.propose(&partition, open) {
            waiting.insert((partition.topic_id, partition.id.partition), partition);
        }
    }

    /// False: there is nothing to propose.
    fn propose(&self, partition: &Arc<Partition>, open: &mut Open) -> bool {
        let image = self.images.load();
        let can_join = |id: BrokerId, epoch: i64| {
            let broker = image.brokers.get(&id);
            image.is_active(id) && broker.is_some_and(|it| epoch < 0 || it.epoch == epoch)
        };
        let proposal = partition.propose_isr(monotonic_ms(), self.options.lag_max_ms, can_join);
        let Some(proposal) = proposal else { return false };
        let key = (partition.topic_id, partition.id.partition);
        open.insert(key, (partition.clone(), proposal));
        true
    }

    async fn submit(&self, open: &mut Open) {
        let broker_epoch = *self.broker_epoch.borrow();
        let keys: Vec<ReplicaKey> = open.keys().copied().collect();
        let commands: Vec<Command> = open
            .values()
            .map(|(_, proposal)| {
                Command::AlterPartition(AlterPartition {
                    broker: self.options.me,
                    broker_epoch,
                    topic_id: proposal.topic_id,
                    partition: proposal.partition,
                    leader_epoch: proposal.leader_epoch,
                    partition_epoch: proposal.partition_epoch,
                    isr: proposal.isr.clone(),
                    recovering: false,
                })
            })
            .collect();
        let outcomes = match self.controller.submit(&commands, "broker", CALL_TIMEOUT).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                // Committed or not: the same proposal is sent again, and its epoch tells.
                tracing::debug!("ISR changes: {error}");
                return;
            }
        };
        for (key, outcome) in keys.into_iter().zip(outcomes) {
            let (partition, proposal) = &open[&key];
            match outcome {
                // The metadata stream brings the new ISR, and has by now.
                Ok(_) => {
                    let isr: Vec<BrokerId> = proposal.isr.iter().map(|it| it.0).collect();
                    tracing::info!("{}: ISR is {isr:?} now", partition.id);
                }
                // The controller, or this broker's registration, is behind: ask again.
                Err(ControlError::NotController | ControlError::StaleBrokerEpoch { .. }) => {
                    continue;
                }
                // What this leader knows is behind; the stream settles the pending change.
                Err(
                    ControlError::FencedLeaderEpoch { .. }
                    | ControlError::InvalidUpdateVersion { .. }
                    | ControlError::UnknownTopicId(_)
                    | ControlError::UnknownTopicOrPartition(_),
                ) => {}
                Err(error) => {
                    tracing::info!("{}: ISR change refused: {error}", partition.id);
                    partition.withdraw_isr(proposal.leader_epoch, proposal.partition_epoch);
                }
            }
            open.remove(&key);
        }
    }
}
