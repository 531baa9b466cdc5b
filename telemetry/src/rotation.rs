//! A log file that begins anew when it is full: `broker-1.log`, then `broker-1.log.1` and so on.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where lines are appended. Renames when a line would not fit any more.
#[derive(Debug)]
pub struct Rotation {
    path: PathBuf,
    file: File,
    bytes: u64,
    file_bytes_max: u64,
    files: u32,
}

impl Rotation {
    /// Appends to `name` in `directory`, which is made if it is not there. At most `files` files of
    /// `file_bytes_max` each are kept, the one that is written included.
    pub fn open(directory: &Path, name: &str, file_bytes_max: u64, files: u32) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let path = directory.join(name);
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path, file, bytes, file_bytes_max, files })
    }

    /// Every file becomes one older, and the oldest goes.
    fn rotate(&mut self) -> io::Result<()> {
        for age in (1..self.files).rev() {
            let younger = if age == 1 { self.path.clone() } else { self.aged(age - 1) };
            match fs::rename(younger, self.aged(age)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.files == 1 {
            fs::remove_file(&self.path)?;
        }
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{age}"));
        path.into()
    }
}

impl Write for Rotation {
    /// `line` is whole: it is written to one file, and longer than the limit only if it stands alone.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.file_bytes_max {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("logs");
        let mut rotation = Rotation::open(&directory, "broker-1.log", 10, 3).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n", "a long line\n", "end\n"] {
            rotation.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
        assert_eq!(read("broker-1.log.2"), "four\nfive\n");
        assert_eq!(read("broker-1.log.1"), "a long line\n");
        assert_eq!(read("broker-1.log"), "end\n");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 3);

        // A server that starts again goes on where it was.
        let mut rotation = Rotation::open(&directory, "broker-1.log", 10, 1).unwrap();
        rotation.write_all(b"again\n").unwrap();
        assert_eq!(read("broker-1.log"), "end\nagain\n");
        rotation.write_all(b"anew\n").unwrap();
        assert_eq!(read("broker-1.log"), "anew\n");
    }
}
