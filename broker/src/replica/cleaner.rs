//! Compaction in the background: of all compacted logs, the dirtiest is cleaned first, one at a time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use partition_log::{CleanError, OffsetMap, checkpoint};

use super::{Partition, Replicas};
use crate::clock::now_ms;

/// Logs that are cleaned in one round before the thread looks for retention and the rest.
const CLEANINGS_PER_ROUND: usize = 64;

pub struct CleanerOptions {
    /// `log.cleaner.enable`
    pub enabled: bool,
    /// `log.cleaner.backoff.ms`
    pub backoff: Duration,
    /// `log.cleaner.dedupe.buffer.size`
    pub dedupe_buffer_bytes: usize,
    /// `log.cleaner.io.max.bytes.per.second`
    pub bytes_per_second_max: f64,
}

pub struct Cleaner {
    pub options: CleanerOptions,
    pub replicas: Arc<Replicas>,
}

/// Where the last cleaning of each log ended, by directory.
type CleanedUpTo = Vec<BTreeMap<(String, i32), i64>>;

impl Cleaner {
    /// Runs until the task is dropped.
    pub async fn run(self) {
        if !self.options.enabled {
            return;
        }
        let this = Arc::new(self);
        let mut cleaned: CleanedUpTo = this
            .replicas
            .directories()
            .iter()
            .map(|it| checkpoint::read(&it.path, checkpoint::CLEANER_OFFSETS).unwrap_or_default())
            .collect();
        loop {
            tokio::time::sleep(this.options.backoff).await;
            let round = this.clone();
            let before = std::mem::take(&mut cleaned);
            match tokio::task::spawn_blocking(move || round.round(before)).await {
                Ok(after) => cleaned = after,
                Err(error) => return tracing::error!("the log cleaner has ended: {error}"),
            }
        }
    }

    fn round(&self, mut cleaned: CleanedUpTo) -> CleanedUpTo {
        for _ in 0..CLEANINGS_PER_ROUND {
            let Some((directory, partition)) = self.dirtiest(&cleaned) else { break };
            let id = (partition.id.topic.to_string(), partition.id.partition);
            let checkpoint = cleaned[directory].get(&id).copied();
            match self.clean(&partition, checkpoint) {
                Ok(Some(end_offset)) => {
                    cleaned[directory].insert(id, end_offset);
                    let path = &self.replicas.directories()[directory].path;
                    if let Err(error) =
                        checkpoint::write(path, checkpoint::CLEANER_OFFSETS, &cleaned[directory])
                    {
                        tracing::error!("writing the cleaner's checkpoint: {error}");
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!("{}: cleaning: {error}", partition.id);
                    break;
                }
            }
        }
        cleaned
    }

    fn dirtiest(&self, cleaned: &CleanedUpTo) -> Option<(usize, Arc<Partition>)> {
        let mut found: Option<(f64, usize, Arc<Partition>)> = None;
        for (directory, checkpoints) in cleaned.iter().enumerate() {
            for partition in self.replicas.in_directory(directory) {
                let id = (partition.id.topic.to_string(), partition.id.partition);
                let checkpoint = checkpoints.get(&id).copied();
                let ratio = partition.with_log(|log, high_watermark| {
                    if !log.config().compact {
                        return None;
                    }
                    let cleanable = log.cleanable(checkpoint, high_watermark, now_ms()).ok()?;
                    let due = cleanable.dirty_bytes > 0 && cleanable.is_due(log.config());
                    due.then(|| cleanable.dirty_ratio())
                });
                if let Some(Some(ratio)) = ratio
                    && found.as_ref().is_none_or(|it| it.0 < ratio)
                {
                    found = Some((ratio, directory, partition));
                }
            }
        }
        found.map(|(_, directory, partition)| (directory, partition))
    }

    /// Cleans one log; `None` when it is gone. Only planning and swapping hold its lock.
    fn clean(
        &self,
        partition: &Partition,
        checkpoint: Option<i64>,
    ) -> Result<Option<i64>, CleanError> {
        let now_ms = now_ms();
        let planned = partition.with_log(|log, high_watermark| {
            let cleanable = log.cleanable(checkpoint, high_watermark, now_ms)?;
            log.plan_cleaning(cleanable)
        });
        let Some(plan) = planned.transpose()? else { return Ok(None) };
        let mut map = OffsetMap::new(self.options.dedupe_buffer_bytes);
        let started = Instant::now();
        let mut bytes_done = 0f64;
        let rate = self.options.bytes_per_second_max;
        let cleaned = plan.execute(&mut map, now_ms, &mut |bytes| {
            bytes_done += bytes as f64;
            let ahead = bytes_done / rate - started.elapsed().as_secs_f64();
            if ahead > 0.0 {
                std::thread::sleep(Duration::from_secs_f64(ahead.min(1.0)));
            }
            ControlFlow::Continue(())
        })?;
        let finished = partition.with_log(|log, _| log.finish_cleaning(cleaned, now_ms));
        finished.transpose()
    }
}
