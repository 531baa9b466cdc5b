//! AlterConfigs, which replaces everything, and IncrementalAlterConfigs, which changes single keys.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka::messages::{
    AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, alter_configs, incremental_alter_configs as incremental,
};
use kafka::{ErrorCode, Str};
use metadata::control::{AlterConfigs, ConfigOperation};
use metadata::{BrokerId, Command, ConfigResource};

use super::Context;
use super::config_resource::{ResourceType, resource};
use super::control_error::{Refusal, error_fields, forward};

/// Neither request says how long it may take.
const TIMEOUT: Duration = Duration::from_secs(30);

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// What is asked for one resource, in both requests.
struct Change {
    kind: i8,
    name: Str,
    /// (key, operation, value)
    operations: Vec<(Str, i8, Option<Str>)>,
}

/// How a request changes resources.
#[derive(Clone, Copy)]
struct How {
    /// What is not named goes back to its default.
    replace: bool,
    validate_only: bool,
}

pub(super) async fn alter_configs(
    context: Context,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let how = How { replace: true, validate_only: request.validate_only };
    let changes = request.resources.into_iter().map(|it| Change {
        kind: it.resource_type,
        name: it.resource_name,
        operations: it.configs.into_iter().map(|it| (it.name, SET, it.value)).collect(),
    });
    let changed = alter(&context, changes.collect(), how).await.into_iter();
    let responses = changed.map(|(resource_type, resource_name, outcome)| {
        let (error_code, error_message) = error_fields(&outcome);
        alter_configs::AlterConfigsResourceResponse {
            error_code,
            error_message,
            resource_type,
            resource_name,
        }
    });
    AlterConfigsResponse { responses: responses.collect(), ..Default::default() }
}

pub(super) async fn incremental_alter_configs(
    context: Context,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let how = How { replace: false, validate_only: request.validate_only };
    let changes = request.resources.into_iter().map(|it| Change {
        kind: it.resource_type,
        name: it.resource_name,
        operations: it
            .configs
            .into_iter()
            .map(|it| (it.name, it.config_operation, it.value))
            .collect(),
    });
    let changed = alter(&context, changes.collect(), how).await.into_iter();
    let responses = changed.map(|(resource_type, resource_name, outcome)| {
        let (error_code, error_message) = error_fields(&outcome);
        incremental::AlterConfigsResourceResponse {
            error_code,
            error_message,
            resource_type,
            resource_name,
        }
    });
    IncrementalAlterConfigsResponse { responses: responses.collect(), ..Default::default() }
}

/// One outcome for each change, in order.
async fn alter(
    context: &Context,
    changes: Vec<Change>,
    how: How,
) -> Vec<(i8, Str, Result<(), Refusal>)> {
    let mut once = BTreeSet::new();
    let twice: BTreeSet<(i8, Str)> = changes
        .iter()
        .map(|it| (it.kind, it.name.clone()))
        .filter(|it| !once.insert(it.clone()))
        .collect();
    let me = context.broker.options.id;
    let commands: Vec<Result<AlterConfigs, Refusal>> = changes
        .iter()
        .map(|change| match twice.contains(&(change.kind, change.name.clone())) {
            true => Err(Refusal::invalid_request("Each resource must appear at most once.")),
            false => command(change, how, me),
        })
        .collect();
    let asked: Vec<Command> =
        commands.iter().flatten().map(|it| Command::AlterConfigs(it.clone())).collect();
    let mut outcomes = forward(context, &asked, TIMEOUT).await.into_iter();
    let results = changes.into_iter().zip(commands).map(|(change, command)| {
        let outcome = command.and_then(|command| {
            let outcome = outcomes.next().expect("one outcome for each command");
            outcome.map(drop).map_err(|it| as_kafka_says(&command.resource, it))
        });
        (change.kind, change.name, outcome)
    });
    results.collect()
}

