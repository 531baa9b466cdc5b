//! A wrong configuration is refused with file, line, reason and what to do: one row a kind.
//!
//! Each row makes one mistake in a file that is right otherwise. It must be the only thing that is
//! reported: a mistake has no echo.

use std::path::Path;

use config::{Place, Role, Server};

/// Right for a broker; line 5 is free.
const BROKER: [&str; 5] = [
    "node.id=1",
    "listeners=PLAINTEXT://127.0.0.1:9092",
    "log.dirs=/var/lib/janus",
    "controller.quorum.bootstrap.servers=127.0.0.1:9093",
    "",
];

/// Right for a controller; line 5 is free.
const CONTROLLER: [&str; 5] = [
    "node.id=101",
    "listeners=CONTROLLER://127.0.0.1:9093",
    "log.dirs=/var/lib/janus",
    "controller.quorum.voters=101@127.0.0.1:9093",
    "",
];

struct Mistake {
    kind: &'static str,
    role: Role,
    /// The line, from 1, in whose place the text stands.
    line: usize,
    text: &'static str,
    /// The line that is named; 0 where something is missing, which has none.
    named: usize,
    reason: &'static str,
    suggestion: &'static str,
}

macro_rules! mistakes {
    ($($kind:literal: $role:ident $line:literal $text:literal => $named:literal $reason:literal
        ; $suggestion:literal)*) => {
        const MISTAKES: &[Mistake] = &[$(Mistake {
            kind: $kind,
            role: Role::$role,
            line: $line,
            text: $text,
            named: $named,
            reason: $reason,
            suggestion: $suggestion,
        }),*];
    };
}

