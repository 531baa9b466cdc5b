//! Metadata as it arrives: chunks become updates, updates lead from image to image, and the image
//! must be the controller's.
//!
//! A difference that lost something would leave this broker without a partition or with a leader of
//! yesterday, and nobody would know. So every update carries the fingerprint of the image that it
//! leads to; where this broker's is another one, the controller is asked for the whole image.

use std::sync::Arc;

use metadata::codec::{self, DecodeError};
use metadata::{ClusterImage, ControllerEpoch, Offset, Record};

use super::{Published, epoch};

/// One update: the image it leads to and the records that lead there. Whoever turns it into replicas
/// publishes the image once they stand, so that what an image says is true on this broker.
#[derive(Debug)]
pub struct Update {
    pub published: Published,
    pub records: Vec<Record>,
}

/// Why the stream cannot be followed any further.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    #[error("the controller sent what cannot be read: {0}")]
    Garbled(#[from] DecodeError),
    #[error(
        "what was sent up to offset {offset} does not lead to the controller's image (fingerprint \
         {found:016x}, there {expected:016x})"
    )]
    Diverged { offset: Offset, found: u64, expected: u64 },
}

/// What has been received from controllers, this one and those before it.
#[derive(Debug, Default)]
pub struct Received {
    newest: Published,
    trust: Trust,
    chunks: Chunks,
}

/// What the last comparison of fingerprints said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Trust {
    #[default]
    Same,
    /// The next image must be a whole one.
    Diverged,
    /// Even a whole image of this controller had another one. It is the controller's all the same:
    /// that is how servers of different versions may see it, and comparing says nothing then.
    Incomparable(ControllerEpoch),
}

/// The chunks of one update that have arrived.
#[derive(Debug, Default)]
struct Chunks {
    full: bool,
    records: Vec<Record>,
}

impl Received {
    /// What a controller need not send again.
    pub fn known(&self) -> (ControllerEpoch, Offset) {
        match self.trust {
            Trust::Diverged => Default::default(),
            Trust::Same | Trust::Incomparable(_) => self.newest.position(),
        }
    }

    /// Of the controller that sent the newest update.
    pub fn epoch(&self) -> ControllerEpoch {
        self.newest.epoch
    }

    /// A new stream: what the one before left unfinished is worth nothing.
    pub fn begin(&mut self) {
        self.chunks = Chunks::default();
    }

    /// Takes one batch; returns the update that it completes.
    pub fn take(&mut self, batch: grpc::MetadataBatch) -> Result<Option<Update>, StreamError> {
        self.chunks.full |= batch.full;
        self.chunks.records.extend(codec::decode_records(&batch.records)?);
        if !batch.last {
            return Ok(None);
        }
        let Chunks { full, records } = std::mem::take(&mut self.chunks);
        let (epoch, offset) = (epoch::from_wire(batch.epoch), batch.offset);
        if (epoch, offset) < self.newest.position() {
            // From a controller that has been replaced since: what is known is newer.
            return Ok(None);
        }
        let known = Arc::clone(&self.newest.image);
        let mut image = if full { ClusterImage::default() } else { ClusterImage::clone(&known) };
        records.iter().for_each(|record| image.apply(record));
        let found = image.fingerprint.value();
        match batch.fingerprint {
            Some(expected) if expected != found => {
                self.differ(full, epoch, StreamError::Diverged { offset, found, expected })?;
            }
            // An older controller does not say what it has.
            None if !full => {}
            Some(_) | None => self.trust = Trust::Same,
        }
        let records = if full { known.delta(&image) } else { records };
        self.newest = Published { image: Arc::new(image), epoch, offset };
        Ok(Some(Update { published: self.newest.clone(), records }))
    }

