//! `docs/configuration.md`, rendered from the table of keys.

use std::fmt::Write;

use crate::{Key, Scope, Type, Update, Usage, client_metrics_keys, group_keys, keys};

/// The whole page. A test compares it with the one in the tree.
pub fn documentation() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         This page is made from the table of keys (`config/src/keys`). To make it again:\n\
         `UPDATE=1 cargo test -p config --test documentation`.\n\n\
         A server reads one `server.properties` file with Kafka's keys. `KAFKA_*` and\n\
         `KAFKA_CFG_*` variables (`KAFKA_LOG_DIRS` is `log.dirs`) are stronger than the file,\n\
         `--override key=value` is stronger than both. An unknown key is an error. Keys marked\n\
         *no effect* are known to Kafka and do nothing here: one warning. Those marked *refused*\n\
         promise something that Janus does not give, such as protection: only their default\n\
         is accepted. A server that finds a mistake does not start (exit code 2); it names all\n\
         mistakes at once, each with file, line, reason and what to do.\n\
         `janus config explain KEY` shows one key.\n\n\
         Update: *read-only* keys need a restart; *per-broker* and *cluster-wide* ones can be\n\
         changed while the broker runs, for one broker or as the default of all.\n",
    );
    for (title, keys) in keys::SERVER {
        section(&mut page, title, keys.iter());
    }
    section(&mut page, "Topics", keys::TOPIC.iter());
    section(&mut page, "Group resources", group_keys());
    section(&mut page, "Client metrics subscriptions", client_metrics_keys());
    page
}

fn section<'a>(page: &mut String, title: &str, keys: impl Iterator<Item = &'a Key>) {
    let _ =
        write!(page, "\n## {title}\n\n| key | type | default | values | who | update | what |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for key in keys.filter(|key| !key.internal) {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} | {}{} |",
            key.name,
            key.kind.to_string().to_lowercase(),
            default(key),
            key.check,
            who(key),
            update(key),
            match key.usage {
                Usage::Used | Usage::Retired => "",
                Usage::Unused => "*No effect.* ",
                Usage::Refused => "*Refused.* ",
            },
            key.doc,
        );
    }
}

fn default(key: &Key) -> String {
    match key.default {
        None => String::new(),
        Some("9223372036854775807" | "1.7976931348623157E308") => "no limit".into(),
        Some("2147483647") if key.kind == Type::Int => "no limit".into(),
        Some("") => "empty".into(),
        Some(value) => format!("`{value}`"),
    }
}

fn who(key: &Key) -> &'static str {
    match key.scope {
        Scope::Broker => "broker",
        Scope::Controller => "controller",
        Scope::Both => "both",
        Scope::Topic => "topic",
        Scope::Group => "group",
        Scope::ClientMetrics => "subscription",
    }
}

fn update(key: &Key) -> String {
    match (key.scope, key.update) {
        (Scope::Topic | Scope::Group | Scope::ClientMetrics, _) => "any time".into(),
        (_, Update::ReadOnly) => "read-only".into(),
        (_, Update::PerBroker) => "per-broker".into(),
        (_, Update::ClusterWide) => "cluster-wide".into(),
    }
}
