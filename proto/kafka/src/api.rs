//! The APIs of the protocol, and those that a broker serves.
//!
//! One table says which versions are served. The dispatcher decides by it and ApiVersions answers
//! from it, so a client is never promised what the broker refuses.

use crate::messages::ApiVersionsResponse;
use crate::messages::api_versions::ApiVersion;
use crate::{Chunks, EncodeError, ErrorCode, encode_response};

/// Defines the enum and its tables from one list of key, name and first flexible version.
macro_rules! api_keys {
    ($($key:literal $name:ident $flexible_from:expr;)*) => {
        /// Every API that Kafka 4.3 knows, those it no longer serves included.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ApiKey {
            $(
                #[doc = concat!("Api key ", $key, ".")]
                $name = $key,
            )*
        }

        impl ApiKey {
            /// Every API, by rising key.
            pub const ALL: &'static [ApiKey] = &[$(ApiKey::$name,)*];

            /// The name in Kafka's documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The first version with compact lengths and tagged fields (KIP-482), or `i16::MAX`.
            /// It also decides the version of the headers.
            pub const fn flexible_from(self) -> i16 {
                match self { $(Self::$name => $flexible_from,)* }
            }
        }

        /// Gives an unknown key back.
        impl TryFrom<i16> for ApiKey {
            type Error = i16;

            fn try_from(key: i16) -> Result<Self, i16> {
                match key { $($key => Ok(Self::$name),)* unknown => Err(unknown) }
            }
        }
    };
}

api_keys! {
    0 Produce 9;
    1 Fetch 12;
    2 ListOffsets 6;
    3 Metadata 9;
    4 LeaderAndIsr 4;
    5 StopReplica 2;
    6 UpdateMetadata 6;
    7 ControlledShutdown 3;
    8 OffsetCommit 8;
    9 OffsetFetch 6;
    10 FindCoordinator 3;
    11 JoinGroup 6;
    12 Heartbeat 4;
    13 LeaveGroup 4;
    14 SyncGroup 4;
    15 DescribeGroups 5;
    16 ListGroups 3;
    17 SaslHandshake i16::MAX;
    18 ApiVersions 3;
    19 CreateTopics 5;
    20 DeleteTopics 4;
    21 DeleteRecords 2;
    22 InitProducerId 2;
    23 OffsetForLeaderEpoch 4;
    24 AddPartitionsToTxn 3;
    25 AddOffsetsToTxn 3;
    26 EndTxn 3;
    27 WriteTxnMarkers 1;
    28 TxnOffsetCommit 3;
    29 DescribeAcls 2;
    30 CreateAcls 2;
    31 DeleteAcls 2;
    32 DescribeConfigs 4;
    33 AlterConfigs 2;
    34 AlterReplicaLogDirs 2;
    35 DescribeLogDirs 2;
    36 SaslAuthenticate 2;
    37 CreatePartitions 2;
    38 CreateDelegationToken 2;
    39 RenewDelegationToken 2;
    40 ExpireDelegationToken 2;
    41 DescribeDelegationToken 2;
    42 DeleteGroups 2;
    43 ElectLeaders 2;
    44 IncrementalAlterConfigs 1;
    45 AlterPartitionReassignments 0;
    46 ListPartitionReassignments 0;
    47 OffsetDelete i16::MAX;
    48 DescribeClientQuotas 1;
    49 AlterClientQuotas 1;
    50 DescribeUserScramCredentials 0;
    51 AlterUserScramCredentials 0;
    52 Vote 0;
    53 BeginQuorumEpoch 1;
    54 EndQuorumEpoch 1;
    55 DescribeQuorum 0;
    56 AlterPartition 0;
    57 UpdateFeatures 0;
    58 Envelope 0;
    59 FetchSnapshot 0;
    60 DescribeCluster 0;
    61 DescribeProducers 0;
    62 BrokerRegistration 0;
    63 BrokerHeartbeat 0;
    64 UnregisterBroker 0;
    65 DescribeTransactions 0;
    66 ListTransactions 0;
    67 AllocateProducerIds 0;
    68 ConsumerGroupHeartbeat 0;
    69 ConsumerGroupDescribe 0;
    70 ControllerRegistration 0;
    71 GetTelemetrySubscriptions 0;
    72 PushTelemetry 0;
    73 AssignReplicasToDirs 0;
    74 ListConfigResources 0;
    75 DescribeTopicPartitions 0;
    76 ShareGroupHeartbeat 0;
    77 ShareGroupDescribe 0;
    78 ShareFetch 0;
    79 ShareAcknowledge 0;
    80 AddRaftVoter 0;
    81 RemoveRaftVoter 0;
    82 UpdateRaftVoter 0;
    83 InitializeShareGroupState 0;
    84 ReadShareGroupState 0;
    85 WriteShareGroupState 0;
    86 DeleteShareGroupState 0;
    87 ReadShareGroupStateSummary 0;
    88 StreamsGroupHeartbeat 0;
    89 StreamsGroupDescribe 0;
    90 DescribeShareGroupOffsets 0;
    91 AlterShareGroupOffsets 0;
    92 DeleteShareGroupOffsets 0;
}

