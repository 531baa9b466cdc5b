//! Whether servers serve: asked of them directly, again and again until all do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use grpc::auth::Credentials;
use kafka::ErrorCode;
use kafka::messages::create_topics::CreatableTopic;
use kafka::messages::{CreateTopicsRequest, MetadataRequest};

use super::controllers::describe_quorum;
use super::state::{ClusterState, Role, ServerId};
use super::{LocalCluster, POLL_INTERVAL, zookeeper};
use crate::client::{Client, Connection};

/// How long servers may take until they serve.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
/// For one question. A server that starts up may accept and not answer yet.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

impl LocalCluster {
    /// Returns once every broker is unfenced in the eyes of all, and a topic can be created. Fails
    /// when a server ends meanwhile or when it takes longer than a minute.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let state = self.state()?;
        let all: Vec<ServerId> = state.servers.iter().map(|server| server.id).collect();
        self.wait_until_serving(&all).await?;
        wait_until_topics_can_be_created(&state.bootstrap()).await
    }

    /// Returns once these servers serve: a broker is unfenced, a controller knows the active one.
    pub async fn wait_until_serving(&self, servers: &[ServerId]) -> Result<()> {
        let state = self.state()?;
        let deadline = Instant::now() + READY_TIMEOUT;
        let mut probe = Probe::new(self, &state, servers)?;
        loop {
            probe.ask().await;
            let Some(first) = probe.waiting.keys().next().copied() else { return Ok(()) };
            for id in probe.waiting.keys() {
                if !state.server(*id)?.is_alive() {
                    bail!("{id} ended before it served\n{}", self.log_tail(*id));
                }
            }
            if Instant::now() >= deadline {
                let names: Vec<String> = probe.waiting.keys().map(ServerId::to_string).collect();
                let seconds = READY_TIMEOUT.as_secs();
                let log = self.log_tail(first);
                bail!("{} not ready after {seconds} s\n{log}", names.join(", "));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// The servers that do not serve yet, and the connections to those that answer.
struct Probe {
    /// The brokers that every broker must see.
    brokers: Vec<i32>,
    waiting: BTreeMap<ServerId, (String, Option<Connection>)>,
    cluster_id: String,
    credentials: Credentials,
}

impl Probe {
    fn new(cluster: &LocalCluster, state: &ClusterState, servers: &[ServerId]) -> Result<Self> {
        let mut waiting = BTreeMap::new();
        for id in servers {
            waiting.insert(*id, (state.server(*id)?.endpoint(), None));
        }
        Ok(Self {
            brokers: servers
                .iter()
                .filter(|server| server.role == Role::Broker)
                .map(|server| server.id)
                .collect(),
            waiting,
            cluster_id: state.cluster_id.clone(),
            credentials: cluster.credentials(&state.cluster_id)?,
        })
    }

    /// Asks all that are waited for at once, and forgets those that serve.
    async fn ask(&mut self) {
        let questions = std::mem::take(&mut self.waiting).into_iter();
        let questions = questions.map(|(id, (endpoint, connection))| {
            let probe = &*self;
            async move {
                match id.role {
                    Role::Broker => probe.broker(&endpoint, connection).await,
                    Role::Controller => probe.controller(&endpoint).await,
                    Role::ZooKeeper => match zookeeper::part(&endpoint).await {
                        Some(_) => Answer::Serves,
                        None => Answer::NotYet(None),
                    },
                }
                .waiting_with(id, endpoint)
            }
        });
        let answers = futures::future::join_all(questions).await;
        self.waiting = answers.into_iter().flatten().collect();
    }

    /// A broker that is fenced, or has not heard of another one, does not name it in its metadata.
    async fn broker(&self, endpoint: &str, connection: Option<Connection>) -> Answer {
        let connection = match connection {
            Some(connection) => Ok(connection),
            None => Connection::open(endpoint, ANSWER_TIMEOUT).await,
        };
        let Ok(mut connection) = connection else { return Answer::NotYet(None) };
        // An empty list of topics: the brokers alone.
        match connection.call(&MetadataRequest::default()).await {
            Ok(metadata) => {
                let sees = |id: &i32| metadata.brokers.iter().any(|broker| broker.node_id == *id);
                match self.brokers.iter().all(sees) {
                    true => Answer::Serves,
                    false => Answer::NotYet(Some(connection)),
                }
            }
            Err(_) => Answer::NotYet(None),
        }
    }

    async fn controller(&self, endpoint: &str) -> Answer {
        let endpoints = [endpoint.to_owned()];
        match describe_quorum(&endpoints, &self.cluster_id, &self.credentials).await.active() {
            Some(_) => Answer::Serves,
            None => Answer::NotYet(None),
        }
    }
}

enum Answer {
    Serves,
    NotYet(Option<Connection>),
}

impl Answer {
    /// What to ask next time, `None` for a server that serves.
    fn waiting_with(
        self,
        id: ServerId,
        endpoint: String,
    ) -> Option<(ServerId, (String, Option<Connection>))> {
        match self {
            Self::Serves => None,
            Self::NotYet(connection) => Some((id, (endpoint, connection))),
        }
    }
}

/// Asks for a topic without creating it, until the answer is that it could be created.
async fn wait_until_topics_can_be_created(bootstrap: &str) -> Result<()> {
    let deadline = Instant::now() + READY_TIMEOUT;
    let topic = CreatableTopic {
        name: "janus-readiness".into(),
        num_partitions: 1,
        replication_factor: -1,
        ..Default::default()
    };
    let request =
        CreateTopicsRequest { topics: vec![topic], validate_only: true, ..Default::default() };
    loop {
        let error = match first_answer(bootstrap, &request).await {
            Ok(ErrorCode::None | ErrorCode::TopicAlreadyExists) => return Ok(()),
            Ok(error) => anyhow!("topics cannot be created: {error}"),
            Err(error) => error,
        };
        if Instant::now() >= deadline {
            return Err(error);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn first_answer(bootstrap: &str, request: &CreateTopicsRequest) -> Result<ErrorCode> {
    let response = Client::connect(bootstrap).await?.call_controller(request).await?;
    let topic = response.topics.first().context("the answer names no topic")?;
    Ok(topic.error_code.into())
}
