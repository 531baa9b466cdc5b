//! What scripts rely on: the documents of `janus ... -o json`, exit statuses, errors.

use serde_json::{Value, json};
use tests::{Cluster, with_cluster};

/// What a value of the contract's JSON must be.
type Kind = fn(&Value) -> bool;

/// Fails unless the document has these keys, each with a value of its type.
#[track_caller]
fn shaped(document: &Value, keys: &[(&str, Kind)]) {
    for (key, fits) in keys {
        let value = document.get(key).unwrap_or_else(|| panic!("no {key} in {document}"));
        assert!(fits(value), "{key} is {value} in {document}");
    }
}

fn running_pid(value: &Value) -> bool {
    value.as_i64().is_some_and(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists())
}

#[test]
fn status_says_how_the_cluster_is() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 4, &[]);
        let status = cluster.wait_until_in_sync();
        shaped(
            &status,
            &[
                ("cluster_id", Value::is_string),
                ("mode", |mode| mode == "raft" || mode == "zookeeper"),
                ("generation", |generation| generation == 1),
                ("bootstrap", Value::is_string),
                ("topics", |topics| topics == 1),
                ("partitions", |partitions| partitions == 4),
                ("under_replicated", |count| count == 0),
                ("offline", |count| count == 0),
            ],
        );
        assert_eq!(status["mode"], cluster.mode.to_string());
        assert_eq!(status["bootstrap"], cluster.bootstrap);
        shaped(&status["controller"], &[("id", Value::is_i64), ("epoch", Value::is_i64)]);
        let brokers = status["brokers"].as_array().unwrap();
        assert_eq!(brokers.len(), 3);
        for broker in brokers {
            shaped(
                broker,
                &[
                    ("id", Value::is_i64),
                    ("state", |state| state == "running"),
                    ("host", |host| host == "127.0.0.1"),
                    ("port", Value::is_u64),
                    ("pid", running_pid),
                    ("epoch", Value::is_i64),
                    ("leaders", Value::is_u64),
                    ("replicas", |replicas| replicas == 4),
                ],
            );
        }
        let leaders: i64 = brokers.iter().map(|broker| broker["leaders"].as_i64().unwrap()).sum();
        assert_eq!(leaders, 4);
        let controllers = status["controllers"].as_array().unwrap();
        assert_eq!(controllers.len(), 3);
        for controller in controllers {
            let active = controller["id"] == status["controller"]["id"];
            assert_eq!(controller["role"], if active { "active" } else { "standby" });
            shaped(controller, &[("endpoint", Value::is_string), ("pid", running_pid)]);
        }
        assert!(status.get("zookeeper").is_some());

        cluster.kill("broker 2");
        cluster.kill("controller 102");
        let status = cluster.wait_for_status("replicas are missing", |status| {
            status["under_replicated"] == 4 && status["offline"] == 0
        });
        assert_eq!(
            (&status["brokers"][1]["state"], &status["brokers"][1]["pid"]),
            (&json!("down"), &Value::Null)
        );
        assert_eq!(status["controllers"][1]["role"], "down");
        assert_eq!(status["controllers"][1]["pid"], Value::Null);
    });
}

#[test]
fn topics_records_groups_and_configuration_go_the_whole_way() {
    with_cluster(&[], |cluster| {
        topics(cluster);
        records(cluster);
        groups(cluster);
        configuration(cluster);
        let deleted = cluster.json("topics delete orders");
        assert_eq!(deleted, json!({"deleted": ["orders"]}));
        assert_eq!(cluster.json("topics list"), json!([]));
    });
}

