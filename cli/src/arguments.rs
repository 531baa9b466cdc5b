//! What can be typed: the commands, and the flags that all of them share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use grpc::auth::Secret;

use crate::Usage;
use crate::client::Client;
use crate::cluster::{LocalCluster, find_binaries};
use crate::commands::{
    bench, completions, config, consume, demo, format, groups, produce, quorum, servers, status,
    topics, up,
};
use crate::output::{Format, Output};

const DATA_DEFAULT: &str = "janus-data";
const BOOTSTRAP_DEFAULT: &str = "localhost:9092";

/// Event streaming clusters that speak the Kafka protocol
#[derive(Debug, Parser)]
#[command(
    name = "janus",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  janus up --detach\n  janus topics create orders --partitions 6\n  \
                  echo hello | janus produce orders\n  janus consume orders --from-beginning --max 1\n  \
                  janus down --wipe --yes"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    command: Command,
}

/// The flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Format of what is printed [default: table on a terminal, else plain]
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// No progress and no advice on stderr
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Folder of the local cluster [default: JANUS_DATA, else ./janus-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Cluster to talk to [default: JANUS_BOOTSTRAP, else the local one, else localhost:9092]
    #[arg(long, global = true, value_name = "HOST:PORT,...")]
    bootstrap: Option<String>,
    /// Secret of a Janus cluster that is not local: its controllers tell more to those who know it
    #[arg(long, global = true, value_name = "FILE", env = "JANUS_SECRET_FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::Up),
    Down(up::Down),
    Status(status::StatusCommand),
    Kill(servers::Kill),
    Stop(servers::Stop),
    Pause(servers::Pause),
    Resume(servers::Resume),
    Start(servers::Start),
    Restart(servers::Restart),
    Logs(servers::Logs),
    #[command(subcommand)]
    Topics(topics::Topics),
    Produce(produce::Produce),
    Consume(consume::Consume),
    #[command(subcommand)]
    Groups(groups::Groups),
    #[command(subcommand)]
    Config(config::Config),
    #[command(subcommand)]
    Quorum(quorum::Quorum),
    Format(format::FormatCommand),
    Demo(demo::Demo),
    #[command(subcommand)]
    Bench(bench::Bench),
    Completions(completions::Completions),
    Man(completions::Man),
}

impl Arguments {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<()> {
        let common = &self.common;
        match self.command {
            Command::Up(it) => it.run(common).await,
            Command::Down(it) => it.run(common).await,
            Command::Status(it) => it.run(common).await,
            Command::Kill(it) => it.run(common).await,
            Command::Stop(it) => it.run(common).await,
            Command::Pause(it) => it.run(common).await,
            Command::Resume(it) => it.run(common).await,
            Command::Start(it) => it.run(common).await,
            Command::Restart(it) => it.run(common).await,
            Command::Logs(it) => it.run(common).await,
            Command::Topics(it) => it.run(common).await,
            Command::Produce(it) => it.run(common).await,
            Command::Consume(it) => it.run(common).await,
            Command::Groups(it) => it.run(common).await,
            Command::Config(it) => it.run(common).await,
            Command::Quorum(it) => it.run(common).await,
            Command::Format(it) => it.run(common),
            Command::Demo(it) => it.run(common).await,
            Command::Bench(it) => it.run(common).await,
            Command::Completions(it) => it.run(),
            Command::Man(it) => it.run(),
        }
    }
}

impl Common {
    pub(crate) fn output(&self) -> Output {
        Output::new(self.output, self.quiet)
    }

    /// The local cluster, whether or not it exists.
    pub(crate) fn cluster(&self) -> Result<LocalCluster> {
        // Only starting servers needs the binaries; a wrong folder is reported then.
        LocalCluster::new(&self.data_folder(), find_binaries().unwrap_or_default())
    }

    /// The local cluster of commands that start servers.
    pub(crate) fn cluster_to_start(&self) -> Result<LocalCluster> {
        LocalCluster::new(&self.data_folder(), find_binaries()?)
    }

    fn data_folder(&self) -> PathBuf {
        choose_data(self.data.as_deref(), std::env::var_os("JANUS_DATA"))
    }

    /// Whether the command is about a cluster that is not (only) local.
    pub(crate) fn names_bootstrap(&self) -> bool {
        self.bootstrap.is_some() || (self.data.is_none() && environment_bootstrap().is_some())
    }

    /// `HOST:PORT,...` of the cluster that the command talks to. A flag is stronger than the
    /// environment, and what is named is stronger than what happens to be there.
    pub(crate) fn bootstrap(&self) -> Result<String> {
        if let Some(bootstrap) = &self.bootstrap {
            return Ok(bootstrap.clone());
        }
        let cluster = self.cluster()?;
        if self.data.is_some() {
            return cluster.bootstrap();
        }
        if let Some(bootstrap) = environment_bootstrap() {
            return Ok(bootstrap);
        }
        let local = cluster.state_if_any()?;
        Ok(local.map_or_else(|| BOOTSTRAP_DEFAULT.to_owned(), |state| state.bootstrap()))
    }

    /// What proves to the controllers of a cluster elsewhere that we belong to it.
    pub(crate) fn secret(&self) -> Result<Option<Secret>> {
        Ok(self.secret_file.as_deref().map(Secret::read).transpose()?)
    }

    /// A client of that cluster.
    pub(crate) async fn client(&self) -> Result<Client> {
        Client::connect(&self.bootstrap()?).await
    }
}

fn choose_data(flag: Option<&Path>, environment: Option<OsString>) -> PathBuf {
    let environment = || environment.filter(|value| !value.is_empty()).map(PathBuf::from);
    flag.map(Path::to_owned).or_else(environment).unwrap_or_else(|| DATA_DEFAULT.into())
}

fn environment_bootstrap() -> Option<String> {
    std::env::var("JANUS_BOOTSTRAP").ok().filter(|value| !value.is_empty())
}

/// Parses `key=value` of a flag.
pub(crate) fn key_value(text: &str) -> Result<(String, String), Usage> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err(Usage::new("write it as key=value")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_with_an_example() {
        fn check(command: &clap::Command) {
            if command.get_subcommands().next().is_none() {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("janus "), "{} has no example", command.get_name());
            }
            assert!(command.get_about().is_some(), "{} has no description", command.get_name());
            // The words of a target are explained once, at the command above them.
            let targets = ["kill", "stop", "pause", "resume", "start", "restart", "logs"];
            if !targets.contains(&command.get_name()) {
                command.get_subcommands().for_each(check);
            }
        }
        Arguments::command().get_subcommands().for_each(check);
    }

    #[test]
    fn a_flag_is_stronger_than_the_environment() {
        assert_eq!(choose_data(None, None), Path::new("janus-data"));
        assert_eq!(choose_data(None, Some("/e".into())), Path::new("/e"));
        assert_eq!(choose_data(None, Some("".into())), Path::new("janus-data"));
        assert_eq!(choose_data(Some(Path::new("/f")), Some("/e".into())), Path::new("/f"));
    }

    #[test]
    fn key_values_keep_what_stands_behind_the_first_sign() {
        assert_eq!(key_value("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert!(key_value("a").is_err());
        assert!(key_value("=b").is_err());
    }
}
