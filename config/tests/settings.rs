//! Loading a server's file: precedence, and errors that say where and what to do.

use config::{Scope, Settings, Source, Usage, server_keys, topic_keys};

fn errors(text: &str, overrides: &[&str]) -> String {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    Settings::from_text(text, "server.properties", &overrides).unwrap_err().to_string()
}

fn load(text: &str, overrides: &[&str], environment: &[(&str, &str)]) -> Settings {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    let environment = environment.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    Settings::load(file.path(), &overrides, environment).unwrap()
}

#[test]
fn an_override_beats_the_environment_and_that_beats_the_file() {
    let text = "# ours\nnode.id=1\nlog.dirs=/a, /b\nnum.partitions=2\nmin.insync.replicas=2";
    let environment = [
        ("KAFKA_NUM_PARTITIONS", "3"),
        ("KAFKA_CFG_NUM_PARTITIONS", "9"),
        ("KAFKA_CFG_MIN_INSYNC_REPLICAS", "3"),
        ("KAFKA_BROKER_RACK", "a=b"),
        ("KAFKA_HEAP_OPTS", "-Xmx1G"),
        ("NUM_PARTITIONS", "8"),
    ];
    let settings = load(text, &["min.insync.replicas=4"], &environment);
    assert_eq!(settings.node_id(), 1);
    assert_eq!(settings.i32("broker.id"), 1, "the older name follows");
    assert_eq!(settings.list("log.dirs"), ["/a", "/b"]);
    assert_eq!(settings.log_dirs().len(), 2);
    assert_eq!(settings.i32("num.partitions"), 3);
    assert_eq!(settings.i32("min.insync.replicas"), 4);
    assert_eq!(settings.string("broker.rack"), Some("a=b"));
    assert_eq!(settings.source("node.id"), Source::File { line: 2 });
    assert_eq!(settings.source("num.partitions"), Source::Environment);
    assert_eq!(settings.source("min.insync.replicas"), Source::Override);
    assert_eq!(settings.source("log.retention.hours"), Source::Default);
    assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
    assert!(settings.bool("janus.self.fencing"));
    assert_eq!(settings.i64("log.retention.hours"), 168);
    assert_eq!(settings.f64("log.cleaner.min.cleanable.ratio"), 0.5);
}

#[test]
fn everything_wrong_is_reported_at_once_with_its_place() {
    let text = "node.id=1\nlistner=PLAINTEXT://:1\n\nlog.segment.bytes=1\nnum.partitions=many";
    assert_eq!(
        errors(text, &["auto.create.topics.enable=perhaps", "nonsense"]),
        "server.properties:2: unknown key 'listner'; did you mean 'listeners'?\n\
         server.properties:4: Invalid value 1 for configuration log.segment.bytes: Value must be \
         at least 1048576; choose a number: at least 1048576; the default is 1073741824\n\
         server.properties:5: Invalid value many for configuration num.partitions: Not a number of \
         type INT; choose a number: at least 1; the default is 1\n\
         --override auto.create.topics.enable=perhaps: Invalid value perhaps for configuration \
         auto.create.topics.enable: Expected value to be either true or false; write true or \
         false; the default is true\n\
         --override nonsense: there is no '='; write --override key=value"
    );
}

#[test]
fn keys_that_do_not_fit_together_are_refused() {
    for (text, expected) in [
        ("", "server.properties: node.id is not set; give this server a number of its own"),
        ("node.id=1\nbroker.id=2", "server.properties:2: broker.id is 2, but node.id is 1"),
        ("broker.id=-1", "server.properties:1: node.id is -1, and must be at least 0"),
        (
            "node.id=1\nreplica.lag.time.max.ms=100",
            "server.properties:2: replica.fetch.wait.max.ms is 500, and must not exceed \
             replica.lag.time.max.ms, which is 100",
        ),
        ("node.id=1\nlog.dirs=,", "log.dirs names no directory"),
        ("node.id=1\nzzzzzz=1", "unknown key 'zzzzzz'; remove it"),
        ("node.id=1\ncontroller.quorum.voters=1@h:1,h:2", "'h:2' is not ID@HOST:PORT"),
        ("node.id=1\ncontroller.quorum.bootstrap.servers=h", "'h' is not HOST:PORT"),
        ("node.id=1\njanus.peer.address.map=1=[::1]:x", "'1=[::1]:x' is not ID=HOST:PORT"),
        ("node.id=1\njanus.zookeeper.address.map=a:1=b", "'a:1=b' is not HOST:PORT=HOST:PORT"),
    ] {
        let errors = errors(text, &[]);
        assert!(errors.contains(expected), "{text}: {errors}");
    }
}

