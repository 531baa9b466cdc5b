//! The controllers: the raft quorum, and the ZooKeeper ensemble.

use crate::key::table;

table! {
    /// Some controllers, host:port, through which the others are found.
    "controller.quorum.bootstrap.servers": list = "", each("", "HOST:PORT"), both;
    /// All controllers, id@host:port: the older, static way to name them.
    "controller.quorum.voters": list = "", each("@", "ID@HOST:PORT"), both;
    /// How long a controller waits for a leader before it asks for an election.
    "controller.quorum.election.timeout.ms": int = "1000", at_least(0), controller;
    /// How long a controller goes without news from the leader before it takes part in an election.
    "controller.quorum.fetch.timeout.ms": int = "2000", at_least(0), controller;
    /// Longest rest between two elections.
    "controller.quorum.election.backoff.max.ms": int = "1000", at_least(0), controller, unused;
    /// How long the leader gathers writes before it syncs them.
    "controller.quorum.append.linger.ms": int = "25", at_least(0), controller, unused;
    /// How long a controller waits for the answer of another one.
    "controller.quorum.request.timeout.ms": int = "2000", at_least(0), controller;
    /// Rest after a failed request to another controller.
    "controller.quorum.retry.backoff.ms": int = "20", at_least(0), controller, unused;
    /// Bytes of one fetch of the metadata log.
    "controller.quorum.fetch.max.bytes": int = "1048576", at_least(1), controller, unused;
    /// Bytes of one fetch of a snapshot.
    "controller.quorum.fetch.snapshot.max.bytes": int = "1048576", at_least(1), controller, unused;
    /// Join the quorum without being told.
    "controller.quorum.auto.join.enable": boolean = "false", controller, unused;
    /// Timeout of connections between controllers and brokers.
    "controller.socket.timeout.ms": int = "30000", both, unused;
    /// Duration from which an event of the controller is logged.
    "controller.performance.always.log.threshold.ms": long = "2000",
        at_least(0), controller, internal, unused;
    /// Time between two log lines on the controller's performance.
    "controller.performance.sample.period.ms": long = "60000",
        at_least(100), controller, internal, unused;
    /// Directory of a controller's store. Default: the first of log.dirs.
    "metadata.log.dir": string, controller;
    /// Bytes of log after which a snapshot is taken.
    "metadata.log.max.record.bytes.between.snapshots": long = "20971520", at_least(1), controller;
    /// Time after which a snapshot is taken.
    "metadata.log.max.snapshot.interval.ms": long = "3600000", at_least(0), controller, unused;
    /// Size of a file of the metadata log.
    "metadata.log.segment.bytes": int = "1073741824", at_least(8_388_608), controller, unused;
    /// Age of a file of the metadata log.
    "metadata.log.segment.ms": long = "604800000", controller, unused;
    /// Time between two empty records of an idle controller.
    "metadata.max.idle.interval.ms": int = "500", at_least(0), controller, unused;
    /// Bytes of metadata log and snapshots that are kept.
    "metadata.max.retention.bytes": long = "104857600", controller, unused;
    /// Time for which metadata log and snapshots are kept.
    "metadata.max.retention.ms": long = "604800000", controller, unused;
    /// Delay of deletions of metadata files.
    "internal.metadata.delete.delay.millis": long = "60000", controller, internal, unused;
    /// Size of a file of the metadata log, for tests.
    "internal.metadata.log.segment.bytes": int, controller, internal, unused;
    /// Largest batch of the metadata log.
    "internal.metadata.max.batch.size.in.bytes": int = "8388608", controller, internal, unused;
    /// The ZooKeeper ensemble: host:port,... and an optional chroot path at the end.
    "zookeeper.connect": string, connect, both;
    /// Session timeout that is asked of ZooKeeper. Its absence means death.
    "zookeeper.session.timeout.ms": int = "18000", at_least(1), both;
    /// How long a connection to ZooKeeper may take. Default: the session timeout.
    "zookeeper.connection.timeout.ms": int, at_least(1), both;
    /// Requests to ZooKeeper that may be unanswered at once.
    "zookeeper.max.in.flight.requests": int = "10", at_least(1), both;
    /// Protect znodes with ACLs.
    "zookeeper.set.acl": boolean = "false", both, refused;
    /// Class of ZooKeeper's Java client for TLS.
    "zookeeper.clientCnxnSocket": string, both, unused;
    /// Use TLS towards ZooKeeper.
    "zookeeper.ssl.client.enable": boolean = "false", both, refused;
    /// Cipher suites towards ZooKeeper.
    "zookeeper.ssl.cipher.suites": list, both, unused;
    /// Check revocation lists towards ZooKeeper.
    "zookeeper.ssl.crl.enable": boolean = "false", both, unused;
    /// TLS versions towards ZooKeeper.
    "zookeeper.ssl.enabled.protocols": list, both, unused;
    /// Host name check towards ZooKeeper.
    "zookeeper.ssl.endpoint.identification.algorithm": string = "HTTPS", both, unused;
    /// Key store for ZooKeeper.
    "zookeeper.ssl.keystore.location": string, both, unused;
    /// Password of the key store for ZooKeeper.
    "zookeeper.ssl.keystore.password": password, both, unused;
    /// Type of the key store for ZooKeeper.
    "zookeeper.ssl.keystore.type": string, both, unused;
    /// Check certificates online towards ZooKeeper.
    "zookeeper.ssl.ocsp.enable": boolean = "false", both, unused;
    /// TLS version towards ZooKeeper.
    "zookeeper.ssl.protocol": string = "TLSv1.2", both, unused;
    /// Trust store for ZooKeeper.
    "zookeeper.ssl.truststore.location": string, both, unused;
    /// Password of the trust store for ZooKeeper.
    "zookeeper.ssl.truststore.password": password, both, unused;
    /// Type of the trust store for ZooKeeper.
    "zookeeper.ssl.truststore.type": string, both, unused;
}
