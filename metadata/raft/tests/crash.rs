//! `kill -9` in the middle of commits: what was acknowledged is there.
//!
//! The controller is this test binary itself, started once more with a directory to work in.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use metadata::MetadataStore;
use metadata_raft::{RaftConfig, RaftStore, Voter};
use support::{eventually, record, value};

const DIRECTORY: &str = "JANUS_TEST_CRASH_DIRECTORY";
const COMMITS: usize = 40;

fn config(directory: &Path) -> RaftConfig {
    let endpoint = "127.0.0.1:1".to_owned();
    RaftConfig {
        node_id: 1,
        cluster_id: "crash".into(),
        directory: directory.to_owned(),
        directory_id: uuid::Uuid::from_u128(1),
        initial_controllers: vec![Voter { id: 1, endpoint, directory_id: None }],
        election_timeout_ms: 1000,
        heartbeat_interval_ms: 150,
        // Several snapshots and purges within the run.
        snapshot_after_entries: 15,
        generation: 1,
        peer_address_map: Default::default(),
        secret: None,
        fast_failover: true,
    }
}

async fn leader_of(store: &RaftStore) -> metadata::ControllerEpoch {
    let mut leadership = store.leadership();
    eventually(leadership.wait_for(|it| it.leader.is_some())).await.unwrap().epoch
}

/// The child: commits and reports for ever. A test like others when nobody asks for it.
#[tokio::test]
async fn child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let store = RaftStore::open(config(Path::new(&directory))).await.unwrap();
    let epoch = leader_of(&store).await;
    println!("epoch {}", epoch.term);
    for number in 0.. {
        let name = format!("{}-{number}", epoch.term);
        store.commit(epoch, &[record(&name, number)]).await.unwrap();
        println!("committed {name}");
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let (mut acknowledged, mut terms) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads", "1"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut commits = 0;
        for line in lines {
            // The harness writes the test's name in front of the first line.
            if let Some((_, term)) = line.split_once("epoch ") {
                terms.push(term.parse::<u64>().unwrap());
            }
            if let Some(name) = line.strip_prefix("committed ") {
                acknowledged.push(name.to_owned());
                commits += 1;
                if commits == COMMITS {
                    child.kill().unwrap();
                }
            }
        }
        assert!(commits >= COMMITS, "the child ended by itself after {commits}");
        child.wait().unwrap();
    }
    assert!(terms.is_sorted_by(|a, b| a < b), "a vote was forgotten: {terms:?}");

    let store = RaftStore::open(config(directory.path())).await.unwrap();
    let epoch = leader_of(&store).await;
    assert!(epoch.term > *terms.last().unwrap());
    let (_, image) = store.load().await.unwrap();
    for name in &acknowledged {
        assert!(value(&image, name).is_some(), "{name} was lost");
    }
    store.close().await;
}
