//! Random histories of a log beside a list of batches: appends, reads, truncations, deletions, and
//! stops of every kind. Reads always equal the list.

use std::fs::OpenOptions;

use bytes::Bytes;
use partition_log::{LogConfig, ReadError, Recovery};
use proptest::prelude::*;
use records::{BatchBuilder, Codec, Record, RecordIter, batches};

use crate::support::{Fixture, INFLATED_BYTES_MAX};

#[derive(Clone, Debug)]
enum Step {
    Append {
        records: u8,
        value_bytes: u16,
        codec: u8,
        batches: u8,
    },
    /// Batches as a leader with gaps in its log sends them.
    Follow {
        gap: u8,
        records: u8,
    },
    /// To this share of the log's offsets.
    Truncate {
        share: u8,
    },
    StartAnew {
        gap: u8,
    },
    AdvanceStart {
        share: u8,
    },
    DeleteOld,
    Flush,
    FlushSealed,
    Read {
        share: u8,
        bytes_max: u16,
    },
    Close,
    /// The process dies and the last bytes of the active file are lost.
    Crash {
        lost_bytes: u16,
    },
    /// The process dies in the middle of a write.
    TornWrite {
        garbage: Vec<u8>,
    },
    LoseIndexes,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1u8..6, 0u16..400, 0u8..5, 1u8..4).prop_map(|(records, value_bytes, codec, batches)| {
            Step::Append { records, value_bytes, codec, batches }
        }),
        2 => (0u8..20, 1u8..5).prop_map(|(gap, records)| Step::Follow { gap, records }),
        1 => any::<u8>().prop_map(|share| Step::Truncate { share }),
        1 => (0u8..50).prop_map(|gap| Step::StartAnew { gap }).boxed(),
        1 => any::<u8>().prop_map(|share| Step::AdvanceStart { share }),
        1 => Just(Step::DeleteOld),
        1 => Just(Step::Flush),
        1 => Just(Step::FlushSealed),
        6 => (any::<u8>(), 0u16..3000)
            .prop_map(|(share, bytes_max)| Step::Read { share, bytes_max }),
        1 => Just(Step::Close),
        2 => (0u16..2000).prop_map(|lost_bytes| Step::Crash { lost_bytes }),
        1 => prop::collection::vec(any::<u8>(), 1..200)
            .prop_map(|garbage| Step::TornWrite { garbage }),
        1 => Just(Step::LoseIndexes),
    ]
}

/// A batch that should be in the log.
#[derive(Clone, Debug)]
struct Known {
    base_offset: i64,
    last_offset: i64,
    bytes: usize,
    records: Vec<Record>,
}

struct Model {
    fixture: Fixture,
    batches: Vec<Known>,
    start: i64,
    end: i64,
    epoch: i32,
    written: u64,
    /// What the checkpoint of the recovery point says: written at a flush, not at a truncation.
    checkpoint: i64,
}

fn records_of(record_set: &Bytes) -> Vec<Record> {
    batches(record_set)
        .flat_map(|batch| {
            let batch = record_set.slice(batch.expect("whole").0);
            RecordIter::new(&batch, INFLATED_BYTES_MAX).expect("open").map(|it| it.expect("record"))
        })
        .collect()
}

impl Model {
    fn new(tail_bytes: usize) -> Self {
        let config = LogConfig {
            segment_bytes: 4000,
            index_interval_bytes: 300,
            retention_ms: -1,
            retention_bytes: 9000,
            file_delete_delay_ms: 0,
            ..LogConfig::KAFKA
        };
        Self {
            fixture: Fixture::new(config, tail_bytes),
            batches: Vec::new(),
            start: 0,
            end: 0,
            epoch: 0,
            written: 0,
            checkpoint: 0,
        }
    }

    fn builder(&mut self, base: i64, count: u8, value_bytes: u16, codec: Codec) -> BatchBuilder {
        let mut builder = BatchBuilder::new(base);
        builder.compression = codec;
        for _ in 0..count {
            self.written += 1;
            let mut value = format!("{:08}", self.written).into_bytes();
            value.resize(8 + usize::from(value_bytes), b'.');
            builder.push_next(self.written as i64, Some(b"key"), Some(&value));
        }
        builder
    }

    fn share(&self, share: u8) -> i64 {
        self.start + (self.end - self.start) * i64::from(share) / 255
    }

