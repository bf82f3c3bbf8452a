//! Decisions and cancels for a run that no process drives: they are written
//! down, and hold when somebody goes on with it.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use ringfence::engine::Clock;
use ringfence::flow::{
    Decision, JournalEntry, JournalListener, Replay, RunId, RunInput, RunPath, RunStatus,
    StopReason, TaskPath,
};
use ringfence::journal::{JournalFile, Resumable};

use super::kept::journal_place;
use crate::args::Global;
use crate::error::CliError;

/// How long the journal may take to keep a decision.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops a run. Gives how it ended, if nothing is left to run.
pub(super) fn cancel(global: &Global, run: &RunId) -> Result<Option<RunStatus>, CliError> {
    let (file, mut kept) = open(global, run)?;
    let now = Clock::system().now().max(kept.run.at());
    let mut entries = Vec::new();
    for path in kept.run.paths() {
        let run = kept.run.inside(&path);
        let input = match run.map(|run| (run.has_started(), run.status())) {
            Some((false, _)) => RunInput::Start,
            // What was under way died with its process.
            Some((true, None)) => RunInput::Resumed {
                away: Duration::ZERO,
                lost: true,
            },
            Some((true, Some(_))) | None => continue,
        };
        entries.extend(kept.run.drive(now, &path, input));
    }
    let stop = RunInput::Stop(StopReason::Cancelled);
    let outermost = RunPath::outermost();
    entries.extend(kept.run.drive(now, &outermost, stop));
    keep(&kept, entries)?;
    drop(file);
    Ok(ended(&kept.run))
}

/// Writes down what a person said. Gives how the run ended, if that ended it.
pub(super) fn decide(
    global: &Global,
    run: &RunId,
    task: &TaskPath,
    decision: Decision,
) -> Result<Option<RunStatus>, CliError> {
    let (file, mut kept) = open(global, run)?;
    let path = RunPath::from(task.around());
    let awaited = kept.run.inside(&path).and_then(|run| {
        let index = run.plan().index_of(task.task())?;
        run.awaits(index).then_some(index)
    });
    let Some(index) = awaited else {
        return Err(CliError::usage(
            format!("`{task}` of the run `{run}` does not wait for approval"),
            format!("`ringfence runs show {run}` shows what does"),
        ));
    };
    let now = Clock::system().now().max(kept.run.at());
    let decided = RunInput::Decided {
        task: index,
        decision,
    };
    let entries = kept.run.drive(now, &path, decided);
    keep(&kept, entries)?;
    drop(file);
    Ok(ended(&kept.run))
}

fn open(global: &Global, run: &RunId) -> Result<(JournalFile, Resumable), CliError> {
    let file = JournalFile::open(&journal_place(global)?)?;
    let kept = file.resume(run)?;
    match ended(&kept.run) {
        None => Ok((file, kept)),
        Some(status) => Err(CliError::usage(
            format!("the run `{run}` has ended: {status}"),
            "`ringfence runs list` shows the runs that go on",
        )),
    }
}

fn ended(run: &Replay) -> Option<RunStatus> {
    run.run().status()
}

/// Writes entries, and waits until they are kept.
fn keep(kept: &Resumable, entries: Vec<JournalEntry>) -> Result<(), CliError> {
    let (said, hears) = mpsc::channel();
    let listener: Arc<dyn JournalListener> = Arc::new(Waiting { said });
    kept.journal.attach(Arc::downgrade(&listener));
    kept.journal.append(entries);
    match hears.recv_timeout(PATIENCE) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(CliError::Files(format!(
            "the journal cannot be written: {why}"
        ))),
        Err(_) => Err(CliError::Files(
            "the journal does not answer\nhint: `ringfence runs show` tells whether it was written down"
                .to_owned(),
        )),
    }
}

struct Waiting {
    said: mpsc::Sender<Result<(), String>>,
}

impl JournalListener for Waiting {
    fn kept(&self, _: Vec<JournalEntry>) {
        let _ = self.said.send(Ok(()));
    }

    fn stuck(&self, why: &str) {
        let _ = self.said.send(Err(why.to_owned()));
    }

    fn unstuck(&self) {}
}
