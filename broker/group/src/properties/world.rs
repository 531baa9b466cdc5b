//! The world around a shard: a log, a clock, and clients that remember what they were told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use uuid::Uuid;

use super::Event;
use crate::group::{Group, State};
use crate::records::{self, Entry};
use crate::reply::{JoinReply, Synced};
use crate::request::*;
use crate::timers::Timer;
use crate::*;

const PROTOCOLS: [&str; 3] = ["range", "roundrobin", "sticky"];

/// See the module's description.
pub(super) struct World {
    coordinator: Coordinator,
    log: Vec<Record>,
    in_flight: VecDeque<Write>,
    waiting: BTreeMap<ReplyToken, Waiting>,
    members: Vec<Member>,
    now_ms: i64,
    tokens: u64,
}

/// A request without an answer.
#[derive(Clone, Debug)]
struct Waiting {
    group_id: Name,
    member_id: Name,
    /// What it commits; every commit is told apart from every other one.
    offset: Option<i64>,
}

/// What a client remembers of its membership.
#[derive(Clone, Debug)]
struct Member {
    group_id: Name,
    member_id: Name,
    instance_id: Option<Name>,
    generation_id: i32,
}

fn config() -> Config {
    Config { group_max_size: 3, offsets_retention_ms: 500_000, ..Config::kafka() }
}

fn group_id(number: u8) -> Name {
    Name::from(format!("g{number}"))
}

fn partitions<P>(partition: P, topic_id: Uuid) -> Vec<TopicPartitions<P>> {
    vec![TopicPartitions { topic: "t".into(), topic_id, partitions: vec![partition] }]
}

/// A choice of protocols by its bits, subscribed to a topic that has offsets, or to another one.
fn protocols(bits: u8) -> Vec<Protocol> {
    let topic = if bits & 4 == 0 { b't' } else { b'u' };
    let metadata = [&[0, 0, 0, 0, 0, 1, 0, 1][..], &[topic]].concat();
    let chosen = PROTOCOLS.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    chosen
        .map(|(_, name)| Protocol { name: (*name).into(), metadata: metadata.clone().into() })
        .collect()
}

impl World {
    pub(super) fn new() -> Self {
        let (coordinator, _) = Loading::new(config()).finish(0);
        Self {
            coordinator,
            log: Vec::new(),
            in_flight: VecDeque::new(),
            waiting: BTreeMap::new(),
            members: Vec::new(),
            now_ms: 0,
            tokens: 0,
        }
    }

    /// Lets something happen.
    pub(super) fn step(&mut self, event: Event) {
        match event {
            Event::JoinNew { group, client, is_static, version, protocols } => {
                let member = Member {
                    group_id: group_id(group),
                    member_id: Name::default(),
                    instance_id: is_static.then(|| Name::from(format!("i{client}"))),
                    generation_id: -1,
                };
                self.join(member, version, protocols);
            }
            Event::Rally { group } => self.rally(&group_id(group)),
            Event::Fetch { group, partition, require_stable } => {
                let group_id = group_id(group);
                let topics = partition.map(|partition| partitions(partition, Uuid::nil()));
                let fetch = FetchOffsets { group_id: group_id.clone(), topics, require_stable };
                self.request(&group_id, Request::FetchOffsets(fetch));
            }
            Event::DeleteOffsets { group, partition } => {
                let group_id = group_id(group);
                let topics = partitions(partition, Uuid::nil());
                let delete = DeleteOffsets { group_id: group_id.clone(), topics };
                self.request(&group_id, Request::DeleteOffsets(delete));
            }
            Event::DeleteGroups { group } => {
                let group_id = group_id(group);
                self.request(&group_id, Request::DeleteGroups(vec![group_id.clone()]));
            }
            Event::CommitSimple { group, partition, retention_ms } => {
                let member = Member {
                    group_id: group_id(group),
                    member_id: Name::default(),
                    instance_id: None,
                    generation_id: -1,
                };
                self.commit(member, partition, retention_ms);
            }
            Event::TopicDeleted => {
                let topics = [("t".into(), Uuid::from_u128(9))];
                let effects = self.coordinator.topics_deleted(&topics, self.now_ms);
                self.observe(effects);
            }
            Event::Advance { by_ms } => self.advance(by_ms),
            Event::Written { error } => self.write_one(error.map_or(Ok(()), Err)),
            Event::Reload { appended } => self.reload(appended),
            Event::Member { choice, act } => {
                let index = choice.checked_rem(self.members.len());
                if let Some(member) = index.map(|index| self.members[index].clone()) {
                    self.act(member, act);
                }
            }
        }
        self.check();
    }

