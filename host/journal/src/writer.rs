//! The thread that writes: it commits all that has gathered at once. Whoever has
//! nothing else to do writes in its place, if it is idle.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use ringfence_flow::{
    Artifact, AttemptResult, ContentHash, EVENT_SCHEMA, JournalEntry, JournalListener, Output,
    RunEventKind, RunJournal,
};
use rusqlite::{Connection, Transaction, params};

use crate::Lease;
use crate::checkpoint::{self, Checkpoints};
use crate::contents::Contents;
use crate::error::Unwritten;
use crate::rows::{self, Body, Row};
use crate::schema::{PATIENCE, place};

/// How many batches one commit takes at most.
const MOST_AT_ONCE: usize = 4_096;

/// How long it waits before it tries again what failed, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How long entries wait for others that nobody waits for. A commit takes some 0.2 ms
/// of a disk, and who follows a log sees no difference.
const SOON: Duration = Duration::from_millis(5);

/// What the thread is told.
enum Note {
    /// To keep these.
    Keep(Batch),
    /// To tell this run in a moment that it is time to append.
    Remind(Arc<Written>),
}

/// Entries of one run, on their way to the file.
struct Batch {
    run: Arc<Written>,
    /// The number of the first of them in its run.
    first: u64,
    entries: Vec<JournalEntry>,
}

/// A run that is written.
struct Written {
    number: i64,
    listener: Mutex<Option<Weak<dyn JournalListener>>>,
    /// How many of its batches the thread has and nobody was told of.
    under_way: AtomicU64,
}

impl Written {
    fn listener(&self) -> Option<Arc<dyn JournalListener>> {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        listener.as_ref().and_then(Weak::upgrade)
    }
}

/// Writes the journal of one run.
pub(crate) struct RunWriter {
    run: Arc<Written>,
    /// The number of the next entry.
    next: Mutex<u64>,
    writer: Writer,
    // Nobody else drives the run as long as this one can write.
    _lease: Lease,
}

impl RunWriter {
    pub(crate) fn new(number: i64, next: u64, lease: Lease, writer: Writer) -> Self {
        Self {
            run: Arc::new(Written {
                number,
                listener: Mutex::new(None),
                under_way: AtomicU64::new(0),
            }),
            next: Mutex::new(next),
            writer,
            _lease: lease,
        }
    }

    fn next(&self) -> MutexGuard<'_, u64> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batch(&self, next: &mut u64, entries: Vec<JournalEntry>) -> Batch {
        let first = *next;
        *next += entries.len() as u64;
        Batch {
            run: Arc::clone(&self.run),
            first,
            entries,
        }
    }

    /// Gives the thread a batch. The lock on the next number keeps the order.
    fn send(&self, batch: Batch, _order: &MutexGuard<'_, u64>) {
        self.run.under_way.fetch_add(1, Ordering::Relaxed);
        // The thread lives as long as somebody can send.
        let _ = self.writer.sender.send(Note::Keep(batch));
    }

    /// Writes a batch here and now, if the thread has none of this run and does not
    /// write, no other process does, and nothing fails. Else gives it back.
    fn write_here(&self, batch: Batch) -> Option<Batch> {
        // Read under the lock under which it is raised, and only once the thread has
        // told of the last batch it is zero.
        if self.run.under_way.load(Ordering::Acquire) > 0 {
            return Some(batch);
        }
        let mut pen = match self.writer.pen.try_lock() {
            Ok(pen) => pen,
            Err(TryLockError::Poisoned(pen)) => pen.into_inner(),
            Err(TryLockError::WouldBlock) => return Some(batch),
        };
        if pen.commit_without_patience(&batch).is_err() {
            // The thread finds the same, says so, and goes on trying.
            return Some(batch);
        }
        drop(pen);
        batch.tell();
        None
    }
}

impl RunJournal for RunWriter {
    fn attach(&self, listener: Weak<dyn JournalListener>) {
        let mut place = self
            .run
            .listener
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Some(listener);
    }

    fn append(&self, entries: Vec<JournalEntry>) {
        let mut next = self.next();
        let batch = self.batch(&mut next, entries);
        self.send(batch, &next);
    }

