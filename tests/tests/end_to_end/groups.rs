//! Consumer groups outlive their coordinators, their members and the whole cluster.

use std::time::Instant;

use serde_json::Value;
use tests::{Background, Cluster, eventually, report, with_cluster};

fn numbers(from: usize, to: usize) -> String {
    (from..to).map(|number| format!("{number}\n")).collect()
}

fn produce(cluster: &Cluster, partition: i32, from: usize, to: usize) {
    let words = format!("-P -t orders -p {partition} -X acks=all -X enable.idempotence=true");
    cluster.kcat(&words).input(numbers(from, to)).success();
}

fn wait_for_commit(reader: &mut Background, partition: i32, offset: usize) {
    let line = format!("committed {partition} {offset}");
    reader.wait_for(&line, |it| it == line);
}

/// The values that a reader printed so far.
fn values(said: &str) -> Vec<usize> {
    let values = said.lines().filter_map(|line| line.strip_prefix("read ")?.split(' ').nth(2));
    values.map(|value| value.parse().unwrap()).collect()
}

fn describe(cluster: &Cluster, group: &str) -> Value {
    cluster.json(&format!("groups describe {group}"))
}

#[test]
fn a_group_goes_on_when_its_coordinator_is_killed() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        produce(cluster, 0, 0, 50);
        let mut first = cluster.python("reader.py", "orders billing").start();
        wait_for_commit(&mut first, 0, 50);
        let coordinator = describe(cluster, "billing")["coordinator"].as_i64().unwrap();
        let begin = Instant::now();
        assert_eq!(cluster.kill(&format!("broker {coordinator}")), coordinator);
        produce(cluster, 0, 50, 100);
        wait_for_commit(&mut first, 0, 100);
        report(format!(
            "  a commit after the coordinator's death: {} ms",
            begin.elapsed().as_millis()
        ));
        let after = describe(cluster, "billing");
        assert_ne!(after["coordinator"], coordinator);
        assert_eq!(after["offsets"][0]["committed"], 100);
        let read = values(&first.said());
        assert_eq!(read, (0..100).collect::<Vec<_>>(), "{}", first.said());

        // The member dies without a word; its successor waits for its session, then goes on.
        first.kill();
        produce(cluster, 0, 100, 120);
        let mut second = cluster.python("reader.py", "orders billing").start();
        wait_for_commit(&mut second, 0, 120);
        assert_eq!(values(&second.said()), (100..120).collect::<Vec<_>>());
        cluster.json(&format!("start broker {coordinator}"));
        cluster.wait_until_in_sync();
        second.terminate();
        assert!(second.finish().0.success());
    });
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 2, &[]);
        let start = |instance: &str| {
            cluster.python("reader.py", &format!("orders fixed {instance}")).start()
        };
        let mut one = start("one");
        one.wait_for("an assignment", |line| line == "assigned 0,1");
        let mut two = start("two");
        let of_two = two.wait_for("an assignment", |line| line.starts_with("assigned "));
        one.wait_for("a smaller assignment", |line| line == "assigned 0" || line == "assigned 1");

        // It goes without leaving the group, as static members do, and comes back in time.
        two.terminate();
        assert!(two.finish().0.success());
        let mut two = start("two");
        assert_eq!(two.wait_for("an assignment", |line| line.starts_with("assigned ")), of_two);
        let partition = of_two.trim_start_matches("assigned ").parse().unwrap();
        produce(cluster, partition, 0, 10);
        produce(cluster, 1 - partition, 10, 20);
        wait_for_commit(&mut two, partition, 10);
        wait_for_commit(&mut one, 1 - partition, 10);
        let assignments = one.said().matches("assigned").count();
        assert_eq!(assignments, 2, "the other member saw a rebalance:\n{}", one.said());

        let members = cluster
            .kafka_tool("kafka-consumer-groups", "--describe --group fixed --members --verbose")
            .success();
        for instance in ["one", "two"] {
            assert!(members.split_whitespace().any(|word| word == instance), "{members}");
        }
        let refused = cluster.janus("groups delete fixed").run().failure(1);
        assert!(refused.contains("NON_EMPTY_GROUP") || refused.contains("members"), "{refused}");
    });
}

#[test]
fn offsets_survive_a_restart_of_all_and_end_with_their_group() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 2, &[]);
        produce(cluster, 0, 0, 30);
        produce(cluster, 1, 30, 50);
        let mut reader = cluster.python("reader.py", "orders billing").start();
        wait_for_commit(&mut reader, 0, 30);
        // The other partition may be done already: its line may lie behind or ahead.
        eventually("everything is committed", || {
            (describe(cluster, "billing")["lag"] == 0).then_some(())
        });
        reader.terminate();
        assert!(reader.finish().0.success());

        cluster.json("down");
        cluster.json("up --detach");
        let after = describe(cluster, "billing");
        let committed: Vec<i64> = after["offsets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|offset| offset["committed"].as_i64().unwrap())
            .collect();
        assert_eq!(committed, [30, 20], "{after}");
        assert_eq!(after["state"], "Empty");

        cluster.json("groups delete billing");
        assert_eq!(cluster.json("groups list"), serde_json::json!([]));
        cluster.json("restart all");
        cluster.wait_until_in_sync();
        assert_eq!(cluster.json("groups list"), serde_json::json!([]), "a deleted group is back");
    });
}
