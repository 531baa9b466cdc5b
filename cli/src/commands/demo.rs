//! `janus demo`: the online shop on a cluster of its own, which is broken and mended meanwhile.

use std::io::{IsTerminal, Stderr};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use demo::{FaultAction, FaultFuture, Moment, Options, Report, Screen, Topic, Verdict, input};
use futures::FutureExt;

use crate::arguments::Common;
use crate::cluster::{LocalCluster, Mode, ServerId, Target, UpOptions, Which, find_binaries};
use crate::commands::up::Interrupts;
use crate::output::{Format, Output, print};
use crate::{Unknown, Usage};

/// The broker session of a cluster that we make (see `janus up`), and Kafka's default elsewhere.
const LOCAL_SESSION_TIMEOUT_MS: u32 = 3_000;
const OTHER_SESSION_TIMEOUT_MS: u32 = 9_000;

/// Run an online shop on a cluster, break the cluster, and prove that nothing was lost
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus demo\n  janus demo --seconds 60 -o json\n  \
    janus demo --bootstrap localhost:9092 --seconds 10\n  \
    janus demo --input sales.csv --map customer=CustomerID,time=InvoiceDate,product=Description")]
pub(crate) struct Demo {
    /// How the controllers of the cluster coordinate
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// How long the shop is open [default: 30, or to the end of the file]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Events a second
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// What the shoppers are made from: the same seed makes the same shoppers
    #[arg(long, value_name = "S", default_value_t = 7)]
    seed: u64,
    /// Sales of your own, as CSV or NDJSON, instead of made-up shoppers
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Which column is what: customer=COL,time=COL,product=COL,quantity=COL,amount=COL
    #[arg(long, value_name = "MAP", requires = "input")]
    map: Option<String>,
    /// Leave the cluster running at the end
    #[arg(long)]
    keep: bool,
}

impl Demo {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let plan = match &self.input {
            Some(path) => Some(
                input::inspect(path, self.map.as_deref())
                    .map_err(|error| Usage::new(error.to_string()))?,
            ),
            None => None,
        };
        let mut interrupts = Interrupts::new()?;
        if common.names_bootstrap() {
            let bootstrap = common.bootstrap()?;
            // Fails now, and clearly, where nobody answers.
            drop(common.client().await?);
            output.note("nothing is broken on purpose: this cluster is not ours");
            let options = self.options(bootstrap, plan, OTHER_SESSION_TIMEOUT_MS, interrupts);
            let report = open_shop(options, Vec::new(), &output).await?;
            return judge(&report, &output);
        }
        let folder = tempfile::Builder::new()
            .prefix("janus-demo-")
            .tempdir()
            .context("make a temporary folder")?;
        let cluster = LocalCluster::new(&folder.path().join("cluster"), find_binaries()?)?;
        let up = UpOptions { mode: self.mode, ..UpOptions::default() };
        let shop = async {
            let progress = output.progress("starting three controllers and three brokers");
            let started = tokio::select! {
                started = cluster.up(&up) => started?,
                () = interrupts.next() => return Err(anyhow!("interrupted")),
            };
            progress.finish_and_clear();
            started.notes.iter().for_each(|note| output.note(note));
            let bootstrap = cluster.bootstrap()?;
            let faults = faults(&cluster, self.seconds_or_default());
            let options = self.options(bootstrap, plan, LOCAL_SESSION_TIMEOUT_MS, interrupts);
            open_shop(options, faults, &output).await
        };
        // Whatever happens, no process stays behind.
        let report = AssertUnwindSafe(shop).catch_unwind().await;
        if self.keep && matches!(report, Ok(Ok(_))) {
            let kept = folder.keep();
            let data = kept.join("cluster");
            output.note(format!(
                "the cluster goes on; `janus down --wipe --data {}` ends it",
                data.display()
            ));
        } else {
            cluster.down().await?;
        }
        judge(&report.map_err(|_| anyhow!("the shop crashed"))??, &output)
    }

    fn seconds_or_default(&self) -> u64 {
        self.seconds.unwrap_or(30)
    }

    fn options(
        &self,
        bootstrap: String,
        plan: Option<input::Plan>,
        session_timeout_ms: u32,
        mut interrupts: Interrupts,
    ) -> Options {
        let endless = plan.is_some() && self.seconds.is_none();
        Options {
            bootstrap,
            seconds: (!endless).then(|| self.seconds_or_default()),
            input: plan,
            seed: self.seed,
            rate: self.rate,
            session_timeout_ms,
            cancelled: Box::pin(async move { interrupts.next().await }),
        }
    }
}

