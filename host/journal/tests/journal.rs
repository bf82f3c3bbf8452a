//! Runs that are written down, found again and gone on with.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows a test's helper functions for no test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use ringfence_flow::{
    ArtifactStore, Budgets, Decision, JournalEntry, JournalListener, Json, NoFiles, Replay,
    RunEventKind, RunId, RunInput, RunJournal, RunOptions, RunPath, Timestamp, WorkflowBundle,
};
use ringfence_journal::{JournalError, JournalFile, RunHeader, RunState};

const WORKFLOW: &str = "version: 1
name: two
tasks:
  first: { approve: 'Go on?' }
  second: { needs: [first], approve: 'And now?' }
";

fn run() -> RunId {
    RunId::new("r-1").unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(seconds))
}

fn header() -> RunHeader {
    let (_, workflow) = WorkflowBundle::read("two.yaml", WORKFLOW, &NoFiles).unwrap();
    RunHeader {
        created: at(100),
        name: "two".parse().unwrap(),
        workflow,
        inputs: Json::parse("{}").unwrap(),
        seed: 7,
        budgets: Budgets::default(),
        ceiling: Budgets::default(),
        agents: BTreeMap::new(),
        context: BTreeMap::from([("folder".to_owned(), "\"/x\"".to_owned())]),
    }
}

fn replay() -> Replay {
    let header = header();
    let plan = header.workflow.parse().unwrap().into_plan();
    let options = RunOptions {
        inputs: header.inputs,
        seed: header.seed,
        budgets: header.budgets,
        ceiling: header.ceiling,
        outer_deadline: None,
    };
    Replay::new(run(), Arc::new(plan), options)
}

/// Waits until everything is kept.
struct Kept {
    said: Mutex<mpsc::Sender<Result<usize, String>>>,
}

impl JournalListener for Kept {
    fn kept(&self, entries: Vec<JournalEntry>) {
        let _ = self.said.lock().unwrap().send(Ok(entries.len()));
    }
    fn stuck(&self, why: &str) {
        let _ = self.said.lock().unwrap().send(Err(why.to_owned()));
    }
    fn unstuck(&self) {}
}

/// Hears what becomes of the entries of a journal.
fn listen(journal: &dyn RunJournal) -> (Arc<dyn JournalListener>, Heard) {
    let (said, heard) = mpsc::channel();
    let listener: Arc<dyn JournalListener> = Arc::new(Kept {
        said: Mutex::new(said),
    });
    journal.attach(Arc::downgrade(&listener));
    (listener, heard)
}

type Heard = mpsc::Receiver<Result<usize, String>>;

fn all_kept(heard: &Heard, mut count: usize) {
    while count > 0 {
        count -= heard
            .recv_timeout(Duration::from_secs(60))
            .unwrap()
            .unwrap();
    }
}

/// Plays the run up to a decision on its first task.
fn play(until: &[&str]) -> Vec<JournalEntry> {
    let mut replay = replay();
    let outermost = RunPath::outermost();
    let mut entries = replay.drive(at(101), &outermost, RunInput::Start);
    for task in until {
        let index = replay
            .run()
            .plan()
            .indices()
            .find(|index| replay.run().plan().task(*index).id.as_str() == *task)
            .unwrap();
        let decided = RunInput::Decided {
            task: index,
            decision: Decision::of("ada", true, None),
        };
        entries.extend(replay.drive(at(102), &outermost, decided));
    }
    entries
}

/// An entry with one event: what an attempt logged.
fn log(first: u64, message: &str) -> JournalEntry {
    JournalEntry {
        first,
        at: at(103),
        path: RunPath::outermost(),
        input: None,
        events: vec![RunEventKind::AttemptLog {
            key: ringfence_flow::TaskKey::single(ringfence_flow::TaskId::new("first").unwrap()),
            agent: ringfence_flow::AgentName::new("a").unwrap(),
            attempt: 1,
            line: ringfence_flow::LogLine {
                level: ringfence_flow::LogLevel::Info,
                message: message.into(),
                fields: Arc::default(),
            },
        }],
    }
}

fn written(path: &Path, entries: &[JournalEntry]) {
    let file = JournalFile::open(path).unwrap();
    let journal = file.create(&run(), &header()).unwrap();
    let (_listener, heard) = listen(&*journal);
    journal.append(entries.to_vec());
    all_kept(&heard, entries.len());
}

