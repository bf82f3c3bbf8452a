//! Reads one file that somebody dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek};
use std::path::Path;

use ringfence_flow::{ByteSize, ContentHash};
use sha2::{Digest, Sha256};

use super::Stamp;
use crate::refusal::RefusalReason;

/// How much of a file is hashed at a time: what a core's cache holds.
const PART: usize = 128 << 10;

/// A regular file that is small enough.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    stamp: Stamp,
    limit: ByteSize,
}

impl Opened {
    /// Opens the file at `path`.
    ///
    /// # Errors
    /// It is no regular file, larger than `limit`, or cannot be opened.
    pub(super) fn open(path: &Path, limit: ByteSize) -> Result<Self, RefusalReason> {
        let file = open(path).map_err(RefusalReason::Unreadable)?;
        let metadata = file.metadata().map_err(RefusalReason::Unreadable)?;
        if !metadata.is_file() {
            return Err(RefusalReason::NotAFile);
        }
        let opened = Self {
            file,
            stamp: Stamp::of(&metadata),
            limit,
        };
        opened.check(metadata.len()).map(|()| opened)
    }

    /// What tells it from others, as it was opened.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Its content.
    ///
    /// # Errors
    /// It has grown beyond the limit, or cannot be read.
    pub(super) fn read(mut self) -> Result<Vec<u8>, RefusalReason> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.stamp.len()).unwrap_or(0));
        self.each_part(|part| bytes.extend_from_slice(part))?;
        Ok(bytes)
    }

    /// Its SHA-256 and its size, and the file itself once more. Only a part of it is
    /// in memory at a time: a Python agent is 18 MB, and finding room for them takes
    /// longer than hashing them.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(super) fn hash(mut self) -> Result<(Self, ContentHash, ByteSize), RefusalReason> {
        let mut hasher = Sha256::new();
        let size = self.each_part(|part| hasher.update(part))?;
        let hash = ContentHash::from_bytes(hasher.finalize().into());
        Ok((self, hash, size))
    }

    /// Reads it from its beginning to its end, and says how much that was.
    fn each_part(&mut self, mut take: impl FnMut(&[u8])) -> Result<ByteSize, RefusalReason> {
        self.file.rewind().map_err(RefusalReason::Unreadable)?;
        let mut part = vec![0; PART];
        let mut size = 0;
        loop {
            let count = match self.file.read(&mut part) {
                Ok(0) => return Ok(ByteSize::bytes(size)),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(RefusalReason::Unreadable(error)),
            };
            size += count as u64;
            // The file may grow while it is read.
            self.check(size)?;
            take(&part[..count]);
        }
    }

    fn check(&self, size: u64) -> Result<(), RefusalReason> {
        let (size, limit) = (ByteSize::bytes(size), self.limit);
        if size > limit {
            return Err(RefusalReason::TooLarge { size, limit });
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe waits for whoever writes to it, perhaps for ever.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NONBLOCK.bits().cast_signed(),
    );
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path, limit: ByteSize) -> Result<Vec<u8>, RefusalReason> {
        Opened::open(path, limit)?.read()
    }

    #[test]
    fn the_size_limit_is_kept_and_broken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        std::fs::write(&path, [0; 100]).unwrap();
        assert_eq!(read(&path, ByteSize::bytes(100)).unwrap().len(), 100);
        let error = read(&path, ByteSize::bytes(99)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "has 100 B, and a component may have at most 99 B"
        );
    }

    #[test]
    fn a_file_of_many_parts_is_hashed_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        let bytes: Vec<u8> = (0..3 * PART + 7).map(|i| i as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = Opened::open(&path, ByteSize::mib(1)).unwrap();
        let (file, found, size) = file.hash().unwrap();
        assert_eq!(found.as_bytes(), Sha256::digest(&bytes).as_slice());
        assert_eq!(size, ByteSize::bytes(bytes.len() as u64));
        assert_eq!(file.read().unwrap(), bytes, "from its beginning once more");
    }

    #[test]
    fn a_huge_file_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        let file = File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        let error = read(&path, ByteSize::mib(64)).unwrap_err();
        assert_eq!(error.code(), "component-too-large");
    }

    #[test]
    fn a_folder_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let error = read(dir.path(), ByteSize::mib(1)).unwrap_err();
        assert!(matches!(
            error,
            RefusalReason::NotAFile | RefusalReason::Unreadable(_)
        ));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pipe_does_not_block() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wasm");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let error = read(&path, ByteSize::mib(1)).unwrap_err();
        assert_eq!(error.code(), "not-a-file");
    }
}
