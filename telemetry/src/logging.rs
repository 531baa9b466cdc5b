//! Log lines in Kafka's form: `[2026-11-23 19:00:00,123] INFO message (module)`, or as JSON.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::Rotation;

/// What is logged unless `RUST_LOG` says otherwise. openraft's INFO is for its own developers, and it
/// warns with every attempt to reach a member that is down. Its `raft` module also logs an error when
/// somebody who asked has gone away meanwhile, its heartbeats when raft has stopped before them; what
/// really fails there comes back as an error. The ZooKeeper client warns of every server that does not
/// answer; that there is no session is ours to say.
const DEFAULT_FILTER: &str = "info,openraft=error,openraft::raft=off,\
     openraft::core::heartbeat=off,zookeeper_client=error";

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people: Kafka's form.
    Text,
    /// For programs: an object with `timestamp`, `level`, `logger`, `message`.
    Json,
}

/// Where the log of a server goes.
#[derive(Clone, Debug)]
pub struct Logging {
    pub format: LogFormat,
    /// Where files are kept; `None`: stderr.
    pub directory: Option<PathBuf>,
    /// What the file is called.
    pub name: String,
    /// Size at which a file is full.
    pub file_bytes_max: u64,
    /// How many are kept, the one that is written included.
    pub files: u32,
}

/// Begins to log. `RUST_LOG` chooses what is logged.
pub fn init_logging(logging: &Logging) -> io::Result<()> {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let writer = match &logging.directory {
        None => BoxMakeWriter::new(io::stderr),
        Some(directory) => BoxMakeWriter::new(Mutex::new(Rotation::open(
            directory,
            &logging.name,
            logging.file_bytes_max,
            logging.files,
        )?)),
    };
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    match logging.format {
        LogFormat::Text => builder.event_format(KafkaLine).init(),
        LogFormat::Json => builder.event_format(JsonLine).init(),
    }
    Ok(())
}

struct KafkaLine;

impl<S, N> FormatEvent<S, N> for KafkaLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let time = Zoned::now().strftime("%Y-%m-%d %H:%M:%S,%3f").to_string();
        write!(writer, "[{time}] {} ", metadata.level())?;
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer, " ({})", metadata.target())
    }
}

struct JsonLine;

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let mut line = Line::default();
        line.0.insert("timestamp".into(), Timestamp::now().to_string().into());
        line.0.insert("level".into(), metadata.level().as_str().into());
        line.0.insert("logger".into(), metadata.target().into());
        event.record(&mut line);
        writeln!(writer, "{}", Value::Object(line.0))
    }
}

/// The fields of an event; the text of the event is the field `message`.
#[derive(Default)]
struct Line(Map<String, Value>);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_of_json_is_one_object_whatever_the_message() {
        let written = Shared::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(JsonLine)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(partition = 3, topic = "orders", "two \"lines\"\nof text");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["level"], "WARN");
        assert_eq!(line["message"], "two \"lines\"\nof text");
        assert_eq!(line["partition"], 3);
        assert_eq!(line["topic"], "orders");
        assert_eq!(line["logger"], "telemetry::logging::tests");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
    }
}
