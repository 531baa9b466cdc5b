//! Offsets by timestamp (ListOffsets): planned by the time index, found by opening one batch.

use bytes::Bytes;
use records::RecordIter;

use crate::log::Log;
use crate::read::ReadError;
use crate::segment::Walk;

/// Candidates for a search: the second one serves where DeleteRecords cut into the first.
const SEGMENTS_MAX: usize = 2;

/// A record found by its timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    pub timestamp: i64,
    pub offset: i64,
    pub leader_epoch: i32,
}

/// A search, planned under the partition's lock and executed without it.
#[derive(Debug)]
pub struct TimestampSearch {
    walks: Vec<Walk>,
    timestamp: i64,
    from: i64,
    limit_offset: i64,
    inflated_bytes_max: usize,
}

impl Log {
    /// Plans the search for the first record whose timestamp is `timestamp` or later, before
    /// `limit_offset`.
    pub fn offset_for_timestamp(
        &self,
        timestamp: i64,
        limit_offset: i64,
    ) -> Result<TimestampSearch, ReadError> {
        let mut walks = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let end = self.segments.get(index + 1).map_or(self.log_end_offset, |it| it.base_offset);
            let max = segment.max_timestamp(&self.home)?;
            if end <= self.log_start_offset || max.is_none_or(|max| max.timestamp < timestamp) {
                continue;
            }
            let from = segment.offset_before(&self.home, timestamp)?.max(self.log_start_offset);
            walks.push(segment.walk_to(&self.home, from)?);
            if walks.len() == SEGMENTS_MAX {
                break;
            }
        }
        Ok(TimestampSearch {
            walks,
            timestamp,
            from: self.log_start_offset,
            limit_offset: limit_offset.min(self.log_end_offset),
            inflated_bytes_max: self.config.inflated_bytes_max(),
        })
    }

    /// Plans the search for the first record that has the log's largest timestamp.
    pub fn offset_of_max_timestamp(&self, limit_offset: i64) -> Result<TimestampSearch, ReadError> {
        let mut largest = None;
        for segment in &self.segments {
            let max = segment.max_timestamp(&self.home)?.map(|max| max.timestamp);
            largest = largest.max(max);
        }
        match largest {
            Some(timestamp) => self.offset_for_timestamp(timestamp, limit_offset),
            // Nothing has a timestamp, so nothing is found.
            None => self.offset_for_timestamp(i64::MAX, limit_offset),
        }
    }
}

impl TimestampSearch {
    /// Reads headers until a batch is young enough, and opens that one.
    pub fn execute(self) -> Result<Option<TimestampOffset>, ReadError> {
        let mut next_offset = self.from;
        for mut walk in self.walks {
            while let Some((at, header)) =
                walk.next_header().map_err(|error| ReadError::of_walk(error, next_offset))?
            {
                next_offset = header.next_offset();
                if header.base_offset >= self.limit_offset {
                    return Ok(None);
                }
                if header.max_timestamp < self.timestamp || header.last_offset() < self.from {
                    continue;
                }
                let batch = walk.batch(at, &header);
                let batch: Bytes =
                    batch.map_err(|error| ReadError::of_walk(error, header.base_offset))?;
                let corrupt = |error| ReadError::Corrupt {
                    path: walk.path().to_owned(),
                    position: at.into(),
                    offset: header.base_offset,
                    error,
                };
                header.check_crc(&batch).map_err(corrupt)?;
                for record in RecordIter::new(&batch, self.inflated_bytes_max).map_err(corrupt)? {
                    let record = record.map_err(corrupt)?;
                    if record.timestamp >= self.timestamp && record.offset >= self.from {
                        return Ok((record.offset < self.limit_offset).then_some(
                            TimestampOffset {
                                timestamp: record.timestamp,
                                offset: record.offset,
                                leader_epoch: header.partition_leader_epoch,
                            },
                        ));
                    }
                }
            }
        }
        Ok(None)
    }
}
