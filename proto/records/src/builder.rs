//! Building a batch from records: for coordinators, tools, and the log cleaner.

use bytes::{BufMut, Bytes, BytesMut};

use crate::header::{
    CONTROL_BIT, DELETE_HORIZON_BIT, HEADER_BYTES, LOG_OVERHEAD_BYTES, NO_PARTITION_LEADER_EPOCH,
    NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, TIMESTAMP_TYPE_BIT,
    TRANSACTIONAL_BIT, write_crc,
};
use crate::{BatchError, BatchHeader, Codec, Record, TimestampType, compress};

/// Collects records and encodes them as one batch. Set the public fields as needed, push records in
/// the order of their offsets, then build.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    pub base_offset: i64,
    /// Kept beyond the last record where compaction removed what followed it.
    pub last_offset: Option<i64>,
    pub partition_leader_epoch: i32,
    pub compression: Codec,
    /// With `LogAppendTime`, the time is the largest timestamp pushed.
    pub timestamp_type: TimestampType,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub is_transactional: bool,
    pub is_control: bool,
    /// Takes the place of the base timestamp (KIP-534). Set it before the first push.
    pub delete_horizon_ms: Option<i64>,
    /// Overrides the largest timestamp pushed: a compacted batch keeps its own.
    pub max_timestamp: Option<i64>,
    records: BytesMut,
    scratch: BytesMut,
    count: i32,
    base_timestamp: Option<i64>,
    largest_timestamp: i64,
    last_pushed: i64,
    overflow: bool,
}

impl BatchBuilder {
    /// An uncompressed batch of no producer in particular, timestamps by its creator.
    pub fn new(base_offset: i64) -> Self {
        Self {
            base_offset,
            last_offset: None,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            compression: Codec::None,
            timestamp_type: TimestampType::CreateTime,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            is_transactional: false,
            is_control: false,
            delete_horizon_ms: None,
            max_timestamp: None,
            records: BytesMut::new(),
            scratch: BytesMut::new(),
            count: 0,
            base_timestamp: None,
            largest_timestamp: NO_TIMESTAMP,
            last_pushed: base_offset,
            overflow: false,
        }
    }

    /// A batch that holds some of the records of another, with everything else like it: offsets,
    /// epoch, producer, sequence, codec.
    pub fn like(header: &BatchHeader) -> Result<Self, BatchError> {
        Ok(Self {
            last_offset: Some(header.last_offset()),
            partition_leader_epoch: header.partition_leader_epoch,
            compression: header.codec()?,
            timestamp_type: header.timestamp_type(),
            producer_id: header.producer_id,
            producer_epoch: header.producer_epoch,
            base_sequence: header.base_sequence,
            is_transactional: header.is_transactional(),
            is_control: header.is_control(),
            delete_horizon_ms: header.delete_horizon_ms(),
            ..Self::new(header.base_offset)
        })
    }

    /// Appends a record at its own offset, which may leave a gap.
    pub fn push(&mut self, record: &Record) {
        self.push_parts(
            record.offset,
            record.timestamp,
            record.key.as_deref(),
            record.value.as_deref(),
            &record.headers,
        );
    }

    /// Appends a record right after the one before it.
    pub fn push_next(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>) {
        let offset = if self.count == 0 { self.base_offset } else { self.last_pushed + 1 };
        self.push_parts(offset, timestamp, key, value, &[]);
    }

    fn push_parts(
        &mut self,
        offset: i64,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(Bytes, Option<Bytes>)],
    ) {
        let base_timestamp =
            *self.base_timestamp.get_or_insert(self.delete_horizon_ms.unwrap_or(timestamp));
        let body = &mut self.scratch;
        body.clear();
        body.put_i8(0);
        put_varlong(body, timestamp.wrapping_sub(base_timestamp));
        put_varlong(body, offset - self.base_offset);
        put_nullable(body, key);
        put_nullable(body, value);
        put_varlong(body, headers.len() as i64);
        for (key, value) in headers {
            put_nullable(body, Some(key));
            put_nullable(body, value.as_deref());
        }
        put_varlong(&mut self.records, body.len() as i64);
        self.records.put_slice(body);
        self.overflow |= i32::try_from(offset - self.base_offset).is_err();
        self.count += 1;
        self.last_pushed = offset;
        self.largest_timestamp = self.largest_timestamp.max(timestamp);
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the batch so far, before compression.
    pub fn size_bytes(&self) -> usize {
        HEADER_BYTES + self.records.len()
    }

    /// Encodes the batch. Fails where offsets or bytes exceed what the format can count.
    pub fn build(&self) -> Result<Bytes, BatchError> {
        // Kafka's empty batches hold no compressed stream either.
        let compression = if self.count == 0 { Codec::None } else { self.compression };
        let compressed;
        let records: &[u8] = match compression {
            Codec::None => &self.records,
            codec => {
                compressed = compress(codec, &self.records);
                &compressed
            }
        };
        let last_offset = self.last_offset.unwrap_or(self.last_pushed);
        let last_offset_delta = i32::try_from(last_offset - self.base_offset);
        let batch_length = i32::try_from(HEADER_BYTES - LOG_OVERHEAD_BYTES + records.len());
        let (Ok(last_offset_delta), Ok(batch_length), false) =
            (last_offset_delta, batch_length, self.overflow)
        else {
            return Err(BatchError::Invalid("a batch holds 2 GiB and 2^31 offsets at most".into()));
        };
        let mut batch = BytesMut::with_capacity(HEADER_BYTES + records.len());
        batch.put_i64(self.base_offset);
        batch.put_i32(batch_length);
        batch.put_i32(self.partition_leader_epoch);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(self.attributes(compression));
        batch.put_i32(last_offset_delta);
        batch.put_i64(self.delete_horizon_ms.or(self.base_timestamp).unwrap_or(NO_TIMESTAMP));
        batch.put_i64(self.max_timestamp.unwrap_or(self.largest_timestamp));
        batch.put_i64(self.producer_id);
        batch.put_i16(self.producer_epoch);
        batch.put_i32(self.base_sequence);
        batch.put_i32(self.count);
        batch.put_slice(records);
        write_crc(&mut batch);
        Ok(batch.freeze())
    }

    fn attributes(&self, compression: Codec) -> i16 {
        let bit = |set: bool, bit: i16| if set { bit } else { 0 };
        i16::from(compression.id())
            | bit(self.timestamp_type == TimestampType::LogAppendTime, TIMESTAMP_TYPE_BIT)
            | bit(self.is_transactional, TRANSACTIONAL_BIT)
            | bit(self.is_control, CONTROL_BIT)
            | bit(self.delete_horizon_ms.is_some(), DELETE_HORIZON_BIT)
    }
}

fn put_nullable(buffer: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varlong(buffer, -1),
        Some(bytes) => {
            put_varlong(buffer, bytes.len() as i64);
            buffer.put_slice(bytes);
        }
    }
}

/// Zigzag, seven bits a byte. A small number takes the same bytes whether it is declared 32 or 64
/// bits wide.
fn put_varlong(buffer: &mut BytesMut, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        buffer.put_u8(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    buffer.put_u8(zigzag as u8);
}
