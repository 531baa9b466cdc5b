//! The producer of a load: one thread that sends flat out or on schedule, and counts deliveries.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::client::{self, Settings};
use rdkafka::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig,
};

use super::consumer::Shared;
use super::payload::{Header, Values};
use super::{Load, Pace};

/// Deliveries are looked for, and the clock is looked at, once in so many records.
const RECORDS_BETWEEN_LOOKS: u64 = 64;

/// Longest sleep of a producer on schedule: deliveries are looked for meanwhile.
const SLEEP_MAX: Duration = Duration::from_millis(5);

/// What became of the records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deliveries(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    first_failure: OnceLock<String>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => self.0.acknowledged.fetch_add(1, Ordering::Relaxed),
            Err((error, _)) => {
                self.0.first_failure.get_or_init(|| error.to_string());
                self.0.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
    }
}

impl Deliveries {
    /// An error when a record was given up, or nobody waits any more.
    fn check(&self, sent: u64, shared: &Shared) -> Result<()> {
        if shared.is_cancelled() {
            bail!("interrupted");
        }
        match self.0.failed.load(Ordering::Relaxed) {
            0 => Ok(()),
            failed => bail!(
                "{failed} of {sent} records were not acknowledged: {}",
                self.0.first_failure.get().map_or("unknown", String::as_str)
            ),
        }
    }
}

/// A producer and what it has sent.
pub(crate) struct Producer {
    producer: BaseProducer<Deliveries>,
    deliveries: Deliveries,
    topic: String,
    partitions: u64,
    run: u64,
    values: Values,
    sent: u64,
}

/// Settings of the producer; what is not here is librdkafka's default.
pub(crate) fn settings(load: &Load) -> Settings {
    let mut settings = load.batching.settings();
    settings.extend([
        ("acks", "all".to_owned()),
        ("enable.idempotence", "true".to_owned()),
        ("message.timeout.ms", super::DELIVERY_TIMEOUT.as_millis().to_string()),
        // Kafka's answer to "who leads" may come late: ask again soon, whoever answers.
        ("retry.backoff.ms", "50".to_owned()),
        ("retry.backoff.max.ms", "250".to_owned()),
        ("compression.type", load.compression_type().to_owned()),
    ]);
    settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

impl Producer {
    pub(crate) fn new(load: &Load, bootstrap: &str, topic: &str, run: u64) -> Result<Self> {
        let deliveries = Deliveries::default();
        let producer = client::config(bootstrap, &settings(load))
            .create_with_context(deliveries.clone())
            .context("cannot make a Kafka producer")?;
        Ok(Self {
            producer,
            deliveries,
            topic: topic.to_owned(),
            partitions: load.partitions as u64,
            run,
            values: Values::new(load.value_bytes),
            sent: 0,
        })
    }

    /// Goes on with another topic as if nothing had been sent, after [`Self::settle`].
    pub(crate) fn turn_to(&mut self, topic: &str, partitions: i32) {
        self.topic = topic.to_owned();
        self.partitions = partitions as u64;
        self.sent = 0;
        self.deliveries.0.acknowledged.store(0, Ordering::Relaxed);
    }

    /// Records that were handed over so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends one record to every partition.
    pub(crate) fn send_one_to_each(&mut self, shared: &Shared) -> Result<()> {
        for _ in 0..self.partitions {
            self.send(shared.now_us(), shared)?;
        }
        Ok(())
    }

    /// Sends until the load has its records or its time is over.
    pub(crate) fn send_load(&mut self, load: &Load, shared: &Shared) -> Result<()> {
        let limit = Duration::from_secs(load.seconds_max);
        match load.pace {
            Pace::FlatOut => self.flat_out(load.records_max, limit, shared),
            Pace::PerSecond(rate) => {
                let records = load.records_max.min(u64::from(rate) * load.seconds_max);
                self.on_schedule(rate, records, shared)
            }
        }
    }

    fn flat_out(&mut self, records: u64, limit: Duration, shared: &Shared) -> Result<()> {
        let begin = Instant::now();
        for number in 0..records {
            self.send(shared.now_us(), shared)?;
            if number % RECORDS_BETWEEN_LOOKS == 0 {
                self.producer.poll(Duration::ZERO);
                if begin.elapsed() > limit {
                    break;
                }
            }
        }
        Ok(())
    }

    /// A record that is late keeps the time at which it was due: what waits, waits visibly.
    fn on_schedule(&mut self, rate: u32, records: u64, shared: &Shared) -> Result<()> {
        let interval_us = 1e6 / f64::from(rate);
        let first_us = shared.now_us() as f64;
        for number in 0..records {
            let intended_us = (first_us + number as f64 * interval_us) as u64;
            loop {
                let now_us = shared.now_us();
                if now_us >= intended_us {
                    break;
                }
                self.producer.poll(Duration::ZERO);
                thread::sleep(Duration::from_micros(intended_us - now_us).min(SLEEP_MAX));
            }
            self.send(intended_us, shared)?;
        }
        Ok(())
    }

    fn send(&mut self, intended_us: u64, shared: &Shared) -> Result<()> {
        let partition = (self.sent % self.partitions) as i32;
        let sequence = self.sent / self.partitions;
        let header = Header { run: self.run, sequence, intended_us };
        let value = self.values.value(self.sent, header);
        let mut record =
            BaseRecord::<(), [u8]>::to(&self.topic).partition(partition).payload(value);
        loop {
            match self.producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.deliveries.check(self.sent, shared)?;
                    self.producer.poll(Duration::from_millis(1));
                }
                Err((error, _)) => return Err(error).context("cannot send"),
            }
        }
        self.sent += 1;
        Ok(())
    }

    /// Waits until the fate of everything sent is known. Anything but an acknowledgement is an error.
    pub(crate) fn settle(&self, shared: &Shared) -> Result<()> {
        let counts = &self.deliveries.0;
        // librdkafka gives up on a record after its delivery timeout, so this ends.
        while counts.acknowledged.load(Ordering::Relaxed) < self.sent {
            self.deliveries.check(self.sent, shared)?;
            self.producer.poll(Duration::from_millis(1));
        }
        self.deliveries.check(self.sent, shared)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // Without it the end of librdkafka would wait for what nobody waits for any more.
        self.producer.purge(PurgeConfig::default().queue().inflight());
    }
}
