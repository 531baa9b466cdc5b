//! Produce (KIP-98 batches only): appends at dispatch, so that pipelined requests keep their order;
//! the answer comes when the whole ISR has the records.
//!
//! With acks=1 the leader's own word is enough, as long as it can prove to be the leader: a broker whose
//! lease has run out waits for the ISR here too. Followers that fetch past a record have not changed
//! over to another leader, whatever the controllers do, so a coordination outage stops nobody.

use std::sync::Arc;
use std::time::Duration;

use kafka::messages::produce::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};
use kafka::{ApiKey, ErrorCode, Str};
use partition_log::{AppendError, ProducerError};
use records::BatchHeader;
use tokio::time::{Instant, timeout_at};

use super::{find_topic, is_wrong_leader, node_endpoints};
use crate::broker::Broker;
use crate::clock::{monotonic_ms, now_ms};
use crate::metrics::Traffic;
use crate::replica::{Completion, Partition, ReplicaError};

/// The first version whose answers name leaders (KIP-951).
const LEADERS_VERSION: i16 = 10;
/// How long producers may take to come over from the broker that led before: as long as requests to
/// it may take to time out. Beyond it a gap in a producer's sequence is what it says.
const SETTLING_MS: i64 = 10_000;
/// How long followers may take to prove right a leader whose lease has run out: they have a fetch
/// waiting, so it takes them milliseconds. Then clients had better look for another leader.
const PROOF_TIMEOUT: Duration = Duration::from_secs(1);

/// What the request leaves to be awaited.
pub(super) enum Produced {
    /// acks=0: no answer. An error closes the connection, as in Kafka, so that the client notices.
    Silent(Result<(), String>),
    Answered(ProduceResponse),
    Waiting(Pending),
}

pub(super) struct Pending {
    response: ProduceResponse,
    completion: Arc<Completion>,
    timeout: Duration,
    broker: Arc<Broker>,
    /// None for a client that cannot be pointed to a leader.
    listener: Option<Arc<str>>,
}

pub(super) fn produce(
    broker: &Arc<Broker>,
    listener: &Arc<str>,
    version: i16,
    request: ProduceRequest,
) -> Produced {
    let listener = (version >= LEADERS_VERSION).then(|| listener.clone());
    let acks = request.acks;
    if !(-1..=1).contains(&acks) {
        return Produced::Answered(refuse_all(&request, ErrorCode::InvalidRequiredAcks));
    }
    if request.transactional_id.is_some() {
        return Produced::Answered(refuse_all(
            &request,
            ErrorCode::TransactionalIdAuthorizationFailed,
        ));
    }
    let unproven = acks == 1 && broker.may_have_been_replaced();
    let image = broker.images.load();
    let now_ms = now_ms();
    let slots = request.topic_data.iter().map(|it| it.partition_data.len()).sum();
    let completion = Completion::new(slots);
    let mut slot = 0;
    let mut failed = None;
    let mut responses = Vec::with_capacity(request.topic_data.len());
    for topic in request.topic_data {
        let found = find_topic(&image, &topic.name, topic.topic_id);
        let mut partitions = Vec::with_capacity(topic.partition_data.len());
        for data in topic.partition_data {
            let mut answer = PartitionProduceResponse { index: data.index, ..Default::default() };
            let hosted = found.clone().and_then(|id| broker.replicas.find(id, data.index));
            let traffic = hosted.as_ref().map_or(broker.metrics.topics.other(), |it| &it.traffic);
            traffic.produce_requests.increment();
            let outcome = hosted.as_ref().map_err(Clone::clone).and_then(|partition| {
                let records = data.records.map(|it| it.to_bytes()).unwrap_or_default();
                one_batch(&records)?;
                let waits = acks == -1 || unproven && !partition.leads_alone();
                let wait = waits.then_some((&completion, slot));
                let appended = partition
                    .append(records, acks == -1, wait, now_ms)
                    .map_err(|error| too_early(partition, error))?;
                answer.log_start_offset = appended.log_start_offset;
                Ok(appended.appended)
            });
            match outcome {
                Ok(appended) => {
                    answer.base_offset = appended.base_offset;
                    answer.log_append_time_ms = appended.log_append_time_ms;
                }
                Err(error) => {
                    failed.get_or_insert_with(|| error.to_string());
                    fill_error(&mut answer, &error);
                    count_error(broker, traffic, &error);
                }
            }
            slot += 1;
            partitions.push(answer);
        }
        responses.push(TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses: partitions,
        });
    }
    completion.settle(None, Ok(()));
    let mut response = ProduceResponse { responses, ..Default::default() };
    match acks {
        0 => Produced::Silent(failed.map_or(Ok(()), Err)),
        1 if !unproven => {
            point_to_leaders(broker, listener.as_ref(), &mut response);
            Produced::Answered(response)
        }
        _ => Produced::Waiting(Pending {
            response,
            completion,
            timeout: Duration::from_millis(request.timeout_ms.max(0) as u64),
            broker: broker.clone(),
            listener,
        }),
    }
}

