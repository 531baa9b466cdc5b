//! Reads Kafka's wire types from one received frame.
//!
//! A frame comes from anybody who can open a connection, so every length in it is a claim. A length
//! is believed only as far as bytes remain, and one budget covers everything that a frame may make
//! us allocate: many wire types shrink to one byte (an empty string) while their Rust values do
//! not, so the bytes alone would bound memory only at some thirty times the size of the frame.
//! Strings and byte fields are slices of the frame and cost nothing.

use bytes::Bytes;
use uuid::Uuid;

use crate::{Chunks, Str};

/// Heap bytes that decoding may take for each byte of the frame...
pub const HEAP_PER_FRAME_BYTE: usize = 8;
/// ...on top of this many, which every frame may take.
pub const HEAP_ALLOWANCE: usize = 1 << 20;

/// Why bytes are not the message they claim to be, and where in the frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {position}")]
pub struct DecodeError {
    /// Offset from the start of the frame (without its length prefix).
    pub position: usize,
    /// What was found there.
    pub reason: DecodeReason,
}

/// What is wrong with the bytes at the position of a [`DecodeError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeReason {
    /// The frame ends too early, or a length in it is too large.
    #[error("{wanted} more bytes are needed but only {remaining} remain")]
    Truncated {
        /// How many bytes the value at this position needs at least.
        wanted: usize,
        /// How many are left.
        remaining: usize,
    },
    /// A length below zero that does not stand for null.
    #[error("invalid length {0}")]
    InvalidLength(i64),
    /// Null in a version that does not allow it.
    #[error("null where a value is required")]
    UnexpectedNull,
    /// A varint that does not end in time.
    #[error("varint is longer than {0} bytes")]
    VarintTooLong(usize),
    /// A tagged field whose declared size is not the size of its value.
    #[error("tagged field {tag} has {left} bytes behind its value")]
    TaggedFieldSize {
        /// The tag of the field.
        tag: u32,
        /// Bytes that its value did not use.
        left: usize,
    },
    /// The values of this frame would take more memory than a frame of its size may.
    #[error("message needs too much memory for its size")]
    TooMuchMemory,
    /// The message is not known in this version.
    #[error("unsupported version {version} of {message}")]
    UnsupportedVersion {
        /// The message's name in Kafka's schemas.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// No API has this key.
    #[error("unknown api key {0}")]
    UnknownApiKey(i16),
    /// A response that answers another request.
    #[error("response has correlation id {found}, expected {expected}")]
    CorrelationId {
        /// The id of the request.
        expected: i32,
        /// The id in the response.
        found: i32,
    },
}

/// A position in a frame that is being read.
#[derive(Debug)]
pub struct Decoder {
    frame: Bytes,
    position: usize,
    end: usize,
    heap_left: usize,
}

/// A tagged field that is being read; see [`Decoder::begin_tag`].
#[derive(Debug)]
pub struct Tag {
    /// Which field it is.
    pub number: u32,
    outer_end: usize,
}

type Result<T> = std::result::Result<T, DecodeError>;

