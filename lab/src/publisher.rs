//! An idempotent producer that follows a schedule and measures what faults cost it.
//!
//! Whoever publishes says when each record was due; the publisher counts from then on. Deliveries
//! come back through a callback on librdkafka's thread, each with the ticket of its record.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{
    BaseRecord, DeliveryResult, Producer, ProducerContext, PurgeConfig, ThreadedProducer,
};

use crate::gap::Gaps;

/// How long to wait when the client's queue is full before trying again.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Microseconds since the start of a run, on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    start: Instant,
    start_unix_us: u64,
}

impl RunClock {
    /// A run starts now.
    pub fn start() -> RunClock {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        RunClock { start: Instant::now(), start_unix_us: unix.as_micros() as u64 }
    }

    /// Microseconds of the run so far.
    pub fn now_us(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// The wall clock time of a moment of the run, in milliseconds since 1970.
    pub fn unix_ms(&self, at_us: u64) -> i64 {
        ((self.start_unix_us + at_us) / 1000) as i64
    }

    /// Sleeps until a moment of the run; returns at once when it has passed.
    pub async fn sleep_until(&self, at_us: u64) {
        tokio::time::sleep_until((self.start + Duration::from_micros(at_us)).into()).await;
    }
}

/// The schedule is looked at this often at most, so records leave in small bursts.
const TICK_US: u64 = 2000;

/// How long a slow schedule may leave the word to stop unheard.
const STOP_CHECK_US: u64 = 100_000;

/// When each record of a producer is due: evenly spread, whatever happens.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// The clock of the run.
    pub clock: RunClock,
    /// When the first record is due, in microseconds of the run.
    pub first_us: f64,
    /// Microseconds between two records.
    pub interval_us: f64,
}

impl Schedule {
    /// When a record is due, in microseconds of the run.
    pub fn due_us(&self, sequence: u64) -> u64 {
        (self.first_us + self.interval_us * sequence as f64) as u64
    }

    /// Waits until a record is due and returns when that was; None when told to stop.
    pub async fn wait_for(&self, sequence: u64, stop: &AtomicBool) -> Option<u64> {
        let due_us = self.due_us(sequence);
        loop {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let now_us = self.clock.now_us();
            if now_us >= due_us {
                return Some(due_us);
            }
            // Not before the next tick, lest every record cost a wake-up of its own.
            self.clock.sleep_until(due_us.clamp(now_us + TICK_US, now_us + STOP_CHECK_US)).await;
        }
    }
}

/// What the publisher remembers of a record until its delivery.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// The caller's name for the record.
    pub tag: u64,
    /// The partition's index for the measurement of gaps.
    pub slot: usize,
    /// When the record was due.
    pub intended_us: u64,
}

/// How a record fared.
#[derive(Debug, Clone)]
pub enum Delivered {
    /// Acknowledged at this offset, if the client knows it: the answer to a later record vouches for all
    /// earlier ones of its partition, and says nothing of where they are.
    Acknowledged(Option<i64>),
    /// It may or may not be in the log.
    Unknown(KafkaError),
    /// It never left this client.
    NotSent(KafkaError),
}

type OnDelivery = Box<dyn Fn(Ticket, Delivered) + Send + Sync>;

/// The gaps of a run, shared by all publishers that write to its partitions.
pub type SharedGaps = Arc<Mutex<Gaps>>;

/// Locks a mutex whose holders cannot panic halfway through a change.
pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

struct Deliveries {
    clock: RunClock,
    gaps: SharedGaps,
    outstanding: AtomicU64,
    on_delivery: OnDelivery,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let now_us = self.clock.now_us();
        let delivered = match result {
            Ok(message) => {
                Delivered::Acknowledged(Some(message.offset()).filter(|offset| *offset >= 0))
            }
            Err((error, _)) if never_left(error) => Delivered::NotSent(error.clone()),
            Err((error, _)) => Delivered::Unknown(error.clone()),
        };
        {
            let mut gaps = lock(&self.gaps);
            match delivered {
                Delivered::Acknowledged(_) => {
                    gaps.acknowledged(ticket.slot, ticket.intended_us, now_us);
                }
                _ => gaps.gave_up(ticket.slot, ticket.intended_us),
            }
        }
        (self.on_delivery)(*ticket, delivered);
        self.outstanding.fetch_sub(1, Ordering::Release);
    }
}

/// Errors that say for certain that no broker ever saw the record. All others leave it open.
fn never_left(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::MessageSizeTooLarge)
    )
}

/// One idempotent producer with `acks=all`.
pub struct Publisher {
    producer: ThreadedProducer<Deliveries>,
}

/// A record to be published.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition; the publisher must know it, to measure the partition's gap.
    pub partition: i32,
    /// The record's key, if any.
    pub key: Option<&'a [u8]>,
    /// The record's value.
    pub value: &'a [u8],
}

impl Publisher {
    /// Makes a producer on top of a client configuration; the guarantees are set here.
    pub fn new(
        mut config: ClientConfig,
        clock: RunClock,
        gaps: SharedGaps,
        on_delivery: impl Fn(Ticket, Delivered) + Send + Sync + 'static,
    ) -> anyhow::Result<Publisher> {
        config.set("enable.idempotence", "true").set("acks", "all");
        let context = Deliveries {
            clock,
            gaps,
            outstanding: AtomicU64::new(0),
            on_delivery: Box::new(on_delivery),
        };
        let producer =
            config.create_with_context(context).context("cannot make a Kafka producer")?;
        Ok(Publisher { producer })
    }

    /// Hands a record to the client, and waits while the client's queue is full.
    ///
    /// An error means that this producer will accept no record any more, or never this one.
    pub async fn send(&self, outgoing: Outgoing<'_>, ticket: Ticket) -> Result<(), KafkaError> {
        let context = self.producer.context();
        lock(&context.gaps).sent(ticket.slot, ticket.intended_us);
        context.outstanding.fetch_add(1, Ordering::Relaxed);
        let mut record: BaseRecord<'_, [u8], [u8], Box<Ticket>> =
            BaseRecord::with_opaque_to(outgoing.topic, Box::new(ticket))
                .partition(outgoing.partition)
                .payload(outgoing.value)
                .timestamp(context.clock.unix_ms(ticket.intended_us));
        record.key = outgoing.key;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), same)) => {
                    record = same;
                    tokio::time::sleep(FULL_QUEUE_PAUSE).await;
                }
                Err((error, _)) => {
                    lock(&context.gaps).withdrawn(ticket.slot, ticket.intended_us);
                    context.outstanding.fetch_sub(1, Ordering::Release);
                    return Err(error);
                }
            }
        }
    }

    /// Records handed over and not yet delivered or given up.
    pub fn outstanding(&self) -> u64 {
        self.producer.context().outstanding.load(Ordering::Acquire)
    }

    /// Waits for all deliveries; gives up what is left when the time is over.
    pub async fn settle(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.outstanding() > 0 && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if self.outstanding() > 0 {
            self.producer.purge(PurgeConfig::default().queue().inflight());
            let deadline = Instant::now() + Duration::from_secs(5);
            while self.outstanding() > 0 && Instant::now() < deadline {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}
