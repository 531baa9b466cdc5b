//! Committed images on their way to the brokers.
//!
//! Publication is level-triggered: a stream remembers the image that it sent last and, when it may
//! send again, sends the difference to the newest one. A slow broker is therefore coalesced, never
//! queued for. A short ring of recent images serves brokers that reconnect.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use tokio::sync::watch;
use tonic::Status;

use grpc::{Leases, MetadataBatch};
use metadata::{BrokerId, ClusterImage, ControllerEpoch, Offset, Record, codec};

use crate::epoch;

/// Images kept for brokers that reconnect. They share everything that did not change.
const RING_IMAGES: usize = 64;

/// One committed image.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub epoch: ControllerEpoch,
    pub offset: Offset,
    pub image: Arc<ClusterImage>,
}

/// The newest image, with its encodings as far as a stream has asked for them: most brokers need
/// the same one, so it is made once for all of them.
#[derive(Debug)]
pub struct Published {
    snapshot: Snapshot,
    full: OnceLock<Arc<[Bytes]>>,
    /// The difference from the image at this offset.
    difference: OnceLock<(Offset, Arc<[Bytes]>)>,
}

impl Deref for Published {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Published {
    fn full(&self) -> Arc<[Bytes]> {
        self.full.get_or_init(|| chunks(&self.image.records())).clone()
    }

    fn since(&self, before: &Snapshot) -> Arc<[Bytes]> {
        let encode = || chunks(&before.image.delta(&self.image));
        let (offset, cached) = self.difference.get_or_init(|| (before.offset, encode()));
        if *offset == before.offset { cached.clone() } else { encode() }
    }
}

/// Encodes records into messages; at least one, which may be empty.
fn chunks(records: &[Record]) -> Arc<[Bytes]> {
    let encode = |records: &[Record]| Bytes::from(codec::encode_records(records));
    if records.is_empty() {
        return Arc::new([encode(records)]);
    }
    codec::batches(records).map(encode).collect()
}

/// What the active controller has published. Empty while this controller is not active.
#[derive(Debug, Default)]
pub struct Publication {
    current: watch::Sender<Option<Arc<Published>>>,
    ring: Mutex<VecDeque<Snapshot>>,
}

impl Publication {
    /// Makes a committed image visible to all streams and requests.
    pub fn publish(&self, snapshot: Snapshot) {
        self.remember(snapshot.clone());
        let (full, difference) = (OnceLock::new(), OnceLock::new());
        self.current.send_replace(Some(Arc::new(Published { snapshot, full, difference })));
    }

    /// Keeps a committed image for brokers that have it already.
    pub fn remember(&self, snapshot: Snapshot) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == RING_IMAGES {
            ring.pop_front();
        }
        ring.push_back(snapshot);
    }

    /// This controller is no longer active: all streams end. The ring stays: what was committed is
    /// true under the next controller too.
    pub fn withdraw(&self) {
        self.current.send_replace(None);
    }

    pub fn subscribe(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.current.subscribe()
    }

    /// The newest image; `None` while this controller is not active.
    pub fn current(&self) -> Option<Arc<Published>> {
        self.current.borrow().clone()
    }

    /// The image that a broker says it has. The term does not matter: an offset names one committed
    /// state of a store, whoever committed it.
    fn find(&self, generation: u32, offset: Offset) -> Option<Snapshot> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter()
            .rev()
            .find(|it| it.offset == offset && it.epoch.generation == generation)
            .cloned()
    }

    /// The changes after the image that the receiver has, for as long as this controller is active
    /// in the present epoch. Ends at once when it is not active.
    pub fn stream(
        &self,
        has: Option<(ControllerEpoch, Offset)>,
        leases: Leases,
        connection: Option<ConnectionGuard>,
    ) -> impl Stream<Item = Result<MetadataBatch, Status>> + Send + 'static {
        let sent = has.and_then(|(epoch, offset)| self.find(epoch.generation, offset));
        let mut current = self.subscribe();
        let epoch = current.borrow_and_update().as_ref().map(|it| it.epoch);
        current.mark_changed();
        let queue = VecDeque::new();
        let state = Sending { current, epoch, sent, queue, leases, _connection: connection };
        stream::unfold(state, |mut state| async move {
            let batch = state.next().await?;
            Some((Ok(batch), state))
        })
    }
}

