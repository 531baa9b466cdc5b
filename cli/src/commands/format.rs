//! `janus format`: gives a server's directories to a cluster, once, before its first start.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use config::Settings;
use config::directory::{self, ClusterId, DirectoryError};
use serde::Serialize;
use uuid::Uuid;

use crate::Usage;
use crate::arguments::Common;
use crate::cluster::set_in_text;
use crate::output::Table;

const VOTERS: &str = "controller.quorum.voters";

/// Prepare the directories of one server for a cluster
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus format --random-cluster-id\n  \
    janus format --config server.properties --cluster-id 5L6g3nShT-eMCtK--X86sw")]
pub(crate) struct FormatCommand {
    /// The server's configuration: it names the node and the directories
    #[arg(long, value_name = "FILE", required_unless_present = "random_cluster_id")]
    config: Option<PathBuf>,
    /// The cluster that the server belongs to: 22 characters, the same for all its servers
    #[arg(long, value_name = "ID", required_unless_present = "random_cluster_id")]
    cluster_id: Option<String>,
    /// The controllers that found the quorum, the same list for each of them; it is added to the
    /// configuration as controller.quorum.voters
    #[arg(long, value_name = "ID@HOST:PORT,...")]
    initial_controllers: Option<String>,
    /// Leave directories alone that are formatted for this cluster and node already
    #[arg(long)]
    ignore_formatted: bool,
    /// Only print a new cluster id
    #[arg(long, conflicts_with_all = ["config", "cluster_id", "initial_controllers"])]
    random_cluster_id: bool,
}

/// A directory that was formatted.
#[derive(Debug, Serialize)]
pub(crate) struct Formatted {
    pub directory: PathBuf,
    pub cluster_id: String,
    pub node_id: i32,
    pub directory_id: String,
}

impl FormatCommand {
    pub(crate) fn run(&self, common: &Common) -> Result<()> {
        let output = common.output();
        if self.random_cluster_id {
            let id = random_cluster_id().to_string();
            let document = serde_json::json!({ "cluster_id": id });
            return Ok(output.say(&document, || id)?);
        }
        let (Some(config), Some(cluster_id)) = (&self.config, &self.cluster_id) else {
            return Err(Usage::new("give --config FILE and --cluster-id ID").into());
        };
        if let Some(controllers) = &self.initial_controllers {
            write_voters(config, controllers)?;
        }
        let settings = load(config)?;
        let cluster_id = ClusterId::parse(cluster_id).map_err(|why| {
            Usage::new(format!(
                "--cluster-id: {why}; `janus format --random-cluster-id` prints one"
            ))
        })?;
        let mut formatted = Vec::new();
        for directory in directories(&settings) {
            match format_directory(&directory, cluster_id, settings.node_id()) {
                Ok(one) => formatted.push(one),
                Err(DirectoryError::AlreadyFormatted { cluster_id: theirs, node_id, .. })
                    if self.ignore_formatted
                        && (theirs, node_id) == (cluster_id, settings.node_id()) =>
                {
                    output.note(format!("{} is formatted already", directory.display()));
                }
                Err(error) => return Err(error).context("format"),
            }
        }
        Ok(output.show(&formatted, || {
            let mut table = Table::new(["directory", "cluster", "node", "directory id"]);
            for it in &formatted {
                table.row([
                    it.directory.display().to_string(),
                    it.cluster_id.clone(),
                    it.node_id.to_string(),
                    it.directory_id.clone(),
                ]);
            }
            table
        })?)
    }
}

/// Who founds the quorum stands in the configuration, where every controller reads it. A list that
/// stands there already must be the same.
fn write_voters(config: &Path, controllers: &str) -> Result<()> {
    for voter in controllers.split(',') {
        let parts =
            voter.split_once('@').filter(|(id, _)| id.parse::<i32>().is_ok_and(|id| id >= 0));
        if parts.and_then(|(_, endpoint)| config::parse_host_port(endpoint)).is_none() {
            let reason = format!("--initial-controllers: '{voter}' is not ID@HOST:PORT");
            return Err(Usage::new(reason).into());
        }
    }
    let known = load(config)?.list(VOTERS).join(",");
    if known == controllers {
        return Ok(());
    }
    if !known.is_empty() {
        return Err(Usage::new(format!(
            "--initial-controllers: {} names others in {VOTERS}: {known}; make them the same",
            config.display()
        ))
        .into());
    }
    let read = || format!("read {}", config.display());
    let text = std::fs::read_to_string(config).with_context(read)?;
    std::fs::write(config, set_in_text(&text, VOTERS, controllers))
        .with_context(|| format!("write {}", config.display()))
}

/// A new cluster id.
pub(crate) fn random_cluster_id() -> ClusterId {
    ClusterId::from_random_bytes(Uuid::new_v4().into_bytes())
}

/// Formats every directory that the server with this configuration uses.
pub(crate) fn format_server(config: &Path, cluster_id: ClusterId) -> Result<Vec<Formatted>> {
    let settings = load(config)?;
    let formatted = directories(&settings)
        .into_iter()
        .map(|directory| format_directory(&directory, cluster_id, settings.node_id()));
    Ok(formatted.collect::<Result<_, _>>()?)
}

fn load(config: &Path) -> Result<Settings> {
    Settings::load(config, &[], config::environment())
        .map_err(|errors| Usage::new(errors.to_string()).into())
}

/// The log directories, and the one for metadata where it stands apart.
fn directories(settings: &Settings) -> Vec<PathBuf> {
    let mut directories = settings.log_dirs();
    let metadata = settings.metadata_log_dir();
    if !directories.contains(&metadata) {
        directories.push(metadata);
    }
    directories
}

fn format_directory(
    directory: &Path,
    cluster_id: ClusterId,
    node_id: i32,
) -> Result<Formatted, DirectoryError> {
    let directory_id = Uuid::new_v4();
    directory::format(directory, cluster_id, node_id, directory_id)?;
    Ok(Formatted {
        directory: directory.to_owned(),
        cluster_id: cluster_id.to_string(),
        node_id,
        directory_id: directory::format_uuid(&directory_id),
    })
}
