//! The measurements: what each scenario does with a cluster, and the figures that it takes.

use std::time::Duration;

use anyhow::Result;
use tokio::time::sleep;

use crate::cluster::{Cluster, Role, Server};
use crate::load::{Batching, Load, Outcome, PARTITIONS, Pace};
use crate::machine::{Meter, Usage, memory_mb, tick_s};
use crate::probe::{self, Afterwards};
use crate::scenario::{Compression, Metric, Scenario, Values};

/// How long a cluster is left alone before it counts as idle. Whoever gives memory back does so within
/// ten seconds, of which the beginning is some seconds after the load's end.
pub(crate) const QUIET_S: u64 = 25;

/// How much work a measurement is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    throughput_records: u64,
    small_records: u64,
    /// No load flat out takes longer.
    seconds_max: u64,
    requests_s: u64,
    latency_s: u64,
    /// Without work: first this long unobserved,
    quiet_s: u64,
    /// then this long observed.
    idle_s: u64,
    partitions: i32,
    /// Of the topics of loads, and of the one with many partitions.
    afterwards: Afterwards,
    partitions_afterwards: Afterwards,
}

impl Sizes {
    pub(crate) const FULL: Self = Self {
        // 1 GB of 1 KiB records.
        throughput_records: 976_562,
        small_records: 4_000_000,
        seconds_max: 60,
        requests_s: 10,
        latency_s: 17,
        quiet_s: QUIET_S,
        idle_s: 15,
        partitions: 1_000,
        afterwards: Afterwards::Delete,
        // The next turn would wait for the file system, see `schedule`.
        partitions_afterwards: Afterwards::Keep,
    };

    pub(crate) const QUICK: Self = Self {
        throughput_records: 100_000,
        small_records: 300_000,
        seconds_max: 15,
        requests_s: 2,
        latency_s: 5,
        quiet_s: 2,
        idle_s: 3,
        partitions: 100,
        afterwards: Afterwards::Delete,
        partitions_afterwards: Afterwards::Keep,
    };

    /// A short load for a cluster that was warm before it was paused.
    const WAKE_UP: Self = Self {
        throughput_records: 200_000,
        seconds_max: 5,
        afterwards: Afterwards::Keep,
        ..Self::QUICK
    };

    /// A load of a warm-up.
    fn warm_up(seconds: u64) -> Self {
        Self {
            throughput_records: u64::MAX,
            small_records: u64::MAX,
            seconds_max: seconds,
            requests_s: seconds,
            latency_s: seconds,
            quiet_s: 0,
            idle_s: 0,
            partitions: 200,
            afterwards: Afterwards::Delete,
            partitions_afterwards: Afterwards::Delete,
        }
    }
}

/// Figures, and how many cores the rest of the machine used meanwhile.
#[derive(Debug)]
pub(crate) struct Measured {
    pub values: Values,
    pub others_cores: f64,
}

impl Measured {
    fn new(usage: &Usage, values: Values) -> Self {
        Self { values, others_cores: usage.others_s / usage.wall_s }
    }
}

/// Takes the figures of one scenario. The cluster serves, except for a cold start, which makes a
/// cluster of its own and ends it.
pub(crate) async fn measure(
    scenario: Scenario,
    cluster: &mut dyn Cluster,
    sizes: Sizes,
) -> Result<Measured> {
    match scenario {
        Scenario::ColdStart => {
            let measured = cold_start(cluster, sizes).await;
            cluster.stop().await?;
            measured
        }
        Scenario::Idle => idle(cluster.servers()?, sizes).await,
        Scenario::Partitions => {
            let (bootstrap, servers) = (cluster.bootstrap()?, cluster.servers()?);
            let afterwards = sizes.partitions_afterwards;
            let usage =
                probe::partitions(&bootstrap, servers, sizes.partitions, afterwards).await?;
            let serving = Metric::lower("until each took a record", "s").times_better(20.0);
            let cpu = Metric::lower("server CPU until then", "CPU s");
            let values = vec![(serving, usage.wall_s), (cpu, usage.servers_s)];
            Ok(Measured::new(&usage, values))
        }
        Scenario::Throughput(_)
        | Scenario::SmallRecords
        | Scenario::Requests
        | Scenario::Latency(_) => {
            let load = load_of(scenario, sizes).expect("these scenarios are loads");
            let servers = cluster.servers()?;
            let outcome = load.run(&cluster.bootstrap()?, servers.clone()).await?;
            let zookeeper = servers.iter().any(|server| server.role == Role::ZooKeeper);
            Ok(Measured::new(&outcome.usage, values_of(scenario, &outcome, zookeeper)))
        }
    }
}

/// A short load, for a cluster that was warm before it was paused.
pub(crate) async fn wake_up(cluster: &mut dyn Cluster) -> Result<()> {
    let scenario = Scenario::Throughput(Compression::Plain);
    measure(scenario, cluster, Sizes::WAKE_UP).await?;
    Ok(())
}

/// Loads of every kind, each for a few seconds, until the time is over: so that whatever a server
/// compiles, caches or creates when it is needed is there when it counts.
pub(crate) async fn warm_up(cluster: &mut dyn Cluster, seconds: u64) -> Result<()> {
    let kinds: Vec<Scenario> = Scenario::ALL.into_iter().filter(|it| it.is_work()).collect();
    let slice_s = (seconds / kinds.len() as u64).clamp(1, 10);
    let begin = tokio::time::Instant::now();
    let mut turn = 0;
    while begin.elapsed() < Duration::from_secs(seconds) {
        measure(kinds[turn % kinds.len()], cluster, Sizes::warm_up(slice_s)).await?;
        turn += 1;
    }
    Ok(())
}

