//! Coordination as a whole goes away and comes back; the brokers go on meanwhile.

use tests::{Cluster, Mode, eventually, report, with_cluster, with_cluster_in};

use crate::load::{assert_nothing_broken, under_load, wait_until_it_flows};

const ENSEMBLE_KILLS: usize = 3;

/// Records of the time that an outage lasts: longer than any session.
const OUTAGE_RECORDS: u64 = 5_000;

/// The servers without which nobody can decide anything.
fn coordinators(cluster: &Cluster) -> Vec<String> {
    let status = cluster.status();
    let (servers, name) = match cluster.mode {
        Mode::Raft => (&status["controllers"], "controller"),
        Mode::ZooKeeper => (&status["zookeeper"]["servers"], "zookeeper"),
    };
    servers.as_array().unwrap().iter().map(|it| format!("{name} {}", it["id"])).collect()
}

#[test]
fn brokers_serve_what_they_lead_while_nobody_coordinates() {
    with_cluster(&[], |cluster| {
        let report_of_load = under_load(cluster, |load| {
            let coordinators = coordinators(cluster);
            assert_eq!(coordinators.len(), 3);
            load.mark_fault("coordination is lost");
            for server in &coordinators {
                cluster.json(&format!("kill {server}"));
            }
            let before = load.acknowledged();
            eventually("records are acknowledged for longer than a session", || {
                (load.acknowledged() > before + OUTAGE_RECORDS).then_some(())
            });
            load.mark_fault("coordination is back");
            for server in &coordinators {
                cluster.json(&format!("start --no-wait {server}"));
            }
            cluster.wait_for_status("a controller is active", |it| !it["controller"].is_null());
            cluster.create_topic("afterwards", 3, &[]);
            cluster.wait_until_in_sync();
            wait_until_it_flows(load);
        });
        assert_nothing_broken(&report_of_load);
    });
}

#[test]
fn servers_of_the_ensemble_die_one_after_the_other() {
    with_cluster_in(Mode::ZooKeeper, &[], |cluster| {
        let report_of_load = under_load(cluster, |load| {
            for number in 0..ENSEMBLE_KILLS {
                load.mark_fault(&format!("{}. ensemble's leader dies", number + 1));
                let server = cluster.kill("zookeeper leader");
                cluster.create_topic(&format!("meanwhile-{number}"), 3, &[]);
                cluster.wait_until_in_sync();
                cluster.json(&format!("start zookeeper {server}"));
                wait_until_it_flows(load);
            }
        });
        assert_nothing_broken(&report_of_load);
        report(format!("  {ENSEMBLE_KILLS} servers of the ensemble were killed"));
    });
}
