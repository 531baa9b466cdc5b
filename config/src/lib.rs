//! Configuration: Kafka's keys, where their values come from, and what they mean.
//!
//! ```text
//!  --override  >  environment  >  server.properties  >  default of the key      (Settings)
//!  topic override  >  dynamic of the broker  >  of all brokers  >  Settings     (TopicSettings)
//! ```
//!
//! One table ([`Key`]) says what a key is called, may be and is for. It feeds the loader, the
//! checks of dynamic changes, DescribeConfigs, `janus config explain` and the documentation. All is
//! validated while it is loaded; the getters cannot fail afterwards. `directory` holds the other
//! thing that stands on disk before a server starts: who a log directory belongs to.
//!
//! Read `key`, `keys`, `settings`, `loader`, `server`, `topic`, `dynamic`, in this order.

mod describe;
pub mod directory;
mod documentation;
mod dynamic;
mod error;
mod key;
mod keys;
mod listeners;
mod loader;
mod properties;
mod server;
mod settings;
mod suggestion;
mod topic;

pub use describe::{Described, Synonym};
pub use documentation::documentation;
pub use dynamic::{
    validate_broker_config, validate_client_metrics_config, validate_group_config,
    validate_topic_config, validate_topic_configs, validate_topic_together,
};
pub use error::{ConfigError, ConfigErrors, Place};
pub use key::{
    Check, Key, Scope, Type, Update, Usage, client_metrics_keys, group_keys, nearest, server_key,
    server_keys, topic_key, topic_keys,
};
pub use listeners::{Listener, Listeners, SecurityProtocol, host_name, parse_host_port};
pub use loader::environment;
pub use server::{Role, Server};
pub use settings::{Settings, Source};
pub use topic::{CompressionType, TimestampType, TopicSettings};
