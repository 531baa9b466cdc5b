//! A small Kafka client for administration: one connection to each broker, one request at a time.
//!
//! Records go through a full client (`produce`, `consume`); what stands here are the requests that
//! such a client does not offer, on the project's own codec. It works on every Kafka broker.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Display;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kafka::messages::metadata::MetadataRequestTopic;
use kafka::messages::{
    DescribeGroupsRequest, FindCoordinatorRequest, MetadataRequest, MetadataResponse,
};
use kafka::{ErrorCode, Request};

mod configs;
mod connection;
mod offsets;

pub(crate) use configs::{Change, Resource, nearest_key};
pub(crate) use connection::{ClientError, Connection};
pub(crate) use offsets::{EARLIEST, LATEST, Offsets, PartitionName};

/// For one request and its answer.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// What a broker may spend on an administrative request, so that its answer still comes in time.
pub(crate) const ADMIN_TIMEOUT_MS: i32 = 20_000;
/// How long a coordinator may be missing: its partition may have to be created or to find a leader.
const COORDINATOR_TIMEOUT: Duration = Duration::from_secs(30);
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// A client of one cluster.
#[derive(Debug)]
pub(crate) struct Client {
    bootstrap: Vec<String>,
    /// The connection that metadata comes through.
    any: Connection,
    /// host:port of every broker that clients may use.
    brokers: BTreeMap<i32, String>,
    connections: BTreeMap<i32, Connection>,
    pub cluster_id: Option<String>,
    controller: Option<i32>,
}

impl Client {
    /// Connects to the first of `HOST:PORT,...` that answers.
    pub(crate) async fn connect(bootstrap: &str) -> Result<Self> {
        let bootstrap: Vec<String> = bootstrap
            .split(',')
            .map(str::trim)
            .filter(|address| !address.is_empty())
            .map(str::to_owned)
            .collect();
        let any = first_that_answers(&bootstrap).await?;
        let mut client = Self {
            bootstrap,
            any,
            brokers: BTreeMap::new(),
            connections: BTreeMap::new(),
            cluster_id: None,
            controller: None,
        };
        client.metadata(Some(&[])).await?;
        Ok(client)
    }

    /// Node ids of the brokers, as the last metadata named them.
    pub(crate) fn brokers(&self) -> impl Iterator<Item = i32> {
        self.brokers.keys().copied()
    }

    /// The state of some topics, or of all of them.
    pub(crate) async fn metadata(&mut self, topics: Option<&[String]>) -> Result<MetadataResponse> {
        let by_name = |name: &String| MetadataRequestTopic {
            name: Some(name.as_str().into()),
            ..Default::default()
        };
        let request = MetadataRequest {
            topics: topics.map(|topics| topics.iter().map(by_name).collect()),
            allow_auto_topic_creation: false,
            ..Default::default()
        };
        let response = self.call(&request).await?;
        self.brokers = response
            .brokers
            .iter()
            .map(|broker| (broker.node_id, format!("{}:{}", broker.host, broker.port)))
            .collect();
        self.cluster_id = response.cluster_id.as_ref().map(|id| id.to_string());
        self.controller = Some(response.controller_id).filter(|id| *id >= 0);
        Ok(response)
    }

    /// Asks any broker; another one when the first does not answer.
    pub(crate) async fn call<R: Request>(&mut self, request: &R) -> Result<R::Response> {
        match self.any.call(request).await {
            Err(ClientError::Unreachable { .. }) => {
                let known = self.brokers.values().chain(&self.bootstrap).cloned();
                self.any = first_that_answers(&known.collect::<Vec<_>>()).await?;
                Ok(self.any.call(request).await?)
            }
            other => Ok(other?),
        }
    }

