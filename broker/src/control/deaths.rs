//! Brokers that died a moment ago, or may have: what clients must be told of them, and when.
//!
//! Clients lose their connections to a dead broker at the moment of its death, and ask for its
//! successors at once. The truth of that moment still names the dead one, and a client that is told
//! so does not ask again for a second or so. So answers that name leaders wait a moment for the
//! controller's word on a broker whose connections broke.
//!
//! Once the word is there the dead broker leads nothing, but is still named for a moment: librdkafka
//! (2.12) drops everything that it knew of a broker which an answer lacks, the new leaders of that
//! broker's partitions included, and looks for them again only a second later, if at all. The same goes
//! for a broker that comes back and is not used yet, and for all others in the eyes of one that has just
//! started: nobody told it for how long they have been away.

use std::collections::BTreeMap;
use std::time::Duration;

use metadata::{BrokerId, ClusterImage};
use tokio::time::Instant;

/// How long an answer waits for news of a broker. A broker whose death is seen is fenced within some
/// tens of milliseconds; a network that hiccups brings no news at all.
const NEWS_DUE: Duration = Duration::from_millis(300);
/// How long a broker that is fenced is still named.
const NAMED_FOR: Duration = Duration::from_secs(3);

/// The brokers in question, by the epoch of the registration that is meant.
#[derive(Debug, Default)]
pub(super) struct Deaths {
    /// Until when answers wait for news of it.
    suspected: BTreeMap<BrokerId, (i64, Instant)>,
    /// Until when it is named.
    known: BTreeMap<BrokerId, (i64, Instant)>,
}

impl Deaths {
    /// A connection to or from the broker broke. A broker that stays away is waited for once.
    pub(super) fn suspect(&mut self, id: BrokerId, image: &ClusterImage, now: Instant) {
        let Some(broker) = image.brokers.get(&id).filter(|broker| !broker.fenced) else { return };
        let suspected = self.suspected.get(&id).map(|(epoch, _)| *epoch);
        if suspected != Some(broker.epoch) {
            self.suspected.insert(id, (broker.epoch, now + NEWS_DUE));
        }
    }

    /// It is connected (again).
    pub(super) fn settle(&mut self, id: BrokerId) {
        self.suspected.remove(&id);
    }

    /// News: who is fenced in one image and was not, as the same process, in the one before. Who has
    /// never been of use to anybody is not missed.
    pub(super) fn learn(&mut self, before: &ClusterImage, after: &ClusterImage, now: Instant) {
        if before.brokers.ptr_eq(&after.brokers) {
            return;
        }
        self.known.retain(|_, (_, until)| *until > now);
        for (id, is) in after.brokers.iter().filter(|(_, broker)| broker.fenced) {
            let was = before.brokers.get(id);
            let served = was.is_some_and(|was| !was.fenced);
            let returns = was.is_none_or(|was| was.epoch != is.epoch);
            let hosts = after.by_broker.get(id).is_some_and(|replicas| !replicas.is_empty());
            if served || returns && hosts {
                self.known.insert(*id, (is.epoch, now + NAMED_FOR));
            }
        }
    }

    /// Until when an answer from this image should wait; `None`: nobody is suspected.
    pub(super) fn wait_until(&mut self, image: &ClusterImage, now: Instant) -> Option<Instant> {
        self.suspected.retain(|id, (epoch, until)| {
            let broker = image.brokers.get(id);
            *until > now && broker.is_some_and(|it| it.epoch == *epoch && !it.fenced)
        });
        self.suspected.values().map(|(_, until)| *until).max()
    }

    /// Whether the broker was fenced so recently that clients may know it as alive.
    pub(super) fn is_recent(&self, id: BrokerId, broker_epoch: i64, now: Instant) -> bool {
        let known = self.known.get(&id);
        known.is_some_and(|(epoch, until)| *epoch == broker_epoch && *until > now)
    }
}

#[cfg(test)]
mod tests {
    use metadata::{Broker, Record, Uuid};

    use super::*;

    fn image(epoch: i64, fenced: bool) -> ClusterImage {
        let broker = Broker {
            id: 1,
            epoch,
            incarnation: Uuid::nil(),
            listeners: Vec::new(),
            rack: None,
            log_dirs: Vec::new(),
            fenced,
            in_controlled_shutdown: false,
        };
        let mut image = ClusterImage::default();
        image.apply(&Record::Broker(broker));
        image
    }

    #[test]
    fn a_suspicion_ends_with_news_or_with_its_time() {
        let now = Instant::now();
        let suspicious = || {
            let mut deaths = Deaths::default();
            deaths.suspect(1, &image(7, false), now);
            deaths.suspect(2, &image(7, false), now);
            deaths
        };
        assert_eq!(suspicious().wait_until(&image(7, false), now), Some(now + NEWS_DUE));
        assert_eq!(suspicious().wait_until(&image(7, true), now), None, "it is fenced");
        assert_eq!(suspicious().wait_until(&image(8, false), now), None, "it is another process");
        assert_eq!(suspicious().wait_until(&image(7, false), now + NEWS_DUE), None, "no news came");
        let mut connected = suspicious();
        connected.settle(1);
        assert_eq!(connected.wait_until(&image(7, false), now), None, "it is there again");
    }

    #[test]
    fn a_broker_that_stays_away_is_waited_for_once() {
        let now = Instant::now();
        let mut deaths = Deaths::default();
        deaths.suspect(1, &image(7, false), now);
        deaths.suspect(1, &image(7, false), now + NEWS_DUE / 2);
        assert_eq!(deaths.wait_until(&image(7, false), now), Some(now + NEWS_DUE));
    }

    #[test]
    fn a_fenced_broker_is_named_for_a_while() {
        let now = Instant::now();
        let mut deaths = Deaths::default();
        deaths.learn(&image(7, false), &image(7, true), now);
        assert!(deaths.is_recent(1, 7, now));
        assert!(!deaths.is_recent(1, 7, now + NAMED_FOR), "that is long ago");
        assert!(!deaths.is_recent(1, 8, now), "that is another process");
    }

    #[test]
    fn a_broker_that_comes_back_is_named_before_it_is_used() {
        let now = Instant::now();
        let hosting = |epoch| {
            let mut image = image(epoch, true);
            let hosted = [metadata::TopicPartition::new("orders", 0)];
            image.by_broker.insert(1, hosted.into_iter().collect());
            image
        };
        let mut deaths = Deaths::default();
        deaths.learn(&hosting(7), &hosting(8), now);
        assert!(deaths.is_recent(1, 8, now));
        deaths.learn(&hosting(8), &hosting(8), now + NAMED_FOR / 2);
        assert!(!deaths.is_recent(1, 8, now + NAMED_FOR), "that is no news");
        let mut started = Deaths::default();
        started.learn(&ClusterImage::default(), &hosting(7), now);
        assert!(started.is_recent(1, 7, now), "who knows since when it is away");
        let mut new = Deaths::default();
        new.learn(&ClusterImage::default(), &image(7, true), now);
        assert!(!new.is_recent(1, 7, now), "nobody has used it yet");
    }
}
