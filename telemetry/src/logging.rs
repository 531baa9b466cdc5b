//! Log lines in Kafka's form: `[2026-11-23 19:00:00,123] INFO message (module)`.

use std::fmt;

use jiff::Zoned;
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// What is logged unless `RUST_LOG` says otherwise. openraft's INFO is for its own developers, and it
/// warns with every attempt to reach a member that is down. Its `raft` module also logs an error when
/// somebody who asked has gone away meanwhile; what really fails there comes back as an error. The
/// ZooKeeper client warns of every server that does not answer; that there is no session is ours to
/// say.
const DEFAULT_FILTER: &str = "info,openraft=error,openraft::raft=off,zookeeper_client=error";

/// Sends the log to stderr. `RUST_LOG` chooses what is logged.
pub fn init_logging() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .event_format(KafkaLine)
        .init();
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
