//! Which nodes a cluster of Kafka has, their ports, and the files that each of them reads.

use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Model;
use crate::cluster::Role;

/// What every node reads.
pub(super) const FILE: &str = "server.properties";

/// How nodes log, as the scripts ship it but to the standard output alone. Kafka 4 reads the first,
/// Kafka 3 the second: `(system property, (file, content))`.
pub(super) const LOGGING: [(&str, (&str, &str)); 2] = [
    (
        "log4j2.configurationFile",
        (
            "log4j2.properties",
            "rootLogger.level=INFO\n\
             rootLogger.appenderRef.out.ref=out\n\
             appender.out.type=Console\n\
             appender.out.name=out\n\
             appender.out.layout.type=PatternLayout\n\
             appender.out.layout.pattern=[%d] %p %m (%c)%n\n",
        ),
    ),
    (
        "log4j.configuration",
        (
            "log4j.properties",
            "log4j.rootLogger=INFO, out\n\
             log4j.appender.out=org.apache.log4j.ConsoleAppender\n\
             log4j.appender.out.layout=org.apache.log4j.PatternLayout\n\
             log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n",
        ),
    ),
];

/// Ports are looked for between these: above lie those of outgoing connections.
const PORT_MIN: u16 = 20_000;
const PORT_MAX: u16 = 32_000;

/// Nodes of each kind.
const NODES: i32 = 3;

/// One process.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub role: Role,
    pub id: i32,
    /// For its clients. ZooKeepers have two more, for each other.
    ports: Vec<u16>,
}

impl Node {
    pub(super) fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.ports[0])
    }

    pub(super) fn folder(&self, data: &Path) -> PathBuf {
        data.join(self.to_string().replace(' ', "-"))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match self.role {
            Role::Broker => "broker",
            Role::Controller => "controller",
            Role::ZooKeeper => "zookeeper",
        };
        write!(f, "{role} {}", self.id)
    }
}

/// The nodes in the order in which they are started.
pub(super) fn nodes(model: Model) -> Result<Vec<Node>> {
    // From another place for every process, so that two of them rarely try the same.
    let first = PORT_MIN + (std::process::id() % 100 * 100) as u16;
    let mut free = (first..PORT_MAX).chain(PORT_MIN..first).filter(|port| is_free(*port));
    let (role, first_id, ports) = match model {
        Model::KRaft => (Role::Controller, 101, 1),
        Model::ZooKeeper => (Role::ZooKeeper, 1, 3),
    };
    let keepers = (0..NODES).map(|index| (role, first_id + index, ports));
    let brokers = (1..=NODES).map(|id| (Role::Broker, id, 1));
    let nodes = keepers.chain(brokers).map(|(role, id, count)| {
        let ports: Vec<u16> = free.by_ref().take(count).collect();
        let enough = ports.len() == count;
        enough.then_some(Node { role, id, ports }).context("too few free ports from 20000 to 32000")
    });
    nodes.collect()
}

/// Writes a folder with all its files for every node.
pub(super) fn write(
    nodes: &[Node],
    model: Model,
    data: &Path,
    settings: &[(String, String)],
) -> Result<()> {
    for node in nodes {
        let folder = node.folder(data);
        fs::create_dir_all(folder.join("data"))
            .with_context(|| format!("create {}", folder.display()))?;
        let mut files =
            vec![(folder.join(FILE), properties(node, nodes, model, &folder, settings))];
        for (_, (name, content)) in LOGGING {
            files.push((folder.join(name), content.to_owned()));
        }
        if node.role == Role::ZooKeeper {
            files.push((folder.join("data/myid"), format!("{}\n", node.id)));
        }
        for (path, content) in files {
            fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
        }
    }
    Ok(())
}

fn properties(
    node: &Node,
    nodes: &[Node],
    model: Model,
    folder: &Path,
    settings: &[(String, String)],
) -> String {
    let endpoint = node.endpoint();
    let data = folder.join("data").display().to_string();
    let keepers: Vec<&Node> = nodes.iter().filter(|node| node.role != Role::Broker).collect();
    let join = |it: &dyn Fn(&Node) -> String| {
        keepers.iter().map(|node| it(node)).collect::<Vec<_>>().join(",")
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    let mut set = |key: &str, value: String| lines.push((key.to_owned(), value));
    match (node.role, model) {
        (Role::ZooKeeper, _) => {
            // What Kafka ships for one ZooKeeper, and what ZooKeeper's guide adds for three.
            set("dataDir", data);
            set("clientPortAddress", "127.0.0.1".into());
            set("clientPort", node.ports[0].to_string());
            set("maxClientCnxns", "0".into());
            set("admin.enableServer", "false".into());
            set("tickTime", "2000".into());
            set("initLimit", "5".into());
            set("syncLimit", "2".into());
            for keeper in &keepers {
                let ports = &keeper.ports;
                let address = format!("127.0.0.1:{}:{}", ports[1], ports[2]);
                set(&format!("server.{}", keeper.id), address);
            }
        }
        (_, Model::ZooKeeper) => {
            set("broker.id", node.id.to_string());
            set("listeners", format!("PLAINTEXT://{endpoint}"));
            set("log.dirs", data);
            set("zookeeper.connect", join(&Node::endpoint));
        }
        (role, Model::KRaft) => {
            let (roles, listener) = match role {
                Role::Broker => ("broker", "PLAINTEXT"),
                Role::Controller | Role::ZooKeeper => ("controller", "CONTROLLER"),
            };
            set("process.roles", roles.into());
            set("node.id", node.id.to_string());
            set("listeners", format!("{listener}://{endpoint}"));
            set("controller.listener.names", "CONTROLLER".into());
            let map = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT";
            set("listener.security.protocol.map", map.into());
            let voter = |node: &Node| format!("{}@{}", node.id, node.endpoint());
            set("controller.quorum.voters", join(&voter));
            set("log.dirs", data);
        }
    }
    if node.role != Role::ZooKeeper {
        lines.extend(settings.iter().cloned());
    }
    lines.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(model: Model, role: Role) -> String {
        let nodes = nodes(model).unwrap();
        let node = nodes.iter().find(|node| node.role == role).unwrap();
        let settings = [("num.io.threads".to_owned(), "2".to_owned())];
        properties(node, &nodes, model, Path::new("/f"), &settings)
    }

    #[test]
    fn every_node_has_ports_of_its_own() {
        let nodes = nodes(Model::ZooKeeper).unwrap();
        let mut ports: Vec<u16> = nodes.iter().flat_map(|node| node.ports.clone()).collect();
        assert_eq!(ports.len(), 12);
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 12);
    }

    #[test]
    fn brokers_know_where_the_metadata_is() {
        let kraft = text(Model::KRaft, Role::Broker);
        assert!(kraft.contains("process.roles=broker\nnode.id=1\n"), "{kraft}");
        assert!(kraft.contains("controller.quorum.voters=101@127.0.0.1:"), "{kraft}");
        assert!(kraft.ends_with("num.io.threads=2\n"), "{kraft}");
        let zookeeper = text(Model::ZooKeeper, Role::Broker);
        assert!(zookeeper.contains("zookeeper.connect=127.0.0.1:"), "{zookeeper}");
    }

    #[test]
    fn zookeepers_know_each_other_and_no_setting_of_kafka() {
        let text = text(Model::ZooKeeper, Role::ZooKeeper);
        assert_eq!(text.matches("\nserver.").count(), 3, "{text}");
        assert!(!text.contains("num.io.threads"), "{text}");
    }
}
