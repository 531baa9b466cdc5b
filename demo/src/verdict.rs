//! From the evidence of a run to its report and verdict. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use lab::gap::PhaseGap;

use crate::analytics::AnalyticsReport;
use crate::fault::FaultOutcome;
use crate::fraud::Trace;
use crate::group::GroupReport;
use crate::ledger::Balance;
use crate::recommendations::RecommendationsReport;
use crate::report::{FaultReport, FraudReport, Report, Verdict};
use crate::shoppers::Pattern;

/// What the detector flagged.
pub(crate) struct FlaggedPurchases {
    pub sequences: Vec<u64>,
    pub judged: u64,
    pub traces: BTreeMap<Trace, u64>,
}

/// Everything that a run left behind.
pub(crate) struct Evidence<'a> {
    pub balance: Balance,
    pub seconds: f64,
    /// Why publishing ended too early, if it did.
    pub stopped: Option<String>,
    /// Somebody closed the shop early, so that later faults were not to be.
    pub cancelled: bool,
    /// Which partitions could not be verified, in words.
    pub unread: Vec<String>,
    pub faults: Vec<FaultOutcome>,
    /// One for each fault that was begun, in order.
    pub gaps: Vec<PhaseGap>,
    pub partition_name: &'a dyn Fn(usize) -> String,
    pub groups: Vec<GroupReport>,
    pub analytics: AnalyticsReport,
    pub recommendations: RecommendationsReport,
    pub flagged: FlaggedPurchases,
    /// The labels of the frauds by sequence number; None where nobody knows.
    pub labels: Option<&'a HashMap<u64, Pattern>>,
    pub is_acknowledged: &'a dyn Fn(u64) -> bool,
    pub client: BTreeMap<String, String>,
    pub remarks: Vec<String>,
}

