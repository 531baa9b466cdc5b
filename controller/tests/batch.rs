//! Which commands are decided together, and how what they decided is cut.

use std::collections::VecDeque;
use std::sync::Arc;

use janus_controller::batch::{BATCH_COMMANDS_MAX, Batch, Request};
use metadata::control::TopicSelector;
use metadata::{
    BATCH_BYTES_MAX, Broker, ClusterImage, Command, ControlError, ControllerEpoch, Feature,
    Outcome, Record, Uuid, codec,
};

const EPOCH: ControllerEpoch = ControllerEpoch { generation: 1, term: 1 };

/// A command for the fake controller below.
fn command(feature: &str) -> Command {
    Command::DeleteTopic { topic: TopicSelector::Name(feature.into()) }
}

fn name(command: &Command) -> Arc<str> {
    match command {
        Command::DeleteTopic { topic: TopicSelector::Name(name) } => name.clone(),
        other => panic!("{other:?}"),
    }
}

/// `NAME` raises the feature by one; `NAME*N` makes N records of that name with a suffix each;
/// `!` is refused.
fn decide(image: &ClusterImage, command: &Command) -> (Vec<Record>, Outcome) {
    let name = name(command);
    let outcome = match name.split_once('*') {
        _ if &*name == "!" => Err(ControlError::NotController),
        Some((name, count)) => {
            let feature = |index| Feature { name: format!("{name}{index:06}"), level: 1 };
            Ok((0..count.parse().unwrap()).map(feature).map(Record::Feature).collect())
        }
        None => {
            let level = image.features.get(&*name).map_or(1, |it| it.level + 1);
            Ok(vec![Record::Feature(Feature { name: name.to_string(), level })])
        }
    };
    (Vec::new(), outcome)
}

fn size(records: &[Record]) -> usize {
    codec::encode_records(records).len()
}

#[test]
fn commands_see_each_others_effects() {
    let (first, mut first_answer) = Request::new(vec![command("a"), command("!"), command("a")]);
    let (second, mut second_answer) = Request::new(vec![command("a")]);
    let mut queue = VecDeque::from([first, second]);
    let batch = Batch::assemble(&ClusterImage::default(), &mut queue, decide);
    assert_eq!(batch.next.features["a"].level, 3);
    assert_eq!(batch.commits.len(), 1);

    assert!(first_answer.try_recv().is_err());
    batch.finished.into_iter().for_each(|request| request.finish(EPOCH, 7));
    let answer = first_answer.try_recv().unwrap();
    assert_eq!((answer.epoch, answer.offset), (EPOCH, 7));
    assert_eq!(answer.outcomes.len(), 3);
    assert_eq!(answer.outcomes[1], Err(ControlError::NotController));
    let level = |level| Ok(vec![Record::Feature(Feature { name: "a".into(), level })]);
    assert_eq!(answer.outcomes[2], level(2));
    assert_eq!(second_answer.try_recv().unwrap().outcomes, [level(3)]);
}

#[test]
fn a_long_request_spreads_over_batches_and_is_answered_at_its_end() {
    let commands = vec![command("a"); BATCH_COMMANDS_MAX + 1];
    let (request, mut answer) = Request::new(commands);
    let mut queue = VecDeque::from([request]);
    let first = Batch::assemble(&ClusterImage::default(), &mut queue, decide);
    assert!(first.finished.is_empty() && queue.len() == 1);
    let second = Batch::assemble(&first.next, &mut queue, decide);
    assert!(queue.is_empty());
    second.finished.into_iter().for_each(|request| request.finish(EPOCH, 2));
    assert_eq!(answer.try_recv().unwrap().outcomes.len(), BATCH_COMMANDS_MAX + 1);
    assert_eq!(usize::from(second.next.features["a"].level.unsigned_abs()), BATCH_COMMANDS_MAX + 1);
}

#[test]
fn a_command_that_does_not_fit_waits_for_the_next_batch() {
    // Each of them takes more than half of a batch.
    let large = |prefix: &str| command(&format!("{prefix}{}*1000", "x".repeat(600)));
    let (first, _first_answer) = Request::new(vec![large("a")]);
    let (second, _second_answer) = Request::new(vec![large("b")]);
    let mut queue = VecDeque::from([first, second]);
    let batch = Batch::assemble(&ClusterImage::default(), &mut queue, decide);
    assert_eq!((batch.commits.len(), batch.finished.len(), queue.len()), (1, 1, 1));
    assert!(size(&batch.commits[0]) <= BATCH_BYTES_MAX);
    assert!(batch.next.features.keys().all(|name| name.starts_with('a')));
}

