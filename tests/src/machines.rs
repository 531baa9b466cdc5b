//! Three machines on one: each has a network of its own and a file system of its own.
//!
//! ```text
//!  unshare: namespaces of mounts, network and processes, which end with the test, whatever happens
//!  ├─ test, load, janus          192.0.2.254 ── bridge ─┬──────────┬──────────┐
//!  ├─ ip netns machine-1  192.0.2.1  eth0 ── port-1 ────┘          │          │
//!  │    overlay of this system: /etc/janus, /var/lib/janus, ...    │          │
//!  ├─ ip netns machine-2  192.0.2.2  eth0 ── port-2 ───────────────┘          │
//!  └─ ip netns machine-3  192.0.2.3  eth0 ── port-3 ──────────────────────────┘
//! ```
//!
//! The machines are set up by the commands of `docs/deployment.md` with the files of `deploy/`, and
//! run the `ExecStart` lines of its units as the users that these name. What is written to a machine's
//! file system stays in memory and is gone with the test.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::cluster::{Mode, binaries, is_wanted, janus};
use crate::{Program, eventually, logs, report};

/// Names the folder of a test that runs in its namespaces.
const INSIDE: &str = "JANUS_TEST_INSIDE";

/// Where the machines' file systems are, in the folder of the test. Logs stand beside it.
const MEMORY: &str = "machines";

/// The file that says that there is such a test.
const STARTED: &str = "started";

/// The machines that a cluster begins with.
const MACHINES: [usize; 3] = [1, 2, 3];

/// One that joins later.
pub const FOURTH_MACHINE: usize = 4;

/// A network for documentation (RFC 5737): nobody is there.
const NETWORK: &str = "192.0.2";

/// Where the machines have the sources, in which the commands of the how-to are typed.
const SOURCES: &str = "/usr/local/src/janus";

/// Runs a test on three machines in every mode, each time as the first process of namespaces of its
/// own, which only root may make. `name` is the test's path in its binary.
pub fn with_machines(name: &str, test: impl FnOnce(&Machines)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        let mode = Mode::ALL.into_iter().find(is_wanted).expect("one mode is wanted");
        let begin = Instant::now();
        let machines = Machines::start(mode, PathBuf::from(folder));
        test(&machines);
        logs::check(&machines.logs(), &[]);
        report(format!("  {name} in {mode} mode: {:.1} s", begin.elapsed().as_secs_f64()));
        return;
    }
    assert!(
        rustix::process::geteuid().is_root(),
        "{name} makes network namespaces, bridges and mounts: run it as root, on a kernel with \
         overlayfs, where iproute2 and util-linux are installed"
    );
    Mode::ALL.into_iter().filter(is_wanted).for_each(|mode| run_inside(name, mode));
}

/// The inner process dies with the thread that waits for it here, and everything with the inner one:
/// servers, networks and mounts.
fn run_inside(name: &str, mode: Mode) {
    let mut folder = tempfile::tempdir().unwrap();
    let status = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--mount-proc"])
        .args(["--fork", "--kill-child"])
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, folder.path())
        .env("JANUS_TEST_MODE", mode.to_string())
        .status()
        .unwrap_or_else(|error| panic!("run setpriv and unshare of util-linux: {error}"));
    if std::env::var_os("JANUS_TEST_KEEP").is_some() {
        folder.disable_cleanup(true);
        eprintln!("the logs of {name}: {}", folder.path().display());
    }
    assert!(status.success(), "{name} failed in {mode} mode; what it said stands above");
    assert!(folder.path().join(STARTED).exists(), "there is no test {name}");
}

/// Three machines with a server of every role on each.
#[derive(Debug)]
pub struct Machines {
    /// How the controllers coordinate.
    pub mode: Mode,
    /// `HOST:PORT,...` of the brokers.
    pub bootstrap: String,
    /// Removed by the outer process, which does not see what is mounted there.
    folder: PathBuf,
    cluster_id: String,
    servers: RefCell<BTreeMap<(usize, String), Child>>,
}

impl Machines {
    /// Sets three machines up and starts all their servers.
    fn start(mode: Mode, folder: PathBuf) -> Self {
        File::create(folder.join(STARTED)).unwrap();
        let endpoints = MACHINES.map(|number| format!("{}:9092", host(number)));
        let id = janus("format --random-cluster-id").success();
        let machines = Self {
            mode,
            bootstrap: endpoints.join(","),
            folder,
            cluster_id: id.trim().to_owned(),
            servers: RefCell::default(),
        };
        machines.lay_the_network();
        for number in MACHINES {
            machines.build(number);
            machines.set_up(number);
        }
        for number in MACHINES {
            for unit in machines.units() {
                machines.start_unit(number, unit);
            }
        }
        machines
    }

