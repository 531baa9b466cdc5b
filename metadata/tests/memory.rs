//! The store in memory keeps the contract of the real ones.

use std::sync::Arc;

use async_trait::async_trait;
use metadata::contract::{Contenders, contract};
use metadata::memory::{Interruption, MemoryStore};
use metadata::{Cluster, CommitError, ControllerId, Coordination, MetadataStore, Record};

struct InMemory {
    store: Arc<MemoryStore>,
    next: ControllerId,
}

impl InMemory {
    fn elect(&mut self) {
        self.next = self.next % 3 + 1;
        self.store.elect(self.next);
    }
}

#[async_trait]
impl Contenders for InMemory {
    fn coordination(&self) -> Coordination {
        Coordination::Raft
    }

    fn stores(&self) -> Vec<(ControllerId, Arc<dyn MetadataStore>)> {
        (1..=3).map(|id| (id, self.store.clone() as Arc<dyn MetadataStore>)).collect()
    }

    async fn depose(&mut self) {
        self.store.depose();
        self.elect();
    }

    async fn restart(&mut self) {
        self.elect();
    }
}

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    let mut contenders = InMemory { store: Arc::new(MemoryStore::new(1)), next: 0 };
    contenders.elect();
    contract(&mut contenders).await;
}

#[tokio::test]
async fn an_interrupted_commit_may_have_happened() {
    let store = MemoryStore::new(1);
    let epoch = store.elect(1);
    let records = [Record::Cluster(Cluster { id: "c".into() })];
    for (interruption, happened) in
        [(Interruption::BeforeCommit, false), (Interruption::AfterCommit, true)]
    {
        store.interrupt_next_commit(interruption);
        let error = store.commit(epoch, &records).await.unwrap_err();
        assert!(matches!(error, CommitError::Unavailable(_)));
        assert_eq!(store.load().await.unwrap().1.cluster_id.is_some(), happened);
    }
}
