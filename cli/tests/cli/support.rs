//! Runs `janus`, and clusters that are gone when the test is over.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use serde_json::Value;
use tempfile::TempDir;

/// A folder for one cluster. Whatever runs in it is killed at the end, also when the test fails.
pub(crate) struct Folder {
    folder: TempDir,
    /// Clusters run one after the other: six servers are enough for a small machine.
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        build_servers();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self { folder: tempfile::tempdir().unwrap(), _turn: Some(turn) }
    }

    /// A second cluster at the same time.
    pub(crate) fn beside(_first: &Self) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), _turn: None }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `janus WORDS --data DIR`
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = janus(line);
        command.arg("--data").arg(self.data());
        command
    }

    /// Runs a command that must succeed; its stdout.
    pub(crate) fn run(&self, line: &str) -> String {
        let output = self.command(line).output().unwrap();
        assert!(output.status.success(), "janus {line}: {}", describe(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same with `-o json`.
    pub(crate) fn json(&self, line: &str) -> Value {
        let text = self.run(&format!("{line} -o json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("janus {line}: {error}: {text}"))
    }

    /// Runs a command with lines for its stdin; its stdout.
    pub(crate) fn pipe(&self, line: &str, input: &str) -> String {
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "janus {line}: {}", describe(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command that must fail with this exit status; its stderr.
    pub(crate) fn fail(&self, line: &str, status: i32) -> String {
        let output = self.command(line).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "janus {line}: {}", describe(&output));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Asks for the status until it is as wanted; the test's own time limit is the bound.
    pub(crate) fn wait_for_status(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = self.json("status");
            if wanted(&status) {
                return status;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for target in ["kill all", "down --wipe --yes"] {
            // Nothing may run any more, or nothing may ever have run.
            let _ = self.command(target).output();
        }
    }
}

/// `janus WORDS`, untouched by the environment of whoever runs the tests.
pub(crate) fn janus(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_janus"));
    command.args(line.split_whitespace());
    for variable in ["JANUS_DATA", "JANUS_BOOTSTRAP", "JANUS_BIN_DIR"] {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn describe(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The servers are other packages' binaries: cargo does not build them for these tests by itself.
fn build_servers() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "-p", "janus-broker", "-p", "janus-controller"]);
        if Path::new(env!("CARGO_BIN_EXE_janus")).parent().unwrap().ends_with("release") {
            command.arg("--release");
        }
        assert!(command.status().unwrap().success(), "the servers do not build");
    });
}
