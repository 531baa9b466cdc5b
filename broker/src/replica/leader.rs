//! What the leader of a partition knows: which followers have fetched how far, who is in sync, and
//! what follows for the high watermark and the ISR. Offsets, epochs and time go in; no bytes, no IO.
//!
//! While an ISR change is not committed, the leader counts the larger of the two sets (KIP-497's
//! maximal ISR): an expansion holds the high watermark back at once, a shrink only once it is
//! committed. So every member of the controller's ISR has every record below the high watermark.

use std::collections::{BTreeMap, BTreeSet};

use metadata::BrokerId;

/// The leader's half of one partition.
#[derive(Debug)]
pub struct Leader {
    me: BrokerId,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    /// Log end offset at the moment this epoch began: a follower below it may lack records of
    /// earlier epochs and cannot join the ISR.
    epoch_start_offset: i64,
    /// When this broker began to lead.
    pub since_ms: i64,
    isr: BTreeSet<BrokerId>,
    pending: Option<BTreeSet<BrokerId>>,
    followers: BTreeMap<BrokerId, Follower>,
}

/// What fetches have told of one follower.
#[derive(Clone, Debug)]
struct Follower {
    log_end_offset: i64,
    log_start_offset: i64,
    broker_epoch: i64,
    /// When the follower last had everything that the leader had at that moment.
    caught_up_ms: i64,
    last_fetch_ms: i64,
    /// The leader's log end offset when that fetch arrived.
    log_end_offset_at_fetch: i64,
}

const UNKNOWN_OFFSET: i64 = -1;

impl Leader {
    pub fn new(
        me: BrokerId,
        partition: &metadata::Partition,
        log_end_offset: i64,
        now_ms: i64,
    ) -> Self {
        let mut leader = Self {
            me,
            leader_epoch: partition.leader_epoch,
            partition_epoch: partition.partition_epoch,
            epoch_start_offset: log_end_offset,
            since_ms: now_ms,
            isr: BTreeSet::new(),
            pending: None,
            followers: BTreeMap::new(),
        };
        leader.update(partition, now_ms);
        leader
    }

    /// Takes over a newer state of the same leader epoch. It settles a pending change either way.
    pub fn update(&mut self, partition: &metadata::Partition, now_ms: i64) {
        self.partition_epoch = partition.partition_epoch;
        self.isr = partition.isr.iter().copied().collect();
        self.pending = None;
        self.followers.retain(|id, _| partition.replicas.contains(id));
        for id in partition.replicas.iter().filter(|id| **id != self.me) {
            // A member of the ISR gets the whole lag time to show up before it is dropped.
            self.followers.entry(*id).or_insert(Follower {
                log_end_offset: UNKNOWN_OFFSET,
                log_start_offset: UNKNOWN_OFFSET,
                broker_epoch: -1,
                caught_up_ms: if partition.isr.contains(id) { now_ms } else { i64::MIN / 2 },
                last_fetch_ms: i64::MIN / 2,
                log_end_offset_at_fetch: UNKNOWN_OFFSET,
            });
        }
    }

    pub fn isr_size(&self) -> usize {
        self.isr.len()
    }

    /// Whether nobody but this leader is in the ISR, a change under way counted.
    pub fn is_alone(&self) -> bool {
        let members = self.isr.iter().chain(self.pending.iter().flatten());
        members.into_iter().all(|id| *id == self.me)
    }

    pub fn is_replica(&self, broker: BrokerId) -> bool {
        self.followers.contains_key(&broker)
    }

    /// Notes a fetch, which says that the follower has everything below `fetch_offset`.
    pub fn fetched(
        &mut self,
        broker: BrokerId,
        broker_epoch: i64,
        fetch_offset: i64,
        log_end_offset: i64,
        now_ms: i64,
    ) {
        let Some(follower) = self.followers.get_mut(&broker) else { return };
        if fetch_offset >= log_end_offset {
            follower.caught_up_ms = now_ms;
        } else if fetch_offset >= follower.log_end_offset_at_fetch
            && follower.log_end_offset_at_fetch != UNKNOWN_OFFSET
        {
            follower.caught_up_ms = follower.caught_up_ms.max(follower.last_fetch_ms);
        }
        follower.log_end_offset = fetch_offset;
        follower.broker_epoch = broker_epoch;
        follower.last_fetch_ms = now_ms;
        follower.log_end_offset_at_fetch = log_end_offset;
    }

    /// Notes where a follower's log begins, as its fetch says. True if that is news.
    pub fn starts_at(&mut self, broker: BrokerId, log_start_offset: i64) -> bool {
        let Some(follower) = self.followers.get_mut(&broker) else { return false };
        std::mem::replace(&mut follower.log_start_offset, log_start_offset) != log_start_offset
    }

