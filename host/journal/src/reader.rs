//! Reads a journal.

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use ringfence_flow::{
    ContentHash, EVENT_SCHEMA, JournalEntry, RunId, RunStatus, Timestamp, WorkflowName, nearest,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::contents::Contents;
use crate::error::JournalError;
use crate::schema::{LAST, entry_of, place};
use crate::{Lease, RunHeader, rows};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// A process drives it.
    Running,
    /// It has not ended, and nobody drives it.
    Interrupted,
    /// It has ended.
    Ended(RunStatus),
}

impl RunState {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Ended(status) => status.as_str(),
        }
    }
}

/// A run of a journal.
#[derive(Clone, Debug)]
pub struct RunStanding {
    /// Its name.
    pub run: RunId,
    /// The name of its workflow.
    pub workflow: WorkflowName,
    /// When it was written down.
    pub created: Timestamp,
    /// When it ended, if it has.
    pub ended: Option<Timestamp>,
    /// Where it stands.
    pub state: RunState,
}

pub(crate) struct Reader<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) path: &'a Path,
    pub(crate) leases: &'a Path,
    pub(crate) contents: &'a Contents,
}

impl Reader<'_> {
    /// All runs, the latest first.
    pub(crate) fn runs(&self) -> Result<Vec<RunStanding>, JournalError> {
        let sqlite = || JournalError::sqlite(self.path);
        let mut select = self
            .db
            .prepare("SELECT name, created, ended, status, workflow FROM run ORDER BY number DESC")
            .map_err(sqlite())?;
        let rows = select
            .query_map([], |row| {
                let name: String = row.get(0)?;
                let (created, ended): (i64, Option<i64>) = (row.get(1)?, row.get(2)?);
                let status: Option<String> = row.get(3)?;
                let workflow: String = row.get(4)?;
                Ok((name, created, ended, status, workflow))
            })
            .map_err(sqlite())?;
        let mut runs = Vec::new();
        for row in rows {
            let (name, created, ended, status, workflow) = row.map_err(sqlite())?;
            let (Ok(run), Ok(workflow)) = (RunId::new(&name), WorkflowName::new(&workflow)) else {
                continue;
            };
            runs.push(RunStanding {
                workflow,
                created: micros(created),
                ended: ended.map(micros),
                state: self.state(&run, status.as_deref()),
                run,
            });
        }
        Ok(runs)
    }

    fn state(&self, run: &RunId, status: Option<&str>) -> RunState {
        let statuses = [
            RunStatus::Completed,
            RunStatus::Rejected,
            RunStatus::Failed,
            RunStatus::Cancelled,
        ];
        let ended = statuses
            .into_iter()
            .find(|known| status == Some(known.as_str()));
        match ended {
            Some(status) => RunState::Ended(status),
            None if Lease::is_held(self.leases, run) => RunState::Running,
            None => RunState::Interrupted,
        }
    }

    /// The number of a run, and what it started with.
    pub(crate) fn header(&self, run: &RunId) -> Result<(i64, RunHeader), JournalError> {
        let found: Option<(i64, Vec<u8>)> = self
            .db
            .query_row(
                "SELECT number, header FROM run WHERE name = ?",
                [run.as_str()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(JournalError::sqlite(self.path))?;
        let Some((number, header)) = found else {
            let names: Vec<_> = self.runs()?.into_iter().map(|run| run.run).collect();
            let near = nearest(run.as_str(), names.iter().map(RunId::as_str));
            return Err(JournalError::NoRun {
                run: run.clone(),
                near: near.map(ToString::to_string),
            });
        };
        let header = serde_json::from_slice(&header).map_err(|error| JournalError::Damaged {
            run: run.clone(),
            seq: 0,
            why: error.to_string(),
        })?;
        Ok((number, header))
    }

    /// Gives the entries of a run to `take`, from the entry `from` on, in
    /// order. Gives the number of the entry after the last.
    pub(crate) fn entries(
        &self,
        run: &RunId,
        number: i64,
        from: u64,
        mut take: impl FnMut(JournalEntry) -> Result<(), JournalError>,
    ) -> Result<u64, JournalError> {
        let mut next = None;
        let begin = self.row_of(number, from)?.unwrap_or(from);
        self.rows(run, number, begin, |row| {
            let expected = next.unwrap_or_else(|| row.number.min(from));
            if row.number != expected {
                return Err(row.damaged(run, format!("entry {expected} is missing")));
            }
            if row.is_one_beside() && row.number < from {
                next = Some(row.number + 1);
                return Ok(());
            }
            let mut number = row.number;
            for line in rows::lines(&self.text(run, &row)?) {
                if number >= from {
                    let entry = serde_json::from_slice(line);
                    take(entry.map_err(|error| row.damaged(run, error))?)?;
                }
                number += 1;
            }
            next = Some(number);
            Ok(())
        })?;
        Ok(next.unwrap_or(from))
    }

    /// How many entries a run has.
    pub(crate) fn length(&self, run: &RunId, number: i64) -> Result<u64, JournalError> {
        let Some(last) = self.row_of(number, LAST)? else {
            return Ok(0);
        };
        let mut length = 0;
        self.rows(run, number, last, |row| {
            let entries = match row.is_one_beside() {
                true => 1,
                false => rows::lines(&self.text(run, &row)?).count() as u64,
            };
            length = row.number + entries;
            Ok(())
        })?;
        Ok(length)
    }

    /// The number of the first entry in the row that has an entry, or would have it;
    /// none if there is no row as early as that.
    fn row_of(&self, run: i64, entry: u64) -> Result<Option<u64>, JournalError> {
        let first: Option<i64> = self
            .db
            .prepare_cached("SELECT max(place) FROM entry WHERE place BETWEEN ? AND ?")
            .and_then(|mut select| {
                let last = place(run, entry.min(LAST));
                select.query_row([place(run, 0), last], |row| row.get(0))
            })
            .map_err(JournalError::sqlite(self.path))?;
        Ok(first.map(entry_of))
    }

    /// Gives the rows of a run to `take`, from the one that begins with the entry
    /// `begin` on.
    fn rows(
        &self,
        run: &RunId,
        number: i64,
        begin: u64,
        mut take: impl FnMut(Row) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        let sqlite = || JournalError::sqlite(self.path);
        let mut select = self
            .db
            .prepare_cached(
                "SELECT place, first, schema, body, content FROM entry WHERE place BETWEEN ? AND ? ORDER BY place",
            )
            .map_err(sqlite())?;
        let mut rows = select
            .query(params![place(number, begin.min(LAST)), place(number, LAST)])
            .map_err(sqlite())?;
        while let Some(row) = rows.next().map_err(sqlite())? {
            take(self.row(run, row)?)?;
        }
        Ok(())
    }

    fn row(&self, run: &RunId, row: &rusqlite::Row<'_>) -> Result<Row, JournalError> {
        let sqlite = || JournalError::sqlite(self.path);
        let at: i64 = row.get("place").map_err(sqlite())?;
        let first: i64 = row.get("first").map_err(sqlite())?;
        let schema: u32 = row.get("schema").map_err(sqlite())?;
        if schema > EVENT_SCHEMA {
            return Err(JournalError::NewerRun {
                run: run.clone(),
                found: schema,
                known: EVENT_SCHEMA,
            });
        }
        Ok(Row {
            number: entry_of(at),
            first: first as u64,
            body: row.get("body").map_err(sqlite())?,
            content: row.get("content").map_err(sqlite())?,
        })
    }

    /// The entries of a row, one in each line.
    fn text<'r>(&self, run: &RunId, row: &'r Row) -> Result<Cow<'r, [u8]>, JournalError> {
        match (&row.body, row.content) {
            (Some(body), _) => rows::text(body).map_err(|why| row.damaged(run, why)),
            (None, Some(hash)) => self
                .contents
                .read(ContentHash::from_bytes(hash))
                .map(Cow::from)
                .map_err(|error| row.damaged(run, error)),
            (None, None) => Err(row.damaged(run, "it is empty")),
        }
    }
}

/// A row as it is in the file.
struct Row {
    /// The number of its first entry.
    number: u64,
    /// The number of the first event of that one.
    first: u64,
    body: Option<Vec<u8>>,
    /// The content that it is in place of a body.
    content: Option<[u8; 32]>,
}

impl Row {
    /// Whether it is a single entry, which lies beside the file.
    fn is_one_beside(&self) -> bool {
        self.body.is_none() && self.content.is_some()
    }

    fn damaged(&self, run: &RunId, why: impl std::fmt::Display) -> JournalError {
        JournalError::Damaged {
            run: run.clone(),
            seq: self.first,
            why: why.to_string(),
        }
    }
}

fn micros(at: i64) -> Timestamp {
    Timestamp::from_unix(Duration::from_micros(at.unsigned_abs()))
}
