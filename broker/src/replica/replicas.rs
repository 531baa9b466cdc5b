//! All replicas of this broker: turns metadata into logs, roles and fetchers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use config::Settings;
use metadata::{BrokerId, ClusterImage, ConfigResource, Record, TopicPartition, Uuid};
use partition_log::{Log, LogError, PartitionDirectory, Recovery, Shared, checkpoint};
use tokio::sync::mpsc;

use super::fetcher::{Fetchers, ReplicaKey};
use super::topic_config::TopicConfigs;
use super::{Applied, Disks, Partition, ReplicaError};
use crate::clock::{monotonic_ms, now_ms};
use crate::metrics::Metrics;

pub struct ReplicasOptions {
    pub me: BrokerId,
    pub settings: Arc<Settings>,
    pub directories: Vec<LogDirectory>,
    pub shared: Arc<Shared>,
    pub disks: Arc<Disks>,
    pub metrics: Arc<Metrics>,
}

/// One of `log.dirs`, with what its checkpoints said at the start.
pub struct LogDirectory {
    pub path: PathBuf,
    pub id: Uuid,
    pub high_watermarks: checkpoint::Offsets,
    pub recovery_points: checkpoint::Offsets,
    pub log_start_offsets: checkpoint::Offsets,
    /// The last stop was a clean one: logs need no recovery.
    pub clean_shutdown: bool,
}

/// Tells the group coordinator what this broker has become of a partition.
#[derive(Clone, Debug)]
pub struct LeadershipChange {
    pub id: TopicPartition,
    pub leader_epoch: i32,
    /// Set while this broker leads.
    pub leading: Option<Arc<Partition>>,
}

pub struct Replicas {
    options: ReplicasOptions,
    fetchers: Fetchers,
    hosted: RwLock<HashMap<ReplicaKey, Arc<Partition>>>,
    /// In which directory each replica lies.
    placed: Mutex<HashMap<ReplicaKey, usize>>,
    /// Replicas whose logs could not be opened. Tried again with every update.
    unopened: Mutex<BTreeSet<TopicPartition>>,
    isr_wanted: mpsc::Sender<Arc<Partition>>,
    leaderships: mpsc::UnboundedSender<LeadershipChange>,
}

impl std::fmt::Debug for Partition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Partition({})", self.id)
    }
}

impl Replicas {
    /// `isr_wanted` reaches the ISR task; `leaderships` hears of the partitions of internal topics
    /// only, so that it is bounded by their number.
    pub fn new(
        options: ReplicasOptions,
        fetchers: Fetchers,
        isr_wanted: mpsc::Sender<Arc<Partition>>,
        leaderships: mpsc::UnboundedSender<LeadershipChange>,
    ) -> Self {
        Self {
            options,
            fetchers,
            hosted: RwLock::default(),
            placed: Mutex::default(),
            unopened: Mutex::default(),
            isr_wanted,
            leaderships,
        }
    }

    pub fn find(&self, topic_id: Uuid, partition: i32) -> Result<Arc<Partition>, ReplicaError> {
        let hosted = self.hosted.read().expect("no panic under this lock");
        // The topic exists, or its id would not be known: another broker has the partition.
        hosted.get(&(topic_id, partition)).cloned().ok_or(ReplicaError::NotLeader)
    }

    /// Lets the in-memory tails go that nobody read while they were new.
    pub fn age_tails(&self) {
        self.options.shared.age_tails();
    }

    pub fn all(&self) -> Vec<Arc<Partition>> {
        self.hosted.read().expect("no panic under this lock").values().cloned().collect()
    }

    pub fn disks(&self) -> &Arc<Disks> {
        &self.options.disks
    }

    pub fn directories(&self) -> &[LogDirectory] {
        &self.options.directories
    }

    /// The replicas in one directory.
    pub fn in_directory(&self, directory: usize) -> Vec<Arc<Partition>> {
        let placed = self.placed.lock().expect("no panic under this lock");
        let hosted = self.hosted.read().expect("no panic under this lock");
        let here = placed.iter().filter(|(_, at)| **at == directory);
        here.filter_map(|(key, _)| hosted.get(key).cloned()).collect()
    }

