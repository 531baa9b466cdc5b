//! Reading a server's file, variables and overrides, and gathering everything that is wrong.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::error::{ConfigError, ConfigErrors, Place};
use crate::properties;
use crate::{Key, Settings, Source, Usage, nearest, server_key, server_keys};

/// Settings on their way to be complete.
#[derive(Default)]
pub(crate) struct Loader {
    pub(crate) settings: Settings,
    pub(crate) errors: Vec<ConfigError>,
    /// Keys that somebody wanted to set and whose value is wrong: their defaults say nothing.
    broken: BTreeSet<&'static str>,
}

impl Loader {
    /// Reads `path`, then `KAFKA_*` and `KAFKA_CFG_*` variables, then `overrides` (`key=value`). A
    /// file that cannot be read at all is the one error that comes alone.
    pub(crate) fn read(
        path: &Path,
        overrides: &[String],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        let origin: Arc<str> = path.display().to_string().into();
        let text = read_text(path, &origin)?;
        Ok(Self::parse(&text, origin, overrides, environment))
    }

    pub(crate) fn parse(
        text: &str,
        origin: Arc<str>,
        overrides: &[String],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Self {
        let mut loader = Self::default();
        loader.settings.origin = origin.clone();
        let (properties, malformed) = properties::parse(text);
        let at = |line| Place::Line { file: origin.clone(), line };
        for error in malformed {
            loader.fail(at(error.line), error.reason, error.suggestion);
        }
        for property in properties {
            let source = Source::File { line: property.line };
            loader.put(&property.key, &property.value, source, at(property.line));
        }
        loader.put_environment(environment);
        for text in overrides {
            let place = Place::Override(text.clone());
            match text.split_once('=') {
                Some((key, value)) => loader.put(key.trim(), value, Source::Override, place),
                None => loader.fail(place, "there is no '='", "write --override key=value"),
            }
        }
        loader.check_together();
        loader
    }

    pub(crate) fn finish(self) -> Result<Settings, ConfigErrors> {
        ConfigErrors::or(self.errors, self.settings)
    }

    /// Whether these keys have the values that somebody wanted. What depends on another value is
    /// not worth reporting.
    pub(crate) fn sound(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| !self.broken.contains(key))
    }

    pub(crate) fn fail(
        &mut self,
        place: Place,
        reason: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        let (reason, suggestion) = (reason.into(), suggestion.into());
        self.errors.push(ConfigError { place, reason, suggestion });
    }

