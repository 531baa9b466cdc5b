//! Exit statuses and words of wrong usage. Nothing here starts a server.

use crate::support::{Folder, describe, janus};

fn fails(line: &str, status: i32) -> String {
    let output = janus(line).output().unwrap();
    assert_eq!(output.status.code(), Some(status), "janus {line}: {}", describe(&output));
    assert!(output.stdout.is_empty(), "janus {line} prints errors on stdout");
    String::from_utf8(output.stderr).unwrap()
}

fn prints(line: &str) -> String {
    let output = janus(line).output().unwrap();
    assert!(output.status.success(), "janus {line}: {}", describe(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_mistyped_word_exits_with_2_and_a_suggestion() {
    assert!(fails("toppics list", 2).contains("topics"));
    assert!(fails("config explain min.insync.replica", 2).contains("min.insync.replicas"));
    assert!(fails("up --set log.segment.byte=1", 2).contains("log.segment.bytes"));
    let error = fails("up --set log.segment.bytes=1GB", 2);
    assert!(error.contains("; write log.segment.bytes=1073741824"), "{error}");
    assert!(fails("kill brokr 1", 2).contains("broker"));
    assert!(fails("consume orders --format %x", 2).contains("%x"));
}

#[test]
fn nobody_there_exits_with_1_and_says_what_to_do() {
    let error = fails("topics list --bootstrap 127.0.0.1:1", 1);
    assert!(error.contains("127.0.0.1:1") && error.contains("janus up"), "{error}");
    let error = fails("kill broker 1 --data /nonexistent", 1);
    assert!(error.contains("/nonexistent") && error.contains("--data"), "{error}");
}

#[test]
fn down_without_a_cluster_is_done_at_once() {
    let folder = tempfile::tempdir().unwrap();
    assert!(prints(&format!("down --data {}", folder.path().display())).contains("no cluster"));
}

#[test]
fn an_ensemble_is_for_zookeeper_mode_only() {
    let folder = Folder::new();
    for words in ["up --zookeeper localhost:2181", "up --mode raft --zookeepers 3"] {
        assert!(folder.fail(words, 2).contains("need --mode zookeeper"));
    }
    folder.fail("up --mode zookeeper --zookeeper localhost:2181 --zookeepers 3", 2);
    assert!(!folder.data().join("cluster.json").exists());
}

#[test]
fn completions_know_the_commands_of_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(prints(&format!("completions {shell}")).contains("reset-offsets"));
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    prints(&format!("man {}", folder.path().display()));
    let page = std::fs::read_to_string(folder.path().join("janus-topics-create.1")).unwrap();
    assert!(page.contains("janus topics create orders"), "{page}");
}

#[test]
fn a_directory_is_formatted_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("server.properties");
    let data = folder.path().join("data");
    std::fs::write(&config, format!("node.id=7\nlog.dirs={}\n", data.display())).unwrap();
    let id = prints("format --random-cluster-id");
    let line = format!("format --config {} --cluster-id {}", config.display(), id.trim());
    let formatted: serde_json::Value =
        serde_json::from_str(&prints(&format!("{line} -o json"))).unwrap();
    assert_eq!(formatted[0]["cluster_id"], id.trim());
    assert_eq!(formatted[0]["node_id"], 7);
    assert!(data.join("meta.properties").exists());
    assert!(fails(&line, 1).contains("formatted already"));
    assert_eq!(prints(&format!("{line} --ignore-formatted -o json")).trim(), "[]");
    let wrong = format!("format --config {} --cluster-id short", config.display());
    assert!(fails(&wrong, 2).contains("22"));
}

#[test]
fn initial_controllers_are_written_where_the_controller_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("server.properties");
    let data = folder.path().join("data");
    let write = |more: &str| {
        std::fs::write(&config, format!("node.id=101\nlog.dirs={}\n{more}", data.display()))
            .unwrap();
    };
    let format = |controllers: &str| {
        format!(
            "format --config {} --cluster-id 5L6g3nShT-eMCtK--X86sw --initial-controllers {controllers}",
            config.display()
        )
    };
    write("");
    assert!(fails(&format("101@h"), 2).contains("ID@HOST:PORT"));
    prints(&format("101@a:9093,102@b:9093"));
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.ends_with("\ncontroller.quorum.voters=101@a:9093,102@b:9093\n"), "{text}");
    write("controller.quorum.voters=101@a:9093\n");
    assert!(fails(&format("101@other:9093"), 2).contains("101@a:9093"));
}
