//! The bytes that are kept and sent. `golden/codec` pins them: a line that changes there breaks
//! every raft log, snapshot and running server. `UPDATE=1` adds what is new.

#![allow(clippy::disallowed_methods, reason = "the golden file is one")]

mod support;

use std::fmt::Write;

use metadata::codec::{self, DecodeError, FORMAT_VERSION};
use metadata::control::{
    AlterConfigs, AlterPartition, ConfigOperation, CreateTopic, Election, RegisterBroker,
    TopicSelector,
};
use metadata::{
    BATCH_BYTES_MAX, Broker, Cluster, ClusterImage, Command, Config, ConfigResource, ControlError,
    Controller, Coordination, Feature, Listener, Mode, Outcome, Partition, ProducerIds, Record,
    Topic, TopicPartition, Uuid,
};
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn golden_bytes() {
    let mut text = String::new();
    let mut line = |what: &str, value: String, bytes: Vec<u8>| {
        let name: String = value.chars().take_while(|it| it.is_alphanumeric()).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{what} {name} {hex}").unwrap();
    };
    for record in sample_records() {
        let bytes = codec::encode_records(std::slice::from_ref(&record));
        assert_eq!(codec::decode_records(&bytes).unwrap(), std::slice::from_ref(&record));
        line("record", format!("{record:?}"), bytes);
    }
    // Two servers of different versions compare it.
    let mut held = sample_records();
    held.retain(|it| {
        !matches!(
            it,
            Record::BrokerRemoved(_) | Record::ControllerRemoved(_) | Record::TopicRemoved(_)
        )
    });
    let fingerprint = ClusterImage::from_records(&held).fingerprint.value();
    line("fingerprint", "Sample".into(), fingerprint.to_be_bytes().to_vec());
    for command in sample_commands() {
        let bytes = codec::encode_command(&command);
        assert_eq!(codec::decode_command(&bytes).unwrap(), command);
        line("command", format!("{command:?}"), bytes);
    }
    for error in sample_errors() {
        let outcome: Outcome = Err(error.clone());
        let bytes = codec::encode_outcome(&outcome);
        assert_eq!(codec::decode_outcome(&bytes).unwrap(), outcome);
        line("error", format!("{error:?}"), bytes);
    }
    line("outcome", "Ok".into(), codec::encode_outcome(&Ok(sample_records()[..1].to_vec())));

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/codec");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert!(text == golden, "the bytes have changed; expected:\n{golden}\nfound:\n{text}");
}

#[test]
fn a_newer_format_is_refused_with_its_number() {
    let mut bytes = codec::encode_records(&sample_records());
    bytes[0] = FORMAT_VERSION + 1;
    let error = codec::decode_records(&bytes).unwrap_err();
    assert_eq!(error, DecodeError::NewerFormat { found: FORMAT_VERSION + 1 });
    assert!(error.to_string().contains("upgrade this server first"), "{error}");
}

#[test]
fn damage_is_an_error() {
    let bytes = codec::encode_records(&sample_records());
    for len in 0..bytes.len() {
        let error = codec::decode_records(&bytes[..len]).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed { .. }), "{len}: {error}");
    }
    let error = codec::decode_records(&[bytes.as_slice(), &[0]].concat()).unwrap_err();
    assert_eq!(error.to_string(), "damaged records: 1 bytes too many");
    // A length of 2^63 allocates nothing to speak of.
    let huge = [&[FORMAT_VERSION][..], &[0xff; 8], &[0x7f]].concat();
    assert!(codec::decode_records(&huge).is_err());
    assert!(codec::decode_records(&[0, 0]).is_err());
}

#[test]
fn records_are_cut_into_batches_in_order() {
    let records: Vec<Record> = (0..100_000)
        .map(|number| {
            Record::Partition(Partition { id: TopicPartition::new("t", number), ..partition() })
        })
        .collect();
    let batches: Vec<&[Record]> = codec::batches(&records).collect();
    assert!(batches.len() > 1);
    for batch in &batches {
        assert!(codec::encode_records(batch).len() <= BATCH_BYTES_MAX);
    }
    assert!(batches.concat() == records);
    assert_eq!(codec::batches(&[]).count(), 0);
    let large = "x".repeat(BATCH_BYTES_MAX);
    let records = [Record::BrokerRemoved(1), Record::Cluster(Cluster { id: large })];
    let lens: Vec<usize> = codec::batches(&records).map(<[Record]>::len).collect();
    assert_eq!(lens, [1, 1], "what is too large stands alone");
}

