//! The order of a run: what is warmed, who has the machine when, what is noted.
//!
//! ```text
//!  calibration
//!  cold starts          A B  B A  A B  B A      a new cluster each time, the other one is gone
//!  warm-up              peer, then Janus        who is not measured is paused (SIGSTOP)
//!  loads                A B  B A  A B  B A      all of them in each turn, after a resume and a load
//!  rest
//!  partitions           A B  B A  A B  B A
//!  calibration
//! ```
//!
//! A paused cluster keeps its memory and its compiled code and uses no CPU. After it is resumed it
//! has to find itself again, which is waited for and not measured.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::calibration::Calibration;
use crate::cluster::Cluster;
use crate::load::{consumer, producer};
use crate::machine::Machine;
use crate::measure::{self, Sizes, load_of};
use crate::probe;
use crate::report::{Failure, Report, Rows, Side, Verdict};
use crate::scenario::{Compression, Marks, Scenario};

/// How long everything rests before thousands of files are created. Ext4 without a journal does not
/// use an inode again in the first six minutes after its file was deleted, and looks at every one of
/// them whenever it creates a file: after the topics of the loads that costs either cluster seconds.
const REST_S: u64 = 365;

/// More of a core than this, used by others, is worth a remark.
const OTHERS_CORES_MAX: f64 = 0.2;

/// What a run is.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is measured.
    pub scenarios: Vec<Scenario>,
    /// How often each is, on each cluster.
    pub turns: u32,
    /// How long the peer works before it counts, in seconds.
    pub warm_up_s: u64,
    /// How long Janus does.
    pub janus_warm_up_s: u64,
    /// A test of the harness: everything short, nothing judged.
    pub quick: bool,
    /// How the ratios are judged.
    pub marks: Marks,
}

/// One of the clusters.
struct Subject<'a> {
    side: Side,
    cluster: &'a mut dyn Cluster,
    warm_up_s: u64,
}

struct Run<'a> {
    options: &'a Options,
    sizes: Sizes,
    subjects: Vec<Subject<'a>>,
    rows: Rows,
    failures: Vec<Failure>,
    others: Option<(f64, String)>,
    tell: &'a (dyn Fn(&str) + Sync),
}

