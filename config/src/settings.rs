//! The values of a server's keys, where each came from, and everything that is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::key::{elements, parse_bool};
use crate::properties;
use crate::{Key, Type, Update, Usage, nearest, server_key, server_keys};

/// Where a value came from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Set for this topic while the cluster runs.
    DynamicTopic,
    /// Set for this broker while the cluster runs.
    DynamicBroker,
    /// Set for all brokers while the cluster runs.
    DynamicDefault,
    /// `--override key=value`.
    Override,
    /// A variable `KAFKA_...`.
    Environment,
    /// The file, at a line counted from 1.
    File { line: usize },
    /// The key's own default.
    Default,
}

impl Source {
    /// The number that stands for it in DescribeConfigs.
    pub fn wire_id(self) -> i8 {
        match self {
            Source::DynamicTopic => 1,
            Source::DynamicBroker => 2,
            Source::DynamicDefault => 3,
            Source::Override | Source::Environment | Source::File { .. } => 4,
            Source::Default => 5,
        }
    }
}

/// The validated configuration of one server.
///
/// Getters cannot fail: loading checked every value. Asking for a key that is not in the table, or
/// as another type than the table says, is a programmer's error and panics with the name.
#[derive(Clone, Default)]
pub struct Settings {
    fixed: BTreeMap<&'static str, (String, Source)>,
    dynamic_default: BTreeMap<&'static str, String>,
    dynamic_broker: BTreeMap<&'static str, String>,
    warnings: Vec<String>,
}

impl Settings {
    /// Reads `path`, then `KAFKA_*` and `KAFKA_CFG_*` variables, then `overrides` (`key=value`).
    /// All that is wrong comes back at once.
    pub fn load(
        path: &Path,
        overrides: &[String],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let origin = path.display().to_string();
        let unreadable = |reason: String, suggestion: &str| ConfigErrors {
            errors: vec![ConfigError {
                place: origin.clone(),
                key: None,
                reason,
                suggestion: Some(suggestion.into()),
            }],
        };
        let bytes = std::fs::read(path).map_err(|error| {
            unreadable(
                format!("cannot read the file: {error}"),
                "name a readable server.properties",
            )
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            unreadable(format!("line {line} is not UTF-8"), "save the file as UTF-8")
        })?;
        Loader::default().load(&text, &origin, overrides, environment)
    }

    /// The same from a text. `origin` names it in errors.
    pub fn from_text(text: &str, origin: &str, overrides: &[String]) -> Result<Self, ConfigErrors> {
        Loader::default().load(text, origin, overrides, std::iter::empty())
    }

    /// What the user should hear once: keys without effect, keys set twice.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// These settings under the dynamic configuration of all brokers and of this one. Values that
    /// this version does not know, or that do not apply while a server runs, are left out.
    pub fn with_dynamic(
        &self,
        default: &BTreeMap<String, String>,
        broker: &BTreeMap<String, String>,
    ) -> Self {
        let known = |values: &BTreeMap<String, String>, allowed: &[Update]| {
            let known = values.iter().filter_map(|(name, value)| {
                let key = server_key(name)?;
                let applies = allowed.contains(&key.update) && key.validate(value).is_ok();
                applies.then(|| (key.name, value.trim().to_string()))
            });
            known.collect()
        };
        Self {
            dynamic_default: known(default, &[Update::ClusterWide]),
            dynamic_broker: known(broker, &[Update::ClusterWide, Update::PerBroker]),
            ..self.clone()
        }
    }

    /// The value, if there is one. Sensitive values are not masked.
    pub fn string(&self, key: &str) -> Option<&str> {
        self.find(table(key)).map(|(value, _)| value)
    }

    /// The value of a key that has a default or is required.
    pub fn str(&self, key: &str) -> &str {
        self.string(key).unwrap_or_else(|| panic!("no value and no default for key '{key}'"))
    }

    /// A BOOLEAN.
    pub fn bool(&self, key: &str) -> bool {
        of_kind(key, &[Type::Boolean]);
        parse_bool(self.str(key)).expect("validated when it was loaded")
    }

