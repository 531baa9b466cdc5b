//! A cluster of Apache Kafka 3.9, the last one that coordinates through ZooKeeper, to compare with.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::clients::{kafka_tool, path_of};
use crate::program::{Background, Program};

/// Where its servers log to: stdout, which the harness reads.
const LOG4J: &str = "log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
";

/// Settings of a broker that shares a small machine with others.
const SMALL: [&str; 5] = [
    "num.network.threads=1",
    "num.io.threads=2",
    "background.threads=2",
    "num.recovery.threads.per.data.dir=1",
    "log.cleaner.dedupe.buffer.size=33554432",
];

/// Running brokers, 1 and up, and the ZooKeeper server that they use. All of them are killed and
/// removed when this is dropped. They also end when the thread that started them does, however.
#[derive(Debug)]
pub struct KafkaCluster {
    /// `HOST:PORT,...` of its brokers.
    pub bootstrap: String,
    /// `HOST:PORT` of its ZooKeeper server.
    pub zookeeper_connect: String,
    // In the order in which they go: brokers before what they stand on.
    brokers: BTreeMap<i64, Background>,
    _zookeeper: Background,
    folder: TempDir,
}

impl KafkaCluster {
    /// Starts that many brokers. `settings` are `key=value` for every one of them.
    pub fn start(brokers: i64, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log4j.properties"), LOG4J).unwrap();
        let ports = free_ports(usize::try_from(brokers).unwrap() + 1);
        let (zookeeper, ports) = ports.split_first().unwrap();
        let zookeeper_connect = format!("127.0.0.1:{zookeeper}");
        let addresses: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        for (id, address) in (1..).zip(&addresses) {
            // Like ours, they have a listener for each other.
            let mut properties = format!(
                "broker.id={id}\nlisteners=PLAINTEXT://{address},REPLICATION://127.0.0.1:0\n\
                 listener.security.protocol.map=PLAINTEXT:PLAINTEXT,REPLICATION:PLAINTEXT\n\
                 inter.broker.listener.name=REPLICATION\nlog.dirs={}\n\
                 zookeeper.connect={zookeeper_connect}\n",
                folder.path().join(format!("data-{id}")).display()
            );
            for setting in SMALL.iter().chain(settings) {
                writeln!(properties, "{setting}").unwrap();
            }
            std::fs::write(properties_of(folder.path(), id), properties).unwrap();
        }
        let mut cluster = Self {
            bootstrap: addresses.join(","),
            zookeeper_connect,
            brokers: BTreeMap::new(),
            _zookeeper: start_zookeeper(folder.path(), *zookeeper),
            folder,
        };
        for id in 1..=brokers {
            cluster.launch(id);
        }
        for id in 1..=brokers {
            cluster.wait_until_started(id);
        }
        cluster
    }

    /// A tool of Apache Kafka: `SCRIPT --bootstrap-server BOOTSTRAP WORDS`
    pub fn kafka_tool(&self, script: &str, words: &str) -> Program {
        kafka_tool(script, &format!("--bootstrap-server {} {words}", self.bootstrap))
    }

    /// Kills a broker with SIGKILL.
    pub fn kill_broker(&mut self, id: i64) {
        drop(self.brokers.remove(&id).expect("it runs"));
    }

    /// Starts a broker that was killed, on its own data.
    pub fn start_broker(&mut self, id: i64) {
        self.launch(id);
        self.wait_until_started(id);
    }

    fn launch(&mut self, id: i64) {
        let properties = properties_of(self.folder.path(), id);
        let heap = "-Xmx256m -XX:TieredStopAtLevel=1";
        let broker = java(self.folder.path(), heap, "kafka.Kafka").argument(properties).start();
        self.brokers.insert(id, broker);
    }

    fn wait_until_started(&mut self, id: i64) {
        let broker = self.brokers.get_mut(&id).expect("it was launched");
        broker.wait_for("start", |line| line.contains(" started (kafka.server.KafkaServer)"));
    }
}

fn start_zookeeper(folder: &Path, port: u16) -> Background {
    let config = folder.join("zoo.cfg");
    // A disk that is slow because everybody uses it is not what is compared.
    let lines = format!(
        "tickTime=500\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n\
         admin.enableServer=false\nforceSync=no\ndataDir={}\n",
        folder.join("zookeeper").display()
    );
    std::fs::write(&config, lines).unwrap();
    let class = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
    let heap = "-Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
    let mut zookeeper = java(folder, heap, class).argument(config).start();
    zookeeper.wait_for("open port", |line| line.contains("binding to port"));
    zookeeper
}

fn properties_of(folder: &Path, id: i64) -> PathBuf {
    folder.join(format!("server-{id}.properties"))
}

/// A server's main class, in a virtual machine that is killed when the calling thread ends.
fn java(folder: &Path, flags: &str, class: &str) -> Program {
    let libs = path_of("KAFKA_ZOOKEEPER_LIBS", "kafka-3.9.1/libs");
    assert!(libs.is_dir(), "no jars of Apache Kafka in {}; run `make tools-test`", libs.display());
    Program::new("setpriv")
        .words("--pdeathsig KILL java")
        .words(flags)
        .argument(format!("-Dlog4j.configuration=file:{}/log4j.properties", folder.display()))
        .argument("-cp")
        .argument(libs.join("*"))
        .words(class)
}

/// Ports that nobody listened on a moment ago, all of them different.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}