    /// A fetch made a follower fit to join the ISR, or its leader unfit to stay. What does not fit into the queue is found by
    /// the ISR task's periodic look at everything.
    pub fn isr_may_change(&self, partition: &Arc<Partition>) {
        self.isr_wanted.try_send(partition.clone()).ok();
    }

    /// Makes the replicas what `image` says, looking only at what `records` changed.
    pub async fn apply(&self, image: &ClusterImage, records: &[Record]) {
        let me = self.options.me;
        let mut touched = self.unopened.lock().expect("no panic under this lock").clone();
        let mut reconfigured: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut all_reconfigured = false;
        let mut gone: Vec<ReplicaKey> = Vec::new();
        for record in records {
            match record {
                Record::Partition(partition) => drop(touched.insert(partition.id.clone())),
                Record::Topic(topic) => {
                    touched.extend(image.partitions_of(&topic.name).map(|it| it.id.clone()));
                }
                Record::TopicRemoved(name) => {
                    gone.extend(self.hosted_where(|it| it.id.topic == *name && !is_in(image, it)));
                }
                Record::Config(config) => match &config.resource {
                    ConfigResource::Topic(name) => drop(reconfigured.insert(name.clone())),
                    ConfigResource::BrokerDefault => all_reconfigured = true,
                    ConfigResource::Broker(id) => all_reconfigured |= *id == me,
                    _ => {}
                },
                _ => {}
            }
        }
        for key in gone {
            self.remove(key).await;
        }
        let mut configs = TopicConfigs::new(&self.options.settings, image, me);
        for id in touched {
            self.apply_partition(image, &mut configs, &id).await;
        }
        if all_reconfigured || !reconfigured.is_empty() {
            for partition in self.all() {
                if all_reconfigured || reconfigured.contains(&partition.id.topic) {
                    let config = configs.of(&partition.id.topic);
                    partition.configure(config.log, config.min_isr);
                }
            }
        }
    }

    async fn apply_partition(
        &self,
        image: &ClusterImage,
        configs: &mut TopicConfigs<'_>,
        id: &TopicPartition,
    ) {
        // Without its topic a partition is not visible yet.
        let (Some(topic), Some(state)) = (image.topics.get(&id.topic), image.partitions.get(id))
        else {
            self.unopened.lock().expect("no panic under this lock").remove(id);
            return;
        };
        let me = self.options.me;
        let key = (topic.id, id.partition);
        let known = self.hosted.read().expect("no panic under this lock").get(&key).cloned();
        if !state.replicas.contains(&me) {
            self.unopened.lock().expect("no panic under this lock").remove(id);
            if known.is_some() {
                self.remove(key).await;
            }
            return;
        }
        let partition = match known {
            Some(partition) => partition,
            None => match self.open(image, configs, topic.id, id) {
                Ok(partition) => {
                    self.unopened.lock().expect("no panic under this lock").remove(id);
                    partition
                }
                Err(error) => {
                    let mut unopened = self.unopened.lock().expect("no panic under this lock");
                    if unopened.insert(id.clone()) {
                        tracing::error!("{id}: this replica stays closed: {error}");
                    }
                    return;
                }
            },
        };
        let applied = partition.apply(state, me, monotonic_ms());
        match applied {
            Applied::Leading => {
                self.fetchers.assign(&partition, None, state.leader_epoch).await;
            }
            Applied::Following { leader, leader_epoch } => {
                self.fetchers.assign(&partition, leader, leader_epoch).await;
            }
            Applied::Unchanged => return,
        }
        if is_internal(&id.topic) {
            let leading = (applied == Applied::Leading).then(|| partition.clone());
            let leader_epoch = state.leader_epoch;
            self.leaderships.send(LeadershipChange { id: id.clone(), leader_epoch, leading }).ok();
        }
    }

