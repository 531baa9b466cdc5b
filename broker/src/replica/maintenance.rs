//! Background work on logs: checkpoints, retention, flushing.

use std::sync::Arc;
use std::time::Duration;

use partition_log::checkpoint;

use super::Replicas;
use crate::clock::now_ms;

pub struct MaintenanceOptions {
    /// `replica.high.watermark.checkpoint.interval.ms`
    pub checkpoint_interval: Duration,
    /// `log.retention.check.interval.ms`
    pub retention_interval: Duration,
}

pub struct Maintenance {
    pub options: MaintenanceOptions,
    pub replicas: Arc<Replicas>,
}

impl Maintenance {
    /// Runs until the task is dropped.
    pub async fn run(self) {
        let start = tokio::time::Instant::now() + self.options.checkpoint_interval;
        let mut checkpoints = tokio::time::interval_at(start, self.options.checkpoint_interval);
        let start = tokio::time::Instant::now()
            + self.options.retention_interval.min(Duration::from_secs(30));
        let mut retention = tokio::time::interval_at(start, self.options.retention_interval);
        loop {
            tokio::select! {
                _ = checkpoints.tick() => {
                    self.replicas.age_tails();
                    self.blocking(flush).await;
                    self.blocking(write_checkpoints).await;
                }
                _ = retention.tick() => self.blocking(retain).await,
            }
        }
    }

    /// File work of any length, away from the threads that serve clients.
    async fn blocking(&self, work: impl FnOnce(&Replicas) + Send + 'static) {
        let replicas = self.replicas.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || work(&replicas)).await {
            tracing::error!("log maintenance: {error}");
        }
    }
}

/// Syncs sealed segments, so that recovery after an unclean stop reads the active one only, and
/// whatever `flush.ms` asks for. The disk works without any partition's lock.
fn flush(replicas: &Replicas) {
    let now_ms = now_ms();
    for partition in replicas.all() {
        let planned = partition.with_log(|log, _| {
            let to = match log.flush_is_due(now_ms) {
                true => log.log_end_offset(),
                false => log.active_base_offset(),
            };
            log.plan_flush(to)
        });
        match planned.transpose().map(Option::flatten) {
            Ok(None) => {}
            Ok(Some(plan)) => {
                let synced = plan.execute();
                // A log that was deleted meanwhile needs no sync.
                partition.with_log(|log, _| match &synced {
                    Ok(()) => log.flushed(&plan),
                    // What the page cache dropped, a second attempt would call synced.
                    Err(error) => {
                        log.failed();
                        replicas.disks().fail(error);
                    }
                });
            }
            Err(error) => replicas.disks().report(&error),
        }
    }
}

/// Writes the three checkpoint files of every log directory.
pub(crate) fn write_checkpoints(replicas: &Replicas) {
    for (at, directory) in replicas.directories().iter().enumerate() {
        let offsets = replicas.checkpoints(at);
        let files = [
            (checkpoint::HIGH_WATERMARKS, &offsets.high_watermarks),
            (checkpoint::RECOVERY_POINTS, &offsets.recovery_points),
            (checkpoint::LOG_START_OFFSETS, &offsets.log_start_offsets),
        ];
        for (name, offsets) in files {
            if let Err(error) = checkpoint::write(&directory.path, name, offsets) {
                replicas.disks().report(&error);
            }
        }
    }
}

fn retain(replicas: &Replicas) {
    let now_ms = now_ms();
    for partition in replicas.all() {
        let outcome = partition.with_log(|log, high_watermark| {
            let removed = log.delete_old_segments(now_ms, high_watermark)?;
            log.expire_producers(now_ms);
            Ok::<_, partition_log::StorageError>(removed)
        });
        match outcome {
            Some(Ok(removed)) => {
                if removed.segments > 0 {
                    let (segments, bytes) = (removed.segments, removed.bytes);
                    tracing::info!(
                        "{}: retention removed {segments} segments, {bytes} bytes",
                        partition.id
                    );
                }
                if let Err(error) = removed.unlink() {
                    tracing::error!("{}: {error}", partition.id);
                }
            }
            Some(Err(error)) => replicas.disks().report(&error),
            None => {}
        }
    }
}
