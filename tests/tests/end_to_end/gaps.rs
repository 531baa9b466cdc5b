//! How long clients wait when something breaks: a distribution over many faults of each kind.
//!
//! `make gaps` takes 20 faults of each kind; without `JANUS_FAULTS` there are only a few. The figures
//! are printed, not asserted: they depend on the machine. What is asserted is that nothing was lost.

use std::time::{Duration, Instant};

use lab::load::{Load, LoadOptions, LoadReport};
use tests::{Cluster, eventually, report, with_cluster};
use tokio::runtime::Runtime;

use crate::load::{assert_nothing_broken, wait_until_it_flows};

/// Faults of each kind when nobody says how many.
const FAULTS: usize = 2;

/// The faults, and what is measured of each.
const BROKER_KILLED: &str = "broker killed";
const BROKER_BACK: &str = "broker back";
const BROKER_PAUSED: &str = "broker paused";
const BROKER_RESUMED: &str = "broker resumed";
const CONTROLLER_KILLED: &str = "controller killed";
const NEXT_TOPIC: &str = "next topic created";

/// Two loads on one cluster: clients that notice a silent broker soon, and clients as they come.
struct Loads {
    prompt: Load,
    stock: Load,
    topics: Vec<Duration>,
}

impl Loads {
    async fn start(cluster: &Cluster) -> Self {
        let options =
            |topic: &str| LoadOptions { rate: 500, ..LoadOptions::new(&cluster.bootstrap, topic) };
        let stock = LoadOptions { client: Vec::new(), ..options("stock") };
        Self {
            prompt: Load::start(options("prompt")).await.unwrap(),
            stock: Load::start(stock).await.unwrap(),
            topics: Vec::new(),
        }
    }

    fn mark(&self, fault: &str) {
        self.prompt.mark_fault(fault);
        self.stock.mark_fault(fault);
    }

    fn wait_until_they_flow(&self) {
        wait_until_it_flows(&self.prompt);
        wait_until_it_flows(&self.stock);
    }
}

fn faults() -> usize {
    let given = std::env::var("JANUS_FAULTS").ok();
    given.map_or(FAULTS, |given| given.parse().expect("JANUS_FAULTS is a number"))
}

fn kill_a_broker(cluster: &Cluster, loads: &Loads, number: usize) {
    loads.mark(BROKER_KILLED);
    let broker = cluster.kill(&format!("leader prompt {}", number % 6));
    cluster.wait_for_status("every partition is led", |it| it["offline"] == 0);
    loads.wait_until_they_flow();
    loads.mark(BROKER_BACK);
    cluster.json(&format!("start broker {broker}"));
    cluster.wait_until_in_sync();
    loads.wait_until_they_flow();
}

fn pause_a_broker(cluster: &Cluster, loads: &Loads, number: usize) {
    let leader = cluster.leader("prompt", number % 6);
    loads.mark(BROKER_PAUSED);
    cluster.json(&format!("pause broker {leader}"));
    cluster.wait_for_status("the leader is replaced", |status| {
        status["brokers"][leader as usize - 1]["leaders"] == 0 && status["offline"] == 0
    });
    // Clients as they come would wait for the silent broker for a minute.
    wait_until_it_flows(&loads.prompt);
    loads.mark(BROKER_RESUMED);
    cluster.json(&format!("resume broker {leader}"));
    cluster.wait_until_in_sync();
    loads.wait_until_they_flow();
}

fn kill_the_active_controller(cluster: &Cluster, loads: &mut Loads, number: usize) {
    loads.mark(CONTROLLER_KILLED);
    let controller = cluster.kill("controller active");
    let killed = Instant::now();
    eventually("a topic is created", || {
        let create = format!("topics create after-{number} --partitions 1");
        cluster.janus(&create).run().status.success().then_some(())
    });
    loads.topics.push(killed.elapsed());
    cluster.json(&format!("start controller {controller}"));
    cluster.wait_until_in_sync();
    loads.wait_until_they_flow();
}

/// One line of the table: a fault, and the gaps of all faults of its kind.
fn print_line(name: &str, mut gaps_ms: Vec<u64>) {
    gaps_ms.sort_unstable();
    if gaps_ms.is_empty() {
        return;
    }
    let at = |share: f64| gaps_ms[((gaps_ms.len() - 1) as f64 * share).round() as usize];
    let (least, median, ninth, most) = (at(0.0), at(0.5), at(0.9), at(1.0));
    let count = gaps_ms.len();
    report(format!("  {name:<28}{count:>4}{least:>8}{median:>8}{ninth:>8}{most:>8}"));
}

fn print_gaps(clients: &str, report_of_load: &LoadReport) {
    let settings: Vec<String> =
        report_of_load.client.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let settings = if settings.is_empty() { "librdkafka's own".into() } else { settings.join(" ") };
    report(format!("  {clients} clients: {settings}"));
    for fault in [BROKER_KILLED, BROKER_BACK, BROKER_PAUSED, BROKER_RESUMED, CONTROLLER_KILLED] {
        let of_fault = report_of_load.write_gaps.iter().filter(|gap| gap.name == fault);
        print_line(fault, of_fault.map(|gap| gap.gap_ms).collect());
    }
}

#[test]
fn faults_of_every_kind_one_after_the_other() {
    with_cluster(&[], |cluster| {
        let runtime = Runtime::new().unwrap();
        let mut loads = runtime.block_on(Loads::start(cluster));
        for number in 0..faults() {
            kill_a_broker(cluster, &loads, number);
            kill_the_active_controller(cluster, &mut loads, number);
            pause_a_broker(cluster, &loads, number);
        }
        let Loads { prompt, stock, topics } = loads;
        let prompt = runtime.block_on(prompt.stop_and_check()).unwrap();
        let stock = runtime.block_on(stock.stop_and_check()).unwrap();
        let columns = ["least", "median", "90 %", "most"].map(|name| format!("{name:>8}")).concat();
        report(format!("  {:<28}{:>4}{columns}  write gap in ms", cluster.mode, "n"));
        print_gaps("prompt", &prompt);
        print_line(NEXT_TOPIC, topics.iter().map(|it| it.as_millis() as u64).collect());
        print_gaps("stock", &stock);
        assert_nothing_broken(&prompt);
        assert_nothing_broken(&stock);
    });
}
