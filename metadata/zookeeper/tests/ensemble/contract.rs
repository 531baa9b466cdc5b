//! The contract of every store, on three controllers and one ZooKeeper server.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use metadata::contract::{Contenders, contract};
use metadata::{ControllerEpoch, ControllerId, Coordination, MetadataStore};

use crate::controllers::{Controller, config, connect};
use crate::server::Server;

/// Leaders leave by turns in every way there is.
struct Ensemble {
    controllers: Vec<Controller>,
    deposed: usize,
}

impl Ensemble {
    /// The place of a controller that leads according to itself.
    async fn leader(&self) -> usize {
        let leads =
            self.controllers.iter().map(|it| Box::pin(it.leads(ControllerEpoch::default())));
        futures::future::select_all(leads).await.1
    }
}

#[async_trait]
impl Contenders for Ensemble {
    fn coordination(&self) -> Coordination {
        Coordination::ZooKeeper
    }

    fn stores(&self) -> Vec<(ControllerId, Arc<dyn MetadataStore>)> {
        let store = |it: &Controller| -> Arc<dyn MetadataStore> { it.store.clone() };
        self.controllers.iter().map(|it| (it.config.controller_id, store(it))).collect()
    }

    async fn depose(&mut self) {
        let leader = self.leader().await;
        self.deposed += 1;
        match self.deposed % 4 {
            0 => {
                let config = self.controllers.remove(leader).kill();
                self.controllers.push(Controller::start(config).await);
            }
            1 => self.controllers[leader].store.resign().await,
            2 => {
                let by_hand = self.controllers[leader].stranger().await;
                by_hand.delete("/controller", None).await.ok();
            }
            _ => {
                let heir = self.controllers[(leader + 1) % 3].config.controller_id;
                let store = &self.controllers[leader].store;
                if let Err(error) = store.transfer_leadership(Some(heir)).await {
                    println!("the leader stays: {error}");
                    store.resign().await;
                }
            }
        }
    }

    async fn restart(&mut self) {
        let mut configs = Vec::new();
        for controller in self.controllers.drain(..) {
            configs.push(controller.kill());
        }
        for config in configs {
            self.controllers.push(Controller::start(config).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ensemble_keeps_the_contract() {
    let connect = connect(Server::shared());
    let mut controllers = Vec::new();
    for id in [1, 2, 3] {
        controllers.push(Controller::start(config(&connect, id)).await);
    }
    let mut ensemble = Ensemble { controllers, deposed: 0 };
    let checked = tokio::time::timeout(Duration::from_secs(300), contract(&mut ensemble));
    checked.await.expect("within the time limit");
}
