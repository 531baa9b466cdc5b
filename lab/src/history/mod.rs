//! A history: what the clients of a run did and were told. The checker judges by nothing else.
//!
//! It holds completions only. Operations of one process stand in the order in which the process
//! issued them; the order between processes carries no meaning. Values are unique within a key (one
//! key is one topic partition): whoever makes the history guarantees it, the checker relies on it.

mod checker;
mod cycles;
mod file;
mod versions;

pub use checker::{FinalRead, check};
pub use file::{HistoryFileError, read, write};
pub use verdict::{Finding, Judgement, Verdict};

mod verdict;

use std::collections::HashMap;

/// A topic partition, as an index into the names of its history.
pub type Key = u32;

/// What a record says; unique within its key.
pub type Value = u64;

/// Whether an operation took place. A send that timed out is `Info`, never `Fail`: it may yet land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It took place.
    Ok,
    /// Nobody knows.
    Info,
    /// It certainly did not take place.
    Fail,
}

/// One value written to one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Send {
    /// Where.
    pub key: Key,
    /// The offset that the acknowledgement named, if there was one.
    pub offset: Option<i64>,
    /// What.
    pub value: Value,
}

/// The records of one key that one poll returned, in the order of their delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Where.
    pub key: Key,
    /// The key was given to or taken from this process meanwhile, so its order may break here.
    pub rebalanced: bool,
    /// Offsets and values.
    pub records: Vec<(i64, Value)>,
}

/// One step of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A send of the transaction.
    Send(Send),
    /// A poll of the transaction.
    Poll(Vec<Poll>),
}

/// What a process did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It sent one record.
    Send(Send),
    /// It polled once.
    Poll(Vec<Poll>),
    /// It did several things that take place together or not at all.
    Transaction(Vec<Step>),
    /// It chose its keys itself; positions of keys that it kept go on.
    Assign(Vec<Key>),
    /// Its group gave it these keys; from here on it may read records again or skip some.
    Subscribe(Vec<Key>),
}

/// One completed operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Who did it: one producer or one consumer.
    pub process: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// What it was.
    pub action: Action,
}

impl Operation {
    /// Everything it wrote, in order.
    pub fn sends(&self) -> impl Iterator<Item = &Send> {
        let (one, many) = match &self.action {
            Action::Send(send) => (Some(send), [].as_slice()),
            Action::Transaction(steps) => (None, steps.as_slice()),
            _ => (None, [].as_slice()),
        };
        let many = many.iter().filter_map(|step| match step {
            Step::Send(send) => Some(send),
            Step::Poll(_) => None,
        });
        one.into_iter().chain(many)
    }

    /// Everything it read, in order.
    pub fn polls(&self) -> impl Iterator<Item = &Poll> {
        let (one, many) = match &self.action {
            Action::Poll(polls) => (polls.as_slice(), [].as_slice()),
            Action::Transaction(steps) => ([].as_slice(), steps.as_slice()),
            _ => ([].as_slice(), [].as_slice()),
        };
        let many = many.iter().flat_map(|step| match step {
            Step::Poll(polls) => polls.as_slice(),
            Step::Send(_) => &[],
        });
        one.iter().chain(many)
    }
}

/// Operations and the names of the keys they touch.
#[derive(Debug, Clone, Default)]
pub struct History {
    names: Vec<String>,
    keys: HashMap<String, Key>,
    operations: Vec<Operation>,
}

impl History {
    /// An empty history.
    pub fn new() -> History {
        History::default()
    }

    /// The key of this name; makes one when the name is new.
    pub fn key(&mut self, name: &str) -> Key {
        if let Some(key) = self.keys.get(name) {
            return *key;
        }
        let key = self.names.len() as Key;
        self.names.push(name.to_owned());
        self.keys.insert(name.to_owned(), key);
        key
    }

    /// The name of a key of this history.
    pub fn name(&self, key: Key) -> &str {
        &self.names[key as usize]
    }

    /// How many keys it names.
    pub fn key_count(&self) -> usize {
        self.names.len()
    }

    /// Appends an operation, whose keys come from [`History::key`].
    pub fn push(&mut self, operation: Operation) {
        debug_assert!(
            operation
                .sends()
                .map(|send| send.key)
                .chain(operation.polls().map(|poll| poll.key))
                .all(|key| (key as usize) < self.names.len())
        );
        self.operations.push(operation);
    }

    /// All operations, in the order of their pushes.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// All operations, to be changed in place (planted faults).
    pub fn operations_mut(&mut self) -> &mut Vec<Operation> {
        &mut self.operations
    }
}