/// One stream: what was sent, and what remains to be sent of the present update.
struct Sending {
    current: watch::Receiver<Option<Arc<Published>>>,
    epoch: Option<ControllerEpoch>,
    sent: Option<Snapshot>,
    queue: VecDeque<MetadataBatch>,
    leases: Leases,
    /// Says that the broker is connected for as long as the stream lives.
    _connection: Option<ConnectionGuard>,
}

impl Sending {
    async fn next(&mut self) -> Option<MetadataBatch> {
        loop {
            if let Some(batch) = self.queue.pop_front() {
                return Some(batch);
            }
            self.current.changed().await.ok()?;
            let newest = self.current.borrow_and_update().clone()?;
            if Some(newest.epoch) != self.epoch {
                return None;
            }
            self.queue = self.update(&newest);
            self.sent = Some(newest.snapshot.clone());
        }
    }

    fn update(&self, newest: &Published) -> VecDeque<MetadataBatch> {
        let (full, chunks) = match &self.sent {
            Some(sent) => (false, newest.since(sent)),
            None => (true, newest.full()),
        };
        let epoch = epoch::to_wire(newest.epoch);
        let last = chunks.len() - 1;
        let batch = |(index, records): (usize, &Bytes)| MetadataBatch {
            not_active: None,
            epoch: Some(epoch),
            offset: newest.offset,
            full,
            last: index == last,
            records: records.clone(),
            leases: (index == last).then(|| self.leases.clone()),
            fingerprint: (index == last).then(|| newest.image.fingerprint.value()),
        };
        chunks.iter().enumerate().map(batch).collect()
    }
}

/// The streams of one registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    pub broker_epoch: i64,
    /// 0: it was connected, and is not any more.
    pub streams: usize,
}

/// Which brokers hold a metadata stream to this controller. A value to watch, like the live set.
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<watch::Sender<BTreeMap<BrokerId, Connection>>>);

impl Connections {
    pub fn subscribe(&self) -> watch::Receiver<BTreeMap<BrokerId, Connection>> {
        self.0.subscribe()
    }

    /// Open streams of a registration; `None` when it never had one.
    pub fn streams(&self, id: BrokerId, broker_epoch: i64) -> Option<usize> {
        let connections = self.0.borrow();
        let connection = connections.get(&id).filter(|it| it.broker_epoch == broker_epoch)?;
        Some(connection.streams)
    }

    /// Whether a registration has an open stream.
    pub fn is_connected(&self, id: BrokerId, broker_epoch: i64) -> bool {
        self.streams(id, broker_epoch).is_some_and(|streams| streams > 0)
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.0.borrow().values().map(|connection| connection.streams).sum()
    }

    /// Forgets the brokers that are gone: what they did under an earlier epoch says nothing now.
    pub fn begin(&self) {
        self.0.send_modify(|connections| connections.retain(|_, it| it.streams > 0));
    }

    /// Counts a stream in until the guard is dropped.
    pub fn open(&self, id: BrokerId, broker_epoch: i64) -> ConnectionGuard {
        self.0.send_modify(|connections| {
            let opened = Connection { broker_epoch, streams: 0 };
            let connection = connections.entry(id).or_insert(opened);
            if connection.broker_epoch < broker_epoch {
                *connection = opened;
            }
            if connection.broker_epoch == broker_epoch {
                connection.streams += 1;
            }
        });
        ConnectionGuard { connections: self.clone(), id, broker_epoch }
    }
}

/// One open stream of a registered broker.
#[derive(Debug)]
pub struct ConnectionGuard {
    connections: Connections,
    id: BrokerId,
    broker_epoch: i64,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.connections.0.send_if_modified(|connections| {
            let Some(connection) = connections.get_mut(&self.id) else { return false };
            if connection.broker_epoch != self.broker_epoch || connection.streams == 0 {
                return false;
            }
            connection.streams -= 1;
            connection.streams == 0
        });
    }
}
