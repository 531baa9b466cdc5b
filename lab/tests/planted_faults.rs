//! The test of the test: every fault planted into a clean history is found, clean ones pass.

use lab::history::{
    Action, FinalRead, History, Judgement, Operation, Outcome, Poll, Send, Verdict, check,
};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const KEYS: u32 = 4;
const RECORDS_PER_KEY: i64 = 500;
const PRODUCERS: i64 = 8;
const READERS: u32 = 3;
const FIRST_READER: u32 = 100;
const ROUNDS: u64 = 30;

fn value_at(key: u32, offset: i64) -> u64 {
    offset as u64 * u64::from(KEYS) + u64::from(key)
}

fn operation(process: u32, outcome: Outcome, action: Action) -> Operation {
    Operation { process, outcome, action }
}

/// Producers in turn, then readers that each read everything in polls of a random size.
fn clean(random: &mut StdRng) -> History {
    let mut history = History::new();
    let keys: Vec<u32> = (0..KEYS).map(|key| history.key(&format!("orders-{key}"))).collect();
    for offset in 0..RECORDS_PER_KEY {
        for key in &keys {
            let send = Send { key: *key, offset: Some(offset), value: value_at(*key, offset) };
            let process = ((offset + i64::from(*key)) % PRODUCERS) as u32;
            history.push(operation(process, Outcome::Ok, Action::Send(send)));
        }
    }
    for reader in 0..READERS {
        let mut from = 0;
        while from < RECORDS_PER_KEY {
            let to = (from + random.random_range(20..80)).min(RECORDS_PER_KEY);
            let polls = keys
                .iter()
                .map(|key| Poll {
                    key: *key,
                    rebalanced: false,
                    records: (from..to).map(|offset| (offset, value_at(*key, offset))).collect(),
                })
                .collect();
            history.push(operation(FIRST_READER + reader, Outcome::Ok, Action::Poll(polls)));
            from = to;
        }
    }
    history
}

/// Every list of records of this key that a poll returned.
fn records_of(history: &mut History, key: u32) -> impl Iterator<Item = &mut Vec<(i64, u64)>> {
    history.operations_mut().iter_mut().flat_map(move |operation| {
        let polls = match &mut operation.action {
            Action::Poll(polls) => polls.as_mut_slice(),
            _ => &mut [],
        };
        polls.iter_mut().filter(move |poll| poll.key == key).map(|poll| &mut poll.records)
    })
}

fn send_of(history: &mut History, value: u64) -> &mut Operation {
    history
        .operations_mut()
        .iter_mut()
        .find(|operation| operation.sends().any(|send| send.value == value))
        .unwrap()
}

fn anywhere(random: &mut StdRng) -> (u32, i64) {
    (random.random_range(0..KEYS), random.random_range(1..RECORDS_PER_KEY - 1))
}

type Plant = fn(&mut History, &mut StdRng);
type Found = fn(&Verdict) -> u64;

/// A record was acknowledged, then cut off everywhere.
fn lose(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    records_of(history, key).for_each(|records| records.retain(|record| record.0 != offset));
}

/// The end of a partition was acknowledged, then cut off everywhere.
fn lose_the_tail(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    records_of(history, key).for_each(|records| records.retain(|record| record.0 < offset));
}

/// An offset was given to another record after a change of leader.
fn replace(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    let other = Send { key, offset: None, value: 1_000_000 };
    history.push(operation(50, Outcome::Info, Action::Send(other)));
    for record in records_of(history, key).flatten().filter(|record| record.0 == offset) {
        record.1 = other.value;
    }
}

/// A resent record was appended twice.
fn duplicate(history: &mut History, random: &mut StdRng) {
    let (key, _) = anywhere(random);
    let offset = random.random_range(0..RECORDS_PER_KEY);
    for records in records_of(history, key) {
        if records.last().is_some_and(|record| record.0 == RECORDS_PER_KEY - 1) {
            records.push((RECORDS_PER_KEY, value_at(key, offset)));
        }
    }
}

/// One reader misses one record that the others read.
fn skip_one(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    let reader = FIRST_READER + random.random_range(0..READERS);
    history.operations_mut().retain_mut(|operation| {
        if let Action::Poll(polls) = &mut operation.action
            && operation.process == reader
        {
            let poll = polls.iter_mut().find(|poll| poll.key == key).unwrap();
            poll.records.retain(|record| record.0 != offset);
        }
        true
    });
}

/// One reader gets three records again.
fn read_again(history: &mut History, random: &mut StdRng) {
    let (key, _) = anywhere(random);
    let reader = FIRST_READER + random.random_range(0..READERS);
    let mut polls: Vec<_> = history
        .operations_mut()
        .iter_mut()
        .filter(|operation| operation.process == reader)
        .filter_map(|operation| match &mut operation.action {
            Action::Poll(polls) => polls.iter_mut().find(|poll| poll.key == key),
            _ => None,
        })
        .collect();
    let chosen = random.random_range(1..polls.len());
    let before = &polls[chosen - 1].records;
    let again = before[before.len() - 3..].to_vec();
    polls[chosen].records.splice(0..0, again);
}

