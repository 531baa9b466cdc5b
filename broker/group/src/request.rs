//! What a shard is asked. Plain values: `wire` makes them from the requests of the Kafka protocol.

use bytes::Bytes;
use uuid::Uuid;

use crate::reply::{GroupError, JoinReply, LeftMember, PartitionResult, Reply};
use crate::{Name, TopicPartitions};

/// A request to one shard: every group it names belongs to that shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// JoinGroup; answered when the rebalance completes.
    Join(Join),
    /// SyncGroup; answered when the leader's assignment is replicated.
    Sync(Sync),
    /// Heartbeat; answered at once.
    Heartbeat(Heartbeat),
    /// LeaveGroup; answered at once.
    Leave(Leave),
    /// OffsetCommit; answered when the offsets are replicated.
    CommitOffsets(CommitOffsets),
    /// One group of OffsetFetch; answered at once, or after the writes it must not overtake.
    FetchOffsets(FetchOffsets),
    /// OffsetDelete; answered when the tombstones are replicated.
    DeleteOffsets(DeleteOffsets),
    /// DeleteGroups, those groups that belong to this shard; answered when replicated.
    DeleteGroups(Vec<Name>),
    /// DescribeGroups, those groups that belong to this shard; answered at once.
    DescribeGroups(DescribeGroups),
    /// ListGroups; answered at once with this shard's share.
    ListGroups(ListGroups),
}

/// A consumer (or Connect worker, or anything else) asks to take part in the next generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The group.
    pub group_id: Name,
    /// Empty when the member does not have an id yet.
    pub member_id: Name,
    /// Set by static members (KIP-345).
    pub group_instance_id: Option<Name>,
    /// The client's name for itself.
    pub client_id: Name,
    /// The client's address as Kafka writes it, with a leading slash: `/127.0.0.1`.
    pub client_host: Name,
    /// A fresh random id: the member id that a new member is given ends with it.
    pub new_member_uuid: Uuid,
    /// How long the member may be silent.
    pub session_timeout_ms: i32,
    /// How long a rebalance waits for the member; the session timeout in version 0.
    pub rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, or anything else.
    pub protocol_type: Name,
    /// What the member speaks, most wanted first.
    pub protocols: Vec<Protocol>,
    /// Why the member joins, for the log (KIP-800).
    pub reason: Option<Name>,
    /// Version 4 and later must first be given a member id (KIP-394); version 9 and later can be
    /// told to keep the present assignment (KIP-814).
    pub api_version: i16,
}

/// One way of sharing the work out, with the member's own data for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// The assignor's name.
    pub name: Name,
    /// Opaque to the coordinator, except for the topics of consumers.
    pub metadata: Bytes,
}

/// A member asks for its share; the leader brings everybody's.
#[derive(Clone, Debug, PartialEq)]
pub struct Sync {
    /// The group.
    pub group_id: Name,
    /// The generation that the member was told when it joined.
    pub generation_id: i32,
    /// The member.
    pub member_id: Name,
    /// Set by static members.
    pub group_instance_id: Option<Name>,
    /// Compulsory from version 5 on (KIP-559).
    pub protocol_type: Option<Name>,
    /// Compulsory from version 5 on (KIP-559).
    pub protocol_name: Option<Name>,
    /// Shares by member id; empty unless the member leads.
    pub assignments: Vec<(Name, Bytes)>,
    /// The request's version.
    pub api_version: i16,
}

/// A member says that it lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    /// The group.
    pub group_id: Name,
    /// The generation the member is in.
    pub generation_id: i32,
    /// The member.
    pub member_id: Name,
    /// Set by static members.
    pub group_instance_id: Option<Name>,
}

/// Members leave, by themselves or by an administrator's hand.
#[derive(Clone, Debug, PartialEq)]
pub struct Leave {
    /// The group.
    pub group_id: Name,
    /// Who leaves.
    pub members: Vec<LeavingMember>,
}

/// One member that leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct LeavingMember {
    /// Empty when a static member is removed by its instance id.
    pub member_id: Name,
    /// Set by static members.
    pub group_instance_id: Option<Name>,
    /// Why, for the log (KIP-800).
    pub reason: Option<Name>,
}

/// Positions to keep.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitOffsets {
    /// The group; may be the empty string, as in Kafka.
    pub group_id: Name,
    /// -1 from clients that do not use group membership.
    pub generation_id: i32,
    /// Empty from clients that do not use group membership.
    pub member_id: Name,
    /// Set by static members.
    pub group_instance_id: Option<Name>,
    /// Versions 2 to 4 may say how long to keep the offsets; afterwards the broker decides.
    pub retention_time_ms: Option<i64>,
    /// The offsets.
    pub topics: Vec<TopicPartitions<CommitPartition>>,
    /// The request's version.
    pub api_version: i16,
}

