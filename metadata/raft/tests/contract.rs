//! The contract of every store, on three controllers.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metadata::contract::{Contenders, contract};
use metadata::{ControllerId, Coordination, MetadataStore};
use support::Cluster;

/// Leaders leave by turns in every way there is.
struct Quorum {
    cluster: Cluster,
    deposed: usize,
}

#[async_trait]
impl Contenders for Quorum {
    fn coordination(&self) -> Coordination {
        Coordination::Raft
    }

    fn stores(&self) -> Vec<(ControllerId, Arc<dyn MetadataStore>)> {
        let store = |store: &Arc<_>| -> Arc<dyn MetadataStore> { Arc::clone(store) as _ };
        self.cluster.nodes.iter().map(|(id, node)| (*id, store(&node.store))).collect()
    }

    async fn depose(&mut self) {
        let (leader, _) = self.cluster.leader().await;
        self.deposed += 1;
        if self.deposed.is_multiple_of(3) {
            self.cluster.stop(leader).await;
            self.cluster.start(leader).await;
        } else {
            let heir = leader % 3 + 1;
            // An heir that was killed a moment ago may decline; then the timers decide.
            if let Err(error) = self.cluster.store(leader).transfer_leadership(Some(heir)).await {
                println!("{leader} stays: {error}");
                self.cluster.stop(leader).await;
                self.cluster.start(leader).await;
            }
        }
    }

    async fn restart(&mut self) {
        for id in [1, 2, 3] {
            self.cluster.stop(id).await;
        }
        self.cluster.start_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quorum_keeps_the_contract() {
    let cluster = Cluster::started([1, 2, 3], |config| {
        config.snapshot_after_entries = 20;
        // Nobody is deposed because the machine is slow.
        config.election_timeout_ms = 5000;
    })
    .await;
    let mut quorum = Quorum { cluster, deposed: 0 };
    let checked = tokio::time::timeout(Duration::from_secs(300), contract(&mut quorum));
    checked.await.expect("within the time limit");
}
