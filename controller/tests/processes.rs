//! Three controller processes with a raft quorum: killed, stopped, and started again.

mod support;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus};
use std::time::Duration;

use config::directory::{self, ClusterId};
use grpc::DescribeQuorumRequest;
use grpc::auth::Credentials;
use grpc::client::{ControllerClient, connect};
use metadata::{ClusterImage, Uuid};
use support::{CLUSTER, PATIENCE, TestBroker, create_topic};
use tokio::time::{sleep, timeout};

const IDS: [i32; 3] = [101, 102, 103];
/// Between two looks at processes that tell nobody when they are done.
const PAUSE: Duration = Duration::from_millis(10);

struct Cluster {
    folder: tempfile::TempDir,
    endpoints: Vec<String>,
    processes: Vec<Option<Child>>,
}

impl Cluster {
    fn format() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Taken all at once, so that they differ.
        let listeners = IDS.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let endpoints: Vec<String> =
            listeners.iter().map(|it| it.local_addr().unwrap().to_string()).collect();
        let voters: Vec<String> = std::iter::zip(IDS, &endpoints)
            .map(|(id, endpoint)| format!("{id}@{endpoint}"))
            .collect();
        for (id, endpoint) in std::iter::zip(IDS, &endpoints) {
            let data = folder.path().join(id.to_string());
            let cluster = ClusterId::parse(CLUSTER).unwrap();
            directory::format(&data, cluster, id, Uuid::new_v4()).unwrap();
            let properties = format!(
                "node.id={id}\nlisteners=CONTROLLER://{endpoint}\nlog.dirs={}\n\
                 controller.quorum.voters={}\nbroker.session.timeout.ms=600000\n",
                data.display(),
                voters.join(",")
            );
            fs::write(folder.path().join(format!("{id}.properties")), properties).unwrap();
        }
        Self { folder, endpoints, processes: IDS.map(|_| None).into() }
    }

    fn path(&self, id: i32, extension: &str) -> PathBuf {
        self.folder.path().join(format!("{id}.{extension}"))
    }

    fn start(&mut self, index: usize) {
        let id = IDS[index];
        let log = File::options().create(true).append(true).open(self.path(id, "log")).unwrap();
        let process = Process::new(env!("CARGO_BIN_EXE_janus-controller"))
            .arg(self.path(id, "properties"))
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes[index] = Some(process);
    }

    fn kill(&mut self, index: usize) {
        let mut process = self.processes[index].take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// SIGTERM, and how the process ended.
    async fn stop(&mut self, index: usize) -> ExitStatus {
        let mut process = self.processes[index].take().unwrap();
        let id = process.id().to_string();
        assert!(Process::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let ended = async {
            loop {
                if let Some(status) = process.try_wait().unwrap() {
                    return status;
                }
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, ended).await.expect("the process ends")
    }

    /// The active controller, once there is one.
    async fn active(&self) -> (usize, ControllerClient) {
        let search = async {
            loop {
                for (index, endpoint) in self.endpoints.iter().enumerate() {
                    if self.processes[index].is_none() {
                        continue;
                    }
                    let Ok(mut client) = connect(endpoint, PATIENCE, Credentials::none()).await
                    else {
                        continue;
                    };
                    let request = DescribeQuorumRequest { cluster_id: CLUSTER.into() };
                    let Ok(reply) = client.describe_quorum(request).await else { continue };
                    let reply = reply.into_inner();
                    if reply.active_id == reply.answered_by {
                        assert_eq!((reply.mode.as_str(), reply.active_id), ("raft", IDS[index]));
                        return (index, client);
                    }
                }
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, search).await.expect("a controller is elected")
    }

    /// Connects the broker to the active controller, as often as it takes. Says which one it is, and
    /// whether it had to send everything.
    async fn reconnect(&self, broker: &mut TestBroker) -> (usize, bool) {
        let connect = async {
            loop {
                let (index, client) = self.active().await;
                broker.client = client;
                broker.watch().await;
                if let Some(update) = broker.update().await {
                    return (index, update.full);
                }
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, connect).await.expect("the controller serves")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            process.kill().ok();
            process.wait().ok();
        }
        if std::thread::panicking() {
            for id in IDS {
                let log = fs::read_to_string(self.path(id, "log")).unwrap_or_default();
                eprintln!("--- controller {id}\n{log}");
            }
        }
    }
}

fn has_topics(image: &ClusterImage, topics: &[&str]) -> bool {
    topics.iter().all(|topic| image.topics.contains_key(*topic))
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_whoever_is_killed() {
    let mut cluster = Cluster::format();
    (0..3).for_each(|index| cluster.start(index));
    let (active, client) = cluster.active().await;
    let mut broker = TestBroker::new(client, 1).await;
    broker.serve().await;
    broker.submit(create_topic("first", vec![1])).await.unwrap();
    broker.until(|image| has_topics(image, &["first"]) && image.controllers.len() == 3).await;

    // The active controller is killed.
    cluster.kill(active);
    let (next, full) = cluster.reconnect(&mut broker).await;
    assert_ne!(next, active);
    assert!(!full, "nothing has changed but the controller");
    assert!(has_topics(&broker.image, &["first"]));
    assert!(!broker.beat(false, false).await.fenced);
    broker.submit(create_topic("second", vec![1])).await.unwrap();
    broker.until(|image| has_topics(image, &["second"])).await;

    // It returns, and the one that leads now is stopped in order.
    cluster.start(active);
    let status = cluster.stop(next).await;
    assert_eq!((status.code(), status.signal()), (Some(0), None));
    cluster.reconnect(&mut broker).await;
    broker.submit(create_topic("third", vec![1])).await.unwrap();
    broker.until(|image| has_topics(image, &["first", "second", "third"])).await;

    // All are killed at once.
    cluster.start(next);
    (0..3).for_each(|index| cluster.kill(index));
    (0..3).for_each(|index| cluster.start(index));
    cluster.reconnect(&mut broker).await;
    assert!(has_topics(&broker.image, &["first", "second", "third"]));
    assert!(!broker.beat(false, false).await.fenced);
}

fn refused(properties: &Path, overrides: &[&str]) -> (Option<i32>, String) {
    let mut process = Process::new(env!("CARGO_BIN_EXE_janus-controller"));
    process.arg(properties).args(overrides.iter().flat_map(|it| ["--override", it]));
    let output = process.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_cannot_start_says_why() {
    let cluster = Cluster::format();
    let properties = cluster.path(101, "properties");
    let expect = |overrides: &[&str], expected: &str| {
        let (code, error) = refused(&properties, overrides);
        assert_eq!(code, Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
    };
    expect(&["listeners=CONTROLLER://0.0.0.0:0"], "set janus.cluster.secret.file");
    expect(&["janus.cluster.secret.file=/nonexistent"], "cannot read the cluster secret");
    expect(&["node.id=102"], "belongs to node 101");
    let empty = cluster.folder.path().join("empty");
    expect(&[&format!("metadata.log.dir={}", empty.display())], "janus format");
    expect(&["controller.quorum.voters=101"], "is not ID@HOST:PORT");
    expect(&["janus.peer.address.map=a"], "is not ID=HOST:PORT");
    expect(&["broker.heartbeat.interval.ms=0"], "must be longer than");
    expect(&["controller.quorum.election.timeout.ms=1"], "election timeout");
    expect(&["listeners=PLAINTEXT://127.0.0.1:0"], "no listener is called CONTROLLER");
    expect(&["zookeeper.connect=127.0.0.1"], "lacks a port");
    let path = cluster.folder.path().join("101");
    let lock = directory::open(&path, 101, None).unwrap();
    expect(&[], "is in use by another process");
    drop(lock);
    assert_eq!(refused(Path::new("/nonexistent"), &[]).0, Some(2));
}
