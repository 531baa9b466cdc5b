//! What servers show to those who watch them, and that the dashboard and the alerts ask for nothing
//! else.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use tests::{Cluster, Mode, eventually, with_cluster, with_cluster_in};

const RECORDS: usize = 1_000;
/// How long a server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// The samples of all servers, by name and labels, each server's own.
type Samples = BTreeMap<String, f64>;

/// `/metrics` of one server, checked line by line.
struct Scrape {
    server: String,
    samples: Samples,
}

/// GET: the status and the body.
fn get(endpoint: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(endpoint).unwrap();
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {endpoint}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// (name, where it is watched) of every broker and controller.
fn servers(cluster: &Cluster) -> Vec<(String, String)> {
    let status = cluster.status();
    let named = |kind: &str| -> Vec<(String, String)> {
        let servers = status[format!("{kind}s")].as_array().unwrap().iter();
        servers
            .map(|it| (format!("{kind} {}", it["id"]), it["metrics"].as_str().unwrap().to_owned()))
            .collect()
    };
    [named("broker"), named("controller")].concat()
}

fn scrape(cluster: &Cluster) -> Vec<Scrape> {
    let scraped = servers(cluster).into_iter().map(|(server, endpoint)| {
        let (status, text) = get(&endpoint, "/metrics");
        assert_eq!(status, 200, "{server}: {text}");
        let samples = read(&text).unwrap_or_else(|error| panic!("{server}: {error}"));
        Scrape { server, samples }
    });
    scraped.collect()
}

/// Reads the exposition format 0.0.4 and refuses everything that is not it.
fn read(text: &str) -> Result<Samples, String> {
    let mut samples = Samples::new();
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let (mut family, mut kind) = ("", "");
    if !text.ends_with('\n') {
        return Err("the last line does not end".into());
    }
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split_once(' ').filter(|(_, help)| !help.is_empty()).ok_or(line)?.0;
            kind = "";
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, of) = rest.split_once(' ').ok_or(line)?;
            let known = ["counter", "gauge", "summary", "histogram"].contains(&of);
            if name != family || !known || types.insert(name, of).is_some() {
                return Err(format!("out of place: {line}"));
            }
            kind = of;
        } else {
            let (series, value) = line.rsplit_once(' ').ok_or(line)?;
            let value: f64 = value.parse().map_err(|_| format!("no number: {line}"))?;
            let (name, labels) = labels(series).ok_or_else(|| format!("no sample: {line}"))?;
            let suffixes: &[&str] = match kind {
                "counter" | "gauge" => &[""],
                "summary" => &["", "_sum", "_count"],
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => return Err(format!("before its type: {line}")),
            };
            let ours = suffixes.iter().any(|suffix| name.strip_suffix(suffix) == Some(family));
            if !ours || (kind == "counter") != name.ends_with("_total") {
                return Err(format!("in the family {family} of {kind}s: {line}"));
            }
            let quantiles = kind == "summary" && name == family;
            if quantiles != labels.contains_key("quantile")
                || (kind == "histogram" && name.ends_with("_bucket")) != labels.contains_key("le")
            {
                return Err(format!("wrong labels: {line}"));
            }
            if samples.insert(series.to_owned(), value).is_some() {
                return Err(format!("said twice: {line}"));
            }
        }
    }
    Ok(samples)
}

/// Parts `name{label="value",...}`.
fn labels(series: &str) -> Option<(&str, BTreeMap<String, String>)> {
    let word = |text: &str| {
        let first = text.chars().next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
        first && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
    };
    let (name, mut rest) = match series.split_once('{') {
        None => (series, ""),
        Some((name, rest)) => (name, rest.strip_suffix('}')?),
    };
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match characters.next()?.1 {
                    'n' => '\n',
                    same @ ('\\' | '"') => same,
                    _ => return None,
                }),
                (_, other) => value.push(other),
            }
        };
        if !word(label) || labels.insert(label.to_owned(), value).is_some() {
            return None;
        }
        rest = match &quoted[end + 1..] {
            "" => "",
            more => more.strip_prefix(',')?,
        };
    }
    word(name).then_some((name, labels))
}

