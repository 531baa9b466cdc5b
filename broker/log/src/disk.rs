//! Every access of this crate to a disk. One module, so that a simulated disk can take its place.
//!
//! Errors carry what was attempted on which file. Nothing here retries: a failed write or sync is
//! the caller's to judge.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;

/// A file system call that failed. The replica is offline until its directory is opened again;
/// `KAFKA_STORAGE_ERROR` to clients.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {source}", path.display())]
pub struct StorageError {
    pub operation: &'static str,
    pub path: PathBuf,
    pub source: io::Error,
}

impl StorageError {
    /// The disk or a quota is full: what was there still is, and the same call may succeed later.
    pub fn is_out_of_space(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// This process has run out of something, not the disk: descriptors or memory.
    pub fn is_out_of_resources(&self) -> bool {
        use rustix::io::Errno;
        let scarce = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN];
        Errno::from_io_error(&self.source).is_some_and(|error| scarce.contains(&error))
    }

    pub(crate) fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self { operation, path: path.to_owned(), source }
    }

    pub(crate) fn of<'a>(
        operation: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::new(operation, path, source)
    }
}

type Result<T> = std::result::Result<T, StorageError>;

/// An open file that is read and written at positions.
#[derive(Debug)]
pub(crate) struct DiskFile {
    path: PathBuf,
    file: File,
}

impl DiskFile {
    /// Opens an existing file for reading and writing.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, OpenOptions::new().read(true).write(true))
    }

    /// Opens a file for reading and writing; makes it where it is missing.
    pub(crate) fn open_or_create(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        Self::open_with(path, options.read(true).write(true).create(true).truncate(false))
    }

    /// Opens a file for reading and writing, empty whether or not it was there.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        Self::open_with(path, options.read(true).write(true).create(true).truncate(true))
    }

    fn open_with(path: &Path, options: &OpenOptions) -> Result<Self> {
        let file = options.open(path).map_err(StorageError::of("open", path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// The path under which the file was opened; it may have been renamed since.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata().map_err(StorageError::of("inspect", &self.path))?;
        Ok(metadata.len())
    }

    /// Reads up to `len` bytes from `position`; fewer only where the file ends.
    pub(crate) fn read_at(&self, position: u64, len: usize) -> Result<Bytes> {
        self.read_into(Bytes::new(), position, len)
    }

    /// Like [`Self::read_at`], into the memory of `used` where nobody else holds it: fresh memory
    /// costs more than the read.
    pub(crate) fn read_into(&self, mut used: Bytes, position: u64, len: usize) -> Result<Bytes> {
        let mut buffer = Vec::new();
        if used.is_unique() {
            used.truncate(0);
            buffer = Vec::from(used);
        }
        buffer.reserve_exact(len);
        while buffer.len() < len {
            let at = position + buffer.len() as u64;
            match rustix::io::pread(&self.file, rustix::buffer::spare_capacity(&mut buffer), at) {
                Ok(0) => break,
                Ok(_) => (),
                Err(rustix::io::Errno::INTR) => (),
                Err(error) => {
                    return Err(StorageError::new("read", &self.path, error.into()));
                }
            }
        }
        // The memory may be larger than what was asked for.
        buffer.truncate(len);
        Ok(buffer.into())
    }

    /// Writes all of `bytes` at `position`. After an error, any part of it may have been written.
    pub(crate) fn write_at(&self, position: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, position).map_err(StorageError::of("write to", &self.path))
    }

    pub(crate) fn truncate(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(StorageError::of("truncate", &self.path))
    }

    /// Sets when the file counts as written last.
    pub(crate) fn set_modified_ms(&self, modified_ms: i64) -> Result<()> {
        let since = Duration::from_millis(u64::try_from(modified_ms).unwrap_or(0));
        let modified = UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH);
        self.file.set_modified(modified).map_err(StorageError::of("date", &self.path))
    }

    /// Makes contents and length durable (fdatasync).
    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(StorageError::of("sync", &self.path))
    }
}

/// A name in a directory.
#[derive(Clone, Debug)]
pub(crate) struct DirectoryEntry {
    pub(crate) name: String,
    pub(crate) len: u64,
    pub(crate) modified_ms: i64,
}

/// Takes `bytes` on the disk of a directory and gives them back: an error where there is no room.
pub fn claim_room(directory: &Path, bytes: usize) -> Result<()> {
    static BLOCK: [u8; 64 * 1024] = [0; 64 * 1024];
    let path = directory.join("room.tmp");
    let claimed = File::create(&path).and_then(|mut file| {
        for _ in 0..bytes.div_ceil(BLOCK.len()) {
            file.write_all(&BLOCK)?;
        }
        file.sync_data()
    });
    remove(&path)?;
    claimed.map_err(StorageError::of("write", &path))
}

/// The regular files of a directory; names that are not UTF-8 are none of ours.
pub(crate) fn list(directory: &Path) -> Result<Vec<DirectoryEntry>> {
    let error = |source| StorageError::new("list", directory, source);
    let mut entries = Vec::new();
    for entry in fs::read_dir(directory).map_err(error)? {
        let entry = entry.map_err(error)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let metadata = entry.metadata().map_err(error)?;
        if metadata.is_dir() && name.ends_with(".log") {
            // Without it, its records would be missing and nobody would notice.
            let error = io::ErrorKind::IsADirectory.into();
            return Err(StorageError::new("read", &entry.path(), error));
        }
        if metadata.is_file() {
            entries.push(DirectoryEntry {
                name,
                len: metadata.len(),
                modified_ms: modified_ms(&metadata),
            });
        }
    }
    Ok(entries)
}

fn modified_ms(metadata: &fs::Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0)
}

/// Makes a directory where it is missing. True: it was, so nothing is in it.
pub(crate) fn create_directory(directory: &Path) -> Result<bool> {
    match fs::create_dir(directory) {
        Ok(()) => Ok(true),
        Err(_) if directory.is_dir() => Ok(false),
        Err(_) => {
            fs::create_dir_all(directory).map_err(StorageError::of("create", directory))?;
            Ok(true)
        }
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(StorageError::of("sync", directory))
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(StorageError::of("rename", from))
}

/// Removes a file that may be gone already.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StorageError::new("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Removes a directory and everything in it; it may be gone already.
pub(crate) fn remove_directory(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StorageError::new("remove", directory, error))
        }
        _ => Ok(()),
    }
}

/// The contents of a small file; `None` where it is missing.
pub(crate) fn read_small(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::new("read", path, error)),
    }
}

/// Replaces a small file so that a crash leaves the old contents or the new ones.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<()> {
    let temporary = temporary(path);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_data()
    });
    written.map_err(StorageError::of("write", &temporary))?;
    rename(&temporary, path)
}

/// Writes a small file that is not there. A process killed meanwhile leaves none, or an empty one;
/// so may a machine that stops, where the file system keeps a name and loses what it named.
pub(crate) fn write_new(path: &Path, contents: &[u8]) -> Result<()> {
    fs::write(path, contents).map_err(StorageError::of("write", path))
}

/// Replaces a small file whose loss with the machine does no harm: a killed process leaves the old
/// contents or the new ones.
pub(crate) fn write_unsynced(path: &Path, contents: &[u8]) -> Result<()> {
    let temporary = temporary(path);
    fs::write(&temporary, contents).map_err(StorageError::of("write", &temporary))?;
    rename(&temporary, path)
}

fn temporary(path: &Path) -> PathBuf {
    let mut temporary = path.to_owned().into_os_string();
    temporary.push(".tmp");
    temporary.into()
}
