//! What came in and went out, by topic (`kafka_server_brokertopicmetrics_*`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use telemetry::{Counter, Kind, Page};

/// The traffic of one topic on this broker. Every replica of the topic holds it.
#[derive(Debug, Default)]
pub struct Traffic {
    pub messages_in: Counter,
    pub bytes_in: Counter,
    /// To consumers.
    pub bytes_out: Counter,
    /// As a follower, from leaders.
    pub replication_bytes_in: Counter,
    /// As a leader, to followers.
    pub replication_bytes_out: Counter,
    /// Partitions in Produce requests.
    pub produce_requests: Counter,
    /// Looks at a partition for Fetch requests: several, where one waits for data.
    pub fetch_requests: Counter,
    /// Those that failed for another reason than that the client must look elsewhere.
    pub failed_produce_requests: Counter,
    pub failed_fetch_requests: Counter,
}

/// (name, help, reading)
type Shown = (&'static str, &'static str, fn(&Traffic) -> &Counter);

/// For each topic and for all together.
const FAMILIES: [Shown; 7] = [
    ("messagesin", "Records that producers sent", |it| &it.messages_in),
    ("bytesin", "Bytes of record batches that producers sent", |it| &it.bytes_in),
    ("bytesout", "Bytes of record batches sent to consumers", |it| &it.bytes_out),
    ("totalproducerequests", "Partitions in Produce requests", |it| &it.produce_requests),
    ("totalfetchrequests", "Reads of partitions for Fetch requests", |it| &it.fetch_requests),
    ("failedproducerequests", "Partitions in Produce requests that failed", |it| {
        &it.failed_produce_requests
    }),
    ("failedfetchrequests", "Reads of partitions that failed", |it| &it.failed_fetch_requests),
];

/// For all topics together only, as in Kafka.
const REPLICATION: [Shown; 2] = [
    ("replicationbytesin", "Bytes fetched from leaders", |it| &it.replication_bytes_in),
    ("replicationbytesout", "Bytes sent to followers", |it| &it.replication_bytes_out),
];

/// The traffic of all topics.
#[derive(Debug, Default)]
pub struct Topics {
    hosted: Mutex<BTreeMap<Arc<str>, Arc<Traffic>>>,
    /// Of topics that this broker has no replica of (any more), so that the totals only grow.
    other: Traffic,
}

impl Topics {
    /// For a replica that is being opened.
    pub fn of(&self, topic: &Arc<str>) -> Arc<Traffic> {
        let mut hosted = self.hosted.lock().unwrap_or_else(PoisonError::into_inner);
        hosted.entry(topic.clone()).or_default().clone()
    }

    /// For requests that name what this broker does not have.
    pub fn other(&self) -> &Traffic {
        &self.other
    }

    /// Topics of which no replica is left go into the rest; then those that are hosted.
    fn hosted(&self) -> BTreeMap<Arc<str>, Arc<Traffic>> {
        let mut hosted = self.hosted.lock().unwrap_or_else(PoisonError::into_inner);
        hosted.retain(|_, traffic| {
            let used = Arc::strong_count(traffic) > 1;
            if !used {
                for (_, _, counter) in FAMILIES.iter().chain(&REPLICATION) {
                    counter(&self.other).add(counter(traffic).get());
                }
            }
            used
        });
        hosted.clone()
    }

    pub(super) fn write(&self, page: &mut Page) {
        let hosted = self.hosted();
        let total = |counter: fn(&Traffic) -> &Counter| {
            let sum: u64 = hosted.values().map(|traffic| counter(traffic).get()).sum();
            sum + counter(&self.other).get()
        };
        for (name, help, counter) in FAMILIES {
            let name = format!("kafka_server_brokertopicmetrics_{name}_total");
            let mut family = page.family(&name, Kind::Counter, help);
            family.sample(&[], total(counter));
            for (topic, traffic) in &hosted {
                family.sample(&[("topic", topic)], counter(traffic).get());
            }
        }
        for (name, help, counter) in REPLICATION {
            let name = format!("kafka_server_brokertopicmetrics_{name}_total");
            page.counter(&name, help, total(counter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(topics: &Topics, labels: &str) -> Option<u64> {
        let mut page = Page::default();
        topics.write(&mut page);
        let text = page.finish();
        let begin = format!("kafka_server_brokertopicmetrics_bytesin_total{labels} ");
        text.lines().find_map(|line| line.strip_prefix(&begin)?.parse().ok())
    }

    #[test]
    fn totals_keep_what_deleted_topics_had() {
        let topics = Topics::default();
        let orders = topics.of(&"orders".into());
        orders.bytes_in.add(10);
        topics.of(&"orders".into()).bytes_in.add(5);
        topics.of(&"prices".into()).bytes_in.add(1);
        let labels = r#"{topic="orders"}"#;
        assert_eq!([sample(&topics, labels), sample(&topics, "")], [Some(15), Some(16)]);
        drop(orders);
        assert_eq!([sample(&topics, labels), sample(&topics, "")], [None, Some(16)]);
    }
}
