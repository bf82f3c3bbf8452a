//! Reads a journal.

use std::path::Path;
use std::time::Duration;

use ringfence_flow::{
    ContentHash, EVENT_SCHEMA, JournalEntry, RunId, RunStatus, Timestamp, WorkflowName, nearest,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::contents::Contents;
use crate::error::JournalError;
use crate::schema::place;
use crate::{Lease, RunHeader};

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
        let sqlite = || JournalError::sqlite(self.path);
        let mut select = self
            .db
            .prepare_cached(
                "SELECT place, first, body, content, schema FROM entry WHERE place >= ? AND place < ? ORDER BY place",
            )
            .map_err(sqlite())?;
        let mut rows = select
            .query(params![place(number, from), place(number + 1, 0)])
            .map_err(sqlite())?;
        let mut next = from;
        while let Some(row) = rows.next().map_err(sqlite())? {
            let first: i64 = row.get(1).map_err(sqlite())?;
            let damaged = |why: String| JournalError::Damaged {
                run: run.clone(),
                seq: first as u64,
                why,
            };
            let at: i64 = row.get(0).map_err(sqlite())?;
            if at != place(number, next) {
                return Err(damaged(format!("entry {next} is missing")));
            }
            let schema: u32 = row.get(4).map_err(sqlite())?;
            if schema > EVENT_SCHEMA {
                return Err(JournalError::NewerRun {
                    run: run.clone(),
                    found: schema,
                    known: EVENT_SCHEMA,
                });
            }
            let body: Option<Vec<u8>> = row.get(2).map_err(sqlite())?;
            let content: Option<[u8; 32]> = row.get(3).map_err(sqlite())?;
            let body = match (body, content) {
                (Some(body), _) => body,
                (None, Some(hash)) => self
                    .contents
                    .read(ContentHash::from_bytes(hash))
                    .map_err(|error| damaged(error.to_string()))?,
                (None, None) => return Err(damaged("it is empty".to_owned())),
            };
            let entry =
                serde_json::from_slice(&body).map_err(|error| damaged(error.to_string()))?;
            take(entry)?;
            next += 1;
        }
        Ok(next)
    }
}

fn micros(at: i64) -> Timestamp {
    Timestamp::from_unix(Duration::from_micros(at.unsigned_abs()))
}
