//! A journal file, with what lies beside it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_flow::{
    AgentName, ContentHash, JournalEntry, Plan, Replay, RunEvent, RunId, RunJournal, RunOptions,
    Timestamp,
};
use rusqlite::{Connection, params};

use crate::contents::Contents;
use crate::reader::Reader;
use crate::writer::{RunWriter, Writer, artifacts};
use crate::{FolderArtifacts, JournalError, Lease, RunHeader, RunStanding, RunState, schema};

/// A journal file.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    leases: PathBuf,
    contents: Contents,
    /// Reads; the thread that writes has a connection of its own.
    db: Mutex<Connection>,
    writer: Option<Writer>,
    // Keeps `prune` from removing contents that are about to be named.
    _in_use: Option<File>,
}

/// A run of a journal, to go on with.
pub struct Resumable {
    /// What it started with.
    pub header: RunHeader,
    /// Where it stands.
    pub run: Replay,
    /// Its artifacts.
    pub artifacts: Arc<FolderArtifacts>,
    /// Its journal. It holds the run's lease.
    pub journal: Arc<dyn RunJournal>,
}

impl std::fmt::Debug for Resumable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resumable")
            .field("run", self.run.run().id())
            .finish_non_exhaustive()
    }
}

/// What was pruned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The runs that were removed.
    pub runs: Vec<RunId>,
    /// How many bytes of contents were removed; none if another process uses
    /// the journal, so that they had to stay.
    pub freed: Option<u64>,
}

