//! `janus quorum add|remove|replace`: which controllers vote.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use grpc::auth::Credentials;
use grpc::change_quorum_request::Change;
use grpc::{ChangeQuorumRequest, DescribeQuorumReply, QuorumMember};

use crate::arguments::Common;
use crate::cluster::{Quorum, QuorumView, describe_quorum, tool_credentials};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A new voter first fetches all metadata.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(90);

/// Let a controller vote that runs already
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus quorum add 104@machine-4.example:9093")]
pub(crate) struct QuorumAddCommand {
    /// Its node.id, and where it listens
    #[arg(value_name = "ID@HOST:PORT", value_parser = parse_voter)]
    controller: (i32, String),
}

/// Take a controller's vote away
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  janus quorum remove 104")]
pub(crate) struct QuorumRemoveCommand {
    /// Its node.id
    id: i32,
}

/// Give the vote of a lost disk to the controller that runs in its place
#[derive(Debug, Args)]
#[command(
    after_help = "Format the new disk and start the controller first.\n\nExample:\n  janus quorum replace 102"
)]
pub(crate) struct QuorumReplaceCommand {
    /// The node.id of both
    id: i32,
    /// Where the new one listens [default: where the old one did]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_endpoint)]
    at: Option<String>,
}

impl QuorumAddCommand {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let (id, endpoint) = self.controller;
        let controllers = Controllers::find(common).await?;
        controllers.check_that_it_answers(id, &endpoint).await?;
        controllers.change(id, Change::AddAt(endpoint)).await
    }
}

impl QuorumRemoveCommand {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let controllers = Controllers::find(common).await?;
        let directory_id = controllers.member(self.id)?.directory_id.clone();
        controllers.change(self.id, Change::RemoveDirectoryId(directory_id)).await
    }
}

impl QuorumReplaceCommand {
    pub(crate) async fn run(self, common: &Common) -> Result<()> {
        let controllers = Controllers::find(common).await?;
        let lost = controllers.member(self.id)?.clone();
        let endpoint = self.at.unwrap_or(lost.endpoint);
        controllers.check_that_it_answers(self.id, &endpoint).await?;
        controllers.change(self.id, Change::RemoveDirectoryId(lost.directory_id)).await?;
        let added = controllers.change(self.id, Change::AddAt(endpoint.clone())).await;
        added.with_context(|| {
            format!(
                "controller {} has no vote now; when it runs, say `janus quorum add {0}@{endpoint}`",
                self.id
            )
        })
    }
}

/// The controllers of a cluster, seen by one who knows its secret.
struct Controllers {
    cluster_id: String,
    credentials: Credentials,
    quorum: Quorum,
}

impl Controllers {
    async fn find(common: &Common) -> Result<Self> {
        let cluster = common.cluster()?;
        if !common.names_bootstrap()
            && let Some(state) = cluster.state_if_any()?
        {
            let credentials = cluster.credentials(&state.cluster_id)?;
            let quorum = cluster.describe_quorum().await?;
            return Ok(Self { cluster_id: state.cluster_id, credentials, quorum });
        }
        let secret = common.secret()?.context(
            "who votes is changed by those who know the cluster's secret: name its file with \
             --secret-file",
        )?;
        let mut client = common.client().await?;
        let untold = "the cluster does not describe its quorum of controllers; does it run Janus?";
        let cluster_id = client.cluster_id.clone().context(untold)?;
        let credentials = tool_credentials(&secret, &cluster_id);
        let view = QuorumView::fetch(&mut client).await?.context(untold)?;
        let quorum = view.ask(&cluster_id, &credentials).await;
        Ok(Self { cluster_id, credentials, quorum })
    }

    fn view(&self) -> Result<&DescribeQuorumReply> {
        self.quorum.view.as_ref().context(
            "the controllers do not answer; do they run, and is this the secret of their cluster?",
        )
    }

    fn member(&self, id: i32) -> Result<&QuorumMember> {
        let members = &self.view()?.members;
        members.iter().find(|it| it.id == id).with_context(|| {
            let known: Vec<String> = members.iter().map(|it| it.id.to_string()).collect();
            format!("controller {id} is no member of the quorum: {} are", known.join(", "))
        })
    }

    /// A change that waits for a controller which is not there takes votes from those that are.
    async fn check_that_it_answers(&self, id: i32, endpoint: &str) -> Result<()> {
        let endpoints = [endpoint.to_owned()];
        let there = describe_quorum(&endpoints, &self.cluster_id, &self.credentials).await;
        match there.answered.first() {
            Some(found) if *found == id => Ok(()),
            Some(found) => bail!("{endpoint} is controller {found}, not {id}"),
            None => bail!(
                "no controller of this cluster answers at {endpoint}: format its disk (`janus \
                 format`) and start it first"
            ),
        }
    }

    async fn change(&self, id: i32, change: Change) -> Result<()> {
        let active = self.quorum.active();
        let active = active.context("no controller is active: most of the voters must run")?;
        let endpoint = &self.member(active)?.endpoint;
        let mut client =
            grpc::client::connect(endpoint, CONNECT_TIMEOUT, self.credentials.clone()).await?;
        let cluster_id = self.cluster_id.clone();
        let mut request =
            tonic::Request::new(ChangeQuorumRequest { cluster_id, id, change: Some(change) });
        request.set_timeout(CHANGE_TIMEOUT);
        let changed = client.change_quorum(request).await;
        let reply = changed.map_err(|status| anyhow!("{}", status.message()))?.into_inner();
        if reply.not_active.is_some() {
            bail!("another controller has become active meanwhile: say it again");
        }
        Ok(())
    }
}

fn parse_voter(text: &str) -> Result<(i32, String), String> {
    let wrong = || format!("'{text}' is not ID@HOST:PORT, such as 104@machine-4.example:9093");
    let (id, endpoint) = text.split_once('@').ok_or_else(wrong)?;
    let id = id.parse().ok().filter(|id| *id >= 0).ok_or_else(wrong)?;
    Ok((id, parse_endpoint(endpoint).map_err(|_| wrong())?))
}

fn parse_endpoint(text: &str) -> Result<String, String> {
    let parsed = config::parse_host_port(text).map(|_| text.to_owned());
    parsed.ok_or_else(|| format!("'{text}' is not HOST:PORT"))
}