    /// Asks one broker.
    pub(crate) async fn call_broker<R: Request>(
        &mut self,
        id: i32,
        request: &R,
    ) -> Result<R::Response> {
        let address = self.brokers.get(&id).with_context(|| {
            let known: Vec<String> = self.brokers().map(|id| id.to_string()).collect();
            format!("broker {id} is not there; the running brokers are: {}", known.join(", "))
        })?;
        let connection = match self.connections.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Connection::open(address, CALL_TIMEOUT).await?),
        };
        let answer = connection.call(request).await;
        if answer.is_err() {
            self.connections.remove(&id);
        }
        Ok(answer?)
    }

    /// Asks the broker that stands for the controller, as administrative clients do.
    pub(crate) async fn call_controller<R: Request>(&mut self, request: &R) -> Result<R::Response> {
        match self.controller.filter(|id| self.brokers.contains_key(id)) {
            Some(id) => self.call_broker(id, request).await,
            None => self.call(request).await,
        }
    }

    /// The broker that coordinates a consumer group. Waits while there is none yet, or while it
    /// still reads what the group has committed.
    pub(crate) async fn coordinator(&mut self, group: &str) -> Result<i32> {
        let deadline = Instant::now() + COORDINATOR_TIMEOUT;
        loop {
            match self.try_coordinator(group).await? {
                Ok(id) => return Ok(id),
                Err(error) if coordinator_is_missing(error) && Instant::now() < deadline => {
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
                Err(error) => bail!("no coordinator for group '{group}': {error}"),
            }
        }
    }

    /// Asks the coordinator of a group to write something. Asks again while `code` of the answer
    /// says that it moves, loads, or finds too few replicas in sync.
    pub(crate) async fn call_coordinator<R: Request>(
        &mut self,
        group: &str,
        request: &R,
        code: impl Fn(&R::Response) -> i16,
    ) -> Result<R::Response> {
        let deadline = Instant::now() + COORDINATOR_TIMEOUT;
        loop {
            let coordinator = self.coordinator(group).await?;
            let response = self.call_broker(coordinator, request).await?;
            let error = ErrorCode::from(code(&response));
            if !coordinator_is_missing(error) || Instant::now() >= deadline {
                return Ok(response);
            }
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
    }

    async fn try_coordinator(
        &mut self,
        group: &str,
    ) -> Result<std::result::Result<i32, ErrorCode>> {
        let request =
            FindCoordinatorRequest { coordinator_keys: vec![group.into()], ..Default::default() };
        let response = self.call(&request).await?;
        let found = response.coordinators.first().context("the answer names no coordinator")?;
        let (id, error) = (found.node_id, ErrorCode::from(found.error_code));
        if error != ErrorCode::None {
            return Ok(Err(error));
        }
        if !self.brokers.contains_key(&id) {
            self.metadata(Some(&[])).await?;
        }
        // A broker is named as soon as it leads the partition, before it has loaded it.
        let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
        let response = self.call_broker(id, &request).await?;
        let group = response.groups.first().context("the answer names no group")?;
        Ok(match ErrorCode::from(group.error_code) {
            error if coordinator_is_missing(error) => Err(error),
            _ => Ok(id),
        })
    }
}

/// Whether a group has to be asked for later, and perhaps elsewhere.
fn coordinator_is_missing(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::CoordinatorNotAvailable
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::NotCoordinator
    )
}

/// Turns the error code of an answer into an error that says what was asked for and why it failed.
pub(crate) fn check(what: impl Display, code: i16, message: Option<&str>) -> Result<()> {
    match ErrorCode::from(code) {
        ErrorCode::None => Ok(()),
        error => {
            let message = message.filter(|it| !it.is_empty()).unwrap_or(error.message());
            let message = message.trim_end_matches('.');
            match advice(error) {
                Some(advice) => bail!("{what}: {message} ({error}); {advice}"),
                None => bail!("{what}: {message} ({error})"),
            }
        }
    }
}

/// What to do next, where the broker's words do not say it.
fn advice(error: ErrorCode) -> Option<&'static str> {
    match error {
        ErrorCode::UnknownTopicOrPartition => Some("`janus topics list` shows the topics"),
        ErrorCode::GroupIdNotFound => Some("`janus groups list` shows the groups"),
        ErrorCode::NonEmptyGroup => Some("stop its members first"),
        ErrorCode::UnknownMemberId => Some("a group with members moves its offsets itself"),
        ErrorCode::LeaderNotAvailable => Some("look with `janus status`"),
        _ => None,
    }
}

/// Opens connections to all at once: a list may name brokers that are gone or paused.
async fn first_that_answers(addresses: &[String]) -> Result<Connection> {
    let mut refusals = Vec::new();
    let mut openings: futures::stream::FuturesUnordered<_> =
        addresses.iter().map(|address| Connection::open(address, CALL_TIMEOUT)).collect();
    while let Some(opened) = futures::StreamExt::next(&mut openings).await {
        match opened {
            Ok(connection) => return Ok(connection),
            Err(refusal) => refusals.push(refusal.to_string()),
        }
    }
    bail!(
        "no broker answers: {}; start a cluster with `janus up --detach`, or name one with \
         --bootstrap HOST:PORT",
        refusals.join(", ")
    )
}