    fn act(&mut self, member: Member, act: super::Act) {
        let Member { group_id, member_id, instance_id, generation_id } = member.clone();
        let request = match act {
            super::Act::JoinAgain { protocols } => return self.join(member, 9, protocols),
            super::Act::Commit { partition } => return self.commit(member, partition, None),
            super::Act::Sync => return self.sync(member),
            super::Act::Heartbeat => Request::Heartbeat(Heartbeat {
                group_id: group_id.clone(),
                generation_id,
                member_id: member_id.clone(),
                group_instance_id: instance_id,
            }),
            super::Act::Leave => Request::Leave(Leave {
                group_id: group_id.clone(),
                members: vec![LeavingMember {
                    member_id: member_id.clone(),
                    group_instance_id: instance_id,
                    reason: None,
                }],
            }),
        };
        self.request_as(&group_id, &member_id, None, request);
    }

    /// All who know the group join it, wait for each other, and sync.
    fn rally(&mut self, group_id: &Name) {
        for act in [super::Act::JoinAgain { protocols: 7 }, super::Act::Sync] {
            for member in self.members.clone() {
                if member.group_id == *group_id {
                    self.act(member, act.clone());
                }
            }
            if matches!(act, super::Act::JoinAgain { .. }) {
                self.advance(7_000);
            }
        }
    }

    fn join(&mut self, member: Member, api_version: i16, bits: u8) {
        let Member { group_id, member_id, instance_id, .. } = member;
        let join = Join {
            group_id: group_id.clone(),
            member_id: member_id.clone(),
            group_instance_id: instance_id,
            client_id: "c".into(),
            client_host: "/127.0.0.1".into(),
            new_member_uuid: Uuid::from_u128(self.tokens.into()),
            session_timeout_ms: 10_000,
            rebalance_timeout_ms: 60_000,
            protocol_type: "consumer".into(),
            protocols: protocols(bits),
            reason: None,
            api_version,
        };
        self.request_as(&group_id, &member_id, None, Request::Join(join));
    }

    fn sync(&mut self, member: Member) {
        let Member { group_id, member_id, instance_id, generation_id } = member;
        // Every leader's assignment is told apart from every other one; and one is forgotten.
        let members = self.members.iter().filter(|other| other.group_id == group_id).skip(1);
        let share = |other: &Member| {
            (other.member_id.clone(), Bytes::from(format!("{}:{}", self.tokens, other.member_id)))
        };
        let sync = Sync {
            group_id: group_id.clone(),
            generation_id,
            member_id: member_id.clone(),
            group_instance_id: instance_id,
            protocol_type: None,
            protocol_name: None,
            assignments: members.map(share).collect(),
            api_version: 4,
        };
        self.request_as(&group_id, &member_id, None, Request::Sync(sync));
    }

    fn commit(&mut self, member: Member, partition: i32, retention_ms: Option<i64>) {
        let Member { group_id, member_id, instance_id, generation_id } = member;
        let offset = self.tokens as i64;
        // Versions that can ask for a retention know neither epochs nor topic ids.
        let (leader_epoch, topic_id, api_version) = match retention_ms {
            Some(_) => (-1, Uuid::nil(), 4),
            None => (1, Uuid::from_u128(9), 10),
        };
        let partition = CommitPartition { partition, offset, leader_epoch, metadata: "m".into() };
        let commit = CommitOffsets {
            group_id: group_id.clone(),
            generation_id,
            member_id: member_id.clone(),
            group_instance_id: instance_id,
            retention_time_ms: retention_ms,
            topics: partitions(partition, topic_id),
            api_version,
        };
        self.request_as(&group_id, &member_id, Some(offset), Request::CommitOffsets(commit));
    }

    fn request(&mut self, group_id: &Name, request: Request) {
        self.request_as(group_id, &Name::default(), None, request);
    }

    fn request_as(
        &mut self,
        group_id: &Name,
        member_id: &Name,
        offset: Option<i64>,
        request: Request,
    ) {
        self.tokens += 1;
        let token = ReplyToken(self.tokens);
        let (group_id, member_id) = (group_id.clone(), member_id.clone());
        self.waiting.insert(token, Waiting { group_id, member_id, offset });
        let effects = self.coordinator.handle(token, request, self.now_ms);
        self.observe(effects);
    }