#[test]
fn a_command_larger_than_a_batch_is_committed_in_ordered_parts() {
    let (request, _answer) = Request::new(vec![command(&format!("{}*3000", "x".repeat(1000)))]);
    let mut queue = VecDeque::from([request]);
    let batch = Batch::assemble(&ClusterImage::default(), &mut queue, decide);
    assert!(batch.commits.len() > 2);
    assert!(batch.commits.iter().all(|commit| size(commit) <= BATCH_BYTES_MAX));
    let all: Vec<Record> = batch.commits.concat();
    assert_eq!(all.len(), 3000);
    assert_eq!(ClusterImage::from_records(&all), batch.next);
    assert!(all.is_sorted_by_key(|record| match record {
        Record::Feature(it) => it.name.clone(),
        other => panic!("{other:?}"),
    }));
}

#[test]
fn a_record_that_no_store_takes_is_refused() {
    let (request, mut answer) = Request::new(vec![command(&"x".repeat(BATCH_BYTES_MAX))]);
    let mut queue = VecDeque::from([request]);
    let batch = Batch::assemble(&ClusterImage::default(), &mut queue, decide);
    assert!(batch.commits.is_empty() && batch.next == ClusterImage::default());
    batch.finished.into_iter().for_each(|request| request.finish(EPOCH, 1));
    let outcome = &answer.try_recv().unwrap().outcomes[0];
    assert!(matches!(outcome, Err(ControlError::InvalidRequest(_))), "{outcome:?}");
}

#[test]
fn a_registration_that_changes_nothing_is_answered_without_a_commit() {
    let broker = |fenced| {
        Record::Broker(Broker {
            id: 1,
            epoch: 3,
            incarnation: Uuid::from_u128(1),
            listeners: Vec::new(),
            rack: None,
            log_dirs: Vec::new(),
            fenced,
            in_controlled_shutdown: false,
        })
    };
    let image = ClusterImage::from_records(&[broker(false)]);
    let (request, mut answer) = Request::new(vec![command("a")]);
    let mut queue = VecDeque::from([request]);
    let batch = Batch::assemble(&image, &mut queue, |_, _| (Vec::new(), Ok(vec![broker(false)])));
    assert!(batch.commits.is_empty() && batch.next.brokers.ptr_eq(&image.brokers));
    batch.finished.into_iter().for_each(|request| request.finish(EPOCH, 1));
    assert_eq!(answer.try_recv().unwrap().outcomes, [Ok(vec![broker(false)])]);

    // What is changed and changed back is neither.
    let (request, _answer) = Request::new(vec![command("a")]);
    let mut queue = VecDeque::from([request]);
    let batch =
        Batch::assemble(&image, &mut queue, |_, _| (vec![broker(true)], Ok(vec![broker(false)])));
    assert_eq!(batch.commits, [[broker(true), broker(false)]]);
    assert_eq!(batch.next, image);
}

#[test]
fn what_nobody_waits_for_is_not_decided() {
    let (abandoned, answer) = Request::new(vec![command("a")]);
    drop(answer);
    let mut queue = VecDeque::from([abandoned, Request::internal(command("b"))]);
    let batch = Batch::assemble(&ClusterImage::default(), &mut queue, decide);
    let decided: Vec<_> = batch.next.features.keys().collect();
    assert_eq!(decided, ["b"]);
}

#[test]
fn what_must_precede_a_command_is_nobodys_outcome() {
    let before = Record::Feature(Feature { name: "before".into(), level: 1 });
    let (request, mut answer) = Request::new(vec![command("a")]);
    let mut queue = VecDeque::from([request]);
    let batch = Batch::assemble(&ClusterImage::default(), &mut queue, |image, command| {
        (vec![before.clone()], decide(image, command).1)
    });
    assert_eq!(batch.commits[0][0], before);
    assert_eq!(batch.commits[0].len(), 2);
    batch.finished.into_iter().for_each(|request| request.finish(EPOCH, 1));
    assert_eq!(answer.try_recv().unwrap().outcomes[0].as_ref().unwrap().len(), 1);
}