/// Over all servers, the sum of the samples of a name whose labels are among others those.
fn sum(scrapes: &[Scrape], name: &str, wanted: &[(&str, &str)]) -> f64 {
    let samples = scrapes.iter().flat_map(|scrape| &scrape.samples);
    samples
        .filter(|(series, _)| {
            let (found, labels) = labels(series).unwrap();
            let has =
                |(label, value): &(&str, &str)| labels.get(*label).is_some_and(|it| it == value);
            found == name && wanted.iter().all(has)
        })
        .map(|(_, value)| value)
        .sum()
}

/// The metrics that a file of `deploy/` asks for.
fn names_in(file: &str) -> BTreeSet<String> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy");
    let text = std::fs::read_to_string(deploy.join(file)).unwrap();
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let ours = |word: &&str| {
        ["kafka_", "janus_", "process_"].iter().any(|prefix| word.starts_with(prefix))
    };
    words.filter(ours).map(str::to_owned).collect()
}

#[test]
fn every_server_shows_what_dashboards_and_alerts_ask_for() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 3, &[]);
        cluster.wait_until_in_sync();
        let before = scrape(cluster);
        let lines: String = (0..RECORDS).map(|number| format!("order {number}\n")).collect();
        cluster.kcat("-P -t orders -X acks=all").input(lines.as_str()).success();
        let read = cluster.kcat("-G billing -X auto.offset.reset=earliest -e -q orders").success();
        assert_eq!(read.lines().count(), RECORDS);
        // Something that is refused.
        cluster.kcat("-C -t orders -p 0 -o 1000000 -e -X auto.offset.reset=error").run();
        cluster.wait_until_in_sync();
        let after = eventually("followers and groups have caught up", || {
            let scrapes = scrape(cluster);
            let replicated = sum(&scrapes, "kafka_log_log_logendoffset", &[("topic", "orders")]);
            let read = sum(&scrapes, "kafka_consumergroup_current_offset", &[("topic", "orders")]);
            (replicated == 3.0 * RECORDS as f64 && read == RECORDS as f64).then_some(scrapes)
        });

        let orders = [("topic", "orders")];
        let traffic = |name: &str, labels: &[(&str, &str)]| {
            sum(&after, &format!("kafka_server_brokertopicmetrics_{name}_total"), labels)
        };
        assert_eq!(traffic("messagesin", &orders), RECORDS as f64);
        let bytes = traffic("bytesin", &orders);
        assert!(bytes >= lines.len() as f64, "{bytes} bytes came in");
        assert!(traffic("bytesout", &orders) >= bytes, "not all was sent to the consumer");
        assert!(traffic("replicationbytesin", &[]) >= 2.0 * bytes, "followers have all of it");
        assert!(traffic("replicationbytesout", &[]) >= traffic("replicationbytesin", &[]));
        assert!(traffic("totalproducerequests", &orders) > 0.0);
        assert_eq!(traffic("failedproducerequests", &orders), 0.0);
        let requests = "kafka_network_requestmetrics";
        for api in ["Produce", "FetchConsumer", "FetchFollower", "JoinGroup", "OffsetCommit"] {
            let api = [("request", api)];
            let arrived = sum(&after, &format!("{requests}_requests_total"), &api);
            let answered = sum(&after, &format!("{requests}_totaltimems_count"), &api);
            assert!(arrived > 0.0 && answered > 0.0 && answered <= arrived, "{api:?}");
            let timed = sum(&after, "janus_network_request_seconds_count", &api);
            assert!(timed >= answered, "{api:?}: {timed} and {answered}");
        }
        let refused = [("request", "Fetch"), ("error", "OFFSET_OUT_OF_RANGE")];
        assert!(sum(&after, &format!("{requests}_errors_total"), &refused) > 0.0);

        let status = cluster.status();
        let partitions = status["partitions"].as_f64().unwrap();
        let of_controllers =
            |name: &str| sum(&after, &format!("kafka_controller_kafkacontroller_{name}"), &[]);
        assert_eq!(of_controllers("activecontrollercount"), 1.0);
        assert_eq!(of_controllers("activebrokercount"), 3.0);
        assert_eq!(of_controllers("fencedbrokercount"), 0.0);
        assert_eq!(of_controllers("globalpartitioncount"), partitions);
        assert_eq!(of_controllers("offlinepartitionscount"), 0.0);
        let of_replicas =
            |name: &str| sum(&after, &format!("kafka_server_replicamanager_{name}"), &[]);
        assert_eq!(of_replicas("leadercount"), partitions);
        assert_eq!(of_replicas("partitioncount"), 3.0 * partitions);
        assert_eq!(of_replicas("underreplicatedpartitions"), 0.0);
        assert_eq!(of_replicas("offlinereplicacount"), 0.0);
        let groups = "kafka_coordinator_group_groupmetadatamanager_numgroups";
        assert_eq!(sum(&after, groups, &[]), 1.0);
        assert_eq!(sum(&after, "janus_ready", &[]), 6.0);
        assert_eq!(sum(&after, "janus_broker_lease_valid", &[]), 3.0);
        assert_eq!(sum(&after, "kafka_server_kafkaserver_brokerstate", &[]), 3.0 * 3.0);

        for (before, after) in before.iter().zip(&after) {
            check_growth(before, after);
            check_histograms(after);
        }
        let shown: BTreeSet<&str> = after
            .iter()
            .flat_map(|scrape| scrape.samples.keys())
            .map(|series| series.split('{').next().unwrap())
            .collect();
        for file in ["grafana/janus.json", "prometheus/alerts.yml"] {
            let asked = names_in(file);
            assert!(asked.len() > 10, "{file} asks for {asked:?}");
            let missing: Vec<&String> =
                asked.iter().filter(|name| !shown.contains(name.as_str())).collect();
            assert!(missing.is_empty(), "{file} asks for what no server shows: {missing:?}");
        }
    });
}