async fn open_shop(options: Options, faults: Vec<FaultAction>, output: &Output) -> Result<Report> {
    let mut screen = screen(output);
    let show = move |moment: &Moment| {
        if let Some(screen) = &mut screen {
            screen.show(moment);
        }
    };
    demo::run(options, faults, show).await
}

/// What happens while the shop is open: the leader of a busy partition dies, then the active
/// controller, then both come back.
fn faults(cluster: &LocalCluster, seconds: u64) -> Vec<FaultAction> {
    let dead: Arc<Mutex<Vec<ServerId>>> = Arc::default();
    let kill = |name: &str, share: f64, target: Target| {
        let (cluster, dead) = (cluster.clone(), dead.clone());
        fault(name, share * seconds as f64, move || Box::pin(kill(cluster, target, dead)))
    };
    let topic = Topic::Transactions.name();
    let leader = Target::Leader { topic: topic.to_owned(), partition: 0 };
    let active = Target::Controller { which: Which::Leading };
    let first = kill("leader killed", 0.25, leader);
    let second = kill("active controller killed", 0.45, active);
    let cluster = cluster.clone();
    let third = fault("both back", 0.65 * seconds as f64, move || Box::pin(revive(cluster, dead)));
    vec![first, second, third]
}

fn fault(
    name: &str,
    at_second: f64,
    run: impl FnOnce() -> FaultFuture + Send + 'static,
) -> FaultAction {
    FaultAction { name: name.to_owned(), at_second, run: Box::new(run) }
}

async fn kill(
    cluster: LocalCluster,
    target: Target,
    dead: Arc<Mutex<Vec<ServerId>>>,
) -> Result<String> {
    let ids = cluster.resolve(&target).await?;
    for id in &ids {
        cluster.kill(*id).await?;
    }
    let names: Vec<String> = ids.iter().map(ServerId::to_string).collect();
    dead.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    Ok(format!("killed {} (SIGKILL)", names.join(", ")))
}

async fn revive(cluster: LocalCluster, dead: Arc<Mutex<Vec<ServerId>>>) -> Result<String> {
    let ids = std::mem::take(&mut *dead.lock().unwrap_or_else(PoisonError::into_inner));
    for id in &ids {
        cluster.start(*id).await?;
    }
    cluster.wait_until_serving(&ids).await?;
    let names: Vec<String> = ids.iter().map(ServerId::to_string).collect();
    Ok(format!("{} serve again", names.join(" and ")))
}

/// Lines on stderr, unless nobody wants them.
fn screen(output: &Output) -> Option<Screen<Stderr>> {
    let stderr = std::io::stderr();
    let columns = stderr.is_terminal().then(|| {
        rustix::termios::tcgetwinsize(&stderr).map_or(80, |size| usize::from(size.ws_col))
    });
    output.wants_notes().then(|| Screen::new(stderr, columns))
}

/// Prints the report and turns the verdict into the exit status.
fn judge(report: &Report, output: &Output) -> Result<()> {
    match output.format {
        Format::Json => output.show(report, Default::default)?,
        _ => print(&report.to_string())?,
    }
    match report.verdict {
        Verdict::Pass => Ok(()),
        Verdict::Fail => Err(anyhow!("the verdict is fail: {}", report.reasons.join("; "))),
        Verdict::Unknown => {
            Err(Unknown(format!("the verdict is unknown: {}", report.reasons.join("; "))).into())
        }
    }
}
