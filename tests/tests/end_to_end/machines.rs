//! Three machines as `docs/deployment.md` sets them up. One of them, with everything on it, is cut
//! off: no port refuses, so only sessions tell.

use std::fs;
use std::net::TcpStream;

use lab::load::LoadOptions;
use tests::{FOURTH_MACHINE, Machines, Mode, eventually, kafka_tool, report, with_machines};

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

#[test]
fn brokers_are_added_disks_replaced_and_servers_upgraded_while_clients_write() {
    let name =
        "machines::brokers_are_added_disks_replaced_and_servers_upgraded_while_clients_write";
    with_machines(name, |machines| {
        machines.wait_until_in_sync();
        let options = LoadOptions::new(&machines.bootstrap, "orders");
        let report_of_load = run(options, |load| {
            load.mark_fault("a broker is added");
            add_a_broker(machines);
            wait_until_it_flows(load);

            load.mark_fault("a broker's disk is replaced");
            machines.stop_unit(1, "janus-broker");
            machines.shell(1, "rm -r /var/lib/janus/broker").success();
            machines.follow(1, "disk");
            machines.start_unit(1, "janus-broker");
            machines.wait_until_in_sync();
            wait_until_it_flows(load);

            load.mark_fault("a controller's disk is replaced");
            machines.stop_unit(2, "janus-controller");
            machines.shell(2, "rm -r /var/lib/janus/controller").success();
            machines.follow(2, "controller");
            machines.start_unit(2, "janus-controller");
            if machines.mode == Mode::Raft {
                // One of two would not be enough for what comes next.
                eventually("the controller answers", || {
                    TcpStream::connect("machine-2.example:9093").ok()
                });
                machines.follow(2, "voter");
            }
            wait_for_controllers(machines);
            wait_until_it_flows(load);

            load.mark_fault("all are restarted");
            for machine in 1..=3 {
                for unit in machines.units() {
                    machines.stop_unit(machine, unit);
                    machines.start_unit(machine, unit);
                    wait_for_controllers(machines);
                    machines.wait_until_in_sync();
                }
            }
            wait_until_it_flows(load);
        });
        assert_nothing_broken(&report_of_load);
    });
}

/// A fourth machine gets a broker, and the first partition of the load moves there.
fn add_a_broker(machines: &Machines) {
    machines.build(FOURTH_MACHINE);
    machines.follow(FOURTH_MACHINE, "broker");
    machines.start_unit(FOURTH_MACHINE, "janus-broker");
    machines.wait_for_status("the fourth broker runs", |status| {
        status["brokers"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["id"] == 4 && it["state"] == "running")
    });
    let file = machines.folder().join("move.json");
    let moved = r#"{"version": 1, "partitions": [{"topic": "orders", "partition": 0, "replicas": [4, 2, 3]}]}"#;
    fs::write(&file, moved).unwrap();
    let words = format!(
        "--bootstrap-server {} --reassignment-json-file {}",
        machines.bootstrap,
        file.display()
    );
    kafka_tool("kafka-reassign-partitions", &format!("{words} --execute")).success();
    eventually("the replica has moved", || {
        let verified = kafka_tool("kafka-reassign-partitions", &format!("{words} --verify"));
        verified.success().contains("is completed").then_some(())
    });
    machines.wait_until_in_sync();
}

/// Waits until one controller leads and the others stand by.
fn wait_for_controllers(machines: &Machines) {
    machines.wait_for_status("the controllers are back", |status| {
        let controllers = status["controllers"].as_array().unwrap();
        let are = |role: &str| controllers.iter().filter(|it| it["role"] == role).count();
        (are("active"), are("standby")) == (1, 2)
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
    let file = machines.root(1).join("etc/janus/controller.properties");
    let text = fs::read_to_string(file).unwrap();
    let key = "broker.session.timeout.ms=";
    text.lines().find_map(|line| line.strip_prefix(key)).unwrap().parse().unwrap()
}
