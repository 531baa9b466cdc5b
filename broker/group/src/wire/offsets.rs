//! OffsetCommit, OffsetFetch and OffsetDelete.
//!
//! The broker decides what this crate cannot: whether a topic exists, what its id or name is, and
//! who may see it. It therefore gives a `resolve` function; topics which that refuses come back in
//! a form ready for the response, and the shard never hears of them.

use kafka::messages::offset_commit::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka::messages::offset_delete::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka::messages::offset_fetch::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use kafka::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse,
    OffsetFetchRequest, OffsetFetchResponse,
};
use kafka::{ErrorCode, Str};
use uuid::Uuid;

use super::{code, name, string};
use crate::reply::{FetchedOffset, GroupError, PartitionResult};
use crate::request::{CommitOffsets, CommitPartition, DeleteOffsets, FetchOffsets};
use crate::{Name, TopicPartitions};

/// A topic, as the broker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: Name,
    /// Its id; zero if the broker gives topics none.
    pub id: Uuid,
}

/// OffsetCommit, and those of its topics that `resolve` refuses by name (until version 9) or id.
pub fn commit_offsets(
    request: &OffsetCommitRequest,
    api_version: i16,
    mut resolve: impl FnMut(&str, Uuid) -> Result<Topic, ErrorCode>,
) -> (CommitOffsets, Vec<OffsetCommitResponseTopic>) {
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut refused = Vec::new();
    for topic in &request.topics {
        match resolve(&topic.name, topic.topic_id) {
            Ok(Topic { name, id }) => {
                let partitions = topic.partitions.iter().map(|partition| CommitPartition {
                    partition: partition.partition_index,
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.as_deref().unwrap_or("").to_owned(),
                });
                let partitions = partitions.collect();
                topics.push(TopicPartitions { topic: name, topic_id: id, partitions });
            }
            Err(error) => refused.push(OffsetCommitResponseTopic {
                name: topic.name.clone(),
                topic_id: topic.topic_id,
                partitions: topic
                    .partitions
                    .iter()
                    .map(|partition| OffsetCommitResponsePartition {
                        partition_index: partition.partition_index,
                        error_code: error as i16,
                    })
                    .collect(),
            }),
        }
    }
    let commit = CommitOffsets {
        group_id: name(&request.group_id),
        generation_id: request.generation_id_or_member_epoch,
        member_id: name(&request.member_id),
        group_instance_id: request.group_instance_id.as_ref().map(name),
        retention_time_ms: Some(request.retention_time_ms).filter(|ms| *ms != -1),
        topics,
        api_version,
    };
    (commit, refused)
}

/// The answer to OffsetCommit, the refused topics included.
pub fn commit_offsets_response(
    reply: &[TopicPartitions<PartitionResult>],
    refused: Vec<OffsetCommitResponseTopic>,
) -> OffsetCommitResponse {
    let mut topics = refused;
    topics.extend(reply.iter().map(|topic| {
        OffsetCommitResponseTopic {
            name: string(&topic.topic),
            topic_id: topic.topic_id,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| OffsetCommitResponsePartition {
                    partition_index: partition.partition,
                    error_code: code(partition.result),
                })
                .collect(),
        }
    }));
    OffsetCommitResponse { topics, ..Default::default() }
}

/// One group of an OffsetFetch.
#[derive(Clone, Debug)]
pub struct FetchGroup {
    /// What its shard is asked.
    pub request: FetchOffsets,
    /// Topics that were refused.
    pub refused: Vec<OffsetFetchResponseTopics>,
}

/// OffsetFetch: one group until version 7, several since, each with the topics that `resolve`
/// refuses by name (until version 9) or id.
pub fn fetch_offsets(
    request: &OffsetFetchRequest,
    api_version: i16,
    mut resolve: impl FnMut(&Name, &str, Uuid) -> Result<Topic, ErrorCode>,
) -> Vec<FetchGroup> {
    let mut fetch = |group_id: &Str, topics: Option<Vec<(&Str, Uuid, &Vec<i32>)>>| {
        let group_id = name(group_id);
        let mut refused = Vec::new();
        let topics = topics.map(|topics| {
            let resolved = topics.into_iter().filter_map(|(topic, id, partitions)| {
                match resolve(&group_id, topic, id) {
                    Ok(Topic { name, id }) => {
                        let partitions = partitions.clone();
                        Some(TopicPartitions { topic: name, topic_id: id, partitions })
                    }
                    Err(error) => {
                        let partitions = partitions.iter();
                        refused.push(OffsetFetchResponseTopics {
                            name: topic.clone(),
                            topic_id: id,
                            partitions: partitions.map(|p| no_offset(*p, error as i16)).collect(),
                        });
                        None
                    }
                }
            });
            resolved.collect()
        });
        let request = FetchOffsets { group_id, topics, require_stable: request.require_stable };
        FetchGroup { request, refused }
    };
    if api_version < 8 {
        let topics = request.topics.as_ref().map(|topics| {
            topics.iter().map(|it| (&it.name, Uuid::nil(), &it.partition_indexes)).collect()
        });
        return vec![fetch(&request.group_id, topics)];
    }
    let groups = request.groups.iter().map(|group| {
        let topics = group.topics.as_ref().map(|topics| {
            topics.iter().map(|it| (&it.name, it.topic_id, &it.partition_indexes)).collect()
        });
        fetch(&group.group_id, topics)
    });
    groups.collect()
}