    fn advance(&mut self, by_ms: i64) {
        let until_ms = self.now_ms + by_ms;
        while let Some(due_ms) = self.coordinator.next_timer_ms().filter(|due| *due <= until_ms) {
            self.now_ms = self.now_ms.max(due_ms);
            let effects = self.coordinator.tick(self.now_ms);
            self.observe(effects);
            self.check();
        }
        self.now_ms = until_ms;
    }

    fn write_one(&mut self, result: Result<(), WriteError>) {
        let Some(write) = self.in_flight.pop_front() else { return };
        if result.is_ok() {
            self.log.extend(write.records);
        }
        let effects = self.coordinator.written(write.id, result, self.now_ms);
        self.observe(effects);
    }

    /// The log keeps up.
    pub(super) fn write_all(&mut self) {
        while !self.in_flight.is_empty() {
            self.write_one(Ok(()));
            self.check();
        }
    }

    /// The shard moves, and some of what was in flight made it into the log.
    pub(super) fn reload(&mut self, appended: usize) {
        for write in std::mem::take(&mut self.in_flight).into_iter().take(appended) {
            self.log.extend(write.records);
        }
        let (loaded, effects) = self.load();
        let replies = std::mem::replace(&mut self.coordinator, loaded).unload();
        self.observe(Effects { replies, writes: Vec::new() });
        assert!(self.waiting.is_empty(), "an unloaded shard leaves nobody waiting");
        self.observe(effects);
    }

    fn load(&self) -> (Coordinator, Effects) {
        let mut loading = Loading::new(config());
        for record in &self.log {
            loading.replay(&record.key, record.value.as_ref()).expect("what was written is read");
        }
        loading.finish(self.now_ms)
    }

    /// Checks answers, and lets clients learn from them.
    fn observe(&mut self, effects: Effects) {
        let mut generations: BTreeMap<Name, BTreeSet<i32>> = BTreeMap::new();
        for (token, reply) in effects.replies {
            let waiting = self.waiting.remove(&token).expect("a token is answered once");
            let group_id = &waiting.group_id;
            match reply {
                Reply::Join(JoinReply { member_id, result: Ok(joined) }) => {
                    generations.entry(group_id.clone()).or_default().insert(joined.generation_id);
                    let is_listed = joined.members.iter().any(|it| it.member_id == member_id);
                    assert!(joined.members.is_empty() || is_listed, "a leader is a member");
                    self.learn(group_id, &member_id, joined.generation_id);
                }
                Reply::Join(JoinReply { member_id, result: Err(GroupError::MemberIdRequired) }) => {
                    self.learn(group_id, &member_id, -1);
                }
                Reply::Join(JoinReply { result: Err(error), .. })
                | Reply::Sync(Err(error))
                | Reply::Heartbeat(Err(error)) => {
                    if matches!(error, GroupError::UnknownMemberId | GroupError::FencedInstanceId) {
                        self.forget(group_id, &waiting.member_id);
                    }
                }
                Reply::Sync(Ok(synced)) => self.check_synced(&waiting, &synced),
                Reply::CommitOffsets(topics) => {
                    for partition in topics.iter().flat_map(|topic| &topic.partitions) {
                        let mut logged = self.logged(group_id, partition.partition).into_iter();
                        let is_logged = logged.any(|offset| Some(offset) == waiting.offset);
                        assert!(
                            partition.result.is_err() || is_logged,
                            "commits are written first"
                        );
                    }
                }
                Reply::FetchOffsets(Ok(topics)) => {
                    for found in topics.iter().flat_map(|topic| &topic.partitions) {
                        let logged = self.logged(group_id, found.partition);
                        let is_logged = logged.contains(&found.offset);
                        assert!(found.offset == -1 || is_logged, "only written offsets are seen");
                    }
                }
                _ => {}
            }
        }
        assert!(generations.values().all(|it| it.len() == 1), "one round, one generation");
        self.in_flight.extend(effects.writes);
    }

    fn learn(&mut self, group_id: &Name, member_id: &Name, generation_id: i32) {
        let member = self.coordinator.groups.get(group_id).and_then(|it| it.members.get(member_id));
        let instance_id = member.and_then(|member| member.group_instance_id.clone());
        self.forget(group_id, member_id);
        let (group_id, member_id) = (group_id.clone(), member_id.clone());
        self.members.push(Member { group_id, member_id, instance_id, generation_id });
    }

