//! Where a server listens, what it tells others about that, and which listener is whose.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::key::elements;
use crate::{ConfigError, Settings};

/// How a listener is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityProtocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// One listener of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// In capitals, as Kafka compares it.
    pub name: String,
    /// Where to bind. Empty: on every interface.
    pub host: String,
    /// 0: the system chooses one.
    pub port: u16,
    /// What others are told. Never empty and never a wildcard address.
    pub advertised_host: String,
    /// 0: the port that was bound.
    pub advertised_port: u16,
    pub security_protocol: SecurityProtocol,
}

/// The listeners of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listeners {
    /// In the order of the key `listeners`, never empty.
    pub listeners: Vec<Listener>,
    /// The one of them on which brokers talk to each other; empty for a controller.
    pub inter_broker: String,
}

impl Listeners {
    /// The listeners of a broker: all that are not listeners of controllers. `host_name` is what an
    /// address that names no host advertises.
    pub fn of_broker(settings: &Settings, host_name: &str) -> Result<Self, ConfigError> {
        let controllers = controller_names(settings);
        let all = parse(settings, host_name, &controllers)?;
        let listeners: Vec<Listener> =
            all.into_iter().filter(|it| !controllers.contains(&it.name)).collect();
        if listeners.is_empty() {
            return Err(error(
                "listeners",
                "no listener is left for clients besides those of controllers".into(),
                "add one, such as PLAINTEXT://:9092",
            ));
        }
        let inter_broker = inter_broker(settings, &listeners)?;
        Ok(Self { listeners, inter_broker })
    }

    /// The listeners of a controller: those that `controller.listener.names` names.
    pub fn of_controller(settings: &Settings, host_name: &str) -> Result<Self, ConfigError> {
        let controllers = controller_names(settings);
        let all = parse(settings, host_name, &controllers)?;
        let listeners: Vec<Listener> =
            all.into_iter().filter(|it| controllers.contains(&it.name)).collect();
        if listeners.is_empty() {
            return Err(error(
                "listeners",
                format!("no listener is called {}", controllers.join(" or ")),
                "add one, such as CONTROLLER://:9093, or name one in controller.listener.names",
            ));
        }
        Ok(Self { listeners, inter_broker: String::new() })
    }

    /// The listener called `name`, in any case.
    pub fn named(&self, name: &str) -> Option<&Listener> {
        self.listeners.iter().find(|it| it.name.eq_ignore_ascii_case(name))
    }
}

impl Listener {
    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// `host:port` to bind; every interface where no host is named.
    pub fn bind_address(&self) -> String {
        let host = if self.host.is_empty() { "0.0.0.0" } else { &self.host };
        if host.contains(':') {
            format!("[{host}]:{}", self.port)
        } else {
            format!("{host}:{}", self.port)
        }
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SecurityProtocol::Plaintext => "PLAINTEXT",
            SecurityProtocol::Ssl => "SSL",
            SecurityProtocol::SaslPlaintext => "SASL_PLAINTEXT",
            SecurityProtocol::SaslSsl => "SASL_SSL",
        })
    }
}

impl SecurityProtocol {
    fn parse(name: &str) -> Option<Self> {
        use SecurityProtocol::{Plaintext, SaslPlaintext, SaslSsl, Ssl};
        let all = [Plaintext, Ssl, SaslPlaintext, SaslSsl];
        all.into_iter().find(|it| it.to_string().eq_ignore_ascii_case(name))
    }
}

/// The name of this machine, as others may know it.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_string())
        .ok()
        .filter(|name| !name.is_empty() && name != "(none)")
        .unwrap_or_else(|| "localhost".into())
}

/// Parts `host:port`. An IPv6 address stands in brackets, which are taken off.
pub fn parse_host_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = text.rsplit_once(':')?;
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let host = match inner {
        Some(address) => address,
        None if host.contains(':') => return None,
        None => host,
    };
    let allowed = |it: char| it.is_ascii_alphanumeric() || "-._%:".contains(it);
    let port = port.parse().ok()?;
    host.chars().all(allowed).then_some((host, port))
}

struct Endpoint {
    name: String,
    host: String,
    port: u16,
}

