//! What a consumer group and a client metrics subscription can set for themselves.

use crate::key::table;

table! {
    /// Time between two assignments of this group.
    "consumer.assignment.interval.ms": int = "1000", at_least(0), group, unused;
    /// Heartbeat interval of this group's members.
    "consumer.heartbeat.interval.ms": int = "5000", at_least(1), group, unused;
    /// Session timeout of this group's members.
    "consumer.session.timeout.ms": int = "45000", at_least(1), group, unused;
    /// Time between two assignments of this share group.
    "share.assignment.interval.ms": int = "1000", at_least(0), group, unused;
    /// Where a new share group begins.
    "share.auto.offset.reset": string = "latest", group, unused;
    /// Deliveries of one record in this share group.
    "share.delivery.count.limit": int = "5", at_least(2), group, unused;
    /// Heartbeat interval of this share group.
    "share.heartbeat.interval.ms": int = "5000", at_least(1), group, unused;
    /// Whether this share group reads open transactions.
    "share.isolation.level": string = "read_uncommitted",
        one_of(&["read_committed", "read_uncommitted"]), group, unused;
    /// Records of a partition that may be locked.
    "share.partition.max.record.locks": int = "2000", at_least(100), group, unused;
    /// How long a delivered record is locked.
    "share.record.lock.duration.ms": int = "30000", at_least(1000), group, unused;
    /// Let members prolong a lock.
    "share.renew.acknowledge.enable": boolean = "true", group, unused;
    /// Session timeout of this share group.
    "share.session.timeout.ms": int = "45000", at_least(1), group, unused;
    /// Time between two assignments of this streams group.
    "streams.assignment.interval.ms": int = "1000", at_least(0), group, unused;
    /// Heartbeat interval of this streams group.
    "streams.heartbeat.interval.ms": int = "5000", at_least(1), group, unused;
    /// How long this streams group waits for more members.
    "streams.initial.rebalance.delay.ms": int = "3000", at_least(0), group, unused;
    /// Standby replicas of each task.
    "streams.num.standby.replicas": int = "0", at_least(0), group, unused;
    /// Session timeout of this streams group.
    "streams.session.timeout.ms": int = "45000", at_least(1), group, unused;
    /// Time between two pushes of this subscription.
    "interval.ms": int = "300000", between(100, 3_600_000), client_metrics, unused;
    /// Which clients this subscription is for.
    "match": list = "", client_metrics, unused;
    /// Which metrics this subscription asks for.
    "metrics": list = "", client_metrics, unused;
}
