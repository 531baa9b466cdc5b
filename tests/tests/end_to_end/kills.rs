//! Servers are killed under load; the history checker says what became of the records.
//!
//! How long clients waited is printed, not asserted: it depends on the machine.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use lab::history::Judgement;
use lab::load::{Load, LoadOptions, LoadReport};
use tests::{Cluster, report, with_cluster};
use tokio::runtime::Runtime;

const BROKER_KILLS: usize = 10;
const CONTROLLER_KILLS: usize = 5;

/// Runs a load on a topic `orders` while the test does something to the cluster, and judges.
fn under_load(cluster: &Cluster, test: impl FnOnce(&Load)) -> LoadReport {
    let runtime = Runtime::new().unwrap();
    let options = LoadOptions::new(&cluster.bootstrap, "orders");
    let load = runtime.block_on(Load::start(options)).unwrap();
    if let Err(failure) = catch_unwind(AssertUnwindSafe(|| test(&load))) {
        // Dropping the runtime would wait for readers that nobody stops any more.
        runtime.shutdown_background();
        resume_unwind(failure);
    }
    let report = runtime.block_on(load.stop_and_check()).unwrap();
    print_gaps(&report);
    report
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

fn assert_nothing_broken(report: &LoadReport) {
    let verdict = &report.verdict;
    let counts = (verdict.lost.count, verdict.duplicated.count, verdict.reordered.count);
    assert_eq!(counts, (0, 0, 0), "lost, duplicated, reordered: {verdict}");
    assert_eq!(verdict.verdict, Judgement::Pass, "{verdict} {:?}", report.remarks);
    assert!(report.remarks.is_empty(), "{:?}", report.remarks);
}

#[test]
fn nothing_is_lost_when_brokers_and_controllers_are_killed_one_after_the_other() {
    with_cluster(&[], |cluster| {
        let report = under_load(cluster, |load| {
            for number in 0..BROKER_KILLS {
                load.mark_fault(&format!("{}. leader dies", number + 1));
                let broker = cluster.kill(&format!("leader orders {}", number % 6));
                cluster.wait_for_status("every partition is led", |it| it["offline"] == 0);
                cluster.json(&format!("start broker {broker}"));
                cluster.wait_until_in_sync();
                if number * CONTROLLER_KILLS / BROKER_KILLS
                    < (number + 1) * CONTROLLER_KILLS / BROKER_KILLS
                {
                    load.mark_fault("active controller dies");
                    let controller = cluster.kill("controller active");
                    cluster.json(&format!("start controller {controller}"));
                    cluster.wait_until_in_sync();
                }
            }
        });
        assert_nothing_broken(&report);
        let faults = report.write_gaps.iter().filter(|gap| gap.name.ends_with("dies"));
        assert_eq!(faults.count(), BROKER_KILLS + CONTROLLER_KILLS);
    });
}

#[test]
fn a_broker_and_the_active_controller_may_die_together() {
    with_cluster(&[], |cluster| {
        let report = under_load(cluster, |load| {
            load.mark_fault("leader and controller die");
            let controller = cluster.kill("controller active");
            let broker = cluster.kill("leader orders 0");
            cluster.wait_for_status("every partition is led", |it| {
                it["offline"] == 0 && !it["controller"].is_null()
            });
            cluster.json(&format!("start broker {broker}"));
            cluster.json(&format!("start controller {controller}"));
            cluster.wait_until_in_sync();
        });
        assert_nothing_broken(&report);
    });
}

#[test]
fn everything_acknowledged_survives_the_death_of_all_processes() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("numbers", 1, &[]);
        let numbers = |from: usize, to: usize| -> String {
            (from..to).map(|number| format!("{number}\n")).collect()
        };
        let group = "-G counters -X auto.offset.reset=earliest -e -q numbers";
        cluster.kcat("-P -t numbers -X acks=all").input(numbers(0, 100)).success();
        assert_eq!(cluster.kcat(group).success(), numbers(0, 100));
        cluster.kcat("-P -t numbers -X acks=all").input(numbers(100, 150)).success();

        let report = under_load(cluster, |load| {
            load.mark_fault("all processes die");
            let killed = cluster.json("kill all");
            assert_eq!(killed["servers"].as_array().unwrap().len(), 6);
            cluster.json("start all");
            cluster.wait_until_in_sync();
        });
        assert_nothing_broken(&report);
        assert_eq!(cluster.kcat(group).success(), numbers(100, 150));
    });
}
