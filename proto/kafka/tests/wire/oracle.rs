//! Kafka's own Java classes read and write the same bytes, refuse the same values, and have the
//! same defaults, names, error codes and header versions.
//!
//! Each test asks `tests/oracle/Oracle.java` all of its questions in one run of the Java machine.
//! The jars are those of a Kafka 4.3 distribution, in the folder that `KAFKA_CLIENTS_LIBS` names.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use bytes::Bytes;
use kafka::messages::HeartbeatRequest;
use kafka::{
    ApiKey, Encoder, ErrorCode, Message as _, SERVED, Str, encode_request, response_header_version,
    unsupported_api_versions,
};

use crate::codecs::{self, Codec, Outcome};
use crate::sample::{fixed_randomness, sample};

/// One answer for each question.
fn ask(questions: &[String]) -> Vec<String> {
    let libs = std::env::var_os("KAFKA_CLIENTS_LIBS").map(PathBuf::from).unwrap_or_else(|| {
        let home = std::env::var_os("HOME").expect("HOME is set");
        PathBuf::from(home).join(".cache/janus/kafka-4.3.0/libs")
    });
    let jar = libs.join("kafka-clients-4.3.0.jar");
    assert!(
        jar.exists(),
        "{} is missing: this test compares with Kafka's own classes. Unpack kafka_2.13-4.3.0.tgz \
         from https://kafka.apache.org and set KAFKA_CLIENTS_LIBS to its folder libs.",
        jar.display()
    );
    let oracle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/Oracle.java");
    let mut java = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-cp"])
        .arg(libs.join("*"))
        .arg(oracle)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("java 17 or newer is installed");
    let mut stdin = java.stdin.take().unwrap();
    let text = questions.join("\n") + "\n";
    // Answers fill the pipe while questions are still being written.
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = java.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let answers: Vec<_> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::from("="), |text, byte| format!("{text}{byte:02x}"))
}

/// Compares what both sides make of the same bytes, which both must be able to read.
fn compare(cases: &[(&Codec, i16, i16, Option<Bytes>)]) {
    let questions: Vec<_> = cases
        .iter()
        .map(|(codec, from, to, bytes)| {
            let bytes = bytes.as_deref().map_or("default".to_owned(), hex);
            format!("recode {} {from} {to} {bytes}", codec.schema.name)
        })
        .collect();
    let answers = ask(&questions);
    for ((case, question), answer) in cases.iter().zip(&questions).zip(&answers) {
        let (codec, from, to, bytes) = case;
        match (codec.recode)(bytes.as_ref(), *from, *to) {
            Outcome::Written(written) => assert_eq!(&hex(&written), answer, "{question}"),
            Outcome::Unwritable(error) => {
                assert!(answer.starts_with("error"), "{question}: {error}, but Kafka: {answer}");
            }
            Outcome::Unreadable(error) => panic!("{question}: {error}"),
        }
    }
}

#[test]
fn java_reads_and_writes_the_same_bytes() {
    let codecs = codecs::all();
    let mut cases = Vec::new();
    for randomness in fixed_randomness(8) {
        for codec in &codecs {
            for version in codec.schema.versions.min..=codec.schema.versions.max {
                let bytes = sample(&codec.schema, version, &randomness).bytes;
                cases.push((codec, version, version, Some(bytes)));
            }
        }
    }
    compare(&cases);
}

/// Shows the defaults of fields that a version lacks, and which of them may be dropped.
#[test]
fn java_carries_values_between_versions_alike() {
    let codecs = codecs::all();
    let mut cases = Vec::new();
    for randomness in fixed_randomness(2) {
        for codec in &codecs {
            let versions = codec.schema.versions;
            for from in versions.min..=versions.max {
                let bytes = sample(&codec.schema, from, &randomness).bytes;
                for to in (versions.min..=versions.max).filter(|&to| to != from) {
                    cases.push((codec, from, to, Some(bytes.clone())));
                }
            }
        }
    }
    compare(&cases);
}

#[test]
fn java_has_the_same_defaults() {
    let codecs = codecs::all();
    let mut cases = Vec::new();
    for codec in &codecs {
        for version in codec.schema.versions.min..=codec.schema.versions.max {
            cases.push((codec, version, version, None));
        }
    }
    compare(&cases);
}

#[test]
fn java_has_the_same_tables() {
    let questions = ["errors", "apis", "header-versions"].map(str::to_owned);
    let [errors, apis, header_versions] = ask(&questions).try_into().unwrap();

    let ours = ErrorCode::ALL.iter().map(|error| {
        assert_eq!(ErrorCode::from(error.code()), *error);
        assert!(error.message().ends_with('.'));
        format!("{}:{error}:{}", error.code(), error.retriable())
    });
    assert_eq!(ours.collect::<Vec<_>>(), errors.split(' ').collect::<Vec<_>>());

    let apis: Vec<Vec<&str>> = apis.split(' ').map(|api| api.split(':').collect()).collect();
    let ours: Vec<_> = ApiKey::ALL.iter().map(|key| (key.code().to_string(), key.name())).collect();
    let theirs: Vec<_> = apis.iter().map(|api| (api[0].to_owned(), api[1])).collect();
    assert_eq!(ours, theirs);
    for served in SERVED {
        let api = apis.iter().find(|api| api[1] == served.key.name()).unwrap();
        let all = [served.min.to_string(), served.max.to_string()];
        assert_eq!(all, api[2..], "{} is served as Kafka serves it", served.key);
    }

    for line in header_versions.split(' ') {
        let numbers: Vec<i16> = line.split(':').map(|number| number.parse().unwrap()).collect();
        let (key, version) = (ApiKey::try_from(numbers[0]).unwrap(), numbers[1]);
        let request = if version >= key.flexible_from() { 2 } else { 1 };
        assert_eq!(request, numbers[2], "request header of {key} {version}");
        assert_eq!(
            response_header_version(key, version),
            numbers[3],
            "response of {key} {version}"
        );
    }
}

#[test]
fn java_reads_our_headers_and_fallback() {
    let request = HeartbeatRequest { group_id: Str::from("g"), ..Default::default() };
    let client_id = Some(Str::from("janus-é"));
    let mut questions = vec!["unsupported-api-versions".to_owned()];
    for version in [3, 4] {
        let frame = encode_request(-7, client_id.clone(), &request, version).unwrap().to_bytes();
        questions.push(format!("header {}", hex(&frame[4..])));
    }
    let answers = ask(&questions);

    // Length, correlation id and body; the header has no tagged fields.
    let fallback = unsupported_api_versions(5).unwrap().to_bytes();
    assert_eq!(fallback[..8], [0, 0, 0, fallback.len() as u8 - 4, 0, 0, 0, 5]);
    assert_eq!(hex(&fallback[8..]), answers[0]);

    for (version, answer) in [3, 4].into_iter().zip(&answers[1..]) {
        let (header, body) = answer.rsplit_once(' ').unwrap();
        assert_eq!(header, format!("12 {version} -7 janus-é"));
        let mut e = Encoder::new();
        request.encode(&mut e, version).unwrap();
        assert_eq!(body, hex(&e.finish().to_bytes()));
    }
}
