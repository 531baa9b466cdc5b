//! Janus's own keys.

use crate::key::table;

table! {
    /// File with the secret that proves this cluster's servers to each other.
    "janus.cluster.secret.file": string, both;
    /// Allow listeners beyond the loopback interface without a cluster secret.
    "janus.insecure": boolean = "false", both;
    /// Where to reach brokers and controllers instead of where they say they are.
    "janus.peer.address.map": list = "", each("=", "ID=HOST:PORT"), both;
    /// Where to reach servers of ZooKeeper instead of where the connect string says they are.
    "janus.zookeeper.address.map": list = "", address_map, both;
    /// Fence a broker at once when its connection breaks and its port refuses.
    "janus.fence.on.process.death": boolean = "true", controller;
    /// Have a new active controller probe brokers that do not reconnect.
    "janus.probe.brokers.on.takeover": boolean = "true", controller;
    /// Have a broker stop serving by its own clock when it cannot renew its lease.
    "janus.self.fencing": boolean = "true", broker;
    /// Where /metrics, /healthz and /readyz are served, to whoever asks; off when empty.
    "janus.metrics.listener": list = "", each("", "HOST:PORT"), both;
    /// Where log files are kept; without it the log goes to stderr.
    "janus.log.dir": string, both;
    /// Size at which a log file is full and the next one begins.
    "janus.log.file.bytes": long = "104857600", at_least(1024), both;
    /// How many log files are kept, the one that is written included.
    "janus.log.files": int = "10", between(1, 1000), both;
    /// How log lines look: text as Kafka's, or a JSON object each.
    "janus.log.format": string = "text", one_of(&["text", "json"]), both;
}