    /// An INT or a SHORT.
    pub fn i32(&self, key: &str) -> i32 {
        self.optional_i32(key).unwrap_or_else(|| panic!("no value and no default for key '{key}'"))
    }

    /// An INT, a SHORT or a LONG.
    pub fn i64(&self, key: &str) -> i64 {
        self.optional_i64(key).unwrap_or_else(|| panic!("no value and no default for key '{key}'"))
    }

    /// An INT or a SHORT that need not be set.
    pub fn optional_i32(&self, key: &str) -> Option<i32> {
        of_kind(key, &[Type::Int, Type::Short]);
        Some(self.string(key)?.parse().expect("validated when it was loaded"))
    }

    /// An INT, a SHORT or a LONG that need not be set.
    pub fn optional_i64(&self, key: &str) -> Option<i64> {
        of_kind(key, &[Type::Int, Type::Short, Type::Long]);
        Some(self.string(key)?.parse().expect("validated when it was loaded"))
    }

    /// Any number.
    pub fn f64(&self, key: &str) -> f64 {
        of_kind(key, &[Type::Int, Type::Short, Type::Long, Type::Double]);
        self.str(key).parse().expect("validated when it was loaded")
    }

    /// The elements of a LIST. Empty when it is not set.
    pub fn list(&self, key: &str) -> Vec<&str> {
        of_kind(key, &[Type::List]);
        elements(self.string(key).unwrap_or_default()).collect()
    }

    /// `janus.peer.address.map`: where to reach a node, by its id.
    pub fn peer_addresses(&self) -> BTreeMap<i32, String> {
        let id = |text: &str| text.parse().expect("validated when it was loaded");
        let pairs = self.pairs("janus.peer.address.map");
        pairs.map(|(node, address)| (id(node), address.to_owned())).collect()
    }

    /// `janus.zookeeper.address.map`: where to reach a server of the ensemble, by the host and port
    /// that the connect string gives it.
    pub fn zookeeper_addresses(&self) -> BTreeMap<String, String> {
        let pairs = self.pairs("janus.zookeeper.address.map");
        pairs.map(|(server, address)| (server.to_owned(), address.to_owned())).collect()
    }

    /// The elements of a LIST of `key=value`, trimmed.
    fn pairs(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.list(key).into_iter().filter_map(|it| it.split_once('='));
        pairs.map(|(left, right)| (left.trim(), right.trim()))
    }

    /// Whether somebody set the key.
    pub fn is_set(&self, key: &str) -> bool {
        self.source(key) != Source::Default
    }

    /// Where the value of a key comes from.
    pub fn source(&self, key: &str) -> Source {
        self.find(table(key)).map_or(Source::Default, |(_, source)| source)
    }

    /// `node.id`, or `broker.id`. -1 if these settings were not loaded but are the defaults.
    pub fn node_id(&self) -> i32 {
        self.optional_i32("node.id").unwrap_or(-1)
    }

    /// `log.dirs`, or else `log.dir`.
    pub fn log_dirs(&self) -> Vec<PathBuf> {
        let key = if self.is_set("log.dirs") { "log.dirs" } else { "log.dir" };
        self.list(key).into_iter().map(PathBuf::from).collect()
    }

    /// `metadata.log.dir`, or else the first of the log directories.
    pub fn metadata_log_dir(&self) -> PathBuf {
        match self.string("metadata.log.dir") {
            Some(path) => path.into(),
            None => self.log_dirs().into_iter().next().expect("loading refuses an empty list"),
        }
    }

    /// What somebody set, in order of names, with sensitive values masked: for the log.
    pub fn effective(&self) -> impl Iterator<Item = (&'static str, &str, Source)> {
        server_keys().filter(|key| self.is_set(key.name)).filter_map(|key| {
            let (value, source) = self.find(key)?;
            Some((key.name, if key.is_sensitive() { "[hidden]" } else { value }, source))
        })
    }

