//! The value of every znode that holds no entity: signs of life, the election, the count of commits.

use std::collections::BTreeMap;

use metadata::{ControllerId, Listener, Offset, Uuid};
use serde::{Deserialize, Serialize};

use super::json::{FORMAT_VERSION, ReadError, parse, render};

// `/brokers/ids/<id>`

#[derive(Serialize)]
struct BrokerIdJson<'a> {
    version: u32,
    /// Of the first plaintext listener, for the oldest of clients; none: null and -1.
    host: Option<&'a str>,
    port: i32,
    jmx_port: i32,
    timestamp: String,
    endpoints: Vec<String>,
    listener_security_protocol_map: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rack: Option<&'a str>,
    features: BTreeMap<String, i16>,
}

/// Only a sign of life: nobody here reads it. `now` is in milliseconds since 1970.
pub(crate) fn broker_id(listeners: &[Listener], rack: Option<&str>, now: u128) -> Vec<u8> {
    let plaintext = listeners.iter().find(|it| it.security_protocol == "PLAINTEXT");
    let endpoint = |it: &Listener| {
        let host = if it.host.contains(':') { format!("[{}]", it.host) } else { it.host.clone() };
        format!("{}://{host}:{}", it.name, it.port)
    };
    let protocols = listeners.iter().map(|it| (it.name.as_str(), it.security_protocol.as_str()));
    render(&BrokerIdJson {
        version: 5,
        host: plaintext.map(|it| it.host.as_str()),
        port: plaintext.map_or(-1, |it| it.port.into()),
        jmx_port: -1,
        timestamp: now.to_string(),
        endpoints: listeners.iter().map(endpoint).collect(),
        listener_security_protocol_map: protocols.collect(),
        rack,
        features: BTreeMap::new(),
    })
}

// `/janus/candidates/<id>`

#[derive(Serialize, Deserialize)]
struct CandidateJson {
    version: u32,
    endpoint: String,
}

pub(crate) fn candidate(endpoint: &str) -> Vec<u8> {
    render(&CandidateJson { version: FORMAT_VERSION, endpoint: endpoint.into() })
}

pub(crate) fn parse_candidate(path: &str, data: &[u8]) -> Result<String, ReadError> {
    parse::<CandidateJson>(path, data).map(|it| it.endpoint)
}

// `/janus/offset`

/// How many commits there were, and which was the last one.
#[derive(Serialize, Deserialize)]
pub(crate) struct OffsetJson {
    version: u32,
    pub(crate) offset: Offset,
    /// Tells a commit whose answer was lost from everybody else's.
    pub(crate) commit: Uuid,
}

pub(crate) fn offset(offset: Offset, commit: Uuid) -> Vec<u8> {
    render(&OffsetJson { version: FORMAT_VERSION, offset, commit })
}

pub(crate) fn parse_offset(path: &str, data: &[u8]) -> Result<OffsetJson, ReadError> {
    parse(path, data)
}

// `/janus`

#[derive(Serialize, Deserialize)]
struct FormatJson {
    version: u32,
}

pub(crate) fn format() -> Vec<u8> {
    render(&FormatJson { version: FORMAT_VERSION })
}

/// Refuses a tree that a newer program has taken over.
pub(crate) fn check_format(path: &str, data: &[u8]) -> Result<(), ReadError> {
    parse::<FormatJson>(path, data).map(drop)
}

// `/controller`

#[derive(Serialize, Deserialize)]
struct LockJson {
    version: u32,
    brokerid: ControllerId,
    #[serde(default)]
    timestamp: String,
    #[serde(rename = "kraftControllerEpoch", default = "no_epoch")]
    kraft_controller_epoch: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    janus: Option<LockExtra>,
}

#[derive(Serialize, Deserialize)]
struct LockExtra {
    version: u32,
    controller_epoch: u64,
    endpoint: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    successor: Option<ControllerId>,
}

fn no_epoch() -> i64 {
    -1
}

/// What the active controller says of itself in `/controller`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) controller: ControllerId,
    /// Milliseconds since 1970 at which it was elected.
    pub(crate) timestamp: String,
    /// Under which it leads. `None`: Kafka or a human wrote it.
    pub(crate) term: Option<u64>,
    pub(crate) endpoint: Option<String>,
    /// Who is asked to take over.
    pub(crate) successor: Option<ControllerId>,
}

pub(crate) fn lock(lock: &Lock) -> Vec<u8> {
    let extra = lock.term.zip(lock.endpoint.clone());
    render(&LockJson {
        version: 2,
        brokerid: lock.controller,
        timestamp: lock.timestamp.clone(),
        kraft_controller_epoch: no_epoch(),
        janus: extra.map(|(controller_epoch, endpoint)| LockExtra {
            version: FORMAT_VERSION,
            controller_epoch,
            endpoint,
            successor: lock.successor,
        }),
    })
}

pub(crate) fn parse_lock(path: &str, data: &[u8]) -> Result<Lock, ReadError> {
    let json: LockJson = parse(path, data)?;
    let extra = json.janus;
    Ok(Lock {
        controller: json.brokerid,
        timestamp: json.timestamp,
        term: extra.as_ref().map(|it| it.controller_epoch),
        successor: extra.as_ref().and_then(|it| it.successor),
        endpoint: extra.map(|it| it.endpoint),
    })
}

// `/controller_epoch`

pub(crate) fn parse_controller_epoch(path: &str, data: &[u8]) -> Result<u64, ReadError> {
    let text = String::from_utf8_lossy(data);
    text.parse().map_err(|_| ReadError::malformed(path, format!("'{text}' is no epoch")))
}
