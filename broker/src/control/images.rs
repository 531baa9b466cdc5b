//! The newest committed image, and waiting for one that is at least as new.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metadata::{Broker, BrokerId, ClusterImage, ControllerEpoch, Offset};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::deaths::Deaths;

/// An image and the position at which it is the cluster's state. Positions are ordered by
/// controller epoch, then offset.
#[derive(Clone, Debug, Default)]
pub struct Published {
    pub image: Arc<ClusterImage>,
    pub epoch: ControllerEpoch,
    pub offset: Offset,
}

impl Published {
    pub fn position(&self) -> (ControllerEpoch, Offset) {
        (self.epoch, self.offset)
    }
}

/// Where the session publishes and everybody else reads.
#[derive(Clone, Debug)]
pub struct Images {
    newest: Arc<arc_swap::ArcSwap<Published>>,
    changed: watch::Sender<(ControllerEpoch, Offset)>,
    deaths: Arc<Mutex<Deaths>>,
}

impl Default for Images {
    fn default() -> Self {
        let changed = watch::Sender::new((ControllerEpoch::default(), 0));
        Self { newest: Arc::default(), changed, deaths: Arc::default() }
    }
}

impl Images {
    /// One consistent view: take it once per request.
    pub fn load(&self) -> Arc<ClusterImage> {
        self.newest.load().image.clone()
    }

    pub fn published(&self) -> Arc<Published> {
        self.newest.load_full()
    }

    pub fn publish(&self, published: Published) {
        let position = published.position();
        self.deaths().learn(&self.load(), &published.image, Instant::now());
        self.newest.store(Arc::new(published));
        self.changed.send_replace(position);
    }

    /// Notices every newer image.
    pub fn changes(&self) -> watch::Receiver<(ControllerEpoch, Offset)> {
        self.changed.subscribe()
    }

    /// The broker's connection broke: it may be dead, and the controller's word on that on its way.
    pub fn suspect(&self, id: BrokerId) {
        self.deaths().suspect(id, &self.load(), Instant::now());
    }

    /// The broker is connected.
    pub fn settle(&self, id: BrokerId) {
        self.deaths().settle(id);
    }

    /// The image to tell clients who leads; waits a moment while a broker is suspected.
    pub async fn settled(&self) -> Arc<ClusterImage> {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let image = self.load();
            let until = self.deaths().wait_until(&image, Instant::now());
            let Some(until) = until else { return image };
            // The sender lives in `self`: this is a newer image, or the end of the wait.
            timeout_at(until, changed.changed()).await.ok();
        }
    }

    /// Whether clients should still hear of this broker: it is alive, or was a moment ago.
    pub fn is_named(&self, broker: &Broker) -> bool {
        !broker.fenced || self.deaths().is_recent(broker.id, broker.epoch, Instant::now())
    }

    fn deaths(&self) -> MutexGuard<'_, Deaths> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the effects of a commit at this position are visible here.
    pub async fn wait_for(&self, epoch: ControllerEpoch, offset: Offset) {
        let mut changed = self.changed.subscribe();
        // The sender lives in `self`, so the wait ends only with the position.
        changed.wait_for(|position| *position >= (epoch, offset)).await.ok();
    }
}