/// What is counted never shrinks or disappears.
fn check_growth(before: &Scrape, after: &Scrape) {
    for (series, value) in &before.samples {
        let name = series.split('{').next().unwrap();
        if ["_total", "_count", "_bucket"].iter().any(|suffix| name.ends_with(suffix)) {
            let later = after.samples.get(series);
            assert!(later >= Some(value), "{}: {series}: {value}, {later:?}", after.server);
        }
    }
}

/// Buckets are cumulative, and the last holds everything.
fn check_histograms(scrape: &Scrape) {
    let mut buckets: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for (series, count) in &scrape.samples {
        let (name, mut labels) = labels(series).unwrap();
        if let Some(name) = name.strip_suffix("_bucket") {
            let end = labels.remove("le").unwrap().parse().unwrap();
            buckets.entry(format!("{name} {labels:?}")).or_default().push((end, *count));
        }
    }
    assert!(!buckets.is_empty(), "{} has no histogram", scrape.server);
    for (series, mut ends) in buckets {
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(ends.is_sorted_by_key(|(_, count)| *count), "{series}: {ends:?}");
        assert_eq!(ends.last().unwrap().0, f64::INFINITY, "{series}");
    }
}

#[test]
fn who_cannot_prove_to_be_alive_is_healthy_but_not_ready() {
    with_cluster(&[], |cluster| {
        let servers = servers(cluster);
        let ready = |endpoint: &str| {
            let (status, body) = get(endpoint, "/readyz");
            assert!([200, 503].contains(&status), "{status}: {body}");
            (status == 200, body)
        };
        for (server, endpoint) in &servers {
            eventually("the server is ready", || ready(endpoint).0.then_some(()));
            assert_eq!(get(endpoint, "/healthz"), (200, "ok\n".to_owned()), "{server}");
            assert_eq!(get(endpoint, "/else").0, 404, "{server}");
        }
        let status = cluster.status();
        let ensemble = status["zookeeper"]["servers"].as_array().into_iter().flatten();
        let ensemble = ensemble.map(|it| format!("zookeeper {}", it["id"]));
        let controllers = status["controllers"].as_array().unwrap().iter();
        let controllers = controllers.map(|it| format!("controller {}", it["id"]));
        let coordinators: Vec<String> = ensemble.chain(controllers).collect();
        for coordinator in &coordinators {
            cluster.json(&format!("pause {coordinator}"));
        }
        let brokers = servers.iter().filter(|(server, _)| server.starts_with("broker"));
        for (server, endpoint) in brokers {
            let reason = eventually("the broker's lease runs out", || {
                let (ready, reason) = ready(endpoint);
                (!ready).then_some(reason)
            });
            assert!(reason.contains("lease has run out"), "{server}: {reason}");
            assert_eq!(get(endpoint, "/healthz").0, 200, "{server}");
            let samples = read(&get(endpoint, "/metrics").1).unwrap();
            assert_eq!(samples["janus_broker_lease_valid"], 0.0, "{server}");
        }
        for coordinator in &coordinators {
            cluster.json(&format!("resume {coordinator}"));
        }
        for (_, endpoint) in &servers {
            eventually("the server is ready again", || ready(endpoint).0.then_some(()));
        }
        cluster.wait_until_in_sync();
    });
}

