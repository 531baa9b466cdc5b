//! Writes Kafka's wire types into a frame of several buffers.
//!
//! Everything but large record sets goes into one growing buffer. A large record set is remembered
//! by the place where it belongs, so that the socket gets the log's own bytes without a copy.

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use crate::{Chunks, Str};

/// Pieces of a record set from this size on are passed on instead of copied.
const PIECE_BYTES_MIN: usize = 1024;

/// Why a message cannot be written in a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A field holds more than its default but the version has no place for it.
    #[error("{field} cannot be sent in version {version}")]
    UnsupportedField {
        /// `Struct.field`.
        field: &'static str,
        /// The version of the message.
        version: i16,
    },
    /// A field is null but the version does not allow it.
    #[error("{field} must not be null in version {version}")]
    UnexpectedNull {
        /// `Struct.field`.
        field: &'static str,
        /// The version of the message.
        version: i16,
    },
    /// The message does not exist in the version.
    #[error("unsupported version {version} of {message}")]
    UnsupportedVersion {
        /// The message's name in Kafka's schemas.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// A string, byte field, array or frame is longer than its length field can say.
    #[error("length {0} is too large to be sent")]
    TooLong(usize),
}

type Result<T> = std::result::Result<T, EncodeError>;

/// A frame that is being written.
#[derive(Debug, Default)]
pub struct Encoder {
    head: BytesMut,
    /// Pieces to insert, each with its place in `head`.
    pieces: Vec<(usize, Bytes)>,
    pieces_len: usize,
}

/// The tagged fields of a struct while they are written; see [`Encoder::begin_tags`].
#[derive(Debug)]
pub struct Tags {
    count_at: usize,
}

impl Encoder {
    /// An empty frame with room for a small message.
    pub fn new() -> Self {
        Self::with_capacity(256)
    }

