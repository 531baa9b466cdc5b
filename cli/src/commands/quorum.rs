//! `janus quorum`: the controllers, and how far each of them is; `voters` changes who they are.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::voters::{QuorumAddCommand, QuorumRemoveCommand, QuorumReplaceCommand};
use crate::arguments::Common;
use crate::client::Client;
use crate::cluster::{Quorum as Told, QuorumView, tool_credentials};
use crate::output::Table;

/// Look at the controllers, and change who votes
#[derive(Debug, Subcommand)]
pub(crate) enum Quorum {
    Status(QuorumStatusCommand),
    Add(QuorumAddCommand),
    Remove(QuorumRemoveCommand),
    Replace(QuorumReplaceCommand),
}

/// Show the controllers: who is active, who votes, how far each is
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus quorum status")]
pub(crate) struct QuorumStatusCommand {}

#[derive(Debug, Serialize)]
struct QuorumStatus {
    cluster_id: Option<String>,
    mode: Option<String>,
    generation: Option<u32>,
    active: Option<i32>,
    epoch: u64,
    committed_offset: Option<u64>,
    members: Vec<Member>,
    /// Connect string of the ensemble.
    zookeeper: Option<String>,
}

#[derive(Debug, Serialize)]
struct Member {
    id: i32,
    role: &'static str,
    voter: bool,
    endpoint: String,
    directory_id: Option<String>,
    log_end_offset: Option<i64>,
    last_fetch_timestamp_ms: Option<i64>,
    last_caught_up_timestamp_ms: Option<i64>,
}

impl Quorum {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        match self {
            Self::Status(_) => {}
            Self::Add(command) => command.run(common).await?,
            Self::Remove(command) => command.run(common).await?,
            Self::Replace(command) => command.run(common).await?,
        }
        let status = fetch(common).await?;
        Ok(common.output().show(&status, || table(&status))?)
    }
}

async fn fetch(common: &Common) -> Result<QuorumStatus> {
    let cluster = common.cluster()?;
    if !common.names_bootstrap() && cluster.state_if_any()?.is_some() {
        return of_controllers(cluster.describe_quorum().await?)
            .context("no controller answers; look with `janus status`");
    }
    let mut client = Client::connect(&common.bootstrap()?).await?;
    let view = QuorumView::fetch(&mut client)
        .await?
        .context("the cluster does not describe its quorum of controllers")?;
    if let (Some(secret), Some(cluster_id)) = (common.secret()?, client.cluster_id.as_deref()) {
        let told = view.ask(cluster_id, &tool_credentials(&secret, cluster_id)).await;
        return of_controllers(told).context(
            "the controllers do not answer; is this the secret of that cluster, and does it run \
             Janus?",
        );
    }
    Ok(of_remote(client.cluster_id.clone(), &view))
}

fn of_controllers(quorum: Told) -> Option<QuorumStatus> {
    let answered = quorum.answered.clone();
    let active = quorum.active();
    let view = quorum.view?;
    let known = |value: i64| Some(value).filter(|value| *value >= 0);
    let members = view.members.iter().map(|it| Member {
        id: it.id,
        role: match it.id {
            id if !answered.contains(&id) => "down",
            id if Some(id) == active => "active",
            _ => "standby",
        },
        voter: it.voter,
        endpoint: it.endpoint.clone(),
        directory_id: Some(it.directory_id.clone()).filter(|id| !id.is_empty()),
        log_end_offset: known(it.log_end_offset),
        last_fetch_timestamp_ms: known(it.last_fetch_timestamp_ms),
        last_caught_up_timestamp_ms: known(it.last_caught_up_timestamp_ms),
    });
    Some(QuorumStatus {
        members: members.collect(),
        cluster_id: Some(view.cluster_id),
        mode: Some(view.mode),
        generation: Some(view.generation),
        active,
        epoch: view.epoch.map_or(0, |epoch| epoch.term),
        committed_offset: Some(view.committed_offset),
        zookeeper: Some(view.zookeeper_connect).filter(|connect| !connect.is_empty()),
    })
}

fn of_remote(cluster_id: Option<String>, view: &QuorumView) -> QuorumStatus {
    let members = view.controllers.iter().map(|(id, controller)| Member {
        id: *id,
        role: if Some(*id) == view.active { "active" } else { "standby" },
        voter: true,
        endpoint: controller.endpoint.clone(),
        directory_id: controller.directory_id.map(|id| config::directory::format_uuid(&id)),
        log_end_offset: Some(controller.log_end_offset).filter(|offset| *offset >= 0),
        last_fetch_timestamp_ms: None,
        last_caught_up_timestamp_ms: None,
    });
    QuorumStatus {
        cluster_id,
        mode: None,
        generation: None,
        active: view.active,
        epoch: view.epoch,
        committed_offset: view.committed_offset,
        members: members.collect(),
        zookeeper: None,
    }
}

fn table(status: &QuorumStatus) -> Table {
    let mut table = Table::new(["controller", "role", "voter", "endpoint", "log end", "directory"]);
    let dash = || "-".to_owned();
    for it in &status.members {
        table.row([
            it.id.to_string(),
            it.role.to_owned(),
            if it.voter { "yes" } else { "no" }.to_owned(),
            it.endpoint.clone(),
            it.log_end_offset.map_or_else(dash, |offset| offset.to_string()),
            it.directory_id.clone().unwrap_or_else(dash),
        ]);
    }
    table.title(format!(
        "mode {}, generation {}, epoch {}, committed up to {}",
        status.mode.as_deref().unwrap_or("-"),
        status.generation.map_or_else(dash, |it| it.to_string()),
        status.epoch,
        status.committed_offset.map_or_else(dash, |it| it.to_string()),
    ));
    if let Some(connect) = &status.zookeeper {
        table.footer(format!("ZooKeeper: {connect}"));
    }
    table
}
