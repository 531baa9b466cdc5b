//! One member of a group: what it told when it joined, and the answers it waits for.

use bytes::Bytes;

use crate::request::Protocol;
use crate::{Name, ReplyToken};

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    pub(crate) id: Name,
    pub(crate) group_instance_id: Option<Name>,
    pub(crate) client_id: Name,
    pub(crate) client_host: Name,
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    pub(crate) protocols: Vec<Protocol>,
    pub(crate) assignment: Bytes,
    /// It has not yet been told that it is a member: it cannot send heartbeats, and a join of its
    /// that waits too long is given up.
    pub(crate) is_new: bool,
    /// The join that waits for the rebalance.
    pub(crate) join: Option<ReplyToken>,
    /// The sync that waits for the assignment.
    pub(crate) sync: Option<ReplyToken>,
}

impl Member {
    /// Static members keep their place while they restart.
    pub(crate) fn is_static(&self) -> bool {
        self.group_instance_id.is_some()
    }

    /// Whether its silence is excused: it waits for us, not we for it.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }

    /// Its data for a protocol.
    pub(crate) fn metadata(&self, protocol_name: &str) -> Bytes {
        let protocol = self.protocols.iter().find(|protocol| &*protocol.name == protocol_name);
        protocol.map(|protocol| protocol.metadata.clone()).unwrap_or_default()
    }
}