    fn learn(&mut self, record_set: &Bytes, from: i64) {
        let mut base = from;
        for batch in batches(record_set) {
            let (range, header) = batch.expect("whole");
            // What a leader was sent starts at 0; what a follower was sent has its offsets.
            let base_offset = if header.base_offset == 0 { base } else { header.base_offset };
            let bytes = record_set.slice(range.clone());
            let mut records = records_of(&bytes);
            let shift = base_offset - header.base_offset;
            records.iter_mut().for_each(|record| record.offset += shift);
            let last_offset = header.last_offset() + shift;
            self.batches.push(Known { base_offset, last_offset, bytes: range.len(), records });
            base = last_offset + 1;
        }
        self.end = base;
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Append { records, value_bytes, codec, batches } => {
                let mut record_set = Vec::new();
                for _ in 0..batches {
                    let codec = Codec::ALL[usize::from(codec)];
                    let batch = self.builder(0, records, value_bytes, codec);
                    record_set.extend_from_slice(&batch.build().expect("build"));
                }
                if record_set.len() > 4000 {
                    return;
                }
                let record_set = Bytes::from(record_set);
                let log = &mut self.fixture.log;
                let appended =
                    log.append_as_leader(record_set.clone(), self.epoch, 0).expect("append");
                assert_eq!(appended.base_offset, self.end);
                self.learn(&record_set, self.end);
                assert_eq!(appended.last_offset + 1, self.end);
            }
            Step::Follow { gap, records } => {
                self.epoch += 1;
                let base = self.end + i64::from(gap);
                let mut builder = self.builder(base, records, 10, Codec::None);
                builder.partition_leader_epoch = self.epoch;
                let mut record_set = builder.build().expect("build").to_vec();
                let whole = Bytes::from(record_set.clone());
                record_set.extend_from_slice(&whole[..whole.len() / 2]);
                self.fixture.log.append_as_follower(record_set.into(), 0).expect("append");
                self.learn(&whole, base);
            }
            Step::Truncate { share } => {
                let to = self.share(share);
                let end = self.fixture.log.truncate_to(to).expect("truncate");
                self.forget_from(to);
                let straddled = self.end.min(to);
                assert!(end <= straddled, "the log ends at {end}, beyond {straddled}");
                assert!(self.batches.last().is_none_or(|last| last.last_offset < end));
                self.end = end;
                self.start = self.start.min(end);
            }
            Step::StartAnew { gap } => {
                let at = self.end + i64::from(gap);
                self.fixture.log.truncate_fully_and_start_at(at).expect("truncate");
                self.batches.clear();
                (self.start, self.end) = (at, at);
            }
            Step::AdvanceStart { share } => {
                let to = self.share(share);
                let moved = self.fixture.log.advance_log_start_offset(to).expect("advance");
                assert_eq!(moved, to > self.start);
                self.start = self.start.max(to);
            }
            Step::DeleteOld => {
                let removed = self.fixture.log.delete_old_segments(0, self.end).expect("delete");
                removed.unlink().expect("unlink");
                let start = self.fixture.log.log_start_offset();
                assert!(start >= self.start);
                self.start = start;
                let size = self.fixture.log.size_bytes();
                assert!(size < 9000 + 4000, "{size} bytes are left");
            }
            Step::Flush => self.checkpoint = self.fixture.log.flush().expect("flush"),
            Step::FlushSealed => {
                let log = &mut self.fixture.log;
                if let Some(plan) = log.plan_flush(log.active_base_offset()).expect("plan") {
                    plan.execute().expect("sync");
                    log.flushed(&plan);
                }
                assert!(log.recovery_point() >= log.active_base_offset().min(self.end));
            }
            Step::Read { share, bytes_max } => self.read(self.share(share), bytes_max.into()),
            Step::Close => {
                self.fixture.reopen_clean();
                self.end = self.end_on_disk();
                self.checkpoint = self.end;
            }
            Step::Crash { lost_bytes } => self.crash(lost_bytes.into()),
            Step::TornWrite { ref garbage } => self.torn_write(garbage),
            Step::LoseIndexes => self.lose_indexes(),
        }
        assert_eq!(self.fixture.log.log_end_offset(), self.end);
        assert_eq!(self.fixture.log.log_start_offset(), self.start);
        assert!(self.fixture.log.recovery_point() <= self.end);
    }

    fn forget_from(&mut self, offset: i64) {
        self.batches.retain(|batch| batch.last_offset < offset);
    }

    /// Reads from one offset, and compares with what the list says comes back.
    fn read(&self, from: i64, bytes_max: usize) {
        let read = self.fixture.log.read(from, bytes_max, self.end, true).expect("plan");
        let chunks = read.execute().expect("read");
        let found: Vec<Record> = chunks.iter().flat_map(records_of).collect();
        let mut bytes = 0;
        let expected: Vec<Record> = self
            .batches
            .iter()
            .filter(|batch| batch.last_offset >= from)
            .take_while(|batch| {
                bytes += batch.bytes;
                bytes == batch.bytes || bytes <= bytes_max
            })
            .flat_map(|batch| batch.records.clone())
            .collect();
        // A read may end early, where the memory or a segment does, but not without a batch.
        assert!(expected.starts_with(&found), "from {from}: {found:?} instead of {expected:?}");
        assert!(!found.is_empty() || expected.is_empty(), "nothing from {from}");
    }

    fn read_all(&self) {
        let mut from = self.start;
        let mut found = Vec::new();
        loop {
            let read = self.fixture.log.read(from, 700, self.end, true).expect("plan");
            let records: Vec<Record> =
                read.execute().expect("read").iter().flat_map(records_of).collect();
            let Some(last) = records.last() else { break };
            from = last.offset + 1;
            found.extend(records);
        }
        let visible = self.batches.iter().filter(|batch| batch.last_offset >= self.start);
        let expected: Vec<Record> = visible.flat_map(|batch| batch.records.clone()).collect();
        assert_eq!(found, expected);
        let beyond = self.fixture.log.read(self.end + 1, 1, self.end, true);
        assert!(matches!(beyond, Err(ReadError::OffsetOutOfRange { .. })));
    }

    fn active_file(&self) -> std::path::PathBuf {
        let base = self.fixture.log.active_base_offset();
        self.fixture.directory.join(format!("{base:020}.log"))
    }

    fn crash(&mut self, lost_bytes: u64) {
        let base = self.fixture.log.active_base_offset();
        let file = OpenOptions::new().write(true).open(self.active_file()).expect("open");
        let len = file.metadata().expect("metadata").len();
        // What was synced is not lost.
        let recovery_point = self.fixture.log.recovery_point();
        let mut synced = 0;
        for batch in self.batches.iter().filter(|batch| batch.base_offset >= base) {
            if batch.base_offset < recovery_point {
                synced += batch.bytes as u64;
            }
        }
        let len = len.saturating_sub(lost_bytes).max(synced);
        file.set_len(len).expect("truncate");
        let mut kept = 0;
        let (mut end, mut forgotten) = (base, None);
        for batch in self.batches.iter().filter(|batch| batch.base_offset >= base) {
            kept += batch.bytes as u64;
            if kept > len {
                forgotten = Some(batch.base_offset);
                break;
            }
            end = batch.last_offset + 1;
        }
        if let Some(offset) = forgotten {
            self.forget_from(offset);
            self.batches.retain(|batch| batch.base_offset < offset);
        }
        self.reopen(end);
    }

    fn torn_write(&mut self, garbage: &[u8]) {
        use std::io::Write;
        let mut file = OpenOptions::new().append(true).open(self.active_file()).expect("open");
        file.write_all(garbage).expect("write");
        self.reopen(self.end_on_disk());
    }

    /// The end that the files know: a truncation may have left the end above the last batch.
    fn end_on_disk(&self) -> i64 {
        let base = self.fixture.log.active_base_offset();
        let last = self.batches.last().map_or(base, |batch| batch.last_offset + 1);
        last.max(base).max(self.start)
    }

    fn reopen(&mut self, end: i64) {
        let recovery = Recovery {
            recovery_point: self.checkpoint,
            log_start_offset: self.start,
            clean_shutdown: false,
        };
        self.fixture.open(recovery);
        if end < self.start {
            // Everything is gone: the log starts where its start was known to be.
            self.batches.clear();
        }
        self.end = end.max(self.start);
    }

    fn lose_indexes(&mut self) {
        self.fixture.log.close().expect("close");
        for entry in std::fs::read_dir(&self.fixture.directory).expect("list") {
            let path = entry.expect("entry").path();
            if path.extension().is_some_and(|it| it == "index" || it == "timeindex") {
                std::fs::remove_file(path).expect("remove");
            }
        }
        let recovery = Recovery {
            recovery_point: self.end,
            log_start_offset: self.start,
            clean_shutdown: true,
        };
        self.fixture.open(recovery);
        self.end = self.end_on_disk();
        self.checkpoint = self.end;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_log_equals_the_list_of_what_was_appended(
        steps in prop::collection::vec(step(), 1..60),
        tail_bytes in prop_oneof![Just(0usize), Just(1500), Just(1 << 20)],
    ) {
        let mut model = Model::new(tail_bytes);
        for step in &steps {
            model.apply(step);
        }
        model.read_all();
        for from in model.start..=model.end {
            model.read(from, 500);
        }
    }
}
