//! Two processes cannot drive one run.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ringfence_flow::RunId;

use crate::JournalError;

/// How often, and how long after each time, a lease is asked for again that is
/// not free: whoever looks whether somebody holds it holds it for a moment.
const GLANCES: u32 = 20;
const GLANCE: Duration = Duration::from_millis(5);

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
        for _ in 0..GLANCES {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        run: run.clone(),
                        _file: file,
                    });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(GLANCE),
                Err(TryLockError::Error(error)) => {
                    return Err(JournalError::unusable(&path, error));
                }
            }
        }
        Err(JournalError::Driven(run.clone()))
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