    /// The image that came about is not the controller's.
    fn differ(
        &mut self,
        full: bool,
        epoch: ControllerEpoch,
        error: StreamError,
    ) -> Result<(), StreamError> {
        let incomparable = Trust::Incomparable(epoch);
        if self.trust == incomparable {
            return Ok(());
        }
        if !full {
            self.trust = Trust::Diverged;
            return Err(error);
        }
        self.trust = incomparable;
        tracing::warn!(
            "{error}; that was all of it: not compared any more, are the servers of different \
             versions?"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use metadata::contract::partition;

    const EPOCH: ControllerEpoch = ControllerEpoch { generation: 1, term: 7 };

    fn created(topic: &str) -> Record {
        Record::Partition(partition(topic, 0, &[1, 2, 3]))
    }

    /// One whole update of a controller whose image holds `holds`.
    fn batch(
        offset: Offset,
        full: bool,
        sends: &[Record],
        holds: &[Record],
    ) -> grpc::MetadataBatch {
        grpc::MetadataBatch {
            epoch: Some(epoch::to_wire(EPOCH)),
            offset,
            full,
            last: true,
            records: codec::encode_records(sends).into(),
            fingerprint: Some(ClusterImage::from_records(holds).fingerprint.value()),
            ..Default::default()
        }
    }

    #[test]
    fn what_a_difference_lost_is_noticed_and_asked_for() {
        let [a, b, c] = ["a", "b", "c"].map(created);
        let mut received = Received::default();
        let all = [a.clone()];
        let update = received.take(batch(1, true, &all, &all)).unwrap().unwrap();
        assert_eq!(update.records, all);
        assert_eq!(received.known(), (EPOCH, 1));

        // The controller made b and c; c was lost on the way.
        let all = [a, b.clone(), c.clone()];
        let error = received.take(batch(2, false, &all[1..2], &all)).unwrap_err();
        assert!(matches!(error, StreamError::Diverged { offset: 2, .. }), "{error}");
        assert_eq!(received.known(), (ControllerEpoch::default(), 0), "all is asked for");
        assert_eq!(received.epoch(), EPOCH, "an older controller is still an older one");

        let update = received.take(batch(2, true, &all, &all)).unwrap().unwrap();
        assert_eq!(update.records, [b, c], "what this broker did not have");
        assert_eq!(update.published.image.partitions.len(), 3);
        assert_eq!(received.known(), (EPOCH, 2));
    }

    #[test]
    fn where_even_a_whole_image_differs_it_counts_and_comparing_ends() {
        let [a, b] = ["a", "b"].map(created);
        let mut received = Received::default();
        let other = |batch| grpc::MetadataBatch { fingerprint: Some(1), ..batch };
        let all = [a, b.clone()];
        assert!(received.take(other(batch(1, true, &all[..1], &[]))).unwrap().is_some());
        let update = received.take(other(batch(2, false, &[b], &[]))).unwrap().unwrap();
        assert_eq!(update.published.image.partitions.len(), 2);
        assert_eq!(received.known(), (EPOCH, 2));

        // The next controller is asked for all of it, once.
        let next = |batch| grpc::MetadataBatch {
            epoch: Some(grpc::Epoch { generation: 1, term: 8 }),
            ..batch
        };
        assert!(received.take(next(other(batch(3, false, &[], &[])))).is_err());
        assert_eq!(received.known().1, 0);
        assert!(received.take(next(batch(3, true, &all, &all))).unwrap().is_some());
        assert!(received.take(next(other(batch(4, false, &[], &[])))).is_err(), "compared again");
    }

    #[test]
    fn a_controller_that_says_no_fingerprint_is_followed() {
        let mut received = Received::default();
        let all = ["a", "b"].map(created);
        assert!(received.take(batch(1, true, &all[..1], &all[..1])).unwrap().is_some());
        let silent = grpc::MetadataBatch { fingerprint: None, ..batch(2, false, &all[1..], &[]) };
        let update = received.take(silent).unwrap().unwrap();
        assert_eq!(update.published.image.partitions.len(), 2);
    }

    #[test]
    fn chunks_make_one_update_and_what_is_older_is_left_out() {
        let [a, b, c] = ["a", "b", "c"].map(created);
        let mut received = Received::default();
        let chunk = |record| grpc::MetadataBatch { last: false, ..batch(5, true, &[record], &[]) };
        assert!(received.take(chunk(c)).unwrap().is_none());
        // The stream broke, and the next one begins anew.
        received.begin();
        let all = [a.clone(), b];
        assert!(received.take(chunk(a)).unwrap().is_none());
        let update = received.take(batch(5, false, &all[1..], &all)).unwrap().unwrap();
        assert_eq!(update.records, all);
        assert!(received.take(batch(4, true, &[], &[])).unwrap().is_none());
        assert_eq!(received.known(), (EPOCH, 5));
    }
}
