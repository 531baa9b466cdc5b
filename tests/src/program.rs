//! Programs that are run to their end within a limit, or beside the test.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;

/// How long a program may take unless a test says otherwise. Machines that are busy are slow.
const LIMIT_DEFAULT: Duration = Duration::from_secs(120);

/// How often a condition is looked at that nobody announces.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A program that is to be run.
#[derive(Debug)]
pub struct Program {
    command: Command,
    input: Vec<u8>,
    input_file: Option<PathBuf>,
    output_file: Option<PathBuf>,
    limit: Duration,
}

/// A program that has ended, and what it said.
#[derive(Debug)]
pub struct Finished {
    /// What was run.
    pub line: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Everything on stdout, unless that went to a file.
    pub stdout: String,
    /// Everything on stderr.
    pub stderr: String,
}

/// A program that runs beside the test. It is killed when it is dropped.
#[derive(Debug)]
pub struct Background {
    line: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Program {
    /// A program by its name or path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            command: Command::new(program),
            input: Vec::new(),
            input_file: None,
            output_file: None,
            limit: LIMIT_DEFAULT,
        }
    }

    /// Adds arguments that stand in one line, separated by white space.
    pub fn words(mut self, line: &str) -> Self {
        self.command.args(line.split_whitespace());
        self
    }

    /// Adds one argument as it is.
    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets or, with an empty value, removes a variable of the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        match value {
            "" => self.command.env_remove(name),
            value => self.command.env(name, value),
        };
        self
    }

    /// What it reads from stdin; nothing otherwise.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// The file that it reads from stdin.
    pub fn input_from(mut self, path: &Path) -> Self {
        self.input_file = Some(path.to_owned());
        self
    }

    /// The file that its stdout goes to.
    pub fn output_to(mut self, path: &Path) -> Self {
        self.output_file = Some(path.to_owned());
        self
    }

    /// How long it may take.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The whole command line, for people.
    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    fn open_files(&mut self) {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(path) = &self.input_file {
            self.command.stdin(File::open(path).unwrap());
        }
        if let Some(path) = &self.output_file {
            self.command.stdout(File::create(path).unwrap());
        }
    }

    /// Runs it to its end, whatever that is; panics when it takes too long.
    pub fn run(mut self) -> Finished {
        self.open_files();
        let line = self.line();
        let limit = self.limit;
        let mut command = tokio::process::Command::from(self.command);
        command.kill_on_drop(true);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let output = runtime.block_on(async {
            let mut child = command.spawn().unwrap_or_else(|error| panic!("run {line}: {error}"));
            let stdin = child.stdin.take();
            let write = async {
                if let Some(mut stdin) = stdin {
                    // It may end without having read everything.
                    let _ = stdin.write_all(&self.input).await;
                }
            };
            let ended = async { tokio::join!(write, child.wait_with_output()).1 };
            tokio::time::timeout(limit, ended)
                .await
                .unwrap_or_else(|_| panic!("{line}: still runs after {} s", limit.as_secs()))
                .unwrap_or_else(|error| panic!("{line}: {error}"))
        });
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Finished { line, status: output.status, stdout, stderr }
    }

    /// Runs it to its end, which must be exit status 0; its stdout.
    pub fn success(self) -> String {
        self.run().success().stdout
    }

    /// Starts it beside the test. Lines of stdout and stderr come as they are written.
    pub fn start(mut self) -> Background {
        self.open_files();
        let line = self.line();
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("run {line}: {error}"));
        let mut stdin = child.stdin.take();
        if !self.input.is_empty()
            && let Some(stdin) = &mut stdin
        {
            stdin.write_all(&self.input).unwrap();
        }
        let (sender, lines) = channel();
        let stdout = child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>);
        let stderr = child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>);
        for stream in stdout.into_iter().chain(stderr) {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let lines = BufReader::new(stream).split(b'\n').map_while(Result::ok);
                for line in lines {
                    if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                        break;
                    }
                }
            });
        }
        Background { line, child, stdin, lines, seen: Vec::new() }
    }
}

impl Finished {
    /// Itself, when the exit status was 0.
    pub fn success(self) -> Self {
        assert!(self.status.success(), "{self}");
        self
    }

    /// Its stderr, when the exit status was this one.
    pub fn failure(self, status: i32) -> String {
        assert_eq!(self.status.code(), Some(status), "{self}");
        self.stderr
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}\n{}{}", self.line, self.status, self.stdout, self.stderr)
    }
}

impl Background {
    /// Waits for the next line that is as wanted and returns it.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + LIMIT_DEFAULT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if wanted(&line) {
                        return line;
                    }
                }
                Err(error) => {
                    panic!("{}: no {what} ({error}); it said:\n{}", self.line, self.said())
                }
            }
        }
    }

    /// Writes to its stdin. Returns once the program has taken it, or a pipe's worth less.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is open until finish");
        stdin.write_all(bytes).unwrap_or_else(|error| panic!("{}: {error}", self.line));
    }

    /// Every line so far that a wait went past.
    pub fn said(&self) -> String {
        self.seen.join("\n")
    }

    /// Asks it to end (SIGINT, as Ctrl-C does).
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Asks it to end (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // The child was not waited for yet, so its pid is still its own.
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Closes its stdin and waits for its end; every line that it wrote.
    pub fn finish(mut self) -> (ExitStatus, Vec<String>) {
        drop(self.stdin.take());
        let deadline = Instant::now() + LIMIT_DEFAULT;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{}: does not end; it said:\n{}", self.line, self.said())
                }
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.seen))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Looks until there is an answer, and returns it; panics when there is none in time.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT_DEFAULT;
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {} s", LIMIT_DEFAULT.as_secs());
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Tells people something although the test passes: the test runner captures `print!`, not this.
pub fn report(text: impl AsRef<str>) {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}
