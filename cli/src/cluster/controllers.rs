//! What the controllers say of themselves, over gRPC.

use std::time::Duration;

use anyhow::{Context, Result};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use grpc::auth::{Credentials, Role as PeerRole, Secret};
use grpc::{DescribeQuorumReply, DescribeQuorumRequest, WatchRequest};
use metadata::{ClusterImage, codec};
use tokio::time::Instant;

use super::LocalCluster;
use super::properties::SECRET_FILE;
use super::state::Role;

/// How long one controller may take to answer. A paused one does not.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(1000);
/// How long the others may still take once the active one has answered.
const GRACE: Duration = Duration::from_millis(100);
/// A large image comes in many chunks.
const IMAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// What the controllers say.
#[derive(Clone, Debug, Default)]
pub struct Quorum {
    /// The best informed answer, and every controller that gave one.
    pub view: Option<DescribeQuorumReply>,
    pub answered: Vec<i32>,
}

impl Quorum {
    /// The active controller, as the best informed answer names it.
    pub fn active(&self) -> Option<i32> {
        self.view.as_ref().map(|view| view.active_id).filter(|id| *id >= 0)
    }

    fn add(&mut self, reply: DescribeQuorumReply) {
        self.answered.push(reply.answered_by);
        if self.view.as_ref().is_none_or(|view| rank(view) < rank(&reply)) {
            self.view = Some(reply);
        }
    }
}

/// Asks every controller at once.
pub(crate) async fn describe_quorum(
    endpoints: &[String],
    cluster_id: &str,
    credentials: &Credentials,
) -> Quorum {
    let mut answers: FuturesUnordered<_> =
        endpoints.iter().map(|endpoint| ask(endpoint, cluster_id, credentials)).collect();
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    let mut quorum = Quorum::default();
    loop {
        // The active one is waited for: without its answer it does not count as active.
        let complete = quorum.active().is_some_and(|active| quorum.answered.contains(&active));
        let until = if complete { deadline.min(Instant::now() + GRACE) } else { deadline };
        match tokio::time::timeout_at(until, answers.next()).await {
            Ok(Some(answer)) => answer.into_iter().for_each(|reply| quorum.add(reply)),
            Ok(None) | Err(_) => return quorum,
        }
    }
}

/// The newest epoch wins; in one epoch, who knows the leader; then the leader itself.
fn rank(reply: &DescribeQuorumReply) -> (u32, u64, bool, bool) {
    let epoch = reply.epoch.unwrap_or_default();
    let knows = reply.active_id >= 0;
    (epoch.generation, epoch.term, knows, knows && reply.active_id == reply.answered_by)
}

async fn ask(
    endpoint: &str,
    cluster_id: &str,
    credentials: &Credentials,
) -> Option<DescribeQuorumReply> {
    let mut client =
        grpc::client::connect(endpoint, ANSWER_TIMEOUT, credentials.clone()).await.ok()?;
    let mut request =
        tonic::Request::new(DescribeQuorumRequest { cluster_id: cluster_id.to_owned() });
    request.set_timeout(ANSWER_TIMEOUT);
    Some(client.describe_quorum(request).await.ok()?.into_inner())
}

/// The committed metadata, from the controller at `endpoint`. `None`: it is not active, or does not
/// answer in time.
pub(super) async fn fetch_image(
    endpoint: &str,
    cluster_id: &str,
    credentials: &Credentials,
) -> Option<ClusterImage> {
    let fetch = async {
        let mut client =
            grpc::client::connect(endpoint, ANSWER_TIMEOUT, credentials.clone()).await.ok()?;
        // No broker: the stream is no sign of life of anybody.
        let request = WatchRequest {
            cluster_id: cluster_id.to_owned(),
            broker_id: -1,
            broker_epoch: -1,
            ..Default::default()
        };
        let mut batches = client.watch(request).await.ok()?.into_inner();
        let mut image = ClusterImage::default();
        while let Some(batch) = batches.message().await.ok()? {
            if batch.not_active.is_some() {
                return None;
            }
            let records = codec::decode_records(&batch.records).ok()?;
            records.iter().for_each(|record| image.apply(record));
            if batch.last {
                return Some(image);
            }
        }
        None
    };
    tokio::time::timeout(IMAGE_TIMEOUT, fetch).await.ok()?
}

/// What a tool shows to the controllers of a cluster.
pub(crate) fn tool_credentials(secret: &Secret, cluster_id: &str) -> Credentials {
    Credentials::new(Some(secret), cluster_id, PeerRole::Tool, -1)
}

impl LocalCluster {
    /// What this cluster's tools show to its controllers.
    pub fn credentials(&self, cluster_id: &str) -> Result<Credentials> {
        let secret = Secret::read(&self.data.join(SECRET_FILE))?;
        Ok(tool_credentials(&secret, cluster_id))
    }

    /// What the local controllers say.
    pub async fn describe_quorum(&self) -> Result<Quorum> {
        let state = self.state()?;
        let endpoints: Vec<String> =
            state.of_role(Role::Controller).map(|server| server.endpoint()).collect();
        let credentials = self.credentials(&state.cluster_id)?;
        Ok(describe_quorum(&endpoints, &state.cluster_id, &credentials).await)
    }

    /// The node id of the active controller.
    pub async fn active_controller(&self) -> Result<i32> {
        self.describe_quorum()
            .await?
            .active()
            .context("no controller is active; most of them must run: look with `janus status`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(answered_by: i32, term: u64, active_id: i32) -> DescribeQuorumReply {
        let epoch = Some(grpc::Epoch { generation: 1, term });
        DescribeQuorumReply { answered_by, epoch, active_id, ..Default::default() }
    }

    #[test]
    fn the_newest_epoch_and_then_the_active_controller_is_believed() {
        let stale = reply(101, 4, 101);
        let candidate = reply(102, 5, -1);
        let follower = reply(103, 5, 102);
        let active = reply(102, 5, 102);
        let best = |replies: [&DescribeQuorumReply; 3]| {
            let mut quorum = Quorum::default();
            replies.into_iter().for_each(|reply| quorum.add(reply.clone()));
            let view = quorum.view.unwrap();
            (view.answered_by, view.active_id)
        };
        assert_eq!(best([&stale, &candidate, &follower]), (103, 102));
        assert_eq!(best([&active, &follower, &stale]), (102, 102));
    }
}
