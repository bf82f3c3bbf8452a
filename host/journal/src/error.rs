//! What can go wrong with a journal, for people.

use std::io;
use std::path::{Path, PathBuf};

use ringfence_flow::{ReplayError, RunId};

/// Why a journal cannot be used, or does not hold what is looked for.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file, or one of those beside it, cannot be used.
    #[error("the journal {path}: {why}\nhint: name another one with `--journal FILE`, or do without with `--no-journal`", path = .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A newer version wrote it.
    #[error("the journal {path} was written by a newer version of ringfence (format {found}, this one reads up to {known})\nhint: use that version, or name another journal with `--journal FILE`", path = .path.display())]
    Newer {
        /// Which.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known.
        known: u32,
    },
    /// A newer version wrote events of a run.
    #[error(
        "the run `{run}` was written by a newer version of ringfence (events of version {found}, this one reads up to {known})\nhint: use that version"
    )]
    NewerRun {
        /// Which run.
        run: RunId,
        /// The version of its events.
        found: u32,
        /// The newest version that is known.
        known: u32,
    },
    /// It is not there yet.
    #[error("there is no journal {0}: no run has been written down", .path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// It holds no such run.
    #[error("the journal holds no run `{run}`{}", near.as_ref().map(|near| format!("\nhint: did you mean `{near}`?")).unwrap_or_default())]
    NoRun {
        /// Which.
        run: RunId,
        /// The one that was perhaps meant.
        near: Option<String>,
    },
    /// It holds a run of this name.
    #[error("the journal holds a run `{0}` already\nhint: give this one another name with `--id`")]
    SameName(RunId),
    /// Another process drives the run.
    #[error("another process drives the run `{0}`\nhint: `ringfence runs watch {0}` shows it")]
    Driven(RunId),
    /// An entry cannot be read.
    #[error("the journal is damaged at event {seq} of the run `{run}`: {why}")]
    Damaged {
        /// In which run.
        run: RunId,
        /// Near which event.
        seq: u64,
        /// What is wrong.
        why: String,
    },
    /// It cannot be replayed.
    #[error("the run `{run}` cannot go on: {source}")]
    Replay {
        /// Which run.
        run: RunId,
        /// Why.
        #[source]
        source: ReplayError,
    },
}

impl JournalError {
    pub(crate) fn unusable(path: &Path, why: impl std::fmt::Display) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }

    pub(crate) fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |error| Self::unusable(path, error)
    }

    pub(crate) fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> Self + '_ {
        move |error| Self::unusable(path, explain(&error))
    }
}

/// Why entries were not written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritten {
    #[error("{}", explain(.0))]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Content(#[from] io::Error),
    #[error(transparent)]
    Entry(#[from] serde_json::Error),
}

/// What SQLite says, in words for an operator.
pub(crate) fn explain(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode;
    let words = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::ReadOnly) => "it may not be written",
        Some(ErrorCode::NotADatabase) => "it is no journal, or it is damaged",
        Some(ErrorCode::DatabaseCorrupt) => "it is damaged",
        Some(ErrorCode::CannotOpen) => "it cannot be opened",
        Some(ErrorCode::SystemIoFailure) => "the disk does not work",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process keeps it busy"
        }
        _ => return error.to_string(),
    };
    format!("{words} ({error})")
}
