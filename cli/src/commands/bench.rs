//! `janus bench`: Janus beside Apache Kafka, or beside its own other mode, on this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use async_trait::async_trait;
use bench::kafka::{Kafka, Model};
use bench::{Cluster, Marks, Options, Report, Scenario, Server, Verdict};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tempfile::TempDir;

use crate::Usage;
use crate::arguments::{Common, key_value};
use crate::cluster::{LocalCluster, Mode, Role, Started, UpOptions, find_binaries};
use crate::commands::up::{Interrupts, check_setting};
use crate::output::{Format, Table, print};

const TURNS_DEFAULT: u32 = 3;
const WARM_UP_DEFAULT_S: u64 = 300;

/// Janus is warmed for this part of Kafka's time: nothing is compiled while it runs.
const JANUS_WARM_UP_PART: u64 = 10;

/// What `janus up` sets differently for a cluster on one machine, set back to Kafka's defaults.
const KAFKAS_DEFAULTS: [(&str, &str); 7] = [
    ("broker.session.timeout.ms", "9000"),
    ("broker.heartbeat.interval.ms", "2000"),
    ("controller.quorum.election.timeout.ms", "1000"),
    ("num.network.threads", "3"),
    ("group.initial.rebalance.delay.ms", "3000"),
    ("default.replication.factor", "1"),
    ("min.insync.replicas", "1"),
];

/// Measure Janus beside Apache Kafka on this machine
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    List(List),
    Run(Run),
}

/// What can be measured
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus bench list")]
pub(crate) struct List {}

/// Measure two clusters turn by turn, with the same client and the same settings
///
/// A full run against Apache Kafka takes about 40 minutes and wants the machine for itself. Data goes
/// to the folder for temporary files (TMPDIR): about 15 GB.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus bench run\n  \
    janus bench run throughput latency-5000 --turns 2 --warm-up 60\n  \
    janus bench run --mode zookeeper --peer kafka-3.9 --out docs/results/zookeeper.md\n  \
    janus bench run --quick --peer none -o json")]
pub(crate) struct Run {
    /// What to measure: names of `janus bench list`, or their first words [default: all]
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// How the controllers of Janus coordinate
    #[arg(long, value_enum, default_value = "raft")]
    mode: Mode,
    /// What to measure it against [default: kafka-4.3, in ZooKeeper mode kafka-3.9]
    #[arg(long, value_enum)]
    peer: Option<Peer>,
    /// Folder with the libs/ of the Apache Kafka [default: KAFKA_HOME, or
    /// KAFKA_ZOOKEEPER_HOME for 3.9, else ~/.cache/janus/kafka-VERSION]
    #[arg(long, value_name = "DIR")]
    kafka_home: Option<PathBuf>,
    /// How often each cluster is measured, in the order A B B A A B ... [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    turns: Option<u32>,
    /// How long Apache Kafka works before anything counts; a Janus a tenth of it [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    warm_up: Option<u64>,
    /// One short turn of everything, to test the harness; judges nothing
    #[arg(long)]
    quick: bool,
    /// A setting for both clusters; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Write the table to a file too, as Markdown
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The other cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// Apache Kafka 4.3 with its own quorum
    #[value(name = "kafka-4.3")]
    Kafka43,
    /// Apache Kafka 3.9 with ZooKeeper
    #[value(name = "kafka-3.9")]
    Kafka39,
    /// Janus in raft mode
    Raft,
    /// Janus in ZooKeeper mode
    #[value(name = "zookeeper")]
    ZooKeeper,
    /// Nothing: Janus alone
    None,
}

impl Bench {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        match self {
            Self::List(it) => it.run(common),
            Self::Run(it) => it.run(common).await,
        }
    }
}

impl List {
    fn run(self, common: &Common) -> Result<()> {
        let describe = |it: &Scenario| (it.to_string(), it.description());
        let all: Vec<(String, String)> = Scenario::ALL.iter().map(describe).collect();
        let document: Vec<_> = all
            .iter()
            .map(|(name, description)| json!({"scenario": name, "description": description}))
            .collect();
        Ok(common.output().show(&document, || {
            let mut table = Table::new(["scenario", "what it measures"]);
            for (name, description) in all {
                table.row([name, description]);
            }
            table
        })?)
    }
}

