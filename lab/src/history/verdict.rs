//! What the checker found, counted and with the first examples in words.

use std::fmt;

use serde::Serialize;

use super::FinalRead;

/// How many examples of one anomaly are kept in words.
const EXAMPLES_MAX: usize = 5;

/// One kind of anomaly: how often, and the first few in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How often it was seen.
    pub count: u64,
    /// The first few, for people.
    pub examples: Vec<String>,
}

impl Finding {
    /// Counts one more; the words are made only while they are still wanted.
    pub(crate) fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }
}

/// The judgement of a whole history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Every promise was kept, and the evidence is complete.
    Pass,
    /// A promise was broken.
    Fail,
    /// Nothing broken was seen, but the evidence is incomplete. Never to be counted as a pass.
    Unknown,
}

/// Everything the checker has to say about a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The judgement that follows from the rest.
    pub verdict: Judgement,
    /// Values whose send was acknowledged.
    pub acknowledged: u64,
    /// Values whose send ended in the unknown.
    pub unknown: u64,
    /// Values whose send certainly failed.
    pub failed: u64,
    /// Records that polls returned, repeats included.
    pub records_read: u64,
    /// Different values among them.
    pub values_read: u64,

    /// Values that must be in the log and are not.
    pub lost: Finding,
    /// Values at more than one offset of a key.
    pub duplicated: Finding,
    /// Order broken: a producer's later record before its earlier one, or a reader that went back.
    pub reordered: Finding,
    /// Values that nobody sent.
    pub phantom: Finding,
    /// Offsets that held different values at different times or for different clients.
    pub inconsistent: Finding,
    /// Values read although their send certainly failed.
    pub aborted_read: Finding,
    /// Readers that jumped over records that others read.
    pub skipped: Finding,
    /// Transactions that read their own writes before they committed.
    pub precommitted_read: Finding,
    /// Transactions that each read what another of the same circle wrote.
    pub circular: Finding,

    /// Acknowledged values that no poll returned; part of `lost` once the final read is complete.
    pub unseen: Finding,
    /// Records that a group's member read again after a change of its assignment. Allowed.
    pub redelivered: Finding,
    /// Members of groups that jumped forward, to where another member had committed. Allowed.
    pub group_skipped: Finding,
    /// Circles of writes alone: Kafka does not isolate writes. Allowed.
    pub write_cycle: Finding,
}

impl Verdict {
    pub(crate) fn new() -> Verdict {
        Verdict {
            verdict: Judgement::Unknown,
            acknowledged: 0,
            unknown: 0,
            failed: 0,
            records_read: 0,
            values_read: 0,
            lost: Finding::default(),
            duplicated: Finding::default(),
            reordered: Finding::default(),
            phantom: Finding::default(),
            inconsistent: Finding::default(),
            aborted_read: Finding::default(),
            skipped: Finding::default(),
            precommitted_read: Finding::default(),
            circular: Finding::default(),
            unseen: Finding::default(),
            redelivered: Finding::default(),
            group_skipped: Finding::default(),
            write_cycle: Finding::default(),
        }
    }

    /// The anomalies that break a promise, by name.
    pub fn violations(&self) -> impl Iterator<Item = (&'static str, &Finding)> {
        [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("reordered", &self.reordered),
            ("phantom", &self.phantom),
            ("inconsistent", &self.inconsistent),
            ("aborted_read", &self.aborted_read),
            ("skipped", &self.skipped),
            ("precommitted_read", &self.precommitted_read),
            ("circular", &self.circular),
        ]
        .into_iter()
        .filter(|(_, finding)| finding.count > 0)
    }

    pub(crate) fn judge(&mut self, final_read: FinalRead) {
        let broken = self.violations().next().is_some();
        self.verdict = if broken {
            Judgement::Fail
        } else if final_read == FinalRead::Partial || self.acknowledged == 0 {
            Judgement::Unknown
        } else {
            Judgement::Pass
        };
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Judgement::Pass => "pass",
            Judgement::Fail => "fail",
            Judgement::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} acknowledged, {} unknown, {} failed; {} read, {} different",
            self.verdict,
            self.acknowledged,
            self.unknown,
            self.failed,
            self.records_read,
            self.values_read
        )?;
        for (name, finding) in self.violations() {
            writeln!(f, "  {name}: {}", finding.count)?;
            for example in &finding.examples {
                writeln!(f, "    {example}")?;
            }
        }
        for (name, finding) in [
            ("unseen", &self.unseen),
            ("redelivered to a group", &self.redelivered),
            ("skipped within a group", &self.group_skipped),
        ] {
            if finding.count > 0 {
                writeln!(f, "  {name}: {}", finding.count)?;
            }
        }
        Ok(())
    }
}
