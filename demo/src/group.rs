//! One consumer group: members that read, and one pure core that they feed.
//!
//! A group may be given records again after a rebalance. The core must not count them twice: the
//! group remembers how far it has processed each partition, and counts what comes again apart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use serde::Serialize;
use tokio::task::JoinHandle;

use lab::client::{self, Settings};
use lab::publisher::RunClock;

use crate::event::{Published, Topic};
use crate::ledger::Ledger;

/// Members of each group.
const MEMBERS: usize = 2;

/// Takes in one event that arrived in this second of the run.
type Observe<C> = fn(&mut C, &Published, u64);

/// How the three groups connect.
#[derive(Clone)]
pub(crate) struct GroupSetting {
    pub bootstrap: String,
    pub settings: Settings,
    pub run: String,
    pub clock: RunClock,
    pub stop: Arc<AtomicBool>,
}

/// A group at work.
pub(crate) struct Group<C> {
    name: &'static str,
    topics: &'static [Topic],
    state: Arc<Mutex<State<C>>>,
    members: Vec<JoinHandle<()>>,
}

struct State<C> {
    core: C,
    positions: HashMap<(Topic, i32), i64>,
    consumed: u64,
    redelivered: u64,
    unreadable: u64,
    last_error: Option<String>,
    /// Partitions that each member has.
    assigned: [usize; MEMBERS],
}

/// What a group did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GroupReport {
    /// The group's id.
    pub group: &'static str,
    /// Events of this run that it processed, each once.
    pub consumed: u64,
    /// Events that it was given again and passed over.
    pub redelivered: u64,
    /// Acknowledged events that it had not processed at the end.
    pub behind: u64,
    /// The client's last error, if the group did not finish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl<C: Send + 'static> Group<C> {
    /// Starts the members of a group.
    pub(crate) fn start(
        name: &'static str,
        topics: &'static [Topic],
        setting: &GroupSetting,
        core: C,
        observe: Observe<C>,
    ) -> anyhow::Result<Group<C>> {
        let state = Arc::new(Mutex::new(State {
            core,
            positions: HashMap::new(),
            consumed: 0,
            redelivered: 0,
            unreadable: 0,
            last_error: None,
            assigned: [0; MEMBERS],
        }));
        let members = (0..MEMBERS)
            .map(|index| {
                let consumer: BaseConsumer = client::config(&setting.bootstrap, &setting.settings)
                    .set("group.id", name)
                    .set("client.id", format!("{name}-{index}"))
                    .set("auto.offset.reset", "earliest")
                    .set("auto.commit.interval.ms", "1000")
                    .create()
                    .context("cannot make a Kafka consumer")?;
                let names: Vec<&str> = topics.iter().map(|topic| topic.name()).collect();
                consumer.subscribe(&names).with_context(|| format!("{name} cannot subscribe"))?;
                let state = Arc::clone(&state);
                let member = Member { index, consumer, setting: setting.clone(), state, observe };
                Ok(tokio::task::spawn_blocking(move || member.run()))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Group { name, topics, state, members })
    }

    fn state(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the core as it is now.
    pub(crate) fn with_core<T>(&self, look: impl FnOnce(&C) -> T) -> T {
        look(&self.state().core)
    }

    /// The topics that it reads.
    pub(crate) fn topics(&self) -> &'static [Topic] {
        self.topics
    }

    /// Partitions that its members have, all together.
    pub(crate) fn assigned(&self) -> usize {
        self.state().assigned.iter().sum()
    }

    /// One more than the last offset processed, per partition.
    pub(crate) fn positions(&self) -> HashMap<(Topic, i32), i64> {
        self.state().positions.clone()
    }

    /// Waits for the members to leave, once they were told to stop.
    pub(crate) async fn finish(&mut self) -> anyhow::Result<()> {
        for member in self.members.drain(..) {
            member.await.with_context(|| format!("a member of {} crashed", self.name))?;
        }
        Ok(())
    }

    /// What it did, against what was acknowledged.
    pub(crate) fn report(&self, ledger: &Ledger) -> GroupReport {
        let state = self.state();
        let position = |topic, partition| {
            state.positions.get(&(topic, partition)).copied().unwrap_or_default()
        };
        let beyond = ledger.behind(self.topics, position);
        // Fewer events than were acknowledged means that some were passed over on the way.
        let missing = ledger.acknowledged_in(self.topics).saturating_sub(state.consumed);
        let behind = beyond.max(missing);
        let unreadable = (state.unreadable > 0)
            .then(|| format!("{} records are no events of the shop", state.unreadable));
        GroupReport {
            group: self.name,
            consumed: state.consumed,
            redelivered: state.redelivered,
            behind,
            last_error: unreadable.or_else(|| state.last_error.clone()).filter(|_| behind > 0),
        }
    }
}

struct Member<C> {
    index: usize,
    consumer: BaseConsumer,
    setting: GroupSetting,
    state: Arc<Mutex<State<C>>>,
    observe: Observe<C>,
}

impl<C> Member<C> {
    fn run(self) {
        let state = || self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.setting.stop.load(Ordering::Relaxed) {
            match self.consumer.poll(Duration::from_millis(100)) {
                // Nothing to read, or a rebalance was handled meanwhile.
                None => {
                    let assigned = self.consumer.assignment().map_or(0, |list| list.count());
                    state().assigned[self.index] = assigned;
                }
                Some(Ok(message)) => self.process(&message),
                Some(Err(error)) => state().last_error = Some(error.to_string()),
            }
        }
    }

    fn process(&self, message: &BorrowedMessage<'_>) {
        let Some(topic) = Topic::from_name(message.topic()) else { return };
        let second = self.setting.clock.now_us() / 1_000_000;
        let published: Option<Published> =
            message.payload().and_then(|bytes| serde_json::from_slice(bytes).ok());
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        let position = state.positions.entry((topic, message.partition())).or_default();
        if message.offset() < *position {
            state.redelivered += 1;
            return;
        }
        *position = message.offset() + 1;
        match published {
            Some(published) if published.run == self.setting.run => {
                state.consumed += 1;
                (self.observe)(&mut state.core, &published, second);
            }
            // What an earlier run left behind.
            Some(_) => {}
            None => state.unreadable += 1,
        }
    }
}