impl Run {
    async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        for (key, value) in &self.set {
            check_setting(key, value)?;
        }
        let peer = self.peer.unwrap_or(match self.mode {
            Mode::Raft => Peer::Kafka43,
            Mode::ZooKeeper => Peer::Kafka39,
        });
        let options = self.options(peer)?;
        let mut janus = Janus::new(self.mode, &self.set)?;
        let mut peer = self.peer(peer)?;
        let mut interrupts = Interrupts::new()?;
        let tell = |text: &str| output.note(text);
        let report = tokio::select! {
            report = bench::run(&options, &mut janus, as_cluster(&mut peer), &tell) => report,
            () = interrupts.next() => Err(anyhow!("interrupted")),
        };
        // Whatever happened, no process stays behind.
        let stopped = (
            janus.stop().await,
            match &mut peer {
                Some(peer) => peer.stop().await,
                None => Ok(()),
            },
        );
        let report = report?;
        stopped.0.and(stopped.1)?;
        if let Some(path) = &self.out {
            write(path, &report)?;
            output.note(format!("the table stands in {}", path.display()));
        }
        match output.format {
            Format::Json => output.show(&report, Table::default)?,
            Format::Plain | Format::Table => print(&report.to_string())?,
        }
        match report.verdict {
            Verdict::Pass | Verdict::None => Ok(()),
            Verdict::Fail => Err(anyhow!("the verdict is fail")),
        }
    }

    fn options(&self, peer: Peer) -> Result<Options> {
        let mut scenarios = Vec::new();
        for name in &self.scenarios {
            let named = Scenario::named(name);
            if named.is_empty() {
                let all = Scenario::ALL.map(|it| it.to_string()).join(", ");
                let reason = format!("there is no scenario '{name}'; choose from {all}");
                return Err(Usage::new(reason).into());
            }
            scenarios.extend(named);
        }
        if scenarios.is_empty() {
            scenarios = Scenario::ALL.into();
        }
        let (turns, warm_up_s) =
            if self.quick { (1, 10) } else { (TURNS_DEFAULT, WARM_UP_DEFAULT_S) };
        let warm_up_s = self.warm_up.unwrap_or(warm_up_s);
        let janus_warm_up_s = warm_up_s.div_ceil(JANUS_WARM_UP_PART);
        Ok(Options {
            scenarios,
            turns: self.turns.unwrap_or(turns),
            warm_up_s: match peer {
                Peer::Kafka43 | Peer::Kafka39 => warm_up_s,
                Peer::Raft | Peer::ZooKeeper | Peer::None => janus_warm_up_s,
            },
            janus_warm_up_s,
            quick: self.quick,
            marks: match (self.mode, peer) {
                (Mode::Raft, Peer::Kafka43) => Marks::Kafka,
                (Mode::ZooKeeper, Peer::Raft) => Marks::Modes,
                _ => Marks::None,
            },
        })
    }

    fn peer(&self, peer: Peer) -> Result<Option<Box<dyn Cluster>>> {
        let kafka = |version: &str, patch: &str, model| -> Result<Option<Box<dyn Cluster>>> {
            let home = match &self.kafka_home {
                Some(home) => home.clone(),
                None => kafka_home(version, patch),
            };
            let kafka = Kafka::open(&home, model, self.set.clone())?;
            if !kafka.version().starts_with(&format!("{version}.")) {
                let found = kafka.version();
                let home = home.display();
                let reason = format!("{home} holds Apache Kafka {found}, not {version}");
                return Err(Usage::new(reason).into());
            }
            Ok(Some(Box::new(kafka)))
        };
        let janus = |mode| -> Result<Option<Box<dyn Cluster>>> {
            if mode == self.mode {
                return Err(Usage::new(format!("--mode and --peer are both {mode}")).into());
            }
            Ok(Some(Box::new(Janus::new(mode, &self.set)?)))
        };
        match peer {
            Peer::Kafka43 => kafka("4.3", "0", Model::KRaft),
            Peer::Kafka39 => kafka("3.9", "1", Model::ZooKeeper),
            Peer::Raft => janus(Mode::Raft),
            Peer::ZooKeeper => janus(Mode::ZooKeeper),
            Peer::None => Ok(None),
        }
    }
}

fn as_cluster(peer: &mut Option<Box<dyn Cluster>>) -> Option<&mut dyn Cluster> {
    match peer {
        Some(peer) => Some(peer.as_mut()),
        None => None,
    }
}

