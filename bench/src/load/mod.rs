//! One load on one cluster: a producer, a consumer, and the bill of the servers.
//!
//! ```text
//!  producer thread ──> topic of its own, 16 partitions, 3 replicas ──> consumer thread ──> guard
//!     meter: from the first record that counts to the last one consumed
//! ```
//!
//! Connections, leaders and consumer positions exist before the meter starts: one record for each
//! partition has gone through by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use hdrhistogram::Histogram;

use crate::cluster::Server;
use crate::machine::{Meter, Usage, memory_mb};
use crate::probe::{Afterwards, Topic};
use crate::scenario::Compression;

pub(crate) mod consumer;
mod guard;
mod payload;
pub(crate) mod producer;

use consumer::{Received, Shared};
use guard::Guard;
use producer::Producer;

/// Partitions of every load's topic but one.
pub(crate) const PARTITIONS: i32 = 16;

/// Librdkafka gives up on a record after this long, and with it the load.
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(180);

/// How long a consumer waits for the next record when it knows that there are more.
const CONSUMER_PATIENCE: Duration = Duration::from_secs(30);

/// How long the records before the meter may take, until all of them are through.
const OPENING_TIMEOUT: Duration = Duration::from_secs(60);

/// At a fixed rate the first records do not count for latencies.
const LATENCY_SKIPPED: Duration = Duration::from_secs(2);

/// How fast records are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As fast as the cluster takes them.
    FlatOut,
    /// At intended times, whatever the cluster does.
    PerSecond(u32),
}

/// What a producer puts into one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Batching {
    /// Large batches.
    Throughput,
    /// What is there goes out at once.
    Latency,
    /// One record in one request, always.
    OneRecord,
}

/// One load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub value_bytes: usize,
    pub partitions: i32,
    pub compression: Compression,
    pub pace: Pace,
    pub batching: Batching,
    /// It ends with this many records,
    pub records_max: u64,
    /// or after this time, whichever comes first.
    pub seconds_max: u64,
    pub afterwards: Afterwards,
}

/// What one load cost and brought.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Sent, acknowledged and consumed while the meter ran.
    pub records: u64,
    pub bytes: u64,
    pub usage: Usage,
    /// Servers, and ZooKeepers, at the end of the load.
    pub memory_mb: (f64, f64),
    /// From the intended time to the consumer. Empty when sent flat out.
    pub latency_us: Histogram<u64>,
}

impl Batching {
    fn settings(self) -> Vec<(&'static str, String)> {
        let (linger_ms, records, bytes, queue_records) = match self {
            Self::Throughput => (5, 10_000, 131_072, 500_000),
            Self::Latency => (0, 10_000, 131_072, 500_000),
            // A queue that is longer would only be a longer wait.
            Self::OneRecord => (0, 1, 131_072, 100),
        };
        vec![
            ("linger.ms", linger_ms.to_string()),
            ("batch.num.messages", records.to_string()),
            ("batch.size", bytes.to_string()),
            ("queue.buffering.max.messages", queue_records.to_string()),
            ("queue.buffering.max.kbytes", "65536".to_owned()),
        ]
    }
}

impl Load {
    pub(crate) fn compression_type(&self) -> &'static str {
        match self.compression {
            Compression::Plain => "none",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
        }
    }

    /// Runs it on a topic of its own.
    pub(crate) async fn run(&self, bootstrap: &str, servers: Vec<Server>) -> Result<Outcome> {
        let topic = Topic::create(bootstrap, &name(), self.partitions).await?;
        // What an earlier load left to write must not be part of this one.
        tokio::task::spawn_blocking(rustix::fs::sync).await?;
        let load = *self;
        let outcome = topic.use_it(move |bootstrap, topic, cancelled| {
            load.measure(bootstrap, topic, servers, cancelled)
        });
        let outcome = outcome.await;
        let left = topic.leave(self.afterwards).await;
        let outcome = outcome?;
        left.map(|()| outcome)
    }

    fn measure(
        &self,
        bootstrap: &str,
        topic: &str,
        servers: Vec<Server>,
        cancelled: Arc<AtomicBool>,
    ) -> Result<Outcome> {
        let run = new_run();
        let shared = Arc::new(Shared::new(cancelled));
        let reader = Reader::start(bootstrap, topic, self.partitions, run, &shared)?;
        let mut producer = Producer::new(self, bootstrap, topic, run)?;
        producer.send_one_to_each(&shared)?;
        producer.settle(&shared)?;
        reader.wait_for(producer.sent(), &shared)?;

        let opening = producer.sent();
        if let Pace::PerSecond(_) = self.pace {
            let from_us = shared.now_us() + LATENCY_SKIPPED.as_micros() as u64;
            shared.latency_from_us.store(from_us, Ordering::Relaxed);
        }
        let meter = Meter::start(servers.clone())?;
        producer.send_load(self, &shared)?;
        let memory_mb = memory_mb(&servers)?;
        producer.settle(&shared)?;
        let received = reader.finish(producer.sent(), &shared)?;
        let usage = meter.read()?;
        let records = producer.sent() - opening;
        Ok(Outcome {
            records,
            bytes: records * self.value_bytes as u64,
            usage,
            memory_mb,
            latency_us: received.latency_us,
        })
    }
}

/// A consumer that reads in a thread of its own.
pub(crate) struct Reader {
    result: mpsc::Receiver<Result<Received>>,
}

impl Reader {
    pub(crate) fn start(
        bootstrap: &str,
        topic: &str,
        partitions: i32,
        run: u64,
        shared: &Arc<Shared>,
    ) -> Result<Self> {
        let consumer = consumer::assigned(bootstrap, topic, partitions)?;
        let (sender, result) = mpsc::sync_channel(1);
        let shared = Arc::clone(shared);
        thread::Builder::new()
            .name("consumer".into())
            .spawn(move || {
                let guard = Guard::new(run, partitions);
                let received = consumer::consume(&consumer, guard, &shared, CONSUMER_PATIENCE);
                // Whoever asked may have given up.
                let _ = sender.send(received);
            })
            .context("start the consumer's thread")?;
        Ok(Self { result })
    }

    /// Waits until it has seen so many records.
    fn wait_for(&self, records: u64, shared: &Shared) -> Result<()> {
        let deadline = Instant::now() + OPENING_TIMEOUT;
        while shared.received.load(Ordering::Relaxed) < records {
            if Instant::now() > deadline {
                bail!("the first records were not consumed within {OPENING_TIMEOUT:?}");
            }
            match self.result.recv_timeout(Duration::from_millis(5)) {
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Ok(Err(error)) => return Err(error),
                Ok(Ok(_)) | Err(_) => bail!("the consumer ended before the load began"),
            }
        }
        Ok(())
    }

    /// Tells it how many records there are, waits until it has all, and asks the guard.
    pub(crate) fn finish(self, records: u64, shared: &Shared) -> Result<Received> {
        shared.expected.store(records, Ordering::Relaxed);
        let received = self.result.recv().map_err(|_| anyhow!("the consumer crashed"))??;
        if shared.is_cancelled() {
            bail!("interrupted");
        }
        match received.guard.complaint(records) {
            Some(complaint) => bail!("void: {complaint}"),
            None => Ok(received),
        }
    }
}

/// A name that no topic of this process has had.
pub(crate) fn name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("bench-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A number that no other load of this process has.
pub(crate) fn new_run() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