fn topics(cluster: &Cluster) {
    let created = cluster.json(
        "topics create orders --partitions 2 --replication-factor 3 --config retention.ms=1000000",
    );
    assert_eq!(created["name"], "orders");
    assert_eq!((&created["partitions"], &created["replication_factor"]), (&json!(2), &json!(3)));
    assert_eq!(created["created"], true);
    let listed = cluster.json("topics list");
    assert_eq!(listed[0]["name"], "orders");
    assert_eq!((&listed[0]["partitions"], &listed[0]["id"]), (&json!(2), &created["id"]));
    cluster.json("topics alter orders --partitions 3");
    let described = &cluster.json("topics describe orders")[0];
    assert_eq!(described["configs"], json!({"retention.ms": "1000000"}));
    let partitions = described["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 3);
    for (number, partition) in partitions.iter().enumerate() {
        assert_eq!(partition["partition"], number);
        assert_eq!(partition["leader"], partition["replicas"][0]);
        assert_eq!(partition["replicas"].as_array().unwrap().len(), 3);
    }
}

fn records(cluster: &Cluster) {
    let lines = "a:1\nb:2\nc:3\nd:4\n";
    let produced = cluster
        .janus("produce orders --key-separator : --header from=test --partition 1 -o json")
        .input(lines)
        .success();
    let produced: Value = serde_json::from_str(&produced).unwrap();
    assert_eq!(produced["acknowledged"], 4);
    let read = cluster
        .janus("consume orders --from-beginning --max 4 --format")
        .argument("%k %v %p %o %h")
        .success();
    let expected = ["a 1", "b 2", "c 3", "d 4"].iter().enumerate();
    let expected: String =
        expected.map(|(offset, pair)| format!("{pair} 1 {offset} from=test\n")).collect();
    assert_eq!(read, expected);
    assert_eq!(cluster.janus("consume orders --partition 1 --offset 3 --max 1").success(), "4\n");
    let read = cluster.janus("consume orders --from-beginning --until-end -o json").success();
    let records: Vec<Value> =
        read.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 4);
    assert_eq!(
        (&records[0]["key"], &records[0]["value"], &records[0]["partition"], &records[0]["offset"]),
        (&json!("a"), &json!("1"), &json!(1), &json!(0))
    );
}

fn groups(cluster: &Cluster) {
    let read = cluster.janus("consume orders --group billing --from-beginning --max 3").success();
    assert_eq!(read, "1\n2\n3\n");
    let listed = cluster.json("groups list");
    assert_eq!((&listed[0]["group"], &listed[0]["state"]), (&json!("billing"), &json!("Empty")));
    let described = cluster.json("groups describe billing");
    assert_eq!((&described["lag"], &described["members"]), (&json!(1), &json!([])));
    let of_one = described["offsets"].as_array().unwrap();
    let of_one = of_one.iter().find(|offset| offset["partition"] == 1).unwrap();
    assert_eq!((&of_one["committed"], &of_one["end"]), (&json!(3), &json!(4)));
    cluster.json("groups reset-offsets billing --topic orders --to earliest");
    assert_eq!(cluster.json("groups describe billing")["lag"], 4);
    assert_eq!(cluster.json("groups delete billing"), json!({"deleted": ["billing"]}));
    assert_eq!(cluster.json("groups list"), json!([]));
}

fn configuration(cluster: &Cluster) {
    cluster.json("config set topic orders max.message.bytes=2000000");
    let value = cluster.json("config get topic orders max.message.bytes");
    assert_eq!((&value[0]["value"], &value[0]["source"]), (&json!("2000000"), &json!("topic")));
    cluster.json("config unset topic orders max.message.bytes");
    let value = cluster.json("config get topic orders max.message.bytes --all");
    assert_eq!((&value[0]["value"], &value[0]["source"]), (&json!("1048588"), &json!("default")));
    let explained = cluster.json("config explain min.insync.replicas");
    assert!(explained.to_string().contains("min.insync.replicas"), "{explained}");
}

#[test]
fn what_cannot_be_done_says_what_where_and_what_to_do() {
    with_cluster(&[], |cluster| {
        cluster.json("topics create orders --partitions 1");
        for (words, status, reasons) in [
            ("topics create orders", 1, ["orders", "exist"]),
            ("topics create wide --replication-factor 9", 1, ["wide", "eplication"]),
            ("topics create strange --config no.such.key=1", 1, ["strange", "no.such.key"]),
            ("topics describe missing", 1, ["missing", "UNKNOWN_TOPIC_OR_PARTITION"]),
            ("topics alter orders --partitions 1", 1, ["orders", "partition"]),
            ("topics alter orders", 2, ["--partitions", "--config"]),
            ("consume missing --until-end", 1, ["missing", "UNKNOWN_TOPIC_OR_PARTITION"]),
            ("consume orders --partition 7 --until-end", 1, ["orders", "7"]),
            ("groups describe missing", 1, ["missing", "group"]),
            ("config set topic orders retention.ms=soon", 1, ["retention.ms", "soon"]),
            ("config set broker one a=b", 2, ["one", "default"]),
            ("kill broker 7", 1, ["broker 7", "broker 1"]),
            ("start broker 1 --nowait", 2, ["--nowait", "--no-wait"]),
        ] {
            let error = cluster.janus(words).run().failure(status);
            for reason in reasons {
                assert!(error.contains(reason), "janus {words}: no {reason:?} in: {error}");
            }
            assert!(!error.contains("panicked"), "{error}");
        }
        let nobody = tests::janus("topics list --bootstrap 127.0.0.1:1").run().failure(1);
        assert!(nobody.contains("127.0.0.1:1"), "{nobody}");
    });
}
