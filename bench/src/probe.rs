//! What is asked of a cluster beside the loads: topics, whether it serves, how soon it did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lab::client;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;
use tokio::net::TcpStream;

use crate::cluster::{Cluster, Server};
use crate::load::consumer::Shared;
use crate::load::producer::Producer;
use crate::load::{self, Batching, Load, Pace, Reader};
use crate::machine::{Meter, Usage, cpu_of_life_s};
use crate::scenario::Compression;

/// Replicas of every topic.
const REPLICATION_FACTOR: i32 = 3;

/// Topic settings of every load; what is not here is the cluster's default.
pub(crate) const TOPIC_SETTINGS: [(&str, &str); 2] = [
    ("min.insync.replicas", "2"),
    // What is deleted must not be deleted while something else is measured.
    ("file.delete.delay.ms", "1000"),
];

/// Pause between two tries where a cluster cannot serve yet.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// How long one question to a cluster may take before it is asked again.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The same while a cluster starts, where a question may be lost with the server that was asked.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// How long the creation of many partitions may take.
const CREATION_TIMEOUT: Duration = Duration::from_secs(120);

/// A cluster that does not serve after this long has failed.
const SERVING_TIMEOUT: Duration = Duration::from_secs(180);

/// A cluster serves when it has been found serving so often, one look after the other.
const GOOD_LOOKS: u32 = 8;
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How long a cluster is left alone after a load.
const SETTLE_TIME: Duration = Duration::from_secs(2);

type Admin = AdminClient<DefaultClientContext>;

/// What becomes of a topic after its load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    Delete,
    /// The next measurement must find a file system from which nothing was deleted.
    Keep,
}

/// A topic for one load.
pub(crate) struct Topic {
    bootstrap: String,
    name: String,
}

/// Tells the threads of a load to stop when nobody waits for them any more.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Topic {
    /// Creates it and waits until every partition has a leader.
    pub(crate) async fn create(bootstrap: &str, name: &str, partitions: i32) -> Result<Self> {
        let config = TOPIC_SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let topic = client::Topic {
            name: name.to_owned(),
            partitions,
            replication_factor: Some(REPLICATION_FACTOR),
            config: config.into(),
        };
        client::ensure_topics(bootstrap, &[topic]).await?;
        Ok(Self { bootstrap: bootstrap.to_owned(), name: name.to_owned() })
    }

    /// Runs something that blocks on it: bootstrap, topic, and the sign to give up.
    pub(crate) async fn use_it<T: Send + 'static>(
        &self,
        work: impl FnOnce(&str, &str, Arc<AtomicBool>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (bootstrap, name) = (self.bootstrap.clone(), self.name.clone());
        blocking(move |cancelled| work(&bootstrap, &name, cancelled)).await
    }

    /// Leaves the cluster alone for a while, without the topic if so wished.
    pub(crate) async fn leave(self, afterwards: Afterwards) -> Result<()> {
        if afterwards == Afterwards::Delete {
            self.delete().await?;
        }
        tokio::time::sleep(SETTLE_TIME).await;
        Ok(())
    }

    async fn delete(self) -> Result<()> {
        let admin = admin(&self.bootstrap)?;
        let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(60)));
        let deleted = admin.delete_topics(&[&self.name], &options).await;
        for result in deleted.context("delete a topic")? {
            match result {
                // The answer to librdkafka's first try was late.
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((name, error)) => bail!("delete the topic {name}: {error}"),
            }
        }
        Ok(())
    }
}

/// Runs something that blocks, and tells it to give up when this future is dropped.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce(Arc<AtomicBool>) -> Result<T> + Send + 'static,
) -> Result<T> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let guard = CancelOnDrop(Arc::clone(&cancelled));
    let result = tokio::task::spawn_blocking(move || work(cancelled)).await;
    drop(guard);
    result.context("the load crashed")?
}

fn admin(bootstrap: &str) -> Result<Admin> {
    let mut config = client::config(bootstrap, &client::Settings::new());
    // Soon after a start nobody answers yet; that must not become a wait of the client's making.
    config.set("reconnect.backoff.ms", "5").set("reconnect.backoff.max.ms", "20");
    config.set("topic.metadata.refresh.fast.interval.ms", "10");
    config.create().context("cannot make a Kafka client")
}

async fn create_topic(admin: &Admin, name: &str, partitions: i32, timeout: Duration) -> Result<()> {
    let new = NewTopic::new(name, partitions, TopicReplication::Fixed(REPLICATION_FACTOR));
    let new = TOPIC_SETTINGS.iter().fold(new, |new, (key, value)| new.set(key, value));
    let options = AdminOptions::new().request_timeout(Some(timeout));
    for result in admin.create_topics(&[new], &options).await? {
        match result {
            // An earlier try was done and its answer was late.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, error)) => bail!("create the topic {name}: {error}"),
        }
    }
    Ok(())
}

/// A load that only needs to be delivered.
pub(crate) fn one_record(partitions: i32) -> Load {
    Load {
        value_bytes: 100,
        partitions,
        compression: Compression::Plain,
        pace: Pace::FlatOut,
        batching: Batching::Latency,
        records_max: 0,
        seconds_max: 0,
        afterwards: Afterwards::Keep,
    }
}

/// What it took to start a cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColdStart {
    /// To the first record of a new topic that all replicas have acknowledged.
    pub wall_s: f64,
    /// CPU of brokers and controllers until then.
    pub servers_s: f64,
}

