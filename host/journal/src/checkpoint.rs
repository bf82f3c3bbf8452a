//! Moves what was written ahead to where it belongs, beside the journal's thread.
//!
//! SQLite does that itself after a commit, and the next one waits for it: two more
//! synced writes and a copy of all that has gathered. A thread with a connection of its
//! own does it while the next entries are committed. Those take longer meanwhile, as
//! they wait for the same disk; so where a step waits for each commit, it is done at
//! once.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use crate::{JournalError, schema};

/// After so many bytes it is due: the thousand pages that SQLite has by default.
const DUE: usize = 4 << 20;

/// What a commit writes besides its entries, in bytes: whole pages, of which two are
/// begun by others.
const COMMIT: usize = 2 * 4_096;

/// The pages written ahead from which on SQLite does it itself after a commit: 32 MiB.
/// What is written ahead begins anew only when all of it was moved, and while entries
/// keep coming a thread beside never gets to the end.
pub(crate) const AT_MOST_PAGES: i64 = 8_192;

/// Has it done when it is due.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    path: PathBuf,
    /// The bytes since it was last due, more or less.
    bytes: usize,
    /// Starts when it is first needed: most runs are small.
    mover: Option<Mover>,
}

/// The thread.
#[derive(Debug)]
struct Mover {
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// For the journal at `path`.
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            bytes: 0,
            mover: None,
        }
    }

    /// So many bytes of entries were committed at once. Whether it is due now.
    pub(crate) fn committed(&mut self, bytes: usize) -> bool {
        self.bytes += bytes + COMMIT;
        let is_due = self.bytes >= DUE;
        if is_due {
            self.bytes = 0;
        }
        is_due
    }

    #[cfg(test)]
    pub(crate) fn has_a_thread(&self) -> bool {
        self.mover.is_some()
    }

    /// Has it done beside. Without a thread SQLite does it alone.
    pub(crate) fn wake(&mut self) {
        if self.mover.is_none() {
            self.mover = Mover::start(self.path.clone());
        }
        if let Some(mover) = &self.mover {
            // One that was woken and has not begun moves all there is.
            let _ = mover.wake.try_send(());
        }
    }
}

impl Drop for Checkpoints {
    /// Waits for the thread: the last to close the file tidies up after all.
    fn drop(&mut self) {
        if let Some(Mover { wake, thread }) = self.mover.take() {
            drop(wake);
            // A panic in there has been told, and nothing is lost by it.
            let _ = thread.join();
        }
    }
}

impl Mover {
    fn start(path: PathBuf) -> Option<Self> {
        let (wake, due) = mpsc::sync_channel(1);
        let started = thread::Builder::new()
            .name("journal-ahead".to_owned())
            .spawn(move || {
                if let Err(error) = serve(&path, &due) {
                    tracing::debug!(%error, "who writes moves what was written ahead");
                }
            });
        let thread = started.ok()?;
        Some(Self { wake, thread })
    }
}

/// Does it whenever it is woken, until nobody can wake it any more.
fn serve(path: &Path, due: &Receiver<()>) -> Result<(), JournalError> {
    let db = schema::open_to_read(path)?;
    db.pragma_update(None, "synchronous", "FULL")
        .map_err(JournalError::sqlite(path))?;
    while due.recv().is_ok() {
        run(&db);
    }
    Ok(())
}

/// Does it here. It waits for nobody who reads or writes, and moves what it can.
pub(crate) fn run(db: &Connection) {
    let moved = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = moved {
        tracing::debug!(%error, "what was written ahead stays there for now");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal with so many bytes in it, all of them written ahead.
    fn written_ahead(path: &Path, bytes: usize) -> Connection {
        let db = schema::open(path).unwrap();
        db.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        db.execute(
            "INSERT INTO entry (place, first, schema, body) VALUES (1, 1, 1, zeroblob(?))",
            [bytes as i64],
        )
        .unwrap();
        db
    }

    fn len(path: &Path) -> usize {
        std::fs::metadata(path).unwrap().len() as usize
    }

    #[test]
    fn what_was_written_ahead_is_moved_when_the_thread_is_woken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let db = written_ahead(&path, DUE);
        drop(Checkpoints::of(&path));
        assert!(len(&path) < DUE);
        let mut checkpoints = Checkpoints::of(&path);
        checkpoints.wake();
        drop(checkpoints);
        assert!(len(&path) >= DUE);
        drop(db);
    }

    #[test]
    fn what_was_written_ahead_is_moved_at_once_where_that_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let db = written_ahead(&path, DUE);
        run(&db);
        assert!(len(&path) >= DUE);
    }

    #[test]
    fn entries_and_commits_add_up_until_it_is_due() {
        let mut checkpoints = Checkpoints::of(Path::new("none"));
        for _ in 0..2 {
            assert!(!checkpoints.committed(DUE / 2));
            assert!(!checkpoints.committed(DUE / 2 - 2 * COMMIT - 1));
            assert!(checkpoints.committed(0));
            let small = (0..DUE / COMMIT).map(|_| checkpoints.committed(0));
            assert_eq!(small.filter(|due| *due).count(), 1);
        }
    }

    #[test]
    fn where_the_journal_has_gone_none_is_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let mut checkpoints = Checkpoints::of(&path);
        checkpoints.wake();
        drop(checkpoints);
        assert!(!path.exists());
    }
}