mistakes! {
    // What the lines say.
    "an unknown key": Broker 5 "zzzzzz=1"
        => 5 "unknown key 'zzzzzz'"; "remove it, or see docs/configuration.md"
    "a mistyped key": Broker 5 "log.retentoin.ms=1"
        => 5 "unknown key 'log.retentoin.ms'"; "did you mean 'log.retention.ms'?"
    "a mistyped key that is needed": Broker 1 "nodeid=1"
        => 1 "unknown key 'nodeid'"; "did you mean 'node.id'?"
    "a key twice": Broker 5 "num.partitions=1\nnum.partitions=2"
        => 6 "'num.partitions' is set again, to another value than on line 5"; "keep one"
    "a bad escape": Broker 5 "broker.rack=C:\\users"
        => 5 "\\u must be followed by four hexadecimal digits"; "\\\\ for a backslash"
    "a line that does not end": Broker 5 "broker.rack=a,\\"
        => 5 "the file ends with a backslash"; "remove the backslash, or add the rest"
    "no key": Broker 5 "=1"
        => 5 "there is no key before the separator"; "write key=value"
    // What single values are.
    "not a number": Broker 5 "num.partitions=many"
        => 5 "many for configuration num.partitions: Not a number of type INT";
        "choose a number: at least 1; the default is 1"
    "a fraction": Broker 5 "num.partitions=1.5"
        => 5 "num.partitions: Not a number of type INT"; "choose a number: at least 1"
    "an empty number": Broker 5 "num.partitions="
        => 5 "num.partitions: Not a number of type INT"; "choose a number: at least 1"
    "a number that is too large for its type": Broker 5 "log.segment.bytes=9999999999"
        => 5 "log.segment.bytes: Not a number of type INT"; "at least 1048576"
    "a number out of range": Broker 5 "log.segment.bytes=1"
        => 5 "log.segment.bytes: Value must be at least 1048576";
        "the default is 1073741824"
    "bytes with a unit": Broker 5 "log.segment.bytes=512MB"
        => 5 "log.segment.bytes: Not a number"; "write log.segment.bytes=536870912"
    "a time with a unit": Broker 5 "log.retention.ms=7d"
        => 5 "log.retention.ms: Not a number"; "write log.retention.ms=604800000"
    "digits in groups": Broker 5 "log.segment.bytes=512_000_000"
        => 5 "log.segment.bytes: Not a number"; "write log.segment.bytes=512000000"
    "a negative retention": Broker 5 "log.retention.hours=-5"
        => 5 "log.retention.hours: Value must be at least 1 or equal to -1"; "or -1"
    "a share above 1": Broker 5 "log.cleaner.min.cleanable.ratio=2"
        => 5 "log.cleaner.min.cleanable.ratio: Value must be no more than 1"; "0 to 1"
    "a bad boolean": Broker 5 "auto.create.topics.enable=yes"
        => 5 "auto.create.topics.enable: Expected value to be either true or false";
        "write auto.create.topics.enable=true"
    "a mistyped word": Broker 5 "log.cleanup.policy=compcat"
        => 5 "log.cleanup.policy: String must be one of: compact, delete";
        "write log.cleanup.policy=compact"
    "a word that is none of the choice": Controller 5 "janus.log.format=xml"
        => 5 "janus.log.format: String must be one of"; "choose of: text, json"
    // Who this server is.
    "no node.id": Broker 1 ""
        => 0 "node.id is not set"; "such as node.id=1"
    "a negative node.id": Broker 1 "node.id=-1"
        => 1 "node.id: Value must be at least 0"; "choose a number: at least 0"
    "a negative broker.id": Broker 1 "broker.id=-1"
        => 1 "node.id is -1, and must be at least 0"; "a number of its own"
    "two ids": Broker 5 "broker.id=2"
        => 5 "broker.id is 2, but node.id is 1"; "set node.id only"
    "a controller's role for a broker": Broker 5 "process.roles=controller"
        => 5 "process.roles is controller, but this is janus-broker"; "with janus-controller"
    "a broker's role for a controller": Controller 5 "process.roles=broker"
        => 5 "process.roles is broker, but this is janus-controller"; "with janus-broker"
    "a controller's listeners for a broker": Broker 2 "listeners=CONTROLLER://127.0.0.1:9093"
        => 2 "listeners: none is left for clients"; "start a controller's file with janus-controller"
    "a broker's listeners for a controller": Controller 2 "listeners=PLAINTEXT://127.0.0.1:9092"
        => 2 "listeners: no listener is called CONTROLLER"; "a broker's file with janus-broker"
    "a role that does not exist": Broker 5 "process.roles=brokr"
        => 5 "process.roles: String must be one of"; "write process.roles=broker"
    // Who the others are, and which mode this is.
    "no controllers": Broker 4 ""
        => 0 "controller.quorum.bootstrap.servers is not set"; "janus-controller processes"
    "an ensemble instead of controllers": Broker 4 "zookeeper.connect=127.0.0.1:2181"
        => 4 "zookeeper.connect is not enough for a broker"; "controller.quorum.bootstrap.servers="
    "no mode": Controller 4 ""
        => 0 "neither controller.quorum.voters nor zookeeper.connect is set";
        "zookeeper.connect=HOST:PORT,... for an ensemble"
    "both modes": Controller 5 "zookeeper.connect=127.0.0.1:2181"
        => 5 "zookeeper.connect and controller.quorum.voters are both set"; "for raft"
    "a bad address of a controller": Broker 4 "controller.quorum.bootstrap.servers=machine-1"
        => 4 "'machine-1' is not HOST:PORT"; "for example, localhost:9093"
    "a voter without an id": Controller 4 "controller.quorum.voters=127.0.0.1:9093"
        => 4 "'127.0.0.1:9093' is not ID@HOST:PORT"; "101@localhost:9093"
    "a voter twice": Controller 4 "controller.quorum.voters=1@a:1,1@b:1"
        => 4 "controller.quorum.voters names two controllers with the id 1"; "id of its own"
    "a bad connect string": Controller 4 "zookeeper.connect=zk1/janus"
        => 4 "zookeeper.connect: 'zk1' lacks a port"; "zk1:2181,zk2:2181"
    "a bad address map": Broker 5 "janus.peer.address.map=1:proxy:9092"
        => 5 "'1:proxy:9092' is not ID=HOST:PORT"; "101=localhost:9093"
    "a bad map of the ensemble": Controller 5 "janus.zookeeper.address.map=zk1=proxy:1"
        => 5 "'zk1=proxy:1' is not HOST:PORT=HOST:PORT"; "zk1:2181=localhost:12181"
    // Listeners.
    "a listener without a name": Broker 2 "listeners=127.0.0.1:9092"
        => 2 "listeners: '127.0.0.1:9092' is not NAME://host:port"; "PLAINTEXT://localhost:9092"
    "a listener without a port": Broker 2 "listeners=PLAINTEXT://127.0.0.1"
        => 2 "listeners: 'PLAINTEXT://127.0.0.1' is not NAME://host:port"; "for example"
    "a bad port": Broker 2 "listeners=PLAINTEXT://127.0.0.1:99999"
        => 2 "listeners: 'PLAINTEXT://127.0.0.1:99999' is not"; "ports go up to 65535"
    "no listener": Broker 2 "listeners="
        => 2 "listeners: none is left for clients"; "such as PLAINTEXT://:9092"
    "two listeners with one name": Broker 2 "listeners=PLAINTEXT://:1,PLAINTEXT://:2"
        => 2 "listeners: two listeners are called PLAINTEXT"; "a name of its own"
    "two listeners on one port": Broker 2
        "listeners=PLAINTEXT://:1,B://:1\nlistener.security.protocol.map=PLAINTEXT:PLAINTEXT,B:PLAINTEXT"
        => 2 "listeners: listeners PLAINTEXT and B share port 1"; "a port of its own"
    "metrics on the port of a listener": Broker 5 "janus.metrics.listener=127.0.0.1:9092"
        => 5 "janus.metrics.listener: port 9092 is that of listener PLAINTEXT"; "of its own"
    "a listener that the map does not know": Broker 2 "listeners=INTERNAL://127.0.0.1:1"
        => 2 "no security protocol is defined for listener INTERNAL"; "add INTERNAL:PLAINTEXT"
    "a map that is none": Broker 5 "listener.security.protocol.map=PLAINTEXT"
        => 5 "listener.security.protocol.map: 'PLAINTEXT' is not NAME:PROTOCOL"; "for example"
    "a security protocol that does not exist": Broker 5 "listener.security.protocol.map=PLAINTEXT:TLS"
        => 5 "listener.security.protocol.map: there is no security protocol 'TLS'"; "PLAINTEXT"
    "a security protocol that Janus does not have": Broker 2 "listeners=SSL://127.0.0.1:1"
        => 2 "listeners: listener SSL asks for SSL, which Janus cannot do yet"; "use PLAINTEXT"
    "an address that nobody can reach": Broker 5 "advertised.listeners=PLAINTEXT://0.0.0.0:9092"
        => 5 "advertised.listeners: 0.0.0.0 of listener PLAINTEXT can be reached by nobody";
        "an address that clients can reach"
    "an advertised listener that is none": Broker 5 "advertised.listeners=PLAINTEXT://a:1,B://a:2"
        => 5 "listener B is advertised but is not one of 'listeners'"; "add it to listeners"
    "an inter-broker listener that is none": Broker 5 "inter.broker.listener.name=REPLICATION"
        => 5 "inter.broker.listener.name: there is no listener REPLICATION"; "one of PLAINTEXT"
    "two listeners for a controller": Controller 2
        "listeners=CONTROLLER://127.0.0.1:1,B://127.0.0.1:2\ncontroller.listener.names=CONTROLLER,B"
        => 2 "listeners: a controller has one listener, not 2"; "keep one of CONTROLLER, B"
    // Secrets.
    "an open door without a secret": Controller 2 "listeners=CONTROLLER://:9093"
        => 2 "can be reached from other machines, and there is no cluster secret";
        "set janus.cluster.secret.file"
    "a secret that cannot be read": Broker 5 "janus.cluster.secret.file=/nonexistent/secret"
        => 5 "janus.cluster.secret.file: cannot read the cluster secret /nonexistent/secret";
        "head -c 32 /dev/urandom"
    // What Kafka has and Janus has not.
    "protection that Janus does not give": Broker 5 "authorizer.class.name=a.b.StandardAuthorizer"
        => 5 "'authorizer.class.name' asks for what Janus cannot do yet"; "remove the line"
    // What does not fit together.
    "a session that is too short": Controller 5 "broker.session.timeout.ms=2000"
        => 5 "broker.session.timeout.ms is 2000, and must be longer than broker.heartbeat.interval.ms";
        "four intervals or more"
    "no heartbeat": Controller 5 "broker.heartbeat.interval.ms=0"
        => 5 "must be at least 1"; "four intervals or more"
    "a longer fetch than a follower may lag": Broker 5 "replica.lag.time.max.ms=100"
        => 5 "replica.fetch.wait.max.ms is 500, and must not exceed replica.lag.time.max.ms";
        "lower replica.fetch.wait.max.ms, or raise replica.lag.time.max.ms"
    "more in-sync replicas than replicas": Broker 5
        "default.replication.factor=2\nmin.insync.replicas=3"
        => 6 "min.insync.replicas is 3, but default.replication.factor is 2"; "lower min.insync"
    // Directories.
    "no directory": Broker 3 "log.dirs=,"
        => 3 "log.dirs names no directory"; "log.dirs=/var/lib/janus"
    "a directory twice": Broker 3 "log.dirs=/a,/b,/a"
        => 3 "log.dirs names /a twice"; "each directory once"
    "a file as a directory": Broker 3 "log.dirs=/proc/version"
        => 3 "log.dirs: /proc/version is a file"; "name a directory"
}

