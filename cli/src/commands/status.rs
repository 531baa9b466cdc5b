//! `janus status`: how a cluster is, in one look.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::arguments::Common;
use crate::cluster::Status;
use crate::output::Table;

/// Show the servers of a cluster and how its partitions are
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  janus status\n  janus status -o json\n  \
    janus status --bootstrap localhost:9092")]
pub(crate) struct StatusCommand {}

impl StatusCommand {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let status = fetch(common).await?;
        Ok(common.output().show(&status, || table(&status))?)
    }
}

/// Of the local cluster, or of the one that is named.
async fn fetch(common: &Common) -> Result<Status> {
    let cluster = common.cluster()?;
    if !common.names_bootstrap() && cluster.state_if_any()?.is_some() {
        return cluster.status().await;
    }
    Status::fetch(&common.bootstrap()?, common.secret()?.as_ref()).await
}

fn table(status: &Status) -> Table {
    let mut table =
        Table::new(["server", "state", "address", "pid", "epoch", "leaders", "replicas"]);
    let pid = |pid: Option<i32>| optional(pid);
    for it in status.zookeeper.iter().flat_map(|zookeeper| &zookeeper.servers) {
        let name = format!("zookeeper {}", it.id);
        let (role, endpoint) = (it.role.clone(), it.endpoint.clone());
        table.row([name, role, endpoint, pid(it.pid), dash(), dash(), dash()]);
    }
    for it in &status.controllers {
        let epoch = status.controller.filter(|active| active.id == it.id).map(|it| it.epoch);
        table.row([
            format!("controller {}", it.id),
            word(&it.role),
            it.endpoint.clone(),
            pid(it.pid),
            optional(epoch),
            dash(),
            dash(),
        ]);
    }
    for it in &status.brokers {
        table.row([
            format!("broker {}", it.id),
            word(&it.state),
            format!("{}:{}", it.host, it.port),
            pid(it.pid),
            optional(it.epoch),
            it.leaders.to_string(),
            it.replicas.to_string(),
        ]);
    }
    let mode = status.mode.as_deref().unwrap_or("-");
    let generation = optional(status.generation);
    table.title(format!("cluster {}, mode {mode}, generation {generation}", status.cluster_id));
    table.footer(format!(
        "{} topics, {} partitions, {} under-replicated, {} offline",
        status.topics, status.partitions, status.under_replicated, status.offline
    ));
    table
}

fn dash() -> String {
    "-".to_owned()
}

fn optional<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(dash, |value| value.to_string())
}

/// The word that stands for it in JSON too.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => dash(),
    }
}