impl Decoder {
    /// Starts at the first byte of a frame, which is given without its length prefix.
    pub fn new(frame: Bytes) -> Self {
        let end = frame.len();
        let heap_left = end.saturating_mul(HEAP_PER_FRAME_BYTE).saturating_add(HEAP_ALLOWANCE);
        Self { frame, position: 0, end, heap_left }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// An error at the current position.
    pub fn error(&self, reason: DecodeReason) -> DecodeError {
        DecodeError { position: self.position, reason }
    }

    /// One byte; anything but zero is true.
    pub fn bool(&mut self) -> Result<bool> {
        Ok(self.i8()? != 0)
    }

    /// One signed byte.
    pub fn i8(&mut self) -> Result<i8> {
        self.fixed().map(i8::from_be_bytes)
    }

    /// Two bytes, big endian.
    pub fn i16(&mut self) -> Result<i16> {
        self.fixed().map(i16::from_be_bytes)
    }

    /// Two bytes, big endian, unsigned.
    pub fn u16(&mut self) -> Result<u16> {
        self.fixed().map(u16::from_be_bytes)
    }

    /// Four bytes, big endian.
    pub fn i32(&mut self) -> Result<i32> {
        self.fixed().map(i32::from_be_bytes)
    }

    /// Eight bytes, big endian.
    pub fn i64(&mut self) -> Result<i64> {
        self.fixed().map(i64::from_be_bytes)
    }

    /// Eight bytes, big endian, IEEE 754.
    pub fn f64(&mut self) -> Result<f64> {
        self.fixed().map(f64::from_be_bytes)
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self) -> Result<Uuid> {
        self.fixed().map(Uuid::from_bytes)
    }

    /// An unsigned varint of at most five bytes.
    pub fn unsigned_varint(&mut self) -> Result<u32> {
        let (value, length) = self.peek_varint(5)?;
        self.position += length;
        // Bits above the 32nd are dropped, as Kafka drops them.
        Ok(value as u32)
    }

    /// A zigzag varint of at most five bytes, as records use it.
    pub fn varint(&mut self) -> Result<i32> {
        let value = self.unsigned_varint()?;
        Ok((value >> 1) as i32 ^ -((value & 1) as i32))
    }

    /// A zigzag varint of at most ten bytes, as records use it.
    pub fn varlong(&mut self) -> Result<i64> {
        let (value, length) = self.peek_varint(10)?;
        self.position += length;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A string that must not be null. Malformed UTF-8 is replaced by U+FFFD, as Kafka does.
    pub fn string(&mut self, flexible: bool) -> Result<Str> {
        let at = self.position;
        self.nullable_string(flexible)?.ok_or(null_at(at))
    }

    /// A string or null.
    pub fn nullable_string(&mut self, flexible: bool) -> Result<Option<Str>> {
        let length = if flexible { self.compact_length()? } else { i64::from(self.i16()?) };
        let Some(length) = self.length(length)? else { return Ok(None) };
        let bytes = self.take(length)?;
        if let Ok(string) = Str::try_from(bytes.clone()) {
            return Ok(Some(string));
        }
        // One malformed byte becomes three.
        self.charge(3 * bytes.len())?;
        Ok(Some(Str::from(String::from_utf8_lossy(&bytes).into_owned())))
    }

    /// A byte field that must not be null.
    pub fn bytes(&mut self, flexible: bool) -> Result<Bytes> {
        let at = self.position;
        self.nullable_bytes(flexible)?.ok_or(null_at(at))
    }

    /// A byte field or null.
    pub fn nullable_bytes(&mut self, flexible: bool) -> Result<Option<Bytes>> {
        match self.collection_length(flexible)? {
            Some(length) => self.take(length).map(Some),
            None => Ok(None),
        }
    }

    /// A record set that must not be null.
    pub fn records(&mut self, flexible: bool) -> Result<Chunks> {
        self.bytes(flexible).map(Chunks::from)
    }

    /// A record set or null.
    pub fn nullable_records(&mut self, flexible: bool) -> Result<Option<Chunks>> {
        Ok(self.nullable_bytes(flexible)?.map(Chunks::from))
    }

    /// An array that must not be null; see [`Decoder::nullable_array`].
    pub fn array<T>(
        &mut self,
        flexible: bool,
        version: i16,
        element_size_min: usize,
        element: fn(&mut Self, i16) -> Result<T>,
    ) -> Result<Vec<T>> {
        let at = self.position;
        self.nullable_array(flexible, version, element_size_min, element)?.ok_or(null_at(at))
    }

    /// An array or null, whose elements take at least `element_size_min` bytes each.
    pub fn nullable_array<T>(
        &mut self,
        flexible: bool,
        version: i16,
        element_size_min: usize,
        element: fn(&mut Self, i16) -> Result<T>,
    ) -> Result<Option<Vec<T>>> {
        let Some(count) = self.collection_length(flexible)? else { return Ok(None) };
        self.need(count.saturating_mul(element_size_min))?;
        self.charge(count.saturating_mul(size_of::<T>()))?;
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(element(self, version)?);
        }
        Ok(Some(elements))
    }

    /// Whether a nullable struct follows.
    pub fn present(&mut self) -> Result<bool> {
        Ok(self.i8()? >= 0)
    }

    /// The number of tagged fields that follow; each takes two bytes or more.
    pub fn tag_count(&mut self) -> Result<u32> {
        let count = self.unsigned_varint()?;
        self.need((count as usize).saturating_mul(2))?;
        Ok(count)
    }

    /// Enters a tagged field. Until [`Decoder::end_tag`], only its bytes can be read.
    pub fn begin_tag(&mut self) -> Result<Tag> {
        let number = self.unsigned_varint()?;
        let size = self.unsigned_varint()? as usize;
        self.need(size)?;
        let outer_end = self.end;
        self.end = self.position + size;
        Ok(Tag { number, outer_end })
    }

    /// Passes over the rest of a tagged field that this version of the schema does not know.
    pub fn skip_tag(&mut self) {
        self.position = self.end;
    }

    /// Leaves a tagged field, which must have been read to its end.
    pub fn end_tag(&mut self, tag: Tag) -> Result<()> {
        match self.remaining() {
            0 => self.end = tag.outer_end,
            left => {
                return Err(self.error(DecodeReason::TaggedFieldSize { tag: tag.number, left }));
            }
        }
        Ok(())
    }

    /// Passes over all tagged fields of a struct that has none of its own.
    pub fn skip_tags(&mut self) -> Result<()> {
        for _ in 0..self.tag_count()? {
            let tag = self.begin_tag()?;
            self.skip_tag();
            self.end_tag(tag)?;
        }
        Ok(())
    }

    /// The length of an array or byte field, or none for null.
    fn collection_length(&mut self, flexible: bool) -> Result<Option<usize>> {
        let length = if flexible { self.compact_length()? } else { i64::from(self.i32()?) };
        self.length(length)
    }

    fn compact_length(&mut self) -> Result<i64> {
        Ok(i64::from(self.unsigned_varint()?) - 1)
    }

    fn length(&self, length: i64) -> Result<Option<usize>> {
        match usize::try_from(length) {
            Ok(length) => self.need(length).map(|()| Some(length)),
            Err(_) if length == -1 => Ok(None),
            Err(_) => Err(self.error(DecodeReason::InvalidLength(length))),
        }
    }

    fn take(&mut self, length: usize) -> Result<Bytes> {
        self.need(length)?;
        let bytes = self.frame.slice(self.position..self.position + length);
        self.position += length;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.frame[self.position..self.end].first_chunk() {
            Some(bytes) => {
                self.position += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// A varint's raw value and how many bytes it takes.
    fn peek_varint(&self, length_max: usize) -> Result<(u64, usize)> {
        let mut value = 0;
        for (i, &byte) in self.frame[self.position..self.end].iter().take(length_max).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                return Ok((value, i + 1));
            }
        }
        Err(if self.remaining() < length_max {
            self.truncated(self.remaining() + 1)
        } else {
            self.error(DecodeReason::VarintTooLong(length_max))
        })
    }

    fn need(&self, wanted: usize) -> Result<()> {
        if wanted > self.remaining() { Err(self.truncated(wanted)) } else { Ok(()) }
    }

    fn charge(&mut self, heap: usize) -> Result<()> {
        match self.heap_left.checked_sub(heap) {
            Some(left) => {
                self.heap_left = left;
                Ok(())
            }
            None => Err(self.error(DecodeReason::TooMuchMemory)),
        }
    }

    #[cold]
    fn truncated(&self, wanted: usize) -> DecodeError {
        self.error(DecodeReason::Truncated { wanted, remaining: self.remaining() })
    }
}

fn null_at(position: usize) -> DecodeError {
    DecodeError { position, reason: DecodeReason::UnexpectedNull }
}
