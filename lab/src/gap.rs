//! How long a fault kept clients waiting.
//!
//! The gap of a fault is, over all partitions, the longest time from the intended send time of the
//! oldest record that was unacknowledged after the fault to the first acknowledgement. Intended
//! send times come from a schedule, so a client that is held up cannot hide that it was.
//! A partition may acknowledge what was already on its way and stall only then; such later silences
//! count as well, from the oldest record waiting or the last acknowledgement, whichever is later.
//!
//! Reads are measured alike: a record "acknowledged" then is one that the reader received.

use std::collections::BTreeMap;

use serde::Serialize;

/// The gap of one phase; a phase begins with a mark (a fault) and ends with the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhaseGap {
    /// The name given to the mark; `warm-up` for the time before the first.
    pub name: String,
    /// When it began, in milliseconds of the run.
    pub at_ms: u64,
    /// The gap in milliseconds.
    pub gap_ms: u64,
    /// The partition that waited longest, as the index it was reported under.
    pub partition: Option<usize>,
    /// False if some partition never got its first acknowledgement.
    pub recovered: bool,
}

/// Measures the gaps of a run. All times are microseconds of one monotonic clock.
#[derive(Debug)]
pub struct Gaps {
    phases: Vec<Phase>,
    partitions: Vec<Partition>,
}

#[derive(Debug)]
struct Phase {
    name: String,
    at_us: u64,
    gap_us: u64,
    partition: Option<usize>,
    recovered: bool,
}

#[derive(Debug, Default)]
struct Partition {
    /// Intended send times of what waits, with how many records share one.
    outstanding: BTreeMap<u64, u32>,
    /// The oldest record that was given up since the last acknowledgement.
    given_up_us: Option<u64>,
    last_acknowledged_us: u64,
    /// Every phase from this one on still waits for its first acknowledgement.
    answered_phases: usize,
}

impl Partition {
    fn oldest_us(&self) -> Option<u64> {
        let oldest = self.outstanding.keys().next().copied();
        oldest.into_iter().chain(self.given_up_us).min()
    }

    fn remove(&mut self, intended_us: u64) {
        if let Some(count) = self.outstanding.get_mut(&intended_us) {
            *count -= 1;
            if *count == 0 {
                self.outstanding.remove(&intended_us);
            }
        }
    }
}

impl Gaps {
    /// Nothing measured yet, for partitions `0..partitions`.
    pub fn new(partitions: usize) -> Gaps {
        let mut gaps = Gaps { phases: Vec::new(), partitions: Vec::new() };
        gaps.partitions.resize_with(partitions, Partition::default);
        gaps.mark("warm-up", 0);
        gaps
    }

    /// A record waits from its intended send time on.
    pub fn sent(&mut self, partition: usize, intended_us: u64) {
        *self.partitions[partition].outstanding.entry(intended_us).or_default() += 1;
    }

    /// A record was acknowledged.
    pub fn acknowledged(&mut self, partition: usize, intended_us: u64, now_us: u64) {
        let state = &mut self.partitions[partition];
        let oldest_us = state.oldest_us().unwrap_or(intended_us);
        let silent_since_us = oldest_us.max(state.last_acknowledged_us);
        let current = self.phases.len() - 1;
        let unanswered = state.answered_phases..self.phases.len();
        state.answered_phases = self.phases.len();
        state.last_acknowledged_us = now_us;
        state.given_up_us = None;
        state.remove(intended_us);
        self.phases[current].stretch(partition, now_us.saturating_sub(silent_since_us));
        for phase in &mut self.phases[unanswered] {
            phase.stretch(partition, now_us.saturating_sub(oldest_us));
        }
    }

    /// A record will never be acknowledged; the partition has waited since then all the same.
    pub fn gave_up(&mut self, partition: usize, intended_us: u64) {
        let state = &mut self.partitions[partition];
        state.remove(intended_us);
        let since_us = state.given_up_us.map_or(intended_us, |since| since.min(intended_us));
        state.given_up_us = Some(since_us);
    }

    /// A record is no longer waited for, and that says nothing about the partition.
    pub fn withdrawn(&mut self, partition: usize, intended_us: u64) {
        self.partitions[partition].remove(intended_us);
    }

    /// A new phase begins, with a fault for example.
    pub fn mark(&mut self, name: &str, now_us: u64) {
        self.charge_waiting(now_us, false);
        self.phases.push(Phase {
            name: name.to_owned(),
            at_us: now_us,
            gap_us: 0,
            partition: None,
            recovered: true,
        });
    }

    /// Ends the measurement and returns all phases in order.
    pub fn finish(mut self, now_us: u64) -> Vec<PhaseGap> {
        self.charge_waiting(now_us, true);
        self.phases
            .into_iter()
            .map(|phase| PhaseGap {
                name: phase.name,
                at_ms: phase.at_us / 1000,
                gap_ms: phase.gap_us.div_ceil(1000),
                partition: phase.partition,
                recovered: phase.recovered,
            })
            .collect()
    }

    /// The gap of the current phase so far, in milliseconds, silence that goes on included.
    pub fn current_ms(&self, now_us: u64) -> u64 {
        let known = self.phases.last().map_or(0, |phase| phase.gap_us);
        known.div_ceil(1000).max(self.waiting_ms(now_us))
    }

    /// The longest silence that goes on now, in milliseconds.
    pub fn waiting_ms(&self, now_us: u64) -> u64 {
        let waiting = self.partitions.iter().filter_map(|state| {
            let since_us = state.oldest_us()?.max(state.last_acknowledged_us);
            Some(now_us.saturating_sub(since_us))
        });
        waiting.max().unwrap_or(0).div_ceil(1000)
    }

