//! What stands of the partitions: replication, offsets and sizes of logs. Read at a scrape.

use std::sync::Arc;

use metadata::ClusterImage;
use telemetry::{Kind, Page};

use crate::broker::Broker;
use crate::limits::MEASURED_PARTITIONS;
use crate::replica::Measured;

/// One replica of this broker, as the cluster and as the replica itself see it.
struct Replica<'a> {
    partition: &'a Arc<metadata::Partition>,
    /// `None`: the image names this broker, which could not open the log.
    measured: Option<Measured>,
    leads: bool,
}

impl Replica<'_> {
    fn is_under_replicated(&self) -> bool {
        self.leads && self.partition.isr.len() < self.partition.replicas.len()
    }

    fn in_sync_compares(&self, how: std::cmp::Ordering) -> bool {
        // One cannot ask for more replicas than there are.
        let min_isr = self.measured.map_or(1, |it| it.min_isr).min(self.partition.replicas.len());
        self.leads && self.partition.isr.len().cmp(&min_isr) == how
    }

    fn is_under_min_isr(&self) -> bool {
        self.in_sync_compares(std::cmp::Ordering::Less)
    }

    fn is_at_min_isr(&self) -> bool {
        self.in_sync_compares(std::cmp::Ordering::Equal)
    }

    fn is_reassigned(&self) -> bool {
        let partition = &self.partition;
        self.leads
            && !(partition.adding_replicas.is_empty() && partition.removing_replicas.is_empty())
    }
}

pub(super) fn write(page: &mut Page, broker: &Broker, image: &ClusterImage) {
    let me = broker.options.id;
    let replicas: Vec<Replica<'_>> = image
        .partitions_on(me)
        .filter_map(|partition| {
            let topic = image.topics.get(&partition.id.topic)?;
            let hosted = broker.replicas.find(topic.id, partition.id.partition).ok();
            let measured = hosted.and_then(|it| it.measure());
            Some(Replica { partition, measured, leads: partition.leader == Some(me) })
        })
        .collect();
    write_counts(page, &replicas);
    let shown = &replicas[..replicas.len().min(MEASURED_PARTITIONS)];
    page.gauge(
        "janus_metrics_partitions_left_out",
        "Replicas of this broker without series of their own, because there are too many",
        replicas.len() - shown.len(),
    );
    write_each(page, shown);
}

fn write_counts(page: &mut Page, replicas: &[Replica<'_>]) {
    let mut gauge = |name: &str, help: &str, which: fn(&Replica<'_>) -> bool| {
        let count = replicas.iter().filter(|it| which(it)).count();
        page.gauge(&format!("kafka_server_replicamanager_{name}"), help, count);
    };
    gauge("partitioncount", "Replicas on this broker", |it| it.measured.is_some());
    gauge("leadercount", "Partitions that this broker leads", |it| it.leads);
    gauge("underreplicatedpartitions", "Led partitions with a replica out of sync", |it| {
        it.is_under_replicated()
    });
    gauge("underminisrpartitioncount", "Led partitions that take no acks=all writes", |it| {
        it.is_under_min_isr()
    });
    gauge("atminisrpartitioncount", "Led partitions that can lose no replica more", |it| {
        it.is_at_min_isr()
    });
    gauge("offlinereplicacount", "Replicas that this broker could not open", |it| {
        it.measured.is_none()
    });
    gauge("reassigningpartitions", "Led partitions that are being reassigned", |it| {
        it.is_reassigned()
    });
    let lag = replicas.iter().filter_map(|it| it.measured?.follower_lag).max().unwrap_or(0);
    page.family(
        "kafka_server_replicafetchermanager_maxlag",
        Kind::Gauge,
        "Records that the follower which is behind most lacks, on this broker",
    )
    .sample(&[("clientid", "Replica")], lag);
}

/// Families with a sample for each partition.
fn write_each(page: &mut Page, replicas: &[Replica<'_>]) {
    let mut each = |name: &str, help: &str, value: &dyn Fn(&Replica<'_>) -> Option<i64>| {
        let mut family = page.family(name, Kind::Gauge, help);
        for replica in replicas {
            if let Some(value) = value(replica) {
                let id = &replica.partition.id;
                let index = id.partition.to_string();
                family.sample(&[("topic", &id.topic), ("partition", &index)], value);
            }
        }
    };
    let led = |it: &Replica<'_>, value: i64| it.leads.then_some(value);
    each("kafka_cluster_partition_replicascount", "Replicas of a led partition", &|it| {
        led(it, it.partition.replicas.len() as i64)
    });
    each("kafka_cluster_partition_insyncreplicascount", "ISR of a led partition", &|it| {
        led(it, it.partition.isr.len() as i64)
    });
    each("kafka_cluster_partition_underreplicated", "Whether a replica is out of sync", &|it| {
        led(it, i64::from(it.is_under_replicated()))
    });
    each("kafka_cluster_partition_underminisr", "Whether it takes no acks=all writes", &|it| {
        led(it, i64::from(it.is_under_min_isr()))
    });
    each("kafka_cluster_partition_atminisr", "Whether it can lose no replica more", &|it| {
        led(it, i64::from(it.is_at_min_isr()))
    });
    each("kafka_log_log_size", "Bytes of a replica's log", &|it| {
        Some(it.measured?.size_bytes as i64)
    });
    each("kafka_log_log_numlogsegments", "Segments of a replica's log", &|it| {
        Some(it.measured?.segments as i64)
    });
    each("kafka_log_log_logstartoffset", "First offset of a replica's log", &|it| {
        Some(it.measured?.offsets.log_start_offset)
    });
    each("kafka_log_log_logendoffset", "Next offset of a replica's log", &|it| {
        Some(it.measured?.offsets.log_end_offset)
    });
    // The names of kafka_exporter, so that it need not run.
    each("kafka_topic_partition_oldest_offset", "First offset, by its leader", &|it| {
        it.leads.then_some(it.measured?.offsets.log_start_offset)
    });
    each("kafka_topic_partition_current_offset", "High watermark, by its leader", &|it| {
        it.leads.then_some(it.measured?.offsets.high_watermark)
    });
}
