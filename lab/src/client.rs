//! What every client of an experiment shares: settings, topics, partitions of keys.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How long one administrative request may take.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait before the cluster is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Replicas of a topic that we create, if the cluster has as many brokers.
const REPLICATION_FACTOR: usize = 3;

type Admin = AdminClient<DefaultClientContext>;

/// Settings of librdkafka, in the order in which they are set.
pub type Settings = Vec<(String, String)>;

/// Settings under which a client notices a dead or paused broker soon.
///
/// With its own defaults librdkafka waits 60 s for a broker that is paused, and up to 10 s before
/// it connects again: then a gap shows the client, not the cluster. `session_timeout_ms` is the
/// cluster's broker session. Requests to a silent broker are given up a second before it ends,
/// because librdkafka looks at its timeouts once a second; by then it asks often who leads.
pub fn prompt_settings(session_timeout_ms: u32) -> Settings {
    [
        ("socket.timeout.ms", session_timeout_ms.saturating_sub(1000).max(1000)),
        ("topic.metadata.refresh.interval.ms", 250),
        ("reconnect.backoff.ms", 20),
        ("reconnect.backoff.max.ms", 200),
        ("retry.backoff.ms", 20),
        ("retry.backoff.max.ms", 200),
        ("topic.metadata.refresh.fast.interval.ms", 50),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_string()))
    .collect()
}

/// A client configuration for this cluster.
pub fn config(bootstrap: &str, settings: &Settings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    for (key, value) in settings {
        config.set(key, value);
    }
    config
}

/// A topic to be there before an experiment starts.
#[derive(Debug, Clone)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Partitions to create it with.
    pub partitions: i32,
    /// Replicas to create it with; None for 3, or fewer on fewer brokers.
    pub replication_factor: Option<i32>,
    /// Topic configuration to create it with.
    pub config: Settings,
}

/// Creates the topics that are missing and returns the partition count of each, in order.
///
/// A topic that exists is taken as it is.
pub async fn ensure_topics(bootstrap: &str, topics: &[Topic]) -> anyhow::Result<Vec<i32>> {
    let admin: Admin =
        config(bootstrap, &Settings::new()).create().context("cannot make a Kafka client")?;
    let admin = Arc::new(admin);
    let deadline = Instant::now() + ADMIN_TIMEOUT;
    while !create_topics(&admin, bootstrap, topics).await? {
        if Instant::now() >= deadline {
            let seconds = ADMIN_TIMEOUT.as_secs();
            bail!("cannot create topics: for {seconds} s, whoever was asked was not controller");
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
    tokio::task::spawn_blocking(move || wait_for_leaders(&admin, &names))
        .await
        .context("the wait for leaders was cut off")?
}

/// Creates the topics that are missing. False: Apache Kafka's controller is another broker by now,
/// and the next try asks who.
async fn create_topics(
    admin: &Arc<Admin>,
    bootstrap: &str,
    topics: &[Topic],
) -> anyhow::Result<bool> {
    let metadata = tokio::task::spawn_blocking({
        let admin = Arc::clone(admin);
        move || admin.inner().fetch_metadata(None, ADMIN_TIMEOUT)
    });
    let metadata = metadata.await.context("the metadata request was cut off")?;
    let brokers = metadata
        .with_context(|| format!("cannot reach a Kafka cluster at {bootstrap}; is it running?"))?
        .brokers()
        .len();
    let replication_factor =
        |topic: &Topic| topic.replication_factor.unwrap_or(brokers.min(REPLICATION_FACTOR) as i32);
    let new_topics: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|topic| {
            let replication = TopicReplication::Fixed(replication_factor(topic));
            let new = NewTopic::new(&topic.name, topic.partitions, replication);
            topic.config.iter().fold(new, |new, (key, value)| new.set(key, value))
        })
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(ADMIN_TIMEOUT))
        .operation_timeout(Some(ADMIN_TIMEOUT));
    let created = admin.create_topics(&new_topics, &options).await;
    for result in created.context("cannot create topics")? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, RDKafkaErrorCode::NotController)) => return Ok(false),
            Err((name, error)) => bail!("cannot create the topic {name}: {error}"),
        }
    }
    Ok(true)
}

/// Waits until every partition of the topics has a leader, and returns their partition counts.
fn wait_for_leaders(admin: &Admin, names: &[String]) -> anyhow::Result<Vec<i32>> {
    let deadline = Instant::now() + ADMIN_TIMEOUT;
    loop {
        let metadata = admin
            .inner()
            .fetch_metadata(None, ADMIN_TIMEOUT)
            .context("cannot fetch the cluster's metadata")?;
        let counts: Vec<Option<i32>> = names
            .iter()
            .map(|name| {
                let topic = metadata.topics().iter().find(|topic| topic.name() == name)?;
                let led: HashSet<i32> = topic
                    .partitions()
                    .iter()
                    .filter(|partition| partition.leader() >= 0)
                    .map(|partition| partition.id())
                    .collect();
                let all = !led.is_empty() && led.len() == topic.partitions().len();
                all.then_some(led.len() as i32)
            })
            .collect();
        if counts.iter().all(Option::is_some) {
            return Ok(counts.into_iter().flatten().collect());
        }
        if Instant::now() >= deadline {
            bail!(
                "the topics {names:?} have partitions without a leader after {} s",
                ADMIN_TIMEOUT.as_secs()
            );
        }
        std::thread::sleep(RETRY_PAUSE);
    }
}

/// The end of every partition of a topic.
pub async fn log_ends(
    bootstrap: &str,
    settings: &Settings,
    topic: &str,
    partitions: i32,
) -> anyhow::Result<BTreeMap<i32, i64>> {
    let config = config(bootstrap, settings);
    let topic = topic.to_owned();
    tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().context("cannot make a Kafka consumer")?;
        (0..partitions)
            .map(|partition| {
                let end = log_end(&consumer, &topic, partition)
                    .with_context(|| format!("cannot find the end of {topic}-{partition}"))?;
                Ok((partition, end))
            })
            .collect()
    })
    .await
    .context("the look at the topic's ends crashed")?
}

/// Asks until the leader answers: a broker may not know yet that it leads a new topic.
fn log_end(consumer: &BaseConsumer, topic: &str, partition: i32) -> Result<i64, KafkaError> {
    let deadline = Instant::now() + ADMIN_TIMEOUT;
    loop {
        match consumer.fetch_watermarks(topic, partition, ADMIN_TIMEOUT) {
            Ok((_, end)) => return Ok(end),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => std::thread::sleep(RETRY_PAUSE),
        }
    }
}

/// The partition to which Kafka's own producer sends this key.
pub fn partition_of_key(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & 0x7fff_ffff) as i32 % partitions
}

/// Kafka's variant of MurmurHash2 (32 bits, fixed seed), of which its partitioner keeps 31 bits.
fn murmur2(bytes: &[u8]) -> u32 {
    const MULTIPLIER: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        mixed ^= mixed >> 24;
        hash = hash.wrapping_mul(MULTIPLIER) ^ mixed.wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        for (place, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that Kafka's own unit tests name.
    #[test]
    fn keys_hash_as_kafka_hashes_them() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
        assert!((0..6).contains(&partition_of_key(b"a-little-bit-long-string", 6)));
    }
}