    /// Every layer in which `key` has a value, the strongest first.
    pub(crate) fn layers(&self, key: &'static Key) -> Vec<(&str, Source)> {
        let broker =
            self.dynamic_broker.get(key.name).map(|it| (it.as_str(), Source::DynamicBroker));
        let default =
            self.dynamic_default.get(key.name).map(|it| (it.as_str(), Source::DynamicDefault));
        let fixed = self.fixed.get(key.name).map(|(value, source)| (value.as_str(), *source));
        let own = key.default.map(|it| (it, Source::Default));
        [broker, default, fixed, own].into_iter().flatten().collect()
    }

    fn find(&self, key: &'static Key) -> Option<(&str, Source)> {
        self.layers(key).first().copied()
    }
}

/// Without secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.effective().map(|(key, value, source)| (key, (value, source))))
            .finish()
    }
}

fn table(name: &str) -> &'static Key {
    server_key(name).unwrap_or_else(|| panic!("key '{name}' is not in the table of keys"))
}

fn of_kind(name: &str, kinds: &[Type]) {
    let kind = table(name).kind;
    assert!(kinds.contains(&kind), "key '{name}' is of type {kind}, not one of {kinds:?}");
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    /// In the order of the file.
    pub errors: Vec<ConfigError>,
}

/// One thing that is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// `file:line`, a variable's name, `--override`, or the file as a whole.
    pub place: String,
    pub key: Option<String>,
    pub reason: String,
    pub suggestion: Option<String>,
}

impl std::error::Error for ConfigErrors {}
impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

#[derive(Default)]
struct Loader {
    settings: Settings,
    errors: Vec<ConfigError>,
    places: BTreeMap<&'static str, String>,
}