/// A record is read whose send certainly failed.
fn abort(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    send_of(history, value_at(key, offset)).outcome = Outcome::Fail;
}

/// Two neighbours changed places for every reader; the acknowledgements did not.
fn swap(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    for record in records_of(history, key).flatten() {
        if record.0 == offset {
            record.1 = value_at(key, offset + 1);
        } else if record.0 == offset + 1 {
            record.1 = value_at(key, offset);
        }
    }
}

/// Two records of one producer landed in the wrong order, in the log and in the acknowledgements.
fn reorder(history: &mut History, random: &mut StdRng) {
    let key = random.random_range(0..KEYS);
    let early = random.random_range(0..RECORDS_PER_KEY - PRODUCERS);
    let late = early + PRODUCERS;
    let exchange = |offset: &mut i64| {
        *offset = match *offset {
            at if at == early => late,
            at if at == late => early,
            at => at,
        }
    };
    for action in history.operations_mut().iter_mut().map(|operation| &mut operation.action) {
        match action {
            Action::Send(send) if send.key == key => {
                send.offset.iter_mut().for_each(exchange);
            }
            Action::Poll(polls) => {
                for record in
                    polls.iter_mut().filter(|poll| poll.key == key).flat_map(|p| &mut p.records)
                {
                    if record.0 == early {
                        record.1 = value_at(key, late);
                    } else if record.0 == late {
                        record.1 = value_at(key, early);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A record is read that nobody sent.
fn invent(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    let reader = FIRST_READER + random.random_range(0..READERS);
    for operation in history.operations_mut().iter_mut().filter(|o| o.process == reader) {
        let Action::Poll(polls) = &mut operation.action else { continue };
        let poll = polls.iter_mut().find(|poll| poll.key == key).unwrap();
        for record in poll.records.iter_mut().filter(|record| record.0 == offset) {
            record.1 = 7_777_777;
        }
    }
}

/// A record landed in another partition than the acknowledged one.
fn misplace(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    lose_at(history, key, offset);
    let other = (key + 1) % KEYS;
    for records in records_of(history, other) {
        if records.last().is_some_and(|record| record.0 == RECORDS_PER_KEY - 1) {
            records.push((RECORDS_PER_KEY, value_at(key, offset)));
        }
    }
}

fn lose_at(history: &mut History, key: u32, offset: i64) {
    records_of(history, key).for_each(|records| records.retain(|record| record.0 != offset));
}

/// An acknowledgement named the wrong offset.
fn lie_about_the_offset(history: &mut History, random: &mut StdRng) {
    let (key, offset) = anywhere(random);
    let Action::Send(send) = &mut send_of(history, value_at(key, offset)).action else {
        unreachable!()
    };
    send.offset = Some(offset + random.random_range(1..20));
}

const FAULTS: [(&str, Plant, Found); 12] = [
    ("lose", lose, |verdict| verdict.lost.count),
    ("lose the tail", lose_the_tail, |verdict| verdict.lost.count),
    ("replace", replace, |verdict| verdict.lost.count.min(verdict.inconsistent.count)),
    ("duplicate", duplicate, |verdict| verdict.duplicated.count),
    ("skip one", skip_one, |verdict| verdict.skipped.count),
    ("read again", read_again, |verdict| verdict.reordered.count),
    ("abort", abort, |verdict| verdict.aborted_read.count),
    ("swap", swap, |verdict| verdict.inconsistent.count),
    ("reorder", reorder, |verdict| verdict.reordered.count),
    ("invent", invent, |verdict| verdict.phantom.count),
    ("misplace", misplace, |verdict| verdict.lost.count.min(verdict.phantom.count)),
    ("lie about the offset", lie_about_the_offset, |verdict| verdict.duplicated.count),
];

#[test]
fn every_planted_fault_is_found_and_clean_histories_pass() {
    for (name, plant, found) in FAULTS {
        for seed in 0..ROUNDS {
            let mut random = StdRng::seed_from_u64(seed);
            let mut history = clean(&mut random);
            let verdict = check(&history, FinalRead::Complete);
            assert_eq!(verdict.verdict, Judgement::Pass, "false alarm, seed {seed}: {verdict}");

            plant(&mut history, &mut random);
            let verdict = check(&history, FinalRead::Complete);
            assert_eq!(verdict.verdict, Judgement::Fail, "{name}, seed {seed}: {verdict}");
            assert!(found(&verdict) > 0, "{name} was taken for something else: {verdict}");
        }
    }
}

#[test]
fn most_planted_faults_are_found_without_a_final_read_too() {
    for (name, plant, found) in FAULTS.into_iter().filter(|fault| fault.0 != "lose the tail") {
        let mut random = StdRng::seed_from_u64(7);
        let mut history = clean(&mut random);
        plant(&mut history, &mut random);
        let verdict = check(&history, FinalRead::Partial);
        assert!(found(&verdict) > 0, "{name}: {verdict}");
    }
}