/// Only for topics and groups Kafka calls a value that cannot be used an invalid configuration
/// (KAFKA-13609).
fn as_kafka_says(resource: &ConfigResource, refusal: Refusal) -> Refusal {
    match (refusal.code, resource) {
        (_, ConfigResource::Topic(_) | ConfigResource::Group(_)) => refusal,
        (ErrorCode::InvalidConfig, _) => Refusal::invalid_request(refusal.message),
        _ => refusal,
    }
}

fn command(change: &Change, how: How, me: BrokerId) -> Result<AlterConfigs, Refusal> {
    let mut seen = BTreeSet::new();
    if change.operations.iter().any(|(key, ..)| !seen.insert(key)) {
        return Err(Refusal::invalid_request("Error due to duplicate config keys"));
    }
    let unset: Vec<&str> = change
        .operations
        .iter()
        .filter(|(_, operation, value)| *operation != DELETE && value.is_none())
        .map(|(key, ..)| &**key)
        .collect();
    if !unset.is_empty() {
        let unset = unset.join(", ");
        return Err(Refusal::invalid_request(format!("Null value not supported for : {unset}")));
    }
    let resource = match ResourceType::parse(change.kind)? {
        ResourceType::Topic if change.name.is_empty() => {
            return Err(Refusal::invalid_request("Default topic resources are not allowed."));
        }
        ResourceType::Group if change.name.is_empty() => {
            return Err(Refusal::invalid_request("Default group resources are not allowed."));
        }
        _ => resource(change.kind, &change.name, me)?,
    };
    let operations = change.operations.iter().map(|(key, operation, value)| {
        let value = || value.as_deref().unwrap_or_default().to_owned();
        let operation = match *operation {
            SET => ConfigOperation::Set(value()),
            DELETE => ConfigOperation::Delete,
            APPEND => ConfigOperation::Append(value()),
            SUBTRACT => ConfigOperation::Subtract(value()),
            other => {
                return Err(Refusal::invalid_request(format!("Unknown operations type {other}")));
            }
        };
        Ok((key.to_string(), operation))
    });
    Ok(AlterConfigs {
        resource,
        replace: how.replace,
        operations: operations.collect::<Result<_, _>>()?,
        validate_only: how.validate_only,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: How = How { replace: false, validate_only: true };

    fn change(operations: &[(&'static str, i8, Option<&'static str>)]) -> Change {
        let operations = operations.iter().map(|(key, operation, value)| {
            (Str::from_static(key), *operation, value.map(Str::from_static))
        });
        Change { kind: 2, name: "a".into(), operations: operations.collect() }
    }

    #[test]
    fn operations_are_translated() {
        let wanted = [
            ("a", SET, Some("1")),
            ("b", DELETE, None),
            ("c", APPEND, Some("x")),
            ("d", SUBTRACT, Some("y")),
        ];
        let command = command(&change(&wanted), HOW, 1).unwrap();
        assert_eq!(command.resource, ConfigResource::Topic("a".into()));
        assert!(command.validate_only && !command.replace);
        let operations: Vec<ConfigOperation> =
            command.operations.into_iter().map(|(_, operation)| operation).collect();
        assert_eq!(
            operations,
            [
                ConfigOperation::Set("1".into()),
                ConfigOperation::Delete,
                ConfigOperation::Append("x".into()),
                ConfigOperation::Subtract("y".into()),
            ]
        );
    }

    #[test]
    fn senseless_operations_are_refused() {
        for (operations, why) in [
            (
                vec![("a", SET, Some("1")), ("a", DELETE, None)],
                "Error due to duplicate config keys",
            ),
            (vec![("a", SET, None), ("b", APPEND, None)], "Null value not supported for : a, b"),
            (vec![("a", 9, Some("1"))], "Unknown operations type 9"),
        ] {
            let refusal = command(&change(&operations), HOW, 1).unwrap_err();
            assert_eq!((refusal.code, &*refusal.message), (ErrorCode::InvalidRequest, why));
        }
    }
}
