//! Following: one task per leader broker pulls everything that this broker replicates from it, over
//! one connection and one incremental fetch session.
//!
//! A fetch offset says "I have everything below", so the next fetch is also the acknowledgement.
//! When partitions are added while a long poll is under way, the next request is sent at once; the
//! leader answers the waiting one then, so that a new topic does not wait for a poll to end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka::messages::fetch::{
    EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic,
    PartitionData, ReplicaState,
};
use kafka::{ErrorCode, Str};
use metadata::{BrokerId, Uuid};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::Partition;
use crate::clock::now_ms;
use crate::control::Images;
use crate::limits::FETCHER_QUEUE;
use crate::peer::{PeerConnection, PeerError, PeerOptions};

/// The version that carries topic ids and the broker epoch.
const FETCH_VERSION: i16 = 17;
const RETRY_MIN: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_millis(500);
/// A leader that answers nothing for this long beyond the poll's wait is given up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const REQUESTS_IN_FLIGHT: usize = 2;

/// The names of a partition that stay: topic id and number.
pub type ReplicaKey = (Uuid, i32);

#[derive(Clone)]
pub struct FetcherOptions {
    pub me: BrokerId,
    pub peer: PeerOptions,
    pub images: Images,
    pub broker_epoch: watch::Receiver<i64>,
    pub wait_max_ms: i32,
    pub min_bytes: i32,
    pub partition_bytes_max: i32,
    pub response_bytes_max: i32,
}

enum Change {
    Follow { partition: Arc<Partition>, leader_epoch: i32 },
    Leave { key: ReplicaKey },
}

/// All fetchers of this broker, one for each leader.
pub struct Fetchers {
    options: FetcherOptions,
    running: Mutex<BTreeMap<BrokerId, mpsc::Sender<Change>>>,
    /// Which leader each partition is followed from.
    assigned: Mutex<BTreeMap<ReplicaKey, BrokerId>>,
}

impl Fetchers {
    pub fn new(options: FetcherOptions) -> Self {
        Self { options, running: Mutex::default(), assigned: Mutex::default() }
    }

    /// Follows `leader` from now on, or nobody.
    pub async fn assign(
        &self,
        partition: &Arc<Partition>,
        leader: Option<BrokerId>,
        leader_epoch: i32,
    ) {
        let key = (partition.topic_id, partition.id.partition);
        let before = {
            let mut assigned = self.assigned.lock().expect("no panic under this lock");
            match leader {
                Some(leader) => assigned.insert(key, leader),
                None => assigned.remove(&key),
            }
        };
        if let Some(before) = before.filter(|before| Some(*before) != leader) {
            self.send(before, Change::Leave { key }).await;
        }
        if let Some(leader) = leader {
            self.send(leader, Change::Follow { partition: partition.clone(), leader_epoch }).await;
        }
    }

    async fn send(&self, leader: BrokerId, change: Change) {
        let sender = {
            let mut running = self.running.lock().expect("no panic under this lock");
            running
                .entry(leader)
                .or_insert_with(|| {
                    let (sender, changes) = mpsc::channel(FETCHER_QUEUE);
                    let fetcher = Fetcher::new(self.options.clone(), leader, changes);
                    tokio::spawn(fetcher.run());
                    sender
                })
                .clone()
        };
        // A fetcher ends only with the process.
        sender.send(change).await.ok();
    }
}

struct Following {
    partition: Arc<Partition>,
    topic: Str,
    leader_epoch: i32,
    /// Answers to earlier requests are about an earlier leadership.
    since_request: u64,
    /// Records in answers to earlier requests are there already: two requests may be under way, and
    /// the later one was sent before the earlier one was answered.
    positioned_by: u64,
    /// Part of the leader's session.
    in_session: bool,
    retry: Duration,
}

struct Fetcher {
    options: FetcherOptions,
    leader: BrokerId,
    changes: mpsc::Receiver<Change>,
    following: BTreeMap<ReplicaKey, Following>,
    /// To be named in the next request: new, or fetched from since.
    stale: BTreeSet<ReplicaKey>,
    forgotten: Vec<(ReplicaKey, Str)>,
    /// Set aside after an error.
    retries: BTreeSet<(Instant, ReplicaKey)>,
    session_id: i32,
    session_epoch: i32,
    requests_sent: u64,
    in_flight: VecDeque<u64>,
}

/// Everything that can happen while connected.
enum Event {
    Change(Option<Change>),
    Answer(Result<FetchResponse, PeerError>),
    RetryDue,
}

impl Fetcher {
    fn new(options: FetcherOptions, leader: BrokerId, changes: mpsc::Receiver<Change>) -> Self {
        Self {
            options,
            leader,
            changes,
            following: BTreeMap::new(),
            stale: BTreeSet::new(),
            forgotten: Vec::new(),
            retries: BTreeSet::new(),
            session_id: 0,
            session_epoch: 0,
            requests_sent: 0,
            in_flight: VecDeque::new(),
        }
    }