/// Starts a prepared cluster.
pub(crate) async fn cold_start(cluster: &mut dyn Cluster) -> Result<ColdStart> {
    let begin = Instant::now();
    cluster.launch().await?;
    let bootstrap = cluster.bootstrap()?;
    let name = load::name();
    while let Err(error) = try_create_topic(&bootstrap, &name).await {
        if begin.elapsed() > SERVING_TIMEOUT {
            return Err(error).context("no topic could be created after the start");
        }
        // Fails, with the end of its log, when one of them has ended.
        cluster.servers()?;
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    blocking(move |cancelled| {
        producer_with_a_record(&bootstrap, &name, load::new_run(), cancelled).map(drop)
    })
    .await?;
    let wall_s = begin.elapsed().as_secs_f64();
    Ok(ColdStart { wall_s, servers_s: cpu_of_life_s(&cluster.servers()?)? })
}

/// A producer that has its id, and has sent a record that all replicas have acknowledged.
fn producer_with_a_record(
    bootstrap: &str,
    topic: &str,
    run: u64,
    cancelled: Arc<AtomicBool>,
) -> Result<Producer> {
    let shared = Shared::new(cancelled);
    let mut producer = Producer::new(&one_record(1), bootstrap, topic, run)?;
    producer.send_one_to_each(&shared)?;
    producer.settle(&shared)?;
    Ok(producer)
}

/// Creates a topic where nobody may listen yet. A client that meets closed ports waits on its own
/// account, so there is a new one for every try, and none before all ports are open.
async fn try_create_topic(bootstrap: &str, name: &str) -> Result<()> {
    for endpoint in bootstrap.split(',') {
        TcpStream::connect(endpoint).await?;
    }
    let admin = admin(bootstrap)?;
    let admin = tokio::task::spawn_blocking(move || {
        let metadata = admin.inner().fetch_metadata(None, FIRST_ANSWER_TIMEOUT)?;
        match metadata.brokers().len() {
            few if few < REPLICATION_FACTOR as usize => bail!("there are only {few} brokers"),
            _ => Ok(admin),
        }
    })
    .await??;
    create_topic(&admin, name, 1, FIRST_ANSWER_TIMEOUT).await
}

/// Creates a topic of many partitions; what was used until each has acknowledged a record.
///
/// The clients have done something before: librdkafka gets its producer id on a timer of its own,
/// and how often that has to run out, half a second each time, is no matter of the cluster's.
pub(crate) async fn partitions(
    bootstrap: &str,
    servers: Vec<Server>,
    partitions: i32,
    afterwards: Afterwards,
) -> Result<Usage> {
    let name = load::name();
    let admin = admin(bootstrap)?;
    create_topic(&admin, SERVING_TOPIC, load::PARTITIONS, ANSWER_TIMEOUT).await?;
    let run = load::new_run();
    let brokers = bootstrap.to_owned();
    let mut producer =
        blocking(move |cancelled| producer_with_a_record(&brokers, SERVING_TOPIC, run, cancelled))
            .await?;
    let topic = Topic { bootstrap: bootstrap.to_owned(), name: name.clone() };
    let meter = Meter::start(servers)?;
    create_topic(&admin, &name, partitions, CREATION_TIMEOUT).await?;
    let used = topic.use_it(move |bootstrap, name, cancelled| {
        let shared = Arc::new(Shared::new(cancelled));
        producer.turn_to(name, partitions);
        producer.send_one_to_each(&shared)?;
        producer.settle(&shared)?;
        let usage = meter.read()?;
        let reader = Reader::start(bootstrap, name, partitions, run, &shared)?;
        reader.finish(producer.sent(), &shared)?;
        Ok(usage)
    });
    let usage = used.await;
    let left = topic.leave(afterwards).await;
    let usage = usage?;
    left.map(|()| usage)
}

/// Waits until a cluster serves, and goes on to: every partition of a topic on all brokers has all
/// its replicas in sync, several looks in a row. After a pause that takes a while: servers have
/// missed each other's heartbeats, and find out one after the other.
pub(crate) async fn wait_until_serving(bootstrap: &str) -> Result<()> {
    let begin = Instant::now();
    let admin = Arc::new(admin(bootstrap)?);
    let mut good = 0;
    while good < GOOD_LOOKS {
        match look(&admin).await {
            Ok(()) => good += 1,
            Err(error) if begin.elapsed() > SERVING_TIMEOUT => {
                let seconds = SERVING_TIMEOUT.as_secs();
                return Err(error).with_context(|| format!("not serving after {seconds} s"));
            }
            Err(_) => good = 0,
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}

/// The topic that tells whether a cluster serves.
const SERVING_TOPIC: &str = "bench-serving";

async fn look(admin: &Arc<Admin>) -> Result<()> {
    let admin = Arc::clone(admin);
    let existing = {
        let admin = Arc::clone(&admin);
        tokio::task::spawn_blocking(move || whole_partitions(&admin)).await??
    };
    match existing {
        None => {
            create_topic(&admin, SERVING_TOPIC, load::PARTITIONS, ANSWER_TIMEOUT).await?;
            bail!("{SERVING_TOPIC} was created a moment ago")
        }
        Some(whole) if whole < load::PARTITIONS as usize => {
            bail!("{whole} of {} partitions have all replicas in sync", load::PARTITIONS)
        }
        Some(_) => Ok(()),
    }
}

/// How many partitions of the topic have a leader and all replicas in sync; `None`: no such topic.
fn whole_partitions(admin: &Admin) -> Result<Option<usize>> {
    let metadata = admin.inner().fetch_metadata(None, ANSWER_TIMEOUT)?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == SERVING_TOPIC);
    Ok(topic.map(|topic| {
        let whole = topic.partitions().iter().filter(|partition| {
            partition.leader() >= 0 && partition.isr().len() == REPLICATION_FACTOR as usize
        });
        whole.count()
    }))
}
