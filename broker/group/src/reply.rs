//! What a shard answers, and the errors it answers with.

use bytes::Bytes;

use crate::request::LeavingMember;
use crate::{Name, State, TopicPartitions};

/// The answer to the [`Request`](crate::Request) of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// See [`JoinReply`].
    Join(JoinReply),
    /// The member's share.
    Sync(Result<Synced, GroupError>),
    /// Alive and in the right generation, or not.
    Heartbeat(Result<(), GroupError>),
    /// What became of each member.
    Leave(Result<Vec<LeftMember>, GroupError>),
    /// What became of each partition.
    CommitOffsets(Vec<TopicPartitions<PartitionResult>>),
    /// The positions.
    FetchOffsets(Result<Vec<TopicPartitions<FetchedOffset>>, GroupError>),
    /// What became of each partition.
    DeleteOffsets(Result<Vec<TopicPartitions<PartitionResult>>, GroupError>),
    /// What became of each group.
    DeleteGroups(Vec<(Name, Result<(), GroupError>)>),
    /// Each group that was asked for.
    DescribeGroups(Vec<(Name, Result<DescribedGroup, GroupError>)>),
    /// This shard's groups that match.
    ListGroups(Result<Vec<ListedGroup>, GroupError>),
}

/// The answer to a join: the new generation, or an error together with the member id to use next.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinReply {
    /// Given to new members here, with [`GroupError::MemberIdRequired`] as well.
    pub member_id: Name,
    /// The generation.
    pub result: Result<Joined, GroupError>,
}

/// A generation, as told to one member.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// Counts rebalances.
    pub generation_id: i32,
    /// What the members have in common.
    pub protocol_type: Option<Name>,
    /// The protocol that was voted for.
    pub protocol_name: Option<Name>,
    /// Who shares the work out.
    pub leader: Name,
    /// The leader keeps the present assignment instead of making one (KIP-814).
    pub skip_assignment: bool,
    /// Everybody, for the leader; nobody, for the others.
    pub members: Vec<JoinedMember>,
}

/// A member, as told to the leader.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinedMember {
    /// Its id.
    pub member_id: Name,
    /// Set for static members.
    pub group_instance_id: Option<Name>,
    /// Its data for the protocol that was voted for.
    pub metadata: Bytes,
}

/// A member's share of the work.
#[derive(Clone, Debug, PartialEq)]
pub struct Synced {
    /// What the members have in common.
    pub protocol_type: Option<Name>,
    /// The protocol that was voted for.
    pub protocol_name: Option<Name>,
    /// Opaque to the coordinator.
    pub assignment: Bytes,
}

/// What became of a member that was to leave.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftMember {
    /// As in the request.
    pub member_id: Name,
    /// As in the request.
    pub group_instance_id: Option<Name>,
    /// Gone, or why not.
    pub result: Result<(), GroupError>,
}

/// What became of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionResult {
    /// The partition's index.
    pub partition: i32,
    /// Done, or why not.
    pub result: Result<(), GroupError>,
}

/// A position.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchedOffset {
    /// The partition's index.
    pub partition: i32,
    /// The next offset to read, -1 when none is known.
    pub offset: i64,
    /// Epoch of the last record read, -1 when unknown.
    pub leader_epoch: i32,
    /// What the client kept with it.
    pub metadata: String,
}

/// A group, for DescribeGroups.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// [`State::Dead`] stands for a group that does not exist (before version 6).
    pub state: State,
    /// Empty when unknown.
    pub protocol_type: Name,
    /// The protocol in use, known while the group is stable.
    pub protocol_name: Name,
    /// Its members.
    pub members: Vec<DescribedMember>,
}

/// A member, for DescribeGroups.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedMember {
    /// Its id.
    pub member_id: Name,
    /// Set for static members.
    pub group_instance_id: Option<Name>,
    /// The client's name for itself.
    pub client_id: Name,
    /// The client's address.
    pub client_host: Name,
    /// Known while the group is stable.
    pub metadata: Bytes,
    /// Its share of the work.
    pub assignment: Bytes,
}

/// A group, for ListGroups. Its type is always `classic`.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedGroup {
    /// Its id.
    pub group_id: Name,
    /// Empty when unknown.
    pub protocol_type: Name,
    /// Its state.
    pub state: State,
}

