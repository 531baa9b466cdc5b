//! Apache Kafka as a peer: three brokers with three controllers (KRaft) or three ZooKeepers.
//!
//! It runs as its makers ship it: the heaps and collector flags of `kafka-server-start.sh` and
//! `zookeeper-server-start.sh`, default settings, logs at INFO. What the scripts add for operators, a
//! log of the collector and a JMX port, is left out; it would only cost.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::cluster::{Cluster, Role, Server};

mod properties;

use properties::Node;

/// How much of a log is shown when its server ended by itself.
const LOG_LINES_SHOWN: usize = 12;

/// The performance flags of Kafka's `kafka-run-class.sh`.
const JVM_FLAGS: [&str; 6] = [
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
];

/// Formatting is over in a second: a JVM that starts fast will do.
const FORMAT_FLAGS: [&str; 3] = ["-Xmx128M", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

/// Where the metadata is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// In a quorum of controllers.
    KRaft,
    /// In a ZooKeeper ensemble. Kafka up to 3.9 knows it.
    ZooKeeper,
}

/// A cluster of Apache Kafka. Its processes end when it is dropped.
#[derive(Debug)]
pub struct Kafka {
    version: String,
    model: Model,
    libs: PathBuf,
    java: PathBuf,
    settings: Vec<(String, String)>,
    /// Of this instance; every prepared cluster has a folder in it.
    folder: TempDir,
    data: PathBuf,
    generation: u32,
    nodes: Vec<Node>,
    processes: Vec<(usize, Child)>,
}

impl Kafka {
    /// Finds Kafka's jars in `home/libs`. `settings` go to every broker and controller.
    pub fn open(home: &Path, model: Model, settings: Vec<(String, String)>) -> Result<Self> {
        let libs = home.join("libs");
        let version = version_of(&libs).with_context(|| {
            format!(
                "Apache Kafka is not in {}; `make bench` fetches it, or name a folder with libs/ by \
                 --kafka-home",
                home.display()
            )
        })?;
        let folder = tempfile::Builder::new().prefix("janus-bench-kafka-").tempdir();
        let folder = folder.context("make a temporary folder")?;
        Ok(Self {
            version,
            model,
            libs,
            java: java(),
            settings,
            data: folder.path().to_owned(),
            folder,
            generation: 0,
            nodes: Vec::new(),
            processes: Vec::new(),
        })
    }

    /// As its jars say.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// `java JVM-FLAGS -cp LIBS ...`
    fn java(&self, flags: &[&str], folder: &Path) -> Command {
        let mut command = Command::new(&self.java);
        command.args(flags);
        for (property, file) in properties::LOGGING {
            command.arg(format!("-D{property}=file:{}", folder.join(file.0).display()));
        }
        command.arg("-cp").arg(self.libs.join("*"));
        command.current_dir(folder).stdin(Stdio::null());
        command
    }

    fn format(&self) -> Result<()> {
        let id = cluster_id();
        let starts = self.nodes.iter().map(|node| {
            let folder = node.folder(&self.data);
            let output = File::create(folder.join("format.log"))?;
            let mut command = self.java(&FORMAT_FLAGS, &folder);
            command.args(["kafka.tools.StorageTool", "format", "-t", &id, "-c"]);
            command.arg(folder.join(properties::FILE));
            command.stdout(output.try_clone()?).stderr(output);
            let child =
                command.spawn().with_context(|| format!("start {}", self.java.display()))?;
            Ok((folder, child))
        });
        // All at once, and every one is waited for even if another fails.
        let started: Vec<Result<(PathBuf, Child)>> = starts.collect();
        let ends = started.into_iter().map(|started| {
            let (folder, mut child) = started?;
            match child.wait()?.success() {
                true => Ok(()),
                false => bail!("formatting failed:\n{}", tail(&folder.join("format.log"))),
            }
        });
        ends.collect::<Vec<Result<()>>>().into_iter().collect()
    }

    fn spawn(&self, node: &Node) -> Result<Child> {
        let folder = node.folder(&self.data);
        let heap = match node.role {
            Role::Broker | Role::Controller => ["-Xms1G", "-Xmx1G"],
            Role::ZooKeeper => ["-Xms512M", "-Xmx512M"],
        };
        let mut command = self.java(&[&heap[..], &JVM_FLAGS].concat(), &folder);
        match node.role {
            Role::Broker | Role::Controller => command.arg("kafka.Kafka"),
            Role::ZooKeeper => command.arg("org.apache.zookeeper.server.quorum.QuorumPeerMain"),
        };
        let log = File::create(folder.join("server.log"))?;
        command.arg(folder.join(properties::FILE)).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C is for us: we end them.
        command.process_group(0);
        command.spawn().with_context(|| format!("start {}", self.java.display()))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        for (index, child) in &self.processes {
            let name = || self.nodes[*index].to_string();
            // Not waited for, so the pid is still its own.
            kill_process(Pid::from_child(child), signal).with_context(name)?;
        }
        Ok(())
    }

