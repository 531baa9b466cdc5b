//! Groups as administrators see them.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Name;
use crate::group::{Group, State};
use crate::member::Member;
use crate::reply::{DescribedGroup, DescribedMember, GroupError, ListedGroup};
use crate::request::{DescribeGroups, ListGroups};

/// From this version on, an unknown group is an error (KIP-1043).
const GROUP_ID_NOT_FOUND_VERSION: i16 = 6;
/// The type of every group here; see KIP-848 for the others.
const CLASSIC: &str = "classic";

/// Describes groups of this shard.
pub(crate) fn describe(
    groups: &BTreeMap<Name, Group>,
    request: &DescribeGroups,
) -> Vec<(Name, Result<DescribedGroup, GroupError>)> {
    let describe_one = |id: &Name| match groups.get(id) {
        Some(group) => Ok(describe_group(group)),
        None if request.api_version >= GROUP_ID_NOT_FOUND_VERSION => {
            Err(GroupError::GroupIdNotFound)
        }
        None => Ok(DescribedGroup {
            state: State::Dead,
            protocol_type: Name::default(),
            protocol_name: Name::default(),
            members: Vec::new(),
        }),
    };
    request.group_ids.iter().map(|id| (id.clone(), describe_one(id))).collect()
}

fn describe_group(group: &Group) -> DescribedGroup {
    // While a group rebalances, what its members support and what it uses are two things.
    let protocol_name = group.protocol_name.clone().filter(|_| group.state == State::Stable);
    let members = group.members.values();
    DescribedGroup {
        state: group.state,
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        protocol_name: protocol_name.clone().unwrap_or_default(),
        members: members.map(|member| describe_member(member, protocol_name.as_ref())).collect(),
    }
}

fn describe_member(member: &Member, protocol_name: Option<&Name>) -> DescribedMember {
    DescribedMember {
        member_id: member.id.clone(),
        group_instance_id: member.group_instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        metadata: protocol_name.map_or_else(Bytes::new, |name| member.metadata(name)),
        assignment: member.assignment.clone(),
    }
}

/// Lists groups of this shard that match the filters.
pub(crate) fn list(groups: &BTreeMap<Name, Group>, request: &ListGroups) -> Vec<ListedGroup> {
    let is_type_wanted = matches(&request.types, CLASSIC);
    let wanted = groups
        .values()
        .filter(|group| is_type_wanted && matches(&request.states, group.state.as_str()));
    let listed = wanted.map(|group| ListedGroup {
        group_id: group.id.clone(),
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        state: group.state,
    });
    listed.collect()
}

/// An empty filter lets everything through; case and spaces around do not matter.
fn matches(filter: &[Name], value: &str) -> bool {
    filter.is_empty() || filter.iter().any(|wanted| wanted.trim().eq_ignore_ascii_case(value))
}
