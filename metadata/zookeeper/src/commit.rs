//! One transaction of a term, applied exactly once however often it has to be sent.
//!
//! Every transaction checks the version of `/controller_epoch` (nobody else was elected since) and
//! sets `/janus/offset` on the version that it last had (nothing of this term is missing or still
//! under way). So a transaction whose answer was lost is simply sent again: if the first one was
//! applied the second is refused, and the token in `/janus/offset` tells that it was ours. What was
//! given up and is still under way somewhere can never be applied after the next one.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use metadata::{ControllerEpoch, Offset, Uuid};
use zookeeper_client::{CheckWriteError, Client, Error, MultiReadResult, MultiWriteResult};

use crate::layout::json::ReadError;
use crate::layout::plan::{CHANGES_BYTES_MAX, Change, missing_parents};
use crate::layout::signs::{self, OffsetJson};
use crate::layout::{CONTROLLER_EPOCH, OFFSET};
use crate::session::{PERSISTENT, is_lost, retried};
use crate::standing::Term;

/// Requests that are under way at once when many znodes are looked at.
const LOOKS_IN_FLIGHT: usize = 256;
/// How often a transaction is sent before its answers are given up.
const SENT_MAX: usize = 5;
/// How often the tree may turn out to differ from what is known of it, within one transaction.
const REPAIRS_MAX: usize = 3;

/// The last commit, and the version of the znode that counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) offset: Offset,
    pub(crate) version: i32,
}

/// Why a transaction is not known to be applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Somebody else was elected, and this changed nothing.
    #[error("epoch {current} has begun")]
    Fenced { current: ControllerEpoch },
    /// It is not known whether this was applied, or somebody must do something.
    #[error("{0}")]
    Unknown(String),
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> Self {
        Self::Unknown(error.to_string())
    }
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Unknown(error.to_string())
    }
}

/// How one try ended.
enum Try {
    Done {
        version: i32,
    },
    /// No answer: it may have been applied.
    Lost,
    /// The epoch is not the one of the term.
    Deposed,
    /// `/janus/offset` has another version.
    Overtaken,
    /// A znode is there, or is not, against what is known.
    Differs,
}

/// Writes the changes and counts the commit.
pub(crate) async fn write(
    term: &Term,
    cursor: Cursor,
    changes: Vec<Change>,
) -> Result<Cursor, WriteError> {
    write_at(term, cursor, cursor.offset + 1, changes).await
}

/// Makes sure that nothing which was sent earlier in this term is still under way.
pub(crate) async fn settle(term: &Term) -> Result<(), WriteError> {
    let (_, OffsetJson { offset, .. }, version) = read_fences(&term.client).await?;
    write_at(term, Cursor { offset, version }, offset, Vec::new()).await.map(drop)
}

async fn write_at(
    term: &Term,
    cursor: Cursor,
    offset: Offset,
    mut changes: Vec<Change>,
) -> Result<Cursor, WriteError> {
    let token = Uuid::new_v4();
    let (mut lost, mut repairs) = (0, 0);
    loop {
        match try_write(term, cursor.version, offset, token, &changes).await? {
            Try::Done { version } => return Ok(Cursor { offset, version }),
            Try::Lost if lost + 1 < SENT_MAX => lost += 1,
            Try::Lost => {
                let reason = "the connection breaks whenever this is sent; if it is large, is the \
                              ensemble's jute.maxbuffer lower than 1 MiB?";
                return Err(WriteError::Unknown(reason.into()));
            }
            Try::Deposed => return deposed(term, cursor, offset, token, lost > 0).await,
            Try::Overtaken => {
                let (_, found, version) = read_fences(&term.client).await?;
                if found.commit == token {
                    return Ok(Cursor { offset, version });
                }
                return Err(WriteError::Unknown(format!(
                    "{OFFSET} was written by somebody else: it has version {version}"
                )));
            }
            Try::Differs if repairs < REPAIRS_MAX => {
                repairs += 1;
                changes = repair(&term.client, changes).await?;
            }
            Try::Differs => {
                let reason = "the tree changes all the time: somebody else writes to it";
                return Err(WriteError::Unknown(reason.into()));
            }
        }
    }
}

