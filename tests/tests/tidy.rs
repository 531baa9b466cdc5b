//! The order of the house: what may depend on what, what may be named where, how files begin.
//!
//! Sizes are printed, not asserted: a large file is a question, not a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::report;

/// What each crate may use of the others. `tests` and what tests use is not listed: tests may use all.
///
/// Metadata knows no wire, the broker knows no quorum (no openraft, no RocksDB), the tools know
/// brokers and controllers only from outside.
const DEPENDENCIES: [(&str, &[&str]); 16] = [
    ("kafka", &[]),
    ("records", &[]),
    ("grpc", &[]),
    ("config", &[]),
    ("telemetry", &[]),
    ("metadata", &["config"]),
    ("metadata-raft", &["metadata", "grpc"]),
    ("metadata-zookeeper", &["metadata"]),
    (
        "janus-controller",
        &["config", "grpc", "metadata", "metadata-raft", "metadata-zookeeper", "telemetry"],
    ),
    ("partition-log", &["records"]),
    ("group", &["kafka"]),
    (
        "janus-broker",
        &[
            "config",
            "group",
            "grpc",
            "kafka",
            "metadata",
            "metadata-zookeeper",
            "partition-log",
            "records",
            "telemetry",
        ],
    ),
    ("lab", &[]),
    ("demo", &["lab"]),
    ("bench", &["lab"]),
    ("janus", &["bench", "config", "demo", "grpc", "kafka", "lab", "metadata", "records"]),
];

/// Crates of others that belong to one crate of ours.
const OWNED: [(&str, &str); 3] = [
    ("openraft", "metadata-raft"),
    ("rocksdb", "metadata-raft"),
    ("zookeeper-client", "metadata-zookeeper"),
];

/// More lines than this are worth a look.
const LINES_MAX: usize = 700;

#[test]
fn crates_depend_only_downwards() {
    let packages = packages();
    let ours: Vec<&str> = packages.keys().map(String::as_str).collect();
    let allowed: BTreeMap<&str, &[&str]> = DEPENDENCIES.into();
    for (name, dependencies) in packages.iter().filter(|(name, _)| *name != "tests") {
        let Some(allowed) = allowed.get(name.as_str()) else {
            panic!("{name} is new: say in the table of this test what it may depend on");
        };
        for dependency in dependencies.iter().filter(|it| ours.contains(&it.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} may not use {dependency}");
        }
        for (theirs, owner) in OWNED {
            let uses = dependencies.iter().any(|dependency| dependency == theirs);
            assert!(!uses || name == owner, "{name} uses {theirs}, which belongs to {owner}");
        }
    }
    let gone: Vec<&&str> = allowed.keys().filter(|name| !ours.contains(name)).collect();
    assert!(gone.is_empty(), "the table of this test lists crates that do not exist: {gone:?}");
}

#[test]
fn every_source_file_says_what_it_is() {
    let silent: Vec<String> =
        sources("").filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "these files do not begin with a line of `//!`:\n{silent:#?}");
}

#[test]
fn the_broker_knows_no_mode() {
    let about_leases = |line: &str| line.to_lowercase().contains("lease");
    let named = lines("broker/").filter(|(_, line)| {
        let lower = line.to_lowercase();
        let names = ["zookeeper", "openraft"].iter().any(|word| lower.contains(word));
        (names || line.contains("Mode::")) && !about_leases(line)
    });
    nothing("the broker is the same in every mode, except for the lease it holds", named);
}

#[test]
fn the_controllers_decisions_know_no_clock_no_socket_and_no_chance() {
    let impure = [
        "Instant",
        "SystemTime",
        "tokio::time",
        "tokio::net",
        "tokio::fs",
        "std::fs",
        "std::net",
        "std::thread",
        "rand",
        "Uuid::new_v4",
    ];
    let named =
        lines("metadata/src/").filter(|(_, line)| impure.iter().any(|word| names(line, word)));
    nothing("metadata is a function of what it is given", named);
}