    fn remind(&self) -> bool {
        let note = Note::Remind(Arc::clone(&self.run));
        self.writer.sender.send(note).is_ok()
    }

    fn append_and_wait(&self, entries: Vec<JournalEntry>) {
        let mut next = self.next();
        let batch = self.batch(&mut next, entries);
        if let Some(batch) = self.write_here(batch) {
            self.send(batch, &next);
        }
    }
}

impl Batch {
    /// Tells whoever waits that it is kept.
    fn tell(self) {
        if let Some(listener) = self.run.listener() {
            listener.kept(self.entries);
        }
    }
}

/// Writes to a journal: its thread, or whoever holds its pen.
#[derive(Clone)]
pub(crate) struct Writer {
    sender: Sender<Note>,
    pen: Arc<Mutex<Pen>>,
}

impl Writer {
    /// Starts the thread. It ends when nobody can send any more.
    pub(crate) fn start(db: Connection, path: &Path, contents: Contents) -> std::io::Result<Self> {
        let (sender, notes) = mpsc::channel();
        let checkpoints = Checkpoints::of(path);
        let pen = Arc::new(Mutex::new(Pen {
            db,
            contents,
            checkpoints,
        }));
        let of_thread = Arc::clone(&pen);
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write(&of_thread, &notes))?;
        Ok(Self { sender, pen })
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// What it takes to write.
struct Pen {
    db: Connection,
    contents: Contents,
    checkpoints: Checkpoints,
}

impl Pen {
    /// Commits all of the batches, or nothing. Says whether what was written ahead is to
    /// be moved.
    fn commit(&mut self, batches: &[Batch]) -> Result<bool, Unwritten> {
        let mut batches: Vec<_> = batches.iter().collect();
        batches.sort_by_key(|batch| (batch.run.number, batch.first));
        let transaction = self.db.transaction()?;
        let mut bytes = 0;
        for of_run in batches.chunk_by(|one, next| one.run.number == next.run.number) {
            bytes += insert(&transaction, &self.contents, of_run)?;
        }
        transaction.commit()?;
        Ok(self.checkpoints.committed(bytes))
    }

