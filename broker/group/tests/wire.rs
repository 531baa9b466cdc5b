//! Requests and responses of every version that is served, through `group::wire`.

use std::collections::BTreeSet;

use bytes::Bytes;
use group::reply::{
    DescribedGroup, DescribedMember, FetchedOffset, JoinReply, Joined, JoinedMember, LeftMember,
    ListedGroup, PartitionResult, Synced,
};
use group::wire::{self, Client, Topic};
use group::{GroupError, Name, Request, State, TopicPartitions};
use kafka::messages::*;
use kafka::{Decoder, Encoder, ErrorCode, Message, Str};
use uuid::Uuid;

/// A message as the other side reads it, in one version.
fn sent<M: Message>(message: &M, version: i16) -> M {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version).unwrap();
    M::decode(&mut Decoder::new(encoder.finish().to_bytes()), version).unwrap()
}

fn known(name: &str, id: Uuid) -> Result<Topic, ErrorCode> {
    match (name, id.as_u128()) {
        ("t", _) | (_, 7) => Ok(Topic { name: "t".into(), id: Uuid::from_u128(7) }),
        ("", _) => Err(ErrorCode::UnknownTopicId),
        _ => Err(ErrorCode::UnknownTopicOrPartition),
    }
}

#[test]
fn joins_of_all_versions() {
    let client = Client { id: "c", host: "/127.0.0.1" };
    for version in JoinGroupRequest::VERSIONS {
        let request = JoinGroupRequest {
            group_id: "g".into(),
            session_timeout_ms: 10,
            rebalance_timeout_ms: if version == 0 { -1 } else { 20 },
            member_id: "m".into(),
            group_instance_id: (version >= 5).then(|| "i".into()),
            protocol_type: "consumer".into(),
            protocols: vec![join_group::JoinGroupRequestProtocol {
                name: "range".into(),
                metadata: Bytes::from("meta"),
            }],
            reason: Some("why".into()),
        };
        let join = wire::join(&sent(&request, version), version, client, Uuid::nil());
        assert_eq!(join.rebalance_timeout_ms, if version == 0 { 10 } else { 20 });
        assert_eq!(join.group_instance_id.is_some(), version >= 5);
        assert_eq!(join.reason.is_some(), version >= 8);
        assert_eq!((&*join.client_id, &*join.client_host), ("c", "/127.0.0.1"));
        assert_eq!(&*join.protocols[0].metadata, b"meta");

        let refused = JoinReply { member_id: "m".into(), result: Err(GroupError::UnknownMemberId) };
        let response = sent(&wire::join_response(&refused, version), version);
        assert_eq!(response.error_code, ErrorCode::UnknownMemberId as i16);
        assert_eq!(response.generation_id, -1);

        let joined = Joined {
            generation_id: 3,
            protocol_type: Some("consumer".into()),
            protocol_name: None,
            leader: "m".into(),
            skip_assignment: version >= 9,
            members: vec![JoinedMember {
                member_id: "m".into(),
                group_instance_id: Some("i".into()),
                metadata: Bytes::from("meta"),
            }],
        };
        let reply = JoinReply { member_id: "m".into(), result: Ok(joined) };
        let response = sent(&wire::join_response(&reply, version), version);
        assert_eq!((response.error_code, response.generation_id), (0, 3));
        assert_eq!(response.protocol_name, (version < 7).then(Str::new), "null is a newer thing");
        assert_eq!(response.members[0].group_instance_id.is_some(), version >= 5);
    }
}

