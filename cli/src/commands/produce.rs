//! `janus produce`: lines become records.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde_json::json;

use crate::arguments::{Common, key_value};

/// A line longer than this is no record: brokers take 1 MiB by default.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// How long to wait while the producer's queue is full.
const QUEUE_FULL_PAUSE: Duration = Duration::from_millis(5);
/// How long the last records may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(120);

/// Write lines to a topic, one record each
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  echo hello | janus produce orders\n  \
    printf 'k1:a\\nk2:b\\n' | janus produce orders --key-separator : --header source=shell")]
pub(crate) struct Produce {
    topic: String,
    /// Read lines from a file instead of stdin
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// What stands before the first C of a line is the record's key
    #[arg(long, value_name = "C")]
    key_separator: Option<String>,
    /// A header of every record; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    header: Vec<(String, String)>,
    /// Only to this partition [default: by key]
    #[arg(long, value_name = "P")]
    partition: Option<i32>,
    /// How many replicas must have a record before it counts: all, 1 or 0
    #[arg(long, default_value = "all", value_parser = ["all", "-1", "0", "1"])]
    acks: String,
    /// none, gzip, snappy, lz4 or zstd
    #[arg(long, default_value = "none", value_parser = ["none", "gzip", "snappy", "lz4", "zstd"])]
    compression: String,
}

/// Counts what the brokers acknowledged and keeps the first failure.
#[derive(Debug, Default)]
struct Counts {
    acknowledged: AtomicU64,
    failed: AtomicU64,
    failure: OnceLock<String>,
}

/// The producer takes its context for itself, so what it counts is shared.
#[derive(Clone, Debug, Default)]
struct Deliveries(Arc<Counts>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _: ()) {
        match result {
            Ok(_) => drop(self.0.acknowledged.fetch_add(1, Ordering::Relaxed)),
            Err((error, _)) => {
                // Only the first one is shown.
                let _ = self.0.failure.set(error.to_string());
                self.0.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Produce {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let bootstrap = common.bootstrap()?;
        // Fails now, and clearly, where nobody answers.
        drop(common.client().await?);
        let deliveries = Deliveries::default();
        let outcome = deliveries.clone();
        let topic = self.topic.clone();
        let produced = tokio::task::spawn_blocking(move || self.produce(&bootstrap, deliveries));
        let sent = produced.await.context("the producer panicked")??;
        let acknowledged = outcome.0.acknowledged.load(Ordering::Relaxed);
        let document = json!({ "topic": topic, "sent": sent, "acknowledged": acknowledged });
        common.output().say(&document, || format!("{acknowledged} records acknowledged"))?;
        if acknowledged < sent {
            let reason = outcome.0.failure.get().map_or("no answer in time", String::as_str);
            bail!("{} of {sent} records were not acknowledged: {reason}", sent - acknowledged);
        }
        Ok(())
    }

    fn produce(&self, bootstrap: &str, deliveries: Deliveries) -> Result<u64> {
        let producer: ThreadedProducer<Deliveries> = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("client.id", "janus")
            .set("acks", &self.acks)
            // Needs all replicas; without it a retry may write a record twice.
            .set("enable.idempotence", matches!(self.acks.as_str(), "all" | "-1").to_string())
            .set("compression.type", &self.compression)
            .set("linger.ms", "5")
            .set("allow.auto.create.topics", "true")
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Critical)
            .create_with_context(deliveries.clone())
            .context("make a producer")?;
        let mut sent = 0;
        let mut lines = self.lines()?;
        let mut line = Vec::new();
        while read_line(&mut *lines, &mut line)? {
            self.send(&producer, &line)?;
            sent += 1;
            if deliveries.0.failed.load(Ordering::Relaxed) > 0 {
                break;
            }
        }
        producer.flush(FLUSH_TIMEOUT).or_else(|error| match error.rdkafka_error_code() {
            // What is missing then shows in the count.
            Some(RDKafkaErrorCode::OperationTimedOut) => Ok(()),
            _ => Err(error).context("wait for the acknowledgements"),
        })?;
        Ok(sent)
    }

    fn lines(&self) -> Result<Box<dyn BufRead>> {
        Ok(match &self.file {
            Some(path) => {
                let file = File::open(path).with_context(|| format!("read {}", path.display()))?;
                Box::new(BufReader::new(file))
            }
            None => Box::new(BufReader::new(std::io::stdin())),
        })
    }

    fn send(&self, producer: &ThreadedProducer<Deliveries>, line: &[u8]) -> Result<()> {
        let (key, value) = split_key(line, self.key_separator.as_deref());
        let mut record = BaseRecord::<[u8], [u8]>::to(&self.topic).payload(value);
        if let Some(key) = key {
            record = record.key(key);
        }
        if let Some(partition) = self.partition {
            record = record.partition(partition);
        }
        if !self.header.is_empty() {
            let headers = self.header.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header { key, value: Some(value) })
            });
            record = record.headers(headers);
        }
        loop {
            match producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(QUEUE_FULL_PAUSE);
                }
                Err((error, _)) => {
                    return Err(error).with_context(|| format!("write to topic '{}'", self.topic));
                }
            }
        }
    }
}

/// Reads one line without its end; false at the end of the input.
fn read_line(lines: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool> {
    line.clear();
    let read = lines.take(LINE_BYTES_MAX).read_until(b'\n', line).context("read a line")?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if read as u64 == LINE_BYTES_MAX {
        bail!("a line is longer than {LINE_BYTES_MAX} bytes; records are lines of text");
    }
    Ok(read > 0)
}

/// A line without the separator has no key.
fn split_key<'a>(line: &'a [u8], separator: Option<&str>) -> (Option<&'a [u8]>, &'a [u8]) {
    let Some(separator) = separator.map(str::as_bytes).filter(|it| !it.is_empty()) else {
        return (None, line);
    };
    match line.windows(separator.len()).position(|window| window == separator) {
        Some(at) => (Some(&line[..at]), &line[at + separator.len()..]),
        None => (None, line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_before_the_first_separator() {
        assert_eq!(split_key(b"k:v:w", Some(":")), (Some(&b"k"[..]), &b"v:w"[..]));
        assert_eq!(split_key(b"k=>v", Some("=>")), (Some(&b"k"[..]), &b"v"[..]));
        assert_eq!(split_key(b":v", Some(":")), (Some(&b""[..]), &b"v"[..]));
        assert_eq!(split_key(b"v", Some(":")), (None, &b"v"[..]));
        assert_eq!(split_key(b"k:v", None), (None, &b"k:v"[..]));
    }

    #[test]
    fn every_line_is_one_record_even_an_empty_or_unfinished_one() {
        let mut input = std::io::Cursor::new(b"a\n\nlast");
        let mut lines = Vec::new();
        let mut line = Vec::new();
        while read_line(&mut input, &mut line).unwrap() {
            lines.push(line.clone());
        }
        assert_eq!(lines, [b"a".to_vec(), b"".to_vec(), b"last".to_vec()]);
    }
}