fn errors(role: Role, path: &Path, overrides: &[&str], environment: &[(&str, &str)]) -> String {
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    let environment = environment.iter().map(|(key, value)| (key.to_string(), value.to_string()));
    Server::load(role, path, &overrides, environment).unwrap_err().to_string()
}

#[test]
fn files_without_a_mistake_are_accepted_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.properties");
    for (role, lines) in [(Role::Broker, BROKER), (Role::Controller, CONTROLLER)] {
        std::fs::write(&path, lines.join("\n")).unwrap();
        let server = Server::load(role, &path, &[], std::iter::empty()).unwrap();
        assert_eq!(server.settings.warnings(), [""; 0]);
        assert_eq!(server.listeners.listeners.len(), 1);
    }
}

#[test]
fn each_kind_of_mistake_is_refused_with_file_line_reason_and_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.properties");
    for Mistake { kind, role, line, text, named, reason, suggestion } in MISTAKES {
        let mut lines = match role {
            Role::Broker => BROKER,
            Role::Controller => CONTROLLER,
        };
        lines[line - 1] = text;
        std::fs::write(&path, lines.join("\n").trim_end()).unwrap();
        let wrong = Server::load(*role, &path, &[], std::iter::empty());
        let wrong = wrong.err().unwrap_or_else(|| panic!("{kind} is accepted"));
        let [error] = &wrong.errors[..] else { panic!("{kind} has an echo:\n{wrong}") };
        let file = path.display().to_string().into();
        let place = match named {
            0 => Place::File(file),
            line => Place::Line { file, line: *line },
        };
        assert_eq!(error.place, place, "{kind}: {error}");
        assert!(error.reason.contains(reason), "{kind}: {error}");
        assert!(error.suggestion.contains(suggestion), "{kind}: {error}");
        assert_eq!(wrong.to_string(), format!("{place}: {}; {}", error.reason, error.suggestion));
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.properties");
    let text = "listeners=PLAINTEXT://127.0.0.1,B://:70000\nmin.insync.replicas=two\n\
                log.dirs=/a,/a\nauto.create.topics.enable=on\nlog.retention.ms=7d";
    std::fs::write(&path, text).unwrap();
    let environment = [("KAFKA_NUM_PARTITIONS", "-1")];
    let errors = errors(Role::Broker, &path, &["num.partition=3"], &environment);
    let starts = [
        "server.properties:1: listeners: 'PLAINTEXT://127.0.0.1' is not",
        "server.properties:1: listeners: 'B://:70000' is not",
        "server.properties:2: Invalid value two",
        "server.properties:3: log.dirs names /a twice",
        "server.properties:4: Invalid value on",
        "server.properties:5: Invalid value 7d",
        "server.properties: node.id is not set",
        "server.properties: controller.quorum.bootstrap.servers is not set",
        "environment variable KAFKA_NUM_PARTITIONS: Invalid value -1",
        "--override num.partition=3: unknown key 'num.partition'; did you mean 'num.partitions'?",
    ];
    let lines: Vec<&str> = errors.lines().collect();
    assert_eq!(lines.len(), starts.len(), "{errors}");
    for (line, start) in lines.iter().zip(starts) {
        let folder = format!("{}/", folder.path().display());
        assert!(line.trim_start_matches(&folder).starts_with(start), "{start}:\n{errors}");
    }
}