proptest! {
    #[test]
    fn records_come_back(records in vec(support::record(), 0..20)) {
        let bytes = codec::encode_records(&records);
        let len: usize = records.iter().map(codec::encoded_len).sum();
        prop_assert!(bytes.len() <= len + codec::BATCH_OVERHEAD_BYTES);
        prop_assert_eq!(codec::decode_records(&bytes).unwrap(), records.clone());
        let outcome: Outcome = Ok(records);
        let bytes = codec::encode_outcome(&outcome);
        prop_assert_eq!(codec::decode_outcome(&bytes).unwrap(), outcome);
    }

    #[test]
    fn commands_come_back(command in command()) {
        let bytes = codec::encode_command(&command);
        prop_assert_eq!(codec::decode_command(&bytes).unwrap(), command);
    }

    #[test]
    fn no_bytes_panic(mut bytes in vec(any::<u8>(), 0..200)) {
        let _ = codec::decode_records(&bytes);
        if let Some(first) = bytes.first_mut() {
            *first = FORMAT_VERSION;
        }
        let _ = codec::decode_records(&bytes);
        let _ = codec::decode_command(&bytes);
        let _ = codec::decode_outcome(&bytes);
    }
}

fn command() -> impl Strategy<Value = Command> {
    use support::{controller, id, listener, name, resource, topic_partition, uuid, values};
    let assignments = || vec(vec(id(), 0..3), 0..3);
    let operation = prop_oneof![
        "\\PC{0,5}".prop_map(ConfigOperation::Set),
        Just(ConfigOperation::Delete),
        "[a-z,]{0,5}".prop_map(ConfigOperation::Append),
        "[a-z,]{0,5}".prop_map(ConfigOperation::Subtract),
    ];
    let registration = (id(), uuid(), vec(listener(), 0..3), any::<Option<i64>>());
    let alter = (id(), any::<i64>(), uuid(), any::<i32>(), any::<i32>());
    prop_oneof![
        registration.prop_map(|(id, incarnation, listeners, previous_epoch)| {
            Command::RegisterBroker(RegisterBroker {
                id,
                incarnation,
                listeners,
                rack: None,
                log_dirs: vec![incarnation],
                previous_epoch,
            })
        }),
        controller().prop_map(Command::RegisterController),
        (id(), any::<i64>()).prop_map(|(id, epoch)| Command::FenceBroker { id, epoch }),
        (name(), uuid(), any::<i32>(), any::<i16>(), assignments(), values()).prop_map(
            |(name, id, partitions, replication_factor, assignments, configs)| {
                Command::CreateTopic(CreateTopic {
                    name,
                    id,
                    partitions,
                    replication_factor,
                    assignments,
                    configs,
                    validate_only: partitions < 0,
                })
            }
        ),
        (name(), any::<i32>(), prop::option::of(assignments())).prop_map(
            |(topic, count, assignments)| Command::CreatePartitions {
                topic,
                count,
                assignments,
                validate_only: count < 0
            }
        ),
        (alter, vec((id(), any::<i64>()), 0..4)).prop_map(|(it, isr)| {
            Command::AlterPartition(AlterPartition {
                broker: it.0,
                broker_epoch: it.1,
                topic_id: it.2,
                partition: it.3,
                leader_epoch: it.4,
                partition_epoch: it.4,
                isr,
                recovering: it.3 < 0,
            })
        }),
        (resource(), any::<bool>(), vec(("[a-z.]{0,5}", operation), 0..4)).prop_map(
            |(resource, replace, operations)| Command::AlterConfigs(AlterConfigs {
                resource,
                replace,
                operations,
                validate_only: replace
            })
        ),
        (topic_partition(), prop::option::of(vec(id(), 0..4)))
            .prop_map(|(partition, replicas)| Command::ReassignPartition { partition, replicas }),
    ]
}

fn partition() -> Partition {
    Partition {
        id: TopicPartition::new("orders", 7),
        replicas: vec![1, 2, 300],
        isr: vec![1, 2],
        elr: vec![3],
        last_known_leader: Some(4),
        leader: None,
        leader_epoch: 5,
        partition_epoch: 600,
        recovering: true,
        adding_replicas: vec![8],
        removing_replicas: vec![9],
    }
}

fn listener() -> Listener {
    Listener {
        name: "PLAINTEXT".into(),
        host: "h".into(),
        port: 9092,
        security_protocol: "PLAINTEXT".into(),
    }
}

fn controller() -> Controller {
    Controller {
        id: 101,
        incarnation: Uuid::from_u128(2),
        endpoint: "h:1".into(),
        directory_id: Uuid::from_u128(3),
    }
}