/// Runs it all and ends both clusters. `tell` hears what happens. Whoever drops the future has to
/// stop the clusters.
pub async fn run(
    options: &Options,
    janus: &mut dyn Cluster,
    peer: Option<&mut dyn Cluster>,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<Report> {
    let date = jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    // What was built, whatever is edited meanwhile.
    let commit = commit();
    let temporary = std::env::temp_dir();
    let before = Calibration::take(&temporary)?;
    let settings = settings(janus, peer.as_deref());
    let names = (janus.name(), peer.as_ref().map(|peer| peer.name()));

    // The peer is warmed first: Janus comes first in the first turn and need not be paused for it.
    let janus = Subject { side: Side::Janus, cluster: janus, warm_up_s: options.janus_warm_up_s };
    let peer =
        peer.map(|cluster| Subject { side: Side::Peer, cluster, warm_up_s: options.warm_up_s });
    let mut run = Run {
        options,
        sizes: if options.quick { Sizes::QUICK } else { Sizes::FULL },
        subjects: [Some(janus), peer].into_iter().flatten().collect(),
        rows: Rows::new(options.turns, options.marks),
        failures: Vec::new(),
        others: None,
        tell,
    };
    let warm_up_s = run.subjects.iter().map(|subject| subject.warm_up_s).collect();
    let done = run.all().await;
    for subject in &mut run.subjects {
        subject.cluster.stop().await?;
    }
    done?;

    let after = Calibration::take(&temporary)?;
    let mut remarks = Vec::new();
    let moved = before.moved(&after);
    if !moved.is_empty() {
        remarks.push(format!("the machine changed during the run: {}", moved.join(", ")));
    }
    if let Some((cores, place)) = run.others.filter(|(cores, _)| *cores > OTHERS_CORES_MAX) {
        remarks.push(format!("others used up to {cores:.2} cores ({place})"));
    }
    let rows = run.rows.judged();
    Ok(Report {
        verdict: Verdict::of(&rows, &run.failures, options.quick),
        janus: names.0,
        peer: names.1,
        date,
        commit,
        machine: Machine::this(),
        quick: options.quick,
        turns: options.turns,
        warm_up_s,
        calibration: vec![before, after],
        rows,
        failures: run.failures,
        settings,
        remarks,
    })
}

impl Run<'_> {
    async fn all(&mut self) -> Result<()> {
        let chosen = &self.options.scenarios;
        let of = |phase: &dyn Fn(&Scenario) -> bool| -> Vec<Scenario> {
            Scenario::ALL.into_iter().filter(|it| chosen.contains(it) && phase(it)).collect()
        };
        let cold = of(&|it| *it == Scenario::ColdStart);
        let partitions = of(&|it| *it == Scenario::Partitions);
        let loads = of(&|it| !matches!(it, Scenario::ColdStart | Scenario::Partitions));

        for (turn, index) in self.turns(!cold.is_empty()) {
            self.measure(Scenario::ColdStart, turn, index).await;
        }
        if loads.is_empty() && partitions.is_empty() {
            return Ok(());
        }
        for index in (0..self.subjects.len()).rev() {
            self.warm_up(index).await?;
        }
        for scenarios in [loads, partitions] {
            if scenarios.contains(&Scenario::Partitions) && !self.options.quick {
                (self.tell)(&format!("{REST_S} s of rest, until the file system has forgotten"));
                tokio::time::sleep(Duration::from_secs(REST_S)).await;
            }
            for (turn, index) in self.turns(!scenarios.is_empty()) {
                let subject = &mut self.subjects[index];
                let name = subject.cluster.name();
                if let Err(error) = resume(subject).await {
                    self.fail(name, "resume", turn, &error);
                    self.subjects[index].cluster.pause().await?;
                    continue;
                }
                for scenario in &scenarios {
                    self.measure(*scenario, turn, index).await;
                }
                self.subjects[index].cluster.pause().await?;
            }
        }
        Ok(())
    }

    /// Who is measured when: A B B A A B ...
    fn turns(&self, any: bool) -> Vec<(u32, usize)> {
        let turns = if any { self.options.turns } else { 0 };
        let subjects = self.subjects.len();
        let order = |turn: u32| -> Vec<usize> {
            match turn % 2 {
                0 => (0..subjects).collect(),
                _ => (0..subjects).rev().collect(),
            }
        };
        (0..turns).flat_map(|turn| order(turn).into_iter().map(move |it| (turn, it))).collect()
    }

    async fn warm_up(&mut self, index: usize) -> Result<()> {
        let subject = &mut self.subjects[index];
        let (name, seconds) = (subject.cluster.name(), subject.warm_up_s);
        (self.tell)(&format!("{name}: start, then a warm-up of {seconds} s"));
        let warmed = async {
            subject.cluster.prepare().await?;
            subject.cluster.launch().await?;
            probe::wait_until_serving(&subject.cluster.bootstrap()?).await?;
            measure::warm_up(subject.cluster, seconds).await
        };
        warmed.await.with_context(|| format!("warm {name} up"))?;
        subject.cluster.pause().await
    }

    async fn measure(&mut self, scenario: Scenario, turn: u32, index: usize) {
        let subject = &mut self.subjects[index];
        let (side, name) = (subject.side, subject.cluster.name());
        let place = format!("{scenario}, {name}, turn {} of {}", turn + 1, self.options.turns);
        match measure::measure(scenario, subject.cluster, self.sizes).await {
            Ok(measured) => {
                let figures = measured.values.iter().map(|(metric, value)| {
                    format!("{} {} {}", metric.name, crate::markdown::number(*value), metric.unit)
                });
                (self.tell)(&format!("{place}: {}", figures.collect::<Vec<_>>().join(", ")));
                for (metric, value) in &measured.values {
                    self.rows.put(scenario, metric, side, turn, *value);
                }
                if self.others.as_ref().is_none_or(|(most, _)| measured.others_cores > *most) {
                    self.others = Some((measured.others_cores, place));
                }
            }
            Err(error) => {
                // A server that has ended explains the rest. After a cold start all have.
                let ended = match scenario {
                    Scenario::ColdStart => None,
                    _ => subject.cluster.servers().err(),
                };
                self.fail(name, &scenario.to_string(), turn, &ended.unwrap_or(error));
            }
        }
    }

    fn fail(&mut self, cluster: String, scenario: &str, turn: u32, error: &anyhow::Error) {
        let reason = format!("{error:#}");
        (self.tell)(&format!("{scenario}, {cluster}, turn {}: FAILED: {reason}", turn + 1));
        let scenario = scenario.to_owned();
        self.failures.push(Failure { cluster, scenario, turn: turn + 1, reason });
    }
}

async fn resume(subject: &mut Subject<'_>) -> Result<()> {
    subject.cluster.resume().await?;
    probe::wait_until_serving(&subject.cluster.bootstrap()?).await?;
    measure::wake_up(subject.cluster).await
}

/// What people need to know to do the same.
fn settings(janus: &dyn Cluster, peer: Option<&dyn Cluster>) -> Vec<(String, Vec<String>)> {
    let pairs = |settings: lab::client::Settings| -> Vec<String> {
        settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
    };
    let of = |scenario| {
        let load = load_of(scenario, Sizes::FULL).expect("these scenarios are loads");
        pairs(producer::settings(&load))
    };
    let mut topics = vec!["16 partitions".to_owned(), "3 replicas".to_owned()];
    topics.extend(probe::TOPIC_SETTINGS.map(|(key, value)| format!("{key}={value}")));
    let throughput = Scenario::Throughput(Compression::Plain);
    let mut settings = vec![
        ("topics".to_owned(), topics),
        ("producer, throughput and records".to_owned(), of(throughput)),
        ("producer, requests".to_owned(), of(Scenario::Requests)),
        ("producer, latency and partitions".to_owned(), of(Scenario::Latency(500))),
        ("consumer".to_owned(), pairs(consumer::settings())),
        (janus.name(), janus.settings()),
    ];
    settings.extend(peer.map(|peer| (peer.name(), peer.settings())));
    settings
}

/// The commit of the source tree in the current folder, and whether it was changed.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit} and uncommitted changes") })
}
