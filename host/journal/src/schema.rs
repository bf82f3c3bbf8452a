//! The tables of a journal.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::JournalError;
use crate::checkpoint::AT_MOST_PAGES;

/// The format that this version writes. It reads this one and older ones.
pub(crate) const FORMAT: u32 = 2;

/// Where SQLite keeps it.
const VERSION: &str = "user_version";

/// What marks the file as a journal: `RFJ` and a number.
const APPLICATION: u32 = 0x5246_4a01;

/// How long a reader or the writer waits for another process.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE run (
    number  INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    created INTEGER NOT NULL,
    header  BLOB NOT NULL,
    status  TEXT,
    ended   INTEGER
) STRICT;
-- The place is the run's number and that of the row's first entry in it, so that a
-- run's entries lie together and come in order. The body is an entry as JSON, or from
-- format 2 on several that are packed.
CREATE TABLE entry (
    place  INTEGER PRIMARY KEY,
    first  INTEGER NOT NULL,
    schema INTEGER NOT NULL,
    body   BLOB,
    content BLOB
) STRICT;
CREATE TABLE held (
    run     INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (run, content)
) STRICT, WITHOUT ROWID;
";

/// How many bits of a place are the number of the entry.
const ENTRY_BITS: u32 = 36;

/// The highest number that an entry can have.
pub(crate) const LAST: u64 = (1 << ENTRY_BITS) - 1;

/// Where the row is that begins with an entry of a run.
pub(crate) const fn place(run: i64, entry: u64) -> i64 {
    run << ENTRY_BITS | entry as i64
}

/// The number of the entry with which the row begins that is there.
pub(crate) const fn entry_of(place: i64) -> u64 {
    place as u64 & LAST
}

/// Opens the file to write it, and makes it if it is not there.
pub(crate) fn open(path: &Path) -> Result<Connection, JournalError> {
    if path.is_dir() {
        return Err(JournalError::unusable(path, "it is a folder"));
    }
    make_file(path);
    let db = Connection::open(path).map_err(JournalError::sqlite(path))?;
    prepare(&db, path)?;
    Ok(db)
}

/// Makes the file, if it is not there, so that only the user may read it.
/// What SQLite puts beside it follows it.
fn make_file(path: &Path) {
    let mut make = OpenOptions::new();
    make.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut make, 0o600);
    // SQLite finds out what is wrong, and says it better.
    drop(make.open(path));
}

/// Opens the file to read it.
pub(crate) fn open_to_read(path: &Path) -> Result<Connection, JournalError> {
    if path.is_dir() {
        return Err(JournalError::unusable(path, "it is a folder"));
    }
    if !path.exists() {
        return Err(JournalError::Missing {
            path: path.to_owned(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(JournalError::sqlite(path))?;
    be_patient(&db).map_err(JournalError::sqlite(path))?;
    check(&db, path)?;
    Ok(db)
}

/// Waits for other processes, and leaves what is written ahead to who moves it.
fn be_patient(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "wal_autocheckpoint", AT_MOST_PAGES)
}

fn prepare(db: &Connection, path: &Path) -> Result<(), JournalError> {
    let sqlite = || JournalError::sqlite(path);
    be_patient(db).map_err(sqlite())?;
    db.pragma_update(None, "journal_mode", "WAL")
        .map_err(sqlite())?;
    db.pragma_update(None, "synchronous", "FULL")
        .map_err(sqlite())?;
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(sqlite())?;
    if tables == 0 {
        let make = format!(
            "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA {VERSION} = {FORMAT}; COMMIT;"
        );
        if let Err(error) = db.execute_batch(&make) {
            // Another process may just have made them.
            drop(db.execute_batch("ROLLBACK"));
            tracing::debug!(%error, "the tables were not made");
        }
    }
    check(db, path)?;
    upgrade(db).map_err(sqlite())
}

/// Has versions that know an older format only refuse it from now on: they would take
/// what this one writes for damage.
fn upgrade(db: &Connection) -> rusqlite::Result<()> {
    if version(db)? == FORMAT {
        return Ok(());
    }
    let change = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    // A newer one may be at it.
    if version(&change)? < FORMAT {
        change.pragma_update(None, VERSION, FORMAT)?;
    }
    change.commit()
}

/// The format of the file.
fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, VERSION, |row| row.get(0))
}

fn check(db: &Connection, path: &Path) -> Result<(), JournalError> {
    let sqlite = || JournalError::sqlite(path);
    let application: u32 = db
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(sqlite())?;
    if application != APPLICATION {
        let why = "it is a database of another program, or damaged";
        return Err(JournalError::unusable(path, why));
    }
    match version(db).map_err(sqlite())? {
        found if found > FORMAT => Err(JournalError::Newer {
            path: path.to_owned(),
            found,
            known: FORMAT,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_moves_what_is_written_ahead_before_there_is_much() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        for db in [open(&path), open_to_read(&path)] {
            let pages = db
                .unwrap()
                .pragma_query_value(None, "wal_autocheckpoint", |row| row.get(0));
            assert_eq!(pages, Ok(AT_MOST_PAGES));
        }
    }
}
