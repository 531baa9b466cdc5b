//! Every error code of the protocol.
//!
//! A code is what a client reacts to, and its `retriable` flag says how. The names are Kafka's, so
//! that a search for one leads to its documentation.

/// Defines the enum and its tables from one list.
macro_rules! error_codes {
    ($($code:literal $variant:ident $name:literal $retriable:literal $message:literal;)*) => {
        /// What went wrong, as a response says it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant = $code,)*
        }

        impl ErrorCode {
            /// Every code, in rising order.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The name in Kafka's documentation, `NOT_LEADER_OR_FOLLOWER` for example.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// One sentence for people.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }

            /// Whether clients try the same request again.
            pub const fn retriable(self) -> bool {
                match self { $(Self::$variant => $retriable,)* }
            }
        }

        /// Codes of a newer protocol become `UnknownServerError`, as Kafka's clients do it.
        impl From<i16> for ErrorCode {
            fn from(code: i16) -> Self {
                match code { $($code => Self::$variant,)* _ => Self::UnknownServerError }
            }
        }
    };
}

error_codes! {
    -1 UnknownServerError "UNKNOWN_SERVER_ERROR" false
        "The broker failed in a way that no other error code describes.";
    0 None "NONE" false
        "No error.";
    1 OffsetOutOfRange "OFFSET_OUT_OF_RANGE" false
        "The offset lies outside what the log of the partition holds.";
    2 CorruptMessage "CORRUPT_MESSAGE" true
        "The batch is damaged, or a record for a compacted topic has no key.";
    3 UnknownTopicOrPartition "UNKNOWN_TOPIC_OR_PARTITION" true
        "The broker knows no such topic or partition.";
    4 InvalidFetchSize "INVALID_FETCH_SIZE" false
        "The fetch size is not valid.";
    5 LeaderNotAvailable "LEADER_NOT_AVAILABLE" true
        "The partition has no leader at the moment.";
    6 NotLeaderOrFollower "NOT_LEADER_OR_FOLLOWER" true
        "The broker is neither leader nor, where that suffices, follower of the partition.";
    7 RequestTimedOut "REQUEST_TIMED_OUT" true
        "The request was not finished in time.";
    8 BrokerNotAvailable "BROKER_NOT_AVAILABLE" false
        "The broker cannot be reached.";
    9 ReplicaNotAvailable "REPLICA_NOT_AVAILABLE" true
        "The broker has no replica of the partition that could serve this.";
    10 MessageTooLarge "MESSAGE_TOO_LARGE" false
        "A batch is larger than max.message.bytes allows.";
    11 StaleControllerEpoch "STALE_CONTROLLER_EPOCH" false
        "Another controller has taken over.";
    12 OffsetMetadataTooLarge "OFFSET_METADATA_TOO_LARGE" false
        "The metadata of a committed offset is longer than allowed.";
    13 NetworkException "NETWORK_EXCEPTION" true
        "The connection was lost before the response came.";
    14 CoordinatorLoadInProgress "COORDINATOR_LOAD_IN_PROGRESS" true
        "The coordinator is still loading its state.";
    15 CoordinatorNotAvailable "COORDINATOR_NOT_AVAILABLE" true
        "No coordinator is available at the moment.";
    16 NotCoordinator "NOT_COORDINATOR" true
        "Another broker is the coordinator.";
    17 InvalidTopicException "INVALID_TOPIC_EXCEPTION" false
        "The topic's name is not valid, or clients may not write to it.";
    18 RecordListTooLarge "RECORD_LIST_TOO_LARGE" false
        "A batch is larger than a segment of the log.";
    19 NotEnoughReplicas "NOT_ENOUGH_REPLICAS" true
        "Fewer replicas are in sync than min.insync.replicas demands; nothing was written.";
    20 NotEnoughReplicasAfterAppend "NOT_ENOUGH_REPLICAS_AFTER_APPEND" true
        "The batch was written, but then too few replicas were in sync.";
    21 InvalidRequiredAcks "INVALID_REQUIRED_ACKS" false
        "Acks must be 0, 1 or -1.";
    22 IllegalGeneration "ILLEGAL_GENERATION" false
        "The group is in another generation.";
    23 InconsistentGroupProtocol "INCONSISTENT_GROUP_PROTOCOL" false
        "The member shares no protocol with its group, or offers none.";
    24 InvalidGroupId "INVALID_GROUP_ID" false
        "The group id is not valid.";
    25 UnknownMemberId "UNKNOWN_MEMBER_ID" false
        "The coordinator does not know the member.";
    26 InvalidSessionTimeout "INVALID_SESSION_TIMEOUT" false
        "The session timeout lies outside the broker's limits.";
    27 RebalanceInProgress "REBALANCE_IN_PROGRESS" false
        "The group is rebalancing; members have to join again.";
    28 InvalidCommitOffsetSize "INVALID_COMMIT_OFFSET_SIZE" false
        "The committed offset takes too much space.";
    29 TopicAuthorizationFailed "TOPIC_AUTHORIZATION_FAILED" false
        "The principal may not do this with the topic.";
    30 GroupAuthorizationFailed "GROUP_AUTHORIZATION_FAILED" false
        "The principal may not do this with the group.";
    31 ClusterAuthorizationFailed "CLUSTER_AUTHORIZATION_FAILED" false
        "The principal may not do this with the cluster.";
    32 InvalidTimestamp "INVALID_TIMESTAMP" false
        "A timestamp lies outside what the topic accepts.";
    33 UnsupportedSaslMechanism "UNSUPPORTED_SASL_MECHANISM" false
        "The broker does not offer this SASL mechanism.";
    34 IllegalSaslState "ILLEGAL_SASL_STATE" false
        "The request does not fit the state of the SASL exchange.";
    35 UnsupportedVersion "UNSUPPORTED_VERSION" false
        "The broker does not serve this version of the API.";
    36 TopicAlreadyExists "TOPIC_ALREADY_EXISTS" false
        "A topic of this name exists.";
    37 InvalidPartitions "INVALID_PARTITIONS" false
        "The number of partitions is not valid.";
    38 InvalidReplicationFactor "INVALID_REPLICATION_FACTOR" false
        "The replication factor is not valid or larger than the number of brokers.";
    39 InvalidReplicaAssignment "INVALID_REPLICA_ASSIGNMENT" false
        "The assignment of replicas is not valid.";
    40 InvalidConfig "INVALID_CONFIG" false
        "A configuration is not valid.";
    41 NotController "NOT_CONTROLLER" true
        "Another node is the controller.";
    42 InvalidRequest "INVALID_REQUEST" false
        "The request contradicts itself or the protocol.";
    43 UnsupportedForMessageFormat "UNSUPPORTED_FOR_MESSAGE_FORMAT" false
        "The format of the messages does not support this.";
    44 PolicyViolation "POLICY_VIOLATION" false
        "A policy of the cluster forbids this.";
    45 OutOfOrderSequenceNumber "OUT_OF_ORDER_SEQUENCE_NUMBER" false
        "A sequence number of the producer is missing.";
    46 DuplicateSequenceNumber "DUPLICATE_SEQUENCE_NUMBER" false
        "The sequence number of the producer was used before.";
    47 InvalidProducerEpoch "INVALID_PRODUCER_EPOCH" false
        "A newer instance of the producer has raised the epoch.";
    48 InvalidTxnState "INVALID_TXN_STATE" false
        "The transaction is in a state that does not allow this.";
    49 InvalidProducerIdMapping "INVALID_PRODUCER_ID_MAPPING" false
        "The producer id does not belong to the transactional id.";
    50 InvalidTransactionTimeout "INVALID_TRANSACTION_TIMEOUT" false
        "The transaction timeout is larger than transaction.max.timeout.ms.";
    51 ConcurrentTransactions "CONCURRENT_TRANSACTIONS" true
        "Another operation of the same transaction is in progress.";
    52 TransactionCoordinatorFenced "TRANSACTION_COORDINATOR_FENCED" false
        "Another broker has become the coordinator of the transaction.";
    53 TransactionalIdAuthorizationFailed "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" false
        "The principal may not use the transactional id.";
    54 SecurityDisabled "SECURITY_DISABLED" false
        "Security features are turned off.";
    55 OperationNotAttempted "OPERATION_NOT_ATTEMPTED" false
        "The operation was left out because an earlier one failed.";
    56 KafkaStorageError "KAFKA_STORAGE_ERROR" true
        "The disk with the log of the partition failed.";
    57 LogDirNotFound "LOG_DIR_NOT_FOUND" false
        "The broker has no such log directory.";
    58 SaslAuthenticationFailed "SASL_AUTHENTICATION_FAILED" false
        "The SASL credentials were refused.";
    59 UnknownProducerId "UNKNOWN_PRODUCER_ID" false
        "The broker no longer knows the producer id; its records may have expired.";
    60 ReassignmentInProgress "REASSIGNMENT_IN_PROGRESS" false
        "The partition is being reassigned.";
    61 DelegationTokenAuthDisabled "DELEGATION_TOKEN_AUTH_DISABLED" false
        "Delegation tokens are turned off.";
    62 DelegationTokenNotFound "DELEGATION_TOKEN_NOT_FOUND" false
        "There is no such delegation token.";
    63 DelegationTokenOwnerMismatch "DELEGATION_TOKEN_OWNER_MISMATCH" false
        "The principal is neither owner nor renewer of the delegation token.";
    64 DelegationTokenRequestNotAllowed "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" false
        "Delegation tokens cannot be asked for on this kind of connection.";
    65 DelegationTokenAuthorizationFailed "DELEGATION_TOKEN_AUTHORIZATION_FAILED" false
        "The principal may not do this with the delegation token.";
    66 DelegationTokenExpired "DELEGATION_TOKEN_EXPIRED" false
        "The delegation token has expired.";
    67 InvalidPrincipalType "INVALID_PRINCIPAL_TYPE" false
        "The type of the principal is not supported.";
    68 NonEmptyGroup "NON_EMPTY_GROUP" false
        "The group still has members.";
    69 GroupIdNotFound "GROUP_ID_NOT_FOUND" false
        "There is no such group.";
    70 FetchSessionIdNotFound "FETCH_SESSION_ID_NOT_FOUND" true
        "The broker does not know the fetch session.";
    71 InvalidFetchSessionEpoch "INVALID_FETCH_SESSION_EPOCH" true
        "The epoch of the fetch session is not the next one.";
    72 ListenerNotFound "LISTENER_NOT_FOUND" true
        "The leader has no listener of the name that the client is connected to.";
    73 TopicDeletionDisabled "TOPIC_DELETION_DISABLED" false
        "Topics cannot be deleted: delete.topic.enable is false.";
    74 FencedLeaderEpoch "FENCED_LEADER_EPOCH" true
        "The client's leader epoch is older than the broker's.";
    75 UnknownLeaderEpoch "UNKNOWN_LEADER_EPOCH" true
        "The client's leader epoch is newer than the broker's.";
    76 UnsupportedCompressionType "UNSUPPORTED_COMPRESSION_TYPE" false
        "The client cannot read the compression of the partition.";
    77 StaleBrokerEpoch "STALE_BROKER_EPOCH" false
        "The broker has registered again under a newer epoch.";
    78 OffsetNotAvailable "OFFSET_NOT_AVAILABLE" true
        "The new leader cannot name the offset yet; its high watermark has still to catch up.";
    79 MemberIdRequired "MEMBER_ID_REQUIRED" false
        "The member has to join again with the id it was given.";
    80 PreferredLeaderNotAvailable "PREFERRED_LEADER_NOT_AVAILABLE" true
        "The preferred leader is not available.";
    81 GroupMaxSizeReached "GROUP_MAX_SIZE_REACHED" false
        "The group has as many members as it may have.";
    82 FencedInstanceId "FENCED_INSTANCE_ID" false
        "Another consumer uses the same group.instance.id.";
    83 EligibleLeadersNotAvailable "ELIGIBLE_LEADERS_NOT_AVAILABLE" true
        "No replica that could lead the partition is available.";
    84 ElectionNotNeeded "ELECTION_NOT_NEEDED" true
        "The partition already has the leader that an election would give it.";
    85 NoReassignmentInProgress "NO_REASSIGNMENT_IN_PROGRESS" false
        "The partition is not being reassigned.";
    86 GroupSubscribedToTopic "GROUP_SUBSCRIBED_TO_TOPIC" false
        "The group is subscribed to the topic.";
    87 InvalidRecord "INVALID_RECORD" false
        "A record was refused by the broker's checks.";
    88 UnstableOffsetCommit "UNSTABLE_OFFSET_COMMIT" true
        "Offsets of an open transaction are pending.";
    89 ThrottlingQuotaExceeded "THROTTLING_QUOTA_EXCEEDED" true
        "A quota is exceeded; try again later.";
    90 ProducerFenced "PRODUCER_FENCED" false
        "A newer producer uses the same transactional id.";
    91 ResourceNotFound "RESOURCE_NOT_FOUND" false
        "The request names something that does not exist.";
    92 DuplicateResource "DUPLICATE_RESOURCE" false
        "The request names something twice.";
    93 UnacceptableCredential "UNACCEPTABLE_CREDENTIAL" false
        "The credential does not meet the requirements.";
    94 InconsistentVoterSet "INCONSISTENT_VOTER_SET" false
        "Sender or receiver is not among the expected voters.";
    95 InvalidUpdateVersion "INVALID_UPDATE_VERSION" false
        "The version in the update is not valid.";
    96 FeatureUpdateFailed "FEATURE_UPDATE_FAILED" false
        "Feature levels could not be changed.";
    97 PrincipalDeserializationFailure "PRINCIPAL_DESERIALIZATION_FAILURE" false
        "The principal of a forwarded request could not be read.";
    98 SnapshotNotFound "SNAPSHOT_NOT_FOUND" false
        "There is no such snapshot.";
    99 PositionOutOfRange "POSITION_OUT_OF_RANGE" false
        "The position lies outside the snapshot.";
    100 UnknownTopicId "UNKNOWN_TOPIC_ID" true
        "The broker knows no topic of this id.";
    101 DuplicateBrokerRegistration "DUPLICATE_BROKER_REGISTRATION" false
        "Another running broker has this id.";
    102 BrokerIdNotRegistered "BROKER_ID_NOT_REGISTERED" false
        "No broker of this id is registered.";
    103 InconsistentTopicId "INCONSISTENT_TOPIC_ID" true
        "The topic of this name has another id.";
    104 InconsistentClusterId "INCONSISTENT_CLUSTER_ID" false
        "The request is meant for another cluster.";
    105 TransactionalIdNotFound "TRANSACTIONAL_ID_NOT_FOUND" false
        "There is no such transactional id.";
    106 FetchSessionTopicIdError "FETCH_SESSION_TOPIC_ID_ERROR" true
        "The fetch session mixes topic names and topic ids.";
    107 IneligibleReplica "INELIGIBLE_REPLICA" false
        "The new set of in-sync replicas holds one that may not be in it.";
    108 NewLeaderElected "NEW_LEADER_ELECTED" false
        "The change was made, and the partition has another leader now.";
    109 OffsetMovedToTieredStorage "OFFSET_MOVED_TO_TIERED_STORAGE" false
        "The offset has moved to tiered storage.";
    110 FencedMemberEpoch "FENCED_MEMBER_EPOCH" false
        "The epoch of the group member is outdated; it has to join again without partitions.";
    111 UnreleasedInstanceId "UNRELEASED_INSTANCE_ID" false
        "Another member still holds the group.instance.id.";
    112 UnsupportedAssignor "UNSUPPORTED_ASSIGNOR" false
        "The group does not support the assignor.";
    113 StaleMemberEpoch "STALE_MEMBER_EPOCH" false
        "The epoch of the group member is outdated; the next heartbeat brings the new one.";
    114 MismatchedEndpointType "MISMATCHED_ENDPOINT_TYPE" false
        "The request was sent to a node of the wrong kind.";
    115 UnsupportedEndpointType "UNSUPPORTED_ENDPOINT_TYPE" false
        "The kind of endpoint is not supported.";
    116 UnknownControllerId "UNKNOWN_CONTROLLER_ID" false
        "No controller has this id.";
    117 UnknownSubscriptionId "UNKNOWN_SUBSCRIPTION_ID" false
        "The telemetry subscription is unknown or outdated.";
    118 TelemetryTooLarge "TELEMETRY_TOO_LARGE" false
        "The telemetry takes more space than the broker accepts.";
    119 InvalidRegistration "INVALID_REGISTRATION" false
        "The registration of the broker is not valid.";
    120 TransactionAbortable "TRANSACTION_ABORTABLE" false
        "The transaction failed and has to be aborted; the producer can go on then.";
    121 InvalidRecordState "INVALID_RECORD_STATE" false
        "The record cannot be acknowledged in its state.";
    122 ShareSessionNotFound "SHARE_SESSION_NOT_FOUND" true
        "The broker does not know the share session.";
    123 InvalidShareSessionEpoch "INVALID_SHARE_SESSION_EPOCH" true
        "The epoch of the share session is not the next one.";
    124 FencedStateEpoch "FENCED_STATE_EPOCH" false
        "The epoch of the share group's state is outdated.";
    125 InvalidVoterKey "INVALID_VOTER_KEY" false
        "The key of the voter is not that of the receiver.";
    126 DuplicateVoter "DUPLICATE_VOTER" false
        "The voter is in the set already.";
    127 VoterNotFound "VOTER_NOT_FOUND" false
        "The voter is not in the set.";
    128 InvalidRegularExpression "INVALID_REGULAR_EXPRESSION" false
        "The regular expression is not valid.";
    129 RebootstrapRequired "REBOOTSTRAP_REQUIRED" false
        "The client's metadata is outdated; it has to bootstrap again.";
    130 StreamsInvalidTopology "STREAMS_INVALID_TOPOLOGY" false
        "The topology of the streams group is not valid.";
    131 StreamsInvalidTopologyEpoch "STREAMS_INVALID_TOPOLOGY_EPOCH" false
        "The epoch of the streams topology is not valid.";
    132 StreamsTopologyFenced "STREAMS_TOPOLOGY_FENCED" false
        "The streams topology is outdated.";
    133 ShareSessionLimitReached "SHARE_SESSION_LIMIT_REACHED" true
        "The broker has as many share sessions as it may have.";
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether this is the absence of an error.
    pub const fn is_none(self) -> bool {
        matches!(self, Self::None)
    }
}

impl From<ErrorCode> for i16 {
    fn from(error: ErrorCode) -> Self {
        error.code()
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
