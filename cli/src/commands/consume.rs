//! `janus consume`: records become lines.

use std::collections::BTreeSet;
use std::io::{BufWriter, Stdout, Write};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures::{FutureExt, StreamExt};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Map, Value, json};

use crate::Usage;
use crate::arguments::Common;
use crate::client::check;
use crate::output::{Format, Output};

/// Print the records of a topic
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus consume orders --from-beginning --max 10\n  \
    janus consume orders --partition 0 --offset 100 --format '%o %k=%v'\n  \
    janus consume orders --group billing -o json")]
pub(crate) struct Consume {
    topic: String,
    /// Start with the oldest record (with --group: where the group has no offset yet)
    #[arg(long, conflicts_with = "offset")]
    from_beginning: bool,
    /// Only this partition
    #[arg(long, value_name = "P", conflicts_with = "group")]
    partition: Option<i32>,
    /// Start at this offset; below zero: so many before the end
    #[arg(long, value_name = "O", conflicts_with = "group", allow_negative_numbers = true)]
    offset: Option<i64>,
    /// Stop after so many records
    #[arg(long, value_name = "N")]
    max: Option<u64>,
    /// Stop at the end of the partitions instead of waiting for more
    #[arg(long)]
    until_end: bool,
    /// Read as a member of this consumer group, and commit what was read
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// What a record looks like: %k key, %v value, %p partition, %o offset, %t timestamp in ms,
    /// %h headers, %T topic, %% a percent sign, \n, \t
    #[arg(long, default_value = "%v", value_parser = Template::parse)]
    format: Template,
}

impl Consume {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let bootstrap = common.bootstrap()?;
        let partitions = self.partitions(common).await?;
        let consumer = self.consumer(&bootstrap)?;
        match &self.group {
            Some(_) => consumer.subscribe(&[&self.topic]).context("join the group")?,
            None => {
                let mut list = TopicPartitionList::new();
                for partition in &partitions {
                    list.add_partition_offset(&self.topic, *partition, self.start())
                        .context("choose the first offset")?;
                }
                consumer.assign(&list).context("assign the partitions")?;
            }
        }
        let printed = self.print(&consumer, partitions, common.output()).await;
        if self.group.is_some() {
            // Nothing was read: there is nothing to commit.
            match consumer.commit_consumer_state(CommitMode::Sync) {
                Err(error) if error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset) => {
                    return Err(error).context("commit the offsets of the group");
                }
                _ => {}
            }
        }
        printed
    }

    /// The partitions to read; an error where there is no such topic.
    async fn partitions(&self, common: &Common) -> Result<BTreeSet<i32>> {
        let metadata =
            common.client().await?.metadata(Some(std::slice::from_ref(&self.topic))).await?;
        let topic = metadata.topics.first().context("the answer names no topic")?;
        check(format!("read topic '{}'", self.topic), topic.error_code, None)?;
        let all: BTreeSet<i32> = topic.partitions.iter().map(|it| it.partition_index).collect();
        match self.partition {
            Some(partition) if all.contains(&partition) => Ok([partition].into()),
            Some(partition) => bail!(
                "topic '{}' has no partition {partition}, only 0 to {}",
                self.topic,
                all.len().saturating_sub(1)
            ),
            None => Ok(all),
        }
    }

    fn consumer(&self, bootstrap: &str) -> Result<StreamConsumer> {
        let alone = format!("janus-{}", uuid::Uuid::new_v4());
        let reset = if self.from_beginning { "earliest" } else { "latest" };
        ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("client.id", "janus")
            .set("group.id", self.group.as_ref().unwrap_or(&alone))
            .set("enable.auto.commit", self.group.is_some().to_string())
            // Only what was printed is committed.
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", reset)
            .set("enable.partition.eof", self.until_end.to_string())
            .set("fetch.wait.max.ms", "100")
            .set_log_level(RDKafkaLogLevel::Critical)
            .create()
            .context("make a consumer")
    }

    fn start(&self) -> Offset {
        match self.offset {
            Some(offset) if offset >= 0 => Offset::Offset(offset),
            Some(before_end) => Offset::OffsetTail(-before_end),
            None if self.from_beginning => Offset::Beginning,
            None => Offset::End,
        }
    }

    /// Prints until enough is read, the end is reached, or somebody presses Ctrl-C.
    async fn print(
        &self,
        consumer: &StreamConsumer,
        mut unfinished: BTreeSet<i32>,
        output: Output,
    ) -> Result<()> {
        let mut records = consumer.stream();
        let mut out = BufWriter::new(std::io::stdout());
        let mut left = self.max.unwrap_or(u64::MAX);
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        while left > 0 {
            // What is there is printed at once, but not record by record.
            let next = match records.next().now_or_never() {
                Some(next) => next,
                None => {
                    out.flush()?;
                    tokio::select! {
                        next = records.next() => next,
                        _ = &mut interrupted => break,
                    }
                }
            };
            match next {
                Some(Ok(record)) => {
                    self.print_one(&record, output.format, &mut out)?;
                    consumer.store_offset_from_message(&record).context("remember the offset")?;
                    left -= 1;
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unfinished.remove(&partition);
                    if self.until_end && unfinished.is_empty() {
                        break;
                    }
                }
                // The client goes on by itself after these.
                Some(Err(error)) if is_temporary(&error) => output.note(error.to_string()),
                Some(Err(error)) => return Err(error).context(format!("read '{}'", self.topic)),
                None => break,
            }
        }
        Ok(out.flush()?)
    }

    fn print_one(
        &self,
        record: &BorrowedMessage<'_>,
        format: Format,
        out: &mut BufWriter<Stdout>,
    ) -> std::io::Result<()> {
        match format {
            Format::Json => serde_json::to_writer(&mut *out, &document(record))?,
            _ => self.format.write(record, out)?,
        }
        out.write_all(b"\n")
    }
}