#[test]
fn nothing_is_left_for_later() {
    let later = ["todo!", "unimplemented!", "dbg!"];
    let left = lines("").filter(|(place, line)| {
        // This file has to name them.
        !place.starts_with("tests/tests/tidy.rs")
            && later.iter().any(|word| names(line, &word[..word.len() - 1]) && line.contains(word))
    });
    nothing("finish it, or leave it out", left);
}

#[test]
fn no_file_names_a_folder_of_one_machine() {
    let folders = ["work", "root", "home"].map(|folder| format!("/{folder}/"));
    let named = files().filter_map(|path| {
        let text = std::fs::read_to_string(root().join(&path)).ok()?;
        let line = text.lines().find(|line| {
            folders.iter().any(|folder| {
                line.match_indices(folder.as_str()).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|it| it.is_alphanumeric() || "._-}{$*~)".contains(it))
                })
            })
        })?;
        Some((path, line.to_owned()))
    });
    nothing("paths of one machine mean nothing on another", named);
}

#[test]
fn every_goldenscript_shows_something() {
    let mut seen = 0;
    for path in files().filter(|path| path.contains("/tests/scripts/")) {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        // Commands, a line of dashes, what came of them.
        let shown = text
            .split("---\n")
            .skip(1)
            .any(|output| output.lines().next().is_some_and(|line| !line.trim().is_empty()));
        assert!(shown, "{path} shows no result");
        seen += 1;
    }
    assert!(seen > 0, "there are no goldenscripts any more; remove this test");
}

#[test]
fn large_files_are_reported() {
    let mut large: Vec<(usize, String)> = sources("")
        .map(|(path, text)| (text.lines().count(), path))
        .filter(|(lines, _)| *lines > LINES_MAX)
        .collect();
    large.sort_by(|a, b| b.cmp(a));
    for (lines, path) in large {
        report(format!("  {lines} lines: {path}"));
    }
}

/// The packages of the workspace, and what each needs to be built (not: to be tested).
fn packages() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let array = |value: &serde_json::Value| value.as_array().unwrap().clone();
    array(&metadata["packages"])
        .iter()
        .map(|package| {
            let needed = array(&package["dependencies"]);
            let needed = needed.iter().filter(|dependency| dependency["kind"] != "dev");
            (name(package), needed.map(name).collect())
        })
        .collect()
}

/// Where the clone is.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every file of the clone, relative to it; nothing that is made by building or running.
fn files() -> impl Iterator<Item = String> {
    fn walk(folder: PathBuf, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            match path.is_dir() {
                true if name == "target" || name == "janus-data" || name == "__pycache__" => {}
                true if name.starts_with('.') && name != ".cargo" => {}
                true => walk(path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(root().to_owned(), &mut found);
    found.sort();
    let relative = |path: PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    found.into_iter().map(relative)
}

/// Every Rust file below a folder, and its text.
fn sources(below: &str) -> impl Iterator<Item = (String, String)> {
    let below = below.to_owned();
    let sources = files().filter(move |path| path.starts_with(&below) && path.ends_with(".rs"));
    sources.map(|path| {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        (path, text)
    })
}

/// Every line of code in Rust files below a folder, and where it stands. Comments are left out.
fn lines(below: &str) -> impl Iterator<Item = (String, String)> {
    sources(below).flat_map(|(path, text)| {
        let lines: Vec<(String, String)> = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(number, line)| (format!("{path}:{}", number + 1), line.to_owned()))
            .collect();
        lines
    })
}

/// Whether a line contains a word, and not only as a part of a longer one.
fn names(line: &str, word: &str) -> bool {
    let part = |it: char| it.is_alphanumeric() || it == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

/// Fails with every place that was found.
fn nothing(rule: &str, found: impl Iterator<Item = (String, String)>) {
    let found: Vec<String> =
        found.map(|(place, line)| format!("{place}: {}", line.trim())).collect();
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}
