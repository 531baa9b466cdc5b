//! Fetch: long polls of consumers and followers, with and without sessions (KIP-227).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kafka::messages::fetch::{
    EpochEndOffset, FetchRequest, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch,
    NodeEndpoint, PartitionData,
};
use kafka::{ApiKey, Chunks, ErrorCode};
use metadata::BrokerId;
use partition_log::Read;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{find_topic, is_wrong_leader, node_endpoints};
use crate::broker::Broker;
use crate::clock::monotonic_ms;
use crate::replica::session::{FetchSession, SessionKey, Wanted, hosted};
use crate::replica::{Fetch, Moves, Partition, Reader, ReplicaError};

/// Session epochs with a meaning (KIP-227).
const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;
/// The first version whose answers name leaders and where they are (KIP-951).
const LEADERS_VERSION: i16 = 16;

/// The parts of the connection that a fetch needs.
pub(super) struct FetchPeer {
    pub(super) broker: Option<BrokerId>,
    pub(super) hurry: Arc<Notify>,
    pub(super) listener: Arc<str>,
}

pub(super) async fn fetch(
    broker: Arc<Broker>,
    peer: FetchPeer,
    request: FetchRequest,
    version: i16,
) -> FetchResponse {
    let (id, epoch) = if version >= 15 {
        (request.replica_state.replica_id, request.replica_state.replica_epoch)
    } else {
        (request.replica_id, -1)
    };
    let reader = match id {
        id if id < 0 => Reader::Client,
        // A forged replica id could acknowledge what was never replicated.
        id if peer.broker != Some(id) => return refuse(ErrorCode::ClusterAuthorizationFailed),
        id => Reader::Follower { id, epoch },
    };
    let follower = matches!(reader, Reader::Follower { .. });
    if let Reader::Follower { id, epoch } = reader {
        let registered = broker.images.load().brokers.get(&id).map(|it| it.epoch);
        if epoch >= 0 && registered.is_some_and(|it| epoch < it) {
            return refuse(ErrorCode::StaleBrokerEpoch);
        }
    }
    let moves = if follower { Moves::LogEnd } else { Moves::HighWatermark };
    let full = matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) || version < 7;
    let poll = Poll { broker: &broker, peer: &peer, reader, version, request: &request };
    if !full {
        let now_ms = monotonic_ms();
        let Some(session) = broker.sessions.get(request.session_id, now_ms) else {
            return refuse(ErrorCode::FetchSessionIdNotFound);
        };
        let mut session = session.lock().await;
        if session.next_epoch != request.session_epoch {
            return refuse(ErrorCode::InvalidFetchSessionEpoch);
        }
        session.next_epoch =
            if session.next_epoch == i32::MAX { 1 } else { session.next_epoch + 1 };
        poll.forget(&mut session);
        poll.want(&mut session);
        return poll.run(&mut session, true).await;
    }
    if request.session_id != 0 {
        broker.sessions.remove(request.session_id);
    }
    let wants_session =
        version >= 7 && request.session_epoch == INITIAL_EPOCH && !request.topics.is_empty();
    let now_ms = monotonic_ms();
    let id = wants_session.then(|| broker.sessions.reserve(follower, now_ms)).flatten();
    let mut session = FetchSession::new(id.unwrap_or(0), moves);
    poll.want(&mut session);
    let response = poll.run(&mut session, false).await;
    if id.is_some() {
        broker.sessions.insert(session, follower, now_ms);
    }
    response
}

/// One fetch request on its way.
struct Poll<'a> {
    broker: &'a Arc<Broker>,
    peer: &'a FetchPeer,
    reader: Reader,
    version: i16,
    request: &'a FetchRequest,
}

/// What the partitions looked at so far have given.
#[derive(Default)]
struct Collected {
    answers: Vec<(u32, PartitionData)>,
    bytes: usize,
    /// Something that is to be answered at once: an error, a diverging epoch.
    urgent: bool,
}