impl Evidence<'_> {
    /// Judges.
    pub(crate) fn judge(mut self) -> Report {
        let faults = self.fault_reports();
        let broken = self.broken(&faults);
        let unsure = self.unsure(&faults);
        let verdict = match (broken.is_empty(), unsure.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, false) => Verdict::Unknown,
            (true, true) => Verdict::Pass,
        };
        if self.balance.unknown > 0 {
            self.remarks.push(format!(
                "{} events were not acknowledged in time; the log has {} of them",
                self.balance.unknown, self.balance.unknown_found
            ));
        }
        let fraud = self.fraud_report();
        Report {
            verdict,
            reasons: broken.into_iter().chain(unsure).collect(),
            acknowledged: self.balance.acknowledged,
            consumed: self.balance.consumed,
            lost: self.balance.lost,
            duplicated: self.balance.duplicated,
            unknown: self.balance.unknown,
            seconds: (self.seconds * 10.0).round() / 10.0,
            faults,
            groups: self.groups,
            analytics: self.analytics,
            recommendations: self.recommendations,
            fraud,
            client: self.client,
            remarks: self.remarks,
        }
    }

    /// Gaps exist for the faults that were begun; the others have none.
    fn fault_reports(&self) -> Vec<FaultReport> {
        let mut gaps = self.gaps.iter();
        self.faults
            .iter()
            .map(|fault| {
                let gap = if fault.begun { gaps.next() } else { None };
                FaultReport {
                    fault: fault.name.clone(),
                    at_second: (fault.at_second * 10.0).round() / 10.0,
                    write_gap_ms: gap.map_or(0, |gap| gap.gap_ms),
                    partition: gap
                        .and_then(|gap| gap.partition)
                        .map(|slot| (self.partition_name)(slot)),
                    recovered: gap.is_none_or(|gap| gap.recovered),
                    outcome: match &fault.result {
                        Ok(words) => words.clone(),
                        Err(problem) => format!("could not be done: {problem}"),
                    },
                    done: fault.result.is_ok(),
                }
            })
            .collect()
    }

    /// Promises that were broken.
    fn broken(&self, faults: &[FaultReport]) -> Vec<String> {
        let balance = &self.balance;
        let mut broken = Vec::new();
        for (count, words) in [
            (balance.lost, "acknowledged events were lost"),
            (balance.duplicated, "events stand in the log twice"),
            (balance.misplaced, "events are not at the offsets that their acknowledgements named"),
            (balance.foreign, "records are in the log that the shop never wrote"),
        ] {
            if count > 0 {
                broken.push(format!("{count} {words}"));
            }
        }
        broken.extend(balance.examples.iter().cloned());
        for fault in faults.iter().filter(|fault| !fault.recovered) {
            broken.push(format!("after '{}' some partition took no writes any more", fault.fault));
        }
        for group in self.groups.iter().filter(|group| group.behind > 0) {
            broken.push(format!(
                "the group {} did not consume {} acknowledged events{}",
                group.group,
                group.behind,
                group.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default()
            ));
        }
        broken.extend(self.stopped.iter().map(|why| format!("publishing stopped early: {why}")));
        broken
    }

    /// Things that could not be checked.
    fn unsure(&self, faults: &[FaultReport]) -> Vec<String> {
        let mut unsure = self.unread.clone();
        if self.balance.acknowledged == 0 {
            unsure.push("nothing was acknowledged".to_owned());
        }
        for (fault, report) in self.faults.iter().zip(faults) {
            let excused = self.cancelled && !fault.begun;
            if !report.done && !excused {
                unsure.push(format!("the fault '{}' {}", report.fault, report.outcome));
            }
        }
        unsure
    }

    fn fraud_report(&self) -> FraudReport {
        let flagged = self.flagged.sequences.len() as u64;
        let mut report = FraudReport {
            flagged,
            precision: None,
            recall: None,
            judged: self.flagged.judged,
            frauds: None,
            recall_by_pattern: None,
            traces: self.flagged.traces.clone(),
        };
        let Some(labels) = self.labels else { return report };
        let flagged_set: HashSet<u64> = self.flagged.sequences.iter().copied().collect();
        let hits = flagged_set.iter().filter(|sequence| labels.contains_key(sequence)).count();
        // The detector can be asked only for what reached the log.
        let mut by_pattern: BTreeMap<Pattern, (u64, u64)> = BTreeMap::new();
        for (sequence, pattern) in labels {
            if (self.is_acknowledged)(*sequence) {
                let (frauds, found) = by_pattern.entry(*pattern).or_default();
                *frauds += 1;
                *found += u64::from(flagged_set.contains(sequence));
            }
        }
        let frauds: u64 = by_pattern.values().map(|(frauds, _)| frauds).sum();
        let found: u64 = by_pattern.values().map(|(_, found)| found).sum();
        report.precision = share(hits as u64, flagged_set.len() as u64);
        report.recall = share(found, frauds);
        report.frauds = Some(frauds);
        report.recall_by_pattern = Some(
            by_pattern
                .into_iter()
                .filter_map(|(pattern, (frauds, found))| Some((pattern, share(found, frauds)?)))
                .collect(),
        );
        report
    }
}