impl Loader {
    fn load(
        mut self,
        text: &str,
        origin: &str,
        overrides: &[String],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Settings, ConfigErrors> {
        let (properties, syntax) = properties::parse(text);
        for (line, reason) in syntax {
            self.errors.push(ConfigError {
                place: format!("{origin}:{line}"),
                key: None,
                reason,
                suggestion: None,
            });
        }
        for property in properties {
            let place = format!("{origin}:{}", property.line);
            let source = Source::File { line: property.line };
            self.put(&property.key, &property.value, source, place);
        }
        self.put_environment(environment);
        for text in overrides {
            match text.split_once('=') {
                Some((key, value)) => {
                    self.put(key.trim(), value, Source::Override, format!("--override {text}"));
                }
                None => self.fail(
                    format!("--override {text}"),
                    None,
                    "there is no '='".into(),
                    Some("write --override key=value".into()),
                ),
            }
        }
        self.check_together(origin);
        if self.errors.is_empty() {
            Ok(self.settings)
        } else {
            Err(ConfigErrors { errors: self.errors })
        }
    }

    /// Variables that stand for a key; all others belong to somebody else. `KAFKA_NODE_ID` is
    /// stronger than `KAFKA_CFG_NODE_ID`.
    fn put_environment(&mut self, environment: impl Iterator<Item = (String, String)>) {
        let mut found: Vec<(bool, String, &'static Key, String)> = environment
            .filter_map(|(variable, value)| {
                let plain = variable.strip_prefix("KAFKA_").and_then(key_of_variable);
                let prefixed = variable.strip_prefix("KAFKA_CFG_").and_then(key_of_variable);
                let key = plain.or(prefixed)?;
                Some((plain.is_some(), variable, key, value))
            })
            .collect();
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        for (_, variable, key, value) in found {
            let place = format!("environment variable {variable}");
            self.put(key.name, &value, Source::Environment, place);
        }
    }

    fn put(&mut self, name: &str, value: &str, source: Source, place: String) {
        let value = value.trim();
        let Some(key) = server_key(name) else {
            if belongs_to_a_listener_or_plugin(name) {
                self.settings.warnings.push(format!("{place}: '{name}' has no effect in Janus"));
                return;
            }
            let suggestion = match nearest(name, server_keys()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "remove it, or see docs/configuration.md for the keys there are".into(),
            };
            let reason = format!("unknown key '{name}'");
            return self.fail(place, Some(name), reason, Some(suggestion));
        };
        match key.usage {
            Usage::Used => {}
            Usage::Unused => {
                self.settings.warnings.push(format!("{place}: '{name}' has no effect in Janus"));
            }
            Usage::Retired => {
                self.settings
                    .warnings
                    .push(format!("{place}: '{name}' has no effect: {}", key.doc));
            }
        }
        if let Err(reason) = key.validate(value) {
            return self.fail(place, Some(name), reason, None);
        }
        let before = self.settings.fixed.insert(key.name, (value.to_string(), source));
        if let (Some((_, Source::File { line })), Source::File { .. }) = (&before, source) {
            let warning = format!("{place}: '{name}' is set again; line {line} has no effect");
            self.settings.warnings.push(warning);
        }
        self.places.insert(key.name, place);
    }

    /// What only several keys together can get wrong.
    fn check_together(&mut self, origin: &str) {
        let settings = &mut self.settings;
        match (settings.fixed.get("node.id").cloned(), settings.fixed.get("broker.id").cloned()) {
            (None, None) if self.errors.is_empty() => {
                let suggestion = "give this server a number of its own, such as node.id=1".into();
                let reason = "node.id is not set".into();
                return self.fail(origin.into(), Some("node.id"), reason, Some(suggestion));
            }
            (None, Some(id)) => drop(settings.fixed.insert("node.id", id)),
            (Some(id), None) => drop(settings.fixed.insert("broker.id", id)),
            (Some((a, _)), Some((b, _))) if a != b => {
                let reason = format!("broker.id is {b}, but node.id is {a}");
                let suggestion = "set node.id only".into();
                return self.fail_at("broker.id", origin, reason, Some(suggestion));
            }
            _ => {}
        }
        if !self.errors.is_empty() {
            return;
        }
        let settings = self.settings.clone();
        if settings.node_id() < 0 {
            let reason = format!("node.id is {}, and must be at least 0", settings.node_id());
            self.fail_at("broker.id", origin, reason, None);
        }
        if settings.log_dirs().is_empty() {
            self.fail_at("log.dirs", origin, "log.dirs names no directory".into(), None);
        }
        let no_more_than = [
            ("replica.fetch.wait.max.ms", "replica.lag.time.max.ms"),
            ("broker.heartbeat.interval.ms", "broker.session.timeout.ms"),
            ("group.min.session.timeout.ms", "group.max.session.timeout.ms"),
            ("group.consumer.min.session.timeout.ms", "group.consumer.session.timeout.ms"),
            ("group.consumer.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
            ("group.consumer.min.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms"),
            ("group.consumer.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
            ("log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
            ("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms"),
        ];
        for (low, high) in no_more_than {
            let (small, large) = (settings.i64(low), settings.i64(high));
            if small > large {
                let at = if settings.is_set(low) { low } else { high };
                let reason =
                    format!("{low} is {small}, and must not exceed {high}, which is {large}");
                self.fail_at(at, origin, reason, None);
            }
        }
    }

    fn fail_at(&mut self, key: &str, origin: &str, reason: String, suggestion: Option<String>) {
        let place = self.places.get(key).cloned().unwrap_or_else(|| origin.to_string());
        self.fail(place, Some(key), reason, suggestion);
    }

    fn fail(
        &mut self,
        place: String,
        key: Option<&str>,
        reason: String,
        suggestion: Option<String>,
    ) {
        self.errors.push(ConfigError { place, key: key.map(Into::into), reason, suggestion });
    }
}

/// `LOG_DIRS` is `log.dirs`; `__` stands for `_`, and `___` for `-`.
fn key_of_variable(rest: &str) -> Option<&'static Key> {
    let name = rest.to_lowercase().replace("___", "-").replace("__", "\0").replace('_', ".");
    server_key(&name.replace('\0', "_"))
}

/// Kafka passes these on: to one listener, or to a class that it loads.
fn belongs_to_a_listener_or_plugin(name: &str) -> bool {
    ["listener.name.", "config.providers.", "rsm.config.", "rlmm.config."]
        .iter()
        .any(|prefix| name.len() > prefix.len() && name.starts_with(prefix))
}
