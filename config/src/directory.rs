//! Who a log directory belongs to: `meta.properties`, and a lock against a second process.
//!
//! A directory is formatted before its first use and names its cluster, its node and itself.
//! Anything else is refused: a server that started on the wrong directory could serve another
//! cluster's records, or vote as a node whose disk was lost.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::properties;

const META_PROPERTIES: &str = "meta.properties";
const LOCK: &str = ".lock";

/// A cluster's name: 16 random bytes as 22 characters of base64url, never starting with a dash (it
/// could be taken for a flag).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClusterId(Uuid);

impl ClusterId {
    /// Makes an id of random bytes, which the caller draws.
    pub fn from_random_bytes(bytes: [u8; 16]) -> Self {
        let mut uuid = uuid::Builder::from_random_bytes(bytes).into_uuid().into_bytes();
        // The first six bits are the first character; 62 is the dash.
        if uuid[0] >> 2 == 62 {
            uuid[0] &= 0x7f;
        }
        Self(Uuid::from_bytes(uuid))
    }

    /// Reads an id. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!(
                "'{text}' is no cluster id: {why}; a cluster id has 22 characters of \
                 A-Z a-z 0-9 - _"
            )
        };
        if text.starts_with('-') {
            return Err(wrong("it starts with a dash"));
        }
        parse_uuid(text).map(Self).ok_or_else(|| {
            wrong(if text.len() == 22 {
                "it stands for no 16 bytes"
            } else {
                "its length is not 22"
            })
        })
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_uuid(&self.0))
    }
}

/// The 22 characters with which Kafka writes a UUID.
pub fn format_uuid(uuid: &Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(uuid.as_bytes())
}

/// Reads Kafka's 22 characters. Only the canonical spelling of a UUID is one.
pub fn parse_uuid(text: &str) -> Option<Uuid> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    Uuid::from_slice(&bytes).ok()
}

/// A log directory that belongs to this node and that no other process uses while this value lives.
#[derive(Debug)]
pub struct FormattedDirectory {
    pub path: PathBuf,
    pub cluster_id: ClusterId,
    pub node_id: i32,
    /// Drawn when it was formatted. A wiped and formatted disk is another directory.
    pub directory_id: Uuid,
    _lock: File,
}

/// Why a directory cannot be used. Each message names the path and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    #[error(
        "{} is not formatted; run: janus format --config FILE --cluster-id ID", path.display()
    )]
    NotFormatted { path: PathBuf },
    #[error(
        "{} is formatted already, for node {node_id} of cluster {cluster_id}; \
         empty it to format it anew", path.display()
    )]
    AlreadyFormatted { path: PathBuf, cluster_id: ClusterId, node_id: i32 },
    #[error(
        "{} belongs to cluster {found}, not to {expected}; point log.dirs at this cluster's \
         directory, or format an empty one", path.display()
    )]
    ForeignCluster { path: PathBuf, found: ClusterId, expected: ClusterId },
    #[error(
        "{} belongs to node {found}, but node.id is {expected}; set node.id={found}, or point \
         log.dirs at this node's directory", path.display()
    )]
    OtherNode { path: PathBuf, found: i32, expected: i32 },
    #[error(
        "{} is in use by another process; stop that one first, or use another directory",
        path.display()
    )]
    Locked { path: PathBuf },
    #[error("{} cannot be used: {reason}; repair it, or restore it from a replica", path.display())]
    Unreadable { path: PathBuf, reason: String },
}

/// Gives `directory` to a node of a cluster. It is created if it does not exist; its id is drawn by
/// the caller.
pub fn format(
    directory: &Path,
    cluster_id: ClusterId,
    node_id: i32,
    directory_id: Uuid,
) -> Result<(), DirectoryError> {
    let unreadable = |error: io::Error| unreadable(directory, error);
    fs::create_dir_all(directory).map_err(unreadable)?;
    let _lock = lock(directory)?;
    if let Some(meta) = read(directory)? {
        return Err(DirectoryError::AlreadyFormatted {
            path: directory.into(),
            cluster_id: meta.cluster_id,
            node_id: meta.node_id,
        });
    }
    let text = format!(
        "version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={}\n",
        format_uuid(&directory_id)
    );
    write(directory, &text).map_err(unreadable)
}

/// Takes a formatted directory into use: of the node `node_id`, and of `cluster` if it is known.
pub fn open(
    directory: &Path,
    node_id: i32,
    cluster: Option<ClusterId>,
) -> Result<FormattedDirectory, DirectoryError> {
    if !directory.exists() {
        return Err(DirectoryError::NotFormatted { path: directory.into() });
    }
    let lock = lock(directory)?;
    let meta =
        read(directory)?.ok_or_else(|| DirectoryError::NotFormatted { path: directory.into() })?;
    match cluster {
        Some(expected) if expected != meta.cluster_id => Err(DirectoryError::ForeignCluster {
            path: directory.into(),
            found: meta.cluster_id,
            expected,
        }),
        _ if meta.node_id != node_id => Err(DirectoryError::OtherNode {
            path: directory.into(),
            found: meta.node_id,
            expected: node_id,
        }),
        _ => Ok(FormattedDirectory {
            path: directory.into(),
            cluster_id: meta.cluster_id,
            node_id,
            directory_id: meta.directory_id,
            _lock: lock,
        }),
    }
}

