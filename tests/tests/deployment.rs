//! The files of `deploy/` say only what servers understand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use config::{Role, Server, Settings, Source};

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy")
}

/// What a server of this role reads. A secret is there, which the files only name.
fn load(role: &str, file: &Path, environment: &BTreeMap<String, String>) -> Settings {
    let role = if role == "broker" { Role::Broker } else { Role::Controller };
    let secret = tempfile::NamedTempFile::new().unwrap();
    let overrides = [format!("janus.cluster.secret.file={}", secret.path().display())];
    let server = Server::load(role, file, &overrides, environment.clone().into_iter());
    let settings = server.unwrap_or_else(|error| panic!("{error}")).settings;
    assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
    settings
}

#[test]
fn sample_files_have_an_effect_and_fit_together() {
    for mode in ["raft", "zookeeper"] {
        let mut ids = BTreeSet::new();
        for machine in 1..=3 {
            let folder = deploy().join(mode).join(format!("machine-{machine}"));
            for (role, first) in [("broker", 0), ("controller", 100)] {
                let file = folder.join(format!("{role}.properties"));
                let settings = load(role, &file, &BTreeMap::new());
                assert_eq!(settings.node_id(), first + machine, "{}", file.display());
                assert!(ids.insert(settings.node_id()));
                let advertised = settings.list("advertised.listeners").join(" ");
                let host = format!("//machine-{machine}.example:");
                assert!(advertised.contains(&host), "{}: {advertised}", file.display());
                let of_zookeeper = role == "controller" && mode == "zookeeper";
                assert_eq!(settings.is_set("zookeeper.connect"), of_zookeeper);
            }
        }
    }
}

#[test]
fn machines_of_a_role_differ_in_their_numbers_only() {
    for mode in ["raft", "zookeeper"] {
        let own = |machine: u32, file: &str| {
            let path = deploy().join(mode).join(format!("machine-{machine}")).join(file);
            let text = std::fs::read_to_string(path).unwrap();
            let lines = text.lines().filter(|line| {
                let shared = ["voters=", "bootstrap.servers=", "connect=", "server."];
                !shared.iter().any(|key| line.contains(key))
            });
            let own: Vec<String> = lines
                .map(|line| {
                    let line = line.replace(&format!("10{machine}"), "CONTROLLER");
                    let places = ["machine-", "node.id=", "Broker ", "server "];
                    places.into_iter().fold(line, |line, place| {
                        line.replace(&format!("{place}{machine}"), &format!("{place}N"))
                    })
                })
                .collect();
            own
        };
        let ensemble = (mode == "zookeeper").then_some("zoo.cfg");
        for file in ["broker.properties", "controller.properties"].into_iter().chain(ensemble) {
            assert_eq!(own(1, file), own(2, file), "{mode} {file}");
            assert_eq!(own(1, file), own(3, file), "{mode} {file}");
        }
    }
}

/// The variables for servers in a compose file, by the name of the service or block that has them.
fn variables(compose: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut blocks: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut block = String::new();
    for line in compose.lines() {
        let indent = line.len() - line.trim_start().len();
        if indent == 0 || (indent == 2 && !line.trim_start().starts_with(['#', 'K', 'J', '<'])) {
            block = line.trim().split(':').next().unwrap_or_default().to_owned();
        }
        let pair = line.trim().split_once(": ").filter(|(key, _)| key.starts_with("KAFKA_"));
        if let Some((key, value)) = pair {
            // What stands for a variable of the shell is empty unless somebody sets it.
            let value = if value.ends_with(":-}") { "" } else { value.trim_matches('"') };
            blocks.entry(block.clone()).or_default().insert(key.to_owned(), value.to_owned());
        }
    }
    blocks
}

#[test]
fn compose_sets_keys_that_servers_know() {
    let text = std::fs::read_to_string(deploy().join("docker/compose.yaml")).unwrap();
    let blocks = variables(&text);
    let shared = &blocks["x-environment"];
    let mut servers = 0;
    for (name, own) in blocks.iter().filter(|(name, _)| !name.starts_with("x-")) {
        let role = name.split('-').next().unwrap();
        let mut environment = shared.clone();
        environment.extend(own.clone());
        if role == "controller" {
            environment.extend(blocks["x-controller-environment"].clone());
        }
        let file = deploy().join(format!("docker/{role}.properties"));
        let settings = load(role, &file, &environment);
        for variable in environment.keys() {
            let key = variable.trim_start_matches("KAFKA_").to_lowercase().replace('_', ".");
            assert!(config::server_key(&key).is_some(), "{name}: {variable} names no key");
            let expected = match key.as_str() {
                "janus.cluster.secret.file" => Source::Override,
                _ => Source::Environment,
            };
            assert_eq!(settings.source(&key), expected, "{name}: {key}");
        }
        assert!(name.ends_with(&format!("-{}", settings.node_id())), "{name}");
        let bootstrap = settings.list("controller.quorum.bootstrap.servers");
        assert_eq!(bootstrap.len(), 3);
        for endpoint in bootstrap {
            let service = format!("\n  {}:\n", endpoint.trim_end_matches(":9093"));
            assert!(text.contains(&service), "{endpoint} is no service");
        }
        servers += 1;
    }
    assert_eq!(servers, 6, "three brokers and three controllers");
}
