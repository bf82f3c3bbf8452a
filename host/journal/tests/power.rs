//! Journals on disks that fail and lose their power: what was acknowledged is
//! there afterwards, and what is there is right.
//!
//! `RINGFENCE_CUTS` sets how often the power is lost.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "clippy knows a test's helper functions for no test"
)]

mod disk;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use disk::{Draws, Faults};
use ringfence_flow::{
    Budgets, Decision, JournalEntry, JournalListener, Json, NoFiles, Replay, RunEvent, RunId,
    RunInput, RunJournal, RunOptions, RunPath, Timestamp, WorkflowBundle,
};
use ringfence_journal::{JournalFile, RunHeader};

/// How many questions a run asks, one after the other.
const QUESTIONS: usize = 400;

/// The longest reason that somebody gives, in bytes.
const LONGEST_NOTE: u64 = 28_000;

/// How often a journal that says nothing is looked at.
const GLANCE: Duration = Duration::from_millis(20);

fn run() -> RunId {
    RunId::new("r-1").unwrap()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix(Duration::from_secs(second))
}

fn header() -> RunHeader {
    let mut text = "version: 1\nname: asks\ntasks:\n  t0: { approve: 'Go on?' }\n".to_owned();
    for number in 1..QUESTIONS {
        let before = number - 1;
        // A question of some length, so that entries span pages.
        let question = "Go on? ".repeat(number * 7 % 1_000);
        writeln!(
            text,
            "  t{number}: {{ needs: [t{before}], approve: 'Go on? {question}' }}"
        )
        .unwrap();
    }
    let (_, workflow) = WorkflowBundle::read("asks.yaml", &text, &NoFiles).unwrap();
    RunHeader {
        created: at(1),
        name: "asks".parse().unwrap(),
        workflow,
        inputs: Json::parse("{}").unwrap(),
        seed: 7,
        budgets: Budgets::default(),
        ceiling: Budgets::default(),
        agents: BTreeMap::new(),
        context: BTreeMap::new(),
    }
}

/// A reason that no compression makes shorter.
fn note(draws: &mut Draws) -> String {
    let length = draws.below(LONGEST_NOTE);
    (0..length)
        .map(|_| char::from(b'a' + draws.below(26) as u8))
        .collect()
}

/// All that a run goes through, in the steps in which it is written down.
fn history() -> Vec<Vec<JournalEntry>> {
    let header = header();
    let plan = header.workflow.parse().unwrap().into_plan();
    let options = RunOptions {
        inputs: header.inputs,
        seed: header.seed,
        budgets: header.budgets,
        ceiling: header.ceiling,
        outer_deadline: None,
    };
    let mut replay = Replay::new(run(), Arc::new(plan), options);
    let outermost = RunPath::outermost();
    let mut steps = vec![replay.drive(at(2), &outermost, RunInput::Start)];
    let mut second = 2;
    let mut draws = Draws(7);
    loop {
        let waiting = replay.run().awaiting().next();
        let Some(task) = waiting else { break };
        second += 1;
        let decision = Decision {
            // So long that what is written ahead is moved several times.
            note: Some(note(&mut draws).into()),
            ..Decision::of("ada", true, None)
        };
        let decided = RunInput::Decided { task, decision };
        steps.push(replay.drive(at(second), &outermost, decided));
    }
    assert!(replay.run().status().is_some(), "the run has ended");
    steps
}

fn events(entries: impl IntoIterator<Item = JournalEntry>) -> Vec<RunEvent> {
    let run = run();
    let of = |entry: JournalEntry| entry.into_events(&run).collect::<Vec<_>>();
    entries.into_iter().flat_map(of).collect()
}

struct Kept {
    said: Mutex<mpsc::Sender<Option<usize>>>,
}

impl JournalListener for Kept {
    fn kept(&self, entries: Vec<JournalEntry>) {
        let _ = self.said.lock().unwrap().send(Some(entries.len()));
    }
    fn stuck(&self, _: &str) {
        let _ = self.said.lock().unwrap().send(None);
    }
    fn unstuck(&self) {}
}