    /// The same of one batch, without waiting for another process that writes.
    fn commit_without_patience(&mut self, batch: &Batch) -> Result<(), Unwritten> {
        self.db.busy_timeout(Duration::ZERO)?;
        let committed = self.commit(std::slice::from_ref(batch));
        // It sets a number, and what is committed is committed whatever becomes of it.
        let _ = self.db.busy_timeout(PATIENCE);
        if committed? {
            checkpoint::run(&self.db);
        }
        Ok(())
    }
}

fn write(pen: &Mutex<Pen>, notes: &Receiver<Note>) {
    let mut reminders = Reminders::default();
    while let Some(first) = next_batch(notes, &mut reminders) {
        let mut batches = vec![first];
        for note in notes.try_iter().take(MOST_AT_ONCE) {
            match note {
                Note::Keep(batch) => batches.push(batch),
                Note::Remind(run) => reminders.add(run, now()),
            }
        }
        let kept = commit_at_last(pen, &batches);
        for batch in batches {
            let run = Arc::clone(&batch.run);
            if kept {
                batch.tell();
            }
            // Told first: whoever finds zero may tell of the next.
            run.under_way.fetch_sub(1, Ordering::Release);
        }
    }
}

/// Waits for entries to keep. Runs that asked for it are reminded before these are
/// kept, or when it is time. None when nobody can send any more.
fn next_batch(notes: &Receiver<Note>, reminders: &mut Reminders) -> Option<Batch> {
    loop {
        let note = match reminders.wait(now()) {
            None => notes.recv().map_err(RecvTimeoutError::from),
            Some(wait) => notes.recv_timeout(wait),
        };
        match note {
            Ok(Note::Keep(batch)) => {
                reminders.send();
                return Some(batch);
            }
            Ok(Note::Remind(run)) => reminders.add(run, now()),
            Err(RecvTimeoutError::Timeout) => reminders.send(),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a thread waits for company is no decision of a run"
)]
fn now() -> Instant {
    Instant::now()
}

/// The runs that are to be reminded.
#[derive(Default)]
struct Reminders {
    runs: Vec<Arc<Written>>,
    /// When the first of them is.
    due: Option<Instant>,
}

impl Reminders {
    fn add(&mut self, run: Arc<Written>, now: Instant) {
        self.runs.push(run);
        self.due.get_or_insert(now + SOON);
    }

    /// How long until the first is due; none if there is none.
    fn wait(&self, now: Instant) -> Option<Duration> {
        Some(self.due?.saturating_duration_since(now))
    }

    /// Tells all that it is time: what they append is in the channel then.
    fn send(&mut self) {
        self.due = None;
        for run in self.runs.drain(..) {
            if let Some(listener) = run.listener() {
                listener.due();
            }
        }
    }
}

/// Commits, however often it takes. False if nobody waits for it any more.
fn commit_at_last(pen: &Mutex<Pen>, batches: &[Batch]) -> bool {
    let (mut wait, most) = RETRY;
    let mut stuck = false;
    loop {
        let committed = {
            let mut pen = pen.lock().unwrap_or_else(PoisonError::into_inner);
            let committed = pen.commit(batches);
            if matches!(committed, Ok(true)) {
                pen.checkpoints.wake();
            }
            committed
        };
        let Err(why) = committed else { break };
        let listeners: Vec<_> = batches.iter().filter_map(|b| b.run.listener()).collect();
        if listeners.is_empty() {
            return false;
        }
        if !stuck {
            let why = why.to_string();
            tracing::error!(%why, "the journal cannot be written");
            listeners.iter().for_each(|listener| listener.stuck(&why));
        }
        stuck = true;
        drop(listeners);
        thread::sleep(wait);
        wait = most.min(wait * 2);
    }
    if stuck {
        let listeners = batches.iter().filter_map(|batch| batch.run.listener());
        listeners.for_each(|listener| listener.unstuck());
    }
    true
}

/// Adds the entries of one run, and says how many bytes of them are in the file.
fn insert(
    db: &Transaction<'_>,
    contents: &Contents,
    batches: &[&Batch],
) -> Result<usize, Unwritten> {
    let Some(run) = batches.first().map(|batch| batch.run.number) else {
        return Ok(0);
    };
    let numbered = batches
        .iter()
        .flat_map(|batch| (batch.first..).zip(&batch.entries));
    let mut bytes = 0;
    rows::pack(numbered, |row| {
        bytes += insert_row(db, contents, run, row)?;
        Ok::<_, Unwritten>(())
    })?;
    for entry in batches.iter().flat_map(|batch| &batch.entries) {
        note(db, run, entry)?;
    }
    Ok(bytes)
}

/// Adds a row, and says how many bytes of it are in the file.
fn insert_row(
    db: &Transaction<'_>,
    contents: &Contents,
    run: i64,
    row: Row,
) -> Result<usize, Unwritten> {
    let (body, content) = match row.body {
        Body::Inside(body) => (Some(body), None),
        Body::Beside(body) => (None, Some(contents.put(&body)?)),
    };
    db.prepare_cached(
        "INSERT INTO entry (place, first, schema, body, content) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        place(run, row.number),
        row.first as i64,
        EVENT_SCHEMA,
        body,
        content.as_ref().map(ContentHash::as_bytes),
    ])?;
    if let Some(content) = content {
        hold(db, run, content)?;
    }
    Ok(body.map_or(0, |body| body.len()))
}

/// Writes down what is asked for without reading entries: what the run holds, and how
/// it ended.
fn note(db: &Transaction<'_>, run: i64, entry: &JournalEntry) -> rusqlite::Result<()> {
    let mut named = Vec::new();
    for event in &entry.events {
        artifacts(event, &mut named);
    }
    for artifact in named {
        hold(db, run, artifact.sha256)?;
    }
    let status = entry.events.iter().rev().find_map(|event| match event {
        RunEventKind::RunEnded { status, .. } => Some(Some(status.as_str())),
        RunEventKind::RunRetried { .. } => Some(None),
        _ => None,
    });
    if let Some(status) = status {
        let ended = status.map(|_| entry.at.since_unix().as_micros() as i64);
        db.execute(
            "UPDATE run SET status = ?, ended = ? WHERE number = ?",
            params![status, ended, run],
        )?;
    }
    Ok(())
}

/// Keeps a content from being pruned as long as the run is there.
fn hold(db: &Transaction<'_>, run: i64, content: ContentHash) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR IGNORE INTO held (run, content) VALUES (?, ?)")?
        .execute(params![run, content.as_bytes()])?;
    Ok(())
}

/// The artifacts that an event speaks of.
pub(crate) fn artifacts(event: &RunEventKind, named: &mut Vec<Artifact>) {
    let mut of = |output: &Output| named.extend_from_slice(&output.artifacts);
    match event {
        RunEventKind::AttemptEnded {
            result: AttemptResult::Completed(output),
            ..
        }
        | RunEventKind::ResultRecalled { output, .. } => of(output),
        RunEventKind::Child { event, .. } => artifacts(event, named),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    fn run() -> Arc<Written> {
        Arc::new(Written {
            number: 1,
            listener: Mutex::new(None),
            under_way: AtomicU64::new(0),
        })
    }

    fn batch() -> Batch {
        Batch {
            run: run(),
            first: 0,
            entries: Vec::new(),
        }
    }

    /// Counts how often it was reminded.
    #[derive(Default)]
    struct Reminded(AtomicU64);

    impl JournalListener for Reminded {
        fn kept(&self, _: Vec<JournalEntry>) {}
        fn due(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn stuck(&self, _: &str) {}
        fn unstuck(&self) {}
    }

    /// A channel in which a run has asked for so many reminders, and who hears them.
    fn asked(times: usize) -> (Sender<Note>, Receiver<Note>, Arc<Reminded>) {
        let (sender, notes) = mpsc::channel();
        let reminded = Arc::<Reminded>::default();
        let listener: Arc<dyn JournalListener> = reminded.clone();
        let run = run();
        *run.listener.lock().unwrap() = Some(Arc::downgrade(&listener));
        for _ in 0..times {
            sender.send(Note::Remind(Arc::clone(&run))).unwrap();
        }
        (sender, notes, reminded)
    }

    #[test]
    fn who_asked_is_reminded_before_anything_else_is_kept() {
        let (sender, notes, reminded) = asked(1);
        sender.send(Note::Keep(batch())).unwrap();
        let mut reminders = Reminders::default();
        assert!(next_batch(&notes, &mut reminders).is_some());
        assert_eq!(reminded.0.load(Ordering::Relaxed), 1);
        assert_eq!(reminders.wait(now()), None);
    }

    #[test]
    fn the_first_that_asked_says_when() {
        let start = now();
        let mut reminders = Reminders::default();
        reminders.add(run(), start);
        let later = start + SOON / 2;
        reminders.add(run(), later);
        assert_eq!(reminders.wait(later), Some(SOON / 2));
        assert_eq!(reminders.wait(start + SOON * 9), Some(Duration::ZERO));
        reminders.send();
        assert_eq!(reminders.wait(later), None);
        reminders.add(run(), later);
        assert_eq!(reminders.wait(later), Some(SOON));
    }

    #[test]
    fn the_thread_has_what_is_written_ahead_moved_and_who_waits_does_it_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.db");
        let pen = Mutex::new(Pen {
            db: schema::open(&path).unwrap(),
            contents: Contents::new(dir.path().join("contents")),
            checkpoints: Checkpoints::of(&path),
        });
        let batch = batch();
        // More commits than it takes until it is due.
        for _ in 0..600 {
            pen.lock().unwrap().commit_without_patience(&batch).unwrap();
        }
        assert!(!pen.lock().unwrap().checkpoints.has_a_thread());
        for _ in 0..600 {
            assert!(commit_at_last(&pen, std::slice::from_ref(&batch)));
        }
        assert!(pen.lock().unwrap().checkpoints.has_a_thread());
    }
}