    /// An empty frame with room for `capacity` bytes besides large record sets.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { head: BytesMut::with_capacity(capacity), pieces: Vec::new(), pieces_len: 0 }
    }

    /// How many bytes the frame has.
    pub fn len(&self) -> usize {
        self.head.len() + self.pieces_len
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame, cut where record sets were put in.
    pub fn finish(self) -> Chunks {
        let head = self.head.freeze();
        let mut chunks = Vec::with_capacity(2 * self.pieces.len() + 1);
        let mut start = 0;
        for (at, piece) in self.pieces {
            if at > start {
                chunks.push(head.slice(start..at));
                start = at;
            }
            chunks.push(piece);
        }
        if start < head.len() {
            chunks.push(head.slice(start..));
        }
        Chunks(chunks)
    }

    /// One byte, 1 or 0.
    pub fn bool(&mut self, value: bool) {
        self.i8(i8::from(value));
    }

    /// One signed byte.
    pub fn i8(&mut self, value: i8) {
        self.raw(&value.to_be_bytes());
    }

    /// Two bytes, big endian.
    pub fn i16(&mut self, value: i16) {
        self.raw(&value.to_be_bytes());
    }

    /// Two bytes, big endian, unsigned.
    pub fn u16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    /// Four bytes, big endian.
    pub fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes, big endian.
    pub fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// Eight bytes, big endian, IEEE 754.
    pub fn f64(&mut self, value: f64) {
        self.raw(&value.to_be_bytes());
    }

    /// Sixteen bytes.
    pub fn uuid(&mut self, value: Uuid) {
        self.raw(value.as_bytes());
    }

    /// An unsigned varint.
    pub fn unsigned_varint(&mut self, value: u32) {
        let (bytes, length) = varint_bytes(u64::from(value));
        self.raw(&bytes[..length]);
    }

    /// A zigzag varint, as records use it.
    pub fn varint(&mut self, value: i32) {
        self.unsigned_varint(((value << 1) ^ (value >> 31)) as u32);
    }

    /// A zigzag varint of up to ten bytes, as records use it.
    pub fn varlong(&mut self, value: i64) {
        let (bytes, length) = varint_bytes(((value << 1) ^ (value >> 63)) as u64);
        self.raw(&bytes[..length]);
    }

    /// A string; Kafka allows 32767 bytes.
    pub fn string(&mut self, value: &str, flexible: bool) -> Result<()> {
        let length = i16::try_from(value.len()).map_err(|_| EncodeError::TooLong(value.len()))?;
        if flexible {
            self.unsigned_varint(length as u32 + 1);
        } else {
            self.i16(length);
        }
        self.raw(value.as_bytes());
        Ok(())
    }

    /// A string or null.
    pub fn nullable_string(&mut self, value: Option<&Str>, flexible: bool) -> Result<()> {
        match value {
            Some(value) => self.string(value, flexible),
            None if flexible => {
                self.unsigned_varint(0);
                Ok(())
            }
            None => {
                self.i16(-1);
                Ok(())
            }
        }
    }

    /// A byte field.
    pub fn bytes(&mut self, value: &[u8], flexible: bool) -> Result<()> {
        self.collection_length(value.len(), flexible)?;
        self.raw(value);
        Ok(())
    }

    /// A byte field or null.
    pub fn nullable_bytes(&mut self, value: Option<&Bytes>, flexible: bool) -> Result<()> {
        match value {
            Some(value) => self.bytes(value, flexible),
            None => {
                self.null_collection(flexible);
                Ok(())
            }
        }
    }

    /// A record set.
    pub fn records(&mut self, value: &Chunks, flexible: bool) -> Result<()> {
        self.collection_length(value.len(), flexible)?;
        for piece in &value.0 {
            if piece.len() < PIECE_BYTES_MIN {
                self.raw(piece);
            } else {
                self.pieces.push((self.head.len(), piece.clone()));
                self.pieces_len += piece.len();
            }
        }
        Ok(())
    }

    /// A record set or null.
    pub fn nullable_records(&mut self, value: Option<&Chunks>, flexible: bool) -> Result<()> {
        match value {
            Some(value) => self.records(value, flexible),
            None => {
                self.null_collection(flexible);
                Ok(())
            }
        }
    }

    /// An array.
    pub fn array<T>(
        &mut self,
        value: &[T],
        flexible: bool,
        version: i16,
        element: fn(&T, &mut Self, i16) -> Result<()>,
    ) -> Result<()> {
        self.collection_length(value.len(), flexible)?;
        value.iter().try_for_each(|each| element(each, self, version))
    }

    /// An array or null.
    pub fn nullable_array<T>(
        &mut self,
        value: Option<&Vec<T>>,
        flexible: bool,
        version: i16,
        element: fn(&T, &mut Self, i16) -> Result<()>,
    ) -> Result<()> {
        match value {
            Some(value) => self.array(value, flexible, version, element),
            None => {
                self.null_collection(flexible);
                Ok(())
            }
        }
    }

    /// Says whether a nullable struct follows.
    pub fn present(&mut self, present: bool) {
        self.i8(if present { 1 } else { -1 });
    }

    /// The end of a struct that has no tagged field to send.
    pub fn no_tags(&mut self) {
        self.i8(0);
    }

    /// Starts the tagged fields of a struct, of which schemas have far less than 128.
    pub fn begin_tags(&mut self) -> Tags {
        self.no_tags();
        Tags { count_at: self.head.len() - 1 }
    }

    /// Starts a tagged field and says where its value begins. Tags must come in rising order.
    pub fn begin_tag(&mut self, tags: &Tags, number: u32) -> usize {
        self.head[tags.count_at] += 1;
        self.unsigned_varint(number);
        self.head.len()
    }

    /// Puts the size in front of the value of a tagged field that began at `start`.
    pub fn end_tag(&mut self, start: usize) {
        let size = self.head.len() - start;
        let (bytes, length) = varint_bytes(size as u64);
        self.raw(&bytes[..length]);
        self.head[start..].rotate_right(length);
    }

    /// Overwrites four bytes at the start of the frame, which were kept free for its length.
    pub(crate) fn set_length_prefix(&mut self, length: i32) {
        self.head[..4].copy_from_slice(&length.to_be_bytes());
    }

    fn collection_length(&mut self, length: usize, flexible: bool) -> Result<()> {
        let length = i32::try_from(length).map_err(|_| EncodeError::TooLong(length))?;
        if flexible {
            self.unsigned_varint(length as u32 + 1);
        } else {
            self.i32(length);
        }
        Ok(())
    }

    fn null_collection(&mut self, flexible: bool) {
        if flexible {
            self.unsigned_varint(0);
        } else {
            self.i32(-1);
        }
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.head.extend_from_slice(bytes);
    }
}

/// A field's value where the version does not allow null.
pub(crate) fn required<'a, T>(
    value: &'a Option<T>,
    field: &'static str,
    version: i16,
) -> Result<&'a T> {
    value.as_ref().ok_or(EncodeError::UnexpectedNull { field, version })
}

fn varint_bytes(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut length = 0;
    loop {
        bytes[length] = (value & 0x7f) as u8;
        value >>= 7;
        length += 1;
        if value == 0 {
            return (bytes, length);
        }
        bytes[length - 1] |= 0x80;
    }
}