/// One group of the answer to OffsetFetch. Whoever may not see all topics gets a `reply` from which
/// the broker has removed those; for version 10 it has put in the ids that it lacks.
pub fn fetch_offsets_group(
    group: FetchGroup,
    reply: &Result<Vec<TopicPartitions<FetchedOffset>>, GroupError>,
) -> OffsetFetchResponseGroup {
    let group_id = string(&group.request.group_id);
    let topics = match reply {
        Err(error) => {
            let error_code = code(Err(*error));
            return OffsetFetchResponseGroup { group_id, error_code, ..Default::default() };
        }
        Ok(topics) => topics,
    };
    let found = topics.iter().map(|topic| OffsetFetchResponseTopics {
        name: string(&topic.topic),
        topic_id: topic.topic_id,
        partitions: topic
            .partitions
            .iter()
            .map(|found| OffsetFetchResponsePartitions {
                partition_index: found.partition,
                committed_offset: found.offset,
                committed_leader_epoch: found.leader_epoch,
                metadata: Some(Str::from(found.metadata.as_str())),
                error_code: 0,
            })
            .collect(),
    });
    let topics = group.refused.into_iter().chain(found).collect();
    OffsetFetchResponseGroup { group_id, topics, error_code: 0 }
}

/// The answer to OffsetFetch, in the form of its version.
pub fn fetch_offsets_response(
    request: &OffsetFetchRequest,
    mut groups: Vec<OffsetFetchResponseGroup>,
    api_version: i16,
) -> OffsetFetchResponse {
    if api_version >= 8 {
        return OffsetFetchResponse { groups, ..Default::default() };
    }
    let group = groups.pop().unwrap_or_default();
    let mut response = OffsetFetchResponse { error_code: group.error_code, ..Default::default() };
    let partition = |it: OffsetFetchResponsePartitions| OffsetFetchResponsePartition {
        partition_index: it.partition_index,
        committed_offset: it.committed_offset,
        committed_leader_epoch: it.committed_leader_epoch,
        metadata: it.metadata,
        error_code: it.error_code,
    };
    if api_version < 2 && group.error_code != 0 {
        // Version 1 has no place for an error of the group, so each partition has it.
        let topics = request.topics.iter().flatten().map(|topic| OffsetFetchResponseTopic {
            name: topic.name.clone(),
            partitions: topic
                .partition_indexes
                .iter()
                .map(|index| partition(no_offset(*index, group.error_code)))
                .collect(),
        });
        response.topics = topics.collect();
    } else {
        let topics = group.topics.into_iter().map(|topic| OffsetFetchResponseTopic {
            name: topic.name,
            partitions: topic.partitions.into_iter().map(partition).collect(),
        });
        response.topics = topics.collect();
    }
    response
}

/// OffsetDelete, and those of its topics that `resolve` refuses.
pub fn delete_offsets(
    request: &OffsetDeleteRequest,
    mut resolve: impl FnMut(&str) -> Result<Topic, ErrorCode>,
) -> (DeleteOffsets, Vec<OffsetDeleteResponseTopic>) {
    let mut topics = Vec::with_capacity(request.topics.len());
    let mut refused = Vec::new();
    for topic in &request.topics {
        let partitions = topic.partitions.iter().map(|partition| partition.partition_index);
        match resolve(&topic.name) {
            Ok(Topic { name, id }) => topics.push(TopicPartitions {
                topic: name,
                topic_id: id,
                partitions: partitions.collect(),
            }),
            Err(error) => refused.push(OffsetDeleteResponseTopic {
                name: topic.name.clone(),
                partitions: partitions
                    .map(|partition_index| OffsetDeleteResponsePartition {
                        partition_index,
                        error_code: error as i16,
                    })
                    .collect(),
            }),
        }
    }
    (DeleteOffsets { group_id: name(&request.group_id), topics }, refused)
}

/// The answer to OffsetDelete, the refused topics included unless the whole was refused.
pub fn delete_offsets_response(
    reply: &Result<Vec<TopicPartitions<PartitionResult>>, GroupError>,
    refused: Vec<OffsetDeleteResponseTopic>,
) -> OffsetDeleteResponse {
    let found = match reply {
        Err(error) => {
            return OffsetDeleteResponse { error_code: code(Err(*error)), ..Default::default() };
        }
        Ok(found) => found,
    };
    let mut topics = refused;
    topics.extend(found.iter().map(|topic| {
        OffsetDeleteResponseTopic {
            name: string(&topic.topic),
            partitions: topic
                .partitions
                .iter()
                .map(|partition| OffsetDeleteResponsePartition {
                    partition_index: partition.partition,
                    error_code: code(partition.result),
                })
                .collect(),
        }
    }));
    OffsetDeleteResponse { topics, ..Default::default() }
}

fn no_offset(partition_index: i32, error_code: i16) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(Str::new()),
        error_code,
    }
}
