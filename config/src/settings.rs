//! The values of a server's keys, and where each came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::{elements, parse_bool};
use crate::loader::Loader;
use crate::{ConfigError, ConfigErrors, Key, Place, Type, Update, server_key, server_keys};

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
    pub(crate) fixed: BTreeMap<&'static str, (String, Source)>,
    dynamic_default: BTreeMap<&'static str, String>,
    dynamic_broker: BTreeMap<&'static str, String>,
    pub(crate) warnings: Vec<String>,
    /// What the file is called.
    pub(crate) origin: Arc<str>,
    places: Arc<BTreeMap<&'static str, Place>>,
}

impl Settings {
    /// Reads `path`, then `KAFKA_*` and `KAFKA_CFG_*` variables, then `overrides` (`key=value`).
    /// All that is wrong comes back at once. Of which role the server is does not matter;
    /// [`crate::Server`] asks more.
    pub fn load(
        path: &Path,
        overrides: &[String],
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigErrors> {
        Loader::read(path, overrides, environment)?.finish()
    }

    /// The same from a text. `origin` names it in errors.
    pub fn from_text(text: &str, origin: &str, overrides: &[String]) -> Result<Self, ConfigErrors> {
        Loader::parse(text, origin.into(), overrides, std::iter::empty()).finish()
    }

    /// Where the value of `key` stands; the file as a whole for a default.
    pub fn place(&self, key: &str) -> Place {
        self.places.get(key).cloned().unwrap_or_else(|| Place::File(self.origin.clone()))
    }

    /// Something that is wrong with the value of `key`.
    pub fn error(
        &self,
        key: &str,
        reason: impl Into<String>,
        suggestion: impl Into<String>,
    ) -> ConfigError {
        ConfigError { place: self.place(key), reason: reason.into(), suggestion: suggestion.into() }
    }

    pub(crate) fn places_mut(&mut self) -> &mut BTreeMap<&'static str, Place> {
        Arc::make_mut(&mut self.places)
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
