//! Two processes cannot drive one run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use ringfence_flow::RunId;

use crate::JournalError;

/// The right to drive a run: a lock on a file, which the system takes back
/// when the process dies, however it dies.
#[derive(Debug)]
pub struct Lease {
    run: RunId,
    // Held open, and so locked, as long as the lease lives.
    _file: File,
}

impl Lease {
    /// Takes the lease of a run.
    pub(crate) fn take(folder: &Path, run: &RunId) -> Result<Self, JournalError> {
        let path = place(folder, run);
        let file = open(folder, &path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                run: run.clone(),
                _file: file,
            }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Driven(run.clone())),
            Err(TryLockError::Error(error)) => Err(JournalError::unusable(&path, error)),
        }
    }

    /// Whether somebody holds the lease of a run.
    pub(crate) fn is_held(folder: &Path, run: &RunId) -> bool {
        let file = File::open(place(folder, run));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }
}

fn place(folder: &Path, run: &RunId) -> PathBuf {
    folder.join(format!("{run}.lease"))
}

fn open(folder: &Path, path: &Path) -> Result<File, JournalError> {
    fs::create_dir_all(folder).map_err(JournalError::disk(folder))?;
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(JournalError::disk(path))
}
