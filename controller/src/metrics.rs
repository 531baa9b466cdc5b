//! What this controller counts, and how it is watched: under Kafka's names where Kafka has one.
//!
//! A standby shows 0 for what only the active controller knows, as in Kafka: add them up, or take the
//! largest.

use std::sync::Arc;

use imbl::ordmap::DiffItem;
use tokio::sync::watch;

use metadata::{ClusterImage, ControllerId, Leadership, Partition};
use telemetry::{Counter, Histogram, Kind, Observed, Page, Process};

use crate::service::Quorum;
use crate::watch::{Connections, Publication};

/// Everything that is counted as it happens.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Times that this controller was elected.
    pub elections: Counter,
    /// Batches of commands: how long they took to decide, to commit, and both.
    pub deciding: Histogram,
    pub committing: Histogram,
    pub processing: Histogram,
    pub records: Counter,
    leader_elections: Counter,
    unclean_elections: Counter,
    fences: Counter,
}

impl Metrics {
    /// What one commit changed.
    pub(crate) fn committed(&self, before: &ClusterImage, after: &ClusterImage) {
        for change in before.partitions.diff(&after.partitions) {
            if let DiffItem::Update { old: (_, old), new: (_, new) } = change
                && let Some(leader) = new.leader.filter(|leader| old.leader != Some(*leader))
            {
                self.leader_elections.increment();
                self.unclean_elections.add(u64::from(!is_eligible(old, leader)));
            }
        }
        for change in before.brokers.diff(&after.brokers) {
            if let DiffItem::Update { old: (_, old), new: (_, new) } = change {
                self.fences.add(u64::from(new.fenced && !old.fenced));
            }
        }
    }
}

/// Whoever is in the ISR or eligible beside it has every acknowledged record.
fn is_eligible(partition: &Partition, leader: i32) -> bool {
    partition.isr.contains(&leader) || partition.elr.contains(&leader)
}

/// The controller as those see it who watch it.
pub(crate) struct Observer {
    pub(crate) id: ControllerId,
    pub(crate) leadership: watch::Receiver<Leadership>,
    pub(crate) quorum: Arc<Quorum>,
    pub(crate) publication: Arc<Publication>,
    pub(crate) connections: Connections,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) process: Process,
}

impl Observed for Observer {
    /// Some controller is active, and if it is this one, it serves.
    fn ready(&self) -> Result<(), String> {
        match self.leadership.borrow().leader {
            None => Err("no controller is known to be active".into()),
            Some(leader) if leader == self.id && self.publication.current().is_none() => {
                Err("elected, and loading the metadata".into())
            }
            Some(_) => Ok(()),
        }
    }

    fn measure(&self, page: &mut Page) {
        self.write_cluster(page);
        self.write_work(page);
        self.write_standing(page);
        self.process.write_runtime(page);
        self.process.write(page);
    }
}

impl Observer {
    /// What the active controller knows of the cluster.
    fn write_cluster(&self, page: &mut Page) {
        let current = self.publication.current();
        let mut gauge = |name: &str, help: &str, value: fn(&ClusterImage) -> usize| {
            let value = current.as_ref().map_or(0, |it| value(&it.image));
            page.gauge(&format!("kafka_controller_kafkacontroller_{name}"), help, value);
        };
        gauge("activecontrollercount", "Whether this is the active controller", |_| 1);
        gauge("activebrokercount", "Brokers that are registered and not fenced", |image| {
            image.brokers.values().filter(|broker| !broker.fenced).count()
        });
        gauge("fencedbrokercount", "Brokers that are registered and fenced", |image| {
            image.brokers.values().filter(|broker| broker.fenced).count()
        });
        gauge("globaltopiccount", "Topics", |image| image.topics.len());
        gauge("globalpartitioncount", "Partitions", |image| image.partitions.len());
        gauge("offlinepartitionscount", "Partitions without a leader", |it| it.leaderless.len());
        gauge(
            "preferredreplicaimbalancecount",
            "Partitions that another than the preferred replica leads",
            |image| {
                let preferred = |it: &Partition| it.replicas.first().copied() == it.leader;
                image.partitions.values().filter(|partition| !preferred(partition)).count()
            },
        );
        page.gauge(
            "janus_controller_underreplicated_partitions",
            "Partitions with a replica that is not in sync",
            current.as_ref().map_or(0, |it| it.image.under_replicated),
        );
        page.gauge(
            "kafka_controller_kafkacontroller_lastappliedrecordoffset",
            "Offset of the newest metadata that brokers are told of; 0 on a standby",
            current.as_ref().map_or(0, |it| it.offset),
        );
        page.gauge(
            "janus_controller_streams",
            "Metadata streams of brokers to this controller",
            self.connections.count(),
        );
    }

