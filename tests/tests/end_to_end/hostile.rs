//! Bad input on every port, while an honest load runs beside it.
//!
//! What is asked: the right error or a closed connection, no process dies, memory stays within its
//! bound (`docs/limits.md`), and the honest load loses nothing. How long it waited is printed, and how
//! long one honest client waits for each of its answers.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka::messages::fetch::{FetchPartition, FetchTopic};
use kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use kafka::messages::produce::{PartitionProduceData, TopicProduceData};
use kafka::messages::{ApiVersionsRequest, FetchRequest, ListOffsetsRequest, ProduceRequest};
use kafka::{Chunks, ErrorCode, Str};
use records::{BatchBuilder, Codec};
use tests::{Cluster, eventually, report, with_cluster};

use crate::load::{assert_nothing_broken, under_load, wait_until_it_flows};
use crate::wire::{self, ask};

const PATIENCE: Duration = Duration::from_secs(60);
/// Names topics by their names.
const PRODUCE_VERSION: i16 = 9;
const FETCH_VERSION: i16 = 11;
const LIST_OFFSETS_VERSION: i16 = 7;

/// What a broker may take at the worst of these tests; `docs/limits.md` adds it up.
const BROKER_BYTES_MAX: u64 = 704 << 20;
const IDLE_CONNECTIONS: usize = 10_000;
/// Fetches of one connection that reads none of the answers.
const UNREAD_FETCHES: usize = 200;
/// Connections that each send half of a request, and how many of them the broker must have closed
/// before the test goes on: then others have had their turn.
const HALF_REQUESTS: usize = 200;
const HALF_REQUESTS_CLOSED: usize = 8;
/// Time between two records of the honest client.
const HONEST_INTERVAL: Duration = Duration::from_millis(5);
/// More than a broker unpacks of one batch.
const BOMB_BYTES: usize = 200 << 20;

/// Every port of every server, with its name.
fn ports(cluster: &Cluster) -> Vec<(String, u16)> {
    let status = cluster.status();
    let port = |endpoint: &str| endpoint.rsplit(':').next().unwrap().parse::<u16>().unwrap();
    let mut ports = Vec::new();
    for it in status["brokers"].as_array().unwrap() {
        let name = format!("broker {}", it["id"]);
        let clients = it["port"].as_u64().unwrap() as u16;
        ports.push((name.clone(), clients));
        // `janus up` puts the inter-broker listener there.
        ports.push((format!("{name} replication"), clients + 200));
        ports.push((format!("{name} metrics"), port(it["metrics"].as_str().unwrap())));
    }
    for it in status["controllers"].as_array().unwrap() {
        let name = format!("controller {}", it["id"]);
        ports.push((name.clone(), port(it["endpoint"].as_str().unwrap())));
        ports.push((format!("{name} metrics"), port(it["metrics"].as_str().unwrap())));
    }
    ports
}

fn pids(cluster: &Cluster) -> Vec<u64> {
    let status = cluster.status();
    let servers = ["brokers", "controllers"].map(|kind| status[kind].as_array().unwrap().clone());
    servers.concat().iter().map(|it| it["pid"].as_u64().expect("it runs")).collect()
}

/// Resident memory of a process, now (`VmRSS`) or at its worst (`VmHWM`).
fn resident(pid: u64, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

/// Resident memory of every broker.
fn broker_bytes(cluster: &Cluster) -> Vec<u64> {
    let resident = |pid| resident(pid, "VmRSS");
    let status = cluster.status();
    let brokers = status["brokers"].as_array().unwrap();
    brokers.iter().map(|it| resident(it["pid"].as_u64().unwrap())).collect()
}

fn assert_memory_is_bounded(cluster: &Cluster, after: &str) {
    let bytes = broker_bytes(cluster);
    let megabytes: Vec<u64> = bytes.iter().map(|it| it >> 20).collect();
    report(format!("  memory of the brokers after {after}: {megabytes:?} MiB"));
    assert!(bytes.iter().all(|it| *it <= BROKER_BYTES_MAX), "{after}: {megabytes:?} MiB");
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Sends bytes and returns what comes back until the other end closes; an error of the connection is
/// an end too.
fn answer_until_closed(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(port);
    // The other end may have closed before everything is sent.
    stream.write_all(bytes).ok();
    stream.shutdown(std::net::Shutdown::Write).ok();
    let mut answer = Vec::new();
    match (&stream).take(1 << 20).read_to_end(&mut answer) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("port {port} neither answers nor closes")
        }
        _ => answer,
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes(), body].concat()
}

