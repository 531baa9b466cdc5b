//! Three machines as `docs/deployment.md` sets them up. One of them, with everything on it, is cut
//! off: no port refuses, so only sessions tell.

use std::fs;

use lab::load::LoadOptions;
use tests::{Machines, Mode, report, with_machines};

use crate::load::{assert_nothing_broken, run, wait_until_it_flows};

/// Whose machine is cut off.
const ACTIVE_CONTROLLER: &str = "the active controller's machine";
const ANOTHER: &str = "a standby's machine";
const ENSEMBLE_LEADER: &str = "the ensemble leader's machine";

#[test]
fn a_machine_that_is_cut_off_is_replaced_and_comes_back() {
    with_machines("machines::a_machine_that_is_cut_off_is_replaced_and_comes_back", |machines| {
        assert_systemd_accepts_the_units(machines);
        machines.wait_until_in_sync();
        let options = LoadOptions::new(&machines.bootstrap, "orders");
        let report_of_load = run(options, |load| {
            let roles = [ACTIVE_CONTROLLER, ANOTHER].into_iter();
            let ensemble = (machines.mode == Mode::ZooKeeper).then_some(ENSEMBLE_LEADER);
            for role in roles.chain(ensemble) {
                let machine = machine_of(machines, role);
                load.mark_fault(role);
                machines.cut_off(machine);
                machines.wait_for_status("the others took over", |status| {
                    let cut = &status["brokers"][machine - 1];
                    cut["state"] == "fenced" && cut["leaders"] == 0 && status["offline"] == 0
                });
                wait_until_it_flows(load);
                load.mark_fault("back");
                machines.reconnect(machine);
                machines.wait_until_in_sync();
                wait_until_it_flows(load);
            }
        });
        let session_ms = session_ms(machines);
        report(format!("  the session, and a second: {:>31} ms", session_ms + 1000));
        assert_nothing_broken(&report_of_load);
    });
}

fn assert_systemd_accepts_the_units(machines: &Machines) {
    for unit in machines.units() {
        let file = format!("/etc/systemd/system/{unit}.service");
        let verified = machines.shell(1, &format!("systemd-analyze verify {file}")).run().success();
        // It warns of keys that it does not know, and succeeds.
        assert!(!verified.stderr.contains(".service:"), "{verified}");
    }
}

/// The machine with this role now. Broker N and controller 100 + N are on machine N.
fn machine_of(machines: &Machines, role: &str) -> usize {
    let status = machines.wait_until_in_sync();
    let active = status["controller"]["id"].as_u64().unwrap() as usize - 100;
    match role {
        ACTIVE_CONTROLLER => active,
        ENSEMBLE_LEADER => machines.leader_of_the_ensemble(),
        _ => active % 3 + 1,
    }
}

/// The session of the sample files.
fn session_ms(machines: &Machines) -> u64 {
    let key = match machines.mode {
        Mode::Raft => "broker.session.timeout.ms=",
        Mode::ZooKeeper => "zookeeper.session.timeout.ms=",
    };
    let file = machines.root(1).join("etc/janus/controller.properties");
    let text = fs::read_to_string(file).unwrap();
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap().parse().unwrap()
}