fn is_temporary(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::Resolve
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
        )
    )
}

fn document(record: &BorrowedMessage<'_>) -> Value {
    let headers = headers(record).map(|(key, value)| json!({ "key": key, "value": text(value) }));
    json!({
        "topic": record.topic(),
        "partition": record.partition(),
        "offset": record.offset(),
        "timestamp_ms": record.timestamp().to_millis(),
        "key": text(record.key()),
        "value": text(record.payload()),
        "headers": headers.collect::<Vec<_>>(),
    })
}

/// Text as a string, other bytes as an object with their base64.
fn text(bytes: Option<&[u8]>) -> Value {
    let Some(bytes) = bytes else { return Value::Null };
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let base64 = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
            Value::Object(Map::from_iter([("base64".to_owned(), base64.into())]))
        }
    }
}

fn headers<'a>(
    record: &'a BorrowedMessage<'_>,
) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> {
    record.headers().into_iter().flat_map(|headers| headers.iter()).map(|it| (it.key, it.value))
}

/// A format such as `%k %v`, parsed.
#[derive(Clone, Debug, PartialEq)]
struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Key,
    Value,
    Partition,
    Offset,
    Timestamp,
    Headers,
    Topic,
}

impl Template {
    fn parse(format: &str) -> Result<Self, Usage> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            let piece = match letter {
                '%' => match letters.next() {
                    Some('k') => Piece::Key,
                    Some('v') => Piece::Value,
                    Some('p') => Piece::Partition,
                    Some('o') => Piece::Offset,
                    Some('t') => Piece::Timestamp,
                    Some('h') => Piece::Headers,
                    Some('T') => Piece::Topic,
                    Some('%') => {
                        text.push('%');
                        continue;
                    }
                    other => {
                        let word: String = other.into_iter().collect();
                        return Err(Usage::new(format!(
                            "'%{word}' means nothing; use %k %v %p %o %t %h %T or %%"
                        )));
                    }
                },
                '\\' => {
                    match letters.next() {
                        Some('n') => text.push('\n'),
                        Some('t') => text.push('\t'),
                        Some('\\') | None => text.push('\\'),
                        Some(other) => text.extend(['\\', other]),
                    }
                    continue;
                }
                other => {
                    text.push(other);
                    continue;
                }
            };
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(piece);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    fn write(&self, record: &BorrowedMessage<'_>, out: &mut impl Write) -> std::io::Result<()> {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.write_all(text.as_bytes())?,
                Piece::Key => out.write_all(record.key().unwrap_or_default())?,
                Piece::Value => out.write_all(record.payload().unwrap_or_default())?,
                Piece::Partition => write!(out, "{}", record.partition())?,
                Piece::Offset => write!(out, "{}", record.offset())?,
                Piece::Timestamp => {
                    write!(out, "{}", record.timestamp().to_millis().unwrap_or(-1))?
                }
                Piece::Topic => out.write_all(record.topic().as_bytes())?,
                Piece::Headers => {
                    for (index, (key, value)) in headers(record).enumerate() {
                        let comma = if index == 0 { "" } else { "," };
                        write!(out, "{comma}{key}=")?;
                        out.write_all(value.unwrap_or_default())?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_read_once() {
        let text = |text: &str| Piece::Text(text.into());
        let template = Template::parse("%k=%v\\t%o%%!").unwrap();
        let pieces =
            vec![Piece::Key, text("="), Piece::Value, text("\t"), Piece::Offset, text("%!")];
        assert_eq!(template, Template(pieces));
        assert!(Template::parse("%x").unwrap_err().to_string().contains("'%x'"));
        assert!(Template::parse("100%").is_err());
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_base64() {
        assert_eq!(text(Some(b"abc")), json!("abc"));
        assert_eq!(text(Some(&[0xff])), json!({ "base64": "/w==" }));
        assert_eq!(text(None), Value::Null);
    }
}
