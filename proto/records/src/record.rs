//! Opening a batch: its records, one by one, as slices of one buffer.

use bytes::{Buf, Bytes};

use crate::header::{BatchHeader, HEADER_BYTES, TimestampType};
use crate::{BatchError, decompress};

/// One record, borrowed from its batch's buffer by reference count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub offset: i64,
    /// Milliseconds since 1970; -1 where the producer gave none.
    pub timestamp: i64,
    pub key: Option<Bytes>,
    /// `None` is a tombstone: compaction removes the key.
    pub value: Option<Bytes>,
    /// In the producer's order; a key may occur more than once.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
}

/// Iterates the records of one batch. Ends after an error; a batch whose records do not fill it
/// exactly is one.
#[derive(Clone, Debug)]
pub struct RecordIter {
    header: BatchHeader,
    rest: Bytes,
    remaining: i32,
}

impl RecordIter {
    /// Opens the batch at the start of `batch`. Compressed records may take `limit_bytes`. The CRC
    /// is not checked here.
    pub fn new(batch: &Bytes, limit_bytes: usize) -> Result<Self, BatchError> {
        let header = BatchHeader::parse(batch)?;
        let needs = header.size_bytes();
        if needs > batch.len() {
            return Err(BatchError::Incomplete { at: 0, needs, has: batch.len() });
        }
        let codec = header.codec()?;
        let rest = match header.records_count {
            0 => Bytes::new(),
            _ => decompress(codec, &batch.slice(HEADER_BYTES..needs), limit_bytes)?,
        };
        Ok(Self { header, rest, remaining: header.records_count })
    }

    fn read(&mut self) -> Result<Record, BatchError> {
        let length = length(read_varint(&mut self.rest)?, &self.rest, "record")?;
        let mut body = self.rest.split_to(length);
        if !body.has_remaining() {
            return Err(corrupt("an empty record"));
        }
        body.advance(1); // Attributes: none are defined.
        let timestamp_delta = read_varlong(&mut body)?;
        let offset_delta = read_varint(&mut body)?;
        if !(0..=self.header.last_offset_delta).contains(&offset_delta) {
            return Err(corrupt("an offset delta outside the batch"));
        }
        let key = read_nullable(&mut body, "key")?;
        let value = read_nullable(&mut body, "value")?;
        let headers = read_headers(&mut body)?;
        if body.has_remaining() {
            return Err(corrupt("a record is longer than its fields"));
        }
        let timestamp = match self.header.timestamp_type() {
            TimestampType::LogAppendTime => self.header.max_timestamp,
            TimestampType::CreateTime => self.header.base_timestamp.wrapping_add(timestamp_delta),
        };
        let offset = self.header.base_offset + i64::from(offset_delta);
        Ok(Record { offset, timestamp, key, value, headers })
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            let trailing = std::mem::take(&mut self.rest);
            return (!trailing.is_empty())
                .then(|| Err(corrupt("more bytes than the declared records need")));
        }
        self.remaining -= 1;
        let record = self.read();
        if record.is_err() {
            self.remaining = 0;
            self.rest.clear();
        }
        Some(record)
    }
}

/// What the record of a control batch says (KIP-98).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlRecord {
    /// The transaction of the batch's producer was aborted.
    Abort { coordinator_epoch: i32 },
    /// The transaction of the batch's producer was committed.
    Commit { coordinator_epoch: i32 },
    /// A type that this version does not know (those of KRaft's own log among them).
    Other(i16),
}

impl ControlRecord {
    /// Reads the key and value of a record from a control batch.
    pub fn parse(record: &Record) -> Result<Self, BatchError> {
        let key = record.key.as_deref().unwrap_or_default();
        let (Some(version), Some(kind)) = (key.first_chunk::<2>(), key.get(2..4)) else {
            return Err(corrupt("a control record without a key"));
        };
        if i16::from_be_bytes(*version) < 0 {
            return Err(corrupt("a control record with a negative version"));
        }
        let kind = i16::from_be_bytes([kind[0], kind[1]]);
        if !matches!(kind, 0 | 1) {
            return Ok(Self::Other(kind));
        }
        let epoch = record.value.as_deref().and_then(|value| value.get(2..6));
        let epoch = epoch.ok_or_else(|| corrupt("a transaction marker without an epoch"))?;
        let coordinator_epoch = i32::from_be_bytes(epoch.try_into().expect("a slice of 4 bytes"));
        Ok(match kind {
            0 => Self::Abort { coordinator_epoch },
            _ => Self::Commit { coordinator_epoch },
        })
    }
}

fn read_headers(body: &mut Bytes) -> Result<Vec<(Bytes, Option<Bytes>)>, BatchError> {
    let count = read_varint(body)?;
    // Each takes at least the two bytes of its lengths.
    let count = usize::try_from(count)
        .ok()
        .filter(|count| *count <= body.len() / 2)
        .ok_or_else(|| corrupt("more headers than bytes for them"))?;
    let mut headers = Vec::with_capacity(count);
    for _ in 0..count {
        let key =
            read_nullable(body, "header key")?.ok_or_else(|| corrupt("a header without a key"))?;
        headers.push((key, read_nullable(body, "header value")?));
    }
    Ok(headers)
}

fn read_nullable(body: &mut Bytes, what: &str) -> Result<Option<Bytes>, BatchError> {
    match read_varint(body)? {
        ..0 => Ok(None),
        declared => {
            let length = length(declared, body, what)?;
            Ok(Some(body.split_to(length)))
        }
    }
}

fn length(declared: i32, rest: &Bytes, what: &str) -> Result<usize, BatchError> {
    usize::try_from(declared).ok().filter(|length| *length <= rest.len()).ok_or_else(|| {
        BatchError::Corrupt(format!("a {what} of {declared} bytes, {} are left", rest.len()))
    })
}

fn read_varint(rest: &mut Bytes) -> Result<i32, BatchError> {
    let zigzag = read_unsigned(rest, 5)?;
    let zigzag = u32::try_from(zigzag).map_err(|_| corrupt("a number beyond 32 bits"))?;
    Ok((zigzag >> 1) as i32 ^ -((zigzag & 1) as i32))
}

fn read_varlong(rest: &mut Bytes) -> Result<i64, BatchError> {
    let zigzag = read_unsigned(rest, 10)?;
    Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
}

fn read_unsigned(rest: &mut Bytes, bytes_max: usize) -> Result<u64, BatchError> {
    let mut value = 0u64;
    for (index, byte) in rest.iter().take(bytes_max).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if index == 9 && bits > 1 {
            break;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            rest.advance(index + 1);
            return Ok(value);
        }
    }
    Err(corrupt("a number that does not end"))
}

fn corrupt(what: &str) -> BatchError {
    BatchError::Corrupt(what.into())
}