fn place(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("state").join("journal.sqlite")
}

#[test]
fn a_run_is_found_as_it_was_left_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&["first"]));
    let file = JournalFile::open(&path).unwrap();
    assert_eq!(file.runs().unwrap()[0].state, RunState::Interrupted);
    let mut kept = file.resume(&run()).unwrap();
    assert_eq!(kept.header, header());
    assert_eq!(file.length(&run()).unwrap(), play(&["first"]).len() as u64);
    assert_eq!(kept.run.at(), at(102));
    let waiting: Vec<_> = kept.run.run().awaiting().collect();
    assert_eq!(waiting.len(), 1, "the second task asks");
    assert_eq!(file.runs().unwrap()[0].state, RunState::Running);

    let (_listener, heard) = listen(&*kept.journal);
    let decided = RunInput::Decided {
        task: waiting[0],
        decision: Decision::of("ada", true, None),
    };
    let more = kept.run.drive(at(200), &RunPath::outermost(), decided);
    let count = more.len();
    kept.journal.append(more);
    all_kept(&heard, count);
    drop(kept);
    let runs = file.runs().unwrap();
    assert_eq!(runs[0].state.as_str(), "completed");
    assert_eq!(runs[0].ended, Some(at(200)));
    let mut seqs = Vec::new();
    file.events(&run(), 0, |event| seqs.push(event.seq))
        .unwrap();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
}

#[test]
fn two_cannot_drive_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let file = JournalFile::open(&path).unwrap();
    let first = file.resume(&run()).unwrap();
    let other = JournalFile::open(&path).unwrap();
    assert!(matches!(other.resume(&run()), Err(JournalError::Driven(_))));
    drop(first);
    assert!(other.resume(&run()).is_ok());
}

/// Whoever lists runs looks whether somebody drives them, and must not be taken
/// for somebody who does.
#[test]
fn a_glance_at_a_run_is_not_in_the_way_of_who_drives_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looks = || {
            let reader = JournalFile::open_to_read(&path).unwrap();
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                reader.runs().unwrap();
            }
        };
        scope.spawn(looks);
        scope.spawn(looks);
        let file = JournalFile::open(&path).unwrap();
        let taken = (0..300).map(|_| file.resume(&run()).map(drop));
        let refused = taken.filter(Result::is_err).count();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(refused, 0);
    });
}

/// SQLite 3.51.0 and 3.51.1 stood still for ever when one thread opened a file
/// while another one closed it.
#[test]
fn opening_and_closing_at_once_does_not_stand_still() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let (ended, end) = mpsc::channel();
    // Two, so that one of them is often the last to close.
    for _ in 0..2 {
        let (path, ended) = (path.clone(), ended.clone());
        std::thread::spawn(move || {
            for _ in 0..2_000 {
                JournalFile::open_to_read(&path).unwrap().runs().unwrap();
            }
            ended.send(()).unwrap();
        });
    }
    for _ in 0..2 {
        let waited = end.recv_timeout(Duration::from_secs(120));
        assert_eq!(waited, Ok(()), "it stands still");
    }
}

/// Entries that are kept at once share a row, and are told from any of them on.
#[test]
fn a_run_is_told_from_any_entry_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    let entries = play(&["first", "second"]);
    written(&path, &entries);
    let db = rusqlite::Connection::open(&path).unwrap();
    let rows: i64 = db
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert!((rows as usize) < entries.len(), "{rows} rows");
    let file = JournalFile::open_to_read(&path).unwrap();
    let length = entries.len() as u64;
    assert_eq!(file.length(&run()).unwrap(), length);
    for from in 0..=entries.len() {
        let mut told = Vec::new();
        let take = |event: ringfence_flow::RunEvent| told.push(event.seq);
        assert_eq!(file.events(&run(), from as u64, take).unwrap(), length);
        let first = entries[..from].last().map_or(1, JournalEntry::next);
        let next = entries.last().unwrap().next();
        assert_eq!(told, (first..next).collect::<Vec<_>>());
    }
}

