//! Which ports a local cluster uses, and how two clusters on one machine stay apart.
//!
//! Every kind of listener has a range of its own behind the base port. When a port of the wanted
//! block is taken, the whole block moves up, so that the pattern stays recognisable. Between the
//! choice of a port and the server's bind it is free for everybody: a claim, an abstract socket that
//! dies with the process, keeps other `janus` processes from choosing the same one meanwhile.

use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use super::state::zookeeper_ports;

/// How far a block moves when a port in it is taken, and where the search ends: above lie the ports
/// that the kernel hands to outgoing connections.
const BLOCK_STEP: u16 = 1000;
const PORT_MAX: u16 = 32_000;

/// The ports that follow from one base port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    base: u16,
}

impl Ports {
    /// The client listener of broker `id` (1, 2, ...).
    pub(super) fn broker(self, id: i32) -> u16 {
        self.base + (id - 1) as u16
    }

    /// The inter-broker listener of broker `id`.
    pub(super) fn replication(self, id: i32) -> u16 {
        self.base + 200 + (id - 1) as u16
    }

    /// The client port of ZooKeeper server `id` (1, 2, ... 9); its other two follow from it.
    pub(super) fn zookeeper(self, id: i32) -> u16 {
        self.base + 300 + (id - 1) as u16
    }

    /// Where broker `id` is watched.
    pub(super) fn broker_metrics(self, id: i32) -> u16 {
        self.base + 400 + (id - 1) as u16
    }

    /// Where controller `id` (101, 102, ...) is watched.
    pub(super) fn controller_metrics(self, id: i32) -> u16 {
        self.base + 500 + (id - 101) as u16
    }

    /// The gRPC listener of controller `id` (101, 102, ...).
    pub(super) fn controller(self, id: i32) -> u16 {
        self.base + id as u16
    }
}

/// How many servers of each kind need ports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub brokers: i32,
    pub controllers: i32,
    pub zookeepers: i32,
}

/// Holds ports against other `janus` processes until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<UnixListener>);

impl Claims {
    /// Claims one port; false when it is claimed or in use.
    pub(super) fn add(&mut self, port: u16) -> bool {
        let name = format!("janus-port-{port}");
        let claim = SocketAddr::from_abstract_name(name)
            .and_then(|address| UnixListener::bind_addr(&address));
        match claim {
            Ok(claim) if is_free(port) => {
                self.0.push(claim);
                true
            }
            _ => false,
        }
    }
}

/// The first block, counted from `base`, of which every port is free. A base of 0 means any.
pub(super) fn choose(base: u16, sizes: Sizes) -> Option<(Ports, Claims)> {
    let first = if base == 0 { 10_000 + (std::process::id() % 20 * 1000) as u16 } else { base };
    let above = (first..=PORT_MAX.max(first)).step_by(BLOCK_STEP as usize);
    let below = (10_000..first).step_by(BLOCK_STEP as usize);
    above.chain(below).find_map(|base| {
        let ports = Ports { base };
        let brokers = (1..=sizes.brokers)
            .flat_map(|id| [ports.broker(id), ports.replication(id), ports.broker_metrics(id)]);
        let controllers = (101..=100 + sizes.controllers)
            .flat_map(|id| [ports.controller(id), ports.controller_metrics(id)]);
        let zookeepers = (1..=sizes.zookeepers).flat_map(|id| zookeeper_ports(ports.zookeeper(id)));
        let mut claims = Claims::default();
        let mut all = brokers.chain(controllers).chain(zookeepers);
        all.all(|port| claims.add(port)).then_some((ports, claims))
    })
}

/// Nobody listens there. std sets SO_REUSEADDR, so connections that linger do not count.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { brokers: 3, controllers: 3, zookeepers: 3 };

    #[test]
    fn ranges_of_one_block_do_not_meet() {
        let ports = Ports { base: 9092 };
        assert_eq!(ports.broker(1), 9092);
        assert_eq!(ports.controller(101), 9193);
        assert_eq!(ports.replication(1), 9292);
        assert_eq!(zookeeper_ports(ports.zookeeper(1)), [9392, 9402, 9412]);
        assert_eq!(ports.broker_metrics(1), 9492);
        assert_eq!(ports.controller_metrics(101), 9592);
    }

    #[test]
    fn a_block_with_a_taken_port_is_passed_over() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let wanted = taken.local_addr().unwrap().port() - 1;
        let (ports, _claims) = choose(wanted, SIZES).unwrap();
        assert_ne!(ports.base, wanted);
    }

    #[test]
    fn a_claimed_block_is_passed_over_until_the_claim_ends() {
        let (first, claims) = choose(0, SIZES).unwrap();
        let (second, _held) = choose(first.base, SIZES).unwrap();
        assert_ne!(first, second);
        drop(claims);
    }
}
