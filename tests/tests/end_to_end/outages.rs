//! Coordination as a whole goes away and comes back; the brokers go on meanwhile.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Duration;

use kafka::messages::MetadataRequest;
use tests::{Cluster, Mode, eventually, report, with_cluster, with_cluster_in};

use crate::load::{assert_nothing_broken, under_load, wait_until_it_flows};
use crate::wire;

const ENSEMBLE_KILLS: usize = 3;

/// Records of the time that an outage lasts: longer than any session.
const OUTAGE_RECORDS: u64 = 5_000;

/// Asks for all topics with null.
const METADATA_VERSION: i16 = 7;
/// A broker that answers does so in a small part of this.
const SILENCE: Duration = Duration::from_secs(1);

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

#[test]
fn a_broker_that_knows_nothing_yet_says_nothing() {
    with_cluster(&[], |cluster| {
        cluster.create_topic("orders", 1, &[]);
        cluster.json("kill all");
        cluster.json("start --no-wait broker 1");
        let first = cluster.bootstrap.split(',').next().unwrap();
        let mut client = eventually("the broker listens", || TcpStream::connect(first).ok());
        let everything = MetadataRequest { topics: None, ..Default::default() };
        client.write_all(&wire::frame(&everything, METADATA_VERSION)).unwrap();
        // Not that there are no brokers and no topics: clients would believe it.
        client.set_read_timeout(Some(SILENCE)).unwrap();
        assert_eq!(client.peek(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        cluster.json("start all");
        client.set_read_timeout(None).unwrap();
        let answer = wire::answer::<MetadataRequest>(&mut client, METADATA_VERSION);
        assert_eq!((answer.brokers.len(), answer.topics.len()), (3, 1), "{answer:?}");
        cluster.wait_until_in_sync();
    });
}