    fn forget(&mut self, group_id: &Name, member_id: &Name) {
        self.members.retain(|it| (&it.group_id, &it.member_id) != (group_id, member_id));
    }

    /// An assignment that a member is told is in the log, for that member.
    fn check_synced(&self, waiting: &Waiting, synced: &Synced) {
        let is_logged = self.log.iter().any(|record| match decoded(record) {
            Entry::Group(id, Some(group)) => {
                id == waiting.group_id
                    && group.members.iter().any(|member| {
                        member.member_id == waiting.member_id
                            && member.assignment == synced.assignment
                    })
            }
            _ => false,
        });
        assert!(is_logged, "an assignment is written first");
    }

    /// Offsets that the log holds, or held, for a partition of the one topic.
    fn logged(&self, group_id: &Name, partition: i32) -> Vec<i64> {
        let found = self.log.iter().filter_map(|record| match decoded(record) {
            Entry::Offset(key, Some(value)) => {
                (key.group_id == *group_id && key.partition == partition).then_some(value.offset)
            }
            _ => None,
        });
        found.collect()
    }

    /// What holds after every event.
    pub(super) fn check(&self) {
        let timers = &self.coordinator.context.timers;
        assert!(timers.is_armed(&Timer::OffsetExpiry));
        for group in self.coordinator.groups.values() {
            group.check();
            let is_assigning = self.coordinator.context.is_assigning(group);
            assert!(!group.is_assigning || is_assigning, "an assignment has an end");
            let group_id = group.id.clone();
            match group.state {
                State::PreparingRebalance => assert!(timers.is_armed(&Timer::Join { group_id })),
                State::CompletingRebalance if group.pending_sync.is_empty() => {
                    assert!(group.is_assigning, "all have synced, so the leader has");
                }
                State::CompletingRebalance => assert!(timers.is_armed(&Timer::Sync { group_id })),
                State::Stable | State::Empty | State::Dead => {}
            }
            let waiting = group.members.values().filter(|member| member.is_waiting());
            let waiting: BTreeSet<&Name> = waiting.map(|member| &member.id).collect();
            for member_id in group.members.keys().chain(&group.pending_members) {
                let (group_id, member_id) = (group.id.clone(), member_id.clone());
                let is_excused = waiting.contains(&member_id);
                let is_watched = timers.is_armed(&Timer::Session { group_id, member_id });
                assert!(is_watched || is_excused, "every member can time out");
            }
        }
    }

    /// Compares the shard with one that is loaded from its log.
    pub(super) fn check_replay(&self) {
        let (loaded, effects) = self.load();
        assert_eq!(effects, Effects::default(), "what was written is within bounds");
        for group_id in loaded.groups.keys() {
            assert!(self.coordinator.groups.contains_key(group_id), "{group_id} is too many");
        }
        for group in self.coordinator.groups.values() {
            let twin = loaded.groups.get(&group.id).expect("a group in memory is in the log");
            // Others are on their way to something that is not written yet.
            if matches!(group.state, State::Stable | State::Empty) {
                assert_eq!(durable(group), durable(twin));
            }
            let offsets: Vec<_> = self.coordinator.offsets.committed_of(&group.id).collect();
            let twin_offsets: Vec<_> = loaded.offsets.committed_of(&group.id).collect();
            assert_eq!(offsets, twin_offsets);
        }
        assert_eq!(self.coordinator.offsets.count(), loaded.offsets.count());
    }
}

/// The part of a group that its record holds.
fn durable(group: &Group) -> impl PartialEq + std::fmt::Debug {
    let protocol_name = group.protocol_name.clone().unwrap_or_default();
    let members = group.members.values().map(|member| {
        (
            (member.id.clone(), member.group_instance_id.clone()),
            (member.client_id.clone(), member.client_host.clone()),
            (member.session_timeout_ms, member.rebalance_timeout_ms),
            member.metadata(&protocol_name),
            member.assignment.clone(),
        )
    });
    let was_emptied = group.state == State::Empty && group.generation_id > 0;
    (
        (group.id.clone(), group.state, group.generation_id, group.leader.clone()),
        (group.protocol_type.clone(), group.protocol_name.clone()),
        group.subscribed_topics.clone(),
        group.state_timestamp_ms.filter(|_| was_emptied),
        members.collect::<Vec<_>>(),
    )
}

fn decoded(record: &Record) -> Entry {
    let entry = records::decode(&record.key, record.value.as_ref()).expect("it was written");
    entry.expect("it is of a known kind")
}
