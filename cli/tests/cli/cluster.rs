//! A cluster from its making to its removal.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::Folder;

/// Whether a process still runs. Zombies of other parents do not count.
fn runs(pid: &Value) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn pids(status: &Value) -> Vec<Value> {
    let servers = ["brokers", "controllers"].map(|kind| status[kind].as_array().unwrap().clone());
    servers.concat().iter().map(|server| server["pid"].clone()).collect()
}

fn states(status: &Value) -> Vec<&str> {
    status["brokers"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect()
}

#[test]
fn a_cluster_is_made_used_broken_mended_and_removed() {
    let folder = Folder::new();
    let up = folder.json("up --detach --port 0");
    assert_eq!(up["mode"], "raft");
    assert_eq!(up["created"], true);
    let status = folder.json("status");
    assert_eq!(status["bootstrap"], up["bootstrap"]);
    assert_eq!(status["cluster_id"], up["cluster_id"]);
    assert_eq!(states(&status), ["running"; 3]);
    assert_eq!(status["generation"], 1);
    assert_eq!(status["zookeeper"], Value::Null);
    let active = &status["controller"]["id"];
    let roles =
        status["controllers"].as_array().unwrap().iter().filter(|it| it["role"] == "active");
    assert_eq!(roles.map(|it| &it["id"]).collect::<Vec<_>>(), [active]);
    let old_pids = pids(&status);
    assert!(old_pids.iter().all(runs));

    let bootstrap = up["bootstrap"].as_str().unwrap();
    let secret = folder.data().join("secret");
    let line = format!("status --bootstrap {bootstrap} --secret-file {}", secret.display());
    let elsewhere = folder.json(&line);
    for key in ["cluster_id", "mode", "generation", "controller", "bootstrap"] {
        assert_eq!(elsewhere[key], status[key], "{key}");
    }
    assert_eq!(elsewhere["brokers"][0]["epoch"], status["brokers"][0]["epoch"]);
    assert_eq!(elsewhere["brokers"][0]["pid"], Value::Null);

    let topic = folder.json("topics create orders --partitions 6");
    assert_eq!((&topic["partitions"], &topic["replication_factor"]), (&json!(6), &json!(3)));
    let lines: String = (0..100).map(|number| format!("k{number}:v{number}\n")).collect();
    let produced = folder.pipe("produce orders --key-separator : -o json", &lines);
    assert_eq!(serde_json::from_str::<Value>(&produced).unwrap()["acknowledged"], 100);

    let killed = folder.json("kill leader orders 0")["servers"][0].clone();
    assert_eq!(killed["role"], "broker");
    let id = killed["id"].as_i64().unwrap();
    let status = folder.wait_for_status(|status| status["offline"] == 0);
    let broker = &status["brokers"][id as usize - 1];
    assert_eq!((&broker["state"], &broker["pid"]), (&json!("down"), &Value::Null));
    assert!(
        folder.fail(&format!("kill broker {id}"), 1).contains(&format!("janus start broker {id}"))
    );

    folder.run(&format!("start broker {id}"));
    let status = folder.wait_for_status(|status| status["under_replicated"] == 0);
    assert_eq!(states(&status), ["running"; 3]);

    folder.run("down");
    assert!(!pids(&status).iter().any(runs), "down leaves a process");
    let status = folder.json("status");
    assert_eq!(states(&status), ["down"; 3]);
    assert_eq!(status["controller"], Value::Null);

    let again = folder.json("up --detach");
    assert_eq!((&again["cluster_id"], &again["created"]), (&up["cluster_id"], &json!(false)));
    assert_eq!(again["bootstrap"], up["bootstrap"]);
    let records = folder.run("consume orders --from-beginning --max 100");
    let mut values: Vec<&str> = records.lines().collect();
    values.sort_unstable();
    values.dedup();
    assert_eq!(values.len(), 100);
    assert!(folder.fail("up --detach --brokers 5", 2).contains("3 brokers"));

    let running = pids(&folder.json("status"));
    folder.run("down --wipe --yes");
    assert!(!running.iter().any(runs), "down leaves a process");
    assert!(!folder.data().exists());
}

#[test]
fn servers_are_paused_resumed_stopped_and_restarted() {
    let folder = Folder::new();
    folder.run("up --detach --port 0");
    folder.run("topics create orders --partitions 3");

    folder.run("pause controller active");
    let paused = folder.wait_for_status(|status| status["controller"] != Value::Null);
    folder.run("resume all");
    let resumed = folder.wait_for_status(|status| status["controller"] != Value::Null);
    assert_eq!(paused["controller"]["id"], resumed["controller"]["id"]);

    folder.run("stop broker 2");
    let status = folder.wait_for_status(|status| status["brokers"][1]["leaders"] == 0);
    assert_eq!(status["brokers"][1]["state"], "down");
    assert_eq!(status["offline"], 0);
    folder.run("start broker 2");

    let before = pids(&folder.json("status"));
    folder.run("restart all");
    let after = folder.wait_for_status(|status| status["under_replicated"] == 0);
    assert_eq!(states(&after), ["running"; 3]);
    assert!(pids(&after).iter().all(|pid| !before.contains(pid)));
    assert!(folder.run("logs broker 1").contains("listening"));
}

#[test]
fn without_detach_it_stays_and_ctrl_c_stops_everything() {
    let folder = Folder::new();
    let mut command = folder.command("up --port 0 --brokers 1 --controllers 1 -o json");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["started"], json!(["controller 101", "broker 1"]));
    let status = folder.json("status");
    assert_eq!(states(&status), ["running"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!pids(&status).iter().any(runs), "Ctrl-C leaves a process");
}

#[test]
fn settings_that_do_not_fit_together_are_refused_before_anything_starts() {
    let folder = Folder::new();
    let small = "--detach --port 0 --brokers 1 --controllers 1";
    let error = folder.fail(&format!("up {small} --set broker.session.timeout.ms=100"), 2);
    assert!(error.contains("broker.heartbeat.interval.ms"), "{error}");
    assert!(!folder.data().join("cluster.json").exists());
}

#[test]
fn a_server_that_does_not_start_shows_its_log_and_the_others_are_stopped() {
    let folder = Folder::new();
    folder.run("up --detach --port 0 --brokers 1 --controllers 1");
    folder.run("down");
    std::fs::remove_file(folder.data().join("broker-1/data/meta.properties")).unwrap();
    let error = folder.fail("up --detach", 1);
    assert!(error.contains("broker 1 ended"), "{error}");
    assert!(error.contains("not formatted"), "{error}");
    let status = folder.json("status");
    assert_eq!(states(&status), ["down"]);
    assert_eq!(status["controllers"][0]["role"], "down");
}

#[test]
fn two_clusters_do_not_meet() {
    let one = Folder::new();
    let two = Folder::beside(&one);
    let small = "--brokers 1 --controllers 1 --detach";
    let first = one.json(&format!("up --port 0 {small}"))["bootstrap"].clone();
    let port = first.as_str().unwrap().rsplit(':').next().unwrap();
    let output = two.command(&format!("up --port {port} {small} -o json")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("are taken"), "{stderr}");
    let second: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(first, second["bootstrap"]);
    one.run("topics create only-here");
    assert_eq!(two.json("topics list"), json!([]));
}
