//! DescribeLogDirs: what this broker's replicas take on its disks, and how far they are behind.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kafka::messages::describe_log_dirs::{
    DescribeLogDirsPartition, DescribeLogDirsRequest, DescribeLogDirsResponse,
    DescribeLogDirsResult, DescribeLogDirsTopic,
};
use kafka::{ErrorCode, Str};

use super::Context;
use crate::replica::Partition;

pub(super) async fn describe_log_dirs(
    context: Context,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let wanted = request.topics.as_ref().map(|topics| {
        let partitions = topics
            .iter()
            .flat_map(|topic| topic.partitions.iter().map(|partition| (&*topic.topic, *partition)));
        partitions.collect::<BTreeSet<(&str, i32)>>()
    });
    let is_wanted = |partition: &Partition| {
        let id = &partition.id;
        wanted.as_ref().is_none_or(|it| it.contains(&(&*id.topic, id.partition)))
    };
    let replicas = &context.broker.replicas;
    let mut results = Vec::new();
    for (at, directory) in replicas.directories().iter().enumerate() {
        let mut topics: BTreeMap<Arc<str>, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
        for partition in replicas.in_directory(at).iter().filter(|it| is_wanted(it)) {
            // A replica that is being deleted is not there any more.
            let Some(described) = describe(partition) else { continue };
            topics.entry(partition.id.topic.clone()).or_default().push(described);
        }
        let topics = topics.into_iter().map(|(name, mut partitions)| {
            partitions.sort_by_key(|it| it.partition_index);
            DescribeLogDirsTopic { name: Str::from(&*name), partitions }
        });
        let path = directory.path.clone();
        // A disk that is dying answers late, or never.
        let disk = tokio::task::spawn_blocking(move || disk(&path)).await;
        let (absolute, space) = disk.unwrap_or_else(|_| (Str::default(), None));
        let code = if space.is_some() { ErrorCode::None } else { ErrorCode::KafkaStorageError };
        let (total_bytes, usable_bytes) = space.unwrap_or((-1, -1));
        results.push(DescribeLogDirsResult {
            error_code: code.code(),
            log_dir: absolute,
            topics: topics.collect(),
            total_bytes,
            usable_bytes,
            is_cordoned: false,
        });
    }
    DescribeLogDirsResponse { results, ..Default::default() }
}

fn describe(partition: &Partition) -> Option<DescribeLogDirsPartition> {
    partition.with_log(|log, high_watermark| DescribeLogDirsPartition {
        partition_index: partition.id.partition,
        partition_size: i64::try_from(log.size_bytes()).unwrap_or(i64::MAX),
        offset_lag: (high_watermark - log.log_end_offset()).max(0),
        is_future_key: false,
    })
}

/// The absolute path, and (total, usable) bytes of its file system.
fn disk(path: &Path) -> (Str, Option<(i64, i64)>) {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let space = rustix::fs::statvfs(&absolute)
        .inspect_err(|error| tracing::warn!("space in {}: {error}", absolute.display()))
        .ok()
        .map(|it| {
            let bytes = |blocks: u64| i64::try_from(blocks.saturating_mul(it.f_frsize));
            (bytes(it.f_blocks).unwrap_or(i64::MAX), bytes(it.f_bavail).unwrap_or(i64::MAX))
        });
    (Str::from(absolute.to_string_lossy().as_ref()), space)
}
