//! A session with the ensemble, and the tree that must be there before anything else.

use futures::future::join_all;
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions, Error};

use crate::config::{Ensemble, OpenError, ZooKeeperConfig};
use crate::layout::json::{self, ReadError};
use crate::layout::signs;
use crate::layout::{BASE, CLUSTER_ID, CONTROLLER_EPOCH, FEATURE, JANUS, OFFSET, candidate_path};
use metadata::{ClusterImage, Uuid};

pub(crate) const PERSISTENT: CreateOptions<'static> =
    CreateMode::Persistent.with_acls(Acls::anyone_all());
pub(crate) const EPHEMERAL: CreateOptions<'static> =
    CreateMode::Ephemeral.with_acls(Acls::anyone_all());

/// A session with the ensemble.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// The transaction by which this controller registered. What was written under its id before is
    /// from an earlier session.
    pub(crate) registered: i64,
}

/// Why a session cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// Try again.
    #[error(transparent)]
    Lost(#[from] Error),
    /// This will not change by itself.
    #[error(transparent)]
    Refused(#[from] OpenError),
}

/// Begins a session, prepares the tree and registers this controller. The session stays when its
/// client is dropped, as it would if the process died; whoever leaves in order deletes its ephemeral
/// znodes. `term` is the newest one that was ever seen here.
pub(crate) async fn begin(
    ensemble: &Ensemble,
    config: &ZooKeeperConfig,
    term: u64,
) -> Result<Session, SessionError> {
    let client = connect(ensemble).await?;
    prepare(&client, config, term).await?;
    let path = candidate_path(config.controller_id);
    let registered = claim(&client, &path, &signs::candidate(&config.endpoint)).await?;
    Ok(Session { client, registered })
}

/// A session below the chroot, which is created where it is missing.
pub(crate) async fn connect(ensemble: &Ensemble) -> Result<Client, SessionError> {
    let Ensemble { servers, chroot, session_timeout } = ensemble;
    let connector = Client::connector().with_session_timeout(*session_timeout);
    let client = connector.with_detached().connect(servers).await?;
    tracing::info!(
        "session {} with ZooKeeper {servers}: timeout {} ms, asked for {} ms",
        client.session_id(),
        client.session_timeout().as_millis(),
        session_timeout.as_millis()
    );
    if chroot.is_empty() {
        return Ok(client);
    }
    retried(|| client.mkdir(chroot, &PERSISTENT)).await?;
    let unusable = |_| OpenError::Config(format!("zookeeper.connect: unusable chroot {chroot}"));
    Ok(client.chroot(chroot.as_str()).map_err(unusable)?)
}

/// Creates an ephemeral znode of this session, instead of what an earlier one left, and says by
/// which transaction.
pub(crate) async fn claim(client: &Client, path: &str, data: &[u8]) -> Result<i64, Error> {
    retried(|| try_claim(client, path, data)).await
}

async fn try_claim(client: &Client, path: &str, data: &[u8]) -> Result<i64, Error> {
    loop {
        let found = client.check_stat(path).await?;
        let mut writer = client.new_multi_writer();
        if let Some(stat) = found {
            if stat.ephemeral_owner == client.session_id().0 {
                return Ok(stat.czxid);
            }
            writer.add_delete(path, Some(stat.version))?;
        }
        writer.add_create(path, data, &EPHEMERAL)?;
        match writer.commit().await.map_err(Error::from) {
            // It has just come, or gone: look again.
            Ok(_) | Err(Error::NodeExists | Error::BadVersion) => {}
            Err(Error::NoNode) if found.is_some() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a connection broke before the answer came. The library is connecting again then, and the
/// next request waits for that. (It reports a connection that went silent by an error of its own.)
pub(crate) fn is_lost(error: &Error) -> bool {
    matches!(error, Error::ConnectionLoss | Error::Custom(_))
}

/// Repeats what a lost connection interrupted, until the session is over.
pub(crate) async fn retried<T, F>(operation: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match operation().await {
            Err(error) if is_lost(&error) => {}
            other => return other,
        }
    }
}

/// The value of a znode, if it exists.
pub(crate) async fn read(client: &Client, path: &str) -> Result<Option<Vec<u8>>, Error> {
    match retried(|| client.get_data(path)).await {
        Ok((data, _)) => Ok(Some(data)),
        Err(Error::NoNode) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sees to it that the tree is there, that it is ours, and that this program can read it.
async fn prepare(client: &Client, config: &ZooKeeperConfig, term: u64) -> Result<(), SessionError> {
    let connect = || config.connect.clone();
    let unreadable =
        |error: ReadError| OpenError::Unreadable { connect: connect(), reason: error.to_string() };
    if let Some(data) = read(client, JANUS).await? {
        signs::check_format(JANUS, &data).map_err(unreadable)?;
    }
    if let Some(data) = read(client, CLUSTER_ID).await? {
        let found = json::parse_cluster_id(CLUSTER_ID, &data).map_err(unreadable)?;
        if found != config.cluster_id {
            let expected = config.cluster_id.clone();
            return Err(OpenError::Foreign { connect: connect(), found, expected }.into());
        }
    }
    Ok(retried(|| create_missing(client, term)).await?)
}

/// Looks first: a refused creation would be a transaction too.
async fn create_missing(client: &Client, term: u64) -> Result<(), Error> {
    let base = BASE.into_iter().map(|path| match path {
        JANUS => (path, signs::format()),
        OFFSET => (path, signs::offset(0, Uuid::nil())),
        FEATURE => (path, json::features(&ClusterImage::default())),
        _ => (path, Vec::new()),
    });
    let base: Vec<_> = base.chain([(CONTROLLER_EPOCH, term.to_string().into_bytes())]).collect();
    let looks: Vec<_> = base.iter().map(|(path, _)| client.check_stat(path)).collect();
    let mut missing = Vec::new();
    for (found, (path, data)) in join_all(looks).await.into_iter().zip(&base) {
        if found?.is_none() {
            missing.push(client.create(path, data, &PERSISTENT));
        }
    }
    for created in join_all(missing).await {
        match created {
            Ok(_) | Err(Error::NodeExists) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
