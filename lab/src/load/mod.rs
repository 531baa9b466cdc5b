//! A load that remembers everything: producers on a schedule, live readers, a group, a final read.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use lab::load::{Load, LoadOptions};
//! let load = Load::start(LoadOptions::new("localhost:9092", "orders")).await?;
//! load.mark_fault("kill broker 1");
//! // ... break something, wait ...
//! let report = load.stop_and_check().await?;
//! println!("{}", report.verdict);
//! # Ok(()) }
//! ```
//!
//! Every value is unique and numbered by its producer. The load stops by itself after
//! `records_max` records, which bounds its memory: 8 bytes for each record sent, 16 for each record
//! read, by each reader.

mod evidence;
mod payload;
mod producer;
mod reader;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use tokio::task::JoinHandle;

use crate::client::{self, Settings, Topic};
use crate::final_read::{Extent, ReadEnd};
use crate::gap::{Gaps, PhaseGap};
use crate::history::{self, FinalRead, History, Verdict};
use crate::publisher::{RunClock, SharedGaps, lock};

pub use payload::HEADER_BYTES;

use evidence::{Evidence, SendLog};
use producer::ProducerTask;
use reader::{ReadLog, ReaderTask, Role};

/// What the load is to be. [`LoadOptions::new`] gives a small one; change its fields.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// `HOST:PORT,...` of any Kafka cluster.
    pub bootstrap: String,
    /// The topic; created if it is not there.
    pub topic: String,
    /// Partitions to create it with.
    pub partitions: i32,
    /// Replicas to create it with; None for 3, or fewer on fewer brokers.
    pub replication_factor: Option<i32>,
    /// Topic configuration to create it with.
    pub topic_config: Settings,
    /// Records a second, over all producers.
    pub rate: u32,
    /// Bytes of a record's value, at least [`HEADER_BYTES`].
    pub value_bytes: usize,
    /// Idempotent producers.
    pub producers: usize,
    /// Live readers that assign all partitions to themselves.
    pub readers: usize,
    /// Members of one consumer group.
    pub group_members: usize,
    /// Settings of all clients; see [`client::prompt_settings`].
    pub client: Settings,
    /// The load stops sending after so many records.
    pub records_max: u64,
    /// How long a record may take to be acknowledged before its outcome counts as unknown.
    pub delivery_timeout_ms: u32,
    /// How long readers may take to come to the end after the load has stopped.
    pub final_read_timeout_ms: u32,
}

impl LoadOptions {
    /// 1000 records of 100 bytes a second, two producers, one reader, a group of two.
    pub fn new(bootstrap: &str, topic: &str) -> LoadOptions {
        LoadOptions {
            bootstrap: bootstrap.to_owned(),
            topic: topic.to_owned(),
            partitions: 6,
            replication_factor: None,
            topic_config: Settings::new(),
            rate: 1000,
            value_bytes: 100,
            producers: 2,
            readers: 1,
            group_members: 2,
            client: client::prompt_settings(3000),
            records_max: 5_000_000,
            delivery_timeout_ms: 60_000,
            final_read_timeout_ms: 60_000,
        }
    }
}

/// A load that runs.
pub struct Load {
    options: LoadOptions,
    run: Run,
    first_offsets: BTreeMap<i32, i64>,
    producers: Vec<JoinHandle<anyhow::Result<()>>>,
    readers: Vec<JoinHandle<anyhow::Result<ReadLog>>>,
}

/// What all parts of a running load share.
#[derive(Clone)]
struct Run {
    id: u64,
    clock: RunClock,
    partitions: i32,
    write_gaps: SharedGaps,
    read_gaps: SharedGaps,
    sends: Arc<Vec<Mutex<SendLog>>>,
    stop_sending: Arc<AtomicBool>,
    stop_reading: Arc<AtomicBool>,
}

