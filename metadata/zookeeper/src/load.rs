//! The whole tree, read once: three rounds of pipelined requests, however large the cluster is.

use futures::future::join_all;
use futures::{StreamExt, TryStreamExt, stream};
use zookeeper_client::{Client, Error, MultiReadResult, Stat};

use crate::commit::{Cursor, WriteError, read_fences};
use crate::layout::assembly::{Assembled, Assembly};
use crate::layout::json::ReadError;
use crate::layout::{DIRECTORIES, OFFSET, SINGLE, Znode};
use crate::session::retried;

/// Znodes that one request reads. Topics can be large, states are small.
const TOPICS_AT_ONCE: usize = 32;
const STATES_AT_ONCE: usize = 512;
/// Requests that are under way at once.
const READS_IN_FLIGHT: usize = 8;
/// How often a tree that somebody else writes to is read again.
const TRIES_MAX: usize = 5;

/// The tree at one offset.
pub(crate) struct Loaded {
    pub(crate) cursor: Cursor,
    pub(crate) tree: Assembled,
}

/// Reads until nobody has committed meanwhile. Nobody does while the caller leads.
pub(crate) async fn load(client: &Client) -> Result<Loaded, WriteError> {
    for _ in 0..TRIES_MAX {
        let before = read_fences(client).await?;
        let tree = read_tree(client).await?;
        let (term, offset, version) = read_fences(client).await?;
        if (before.0, before.2) == (term, version) {
            tracing::debug!("loaded the tree at offset {}", offset.offset);
            let cursor = Cursor { offset: offset.offset, version };
            return Ok(Loaded { cursor, tree });
        }
    }
    Err(WriteError::Unknown("the tree changes faster than it can be read".into()))
}

async fn read_tree(client: &Client) -> Result<Assembled, WriteError> {
    let mut assembly = Assembly::default();
    let offset = retried(|| client.check_stat(OFFSET)).await?;
    let committed = offset.map_or(i64::MAX, |stat| stat.mzxid);
    let mut foreign = Vec::new();
    let mut add = |assembly: &mut Assembly, read: Vec<(Znode, Vec<u8>, Stat)>| {
        for (znode, data, stat) in read {
            if stat.mzxid > committed {
                foreign.push(format!("{} was written after the last commit", znode.path()));
            }
            assembly.add(znode, &data);
        }
    };
    let znodes = list(client, &mut assembly).await?;
    let (topics, others): (Vec<_>, Vec<_>) =
        znodes.into_iter().partition(|znode| matches!(znode, Znode::Topic(_)));
    let topics = read(client, topics, TOPICS_AT_ONCE).await?;
    add(&mut assembly, topics);
    let states: Vec<Znode> = assembly.states().collect();
    let rest = read(client, others.into_iter().chain(states).collect(), STATES_AT_ONCE).await?;
    add(&mut assembly, rest);
    let mut tree = assembly.finish()?;
    tree.findings.extend(foreign);
    Ok(tree)
}

/// What there is to read, without the states of partitions.
async fn list(client: &Client, assembly: &mut Assembly) -> Result<Vec<Znode>, Error> {
    let lists = retried(|| async {
        let lists: Vec<_> =
            DIRECTORIES.iter().map(|(path, _)| client.list_children(path)).collect();
        let mut listed = Vec::new();
        for names in join_all(lists).await {
            listed.push(match names {
                Ok(names) => names,
                Err(Error::NoNode) => Vec::new(),
                Err(error) => return Err(error),
            });
        }
        Ok(listed)
    })
    .await?;
    let mut znodes = SINGLE.to_vec();
    for (directory, names) in DIRECTORIES.into_iter().zip(lists) {
        znodes.extend(names.iter().filter_map(|name| assembly.child(directory, name)));
    }
    Ok(znodes)
}

/// The znodes that are there, in order.
async fn read(
    client: &Client,
    znodes: Vec<Znode>,
    at_once: usize,
) -> Result<Vec<(Znode, Vec<u8>, Stat)>, WriteError> {
    let batches: Vec<Vec<Znode>> = znodes.chunks(at_once).map(<[Znode]>::to_vec).collect();
    let read: Vec<Vec<_>> = stream::iter(batches)
        .map(|batch| read_batch(client.clone(), batch))
        .buffered(READS_IN_FLIGHT)
        .try_collect()
        .await?;
    Ok(read.into_iter().flatten().collect())
}

async fn read_batch(
    client: Client,
    batch: Vec<Znode>,
) -> Result<Vec<(Znode, Vec<u8>, Stat)>, WriteError> {
    let results = retried(|| {
        let mut reader = client.new_multi_reader();
        let added = batch.iter().try_for_each(|znode| reader.add_get_data(&znode.path()));
        let read = reader.commit();
        async move {
            added?;
            read.await
        }
    })
    .await?;
    let mut found = Vec::new();
    for (znode, result) in batch.into_iter().zip(results) {
        match result {
            MultiReadResult::Data { data, stat } => found.push((znode, data, stat)),
            // Never written, or just deleted.
            MultiReadResult::Error { err: Error::NoNode } => {}
            MultiReadResult::Error { err } => return Err(err.into()),
            _ => return Err(ReadError::malformed(&znode.path(), "no value").into()),
        }
    }
    Ok(found)
}