#[test]
fn a_file_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let of = |path: &Path| errors(Role::Broker, path, &[], &[]);
    let directory = of(folder.path());
    assert!(directory.contains("this is a directory, not a file; name the"), "{directory}");
    let missing = folder.path().join("missing");
    let error = of(&missing);
    assert!(error.starts_with(&format!("{}: cannot read", missing.display())), "{error}");
    assert!(error.contains("; name a server.properties file"), "{error}");
    let binary = folder.path().join("binary");
    std::fs::write(&binary, b"node.id=1\nbroker.rack=\xff").unwrap();
    let error = of(&binary);
    assert!(error.contains("binary:2: this line is not UTF-8; save the file as UTF-8"), "{error}");
}

#[test]
fn what_is_odd_but_works_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.properties");
    for (line, text, expected) in [
        (3, "log.dirs=data", ":3: log.dirs: where data is depends on the folder"),
        (
            5,
            "process.roles=broker,controller",
            ":5: process.roles: this process is the broker only",
        ),
        (5, "node.id=1", ":5: 'node.id' is set again; line 1 has no effect"),
        (5, "num.io.threads=8", ":5: 'num.io.threads' has no effect in Janus"),
    ] {
        let mut lines = BROKER;
        lines[line - 1] = text;
        std::fs::write(&path, lines.join("\n")).unwrap();
        let server = Server::load(Role::Broker, &path, &[], std::iter::empty()).unwrap();
        let warnings = server.settings.warnings();
        assert_eq!(warnings.len(), 1, "{text}: {warnings:?}");
        assert!(warnings[0].contains(expected), "{text}: {warnings:?}");
    }
}
