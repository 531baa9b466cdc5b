//! What a run found: rows of figures, their ratios, and whether those reach their marks.

use serde::Serialize;

use crate::calibration::Calibration;
use crate::machine::Machine;
use crate::scenario::{Better, Marks, Metric, Scenario};

/// The document of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the marks say of the medians.
    pub verdict: Verdict,
    /// The cluster that is measured.
    pub janus: String,
    /// The cluster that it is compared with.
    pub peer: Option<String>,
    /// When the run began, RFC 3339.
    pub date: String,
    /// Of the source tree where it was run; `None` where there is none.
    pub commit: Option<String>,
    /// Where it was run.
    pub machine: Machine,
    /// A run too short to say anything: a test of the harness.
    pub quick: bool,
    /// Measurements of every cluster.
    pub turns: u32,
    /// How long each cluster was warmed.
    pub warm_up_s: Vec<u64>,
    /// Before the run and after it.
    pub calibration: Vec<Calibration>,
    /// In the order in which they were measured.
    pub rows: Vec<Row>,
    /// Measurements that do not count.
    pub failures: Vec<Failure>,
    /// Settings that differ from the defaults, by whom they concern.
    pub settings: Vec<(String, Vec<String>)>,
    /// What was not as quiet or as steady as it should have been.
    pub remarks: Vec<String>,
}

/// Whether the medians of the ratios reach their marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All do.
    Pass,
    /// One does not, or a measurement failed.
    Fail,
    /// Nothing was to be judged.
    None,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Where it comes from.
    pub scenario: String,
    /// What it is.
    pub metric: &'static str,
    /// In what it is counted.
    pub unit: &'static str,
    /// Which direction is better.
    pub better: Better,
    /// Of every turn; `None` where the measurement failed.
    pub janus: Vec<Option<f64>>,
    /// The same of the other cluster.
    pub peer: Vec<Option<f64>>,
    /// Median over the turns of how many times better Janus is.
    pub ratio: Option<f64>,
    /// The least and the greatest of them.
    pub spread: Option<(f64, f64)>,
    /// The least ratio that passes.
    pub mark: Option<f64>,
    /// Whether it does.
    pub pass: Option<bool>,
}

/// A measurement that does not count.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// Whose.
    pub cluster: String,
    /// Which, or `resume`: then a turn is missing.
    pub scenario: String,
    /// From 1.
    pub turn: u32,
    /// What happened.
    pub reason: String,
}

/// Which cluster a figure belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Janus,
    Peer,
}

/// The rows while they are filled.
#[derive(Debug)]
pub(crate) struct Rows {
    rows: Vec<Row>,
    turns: usize,
    marks: Marks,
}

impl Rows {
    pub(crate) fn new(turns: u32, marks: Marks) -> Self {
        Self { rows: Vec::new(), turns: turns as usize, marks }
    }

    /// Notes a figure of a turn, counted from 0.
    pub(crate) fn put(
        &mut self,
        scenario: Scenario,
        metric: &Metric,
        side: Side,
        turn: u32,
        value: f64,
    ) {
        let scenario = scenario.to_string();
        let known =
            self.rows.iter().position(|row| row.scenario == scenario && row.metric == metric.name);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row {
                scenario,
                metric: metric.name,
                unit: metric.unit,
                better: metric.better,
                janus: vec![None; self.turns],
                peer: vec![None; self.turns],
                ratio: None,
                spread: None,
                mark: metric.mark(self.marks),
                pass: None,
            });
            self.rows.len() - 1
        });
        let row = &mut self.rows[index];
        let values = match side {
            Side::Janus => &mut row.janus,
            Side::Peer => &mut row.peer,
        };
        values[turn as usize] = Some(value);
    }

    /// The rows with their ratios, judged, in the order of [`Scenario::ALL`].
    pub(crate) fn judged(mut self) -> Vec<Row> {
        for row in &mut self.rows {
            let pairs = row.janus.iter().zip(&row.peer);
            let pairs = pairs.filter_map(|(janus, peer)| Some(((*janus)?, (*peer)?)));
            let ratios: Vec<f64> = pairs
                .map(|(janus, peer)| match row.better {
                    Better::Lower => peer / janus,
                    Better::Higher => janus / peer,
                })
                .collect();
            row.ratio = median(&ratios);
            row.spread = spread(&ratios);
            row.pass = row.ratio.zip(row.mark).map(|(ratio, mark)| ratio >= mark);
        }
        let place = |row: &Row| Scenario::ALL.iter().position(|it| it.to_string() == row.scenario);
        self.rows.sort_by_key(place);
        self.rows
    }
}

impl Row {
    /// The figure of a cluster: the median of its turns.
    pub fn figure(values: &[Option<f64>]) -> Option<f64> {
        median(&values.iter().flatten().copied().collect::<Vec<_>>())
    }
}

impl Verdict {
    pub(crate) fn of(rows: &[Row], failures: &[Failure], quick: bool) -> Self {
        let marked = rows.iter().filter(|row| row.mark.is_some());
        let missed = marked.clone().any(|row| row.pass == Some(false));
        match (failures.is_empty(), missed) {
            (false, _) => Self::Fail,
            _ if quick => Self::None,
            (true, true) => Self::Fail,
            (true, false) if marked.clone().any(|row| row.pass.is_some()) => Self::Pass,
            (true, false) => Self::None,
        }
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

fn spread(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    let greatest = values.iter().copied().max_by(f64::total_cmp)?;
    Some((least, greatest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(metric: Metric, janus: &[f64], peer: &[f64]) -> Vec<Row> {
        let mut rows = Rows::new(janus.len() as u32, Marks::Kafka);
        for (side, values) in [(Side::Janus, janus), (Side::Peer, peer)] {
            for (turn, value) in values.iter().enumerate() {
                rows.put(Scenario::Idle, &metric, side, turn as u32, *value);
            }
        }
        rows.judged()
    }

    #[test]
    fn the_median_of_the_ratios_is_judged_whichever_direction_is_better() {
        let memory = Metric::lower("memory", "MB").times_better(10.0);
        let judged = rows(memory, &[10.0, 10.0, 20.0], &[110.0, 90.0, 300.0]);
        assert_eq!((judged[0].ratio, judged[0].spread), (Some(11.0), Some((9.0, 15.0))));
        assert_eq!(Verdict::of(&judged, &[], false), Verdict::Pass);

        let speed = Metric::higher("requests", "/s").times_better(10.0);
        let judged = rows(speed, &[90.0, 120.0], &[10.0, 20.0]);
        assert_eq!(judged[0].ratio, Some(7.5));
        assert_eq!(Verdict::of(&judged, &[], false), Verdict::Fail);
        assert_eq!(Verdict::of(&judged, &[], true), Verdict::None);
    }

    #[test]
    fn a_turn_without_both_figures_has_no_ratio() {
        let memory = Metric::lower("memory", "MB").times_better(10.0);
        let judged = rows(memory, &[10.0, 10.0], &[200.0]);
        assert_eq!(judged[0].spread, Some((20.0, 20.0)));
        let alone = rows(memory, &[10.0], &[]);
        assert_eq!((alone[0].ratio, alone[0].pass), (None, None));
        assert_eq!(Verdict::of(&alone, &[], false), Verdict::None);
    }

    #[test]
    fn a_failure_fails_the_run() {
        let failure = Failure {
            cluster: "Janus".into(),
            scenario: "idle".into(),
            turn: 1,
            reason: "void".into(),
        };
        assert_eq!(Verdict::of(&[], &[failure], true), Verdict::Fail);
    }
}