/// What runs write at the same time is committed together.
#[test]
fn runs_that_are_kept_at_once_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    let file = JournalFile::open(&path).unwrap();
    let entries: Vec<_> = (1..=50).map(|first| log(first, "at work")).collect();
    let runs = ["r-1", "r-2", "r-3"].map(|name| RunId::new(name).unwrap());
    let journals = runs.each_ref().map(|run| {
        let journal = file.create(run, &header()).unwrap();
        let heard = listen(&*journal);
        (journal, heard)
    });
    // The thread cannot write meanwhile, so that all but the first of it gathers.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for entry in &entries {
        for (journal, _) in &journals {
            journal.append(vec![entry.clone()]);
        }
    }
    other.execute_batch("ROLLBACK").unwrap();
    for (_, (_, heard)) in &journals {
        all_kept(heard, entries.len());
    }
    for run in &runs {
        let mut told = Vec::new();
        file.events(run, 0, |event| told.push(event.seq)).unwrap();
        assert_eq!(told, (1..=50).collect::<Vec<_>>());
    }
    let rows: i64 = other
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert!(rows < 50, "{rows} rows: each was committed alone");
}

#[test]
fn an_older_version_refuses_a_journal_from_when_this_one_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let db = rusqlite::Connection::open(&path).unwrap();
    let format = || -> u32 {
        db.pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    let newest = format();
    db.pragma_update(None, "user_version", newest - 1).unwrap();
    drop(JournalFile::open_to_read(&path).unwrap());
    assert_eq!(format(), newest - 1, "reading changes nothing");
    drop(JournalFile::open(&path).unwrap());
    assert_eq!(format(), newest);
}

#[test]
fn a_name_is_given_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let file = JournalFile::open(&path).unwrap();
    assert!(matches!(
        file.create(&run(), &header()),
        Err(JournalError::SameName(_))
    ));
    let other = RunId::new("r-2").unwrap();
    let error = file.header(&other).unwrap_err().to_string();
    assert!(error.contains("did you mean `r-1`?"), "{error}");
}

#[test]
fn what_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path| JournalFile::open(path).unwrap_err().to_string();
    assert!(said(folder.path()).contains("it is a folder"));
    let text = folder.path().join("text.sqlite");
    fs::write(
        &text,
        "this is no database, but a text of some length".repeat(50),
    )
    .unwrap();
    assert!(said(&text).contains("it is no journal"), "{}", said(&text));
    let missing = folder.path().join("none.sqlite");
    let error = JournalFile::open_to_read(&missing).unwrap_err();
    assert!(matches!(error, JournalError::Missing { .. }));
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(said(&file.join("journal.sqlite")).contains("--no-journal"));
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let error = JournalFile::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Newer { found: 99, .. }));
    assert!(error.to_string().contains("format 99"), "{error}");
}

#[test]
fn a_run_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&["first"]));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE entry SET schema = 9", []).unwrap();
    drop(db);
    let file = JournalFile::open(&path).unwrap();
    let error = file.resume(&run()).unwrap_err();
    assert!(matches!(error, JournalError::NewerRun { found: 9, .. }));
    assert!(error.to_string().contains("events of version 9"), "{error}");
}

#[test]
fn a_damaged_entry_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    let mut entries = play(&["first"]);
    let last = entries.split_off(1);
    written(&path, &entries);
    let file = JournalFile::open(&path).unwrap();
    let kept = file.resume(&run()).unwrap();
    let (_listener, heard) = listen(&*kept.journal);
    kept.journal.append(last.clone());
    all_kept(&heard, last.len());
    drop(kept);
    let damages = [
        (
            "UPDATE entry SET body = NULL WHERE first > 1",
            "it is empty",
        ),
        ("UPDATE entry SET body = x'01ff' WHERE first > 1", ""),
        ("UPDATE entry SET body = x'7b' WHERE first > 1", ""),
        ("DELETE FROM entry WHERE first = 1", "entry 0 is missing"),
    ];
    for (damage, why) in damages {
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute(damage, []).unwrap();
        let error = file.resume(&run()).unwrap_err();
        let JournalError::Damaged { seq, why: said, .. } = &error else {
            panic!("{damage}: {error}");
        };
        assert_eq!(*seq, last[0].first, "{damage}");
        assert!(said.contains(why), "{damage}: {error}");
        assert!(file.resume(&run()).is_err(), "and the lease is free again");
    }
}

