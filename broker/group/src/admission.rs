//! What is refused before a group is even looked at: what is impossible, unbounded or unaffordable.

use crate::Name;
use crate::config::Config;
use crate::reply::GroupError;
use crate::request::{CommitOffsets, Join, Request};

/// Names are stored with two bytes of length, and a member id is a name and a UUID.
const NAME_BYTES_MAX: usize = i16::MAX as usize - "-01234567-89ab-cdef-0123-456789abcdef".len();

/// Whether the request can be served at all.
pub(crate) fn admit(
    request: &Request,
    config: &Config,
    writes_in_flight: usize,
) -> Result<(), GroupError> {
    if writes_in_flight >= config.writes_in_flight_max && request.may_write() {
        return Err(GroupError::CoordinatorNotAvailable);
    }
    match request {
        Request::Join(join) => admit_join(join, config),
        Request::Sync(sync) => admit_group(&sync.group_id),
        Request::Heartbeat(heartbeat) => admit_group(&heartbeat.group_id),
        Request::Leave(leave) => admit_group(&leave.group_id),
        Request::DeleteOffsets(delete) => admit_group(&delete.group_id),
        Request::CommitOffsets(commit) => admit_commit(commit),
        Request::FetchOffsets(_)
        | Request::DeleteGroups(_)
        | Request::DescribeGroups(_)
        | Request::ListGroups(_) => Ok(()),
    }
}

fn admit_group(group_id: &Name) -> Result<(), GroupError> {
    if group_id.is_empty() || group_id.len() > NAME_BYTES_MAX {
        return Err(GroupError::InvalidGroupId);
    }
    Ok(())
}

fn admit_join(join: &Join, config: &Config) -> Result<(), GroupError> {
    admit_group(&join.group_id)?;
    let bounds = config.group_min_session_timeout_ms..=config.group_max_session_timeout_ms;
    if !bounds.contains(&join.session_timeout_ms) {
        return Err(GroupError::InvalidSessionTimeout);
    }
    let protocols = join.protocols.iter();
    let bytes = protocols.map(|protocol| protocol.name.len() + protocol.metadata.len());
    let names = [&join.client_id, &join.client_host, &join.protocol_type];
    let mut names = names.into_iter().chain(&join.group_instance_id);
    let mut protocols = join.protocols.iter();
    if bytes.sum::<usize>() > config.member_metadata_bytes_max
        || names.any(|name| name.len() > NAME_BYTES_MAX)
        || protocols.any(|protocol| protocol.name.len() > NAME_BYTES_MAX)
    {
        return Err(GroupError::MessageTooLarge);
    }
    Ok(())
}

fn admit_commit(commit: &CommitOffsets) -> Result<(), GroupError> {
    // Kafka has always let commits name the empty group, where old clients keep offsets.
    if commit.group_id.len() > NAME_BYTES_MAX {
        return Err(GroupError::InvalidGroupId);
    }
    let is_too_long = |topic: &Name| topic.len() > NAME_BYTES_MAX;
    if commit.topics.iter().any(|topic| is_too_long(&topic.topic)) {
        return Err(GroupError::MessageTooLarge);
    }
    Ok(())
}
