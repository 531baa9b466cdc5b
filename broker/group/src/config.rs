//! What the coordinator is told about itself: Kafka's `group.*` and `offset*` settings, and the
//! bounds Kafka does not have.

/// Settings of one shard; every shard of a broker gets the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`: how long the first rebalance of a group waits for more.
    pub group_initial_rebalance_delay_ms: i32,
    /// `group.max.size`: members of one group.
    pub group_max_size: usize,
    /// `offset.metadata.max.bytes`: counted, as Kafka does, in UTF-16 code units.
    pub offset_metadata_max_bytes: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`, at least 1.
    pub offsets_retention_check_interval_ms: i64,
    /// `offsets.commit.timeout.ms`: how long an answer waits for its write to be replicated.
    pub offsets_commit_timeout_ms: i64,
    /// A new member that waits in a join longer than this is dropped (five minutes in Kafka, where
    /// it is not configurable): its client has probably gone, and would come back as another one.
    pub new_member_join_timeout_ms: i64,
    /// Groups this shard holds at most; a join or commit that would create one more is refused.
    pub groups_max: usize,
    /// Members of one group that were given an id and have not joined with it yet (KIP-394).
    pub pending_members_max: usize,
    /// Protocol names and metadata of one member, in bytes: more could never be persisted.
    pub member_metadata_bytes_max: usize,
    /// Writes that may wait for replication; beyond it, requests that write are refused.
    pub writes_in_flight_max: usize,
    /// Size above which a write that need not be atomic (expiry, topic deletion) is split.
    pub write_bytes_max: usize,
}

impl Config {
    /// Kafka 4.3's defaults.
    pub fn kafka() -> Self {
        Self {
            group_min_session_timeout_ms: 6_000,
            group_max_session_timeout_ms: 1_800_000,
            group_initial_rebalance_delay_ms: 3_000,
            group_max_size: i32::MAX as usize,
            offset_metadata_max_bytes: 4_096,
            offsets_retention_ms: 7 * 24 * 60 * 60 * 1_000,
            offsets_retention_check_interval_ms: 600_000,
            offsets_commit_timeout_ms: 5_000,
            new_member_join_timeout_ms: 5 * 60 * 1_000,
            groups_max: 100_000,
            pending_members_max: 10_000,
            member_metadata_bytes_max: 1024 * 1024,
            writes_in_flight_max: 10_000,
            write_bytes_max: 512 * 1024,
        }
    }
}