/// The load of a scenario that is one.
pub(crate) fn load_of(scenario: Scenario, sizes: Sizes) -> Option<Load> {
    let flat_out = Load {
        value_bytes: 1024,
        partitions: PARTITIONS,
        compression: Compression::Plain,
        pace: Pace::FlatOut,
        batching: Batching::Throughput,
        records_max: sizes.throughput_records,
        seconds_max: sizes.seconds_max,
        afterwards: sizes.afterwards,
    };
    match scenario {
        Scenario::Throughput(compression) => Some(Load { compression, ..flat_out }),
        Scenario::SmallRecords => {
            Some(Load { value_bytes: 100, records_max: sizes.small_records, ..flat_out })
        }
        Scenario::Requests => Some(Load {
            value_bytes: 100,
            batching: Batching::OneRecord,
            records_max: u64::MAX,
            seconds_max: sizes.requests_s,
            ..flat_out
        }),
        Scenario::Latency(rate) => Some(Load {
            pace: Pace::PerSecond(rate),
            batching: Batching::Latency,
            records_max: u64::MAX,
            seconds_max: sizes.latency_s,
            ..flat_out
        }),
        Scenario::ColdStart | Scenario::Idle | Scenario::Partitions => None,
    }
}

fn values_of(scenario: Scenario, outcome: &Outcome, zookeeper: bool) -> Values {
    let usage = &outcome.usage;
    let gigabytes = outcome.bytes as f64 / 1e9;
    let records = outcome.records as f64;
    let per_s = |amount: f64| amount / usage.wall_s;
    let us_each = |seconds: f64| seconds * 1e6 / records;
    let mut values = match scenario {
        Scenario::Throughput(_) => vec![
            (
                Metric::lower("server CPU per GB", "CPU s").times_better(5.0).data_plane(),
                usage.servers_s / gigabytes,
            ),
            (Metric::higher("throughput", "MB/s").data_plane(), per_s(outcome.bytes as f64 / 1e6)),
            (Metric::lower("client CPU per GB", "CPU s"), usage.client_s / gigabytes),
            (Metric::lower("memory under load", "MB"), outcome.memory_mb.0),
        ],
        Scenario::SmallRecords => vec![
            (Metric::higher("records", "/s").data_plane(), per_s(records)),
            (Metric::lower("server CPU each", "us").data_plane(), us_each(usage.servers_s)),
            (Metric::lower("client CPU each", "us"), us_each(usage.client_s)),
        ],
        Scenario::Requests => vec![
            (Metric::higher("requests", "/s").times_better(10.0).data_plane(), per_s(records)),
            (Metric::lower("server CPU each", "us").data_plane(), us_each(usage.servers_s)),
            (Metric::lower("client CPU each", "us"), us_each(usage.client_s)),
        ],
        Scenario::Latency(rate) => {
            let quantile_ms = |it| outcome.latency_us.value_at_quantile(it) as f64 / 1e3;
            let p99 = Metric::lower("p99", "ms");
            let p99 = if rate == 5_000 { p99.times_better(10.0) } else { p99 };
            vec![
                (Metric::lower("p50", "ms"), quantile_ms(0.5)),
                (p99, quantile_ms(0.99)),
                (Metric::lower("p99.9", "ms"), quantile_ms(0.999)),
                (Metric::lower("server CPU", "cores"), per_s(usage.servers_s)),
            ]
        }
        Scenario::ColdStart | Scenario::Idle | Scenario::Partitions => Vec::new(),
    };
    if zookeeper {
        values.push((Metric::lower("ZooKeeper CPU", "cores"), per_s(usage.zookeeper_s)));
    }
    values
}

async fn cold_start(cluster: &mut dyn Cluster, sizes: Sizes) -> Result<Measured> {
    cluster.prepare().await?;
    let start = probe::cold_start(cluster).await?;
    let mut measured = idle(cluster.servers()?, sizes).await?;
    let first = Metric::lower("to the first acknowledged record", "s").times_better(20.0);
    let cpu = Metric::lower("server CPU until then", "CPU s");
    measured.values.splice(0..0, [(first, start.wall_s), (cpu, start.servers_s)]);
    Ok(measured)
}

async fn idle(servers: Vec<Server>, sizes: Sizes) -> Result<Measured> {
    sleep(Duration::from_secs(sizes.quiet_s)).await;
    let (memory, zookeeper_memory) = memory_mb(&servers)?;
    let zookeeper = servers.iter().any(|server| server.role == Role::ZooKeeper);
    let meter = Meter::start(servers)?;
    sleep(Duration::from_secs(sizes.idle_s)).await;
    let usage = meter.read()?;
    // Less than a tick cannot be seen, and nothing is divided by nothing.
    let percent = |seconds: f64| seconds.max(tick_s()) / usage.wall_s * 100.0;
    let mut values = vec![
        (Metric::lower("memory without work", "MB").times_better(10.0), memory),
        (
            Metric::lower("CPU without work", "% of a core").times_better(10.0),
            percent(usage.servers_s),
        ),
    ];
    if zookeeper {
        values.push((Metric::lower("ZooKeeper memory", "MB"), zookeeper_memory));
        values.push((Metric::lower("ZooKeeper CPU", "% of a core"), percent(usage.zookeeper_s)));
    }
    Ok(Measured::new(&usage, values))
}
