//! Keys of Kafka 3.x that are gone: files that people bring may still hold them.

use crate::key::table;

table! {
    /// Gone. Use advertised.listeners.
    "advertised.host.name": string, broker, retired;
    /// Gone. Use advertised.listeners.
    "advertised.port": string, broker, retired;
    /// Gone: there is no JMX here.
    "auto.include.jmx.reporter": string, both, retired;
    /// Gone: give every server a node.id.
    "broker.id.generation.enable": string, broker, retired;
    /// Gone: brokers and controllers talk gRPC.
    "control.plane.listener.name": string, broker, retired;
    /// Gone: a controlled shutdown is asked for with heartbeats.
    "controlled.shutdown.max.retries": string, broker, retired;
    /// Gone: a controlled shutdown is asked for with heartbeats.
    "controlled.shutdown.retry.backoff.ms": string, broker, retired;
    /// Gone. Use delegation.token.secret.key.
    "delegation.token.master.key": string, both, retired;
    /// Gone: eligible leader replicas are always kept.
    "eligible.leader.replicas.enable": string, controller, retired;
    /// Gone: there is one group coordinator.
    "group.coordinator.new.enable": string, broker, retired;
    /// Gone. Use listeners.
    "host.name": string, broker, retired;
    /// Gone: the protocol has one version.
    "inter.broker.protocol.version": string, broker, retired;
    /// Gone: only message format 2 is stored.
    "log.message.downconversion.enable": string, broker, retired;
    /// Gone: only message format 2 is stored.
    "log.message.format.version": string, broker, retired;
    /// Gone. Use log.message.timestamp.before.max.ms and after.max.ms.
    "log.message.timestamp.difference.max.ms": string, broker, retired;
    /// Gone: commits always wait for all in-sync replicas.
    "offsets.commit.required.acks": string, broker, retired;
    /// Gone: passwords are not kept in the metadata.
    "password.encoder.cipher.algorithm": string, broker, retired;
    /// Gone: passwords are not kept in the metadata.
    "password.encoder.iterations": string, broker, retired;
    /// Gone: passwords are not kept in the metadata.
    "password.encoder.key.length": string, broker, retired;
    /// Gone: passwords are not kept in the metadata.
    "password.encoder.keyfactory.algorithm": string, broker, retired;
    /// Gone: passwords are not kept in the metadata.
    "password.encoder.old.secret": string, broker, retired;
    /// Gone: passwords are not kept in the metadata.
    "password.encoder.secret": string, broker, retired;
    /// Gone. Use listeners.
    "port": string, broker, retired;
    /// Gone: set quotas with the tools.
    "quota.consumer.default": string, broker, retired;
    /// Gone: set quotas with the tools.
    "quota.producer.default": string, broker, retired;
    /// Gone: ids are never generated.
    "reserved.broker.max.id": string, broker, retired;
    /// Gone. Use janus mode switch.
    "zookeeper.metadata.migration.enable": string, both, retired;
    /// Gone. Use janus mode switch.
    "zookeeper.metadata.migration.min.batch.size": string, both, retired;
    /// Gone.
    "zookeeper.sync.time.ms": string, both, retired;
}
