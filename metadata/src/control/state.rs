//! What a decision rests on: the image, and the configuration behind it.

use std::sync::Arc;

use crate::{BrokerId, ClusterImage, ConfigResource, ControlError};

pub(super) const MIN_INSYNC_REPLICAS: &str = "min.insync.replicas";
pub(super) const UNCLEAN_LEADER_ELECTION: &str = "unclean.leader.election.enable";

/// The controller's own configuration, where the image has no dynamic default for all brokers.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    pub num_partitions: i32,
    pub default_replication_factor: i16,
    pub min_insync_replicas: i32,
    pub unclean_leader_election: bool,
    /// Keep eligible leader replicas (KIP-966).
    pub elr_enabled: bool,
}

impl Defaults {
    /// Takes them from a controller's `server.properties`.
    pub fn new(settings: &config::Settings) -> Self {
        let factor = settings.i32("default.replication.factor");
        Self {
            num_partitions: settings.i32("num.partitions"),
            default_replication_factor: i16::try_from(factor).unwrap_or(i16::MAX),
            min_insync_replicas: settings.i32(MIN_INSYNC_REPLICAS),
            unclean_leader_election: settings.bool(UNCLEAN_LEADER_ELECTION),
            elr_enabled: true,
        }
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Self::new(&config::Settings::default())
    }
}

/// The cluster as a decision sees it.
#[derive(Clone, Copy)]
pub(super) struct State<'a> {
    pub(super) defaults: &'a Defaults,
    pub(super) image: &'a ClusterImage,
}

impl<'a> State<'a> {
    /// `min.insync.replicas` of a topic.
    pub(super) fn min_insync_replicas(self, topic: &Arc<str>) -> usize {
        let value =
            self.topic_value(topic, MIN_INSYNC_REPLICAS).and_then(|it| it.trim().parse().ok());
        usize::try_from(value.unwrap_or(self.defaults.min_insync_replicas)).unwrap_or(0)
    }

    /// `unclean.leader.election.enable` of a topic.
    pub(super) fn unclean_leader_election(self, topic: &Arc<str>) -> bool {
        match self.topic_value(topic, UNCLEAN_LEADER_ELECTION) {
            Some(value) => value.trim().eq_ignore_ascii_case("true"),
            None => self.defaults.unclean_leader_election,
        }
    }

    /// Refuses requests of earlier incarnations.
    pub(super) fn check_broker_epoch(self, id: BrokerId, got: i64) -> Result<(), ControlError> {
        let current = self.image.brokers.get(&id).map(|broker| broker.epoch);
        if current == Some(got) {
            Ok(())
        } else {
            Err(ControlError::StaleBrokerEpoch { id, got, current })
        }
    }

    /// A key that topics and brokers have under the same name.
    fn topic_value(self, topic: &Arc<str>, key: &str) -> Option<&'a String> {
        let value = |resource| self.image.configs.get(&resource)?.get(key);
        value(ConfigResource::Topic(topic.clone())).or_else(|| value(ConfigResource::BrokerDefault))
    }
}
