//! The version order of every key: which value stands at which place of the log, by all evidence.
//!
//! Offsets come from sends that must have committed and from all polls. Holes are legal
//! (transaction markers take offsets too), so places are counted densely: place n + 1 directly follows place n.

use std::collections::HashMap;

use super::{History, Key, Operation, Outcome, Value, Verdict};

/// What is known about one value of one key.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Version {
    /// The operation that sent it, as an index into the history.
    pub writer: Option<u32>,
    /// A poll that certainly took place returned it.
    pub read: bool,
    /// The first operation that polled it, as an index into the history.
    pub reader: Option<u32>,
    /// The offset at which it was seen first.
    offset: Option<i64>,
    /// The first place at which it stands.
    pub first: Option<u32>,
    /// The offset there.
    first_offset: i64,
    /// The last place at which it stands.
    pub last: u32,
    /// Its place in the order. None while another value claims the same offset.
    pub place: Option<u32>,
}

/// The order of one key.
#[derive(Debug, Default)]
pub(super) struct KeyVersions {
    pub values: HashMap<Value, Version>,
    /// The value at each place.
    pub order: Vec<Value>,
    evidence: Vec<(i64, Value)>,
}

impl KeyVersions {
    /// The offset at which the value was seen first.
    pub(super) fn offset(&self, value: Value) -> Option<i64> {
        self.values.get(&value).and_then(|version| version.offset)
    }

    /// The place of the value, if it is known without doubt.
    pub(super) fn place(&self, value: Value) -> Option<i64> {
        self.values.get(&value).and_then(|version| version.place).map(i64::from)
    }

    fn saw(&mut self, offset: i64, value: Value) -> &mut Version {
        let version = self.values.entry(value).or_default();
        // Most evidence repeats what is known: one record is read by many.
        if version.offset != Some(offset) {
            version.offset.get_or_insert(offset);
            self.evidence.push((offset, value));
        }
        version
    }

    fn sort(&mut self, name: &str, verdict: &mut Verdict) {
        let mut evidence = std::mem::take(&mut self.evidence);
        evidence.sort_unstable();
        evidence.dedup();
        for claims in evidence.chunk_by(|left, right| left.0 == right.0) {
            let place = self.order.len() as u32;
            let (offset, chosen) = claims[0];
            self.order.push(chosen);
            if claims.len() > 1 {
                verdict.inconsistent.add(|| {
                    let values: Vec<_> = claims.iter().map(|(_, value)| value).collect();
                    format!("{name}: offset {offset} held the values {values:?}")
                });
            }
            for (offset, value) in claims {
                let version = self.values.get_mut(value).expect("evidence was entered");
                if let Some(first) = version.first {
                    // The first repeat makes it a duplicate; a third occurrence is the same one.
                    if version.last == first {
                        let one = version.first_offset;
                        verdict.duplicated.add(|| {
                            format!("{name}: value {value} stands at offset {one} and at {offset}")
                        });
                    }
                }
                if version.first.is_none() {
                    (version.first, version.first_offset) = (Some(place), *offset);
                }
                version.last = place;
                if *value == chosen {
                    version.place = Some(place);
                }
            }
        }
    }
}

/// The orders of all keys, with what their making reveals already entered into the verdict.
pub(super) fn versions(history: &History, verdict: &mut Verdict) -> Vec<KeyVersions> {
    let mut keys: Vec<KeyVersions> = Vec::new();
    keys.resize_with(history.key_count(), KeyVersions::default);
    for (index, operation) in history.operations().iter().enumerate() {
        for send in operation.sends() {
            let version = keys[send.key as usize].values.entry(send.value).or_default();
            version.writer = Some(index as u32);
        }
        for poll in operation.polls() {
            let key = &mut keys[poll.key as usize];
            for (offset, value) in &poll.records {
                let version = key.saw(*offset, *value);
                version.reader.get_or_insert(index as u32);
                version.read |= operation.outcome == Outcome::Ok;
            }
        }
    }
    for operation in history.operations() {
        if !committed(operation, &keys) {
            continue;
        }
        for send in operation.sends() {
            if let Some(offset) = send.offset {
                keys[send.key as usize].saw(offset, send.value);
            }
        }
    }
    for (key, versions) in keys.iter_mut().enumerate() {
        versions.sort(history.name(key as Key), verdict);
    }
    keys
}

/// Whether the operation must have taken place: it was acknowledged, or somebody read part of it.
pub(super) fn committed(operation: &Operation, keys: &[KeyVersions]) -> bool {
    match operation.outcome {
        Outcome::Ok => true,
        Outcome::Info => operation.sends().any(|send| {
            keys[send.key as usize].values.get(&send.value).is_some_and(|version| version.read)
        }),
        Outcome::Fail => false,
    }
}
