//! Snapshot files: the whole image at one log position.
//!
//! ```text
//! "JANUSIMG" format:u32 | block* | end
//! block: length:u32 (> 0) crc32c:u32 bytes     the first holds the header, the others records
//! end:   0:u32            crc32c:u32           over the checksums of all blocks
//! ```
//!
//! A file is written under a temporary name, synced and renamed, so that a torn one is rare; its end
//! marker and checksums make it visible nevertheless.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crc_fast::CrcAlgorithm::Crc32Iscsi;
use metadata::codec::{decode_records, encode_records};
use metadata::{ClusterImage, ControllerEpoch, Offset, Record};
use serde::{Deserialize, Serialize};

use crate::config::OpenError;
use crate::database::unreadable;
use crate::machine::State;
use crate::types::{FORMAT, FormatError, SnapshotMeta, decode, encode};

const MAGIC: &[u8; 8] = b"JANUSIMG";
const PREFIX: &str = "snapshot-";
const TEMPORARY: &str = ".tmp";

/// Records of one block, and its size unless one record alone is larger.
const BLOCK_RECORDS_MAX: usize = 512;
const BLOCK_BYTES_MAX: usize = 1 << 20;
/// Nothing that we write comes near: a longer block is damage, not data.
const BLOCK_BYTES_LIMIT: usize = 16 << 20;

/// What stands before the records.
#[derive(Serialize, Deserialize)]
struct Header {
    meta: SnapshotMeta,
    epoch: ControllerEpoch,
    offset: Offset,
}

/// A complete file, held open: it can be read to its end after a newer one replaced it.
#[derive(Clone, Debug)]
pub(crate) struct SnapshotFile {
    path: PathBuf,
    file: Arc<File>,
    pub length: u64,
}

impl SnapshotFile {
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        Ok(Self { path, file: Arc::new(file), length })
    }

    /// At most `length` bytes from `offset` on.
    pub(crate) fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length.min(left)];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// The state in it, if it is whole.
    pub(crate) fn load(&self) -> io::Result<State> {
        load(&self.path)
    }

    /// Gives the file its final name, durably. Older ones are removed; a newer one stays, for one
    /// may be installed while another is built.
    pub(crate) fn settle(self, directory: &Path, index: u64) -> io::Result<Self> {
        let path = directory.join(format!("{PREFIX}{index:020}"));
        fs::rename(&self.path, &path)?;
        File::open(directory)?.sync_all()?;
        for (other, temporary) in list(directory)? {
            if !temporary && other < path {
                fs::remove_file(other)?;
            }
        }
        Ok(Self { path, ..self })
    }
}

/// Writes `state` to a new file of `directory`.
pub(crate) fn write(directory: &Path, state: &State) -> io::Result<SnapshotFile> {
    let meta = state.meta();
    let index = meta.last_log_id.map_or(0, |it| it.index);
    let path = directory.join(format!("{PREFIX}{index:020}.built{TEMPORARY}"));
    let mut blocks = Blocks { out: BufWriter::new(File::create(&path)?), checksums: Vec::new() };
    blocks.out.write_all(MAGIC)?;
    blocks.out.write_all(&FORMAT.to_be_bytes())?;
    blocks.write(&encode(&Header { meta, epoch: state.epoch, offset: state.offset }))?;
    for records in state.image.records().chunks(BLOCK_RECORDS_MAX) {
        blocks.write_records(records)?;
    }
    blocks.finish()?;
    SnapshotFile::open(path)?.settle(directory, index)
}

/// The newest whole snapshot of `directory` and its state. Damaged ones are reported and left out.
pub(crate) fn newest(directory: &Path) -> Result<Option<(SnapshotFile, State)>, OpenError> {
    let mut files = list(directory)?;
    files.sort_by(|(a, _), (b, _)| b.cmp(a));
    for (path, temporary) in files {
        if temporary {
            fs::remove_file(path)?;
            continue;
        }
        match load(&path) {
            Ok(state) => return Ok(Some((SnapshotFile::open(path)?, state))),
            Err(error) => match unreadable(error) {
                newer @ OpenError::Newer { .. } => return Err(newer),
                error => tracing::warn!("{} is ignored: {error}", path.display()),
            },
        }
    }
    Ok(None)
}

/// A file for a snapshot that is about to arrive. A leftover of an earlier attempt is overwritten.
pub(crate) fn incoming(directory: &Path) -> io::Result<(PathBuf, File)> {
    let path = directory.join(format!("{PREFIX}incoming{TEMPORARY}"));
    Ok((path.clone(), File::create(path)?))
}

/// All snapshot files, and whether they are temporary.
fn list(directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) {
            files.push((entry.path(), name.ends_with(TEMPORARY)));
        }
    }
    Ok(files)
}

