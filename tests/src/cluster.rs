//! A cluster of three brokers and three controllers, for one test in one mode.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;

use crate::{Program, eventually, kafka_tool, kcat, logs, python, report};

/// How the controllers coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A quorum of their own.
    Raft,
    /// An ensemble of three ZooKeeper servers.
    ZooKeeper,
}

impl Mode {
    /// Every test runs in each of them.
    pub const ALL: [Self; 2] = [Self::Raft, Self::ZooKeeper];
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raft => "raft",
            Self::ZooKeeper => "zookeeper",
        })
    }
}

/// A running cluster. It is stopped and removed when it is dropped; its data stays when the test has
/// failed and `JANUS_TEST_KEEP` is set.
#[derive(Debug)]
pub struct Cluster {
    /// Its mode.
    pub mode: Mode,
    /// `HOST:PORT,...` of its brokers.
    pub bootstrap: String,
    folder: TempDir,
    expected_errors: RefCell<Vec<&'static str>>,
}

/// Runs a test on a cluster of its own in every mode, then looks at what the servers logged.
///
/// `settings` are `key=value` for every server that knows the key.
pub fn with_cluster(settings: &[&str], test: impl Fn(&Cluster)) {
    for mode in Mode::ALL.into_iter().filter(is_wanted) {
        with_cluster_in(mode, settings, &test);
    }
}

/// The same in one mode, for a test that is about it.
pub fn with_cluster_in(mode: Mode, settings: &[&str], test: impl FnOnce(&Cluster)) {
    let begin = Instant::now();
    let cluster = Cluster::start(mode, settings);
    test(&cluster);
    logs::check(&cluster.logs(), &cluster.expected_errors.borrow());
    drop(cluster);
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    report(format!("  {name} in {mode} mode: {:.1} s", begin.elapsed().as_secs_f64()));
}

/// `JANUS_TEST_MODE` picks one mode, for those who look for something.
pub(crate) fn is_wanted(mode: &Mode) -> bool {
    std::env::var("JANUS_TEST_MODE").is_ok_and(|wanted| wanted == mode.to_string())
        || std::env::var_os("JANUS_TEST_MODE").is_none()
}

impl Cluster {
    /// Starts one without the help of [`with_cluster`], for a test of one mode.
    pub fn start(mode: Mode, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cluster =
            Self { mode, bootstrap: String::new(), folder, expected_errors: RefCell::default() };
        let settings: String = settings.iter().map(|setting| format!(" --set {setting}")).collect();
        let up = cluster.json(&format!("up --detach --port 0 --mode {mode}{settings}"));
        cluster.bootstrap = up["bootstrap"].as_str().unwrap().to_owned();
        cluster
    }

    /// An error that this test provokes: a log line that contains the text does not fail it.
    pub fn expect_error(&self, text: &'static str) {
        self.expected_errors.borrow_mut().push(text);
    }

    /// A folder for files of the test, beside the cluster's data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of the cluster itself.
    pub fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Where a broker keeps its logs.
    pub fn log_dir(&self, broker: i64) -> PathBuf {
        self.data().join(format!("broker-{broker}")).join("data")
    }

    /// `janus --data DIR WORDS`
    pub fn janus(&self, words: &str) -> Program {
        janus("--data").argument(self.data()).words(words)
    }

    /// `janus WORDS -o json`, which must succeed; the document.
    pub fn json(&self, words: &str) -> Value {
        let text = self.janus(words).words("-o json").success();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("janus {words}: {error}: {text}"))
    }

    /// `kcat -b BOOTSTRAP WORDS`
    pub fn kcat(&self, words: &str) -> Program {
        kcat(&format!("-b {} {words}", self.bootstrap))
    }

    /// A tool of Apache Kafka: `SCRIPT --bootstrap-server BOOTSTRAP WORDS`
    pub fn kafka_tool(&self, script: &str, words: &str) -> Program {
        kafka_tool(script, &format!("--bootstrap-server {} {words}", self.bootstrap))
    }

    /// A script of `tests/python`: `SCRIPT BOOTSTRAP WORDS`
    pub fn python(&self, script: &str, words: &str) -> Program {
        python(script, &format!("{} {words}", self.bootstrap))
    }

    /// Creates a topic with three replicas.
    pub fn create_topic(&self, name: &str, partitions: i32, configs: &[&str]) {
        let configs: String = configs.iter().map(|config| format!(" --config {config}")).collect();
        self.json(&format!(
            "topics create {name} --partitions {partitions} --replication-factor 3{configs}"
        ));
    }

    /// `janus status -o json`
    pub fn status(&self) -> Value {
        self.json("status")
    }

    /// Asks for the status until it is as wanted.
    pub fn wait_for_status(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || Some(self.status()).filter(|status| wanted(status)))
    }

    /// Waits until every broker runs and every replica is in sync.
    pub fn wait_until_in_sync(&self) -> Value {
        self.wait_for_status("all replicas are in sync", |status| {
            let brokers = status["brokers"].as_array().unwrap();
            brokers.iter().all(|broker| broker["state"] == "running")
                && status["under_replicated"] == 0
                && status["offline"] == 0
        })
    }

    /// Kills what a target names with SIGKILL; the id of the first server that was killed.
    pub fn kill(&self, target: &str) -> i64 {
        let killed = self.json(&format!("kill {target}"));
        killed["servers"][0]["id"].as_i64().unwrap()
    }

    /// The leader of a partition, once there is one.
    pub fn leader(&self, topic: &str, partition: usize) -> i64 {
        eventually("a leader", || {
            let description = self.json(&format!("topics describe {topic}"));
            description[0]["partitions"][partition]["leader"].as_i64()
        })
    }

    /// The log of every server under the server's name.
    fn logs(&self) -> Vec<(String, String)> {
        let Ok(folders) = std::fs::read_dir(self.data()) else { return Vec::new() };
        let mut logs: Vec<(String, String)> = folders
            .filter_map(|folder| {
                let folder = folder.ok()?;
                let log = std::fs::read(folder.path().join("server.log")).ok()?;
                let name = folder.file_name().to_string_lossy().into_owned();
                Some((name, String::from_utf8_lossy(&log).into_owned()))
            })
            .collect();
        logs.sort();
        logs
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed in {} mode", self.mode);
            logs::show_tails(&self.logs());
        }
        let keep = std::thread::panicking() && std::env::var_os("JANUS_TEST_KEEP").is_some();
        if keep {
            self.folder.disable_cleanup(true);
            eprintln!("what is left of it: {}", self.folder().display());
        }
        let down = self.janus(if keep { "down" } else { "down --wipe --yes" }).run();
        if !down.status.success() {
            eprintln!("{down}");
        }
    }
}

/// The folder of the binaries under test.
pub(crate) fn binaries() -> PathBuf {
    let folder = std::env::var_os("JANUS_BIN_DIR");
    folder
        .expect("JANUS_BIN_DIR names the folder of the binaries under test; run `make e2e`")
        .into()
}

/// `janus WORDS`, untouched by the environment of whoever runs the tests.
pub fn janus(words: &str) -> Program {
    let mut program = Program::new(binaries().join("janus"));
    for variable in ["JANUS_DATA", "JANUS_BOOTSTRAP", "RUST_LOG"] {
        program = program.variable(variable, "");
    }
    program.words(words)
}
