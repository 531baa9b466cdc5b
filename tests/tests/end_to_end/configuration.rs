//! Servers refuse a wrong configuration before they do anything, and take what `janus up` writes.
//!
//! The kinds of mistakes are in `config/tests/mistakes.rs`; here are the binaries around them.

use std::path::{Path, PathBuf};

use config::{Role, Server};
use tests::{Program, with_cluster};

/// A server's binary, as a cluster would start it.
fn server(role: Role) -> Program {
    let name = match role {
        Role::Broker => "janus-broker",
        Role::Controller => "janus-controller",
    };
    let directory = std::env::var_os("JANUS_BIN_DIR").expect("JANUS_BIN_DIR names the binaries");
    Program::new(Path::new(&directory).join(name))
}

#[test]
fn binaries_refuse_a_wrong_configuration_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.properties");
    let data = folder.path().join("data");
    let broker = format!(
        "node.id=1\nlisteners=PLAINTEXT://127.0.0.1:0\nlog.dirs={}\n\
         controller.quorum.bootstrap.servers=127.0.0.1:1\n",
        data.display()
    );
    let controller = format!(
        "node.id=101\nlisteners=CONTROLLER://127.0.0.1:0\nlog.dirs={}\n\
         controller.quorum.voters=101@127.0.0.1:1\n",
        data.display()
    );
    for (role, text, overrides, expected) in [
        (Role::Broker, "listner=x\n", "", ":5: unknown key 'listner'; did you mean 'listeners'?"),
        (Role::Broker, "log.segment.bytes=1GB\n", "", "; write log.segment.bytes=1073741824"),
        (Role::Broker, "process.roles=controller\n", "", "; start this file with janus-controller"),
        (
            Role::Broker,
            "advertised.listeners=PLAINTEXT://0.0.0.0:1\n",
            "",
            ":5: advertised.listeners: 0.0.0.0 of listener PLAINTEXT can be reached by nobody; set",
        ),
        (
            Role::Broker,
            "",
            "--override num.partitions=0",
            "--override num.partitions=0: Invalid value 0 for configuration num.partitions: Value \
             must be at least 1; choose a number: at least 1; the default is 1",
        ),
        (Role::Controller, "num.partitions=x\nnum.partition=1\n", "", ":6: unknown key"),
        (Role::Controller, "broker.session.timeout.ms=1\n", "", ":5: broker.session.timeout.ms is"),
        (
            Role::Controller,
            "zookeeper.connect=zk:1\n",
            "",
            "are both set: these are two modes; keep",
        ),
        (Role::Controller, "process.roles=broker\n", "", "; start this file with janus-broker"),
        (
            Role::Controller,
            "janus.cluster.secret.file=/nonexistent\n",
            "",
            ":5: janus.cluster.secret.file: cannot read the cluster secret /nonexistent",
        ),
    ] {
        let right = if role == Role::Broker { &broker } else { &controller };
        std::fs::write(&file, format!("{right}{text}")).unwrap();
        let stderr = server(role).argument(&file).words(overrides).run().failure(2);
        assert!(stderr.contains(expected), "{text}{overrides}: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        let named = if overrides.is_empty() { format!("{}:", file.display()) } else { "--".into() };
        assert!(
            stderr.lines().all(|line| line.starts_with(&named) && line.contains("; ")),
            "{stderr}"
        );
        assert!(!data.exists(), "a server that refuses its configuration made a directory");
    }
    // What is wrong with a secret is known only when it is read.
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "short").unwrap();
    for (role, right) in [(Role::Broker, &broker), (Role::Controller, &controller)] {
        let text = format!("{right}janus.cluster.secret.file={}\n", secret.display());
        std::fs::write(&file, text).unwrap();
        // A broker opens its directories first.
        let format = tests::janus("format").words("--ignore-formatted --cluster-id");
        let format = format.argument("5L6g3nShT-eMCtK--X86sw").argument("--config").argument(&file);
        format.success();
        let stderr = server(role).argument(&file).run().failure(2);
        assert!(stderr.contains(":5: janus.cluster.secret.file: "), "{stderr}");
        assert!(stderr.contains("; write one with"), "{stderr}");
        std::fs::remove_dir_all(&data).unwrap();
    }
    for role in [Role::Broker, Role::Controller] {
        let stderr = server(role).argument(folder.path()).run().failure(2);
        assert!(stderr.contains("this is a directory, not a file; name the"), "{stderr}");
        let missing = folder.path().join("missing");
        let stderr = server(role).argument(missing).run().failure(2);
        assert!(stderr.contains("missing: cannot read the file"), "{stderr}");
    }
}

/// Every server.properties below a folder.
fn properties(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| properties(folder));
    let named = |path: &PathBuf| path.file_name().is_some_and(|name| name == "server.properties");
    files.into_iter().filter(named).chain(below).collect()
}

#[test]
fn files_of_a_local_cluster_have_no_mistake_and_no_warning() {
    with_cluster(&["num.partitions=2"], |cluster| {
        let found = properties(&cluster.data());
        assert_eq!(found.len(), 6, "{found:?}");
        for file in found {
            let role = match file.display().to_string().contains("/broker-") {
                true => Role::Broker,
                false => Role::Controller,
            };
            let server = Server::load(role, &file, &[], std::iter::empty());
            let server = server.unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(server.settings.warnings(), [""; 0]);
            let log = std::fs::read_to_string(file.with_file_name("server.log")).unwrap();
            assert!(!log.contains("has no effect"), "{log}");
        }
    });
}