fn parse(
    settings: &Settings,
    host_name: &str,
    controllers: &[String],
) -> Result<Vec<Listener>, ConfigError> {
    let protocols = protocols(settings)?;
    let endpoints = endpoints(settings, "listeners")?;
    check_distinct(&endpoints)?;
    let advertised = endpoints_advertised(settings, &endpoints)?;
    endpoints
        .into_iter()
        .map(|it| {
            let is_controller = controllers.contains(&it.name);
            let security_protocol = match protocols.get(&it.name) {
                Some(protocol) => *protocol,
                // As in Kafka, while nobody has written a map.
                None if is_controller && !settings.is_set("listener.security.protocol.map") => {
                    SecurityProtocol::Plaintext
                }
                None => {
                    return Err(error(
                        "listener.security.protocol.map",
                        format!("no security protocol is defined for listener {}", it.name),
                        &format!("add {}:PLAINTEXT", it.name),
                    ));
                }
            };
            if security_protocol != SecurityProtocol::Plaintext {
                return Err(error(
                    "listeners",
                    format!(
                        "listener {} asks for {security_protocol}, which Janus cannot do yet",
                        it.name
                    ),
                    "use PLAINTEXT",
                ));
            }
            let (advertised_host, advertised_port) = match advertised.get(&it.name) {
                Some((host, port)) => (host.clone(), *port),
                None => (it.host.clone(), it.port),
            };
            let advertised_host =
                if advertised_host.is_empty() { host_name.to_string() } else { advertised_host };
            let wildcard = advertised_host.parse::<IpAddr>().is_ok_and(|it| it.is_unspecified());
            if wildcard && !is_controller {
                return Err(error(
                    "advertised.listeners",
                    format!("{advertised_host} of listener {} can be reached by nobody", it.name),
                    "set advertised.listeners to an address that clients can reach",
                ));
            }
            Ok(Listener {
                name: it.name,
                host: it.host,
                port: it.port,
                advertised_host,
                advertised_port,
                security_protocol,
            })
        })
        .collect()
}

fn controller_names(settings: &Settings) -> Vec<String> {
    settings.list("controller.listener.names").iter().map(|it| it.to_uppercase()).collect()
}

fn protocols(settings: &Settings) -> Result<BTreeMap<String, SecurityProtocol>, ConfigError> {
    let key = "listener.security.protocol.map";
    let mut protocols = BTreeMap::new();
    for entry in elements(settings.str(key)) {
        let pair = entry.split_once(':').map(|(name, it)| (name.trim(), it.trim()));
        let Some((name, protocol)) = pair.filter(|(name, _)| !name.is_empty()) else {
            let reason = format!("'{entry}' is not NAME:PROTOCOL");
            return Err(error(key, reason, "write, for example, INTERNAL:PLAINTEXT"));
        };
        let Some(protocol) = SecurityProtocol::parse(protocol) else {
            let reason = format!("there is no security protocol '{protocol}'");
            return Err(error(key, reason, "use PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"));
        };
        if protocols.insert(name.to_uppercase(), protocol).is_some() {
            let reason = format!("listener {name} has two security protocols");
            return Err(error(key, reason, "keep one of them"));
        }
    }
    Ok(protocols)
}

fn endpoints(settings: &Settings, key: &'static str) -> Result<Vec<Endpoint>, ConfigError> {
    let parse = |text: &str| {
        let (name, address) = text.split_once("://")?;
        let (host, port) = parse_host_port(address)?;
        let named = !name.is_empty();
        named.then(|| Endpoint { name: name.to_uppercase(), host: host.to_string(), port })
    };
    let endpoints: Vec<Endpoint> = settings
        .list(key)
        .into_iter()
        .map(|text| {
            parse(text).ok_or_else(|| {
                let reason = format!("'{text}' is not NAME://host:port");
                error(key, reason, "write, for example, PLAINTEXT://localhost:9092")
            })
        })
        .collect::<Result<_, _>>()?;
    for (index, endpoint) in endpoints.iter().enumerate() {
        if endpoints[..index].iter().any(|it| it.name == endpoint.name) {
            let reason = format!("two listeners are called {}", endpoint.name);
            return Err(error(key, reason, "give each listener a name of its own"));
        }
    }
    Ok(endpoints)
}

/// Each listener has a port of its own, except that IPv4 and IPv6 may share one.
fn check_distinct(endpoints: &[Endpoint]) -> Result<(), ConfigError> {
    let family = |it: &Endpoint| it.host.parse::<IpAddr>().ok().map(|address| address.is_ipv4());
    for (index, endpoint) in endpoints.iter().enumerate() {
        let clash = endpoints[..index].iter().find(|it| it.port == endpoint.port && it.port != 0);
        let Some(other) = clash else { continue };
        let both_families =
            matches!((family(endpoint), family(other)), (Some(a), Some(b)) if a != b);
        if !both_families {
            let reason =
                format!("listeners {} and {} share port {}", other.name, endpoint.name, other.port);
            return Err(error("listeners", reason, "give each listener a port of its own"));
        }
    }
    Ok(())
}

fn endpoints_advertised(
    settings: &Settings,
    endpoints: &[Endpoint],
) -> Result<BTreeMap<String, (String, u16)>, ConfigError> {
    let advertised = endpoints_of(settings)?;
    for name in advertised.keys() {
        if !endpoints.iter().any(|it| it.name == *name) {
            let reason = format!("listener {name} is advertised but is not one of 'listeners'");
            return Err(error("advertised.listeners", reason, "add it to listeners"));
        }
    }
    Ok(advertised)
}

fn endpoints_of(settings: &Settings) -> Result<BTreeMap<String, (String, u16)>, ConfigError> {
    let all = endpoints(settings, "advertised.listeners")?;
    Ok(all.into_iter().map(|it| (it.name, (it.host, it.port))).collect())
}

