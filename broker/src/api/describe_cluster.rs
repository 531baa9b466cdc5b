//! DescribeCluster: id, brokers and "controller" of the cluster.

use kafka::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};
use kafka::{ErrorCode, Str};

use super::control_error::Refusal;
use super::metadata::{CLUSTER_OPERATIONS, OPERATIONS_UNKNOWN, controller_for_clients};
use super::{Context, endpoint_of};

/// KIP-919: who the client believes to be talking to.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(super) async fn describe_cluster(
    context: Context,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            return refuse(Refusal::new(
                ErrorCode::MismatchedEndpointType,
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of \
                 type CONTROLLER",
            ));
        }
        other => {
            return refuse(Refusal::new(
                ErrorCode::UnsupportedEndpointType,
                format!("Unsupported endpoint type {other}"),
            ));
        }
    }
    let image = context.broker.images.load();
    let shown = image.brokers.values().filter(|it| !it.fenced || request.include_fenced_brokers);
    let brokers = shown
        .filter_map(|it| endpoint_of(&image, it.id, &context.listener))
        .map(|(broker, host, port)| DescribeClusterBroker {
            broker_id: broker.id,
            host: Str::from(host),
            port: i32::from(port),
            rack: broker.rack.as_deref().map(Str::from),
            is_fenced: broker.fenced,
        })
        .collect();
    DescribeClusterResponse {
        cluster_id: Str::from(&*context.broker.options.cluster_id),
        controller_id: controller_for_clients(&image, &context),
        brokers,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            OPERATIONS_UNKNOWN
        },
        ..Default::default()
    }
}

fn refuse(refusal: Refusal) -> DescribeClusterResponse {
    let (error_code, error_message) = refusal.fields();
    DescribeClusterResponse { error_code, error_message, ..Default::default() }
}
