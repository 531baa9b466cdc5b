//! The tools of Apache Kafka 4.3 do their work on a cluster: exit status 0, no complaint, and the
//! output that they give on Apache Kafka.

use tests::{Cluster, eventually, kafka_tool, with_cluster};

/// Runs a tool that must do its work without complaint; its stdout.
fn tool(cluster: &Cluster, script: &str, words: &str) -> String {
    tool_with_input(cluster, script, words, "")
}

fn tool_with_input(cluster: &Cluster, script: &str, words: &str, input: &str) -> String {
    let finished = cluster.kafka_tool(script, words).input(input).run().success();
    let complaints = ["Exception", "ERROR", "WARN", "\tat "];
    assert!(
        !complaints.iter().any(|complaint| finished.to_string().contains(complaint)),
        "{finished}"
    );
    finished.stdout
}

/// Fails unless the text has each of these in it.
#[track_caller]
fn has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted:?} in:\n{text}");
    }
}

#[test]
fn kafka_topics_creates_describes_alters_and_deletes() {
    with_cluster(&[], |cluster| {
        let topics = |words: &str| tool(cluster, "kafka-topics", words);
        has(
            &topics(
                "--create --topic orders --partitions 3 --replication-factor 3 \
                 --config retention.ms=3600000",
            ),
            &["Created topic orders."],
        );
        topics("--create --topic defaults");
        assert_eq!(topics("--list"), "defaults\norders\n");
        let described = topics("--describe --topic orders");
        has(
            &described,
            &["PartitionCount: 3", "ReplicationFactor: 3", "retention.ms=3600000", "Isr: "],
        );
        assert_eq!(described.matches("Partition: ").count(), 3);
        has(&topics("--describe --topic defaults"), &["PartitionCount: 1", "ReplicationFactor: 3"]);
        assert_eq!(topics("--describe --under-replicated-partitions"), "");
        assert_eq!(topics("--describe --unavailable-partitions"), "");

        topics("--alter --topic orders --partitions 6");
        has(&topics("--describe --topic orders"), &["PartitionCount: 6"]);
        topics("--delete --topic orders");
        eventually("the topic is gone", || (topics("--list") == "defaults\n").then_some(()));

        for (words, reason) in [
            ("--create --topic defaults", "already exists"),
            ("--create --topic wide --replication-factor 4", "replication factor"),
            ("--create --topic bad/name", "name"),
            ("--alter --topic defaults --partitions 1", "partition"),
            ("--create --topic strange --config no.such.key=1", "no.such.key"),
        ] {
            let finished = cluster.kafka_tool("kafka-topics", words).run();
            assert_eq!(finished.status.code(), Some(1), "{finished}");
            let said = finished.to_string().to_lowercase();
            assert!(said.contains(reason), "{finished}");
        }
    });
}

#[test]
fn kafka_configs_changes_topics_and_brokers_while_they_run() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        let configs = |words: &str| tool(cluster, "kafka-configs", words);
        let topic = "--entity-type topics --entity-name orders";
        has(
            &configs(&format!(
                "{topic} --alter --add-config retention.ms=60000,max.message.bytes=2000000"
            )),
            &["Completed updating config for topic orders."],
        );
        let described = configs(&format!("{topic} --describe"));
        has(
            &described,
            &["retention.ms=60000", "max.message.bytes=2000000", "DYNAMIC_TOPIC_CONFIG"],
        );
        configs(&format!("{topic} --alter --delete-config retention.ms"));
        let described = configs(&format!("{topic} --describe"));
        assert!(!described.contains("retention.ms"), "{described}");
        has(
            &configs(&format!("{topic} --describe --all")),
            &["retention.ms=604800000", "cleanup.policy=delete", "DEFAULT_CONFIG"],
        );

        let broker = "--entity-type brokers --entity-name 1";
        configs(&format!("{broker} --alter --add-config log.cleaner.threads=2"));
        has(&configs(&format!("{broker} --describe")), &["log.cleaner.threads=2"]);
        configs(&format!("{broker} --alter --delete-config log.cleaner.threads"));
        let all = configs(&format!("{broker} --describe --all"));
        has(&all, &["log.cleaner.threads=1", "node.id=1", "STATIC_BROKER_CONFIG"]);

        let default = "--entity-type brokers --entity-default";
        configs(&format!("{default} --alter --add-config log.retention.ms=7200000"));
        has(&configs(&format!("{default} --describe")), &["log.retention.ms=7200000"]);
        has(&configs(&format!("{topic} --describe --all")), &["retention.ms=7200000"]);
        configs(&format!("{default} --alter --delete-config log.retention.ms"));
    });
}

