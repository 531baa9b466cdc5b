//! One row of the table of keys: what a key is called, what it may be, and what it is for.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use crate::keys;
use crate::listeners::parse_host_port;

/// A key of a configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Kafka's name of it.
    pub name: &'static str,
    /// What its value is made of.
    pub kind: Type,
    /// The value of a key that nobody set. `None`: there is none.
    pub default: Option<&'static str>,
    /// What its value must satisfy beyond its type.
    pub check: Check,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// Who has such a key.
    pub scope: Scope,
    /// Whether it can be changed while the server runs.
    pub update: Update,
    /// For keys of topics: the broker keys whose value is the default, the first one that is set.
    pub synonyms: &'static [&'static str],
    /// Whether it makes a difference.
    pub usage: Usage,
    /// Not shown to clients: for tests and measurements.
    pub internal: bool,
}

/// What a value is made of. The names are Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Boolean,
    String,
    Int,
    Short,
    Long,
    Double,
    /// Separated by commas.
    List,
    /// A Java class. Janus has none, and keeps the value as it is.
    Class,
    /// Never shown.
    Password,
}

/// What a value must satisfy beyond its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// A range, or one value outside it.
    BetweenOr(i64, i64, i64),
    Fraction(f64, f64),
    /// For lists: every element.
    OneOf(&'static [&'static str]),
    OneOfIgnoringCase(&'static [&'static str]),
    NotEmpty,
    /// `*`, or a list of partition:broker.
    ThrottledReplicas,
    /// Every element is a host and a port and, before a separator, a node's id. The second part is
    /// how that is written.
    Each(&'static str, &'static str),
    /// Every element is a host and a port and, behind `=`, another host and port.
    AddressMap,
    /// Host and port of every server of an ensemble, and perhaps a path at the end.
    Connect,
}

/// Who has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Broker,
    Controller,
    /// Brokers and controllers.
    Both,
    Topic,
    Group,
    ClientMetrics,
}

/// Whether a server's key can be changed while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    ReadOnly,
    /// For one broker only.
    PerBroker,
    /// For one broker, or as the default of all.
    ClusterWide,
}

/// Whether a key makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    Used,
    /// Kafka knows it, Janus does nothing with it. One warning.
    Unused,
    /// It promises something, such as protection, that Janus does not give: any value but the
    /// default is refused.
    Refused,
    /// Older versions of Kafka knew it. One warning, and clients do not see it.
    Retired,
}

