//! Properties of a shard under random requests, failures and restarts.
//!
//! After every event: every token is answered once, nothing is answered that the log does not hold,
//! a round of joins agrees on its generation, nobody waits without a timer. Where no write is lost,
//! a shard loaded from the log equals the one that wrote it.

mod world;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::WriteError;
use world::World;

/// What may happen. The world resolves numbers: groups, partitions, one of the known members.
#[derive(Clone, Debug)]
enum Event {
    JoinNew { group: u8, client: u8, is_static: bool, version: i16, protocols: u8 },
    Rally { group: u8 },
    Member { choice: usize, act: Act },
    CommitSimple { group: u8, partition: i32, retention_ms: Option<i64> },
    Fetch { group: u8, partition: Option<i32>, require_stable: bool },
    DeleteOffsets { group: u8, partition: i32 },
    DeleteGroups { group: u8 },
    TopicDeleted,
    Advance { by_ms: i64 },
    Written { error: Option<WriteError> },
    Reload { appended: usize },
}

/// What a member does.
#[derive(Clone, Debug)]
enum Act {
    JoinAgain { protocols: u8 },
    Sync,
    Heartbeat,
    Leave,
    Commit { partition: i32 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1..8_u8).prop_map(|protocols| Act::JoinAgain { protocols }),
        6 => Just(Act::Sync),
        2 => Just(Act::Heartbeat),
        1 => Just(Act::Leave),
        3 => (0..2_i32).prop_map(|partition| Act::Commit { partition }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let (group, partition) = (0..2_u8, 0..2_i32);
    let versions = select(vec![3, 5, 9]);
    let steps_ms = select(vec![1, 100, 1_000, 3_000, 7_000, 61_000, 700_000]);
    let errors = select(vec![WriteError::NotEnoughReplicas, WriteError::TooLarge]);
    prop_oneof![
        12 => (group.clone(), 0..3_u8, any::<bool>(), versions, 1..8_u8).prop_map(
            |(group, client, is_static, version, protocols)| Event::JoinNew {
                group, client, is_static, version, protocols
            }
        ),
        8 => group.clone().prop_map(|group| Event::Rally { group }),
        40 => (0..100_usize, act()).prop_map(|(choice, act)| Event::Member { choice, act }),
        6 => (group.clone(), partition.clone(), option::of(0..900_000_i64)).prop_map(
            |(group, partition, retention_ms)| Event::CommitSimple {
                group, partition, retention_ms
            }
        ),
        6 => (group.clone(), option::of(partition.clone()), any::<bool>()).prop_map(
            |(group, partition, require_stable)| Event::Fetch { group, partition, require_stable }
        ),
        2 => (group.clone(), partition)
            .prop_map(|(group, partition)| Event::DeleteOffsets { group, partition }),
        2 => group.prop_map(|group| Event::DeleteGroups { group }),
        1 => Just(Event::TopicDeleted),
        12 => steps_ms.prop_map(|by_ms| Event::Advance { by_ms }),
        30 => option::weighted(0.1, errors).prop_map(|error| Event::Written { error }),
        1 => (0..3_usize).prop_map(|appended| Event::Reload { appended }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_forgotten_or_told_too_early(events in vec(event(), 1..150)) {
        let mut world = World::new();
        for event in events {
            world.step(event);
        }
        world.reload(0);
    }

    #[test]
    fn a_shard_is_what_its_log_says(events in vec(event(), 1..150)) {
        let mut world = World::new();
        for event in events {
            if matches!(event, Event::Written { .. } | Event::Reload { .. }) {
                continue;
            }
            world.step(event);
            world.write_all();
            world.check_replay();
        }
    }
}