#[test]
fn a_long_entry_lies_beside_the_file_and_its_damage_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    let mut entries = play(&["first"]);
    let next = entries.last().unwrap().next();
    entries.push(log(next, &"x".repeat(100_000)));
    written(&path, &entries);
    let contents = folder.path().join("state/journal.sqlite.d/contents");
    let folders: Vec<_> = fs::read_dir(&contents).unwrap().collect();
    assert_eq!(folders.len(), 1);
    let file = JournalFile::open(&path).unwrap();
    let kept = file.resume(&run()).unwrap();
    assert_eq!(kept.run.next_event(), next + 1);
    drop(kept);
    let inner = folders[0].as_ref().unwrap().path();
    let content = fs::read_dir(inner).unwrap().next().unwrap().unwrap();
    fs::write(content.path(), "something else").unwrap();
    let error = file.resume(&run()).unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
    // Who has read it and waits for more does not read it again.
    let length = entries.len() as u64;
    assert_eq!(file.length(&run()).unwrap(), length);
    let none = |event: ringfence_flow::RunEvent| panic!("{event:?}");
    assert_eq!(file.events(&run(), length, none).unwrap(), length);
    assert_eq!(file.events(&run(), u64::MAX, none).unwrap(), length);
}

#[tokio::test]
async fn artifacts_belong_to_their_run_and_prune_removes_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&["first", "second"]));
    let file = JournalFile::open(&path).unwrap();
    let artifacts = file.artifacts();
    let hash = artifacts.put(b"abc".as_slice().into()).await.unwrap();
    assert_eq!(&*artifacts.get(hash).await.unwrap(), b"abc");
    assert!(file.artifacts().get(hash).await.is_err(), "of another run");
    assert!(file.prune(at(50)).unwrap().runs.is_empty(), "too young");
    drop(file);
    // Nobody else uses the journal.
    let reader = JournalFile::open_to_read(&path).unwrap();
    let pruned = reader.prune(at(1_000)).unwrap();
    assert_eq!(pruned.runs, [run()]);
    assert_eq!(pruned.freed, Some(3));
    assert!(reader.runs().unwrap().is_empty());
}

#[test]
fn contents_stay_while_somebody_uses_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    written(&path, &play(&[]));
    let _open = JournalFile::open(&path).unwrap();
    let reader = JournalFile::open_to_read(&path).unwrap();
    assert_eq!(reader.prune(at(1_000)).unwrap().freed, None);
}

/// Appends what it has when it is due.
struct Gathers {
    journal: Mutex<Option<Arc<dyn RunJournal>>>,
    said: Mutex<mpsc::Sender<usize>>,
}

impl JournalListener for Gathers {
    fn kept(&self, entries: Vec<JournalEntry>) {
        let _ = self.said.lock().unwrap().send(entries.len());
    }
    fn due(&self) {
        let journal = self.journal.lock().unwrap().take();
        journal.unwrap().append(play(&[]));
    }
    fn stuck(&self, _: &str) {}
    fn unstuck(&self) {}
}

#[test]
fn what_nobody_waits_for_is_kept_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = JournalFile::open(&place(&folder)).unwrap();
    let journal = file.create(&run(), &header()).unwrap();
    let (said, heard) = mpsc::channel();
    let gathers = Arc::new(Gathers {
        journal: Mutex::new(Some(Arc::clone(&journal))),
        said: Mutex::new(said),
    });
    let listener: Arc<dyn JournalListener> = gathers.clone();
    journal.attach(Arc::downgrade(&listener));
    assert!(journal.remind());
    let kept = heard.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(kept, play(&[]).len());
}

#[test]
fn whoever_waits_writes_it_himself_unless_somebody_else_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = place(&folder);
    let entries = play(&["first"]);
    let (first, second) = entries.split_at(1);
    let file = JournalFile::open(&path).unwrap();
    let journal = file.create(&run(), &header()).unwrap();
    let (_listener, heard) = listen(&*journal);
    journal.append_and_wait(first.to_vec());
    assert_eq!(heard.try_recv(), Ok(Ok(1)), "kept before it returned");

    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    journal.append_and_wait(second.to_vec());
    assert!(heard.try_recv().is_err(), "it does not wait for others");
    other.execute_batch("ROLLBACK").unwrap();
    all_kept(&heard, second.len());
    assert_eq!(file.length(&run()).unwrap(), entries.len() as u64);
}
