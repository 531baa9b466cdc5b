//! Where the replicas of new partitions go: over racks first, then over brokers.
//!
//! Kafka's striped placement (`StripedReplicaPlacer`). Racks take turns, and so do the brokers
//! within a rack; each further partition starts one rack and one broker later. Fenced brokers are
//! used only where a rack has no other left, and never first: a new partition has a leader. After
//! as many partitions as there are unfenced brokers the order is shuffled, so that the same brokers
//! do not always follow each other. Where Kafka draws random numbers, this derives them from the
//! topic's id: the same decision gives the same records.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{BrokerId, ClusterImage, ControlError};

/// The replicas of partitions `first..count` of a topic. They continue the pattern of those before.
pub(super) fn place(
    image: &ClusterImage,
    topic_id: Uuid,
    first: usize,
    count: usize,
    replication_factor: usize,
) -> Result<Vec<Vec<BrokerId>>, ControlError> {
    let mut racks = Racks::new(image, topic_id);
    let invalid = |why: String| {
        Err(ControlError::InvalidReplicationFactor(format!(
            "Unable to replicate the partition {replication_factor} time(s): {why}"
        )))
    };
    if replication_factor > racks.total {
        return invalid(format!(
            "The target replication factor of {replication_factor} cannot be reached because only \
             {} broker(s) are registered.",
            racks.total
        ));
    }
    if racks.unfenced == 0 {
        return invalid("All brokers are currently fenced or in controlled shutdown.".into());
    }
    let placements = (0..count).map(|_| racks.place(replication_factor));
    Ok(placements.skip(first).collect())
}

struct Racks {
    racks: Vec<Rack>,
    total: usize,
    unfenced: usize,
    /// The rack with which the next partition begins.
    offset: usize,
    /// How many partitions have been placed since the last shuffle.
    round: usize,
    sequence: Sequence,
}

#[derive(Default)]
struct Rack {
    unfenced: Turns,
    fenced: Turns,
}

/// Brokers that take turns. Each round starts with another one.
#[derive(Default)]
struct Turns {
    brokers: Vec<BrokerId>,
    offset: usize,
    /// How many have been handed out for the current partition.
    taken: usize,
}

impl Racks {
    fn new(image: &ClusterImage, topic_id: Uuid) -> Self {
        let mut sequence = Sequence::new(topic_id);
        let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        let (mut total, mut unfenced) = (0, 0);
        for broker in image.brokers.values() {
            if broker.in_controlled_shutdown && !broker.fenced {
                continue;
            }
            total += 1;
            let rack = racks.entry(broker.rack.as_deref()).or_default();
            if broker.fenced {
                rack.fenced.brokers.push(broker.id);
            } else {
                unfenced += 1;
                rack.unfenced.brokers.push(broker.id);
            }
        }
        let mut racks: Vec<Rack> = racks.into_values().collect();
        for rack in &mut racks {
            for turns in [&mut rack.unfenced, &mut rack.fenced] {
                turns.offset = sequence.below(turns.brokers.len());
            }
        }
        let offset = sequence.below(racks.len());
        Self { racks, total, unfenced, offset, round: 0, sequence }
    }

    /// One partition. There are enough brokers, and one of them is unfenced.
    fn place(&mut self, replication_factor: usize) -> Vec<BrokerId> {
        if self.round == self.unfenced && self.unfenced > 1 {
            self.shuffle();
            self.round = 0;
        }
        for rack in &mut self.racks {
            rack.unfenced.begin();
            rack.fenced.begin();
        }
        let rack_count = self.racks.len();
        let first = (0..rack_count)
            .map(|step| (self.offset + step) % rack_count)
            .find(|rack| !self.racks[*rack].unfenced.brokers.is_empty())
            .expect("one broker is unfenced");
        let mut replicas: Vec<BrokerId> = self.racks[first].unfenced.next().into_iter().collect();
        let mut turn = 0;
        while replicas.len() < replication_factor {
            let rack = (self.offset + turn) % rack_count;
            // The first rack has had its turn in the first pass.
            if turn >= rack_count || rack != first {
                replicas.extend(self.racks[rack].next());
            }
            turn += 1;
        }
        self.round += 1;
        self.offset = (self.offset + 1) % rack_count;
        replicas
    }

    fn shuffle(&mut self) {
        self.sequence.shuffle(&mut self.racks);
        for rack in &mut self.racks {
            self.sequence.shuffle(&mut rack.unfenced.brokers);
            self.sequence.shuffle(&mut rack.fenced.brokers);
        }
    }
}

impl Rack {
    fn next(&mut self) -> Option<BrokerId> {
        self.unfenced.next().or_else(|| self.fenced.next())
    }
}

impl Turns {
    fn begin(&mut self) {
        self.taken = 0;
        if !self.brokers.is_empty() {
            self.offset = (self.offset + 1) % self.brokers.len();
        }
    }

    fn next(&mut self) -> Option<BrokerId> {
        let index = (self.offset + self.taken) % self.brokers.len().max(1);
        let broker = self.brokers.get(index).filter(|_| self.taken < self.brokers.len())?;
        self.taken += 1;
        Some(*broker)
    }
}

/// Numbers that look random and follow from a topic's id (splitmix64).
struct Sequence(u64);

impl Sequence {
    fn new(topic_id: Uuid) -> Self {
        let (high, low) = topic_id.as_u64_pair();
        Self(high ^ low)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % bound.max(1)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}