impl Key {
    /// Why `value` is no value of this key. `Ok` for one that is.
    pub fn validate(&self, value: &str) -> Result<(), String> {
        let value = value.trim();
        let invalid = |why: String| {
            Err(format!("Invalid value {value} for configuration {}: {why}", self.name))
        };
        let number = match self.kind {
            Type::Boolean if parse_bool(value).is_none() => {
                return invalid("Expected value to be either true or false".into());
            }
            Type::Boolean | Type::String | Type::Class | Type::Password | Type::List => None,
            Type::Short => value.parse::<i16>().ok().map(f64::from),
            Type::Int => value.parse::<i32>().ok().map(f64::from),
            // Every bound in the table is small enough to compare as f64.
            Type::Long => value.parse::<i64>().ok().map(|it| it as f64),
            Type::Double => value.parse::<f64>().ok().filter(|it| !it.is_nan()),
        };
        if self.kind.is_number() && number.is_none() {
            return invalid(format!("Not a number of type {}", self.kind));
        }
        let number = number.unwrap_or_default();
        match self.check {
            Check::Any => Ok(()),
            Check::AtLeast(low) if number < low as f64 => {
                invalid(format!("Value must be at least {low}"))
            }
            Check::Between(low, _) if number < low as f64 => {
                invalid(format!("Value must be at least {low}"))
            }
            Check::Between(_, high) if number > high as f64 => {
                invalid(format!("Value must be no more than {high}"))
            }
            Check::BetweenOr(low, i64::MAX, other)
                if number != other as f64 && number < low as f64 =>
            {
                invalid(format!("Value must be at least {low} or equal to {other}"))
            }
            Check::BetweenOr(low, high, other)
                if number != other as f64 && !(low as f64..=high as f64).contains(&number) =>
            {
                invalid(format!("Value must be between {low} and {high} or equal to {other}"))
            }
            Check::Fraction(low, _) if number < low => {
                invalid(format!("Value must be at least {low}"))
            }
            Check::Fraction(_, high) if number > high => {
                invalid(format!("Value must be no more than {high}"))
            }
            Check::OneOf(words) | Check::OneOfIgnoringCase(words) => {
                let same = |a: &str, b: &str| match self.check {
                    Check::OneOf(_) => a == b,
                    _ => a.eq_ignore_ascii_case(b),
                };
                let known = |it: &str| words.iter().any(|word| same(word, it));
                let bad = match self.kind {
                    Type::List => elements(value).find(|it| !known(it)),
                    _ => Some(value).filter(|it| !known(it)),
                };
                match bad {
                    Some(_) => invalid(format!("String must be one of: {}", words.join(", "))),
                    None => Ok(()),
                }
            }
            Check::NotEmpty if value.is_empty() => invalid("String must be non-empty".into()),
            Check::ThrottledReplicas if !are_throttled_replicas(value) => invalid(format!(
                "{} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                self.name
            )),
            Check::Each(separator, form) => {
                match elements(value).find(|it| !is_endpoint(it, separator)) {
                    Some(element) => invalid(format!("'{element}' is not {form}")),
                    None => Ok(()),
                }
            }
            Check::AddressMap => match elements(value).find(|it| !is_address_pair(it)) {
                Some(element) => invalid(format!("'{element}' is not HOST:PORT=HOST:PORT")),
                None => Ok(()),
            },
            Check::Connect => {
                let servers = value.split_once('/').map_or(value, |(servers, _)| servers);
                match elements(servers).find(|it| !is_address(it)) {
                    Some(element) => {
                        invalid(format!("'{element}' lacks a port: it is not HOST:PORT"))
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether its value must not be shown.
    pub fn is_sensitive(&self) -> bool {
        self.kind == Type::Password
    }

    const fn new(name: &'static str, kind: Type, default: Option<&'static str>) -> Self {
        Self {
            name,
            kind,
            default,
            check: Check::Any,
            doc: "",
            scope: Scope::Topic,
            update: Update::ReadOnly,
            synonyms: &[],
            usage: Usage::Used,
            internal: false,
        }
    }
}

/// The words of the table.
macro_rules! words {
    ($($word:ident$(($($argument:ident: $of:ty),*))?: $field:ident = $value:expr;)*) => {
        impl Key {
            $(pub(crate) const fn $word(self $(, $($argument: $of),*)?) -> Self {
                Self { $field: $value, ..self }
            })*
        }
    };
}

words! {
    doc(doc: &'static str): doc = doc.trim_ascii();
    at_least(low: i64): check = Check::AtLeast(low);
    between(low: i64, high: i64): check = Check::Between(low, high);
    between_or(low: i64, high: i64, other: i64): check = Check::BetweenOr(low, high, other);
    fraction(low: f64, high: f64): check = Check::Fraction(low, high);
    one_of(words: &'static [&'static str]): check = Check::OneOf(words);
    one_of_ignoring_case(words: &'static [&'static str]): check = Check::OneOfIgnoringCase(words);
    not_empty: check = Check::NotEmpty;
    throttled_replicas: check = Check::ThrottledReplicas;
    address_map: check = Check::AddressMap;
    connect: check = Check::Connect;
    each(separator: &'static str, form: &'static str): check = Check::Each(separator, form);
    broker: scope = Scope::Broker;
    controller: scope = Scope::Controller;
    both: scope = Scope::Both;
    group: scope = Scope::Group;
    client_metrics: scope = Scope::ClientMetrics;
    per_broker: update = Update::PerBroker;
    cluster_wide: update = Update::ClusterWide;
    synonyms(synonyms: &'static [&'static str]): synonyms = synonyms;
    unused: usage = Usage::Unused;
    refused: usage = Usage::Refused;
    retired: usage = Usage::Retired;
    internal: internal = true;
}

macro_rules! kinds {
    ($($word:ident: $kind:ident;)*) => {
        impl Key {
            $(pub(crate) const fn $word(name: &'static str, default: Option<&'static str>) -> Self {
                Self::new(name, Type::$kind, default)
            })*
        }
    };
}

kinds! {
    boolean: Boolean;
    string: String;
    int: Int;
    short: Short;
    long: Long;
    double: Double;
    list: List;
    class: Class;
    password: Password;
}

/// Writes a part of the table: `/// doc`, `"name": type = "default", word, word(argument);`
macro_rules! table {
    ($(#[doc = $doc:literal] $name:literal: $kind:ident $(= $default:literal)?
        $(, $word:ident $(($($argument:expr),*))?)*;)*) => {
        pub(super) const KEYS: &[$crate::key::Key] = &[$(
            $crate::key::Key::$kind($name, $crate::key::table!(@default $($default)?))
                $(.$word($($($argument),*)?))*
                .doc($doc)
        ),*];
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

pub(crate) use table;

impl Type {
    fn is_number(self) -> bool {
        matches!(self, Type::Short | Type::Int | Type::Long | Type::Double)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Boolean => "BOOLEAN",
            Type::String => "STRING",
            Type::Int => "INT",
            Type::Short => "SHORT",
            Type::Long => "LONG",
            Type::Double => "DOUBLE",
            Type::List => "LIST",
            Type::Class => "CLASS",
            Type::Password => "PASSWORD",
        })
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Check::Any => Ok(()),
            Check::AtLeast(low) => write!(f, "at least {low}"),
            Check::Between(low, high) => write!(f, "{low} to {high}"),
            Check::BetweenOr(low, i64::MAX, other) => write!(f, "at least {low}, or {other}"),
            Check::BetweenOr(low, high, other) => write!(f, "{low} to {high}, or {other}"),
            Check::Fraction(low, high) => write!(f, "{low} to {high}"),
            Check::OneOf(words) | Check::OneOfIgnoringCase(words) => f.write_str(&words.join(", ")),
            Check::NotEmpty => f.write_str("not empty"),
            Check::ThrottledReplicas => f.write_str("* or partition:broker,..."),
            Check::Each(_, form) => write!(f, "{form},..."),
            Check::AddressMap => f.write_str("HOST:PORT=HOST:PORT,..."),
            Check::Connect => f.write_str("HOST:PORT,.../PATH"),
        }
    }
}

/// All keys that a server's file may hold.
pub fn server_keys() -> impl Iterator<Item = &'static Key> {
    keys::SERVER.iter().flat_map(|(_, keys)| keys.iter())
}

/// All keys of topics.
pub fn topic_keys() -> impl Iterator<Item = &'static Key> {
    keys::TOPIC.iter()
}

