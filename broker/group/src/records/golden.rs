//! Records as Kafka 4.3's own serializer (`GroupCoordinatorRecordSerde`) writes them.

use std::collections::BTreeMap;

use bytes::Bytes;
use uuid::Uuid;

use crate::group::State;
use crate::offsets::{CommittedOffset, OffsetKey};
use crate::records::{self, Entry};
use crate::{Config, Loading, Name, Record};

const OFFSET_KEY: &str = "0001000567726f75700005746f70696300000007";
const GROUP_KEY: &str = "0002000567726f7570";
/// Of group value versions 0 to 4: group instance ids since 3, rebalance timeouts since 1.
const GROUP_VALUES: [&str; 5] = [
    "00000008636f6e73756d657200000005000572616e67650003612d31000000020003612d31000161000a\
     2f3132372e302e302e3100002710000000017300000001780003622d32000162000a2f3132372e302e30\
     2e3100002710000000017300000000",
    "00010008636f6e73756d657200000005000572616e67650003612d31000000020003612d31000161000a\
     2f3132372e302e302e310000ea6000002710000000017300000001780003622d32000162000a2f313237\
     2e302e302e310000ea6000002710000000017300000000",
    "00020008636f6e73756d657200000005000572616e67650003612d310000000000000384000000020003\
     612d31000161000a2f3132372e302e302e310000ea6000002710000000017300000001780003622d3200\
     0162000a2f3132372e302e302e310000ea6000002710000000017300000000",
    "00030008636f6e73756d657200000005000572616e67650003612d310000000000000384000000020003\
     612d31000169000161000a2f3132372e302e302e310000ea600000271000000001730000000178000362\
     2d32ffff000162000a2f3132372e302e302e310000ea6000002710000000017300000000",
    "000409636f6e73756d6572000000050672616e676504612d3100000000000003840304612d3102690261\
     0b2f3132372e302e302e310000ea6000002710027302780004622d320002620b2f3132372e302e302e31\
     0000ea60000027100273010000",
];

fn bytes(hex: &str) -> Bytes {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn golden(key: &str, value: Option<&str>) -> Record {
    Record { key: bytes(key), value: value.map(bytes) }
}

fn offset_key() -> OffsetKey {
    OffsetKey { group_id: "group".into(), topic: "topic".into(), partition: 7 }
}

fn offset() -> CommittedOffset {
    CommittedOffset {
        offset: 42,
        leader_epoch: -1,
        metadata: "note".into(),
        commit_timestamp_ms: 1000,
        expire_timestamp_ms: None,
        topic_id: Uuid::nil(),
    }
}

#[track_caller]
fn check_offset(value: CommittedOffset, hex: &str) {
    let record = golden(OFFSET_KEY, Some(hex));
    assert_eq!(records::offset_commit(&offset_key(), &value), record);
    let entry = Entry::Offset(offset_key(), Some(value));
    assert_eq!(records::decode(&record.key, record.value.as_ref()), Ok(Some(entry)));
}

#[test]
fn offsets_are_written_as_kafka_writes_them() {
    let topic_id = Uuid::from_u64_pair(1, 2);
    check_offset(
        CommittedOffset { leader_epoch: 3, topic_id, ..offset() },
        "0004000000000000002a00000003056e6f746500000000000003e8010010000000000000000100000000\
     00000002",
    );
    check_offset(
        CommittedOffset { metadata: String::new(), ..offset() },
        "0004000000000000002affffffff0100000000000003e800",
    );
    check_offset(
        CommittedOffset { expire_timestamp_ms: Some(2000), ..offset() },
        "0001000000000000002a00046e6f746500000000000003e800000000000007d0",
    );
    assert_eq!(records::offset_tombstone(&offset_key()), golden(OFFSET_KEY, None));
}

#[test]
fn groups_of_every_version_are_read_and_written_as_kafka_writes_them() {
    for (version, value) in GROUP_VALUES.iter().enumerate() {
        let mut loading = Loading::new(Config::kafka());
        let record = golden(GROUP_KEY, Some(value));
        loading.replay(&record.key, record.value.as_ref()).unwrap();
        let (shard, _) = loading.finish(0);
        let group = &shard.groups["group"];
        assert_eq!((group.state, group.generation_id), (State::Stable, 5));
        assert_eq!(group.leader.as_deref(), Some("a-1"));
        assert_eq!(group.state_timestamp_ms, (version >= 2).then_some(900));
        let member = &group.members["a-1"];
        assert_eq!(member.group_instance_id.as_deref(), (version >= 3).then_some("i"));
        let rebalance_timeout_ms = if version == 0 { 10_000 } else { 60_000 };
        assert_eq!(member.rebalance_timeout_ms, rebalance_timeout_ms);
        assert_eq!(member.session_timeout_ms, 10_000);
        if version == 3 {
            let assignments = BTreeMap::from([(Name::from("a-1"), Bytes::from("x"))]);
            assert_eq!(records::group_metadata(group, &assignments), record);
        }
    }
    assert_eq!(records::group_tombstone(&"group".into()), golden(GROUP_KEY, None));
    let value = "0003000000000000ffffffff000000000000038400000000";
    let group = crate::group::Group::new("group".into(), 900);
    assert_eq!(records::new_group(&group), golden(GROUP_KEY, Some(value)));
}

#[test]
fn records_of_other_groups_are_passed_over_and_damaged_ones_reported() {
    let mut loading = Loading::new(Config::kafka());
    // A consumer group's epoch (KIP-848) and a kind that does not exist yet.
    for key in ["0003000567726f7570", "7fff"] {
        assert_eq!(loading.replay(&bytes(key), Some(&bytes("0000"))), Ok(()));
    }
    for (key, value) in
        [("", "0000"), ("0001", "0000"), (GROUP_KEY, "0003"), (GROUP_KEY, "0009"), (OFFSET_KEY, "")]
    {
        let replayed = loading.replay(&bytes(key), Some(&bytes(value)));
        assert!(replayed.is_err(), "{key} {value}");
    }
    let (shard, _) = loading.finish(0);
    assert!(shard.groups.is_empty());
}
