//! The last word on what is in the log: a read of whole partitions by a client of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{Offset, TopicPartitionList};

/// How long an end that lies before an acknowledged record may take to move past it.
const SHORT_END_PATIENCE: Duration = Duration::from_secs(10);

/// How far to read one partition.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// The first offset to read; None for the beginning of the log.
    pub from: Option<i64>,
    /// One more than the highest acknowledged offset: the log must reach at least here.
    pub expected_end: i64,
}

/// How a read of a topic ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadEnd {
    /// Every partition was read to its end.
    Complete,
    /// These partitions were not, in the time there was, and this was the last error.
    Partial {
        /// Partition ids.
        partitions: Vec<i32>,
        /// The client's last error, if it reported one.
        last_error: Option<String>,
    },
}

struct Reading {
    extent: Extent,
    position: i64,
    /// When the end was reached, if no record came since.
    ended: Option<Instant>,
}

impl Reading {
    fn done(&self) -> bool {
        self.ended.is_some_and(|ended| {
            self.position >= self.extent.expected_end || ended.elapsed() >= SHORT_END_PATIENCE
        })
    }
}

/// Reads the partitions of one topic to their ends. Blocks; call it on a thread that may.
pub fn read_topic(
    mut config: ClientConfig,
    topic: &str,
    extents: &BTreeMap<i32, Extent>,
    limit: Duration,
    mut on_record: impl FnMut(&BorrowedMessage<'_>),
) -> anyhow::Result<ReadEnd> {
    let consumer: BaseConsumer = config
        .set("group.id", "janus-final-read")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .create()
        .context("cannot make a Kafka consumer")?;
    let mut assignment = TopicPartitionList::new();
    let mut readings = BTreeMap::new();
    for (partition, extent) in extents {
        let from = extent.from.map_or(Offset::Beginning, Offset::Offset);
        assignment.add_partition_offset(topic, *partition, from)?;
        let position = extent.from.unwrap_or(0);
        readings.insert(*partition, Reading { extent: *extent, position, ended: None });
    }
    consumer.assign(&assignment).context("cannot assign partitions")?;

    let deadline = Instant::now() + limit;
    let mut last_error = None;
    while readings.values().any(|reading| !reading.done()) && Instant::now() < deadline {
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Ok(message)) => {
                if let Some(reading) = readings.get_mut(&message.partition()) {
                    reading.position = message.offset() + 1;
                    reading.ended = None;
                }
                on_record(&message);
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(reading) = readings.get_mut(&partition) {
                    reading.ended.get_or_insert_with(Instant::now);
                }
            }
            Some(Err(error)) => last_error = Some(error.to_string()),
        }
    }
    let partitions: Vec<i32> = readings
        .iter()
        .filter(|(_, reading)| reading.ended.is_none())
        .map(|(partition, _)| *partition)
        .collect();
    Ok(if partitions.is_empty() {
        ReadEnd::Complete
    } else {
        ReadEnd::Partial { partitions, last_error }
    })
}
