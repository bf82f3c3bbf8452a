//! Drives a run to its end: shows it, lets others speak to it, and writes its
//! reports.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ringfence::engine::{
    Clock, FolderResults, Host, MemoryResults, RunHandle, RunObserver, RunOutcome,
};
use ringfence::flow::{
    ArtifactStore, ByteSize, Durations, MountName, Plan, ResultStore, RunEvent, RunId, RunRecord,
};

use super::interrupt::Interrupts;
use super::report::{Reports, write};
use super::session::Session;
use crate::args::{DriveArgs, Format};
use crate::control::{Server, Watch};
use crate::error::CliError;
use crate::exit::ExitCode;
use crate::output::{print, print_json_line, say};
use crate::ui::{LiveView, PlainView, print_summary};

/// What a run is driven with.
pub(super) struct Drive<'a> {
    args: &'a DriveArgs,
    reports: Reports,
    mounts: &'a [(MountName, PathBuf)],
    watch: Arc<Mutex<Watch>>,
    /// Why the journal cannot be written, as long as it cannot.
    paused: Arc<Mutex<Option<String>>>,
    interrupts: Interrupts,
}

impl<'a> Drive<'a> {
    /// Finds out what could go wrong before there is something to lose.
    pub(super) fn prepare(
        args: &'a DriveArgs,
        mounts: &'a [(MountName, PathBuf)],
    ) -> Result<Self, CliError> {
        let reports = Reports::prepare(&args.report)?;
        if let Some(folder) = &args.artifacts {
            std::fs::create_dir_all(folder).map_err(CliError::disk(folder, "make the folder"))?;
        }
        Ok(Self {
            args,
            reports,
            mounts,
            watch: Arc::default(),
            paused: Arc::default(),
            // From before the run starts: none that comes early is lost.
            interrupts: Interrupts::listen(),
        })
    }

    /// Takes in how long agents took in earlier runs of the workflow.
    pub(super) fn expect(&self, history: Durations) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Watch::with_history(history);
    }

    /// Takes in what happened before this process.
    pub(super) fn remember(&self, event: &RunEvent) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.apply(event);
    }

    /// Keeps the record, and shows the run as asked.
    pub(super) fn observer(&self, clock: Clock) -> Box<dyn RunObserver> {
        let view: Option<Box<dyn RunObserver>> = match self.args.format {
            Format::Json => Some(Box::new(JsonLines)),
            Format::Human if self.args.quiet => None,
            Format::Human if std::io::stderr().is_terminal() => {
                Some(Box::new(LiveView::new(Arc::clone(&self.watch), clock)))
            }
            Format::Human => Some(Box::new(PlainView::new(say))),
        };
        Box::new(Shown {
            watch: Arc::clone(&self.watch),
            paused: Arc::clone(&self.paused),
            view,
        })
    }

    /// Where tasks with `cache: true` find earlier results, and leave theirs.
    pub(super) fn results(&self, session: &Session) -> Arc<dyn ResultStore> {
        results(self.args, session)
    }

    /// Drives the run to its end.
    pub(super) async fn finish(
        mut self,
        mut handle: RunHandle,
        host: &Host,
        plan: &Plan,
        artifacts: &dyn ArtifactStore,
    ) -> Result<ExitCode, CliError> {
        let server = listen(self.args, &handle, host, &self.watch);
        let outcome = until_ended(&mut handle, &mut self.interrupts, &self.paused).await?;
        if let Some(server) = server {
            server.close().await;
        }
        let watch = std::mem::take(&mut *self.watch.lock().unwrap_or_else(PoisonError::into_inner));
        let record = watch.record;
        // The patch and the summary are worth having also where a report is not.
        let mut written =
            self.reports
                .write(&record, plan, self.mounts.iter().map(|(_, path)| path));
        if let Some(folder) = &self.args.artifacts {
            written = written.and(save_artifacts(folder, &record, artifacts).await);
        }
        if self.args.format == Format::Human {
            let mut text = String::new();
            print_summary(&record, &mut text);
            print(&text);
        }
        written?;
        Ok(ExitCode::of_run(
            outcome.status,
            outcome.failure.map(|failure| failure.code),
        ))
    }
}

/// A clock that does not show a time before `last`, which is written down.
pub(super) fn clock_after(last: ringfence::flow::Timestamp) -> Clock {
    let clock = Clock::system();
    if clock.now() < last {
        return Clock::starting_at(last);
    }
    clock
}

/// Passes on what happens.
struct Shown {
    watch: Arc<Mutex<Watch>>,
    paused: Arc<Mutex<Option<String>>>,
    view: Option<Box<dyn RunObserver>>,
}

