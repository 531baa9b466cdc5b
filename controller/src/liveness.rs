//! Which brokers are alive by their heartbeats, and what a heartbeat asks for. Pure: time comes in.
//!
//! A session belongs to one registration (broker id and epoch). It starts afresh when a controller
//! takes over, because the time of the last heartbeat died with its predecessor, and it is the only
//! soft state of a controller: everything else is in the image.

use std::collections::{BTreeMap, BTreeSet};

use metadata::{Broker, BrokerId, ClusterImage, Offset};

/// A timer that fires this much too late says that this process stood still. Brokers could not be
/// heard then, and get one more heartbeat interval.
const STALL_MS: u64 = 250;

/// One heartbeat, as far as liveness is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Beat {
    pub id: BrokerId,
    pub broker_epoch: i64,
    /// Offset of the newest image that the broker has applied; `None` if that was published by an
    /// earlier controller.
    pub applied: Option<Offset>,
    /// The broker is not ready to serve.
    pub want_fence: bool,
    pub want_shutdown: bool,
}

/// What must happen before a heartbeat is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Nothing,
    Unfence,
    Fence,
    BeginControlledShutdown,
    /// Leaderships have moved and are known to all: fence the broker and let it go.
    Leave,
}

/// The heartbeat sessions of one active controller.
#[derive(Debug)]
pub struct Sessions {
    timeout_ms: u64,
    heartbeat_interval_ms: u64,
    sessions: BTreeMap<BrokerId, Session>,
}

#[derive(Debug)]
struct Session {
    broker_epoch: i64,
    expires_at_ms: u64,
    /// Was given more time because this process stood still.
    extended: bool,
    alive: bool,
    /// An image that holds the registration. The broker is caught up once it has applied this one.
    registered_at: Offset,
    applied: Option<Offset>,
    /// The image in which the broker leads nothing any more.
    shutdown_at: Option<Offset>,
}

impl Sessions {
    pub fn new(timeout_ms: u64, heartbeat_interval_ms: u64) -> Self {
        Self { timeout_ms, heartbeat_interval_ms, sessions: BTreeMap::new() }
    }

    /// A controller takes over with this image: every broker that counted as alive gets a fresh
    /// session.
    pub fn begin(&mut self, image: &ClusterImage, offset: Offset, now_ms: u64) {
        self.sessions = image
            .brokers
            .values()
            .filter(|broker| !broker.fenced)
            .map(|broker| {
                let shutdown_at = broker.in_controlled_shutdown.then_some(offset);
                (broker.id, Session { shutdown_at, ..self.open(broker.epoch, offset, now_ms) })
            })
            .collect();
    }

    fn open(&self, broker_epoch: i64, registered_at: Offset, now_ms: u64) -> Session {
        Session {
            broker_epoch,
            expires_at_ms: now_ms + self.timeout_ms,
            extended: false,
            alive: true,
            registered_at,
            applied: None,
            shutdown_at: None,
        }
    }

    /// Renews a session. The caller has checked that the epoch is that of the image at `offset`.
    /// True if it had run out already: the broker may be about to be fenced for it.
    pub fn beat(&mut self, beat: &Beat, offset: Offset, now_ms: u64) -> bool {
        let known = self.sessions.get(&beat.id).map(|session| session.broker_epoch);
        if known != Some(beat.broker_epoch) {
            self.sessions.insert(beat.id, self.open(beat.broker_epoch, offset, now_ms));
        }
        let session = self.sessions.get_mut(&beat.id).expect("it was just opened");
        session.expires_at_ms = now_ms + self.timeout_ms;
        session.extended = false;
        session.applied = session.applied.max(beat.applied);
        !std::mem::replace(&mut session.alive, true)
    }

    /// Ends the sessions that ran out.
    pub fn expire(&mut self, now_ms: u64) {
        for session in self.sessions.values_mut() {
            if !session.alive || session.expires_at_ms > now_ms {
                continue;
            }
            if !session.extended && now_ms - session.expires_at_ms > STALL_MS {
                session.extended = true;
                session.expires_at_ms = now_ms + self.heartbeat_interval_ms;
            } else {
                session.alive = false;
            }
        }
    }

    /// When [`Sessions::expire`] must be called next.
    pub fn next_expiry_ms(&self) -> Option<u64> {
        let alive = self.sessions.values().filter(|session| session.alive);
        alive.map(|session| session.expires_at_ms).min()
    }

    pub fn live(&self) -> BTreeSet<BrokerId> {
        self.sessions.iter().filter(|(_, session)| session.alive).map(|(id, _)| *id).collect()
    }

    /// Whether the broker has applied an image that holds its own registration.
    pub fn is_caught_up(&self, id: BrokerId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.applied >= Some(session.registered_at))
    }

    /// The leaderships of the broker have moved in the image at `offset`.
    pub fn shutdown_began(&mut self, id: BrokerId, broker_epoch: i64, offset: Offset) {
        if let Some(session) = self.sessions.get_mut(&id)
            && session.broker_epoch == broker_epoch
        {
            session.shutdown_at = Some(offset);
        }
    }

    /// What a heartbeat asks for, given the image and the live set.
    pub fn wish(&self, beat: &Beat, image: &ClusterImage, live: &BTreeSet<BrokerId>) -> Wish {
        let Some(broker) = image.brokers.get(&beat.id) else { return Wish::Nothing };
        match beat {
            Beat { want_shutdown: true, .. } if broker.fenced => Wish::Leave,
            Beat { want_shutdown: true, .. } => self.wish_to_shut_down(broker, image),
            Beat { want_fence: true, .. } if !broker.fenced => Wish::Fence,
            Beat { want_fence: false, .. } if broker.fenced => {
                // Where something else counts as well, the broker must hold that, too: it would be
                // fenced again at once.
                let ready = self.is_caught_up(beat.id) && live.contains(&beat.id);
                if ready { Wish::Unfence } else { Wish::Nothing }
            }
            _ => Wish::Nothing,
        }
    }

    fn wish_to_shut_down(&self, broker: &Broker, image: &ClusterImage) -> Wish {
        if !broker.in_controlled_shutdown || leads_movable(broker.id, image) {
            return Wish::BeginControlledShutdown;
        }
        let Some(shutdown_at) = self.sessions.get(&broker.id).and_then(|it| it.shutdown_at) else {
            return Wish::BeginControlledShutdown;
        };
        // Bounded: a broker that does not report is not alive for long.
        let known_to_all = self
            .sessions
            .iter()
            .filter(|(id, session)| session.alive && image.is_active(**id))
            .all(|(_, session)| session.applied >= Some(shutdown_at));
        if known_to_all { Wish::Leave } else { Wish::Nothing }
    }
}

/// Whether the broker leads a partition that another broker could lead.
fn leads_movable(id: BrokerId, image: &ClusterImage) -> bool {
    let hosted = image.by_broker.get(&id).into_iter().flatten();
    hosted
        .filter_map(|partition| image.partitions.get(partition))
        .filter(|partition| partition.leader == Some(id))
        .any(|partition| partition.isr.iter().any(|other| *other != id && image.is_active(*other)))
}
