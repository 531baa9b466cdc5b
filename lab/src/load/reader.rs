//! Readers of the load: each notes what it was given, in the order it was given.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::client;
use crate::history::{Action, Key, Operation, Outcome, Poll};
use crate::publisher::lock;

use super::payload::{Payload, decode};
use super::{LoadOptions, Run, evidence};

/// Records of one poll operation at most; more are the next one's.
const OPERATION_RECORDS_MAX: usize = 1000;

const FIRST_READER: u32 = 1000;
const FIRST_MEMBER: u32 = 2000;
const FINAL_READER: u32 = 3000;

/// What kind of reader it is.
#[derive(Debug, Clone)]
pub(super) enum Role {
    /// It reads all partitions from these offsets on.
    Reader { first_offsets: BTreeMap<i32, i64>, index: usize },
    /// It reads what its group gives it.
    Member { index: usize },
    /// It reads everything once at the end.
    Final,
}

/// What one reader noted down.
#[derive(Debug)]
pub(super) struct ReadLog {
    pub role: Role,
    pub operations: Vec<Operation>,
    pub of_other_runs: u64,
    pub remarks: Vec<String>,
    run_id: u64,
    polls: BTreeMap<Key, Poll>,
    polled: usize,
    /// One more than the highest offset received, per partition.
    positions: BTreeMap<i32, i64>,
}

impl ReadLog {
    pub(super) fn new(role: Role, run_id: u64) -> ReadLog {
        ReadLog {
            role,
            operations: Vec::new(),
            of_other_runs: 0,
            remarks: Vec::new(),
            run_id,
            polls: BTreeMap::new(),
            polled: 0,
            positions: BTreeMap::new(),
        }
    }

    fn process(&self) -> u32 {
        match self.role {
            Role::Reader { index, .. } => FIRST_READER + index as u32,
            Role::Member { index } => FIRST_MEMBER + index as u32,
            Role::Final => FINAL_READER,
        }
    }

    fn push(&mut self, action: Action) {
        self.operations.push(Operation { process: self.process(), outcome: Outcome::Ok, action });
    }

    /// Notes a record; returns when it was due, if it is one of this run.
    pub(super) fn record(&mut self, message: &BorrowedMessage<'_>) -> Option<u64> {
        let position = self.positions.entry(message.partition()).or_default();
        *position = (*position).max(message.offset() + 1);
        let (value, intended_us) = match decode(message.payload().unwrap_or(&[]), self.run_id) {
            Payload::Ours { value, intended_us } => (value, Some(intended_us)),
            Payload::Foreign { value } => (value, None),
            Payload::OtherRun => {
                self.of_other_runs += 1;
                return None;
            }
        };
        // Keys of the history are the partitions.
        let key = message.partition() as Key;
        let poll = self.polls.entry(key).or_insert_with(|| Poll {
            key,
            rebalanced: false,
            records: Vec::new(),
        });
        poll.records.push((message.offset(), value));
        self.polled += 1;
        if self.polled >= OPERATION_RECORDS_MAX {
            self.end_operation();
        }
        intended_us
    }

    /// What was received since the last call becomes one operation.
    pub(super) fn end_operation(&mut self) {
        if self.polled > 0 {
            self.polled = 0;
            let polls = std::mem::take(&mut self.polls).into_values().collect();
            self.push(Action::Poll(polls));
        }
    }

    fn reached(&self, ends: &BTreeMap<i32, i64>) -> bool {
        ends.iter().all(|(partition, end)| {
            self.positions.get(partition).is_some_and(|position| position >= end)
        })
    }
}

/// Tells the reader what its group gave it or took from it.
#[derive(Clone, Default)]
struct Assignments(Arc<Mutex<Vec<Vec<Key>>>>);

impl ClientContext for Assignments {}