/// What a load says at its end.
#[derive(Debug, Serialize)]
pub struct LoadReport {
    /// The checker's verdict.
    pub verdict: Verdict,
    /// Records handed to the client.
    pub sent: u64,
    /// True if the load stopped early because of `records_max`.
    pub cut_off: bool,
    /// Write gaps: of the warm-up, of the steady time after it, then one per fault.
    pub write_gaps: Vec<PhaseGap>,
    /// The same for the first live reader: from the time a record was due to its arrival.
    pub read_gaps: Vec<PhaseGap>,
    /// Records that the group received again.
    pub redelivered: u64,
    /// Records of earlier runs on the same topic, which were passed over.
    pub of_other_runs: u64,
    /// Why the final read is partial, or a client gave up; empty when all went well.
    pub remarks: Vec<String>,
    /// The settings of the clients, which every gap depends on.
    pub client: Settings,
    /// The evidence.
    #[serde(skip)]
    pub history: History,
}

impl Load {
    /// Creates the topic if need be, starts readers and producers, and returns while they run, once
    /// every partition has acknowledged a record.
    pub async fn start(options: LoadOptions) -> anyhow::Result<Load> {
        ensure!(options.rate > 0, "the rate of the load must be at least 1 record a second");
        ensure!(options.producers > 0, "the load needs at least 1 producer");
        ensure!(
            options.value_bytes >= HEADER_BYTES,
            "records of the load need at least {HEADER_BYTES} bytes, not {}",
            options.value_bytes
        );
        let topic = Topic {
            name: options.topic.clone(),
            partitions: options.partitions,
            replication_factor: options.replication_factor,
            config: options.topic_config.clone(),
        };
        let counts = client::ensure_topics(&options.bootstrap, &[topic]).await?;
        let partitions = counts[0];
        let first_offsets =
            client::log_ends(&options.bootstrap, &options.client, &options.topic, partitions)
                .await?;

        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let gaps = || Arc::new(Mutex::new(Gaps::new(partitions as usize)));
        let mut sends = Vec::new();
        sends.resize_with(options.producers, || Mutex::new(SendLog::default()));
        let run = Run {
            id: unix.as_nanos() as u64 ^ u64::from(std::process::id()).rotate_left(48),
            clock: RunClock::start(),
            partitions,
            write_gaps: gaps(),
            read_gaps: gaps(),
            sends: Arc::new(sends),
            stop_sending: Arc::default(),
            stop_reading: Arc::default(),
        };
        let roles = (0..options.readers)
            .map(|index| Role::Reader { first_offsets: first_offsets.clone(), index })
            .chain((0..options.group_members).map(|index| Role::Member { index }));
        let mut readers = Vec::new();
        for role in roles {
            let task = ReaderTask::new(&options, run.clone(), role)?;
            readers.push(tokio::task::spawn_blocking(move || task.run()));
        }
        let mut producers = Vec::new();
        for index in 0..options.producers {
            let task = ProducerTask::new(&options, run.clone(), index)?;
            producers.push(tokio::spawn(task.run()));
        }
        let load = Load { options, run, first_offsets, producers, readers };
        load.warm_up().await?;
        Ok(load)
    }

    async fn warm_up(&self) -> anyhow::Result<()> {
        let answered = || lock(&self.run.write_gaps).all_answered();
        let limit_us = u64::from(self.options.delivery_timeout_ms) * 1000;
        while !answered() && self.run.clock.now_us() < limit_us {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if !answered() {
            self.run.stop_sending.store(true, Ordering::Relaxed);
            self.run.stop_reading.store(true, Ordering::Relaxed);
            bail!(
                "some partition of {} acknowledged nothing in {} s; are all brokers up, and does \
                 every partition have a leader?",
                self.options.topic,
                limit_us / 1_000_000
            );
        }
        self.mark_fault("steady");
        Ok(())
    }

    /// A fault happens now: gaps are counted for it from here to the next mark.
    pub fn mark_fault(&self, name: &str) {
        let now_us = self.run.clock.now_us();
        lock(&self.run.write_gaps).mark(name, now_us);
        lock(&self.run.read_gaps).mark(name, now_us);
    }

    /// The write gap since the last mark so far, in milliseconds, a silence that goes on included.
    pub fn write_gap_ms(&self) -> u64 {
        lock(&self.run.write_gaps).current_ms(self.run.clock.now_us())
    }

    /// Whether every partition has acknowledged a record since the last mark.
    pub fn all_answered(&self) -> bool {
        lock(&self.run.write_gaps).all_answered()
    }

    /// How long the oldest record that is not acknowledged yet has been due, in milliseconds.
    pub fn backlog_ms(&self) -> u64 {
        lock(&self.run.write_gaps).backlog_ms(self.run.clock.now_us())
    }

    /// Records acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.run.sends.iter().map(|log| lock(log).acknowledged).sum()
    }

