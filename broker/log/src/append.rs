//! Appending: what a leader checks and assigns, and what a follower takes over.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use records::{
    BatchBuilder, BatchError, BatchHeader, NO_TIMESTAMP, RecordIter, TimestampType, batches,
    set_base_offset, set_log_append_time, set_partition_leader_epoch,
};

use crate::disk::StorageError;
use crate::epochs::EpochEntry;
use crate::log::{Log, LogError};
use crate::producers::ProducerError;
use crate::segment::{AppendFailure, Segment};

/// What an append did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record; of the original where the batch was there already.
    pub base_offset: i64,
    pub last_offset: i64,
    /// The broker's clock where the topic stamps records with it, else -1.
    pub log_append_time_ms: i64,
    pub bytes: usize,
    pub records: u64,
    /// An idempotent producer sent this batch before: nothing was appended.
    pub duplicate: bool,
}

/// Why nothing was appended. Each variant is one Kafka error code.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// `CORRUPT_MESSAGE`: damaged on the way, worth a retry.
    #[error("{0}")]
    CorruptMessage(String),
    /// `INVALID_RECORD`: wrong, and wrong again when retried.
    #[error("{0}")]
    InvalidRecord(String),
    /// `MESSAGE_TOO_LARGE`: one batch exceeds `max.message.bytes`.
    #[error("a batch of {bytes} bytes exceeds max.message.bytes ({bytes_max})")]
    MessageTooLarge { bytes: usize, bytes_max: usize },
    /// `RECORD_LIST_TOO_LARGE`: all batches together exceed `segment.bytes`.
    #[error("{bytes} bytes in one append exceed segment.bytes ({bytes_max})")]
    RecordListTooLarge { bytes: usize, bytes_max: usize },
    /// `INVALID_TIMESTAMP`.
    #[error("{0}")]
    InvalidTimestamp(String),
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    #[error("{0}")]
    OutOfOrderSequence(ProducerError),
    /// `INVALID_PRODUCER_EPOCH`.
    #[error("{0}")]
    InvalidProducerEpoch(ProducerError),
    /// `UNSUPPORTED_FOR_MESSAGE_FORMAT`: message format v0 or v1.
    #[error("{0}")]
    UnsupportedForMessageFormat(BatchError),
    /// `UNSUPPORTED_COMPRESSION_TYPE`.
    #[error("{0}")]
    UnsupportedCompressionType(BatchError),
    /// A leader's batches do not continue this follower's log: fetch again from the log end.
    #[error("batches from offset {first} do not continue the log at {log_end_offset}")]
    OffsetsOutOfOrder { first: i64, log_end_offset: i64 },
    /// `INVALID_TXN_STATE`: transactional and control batches need what is not built yet.
    #[error("transactional and control batches are not accepted")]
    NotTransactional,
    /// `KAFKA_STORAGE_ERROR`.
    #[error(transparent)]
    Io(#[from] StorageError),
    /// `KAFKA_STORAGE_ERROR`: an earlier write failed and could not be undone.
    #[error("the log is offline since a write to it failed")]
    Offline,
}

impl From<BatchError> for AppendError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::UnsupportedFormat(_) => Self::UnsupportedForMessageFormat(error),
            BatchError::UnsupportedCompression(_) => Self::UnsupportedCompressionType(error),
            BatchError::Incomplete { .. } | BatchError::Corrupt(_) => {
                Self::CorruptMessage(error.to_string())
            }
            BatchError::Invalid(_) | BatchError::TooLarge { .. } => {
                Self::InvalidRecord(error.to_string())
            }
        }
    }
}

impl From<ProducerError> for AppendError {
    fn from(error: ProducerError) -> Self {
        match error {
            ProducerError::InvalidEpoch { .. } => Self::InvalidProducerEpoch(error),
            ProducerError::OutOfOrderSequence { .. } => Self::OutOfOrderSequence(error),
        }
    }
}

/// Below this size, what a follower received is copied out of the buffer it came in.
const DETACHED_BYTES_MAX: usize = 16 * 1024;
/// Offsets that one segment can span.
const SPAN_MAX: i64 = i32::MAX as i64;

type Batches = Vec<(Range<usize>, BatchHeader)>;

