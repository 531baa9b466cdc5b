//! How a cluster comes to be: once, by the initial controller with the lowest number, and only if all
//! of them are there with empty disks.
//!
//! The founder asks every initial controller who it is. When all answer, and none has ever belonged
//! to a quorum, it writes the first membership, with the disks that it saw, and is elected at once. A
//! controller that was wiped finds others that remember the cluster and cannot found a second one,
//! not even together with other wiped ones, because unanimity includes whoever still has the data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;

use crate::config::Voter;
use crate::peer::Links;
use crate::refusals::Refusals;
use crate::types::{Member, NodeKey, Raft};

const RETRY_FIRST: Duration = Duration::from_millis(10);
const RETRY_MAX: Duration = Duration::from_millis(200);

/// Whether this controller is the one that founds.
pub(crate) fn is_founder(me: NodeKey, initial: &[Voter]) -> bool {
    initial.iter().map(|voter| voter.id).min() == Some(me.id)
}

/// Returns when this controller belongs to a cluster.
pub(crate) async fn found(raft: Raft, links: Arc<Links>, initial: Vec<Voter>) {
    let (refusals, mut pause) = (Refusals::default(), RETRY_FIRST);
    loop {
        match raft.is_initialized().await {
            Ok(false) => {}
            Ok(true) | Err(_) => return,
        }
        match roll_call(&links, &initial).await {
            Ok(members) => match raft.initialize(members).await {
                Ok(()) => tracing::info!("founded cluster {}", links.identity.cluster_id),
                Err(error) => tracing::warn!("cannot found the cluster: {error}"),
            },
            Err(reason) => refusals.report(format!("waiting to found the cluster: {reason}")),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
    }
}

/// The first members, if all of them are there and new.
async fn roll_call(links: &Links, initial: &[Voter]) -> Result<BTreeMap<NodeKey, Member>, String> {
    let me = links.identity.key;
    let answers = initial.iter().map(|voter| async move {
        let member = Member { endpoint: voter.endpoint.clone() };
        if voter.id == me.id {
            return Ok((me, member));
        }
        let (key, reply) = links.hello(voter.id, &voter.endpoint).await.map_err(|status| {
            format!("controller {} at {}: {}", voter.id, voter.endpoint, status.message())
        })?;
        if let Some(listed) = voter.directory_id.filter(|it| *it != key.directory_id) {
            return Err(format!("controller {key} is listed with directory {listed}"));
        }
        if reply.pristine {
            return Ok((key, member));
        }
        match reply.members.iter().find(|known| known.id == me.id && **known != me) {
            Some(known) => Err(format!(
                "the cluster exists and knows this controller as {known}, not {me}: its directory \
                 was formatted anew; remove that voter and add the new one"
            )),
            None => Err(format!("controller {key} belongs to a cluster already")),
        }
    });
    Ok(try_join_all(answers).await?.into_iter().collect())
}
