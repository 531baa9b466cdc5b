//! What a replica does as a follower, under the leadership that it was told: it takes what its leader
//! sends, and cuts off what its leader does not have.

use bytes::Bytes;
use partition_log::Log;

use super::Partition;
use super::state::{Role, append_failed, change_failed, gone};
use crate::replica::ReplicaError;

impl Partition {
    /// Appends what this follower fetched under `leader_epoch`, and takes over high watermark and
    /// log start. True if the log start moved, which the leader waits to hear.
    pub fn append_fetched(
        &self,
        leader_epoch: i32,
        record_set: Vec<Bytes>,
        leader_high_watermark: i64,
        leader_log_start_offset: i64,
        now_ms: i64,
    ) -> Result<bool, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        let log_start_offset = log.log_start_offset();
        for chunk in record_set.into_iter().filter(|it| !it.is_empty()) {
            self.traffic.replication_bytes_in.add(chunk.len() as u64);
            log.append_as_follower(chunk, now_ms)
                .map_err(|error| append_failed(&self.disks, log, error))?;
        }
        state.leader_high_watermark = leader_high_watermark;
        let high_watermark = leader_high_watermark.min(log.log_end_offset());
        state.high_watermark = state.high_watermark.max(high_watermark);
        if leader_log_start_offset > log.log_start_offset() {
            let to = leader_log_start_offset.min(state.high_watermark);
            log.advance_log_start_offset(to)
                .map_err(|error| change_failed(&self.disks, error.into()))?;
        }
        Ok(log.log_start_offset() != log_start_offset)
    }

    /// The leader said where this follower's log differs: truncates to the last common offset.
    /// Returns the new log end offset.
    pub fn truncate_diverging(
        &self,
        leader_epoch: i32,
        common_epoch: i32,
        end_offset: i64,
    ) -> Result<i64, ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        let (local_epoch, local_end) = log.end_offset_for_epoch(common_epoch);
        let to = match (local_epoch, local_end) {
            (_, end) if end < 0 => log.log_start_offset(),
            (epoch, end) if epoch == common_epoch => end.min(end_offset),
            (_, end) => end,
        };
        log.truncate_to(to.max(log.log_start_offset()))
            .map_err(|error| change_failed(&self.disks, error))?;
        state.high_watermark = state.high_watermark.min(log.log_end_offset());
        Ok(log.log_end_offset())
    }

    /// The leader no longer has what this follower would fetch next: starts over at its log start.
    pub fn restart_at(&self, leader_epoch: i32, offset: i64) -> Result<(), ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        log.truncate_fully_and_start_at(offset)
            .map_err(|error| change_failed(&self.disks, error))?;
        state.high_watermark = offset;
        Ok(())
    }

    /// Where a follower's next fetch begins: (log end offset, epoch of the last entry or -1, log
    /// start offset), if it still follows under this epoch.
    pub fn fetch_position(&self, leader_epoch: i32) -> Result<(i64, i32, i64), ReplicaError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let log = follower_log(&state.role, &mut state.log, leader_epoch)?;
        Ok((log.log_end_offset(), log.last_epoch().unwrap_or(-1), log.log_start_offset()))
    }
}

/// The log of a replica that follows under `leader_epoch`; what was fetched under an older epoch is
/// refused.
fn follower_log<'a>(
    role: &Role,
    log: &'a mut Option<Log>,
    leader_epoch: i32,
) -> Result<&'a mut Log, ReplicaError> {
    match role {
        Role::Follower { leader_epoch: current, .. } if *current == leader_epoch => {
            log.as_mut().ok_or_else(gone)
        }
        Role::Follower { .. } => Err(ReplicaError::FencedLeaderEpoch),
        _ => Err(ReplicaError::NotLeader),
    }
}
