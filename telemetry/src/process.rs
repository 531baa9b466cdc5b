//! What the machine says of this process, under the names of Prometheus's own client libraries.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::runtime::{Handle, RuntimeMetrics};

use crate::{Page, Recent};

/// This process, as it is measured.
#[derive(Debug)]
pub struct Process {
    started: f64,
    /// How long all threads of the runtime together have worked.
    busy: Recent<Duration>,
}

impl Default for Process {
    fn default() -> Self {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: started.as_secs_f64(), busy: Recent::new(Duration::ZERO) }
    }
}

impl Process {
    /// Writes what the machine knows. Where it does not tell, the family is left out.
    pub fn write(&self, page: &mut Page) {
        if let Some(ticks) = cpu_ticks() {
            let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
            page.counter(
                "process_cpu_seconds_total",
                "CPU time of this process, in user space and in the kernel",
                seconds,
            );
        }
        if let Some([virtual_pages, resident_pages]) = memory_pages() {
            let bytes = rustix::param::page_size() as u64;
            page.gauge(
                "process_resident_memory_bytes",
                "Memory of this process that is in RAM",
                resident_pages * bytes,
            );
            page.gauge(
                "process_virtual_memory_bytes",
                "Address space of this process",
                virtual_pages * bytes,
            );
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // The one that lists them is not counted.
            let open = files.count().saturating_sub(1);
            page.gauge("process_open_fds", "Open file descriptors, sockets included", open);
        }
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        if let Some(limit) = limit {
            page.gauge("process_max_fds", "How many file descriptors may be open", limit);
        }
        if let Ok(threads) = fs::read_dir("/proc/self/task") {
            page.gauge("process_threads", "Threads of this process", threads.count());
        }
        page.gauge(
            "process_start_time_seconds",
            "When this process started, in seconds since 1970",
            self.started,
        );
    }

    /// The fraction of time in which the threads of the runtime had nothing to do, in the last one or
    /// two minutes. Also writes how long they have worked in all.
    pub fn write_runtime(&self, page: &mut Page) -> f64 {
        let metrics = Handle::current().metrics();
        let (now, workers) = (Instant::now(), metrics.num_workers());
        let busy = busy_time(&metrics);
        page.counter(
            "janus_runtime_busy_seconds_total",
            "Time for which threads of the runtime had work, all together",
            busy.as_secs_f64(),
        );
        page.gauge("janus_runtime_threads", "Threads of the runtime", workers);
        page.gauge(
            "janus_runtime_queue_tasks",
            "Tasks that wait for a thread of the runtime",
            metrics.global_queue_depth(),
        );
        let (since, before) = self.busy.earlier(now, &busy);
        let wall = (now - since).as_secs_f64() * workers as f64;
        let worked = busy.saturating_sub(before).as_secs_f64();
        if wall > 0.0 { (1.0 - worked / wall).clamp(0.0, 1.0) } else { 1.0 }
    }
}

fn busy_time(metrics: &RuntimeMetrics) -> Duration {
    (0..metrics.num_workers()).map(|worker| metrics.worker_total_busy_duration(worker)).sum()
}

/// User and system time, from fields 14 and 15 of `stat`. The name before them may hold anything but
/// ends with the last parenthesis.
fn cpu_ticks() -> Option<u64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

/// All pages, and those in RAM.
fn memory_pages() -> Option<[u64; 2]> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let mut fields = statm.split_ascii_whitespace();
    Some([fields.next()?.parse().ok()?, fields.next()?.parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_uses() {
        let mut page = Page::default();
        Process::default().write(&mut page);
        let text = page.finish();
        let value = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
            line.unwrap_or_else(|| panic!("{name} is missing"))
                .split(' ')
                .nth(1)
                .unwrap()
                .parse()
                .unwrap()
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_start_time_seconds") > 1.6e9);
    }
}