    fn open(
        &self,
        image: &ClusterImage,
        configs: &mut TopicConfigs<'_>,
        topic_id: Uuid,
        id: &TopicPartition,
    ) -> Result<Arc<Partition>, String> {
        let name = id.to_string();
        let directories = &self.options.directories;
        let existing = directories.iter().position(|it| it.path.join(&name).is_dir());
        let at = existing.unwrap_or_else(|| self.emptiest_directory());
        let directory = &directories[at];
        let path = directory.path.join(&name);
        let config = configs.of(&id.topic);
        let checkpointed = (id.topic.to_string(), id.partition);
        let offset = |offsets: &checkpoint::Offsets| offsets.get(&checkpointed).copied();
        let fresh = existing.is_none();
        let recovery = Recovery {
            recovery_point: offset(&directory.recovery_points).filter(|_| !fresh).unwrap_or(0),
            log_start_offset: offset(&directory.log_start_offsets).filter(|_| !fresh).unwrap_or(0),
            clean_shutdown: directory.clean_shutdown,
        };
        let high_watermark = offset(&directory.high_watermarks).filter(|_| !fresh).unwrap_or(0);
        let open = |recovery| {
            let shared = self.options.shared.clone();
            Log::open(&path, config.log.clone(), shared, recovery, now_ms())
        };
        let opened = open(recovery);
        let why_replace = match &opened {
            Ok(log) => log
                .topic_id()
                .is_some_and(|found| found != topic_id)
                .then(|| "it is of a deleted topic of the same name".to_owned()),
            Err(LogError::Storage(error))
                if error.is_out_of_space() || error.is_out_of_resources() =>
            {
                self.options.disks.report(error);
                None
            }
            // Others have the records: nobody counts on what this replica holds.
            Err(error) => image.partitions.get(id).and_then(|state| {
                let me = self.options.me;
                let counted_on = state.isr.contains(&me) || state.elr.contains(&me);
                (!counted_on && !state.isr.is_empty())
                    .then(|| format!("{error}; it is fetched anew from the leader"))
            }),
        };
        let (mut log, high_watermark) = if let Some(why) = why_replace {
            drop(opened);
            set_aside(&path, &why)?;
            let fresh = Recovery { recovery_point: 0, log_start_offset: 0, clean_shutdown: false };
            (open(fresh).map_err(|error| error.to_string())?, 0)
        } else {
            (opened.map_err(|error| error.to_string())?, high_watermark)
        };
        log.assign_topic_id(topic_id).map_err(|error| error.to_string())?;
        let key = (topic_id, id.partition);
        let traffic = self.options.metrics.topics.of(&id.topic);
        let (id, min_isr, disks) = (id.clone(), config.min_isr, self.options.disks.clone());
        let partition =
            Arc::new(Partition::new(id, topic_id, log, high_watermark, min_isr, traffic, disks));
        self.placed.lock().expect("no panic under this lock").insert(key, at);
        self.hosted.write().expect("no panic under this lock").insert(key, partition.clone());
        Ok(partition)
    }

    fn emptiest_directory(&self) -> usize {
        let placed = self.placed.lock().expect("no panic under this lock");
        let mut used = vec![0usize; self.options.directories.len()];
        placed.values().for_each(|at| used[*at] += 1);
        (0..used.len()).min_by_key(|at| used[*at]).expect("there is at least one directory")
    }

    fn hosted_where(&self, which: impl Fn(&Partition) -> bool) -> Vec<ReplicaKey> {
        let hosted = self.hosted.read().expect("no panic under this lock");
        hosted.iter().filter(|(_, it)| which(it)).map(|(key, _)| *key).collect()
    }

    /// Ends a replica and deletes its log.
    async fn remove(&self, key: ReplicaKey) {
        let removed = self.hosted.write().expect("no panic under this lock").remove(&key);
        self.placed.lock().expect("no panic under this lock").remove(&key);
        let Some(partition) = removed else { return };
        self.fetchers.assign(&partition, None, -1).await;
        let deleted = partition.take_log().map(|log| log.delete(Uuid::new_v4()));
        match deleted {
            // The files go when nobody serves clients meanwhile on this thread.
            Some(Ok(deleted)) => drop(tokio::task::spawn_blocking(move || {
                if let Err(error) = deleted.remove() {
                    tracing::error!("removing a deleted log: {error}");
                }
            })),
            Some(Err(error)) => tracing::error!("deleting the log of {}: {error}", partition.id),
            None => {}
        }
        if is_internal(&partition.id.topic) {
            let id = partition.id.clone();
            self.leaderships.send(LeadershipChange { id, leader_epoch: -1, leading: None }).ok();
        }
    }

