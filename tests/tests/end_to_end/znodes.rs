//! What Janus leaves in ZooKeeper is what Apache Kafka 3.9 leaves there, and ZooKeeper's own client
//! can read it and remove `/controller`. This is about one mode, so it runs in that one only.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use tests::{
    Cluster, Ensemble, KafkaCluster, Known, Mode, Program, Tree, differences, eventually,
    kafka_tool, with_cluster_in,
};

/// Where the trees may differ, and why.
const DIFFERENCES: &str = include_str!("znode_differences.txt");

/// The broker that is killed.
const VICTIM: i64 = 3;

/// What is asked of both clusters, in this order; then the victim is killed and started again.
const COMMANDS: [(&str, &str); 9] = [
    ("kafka-topics", "--create --topic plain --partitions 3 --replication-factor 3"),
    (
        "kafka-topics",
        "--create --topic configured --partitions 2 --replication-factor 3 \
         --config retention.ms=3600000 --config cleanup.policy=compact",
    ),
    ("kafka-topics", "--create --topic placed --replica-assignment 1:2,2:1"),
    (
        "kafka-topics",
        "--create --topic removed --partitions 2 --replication-factor 3 --config retention.ms=1",
    ),
    ("kafka-topics", "--alter --topic plain --partitions 5"),
    ("kafka-topics", "--delete --topic removed"),
    (
        "kafka-configs",
        "--entity-type topics --entity-name placed --alter --add-config retention.ms=7200000",
    ),
    (
        "kafka-configs",
        "--entity-type brokers --entity-name 1 --alter --add-config log.cleaner.threads=2",
    ),
    (
        "kafka-configs",
        "--entity-type brokers --entity-default --alter --add-config log.retention.ms=7200000",
    ),
];

/// Runs the commands, and waits until what they began has ended.
fn command(bootstrap: &str, ensemble: &Ensemble) {
    for (script, words) in COMMANDS {
        kafka_tool(script, &format!("--bootstrap-server {bootstrap} {words}")).success();
    }
    // A producer that asks for an id, as producers do unless they are told otherwise.
    let words = format!("--bootstrap-server {bootstrap} --topic plain");
    kafka_tool("kafka-console-producer", &words).input("a\nb\n").success();
    tree_when(ensemble, "the topic is gone", |tree| {
        !tree.0.keys().any(|path| path.contains("/removed"))
    });
}

fn tree_when(ensemble: &Ensemble, what: &str, wanted: impl Fn(&Tree) -> bool) -> Tree {
    eventually(what, || Some(ensemble.tree()).filter(&wanted))
}

fn tree_without_victim(ensemble: &Ensemble) -> Tree {
    tree_when(ensemble, "the victim is out of every ISR", |tree| {
        !tree.has(&sign_of_life(VICTIM)) && tree.states().all(|(_, state)| !is_in(&state, VICTIM))
    })
}

fn tree_with_victim(ensemble: &Ensemble) -> Tree {
    tree_when(ensemble, "every replica is in sync", |tree| {
        let mut elsewhere = tree.states().filter(|(path, _)| !path.contains("/placed/"));
        tree.has(&sign_of_life(VICTIM)) && elsewhere.all(|(_, state)| is_in(&state, VICTIM))
    })
}

fn sign_of_life(broker: i64) -> String {
    format!("/brokers/ids/{broker}")
}

fn is_in(state: &Value, broker: i64) -> bool {
    state["isr"].as_array().unwrap().contains(&json!(broker))
}

/// The trees of Kafka: with one broker dead, and with all of them back.
fn trees_of_kafka() -> [Tree; 2] {
    // Long enough for servers that wait for a processor.
    let mut kafka = KafkaCluster::start(3, &["zookeeper.session.timeout.ms=6000"]);
    let ensemble = Ensemble::connect(&kafka.zookeeper_connect);
    command(&kafka.bootstrap, &ensemble);
    kafka.kill_broker(VICTIM);
    let dead = tree_without_victim(&ensemble);
    kafka.start_broker(VICTIM);
    [dead, tree_with_victim(&ensemble)]
}

/// The same of Janus.
fn trees_of_janus(cluster: &Cluster) -> [Tree; 2] {
    let ensemble = Ensemble::connect(&zookeeper_connect(cluster));
    command(&cluster.bootstrap, &ensemble);
    cluster.json(&format!("kill broker {VICTIM}"));
    let dead = tree_without_victim(&ensemble);
    cluster.json(&format!("start broker {VICTIM}"));
    [dead, tree_with_victim(&ensemble)]
}

