//! Group coordination on this broker: one task for each partition of `__consumer_offsets` that it
//! leads, around the pure core of the crate `group`.

mod shard;

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use group::{Config, GroupError, Name, Reply, Request, partition_for};
use metadata::{ClusterImage, Uuid};
use tokio::sync::{mpsc, oneshot};

use crate::control::Images;
use crate::limits::GROUP_QUEUE;
use crate::replica::LeadershipChange;
use shard::{Asked, Shard};

pub const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// The shards that this broker leads, and the way to ask them.
pub struct Groups {
    config: Config,
    images: Images,
    shards: RwLock<HashMap<i32, Handle>>,
}

struct Handle {
    leader_epoch: i32,
    sender: mpsc::Sender<Asked>,
}

impl Groups {
    pub fn new(config: Config, images: Images) -> Self {
        Self { config, images, shards: RwLock::default() }
    }

    /// Follows the leadership of the offsets topic's partitions. Runs until the broker stops.
    pub async fn run(self: Arc<Self>, mut changes: mpsc::UnboundedReceiver<LeadershipChange>) {
        while let Some(change) = changes.recv().await {
            if &*change.id.topic == OFFSETS_TOPIC {
                self.apply(change);
            }
        }
    }

    fn apply(&self, change: LeadershipChange) {
        let at = change.id.partition;
        let mut shards = self.shards.write().expect("no panic under this lock");
        let Some(partition) = change.leading else {
            // The task ends when its sender is gone, and answers whoever waits.
            shards.remove(&at);
            return;
        };
        if shards.get(&at).is_some_and(|it| it.leader_epoch == change.leader_epoch) {
            return;
        }
        let (sender, asked) = mpsc::channel(GROUP_QUEUE);
        let shard = Shard {
            config: self.config.clone(),
            partition,
            leader_epoch: change.leader_epoch,
            asked,
        };
        shards.insert(at, Handle { leader_epoch: change.leader_epoch, sender });
        tokio::spawn(shard.run());
    }

    /// Asks the shard of a group.
    pub async fn ask(&self, group_id: &str, request: Request) -> Reply {
        let Some(partitions) = self.partitions() else {
            return request.refuse(GroupError::CoordinatorNotAvailable);
        };
        self.ask_shard(partition_for(group_id, partitions), request).await
    }

    async fn ask_shard(&self, shard: i32, request: Request) -> Reply {
        let sender = {
            let shards = self.shards.read().expect("no panic under this lock");
            shards.get(&shard).map(|it| it.sender.clone())
        };
        let Some(sender) = sender else { return request.refuse(GroupError::NotCoordinator) };
        let refused = request.refuse(GroupError::NotCoordinator);
        let (reply, answered) = oneshot::channel();
        match sender.try_send(Asked::new(request, reply)) {
            Ok(()) => answered.await.unwrap_or(refused),
            // More than the shard can take: clients back off and retry.
            Err(mpsc::error::TrySendError::Full(asked)) => {
                asked.request.refuse(GroupError::CoordinatorNotAvailable)
            }
            Err(mpsc::error::TrySendError::Closed(_)) => refused,
        }
    }

    /// Asks every shard of this broker the same.
    pub async fn ask_all(&self, request: Request) -> Vec<Reply> {
        let shards: Vec<i32> =
            self.shards.read().expect("no panic under this lock").keys().copied().collect();
        let mut replies = Vec::with_capacity(shards.len());
        for shard in shards {
            replies.push(self.ask_shard(shard, request.clone()).await);
        }
        replies
    }

    /// Groups by the shard that they belong to.
    pub fn by_shard(&self, group_ids: Vec<Name>) -> HashMap<i32, Vec<Name>> {
        let partitions = self.partitions().unwrap_or(1);
        let mut by_shard: HashMap<i32, Vec<Name>> = HashMap::new();
        for id in group_ids {
            by_shard.entry(partition_for(&id, partitions)).or_default().push(id);
        }
        by_shard
    }

    /// The number of partitions of the offsets topic, once it exists.
    pub fn partitions(&self) -> Option<i32> {
        self.images.load().topics.get(OFFSETS_TOPIC).map(|it| it.partitions)
    }

    /// Offsets of deleted topics go too.
    pub async fn topics_deleted(&self, topics: Vec<(Name, Uuid)>) {
        let senders: Vec<_> = {
            let shards = self.shards.read().expect("no panic under this lock");
            shards.values().map(|it| it.sender.clone()).collect()
        };
        for sender in senders {
            let (reply, _) = oneshot::channel();
            // Told in order with requests; a shard that has ended needs no telling.
            sender.send(Asked::deleted(topics.clone(), reply)).await.ok();
        }
    }
}

/// The settings of all shards.
pub fn config_of(settings: &config::Settings) -> Config {
    Config {
        group_min_session_timeout_ms: settings.i32("group.min.session.timeout.ms"),
        group_max_session_timeout_ms: settings.i32("group.max.session.timeout.ms"),
        group_initial_rebalance_delay_ms: settings.i32("group.initial.rebalance.delay.ms"),
        group_max_size: settings.i32("group.max.size").max(1) as usize,
        offset_metadata_max_bytes: settings.i32("offset.metadata.max.bytes").max(0) as usize,
        offsets_retention_ms: i64::from(settings.i32("offsets.retention.minutes")) * 60_000,
        offsets_retention_check_interval_ms: settings.i64("offsets.retention.check.interval.ms"),
        offsets_commit_timeout_ms: i64::from(settings.i32("offsets.commit.timeout.ms")),
        ..Config::kafka()
    }
}

/// The broker that coordinates a group: the leader of its partition.
pub fn coordinator_of(image: &ClusterImage, group_id: &str) -> Option<i32> {
    let topic = image.topics.get(OFFSETS_TOPIC)?;
    image.partition(&topic.name, partition_for(group_id, topic.partitions))?.leader
}
