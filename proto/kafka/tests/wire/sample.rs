//! Valid bytes of any message in any version, made from its schema and a supply of randomness.
//!
//! The bytes are canonical: tagged fields are left out when they hold their default and come in
//! rising order, so that reading and writing must give the same bytes again.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::schema::{Field, Message, Type};

/// A strategy for the randomness of a sample.
pub(crate) fn randomness() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..600)
}

/// The same randomness in every run, for tests that ask another process.
pub(crate) fn fixed_randomness(count: usize) -> Vec<Vec<u8>> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| randomness().new_tree(&mut runner).unwrap().current()).collect()
}

/// Bytes of a message, and where the lengths in them stand.
pub(crate) struct Sample {
    pub(crate) bytes: Bytes,
    pub(crate) lengths: Vec<Length>,
}

/// A length field: its place, its size on the wire, and whether it is a varint.
pub(crate) struct Length {
    pub(crate) at: usize,
    pub(crate) size: usize,
    pub(crate) is_varint: bool,
}

/// Makes a sample; when the randomness is used up, the rest is as small as can be.
pub(crate) fn sample(message: &Message, version: i16, randomness: &[u8]) -> Sample {
    let flexible = message.flexible.contains(version);
    let writer = Writer {
        message,
        version,
        flexible,
        random: randomness.iter(),
        bytes: Vec::new(),
        lengths: Vec::new(),
    };
    let writer = writer.structure(&message.name);
    Sample { bytes: writer.bytes.into(), lengths: writer.lengths }
}

struct Writer<'a> {
    message: &'a Message,
    version: i16,
    flexible: bool,
    random: std::slice::Iter<'a, u8>,
    bytes: Vec<u8>,
    lengths: Vec<Length>,
}

