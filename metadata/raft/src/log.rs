//! The raft log and the vote, as openraft wants to see them.
//!
//! A big-endian index is the key of an entry. The vote is on disk before `save_vote` returns; entries
//! are readable at once and reported as flushed by the database's flusher.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};

use futures::stream::{self, Stream};
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::type_config::alias::VoteOf;
use openraft::{OptionalSend, RaftLogReader};

use crate::database::Database;
use crate::types::{Entry, LogId, TypeConfig, Vote, decode, encode};

const VOTE: &str = "vote";
const COMMITTED: &str = "committed";
const PURGED: &str = "purged";

/// Encoded entries that one read returns, unless a single one is larger.
const READ_BYTES_MAX: usize = 1 << 20;

/// The log. Clones share it; readers are clones.
#[derive(Clone)]
pub(crate) struct LogStore {
    database: Database,
}

impl LogStore {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    /// The entries from `from` on, before `to`: at least one if there is one, and no more than
    /// `bytes_max` encoded beyond that.
    fn read(&self, from: u64, to: u64, bytes_max: usize) -> io::Result<Vec<Entry>> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        self.database.scan(from, to, |index, value| {
            bytes += value.len();
            if bytes > bytes_max && !entries.is_empty() {
                return false;
            }
            let entry = decode::<Entry>(|| format!("raft entry {index}"), value);
            let good = entry.is_ok();
            entries.push(entry);
            good
        })?;
        Ok(entries.into_iter().collect::<Result<_, _>>()?)
    }

    /// Fails if a newer version wrote this log, or if it is damaged where a start needs it.
    pub(crate) async fn check(&self) -> io::Result<()> {
        let mut log = self.clone();
        log.read_vote().await?;
        log.read_committed().await?;
        log.get_log_state().await.map(drop)
    }

    /// Index up to which entries were removed.
    pub(crate) fn purged(&self) -> io::Result<Option<LogId>> {
        self.database.get_meta(PURGED)
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn entries_stream<RB>(
        &mut self,
        range: RB,
    ) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (from, to) = bounds(&range);
        let state = (self.clone(), from, to, Vec::new().into_iter());
        Box::pin(stream::try_unfold(state, |(log, from, to, mut entries)| async move {
            if let Some(entry) = entries.next() {
                return Ok(Some((entry, (log, from, to, entries))));
            }
            let mut entries = log.read(from, to, READ_BYTES_MAX)?.into_iter();
            let from = from + entries.len() as u64;
            Ok(entries.next().map(|entry| (entry, (log, from, to, entries))))
        }))
    }

    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        let (from, to) = bounds(&range);
        self.read(from, to, usize::MAX)
    }

    async fn limited_get_log_entries(&mut self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        self.read(from, to, READ_BYTES_MAX)
    }

    async fn read_vote(&mut self) -> io::Result<Option<VoteOf<TypeConfig>>> {
        self.database.get_meta(VOTE)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let last_purged_log_id = self.purged()?;
        let last_log_id = match self.database.last()? {
            Some(value) => Some(decode::<Entry>(|| "the last raft entry".into(), &value)?.log_id),
            None => last_purged_log_id,
        };
        Ok(LogState { last_purged_log_id, last_log_id })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.database.put_meta(VOTE, vote)?;
        self.database.flushed().await
    }

    /// Rides with the next sync: whoever restarts with an older value replays less of the log
    /// before it hears from the leader.
    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.database.put_meta(COMMITTED, &committed)
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.database.get_meta::<Option<LogId>>(COMMITTED)?.flatten())
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        self.database
            .append(entries.into_iter().map(|entry| (entry.log_id.index, encode(&entry))))?;
        self.database.on_flushed(Box::new(move |result| flushed.io_completed(result)))
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let from = last.map_or(0, |last| last.index + 1);
        self.database.remove(from, u64::MAX, None)
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.database.remove(0, upto.index + 1, Some((PURGED, encode(&upto))))
    }
}

fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
    let from = match range.start_bound() {
        Bound::Included(from) => *from,
        Bound::Excluded(before) => before + 1,
        Bound::Unbounded => 0,
    };
    let to = match range.end_bound() {
        Bound::Included(last) => last + 1,
        Bound::Excluded(to) => *to,
        Bound::Unbounded => u64::MAX,
    };
    (from, to)
}
