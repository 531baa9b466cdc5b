//! Every key that a server, a topic, a group or a client metrics subscription can have.
//!
//! Names, types, defaults and checks are those of Kafka 4.3, the ZooKeeper keys those of 3.9.

mod absent;
mod controller;
mod group;
mod janus;
mod log;
mod network;
mod replication;
mod resource;
mod retired;
mod security;
mod server;
mod topic;
mod transaction;

use crate::key::Key;

/// The keys of servers in sections, as the documentation shows them.
pub(crate) const SERVER: &[(&str, &[Key])] = &[
    ("Server", server::KEYS),
    ("Network", network::KEYS),
    ("Controllers and ZooKeeper", controller::KEYS),
    ("Log", log::KEYS),
    ("Replication", replication::KEYS),
    ("Groups", group::KEYS),
    ("Janus", janus::KEYS),
    ("Transactions", transaction::KEYS),
    ("Security", security::KEYS),
    ("Tiered storage and share groups", absent::KEYS),
    ("Retired", retired::KEYS),
];

/// The keys of topics.
pub(crate) const TOPIC: &[Key] = topic::KEYS;

/// The keys of groups and of client metrics subscriptions.
pub(crate) const RESOURCE: &[Key] = resource::KEYS;
