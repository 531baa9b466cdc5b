//! Where a server listens, what it tells others about that, and which listener is whose.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::key::elements;
use crate::{ConfigError, ConfigErrors, Settings};

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
    /// address that names no host advertises. All that is wrong comes back at once.
    pub fn of_broker(settings: &Settings, host_name: &str) -> Result<Self, ConfigErrors> {
        let controllers = controller_names(settings);
        let mut reader = Reader { settings, errors: Vec::new() };
        let all = reader.listeners(host_name, &controllers);
        let listeners: Vec<Listener> =
            all.into_iter().filter(|it| !controllers.contains(&it.name)).collect();
        if listeners.is_empty() && reader.errors.is_empty() {
            reader.fail(
                "listeners",
                "listeners: none is left for clients besides those of controllers",
                "start a controller's file with janus-controller, or add a listener such as \
                 PLAINTEXT://:9092",
            );
        }
        let inter_broker = reader.inter_broker(&listeners);
        ConfigErrors::or(reader.errors, Self { listeners, inter_broker })
    }

    /// The one listener of a controller, which `controller.listener.names` names.
    pub fn of_controller(settings: &Settings, host_name: &str) -> Result<Self, ConfigErrors> {
        let controllers = controller_names(settings);
        let mut reader = Reader { settings, errors: Vec::new() };
        let all = reader.listeners(host_name, &controllers);
        let listeners: Vec<Listener> =
            all.into_iter().filter(|it| controllers.contains(&it.name)).collect();
        let names: Vec<&str> = listeners.iter().map(|it| it.name.as_str()).collect();
        match names.len() {
            1 => {}
            0 if !reader.errors.is_empty() => {}
            0 => reader.fail(
                "listeners",
                format!("listeners: no listener is called {}", controllers.join(" or ")),
                "start a broker's file with janus-broker, or add a listener such as \
                 CONTROLLER://:9093, or name one in controller.listener.names",
            ),
            several => reader.fail(
                "listeners",
                format!("listeners: a controller has one listener, not {several}"),
                format!("keep one of {}", names.join(", ")),
            ),
        }
        ConfigErrors::or(reader.errors, Self { listeners, inter_broker: String::new() })
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

fn controller_names(settings: &Settings) -> Vec<String> {
    settings.list("controller.listener.names").iter().map(|it| it.to_uppercase()).collect()
}

/// Reads the keys of listeners and gathers what is wrong with them.
struct Reader<'a> {
    settings: &'a Settings,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn fail(&mut self, key: &str, reason: impl Into<String>, suggestion: impl Into<String>) {
        self.errors.push(self.settings.error(key, reason, suggestion));
    }

    fn listeners(&mut self, host_name: &str, controllers: &[String]) -> Vec<Listener> {
        let protocols = self.protocols();
        let endpoints = self.endpoints("listeners");
        self.check_ports(&endpoints);
        let advertised = self.endpoints("advertised.listeners");
        for it in &advertised {
            if !endpoints.iter().any(|endpoint| endpoint.name == it.name) {
                let reason = format!(
                    "advertised.listeners: listener {} is advertised but is not one of 'listeners'",
                    it.name
                );
                self.fail("advertised.listeners", reason, "add it to listeners, or remove it here");
            }
        }
        let mut listeners = Vec::new();
        for it in endpoints {
            let is_controller = controllers.contains(&it.name);
            let security_protocol = self.security_protocol(&it.name, &protocols, is_controller);
            let told = advertised.iter().find(|told| told.name == it.name).unwrap_or(&it);
            let advertised_host =
                if told.host.is_empty() { host_name.to_string() } else { told.host.clone() };
            let wildcard = advertised_host.parse::<IpAddr>().is_ok_and(|it| it.is_unspecified());
            if wildcard && !is_controller {
                let key = match self.settings.is_set("advertised.listeners") {
                    true => "advertised.listeners",
                    false => "listeners",
                };
                let reason = format!(
                    "{key}: {advertised_host} of listener {} can be reached by nobody",
                    it.name
                );
                let suggestion = "set advertised.listeners to an address that clients can reach, \
                                  such as PLAINTEXT://broker-1.example:9092";
                self.fail(key, reason, suggestion);
            }
            listeners.push(Listener {
                advertised_host,
                advertised_port: told.port,
                name: it.name,
                host: it.host,
                port: it.port,
                security_protocol,
            });
        }
        listeners
    }

    fn security_protocol(
        &mut self,
        name: &str,
        protocols: &BTreeMap<String, SecurityProtocol>,
        is_controller: bool,
    ) -> SecurityProtocol {
        let key = "listener.security.protocol.map";
        match protocols.get(name) {
            Some(SecurityProtocol::Plaintext) => {}
            Some(protocol) => {
                let reason = format!(
                    "listeners: listener {name} asks for {protocol}, which Janus cannot do yet"
                );
                self.fail("listeners", reason, "use PLAINTEXT");
            }
            // As in Kafka, while nobody has written a map.
            None if is_controller && !self.settings.is_set(key) => {}
            None => {
                let at = if self.settings.is_set(key) { key } else { "listeners" };
                let reason = format!("{key}: no security protocol is defined for listener {name}");
                self.fail(at, reason, format!("add {name}:PLAINTEXT to it"));
            }
        }
        SecurityProtocol::Plaintext
    }

    fn protocols(&mut self) -> BTreeMap<String, SecurityProtocol> {
        let key = "listener.security.protocol.map";
        let mut protocols = BTreeMap::new();
        for entry in elements(self.settings.str(key)) {
            let pair = entry.split_once(':').map(|(name, it)| (name.trim(), it.trim()));
            let Some((name, protocol)) = pair.filter(|(name, _)| !name.is_empty()) else {
                let reason = format!("{key}: '{entry}' is not NAME:PROTOCOL");
                self.fail(key, reason, "write, for example, INTERNAL:PLAINTEXT");
                protocols.insert(entry.to_uppercase(), SecurityProtocol::Plaintext);
                continue;
            };
            let parsed = SecurityProtocol::parse(protocol);
            if parsed.is_none() {
                let reason = format!("{key}: there is no security protocol '{protocol}'");
                self.fail(key, reason, "use PLAINTEXT, the only one that Janus can do yet");
            }
            // What is wrong with a name was said once.
            let protocol = parsed.unwrap_or(SecurityProtocol::Plaintext);
            if protocols.insert(name.to_uppercase(), protocol).is_some() {
                let reason = format!("{key}: listener {name} has two security protocols");
                self.fail(key, reason, "keep one of them");
            }
        }
        protocols
    }

    fn endpoints(&mut self, key: &'static str) -> Vec<Endpoint> {
        let parse = |text: &str| {
            let (name, address) = text.split_once("://")?;
            let (host, port) = parse_host_port(address)?;
            let named = !name.is_empty();
            named.then(|| Endpoint { name: name.to_uppercase(), host: host.to_string(), port })
        };
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for text in self.settings.list(key) {
            let Some(endpoint) = parse(text) else {
                let reason = format!("{key}: '{text}' is not NAME://host:port");
                let suggestion =
                    "write, for example, PLAINTEXT://localhost:9092; ports go up to 65535";
                self.fail(key, reason, suggestion);
                continue;
            };
            if endpoints.iter().any(|it| it.name == endpoint.name) {
                let reason = format!("{key}: two listeners are called {}", endpoint.name);
                self.fail(key, reason, "give each listener a name of its own");
                continue;
            }
            endpoints.push(endpoint);
        }
        endpoints
    }

    /// Each listener has a port of its own, except that IPv4 and IPv6 may share one.
    fn check_ports(&mut self, endpoints: &[Endpoint]) {
        let watched: Vec<(String, u16)> = self
            .settings
            .list("janus.metrics.listener")
            .into_iter()
            .filter_map(|text| parse_host_port(text).map(|(host, port)| (host.to_string(), port)))
            .collect();
        for (index, endpoint) in endpoints.iter().enumerate() {
            let before = endpoints[..index].iter();
            let clash = before.clone().find(|it| share(&it.host, it.port, endpoint));
            if let Some(other) = clash {
                let (a, b, port) = (&other.name, &endpoint.name, other.port);
                let reason = format!("listeners: listeners {a} and {b} share port {port}");
                self.fail("listeners", reason, "give each listener a port of its own");
            }
            if watched.iter().any(|(host, port)| share(host, *port, endpoint)) {
                let key = "janus.metrics.listener";
                let (name, port) = (&endpoint.name, endpoint.port);
                let reason = format!("{key}: port {port} is that of listener {name}");
                self.fail(key, reason, "give it a port of its own");
            }
        }
    }

    fn inter_broker(&mut self, listeners: &[Listener]) -> String {
        let key = "inter.broker.listener.name";
        let names: Vec<&str> = listeners.iter().map(|it| it.name.as_str()).collect();
        let options = format!("choose one of {}", names.join(", "));
        if let Some(name) = self.settings.string(key).filter(|it| !it.is_empty()) {
            if self.settings.is_set("security.inter.broker.protocol") {
                let reason = format!("{key}: security.inter.broker.protocol is set as well");
                self.fail(key, reason, "set only one of the two");
            }
            let found = listeners.iter().find(|it| it.name.eq_ignore_ascii_case(name));
            if found.is_none() && self.errors.is_empty() {
                self.fail(key, format!("{key}: there is no listener {name}"), options);
            }
            return found.map(|it| it.name.clone()).unwrap_or_default();
        }
        let protocol = self.settings.str("security.inter.broker.protocol");
        // Kafka's default is the listener that is called like the protocol. A broker with one
        // listener leaves no choice anyway.
        let named = listeners.iter().find(|it| it.name.eq_ignore_ascii_case(protocol));
        match (named, listeners) {
            (Some(it), _) => it.name.clone(),
            (None, [only]) => only.name.clone(),
            (None, _) => {
                if self.errors.is_empty() {
                    let reason =
                        format!("{key}: it is not set, and no listener is called {protocol}");
                    self.fail("listeners", reason, format!("set {key}: {options}"));
                }
                String::new()
            }
        }
    }
}

/// Whether two addresses cannot both be listened on.
fn share(host: &str, port: u16, with: &Endpoint) -> bool {
    let family = |host: &str| host.parse::<IpAddr>().ok().map(|address| address.is_ipv4());
    let both_families = matches!((family(host), family(&with.host)), (Some(a), Some(b)) if a != b);
    port == with.port && port != 0 && !both_families
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
