//! `janus up` and `janus down`: a whole cluster on this machine.

use std::io::{IsTerminal, Write};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::Usage;
use crate::arguments::{Common, key_value};
use crate::cluster::{LocalCluster, Mode, ServerId, Stopped, UpOptions};
use crate::output::Output;

/// Make a cluster on this machine, or start the one that is there
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus up --detach\n  \
    janus up --data /tmp/one --brokers 1 --controllers 1 --port 19092 --set log.segment.bytes=1048576")]
pub(crate) struct Up {
    /// How the controllers coordinate [default: raft, or as the cluster is]
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// How many brokers a new cluster has [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=90))]
    brokers: Option<i32>,
    /// How many controllers a new cluster has [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=9))]
    controllers: Option<i32>,
    /// How many ZooKeeper servers are started with it [default: 3]
    #[arg(long, value_name = "N", conflicts_with = "zookeeper", value_parser = clap::value_parser!(i32).range(1..=9))]
    zookeepers: Option<i32>,
    /// An ensemble that runs already, with a chroot if you like
    #[arg(long, value_name = "HOST:PORT,...[/CHROOT]")]
    zookeeper: Option<String>,
    /// Port of the first broker; the others follow. 0: any [default: 9092]
    #[arg(long, value_parser = parse_port)]
    port: Option<u16>,
    /// A setting for every server that knows the key; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    set: Vec<(String, String)>,
    /// Return when the cluster is ready instead of staying until Ctrl-C
    #[arg(long)]
    detach: bool,
}

/// Shut the cluster down in order, brokers first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus down\n  janus down --wipe --yes")]
pub(crate) struct Down {
    /// Remove its data too
    #[arg(long)]
    wipe: bool,
    /// Do not ask before removing data
    #[arg(short, long)]
    yes: bool,
}

impl Up {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        for (key, value) in &self.set {
            check_setting(key, value)?;
        }
        let detach = self.detach;
        let options = UpOptions {
            mode: self.mode,
            brokers: self.brokers,
            controllers: self.controllers,
            zookeepers: self.zookeepers,
            zookeeper: self.zookeeper,
            port: self.port,
            set: self.set,
        };
        let cluster = common.cluster_to_start()?;
        let running = cluster.running_servers()?;
        // From here on Ctrl-C must not end this process before its servers.
        let mut interrupts = Interrupts::new()?;
        let started = tokio::select! {
            started = start(&cluster, &options, &output) => started,
            () = interrupts.next() => Err(anyhow::anyhow!("interrupted")),
        };
        if let Err(error) = started {
            // What is half there would be in the way of the next attempt.
            stop(&cluster, &running, &output).await?;
            return Err(error);
        }
        if detach {
            return Ok(());
        }
        output.note("Ctrl-C stops it");
        interrupts.next().await;
        stop(&cluster, &[], &output).await
    }
}

/// Starts the cluster and says where it is.
async fn start(cluster: &LocalCluster, options: &UpOptions, output: &Output) -> Result<()> {
    let begin = Instant::now();
    let progress = output.progress("starting the servers");
    let mut started = cluster.launch(options).await?;
    for note in &started.notes {
        progress.suspend(|| output.note(note));
    }
    progress.set_message(format!("waiting for {} servers", started.servers.len()));
    cluster.wait_until_ready().await?;
    started.release_ports();
    progress.finish_and_clear();
    let state = cluster.state()?;
    let ready_ms = begin.elapsed().as_millis() as u64;
    let document = json!({
        "cluster_id": state.cluster_id,
        "mode": state.mode,
        "bootstrap": state.bootstrap(),
        "data": cluster.data(),
        "created": started.made,
        "started": started.servers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "ready_ms": ready_ms,
    });
    Ok(output.say(&document, || match started.servers.len() {
        0 => format!("the cluster runs already: {}", state.bootstrap()),
        _ => format!("ready in {ready_ms} ms ({} mode): {}", state.mode, state.bootstrap()),
    })?)
}

async fn stop(cluster: &LocalCluster, keep: &[ServerId], output: &Output) -> Result<()> {
    let progress = output.progress("stopping the servers");
    let stopped = cluster.down_except(keep).await?;
    progress.finish_and_clear();
    tell_killed(&stopped, output);
    Ok(())
}

fn tell_killed(stopped: &Stopped, output: &Output) {
    for id in &stopped.killed {
        output.note(format!("{id} did not stop in time and was killed"));
    }
}

impl Down {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let output = common.output();
        let cluster = common.cluster()?;
        let exists = cluster.state_if_any()?.is_some();
        if self.wipe && exists && !self.yes {
            confirm(&format!("Remove all data in {}?", cluster.data().display()))?;
        }
        let progress = output.progress("stopping the servers");
        let stopped = cluster.down().await?;
        progress.finish_and_clear();
        tell_killed(&stopped, &output);
        if self.wipe {
            cluster.wipe().await?;
        }
        let names = |ids: &[_]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let document = json!({
            "stopped": names(&stopped.servers),
            "killed": names(&stopped.killed),
            "wiped": self.wipe && exists,
        });
        Ok(output.say(&document, || {
            let data = cluster.data().display();
            match (exists, self.wipe) {
                (false, _) => format!("there is no cluster in {data}"),
                (true, false) => format!("stopped {} servers", stopped.servers.len()),
                (true, true) => {
                    format!("stopped {} servers and removed {data}", stopped.servers.len())
                }
            }
        })?)
    }
}

/// Asks a person; without one the answer is no.
fn confirm(question: &str) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        return Err(Usage::new("--wipe asks before it removes data; add --yes to agree").into());
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush().context("ask")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("read the answer")?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => bail!("nothing was done"),
    }
}

/// A key that some server knows, with a value that it may have.
pub(crate) fn check_setting(key: &str, value: &str) -> Result<()> {
    let Some(known) = config::server_key(key) else {
        let hint = match config::nearest(key, config::server_keys()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => "`janus config explain` lists all keys".to_owned(),
        };
        return Err(Usage::new(format!("--set: unknown key '{key}'; {hint}")).into());
    };
    let wrong = |why| Usage::new(format!("--set: {why}; {}", known.suggestion(value)));
    Ok(known.validate(value).map_err(wrong)?)
}

fn parse_port(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(port @ (0 | 1024..=60_000)) => Ok(port),
        _ => Err("give a port from 1024 to 60000, or 0 for any".into()),
    }
}

/// Ctrl-C, and the wish of whoever started this process that it ends.
pub(crate) struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interrupts {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).context("listen for Ctrl-C")?,
            terminate: signal(SignalKind::terminate()).context("listen for SIGTERM")?,
        })
    }

    /// Returns when one of them comes.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked_before_anything_is_made() {
        assert!(check_setting("log.segment.bytes", "1048576").is_ok());
        let error = check_setting("log.segment.byte", "1").unwrap_err().to_string();
        assert!(error.contains("log.segment.bytes"), "{error}");
        assert!(check_setting("log.segment.bytes", "many").is_err());
    }

    #[test]
    fn ports_leave_room_for_the_other_listeners() {
        assert_eq!(parse_port("0"), Ok(0));
        assert_eq!(parse_port("9092"), Ok(9092));
        assert!(parse_port("80").is_err());
        assert!(parse_port("65000").is_err());
    }
}
