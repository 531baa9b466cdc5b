//! What a controller's ZooKeeper store is told when it opens.

use std::collections::BTreeMap;
use std::time::Duration;

use metadata::ControllerId;

/// Everything that [`crate::ZooKeeperStore::open`] needs to know.
#[derive(Clone, Debug)]
pub struct ZooKeeperConfig {
    /// `zookeeper.connect`: host:port,... and an optional chroot behind the last one.
    pub connect: String,
    /// `zookeeper.session.timeout.ms`, as asked for. The ensemble may grant another one.
    pub session_timeout_ms: u32,
    pub controller_id: ControllerId,
    /// host:port of this controller's gRPC services. It must listen before the store opens: whoever
    /// finds it refusing connections takes this process for dead.
    pub endpoint: String,
    pub cluster_id: String,
    /// First half of the epochs of this store: rises with every mode switch.
    pub generation: u32,
    /// Elect as soon as the active controller's process is seen to be dead (its connection broke and
    /// its port refuses), instead of waiting for its session to expire.
    pub fast_failover: bool,
    /// Where to reach other controllers instead of where they say, for a proxy between named pairs.
    pub address_map: BTreeMap<ControllerId, String>,
    /// Where to reach servers of the ensemble instead of where `connect` says, likewise.
    pub server_address_map: BTreeMap<String, String>,
}

/// Why a store does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Change the configuration.
    #[error("{0}")]
    Config(String),
    /// Another cluster lives there. Choose another chroot, or another ensemble.
    #[error(
        "ZooKeeper {connect} belongs to cluster {found}, this controller was formatted for \
         {expected}; give each cluster its own chroot in zookeeper.connect"
    )]
    Foreign { connect: String, found: String, expected: String },
    /// What is stored there cannot be read, because a newer program wrote it or it is damaged.
    #[error("ZooKeeper {connect}: {reason}")]
    Unreadable { connect: String, reason: String },
}

/// Shortest session that is worth asking for: two ticks of the shortest useful tick.
const SESSION_TIMEOUT_MS_MIN: u32 = 100;

/// Where to find an ensemble, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ensemble {
    /// host:port,...
    pub(crate) servers: String,
    /// Starts with a slash; empty where there is none.
    pub(crate) chroot: String,
    pub(crate) session_timeout: Duration,
}

impl Ensemble {
    /// `addresses`: where to reach servers instead of where `connect` says.
    pub(crate) fn new(
        connect: &str,
        addresses: &BTreeMap<String, String>,
        session_timeout_ms: u32,
    ) -> Result<Self, OpenError> {
        let bad = |what: &str| {
            let text = format!(
                "zookeeper.connect: '{connect}' {what}; write HOST:PORT,HOST:PORT/CHROOT, \
                 such as zk1:2181,zk2:2181,zk3:2181/janus"
            );
            OpenError::Config(text)
        };
        let (servers, chroot) = connect.split_at(connect.find('/').unwrap_or(connect.len()));
        for server in servers.split(',') {
            let (host, port) = server.rsplit_once(':').ok_or_else(|| bad("lacks a port"))?;
            if host.is_empty() || port.parse::<u16>().ok().is_none_or(|port| port == 0) {
                return Err(bad("names a server without a host or a usable port"));
            }
        }
        let chroot = if chroot == "/" { "" } else { chroot };
        let usable = |name: &str| !name.is_empty() && name != "." && name != "..";
        let hidden = chroot.chars().any(char::is_control);
        if hidden || !chroot.split('/').skip(1).all(usable) {
            return Err(bad("has an unusable chroot"));
        }
        if session_timeout_ms < SESSION_TIMEOUT_MS_MIN || session_timeout_ms > i32::MAX as u32 {
            return Err(OpenError::Config(format!(
                "zookeeper.session.timeout.ms: {session_timeout_ms} ms is not between \
                 {SESSION_TIMEOUT_MS_MIN} ms and {} ms; Kafka's default is 18000",
                i32::MAX
            )));
        }
        Ok(Self {
            servers: reached(servers, addresses),
            chroot: chroot.into(),
            session_timeout: Duration::from_millis(session_timeout_ms.into()),
        })
    }
}

fn reached(servers: &str, addresses: &BTreeMap<String, String>) -> String {
    let address = |server| addresses.get(server).map_or(server, String::as_str);
    servers.split(',').map(address).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_string_is_servers_and_a_chroot() {
        for (connect, servers, chroot) in [
            ("a:1", "a:1", ""),
            ("a:1,b:2/", "a:1,b:2", ""),
            ("a:1,b:2/kafka", "a:1,b:2", "/kafka"),
            ("[::1]:2181/x/y", "[::1]:2181", "/x/y"),
        ] {
            let ensemble = Ensemble::new(connect, &BTreeMap::new(), 18_000).unwrap();
            assert_eq!((&*ensemble.servers, &*ensemble.chroot), (servers, chroot));
        }
        for bad in ["", "a", "a:", ":1", "a:0", "a:1,", "a:1//", "a:1/x/", "a:1/..", "a:1/x\n"] {
            let error = Ensemble::new(bad, &BTreeMap::new(), 18_000).unwrap_err().to_string();
            assert!(error.contains("zookeeper.connect") && error.contains("zk1:2181"), "{error}");
        }
    }

    #[test]
    fn a_server_is_reached_where_the_map_says() {
        let map = [("b:2".to_owned(), "proxy:3".to_owned())].into();
        let ensemble = Ensemble::new("a:1,b:2/janus", &map, 18_000).unwrap();
        assert_eq!((&*ensemble.servers, &*ensemble.chroot), ("a:1,proxy:3", "/janus"));
    }

    #[test]
    fn a_senseless_session_is_refused() {
        assert!(Ensemble::new("a:1", &BTreeMap::new(), 18_000).is_ok());
        for bad in [0, 99, u32::MAX] {
            let refused = Ensemble::new("a:1", &BTreeMap::new(), bad);
            assert!(matches!(refused, Err(OpenError::Config(_))));
        }
    }
}