impl ApiKey {
    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

impl std::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An API that the broker serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// Which API.
    pub key: ApiKey,
    /// The lowest version that is answered.
    pub min: i16,
    /// The highest version that is answered.
    pub max: i16,
    /// The lowest version that ApiVersions names; none if it does not name the API at all.
    pub advertised_min: Option<i16>,
}

impl Served {
    /// Whether requests of this version are answered.
    pub fn has(&self, version: i16) -> bool {
        (self.min..=self.max).contains(&version)
    }
}

const fn served(key: ApiKey, min: i16, max: i16) -> Served {
    Served { key, min, max, advertised_min: Some(min) }
}

/// For the handshake between brokers only: clients must not believe that they can log in.
const fn hidden(key: ApiKey, min: i16, max: i16) -> Served {
    Served { key, min, max, advertised_min: None }
}

/// What the broker serves, by rising key.
pub const SERVED: &[Served] = &[
    // librdkafka before 2.11 stops compressing when Produce 0 to 2 are missing (KAFKA-18659).
    Served { key: ApiKey::Produce, min: 3, max: 13, advertised_min: Some(0) },
    served(ApiKey::Fetch, 4, 18),
    served(ApiKey::ListOffsets, 1, 11),
    served(ApiKey::Metadata, 0, 13),
    served(ApiKey::OffsetCommit, 2, 10),
    served(ApiKey::OffsetFetch, 1, 10),
    served(ApiKey::FindCoordinator, 0, 6),
    served(ApiKey::JoinGroup, 0, 9),
    served(ApiKey::Heartbeat, 0, 4),
    served(ApiKey::LeaveGroup, 0, 5),
    served(ApiKey::SyncGroup, 0, 5),
    served(ApiKey::DescribeGroups, 0, 6),
    served(ApiKey::ListGroups, 0, 5),
    hidden(ApiKey::SaslHandshake, 0, 1),
    served(ApiKey::ApiVersions, 0, 4),
    served(ApiKey::CreateTopics, 2, 7),
    served(ApiKey::DeleteTopics, 1, 6),
    served(ApiKey::DeleteRecords, 0, 2),
    served(ApiKey::InitProducerId, 0, 5),
    served(ApiKey::OffsetForLeaderEpoch, 2, 4),
    served(ApiKey::DescribeConfigs, 1, 4),
    served(ApiKey::AlterConfigs, 0, 2),
    served(ApiKey::DescribeLogDirs, 1, 5),
    hidden(ApiKey::SaslAuthenticate, 0, 2),
    served(ApiKey::CreatePartitions, 0, 3),
    served(ApiKey::DeleteGroups, 0, 2),
    served(ApiKey::ElectLeaders, 0, 2),
    served(ApiKey::IncrementalAlterConfigs, 0, 1),
    served(ApiKey::AlterPartitionReassignments, 0, 1),
    served(ApiKey::ListPartitionReassignments, 0, 0),
    served(ApiKey::OffsetDelete, 0, 0),
    served(ApiKey::DescribeQuorum, 0, 2),
    served(ApiKey::DescribeCluster, 0, 2),
    served(ApiKey::DescribeProducers, 0, 0),
    served(ApiKey::UnregisterBroker, 0, 0),
    served(ApiKey::ListConfigResources, 0, 1),
];

/// The row of an API in [`SERVED`].
pub fn find_served(key: ApiKey) -> Option<&'static Served> {
    let row = SERVED.binary_search_by_key(&key, |served| served.key).ok()?;
    Some(&SERVED[row])
}

/// The ApiVersions answer with everything that is served; features are left to the broker.
pub fn api_versions_response() -> ApiVersionsResponse {
    let api_keys = SERVED.iter().filter_map(advertise).collect();
    ApiVersionsResponse { api_keys, ..Default::default() }
}

/// The answer, as a frame, to an ApiVersions request of a version that is not served (KIP-511): a
/// body of version 0 with UNSUPPORTED_VERSION and the versions of ApiVersions itself. The body of
/// such a request cannot be read.
pub fn unsupported_api_versions(correlation_id: i32) -> Result<Chunks, EncodeError> {
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: find_served(ApiKey::ApiVersions).and_then(advertise).into_iter().collect(),
        ..Default::default()
    };
    encode_response(correlation_id, &response, 0)
}

fn advertise(served: &Served) -> Option<ApiVersion> {
    served.advertised_min.map(|min_version| ApiVersion {
        api_key: served.key.code(),
        min_version,
        max_version: served.max,
    })
}
