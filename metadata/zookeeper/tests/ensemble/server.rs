//! A ZooKeeper server of a test, from Debian's package; and a cable to it that can be cut.

use std::io::Write;
use std::net::{TcpListener as StdListener, TcpStream as StdStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Nothing here takes as long, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

const JAR: &str = "/usr/share/java/zookeeper.jar";

/// One server process. Its end is the end of the value, or of the test's process.
pub(crate) struct Server {
    pub(crate) port: u16,
    directory: TempDir,
    process: Option<(Child, ChildStdin)>,
}

impl Server {
    /// The server that the tests of this program share, each with a chroot of its own.
    pub(crate) fn shared() -> &'static Server {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Server::start)
    }

    pub(crate) fn start() -> Self {
        assert!(
            Path::new(JAR).exists(),
            "{JAR} is missing: these tests start a ZooKeeper server; install one with \
             `apt-get install zookeeper`"
        );
        let reserved = StdListener::bind("127.0.0.1:0").unwrap();
        let port = reserved.local_addr().unwrap().port();
        drop(reserved);
        let directory = tempfile::tempdir().unwrap();
        let mut config = std::fs::File::create(directory.path().join("zoo.cfg")).unwrap();
        writeln!(config, "tickTime=500\nclientPort={port}\nclientPortAddress=127.0.0.1").unwrap();
        writeln!(config, "dataDir={}\nadmin.enableServer=false", directory.path().display())
            .unwrap();
        // A disk that is slow because everybody uses it is not what is tested.
        writeln!(config, "forceSync=no\nmaxClientCnxns=0").unwrap();
        let mut server = Self { port, directory, process: None };
        server.restart();
        server
    }

    /// Starts the process again on its data.
    pub(crate) fn restart(&mut self) {
        self.kill();
        let log = std::fs::File::create(self.directory.path().join("log")).unwrap();
        // The shell notices when this process ends, however it does, and kills what is still ours.
        let directory = self.directory.path().display();
        let script = format!(
            "java -Xmx128m -XX:+UseSerialGC -Dzookeeper.forceSync=no -cp /etc/zookeeper/conf:{JAR} \
             org.apache.zookeeper.server.quorum.QuorumPeerMain {directory}/zoo.cfg & \
             read -r never; grep -q {directory}/zoo.cfg /proc/$!/cmdline && kill -9 $!"
        );
        let mut process = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("run sh and java");
        let stdin = process.stdin.take().unwrap();
        self.process = Some((process, stdin));
        let deadline = Instant::now() + PATIENCE;
        while StdStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.directory.path().join("log"));
            assert!(Instant::now() < deadline, "ZooKeeper does not start: {:?}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn kill(&mut self) {
        if let Some((mut process, stdin)) = self.process.take() {
            drop(stdin);
            process.wait().unwrap();
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Connections to a port, over which nothing gets through while they are cut.
pub(crate) struct Cable {
    pub(crate) port: u16,
    state: watch::Sender<State>,
    _listening: JoinSet<()>,
}

#[derive(Clone, Copy, Default)]
struct State {
    requests_cut: bool,
    answers_cut: bool,
    /// Connections that were opened before it rose are broken.
    generation: u32,
    /// How often somebody connected.
    connections: u32,
}

impl Cable {
    pub(crate) async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = watch::Sender::new(State::default());
        let mut listening = JoinSet::new();
        let states = state.clone();
        listening.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                states.send_modify(|state| state.connections += 1);
                tokio::spawn(connect_through(near, target, states.subscribe()));
            }
        });
        Self { port, state, _listening: listening }
    }

    /// Everything that is sent from now on waits, in both directions.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| (state.requests_cut, state.answers_cut) = (true, true));
    }

    /// What the server sends from now on waits.
    pub(crate) fn cut_answers(&self) {
        self.state.send_modify(|state| state.answers_cut = true);
    }

    /// What waited arrives.
    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| (state.requests_cut, state.answers_cut) = (false, false));
    }

    /// What waited is lost with its connection. New ones work.
    pub(crate) fn replace(&self) {
        self.state.send_modify(|state| {
            state.generation += 1;
            (state.requests_cut, state.answers_cut) = (false, false);
        });
    }

    /// Somebody gives a connection up and opens another one.
    pub(crate) async fn reconnected(&self) {
        let before = self.state.borrow().connections;
        let mut state = self.state.subscribe();
        state.wait_for(|state| state.connections > before).await.unwrap();
    }
}

async fn connect_through(near: TcpStream, target: u16, mut state: watch::Receiver<State>) {
    let opened = state.borrow().generation;
    let Ok(far) = TcpStream::connect(("127.0.0.1", target)).await else { return };
    near.set_nodelay(true).unwrap();
    far.set_nodelay(true).unwrap();
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let requests = carry(near_in, far_out, state.clone(), |state| state.requests_cut);
    let answers = carry(far_in, near_out, state.clone(), |state| state.answers_cut);
    tokio::select! {
        biased;
        _ = state.wait_for(|state| state.generation > opened) => {}
        () = requests => {}
        () = answers => {}
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
    is_cut: fn(&State) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|state| !is_cut(state)).await.is_err()
            || to.write_all(&buffer[..len]).await.is_err()
        {
            return;
        }
    }
}