impl RunObserver for Shown {
    fn event(&mut self, event: &RunEvent) {
        self.watch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .apply(event);
        if let Some(view) = &mut self.view {
            view.event(event);
        }
    }

    fn paused(&mut self, why: Option<&str>) {
        *self.paused.lock().unwrap_or_else(PoisonError::into_inner) = why.map(str::to_owned);
        match why {
            Some(why) => say(&format!(
                "the journal cannot be written: {why}; the run waits, and goes on when it can"
            )),
            None => say("the journal can be written again; the run goes on"),
        }
    }
}

/// Lets other processes speak to the run. Where they cannot, it goes on all
/// the same.
fn listen(
    args: &DriveArgs,
    handle: &RunHandle,
    host: &Host,
    watch: &Arc<Mutex<Watch>>,
) -> Option<Server> {
    if args.no_control {
        return None;
    }
    let server = Server::start(
        handle.id(),
        handle.control(),
        host.clone(),
        Arc::clone(watch),
    );
    server
        .map_err(|error| say(&format!("`ringfence runs` does not see this run: {error}")))
        .ok()
}

fn results(args: &DriveArgs, session: &Session) -> Arc<dyn ResultStore> {
    if args.no_cache {
        return Arc::new(MemoryResults::with_limit(ByteSize::bytes(0)));
    }
    let Some(folder) = session.cache_dir() else {
        return Arc::new(MemoryResults::default());
    };
    match FolderResults::open(&folder.join("results")) {
        Ok(results) => Arc::new(results),
        Err(error) => {
            let path = folder.display();
            say(&format!("no earlier results are taken: {path}: {error}"));
            Arc::new(MemoryResults::default())
        }
    }
}

/// Waits for the end. The first Ctrl-C cancels, the second one kills; while
/// the journal is stuck the first one ends the process, as nothing can be
/// written down.
async fn until_ended(
    handle: &mut RunHandle,
    interrupts: &mut Interrupts,
    paused: &Mutex<Option<String>>,
) -> Result<RunOutcome, CliError> {
    tokio::select! {
        outcome = handle.outcome() => return Ok(outcome?),
        () = interrupts.next() => {}
    }
    let why = paused
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some(why) = why {
        return Err(CliError::Files(left_behind(handle.id(), &why)));
    }
    say("cancelling; press Ctrl-C again to end at once");
    let cancelled = async {
        handle.cancel().await;
        handle.outcome().await
    };
    tokio::select! {
        outcome = cancelled => Ok(outcome?),
        () = interrupts.next() => std::process::exit(ExitCode::Cancelled as i32),
    }
}

fn left_behind(run: &RunId, why: &str) -> String {
    format!(
        "the journal cannot be written: {why}\nhint: what was written is kept; `ringfence runs resume {run}` goes on from there"
    )
}

/// One event a line.
pub(super) struct JsonLines;

impl RunObserver for JsonLines {
    fn event(&mut self, event: &RunEvent) {
        print_json_line(event);
    }
}

/// Writes each artifact under its name, and where several tasks or items gave
/// that name, with the task before it.
async fn save_artifacts(
    folder: &Path,
    record: &RunRecord,
    store: &dyn ArtifactStore,
) -> Result<(), CliError> {
    let artifacts = record.artifacts();
    let mut givers = BTreeMap::<_, BTreeSet<_>>::new();
    for given in &artifacts {
        givers
            .entry(&given.artifact.name)
            .or_default()
            .insert(&given.key);
    }
    for given in &artifacts {
        let artifact = &given.artifact;
        let Some(name) = file_name(&artifact.name) else {
            say(&format!(
                "the artifact {:?} is left out: its name is no file name",
                artifact.name
            ));
            continue;
        };
        let path = match givers[&artifact.name].len() {
            1 => folder.join(name),
            _ => folder.join(format!("{}-{name}", given.key)),
        };
        let content = store.get(artifact.sha256).await;
        let content = content.map_err(std::io::Error::other);
        write(&path, &content.map_err(CliError::disk(&path, "write"))?)?;
    }
    Ok(())
}

/// A guest's name for an artifact, if it names a file in a folder and nothing
/// else.
fn file_name(name: &str) -> Option<&str> {
    let mut parts = Path::new(name).components();
    let plain = matches!(
        (parts.next(), parts.next()),
        (Some(std::path::Component::Normal(part)), None) if part == name
    );
    let legal = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':');
    (plain && name.chars().all(legal)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_cannot_name_a_file_elsewhere() {
        assert_eq!(file_name("fixes.patch"), Some("fixes.patch"));
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "c:x",
            "a\nb",
            "a/",
            "./a",
        ] {
            assert_eq!(file_name(bad), None, "{bad:?}");
        }
    }
}