async fn try_write(
    term: &Term,
    version: i32,
    offset: Offset,
    token: Uuid,
    changes: &[Change],
) -> Result<Try, WriteError> {
    let client = &term.client;
    let mut writer = client.new_check_writer(CONTROLLER_EPOCH, Some(term.epoch_version))?;
    writer.add_set_data(OFFSET, &signs::offset(offset, token), Some(version))?;
    for change in changes {
        match change {
            Change::Create { path, data } => writer.add_create(path, data, &PERSISTENT)?,
            Change::Set { path, data } => writer.add_set_data(path, data, None)?,
            Change::Delete { path } => writer.add_delete(path, None)?,
        }
    }
    match writer.commit().await {
        Ok(results) => match results.first() {
            Some(MultiWriteResult::SetData { stat }) => Ok(Try::Done { version: stat.version }),
            other => Err(WriteError::Unknown(format!("the ensemble answered {other:?}"))),
        },
        Err(CheckWriteError::RequestFailed { source }) if is_lost(&source) => Ok(Try::Lost),
        Err(CheckWriteError::CheckFailed { source: Error::BadVersion | Error::NoNode }) => {
            Ok(Try::Deposed)
        }
        Err(CheckWriteError::OperationFailed { index: 0, source: Error::BadVersion }) => {
            Ok(Try::Overtaken)
        }
        Err(CheckWriteError::OperationFailed {
            source: Error::NoNode | Error::NodeExists | Error::NotEmpty,
            index: 1..,
        }) => Ok(Try::Differs),
        Err(CheckWriteError::OperationFailed { index, source }) => {
            let path =
                index.checked_sub(1).and_then(|it| changes.get(it)).map_or(OFFSET, Change::path);
            Err(WriteError::Unknown(format!("{path}: {source}")))
        }
        Err(error) => Err(WriteError::Unknown(error.to_string())),
    }
}

/// What became of a transaction that met another epoch. Had it been applied earlier, its token would
/// be there until the next leader commits.
async fn deposed(
    term: &Term,
    cursor: Cursor,
    offset: Offset,
    token: Uuid,
    lost: bool,
) -> Result<Cursor, WriteError> {
    let (current, found, version) = read_fences(&term.client).await?;
    if found.commit == token {
        return Ok(Cursor { offset, version });
    }
    if lost && version != cursor.version {
        let reason = "the connection was lost, and then leadership";
        return Err(WriteError::Unknown(reason.into()));
    }
    let current = ControllerEpoch { term: current, ..term.epoch };
    if current <= term.epoch {
        return Err(WriteError::Unknown(format!(
            "{CONTROLLER_EPOCH} was written by somebody else: it is {}",
            current.term
        )));
    }
    Err(WriteError::Fenced { current })
}

/// The controller epoch; and the last commit, with the version of its znode.
pub(crate) async fn read_fences(client: &Client) -> Result<(u64, OffsetJson, i32), WriteError> {
    let results = retried(|| async {
        let synced = client.sync("/");
        let mut reader = client.new_multi_reader();
        reader.add_get_data(CONTROLLER_EPOCH)?;
        reader.add_get_data(OFFSET)?;
        let read = reader.commit();
        synced.await?;
        read.await
    })
    .await?;
    let mut values = results.into_iter().map(|result| match result {
        MultiReadResult::Data { data, stat } => Ok((data, stat.version)),
        MultiReadResult::Error { err } => Err(err),
        _ => Err(Error::RuntimeInconsistent),
    });
    let mut next = |path: &str| match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(WriteError::Unknown(format!("{path}: {error}"))),
        None => Err(WriteError::Unknown(format!("{path}: no answer"))),
    };
    let ((epoch, _), (offset, version)) = (next(CONTROLLER_EPOCH)?, next(OFFSET)?);
    let epoch = signs::parse_controller_epoch(CONTROLLER_EPOCH, &epoch)?;
    Ok((epoch, signs::parse_offset(OFFSET, &offset)?, version))
}