    /// Stops the producers, lets everything settle, reads the topic to its end and judges.
    pub async fn stop_and_check(self) -> anyhow::Result<LoadReport> {
        let Load { options, run, first_offsets, producers, readers } = self;
        let mut remarks = Vec::new();
        run.stop_sending.store(true, Ordering::Relaxed);
        for producer in producers {
            if let Err(error) = producer.await.context("a producer of the load crashed")? {
                remarks.push(format!("{error:#}"));
            }
        }
        let now_us = run.clock.now_us();
        let finish = |gaps: &SharedGaps| {
            std::mem::replace(&mut *lock(gaps), Gaps::new(run.partitions as usize)).finish(now_us)
        };
        let write_gaps = finish(&run.write_gaps);

        run.stop_reading.store(true, Ordering::Relaxed);
        let mut logs = Vec::new();
        for reader in readers {
            logs.push(reader.await.context("a reader of the load crashed")??);
        }
        let read_gaps = finish(&run.read_gaps);

        let (final_log, end) = final_read(&options, &run, &first_offsets).await?;
        let final_read = match &end {
            ReadEnd::Complete => FinalRead::Complete,
            ReadEnd::Partial { partitions, last_error } => {
                remarks.push(format!(
                    "the final read did not reach the end of the partitions {partitions:?}{}",
                    last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
                ));
                FinalRead::Partial
            }
        };
        logs.push(final_log);
        remarks.extend(logs.iter().flat_map(|log| log.remarks.iter().cloned()));
        let redelivered = evidence::redelivered(&logs);
        let of_other_runs = logs.last().map_or(0, |log| log.of_other_runs);
        let evidence = Evidence { topic: &options.topic, run: &run, logs };
        let sent = evidence.sent();
        let history = evidence.into_history();
        let (history, verdict) = tokio::task::spawn_blocking(move || {
            let verdict = history::check(&history, final_read);
            (history, verdict)
        })
        .await
        .context("the checker crashed")?;
        Ok(LoadReport {
            verdict,
            sent,
            cut_off: sent >= options.records_max,
            write_gaps,
            read_gaps,
            redelivered,
            of_other_runs,
            remarks,
            client: options.client,
            history,
        })
    }
}

/// Reads everything that is in the topic, from its beginning to its end.
async fn final_read(
    options: &LoadOptions,
    run: &Run,
    first_offsets: &BTreeMap<i32, i64>,
) -> anyhow::Result<(ReadLog, ReadEnd)> {
    let ends = evidence::acknowledged_ends(run);
    let extents: BTreeMap<i32, Extent> = first_offsets
        .iter()
        .map(|(partition, first)| {
            let expected_end = ends.get(partition).copied().unwrap_or(*first);
            (*partition, Extent { from: None, expected_end })
        })
        .collect();
    let config = client::config(&options.bootstrap, &options.client);
    let topic = options.topic.clone();
    let limit = Duration::from_millis(u64::from(options.final_read_timeout_ms));
    let mut log = ReadLog::new(Role::Final, run.id);
    tokio::task::spawn_blocking(move || {
        let end = crate::final_read::read_topic(config, &topic, &extents, limit, |message| {
            log.record(message);
        })?;
        log.end_operation();
        Ok((log, end))
    })
    .await
    .context("the final read crashed")?
}