impl JournalFile {
    /// Opens a journal to write it, and makes it if it is not there.
    ///
    /// # Errors
    /// [`JournalError`] if the file, or the folder beside it, cannot be used.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let beside = beside(path);
        make_folder(path.parent().unwrap_or(Path::new(".")))?;
        make_private(&beside)?;
        let in_use = lock_file(&beside)?;
        in_use.lock_shared().map_err(JournalError::disk(&beside))?;
        let contents = Contents::new(beside.join("contents"));
        let writing = schema::open(path)?;
        // What cannot be written is found out before there is anything to lose.
        writing
            .execute_batch("BEGIN IMMEDIATE; ROLLBACK")
            .map_err(JournalError::sqlite(path))?;
        let writer =
            Writer::start(writing, path, contents.clone()).map_err(JournalError::disk(path))?;
        Ok(Self {
            path: path.to_owned(),
            leases: beside.join("leases"),
            contents,
            db: Mutex::new(schema::open_to_read(path)?),
            writer: Some(writer),
            _in_use: Some(in_use),
        })
    }

    /// Opens a journal to read it.
    ///
    /// # Errors
    /// [`JournalError`] if there is none, or it cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Self, JournalError> {
        let beside = beside(path);
        Ok(Self {
            path: path.to_owned(),
            leases: beside.join("leases"),
            contents: Contents::new(beside.join("contents")),
            db: Mutex::new(schema::open_to_read(path)?),
            writer: None,
            _in_use: None,
        })
    }

    /// Writes down that a run starts, and takes its lease.
    ///
    /// # Errors
    /// [`JournalError`] if the journal holds a run of this name, or cannot be
    /// written.
    pub fn create(
        &self,
        run: &RunId,
        header: &RunHeader,
    ) -> Result<Arc<dyn RunJournal>, JournalError> {
        let lease = Lease::take(&self.leases, run)?;
        let text = self.header_text(header)?;
        let created = header.created.since_unix().as_micros() as i64;
        let db = self.db();
        let added = db
            .execute(
                "INSERT OR IGNORE INTO run (name, workflow, created, header) VALUES (?, ?, ?, ?)",
                params![run.as_str(), header.name.as_str(), created, text],
            )
            .map_err(JournalError::sqlite(&self.path))?;
        if added == 0 {
            return Err(JournalError::SameName(run.clone()));
        }
        self.writer(db.last_insert_rowid(), 0, lease)
    }

    /// Rebuilds a run from its journal, and takes its lease.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such run, another process drives it, or
    /// it cannot be rebuilt.
    pub fn resume(&self, run: &RunId) -> Result<Resumable, JournalError> {
        // Before its lease: one that is not there has none.
        self.header(run)?;
        let lease = Lease::take(&self.leases, run)?;
        let (header, replay, held, number, next) = self.rebuild(run)?;
        Ok(Resumable {
            header,
            run: replay,
            artifacts: Arc::new(FolderArtifacts::new(self.contents.clone(), held)),
            journal: self.writer(number, next, lease)?,
        })
    }

    /// The artifacts of a run that starts.
    #[must_use]
    pub fn artifacts(&self) -> Arc<FolderArtifacts> {
        Arc::new(FolderArtifacts::new(self.contents.clone(), HashMap::new()))
    }

    /// All runs, the latest first.
    ///
    /// # Errors
    /// [`JournalError`] if the journal cannot be read.
    pub fn runs(&self) -> Result<Vec<RunStanding>, JournalError> {
        let db = self.db();
        self.reader(&db).runs()
    }

    /// What a run started with.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such run.
    pub fn header(&self, run: &RunId) -> Result<RunHeader, JournalError> {
        let db = self.db();
        Ok(self.reader(&db).header(run)?.1)
    }

    /// The plan of a run's workflow.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such run, or its workflow is not valid
    /// for this version.
    pub fn plan(&self, run: &RunId) -> Result<Plan, JournalError> {
        plan(run, &self.header(run)?)
    }

    /// How many entries the journal holds of a run.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such run.
    pub fn length(&self, run: &RunId) -> Result<u64, JournalError> {
        let db = self.db();
        let reader = self.reader(&db);
        let (number, _) = reader.header(run)?;
        reader.length(run, number)
    }

    /// Writes down that a run goes on with other agents than before.
    ///
    /// # Errors
    /// [`JournalError`] if the journal cannot be written.
    pub fn change_agents(
        &self,
        run: &Resumable,
        agents: BTreeMap<AgentName, ContentHash>,
    ) -> Result<(), JournalError> {
        let mut header = run.header.clone();
        header.agents = agents;
        let text = self.header_text(&header)?;
        self.db()
            .execute(
                "UPDATE run SET header = ? WHERE name = ?",
                params![text, run.run.run().id().as_str()],
            )
            .map_err(JournalError::sqlite(&self.path))?;
        Ok(())
    }

    fn header_text(&self, header: &RunHeader) -> Result<Vec<u8>, JournalError> {
        serde_json::to_vec(header).map_err(|error| JournalError::unusable(&self.path, error))
    }

    /// Gives the events of a run from the entry `from` on to `take`, in order,
    /// and the entry to go on with later: 0 at first.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such run, or it is damaged.
    pub fn events(
        &self,
        run: &RunId,
        from: u64,
        mut take: impl FnMut(RunEvent),
    ) -> Result<u64, JournalError> {
        let db = self.db();
        let reader = self.reader(&db);
        let (number, _) = reader.header(run)?;
        reader.entries(run, number, from, |entry| {
            entry.into_events(run).for_each(&mut take);
            Ok(())
        })
    }

    /// Removes runs that ended before `before`, and the contents that no run
    /// holds any more.
    ///
    /// # Errors
    /// [`JournalError`] if the journal cannot be written.
    pub fn prune(&self, before: Timestamp) -> Result<Pruned, JournalError> {
        let old = |run: &RunStanding| {
            matches!(run.state, RunState::Ended(_)) && run.ended.is_some_and(|at| at < before)
        };
        let runs: Vec<_> = self.runs()?.into_iter().filter(old).collect();
        let mut pruned = Pruned::default();
        for RunStanding { run, .. } in runs {
            // Somebody may just be retrying it.
            let _lease = match Lease::take(&self.leases, &run) {
                Err(JournalError::Driven(_)) => continue,
                lease => lease?,
            };
            self.remove(&run)?;
            pruned.runs.push(run);
        }
        let lock = lock_file(&beside(&self.path))?;
        if lock.try_lock().is_ok() {
            let held = self.held()?;
            let freed = self.contents.keep_only(|hash| held.contains(&hash));
            pruned.freed = Some(freed.map_err(JournalError::disk(&self.path))?);
        }
        Ok(pruned)
    }

    fn remove(&self, run: &RunId) -> Result<(), JournalError> {
        let sqlite = || JournalError::sqlite(&self.path);
        let db = self.db();
        let (number, _) = self.reader(&db).header(run)?;
        let all = db.unchecked_transaction().map_err(sqlite())?;
        let (from, to) = (schema::place(number, 0), schema::place(number + 1, 0));
        all.execute(
            "DELETE FROM entry WHERE place >= ? AND place < ?",
            [from, to],
        )
        .map_err(sqlite())?;
        all.execute("DELETE FROM held WHERE run = ?", [number])
            .map_err(sqlite())?;
        all.execute("DELETE FROM run WHERE number = ?", [number])
            .map_err(sqlite())?;
        all.commit().map_err(sqlite())?;
        // A lease that nobody needs any more is litter, and no harm.
        drop(fs::remove_file(self.leases.join(format!("{run}.lease"))));
        Ok(())
    }

    fn held(&self) -> Result<HashSet<ContentHash>, JournalError> {
        let sqlite = || JournalError::sqlite(&self.path);
        let db = self.db();
        let mut select = db
            .prepare("SELECT DISTINCT content FROM held")
            .map_err(sqlite())?;
        let rows = select
            .query_map([], |row| row.get::<_, [u8; 32]>(0))
            .map_err(sqlite())?;
        rows.map(|row| row.map(ContentHash::from_bytes).map_err(sqlite()))
            .collect()
    }

    #[expect(clippy::type_complexity, reason = "taken apart where it is asked for")]
    fn rebuild(
        &self,
        run: &RunId,
    ) -> Result<(RunHeader, Replay, HashMap<ContentHash, u64>, i64, u64), JournalError> {
        let db = self.db();
        let reader = self.reader(&db);
        let (number, header) = reader.header(run)?;
        let plan = plan(run, &header)?;
        let options = RunOptions {
            inputs: header.inputs.clone(),
            seed: header.seed,
            budgets: header.budgets,
            ceiling: header.ceiling,
            outer_deadline: None,
        };
        let mut replay = Replay::new(run.clone(), Arc::new(plan), options);
        let mut held = HashMap::new();
        let next = reader.entries(run, number, 0, |entry: JournalEntry| {
            let mut named = Vec::new();
            for event in &entry.events {
                artifacts(event, &mut named);
            }
            held.extend(
                named
                    .iter()
                    .map(|artifact| (artifact.sha256, artifact.size)),
            );
            replay.apply(&entry).map_err(|source| JournalError::Replay {
                run: run.clone(),
                source,
            })
        })?;
        Ok((header, replay, held, number, next))
    }

    fn writer(
        &self,
        number: i64,
        next: u64,
        lease: Lease,
    ) -> Result<Arc<dyn RunJournal>, JournalError> {
        match &self.writer {
            Some(writer) => Ok(Arc::new(RunWriter::new(
                number,
                next,
                lease,
                writer.clone(),
            ))),
            None => Err(JournalError::unusable(
                &self.path,
                "it was opened to be read",
            )),
        }
    }

    fn reader<'a>(&'a self, db: &'a Connection) -> Reader<'a> {
        Reader {
            db,
            path: &self.path,
            leases: &self.leases,
            contents: &self.contents,
        }
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn plan(run: &RunId, header: &RunHeader) -> Result<Plan, JournalError> {
    let file = header.workflow.parse().map_err(|errors| {
        let first = errors.first().map(|error| error.message.clone());
        JournalError::Damaged {
            run: run.clone(),
            seq: 0,
            why: format!(
                "its workflow is not valid for this version: {}",
                first.unwrap_or_default()
            ),
        }
    })?;
    Ok(file.into_plan())
}

/// The folder beside a journal.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".d");
    name.into()
}

