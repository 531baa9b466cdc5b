//! The one thing the coordinator reads in members' metadata: what topics consumers subscribe to.
//! Offsets of a topic that a consumer of the group subscribes to do not expire.

use std::collections::BTreeSet;

use crate::Name;
use crate::group::Group;

/// Topics of all members; `None` when the coordinator cannot know (KIP-211).
pub(crate) fn topics(group: &Group) -> Option<BTreeSet<Name>> {
    if !group.is_consumer_group() {
        return None;
    }
    if group.members.is_empty() {
        return Some(BTreeSet::new());
    }
    let protocol_name = group.protocol_name.as_ref()?;
    let mut topics = BTreeSet::new();
    for member in group.members.values() {
        topics.extend(parse(&member.metadata(protocol_name))?);
    }
    Some(topics)
}

/// Reads the start of a `ConsumerProtocolSubscription`: all versions begin with a version and the
/// topics, and whatever follows does not matter here.
fn parse(metadata: &[u8]) -> Option<Vec<Name>> {
    let (version, rest) = metadata.split_first_chunk()?;
    if i16::from_be_bytes(*version) < 0 {
        return None;
    }
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut topics = Vec::new();
    for _ in 0..i32::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::try_from(i16::from_be_bytes(*length)).ok()?;
        let (topic, after) = after.split_at_checked(length)?;
        topics.push(Name::from(std::str::from_utf8(topic).ok()?));
        rest = after;
    }
    Some(topics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_from_any_version() {
        let metadata = b"\x00\x09\x00\x00\x00\x02\x00\x01a\x00\x02bc and what later versions add";
        assert_eq!(parse(metadata), Some(vec![Name::from("a"), Name::from("bc")]));
    }

    #[test]
    fn what_is_not_a_subscription_is_not_read() {
        for metadata in [
            &b""[..],
            b"\x00",
            b"\xff\xff\x00\x00\x00\x00",
            b"\x00\x00\x00\x00\x00\x02\x00\x01a",
            b"\x00\x00\x7f\xff\xff\xff",
            b"\x00\x00\x00\x00\x00\x01\x00\x09a",
            b"\x00\x00\x00\x00\x00\x01\xff\xffa",
            b"\x00\x00\x00\x00\x00\x01\x00\x01\xff",
        ] {
            assert_eq!(parse(metadata), None, "{metadata:?}");
        }
    }
}
