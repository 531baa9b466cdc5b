//! What a configuration belongs to, as requests name it: a type and a name.

use kafka::Str;
use metadata::control::check_topic_name;
use metadata::{BrokerId, ConfigResource};

use super::control_error::Refusal;

/// A resource type as it goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResourceType {
    Topic,
    Broker,
    BrokerLogger,
    ClientMetrics,
    Group,
}

impl ResourceType {
    pub(super) const ALL: [Self; 5] =
        [Self::Topic, Self::Broker, Self::BrokerLogger, Self::ClientMetrics, Self::Group];

    pub(super) fn wire(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::BrokerLogger => 8,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    pub(super) fn parse(wire: i8) -> Result<Self, Refusal> {
        let known = Self::ALL.into_iter().find(|it| it.wire() == wire);
        let unknown = || Refusal::invalid_request(format!("Unknown resource type {wire}"));
        known.ok_or_else(unknown)
    }
}

/// The resource itself. A broker answers and changes its own configuration and that of all brokers:
/// clients send requests to the broker that they are about.
pub(super) fn resource(kind: i8, name: &Str, me: BrokerId) -> Result<ConfigResource, Refusal> {
    let named = |what: &str| match name.is_empty() {
        true => Err(Refusal::invalid_request(format!("{what} must not be empty"))),
        false => Ok(()),
    };
    match ResourceType::parse(kind)? {
        ResourceType::Topic => {
            check_topic_name(name).map_err(Refusal::from)?;
            Ok(ConfigResource::Topic((&**name).into()))
        }
        ResourceType::Broker if name.is_empty() => Ok(ConfigResource::BrokerDefault),
        ResourceType::Broker => match name.parse::<BrokerId>() {
            Ok(id) if id == me => Ok(ConfigResource::Broker(id)),
            Ok(_) => Err(Refusal::invalid_request(format!(
                "Unexpected broker id, expected {me} or empty string, but received {name}"
            ))),
            Err(_) => Err(Refusal::invalid_request(format!(
                "Node id must be an integer, but it is: {name}"
            ))),
        },
        ResourceType::BrokerLogger => Err(Refusal::invalid_request(
            "Log levels cannot be read or changed while a broker runs: start it with RUST_LOG, for \
             example RUST_LOG=info,janus_broker=debug",
        )),
        ResourceType::ClientMetrics => {
            named("Client metrics subscription name")?;
            Ok(ConfigResource::ClientMetrics((&**name).into()))
        }
        ResourceType::Group => {
            named("Group name")?;
            Ok(ConfigResource::Group((&**name).into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka::ErrorCode;

    use super::*;

    #[test]
    fn a_broker_speaks_for_itself_and_for_the_default() {
        let parse = |kind, name: &'static str| resource(kind, &Str::from_static(name), 7);
        assert_eq!(parse(4, ""), Ok(ConfigResource::BrokerDefault));
        assert_eq!(parse(4, "7"), Ok(ConfigResource::Broker(7)));
        assert_eq!(parse(2, "a"), Ok(ConfigResource::Topic("a".into())));
        for (kind, name, why) in [
            (4, "8", "Unexpected broker id, expected 7 or empty string, but received 8"),
            (4, "x", "Node id must be an integer, but it is: x"),
            (16, "", "Client metrics subscription name must not be empty"),
            (32, "", "Group name must not be empty"),
            (3, "a", "Unknown resource type 3"),
        ] {
            let refusal = parse(kind, name).unwrap_err();
            assert_eq!((refusal.code, &*refusal.message), (ErrorCode::InvalidRequest, why));
        }
        assert_eq!(parse(2, "").unwrap_err().code, ErrorCode::InvalidTopicException);
        assert!(parse(8, "7").unwrap_err().message.contains("RUST_LOG"));
    }
}
