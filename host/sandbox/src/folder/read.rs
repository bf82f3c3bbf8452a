//! Reads one file that somebody dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use ringfence_flow::ByteSize;

use super::Stamp;
use crate::refusal::RefusalReason;

/// A file that is small enough.
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
    pub(super) fn read(self) -> Result<Vec<u8>, RefusalReason> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.stamp.len()).unwrap_or(0));
        // The file may grow while it is read.
        (&self.file)
            .take(self.limit.as_u64().saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(RefusalReason::Unreadable)?;
        self.check(bytes.len() as u64).map(|()| bytes)
    }

    fn check(&self, size: u64) -> Result<(), RefusalReason> {
        if size <= self.limit.as_u64() {
            return Ok(());
        }
        Err(RefusalReason::TooLarge {
            size: ByteSize::bytes(size),
            limit: self.limit,
        })
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