/// Numbers that look like chance and are the same every time.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// Bytes that are no request of anybody.
fn garbage() -> Vec<Vec<u8>> {
    let header = |api_key: i16, version: i16| {
        [&api_key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 7, 0xff, 0xff]].concat()
    };
    let metadata_of_many_topics = [&header(3, 1)[..], &i32::MAX.to_be_bytes()].concat();
    let produce_of_many_topics =
        [&header(0, 3)[..], &[0xff, 0xff, 0, 1, 0, 0, 0, 9], &i32::MAX.to_be_bytes()].concat();
    let mut garbage: Vec<Vec<u8>> = (1..=8).map(|seed| noise(seed * 7919, 4096)).collect();
    garbage.extend([
        i32::MAX.to_be_bytes().to_vec(),
        i32::MIN.to_be_bytes().to_vec(),
        (-1i32).to_be_bytes().to_vec(),
        // Half a frame.
        [&1000u32.to_be_bytes()[..], &noise(3, 500)].concat(),
        framed(&[]),
        framed(&[0]),
        framed(&header(999, 0)),
        framed(&header(3, 99)),
        framed(&header(3, -1)),
        framed(&metadata_of_many_topics),
        framed(&produce_of_many_topics),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".iter().copied().chain(noise(5, 2000)).collect(),
    ]);
    garbage
}

fn produce(stream: &mut TcpStream, topic: &str, batch: Bytes) -> ErrorCode {
    produce_with(1, stream, topic, batch)
}

fn produce_with(acks: i16, stream: &mut TcpStream, topic: &str, batch: Bytes) -> ErrorCode {
    let data = PartitionProduceData { index: 0, records: Some(Chunks(vec![batch])) };
    let topic = TopicProduceData {
        name: Str::from(topic),
        partition_data: vec![data],
        ..Default::default()
    };
    let request = ProduceRequest {
        acks,
        timeout_ms: PATIENCE.as_millis() as i32,
        topic_data: vec![topic],
        transactional_id: None,
    };
    let answer = ask(stream, &request, PRODUCE_VERSION);
    answer.responses[0].partition_responses[0].error_code.into()
}

fn batch(codec: Codec, key: Option<&[u8]>, value: &[u8]) -> Vec<u8> {
    let mut batch = BatchBuilder::new(0);
    batch.compression = codec;
    batch.push_next(1_000, key, Some(value));
    batch.build().unwrap().to_vec()
}

