//! The `server.properties` files of a local cluster, and the few edits that are made to them later.

use std::fmt::Write;
use std::path::Path;

use config::{Scope, Usage};

use super::state::{ClusterState, Mode, Role, Server, endpoints};

/// The shared secret of the servers, in the cluster's folder.
pub(super) const SECRET_FILE: &str = "secret";

/// Settings in the order in which they are written.
pub(super) type Properties = Vec<(String, String)>;

/// The settings that make `server` a member of this cluster, with the defaults of a local cluster.
pub(super) fn of_server(server: &Server, cluster: &ClusterState, data: &Path) -> Properties {
    let mut properties = Properties::new();
    let mut set = |key: &str, value: String| properties.push((key.to_owned(), value));
    set("node.id", server.id.id.to_string());
    set("listeners", listeners(server));
    set("log.dirs", server.id.folder(data).join("data").display().to_string());
    set("janus.cluster.secret.file", data.join(SECRET_FILE).display().to_string());
    let controllers = || cluster.of_role(Role::Controller);
    if let Some(endpoint) = server.metrics_endpoint() {
        set("janus.metrics.listener", endpoint);
    }
    set("controller.quorum.bootstrap.servers", endpoints(controllers()));
    // The controllers probe brokers there.
    set("inter.broker.listener.name", "REPLICATION".into());
    match server.id.role {
        Role::Broker => set(
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT".into(),
        ),
        Role::Controller => match cluster.zookeeper_connect() {
            Some(connect) => set("zookeeper.connect", connect),
            None => {
                let voters =
                    controllers().map(|server| format!("{}@{}", server.id.id, server.endpoint()));
                set("controller.quorum.voters", voters.collect::<Vec<_>>().join(","));
            }
        },
        Role::ZooKeeper => {}
    }
    for (key, value) in defaults(cluster.of_role(Role::Broker).count()) {
        // Keys without effect would only make every server warn.
        let used = config::server_key(key).is_some_and(|key| key.usage == Usage::Used);
        let other_mode = match cluster.mode {
            Mode::Raft => key.starts_with("zookeeper."),
            Mode::ZooKeeper => key.starts_with("controller.quorum."),
        };
        if used && applies(key, server.id.role) && !other_mode {
            set(key, value);
        }
    }
    properties
}

/// What a cluster on one machine, for trying things out, wants different from a production one: few
/// replicas where there are few brokers, failures noticed fast, no threads in reserve.
fn defaults(brokers: usize) -> Vec<(&'static str, String)> {
    let replicas = brokers.min(3).to_string();
    let min_isr = if brokers >= 3 { "2" } else { "1" };
    vec![
        ("default.replication.factor", replicas.clone()),
        ("min.insync.replicas", min_isr.into()),
        ("offsets.topic.replication.factor", replicas.clone()),
        ("transaction.state.log.replication.factor", replicas),
        ("transaction.state.log.min.isr", min_isr.into()),
        ("broker.session.timeout.ms", "3000".into()),
        ("broker.heartbeat.interval.ms", "500".into()),
        ("controller.quorum.election.timeout.ms", "600".into()),
        ("zookeeper.session.timeout.ms", "3000".into()),
        ("group.initial.rebalance.delay.ms", "0".into()),
        ("num.network.threads", "1".into()),
    ]
}

/// Whether servers of this role know the key. False for a key that nobody knows.
pub(super) fn applies(key: &str, role: Role) -> bool {
    config::server_key(key).is_some_and(|key| match key.scope {
        Scope::Both => role != Role::ZooKeeper,
        Scope::Broker => role == Role::Broker,
        Scope::Controller => role == Role::Controller,
        Scope::Topic | Scope::Group | Scope::ClientMetrics => false,
    })
}

fn listeners(server: &Server) -> String {
    match (server.id.role, server.replication_port) {
        (Role::Broker, Some(replication)) => {
            format!("PLAINTEXT://127.0.0.1:{},REPLICATION://127.0.0.1:{replication}", server.port)
        }
        (Role::Broker, None) => format!("PLAINTEXT://127.0.0.1:{}", server.port),
        _ => format!("CONTROLLER://127.0.0.1:{}", server.port),
    }
}

/// The text of a new properties file.
pub(super) fn render(server: &Server, properties: &Properties) -> String {
    let mut text =
        format!("# {}, written by `janus up`. Edit it, then restart the server.\n", server.id);
    for (key, value) in properties {
        writeln!(text, "{key}={value}").expect("a String takes everything");
    }
    text
}

/// Sets one key, in the place where it stands already or at the end. Everything else stays as it is.
pub(super) fn set(properties: &mut Properties, key: &str, value: &str) {
    match properties.iter_mut().find(|(known, _)| known == key) {
        Some((_, old)) => *old = value.to_owned(),
        None => properties.push((key.to_owned(), value.to_owned())),
    }
}

/// The same for the text of a file that people may have edited.
pub(crate) fn set_in_text(text: &str, key: &str, value: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_key =
        |line: &&mut String| line.split_once('=').is_some_and(|(known, _)| known.trim() == key);
    match lines.iter_mut().rfind(is_key) {
        Some(line) => *line = format!("{key}={value}"),
        None => lines.push(format!("{key}={value}")),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::state::ServerId;

    fn cluster(brokers: i32) -> ClusterState {
        let server = |id, port, replication_port| Server {
            id,
            port,
            replication_port,
            metrics_port: Some(port + 400),
            process: None,
        };
        let controllers =
            (101..=103).map(|id| server(ServerId::controller(id), 9092 + id as u16, None));
        let brokers = (1..=brokers)
            .map(|id| server(ServerId::broker(id), 9091 + id as u16, Some(9291 + id as u16)));
        ClusterState::new("id".into(), Mode::Raft, controllers.chain(brokers).collect())
    }

    fn properties(id: ServerId, brokers: i32) -> String {
        let cluster = cluster(brokers);
        let server = cluster.server(id).unwrap();
        render(server, &of_server(server, &cluster, Path::new("/data")))
    }

    #[test]
    fn a_controller_knows_its_fellow_voters() {
        let text = properties(ServerId::controller(102), 3);
        assert!(text.contains("node.id=102\nlisteners=CONTROLLER://127.0.0.1:9194\n"), "{text}");
        let voters = "voters=101@127.0.0.1:9193,102@127.0.0.1:9194,103@127.0.0.1:9195\n";
        assert!(text.contains(voters), "{text}");
    }

    #[test]
    fn replication_defaults_follow_the_number_of_brokers() {
        let three = properties(ServerId::broker(1), 3);
        assert!(three.contains("default.replication.factor=3\nmin.insync.replicas=2\n"), "{three}");
        assert!(three.contains("janus.metrics.listener=127.0.0.1:9492\n"), "{three}");
        let one = properties(ServerId::broker(1), 1);
        assert!(one.contains("default.replication.factor=1\nmin.insync.replicas=1\n"), "{one}");
    }

    #[test]
    fn an_edit_changes_one_line() {
        let text = "# mine\na=1\nb = 2\n";
        assert_eq!(set_in_text(text, "b", "3"), "# mine\na=1\nb=3\n");
        assert_eq!(set_in_text(text, "c", "3"), "# mine\na=1\nb = 2\nc=3\n");
    }
}