impl Poll<'_> {
    fn find(&self, key: &SessionKey) -> Option<Arc<Partition>> {
        let image = self.broker.images.load();
        let id = find_topic(&image, &key.topic, key.topic_id).ok()?;
        self.broker.replicas.find(id, key.partition).ok()
    }

    fn want(&self, session: &mut FetchSession) {
        for topic in &self.request.topics {
            for partition in &topic.partitions {
                let key = SessionKey {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    partition: partition.partition,
                };
                let wanted = Wanted {
                    fetch_offset: partition.fetch_offset,
                    max_bytes: partition.partition_max_bytes,
                    current_leader_epoch: partition.current_leader_epoch,
                    last_fetched_epoch: partition.last_fetched_epoch,
                    log_start_offset: partition.log_start_offset,
                };
                session.want(key.clone(), wanted, || self.find(&key));
            }
        }
    }

    fn forget(&self, session: &mut FetchSession) {
        for topic in &self.request.forgotten_topics_data {
            for partition in &topic.partitions {
                session.forget(&SessionKey {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    partition: *partition,
                });
            }
        }
    }

    /// Looks, waits until there is enough, and answers.
    async fn run(&self, session: &mut FetchSession, incremental: bool) -> FetchResponse {
        let deadline =
            Instant::now() + Duration::from_millis(self.request.max_wait_ms.max(0) as u64);
        let mut collected = self.collect(session, Collected::default(), incremental).await;
        let mut waits = self.request.max_wait_ms > 0;
        while waits && !self.is_enough(&collected) {
            if session.subscribe_all() {
                // What moved before there was a subscription is found by one more look at all.
                let all: Vec<u32> = collected.answers.iter().map(|(index, _)| *index).collect();
                all.into_iter().for_each(|index| session.keep_hot(index));
                collected = self.collect(session, collected, incremental).await;
                if self.is_enough(&collected) {
                    break;
                }
            }
            waits = tokio::select! {
                () = session.signal.notified() => true,
                () = self.peer.hurry.notified() => false,
                () = tokio::time::sleep_until(deadline) => false,
            };
            collected = self.collect(session, collected, incremental).await;
        }
        self.answer(session, collected)
    }

    fn is_enough(&self, collected: &Collected) -> bool {
        collected.urgent || collected.bytes >= self.request.min_bytes.max(0) as usize
    }

    /// Looks at the session's candidates, and again at whatever `before` already holds of them.
    async fn collect(
        &self,
        session: &mut FetchSession,
        before: Collected,
        incremental: bool,
    ) -> Collected {
        let mut collected = before;
        let bytes_max = (self.request.max_bytes.max(0) as usize).min(self.bytes_max());
        let candidates = session.candidates();
        let looked_at: HashSet<u32> = candidates.iter().copied().collect();
        collected.answers.retain(|(index, answer)| {
            let again = looked_at.contains(index);
            if again {
                collected.bytes -= answer.records.as_ref().map_or(0, Chunks::len);
            }
            !again
        });
        for index in candidates {
            let room = bytes_max.saturating_sub(collected.bytes);
            let answer = self.look(session, index, room, collected.bytes == 0).await;
            let Some(entry) = session.entry(index) else { continue };
            let bytes = answer.records.as_ref().map_or(0, Chunks::len);
            let failed = answer.error_code != ErrorCode::None.code();
            let diverges = answer.diverging_epoch.end_offset >= 0;
            let news = answer.high_watermark != entry.sent_high_watermark
                || answer.log_start_offset != entry.sent_log_start_offset;
            collected.bytes += bytes;
            collected.urgent |= failed || diverges;
            if !incremental || bytes > 0 || failed || diverges || news {
                collected.answers.push((index, answer));
            }
        }
        collected
    }

    fn bytes_max(&self) -> usize {
        match self.reader {
            Reader::Client => {
                self.broker.memory.fetch_bytes_max(self.broker.options.fetch_bytes_max)
            }
            Reader::Local | Reader::Follower { .. } => usize::MAX,
        }
    }

    async fn look(
        &self,
        session: &mut FetchSession,
        index: u32,
        room: usize,
        at_least_one_batch: bool,
    ) -> PartitionData {
        let unbound = session.entry(index).is_some_and(|entry| entry.partition.is_none());
        if unbound {
            session.rebind(index, |key| self.find(key));
        }
        let entry = session.entry(index).expect("candidates exist");
        let metrics = &self.broker.metrics;
        let traffic = entry.partition.as_ref().map_or(metrics.topics.other(), |it| &it.traffic);
        traffic.fetch_requests.increment();
        let fetch = Fetch {
            offset: entry.wanted.fetch_offset,
            max_bytes: room.min(entry.wanted.max_bytes.max(0) as usize),
            current_leader_epoch: entry.wanted.current_leader_epoch,
            last_fetched_epoch: entry.wanted.last_fetched_epoch,
            log_start_offset: entry.wanted.log_start_offset,
            reader: self.reader,
            at_least_one_batch,
        };
        let fetched = hosted(entry).cloned().and_then(|partition| {
            let fetched = partition.fetch(&fetch, entry.subscription, monotonic_ms())?;
            if fetched.may_join_isr {
                self.broker.replicas.isr_may_change(&partition);
            }
            Ok(fetched)
        });
        let mut answer = PartitionData {
            partition_index: entry.key.partition,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            records: Some(Chunks::default()),
            ..Default::default()
        };
        match fetched {
            Err(error) => {
                answer.error_code = error.code().code();
                metrics.requests.failed(ApiKey::Fetch, error.code());
                if !error.is_misdirected() {
                    traffic.failed_fetch_requests.increment();
                }
                if matches!(error, ReplicaError::OffsetOutOfRange)
                    && let Ok(partition) = hosted(entry)
                    && let Ok(offsets) = partition.offsets()
                {
                    // A follower starts over from here.
                    answer.log_start_offset = offsets.log_start_offset;
                    answer.high_watermark = offsets.high_watermark;
                }
                if matches!(error, ReplicaError::Storage(_))
                    && let Ok(partition) = hosted(entry)
                {
                    // It may have found itself damaged: that ends its leadership.
                    self.broker.replicas.isr_may_change(partition);
                }
                // The next fetch asks for it anew; until then nothing is read of it.
                session.rebind(index, |_| None);
                session.keep_hot(index);
            }
            Ok(fetched) => {
                answer.high_watermark = fetched.high_watermark;
                answer.last_stable_offset = fetched.high_watermark;
                answer.log_start_offset = fetched.log_start_offset;
                if let Some((epoch, end_offset)) = fetched.diverging {
                    answer.diverging_epoch = EpochEndOffset { epoch, end_offset };
                }
                match fetched.data {
                    None => {}
                    Some(Read::Tail(chunks)) => answer.records = Some(Chunks(chunks)),
                    Some(Read::Cold(plan)) => {
                        // A cold read may wait for the disk: not on a thread that serves others.
                        let read = tokio::task::spawn_blocking(move || plan.execute()).await;
                        match read {
                            Ok(Ok(bytes)) => answer.records = Some(Chunks(vec![bytes])),
                            Ok(Err(error)) => {
                                let unreadable = hosted(entry).map(|partition| {
                                    let error = partition.unreadable(fetch.offset, &error);
                                    self.broker.replicas.isr_may_change(partition);
                                    error.code()
                                });
                                let code = unreadable.unwrap_or(ErrorCode::KafkaStorageError);
                                metrics.requests.failed(ApiKey::Fetch, code);
                                answer.error_code = code.code();
                            }
                            Err(_) => answer.error_code = ErrorCode::KafkaStorageError.code(),
                        }
                    }
                }
                if answer.records.as_ref().is_some_and(|it| !it.is_empty()) || room == 0 {
                    session.keep_hot(index);
                }
            }
        }
        answer
    }

    fn answer(&self, session: &mut FetchSession, collected: Collected) -> FetchResponse {
        let mut response = FetchResponse { session_id: session.id, ..Default::default() };
        let mut misled = false;
        for (index, answer) in collected.answers {
            let Some(entry) = session.entry(index) else { continue };
            entry.sent_high_watermark = answer.high_watermark;
            entry.sent_log_start_offset = answer.log_start_offset;
            misled |= is_wrong_leader(answer.error_code);
            if let (Some(partition), Some(records)) = (&entry.partition, &answer.records) {
                let sent = match self.reader {
                    Reader::Client => &partition.traffic.bytes_out,
                    _ => &partition.traffic.replication_bytes_out,
                };
                sent.add(records.len() as u64);
            }
            let same_topic = response.responses.last().is_some_and(|last| {
                (&last.topic, &last.topic_id) == (&entry.key.topic, &entry.key.topic_id)
            });
            if !same_topic {
                response.responses.push(FetchableTopicResponse {
                    topic: entry.key.topic.clone(),
                    topic_id: entry.key.topic_id,
                    partitions: Vec::new(),
                });
            }
            let topic = response.responses.last_mut().expect("just pushed");
            topic.partitions.push(answer);
        }
        if misled && self.version >= LEADERS_VERSION {
            self.point_to_leaders(&mut response);
        }
        response
    }

    /// KIP-951: who was asked in vain learns the leader without another request.
    fn point_to_leaders(&self, response: &mut FetchResponse) {
        let image = self.broker.images.load();
        let mut leaders = Vec::new();
        for topic in &mut response.responses {
            let Ok(id) = find_topic(&image, &topic.topic, topic.topic_id) else { continue };
            let Some(name) = image.topic_names.get(&id) else { continue };
            for answer in topic.partitions.iter_mut().filter(|it| is_wrong_leader(it.error_code)) {
                let Some(partition) = image.partition(name, answer.partition_index) else {
                    continue;
                };
                let leader_id = partition.leader.unwrap_or(-1);
                answer.current_leader =
                    LeaderIdAndEpoch { leader_id, leader_epoch: partition.leader_epoch };
                leaders.push(leader_id);
            }
        }
        response.node_endpoints =
            node_endpoints(&image, &self.peer.listener, leaders, |node_id, host, port, rack| {
                NodeEndpoint { node_id, host, port, rack }
            });
    }
}

fn refuse(code: ErrorCode) -> FetchResponse {
    FetchResponse { error_code: code.code(), ..Default::default() }
}