impl ConsumerContext for Assignments {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        let assigned = consumer
            .assignment()
            .map(|list| list.elements().iter().map(|element| element.partition() as Key).collect());
        lock(&self.0).push(assigned.unwrap_or_default());
    }
}

pub(super) struct ReaderTask {
    consumer: BaseConsumer<Assignments>,
    assignments: Assignments,
    log: ReadLog,
    run: Run,
    finish_timeout: Duration,
}

impl ReaderTask {
    pub(super) fn new(options: &LoadOptions, run: Run, role: Role) -> anyhow::Result<ReaderTask> {
        let mut config = client::config(&options.bootstrap, &options.client);
        config
            .set("group.id", format!("{}-load", options.topic))
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", matches!(role, Role::Member { .. }).to_string())
            .set("auto.commit.interval.ms", "1000");
        let assignments = Assignments::default();
        let consumer: BaseConsumer<Assignments> = config
            .create_with_context(assignments.clone())
            .context("cannot make a Kafka consumer")?;
        let mut log = ReadLog::new(role, run.id);
        match log.role.clone() {
            Role::Reader { first_offsets, .. } => {
                let mut list = TopicPartitionList::new();
                for (partition, offset) in &first_offsets {
                    list.add_partition_offset(&options.topic, *partition, Offset::Offset(*offset))?;
                }
                consumer.assign(&list).context("cannot assign partitions")?;
                log.push(Action::Assign(first_offsets.keys().map(|p| *p as Key).collect()));
            }
            Role::Member { .. } => {
                consumer.subscribe(&[&options.topic]).context("cannot subscribe")?;
            }
            Role::Final => {}
        }
        let finish_timeout = Duration::from_millis(u64::from(options.final_read_timeout_ms));
        Ok(ReaderTask { consumer, assignments, log, run, finish_timeout })
    }

    /// Reads until the load has stopped and everything acknowledged has come, or time is over.
    pub(super) fn run(mut self) -> anyhow::Result<ReadLog> {
        let mut last_error = None;
        let mut ends: Option<(BTreeMap<i32, i64>, Instant)> = None;
        loop {
            if ends.is_none() && self.run.stop_reading.load(Ordering::Relaxed) {
                let deadline = Instant::now() + self.finish_timeout;
                ends = Some((evidence::acknowledged_ends(&self.run), deadline));
            }
            if let Some((ends, deadline)) = &ends {
                // A member of a group cannot know which partitions are its own to finish.
                let member = matches!(self.log.role, Role::Member { .. });
                if member || self.log.reached(ends) {
                    break;
                }
                if Instant::now() >= *deadline {
                    let last_error: Option<String> = last_error;
                    self.log.remarks.push(format!(
                        "reader {} did not reach the end{}",
                        self.log.process(),
                        last_error.map(|error| format!(": {error}")).unwrap_or_default()
                    ));
                    break;
                }
            }
            if let Err(error) = self.poll() {
                last_error = Some(error.to_string());
            }
        }
        Ok(self.log)
    }

    /// One wait for records, then all that are at hand.
    fn poll(&mut self) -> Result<(), rdkafka::error::KafkaError> {
        let measures = matches!(self.log.role, Role::Reader { index: 0, .. });
        let mut timeout = Duration::from_millis(100);
        loop {
            let polled = self.consumer.poll(timeout);
            for keys in std::mem::take(&mut *lock(&self.assignments.0)) {
                self.log.end_operation();
                self.log.push(Action::Subscribe(keys));
            }
            match polled {
                Some(Ok(message)) => {
                    let partition = message.partition() as usize;
                    if let Some(intended_us) = self.log.record(&message)
                        && measures
                    {
                        let now_us = self.run.clock.now_us();
                        lock(&self.run.read_gaps).acknowledged(partition, intended_us, now_us);
                    }
                }
                Some(Err(error)) => return Err(error),
                None => {
                    self.log.end_operation();
                    return Ok(());
                }
            }
            timeout = Duration::ZERO;
        }
    }
}