/// The same changes, made to fit the tree as it is: somebody else created or deleted znodes.
async fn repair(client: &Client, changes: Vec<Change>) -> Result<Vec<Change>, WriteError> {
    let parents: Vec<String> = missing_parents(&changes).into_iter().map(str::to_owned).collect();
    let mut paths = parents.clone();
    paths.extend(changes.iter().map(|change| change.path().to_owned()));
    let exists: BTreeMap<String, bool> = stream::iter(paths)
        .map(|path| look(client.clone(), path))
        .buffered(LOOKS_IN_FLIGHT)
        .try_collect()
        .await?;
    let is_there = |path: &str| exists.get(path).copied().unwrap_or(false);
    let mut repaired = Vec::new();
    for path in parents.into_iter().filter(|path| !is_there(path)) {
        tracing::warn!("{path} was deleted by somebody else: it is created again");
        repaired.push(Change::Create { path, data: Vec::new() });
    }
    for change in changes {
        repaired.extend(match change {
            Change::Create { path, data } if is_there(&path) => {
                tracing::warn!("{path} was created by somebody else: it is replaced");
                vec![Change::Set { path, data }]
            }
            Change::Set { path, data } if !is_there(&path) => {
                tracing::warn!("{path} was deleted by somebody else: it is created again");
                vec![Change::Create { path, data }]
            }
            Change::Delete { path } if !is_there(&path) => Vec::new(),
            Change::Delete { path } => vec![Change::Delete { path }],
            change => vec![change],
        });
    }
    delete_strangers(client, &mut repaired).await?;
    let bytes: usize = repaired.iter().map(|change| change.encoded_len(client.path())).sum();
    if bytes > CHANGES_BYTES_MAX {
        return Err(WriteError::Unknown(format!(
            "the tree differs too much from what it should be: {bytes} bytes of repair"
        )));
    }
    Ok(repaired)
}

async fn look(client: Client, path: String) -> Result<(String, bool), Error> {
    let stat = retried(|| client.check_stat(&path)).await?;
    Ok((path, stat.is_some()))
}

/// A znode goes with everything below it, whoever put it there.
async fn delete_strangers(client: &Client, changes: &mut Vec<Change>) -> Result<(), Error> {
    let deleted: Vec<String> = changes
        .iter()
        .filter(|change| matches!(change, Change::Delete { .. }))
        .map(|change| change.path().to_owned())
        .collect();
    let mut strangers = Vec::new();
    for path in &deleted {
        for below in descendants(client, path).await? {
            if !deleted.contains(&below) && !strangers.contains(&below) {
                tracing::warn!("{below} was created by somebody else: it goes with {path}");
                strangers.push(below);
            }
        }
    }
    // Children before parents, and all of them before what is above them.
    strangers.sort_by_key(|path| std::cmp::Reverse(path.matches('/').count()));
    changes.splice(0..0, strangers.into_iter().map(|path| Change::Delete { path }));
    Ok(())
}

/// Everything below a znode, parents before their children.
pub(crate) async fn descendants(client: &Client, path: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut level = vec![path.to_owned()];
    while !level.is_empty() {
        let listed: Vec<Vec<String>> = stream::iter(level)
            .map(|path| list(client.clone(), path))
            .buffered(LOOKS_IN_FLIGHT)
            .try_collect()
            .await?;
        level = listed.into_iter().flatten().collect();
        found.extend(level.iter().cloned());
    }
    Ok(found)
}

/// The paths of a znode's children.
async fn list(client: Client, path: String) -> Result<Vec<String>, Error> {
    match retried(|| client.list_children(&path)).await {
        Ok(names) => Ok(names.iter().map(|name| format!("{path}/{name}")).collect()),
        Err(Error::NoNode) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
