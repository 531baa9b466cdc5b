//! The newest committed image, and waiting for one that is at least as new.

use std::sync::Arc;

use metadata::{ClusterImage, ControllerEpoch, Offset};
use tokio::sync::watch;

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
}

impl Default for Images {
    fn default() -> Self {
        let changed = watch::Sender::new((ControllerEpoch::default(), 0));
        Self { newest: Arc::default(), changed }
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
        self.newest.store(Arc::new(published));
        self.changed.send_replace(position);
    }

    /// Notices every newer image.
    pub fn changes(&self) -> watch::Receiver<(ControllerEpoch, Offset)> {
        self.changed.subscribe()
    }

    /// Waits until the effects of a commit at this position are visible here.
    pub async fn wait_for(&self, epoch: ControllerEpoch, offset: Offset) {
        let mut changed = self.changed.subscribe();
        // The sender lives in `self`, so the wait ends only with the position.
        changed.wait_for(|position| *position >= (epoch, offset)).await.ok();
    }
}