    /// How long the oldest record that waits has been due, in milliseconds.
    pub fn backlog_ms(&self, now_us: u64) -> u64 {
        let oldest_us = self.partitions.iter().filter_map(Partition::oldest_us).min();
        oldest_us.map_or(0, |oldest_us| now_us.saturating_sub(oldest_us).div_ceil(1000))
    }

    /// Whether every partition has acknowledged something since the phase began.
    pub fn all_answered(&self) -> bool {
        self.partitions.iter().all(|state| state.answered_phases == self.phases.len())
    }

    /// Charges silences that still go on to the phases they belong to.
    fn charge_waiting(&mut self, now_us: u64, last: bool) {
        let Some(current) = self.phases.len().checked_sub(1) else { return };
        for (partition, state) in self.partitions.iter().enumerate() {
            let Some(oldest_us) = state.oldest_us() else { continue };
            let silent_since_us = oldest_us.max(state.last_acknowledged_us);
            self.phases[current].stretch(partition, now_us.saturating_sub(silent_since_us));
            if last {
                for phase in &mut self.phases[state.answered_phases.min(current)..] {
                    phase.stretch(partition, now_us.saturating_sub(oldest_us));
                    phase.recovered = false;
                }
            }
        }
    }
}

impl Phase {
    fn stretch(&mut self, partition: usize, gap_us: u64) {
        if gap_us > self.gap_us || self.partition.is_none() {
            self.gap_us = gap_us;
            self.partition = Some(partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(milliseconds: u64) -> u64 {
        milliseconds * 1000
    }

    fn gaps_ms(gaps: Gaps, now_ms: u64) -> Vec<(String, u64, bool)> {
        let phases = gaps.finish(ms(now_ms));
        phases.into_iter().map(|phase| (phase.name, phase.gap_ms, phase.recovered)).collect()
    }

    /// One record every 10 ms, acknowledged after 2 ms, except in the outage.
    fn run(outage_ms: std::ops::Range<u64>, mark_ms: u64) -> Gaps {
        let mut gaps = Gaps::new(2);
        let mut waiting = Vec::new();
        for now_ms in 0..1000 {
            if now_ms == mark_ms {
                gaps.mark("kill", ms(now_ms));
            }
            if now_ms % 10 == 0 {
                gaps.sent(0, ms(now_ms));
                waiting.push(now_ms);
            }
            if !outage_ms.contains(&now_ms) {
                waiting.retain(|sent_ms| {
                    let due = now_ms >= sent_ms + 2;
                    if due {
                        gaps.acknowledged(0, ms(*sent_ms), ms(now_ms));
                    }
                    !due
                });
            }
        }
        gaps
    }

    #[test]
    fn a_gap_runs_from_the_oldest_unacknowledged_record_to_the_first_acknowledgement() {
        // The record of 300 is not acknowledged at 302 but at 500.
        let found = gaps_ms(run(301..500, 301), 1000);
        assert_eq!(found, [("warm-up".into(), 2, true), ("kill".into(), 200, true)]);
    }

    #[test]
    fn a_stall_after_a_trailing_acknowledgement_counts() {
        // The fault is marked at 301, but the record of 300 still gets through at 302.
        let found = gaps_ms(run(305..600, 301), 1000);
        assert_eq!(found[1], ("kill".into(), 290, true));
    }

    #[test]
    fn a_stall_that_outlives_the_next_fault_counts_for_both() {
        let mut gaps = Gaps::new(1);
        gaps.mark("first", ms(100));
        gaps.sent(0, ms(110));
        gaps.mark("second", ms(200));
        gaps.acknowledged(0, ms(110), ms(250));
        let found = gaps_ms(gaps, 300);
        assert_eq!(found[1..], [("first".into(), 140, true), ("second".into(), 140, true)]);
    }

    #[test]
    fn a_backlog_that_drains_is_no_second_gap() {
        let mut gaps = Gaps::new(1);
        gaps.mark("kill", 0);
        for sent_ms in 0..100 {
            gaps.sent(0, ms(sent_ms));
        }
        for sent_ms in 0..100 {
            gaps.acknowledged(0, ms(sent_ms), ms(500 + 3 * sent_ms));
        }
        assert_eq!((gaps.backlog_ms(ms(600)), gaps.waiting_ms(ms(600))), (0, 0));
        assert_eq!(gaps_ms(gaps, 900)[1], ("kill".into(), 500, true));
    }

    #[test]
    fn records_given_up_still_mark_the_start_of_the_gap() {
        let mut gaps = Gaps::new(1);
        gaps.mark("kill", 0);
        gaps.sent(0, ms(10));
        gaps.gave_up(0, ms(10));
        gaps.sent(0, ms(400));
        gaps.acknowledged(0, ms(400), ms(402));
        assert_eq!(gaps_ms(gaps, 900)[1], ("kill".into(), 392, true));
    }

    #[test]
    fn a_partition_that_never_answers_is_not_recovered() {
        let mut gaps = Gaps::new(3);
        gaps.sent(1, ms(5));
        gaps.acknowledged(1, ms(5), ms(6));
        gaps.mark("kill", ms(100));
        gaps.sent(1, ms(110));
        gaps.sent(2, ms(120));
        gaps.acknowledged(2, ms(120), ms(125));
        assert_eq!(gaps.current_ms(ms(130)), 20);
        let phases = gaps.finish(ms(1110));
        assert_eq!((phases[1].gap_ms, phases[1].partition), (1000, Some(1)));
        assert_eq!((phases[0].recovered, phases[1].recovered), (true, false));
    }
}