/// A batch whose header says something else than its records, under a CRC that is right.
fn lying(edit: impl Fn(&mut [u8])) -> Bytes {
    let mut bytes = batch(Codec::None, None, b"truth");
    edit(&mut bytes);
    let crc = records::crc32c(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.into()
}

/// A connection to the leader of partition 0.
fn connect_to_leader(cluster: &Cluster, topic: &str) -> TcpStream {
    connect_to(cluster, cluster.leader(topic, 0))
}

fn connect_to(cluster: &Cluster, broker: i64) -> TcpStream {
    connect(addresses(cluster)[broker as usize - 1])
}

/// The clients' port of each broker, in their order.
fn addresses(cluster: &Cluster) -> Vec<u16> {
    let port = |address: &str| address.rsplit(':').next().unwrap().parse().unwrap();
    cluster.bootstrap.split(',').map(port).collect()
}

/// A client that writes a record, waits for its answer, and writes the next one.
struct Honest {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<[Vec<Duration>; 2]>,
}

impl Honest {
    fn start(cluster: &Cluster) -> Self {
        let mut brokers = addresses(cluster).into_iter().cycle();
        let ends = Arc::new(AtomicBool::new(false));
        let asked = ends.clone();
        let thread = std::thread::spawn(move || {
            // One is free for the broker, the other has to find room.
            let batches = [100, 100 << 10].map(|bytes| batch(Codec::None, None, &noise(3, bytes)));
            let mut waited = [Vec::new(), Vec::new()];
            let mut stream = brokers.next().map(connect).expect("there are brokers");
            while !asked.load(Ordering::Relaxed) {
                for (batch, waited) in batches.iter().zip(&mut waited) {
                    let begin = Instant::now();
                    // As every client does, it looks for the leader.
                    loop {
                        match produce_with(-1, &mut stream, "honest", batch.clone().into()) {
                            ErrorCode::None => break,
                            ErrorCode::NotLeaderOrFollower => {
                                stream = brokers.next().map(connect).expect("there are brokers");
                            }
                            error => panic!("an honest client is refused: {error:?}"),
                        }
                    }
                    waited.push(begin.elapsed());
                    std::thread::sleep(HONEST_INTERVAL);
                }
            }
            waited
        });
        Self { ends, thread }
    }

    /// Prints how long it waited. Not one of its records was refused.
    fn stop(self, beside: &str) {
        self.ends.store(true, Ordering::Relaxed);
        let waited = self.thread.join().expect("an honest client is served");
        let [small, larger] = waited.map(|mut waited| {
            waited.sort();
            let at = |share: usize| waited[(waited.len() - 1) * share / 100].as_secs_f64() * 1000.0;
            let (median, p99, most) = (at(50), at(99), at(100));
            format!("p50 {median:.1}, p99 {p99:.1}, most {most:.1} ms")
        });
        report(format!("  honest beside {beside}: 100 bytes {small}; 100 KiB {larger}"));
    }
}

fn garbage_is_not_answered(cluster: &Cluster) {
    for (name, port) in ports(cluster) {
        for bytes in garbage() {
            let answer = answer_until_closed(port, &bytes);
            assert!(answer.len() < 64 << 10, "{name} answers {} bytes", answer.len());
        }
    }
}

fn bad_batches_are_named(cluster: &Cluster) {
    let mut stream = connect_to_leader(cluster, "plain");
    let mut corrupt = batch(Codec::None, None, b"flip a bit of this");
    *corrupt.last_mut().unwrap() ^= 1;
    assert_eq!(produce(&mut stream, "plain", corrupt.into()), ErrorCode::CorruptMessage);
    // The count of records, the last offset delta, the length.
    for at in [57..61, 23..27] {
        let lie = lying(|bytes| bytes[at.clone()].copy_from_slice(&1000i32.to_be_bytes()));
        let error = produce(&mut stream, "plain", lie);
        assert!(error != ErrorCode::None, "a header that lies at {at:?} was accepted");
    }
    let short = lying(|bytes| bytes[8..12].copy_from_slice(&i32::MAX.to_be_bytes()));
    assert!(produce(&mut stream, "plain", short) != ErrorCode::None);
    // The connection is still of use.
    let good = batch(Codec::None, None, b"good").into();
    assert_eq!(produce(&mut stream, "plain", good), ErrorCode::None);
}

fn bombs_do_not_go_off(cluster: &Cluster) {
    let bomb: Bytes = batch(Codec::Zstd, Some(b"key"), &vec![0; BOMB_BYTES]).into();
    report(format!(
        "  a batch of {} KiB that unpacks to {} MiB",
        bomb.len() >> 10,
        BOMB_BYTES >> 20
    ));
    // A compacted topic needs a look at the keys.
    let mut stream = connect_to_leader(cluster, "compacted");
    let error = produce(&mut stream, "compacted", bomb.clone());
    assert!(error != ErrorCode::None, "a bomb was accepted by a compacted topic");
    // Elsewhere a batch is opaque until somebody asks for an offset by time.
    let mut stream = connect_to_leader(cluster, "plain");
    produce(&mut stream, "plain", bomb);
    let partition =
        ListOffsetsPartition { partition_index: 0, timestamp: 500, ..Default::default() };
    let topic = ListOffsetsTopic { name: Str::from("plain"), partitions: vec![partition] };
    let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
    let answer = ask(&mut stream, &request, LIST_OFFSETS_VERSION);
    assert_eq!(answer.topics[0].partitions.len(), 1);
    assert_memory_is_bounded(cluster, "two bombs");
}

fn replicas_are_not_forged(cluster: &Cluster) {
    let mut stream = connect_to_leader(cluster, "plain");
    let request = FetchRequest { replica_id: 2, ..Default::default() };
    let answer = ask(&mut stream, &request, FETCH_VERSION);
    assert_eq!(ErrorCode::from(answer.error_code), ErrorCode::ClusterAuthorizationFailed);
    let versions = ask(&mut stream, &ApiVersionsRequest::default(), 0);
    assert_eq!(ErrorCode::from(versions.error_code), ErrorCode::None);
}

/// Connections that ask for megabytes again and again and read none of it.
fn slow_readers_cost_little(cluster: &Cluster) {
    let big = batch(Codec::None, None, &noise(11, 512 << 10));
    let mut stream = connect_to_leader(cluster, "plain");
    for _ in 0..16 {
        assert_eq!(produce(&mut stream, "plain", big.clone().into()), ErrorCode::None);
    }
    let partition = FetchPartition {
        partition: 0,
        fetch_offset: 0,
        partition_max_bytes: 8 << 20,
        current_leader_epoch: -1,
        ..Default::default()
    };
    let topic =
        FetchTopic { topic: Str::from("plain"), partitions: vec![partition], ..Default::default() };
    let request = FetchRequest { session_epoch: -1, topics: vec![topic], ..Default::default() };
    let frame = wire::frame(&request, FETCH_VERSION);
    let readers: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut reader = connect_to_leader(cluster, "plain");
            reader.set_nonblocking(true).unwrap();
            for _ in 0..UNREAD_FETCHES {
                // Once the broker stops reading, the rest does not fit.
                if reader.write_all(&frame).is_err() {
                    break;
                }
            }
            reader
        })
        .collect();
    // A question on another connection is answered while they are there.
    let good = batch(Codec::None, None, b"beside slow readers").into();
    assert_eq!(produce(&mut stream, "plain", good), ErrorCode::None);
    assert_memory_is_bounded(cluster, "readers that never read");
    drop(readers);
}