impl Writer<'_> {
    fn structure(mut self, name: &str) -> Self {
        let message = self.message;
        let mut tagged = Vec::new();
        for field in &message.find(name).fields {
            if !field.versions.contains(self.version) {
                continue;
            }
            match field.tag {
                Some(tag) => tagged.push((tag, field)),
                None => self = self.field(field),
            }
        }
        if self.flexible {
            tagged.sort_by_key(|(tag, _)| *tag);
            self = self.tagged_fields(&tagged);
        }
        self
    }

    fn tagged_fields(mut self, tagged: &[(u32, &Field)]) -> Self {
        let mut written = Vec::new();
        for (tag, field) in tagged {
            let outer = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.lengths));
            self = self.field(field);
            let (value, lengths) = (
                std::mem::replace(&mut self.bytes, outer.0),
                std::mem::replace(&mut self.lengths, outer.1),
            );
            if value != self.default_bytes(field) {
                written.push((*tag, value, lengths));
            }
        }
        self.varint(written.len() as u64);
        for (tag, value, lengths) in written {
            self.varint(u64::from(tag));
            let at = self.bytes.len();
            self.varint(value.len() as u64);
            let start = self.bytes.len();
            self.lengths.push(Length { at, size: start - at, is_varint: true });
            let moved = lengths.into_iter().map(|each| Length { at: each.at + start, ..each });
            self.lengths.extend(moved);
            self.bytes.extend(value);
        }
        self
    }

    fn field(mut self, field: &Field) -> Self {
        let null = field.nullable.contains(self.version) && self.pick(4) == 0;
        match &field.kind {
            Type::Struct(name) => {
                if field.nullable.contains(self.version) {
                    self.bytes.push(if null { 0xff } else { 1 });
                }
                if null { self } else { self.structure(name) }
            }
            kind if null => {
                self.length(None, kind);
                self
            }
            kind => self.value(kind, field),
        }
    }

    fn value(mut self, kind: &Type, field: &Field) -> Self {
        match kind {
            Type::Bool => {
                let value = self.pick(2) as u8;
                self.bytes.push(value);
            }
            Type::Float64 => {
                let value = f64::from(self.integer(field) as i32) / 8.0;
                self.bytes.extend(value.to_be_bytes());
            }
            Type::Int8 | Type::Int16 | Type::Uint16 | Type::Int32 | Type::Int64 => {
                let value = self.integer(field).to_be_bytes();
                self.bytes.extend(&value[8 - fixed_size(kind)..]);
            }
            Type::Uuid => {
                let value =
                    if self.pick(4) == 0 { [0; 16] } else { std::array::from_fn(|_| self.byte()) };
                self.bytes.extend(value);
            }
            Type::String => {
                // From one to four bytes in UTF-8, at the borders of varints too.
                let letters = ["a", "-", "7", "é", "中", "🦀"];
                let count = [0, 1, 5, 20, 126, 127, 128][self.pick(7)];
                let value: String = (0..count).map(|_| letters[self.pick(6)]).collect();
                self.length(Some(value.len()), kind);
                self.bytes.extend(value.as_bytes());
            }
            Type::Bytes | Type::Records => {
                let count = [0, 3, 126, 127, 128, 1023, 1024, 3000][self.pick(8)];
                let filler = self.byte();
                self.length(Some(count), kind);
                self.bytes.extend((0..count).map(|i| filler.wrapping_add(i as u8)));
            }
            Type::Array(element) => {
                let count = [0, 1, 1, 2, 2, 3][self.pick(6)];
                self.length(Some(count), kind);
                for _ in 0..count {
                    self = match element.as_ref() {
                        Type::Struct(name) => self.structure(name),
                        other => self.value(other, field),
                    };
                }
            }
            Type::Struct(_) => unreachable!("see field"),
        }
        self
    }

    fn integer(&mut self, field: &Field) -> i64 {
        let default = field.default.as_ref().and_then(|text| text.parse().ok()).unwrap_or(0);
        match self.pick(8) {
            0 => default,
            1 => 0,
            2 => -1,
            3 => i64::MAX,
            // The least value in every width.
            4 => i64::MIN | i64::from(i32::MIN as u32) | 0x8080,
            5 => i64::from(self.byte()),
            _ => i64::from_be_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    /// What a tagged field would be written as if it held its default.
    fn default_bytes(&self, field: &Field) -> Vec<u8> {
        match &field.kind {
            Type::Struct(name) => {
                let fields = self.message.find(name).fields.iter();
                let present = fields.filter(|f| f.versions.contains(self.version));
                let untagged = present.filter(|f| f.tag.is_none());
                let mut bytes: Vec<u8> = untagged.flat_map(|f| self.default_bytes(f)).collect();
                bytes.push(0);
                bytes
            }
            Type::String | Type::Bytes | Type::Records | Type::Array(_) => {
                vec![u8::from(field.default.as_deref() != Some("null"))]
            }
            kind => {
                let default = match field.default.as_deref() {
                    None | Some("false") => 0,
                    Some(text) => text.parse::<i64>().unwrap(),
                };
                let bytes = default.to_be_bytes();
                match kind {
                    Type::Uuid => vec![0; 16],
                    _ => bytes[8 - fixed_size(kind)..].to_vec(),
                }
            }
        }
    }

    fn length(&mut self, length: Option<usize>, kind: &Type) {
        let at = self.bytes.len();
        if self.flexible {
            self.varint(length.map_or(0, |length| length as u64 + 1));
        } else {
            let value = length.map_or(-1, |length| length as i32);
            match kind {
                Type::String => self.bytes.extend((value as i16).to_be_bytes()),
                _ => self.bytes.extend(value.to_be_bytes()),
            }
        }
        let size = self.bytes.len() - at;
        self.lengths.push(Length { at, size, is_varint: self.flexible });
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn byte(&mut self) -> u8 {
        self.random.next().copied().unwrap_or(0)
    }

    fn pick(&mut self, choices: usize) -> usize {
        usize::from(self.byte()) % choices
    }
}

fn fixed_size(kind: &Type) -> usize {
    match kind {
        Type::Bool | Type::Int8 => 1,
        Type::Int16 | Type::Uint16 => 2,
        Type::Int32 => 4,
        Type::Int64 | Type::Float64 => 8,
        other => unreachable!("{other:?} is not a number"),
    }
}