    async fn run(mut self) {
        let mut pause = RETRY_MIN;
        loop {
            while self.following.is_empty() {
                match self.changes.recv().await {
                    Some(change) => self.take(change),
                    None => return,
                }
            }
            match self.connect().await {
                Ok(mut connection) => {
                    pause = RETRY_MIN;
                    self.options.images.settle(self.leader);
                    match self.stay(&mut connection).await {
                        Ok(()) => return,
                        Err(error) => {
                            self.options.images.suspect(self.leader);
                            tracing::info!("fetching from broker {}: {error}", self.leader);
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!("connecting to broker {}: {error}", self.leader);
                }
            }
            // Changes are taken while waiting: the leader may be another one by then.
            let until = Instant::now() + pause;
            while let Ok(change) = tokio::time::timeout_at(until, self.changes.recv()).await {
                match change {
                    Some(change) => self.take(change),
                    None => return,
                }
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    async fn connect(&mut self) -> Result<PeerConnection, PeerError> {
        let image = self.options.images.load();
        let connection = PeerConnection::connect(&self.options.peer, &image, self.leader).await?;
        self.start_session_over();
        Ok(connection)
    }

    fn start_session_over(&mut self) {
        self.session_id = 0;
        self.session_epoch = 0;
        self.in_flight.clear();
        self.forgotten.clear();
        self.retries.clear();
        self.following.values_mut().for_each(|it| it.in_session = false);
        self.stale = self.following.keys().copied().collect();
    }

    /// Fetches until the connection fails. `Ok`: the broker is stopping.
    async fn stay(&mut self, connection: &mut PeerConnection) -> Result<(), PeerError> {
        loop {
            let idle = self.in_flight.is_empty();
            let news = !self.stale.is_empty() || !self.forgotten.is_empty();
            // A session is opened by one request alone: the next one needs its id.
            let may_send =
                idle || news && self.in_flight.len() < REQUESTS_IN_FLIGHT && self.session_epoch > 1;
            if may_send && !(idle && self.following.is_empty() && !news) {
                self.send_fetch(connection).await?;
            }
            let answer_due = self.options.wait_max_ms.max(0) as u64;
            let patience = Duration::from_millis(answer_due) + ANSWER_TIMEOUT;
            let retry_due = self.retries.first().map(|(due, _)| *due);
            let waits = !self.in_flight.is_empty();
            let event = tokio::select! {
                change = self.changes.recv() => Event::Change(change),
                answer = connection.receive::<FetchRequest>(FETCH_VERSION, patience), if waits => {
                    Event::Answer(answer)
                }
                () = tokio::time::sleep_until(retry_due.unwrap_or_else(Instant::now)),
                    if retry_due.is_some() => Event::RetryDue,
            };
            match event {
                Event::Change(None) => return Ok(()),
                Event::Change(Some(change)) => {
                    self.take(change);
                    while let Ok(change) = self.changes.try_recv() {
                        self.take(change);
                    }
                }
                Event::RetryDue => self.retry_due(),
                Event::Answer(answer) => {
                    let request = self.in_flight.pop_front().unwrap_or_default();
                    self.answered(request, answer?)?;
                }
            }
        }
    }

    fn take(&mut self, change: Change) {
        match change {
            Change::Follow { partition, leader_epoch } => {
                let key = (partition.topic_id, partition.id.partition);
                let topic = Str::from(&*partition.id.topic);
                let in_session = self.following.get(&key).is_some_and(|it| it.in_session);
                let following = Following {
                    partition,
                    topic,
                    leader_epoch,
                    since_request: self.requests_sent + 1,
                    positioned_by: self.requests_sent + 1,
                    in_session,
                    retry: RETRY_MIN,
                };
                self.following.insert(key, following);
                self.stale.insert(key);
                self.forgotten.retain(|(forgotten, _)| *forgotten != key);
            }
            Change::Leave { key } => self.leave(key),
        }
    }

    fn leave(&mut self, key: ReplicaKey) {
        self.stale.remove(&key);
        self.retries.retain(|(_, retried)| *retried != key);
        if let Some(following) = self.following.remove(&key)
            && following.in_session
        {
            self.forgotten.push((key, following.topic));
        }
    }

    fn retry_due(&mut self) {
        let now = Instant::now();
        while let Some((due, key)) = self.retries.first().copied() {
            if due > now {
                return;
            }
            self.retries.pop_first();
            if self.following.contains_key(&key) {
                self.stale.insert(key);
            }
        }
    }

    async fn send_fetch(&mut self, connection: &mut PeerConnection) -> Result<(), PeerError> {
        let number = self.requests_sent + 1;
        let mut topics: Vec<FetchTopic> = Vec::new();
        for key in std::mem::take(&mut self.stale) {
            let Some(following) = self.following.get_mut(&key) else { continue };
            let position = following.partition.fetch_position(following.leader_epoch);
            // The role has changed: the change that says so is on its way.
            let Ok((fetch_offset, last_fetched_epoch, log_start_offset)) = position else {
                continue;
            };
            if topics.last().is_none_or(|last| last.topic_id != key.0) {
                topics.push(FetchTopic { topic_id: key.0, ..Default::default() });
            }
            following.in_session = true;
            let topic = topics.last_mut().expect("just pushed");
            topic.partitions.push(FetchPartition {
                partition: key.1,
                current_leader_epoch: following.leader_epoch,
                fetch_offset,
                last_fetched_epoch,
                log_start_offset,
                partition_max_bytes: self.options.partition_bytes_max,
                ..Default::default()
            });
        }
        let forgotten = std::mem::take(&mut self.forgotten)
            .into_iter()
            .map(|((topic_id, partition), _)| ForgottenTopic {
                topic_id,
                partitions: vec![partition],
                ..Default::default()
            })
            .collect();
        let request = FetchRequest {
            replica_id: -1,
            replica_state: ReplicaState {
                replica_id: self.options.me,
                replica_epoch: *self.options.broker_epoch.borrow(),
            },
            // The session's first answer comes at once: the next request needs its id.
            max_wait_ms: if self.session_epoch == 0 { 0 } else { self.options.wait_max_ms },
            min_bytes: self.options.min_bytes,
            max_bytes: self.options.response_bytes_max,
            session_id: self.session_id,
            session_epoch: self.session_epoch,
            topics,
            forgotten_topics_data: forgotten,
            ..Default::default()
        };
        connection.send(&request, FETCH_VERSION).await?;
        self.requests_sent = number;
        self.in_flight.push_back(number);
        self.session_epoch =
            if self.session_epoch == i32::MAX { 1 } else { self.session_epoch + 1 };
        Ok(())
    }

    fn answered(&mut self, request: u64, response: FetchResponse) -> Result<(), PeerError> {
        let code = ErrorCode::from(response.error_code);
        if code != ErrorCode::None {
            // The session is gone, or this broker's registration is behind: start over.
            return Err(PeerError::Refused(code));
        }
        self.session_id = response.session_id;
        if self.session_id == 0 {
            // The leader has no room for a session: every request names everything.
            self.session_epoch = 0;
            self.stale.extend(self.following.keys().copied());
        }
        for topic in response.responses {
            for mut data in topic.partitions {
                let key = (topic.topic_id, data.partition_index);
                let Some(following) = self.following.get_mut(&key) else { continue };
                if request < following.since_request {
                    continue;
                }
                if request < following.positioned_by {
                    if data.error_code != ErrorCode::None.code() {
                        continue;
                    }
                    data.records = None;
                    data.diverging_epoch = EpochEndOffset::default();
                }
                match take_data(following, data) {
                    Taken::Nothing => following.retry = RETRY_MIN,
                    Taken::Advanced => {
                        following.retry = RETRY_MIN;
                        following.positioned_by = self.requests_sent + 1;
                        self.stale.insert(key);
                    }
                    Taken::SetAside => {
                        let due = Instant::now() + following.retry;
                        following.retry = (following.retry * 2).min(RETRY_MAX);
                        if following.in_session {
                            following.in_session = false;
                            self.forgotten.push((key, following.topic.clone()));
                        }
                        self.stale.remove(&key);
                        self.retries.insert((due, key));
                    }
                }
            }
        }
        Ok(())
    }
}

/// What an answer did to one partition.
enum Taken {
    Nothing,
    /// The next request must say where this replica is now.
    Advanced,
    /// Try again later.
    SetAside,
}

fn take_data(following: &Following, data: PartitionData) -> Taken {
    let Following { partition, leader_epoch, .. } = following;
    let leader_epoch = *leader_epoch;
    let outcome = match ErrorCode::from(data.error_code) {
        ErrorCode::None if data.diverging_epoch.end_offset >= 0 => {
            let diverging = data.diverging_epoch;
            tracing::info!(
                "{}: truncating to the leader's end of epoch {} at {}",
                partition.id,
                diverging.epoch,
                diverging.end_offset
            );
            let truncated =
                partition.truncate_diverging(leader_epoch, diverging.epoch, diverging.end_offset);
            truncated.map(|_| Taken::Advanced)
        }
        ErrorCode::None => {
            let records = data.records.unwrap_or_default();
            let advances = !records.is_empty();
            let appended = partition.append_fetched(
                leader_epoch,
                records.0,
                data.high_watermark,
                data.log_start_offset,
                now_ms(),
            );
            appended.map(|starts_elsewhere| match advances || starts_elsewhere {
                true => Taken::Advanced,
                false => Taken::Nothing,
            })
        }
        ErrorCode::OffsetOutOfRange if data.log_start_offset >= 0 => {
            let start = data.log_start_offset;
            tracing::warn!("{}: starting over at the leader's log start {start}", partition.id);
            partition.restart_at(leader_epoch, start).map(|()| Taken::Advanced)
        }
        code => {
            // Usually one of the two brokers has not heard of a change of leader yet.
            tracing::debug!("{}: fetch answered {}", partition.id, code.name());
            return Taken::SetAside;
        }
    };
    outcome.unwrap_or_else(|error| {
        match error.is_storage() {
            // Reported already, and tried again often.
            true => tracing::debug!("{}: following: {error}", partition.id),
            false => tracing::warn!("{}: following: {error}", partition.id),
        }
        Taken::SetAside
    })
}
