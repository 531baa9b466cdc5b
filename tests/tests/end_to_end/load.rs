//! A load on a cluster while a test does something to it, and what its records say afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use lab::history::Judgement;
use lab::load::{Load, LoadOptions, LoadReport};
use tests::{Cluster, eventually, report};
use tokio::runtime::Runtime;

/// Records of half a second of load.
const FLOW_RECORDS: u64 = 500;
/// Records of a load that flows are younger, even on a slow machine.
const BACKLOG_MAX_MS: u64 = 100;

/// Runs a load on a topic `orders` while the test does something to the cluster, and judges.
pub(crate) fn under_load(cluster: &Cluster, test: impl FnOnce(&Load)) -> LoadReport {
    under(|options| options, cluster, test)
}

/// The same with a load of another kind.
pub(crate) fn under(
    kind: impl FnOnce(LoadOptions) -> LoadOptions,
    cluster: &Cluster,
    test: impl FnOnce(&Load),
) -> LoadReport {
    run(kind(LoadOptions::new(&cluster.bootstrap, "orders")), test)
}

/// Runs a load while the test does something, and judges.
pub(crate) fn run(options: LoadOptions, test: impl FnOnce(&Load)) -> LoadReport {
    let runtime = Runtime::new().unwrap();
    let load = runtime.block_on(Load::start(options)).unwrap();
    // What waited for the first connections is no gap of a fault.
    wait_until_it_flows(&load);
    if let Err(failure) = catch_unwind(AssertUnwindSafe(|| test(&load))) {
        // Dropping the runtime would wait for readers that nobody stops any more.
        runtime.shutdown_background();
        resume_unwind(failure);
    }
    let report = runtime.block_on(load.stop_and_check()).unwrap();
    print_gaps(&report);
    report
}

/// Waits until records are acknowledged again, so that the next fault finds a load that flows.
pub(crate) fn wait_until_it_flows(load: &Load) {
    eventually("all partitions acknowledge", || load.all_answered().then_some(()));
    let before = load.acknowledged();
    eventually("the load flows", || (load.acknowledged() > before + FLOW_RECORDS).then_some(()));
    // What an earlier fault, or the first connection, has held up would count for the next one.
    eventually("no backlog is left", || (load.backlog_ms() < BACKLOG_MAX_MS).then_some(()));
}

fn print_gaps(gaps: &LoadReport) {
    report(format!("  {:<28}{:>10}{:>10}", "", "write gap", "read gap"));
    for (write, read) in gaps.write_gaps.iter().zip(&gaps.read_gaps) {
        let recovered = if write.recovered && read.recovered { "" } else { " (not recovered)" };
        report(format!(
            "  {:<28}{:>7} ms{:>7} ms{recovered}",
            write.name, write.gap_ms, read.gap_ms
        ));
    }
    report(format!("  {}", gaps.verdict.to_string().trim_end()));
}

pub(crate) fn assert_nothing_broken(report: &LoadReport) {
    let verdict = &report.verdict;
    let counts = (verdict.lost.count, verdict.duplicated.count, verdict.reordered.count);
    assert_eq!(counts, (0, 0, 0), "lost, duplicated, reordered: {verdict}");
    assert_eq!(verdict.verdict, Judgement::Pass, "{verdict} {:?}", report.remarks);
    assert!(report.remarks.is_empty(), "{:?}", report.remarks);
}