    /// What this controller has done.
    fn write_work(&self, page: &mut Page) {
        let metrics = &self.metrics;
        let prefix = "kafka_controller_controllerstats";
        page.counter(
            &format!("{prefix}_uncleanleaderelections_total"),
            "Leaders elected that may lack acknowledged records",
            metrics.unclean_elections.get(),
        );
        for (name, help, counter) in [
            ("elections", "Times that this controller was elected", &metrics.elections),
            ("leader_elections", "Leaders of partitions elected", &metrics.leader_elections),
            ("fences", "Brokers fenced", &metrics.fences),
            ("records", "Records of metadata committed", &metrics.records),
        ] {
            page.counter(&format!("janus_controller_{name}_total"), help, counter.get());
        }
        let name = "kafka_controller_controllereventmanager_eventqueueprocessingtimems";
        let help = "Milliseconds to decide and commit a batch of commands";
        let mut family = page.family(name, Kind::Summary, help);
        metrics.processing.write_summary_ms(&mut family, &[]);
        for (name, help, histogram) in [
            ("decide", "Seconds to decide a batch of commands", &metrics.deciding),
            ("commit", "Seconds to commit a batch of records", &metrics.committing),
        ] {
            let name = format!("janus_controller_{name}_seconds");
            histogram.write_seconds(&mut page.family(&name, Kind::Histogram, help), &[]);
        }
    }

    /// Where this controller stands among the others.
    fn write_standing(&self, page: &mut Page) {
        let Leadership { epoch, leader } = *self.leadership.borrow();
        let quorum = (self.quorum.state)();
        for (name, help, value) in [
            ("janus_controller_leader", "The active controller, or -1", leader.unwrap_or(-1)),
            ("janus_ready", "Whether /readyz says yes", i32::from(self.ready().is_ok())),
        ] {
            page.gauge(name, help, value);
        }
        page.gauge(
            "janus_controller_generation",
            "Rises with every switch of the coordination",
            epoch.generation,
        );
        page.gauge(
            "janus_controller_term",
            "Rises with every election of a controller",
            epoch.term,
        );
        page.gauge(
            "janus_metadata_offset",
            "Offset of the newest metadata that this controller knows to be committed",
            quorum.committed_offset,
        );
        page.gauge(
            "janus_quorum_members",
            "Controllers that could be active",
            quorum.members.iter().filter(|member| member.voter).count(),
        );
        if quorum.mode != "raft" {
            return;
        }
        let mut gauge = |name: &str, help: &str, value: f64| {
            page.gauge(&format!("kafka_server_raftmetrics_{name}"), help, value);
        };
        let mine = quorum.members.iter().find(|member| member.id == self.id);
        let (_, recent) = self.metrics.committing.all_and_recent();
        gauge("current_leader", "The leader of the quorum, or -1", leader.unwrap_or(-1).into());
        gauge("current_epoch", "The term of the quorum", epoch.term as f64);
        gauge("high_watermark", "The newest committed entry", quorum.committed_offset as f64);
        let end = mine.map_or(-1, |member| member.log_end_offset);
        gauge("log_end_offset", "The newest entry of this controller's log", end as f64);
        gauge("commit_latency_avg", "Milliseconds to commit, on average", recent.mean_ms());
        gauge("commit_latency_max", "Milliseconds to commit, at most", recent.quantile_ms(1.0));
        let state = match leader {
            Some(leader) if leader == self.id => "leader",
            Some(_) => "follower",
            None => "unattached",
        };
        let name = "kafka_server_raftmetrics_current_state";
        let mut family = page.family(name, Kind::Gauge, "What this controller is in the quorum");
        family.sample(&[("state", state)], 1);
    }
}

#[cfg(test)]
mod tests {
    use metadata::{Record, TopicPartition};

    use super::*;

    fn image(leader: Option<i32>, isr: &[i32]) -> ClusterImage {
        let partition = Partition {
            id: TopicPartition::new("orders", 0),
            replicas: vec![1, 2, 3],
            isr: isr.to_vec(),
            elr: Vec::new(),
            last_known_leader: None,
            leader,
            leader_epoch: 0,
            partition_epoch: 0,
            recovering: false,
            adding_replicas: Vec::new(),
            removing_replicas: Vec::new(),
        };
        ClusterImage::from_records(&[Record::Partition(partition)])
    }

    #[test]
    fn a_leader_from_outside_the_isr_is_an_unclean_election() {
        let metrics = Metrics::default();
        let steps = [
            image(Some(1), &[1, 2]),
            image(Some(2), &[2]),
            image(None, &[2]),
            image(Some(2), &[2]),
            image(Some(3), &[3]),
        ];
        let counted = steps.windows(2).map(|pair| {
            metrics.committed(&pair[0], &pair[1]);
            (metrics.leader_elections.get(), metrics.unclean_elections.get())
        });
        assert_eq!(counted.collect::<Vec<_>>(), [(1, 0), (1, 0), (2, 0), (3, 1)]);
    }
}