#[test]
fn console_clients_and_kafka_consumer_groups_share_a_group() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        let lines: String = (0..20).map(|number| format!("k{number}:v{number}\n")).collect();
        tool_with_input(
            cluster,
            "kafka-console-producer",
            "--topic orders --reader-property parse.key=true --reader-property key.separator=:",
            &lines,
        );
        let read = tool(
            cluster,
            "kafka-console-consumer",
            "--topic orders --group billing --from-beginning --max-messages 20 \
             --formatter-property print.key=true --formatter-property key.separator=:",
        );
        assert_eq!(read, lines);

        let groups = |words: &str| tool(cluster, "kafka-consumer-groups", words);
        assert_eq!(groups("--list").trim(), "billing");
        let described = groups("--describe --group billing");
        let row: Vec<&str> = row(&described, "billing");
        assert_eq!(row[1..6], ["orders", "0", "20", "20", "0"], "{described}");
        has(&groups("--describe --group billing --state"), &["Empty"]);

        let reset = |to: &str| {
            groups(&format!("--reset-offsets --group billing --topic orders {to} --execute"))
        };
        assert_eq!(self::row(&reset("--to-earliest"), "billing")[3], "0");
        assert_eq!(self::row(&groups("--describe --group billing"), "billing")[5], "20");
        assert_eq!(self::row(&reset("--shift-by 5"), "billing")[3], "5");
        assert_eq!(self::row(&reset("--to-datetime 2020-01-01T00:00:00.000"), "billing")[3], "0");
        assert_eq!(self::row(&reset("--to-datetime 2200-01-01T00:00:00.000"), "billing")[3], "20");
        assert_eq!(self::row(&reset("--to-offset 7"), "billing")[3], "7");
        let read = tool(
            cluster,
            "kafka-console-consumer",
            "--topic orders --group billing --max-messages 13",
        );
        assert_eq!(read.lines().next(), Some("v7"));

        has(&tool(cluster, "kafka-groups", "--list"), &["billing", "Classic"]);
        has(&groups("--delete-offsets --group billing --topic orders"), &["Successful"]);
        has(&groups("--delete --group billing"), &["successful"]);
        assert_eq!(groups("--list").trim(), "");
    });
}

/// The fields of the first line of a table that begins with this word.
fn row<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.into_iter()
        .find(|fields| fields.first() == Some(&first))
        .unwrap_or_else(|| panic!("no row of {first} in:\n{table}"))
}

#[test]
fn offsets_are_found_and_records_deleted() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 2, &[]);
        let records =
            |prefix: &str| (0..10).map(|it| format!("{prefix}{it}\n")).collect::<String>();
        cluster.kcat("-P -t orders -p 0").input(records("a")).success();
        cluster.kcat("-P -t orders -p 1").input(records("b")).success();
        let offsets = |time: &str| {
            tool(cluster, "kafka-get-offsets", &format!("--topic orders --time {time}"))
        };
        assert_eq!(offsets("latest"), "orders:0:10\norders:1:10\n");
        assert_eq!(offsets("earliest"), "orders:0:0\norders:1:0\n");
        assert_eq!(offsets("1"), "orders:0:0\norders:1:0\n");
        assert_eq!(offsets("max-timestamp").lines().count(), 2);

        let file = cluster.folder().join("delete.json");
        let wanted = r#"{"partitions": [{"topic": "orders", "partition": 0, "offset": 4},
            {"topic": "orders", "partition": 1, "offset": -1}], "version": 1}"#;
        std::fs::write(&file, wanted).unwrap();
        let words = format!("--offset-json-file {}", file.display());
        has(
            &tool(cluster, "kafka-delete-records", &words),
            &["partition: orders-0\tlow_watermark: 4", "partition: orders-1\tlow_watermark: 10"],
        );
        assert_eq!(offsets("earliest"), "orders:0:4\norders:1:10\n");
        let left = cluster.kcat("-C -t orders -o beginning -e -q").success();
        assert_eq!(left, "a4\na5\na6\na7\na8\na9\n");
    });
}

