//! Listeners, connections and requests.

use crate::key::table;

table! {
    /// Where this server listens: NAME://host:port,... Without a host: on every interface.
    "listeners": list = "PLAINTEXT://:9092", both, per_broker;
    /// Where clients and other brokers reach this broker, if different from listeners.
    "advertised.listeners": list, broker;
    /// The security protocol of each listener name.
    "listener.security.protocol.map": string =
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT",
        both, per_broker;
    /// The listener on which brokers talk to each other.
    "inter.broker.listener.name": string, broker;
    /// The protocol of the inter-broker listener, where inter.broker.listener.name is not set.
    "security.inter.broker.protocol": string = "PLAINTEXT",
        one_of(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), broker;
    /// Names of the listeners of controllers.
    "controller.listener.names": list = "CONTROLLER", both;
    /// Listeners that open before the authorizer is ready.
    "early.start.listeners": list, controller, unused;
    /// Connections that the kernel holds before they are accepted.
    "socket.listen.backlog.size": int = "50", at_least(1), both;
    /// Largest request. A longer one closes the connection before anything is allocated for it.
    "socket.request.max.bytes": int = "104857600", at_least(1), broker;
    /// Receive buffer of a socket. -1: the system's default.
    "socket.receive.buffer.bytes": int = "102400", broker;
    /// Send buffer of a socket. -1: the system's default.
    "socket.send.buffer.bytes": int = "102400", broker;
    /// First timeout of a connection attempt to another server.
    "socket.connection.setup.timeout.ms": long = "10000", both;
    /// Longest timeout of a connection attempt; it doubles up to this.
    "socket.connection.setup.timeout.max.ms": long = "30000", both;
    /// A connection that is idle for this long is closed.
    "connections.max.idle.ms": long = "600000", broker;
    /// Lifetime of an authenticated session, after which the client must authenticate again.
    "connections.max.reauth.ms": long = "0", broker, unused;
    /// Delay before a connection that failed to authenticate is closed.
    "connection.failed.authentication.delay.ms": int = "100", at_least(0), broker, unused;
    /// Connections of this broker.
    "max.connections": int = "2147483647", at_least(0), broker, cluster_wide;
    /// Connections from one address.
    "max.connections.per.ip": int = "2147483647", at_least(0), broker, cluster_wide;
    /// Connections from single addresses: host:count, separated by commas.
    "max.connections.per.ip.overrides": string = "", broker, cluster_wide;
    /// New connections per second.
    "max.connection.creation.rate": int = "2147483647", at_least(0), broker, cluster_wide, unused;
    /// Requests that wait before sockets are no longer read.
    "queued.max.requests": int = "500", at_least(1), broker;
    /// Bytes of clients' requests, not yet answered, beyond which sockets wait. -1: no limit.
    "queued.max.request.bytes": long = "268435456", between_or(1, i64::MAX, -1), broker;
    /// Partitions described in one answer.
    "max.request.partition.size.limit": int = "2000", at_least(1), broker;
    /// Incremental fetch sessions kept at once.
    "max.incremental.fetch.session.cache.slots": int = "1000", at_least(0), broker;
    /// Most bytes in the answer to one fetch.
    "fetch.max.bytes": int = "57671680", at_least(1024), broker;
    /// Requests between two cleanings of the fetch purgatory.
    "fetch.purgatory.purge.interval.requests": int = "1000", broker, unused;
    /// Requests between two cleanings of the produce purgatory.
    "producer.purgatory.purge.interval.requests": int = "1000", broker, unused;
    /// Requests between two cleanings of the delete-records purgatory.
    "delete.records.purgatory.purge.interval.requests": int = "1", broker, unused;
    /// Requests between two cleanings of the share-fetch purgatory.
    "share.fetch.purgatory.purge.interval.requests": int = "1000", broker, unused;
    /// Class that computes client quotas.
    "client.quota.callback.class": class, broker, refused;
    /// Samples kept for client quotas.
    "quota.window.num": int = "11", at_least(1), broker, unused;
    /// Length of one sample of client quotas.
    "quota.window.size.seconds": int = "1", at_least(1), broker, unused;
    /// Samples kept for controller mutation quotas.
    "controller.quota.window.num": int = "11", at_least(1), broker, unused;
    /// Length of one sample of controller mutation quotas.
    "controller.quota.window.size.seconds": int = "1", at_least(1), broker, unused;
}
