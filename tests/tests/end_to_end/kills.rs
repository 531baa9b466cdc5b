//! Servers are killed under load; the history checker says what became of the records.
//!
//! How long clients waited is printed, not asserted: it depends on the machine.

use lab::load::LoadOptions;
use tests::{Mode, eventually, with_cluster};

use crate::load::{assert_nothing_broken, under, under_load, wait_until_it_flows};

const BROKER_KILLS: usize = 10;
const CONTROLLER_KILLS: usize = 5;
const PAUSES: usize = 3;

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
                wait_until_it_flows(load);
                if number * CONTROLLER_KILLS / BROKER_KILLS
                    < (number + 1) * CONTROLLER_KILLS / BROKER_KILLS
                {
                    load.mark_fault("active controller dies");
                    let controller = cluster.kill("controller active");
                    cluster.json(&format!("start controller {controller}"));
                    cluster.wait_until_in_sync();
                    wait_until_it_flows(load);
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
fn paused_servers_are_replaced_and_do_no_harm_when_they_resume() {
    with_cluster(&[], |cluster| {
        let report = under_load(cluster, |load| {
            for number in 0..PAUSES {
                load.mark_fault(&format!("{}. leader pauses", number + 1));
                let leader = cluster.leader("orders", number);
                cluster.json(&format!("pause broker {leader}"));
                cluster.wait_for_status("the leader is replaced", |status| {
                    let of_leader = &status["brokers"][leader as usize - 1];
                    of_leader["leaders"] == 0 && status["offline"] == 0
                });
                cluster.json(&format!("resume broker {leader}"));
                cluster.wait_until_in_sync();
                wait_until_it_flows(load);

                load.mark_fault(&format!("{}. active controller pauses", number + 1));
                let active = cluster.status()["controller"]["id"].clone();
                cluster.json(&format!("pause controller {active}"));
                cluster.wait_for_status("the controller is replaced", |status| {
                    status["controller"]["id"].is_i64() && status["controller"]["id"] != active
                });
                cluster.json(&format!("resume controller {active}"));
                // It has to notice that it is not the active one any more.
                let broker = cluster.kill(&format!("leader orders {number}"));
                cluster.wait_for_status("every partition is led", |it| it["offline"] == 0);
                cluster.json(&format!("start broker {broker}"));
                cluster.wait_until_in_sync();
                wait_until_it_flows(load);
            }
        });
        assert_nothing_broken(&report);
    });
}

#[test]
fn all_servers_are_restarted_one_by_one_under_load() {
    with_cluster(&[], |cluster| {
        let busy = |options| LoadOptions { rate: 5_000, ..options };
        let report = under(busy, cluster, |load| {
            load.mark_fault("rolling restart");
            cluster.json("restart all");
            cluster.wait_until_in_sync();
            wait_until_it_flows(load);
        });
        assert_nothing_broken(&report);
    });
}

#[test]
fn a_record_that_too_few_replicas_would_have_is_refused() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        let produce = |acks: &str, value: &'static str| {
            cluster
                .kcat(&format!("-P -t orders -X acks={acks} -X message.timeout.ms=2000"))
                .input(value)
                .run()
        };
        produce("all", "three replicas\n").success();
        let leader = cluster.leader("orders", 0);
        let [first, second] = [leader % 3 + 1, (leader + 1) % 3 + 1];
        cluster.kill(&format!("broker {first}"));
        produce("all", "two replicas\n").success();
        cluster.kill(&format!("broker {second}"));
        let isr_is_one = || {
            let isr = &cluster.json("topics describe orders")[0]["partitions"][0]["isr"];
            (isr.as_array().unwrap().len() == 1).then_some(())
        };
        eventually("only the leader is in sync", isr_is_one);
        let refused = produce("all", "one replica\n");
        assert_eq!(refused.status.code(), Some(1), "{refused}");
        cluster.json("start all");
        cluster.wait_until_in_sync();
        produce("all", "three again\n").success();
        let read = cluster.kcat("-C -t orders -o beginning -e -q").success();
        assert_eq!(read, "three replicas\ntwo replicas\nthree again\n");
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
            let servers = killed["servers"].as_array().unwrap().len();
            assert_eq!(servers, if cluster.mode == Mode::ZooKeeper { 9 } else { 6 });
            cluster.json("start all");
            cluster.wait_until_in_sync();
        });
        assert_nothing_broken(&report);
        assert_eq!(cluster.kcat(group).success(), numbers(100, 150));
    });
}

#[test]
fn where_process_death_counts_for_nothing_the_session_decides() {
    with_cluster(&["janus.fence.on.process.death=false"], |cluster| {
        let report_of_load = under_load(cluster, |load| {
            load.mark_fault("leader dies");
            let broker = cluster.kill("leader orders 0");
            cluster.wait_for_status("the leader is replaced", |status| {
                status["brokers"][broker as usize - 1]["leaders"] == 0 && status["offline"] == 0
            });
            cluster.json(&format!("start broker {broker}"));
            cluster.wait_until_in_sync();
        });
        assert_nothing_broken(&report_of_load);
        let active = &cluster.status()["controller"]["id"];
        let log = cluster.janus(&format!("logs controller {active}")).success();
        assert!(log.contains("its session has ended"), "{log}");
        assert!(!log.contains("its process is gone"), "{log}");
    });
}
