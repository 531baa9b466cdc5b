//! Where partitions begin and end.

use std::collections::BTreeMap;

use anyhow::Result;
use kafka::ErrorCode;
use kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use kafka::messages::{ListOffsetsRequest, MetadataResponse};

use super::Client;

/// Ask for the end of a partition.
pub(crate) const LATEST: i64 = -1;
/// Ask for its beginning.
pub(crate) const EARLIEST: i64 = -2;

/// Topic and partition.
pub(crate) type PartitionName = (String, i32);
/// Offsets, or why there is none.
pub(crate) type Offsets = BTreeMap<PartitionName, std::result::Result<i64, ErrorCode>>;

impl Client {
    /// The offset of the first record at or after a timestamp ([`LATEST`], [`EARLIEST`], or
    /// milliseconds) for every partition of the topics in `metadata`. Past the last record the
    /// answer is -1.
    pub(crate) async fn offsets(
        &mut self,
        metadata: &MetadataResponse,
        timestamp: i64,
    ) -> Result<Offsets> {
        let mut offsets = Offsets::new();
        let mut by_leader: BTreeMap<i32, BTreeMap<String, Vec<i32>>> = BTreeMap::new();
        for topic in &metadata.topics {
            let name = topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
            for partition in &topic.partitions {
                let number = partition.partition_index;
                if partition.leader_id < 0 {
                    offsets.insert((name.clone(), number), Err(ErrorCode::LeaderNotAvailable));
                    continue;
                }
                let topics = by_leader.entry(partition.leader_id).or_default();
                topics.entry(name.clone()).or_default().push(number);
            }
        }
        for (leader, topics) in by_leader {
            let topics = topics.into_iter().map(|(name, partitions)| ListOffsetsTopic {
                name: name.into(),
                partitions: partitions
                    .into_iter()
                    .map(|partition_index| ListOffsetsPartition {
                        partition_index,
                        timestamp,
                        ..Default::default()
                    })
                    .collect(),
            });
            let request = ListOffsetsRequest {
                replica_id: -1,
                topics: topics.collect(),
                ..Default::default()
            };
            let response = self.call_broker(leader, &request).await?;
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let offset = match ErrorCode::from(partition.error_code) {
                        ErrorCode::None => Ok(partition.offset),
                        error => Err(error),
                    };
                    offsets.insert((topic.name.to_string(), partition.partition_index), offset);
                }
            }
        }
        Ok(offsets)
    }
}