impl Log {
    /// Appends what a producer sent: checks the batches, gives them offsets and the leader epoch.
    ///
    /// All batches of the record set are appended, or none. A client's request may hold only one
    /// batch per partition (`INVALID_RECORD` otherwise); that rule is the API's.
    pub fn append_as_leader(
        &mut self,
        record_set: Bytes,
        leader_epoch: i32,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        let batches = self.check_produced(&record_set, now_ms)?;
        let headers = batches.iter().map(|(_, header)| header);
        if let Some(original) = self.producers.check(headers)? {
            return Ok(Appended {
                base_offset: original.base_offset(),
                last_offset: original.last_offset,
                log_append_time_ms: match self.config.timestamp_type {
                    TimestampType::CreateTime => NO_TIMESTAMP,
                    TimestampType::LogAppendTime => original.timestamp,
                },
                bytes: 0,
                records: 0,
                duplicate: true,
            });
        }
        let (record_set, mut batches) = self.open_where_configured(record_set, batches)?;
        let bytes = self.assign(record_set, &mut batches, leader_epoch, now_ms);
        self.write(bytes, &batches, now_ms)
    }

    /// Appends what a leader sent, as it is. A batch that is cut off at the end is ignored.
    pub fn append_as_follower(
        &mut self,
        record_set: Bytes,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        let mut checked: Batches = Vec::new();
        let mut next_offset = self.log_end_offset;
        for batch in batches(&record_set) {
            let (range, header) = match batch {
                Ok(batch) => batch,
                Err(BatchError::Incomplete { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            header.check_crc(&record_set[range.clone()])?;
            if header.base_offset < next_offset {
                if checked.is_empty() && self.starts_inside(&header) {
                    // The leader's log starts inside this batch, and it sends whole ones.
                    self.truncate_fully_and_start_at(header.base_offset).map_err(storage)?;
                } else {
                    let log_end_offset = self.log_end_offset;
                    let first = header.base_offset;
                    return Err(AppendError::OffsetsOutOfOrder { first, log_end_offset });
                }
            }
            next_offset = header.next_offset();
            checked.push((range, header));
        }
        let whole = checked.last().map_or(0, |(range, _)| range.end);
        let span = checked.last().zip(checked.first());
        if span.is_some_and(|(last, first)| last.1.last_offset() - first.1.base_offset > SPAN_MAX) {
            return self.write_one_by_one(record_set, checked, now_ms);
        }
        self.write(detach(record_set.slice(..whole)), &checked, now_ms)
    }

    /// Gaps that compaction left may take the batches of one append further apart than one
    /// segment can hold.
    fn write_one_by_one(
        &mut self,
        record_set: Bytes,
        batches: Batches,
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        let mut total: Option<Appended> = None;
        for (range, header) in batches {
            let batch = detach(record_set.slice(range.clone()));
            let appended = self.write(batch, &[(0..range.len(), header)], now_ms)?;
            total = Some(match total {
                None => appended,
                Some(total) => Appended {
                    base_offset: total.base_offset,
                    bytes: total.bytes + appended.bytes,
                    records: total.records + appended.records,
                    ..appended
                },
            });
        }
        Ok(total.expect("batches that span offsets are not none"))
    }

    fn starts_inside(&self, header: &BatchHeader) -> bool {
        self.log_start_offset == self.log_end_offset && header.next_offset() > self.log_end_offset
    }

    fn check_produced(&self, record_set: &Bytes, now_ms: i64) -> Result<Batches, AppendError> {
        let bytes_max = self.config.segment_bytes as usize;
        if record_set.len() > bytes_max {
            let bytes = record_set.len();
            return Err(AppendError::RecordListTooLarge { bytes, bytes_max });
        }
        let mut checked = Vec::with_capacity(1);
        for batch in batches(record_set) {
            let (range, header) = batch?;
            let bytes_max = self.config.max_message_bytes as usize;
            if range.len() > bytes_max {
                return Err(AppendError::MessageTooLarge { bytes: range.len(), bytes_max });
            }
            header.validate_produced(&record_set[range.clone()])?;
            if header.base_offset != 0 {
                return Err(AppendError::InvalidRecord(format!(
                    "the base offset of a produced batch is 0, not {}",
                    header.base_offset
                )));
            }
            if header.is_transactional() || header.is_control() {
                return Err(AppendError::NotTransactional);
            }
            self.check_timestamps(&header, now_ms)?;
            checked.push((range, header));
        }
        match checked.is_empty() {
            true => Err(AppendError::InvalidRecord("the record set has no batch".into())),
            false => Ok(checked),
        }
    }

    fn check_timestamps(&self, header: &BatchHeader, now_ms: i64) -> Result<(), AppendError> {
        if header.timestamp_type() == TimestampType::LogAppendTime {
            return Err(AppendError::InvalidTimestamp(
                "a producer may not set the timestamp type LogAppendTime".into(),
            ));
        }
        if self.config.timestamp_type == TimestampType::LogAppendTime {
            return Ok(());
        }
        let too_old = |timestamp: i64| {
            timestamp != NO_TIMESTAMP
                && now_ms.saturating_sub(timestamp) > self.config.timestamp_before_max_ms
        };
        let ahead_ms = header.max_timestamp.saturating_sub(now_ms);
        if too_old(header.base_timestamp)
            || too_old(header.max_timestamp)
            || ahead_ms > self.config.timestamp_after_max_ms
        {
            return Err(AppendError::InvalidTimestamp(format!(
                "timestamps {} to {} are out of range at {now_ms}: message.timestamp.before.max.ms \
                 is {}, message.timestamp.after.max.ms is {}",
                header.base_timestamp,
                header.max_timestamp,
                self.config.timestamp_before_max_ms,
                self.config.timestamp_after_max_ms
            )));
        }
        Ok(())
    }

    /// Opens the batches only where the topic is compacted, so that every record must have a key,
    /// or where it has a codec of its own.
    fn open_where_configured(
        &self,
        record_set: Bytes,
        batches: Batches,
    ) -> Result<(Bytes, Batches), AppendError> {
        let recompress = |header: &BatchHeader| {
            self.config.compression.filter(|codec| header.codec().ok() != Some(*codec))
        };
        let must_recompress = batches.iter().any(|(_, header)| recompress(header).is_some());
        if !self.config.compact && !must_recompress {
            return Ok((record_set, batches));
        }
        let mut rebuilt = BytesMut::new();
        for (range, header) in &batches {
            let batch = record_set.slice(range.clone());
            let mut builder = BatchBuilder::like(header)?;
            for record in RecordIter::new(&batch, self.config.inflated_bytes_max())? {
                let record = record.map_err(|it| AppendError::InvalidRecord(it.to_string()))?;
                if self.config.compact && record.key.is_none() {
                    return Err(AppendError::InvalidRecord(
                        "a record without a key was sent to a compacted topic".into(),
                    ));
                }
                if must_recompress {
                    builder.push(&record);
                }
            }
            if must_recompress {
                builder.compression = recompress(header).unwrap_or(builder.compression);
                rebuilt.extend_from_slice(&builder.build()?);
            }
        }
        if !must_recompress {
            return Ok((record_set, batches));
        }
        let rebuilt = rebuilt.freeze();
        let batches = records::batches(&rebuilt).collect::<Result<Batches, _>>()?;
        let bytes_max = self.config.max_message_bytes as usize;
        match batches.iter().map(|(range, _)| range.len()).find(|bytes| *bytes > bytes_max) {
            Some(bytes) => Err(AppendError::MessageTooLarge { bytes, bytes_max }),
            None => Ok((rebuilt, batches)),
        }
    }

    /// Writes offsets, epoch and perhaps the time into the headers.
    fn assign(
        &self,
        record_set: Bytes,
        batches: &mut Batches,
        leader_epoch: i32,
        now_ms: i64,
    ) -> Bytes {
        let mut bytes = own(record_set);
        let mut offset = self.log_end_offset;
        for (range, header) in batches.iter_mut() {
            let batch = &mut bytes[range.clone()];
            set_base_offset(batch, offset);
            set_partition_leader_epoch(batch, leader_epoch);
            if self.config.timestamp_type == TimestampType::LogAppendTime {
                set_log_append_time(batch, now_ms);
            }
            *header = BatchHeader::parse(batch).expect("a patched header stays well formed");
            offset = header.next_offset();
        }
        bytes.into()
    }

    fn write(
        &mut self,
        bytes: Bytes,
        batches: &[(Range<usize>, BatchHeader)],
        now_ms: i64,
    ) -> Result<Appended, AppendError> {
        if self.damaged {
            return Err(AppendError::Offline);
        }
        let (Some((_, first)), Some((_, last))) = (batches.first(), batches.last()) else {
            return Ok(Appended {
                base_offset: self.log_end_offset,
                last_offset: self.log_end_offset - 1,
                log_append_time_ms: NO_TIMESTAMP,
                bytes: 0,
                records: 0,
                duplicate: false,
            });
        };
        let (base_offset, last_offset) = (first.base_offset, last.last_offset());
        self.roll_where_due(bytes.len(), batches, now_ms)?;
        for (_, header) in batches {
            let entry = EpochEntry {
                epoch: header.partition_leader_epoch,
                start_offset: header.base_offset,
            };
            let newer = self.last_epoch().is_none_or(|last| last < entry.epoch);
            self.epochs_unwritten |= newer && self.epochs.insert(entry);
        }
        let active = self.segments.last_mut().expect("a log has an active segment");
        match active.append(&self.home, &self.config, &bytes, batches) {
            Ok(()) => (),
            Err(AppendFailure::Unchanged(error)) => return Err(error.into()),
            Err(AppendFailure::Damaged(error)) => {
                self.damaged = true;
                return Err(error.into());
            }
        }
        let appended = Appended {
            base_offset,
            last_offset,
            log_append_time_ms: match last.timestamp_type() {
                TimestampType::CreateTime => NO_TIMESTAMP,
                TimestampType::LogAppendTime => last.max_timestamp,
            },
            bytes: bytes.len(),
            records: batches.iter().map(|(_, header)| header.records_count as u64).sum(),
            duplicate: false,
        };
        for (range, header) in batches {
            let marker = || crate::open::marker(&bytes.slice(range.clone()));
            self.producers.update(header, header.is_control().then(marker).flatten());
        }
        self.log_end_offset = last_offset + 1;
        self.tail.push(&self.home.shared.tails, base_offset, last_offset, bytes);
        self.unsynced_since_ms.get_or_insert(now_ms);
        if self.log_end_offset.saturating_sub(self.recovery_point) >= self.config.flush_messages {
            self.flush()?;
        }
        Ok(appended)
    }

    /// Seals the active segment where the append would make it too large or too old.
    fn roll_where_due(
        &mut self,
        len: usize,
        batches: &[(Range<usize>, BatchHeader)],
        now_ms: i64,
    ) -> Result<(), StorageError> {
        let (Some((_, first)), Some((_, last))) = (batches.first(), batches.last()) else {
            return Ok(());
        };
        let max_timestamp =
            batches.iter().map(|(_, header)| header.max_timestamp).max().unwrap_or(NO_TIMESTAMP);
        let active = self.active();
        let due = active.is_full(&self.config, len, last.last_offset())
            || active.size > 0
                && active.age_ms(max_timestamp, now_ms) > self.segment_ms(active.base_offset);
        match due {
            true => self.roll(first.base_offset, now_ms),
            false => Ok(()),
        }
    }

    /// `segment.ms` less this segment's jitter, which its base offset and directory decide.
    fn segment_ms(&self, base_offset: i64) -> i64 {
        let segment_ms = match self.config.compact {
            true => self.config.segment_ms.min(self.config.max_compaction_lag_ms),
            false => self.config.segment_ms,
        };
        let jitter_ms = self.config.segment_jitter_ms.min(segment_ms);
        if jitter_ms <= 0 {
            return segment_ms;
        }
        let name = self.home.directory.as_os_str().as_encoded_bytes();
        let spread = records::crc32c(&[name, &base_offset.to_be_bytes()].concat());
        segment_ms - i64::from(spread) % jitter_ms
    }

    /// Seals the active segment and begins one at `base_offset`.
    pub(crate) fn roll(&mut self, base_offset: i64, now_ms: i64) -> Result<(), StorageError> {
        let active = self.segments.last_mut().expect("a log has an active segment");
        if active.base_offset == base_offset {
            // Nothing is in it: time passed, or an index limit of zero.
            return Ok(());
        }
        active.seal(&self.home)?;
        active.modified_ms = now_ms;
        self.producers.write_snapshot(&self.home.directory, base_offset)?;
        let segment = Segment::create(&self.home, base_offset, now_ms)?;
        self.segments.push(segment);
        self.directory_changes += 1;
        Ok(())
    }
}

/// The bytes to patch: the same memory where nobody else holds it, else a copy.
///
/// They stay in the tail cache, which counts their length. So they must not keep a much larger
/// buffer alive: a request may be one small batch within a megabyte of anything.
fn own(record_set: Bytes) -> Vec<u8> {
    if !record_set.is_unique() {
        return record_set.to_vec();
    }
    let mut bytes = Vec::from(record_set);
    if bytes.capacity() > 2 * bytes.len() {
        bytes.shrink_to_fit();
    }
    bytes
}

/// A follower's bytes need no patch. Few of them are copied, so that they do not keep the buffer
/// alive that they were received in; many of them are most of that buffer.
fn detach(record_set: Bytes) -> Bytes {
    match record_set.len() < DETACHED_BYTES_MAX {
        true => Bytes::copy_from_slice(&record_set),
        false => record_set,
    }
}

fn storage(error: LogError) -> AppendError {
    match error {
        LogError::Storage(error) => AppendError::Io(error),
        other => AppendError::CorruptMessage(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_batch_does_not_keep_the_request_alive() {
        let request = Bytes::from(vec![7; 1 << 20]);
        let batch = request.slice(1000..1200);
        drop(request);
        let owned = own(batch);
        assert_eq!(owned, [7; 200]);
        assert!(owned.capacity() <= 400, "{}", owned.capacity());
    }

    #[test]
    fn a_batch_that_is_most_of_its_request_is_not_copied() {
        let request = Bytes::from(vec![7; 1 << 20]);
        let start = request.as_ptr();
        let owned = own(request);
        assert_eq!(owned.as_ptr(), start);
    }
}