fn inter_broker(settings: &Settings, listeners: &[Listener]) -> Result<String, ConfigError> {
    let options = || {
        let names: Vec<&str> = listeners.iter().map(|it| it.name.as_str()).collect();
        format!("choose one of {}", names.join(", "))
    };
    let key = "inter.broker.listener.name";
    if let Some(name) = settings.string(key).filter(|it| !it.is_empty()) {
        if settings.is_set("security.inter.broker.protocol") {
            let reason = "security.inter.broker.protocol is set as well".to_string();
            return Err(error(key, reason, "set only one of the two"));
        }
        let found = listeners.iter().find(|it| it.name.eq_ignore_ascii_case(name));
        return match found {
            Some(it) => Ok(it.name.clone()),
            None => Err(error(key, format!("there is no listener {name}"), &options())),
        };
    }
    let protocol = settings.str("security.inter.broker.protocol");
    // Kafka's default is the listener that is called like the protocol. A broker with one listener
    // leaves no choice anyway.
    let named = listeners.iter().find(|it| it.name.eq_ignore_ascii_case(protocol));
    match (named, listeners) {
        (Some(it), _) => Ok(it.name.clone()),
        (None, [only]) => Ok(only.name.clone()),
        (None, _) => {
            let reason = format!("it is not set, and no listener is called {protocol}");
            Err(error(key, reason, &options()))
        }
    }
}

fn error(key: &str, reason: String, suggestion: &str) -> ConfigError {
    ConfigError {
        place: key.to_string(),
        key: Some(key.to_string()),
        reason,
        suggestion: Some(suggestion.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(text: &str) -> Result<Listeners, String> {
        let settings = Settings::from_text(&format!("node.id=1\n{text}"), "test", &[]).unwrap();
        Listeners::of_broker(&settings, "machine").map_err(|it| it.to_string())
    }

    #[test]
    fn a_broker_without_listeners_listens_on_9092_and_advertises_its_machine() {
        let listeners = broker("").unwrap();
        let listener = &listeners.listeners[0];
        assert_eq!((listener.host.as_str(), listener.port), ("", 9092));
        assert_eq!(
            (listener.advertised_host.as_str(), listener.advertised_port),
            ("machine", 9092)
        );
        assert_eq!(listeners.inter_broker, "PLAINTEXT");
        assert!(!listener.is_loopback());
    }

    #[test]
    fn several_listeners_have_names_of_their_own() {
        let listeners = broker(
            "listeners=INTERNAL://127.0.0.1:19092,External://[::]:9092,CONTROLLER://:9093\n\
             advertised.listeners=INTERNAL://a:1,EXTERNAL://b:2\n\
             listener.security.protocol.map=INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,\
             CONTROLLER:PLAINTEXT\n\
             inter.broker.listener.name=INTERNAL",
        )
        .unwrap();
        assert_eq!(listeners.listeners.len(), 2);
        assert_eq!(listeners.inter_broker, "INTERNAL");
        let external = listeners.named("external").unwrap();
        assert_eq!(external.bind_address(), "[::]:9092");
        assert_eq!((external.advertised_host.as_str(), external.advertised_port), ("b", 2));
        assert!(listeners.named("INTERNAL").unwrap().is_loopback());
    }

    #[test]
    fn a_controller_has_the_listeners_of_controllers() {
        let text = "node.id=1\nlisteners=CONTROLLER://0.0.0.0:9093";
        let settings = Settings::from_text(text, "test", &[]).unwrap();
        let listeners = Listeners::of_controller(&settings, "machine").unwrap();
        assert_eq!(listeners.listeners[0].bind_address(), "0.0.0.0:9093");
        assert!(Listeners::of_broker(&settings, "machine").is_err());
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_reason() {
        let map = "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT\n";
        for (text, expected) in [
            ("listeners=9092", "'9092' is not NAME://host:port"),
            ("listeners=PLAINTEXT://h:99999", "is not NAME://host:port"),
            ("listeners=A://h:1,B://h:2", "no security protocol is defined for listener A"),
            ("listeners=PLAINTEXT://h:1,PLAINTEXT://h:2", "two listeners are called PLAINTEXT"),
            (&format!("{map}listeners=A://h:1,B://h:1"), "listeners A and B share port 1"),
            (&format!("{map}listeners=A://h:1,B://h:2"), "no listener is called PLAINTEXT"),
            (
                "listeners=PLAINTEXT://0.0.0.0:1",
                "0.0.0.0 of listener PLAINTEXT can be reached by nobody",
            ),
            ("advertised.listeners=SSL://h:1", "listener SSL is advertised but is not one of"),
            ("listeners=SSL://h:1", "listener SSL asks for SSL, which Janus cannot do yet"),
            ("listener.security.protocol.map=A", "'A' is not NAME:PROTOCOL"),
            ("listener.security.protocol.map=A:TLS", "there is no security protocol 'TLS'"),
            ("inter.broker.listener.name=X", "there is no listener X; choose one of PLAINTEXT"),
        ] {
            let error = broker(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(
            broker(&format!(
                "{map}listeners=A://1.2.3.4:1,B://[::1]:1\ninter.broker.listener.name=A"
            ))
            .is_ok()
        );
    }
}
