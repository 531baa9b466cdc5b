//! What the kernel knows: the CPU time and memory of processes, and which machine this is.

use std::fs;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cluster::{Role, Server};

/// The machine that a report was made on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// As its maker calls it.
    pub cpu: String,
    /// Logical processors.
    pub cores: usize,
    /// Of main memory.
    pub memory_gb: f64,
    /// Release of the kernel.
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: field(&info, "model name").unwrap_or("unknown").to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gb: field(&memory, "MemTotal").and_then(kilobytes).unwrap_or(0.0) / 1e6,
            kernel: kernel.trim().to_owned(),
        }
    }
}

/// CPU seconds that were used between two moments, and how far those lie apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub wall_s: f64,
    /// Brokers and controllers.
    pub servers_s: f64,
    pub zookeeper_s: f64,
    /// This process: the load.
    pub client_s: f64,
    /// Everything else on the machine: it should be next to nothing.
    pub others_s: f64,
}

/// The moment at which something began.
#[derive(Debug)]
pub(crate) struct Meter {
    servers: Vec<Server>,
    begin: Instant,
    first: Reading,
}

#[derive(Clone, Copy, Debug)]
struct Reading {
    servers: u64,
    zookeeper: u64,
    client: u64,
    machine: u64,
}

impl Meter {
    pub(crate) fn start(servers: Vec<Server>) -> Result<Self> {
        let first = Reading::now(&servers)?;
        Ok(Self { servers, begin: Instant::now(), first })
    }

    /// What was used since the start.
    pub(crate) fn read(&self) -> Result<Usage> {
        let wall_s = self.begin.elapsed().as_secs_f64();
        let (first, now) = (self.first, Reading::now(&self.servers)?);
        let seconds = |from: u64, to: u64| to.saturating_sub(from) as f64 / ticks_per_second();
        let servers_s = seconds(first.servers, now.servers);
        let zookeeper_s = seconds(first.zookeeper, now.zookeeper);
        let client_s = seconds(first.client, now.client);
        let machine_s = seconds(first.machine, now.machine);
        let others_s = (machine_s - servers_s - zookeeper_s - client_s).max(0.0);
        Ok(Usage { wall_s, servers_s, zookeeper_s, client_s, others_s })
    }
}

/// CPU seconds that brokers and controllers have used since each of them was started.
pub(crate) fn cpu_of_life_s(servers: &[Server]) -> Result<f64> {
    Ok(Reading::now(servers)?.servers as f64 / ticks_per_second())
}

impl Reading {
    fn now(servers: &[Server]) -> Result<Self> {
        let sum = |zookeeper: bool| -> Result<u64> {
            let those = servers.iter().filter(|it| (it.role == Role::ZooKeeper) == zookeeper);
            those.map(|server| process_ticks(&server.pid.to_string())).sum()
        };
        let stat = fs::read_to_string("/proc/stat").context("read /proc/stat")?;
        Ok(Self {
            servers: sum(false)?,
            zookeeper: sum(true)?,
            client: process_ticks("self")?,
            machine: machine_ticks(&stat).context("understand /proc/stat")?,
        })
    }
}

/// Megabytes (10^6) of memory that processes have to themselves, shared pages in proportion (PSS):
/// brokers and controllers, and ZooKeepers.
pub(crate) fn memory_mb(servers: &[Server]) -> Result<(f64, f64)> {
    let (mut ours, mut zookeeper) = (0.0, 0.0);
    for server in servers {
        let path = format!("/proc/{}/smaps_rollup", server.pid);
        let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let pss = field(&text, "Pss").and_then(kilobytes);
        let megabytes = pss.with_context(|| format!("{path} has no Pss"))? * 1024.0 / 1e6;
        match server.role {
            Role::ZooKeeper => zookeeper += megabytes,
            Role::Broker | Role::Controller => ours += megabytes,
        }
    }
    Ok((ours, zookeeper))
}

/// The finest difference of CPU time that can be seen.
pub(crate) fn tick_s() -> f64 {
    1.0 / ticks_per_second()
}

fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

/// User and system time of a process, all its threads, in ticks.
fn process_ticks(pid: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path)
        .with_context(|| format!("read {path}; a server of the cluster has ended"))?;
    parse_ticks(&stat).with_context(|| format!("understand {path}"))
}

/// Fields 14 and 15 of proc(5). The name in parentheses may contain anything.
fn parse_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Ticks in which a core worked, or was taken from this machine by its host.
fn machine_ticks(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace();
    let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let [user, nice, system, _, _, irq, softirq, steal, ..] = ticks[..] else { return None };
    Some(user + nice + system + irq + softirq + steal)
}

/// The value of the first line `name: value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn kilobytes(value: &str) -> Option<f64> {
    value.strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_a_name_with_parentheses() {
        let stat = "71 (a) b (c)) S 1 71 71 0 -1 4194304 1 2 3 4 500 25 7 7 20 0 5 0 4242 9 9";
        assert_eq!(parse_ticks(stat), Some(525));
        assert_eq!(parse_ticks("71 (broken"), None);
    }

    #[test]
    fn waiting_is_not_working() {
        let stat = "cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 1 2 4 1000 1000 8 16 32 0 0\n";
        assert_eq!(machine_ticks(stat), Some(63));
    }

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let server = Server { role: Role::Broker, pid: std::process::id() as i32 };
        let meter = Meter::start(vec![server]).unwrap();
        let mut noise = 0u64;
        while meter.read().unwrap().servers_s == 0.0 {
            noise = std::hint::black_box(noise + 1);
        }
        let (ours, zookeeper) = memory_mb(&[server]).unwrap();
        assert!(ours > 0.1 && zookeeper == 0.0, "{ours} {zookeeper}");
    }

    #[test]
    fn a_process_that_ended_is_an_error() {
        let gone = Server { role: Role::Broker, pid: i32::MAX };
        assert!(Meter::start(vec![gone]).is_err());
        assert!(memory_mb(&[gone]).is_err());
    }
}