fn load(path: &Path) -> io::Result<State> {
    let name = || path.display().to_string();
    let damaged = |reason: String| FormatError::Damaged { what: name(), reason };
    let mut input = BufReader::new(File::open(path)?);
    let mut magic = [0; MAGIC.len()];
    input.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(damaged("it is no snapshot".into()).into());
    }
    match read_u32(&mut input)? {
        FORMAT => {}
        found if found > FORMAT => {
            return Err(FormatError::Newer { what: name(), found, known: FORMAT }.into());
        }
        found => return Err(damaged(format!("format {found} does not exist")).into()),
    }
    let (mut checksums, mut header, mut image) = (Vec::new(), None, ClusterImage::default());
    loop {
        let (length, checksum) = (read_u32(&mut input)? as usize, read_u32(&mut input)?);
        if length == 0 {
            if checksum != crc(&checksums) {
                return Err(damaged("blocks are missing".into()).into());
            }
            break;
        }
        if length > BLOCK_BYTES_LIMIT {
            return Err(damaged(format!("a block claims {length} bytes")).into());
        }
        let mut bytes = vec![0; length];
        input.read_exact(&mut bytes)?;
        if crc(&bytes) != checksum {
            return Err(damaged("a checksum does not match".into()).into());
        }
        checksums.extend_from_slice(&checksum.to_be_bytes());
        match header {
            None => header = Some(decode::<Header>(name, &bytes)?),
            Some(_) => {
                let records = decode_records(&bytes)
                    .map_err(|error| FormatError::of_records(name(), error))?;
                records.iter().for_each(|record| image.apply(record));
            }
        }
    }
    let header = header.ok_or_else(|| damaged("it has no header".into()))?;
    Ok(State {
        offset: header.offset,
        applied: header.meta.last_log_id,
        membership: header.meta.last_membership,
        epoch: header.epoch,
        image,
    })
}

struct Blocks {
    out: BufWriter<File>,
    checksums: Vec<u8>,
}

impl Blocks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let checksum = crc(bytes).to_be_bytes();
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&checksum)?;
        self.out.write_all(bytes)?;
        self.checksums.extend_from_slice(&checksum);
        Ok(())
    }

    fn write_records(&mut self, records: &[Record]) -> io::Result<()> {
        let bytes = encode_records(records);
        if bytes.len() > BLOCK_BYTES_MAX && records.len() > 1 {
            let (first, second) = records.split_at(records.len() / 2);
            self.write_records(first)?;
            return self.write_records(second);
        }
        self.write(&bytes)
    }

    fn finish(mut self) -> io::Result<()> {
        self.out.write_all(&0u32.to_be_bytes())?;
        self.out.write_all(&crc(&self.checksums).to_be_bytes())?;
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }
}

fn crc(bytes: &[u8]) -> u32 {
    crc_fast::checksum(Crc32Iscsi, bytes) as u32
}

fn read_u32(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{LogId, NodeKey};
    use metadata::{Topic, Uuid};
    use openraft::impls::leader_id_std::LeaderId;
    use openraft::vote::RaftLeaderId;

    fn state(topics: u128) -> State {
        let index = u64::try_from(topics).unwrap();
        let mut state = State {
            applied: Some(LogId::new(leader(3).to_committed(), index)),
            epoch: ControllerEpoch { generation: 2, term: 3 },
            offset: index / 2,
            ..State::default()
        };
        for number in 0..topics {
            let name = format!("topic-{number}").into();
            let topic = Topic { name, id: Uuid::from_u128(number), partitions: 1 };
            state.image.apply(&Record::Topic(topic));
        }
        state
    }

    fn leader(term: u64) -> LeaderId<u64, NodeKey> {
        LeaderId::new(term, NodeKey { id: 1, directory_id: Uuid::nil() })
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written_and_replaces_older_ones() {
        let directory = tempfile::tempdir().unwrap();
        assert!(newest(directory.path()).unwrap().is_none());
        for topics in [3, 2000] {
            let before = state(topics);
            write(directory.path(), &before).unwrap();
            let (_, after) = newest(directory.path()).unwrap().unwrap();
            assert_eq!(after.meta(), before.meta());
            assert_eq!((after.epoch, after.offset), (before.epoch, before.offset));
            assert_eq!(after.image, before.image);
            assert_eq!(list(directory.path()).unwrap().len(), 1);
        }
        // One that was built while a newer one was installed.
        write(directory.path(), &state(5)).unwrap();
        let (_, after) = newest(directory.path()).unwrap().unwrap();
        assert_eq!(after.image.topics.len(), 2000);
    }

    #[test]
    fn whatever_is_torn_or_altered_is_ignored() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &state(3)).unwrap();
        let path = list(directory.path()).unwrap().remove(0).0;
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(newest(directory.path()).unwrap().is_none(), "cut at {length}");
        }
        for at in (0..8).chain(12..whole.len()) {
            let mut altered = whole.clone();
            altered[at] ^= 0x10;
            fs::write(&path, altered).unwrap();
            assert!(newest(directory.path()).unwrap().is_none(), "altered at {at}");
        }
        fs::write(&path, &whole).unwrap();
        assert!(newest(directory.path()).unwrap().is_some());
    }

    #[test]
    fn a_newer_format_is_refused_with_a_word() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &state(1)).unwrap();
        let path = list(directory.path()).unwrap().remove(0).0;
        let mut newer = fs::read(&path).unwrap();
        newer[11] = FORMAT as u8 + 1;
        fs::write(&path, newer).unwrap();
        assert!(matches!(newest(directory.path()), Err(OpenError::Newer { .. })));
    }
}