#[test]
fn syncs_heartbeats_and_leaves_of_all_versions() {
    for version in SyncGroupRequest::VERSIONS {
        let request = SyncGroupRequest {
            group_id: "g".into(),
            generation_id: 2,
            member_id: "m".into(),
            protocol_name: Some("range".into()),
            assignments: vec![sync_group::SyncGroupRequestAssignment {
                member_id: "m".into(),
                assignment: Bytes::from("x"),
            }],
            ..Default::default()
        };
        let sync = wire::sync(&sent(&request, version), version);
        assert_eq!(sync.protocol_name.is_some(), version >= 5);
        assert_eq!(sync.assignments, vec![(Name::from("m"), Bytes::from("x"))]);
        let synced = Synced {
            protocol_type: Some("consumer".into()),
            protocol_name: Some("range".into()),
            assignment: Bytes::from("x"),
        };
        let response = sent(&wire::sync_response(&Ok(synced)), version);
        assert_eq!((response.error_code, &*response.assignment), (0, &b"x"[..]));
        let response = sent(&wire::sync_response(&Err(GroupError::RebalanceInProgress)), version);
        assert_eq!(response.error_code, ErrorCode::RebalanceInProgress as i16);
    }
    for version in HeartbeatRequest::VERSIONS {
        let request =
            HeartbeatRequest { group_id: "g".into(), generation_id: 2, ..Default::default() };
        assert_eq!(wire::heartbeat(&sent(&request, version)).generation_id, 2);
        let response = wire::heartbeat_response(Err(GroupError::IllegalGeneration));
        assert_eq!(sent(&response, version).error_code, ErrorCode::IllegalGeneration as i16);
    }
    for version in LeaveGroupRequest::VERSIONS {
        let mut request = LeaveGroupRequest { group_id: "g".into(), ..Default::default() };
        match version {
            ..=2 => request.member_id = "m".into(),
            _ => {
                request.members = vec![leave_group::MemberIdentity {
                    member_id: "m".into(),
                    group_instance_id: Some("i".into()),
                    reason: None,
                }]
            }
        }
        let leave = wire::leave(&sent(&request, version), version);
        assert_eq!(&*leave.members[0].member_id, "m");
        let left = LeftMember {
            member_id: "m".into(),
            group_instance_id: None,
            result: Err(GroupError::FencedInstanceId),
        };
        let response = sent(&wire::leave_response(&Ok(vec![left]), version), version);
        let fenced = ErrorCode::FencedInstanceId as i16;
        // One member had one error; since there are several, each has its own.
        match version {
            ..=2 => assert_eq!(response.error_code, fenced),
            _ => assert_eq!((response.error_code, response.members[0].error_code), (0, fenced)),
        }
        let refused = Err(GroupError::NotCoordinator);
        let response = sent(&wire::leave_response(&refused, version), version);
        assert_eq!(response.error_code, ErrorCode::NotCoordinator as i16);
    }
}

