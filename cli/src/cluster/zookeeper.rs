//! The ZooKeeper servers of a local cluster: Debian's package `zookeeper`, one JVM each.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::state::{ClusterState, Role, Server, ServerId, zookeeper_ports};
use super::status::{ZooKeeperServerStatus, ZooKeeperStatus};

/// Where the package puts the classes, and those that write its log to our file.
const JAR: &str = "/usr/share/java/zookeeper.jar";
const LOGGING: &str = "/usr/share/java/slf4j-simple.jar";
/// Few threads, a small heap and no late optimisation: the ensemble of a cluster for trying things
/// out starts in a second or two.
const JVM: [&str; 6] = [
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=[yyyy-MM-dd HH:mm:ss,SSS]",
];
/// A session is at least two ticks: failures can be noticed after a second.
const TICK_MS: u32 = 500;
/// How long a server may take to answer. A paused one does not.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Leader,
    Follower,
}

/// The program and its arguments.
pub(super) fn command(id: ServerId, data: &Path) -> Result<(PathBuf, Vec<String>)> {
    if !Path::new(JAR).exists() {
        bail!(
            "{JAR} is missing; install ZooKeeper with `apt-get install zookeeper`, or name an \
             ensemble that runs with --zookeeper HOST:PORT,..."
        );
    }
    let mut arguments: Vec<String> = JVM.iter().map(ToString::to_string).collect();
    arguments.push("-cp".into());
    arguments.push(format!("{JAR}:{LOGGING}"));
    arguments.push("org.apache.zookeeper.server.quorum.QuorumPeerMain".into());
    arguments.push(id.properties(data).display().to_string());
    Ok((PathBuf::from("java"), arguments))
}

/// Writes the server's configuration and its number.
pub(super) fn write_files(server: &Server, cluster: &ClusterState, data: &Path) -> Result<()> {
    let directory = server.id.folder(data).join("data");
    fs::create_dir_all(&directory).with_context(|| format!("create {}", directory.display()))?;
    let myid = directory.join("myid");
    fs::write(&myid, server.id.id.to_string())
        .with_context(|| format!("write {}", myid.display()))?;
    let path = server.id.properties(data);
    fs::write(&path, configuration(server, cluster, &directory))
        .with_context(|| format!("write {}", path.display()))
}

fn configuration(server: &Server, cluster: &ClusterState, directory: &Path) -> String {
    let mut text =
        format!("# {}, written by `janus up`. Edit it, then restart the server.\n", server.id);
    let mut set = |key: &str, value: &dyn std::fmt::Display| {
        writeln!(text, "{key}={value}").expect("a String takes everything");
    };
    set("tickTime", &TICK_MS);
    set("initLimit", &20);
    set("syncLimit", &4);
    set("dataDir", &directory.display());
    set("clientPort", &server.port);
    set("clientPortAddress", &"127.0.0.1");
    set("maxClientCnxns", &0);
    set("admin.enableServer", &false);
    set("4lw.commands.whitelist", &"srvr,ruok,mntr,stat");
    set("autopurge.purgeInterval", &1);
    for other in cluster.of_role(Role::ZooKeeper) {
        let [_, peers, election] = zookeeper_ports(other.port);
        let addresses = format!("127.0.0.1:{peers}:{election}");
        set(&format!("server.{}", other.id.id), &addresses);
    }
    text
}

/// The ensemble of a local cluster, as its servers are now. `None` without one.
pub(super) async fn ensemble(state: &ClusterState) -> Option<ZooKeeperStatus> {
    let connect = state.zookeeper_connect()?;
    let servers = state.of_role(Role::ZooKeeper).map(|server| async move {
        let process = server.process.as_ref().filter(|process| process.is_alive());
        let part = match process {
            Some(_) => part(&server.endpoint()).await,
            None => None,
        };
        let role = match part {
            Some(Part::Leader) => "leader",
            Some(Part::Follower) => "follower",
            None => "down",
        };
        ZooKeeperServerStatus {
            id: server.id.id,
            role: role.into(),
            endpoint: server.endpoint(),
            pid: process.map(|process| process.pid),
        }
    });
    Some(ZooKeeperStatus { connect, servers: futures::future::join_all(servers).await })
}

/// Which server leads the ensemble.
pub(super) async fn leader(state: &ClusterState) -> Result<ServerId> {
    let Some(ensemble) = ensemble(state).await.filter(|it| !it.servers.is_empty()) else {
        bail!("this cluster has no ZooKeeper servers of its own (mode {})", state.mode);
    };
    let leader = ensemble.servers.iter().find(|server| server.role == "leader");
    let leader = leader.context("no ZooKeeper server leads; look with `janus status`")?;
    Ok(ServerId::zookeeper(leader.id))
}

/// What part in the ensemble a server plays; `None` while it plays none, or does not answer.
pub(super) async fn part(endpoint: &str) -> Option<Part> {
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, four_letters(endpoint, "srvr")).await.ok()?;
    parse_part(&answer.ok()?)
}

async fn four_letters(endpoint: &str, word: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(endpoint).await?;
    stream.write_all(word.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(64 << 10).read_to_string(&mut answer).await?;
    Ok(answer)
}

fn parse_part(answer: &str) -> Option<Part> {
    match answer.lines().find_map(|line| line.strip_prefix("Mode: "))? {
        "leader" | "standalone" => Some(Part::Leader),
        "follower" | "observer" => Some(Part::Follower),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::Mode;
    use super::*;

    #[test]
    fn the_servers_of_an_ensemble_know_each_other() {
        let server = |id, port| Server {
            id: ServerId::zookeeper(id),
            port,
            replication_port: None,
            metrics_port: None,
            process: None,
        };
        let servers = vec![server(1, 9392), server(2, 9393)];
        let state = ClusterState::new("id".into(), Mode::ZooKeeper, servers);
        let text = configuration(&state.servers[1], &state, Path::new("/data"));
        assert!(text.contains("clientPort=9393\n"), "{text}");
        let peers = "server.1=127.0.0.1:9402:9412\nserver.2=127.0.0.1:9403:9413\n";
        assert!(text.ends_with(peers), "{text}");
        assert_eq!(state.zookeeper_connect().unwrap(), "127.0.0.1:9392,127.0.0.1:9393");
    }

    #[test]
    fn a_server_tells_its_part_once_it_has_one() {
        assert_eq!(parse_part("Zookeeper version: 3.8\nMode: leader\n"), Some(Part::Leader));
        assert_eq!(parse_part("Mode: follower\nNode count: 5\n"), Some(Part::Follower));
        assert_eq!(parse_part("This ZooKeeper instance is not currently serving requests"), None);
    }
}
