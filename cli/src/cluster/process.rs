//! One server process on this machine: started, found again, signalled, waited for.
//!
//! A process is known by its pid and its start time, so that a pid which another program has
//! received since is never signalled. Signals go through a pidfd, so there is no race between looking
//! and acting.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

pub(super) use rustix::process::Signal;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::POLL_INTERVAL;

/// A process, identified for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number, which the machine gives to others later.
    pub pid: i32,
    /// The machine's boot and the clock ticks after it at which the process started.
    pub started: String,
}

/// What the machine says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, or waits for something to do.
    Running,
    /// Stopped by SIGSTOP.
    Paused,
    /// Ended (a zombie without other threads counts), or never started.
    Gone,
}

impl Process {
    /// Starts a server in a process group of its own, so that Ctrl-C reaches only the `janus` that
    /// started it. Both output streams are appended to `log`.
    pub fn spawn<I, S>(program: &Path, arguments: I, log: &Path) -> io::Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let log = File::options().create(true).append(true).open(log)?;
        // Dropping the child leaves it running; tokio reaps it when it ends.
        let child = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()?;
        let pid = child.id().expect("a child that was not awaited has a pid") as i32;
        // Already gone and reaped: any start time will do, it matches nothing.
        let started = read_stat(pid).map(|stat| stat.started).unwrap_or_default();
        Ok(Self { pid, started })
    }

    #[cfg(test)]
    pub(super) fn of_this_program() -> Self {
        let pid = std::process::id() as i32;
        Self { pid, started: read_stat(pid).unwrap().started }
    }

    /// What the machine says of it now.
    pub fn state(&self) -> ProcessState {
        match read_stat(self.pid) {
            Some(stat) if stat.started != self.started => ProcessState::Gone,
            // A zombie with other threads is still ending, and holds its files until it has ended.
            Some(Stat { state: 'Z' | 'X' | 'x', threads: ..=1, .. }) | None => ProcessState::Gone,
            Some(Stat { state: 'T' | 't', .. }) => ProcessState::Paused,
            Some(_) => ProcessState::Running,
        }
    }

    /// Whether it runs or is paused.
    pub fn is_alive(&self) -> bool {
        self.state() != ProcessState::Gone
    }

    /// Sends a signal. False: the process is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<bool> {
        let Some(pidfd) = self.open()? else { return Ok(false) };
        match pidfd_send_signal(&pidfd, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the end of the process; false when it still runs after `limit`.
    pub async fn ended_within(&self, limit: Duration) -> bool {
        let ended = async {
            while self.is_alive() {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        tokio::time::timeout(limit, ended).await.is_ok()
    }

    /// A handle on exactly this process, `None` when it is gone.
    fn open(&self) -> io::Result<Option<OwnedFd>> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(None) };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // Looked at after opening: from here on the pidfd cannot mean another process.
        Ok(self.is_alive().then_some(pidfd))
    }
}

struct Stat {
    state: char,
    threads: u32,
    started: String,
}

fn read_stat(pid: i32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (state, threads, ticks) = parse_stat(&stat)?;
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(Stat { state, threads, started: format!("{}/{ticks}", boot.trim()) })
}

/// State, number of threads and start time (fields 3, 20 and 22 of proc(5)). The second field, the
/// name in parentheses, may contain anything, so counting starts behind its end.
fn parse_stat(stat: &str) -> Option<(char, u32, u64)> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let threads = fields.nth(16)?.parse().ok()?;
    let ticks = fields.nth(1)?.parse().ok()?;
    Some((state, threads, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_behind_a_name_with_parentheses() {
        let stat = "71 (a) b (c)) T 1 71 71 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 5 0 4242 9 9";
        assert_eq!(parse_stat(stat), Some(('T', 5, 4242)));
        assert_eq!(parse_stat("71 (broken"), None);
    }

    #[tokio::test]
    async fn a_process_is_paused_resumed_ended_and_then_gone() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let process = Process::spawn(Path::new("sleep"), ["600"], &log).unwrap();
        assert!(process.is_alive());
        assert!(process.signal(Signal::STOP).unwrap());
        while process.state() != ProcessState::Paused {
            tokio::task::yield_now().await;
        }
        assert!(!process.ended_within(Duration::from_millis(1)).await);
        assert!(process.signal(Signal::KILL).unwrap());
        assert!(process.ended_within(Duration::from_secs(60)).await);
        assert_eq!(process.state(), ProcessState::Gone);
        assert!(!process.signal(Signal::KILL).unwrap());
    }

    #[test]
    fn a_recycled_pid_is_not_the_same_process() {
        let own = std::process::id() as i32;
        let earlier = Process { pid: own, started: "another boot/1".into() };
        assert_eq!(earlier.state(), ProcessState::Gone);
        assert!(!earlier.signal(Signal::TERM).unwrap());
    }
}
