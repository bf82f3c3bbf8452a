//! The thread that writes: it commits all that has gathered at once.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use ringfence_flow::{
    Artifact, AttemptResult, ContentHash, EVENT_SCHEMA, JournalEntry, JournalListener, Output,
    RunEventKind, RunJournal,
};
use rusqlite::{Connection, Transaction, params};

use crate::Lease;
use crate::contents::Contents;
use crate::error::explain;
use crate::schema::place;

/// The longest entry that the file itself holds, in bytes; longer ones are
/// contents beside it.
const LONGEST_INSIDE: usize = 64 * 1024;

/// How many batches one commit takes at most.
const MOST_AT_ONCE: usize = 4_096;

/// How long it waits before it tries again what failed, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Entries of one run, on their way to the file.
pub(crate) struct Batch {
    run: Arc<Written>,
    /// The number of the first of them in its run.
    first: u64,
    entries: Vec<JournalEntry>,
}

/// A run that is written.
struct Written {
    number: i64,
    listener: Mutex<Option<Weak<dyn JournalListener>>>,
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
    sender: Sender<Batch>,
    // Nobody else drives the run as long as this one can write.
    _lease: Lease,
}

impl RunWriter {
    pub(crate) fn new(number: i64, next: u64, lease: Lease, sender: Sender<Batch>) -> Self {
        Self {
            run: Arc::new(Written {
                number,
                listener: Mutex::new(None),
            }),
            next: Mutex::new(next),
            sender,
            _lease: lease,
        }
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
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *next;
        *next += entries.len() as u64;
        // The thread lives as long as somebody can send.
        let _ = self.sender.send(Batch {
            run: Arc::clone(&self.run),
            first,
            entries,
        });
    }
}

/// Starts the thread. It ends when nobody can send any more.
pub(crate) fn start(db: Connection, contents: Contents) -> std::io::Result<Sender<Batch>> {
    let (sender, batches) = mpsc::channel();
    thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || write(db, &contents, &batches))?;
    Ok(sender)
}

fn write(mut db: Connection, contents: &Contents, incoming: &Receiver<Batch>) {
    while let Ok(first) = incoming.recv() {
        let mut batches = vec![first];
        batches.extend(incoming.try_iter().take(MOST_AT_ONCE));
        if !commit_at_last(&mut db, contents, &batches) {
            continue;
        }
        for batch in batches {
            if let Some(listener) = batch.run.listener() {
                listener.kept(batch.entries);
            }
        }
    }
}

/// Commits, however often it takes. False if nobody waits for it any more.
fn commit_at_last(db: &mut Connection, contents: &Contents, batches: &[Batch]) -> bool {
    let (mut wait, most) = RETRY;
    let mut stuck = false;
    loop {
        let why = match commit(db, contents, batches) {
            Ok(()) => break,
            Err(why) => why,
        };
        let listeners: Vec<_> = batches.iter().filter_map(|b| b.run.listener()).collect();
        if listeners.is_empty() {
            return false;
        }
        if !stuck {
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

fn commit(db: &mut Connection, contents: &Contents, batches: &[Batch]) -> Result<(), String> {
    let in_words = |error: rusqlite::Error| explain(&error);
    let transaction = db.transaction().map_err(in_words)?;
    for batch in batches {
        for (number, entry) in (batch.first..).zip(&batch.entries) {
            insert(&transaction, contents, batch.run.number, number, entry)?;
        }
    }
    transaction.commit().map_err(in_words)
}

fn insert(
    db: &Transaction<'_>,
    contents: &Contents,
    run: i64,
    number: u64,
    entry: &JournalEntry,
) -> Result<(), String> {
    let in_words = |error: rusqlite::Error| explain(&error);
    let body = serde_json::to_vec(entry).map_err(|error| error.to_string())?;
    let (body, content) = if body.len() > LONGEST_INSIDE {
        let hash = contents.put(&body).map_err(|error| error.to_string())?;
        (None, Some(hash))
    } else {
        (Some(body), None)
    };
    db.prepare_cached(
        "INSERT INTO entry (place, first, schema, body, content) VALUES (?, ?, ?, ?, ?)",
    )
    .and_then(|mut insert| {
        insert.execute(params![
            place(run, number),
            entry.first as i64,
            EVENT_SCHEMA,
            body,
            content.as_ref().map(ContentHash::as_bytes),
        ])
    })
    .map_err(in_words)?;
    let mut named = Vec::new();
    for event in &entry.events {
        artifacts(event, &mut named);
    }
    let named = named.iter().map(|artifact| artifact.sha256);
    for hash in content.into_iter().chain(named) {
        db.prepare_cached("INSERT OR IGNORE INTO held (run, content) VALUES (?, ?)")
            .and_then(|mut insert| insert.execute(params![run, hash.as_bytes()]))
            .map_err(in_words)?;
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
        )
        .map_err(in_words)?;
    }
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