fn lock_file(beside: &Path) -> Result<File, JournalError> {
    let path = beside.join("in-use");
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(JournalError::disk(&path))
}

/// Makes a folder that only the user may enter. In one that is there, nobody else
/// may write.
pub(crate) fn make_private(folder: &Path) -> Result<(), JournalError> {
    make_folder(folder)?;
    check_owner(folder)
}

/// Makes a folder that only the user may enter; one that is there stays as it
/// is.
fn make_folder(folder: &Path) -> Result<(), JournalError> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    if folder.exists() {
        let why = format!("{} is a file, where a folder has to be", folder.display());
        return Err(JournalError::unusable(folder, why));
    }
    let mut make = fs::DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder).map_err(JournalError::disk(folder))
}

/// That nobody else may exchange what lies in `folder`.
#[cfg(unix)]
fn check_owner(folder: &Path) -> Result<(), JournalError> {
    use std::os::unix::fs::MetadataExt as _;
    let found = fs::symlink_metadata(folder).map_err(JournalError::disk(folder))?;
    let (owner, mode) = (found.uid(), found.mode() & 0o7777);
    let shown = folder.display();
    let why = if owner != rustix::process::geteuid().as_raw() {
        format!("{shown} belongs to another user (number {owner})")
    } else if mode & 0o022 != 0 {
        format!(
            "others than its owner may write to {shown} (mode {mode:04o}); type `chmod 700 {shown}` if nobody did"
        )
    } else {
        return Ok(());
    };
    Err(JournalError::unusable(folder, why))
}

/// Only Unix has owners and modes that this program can read.
#[cfg(not(unix))]
fn check_owner(_folder: &Path) -> Result<(), JournalError> {
    Ok(())
}

/// The journal that is used where nobody names one: in the folder that the
/// platform has for the state of programs. None if it has none, as no home is
/// known.
#[must_use]
pub fn default_journal() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let state = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))
    };
    Some(state?.join("ringfence").join("journal.sqlite"))
}
