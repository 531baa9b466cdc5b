//! `janus kill`, `stop`, `pause`, `resume`, `start`, `restart` and `logs`: single servers.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use crate::Usage;
use crate::arguments::Common;
use crate::cluster::{LocalCluster, ServerId, Target};
use crate::output::{Output, print};

/// How often a log is looked at for more.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(100);

/// Kill a server at once (SIGKILL)
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus kill broker 1\n  janus kill controller active\n  \
    janus kill leader orders 0")]
pub(crate) struct Kill {
    #[command(subcommand)]
    target: Target,
}

/// Stop a server in order (SIGTERM): a broker hands its leaderships over first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus stop broker 1")]
pub(crate) struct Stop {
    #[command(subcommand)]
    target: Target,
}

/// Freeze a server (SIGSTOP): it is there and does not answer
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus pause leader orders 0")]
pub(crate) struct Pause {
    #[command(subcommand)]
    target: Target,
}

/// Let a frozen server go on (SIGCONT)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus resume broker 1")]
pub(crate) struct Resume {
    #[command(subcommand)]
    target: Target,
}

/// Start a server again on its data, and wait until it serves
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus start broker 1")]
pub(crate) struct Start {
    /// Return as soon as the process runs
    #[arg(long, global = true)]
    no_wait: bool,
    #[command(subcommand)]
    target: Target,
}

/// Stop a server in order and start it again; `all` goes through them one by one
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus restart broker 1\n  janus restart all")]
pub(crate) struct Restart {
    #[command(subcommand)]
    target: Target,
}

/// Print the log of a server
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus logs broker 1 -f")]
pub(crate) struct Logs {
    /// Go on with what is added
    #[arg(short, long, global = true)]
    follow: bool,
    #[command(subcommand)]
    target: Target,
}

impl Kill {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let (cluster, ids) = resolve(common, &self.target).await?;
        // Several processes die together, not one after the other has been cleared away.
        let kills = ids.iter().map(|id| cluster.kill(*id));
        let kills = futures::future::join_all(kills).await;
        kills.into_iter().collect::<Result<Vec<()>>>()?;
        say(&common.output(), "killed", &ids)
    }
}

impl Stop {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let (cluster, ids) = resolve(common, &self.target).await?;
        for id in &ids {
            if !cluster.stop(*id).await? {
                output.note(format!("{id} did not stop in time and was killed"));
            }
        }
        say(&output, "stopped", &ids)
    }
}

impl Pause {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let (cluster, ids) = resolve(common, &self.target).await?;
        for id in &ids {
            cluster.pause(*id).await?;
        }
        say(&common.output(), "paused", &ids)
    }
}

impl Resume {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let (cluster, ids) = resolve(common, &self.target).await?;
        for id in &ids {
            cluster.resume(*id).await?;
        }
        say(&common.output(), "resumed", &ids)
    }
}

impl Start {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let cluster = common.cluster_to_start()?;
        let ids = cluster.resolve(&self.target).await?;
        for id in &ids {
            if !cluster.start(*id).await? {
                output.note(format!("{id} runs already"));
            }
        }
        if !self.no_wait {
            let progress = output.progress("waiting until it serves");
            cluster.wait_until_serving(&ids).await?;
            progress.finish_and_clear();
        }
        say(&output, "started", &ids)
    }
}

impl Restart {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let cluster = common.cluster_to_start()?;
        let ids = cluster.resolve(&self.target).await?;
        let progress = output.progress("restarting");
        if self.target == Target::All {
            let tell = |id: ServerId| {
                progress.suspend(|| output.note(format!("{id} is back")));
            };
            cluster.restart_all(tell).await?;
        } else {
            for id in &ids {
                if !cluster.restart(*id).await? {
                    let note = format!("{id} did not stop in time and was killed");
                    progress.suspend(|| output.note(note));
                }
            }
        }
        progress.finish_and_clear();
        say(&output, "restarted", &ids)
    }
}

impl Logs {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let (cluster, ids) = resolve(common, &self.target).await?;
        let [id] = ids[..] else {
            return Err(Usage::new("name one server, such as `janus logs broker 1`").into());
        };
        let path = id.log(cluster.data());
        let context = || format!("read {}", path.display());
        let mut log = File::open(&path).with_context(context)?;
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            (&mut log).take(1 << 20).read_to_end(&mut bytes).with_context(context)?;
            if !bytes.is_empty() {
                print(&String::from_utf8_lossy(&bytes))?;
                continue;
            }
            if !self.follow {
                return Ok(());
            }
            tokio::time::sleep(FOLLOW_INTERVAL).await;
            // Somebody emptied the file: go on from its new beginning.
            let length = log.metadata().with_context(context)?.len();
            if length < log.stream_position().with_context(context)? {
                log.seek(SeekFrom::Start(0)).with_context(context)?;
            }
        }
    }
}

async fn resolve(common: &Common, target: &Target) -> Result<(LocalCluster, Vec<ServerId>)> {
    let cluster = common.cluster()?;
    let ids = cluster.resolve(target).await?;
    Ok((cluster, ids))
}

fn say(output: &Output, done: &str, ids: &[ServerId]) -> Result<()> {
    let document = json!({ "action": done, "servers": ids });
    Ok(output.say(&document, || {
        let names: Vec<String> = ids.iter().map(ToString::to_string).collect();
        format!("{done} {}", names.join(", "))
    })?)
}
