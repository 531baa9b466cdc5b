//! ListConfigResources: what has a configuration of its own, by type.

use kafka::messages::list_config_resources::{
    ConfigResource as Listed, ListConfigResourcesRequest, ListConfigResourcesResponse,
};
use kafka::{ErrorCode, Str};
use metadata::{ClusterImage, ConfigResource};

use super::Context;
use super::config_resource::ResourceType;

/// Before version 1 the request was called ListClientMetricsResources.
const TYPES_FROM: i16 = 1;

pub(super) async fn list_config_resources(
    context: Context,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let types: Result<Vec<ResourceType>, _> = match &request.resource_types[..] {
        _ if context.version < TYPES_FROM => Ok(vec![ResourceType::ClientMetrics]),
        [] => Ok(ResourceType::ALL.to_vec()),
        types => types.iter().map(|it| ResourceType::parse(*it)).collect(),
    };
    let Ok(types) = types else {
        let error_code = ErrorCode::UnsupportedVersion.code();
        return ListConfigResourcesResponse { error_code, ..Default::default() };
    };
    let image = context.broker.images.load();
    let config_resources = types.into_iter().flat_map(|it| list(&image, it)).collect();
    ListConfigResourcesResponse { config_resources, ..Default::default() }
}

/// Topics and brokers always have a configuration, groups and subscriptions once they were given one.
fn list(image: &ClusterImage, kind: ResourceType) -> Vec<Listed> {
    let configured = |name: fn(&ConfigResource) -> Option<Str>| {
        image.configs.keys().filter_map(name).collect::<Vec<Str>>()
    };
    let names = match kind {
        ResourceType::Topic => image.topics.keys().map(|it| Str::from(&**it)).collect(),
        ResourceType::Broker | ResourceType::BrokerLogger => {
            let alive = image.brokers.values().filter(|it| !it.fenced);
            alive.map(|it| Str::from(it.id.to_string())).collect()
        }
        ResourceType::ClientMetrics => configured(|it| match it {
            ConfigResource::ClientMetrics(name) => Some(Str::from(&**name)),
            _ => None,
        }),
        ResourceType::Group => configured(|it| match it {
            ConfigResource::Group(name) => Some(Str::from(&**name)),
            _ => None,
        }),
    };
    let listed =
        names.into_iter().map(|resource_name| Listed { resource_name, resource_type: kind.wire() });
    listed.collect()
}