#[test]
fn preferred_leaders_come_back_and_replicas_are_moved() {
    with_cluster(&["auto.leader.rebalance.enable=false"], |cluster| {
        cluster.create_topic("orders", 3, &[]);
        let preferred: Vec<i64> =
            (0..3).map(|partition| cluster.leader("orders", partition)).collect();
        cluster.json("restart broker 1");
        cluster.wait_until_in_sync();
        let displaced = preferred.iter().position(|leader| *leader == 1).unwrap();
        assert_ne!(cluster.leader("orders", displaced), 1, "broker 1 leads without an election");
        let elect = "--election-type preferred --all-topic-partitions";
        has(
            &tool(cluster, "kafka-leader-election", elect),
            &["Successfully completed leader election", &format!("orders-{displaced}")],
        );
        assert_eq!(cluster.leader("orders", displaced), 1);

        cluster.json("topics create narrow --partitions 1 --replication-factor 1");
        cluster.kcat("-P -t narrow").input("a\nb\nc\n").success();
        let from = cluster.leader("narrow", 0);
        let to = from % 3 + 1;
        let file = cluster.folder().join("move.json");
        let wanted = format!(
            r#"{{"version": 1, "partitions": [{{"topic": "narrow", "partition": 0, "replicas": [{to}]}}]}}"#
        );
        std::fs::write(&file, wanted).unwrap();
        let words = format!("--reassignment-json-file {}", file.display());
        has(
            &tool(cluster, "kafka-reassign-partitions", &format!("{words} --execute")),
            &["Successfully started partition reassignment for narrow-0"],
        );
        eventually("the replica has moved", || {
            let verified = tool(cluster, "kafka-reassign-partitions", &format!("{words} --verify"));
            verified.contains("is completed").then_some(())
        });
        assert_eq!(cluster.leader("narrow", 0), to);
        assert_eq!(cluster.kcat("-C -t narrow -o beginning -e -q").success(), "a\nb\nc\n");
    });
}

#[test]
fn load_generators_run_and_log_directories_are_described() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("load", 3, &[]);
        let measured = tool(
            cluster,
            "kafka-producer-perf-test",
            "--topic load --num-records 20000 --record-size 100 --throughput -1",
        );
        has(&measured, &["20000 records sent", "ms avg latency"]);

        cluster.create_topic("verified", 3, &[]);
        let produced = tool(
            cluster,
            "kafka-verifiable-producer",
            "--topic verified --max-messages 500 --acks -1",
        );
        has(&produced, &[r#""name":"shutdown_complete""#, r#""sent":500,"acked":500"#]);
        let mut consumer = cluster
            .kafka_tool(
                "kafka-verifiable-consumer",
                "--topic verified --group-id checks --max-messages 500",
            )
            .start();
        let mut consumed = 0;
        while consumed < 500 {
            let line = consumer
                .wait_for("consumed records", |line| line.contains(r#""name":"records_consumed""#));
            let event: serde_json::Value = serde_json::from_str(&line).unwrap();
            consumed += event["count"].as_i64().unwrap();
        }
        consumer.terminate();
        let (_, lines) = consumer.finish();
        assert_eq!(consumed, 500);
        assert!(
            lines.iter().any(|line| line.contains(r#""name":"offsets_committed""#)),
            "{lines:?}"
        );

        let described = tool(cluster, "kafka-log-dirs", "--describe --topic-list load,verified");
        let json = described.lines().find(|line| line.starts_with('{')).unwrap();
        let described: serde_json::Value = serde_json::from_str(json).unwrap();
        let brokers = described["brokers"].as_array().unwrap();
        assert_eq!(brokers.len(), 3);
        for broker in brokers {
            let directory = &broker["logDirs"][0];
            assert_eq!(directory["error"], serde_json::Value::Null);
            let partitions = directory["partitions"].as_array().unwrap();
            assert_eq!(partitions.len(), 6);
            let bytes: i64 = partitions.iter().map(|it| it["size"].as_i64().unwrap()).sum();
            assert!(bytes > 20_000 * 100, "{bytes} bytes");
        }
    });
}

#[test]
fn the_cluster_the_quorum_and_the_versions_are_described() {
    with_cluster(&[], |cluster| {
        let status = cluster.status();
        let quorum = tool(cluster, "kafka-metadata-quorum", "describe --status");
        let field = |name: &str| {
            let line = quorum.lines().find(|line| line.starts_with(name));
            line.unwrap_or_else(|| panic!("no {name} in:\n{quorum}"))
                .split_once(':')
                .unwrap()
                .1
                .trim()
        };
        assert_eq!(field("ClusterId"), status["cluster_id"].as_str().unwrap());
        assert_eq!(field("LeaderId"), status["controller"]["id"].to_string());
        for id in ["101", "102", "103"] {
            assert!(field("CurrentVoters").contains(id), "{quorum}");
        }
        let replication = tool(cluster, "kafka-metadata-quorum", "describe --replication");
        assert_eq!(replication.matches("Follower").count(), 2, "{replication}");
        assert_eq!(replication.matches("Leader").count(), 1, "{replication}");

        let id = kafka_tool(
            "kafka-cluster",
            &format!("cluster-id --bootstrap-server {}", cluster.bootstrap),
        )
        .success();
        assert_eq!(id.trim(), format!("Cluster ID: {}", status["cluster_id"].as_str().unwrap()));

        let versions = tool(cluster, "kafka-broker-api-versions", "");
        assert_eq!(versions.matches("-> (").count(), 3, "{versions}");
        has(&versions, &["Produce(0): ", "Fetch(1): ", "ApiVersions(18): "]);
        assert!(!versions.contains("UNKNOWN"), "{versions}");
    });
}