struct Meta {
    cluster_id: ClusterId,
    node_id: i32,
    directory_id: Uuid,
}

fn read(directory: &Path) -> Result<Option<Meta>, DirectoryError> {
    let path = directory.join(META_PROPERTIES);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, error)),
    };
    let (properties, errors) = properties::parse(&text);
    let find = |key: &str| {
        let found = properties.iter().rev().find(|it| it.key == key);
        found.map(|it| it.value.trim()).ok_or_else(|| format!("{key} is missing"))
    };
    let meta = || -> Result<Meta, String> {
        if let Some(error) = errors.first() {
            return Err(format!("line {}: {}", error.line, error.reason));
        }
        let version = find("version")?;
        if version != "1" {
            return Err(format!("its version is {version}, and this program reads version 1"));
        }
        let node_id = find("node.id")?;
        let directory_id = find("directory.id")?;
        Ok(Meta {
            cluster_id: ClusterId::parse(find("cluster.id")?)?,
            node_id: node_id.parse().map_err(|_| format!("node.id '{node_id}' is no number"))?,
            directory_id: parse_uuid(directory_id)
                .ok_or_else(|| format!("directory.id '{directory_id}' is no id"))?,
        })
    };
    meta().map(Some).map_err(|reason| DirectoryError::Unreadable { path, reason })
}

/// All or nothing, and on disk before it returns.
fn write(directory: &Path, text: &str) -> io::Result<()> {
    let temporary = directory.join("meta.properties.tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, directory.join(META_PROPERTIES))?;
    File::open(directory)?.sync_all()
}

fn lock(directory: &Path) -> Result<File, DirectoryError> {
    let path = directory.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| unreadable(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DirectoryError::Locked { path: directory.into() }),
        Err(TryLockError::Error(error)) => Err(unreadable(&path, error)),
    }
}

fn unreadable(path: &Path, error: io::Error) -> DirectoryError {
    DirectoryError::Unreadable { path: path.into(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> ClusterId {
        ClusterId::parse("5L6g3nShT-eMCtK--X86sw").unwrap()
    }

    #[test]
    fn a_formatted_directory_opens_for_its_node_only() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("new");
        let error = open(&path, 1, None).unwrap_err();
        assert!(matches!(error, DirectoryError::NotFormatted { .. }), "{error}");
        let id = Uuid::from_bytes([7; 16]);
        format(&path, cluster(), 1, id).unwrap();
        let error = format(&path, cluster(), 1, id).unwrap_err();
        assert!(matches!(error, DirectoryError::AlreadyFormatted { .. }), "{error}");

        let directory = open(&path, 1, Some(cluster())).unwrap();
        assert_eq!((directory.cluster_id, directory.directory_id), (cluster(), id));
        let error = open(&path, 1, Some(cluster())).unwrap_err();
        assert!(matches!(error, DirectoryError::Locked { .. }), "{error}");
        drop(directory);
        let error = open(&path, 2, None).unwrap_err();
        assert!(error.to_string().contains("set node.id=1"), "{error}");
        let other = ClusterId::from_random_bytes([1; 16]);
        let error = open(&path, 1, Some(other)).unwrap_err();
        assert!(matches!(error, DirectoryError::ForeignCluster { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_damaged_or_newer_file_is_refused_with_its_reason() {
        let temporary = tempfile::tempdir().unwrap();
        let id = format_uuid(&Uuid::from_bytes([7; 16]));
        for (text, expected) in [
            ("version=1\nnode.id=1\n".to_string(), "directory.id is missing"),
            ("version=2\n".to_string(), "its version is 2"),
            ("".to_string(), "version is missing"),
            (
                format!("version=1\nnode.id=x\ncluster.id={}\ndirectory.id={id}", cluster()),
                "is no number",
            ),
            (format!("version=1\nnode.id=1\ncluster.id=x\ndirectory.id={id}"), "is no cluster id"),
            ("version=\\u12".to_string(), "line 1"),
        ] {
            fs::write(temporary.path().join(META_PROPERTIES), &text).unwrap();
            let error = open(temporary.path(), 1, None).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("repair it"), "{text}: {error}");
        }
    }

    #[test]
    fn cluster_ids_have_one_spelling_and_no_leading_dash() {
        assert_eq!(cluster().to_string(), "5L6g3nShT-eMCtK--X86sw");
        for text in [
            "",
            "5L6g3nShT-eMCtK--X86s",
            "5L6g3nShT-eMCtK--X86sx",
            "-L6g3nShT-eMCtK--X86sw",
            "5L6g3nShT-eMCtK--X86sw==",
        ] {
            assert!(ClusterId::parse(text).is_err(), "{text}");
        }
        for first in 0..=255 {
            let mut bytes = [first; 16];
            bytes[15] = 0;
            let id = ClusterId::from_random_bytes(bytes);
            assert_eq!(ClusterId::parse(&id.to_string()), Ok(id));
        }
    }
}
