//! The consumer of a load: reads every partition from its beginning, under the eyes of the guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use lab::client::{self, Settings};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::guard::Guard;

const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// Latencies are told apart to three digits, up to ten minutes.
const LATENCY_US_MAX: u64 = 600_000_000;

/// What producer and consumer of one load tell each other.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The load's clock: intended times count from here.
    pub begin: Instant,
    /// Records that the consumer has seen.
    pub received: AtomicU64,
    /// How many it has to see. `u64::MAX` while nobody knows.
    pub expected: AtomicU64,
    /// Records that were due earlier count for the guard, not for the latencies.
    pub latency_from_us: AtomicU64,
    /// Whoever waits for this load has gone.
    pub cancelled: Arc<AtomicBool>,
}

impl Shared {
    pub(crate) fn new(cancelled: Arc<AtomicBool>) -> Self {
        Self {
            begin: Instant::now(),
            received: AtomicU64::new(0),
            expected: AtomicU64::new(u64::MAX),
            latency_from_us: AtomicU64::new(u64::MAX),
            cancelled,
        }
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.begin.elapsed().as_micros() as u64
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// What the consumer saw.
#[derive(Debug)]
pub(crate) struct Received {
    pub guard: Guard,
    pub latency_us: Histogram<u64>,
}

/// Settings of the consumer; what is not here is librdkafka's default.
pub(crate) fn settings() -> Settings {
    [
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        // By default a consumer whose queue was full asks for more a second later: once it is behind,
        // it is the client that is measured.
        ("fetch.queue.backoff.ms", "10"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// A consumer that has all partitions of a topic, from the beginning.
pub(crate) fn assigned(bootstrap: &str, topic: &str, partitions: i32) -> Result<BaseConsumer> {
    let mut config = client::config(bootstrap, &settings());
    // Nobody joins a group, but librdkafka wants to know one.
    config.set("group.id", "bench");
    let consumer: BaseConsumer = config.create().context("cannot make a Kafka consumer")?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    consumer.assign(&list).context("cannot assign partitions")?;
    Ok(consumer)
}

/// Reads until everything expected has come, or nothing comes for `patience` once it is known how
/// much that is.
pub(crate) fn consume(
    consumer: &BaseConsumer,
    mut guard: Guard,
    shared: &Shared,
    patience: Duration,
) -> Result<Received> {
    let mut latency_us =
        Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are constant");
    let mut quiet_since = None;
    let mut trouble = None;
    while guard.received() < shared.expected.load(Ordering::Relaxed) && !shared.is_cancelled() {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => {
                let header = guard.take(message.partition(), message.payload().unwrap_or_default());
                if let Some(header) = header
                    && header.intended_us >= shared.latency_from_us.load(Ordering::Relaxed)
                {
                    let latency = shared.now_us().saturating_sub(header.intended_us);
                    latency_us.saturating_record(latency);
                }
                shared.received.store(guard.received(), Ordering::Relaxed);
                quiet_since = None;
                continue;
            }
            Some(Err(error)) => trouble = Some(error),
            None => {}
        }
        let known = shared.expected.load(Ordering::Relaxed) != u64::MAX;
        let since = quiet_since.get_or_insert_with(Instant::now);
        if known && since.elapsed() > patience {
            break;
        }
    }
    match trouble {
        // It came to an end all the same: librdkafka has tried again.
        Some(error) if guard.received() == 0 => Err(error).context("the consumer got nothing"),
        _ => Ok(Received { guard, latency_us }),
    }
}