/// One of each, in the order of the enum.
fn sample_records() -> Vec<Record> {
    let config = |resource| {
        Record::Config(Config { resource, values: [("k".to_string(), "v".to_string())].into() })
    };
    vec![
        Record::Cluster(Cluster { id: "5L6g3nShT-eMCtK--X86sw".into() }),
        Record::Broker(Broker {
            id: 1,
            epoch: 300,
            incarnation: Uuid::from_u128(2),
            listeners: vec![listener()],
            rack: Some("r".into()),
            log_dirs: vec![Uuid::from_u128(3)],
            fenced: true,
            in_controlled_shutdown: false,
        }),
        Record::BrokerRemoved(-1),
        Record::Controller(controller()),
        Record::ControllerRemoved(101),
        Record::Topic(Topic { name: "orders".into(), id: Uuid::from_u128(4), partitions: 8 }),
        Record::TopicRemoved("orders".into()),
        Record::Partition(partition()),
        config(ConfigResource::Topic("t".into())),
        config(ConfigResource::Broker(1)),
        config(ConfigResource::BrokerDefault),
        config(ConfigResource::Group("g".into())),
        config(ConfigResource::ClientMetrics("m".into())),
        Record::ProducerIds(ProducerIds { next: 1000, broker: 1, broker_epoch: 2 }),
        Record::Feature(Feature { name: "f".into(), level: 3 }),
        Record::Mode(Mode {
            coordination: Coordination::Raft,
            generation: 1,
            zookeeper_connect: "".into(),
        }),
        Record::Mode(Mode {
            coordination: Coordination::ZooKeeper,
            generation: 2,
            zookeeper_connect: "z:1/c".into(),
        }),
    ]
}

fn sample_commands() -> Vec<Command> {
    let id = TopicPartition::new("t", 1);
    let operation = |operation| {
        Command::AlterConfigs(AlterConfigs {
            resource: ConfigResource::BrokerDefault,
            replace: false,
            operations: vec![("k".into(), operation)],
            validate_only: true,
        })
    };
    vec![
        Command::RegisterBroker(RegisterBroker {
            id: 1,
            incarnation: Uuid::from_u128(2),
            listeners: vec![listener()],
            rack: None,
            log_dirs: vec![Uuid::from_u128(3)],
            previous_epoch: Some(4),
        }),
        Command::RegisterController(controller()),
        Command::UnregisterBroker { id: 1 },
        Command::FenceBroker { id: 1, epoch: 2 },
        Command::UnfenceBroker { id: 1, epoch: 2 },
        Command::BeginControlledShutdown { id: 1, epoch: 2 },
        Command::CreateTopic(CreateTopic {
            name: "t".into(),
            id: Uuid::from_u128(1),
            partitions: -1,
            replication_factor: -1,
            assignments: vec![vec![1, 2]],
            configs: [("k".to_string(), "v".to_string())].into(),
            validate_only: true,
        }),
        Command::DeleteTopic { topic: TopicSelector::Name("t".into()) },
        Command::DeleteTopic { topic: TopicSelector::Id(Uuid::from_u128(1)) },
        Command::CreatePartitions {
            topic: "t".into(),
            count: 2,
            assignments: Some(vec![vec![1]]),
            validate_only: false,
        },
        Command::AlterPartition(AlterPartition {
            broker: 1,
            broker_epoch: 2,
            topic_id: Uuid::from_u128(3),
            partition: 4,
            leader_epoch: 5,
            partition_epoch: 6,
            isr: vec![(1, 2), (7, -1)],
            recovering: false,
        }),
        Command::ElectLeader { partition: id.clone(), election: Election::Preferred },
        Command::ElectLeader { partition: id.clone(), election: Election::Unclean },
        Command::BalanceLeaders { imbalance_percentage: 10, limit: 1000 },
        Command::AllocateProducerIds { broker: 1, broker_epoch: 2 },
        operation(ConfigOperation::Set("v".into())),
        operation(ConfigOperation::Delete),
        operation(ConfigOperation::Append("v".into())),
        operation(ConfigOperation::Subtract("v".into())),
        Command::Reconcile,
        Command::FormCluster { cluster_id: "c".into() },
        Command::ReassignPartition { partition: id, replicas: Some(vec![1]) },
    ]
}

fn sample_errors() -> Vec<ControlError> {
    let why = || "why".to_string();
    vec![
        ControlError::TopicAlreadyExists("t".into()),
        ControlError::UnknownTopicOrPartition(Some(why())),
        ControlError::UnknownTopicId(Uuid::from_u128(1)),
        ControlError::InvalidTopic(why()),
        ControlError::InvalidPartitions(why()),
        ControlError::InvalidReplicationFactor(why()),
        ControlError::InvalidReplicaAssignment(why()),
        ControlError::InvalidConfig(why()),
        ControlError::InvalidRequest(why()),
        ControlError::PolicyViolation(why()),
        ControlError::StaleBrokerEpoch { id: 1, got: 2, current: Some(3) },
        ControlError::BrokerIdNotRegistered(1),
        ControlError::DuplicateBrokerRegistration(1),
        ControlError::FencedLeaderEpoch { got: 1, current: 2 },
        ControlError::InvalidUpdateVersion { got: 1, current: 2 },
        ControlError::NotController,
        ControlError::IneligibleReplica(1),
        ControlError::PreferredLeaderNotAvailable,
        ControlError::EligibleLeadersNotAvailable,
        ControlError::ElectionNotNeeded,
        ControlError::UnsupportedVersion(why()),
        ControlError::NoReassignmentInProgress(why()),
    ]
}