/// A share to three digits; None of nothing.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::Analytics;
    use crate::recommendations::Recommendations;

    fn fault(name: &str, result: Result<&str, &str>) -> FaultOutcome {
        let result = result.map(str::to_owned).map_err(str::to_owned);
        FaultOutcome { name: name.to_owned(), at_second: 3.04, begun: true, result }
    }

    fn gap(name: &str, gap_ms: u64, recovered: bool) -> PhaseGap {
        PhaseGap { name: name.to_owned(), at_ms: 0, gap_ms, partition: Some(2), recovered }
    }

    fn judge(change: impl FnOnce(&mut Evidence<'_>)) -> Report {
        let labels = HashMap::from([
            (1, Pattern::Night),
            (2, Pattern::Velocity),
            (3, Pattern::Velocity),
            (9, Pattern::Night),
        ]);
        let mut evidence = Evidence {
            balance: Balance { acknowledged: 5, consumed: 5, ..Balance::default() },
            seconds: 10.04,
            stopped: None,
            cancelled: false,
            unread: Vec::new(),
            faults: vec![fault("kill", Ok("killed broker 1"))],
            gaps: vec![gap("kill", 143, true)],
            partition_name: &|slot| format!("topic-{slot}"),
            groups: Vec::new(),
            analytics: Analytics::new().report(10.0),
            recommendations: Recommendations::new().report(),
            flagged: FlaggedPurchases {
                sequences: vec![2, 3, 4],
                judged: 5,
                traces: BTreeMap::new(),
            },
            labels: Some(&labels),
            // Event 9 never reached the log, so nobody could find it.
            is_acknowledged: &|sequence| sequence < 5,
            client: BTreeMap::new(),
            remarks: Vec::new(),
        };
        change(&mut evidence);
        evidence.judge()
    }

    #[test]
    fn a_clean_run_passes_with_honest_figures() {
        let report = judge(|_| {});
        assert_eq!((report.verdict, report.reasons.len()), (Verdict::Pass, 0));
        let fault = &report.faults[0];
        assert_eq!((fault.write_gap_ms, fault.partition.as_deref()), (143, Some("topic-2")));
        assert_eq!(report.fraud.precision, Some(0.667));
        assert_eq!(report.fraud.recall, Some(0.667));
        assert_eq!(report.fraud.frauds, Some(3));
        let json = serde_json::to_value(&report).unwrap();
        for key in ["verdict", "acknowledged", "consumed", "lost", "duplicated", "faults"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!(json["verdict"], "pass");
        assert_eq!(json["faults"][0]["fault"], "kill");
        assert!(report.to_string().contains("PASS: 5 events acknowledged"));
    }

    #[test]
    fn nobody_knows_the_frauds_of_a_users_file() {
        let json = serde_json::to_value(judge(|evidence| evidence.labels = None)).unwrap();
        assert_eq!(json["fraud"]["flagged"], 3);
        assert!(json["fraud"]["precision"].is_null() && json["fraud"]["recall"].is_null());
    }

    #[test]
    fn every_broken_promise_fails() {
        let breaks: [fn(&mut Evidence<'_>); 7] = [
            |evidence| evidence.balance.lost = 1,
            |evidence| evidence.balance.duplicated = 1,
            |evidence| evidence.balance.misplaced = 1,
            |evidence| evidence.balance.foreign = 1,
            |evidence| evidence.gaps[0].recovered = false,
            |evidence| evidence.stopped = Some("fatal".to_owned()),
            |evidence| {
                evidence.groups = vec![GroupReport {
                    group: "g",
                    consumed: 0,
                    redelivered: 0,
                    behind: 1,
                    last_error: None,
                }];
            },
        ];
        for change in breaks {
            let report = judge(change);
            assert_eq!((report.verdict, report.reasons.len()), (Verdict::Fail, 1), "{report}");
        }
    }

    #[test]
    fn faults_that_were_not_to_be_are_no_reason_to_doubt() {
        let report = judge(|evidence| {
            let mut later = fault("second kill", Err("the shop closed before"));
            later.begun = false;
            evidence.faults.push(later);
            evidence.cancelled = true;
        });
        assert_eq!((report.verdict, report.faults.len()), (Verdict::Pass, 2));
        assert_eq!((report.faults[1].done, report.faults[1].write_gap_ms), (false, 0));
    }

    #[test]
    fn what_could_not_be_checked_is_unknown_and_a_broken_promise_weighs_more() {
        let unsure: [fn(&mut Evidence<'_>); 3] = [
            |evidence| evidence.unread.push("partition 3".to_owned()),
            |evidence| evidence.balance = Balance::default(),
            |evidence| {
                evidence.faults = vec![fault("kill", Err("no such broker"))];
                evidence.faults[0].begun = false;
                evidence.gaps = Vec::new();
            },
        ];
        for change in unsure {
            let report = judge(change);
            assert_eq!((report.verdict, report.reasons.len()), (Verdict::Unknown, 1), "{report}");
        }
        let both = judge(|evidence| {
            evidence.unread.push("partition 3".to_owned());
            evidence.balance.lost = 1;
        });
        assert_eq!(both.verdict, Verdict::Fail);
    }
}