#[test]
fn address_maps_say_where_to_reach_whom() {
    let text = "node.id=1\njanus.peer.address.map=2=proxy:1, 101 = [::1]:2\n\
                janus.zookeeper.address.map=zk1:2181=proxy:3";
    let settings = Settings::from_text(text, "f", &[]).unwrap();
    let peers = settings.peer_addresses();
    assert_eq!(peers, [(2, "proxy:1".into()), (101, "[::1]:2".into())].into());
    let servers = settings.zookeeper_addresses();
    assert_eq!(servers, [("zk1:2181".into(), "proxy:3".into())].into());
}

#[test]
fn keys_of_kafka_without_effect_warn_once() {
    let text = "node.id=1\nnum.io.threads=8\nzookeeper.sync.time.ms=1\nlistener.name.a.ssl.x=1\n\
                num.partitions=2\nnum.partitions=2\ninter.broker.protocol.version=3.9";
    let settings = Settings::from_text(text, "f", &[]).unwrap();
    let warnings = settings.warnings().join("\n");
    assert_eq!(settings.warnings().len(), 5, "{warnings}");
    assert!(warnings.contains("f:2: 'num.io.threads' has no effect in Janus"), "{warnings}");
    assert!(warnings.contains("f:6: 'num.partitions' is set again; line 5 has no effect"));
    assert_eq!(settings.i32("num.partitions"), 2);
}

#[test]
fn secrets_do_not_reach_the_log() {
    let settings = Settings::from_text("node.id=1\nssl.key.password=hunter2", "f", &[]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.string("ssl.key.password"), Some("hunter2"));
}

#[test]
fn an_unreadable_file_is_an_error_that_names_it() {
    let error = Settings::load("/nowhere/x".as_ref(), &[], std::iter::empty()).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/x: cannot read the file"), "{error}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"node.id=1\nbroker.rack=\xff").unwrap();
    let error = Settings::load(file.path(), &[], std::iter::empty()).unwrap_err().to_string();
    assert!(error.contains(":2: this line is not UTF-8"), "{error}");
}

#[test]
#[should_panic(expected = "key 'no.such.key' is not in the table of keys")]
fn asking_for_a_key_that_is_not_there_is_a_programmers_error() {
    Settings::default().string("no.such.key");
}

#[test]
#[should_panic(expected = "key 'num.partitions' is of type INT")]
fn asking_for_another_type_is_a_programmers_error() {
    Settings::default().bool("num.partitions");
}

#[test]
fn the_table_is_sound() {
    let mut names = std::collections::BTreeSet::new();
    for key in server_keys() {
        assert!(names.insert(key.name), "{} stands twice", key.name);
        assert!(!key.doc.is_empty() && !matches!(key.scope, Scope::Topic), "{}", key.name);
        if let Some(default) = key.default.filter(|it| !it.is_empty()) {
            assert_eq!(key.validate(default), Ok(()), "{}", key.name);
        }
        assert!(key.name.starts_with("janus.") <= (key.usage == Usage::Used), "{}", key.name);
    }
    for key in topic_keys() {
        assert_eq!(key.scope, Scope::Topic);
        let default = key.default.unwrap_or_default();
        assert!(default.is_empty() || key.validate(default).is_ok(), "{}", key.name);
        for synonym in key.synonyms {
            assert!(names.contains(synonym), "{synonym}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_makes_the_loader_panic(
        text in "(?s).{0,200}",
        key in proptest::sample::select(server_keys().collect::<Vec<_>>()),
        value in "[-=:, /\\[\\]a-z0-9.*]{0,20}",
    ) {
        let _ = Settings::from_text(&text, "f", std::slice::from_ref(&text));
        let one = format!("node.id=1\n{}={value}", key.name);
        if let Ok(settings) = Settings::from_text(&one, "f", &[]) {
            let _ = config::Listeners::of_broker(&settings, "h");
            let _ = config::Listeners::of_controller(&settings, "h");
            config::TopicSettings::resolve(&settings, &Default::default());
            settings.describe_broker();
        }
    }
}
