//! Janus's own keys.

use crate::key::table;

table! {
    /// File with the secret that proves this cluster's servers to each other.
    "janus.cluster.secret.file": string, both;
    /// Allow listeners beyond the loopback interface without a cluster secret.
    "janus.insecure": boolean = "false", both;
    /// Where to reach peers instead of where they say: peer=host:port, separated by commas.
    "janus.peer.address.map": list = "", each("=", "ID=HOST:PORT"), both;
    /// Fence a broker at once when its connection breaks and its port refuses.
    "janus.fence.on.process.death": boolean = "true", controller;
    /// Have a new active controller probe brokers that do not reconnect.
    "janus.probe.brokers.on.takeover": boolean = "true", controller;
    /// Have a broker stop serving by its own clock when it cannot renew its lease.
    "janus.self.fencing": boolean = "true", broker;
}