/// Why a request is refused. Each stands for the Kafka error of the same name; the texts say what
/// a client does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Retry: the shard replays its log.
    #[error("the coordinator is loading the group: retry")]
    CoordinatorLoadInProgress,
    /// Retry: a write was not replicated in time, or too many wait.
    #[error("the coordinator cannot persist changes at the moment: retry")]
    CoordinatorNotAvailable,
    /// Ask again who coordinates the group.
    #[error("this broker does not coordinate the group: look the coordinator up again")]
    NotCoordinator,
    /// Give a group id.
    #[error("the group id must not be empty")]
    InvalidGroupId,
    /// Configure a session timeout within the broker's bounds.
    #[error("the session timeout is outside of what the broker allows")]
    InvalidSessionTimeout,
    /// Agree on a protocol with the other members.
    #[error("the member shares no protocol with the group")]
    InconsistentGroupProtocol,
    /// Join again without a member id.
    #[error("the group has no such member: join anew")]
    UnknownMemberId,
    /// Join again with the member id that comes with this error.
    #[error("join again with the member id given")]
    MemberIdRequired,
    /// Join again.
    #[error("the generation has passed: join again")]
    IllegalGeneration,
    /// Join again.
    #[error("the group is rebalancing: join again")]
    RebalanceInProgress,
    /// Stop: another member has taken this instance id.
    #[error("another member took over this group instance id")]
    FencedInstanceId,
    /// Stop: the group (or the shard) is full.
    #[error("the group has as many members as it may have")]
    GroupMaxSizeReached,
    /// The group does not exist.
    #[error("the group does not exist")]
    GroupIdNotFound,
    /// Stop the group's members first.
    #[error("the group still has members")]
    NonEmptyGroup,
    /// Stop the group's consumers of this topic first.
    #[error("a consumer of the group is subscribed to the topic")]
    GroupSubscribedToTopic,
    /// Commit less metadata.
    #[error("the metadata of an offset is too large")]
    OffsetMetadataTooLarge,
    /// Send less: it could not be persisted.
    #[error("the request holds more than one record batch can")]
    MessageTooLarge,
    /// The log failed in a way that has no other name.
    #[error("the coordinator failed to persist a change")]
    UnknownServerError,
}

/// Why a write did not happen, told to [`Coordinator::written`](crate::Coordinator::written).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Too few replicas, or no such partition: clients retry.
    #[error("the write was refused for want of replicas")]
    NotEnoughReplicas,
    /// The broker no longer leads the partition, or its disk failed: clients look elsewhere.
    #[error("the partition of the offsets topic is no longer led here")]
    NotLeader,
    /// The batch exceeds `max.message.bytes` of the offsets topic.
    #[error("the write is larger than the offsets topic accepts")]
    TooLarge,
    /// Anything else.
    #[error("the write failed")]
    Failed,
}

impl From<WriteError> for GroupError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NotEnoughReplicas => Self::CoordinatorNotAvailable,
            WriteError::NotLeader => Self::NotCoordinator,
            WriteError::TooLarge | WriteError::Failed => Self::UnknownServerError,
        }
    }
}

impl JoinReply {
    pub(crate) fn failed(member_id: Name, error: GroupError) -> Self {
        Self { member_id, result: Err(error) }
    }
}

impl LeftMember {
    pub(crate) fn new(member: &LeavingMember, result: Result<(), GroupError>) -> Self {
        Self {
            member_id: member.member_id.clone(),
            group_instance_id: member.group_instance_id.clone(),
            result,
        }
    }
}

impl Reply {
    /// This answer as it must be when the write it depended on failed.
    pub(crate) fn fail(self, error: GroupError) -> Self {
        match self {
            Self::Join(join) => Self::Join(JoinReply::failed(join.member_id, error)),
            Self::Sync(_) => Self::Sync(Err(error)),
            Self::Heartbeat(_) => Self::Heartbeat(Err(error)),
            Self::Leave(_) => Self::Leave(Err(error)),
            Self::CommitOffsets(topics) => Self::CommitOffsets(fail_partitions(&topics, error)),
            Self::FetchOffsets(_) => Self::FetchOffsets(Err(error)),
            Self::DeleteOffsets(_) => Self::DeleteOffsets(Err(error)),
            Self::DeleteGroups(groups) => Self::DeleteGroups(
                groups.into_iter().map(|(id, result)| (id, result.and(Err(error)))).collect(),
            ),
            Self::DescribeGroups(groups) => {
                Self::DescribeGroups(groups.into_iter().map(|(id, _)| (id, Err(error))).collect())
            }
            Self::ListGroups(_) => Self::ListGroups(Err(error)),
        }
    }
}

/// Partitions that were refused for a reason of their own keep it.
fn fail_partitions(
    topics: &[TopicPartitions<PartitionResult>],
    error: GroupError,
) -> Vec<TopicPartitions<PartitionResult>> {
    let fail = |partition: &PartitionResult| PartitionResult {
        partition: partition.partition,
        result: partition.result.and(Err(error)),
    };
    topics.iter().map(|topic| topic.map(fail)).collect()
}