    fn end(&mut self) {
        for (_, child) in &mut self.processes {
            // It may have ended by itself; SIGKILL ends paused ones too.
            let _ = child.kill();
        }
        for (_, mut child) in self.processes.drain(..) {
            let _ = child.wait();
        }
    }
}

#[async_trait]
impl Cluster for Kafka {
    fn name(&self) -> String {
        match self.model {
            Model::KRaft => format!("Apache Kafka {}", self.version),
            Model::ZooKeeper => format!("Apache Kafka {} (ZooKeeper)", self.version),
        }
    }

    fn settings(&self) -> Vec<String> {
        self.settings.iter().map(|(key, value)| format!("{key}={value}")).collect()
    }

    async fn prepare(&mut self) -> Result<()> {
        self.stop().await?;
        self.generation += 1;
        self.data = self.folder.path().join(self.generation.to_string());
        self.nodes = properties::nodes(self.model)?;
        properties::write(&self.nodes, self.model, &self.data, &self.settings)?;
        match self.model {
            Model::KRaft => self.format(),
            Model::ZooKeeper => Ok(()),
        }
    }

    async fn launch(&mut self) -> Result<()> {
        for index in 0..self.nodes.len() {
            let child = self.spawn(&self.nodes[index])?;
            self.processes.push((index, child));
        }
        Ok(())
    }

    fn bootstrap(&self) -> Result<String> {
        let brokers = self.nodes.iter().filter(|node| node.role == Role::Broker);
        Ok(brokers.map(Node::endpoint).collect::<Vec<_>>().join(","))
    }

    fn servers(&self) -> Result<Vec<Server>> {
        let server = |(index, child): &(usize, Child)| {
            let node = &self.nodes[*index];
            let pid = child.id() as i32;
            if has_ended(pid) {
                let log = node.folder(&self.data).join("server.log");
                bail!("{node} of {} has ended:\n{}", self.name(), tail(&log));
            }
            Ok(Server { role: node.role, pid })
        };
        self.processes.iter().map(server).collect()
    }

    async fn pause(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    async fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    async fn stop(&mut self) -> Result<()> {
        self.end();
        if self.generation > 0 && self.data.exists() {
            fs::remove_dir_all(&self.data)
                .with_context(|| format!("remove {}", self.data.display()))?;
        }
        Ok(())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.end();
    }
}

/// `$JAVA_HOME/bin/java`, or the one of the path.
fn java() -> PathBuf {
    let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
    home.map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java"))
}

/// The version of the broker's jar, `kafka_2.13-VERSION.jar`.
fn version_of(libs: &Path) -> Option<String> {
    let names =
        fs::read_dir(libs).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.into_iter().find_map(|name| {
        let version = name.strip_prefix("kafka_2.13-")?.strip_suffix(".jar")?;
        version.starts_with(|it: char| it.is_ascii_digit()).then(|| version.to_owned())
    })
}

/// 22 characters. The first byte is zero: an id that begins with a dash would look like an option.
fn cluster_id() -> String {
    let mut bytes = *uuid::Uuid::new_v4().as_bytes();
    bytes[0] = 0;
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A child that was not waited for stays a zombie.
fn has_ended(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rfind(')').and_then(|end| stat[end + 1..].trim_start().chars().next());
    matches!(state, None | Some('Z' | 'X' | 'x'))
}

fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_brokers_jars() {
        let home = tempfile::tempdir().unwrap();
        let libs = home.path().join("libs");
        fs::create_dir(&libs).unwrap();
        for name in ["kafka-clients-9.9.9.jar", "kafka_2.13-4.3.0.jar", "scala.jar"] {
            fs::write(libs.join(name), "").unwrap();
        }
        let kafka = Kafka::open(home.path(), Model::KRaft, Vec::new()).unwrap();
        assert_eq!(kafka.name(), "Apache Kafka 4.3.0");
        let nothing = tempfile::tempdir().unwrap();
        let error = Kafka::open(nothing.path(), Model::KRaft, Vec::new()).unwrap_err();
        assert!(error.to_string().contains("--kafka-home"), "{error}");
    }

    #[test]
    fn a_cluster_id_never_looks_like_an_option() {
        let id = cluster_id();
        assert_eq!(id.len(), 22);
        assert!(id.starts_with('A'), "{id}");
    }

    #[test]
    fn who_has_ended_is_known_before_he_is_waited_for() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        assert!(!has_ended(child.id() as i32));
        child.kill().unwrap();
        while !has_ended(child.id() as i32) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