    /// The bridge that every machine is plugged into, and names for all.
    fn lay_the_network(&self) {
        let root = self.folder.join(MEMORY);
        // `ip netns` keeps its names there, and nobody else shall see them.
        run("mount -t tmpfs tmpfs /run");
        fs::create_dir(&root).unwrap();
        run(&format!("mount -t tmpfs tmpfs {}", root.display()));
        let all = MACHINES.into_iter().chain([FOURTH_MACHINE]);
        let names: String =
            all.map(|number| format!("{} {}\n", address(number), host(number))).collect();
        let hosts = root.join("hosts");
        fs::write(&hosts, format!("127.0.0.1 localhost\n{names}")).unwrap();
        run(&format!("mount --bind {} /etc/hosts", hosts.display()));
        run("ip link set lo up");
        run("ip link add bridge type bridge");
        run(&format!("ip address add {}/24 dev bridge", address(254)));
        run("ip link set bridge up");
    }

    /// A network, and a file system that begins as this one and goes its own way, with the binaries
    /// installed.
    pub fn build(&self, number: usize) {
        let netns = netns(number);
        run(&format!("ip netns add {netns}"));
        run(&format!("ip link add port-{number} type veth peer name eth0 netns {netns}"));
        run(&format!("ip link set port-{number} master bridge up"));
        run(&format!("ip -n {netns} address add {}/24 dev eth0", address(number)));
        run(&format!("ip -n {netns} link set lo up"));
        run(&format!("ip -n {netns} link set eth0 up"));

        let folder = self.folder.join(MEMORY).join(netns);
        for part in ["upper", "work", "root"] {
            fs::create_dir_all(folder.join(part)).unwrap();
        }
        let (root, shown) = (self.root(number), folder.display());
        run(&format!(
            "mount -t overlay overlay -o lowerdir=/,upperdir={shown}/upper,workdir={shown}/work {}",
            root.display()
        ));
        run(&format!("mount --rbind /dev {}/dev", root.display()));
        run(&format!("mount -t proc proc {}/proc", root.display()));
        fs::copy(self.folder.join(MEMORY).join("hosts"), root.join("etc/hosts")).unwrap();

        for binary in ["janus", "janus-broker", "janus-controller"] {
            let place = root.join("usr/local/bin").join(binary);
            // What stands there on this machine may be a link to elsewhere.
            let _ = fs::remove_file(&place);
            File::create(&place).unwrap();
            let binary = binaries().join(binary);
            run(&format!("mount --bind {} {}", binary.display(), place.display()));
        }
        let sources = root.join(SOURCES.trim_start_matches('/'));
        fs::create_dir_all(sources.join("deploy")).unwrap();
        let deploy = repository().join("deploy");
        run(&format!("mount --bind {} {}", deploy.display(), sources.join("deploy").display()));
        fs::write(sources.join("secret"), "the cluster's shared secret\n").unwrap();
    }

    /// What the how-to says for every machine.
    fn set_up(&self, number: usize) {
        if self.mode == Mode::ZooKeeper {
            self.follow(number, "zookeeper");
        }
        self.follow(number, "machine");
        self.follow(number, "format");
    }

    /// Types the commands below `<!-- test: NAME -->` in the how-to.
    pub fn follow(&self, number: usize, name: &str) {
        let path = repository().join("docs/deployment.md");
        let text = fs::read_to_string(&path).unwrap();
        let marked = text.split_once(&format!("<!-- test: {name} -->\n```sh\n"));
        let block = marked.and_then(|(_, rest)| rest.split_once("\n```"));
        let (commands, _) =
            block.unwrap_or_else(|| panic!("{} has no commands for {name}", path.display()));
        self.shell(number, commands).success();
    }

    /// Runs a script on a machine, in the folder of the sources.
    pub fn shell(&self, number: usize, script: &str) -> Program {
        let enter = format!("cd {SOURCES}\n{script}");
        let mut program = Program::new("ip")
            .words(&format!("netns exec {} chroot", netns(number)))
            .argument(self.root(number))
            .words("sh -euxc")
            .argument(enter)
            .variable("N", &number.to_string())
            .variable("MODE", &self.mode.to_string())
            .variable("CLUSTER_ID", &self.cluster_id);
        for variable in ["RUST_LOG", "JANUS_DATA", "JANUS_BOOTSTRAP"] {
            program = program.variable(variable, "");
        }
        program
    }