/// Appends steps until all are kept, or the power is gone. Gives how many
/// entries were acknowledged.
fn append(journal: &dyn RunJournal, steps: &[Vec<JournalEntry>], folder: &Path) -> usize {
    let (said, heard) = mpsc::channel();
    let listener: Arc<dyn JournalListener> = Arc::new(Kept {
        said: Mutex::new(said),
    });
    journal.attach(Arc::downgrade(&listener));
    let (mut appended, mut acknowledged) = (0, 0);
    for (number, step) in (1..).zip(steps) {
        journal.append(step.clone());
        appended += step.len();
        // Some steps are on their way together.
        if number % 4 != 0 && number != steps.len() {
            continue;
        }
        while acknowledged < appended {
            match heard.recv_timeout(GLANCE) {
                Ok(Some(count)) => acknowledged += count,
                // What failed is tried again until the power is gone.
                Ok(None) | Err(mpsc::RecvTimeoutError::Timeout) if disk::is_off(folder) => {
                    return acknowledged + heard.try_iter().flatten().sum::<usize>();
                }
                Ok(None) | Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => panic!("nobody writes"),
            }
        }
    }
    acknowledged
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn what_was_acknowledged_survives_torn_writes_and_errors() {
    disk::install();
    let cuts: u64 = std::env::var("RINGFENCE_CUTS").map_or(20, |text| text.parse().unwrap());
    let mut draws = Draws(cuts);
    let history = history();
    let expected = events(history.iter().flatten().cloned());
    let (mut lost, mut tried) = (0, 0);
    for _ in 0..cuts {
        tried += 1;
        let place = tempfile::tempdir().unwrap();
        let first = place.path().join("first");
        fs::create_dir(&first).unwrap();
        let file = JournalFile::open(&first.join("journal.sqlite")).unwrap();
        let journal = file.create(&run(), &header()).unwrap();
        let operations = 7_000;
        let mut fault = |share| (draws.below(share) == 0).then(|| draws.below(operations));
        let faults = Faults {
            full_after: fault(3),
            sync_fails_after: fault(3),
            power_after: Some(draws.below(operations)),
        };
        disk::arm(&first, faults);
        let acknowledged = append(&*journal, &history, &first);
        drop((journal, file));

        let second = place.path().join("second");
        copy_folder(
            &first.join("journal.sqlite.d"),
            &second.join("journal.sqlite.d"),
        );
        disk::lose_power(&first, &second, &mut draws);
        let file = JournalFile::open(&second.join("journal.sqlite")).unwrap();
        let mut found = Vec::new();
        file.events(&run(), 0, |event| found.push(event)).unwrap();
        let entries = history.iter().flatten().take(acknowledged).cloned();
        let promised = events(entries).len();
        assert!(
            found.len() >= promised,
            "{} of {promised} acknowledged events are there ({faults:?})",
            found.len()
        );
        assert_eq!(found[..], expected[..found.len()], "{faults:?}");
        lost += u64::from(found.len() < expected.len());

        // It goes on from there.
        let mut kept = file.resume(&run()).unwrap();
        assert_eq!(kept.run.next_event(), found.len() as u64 + 1);
        if kept.run.run().status().is_none() {
            let outermost = RunPath::outermost();
            let input = match kept.run.run().has_started() {
                true => RunInput::Resumed {
                    away: Duration::from_secs(1),
                    lost: true,
                },
                false => RunInput::Start,
            };
            let more = kept.run.drive(at(9_999), &outermost, input);
            let count = more.len();
            assert_eq!(append(&*kept.journal, &[more], &second), count);
        }
    }
    assert!(
        lost * 2 > tried,
        "only {lost} of {tried} came in the middle"
    );
}

/// The disk does lose what is not synced: else the test above shows nothing.
#[test]
fn what_is_not_synced_is_lost() {
    disk::install();
    let mut draws = Draws(1);
    let mut lost = 0;
    for _ in 0..20 {
        let place = tempfile::tempdir().unwrap();
        let (first, second) = (place.path().join("first"), place.path().join("second"));
        fs::create_dir(&first).unwrap();
        fs::create_dir(&second).unwrap();
        let db = rusqlite::Connection::open(first.join("db")).unwrap();
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; CREATE TABLE t (x); INSERT INTO t VALUES (1);",
        )
        .unwrap();
        disk::lose_power(&first, &second, &mut draws);
        let found = rusqlite::Connection::open(second.join("db"))
            .and_then(|db| db.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)));
        lost += u32::from(!matches!(found, Ok(1)));
        drop(db);
    }
    assert!(lost >= 5, "only {lost} of 20 were lost");
}
