//! Classic consumer groups and their offsets: Kafka's group coordinator, as a pure core.
//!
//! No clock, no socket, no disk, no lock: time is an argument, and what should happen comes out.
//! One [`Coordinator`] is one shard: the groups and offsets that live in one partition of
//! `__consumer_offsets`, which [`partition_for`] finds. The broker runs a task per shard that it
//! leads, and that task is all the machinery there is:
//!
//! ```text
//!  a connection          the shard's task                 Coordinator             the log
//!  ------------          ----------------                 -----------             -------
//!  request ----token---> handle(token, request, now) ---> groups, offsets
//!                        next_timer_ms() due:
//!                        tick(now) ---------------------> timers
//!                                                            |
//!                        effects <---------------------------+
//!  response <--token---- effects.replies
//!                        effects.writes ---------------------------------------> append
//!                        written(id, outcome, now) <--------------------------- replicated or not
//! ```
//!
//! A request is answered in the effects of the same call, or of a later one: a join when everybody
//! has joined, a commit when it is replicated. Every token is answered exactly once.
//!
//! ```
//! use group::{Config, Loading, Reply, ReplyToken, Request, request::Heartbeat};
//!
//! // The broker became leader of the partition: replay the log to its end, and finish when the
//! // high watermark has reached that end, for what is loaded counts as replicated.
//! let mut loading = Loading::new(Config::kafka());
//! # let log: Vec<(bytes::Bytes, Option<bytes::Bytes>)> = Vec::new();
//! for (key, value) in &log {
//!     if let Err(error) = loading.replay(key, value.as_ref()) {
//!         eprintln!("{error}");
//!     }
//! }
//! let (mut shard, effects) = loading.finish(1_000);
//! assert!(effects.replies.is_empty());
//!
//! // A request came in. The task keeps the way back to its connection under the token.
//! let heartbeat = Heartbeat {
//!     group_id: "shop".into(),
//!     generation_id: 1,
//!     member_id: "nobody".into(),
//!     group_instance_id: None,
//! };
//! let effects = shard.handle(ReplyToken(7), Request::Heartbeat(heartbeat), 1_050);
//! let (token, reply) = &effects.replies[0];
//! assert_eq!(*token, ReplyToken(7));
//! assert!(matches!(reply, Reply::Heartbeat(Err(_))));
//!
//! // Whatever a call wants written is appended as one batch, in this order, and its outcome told.
//! for write in effects.writes {
//!     // append write.records, wait for the high watermark, then:
//!     shard.written(write.id, Ok(()), 1_060);
//! }
//!
//! // The task sleeps until a message comes, or this:
//! let due_ms = shard.next_timer_ms();
//! shard.tick(due_ms.unwrap());
//!
//! // The partition moved away: everybody who waits is sent to look for the new coordinator.
//! assert!(shard.unload().is_empty());
//! ```
//!
//! Several writes may be appended together and be in flight at once; each is atomic by itself, and
//! outcomes are told in the order of the log. Answers never precede the write they rest on.
//!
//! Read `request` and `reply`, then `coordinator`; `group`, `membership` and `rebalance` are the
//! life of a group, `offsets` and `offset_requests` that of its positions; `records` and `load` are
//! the log; `wire` translates from and to the messages of the protocol.
//!
//! Bounds, besides Kafka's own settings, are in [`Config`]: groups of a shard, pending members of a
//! group, bytes of a member, writes in flight. What is asked of the broker: to check topics and
//! authorisation, to turn topic ids into names, and to bound the requests that wait in a shard
//! (at most one per connection and member, since a join or sync that is repeated ends the first).
//!
//! What this does not do: the groups of KIP-848, share and streams groups; transactional offsets.

pub mod reply;
pub mod request;
pub mod wire;

mod admission;
mod config;
mod context;
mod coordinator;
mod describe;
mod group;
mod load;
mod member;
mod membership;
mod offset_requests;
mod offsets;
#[cfg(test)]
mod properties;
mod rebalance;
mod records;
mod subscription;
mod timers;

use std::sync::Arc;

use bytes::Bytes;
use uuid::Uuid;

pub use config::Config;
pub use coordinator::{Coordinator, Gauges};
pub use group::State;
pub use load::Loading;
pub use records::RecordError;
pub use reply::{GroupError, Reply, WriteError};
pub use request::Request;

/// An id or a name: of a group, a member, a topic, a protocol. Cheap to copy.
pub type Name = Arc<str>;

/// Names a request until it is answered; the caller chooses them, and reuses none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyToken(pub u64);

/// Names a write until its outcome is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// What a call wants done.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    /// Answers to send.
    pub replies: Vec<(ReplyToken, Reply)>,
    /// Records to append, in this order.
    pub writes: Vec<Write>,
}

/// Records to append to the shard's partition, all or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Told to [`Coordinator::written`].
    pub id: WriteId,
    /// The records, in order. Never empty.
    pub records: Vec<Record>,
}

/// A record of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub key: Bytes,
    /// What it says; absent to delete.
    pub value: Option<Bytes>,
}

/// Something about several partitions of one topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicPartitions<P> {
    /// The topic's name.
    pub topic: Name,
    /// Its id, or zero when that is not known.
    pub topic_id: Uuid,
    /// One for each partition.
    pub partitions: Vec<P>,
}

impl<P> TopicPartitions<P> {
    /// The same partitions with something else about each.
    pub(crate) fn map<Q>(&self, about: impl FnMut(&P) -> Q) -> TopicPartitions<Q> {
        TopicPartitions {
            topic: self.topic.clone(),
            topic_id: self.topic_id,
            partitions: self.partitions.iter().map(about).collect(),
        }
    }
}

/// The partition of `__consumer_offsets` that a group belongs to; there are `partitions` of them.
///
/// Every client and tool may compute it, so it is Java's `hashCode` of the id without its sign.
pub fn partition_for(group_id: &str, partitions: i32) -> i32 {
    let hash = group_id
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's own `abs`: the one number without a positive counterpart becomes zero.
    hash.checked_abs().unwrap_or(0) % partitions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_where_java_clients_look_for_them() {
        // Computed with "...".hashCode() in Java 17.
        assert_eq!(partition_for("", 50), 0);
        assert_eq!(partition_for("my-group", 50), 12);
        assert_eq!(partition_for("console-consumer-12345", 50), 6);
        assert_eq!(partition_for("größe-\u{1F600}", 50), 21);
        assert_eq!(partition_for("polygenelubricants", 50), 0, "hashes to i32::MIN");
    }
}