/// A connection that announces a request, sends half of it, and then nothing more.
struct HalfRequest {
    stream: TcpStream,
    unsent: usize,
    closed: bool,
}

impl HalfRequest {
    fn begin(mut stream: TcpStream, bytes: usize) -> Self {
        stream.write_all(&(bytes as u32).to_be_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        Self { stream, unsent: bytes / 2, closed: false }
    }

    /// Sends what the broker takes, and looks whether it has closed the connection.
    fn go_on(&mut self, chunk: &[u8]) {
        let blocked = |error: &std::io::Error| error.kind() == ErrorKind::WouldBlock;
        while self.unsent > 0 && !self.closed {
            match self.stream.write(&chunk[..chunk.len().min(self.unsent)]) {
                Ok(bytes) => self.unsent -= bytes,
                Err(error) if blocked(&error) => break,
                Err(_) => self.closed = true,
            }
        }
        self.closed |= match self.stream.read(&mut [0]) {
            Ok(_) => true,
            Err(error) => !blocked(&error),
        };
    }
}

/// Many connections that each send half of a request of these sizes to the honest client's broker.
fn half_requests(cluster: &Cluster, what: &str, sizes: &[usize]) {
    let leader = cluster.leader("honest", 0);
    let status = cluster.status();
    let brokers = status["brokers"].as_array().unwrap();
    let pid = brokers.iter().find(|it| it["id"].as_i64() == Some(leader)).unwrap()["pid"].clone();
    let pid = pid.as_u64().unwrap();
    let mut requests: Vec<HalfRequest> = (0..HALF_REQUESTS)
        .map(|at| HalfRequest::begin(connect_to(cluster, leader), sizes[at % sizes.len()]))
        .collect();
    let chunk = noise(13, 256 << 10);
    let mut most = 0;
    eventually("those that come slowly make room for others", || {
        requests.iter_mut().for_each(|request| request.go_on(&chunk));
        most = most.max(resident(pid, "VmRSS"));
        let closed = requests.iter().filter(|request| request.closed).count();
        (closed >= HALF_REQUESTS_CLOSED).then_some(())
    });
    let announced: usize = (0..HALF_REQUESTS).map(|at| sizes[at % sizes.len()]).sum();
    report(format!(
        "  {HALF_REQUESTS} {what} announce {} MiB; the broker takes {} MiB at most",
        announced >> 20,
        most >> 20
    ));
    assert!(most <= BROKER_BYTES_MAX, "{what}: {} MiB", most >> 20);
    drop(requests);
    // Who asks for as much and sends it is served: the batch is too large, which the answer says.
    for bytes in [3 << 20, 64 << 20] {
        let large: Bytes = batch(Codec::None, None, &vec![0; bytes]).into();
        eventually("the leader answers a large request", || {
            let mut stream = connect_to_leader(cluster, "honest");
            match produce(&mut stream, "honest", large.clone()) {
                ErrorCode::MessageTooLarge => Some(()),
                ErrorCode::NotLeaderOrFollower => None,
                error => panic!("{bytes} bytes: {error:?}"),
            }
        });
    }
}

fn large_half_requests_wait(cluster: &Cluster) {
    half_requests(cluster, "half-sent large requests", &[16 << 20, 32 << 20, 48 << 20, 64 << 20]);
}

fn ordinary_half_requests_wait(cluster: &Cluster) {
    half_requests(cluster, "half-sent requests", &[3 << 19]);
}

fn idle_connections_cost_little(cluster: &Cluster) {
    let status = cluster.status();
    let port = status["brokers"][0]["port"].as_u64().unwrap() as u16;
    let before = broker_bytes(cluster)[0];
    let idle: Vec<TcpStream> = (0..IDLE_CONNECTIONS)
        .map(|_| {
            let mut stream = connect(port);
            // Half a frame: the broker has begun to read.
            stream.write_all(&[0, 0]).unwrap();
            stream
        })
        .collect();
    let versions = ask(&mut connect(port), &ApiVersionsRequest::default(), 0);
    assert_eq!(ErrorCode::from(versions.error_code), ErrorCode::None);
    let after = broker_bytes(cluster)[0];
    let each = after.saturating_sub(before) / IDLE_CONNECTIONS as u64;
    report(format!("  {} idle connections take {each} bytes each", idle.len()));
    assert_memory_is_bounded(cluster, "10,000 idle connections");
}

/// Requests of every size that together ask for many times what a broker lends.
#[test]
fn requests_that_do_not_fit_together_are_served_one_after_another() {
    with_cluster(&["queued.max.request.bytes=4194304"], |cluster| {
        cluster.create_topic("plain", 1, &[]);
        // The last one is larger than everything that is lent.
        let sizes = [100, 100 << 10, 900 << 10, 1_900 << 10, 3 << 20, 20 << 20];
        let report_of_load = under_load(cluster, |_| {
            std::thread::scope(|scope| {
                for bytes in sizes.into_iter().cycle().take(4 * sizes.len()) {
                    let mut stream = connect_to_leader(cluster, "plain");
                    scope.spawn(move || {
                        let batch: Bytes = batch(Codec::None, None, &noise(5, bytes)).into();
                        for _ in 0..8 {
                            let expected = match bytes {
                                ..1_000_000 => ErrorCode::None,
                                _ => ErrorCode::MessageTooLarge,
                            };
                            let error = produce_with(-1, &mut stream, "plain", batch.clone());
                            assert_eq!(error, expected, "{bytes} bytes");
                        }
                    });
                }
            });
        });
        assert_nothing_broken(&report_of_load);
        assert_memory_is_bounded(cluster, "more than there is room for");
    });
}

#[test]
fn bad_input_is_refused_and_harms_nobody() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("plain", 1, &[]);
        cluster.create_topic("compacted", 1, &["cleanup.policy=compact"]);
        cluster.create_topic("honest", 1, &[]);
        let before = pids(cluster);
        let report_of_load = under_load(cluster, |load| {
            for (name, hostile) in [
                ("nobody", (|_| {}) as fn(&Cluster)),
                ("garbage on every port", garbage_is_not_answered),
                ("bad batches", bad_batches_are_named),
                ("forged replicas", replicas_are_not_forged),
                ("bombs", bombs_do_not_go_off),
                ("slow readers", slow_readers_cost_little),
                ("large half requests", large_half_requests_wait),
                ("half requests", ordinary_half_requests_wait),
                ("idle connections", idle_connections_cost_little),
            ] {
                let honest = Honest::start(cluster);
                load.mark_fault(name);
                hostile(cluster);
                wait_until_it_flows(load);
                honest.stop(name);
            }
        });
        assert_nothing_broken(&report_of_load);
        assert_eq!(pids(cluster), before, "no server died");
        let most: Vec<u64> = before.iter().map(|pid| resident(*pid, "VmHWM") >> 20).collect();
        report(format!("  memory of brokers and controllers at its most: {most:?} MiB"));
    });
}