    /// The units of this mode, in the order in which they are started.
    pub fn units(&self) -> &'static [&'static str] {
        match self.mode {
            Mode::Raft => &["janus-controller", "janus-broker"],
            Mode::ZooKeeper => &["zookeeper", "janus-controller", "janus-broker"],
        }
    }

    /// Starts a unit: its line, as its user, with what it says going to a file.
    pub fn start_unit(&self, number: usize, unit: &str) {
        let file = self.root(number).join(format!("etc/systemd/system/{unit}.service"));
        let text = fs::read_to_string(file).unwrap();
        let setting = |key: &str| {
            let mut lines = text.lines();
            let value = lines.find_map(|line| line.strip_prefix(&format!("{key}=")));
            value.unwrap_or_else(|| panic!("{unit} has no {key}")).to_owned()
        };
        let log = File::options().create(true).append(true).open(self.log(number, unit)).unwrap();
        let (user, group, line) = (setting("User"), setting("Group"), setting("ExecStart"));
        let child = Command::new("ip")
            .args(["netns", "exec", &netns(number), "chroot"])
            .arg(self.root(number))
            .args(["setpriv", "--reuid", &user, "--regid", &group, "--init-groups"])
            .args(line.split_whitespace())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("run ip of iproute2: {error}"));
        self.servers.borrow_mut().insert((number, unit.to_owned()), child);
    }

    /// Stops a unit as its service manager would, and waits for its end.
    pub fn stop_unit(&self, number: usize, unit: &str) {
        let key = (number, unit.to_owned());
        let mut child = self.servers.borrow_mut().remove(&key).unwrap();
        // `ip`, `chroot` and `setpriv` have become the server. It was not waited for yet, so its pid
        // is still its own.
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        eventually("the unit stops", || child.try_wait().unwrap());
    }

    /// Pulls a machine's cable.
    pub fn cut_off(&self, number: usize) {
        run(&format!("ip link set port-{number} down"));
    }

    /// Plugs it in again.
    pub fn reconnect(&self, number: usize) {
        run(&format!("ip link set port-{number} up"));
    }

    /// `janus WORDS` on a machine apart, told about the whole cluster.
    pub fn janus(&self, words: &str) -> Program {
        let secret = self.root(1).join("etc/janus/secret");
        janus("--bootstrap")
            .words(&self.bootstrap)
            .words("--secret-file")
            .argument(secret)
            .words(words)
    }

    /// `janus status -o json`, if it can be told.
    pub fn status(&self) -> Option<Value> {
        let finished = self.janus("status -o json").run();
        finished.status.success().then(|| serde_json::from_str(&finished.stdout).unwrap())
    }

    /// The machine whose ZooKeeper server leads.
    pub fn leader_of_the_ensemble(&self) -> usize {
        let leads = |number: &usize| {
            let mut stream = TcpStream::connect((address(*number), 2181)).unwrap();
            stream.write_all(b"srvr").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer.contains("Mode: leader")
        };
        eventually("a server of the ensemble leads", || MACHINES.into_iter().find(leads))
    }

    /// Asks for the status until it is as wanted.
    pub fn wait_for_status(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, || self.status().filter(|status| wanted(status)))
    }

    /// Waits until all brokers of the first machines run and every replica is in sync.
    pub fn wait_until_in_sync(&self) -> Value {
        self.wait_for_status("all replicas are in sync", |status| {
            let brokers = status["brokers"].as_array().unwrap();
            brokers.len() >= MACHINES.len()
                && brokers.iter().all(|broker| broker["state"] == "running")
                && !status["controller"].is_null()
                && status["under_replicated"] == 0
                && status["offline"] == 0
        })
    }

    /// A folder for files of the test.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The root folder of a machine.
    pub fn root(&self, number: usize) -> PathBuf {
        self.folder.join(MEMORY).join(netns(number)).join("root")
    }

    fn log(&self, number: usize, unit: &str) -> PathBuf {
        self.folder.join(format!("{}-{unit}.log", netns(number)))
    }

    /// The logs of Janus's own servers.
    fn logs(&self) -> Vec<(String, String)> {
        let servers = self.servers.borrow();
        let of_janus = servers.keys().filter(|(_, unit)| unit.starts_with("janus"));
        let read = |number, unit: &str| fs::read(self.log(number, unit)).unwrap_or_default();
        of_janus
            .map(|(number, unit)| {
                let log = String::from_utf8_lossy(&read(*number, unit)).into_owned();
                (format!("{unit} on {}", host(*number)), log)
            })
            .collect()
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed in {} mode", self.mode);
            logs::show_tails(&self.logs());
        }
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository")
}

fn host(number: usize) -> String {
    format!("machine-{number}.example")
}

fn netns(number: usize) -> String {
    format!("machine-{number}")
}

fn address(number: usize) -> String {
    format!("{NETWORK}.{number}")
}

fn run(line: &str) {
    let (program, words) = line.split_once(' ').expect("a program and its arguments");
    Program::new(program).words(words).success();
}
