//! One producer of the load: sends what is due, notes what became of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::client;
use crate::publisher::{Delivered, Outgoing, Publisher, Schedule, Ticket, lock};

use super::evidence::{SendOutcome, partition_of};
use super::payload::{encode, producer_of, value_of};
use super::{LoadOptions, Run};

pub(super) struct ProducerTask {
    index: usize,
    run: Run,
    publisher: Publisher,
    topic: String,
    value_bytes: usize,
    /// Microseconds between two records of this producer.
    interval_us: f64,
    /// Producers start a fraction of the interval apart, so that the load is even.
    phase: f64,
    records_max: u64,
    delivery_timeout: Duration,
}

impl ProducerTask {
    pub(super) fn new(options: &LoadOptions, run: Run, index: usize) -> anyhow::Result<Self> {
        let mut config = client::config(&options.bootstrap, &options.client);
        config
            .set("client.id", format!("janus-load-{index}"))
            .set("message.timeout.ms", options.delivery_timeout_ms.to_string())
            .set("linger.ms", "1");
        let sends = Arc::clone(&run.sends);
        let publisher =
            Publisher::new(config, run.clock, Arc::clone(&run.write_gaps), move |ticket, fate| {
                let (producer, sequence) = producer_of(ticket.tag);
                let mut log = lock(&sends[producer]);
                log.outcomes[sequence as usize] = match fate {
                    Delivered::Acknowledged(offset) => {
                        log.acknowledged += 1;
                        SendOutcome::acknowledged(offset)
                    }
                    Delivered::Unknown(_) => SendOutcome::UNKNOWN,
                    Delivered::NotSent(_) => SendOutcome::NOT_SENT,
                };
            })?;
        Ok(ProducerTask {
            index,
            publisher,
            topic: options.topic.clone(),
            value_bytes: options.value_bytes,
            interval_us: 1e6 * options.producers as f64 / f64::from(options.rate),
            phase: index as f64 / options.producers as f64,
            records_max: options.records_max / options.producers as u64,
            delivery_timeout: Duration::from_millis(u64::from(options.delivery_timeout_ms)),
            run,
        })
    }

    /// Sends on schedule until told to stop, then waits for the last deliveries.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let result = self.send_on_schedule().await;
        self.publisher.settle(self.delivery_timeout).await;
        result
    }

    async fn send_on_schedule(&self) -> anyhow::Result<()> {
        let mut bytes = Vec::with_capacity(self.value_bytes);
        let schedule = Schedule {
            clock: self.run.clock,
            first_us: self.run.clock.now_us() as f64 + self.interval_us * self.phase,
            interval_us: self.interval_us,
        };
        for sequence in 0..self.records_max {
            let due_us = schedule.wait_for(sequence, &self.run.stop_sending).await;
            let Some(intended_us) = due_us else { break };
            self.send(sequence, intended_us, &mut bytes).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        sequence: u64,
        intended_us: u64,
        bytes: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let partition = partition_of(self.index, sequence, self.run.partitions);
        let value = value_of(self.index, sequence);
        encode(bytes, self.run.id, value, intended_us, self.value_bytes);
        lock(&self.run.sends[self.index]).outcomes.push(SendOutcome::UNKNOWN);
        lock(&self.run.read_gaps).sent(partition as usize, intended_us);
        let outgoing = Outgoing { topic: &self.topic, partition, key: None, value: bytes };
        let ticket = Ticket { tag: value, slot: partition as usize, intended_us };
        if let Err(error) = self.publisher.send(outgoing, ticket).await {
            lock(&self.run.sends[self.index]).outcomes[sequence as usize] = SendOutcome::NOT_SENT;
            lock(&self.run.read_gaps).withdrawn(partition as usize, intended_us);
            return Err(error)
                .with_context(|| format!("producer {} of the load had to stop", self.index));
        }
        Ok(())
    }
}