    /// The low watermark: no replica of a broker that is alive has anything below it.
    pub fn low_watermark(&self, log_start_offset: i64, is_alive: impl Fn(BrokerId) -> bool) -> i64 {
        let alive = self.followers.iter().filter(|(id, _)| is_alive(**id));
        alive.map(|(_, it)| it.log_start_offset).fold(log_start_offset, i64::min)
    }

    /// The high watermark that the fetches so far prove: everything that the whole (maximal) ISR
    /// has. It never goes back, and it stands still while the ISR is below `min_isr` (KIP-966: what
    /// is above it then may be lost with one more replica).
    pub fn high_watermark(&self, current: i64, log_end_offset: i64, min_isr: usize) -> i64 {
        if self.isr.len() < self.effective_min_isr(min_isr) {
            return current;
        }
        let members = self.isr.iter().chain(self.pending.iter().flatten());
        let proven = members
            .filter(|id| **id != self.me)
            .map(|id| self.followers.get(id).map_or(UNKNOWN_OFFSET, |it| it.log_end_offset))
            .min()
            .unwrap_or(log_end_offset);
        proven.min(log_end_offset).max(current)
    }

    /// A topic with fewer replicas than `min.insync.replicas` needs all of them.
    pub fn effective_min_isr(&self, min_isr: usize) -> usize {
        min_isr.min(self.followers.len() + 1)
    }

    /// The ISR that should be proposed to the controller now, if it differs and nothing is pending.
    ///
    /// `can_join` says whether a broker is unfenced and registered with that epoch.
    pub fn isr_change(
        &self,
        high_watermark: i64,
        log_end_offset: i64,
        now_ms: i64,
        lag_max_ms: i64,
        can_join: impl Fn(BrokerId, i64) -> bool,
    ) -> Option<BTreeSet<BrokerId>> {
        if self.pending.is_some() {
            return None;
        }
        let mut isr = self.isr.clone();
        for (id, follower) in &self.followers {
            if isr.contains(id) {
                let caught_up = follower.log_end_offset >= log_end_offset
                    && follower.log_end_offset != UNKNOWN_OFFSET;
                if !caught_up && now_ms - follower.caught_up_ms > lag_max_ms {
                    isr.remove(id);
                }
            } else if self.has_caught_up(follower, high_watermark)
                && can_join(*id, follower.broker_epoch)
            {
                isr.insert(*id);
            }
        }
        (isr != self.isr).then_some(isr)
    }

    /// The ISR without this leader, whose log is damaged; `None` where nobody else is in sync, or a
    /// change is under way.
    pub fn resignation(&self) -> Option<BTreeSet<BrokerId>> {
        let others: BTreeSet<BrokerId> =
            self.isr.iter().copied().filter(|id| *id != self.me).collect();
        (self.pending.is_none() && !others.is_empty()).then_some(others)
    }

    fn has_caught_up(&self, follower: &Follower, high_watermark: i64) -> bool {
        follower.log_end_offset >= high_watermark
            && follower.log_end_offset >= self.epoch_start_offset
    }

    /// Whether a fetch just made `broker` fit to join the ISR.
    pub fn may_join(&self, broker: BrokerId, high_watermark: i64) -> bool {
        self.pending.is_none()
            && !self.isr.contains(&broker)
            && self.followers.get(&broker).is_some_and(|it| self.has_caught_up(it, high_watermark))
    }

    pub fn propose(&mut self, isr: BTreeSet<BrokerId>) {
        self.pending = Some(isr);
    }

    /// The controller refused, or the answer was lost: the committed ISR counts again. Only safe
    /// when the refusal is certain; otherwise the proposal stays pending until it is repeated.
    pub fn withdraw(&mut self) {
        self.pending = None;
    }

