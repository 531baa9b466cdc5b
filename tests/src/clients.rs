//! The clients of other people: kcat, the tools of Apache Kafka, Python.

use std::path::PathBuf;

use crate::Program;

/// The classes behind the scripts in the `bin` folder of Apache Kafka.
const TOOLS: [(&str, &str); 18] = [
    ("kafka-broker-api-versions", "org.apache.kafka.tools.BrokerApiVersionsCommand"),
    ("kafka-cluster", "org.apache.kafka.tools.ClusterTool"),
    ("kafka-configs", "kafka.admin.ConfigCommand"),
    ("kafka-console-consumer", "org.apache.kafka.tools.consumer.ConsoleConsumer"),
    ("kafka-console-producer", "org.apache.kafka.tools.ConsoleProducer"),
    ("kafka-consumer-groups", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"),
    ("kafka-delete-records", "org.apache.kafka.tools.DeleteRecordsCommand"),
    ("kafka-dump-log", "org.apache.kafka.tools.DumpLogSegments"),
    ("kafka-get-offsets", "org.apache.kafka.tools.GetOffsetShell"),
    ("kafka-groups", "org.apache.kafka.tools.GroupsCommand"),
    ("kafka-leader-election", "org.apache.kafka.tools.LeaderElectionCommand"),
    ("kafka-log-dirs", "org.apache.kafka.tools.LogDirsCommand"),
    ("kafka-metadata-quorum", "org.apache.kafka.tools.MetadataQuorumCommand"),
    ("kafka-producer-perf-test", "org.apache.kafka.tools.ProducerPerformance"),
    ("kafka-reassign-partitions", "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"),
    ("kafka-topics", "org.apache.kafka.tools.TopicCommand"),
    ("kafka-verifiable-consumer", "org.apache.kafka.tools.VerifiableConsumer"),
    ("kafka-verifiable-producer", "org.apache.kafka.tools.VerifiableProducer"),
];

/// `kcat WORDS` (librdkafka).
pub fn kcat(words: &str) -> Program {
    Program::new("kcat").words(words)
}

/// A tool of Apache Kafka by the name of its script, from the jars in `KAFKA_CLIENTS_LIBS`.
pub fn kafka_tool(script: &str, words: &str) -> Program {
    let (_, class) = TOOLS
        .iter()
        .find(|(name, _)| *name == script)
        .unwrap_or_else(|| panic!("{script} is no tool of Apache Kafka"));
    let libs = path_of("KAFKA_CLIENTS_LIBS", "kafka-4.3.0/libs");
    assert!(libs.is_dir(), "no jars of Apache Kafka in {}; run `make tools-test`", libs.display());
    // Made by `make tools-test`. Java goes on without it, and is not to talk about that in between.
    let classes = libs.with_file_name("classes.jsa");
    Program::new("java")
        // A tool runs for a second: compiling it well would take longer than it runs.
        .words("-Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xlog:disable -Xshare:auto")
        .argument(format!("-XX:SharedArchiveFile={}", classes.display()))
        .words("-cp")
        .argument(libs.join("*"))
        .words(class)
        .words(words)
}

/// A script of `tests/python`, with the Python of `JANUS_PYTHON`.
pub fn python(script: &str, words: &str) -> Program {
    let python = path_of("JANUS_PYTHON", "python/bin/python");
    assert!(python.is_file(), "no Python in {}; run `make tools-test`", python.display());
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("python");
    // Without -u what a script says would come only at its end; -B leaves no files in the clone.
    Program::new(python).words("-u -B").argument(folder.join(script)).words(words)
}

/// The path in a variable of the environment, else the one where `make tools-test` puts it.
pub(crate) fn path_of(variable: &str, default: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => path.into(),
        None => {
            let home = std::env::var_os("HOME").expect("a user has a HOME");
            PathBuf::from(home).join(".cache/janus").join(default)
        }
    }
}