    /// Folders of topics that the cluster does not know any more: deleted while this broker was
    /// down. They are renamed, as Kafka does, and left for a person to look at.
    pub fn set_strays_aside(&self, image: &ClusterImage) {
        let hosted: BTreeSet<String> = self.all().iter().map(|it| it.id.to_string()).collect();
        for directory in &self.options.directories {
            let Ok(entries) = std::fs::read_dir(&directory.path) else { continue };
            for entry in entries.flatten().filter(|it| it.path().is_dir()) {
                let Ok(name) = entry.file_name().into_string() else { continue };
                match PartitionDirectory::parse(&name) {
                    Some(PartitionDirectory::Partition { .. }) if !hosted.contains(&name) => {}
                    _ => continue,
                }
                let stray = entry.path().with_file_name(format!("{name}-stray"));
                tracing::warn!(
                    "{name} is not a replica of this broker in cluster {}: renamed to {name}-stray",
                    image.cluster_id.as_deref().unwrap_or("?")
                );
                if let Err(error) = std::fs::rename(entry.path(), stray) {
                    tracing::error!("renaming {name}: {error}");
                }
            }
        }
    }

    /// Offsets of all replicas in one directory, for its checkpoints.
    pub fn checkpoints(&self, directory: usize) -> Checkpoints {
        let mut checkpoints = Checkpoints::default();
        for partition in self.in_directory(directory) {
            let id = (partition.id.topic.to_string(), partition.id.partition);
            partition.with_log(|log, high_watermark| {
                checkpoints.high_watermarks.insert(id.clone(), high_watermark);
                checkpoints.recovery_points.insert(id.clone(), log.recovery_point());
                checkpoints.log_end_offsets.insert(id.clone(), log.log_end_offset());
                if log.log_start_offset() > 0 {
                    checkpoints.log_start_offsets.insert(id.clone(), log.log_start_offset());
                }
            });
        }
        checkpoints
    }

    /// Ends all replicas in order, for a clean stop: syncs and closes every log.
    pub fn close(&self) -> bool {
        let mut clean = true;
        for partition in self.all() {
            if let Some(mut log) = partition.take_log()
                && let Err(error) = log.close()
            {
                tracing::error!("closing the log of {}: {error}", partition.id);
                clean = false;
            }
        }
        clean
    }
}

#[derive(Debug, Default)]
pub struct Checkpoints {
    pub high_watermarks: BTreeMap<(String, i32), i64>,
    pub recovery_points: BTreeMap<(String, i32), i64>,
    pub log_end_offsets: BTreeMap<(String, i32), i64>,
    pub log_start_offsets: BTreeMap<(String, i32), i64>,
}

impl LogDirectory {
    /// Reads what an earlier run left. The mark of a clean stop is taken away: from now on, only
    /// another clean stop makes one.
    pub fn read(path: PathBuf, id: Uuid) -> Result<(Self, Option<i64>), String> {
        let offsets = |name| checkpoint::read(&path, name).map_err(|error| error.to_string());
        let broker_epoch = checkpoint::clean_shutdown(&path).map_err(|error| error.to_string())?;
        let directory = Self {
            high_watermarks: offsets(checkpoint::HIGH_WATERMARKS)?,
            recovery_points: offsets(checkpoint::RECOVERY_POINTS)?,
            log_start_offsets: offsets(checkpoint::LOG_START_OFFSETS)?,
            clean_shutdown: broker_epoch.is_some(),
            path,
            id,
        };
        checkpoint::clear_clean_shutdown(&directory.path).map_err(|error| error.to_string())?;
        Ok((directory, broker_epoch))
    }
}

fn is_in(image: &ClusterImage, partition: &Partition) -> bool {
    image.topic_names.contains_key(&partition.topic_id)
}

pub(crate) fn is_internal(topic: &str) -> bool {
    topic == "__consumer_offsets" || topic == "__transaction_state"
}

fn set_aside(path: &std::path::Path, why: &str) -> Result<(), String> {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let aside = path.with_file_name(format!("{name}.{}-stray", Uuid::new_v4().simple()));
    tracing::warn!("renamed {} to {}: {why}", path.display(), aside.display());
    std::fs::rename(path, aside)
        .map_err(|error| format!("{why}, but {} cannot be renamed: {error}", path.display()))
}