#[test]
fn logs_go_to_files_of_a_bounded_size_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let directory = format!("janus.log.dir={}", folder.path().join("logs").display());
    let bounds = ["janus.log.format=json", "janus.log.file.bytes=1024", "janus.log.files=3"];
    let settings = [&bounds[..], &[&directory]].concat();
    with_cluster_in(Mode::Raft, &settings, |cluster| {
        // Something to tell.
        let broker = cluster.kill("broker 1");
        cluster.json(&format!("start broker {broker}"));
        cluster.wait_until_in_sync();
        cluster.json("down");
        let mut files: BTreeMap<String, usize> = BTreeMap::new();
        for entry in std::fs::read_dir(folder.path().join("logs")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                for field in ["timestamp", "level", "logger", "message"] {
                    assert!(line[field].is_string(), "{line}");
                }
                assert_ne!(line["level"], "ERROR", "{line}");
            }
            // A line that is longer than a file stands alone.
            assert!(text.len() <= 1024 || text.lines().count() == 1, "{}", path.display());
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let server = name.split_once(".log").unwrap().0.to_owned();
            *files.entry(server).or_default() += 1;
        }
        let servers: Vec<&str> = files.keys().map(String::as_str).collect();
        let controllers = ["controller-101", "controller-102", "controller-103"];
        assert_eq!(servers, [&["broker-1", "broker-2", "broker-3"], &controllers[..]].concat());
        assert_eq!(files.values().max(), Some(&3), "{files:?}");
    });
}

#[test]
fn what_is_no_exposition_is_refused() {
    let family = "# HELP a_total b\n# TYPE a_total counter\n";
    assert_eq!(read(&format!("{family}a_total{{b=\"c\\\"}}\"}} 1\na_total 2\n")).unwrap().len(), 2);
    for line in [
        "a_total{b=\"c\"} 1\na_total{b=\"c\"} 2",
        "a_total{b=c} 1",
        "a_total{b=\"c\"",
        "a_total{b=\"c\",} 1,",
        "a_total",
        "a_total x",
        "b_total 1",
        "# TYPE a_total counter",
        "# HELP c d\nc 1",
        "# HELP c d\n# TYPE c counter\nc 1",
        "# HELP c d\n# TYPE c gauge\nc_total 1",
        "# HELP c d\n# TYPE c histogram\nc_bucket 1",
    ] {
        assert!(read(&format!("{family}{line}\n")).is_err(), "{line}");
    }
}