#[test]
fn commits_of_all_versions() {
    for version in OffsetCommitRequest::VERSIONS {
        let topic = |name: &str, id: u128| offset_commit::OffsetCommitRequestTopic {
            name: name.into(),
            topic_id: Uuid::from_u128(id),
            partitions: vec![offset_commit::OffsetCommitRequestPartition {
                partition_index: 1,
                committed_offset: 5,
                committed_leader_epoch: 4,
                committed_metadata: None,
            }],
        };
        let request = OffsetCommitRequest {
            group_id: "g".into(),
            generation_id_or_member_epoch: 2,
            member_id: "m".into(),
            group_instance_id: None,
            retention_time_ms: 9,
            topics: vec![topic("t", 7), topic("gone", 8)],
        };
        let (commit, refused) = wire::commit_offsets(&sent(&request, version), version, known);
        assert_eq!(commit.retention_time_ms, (version <= 4).then_some(9));
        assert_eq!(commit.topics.len(), 1);
        assert_eq!((&*commit.topics[0].topic, commit.topics[0].topic_id.as_u128()), ("t", 7));
        let partition = &commit.topics[0].partitions[0];
        assert_eq!((partition.partition, partition.offset), (1, 5));
        assert_eq!(partition.leader_epoch, if version >= 6 { 4 } else { -1 });

        let reply = [TopicPartitions {
            topic: "t".into(),
            topic_id: Uuid::from_u128(7),
            partitions: vec![PartitionResult { partition: 1, result: Ok(()) }],
        }];
        let response = sent(&wire::commit_offsets_response(&reply, refused), version);
        let unknown = match version {
            10.. => ErrorCode::UnknownTopicId,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        let codes: BTreeSet<i16> =
            response.topics.iter().map(|topic| topic.partitions[0].error_code).collect();
        assert_eq!(codes, BTreeSet::from([0, unknown as i16]));
    }
}

#[test]
fn fetches_of_all_versions() {
    for version in OffsetFetchRequest::VERSIONS {
        let mut request = OffsetFetchRequest { require_stable: version >= 7, ..Default::default() };
        match version {
            ..=7 => {
                request.group_id = "g".into();
                request.topics = Some(vec![
                    offset_fetch::OffsetFetchRequestTopic {
                        name: "t".into(),
                        partition_indexes: vec![1],
                    },
                    offset_fetch::OffsetFetchRequestTopic {
                        name: "gone".into(),
                        partition_indexes: vec![2],
                    },
                ]);
            }
            _ => {
                let topic = |name: &str, id| offset_fetch::OffsetFetchRequestTopics {
                    name: name.into(),
                    topic_id: Uuid::from_u128(id),
                    partition_indexes: vec![1],
                };
                let group = |id: &str, topics| offset_fetch::OffsetFetchRequestGroup {
                    group_id: id.into(),
                    topics,
                    ..Default::default()
                };
                request.groups =
                    vec![group("g", Some(vec![topic("t", 7), topic("gone", 8)])), group("h", None)];
            }
        }
        let request = sent(&request, version);
        let groups = wire::fetch_offsets(&request, version, |_, name, id| known(name, id));
        assert_eq!(groups.len(), if version >= 8 { 2 } else { 1 });
        assert_eq!(groups[0].request.require_stable, version >= 7);
        let topics = groups[0].request.topics.as_ref().unwrap();
        assert_eq!((topics.len(), &topics[0].partitions), (1, &vec![1]));
        assert!(groups[1..].iter().all(|group| group.request.topics.is_none()));

        let found = TopicPartitions {
            topic: "t".into(),
            topic_id: Uuid::from_u128(7),
            partitions: vec![FetchedOffset {
                partition: 1,
                offset: 5,
                leader_epoch: 4,
                metadata: "note".into(),
            }],
        };
        let reply = Ok(vec![found]);
        let answered = groups.clone().into_iter();
        let answered = answered.map(|group| wire::fetch_offsets_group(group, &reply)).collect();
        let response = sent(&wire::fetch_offsets_response(&request, answered, version), version);
        let offsets: Vec<i64> = match version {
            ..=7 => response.topics.iter().map(|it| it.partitions[0].committed_offset).collect(),
            _ => response.groups[0]
                .topics
                .iter()
                .map(|it| it.partitions[0].committed_offset)
                .collect(),
        };
        assert_eq!(offsets, [-1, 5]);

        // An error of the whole group is where each version has a place for it.
        let reply = Err(GroupError::NotCoordinator);
        let answered = groups.into_iter();
        let answered = answered.map(|group| wire::fetch_offsets_group(group, &reply)).collect();
        let response = sent(&wire::fetch_offsets_response(&request, answered, version), version);
        let code = match version {
            1 => response.topics[1].partitions[0].error_code,
            2..=7 => response.error_code,
            _ => response.groups[1].error_code,
        };
        assert_eq!(code, ErrorCode::NotCoordinator as i16);
    }
}

#[test]
fn administration_of_all_versions() {
    let request = OffsetDeleteRequest {
        group_id: "g".into(),
        topics: ["t", "gone"]
            .map(|name| offset_delete::OffsetDeleteRequestTopic {
                name: name.into(),
                partitions: vec![offset_delete::OffsetDeleteRequestPartition {
                    partition_index: 1,
                }],
            })
            .into(),
    };
    let resolve = |name: &str| known(name, Uuid::nil());
    let (delete, refused) = wire::delete_offsets(&sent(&request, 0), resolve);
    assert_eq!((delete.topics.len(), refused.len()), (1, 1));
    let subscribed =
        PartitionResult { partition: 1, result: Err(GroupError::GroupSubscribedToTopic) };
    let reply = Ok(vec![delete.topics[0].clone()]
        .into_iter()
        .map(|topic| TopicPartitions {
            topic: topic.topic,
            topic_id: topic.topic_id,
            partitions: vec![subscribed.clone()],
        })
        .collect());
    let response = sent(&wire::delete_offsets_response(&reply, refused), 0);
    let codes = response.topics.iter().map(|topic| topic.partitions[0].error_code);
    let expected = [ErrorCode::UnknownTopicOrPartition, ErrorCode::GroupSubscribedToTopic];
    assert_eq!(codes.collect::<Vec<_>>(), expected.map(|code| code as i16));
    let refused = Err(GroupError::NonEmptyGroup);
    let response = sent(&wire::delete_offsets_response(&refused, Vec::new()), 0);
    assert_eq!(response.error_code, ErrorCode::NonEmptyGroup as i16);

    for version in DescribeGroupsRequest::VERSIONS {
        let group = DescribedGroup {
            state: State::Stable,
            protocol_type: "consumer".into(),
            protocol_name: "range".into(),
            members: vec![DescribedMember {
                member_id: "m".into(),
                group_instance_id: Some("i".into()),
                client_id: "c".into(),
                client_host: "/127.0.0.1".into(),
                metadata: Bytes::from("meta"),
                assignment: Bytes::from("x"),
            }],
        };
        let mut groups = vec![wire::described_group(&"g".into(), &Ok(group))];
        if version >= 6 {
            groups.push(wire::described_group(&"h".into(), &Err(GroupError::GroupIdNotFound)));
        }
        let response = DescribeGroupsResponse { groups, ..Default::default() };
        let response = sent(&response, version);
        assert_eq!(response.groups[0].group_state, "Stable");
        assert_eq!(&*response.groups[0].members[0].member_assignment, b"x");
        if let Some(unknown) = response.groups.get(1) {
            assert_eq!(unknown.error_code, ErrorCode::GroupIdNotFound as i16);
            assert_eq!(unknown.group_state, "Dead");
            assert_eq!(unknown.error_message.as_deref(), Some("Group h not found."));
        }
    }
    for version in ListGroupsRequest::VERSIONS {
        let request = ListGroupsRequest {
            states_filter: if version >= 4 { vec!["Stable".into()] } else { Vec::new() },
            types_filter: if version >= 5 { vec!["classic".into()] } else { Vec::new() },
        };
        let list = wire::list_groups(&sent(&request, version));
        assert_eq!(
            (list.states.len(), list.types.len()),
            ((version >= 4).into(), (version >= 5).into())
        );
        let listed = [ListedGroup {
            group_id: "g".into(),
            protocol_type: "consumer".into(),
            state: State::Stable,
        }];
        let response = sent(&wire::list_groups_response(&listed), version);
        assert_eq!(response.groups[0].group_id, "g");
        assert_eq!(response.groups[0].group_type, if version >= 5 { "classic" } else { "" });
    }
    for version in DeleteGroupsRequest::VERSIONS {
        let results = vec![wire::deleted_group(&"g".into(), Err(GroupError::NonEmptyGroup))];
        let response = sent(&DeleteGroupsResponse { results, ..Default::default() }, version);
        assert_eq!(response.results[0].error_code, ErrorCode::NonEmptyGroup as i16);
    }
}

#[test]
fn a_refusal_fits_every_request() {
    let heartbeat = wire::heartbeat(&HeartbeatRequest::default());
    let heartbeat = Request::Heartbeat(heartbeat);
    let loading = GroupError::CoordinatorLoadInProgress;
    assert_eq!(heartbeat.refuse(loading), group::Reply::Heartbeat(Ok(())), "sessions go on");
    assert_eq!(
        heartbeat.refuse(GroupError::NotCoordinator),
        group::Reply::Heartbeat(Err(GroupError::NotCoordinator))
    );
    let leave = wire::leave(&LeaveGroupRequest { member_id: "m".into(), ..Default::default() }, 2);
    let group::Reply::Leave(Ok(left)) = Request::Leave(leave).refuse(GroupError::UnknownMemberId)
    else {
        panic!("a leave is refused member by member");
    };
    assert_eq!(left[0].result, Err(GroupError::UnknownMemberId));
}
