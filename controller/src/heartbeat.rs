//! The heartbeat sessions as all tasks share them, and the live set that follows from them and from
//! whatever else must prove life.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use metadata::{BrokerId, ClusterImage, Offset};

use crate::liveness::{Beat, Sessions, Wish};

/// Sessions behind one lock that is never held for long, and the clock that they lack.
#[derive(Debug)]
pub struct Heartbeats {
    started: Instant,
    sessions: Mutex<Sessions>,
    /// Brokers that something else vouches for as well, in a mode that has such a thing.
    witnessed: Option<watch::Receiver<BTreeSet<BrokerId>>>,
    live: watch::Sender<BTreeSet<BrokerId>>,
}

impl Heartbeats {
    /// With `witnessed`, a broker is alive only as long as it is in that set, too.
    pub fn new(
        session_timeout: Duration,
        interval: Duration,
        witnessed: Option<watch::Receiver<BTreeSet<BrokerId>>>,
    ) -> Self {
        let ms = |duration: Duration| duration.as_millis() as u64;
        Self {
            started: Instant::now(),
            sessions: Mutex::new(Sessions::new(ms(session_timeout), ms(interval))),
            witnessed,
            live: watch::Sender::default(),
        }
    }

    /// The brokers whose sessions have not run out, and that are witnessed.
    pub fn live(&self) -> watch::Receiver<BTreeSet<BrokerId>> {
        self.live.subscribe()
    }

    /// Takes over what changes in the witnessed set, for ever.
    pub async fn follow(&self) -> ! {
        if let Some(mut witnessed) = self.witnessed.clone() {
            while witnessed.changed().await.is_ok() {
                self.publish(&self.lock());
            }
        }
        match pending::<Infallible>().await {}
    }

    /// Starts afresh with the image of a new active controller.
    pub fn begin(&self, image: &ClusterImage, offset: Offset) {
        let mut sessions = self.lock();
        sessions.begin(image, offset, self.now_ms());
        self.publish(&sessions);
    }

    /// Renews the session of the broker, whose registration is in the image at `offset`. True if it
    /// had run out already.
    pub fn beat(&self, beat: &Beat, offset: Offset) -> bool {
        let mut sessions = self.lock();
        let had_run_out = sessions.beat(beat, offset, self.now_ms());
        if !self.live.borrow().contains(&beat.id) {
            self.publish(&sessions);
        }
        had_run_out
    }

    /// Ends the sessions that ran out.
    pub fn expire(&self) {
        let mut sessions = self.lock();
        sessions.expire(self.now_ms());
        self.publish(&sessions);
    }

    /// When [`Heartbeats::expire`] must be called next.
    pub fn next_expiry(&self) -> Option<Instant> {
        let expiry_ms = self.lock().next_expiry_ms()?;
        Some(self.started + Duration::from_millis(expiry_ms))
    }

    pub fn is_caught_up(&self, id: BrokerId) -> bool {
        self.lock().is_caught_up(id)
    }

    pub fn wish(&self, beat: &Beat, image: &ClusterImage, live: &BTreeSet<BrokerId>) -> Wish {
        self.lock().wish(beat, image, live)
    }

    /// The leaderships of the broker have moved in the image at `offset`.
    pub fn shutdown_began(&self, id: BrokerId, broker_epoch: i64, offset: Offset) {
        self.lock().shutdown_began(id, broker_epoch, offset);
    }

    fn publish(&self, sessions: &Sessions) {
        let mut live = sessions.live();
        if let Some(witnessed) = &self.witnessed {
            let witnessed = witnessed.borrow();
            live.retain(|id| witnessed.contains(id));
        }
        self.live.send_if_modified(|published| {
            let changed = *published != live;
            *published = live;
            changed
        });
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}
