//! DeleteTopics, by name or by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka::messages::delete_topics::{
    DeletableTopicResult, DeleteTopicState, DeleteTopicsRequest, DeleteTopicsResponse,
};
use kafka::{ErrorCode, Str};
use metadata::control::TopicSelector;
use metadata::{ClusterImage, Command, Record, Uuid};

use super::Context;
use super::control_error::{Refusal, error_fields, forward, request_timeout};

/// The version that has a code of its own for clusters where topics cannot be deleted.
const DISABLED_FROM: i16 = 3;

pub(super) async fn delete_topics(
    context: Context,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let by_name = |name| DeleteTopicState { name: Some(name), topic_id: Uuid::nil() };
    let mut wanted = request.topics;
    wanted.extend(request.topic_names.into_iter().map(by_name));
    if !context.broker.settings.bool("delete.topic.enable") {
        let refusal = if context.version < DISABLED_FROM {
            Refusal::invalid_request("Topic deletion is disabled.")
        } else {
            Refusal::new(ErrorCode::TopicDeletionDisabled, "Topic deletion is disabled.")
        };
        let responses = wanted.iter().map(|it| answer(it, Err(refusal.clone()))).collect();
        return DeleteTopicsResponse { responses, ..Default::default() };
    }
    let image = context.broker.images.load();
    let (accepted, mut responses) = select(&image, wanted);
    let commands: Vec<Command> = accepted.iter().map(command).collect();
    let outcomes = forward(&context, &commands, request_timeout(request.timeout_ms)).await;
    for (wanted, outcome) in accepted.iter().zip(outcomes) {
        responses.push(answer(&complete(&image, wanted, &outcome), outcome.map(drop)));
    }
    DeleteTopicsResponse { responses, ..Default::default() }
}

/// Who is named once and in one way; the rest is answered at once.
fn select(
    image: &ClusterImage,
    wanted: Vec<DeleteTopicState>,
) -> (Vec<DeleteTopicState>, Vec<DeletableTopicResult>) {
    let mut times: BTreeMap<(Option<Str>, Uuid), usize> = BTreeMap::new();
    for it in &wanted {
        *times.entry((it.name.clone(), it.topic_id)).or_default() += 1;
    }
    let id_of = |it: &DeleteTopicState| match &it.name {
        Some(name) => image.topics.get(&**name).map(|topic| topic.id),
        None => Some(it.topic_id),
    };
    let mut meant: BTreeMap<Uuid, usize> = BTreeMap::new();
    for (name, topic_id) in times.keys() {
        let it = DeleteTopicState { name: name.clone(), topic_id: *topic_id };
        *meant.entry(id_of(&it).unwrap_or_default()).or_default() += 1;
    }
    let refuse = |it: &DeleteTopicState, why: &str| answer(it, Err(Refusal::invalid_request(why)));
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for it in wanted {
        // Of several equal ones the first is answered for all.
        let Some(times) = times.remove(&(it.name.clone(), it.topic_id)) else { continue };
        let id = id_of(&it);
        let why = match &it.name {
            None if it.topic_id.is_nil() => "Neither topic name nor id were specified.",
            None if times > 1 => "Duplicate topic id.",
            Some(_) if !it.topic_id.is_nil() => "You may not specify both topic name and topic id.",
            Some(_) if times > 1 => "Duplicate topic name.",
            _ if id.is_some_and(|id| meant[&id] > 1) => {
                "The provided topic name maps to an ID that was already supplied."
            }
            _ => {
                accepted.push(it);
                continue;
            }
        };
        refused.push(refuse(&it, why));
    }
    (accepted, refused)
}

fn command(wanted: &DeleteTopicState) -> Command {
    let topic = match &wanted.name {
        Some(name) => TopicSelector::Name(Arc::from(&**name)),
        None => TopicSelector::Id(wanted.topic_id),
    };
    Command::DeleteTopic { topic }
}

/// The answer names what was deleted by both name and id.
fn complete(
    image: &ClusterImage,
    wanted: &DeleteTopicState,
    outcome: &Result<Vec<Record>, Refusal>,
) -> DeleteTopicState {
    let removed = outcome.iter().flatten().find_map(|record| match record {
        Record::TopicRemoved(name) => Some(name),
        _ => None,
    });
    let Some(name) = removed else { return wanted.clone() };
    let known = image.topics.get(name).map_or(Uuid::nil(), |topic| topic.id);
    let topic_id = if wanted.topic_id.is_nil() { known } else { wanted.topic_id };
    DeleteTopicState { name: Some(Str::from(&**name)), topic_id }
}

fn answer(wanted: &DeleteTopicState, outcome: Result<(), Refusal>) -> DeletableTopicResult {
    let (error_code, error_message) = error_fields(&outcome);
    DeletableTopicResult {
        name: wanted.name.clone(),
        topic_id: wanted.topic_id,
        error_code,
        error_message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_name(name: &'static str) -> DeleteTopicState {
        DeleteTopicState { name: Some(Str::from_static(name)), topic_id: Uuid::nil() }
    }

    fn by_id(id: u128) -> DeleteTopicState {
        DeleteTopicState { name: None, topic_id: Uuid::from_u128(id) }
    }

    #[test]
    fn a_topic_is_named_once_and_in_one_way() {
        let topic = metadata::Topic { name: "a".into(), id: Uuid::from_u128(1), partitions: 1 };
        let image = ClusterImage::from_records(&[Record::Topic(topic)]);
        for (wanted, accepted, why) in [
            (vec![by_name("a"), by_name("b"), by_id(7)], 3, ""),
            (vec![by_name("b"), by_name("b")], 0, "Duplicate topic name."),
            (vec![by_id(7), by_id(7), by_id(7)], 0, "Duplicate topic id."),
            (
                vec![DeleteTopicState { topic_id: Uuid::from_u128(7), ..by_name("b") }],
                0,
                "You may not specify both topic name and topic id.",
            ),
            (vec![by_id(0)], 0, "Neither topic name nor id were specified."),
        ] {
            let (selected, refused) = select(&image, wanted.clone());
            assert_eq!(selected.len(), accepted, "{wanted:?}");
            assert_eq!(refused.len(), usize::from(accepted == 0), "{wanted:?}");
            for it in refused {
                assert_eq!(it.error_message.as_deref(), Some(why));
                assert_eq!(it.error_code, ErrorCode::InvalidRequest.code());
            }
        }
        // Twice the same topic in different words: nothing is deleted.
        let (selected, refused) = select(&image, vec![by_id(1), by_name("a")]);
        assert_eq!((selected.len(), refused.len()), (0, 2));
    }
}