/// Where `make` puts the jars.
fn kafka_home(version: &str, patch: &str) -> PathBuf {
    let variable = if version == "4.3" { "KAFKA_HOME" } else { "KAFKA_ZOOKEEPER_HOME" };
    let named = std::env::var_os(variable).filter(|home| !home.is_empty());
    let cache = || std::env::home_dir().unwrap_or_default().join(".cache/janus");
    named.map_or_else(|| cache().join(format!("kafka-{version}.{patch}")), PathBuf::from)
}

fn write(path: &Path, report: &Report) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("create the folder {}", folder.display()))?;
    }
    std::fs::write(path, report.to_string()).with_context(|| format!("write {}", path.display()))
}

/// A cluster of Janus, as `janus up` makes it but with Kafka's defaults.
struct Janus {
    mode: Mode,
    settings: Vec<(String, String)>,
    cluster: LocalCluster,
    /// Keeps the ports of the running cluster from other `janus` processes.
    started: Option<Started>,
    _folder: TempDir,
}

impl Janus {
    fn new(mode: Mode, settings: &[(String, String)]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("janus-bench-").tempdir();
        let folder = folder.context("make a temporary folder")?;
        let defaults = KAFKAS_DEFAULTS.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let cluster = LocalCluster::new(&folder.path().join("cluster"), find_binaries()?)?;
        let settings = defaults.into_iter().chain(settings.iter().cloned()).collect();
        Ok(Self { mode, settings, cluster, started: None, _folder: folder })
    }
}

#[async_trait]
impl Cluster for Janus {
    fn name(&self) -> String {
        format!("Janus {} ({})", env!("CARGO_PKG_VERSION"), self.mode)
    }

    fn settings(&self) -> Vec<String> {
        self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    async fn prepare(&mut self) -> Result<()> {
        // Formatting is a part of the start, and of what is measured.
        self.stop().await
    }

    async fn launch(&mut self) -> Result<()> {
        let set = self.settings.clone();
        let options = UpOptions { mode: Some(self.mode), port: Some(0), set, ..Default::default() };
        self.started = Some(self.cluster.launch(&options).await?);
        Ok(())
    }

    fn bootstrap(&self) -> Result<String> {
        self.cluster.bootstrap()
    }

    fn servers(&self) -> Result<Vec<Server>> {
        let state = self.cluster.state()?;
        let servers = state.servers.iter().map(|server| {
            let process = server.process.as_ref().filter(|process| process.is_alive());
            let process = process.with_context(|| {
                format!("{} has ended\n{}", server.id, self.cluster.log_tail(server.id))
            })?;
            let role = match server.id.role {
                Role::Broker => bench::Role::Broker,
                Role::Controller => bench::Role::Controller,
                Role::ZooKeeper => bench::Role::ZooKeeper,
            };
            Ok(Server { role, pid: process.pid })
        });
        servers.collect()
    }

    async fn pause(&mut self) -> Result<()> {
        for id in self.cluster.running_servers()? {
            self.cluster.pause(id).await?;
        }
        Ok(())
    }

    async fn resume(&mut self) -> Result<()> {
        for id in self.cluster.running_servers()? {
            self.cluster.resume(id).await?;
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        for id in self.cluster.running_servers()? {
            self.cluster.kill(id).await?;
        }
        self.started = None;
        self.cluster.wipe().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(scenarios: &[&str]) -> Run {
        Run {
            scenarios: scenarios.iter().map(|name| (*name).to_owned()).collect(),
            mode: Mode::Raft,
            peer: None,
            kafka_home: None,
            turns: None,
            warm_up: None,
            quick: false,
            set: Vec::new(),
            out: None,
        }
    }

    #[test]
    fn scenarios_are_named_alone_or_together() {
        let options = run(&["requests", "latency"]).options(Peer::Kafka43).unwrap();
        assert_eq!(options.scenarios.len(), 4);
        assert_eq!(options.marks, Marks::Kafka);
        assert_eq!(run(&[]).options(Peer::None).unwrap().scenarios, Scenario::ALL);
        let error = run(&["throughputt"]).options(Peer::None).unwrap_err().to_string();
        assert!(error.contains("throughput-plain"), "{error}");
    }

    #[test]
    fn a_mode_is_not_compared_with_itself() {
        assert!(run(&[]).peer(Peer::Raft).is_err());
    }

    #[test]
    fn kafkas_defaults_are_keys_of_ours() {
        for (key, value) in KAFKAS_DEFAULTS {
            check_setting(key, value).unwrap();
        }
    }
}