/// All keys of groups.
pub fn group_keys() -> impl Iterator<Item = &'static Key> {
    keys::RESOURCE.iter().filter(|key| key.scope == Scope::Group)
}

/// All keys of client metrics subscriptions.
pub fn client_metrics_keys() -> impl Iterator<Item = &'static Key> {
    keys::RESOURCE.iter().filter(|key| key.scope == Scope::ClientMetrics)
}

/// The key of a server's file that is called `name`.
pub fn server_key(name: &str) -> Option<&'static Key> {
    static BY_NAME: LazyLock<HashMap<&str, &Key>> =
        LazyLock::new(|| server_keys().map(|key| (key.name, key)).collect());
    BY_NAME.get(name).copied()
}

/// The key of topics that is called `name`.
pub fn topic_key(name: &str) -> Option<&'static Key> {
    topic_keys().find(|key| key.name == name)
}

/// The known name nearest to a mistyped one, if any is near enough to be meant.
pub fn nearest(name: &str, keys: impl Iterator<Item = &'static Key>) -> Option<&'static str> {
    // Names come from users: nothing that long is a mistyped key.
    if name.len() > 100 {
        return None;
    }
    let bound = (name.len() / 3).clamp(1, 5);
    keys.filter(|key| key.usage != Usage::Retired)
        .map(|key| (distance(name, key.name), key.name))
        .filter(|(distance, _)| *distance <= bound)
        .min()
        .map(|(_, name)| name)
}

/// Edit distance: insertions, removals, replacements and swaps of neighbours.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=b.len()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

pub(crate) fn parse_bool(value: &str) -> Option<bool> {
    match value {
        _ if value.eq_ignore_ascii_case("true") => Some(true),
        _ if value.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The elements of a list, trimmed. An empty value has none.
pub(crate) fn elements(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|it| !it.is_empty())
}

fn are_throttled_replicas(value: &str) -> bool {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    value == "*"
        || elements(value).all(|it| {
            it.split_once(':')
                .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
        })
}

/// `host:port`, behind a node's id if there is a separator for one.
fn is_endpoint(element: &str, separator: &str) -> bool {
    let address = match separator {
        "" => Some(element),
        _ => element.split_once(separator).and_then(|(id, address)| {
            id.trim().parse::<i32>().is_ok_and(|id| id >= 0).then_some(address.trim())
        }),
    };
    address.is_some_and(is_address)
}

fn is_address_pair(element: &str) -> bool {
    let pair = element.split_once('=');
    pair.is_some_and(|(from, to)| is_address(from.trim()) && is_address(to.trim()))
}

fn is_address(text: &str) -> bool {
    parse_host_port(text).is_some_and(|(host, _)| !host.is_empty())
}