    /// The epoch that a follower last fetched with, which the controller checks (KIP-903).
    pub fn broker_epoch(&self, broker: BrokerId) -> i64 {
        self.followers.get(&broker).map_or(-1, |it| it.broker_epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(replicas: &[i32], isr: &[i32]) -> metadata::Partition {
        metadata::Partition {
            id: metadata::TopicPartition::new("orders", 0),
            replicas: replicas.to_vec(),
            isr: isr.to_vec(),
            elr: vec![],
            last_known_leader: None,
            leader: Some(1),
            leader_epoch: 3,
            partition_epoch: 7,
            recovering: false,
            adding_replicas: vec![],
            removing_replicas: vec![],
        }
    }

    #[test]
    fn the_high_watermark_waits_for_the_whole_isr() {
        let mut leader = Leader::new(1, &partition(&[1, 2, 3], &[1, 2, 3]), 0, 0);
        assert_eq!(leader.high_watermark(0, 10, 2), 0);
        leader.fetched(2, 1, 10, 10, 5);
        assert_eq!(leader.high_watermark(0, 10, 2), 0);
        leader.fetched(3, 1, 4, 10, 5);
        assert_eq!(leader.high_watermark(0, 10, 2), 4);
        leader.fetched(3, 1, 10, 10, 6);
        assert_eq!(leader.high_watermark(4, 10, 2), 10);
    }

    #[test]
    fn the_high_watermark_never_goes_back() {
        let mut leader = Leader::new(1, &partition(&[1, 2], &[1, 2]), 10, 0);
        leader.fetched(2, 1, 3, 10, 5);
        assert_eq!(leader.high_watermark(8, 10, 1), 8);
    }

    #[test]
    fn the_high_watermark_stands_still_below_min_isr() {
        let leader = Leader::new(1, &partition(&[1, 2, 3], &[1]), 0, 0);
        assert_eq!(leader.high_watermark(0, 10, 2), 0);
        assert_eq!(leader.high_watermark(0, 10, 1), 10);
    }

    #[test]
    fn a_pending_expansion_holds_the_high_watermark_and_a_pending_shrink_does_not_free_it() {
        let mut leader = Leader::new(1, &partition(&[1, 2, 3], &[1, 2]), 0, 0);
        leader.fetched(2, 1, 10, 10, 1);
        leader.fetched(3, 1, 6, 10, 1);
        leader.propose(BTreeSet::from([1, 2, 3]));
        assert_eq!(leader.high_watermark(0, 10, 2), 6);
        leader.withdraw();
        leader.propose(BTreeSet::from([1]));
        leader.fetched(2, 1, 7, 10, 2);
        assert_eq!(leader.high_watermark(6, 10, 1), 7);
    }

    #[test]
    fn the_low_watermark_waits_for_every_replica_that_is_alive() {
        let mut leader = Leader::new(1, &partition(&[1, 2, 3], &[1, 2]), 0, 0);
        assert_eq!(leader.low_watermark(7, |_| true), UNKNOWN_OFFSET);
        assert!(leader.starts_at(2, 5));
        assert!(!leader.starts_at(2, 5));
        assert_eq!(leader.low_watermark(7, |id| id != 3), 5);
        leader.starts_at(3, 9);
        assert_eq!(leader.low_watermark(7, |id| id == 3), 7);
    }

    #[test]
    fn a_leader_resigns_in_favour_of_those_in_sync_only() {
        let mut leader = Leader::new(1, &partition(&[1, 2, 3], &[1, 3]), 0, 0);
        assert_eq!(leader.resignation(), Some(BTreeSet::from([3])));
        leader.propose(BTreeSet::from([3]));
        assert_eq!(leader.resignation(), None);
        assert_eq!(leader.high_watermark(0, 10, 1), 0, "3 has fetched nothing yet");
        let alone = Leader::new(1, &partition(&[1, 2, 3], &[1]), 0, 0);
        assert_eq!(alone.resignation(), None);
    }

    #[test]
    fn a_lagging_follower_is_dropped_after_the_lag_time_only() {
        let mut leader = Leader::new(1, &partition(&[1, 2], &[1, 2]), 0, 1_000);
        leader.fetched(2, 1, 5, 10, 1_500);
        let join = |_, _| true;
        assert_eq!(leader.isr_change(0, 10, 11_000, 10_000, join), None);
        assert_eq!(leader.isr_change(0, 10, 11_001, 10_000, join), Some(BTreeSet::from([1])));
    }

    #[test]
    fn a_follower_that_keeps_up_with_a_moving_end_stays_in() {
        let mut leader = Leader::new(1, &partition(&[1, 2], &[1, 2]), 0, 0);
        leader.fetched(2, 1, 0, 10, 1_000);
        leader.fetched(2, 1, 10, 20, 9_000); // Has what the leader had at the fetch before.
        assert_eq!(leader.isr_change(0, 30, 10_500, 10_000, |_, _| true), None);
    }

    #[test]
    fn a_follower_joins_only_from_the_start_of_the_leaders_epoch() {
        let mut leader = Leader::new(1, &partition(&[1, 2], &[1]), 20, 0);
        leader.fetched(2, 4, 15, 25, 10);
        assert!(!leader.may_join(2, 10)); // Above the high watermark, below the epoch's start.
        leader.fetched(2, 4, 20, 25, 20);
        assert!(leader.may_join(2, 10));
        let join = |id, epoch| id == 2 && epoch == 4;
        let change = leader.isr_change(10, 25, 20, 1_000, join);
        assert_eq!(change, Some(BTreeSet::from([1, 2])));
        assert_eq!(leader.isr_change(10, 25, 20, 1_000, |_, _| false), None);
    }
}
