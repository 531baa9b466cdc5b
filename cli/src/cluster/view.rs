//! The metadata of a cluster as far as `janus status` shows it, from whoever knows it best.
//!
//! The active controller has the truth and gives it to tools that know the cluster's secret. For all
//! other clusters, Apache Kafka's included, the brokers say what they have heard.

use std::collections::BTreeMap;

use anyhow::Result;
use grpc::auth::Credentials;
use kafka::messages::{
    DescribeClusterRequest, DescribeClusterResponse, DescribeQuorumRequest, MetadataResponse,
    describe_quorum::{PartitionData, TopicData},
};
use metadata::ClusterImage;

use super::controllers::{Quorum, describe_quorum};
use crate::client::Client;

/// The name of the topic in Kafka that holds the metadata: DescribeQuorum wants it.
const METADATA_TOPIC: &str = "__cluster_metadata";

/// What is known of a cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    pub cluster_id: Option<String>,
    pub brokers: BTreeMap<i32, BrokerView>,
    pub topics: usize,
    pub partitions: Vec<PartitionView>,
}

/// A registered broker.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct BrokerView {
    pub host: String,
    pub port: u16,
    /// `None` where it is not told.
    pub epoch: Option<i64>,
    pub fenced: bool,
    pub stopping: bool,
}

/// One partition, without its name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PartitionView {
    pub leader: Option<i32>,
    pub replicas: Vec<i32>,
    pub in_sync: usize,
}

/// The quorum of controllers as a broker tells it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct QuorumView {
    pub active: Option<i32>,
    pub epoch: u64,
    pub committed_offset: Option<u64>,
    pub controllers: BTreeMap<i32, ControllerView>,
}

/// A voter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ControllerView {
    /// host:port, empty where the broker does not say.
    pub endpoint: String,
    pub directory_id: Option<uuid::Uuid>,
    pub log_end_offset: i64,
}

impl View {
    /// From the controller's image. `listener`: the one that clients use, if there are several.
    pub(super) fn of_image(image: &ClusterImage) -> Self {
        let broker = |broker: &metadata::Broker| {
            let listener = broker.listeners.first();
            BrokerView {
                host: listener.map(|it| it.host.clone()).unwrap_or_default(),
                port: listener.map_or(0, |it| it.port),
                epoch: Some(broker.epoch),
                fenced: broker.fenced,
                stopping: broker.in_controlled_shutdown,
            }
        };
        let partition = |partition: &metadata::Partition| PartitionView {
            leader: partition.leader,
            replicas: partition.replicas.clone(),
            in_sync: partition.isr.len(),
        };
        let visible =
            image.partitions.values().filter(|it| image.topics.contains_key(&it.id.topic));
        Self {
            cluster_id: image.cluster_id.as_deref().map(str::to_owned),
            brokers: image.brokers.iter().map(|(id, it)| (*id, broker(it))).collect(),
            topics: image.topics.len(),
            partitions: visible.map(|it| partition(it)).collect(),
        }
    }

    /// From what brokers tell every client. Fenced brokers are in `cluster` only.
    pub(super) fn of_metadata(
        metadata: &MetadataResponse,
        cluster: Option<&DescribeClusterResponse>,
    ) -> Self {
        let view = |host: &str, port: i32, fenced| BrokerView {
            host: host.to_owned(),
            port: u16::try_from(port).unwrap_or_default(),
            epoch: None,
            fenced,
            stopping: false,
        };
        let mut brokers: BTreeMap<i32, BrokerView> = metadata
            .brokers
            .iter()
            .map(|broker| (broker.node_id, view(&broker.host, broker.port, false)))
            .collect();
        // Metadata goes on to name a broker for a moment after its death; this is the truth.
        for broker in cluster.iter().flat_map(|cluster| &cluster.brokers) {
            let known = view(&broker.host, broker.port, broker.is_fenced);
            brokers.entry(broker.broker_id).or_insert(known).fenced = broker.is_fenced;
        }
        let partitions = metadata.topics.iter().flat_map(|topic| &topic.partitions);
        Self {
            cluster_id: metadata.cluster_id.as_ref().map(|id| id.to_string()),
            brokers,
            topics: metadata.topics.len(),
            partitions: partitions
                .map(|partition| PartitionView {
                    leader: Some(partition.leader_id).filter(|id| *id >= 0),
                    replicas: partition.replica_nodes.clone(),
                    in_sync: partition.isr_nodes.len(),
                })
                .collect(),
        }
    }

    /// Asks the brokers.
    pub(super) async fn fetch(client: &mut Client) -> Result<Self> {
        let metadata = client.metadata(None).await?;
        let request = DescribeClusterRequest { include_fenced_brokers: true, ..Default::default() };
        // Older brokers do not know that request: then fenced brokers are not shown.
        let cluster = client.call(&request).await.ok().filter(|it| it.error_code == 0);
        Ok(Self::of_metadata(&metadata, cluster.as_ref()))
    }
}

impl QuorumView {
    /// Asks the controllers themselves.
    pub(crate) async fn ask(&self, cluster_id: &str, credentials: &Credentials) -> Quorum {
        let endpoints: Vec<String> =
            self.controllers.values().map(|controller| controller.endpoint.clone()).collect();
        describe_quorum(&endpoints, cluster_id, credentials).await
    }

    /// Asks the brokers; `None` when they do not tell.
    pub(crate) async fn fetch(client: &mut Client) -> Result<Option<Self>> {
        let partition = PartitionData { partition_index: 0 };
        let topic = TopicData { topic_name: METADATA_TOPIC.into(), partitions: vec![partition] };
        let request = DescribeQuorumRequest { topics: vec![topic] };
        let Ok(response) = client.call_controller(&request).await else { return Ok(None) };
        let partition = response.topics.first().and_then(|topic| topic.partitions.first());
        let Some(partition) = partition.filter(|it| it.error_code == 0) else { return Ok(None) };
        let endpoint = |id: i32| {
            let node = response.nodes.iter().find(|node| node.node_id == id);
            let listener = node.and_then(|node| node.listeners.first());
            listener.map(|it| format!("{}:{}", it.host, it.port)).unwrap_or_default()
        };
        Ok(Some(Self {
            active: Some(partition.leader_id).filter(|id| *id >= 0),
            epoch: partition.leader_epoch.max(0) as u64,
            committed_offset: u64::try_from(partition.high_watermark).ok(),
            controllers: partition
                .current_voters
                .iter()
                .map(|voter| {
                    let view = ControllerView {
                        endpoint: endpoint(voter.replica_id),
                        directory_id: Some(voter.replica_directory_id).filter(|id| !id.is_nil()),
                        log_end_offset: voter.log_end_offset,
                    };
                    (voter.replica_id, view)
                })
                .collect(),
        }))
    }
}
