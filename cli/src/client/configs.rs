//! Dynamic configuration of topics, brokers and other resources.

use anyhow::{Context, Result, bail};
use kafka::messages::describe_configs::{DescribeConfigsResource, DescribeConfigsResourceResult};
use kafka::messages::incremental_alter_configs::{AlterConfigsResource, AlterableConfig};
use kafka::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use super::{Client, check};

/// What has a configuration, as the protocol numbers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    kind: i8,
    name: String,
    /// The broker that must be asked, if not any will do.
    broker: Option<i32>,
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Set(String, String),
    Unset(String),
}

impl Resource {
    pub(crate) fn topic(name: &str) -> Self {
        Self { kind: 2, name: name.to_owned(), broker: None }
    }

    pub(crate) fn broker(id: i32) -> Self {
        Self { kind: 4, name: id.to_string(), broker: Some(id) }
    }

    /// The default of all brokers.
    pub(crate) fn broker_default() -> Self {
        Self { kind: 4, name: String::new(), broker: None }
    }

    pub(crate) fn group(name: &str) -> Self {
        Self { kind: 32, name: name.to_owned(), broker: None }
    }
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.kind, self.name.as_str()) {
            (2, name) => write!(f, "topic '{name}'"),
            (4, "") => f.write_str("the default of all brokers"),
            (4, id) => write!(f, "broker {id}"),
            (_, name) => write!(f, "group '{name}'"),
        }
    }
}

/// The known key nearest to the first of these that nobody knows.
pub(crate) fn nearest_key<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let keys = || config::server_keys().chain(config::topic_keys()).chain(config::group_keys());
    let unknown = names.into_iter().find(|name| keys().all(|key| key.name != *name));
    config::nearest(unknown?, keys())
}

impl Change {
    /// The key that it changes.
    pub(crate) fn key(&self) -> &str {
        let (Self::Set(key, _) | Self::Unset(key)) = self;
        key
    }
}

impl Client {
    /// Every key of a resource, with its value and where that comes from.
    pub(crate) async fn describe_configs(
        &mut self,
        resource: &Resource,
    ) -> Result<Vec<DescribeConfigsResourceResult>> {
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type: resource.kind,
                resource_name: resource.name.as_str().into(),
                configuration_keys: None,
            }],
            ..Default::default()
        };
        let response = match resource.broker {
            Some(id) => self.call_broker(id, &request).await?,
            None => self.call(&request).await?,
        };
        let result = response.results.into_iter().next().context("the answer is empty")?;
        let what = format!("read the configuration of {resource}");
        check(what, result.error_code, result.error_message.as_deref())?;
        Ok(result.configs)
    }

    /// Changes single keys; all of them or none.
    pub(crate) async fn alter_configs(
        &mut self,
        resource: &Resource,
        changes: &[Change],
    ) -> Result<()> {
        let configs = changes.iter().map(|change| match change {
            Change::Set(name, value) => AlterableConfig {
                name: name.as_str().into(),
                config_operation: 0,
                value: Some(value.as_str().into()),
            },
            Change::Unset(name) => {
                AlterableConfig { name: name.as_str().into(), config_operation: 1, value: None }
            }
        });
        let request = IncrementalAlterConfigsRequest {
            resources: vec![AlterConfigsResource {
                resource_type: resource.kind,
                resource_name: resource.name.as_str().into(),
                configs: configs.collect(),
            }],
            validate_only: false,
        };
        let response = match resource.broker {
            Some(id) => self.call_broker(id, &request).await?,
            None => self.call_controller(&request).await?,
        };
        let result = response.responses.first().context("the answer is empty")?;
        let what = format!("change the configuration of {resource}");
        let outcome = check(what, result.error_code, result.error_message.as_deref());
        let meant = nearest_key(changes.iter().map(Change::key));
        outcome.or_else(|error| match meant {
            Some(key) => bail!("{error:#}; did you mean {key}?"),
            None => Err(error),
        })
    }
}