fn zookeeper_connect(cluster: &Cluster) -> String {
    cluster.status()["zookeeper"]["connect"].as_str().unwrap().to_owned()
}

#[test]
fn the_znodes_are_those_of_apache_kafka() {
    with_cluster_in(Mode::ZooKeeper, &[], |cluster| {
        let (kafka, janus) = thread::scope(|scope| {
            let kafka = scope.spawn(trees_of_kafka);
            let janus = trees_of_janus(cluster);
            (kafka.join().unwrap(), janus)
        });
        for tree in &kafka {
            for path in [
                "/controller",
                "/brokers/topics/plain/partitions/4/state",
                "/config/topics/configured",
                "/config/brokers/1",
                "/config/brokers/<default>",
            ] {
                assert!(tree.has(path), "Kafka did not write {path}");
            }
        }
        let found: BTreeSet<_> = kafka
            .iter()
            .zip(&janus)
            .flat_map(|(kafka, janus)| differences(("Kafka", kafka), ("Janus", janus)))
            .collect();
        let known = Known::list(DIFFERENCES);
        let unknown: Vec<String> = found
            .iter()
            .filter(|difference| !known.iter().any(|it| it.covers(difference)))
            .map(ToString::to_string)
            .collect();
        let stale: Vec<&str> = known
            .iter()
            .filter(|it| !found.iter().any(|difference| it.covers(difference)))
            .map(|it| it.line.as_str())
            .collect();
        assert!(
            unknown.is_empty() && stale.is_empty(),
            "differences that are not listed:\n{}\nlisted, but not found:\n{}",
            unknown.join("\n"),
            stale.join("\n")
        );
    });
}

/// `zkCli.sh` of ZooKeeper itself with one command; everything that it prints.
fn zk_cli(cluster: &Cluster, command: &str) -> String {
    let finished = Program::new("/usr/share/zookeeper/bin/zkCli.sh")
        .argument("-server")
        .argument(zookeeper_connect(cluster))
        .words(command)
        .run()
        .success();
    finished.stdout
}

/// The JSON in what `get` prints.
fn get(cluster: &Cluster, path: &str) -> Value {
    let printed = zk_cli(cluster, &format!("get {path}"));
    let line = printed.lines().find(|line| line.starts_with('{'));
    let line = line.unwrap_or_else(|| panic!("no value of {path} in:\n{printed}"));
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{path}: {error} in:\n{printed}"))
}

#[test]
fn zookeepers_own_client_reads_the_cluster_and_makes_it_elect() {
    with_cluster_in(Mode::ZooKeeper, &[], |cluster| {
        cluster.create_topic("orders", 2, &[]);
        let status = cluster.status();
        let before = (&status["controller"]["id"], status["controller"]["epoch"].as_u64().unwrap());
        assert_eq!(&get(cluster, "/controller")["brokerid"], before.0);
        let broker = get(cluster, "/brokers/ids/1");
        let port = &status["brokers"][0]["port"];
        assert_eq!((&broker["host"], &broker["port"]), (&json!("127.0.0.1"), port));
        let topic = get(cluster, "/brokers/topics/orders");
        let partitions = topic["partitions"].as_object().unwrap();
        assert_eq!(partitions.len(), 2);
        for replicas in partitions.values() {
            let replicas: BTreeSet<i64> =
                replicas.as_array().unwrap().iter().filter_map(Value::as_i64).collect();
            assert_eq!(replicas, [1, 2, 3].into());
        }
        let listed = zk_cli(cluster, "ls /brokers/ids");
        assert!(listed.lines().any(|line| line == "[1, 2, 3]"), "{listed}");

        zk_cli(cluster, "delete /controller");
        let after = cluster.wait_for_status("somebody was elected", |status| {
            status["controller"]["epoch"].as_u64().is_some_and(|epoch| epoch > before.1)
        });
        cluster.create_topic("after", 1, &[]);
        let active = eventually("the znode of who was elected", || {
            let id = get(cluster, "/controller")["brokerid"].clone();
            Some(id).filter(|id| *id == cluster.status()["controller"]["id"])
        });
        assert_eq!(active, after["controller"]["id"]);
    });
}
