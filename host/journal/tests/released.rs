//! Journals that released versions wrote are read, and gone on with.
//!
//! `fixtures/VERSION` holds the journal of a run of `everything.yaml` that was
//! killed while it asked a person, resumed, and killed again; and what
//! `ringfence runs events released --format json` of that version printed.
#![allow(
    clippy::unwrap_used,
    reason = "clippy knows a test's helper functions for no test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use ringfence_flow::{
    Decision, JournalEntry, JournalListener, RunEvent, RunId, RunInput, RunJournal, RunPath,
    Timestamp,
};
use ringfence_journal::{JournalFile, RunState};

fn releases() -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = fs::read_dir(fixtures).unwrap();
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

/// Hears when all of it is kept.
struct Kept(Mutex<mpsc::Sender<usize>>);

impl JournalListener for Kept {
    fn kept(&self, entries: Vec<JournalEntry>) {
        let _ = self.0.lock().unwrap().send(entries.len());
    }
    fn stuck(&self, _why: &str) {}
    fn unstuck(&self) {}
}

fn keep(journal: &dyn RunJournal, entries: &[JournalEntry]) {
    let (said, heard) = mpsc::channel();
    let listener: Arc<dyn JournalListener> = Arc::new(Kept(Mutex::new(said)));
    journal.attach(Arc::downgrade(&listener));
    journal.append(entries.to_vec());
    let kept = heard.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(kept, entries.len());
}

#[test]
fn a_released_journal_tells_the_same_and_goes_on() {
    for release in releases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        fs::copy(release.join("journal.sqlite"), &path).unwrap();
        let file = JournalFile::open(&path).unwrap();
        let run = RunId::new("released").unwrap();
        let mut told = Vec::new();
        file.events(&run, 0, |event| told.push(event)).unwrap();
        let expected = fs::read_to_string(release.join("events.jsonl")).unwrap();
        let expected: Vec<RunEvent> = expected
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(told, expected, "{}", release.display());

        assert_eq!(file.runs().unwrap()[0].state, RunState::Interrupted);
        let mut kept = file.resume(&run).unwrap();
        let asks = kept.run.run().awaiting().next().unwrap();
        let later = kept.run.at().after(Duration::from_secs(60));
        let outermost = RunPath::outermost();
        let resumed = RunInput::Resumed {
            away: Duration::from_secs(60),
            lost: true,
        };
        let mut entries = kept.run.drive(later, &outermost, resumed);
        let decided = RunInput::Decided {
            task: asks,
            decision: Decision::of("ada", true, None),
        };
        entries.extend(kept.run.drive(later, &outermost, decided));
        keep(&*kept.journal, &entries);
        let events: Vec<_> = entries
            .into_iter()
            .flat_map(|entry| entry.into_events(&run))
            .collect();
        let words: Vec<_> = events
            .iter()
            .map(|event| serde_json::to_value(&event.event).unwrap()["type"].clone())
            .collect();
        assert_eq!(words, ["run-resumed", "approval-decided", "task-ended"]);
        assert_eq!(kept.run.run().awaiting().count(), 0);
        let mut told = Vec::new();
        file.events(&run, 0, |event| told.push(event)).unwrap();
        assert_eq!(told, [expected, events].concat());
        assert!(
            file.prune(Timestamp::from_unix(Duration::MAX))
                .unwrap()
                .runs
                .is_empty()
        );
    }
}