impl Pending {
    pub(super) async fn finish(mut self) -> ProduceResponse {
        let missing = self.wait().await;
        let partitions =
            self.response.responses.iter_mut().flat_map(|it| &mut it.partition_responses);
        for (slot, answer) in partitions.enumerate() {
            if answer.error_code != ErrorCode::None.code() {
                continue;
            }
            let outcome = self.completion.outcome(slot).unwrap_or_else(|| Err(missing.clone()));
            if let Err(error) = outcome {
                fill_error(answer, &error);
                count_error(&self.broker, self.broker.metrics.topics.other(), &error);
            }
        }
        point_to_leaders(&self.broker, self.listener.as_ref(), &mut self.response);
        self.response
    }

    /// Waits until every partition is settled, for as long as there is hope. Returns what to say of
    /// those that are not.
    async fn wait(&self) -> ReplicaError {
        // A timer is only set up when the answer is not there at once.
        let deadline = Instant::now() + self.timeout;
        loop {
            let until = deadline.min(Instant::now() + PROOF_TIMEOUT);
            if timeout_at(until, self.completion.wait()).await.is_ok() || until == deadline {
                return ReplicaError::TimedOut;
            }
            if self.broker.may_have_been_replaced() {
                return ReplicaError::NotLeader;
            }
        }
    }
}

/// Right after a change of leader a producer's batch may skip ahead: the one before it was refused
/// here a moment ago, when this broker did not know yet that it leads, or still waits at the broker
/// that led before. To such a client "out of order" says that records are lost: librdkafka gives
/// itself a new epoch, and repeats what other partitions have stored already. "Not the leader (yet)"
/// makes it repeat both batches, in order.
fn too_early(partition: &Partition, error: ReplicaError) -> ReplicaError {
    let skips = matches!(
        &error,
        ReplicaError::Append(append) if matches!(
            &**append,
            AppendError::OutOfOrderSequence(ProducerError::OutOfOrderSequence { got, expected, .. })
                if got > expected
        )
    );
    let leads_since_ms = partition.leads_since_ms().unwrap_or(i64::MIN / 2);
    let settled = monotonic_ms() - leads_since_ms > SETTLING_MS;
    if skips && !settled { ReplicaError::NotLeader } else { error }
}

/// Since version 3 a request holds exactly one batch for each partition.
fn one_batch(records: &[u8]) -> Result<(), ReplicaError> {
    let refuse = |why: &str| AppendError::InvalidRecord(why.into());
    if records.is_empty() {
        return Err(refuse("there is no record batch for the partition").into());
    }
    match BatchHeader::parse(records) {
        Ok(header) if header.size_bytes() < records.len() => {
            Err(refuse("there is more than one record batch for the partition").into())
        }
        // Whatever else is wrong with it, the log finds and names.
        _ => Ok(()),
    }
}

fn count_error(broker: &Broker, traffic: &Traffic, error: &ReplicaError) {
    broker.metrics.requests.failed(ApiKey::Produce, error.code());
    if !error.is_misdirected() {
        traffic.failed_produce_requests.increment();
    }
}

fn fill_error(answer: &mut PartitionProduceResponse, error: &ReplicaError) {
    answer.error_code = error.code().code();
    answer.base_offset = -1;
    answer.log_append_time_ms = -1;
    answer.log_start_offset = -1;
    answer.error_message = Some(Str::from(error.to_string()));
}

/// KIP-951: who was asked in vain learns the leader without another request.
fn point_to_leaders(broker: &Broker, listener: Option<&Arc<str>>, response: &mut ProduceResponse) {
    let Some(listener) = listener else { return };
    let all = || response.responses.iter().flat_map(|it| &it.partition_responses);
    if !all().any(|it| is_wrong_leader(it.error_code)) {
        return;
    }
    let image = broker.images.load();
    let mut leaders = Vec::new();
    for topic in &mut response.responses {
        let Ok(id) = find_topic(&image, &topic.name, topic.topic_id) else { continue };
        let Some(name) = image.topic_names.get(&id) else { continue };
        for answer in
            topic.partition_responses.iter_mut().filter(|it| is_wrong_leader(it.error_code))
        {
            let Some(partition) = image.partition(name, answer.index) else { continue };
            let leader_id = partition.leader.unwrap_or(-1);
            answer.current_leader =
                LeaderIdAndEpoch { leader_id, leader_epoch: partition.leader_epoch };
            leaders.push(leader_id);
        }
    }
    response.node_endpoints =
        node_endpoints(&image, listener, leaders, |node_id, host, port, rack| NodeEndpoint {
            node_id,
            host,
            port,
            rack,
        });
}

fn refuse_all(request: &ProduceRequest, code: ErrorCode) -> ProduceResponse {
    let responses = request
        .topic_data
        .iter()
        .map(|topic| TopicProduceResponse {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partition_responses: topic
                .partition_data
                .iter()
                .map(|data| PartitionProduceResponse {
                    index: data.index,
                    error_code: code.code(),
                    base_offset: -1,
                    ..Default::default()
                })
                .collect(),
        })
        .collect();
    ProduceResponse { responses, ..Default::default() }
}