/// One position to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitPartition {
    /// The partition's index.
    pub partition: i32,
    /// The next offset to read.
    pub offset: i64,
    /// Epoch of the last record read, -1 when unknown.
    pub leader_epoch: i32,
    /// Whatever the client wants to keep with it.
    pub metadata: String,
}

/// Positions to look up.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchOffsets {
    /// The group; may be the empty string, as in Kafka.
    pub group_id: Name,
    /// `None` asks for everything the group has.
    pub topics: Option<Vec<TopicPartitions<i32>>>,
    /// Wait for commits under way rather than answer without them (KIP-447).
    pub require_stable: bool,
}

/// Positions to forget.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteOffsets {
    /// The group.
    pub group_id: Name,
    /// The partitions.
    pub topics: Vec<TopicPartitions<i32>>,
}

/// Groups to describe.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeGroups {
    /// The groups.
    pub group_ids: Vec<Name>,
    /// From version 6 on an unknown group is an error, before it is described as dead (KIP-1043).
    pub api_version: i16,
}

/// Groups to list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListGroups {
    /// State names in any case; empty means all (KIP-518).
    pub states: Vec<Name>,
    /// Type names in any case; empty means all (KIP-848).
    pub types: Vec<Name>,
}

impl Request {
    /// The answer that refuses this request with one error.
    ///
    /// For the broker too, when it has no shard to ask: while one is loading
    /// ([`GroupError::CoordinatorLoadInProgress`], which heartbeats are spared: a member must not
    /// lose its session because its coordinator moved) or when it does not have it
    /// ([`GroupError::NotCoordinator`]).
    pub fn refuse(&self, error: GroupError) -> Reply {
        match self {
            Self::Join(join) => Reply::Join(JoinReply::failed(join.member_id.clone(), error)),
            Self::Sync(_) => Reply::Sync(Err(error)),
            Self::Heartbeat(_) if error == GroupError::CoordinatorLoadInProgress => {
                Reply::Heartbeat(Ok(()))
            }
            Self::Heartbeat(_) => Reply::Heartbeat(Err(error)),
            // Kafka answers for each member when the group is unknown, and as a whole otherwise.
            Self::Leave(leave) if error == GroupError::UnknownMemberId => {
                let left = leave.members.iter().map(|member| LeftMember::new(member, Err(error)));
                Reply::Leave(Ok(left.collect()))
            }
            Self::Leave(_) => Reply::Leave(Err(error)),
            Self::CommitOffsets(commit) => {
                let refused = |partition: &CommitPartition| PartitionResult {
                    partition: partition.partition,
                    result: Err(error),
                };
                Reply::CommitOffsets(commit.topics.iter().map(|topic| topic.map(refused)).collect())
            }
            // Consumers before 3.9 give up on COORDINATOR_NOT_AVAILABLE here; the other makes them
            // look for the coordinator and come back.
            Self::FetchOffsets(_) if error == GroupError::CoordinatorNotAvailable => {
                Reply::FetchOffsets(Err(GroupError::NotCoordinator))
            }
            Self::FetchOffsets(_) => Reply::FetchOffsets(Err(error)),
            Self::DeleteOffsets(_) => Reply::DeleteOffsets(Err(error)),
            Self::DeleteGroups(ids) => {
                Reply::DeleteGroups(ids.iter().map(|id| (id.clone(), Err(error))).collect())
            }
            Self::DescribeGroups(describe) => Reply::DescribeGroups(
                describe.group_ids.iter().map(|id| (id.clone(), Err(error))).collect(),
            ),
            Self::ListGroups(_) => Reply::ListGroups(Err(error)),
        }
    }

    /// Whether serving it may append to the log.
    pub(crate) fn may_write(&self) -> bool {
        match self {
            Self::Join(_)
            | Self::Sync(_)
            | Self::CommitOffsets(_)
            | Self::DeleteOffsets(_)
            | Self::DeleteGroups(_) => true,
            // Leaving frees what the bound protects, so it is always let through.
            Self::Leave(_)
            | Self::Heartbeat(_)
            | Self::FetchOffsets(_)
            | Self::DescribeGroups(_)
            | Self::ListGroups(_) => false,
        }
    }
}
