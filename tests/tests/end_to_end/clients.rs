//! Clients in use today work unchanged: librdkafka in kcat and in Python, kafka-python, Java.

use tests::{Cluster, with_cluster};

const CODECS: [&str; 4] = ["gzip", "snappy", "lz4", "zstd"];

#[test]
fn kcat_produces_consumes_lists_queries_and_joins_a_group() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 2, &[]);
        let lines: String = (0..1000).map(|number| format!("k{number}:v{number}\n")).collect();
        cluster
            .kcat("-P -t orders -p 0 -K : -X acks=all -X enable.idempotence=true -H from=kcat")
            .input(lines.clone())
            .success();
        let read = cluster.kcat("-C -t orders -p 0 -o beginning -e -q -K :").success();
        assert_eq!(read, lines);
        let last =
            cluster.kcat("-C -t orders -p 0 -o -1 -e -q").argument("-f").argument("%o %h %s");
        assert_eq!(last.success(), "999 from=kcat v999");

        let metadata = cluster.kcat("-L -J").success();
        let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
        assert_eq!(metadata["brokers"].as_array().unwrap().len(), 3);
        let topic = &metadata["topics"][0];
        assert_eq!((topic["topic"].as_str(), topic["error"].as_str()), (Some("orders"), None));
        for partition in topic["partitions"].as_array().unwrap() {
            assert_eq!(partition["isrs"].as_array().unwrap().len(), 3, "{topic}");
        }

        assert_eq!(cluster.kcat("-Q -t orders:0:0").success().trim(), "orders [0] offset 0");
        let future = cluster.kcat("-Q -t orders:0:7000000000000").success();
        assert_eq!(future.trim(), "orders [0] offset -1");

        let group = "-G readers -X auto.offset.reset=earliest -e -q orders";
        assert_eq!(cluster.kcat(group).success().lines().count(), 1000);
        cluster.kcat("-P -t orders -p 1").input("one more\n").success();
        assert_eq!(cluster.kcat(group).success(), "one more\n");
    });
}

#[test]
fn a_topic_is_made_by_its_first_record() {
    with_cluster(&[], |cluster| {
        cluster.kcat("-P -t fresh").input("first\n").success();
        assert_eq!(cluster.kcat("-C -t fresh -o beginning -e -q").success(), "first\n");
    });
    with_cluster(&["auto.create.topics.enable=false"], |cluster| {
        let refused = cluster
            .kcat("-P -t fresh -X topic.metadata.propagation.max.ms=1000")
            .input("first\n")
            .run();
        assert_eq!(refused.status.code(), Some(1), "{refused}");
        assert_eq!(cluster.status()["topics"], 0);
    });
}

#[test]
fn confluent_kafka_administers() {
    with_cluster(&[], |cluster| {
        assert_eq!(cluster.python("confluent_admin.py", "").success(), "done\n");
    });
}

#[test]
fn partitions_move_between_cooperative_members_one_by_one() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 4, &[]);
        assert_eq!(cluster.python("confluent_group.py", "orders").success(), "done\n");
    });
}

#[test]
fn kafka_python_administers_produces_and_consumes() {
    with_cluster(&[], |cluster| {
        assert_eq!(cluster.python("kafka_python_client.py", "").success(), "done\n");
    });
}

#[test]
fn every_client_reads_what_every_client_compressed() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("packed", 1, &[]);
        let mut expected = String::new();
        for producer in ["kcat", "confluent", "kafka-python", "java"] {
            for codec in CODECS {
                let value = format!("{producer} {codec} {}", "to be compressed ".repeat(10));
                let lines: String = (0..5).map(|number| format!("{value}{number}\n")).collect();
                produce_compressed(cluster, producer, codec, &lines);
                expected.push_str(&lines);
            }
        }
        let count = expected.lines().count();
        let python = |client| format!("{client} consume packed {count}");
        for (reader, read) in [
            ("kcat", cluster.kcat("-C -t packed -o beginning -e -q")),
            ("confluent", cluster.python("compressed.py", &python("confluent"))),
            ("kafka-python", cluster.python("compressed.py", &python("kafka-python"))),
            (
                "java",
                cluster.kafka_tool(
                    "kafka-console-consumer",
                    &format!("--topic packed --from-beginning --max-messages {count}"),
                ),
            ),
        ] {
            assert_eq!(read.success(), expected, "read by {reader}");
        }

        // The batches lie in the log as their producers made them.
        let broker = cluster.leader("packed", 0);
        let segment = cluster.log_dir(broker).join("packed-0/00000000000000000000.log");
        let dumped = tests::kafka_tool("kafka-dump-log", "--files").argument(segment).success();
        for codec in CODECS {
            let batches = dumped.matches(&format!("compresscodec: {codec} ")).count();
            assert!(batches >= 4, "{batches} batches of {codec} in\n{dumped}");
        }
    });
}

fn produce_compressed(cluster: &Cluster, producer: &str, codec: &str, lines: &str) {
    match producer {
        "kcat" => cluster.kcat(&format!("-P -t packed -z {codec} -X linger.ms=100")).input(lines),
        "java" => cluster
            .kafka_tool(
                "kafka-console-producer",
                &format!("--topic packed --compression-codec {codec} --timeout 100"),
            )
            .input(lines),
        client => {
            let file = cluster.folder().join("lines");
            std::fs::write(&file, lines).unwrap();
            let words = format!("{client} produce packed {codec} {}", file.display());
            cluster.python("compressed.py", &words)
        }
    }
    .success();
}
