//! Publishes what happens in the shop, on schedule, and keeps the books of it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;

use lab::client;
use lab::publisher::{Delivered, Outgoing, Publisher, Schedule, SharedGaps, Ticket, lock};

use crate::event::{Published, Topic};
use crate::input::Replay;
use crate::ledger::{EVENTS_MAX, Ledger};
use crate::shoppers::{Pattern, Planned, Shoppers};

/// How long a record may take to be acknowledged before its outcome counts as unknown.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Where events come from.
pub(crate) enum Source {
    Shoppers(Box<Shoppers>),
    File(Box<Replay>),
}

impl Source {
    fn next(&mut self) -> Option<anyhow::Result<Planned>> {
        match self {
            Source::Shoppers(shoppers) => shoppers.next().map(Ok),
            Source::File(replay) => replay.next().map(|event| {
                let event = event.context("the file changed after it was checked")?;
                Ok(Planned { event, label: None })
            }),
        }
    }
}

/// The partitions of the three topics, numbered through for the measurement of gaps.
#[derive(Debug, Clone)]
pub(crate) struct Partitions(pub [i32; 3]);

impl Partitions {
    pub(crate) fn count(&self) -> usize {
        self.0.iter().sum::<i32>() as usize
    }

    fn slot(&self, topic: Topic, partition: i32) -> usize {
        (self.0[..topic.index()].iter().sum::<i32>() + partition) as usize
    }

    /// The name of the partition in this slot, `cliques_do_site-3` for example.
    pub(crate) fn name(&self, slot: usize) -> String {
        let mut rest = slot as i32;
        for topic in Topic::ALL {
            let count = self.0[topic.index()];
            if rest < count {
                return format!("{}-{rest}", topic.name());
            }
            rest -= count;
        }
        format!("partition {slot}")
    }
}

/// Everything the publishing side needs.
pub(crate) struct Publishing {
    pub bootstrap: String,
    pub settings: client::Settings,
    pub run: String,
    pub partitions: Partitions,
    pub schedule: Schedule,
    /// No event is due at or after this many microseconds of the run.
    pub until_us: Option<u64>,
    pub ledger: Arc<Mutex<Ledger>>,
    pub gaps: SharedGaps,
    pub stop: Arc<AtomicBool>,
}

/// The settings of the producers on top of those that all clients share.
pub(crate) fn producer_settings(settings: &client::Settings) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = settings.iter().cloned().collect();
    all.insert("message.timeout.ms".to_owned(), DELIVERY_TIMEOUT.as_millis().to_string());
    all.insert("linger.ms".to_owned(), "5".to_owned());
    all
}

impl Publishing {
    /// Publishes until the source is empty, time is over or the shop is told to close.
    ///
    /// Returns the labels of what was published: they were in no record.
    pub(crate) async fn run(self, mut source: Source) -> anyhow::Result<HashMap<u64, Pattern>> {
        // A shop has a service for each topic; so each has a producer of its own.
        let publishers = [self.publisher()?, self.publisher()?, self.publisher()?];
        let mut labels = HashMap::new();
        let result = self.publish_all(&publishers, &mut source, &mut labels).await;
        for publisher in &publishers {
            publisher.settle(DELIVERY_TIMEOUT).await;
        }
        result.map(|()| labels)
    }

    fn publisher(&self) -> anyhow::Result<Publisher> {
        let mut config = client::config(&self.bootstrap, &self.settings);
        for (key, value) in producer_settings(&self.settings) {
            config.set(key, value);
        }
        let ledger = Arc::clone(&self.ledger);
        let on_delivery = move |ticket: Ticket, fate| {
            let mut ledger = lock(&ledger);
            match fate {
                Delivered::Acknowledged(offset) => ledger.acknowledge(ticket.tag, offset),
                Delivered::Unknown(_) => ledger.leave_unknown(ticket.tag),
                Delivered::NotSent(_) => ledger.leave_unsent(ticket.tag),
            }
        };
        Publisher::new(config, self.schedule.clock, Arc::clone(&self.gaps), on_delivery)
    }

    async fn publish_all(
        &self,
        publishers: &[Publisher; 3],
        source: &mut Source,
        labels: &mut HashMap<u64, Pattern>,
    ) -> anyhow::Result<()> {
        for number in 0..EVENTS_MAX {
            if self.until_us.is_some_and(|until_us| self.schedule.due_us(number) >= until_us) {
                return Ok(());
            }
            let Some(due_us) = self.schedule.wait_for(number, &self.stop).await else {
                return Ok(());
            };
            let Some(planned) = source.next() else { return Ok(()) };
            self.publish(publishers, planned?, due_us, labels).await?;
        }
        Ok(())
    }

    async fn publish(
        &self,
        publishers: &[Publisher; 3],
        planned: Planned,
        intended_us: u64,
        labels: &mut HashMap<u64, Pattern>,
    ) -> anyhow::Result<()> {
        let topic = planned.event.topic();
        let customer = planned.event.customer.clone();
        let count = self.partitions.0[topic.index()];
        let partition = client::partition_of_key(customer.as_bytes(), count);
        let sequence = lock(&self.ledger).open(topic, partition);
        if let Some(pattern) = planned.label {
            labels.insert(sequence, pattern);
        }
        let published = Published { run: self.run.clone(), sequence, event: planned.event };
        let value = serde_json::to_vec(&published).context("an event could not be written")?;
        let outgoing = Outgoing {
            topic: topic.name(),
            partition,
            key: Some(customer.as_bytes()),
            value: &value,
        };
        let slot = self.partitions.slot(topic, partition);
        let ticket = Ticket { tag: sequence, slot, intended_us };
        if let Err(error) = publishers[topic.index()].send(outgoing, ticket).await {
            lock(&self.ledger).leave_unsent(sequence);
            return Err(error).with_context(|| format!("the producer of {} gave up", topic.name()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_numbered_through_and_have_names() {
        let partitions = Partitions([6, 3, 2]);
        assert_eq!(partitions.count(), 11);
        let slot = partitions.slot(Topic::Transactions, 1);
        assert_eq!(slot, 10);
        assert_eq!(partitions.name(slot), "transacoes_concluidas-1");
        assert_eq!(partitions.name(partitions.slot(Topic::Clicks, 0)), "cliques_do_site-0");
    }
}