    /// The same at the place of `key`.
    pub(crate) fn fail_at(
        &mut self,
        key: &str,
        reason: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        self.errors.push(self.settings.error(key, reason, suggestion));
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
            self.put(key.name, &value, Source::Environment, Place::Environment(variable));
        }
    }

    fn put(&mut self, name: &str, value: &str, source: Source, place: Place) {
        let value = value.trim();
        let Some(key) = server_key(name) else { return self.put_unknown(name, place) };
        if let Err(reason) = key.validate(value) {
            self.broken.insert(key.name);
            return self.fail(place, reason, key.suggestion(value));
        }
        match key.usage {
            Usage::Used => {}
            Usage::Refused if Some(value) == key.default || value.is_empty() => {}
            Usage::Refused => {
                let reason = format!("'{name}' asks for what Janus cannot do yet");
                return self.fail(place, reason, "remove the line, if you can do without");
            }
            Usage::Unused => self.warn(&place, format!("'{name}' has no effect in Janus")),
            Usage::Retired => self.warn(&place, format!("'{name}' has no effect: {}", key.doc)),
        }
        let before = self.settings.fixed.insert(key.name, (value.to_string(), source));
        self.settings.places_mut().insert(key.name, place.clone());
        if let (Some((before, Source::File { line })), Source::File { .. }) = (before, source) {
            if before == value {
                self.warn(&place, format!("'{name}' is set again; line {line} has no effect"));
            } else {
                let reason = format!("'{name}' is set again, to another value than on line {line}");
                self.fail(place, reason, "keep one of the two lines");
            }
        }
    }

    fn put_unknown(&mut self, name: &str, place: Place) {
        if belongs_to_a_listener_or_plugin(name) {
            return self.warn(&place, format!("'{name}' has no effect in Janus"));
        }
        let reason = format!("unknown key '{name}'");
        match nearest(name, server_keys()) {
            Some(near) => {
                self.broken.insert(near);
                self.fail(place, reason, format!("did you mean '{near}'?"));
            }
            None => {
                let suggestion = "remove it, or see docs/configuration.md for the keys there are";
                self.fail(place, reason, suggestion);
            }
        }
    }

    pub(crate) fn warn(&mut self, place: &Place, warning: String) {
        self.settings.warnings.push(format!("{place}: {warning}"));
    }

    /// What only several keys together can get wrong, whoever reads them.
    fn check_together(&mut self) {
        self.check_node_id();
        let no_more_than = [
            ("replica.fetch.wait.max.ms", "replica.lag.time.max.ms"),
            ("group.min.session.timeout.ms", "group.max.session.timeout.ms"),
            ("group.consumer.min.session.timeout.ms", "group.consumer.session.timeout.ms"),
            ("group.consumer.session.timeout.ms", "group.consumer.max.session.timeout.ms"),
            ("group.consumer.min.heartbeat.interval.ms", "group.consumer.heartbeat.interval.ms"),
            ("group.consumer.heartbeat.interval.ms", "group.consumer.max.heartbeat.interval.ms"),
            ("log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
            ("socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms"),
        ];
        for (low, high) in no_more_than {
            let (small, large) = (self.settings.i64(low), self.settings.i64(high));
            if small > large && self.sound(&[low, high]) {
                let at = if self.settings.is_set(low) { low } else { high };
                let reason =
                    format!("{low} is {small}, and must not exceed {high}, which is {large}");
                self.fail_at(at, reason, format!("lower {low}, or raise {high}"));
            }
        }
        self.check_session();
        self.check_replicas();
        self.check_directories();
    }

    fn check_node_id(&mut self) {
        let keys = ["node.id", "broker.id"];
        if !self.sound(&keys) {
            return;
        }
        let fixed = &mut self.settings.fixed;
        match keys.map(|key| fixed.get(key).cloned()) {
            [None, None] => {
                let suggestion = "give this server a number of its own, such as node.id=1";
                return self.fail_at("node.id", "node.id is not set", suggestion);
            }
            [None, Some(id)] => drop(fixed.insert("node.id", id)),
            [Some(id), None] => drop(fixed.insert("broker.id", id)),
            [Some((a, _)), Some((b, _))] if a != b => {
                let reason = format!("broker.id is {b}, but node.id is {a}");
                return self.fail_at("broker.id", reason, "set node.id only");
            }
            _ => {}
        }
        let id = self.settings.node_id();
        if id < 0 {
            let reason = format!("node.id is {id}, and must be at least 0");
            let suggestion = "give this server a number of its own, such as 1";
            self.fail_at("broker.id", reason, suggestion);
        }
    }

    /// A session that ends before the next heartbeat would fence everybody.
    fn check_session(&mut self) {
        let (interval, timeout) = ("broker.heartbeat.interval.ms", "broker.session.timeout.ms");
        let (beat, session) = (self.settings.i32(interval), self.settings.i32(timeout));
        if (beat < 1 || session <= beat) && self.sound(&[interval, timeout]) {
            let at = if self.settings.is_set(timeout) { timeout } else { interval };
            let reason = format!(
                "{timeout} is {session}, and must be longer than {interval}, which is {beat} and \
                 must be at least 1"
            );
            let suggestion =
                "make the session four intervals or more, which survives a lost heartbeat";
            self.fail_at(at, reason, suggestion);
        }
    }

    /// Who sets both means topics that are created without numbers of their own.
    fn check_replicas(&mut self) {
        let (minimum, factor) = ("min.insync.replicas", "default.replication.factor");
        let both = self.settings.is_set(minimum) && self.settings.is_set(factor);
        let (isr, replicas) = (self.settings.i32(minimum), self.settings.i32(factor));
        if both && isr > replicas {
            let reason = format!(
                "{minimum} is {isr}, but {factor} is {replicas}: no write with acks=all could ever \
                 succeed"
            );
            self.fail_at(minimum, reason, format!("lower {minimum}, or raise {factor}"));
        }
    }

    fn check_directories(&mut self) {
        let key = if self.settings.is_set("log.dirs") { "log.dirs" } else { "log.dir" };
        let directories = self.settings.log_dirs();
        if directories.is_empty() {
            let suggestion = "name one, such as log.dirs=/var/lib/janus";
            self.fail_at(key, format!("{key} names no directory"), suggestion);
        }
        for (index, directory) in directories.iter().enumerate() {
            let name = directory.display();
            if directories[..index].contains(directory) {
                let reason = format!("{key} names {name} twice");
                self.fail_at(key, reason, "name each directory once");
            }
            if directory.is_relative() {
                let warning = format!(
                    "{key}: where {name} is depends on the folder that the server is started in; \
                     write the whole path"
                );
                let place = self.settings.place(key);
                self.warn(&place, warning);
            }
        }
        for key in ["log.dirs", "log.dir", "metadata.log.dir", "janus.log.dir"] {
            let paths: Vec<String> = match key {
                "log.dirs" | "log.dir" => {
                    self.settings.list(key).into_iter().map(Into::into).collect()
                }
                _ => self.settings.string(key).map(Into::into).into_iter().collect(),
            };
            for path in paths {
                if self.settings.is_set(key) && Path::new(&path).is_file() {
                    let reason = format!("{key}: {path} is a file");
                    self.fail_at(key, reason, "name a directory");
                }
            }
        }
    }
}

/// The variables of this process. One that is not UTF-8 names no key.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn read_text(path: &Path, origin: &Arc<str>) -> Result<String, ConfigError> {
    let unreadable = |place: Place, reason: String, suggestion: &str| ConfigError {
        place,
        reason,
        suggestion: suggestion.into(),
    };
    let whole = Place::File(origin.clone());
    if path.is_dir() {
        let suggestion = "name the server.properties file in it";
        return Err(unreadable(whole, "this is a directory, not a file".into(), suggestion));
    }
    let bytes = std::fs::read(path).map_err(|error| {
        let reason = format!("cannot read the file: {error}");
        unreadable(whole, reason, "name a server.properties file that this user may read")
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        let place = Place::Line { file: origin.clone(), line };
        unreadable(place, "this line is not UTF-8".into(), "save the file as UTF-8")
    })
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
