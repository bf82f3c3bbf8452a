//! `ringfence run`

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ringfence::engine::{
    Clock, FolderResults, Host, MemoryArtifacts, MemoryResults, RunHandle, RunObserver, RunOutcome,
    RunSpec, draw_run_id, draw_seed,
};
use ringfence::flow::{
    ArtifactStore, AttemptRunner, ByteSize, InputValue, Json, ResultStore, RunEvent, RunRecord,
    WorkflowFile, graph,
};
use ringfence::report::SourceFolders;

use super::interrupt::Interrupts;
use super::report::ReportKind;
use super::session::Session;
use super::workflow::Source;
use crate::args::{Format, Global, RunArgs};
use crate::control::{Server, Watch};
use crate::error::CliError;
use crate::exit::ExitCode;
use crate::output::{print, say};
use crate::ui::{LiveView, PlainView, print_summary};

pub(crate) async fn run(global: &Global, args: &RunArgs) -> Result<ExitCode, CliError> {
    let reports = report_kinds(&args.report)?;
    let source = Source::read(&args.file)?;
    let file = source.parse()?;
    let inputs = inputs(&file, &args.input)?;
    let session = Session::open(global, &args.mount).await?;
    session.warn();
    let mounts = args.mount.iter().map(|(name, _)| name.clone()).collect();
    let errors = session.check(&file, Some(&mounts));
    if !errors.is_empty() {
        return Err(source.refuse(&errors));
    }

    make_folders(&reports, args.artifacts.as_deref())?;
    let clock = Clock::system();
    let artifacts = Arc::new(MemoryArtifacts::default());
    let watch = Arc::new(Mutex::new(Watch::default()));
    let plan = Arc::new(file.into_plan());
    let host = Host::start(session.sandbox.clone(), session.host.clone(), clock);
    let spec = RunSpec {
        id: args.id.clone().unwrap_or_else(|| draw_run_id(clock.now())),
        plan: Arc::clone(&plan),
        inputs,
        seed: args.seed.unwrap_or_else(draw_seed),
        budgets: Some(session.sandbox.default_budgets()),
        artifacts: artifacts.clone(),
        results: Some(results(args, &session)),
        observer: observer(args, Arc::clone(&watch)),
        journal: None,
    };
    // From before the run starts: none that comes early is lost.
    let mut interrupts = Interrupts::listen();
    let mut handle = host.run(spec).await?;
    let server = listen(args, &handle, &host, &watch);
    let outcome = until_ended(&mut handle, &mut interrupts).await?;
    if let Some(server) = server {
        server.close().await;
    }

    let watch = std::mem::take(&mut *watch.lock().unwrap_or_else(PoisonError::into_inner));
    let record = watch.record;
    // The patch and the summary are worth having also where a report is not.
    let mut written = Ok(());
    let sources = SourceFolders::new(args.mount.iter().map(|(_, path)| path));
    let graph = graph::svg(&plan);
    for (path, kind) in reports {
        let report = kind.render(&record, &sources, &graph);
        let report = report.map_err(CliError::from);
        written = written.and(report.and_then(|text| write(&path, text.as_bytes())));
    }
    if let Some(folder) = &args.artifacts {
        written = written.and(save_artifacts(folder, &record, &*artifacts).await);
    }
    if args.format == Format::Human {
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

/// Lets other processes speak to the run. Where they cannot, it goes on all
/// the same.
fn listen(
    args: &RunArgs,
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

/// Where tasks with `cache: true` find earlier results, and leave theirs.
fn results(args: &RunArgs, session: &Session) -> Arc<dyn ResultStore> {
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

/// Waits for the end. The first Ctrl-C cancels, the second one kills.
async fn until_ended(
    handle: &mut RunHandle,
    interrupts: &mut Interrupts,
) -> Result<RunOutcome, CliError> {
    tokio::select! {
        outcome = handle.outcome() => return Ok(outcome?),
        () = interrupts.next() => {}
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

fn inputs(file: &WorkflowFile, given: &[(String, String)]) -> Result<Json, CliError> {
    let mut values = BTreeMap::new();
    for (name, value) in given {
        let value = InputValue::Text(value.clone());
        if values.insert(name.clone(), value).is_some() {
            return Err(CliError::usage(
                format!("the input `{name}` is given twice"),
                format!("keep one `--input {name}=...`"),
            ));
        }
    }
    file.plan()
        .workflow()
        .bind_inputs(values)
        .map_err(|errors| {
            let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
            CliError::usage(
                errors.join("\n"),
                format!("`ringfence check {}` lists the inputs", file.name()),
            )
        })
}

fn report_kinds(paths: &[PathBuf]) -> Result<Vec<(PathBuf, ReportKind)>, CliError> {
    let kind = |path: &PathBuf| match ReportKind::of_path(path) {
        Some(kind) => Ok((path.clone(), kind)),
        None => Err(CliError::usage(
            format!("`{}` does not say which report is meant", path.display()),
            "let the name end in .html, .md, .sarif or .json",
        )),
    };
    paths.iter().map(kind).collect()
}

/// Keeps the record, and shows the run as asked.
fn observer(args: &RunArgs, watch: Arc<Mutex<Watch>>) -> Box<dyn RunObserver> {
    let mut view: Option<Box<dyn RunObserver>> = match args.format {
        Format::Json => Some(Box::new(JsonLines)),
        Format::Human if args.quiet => None,
        Format::Human if std::io::stderr().is_terminal() => Some(Box::new(LiveView::new())),
        Format::Human => Some(Box::new(PlainView::new(say))),
    };
    Box::new(move |event: &RunEvent| {
        watch
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .apply(event);
        if let Some(view) = &mut view {
            view.event(event);
        }
    })
}

/// One event a line.
struct JsonLines;

impl RunObserver for JsonLines {
    fn event(&mut self, event: &RunEvent) {
        match serde_json::to_string(event) {
            Ok(line) => print(&line),
            Err(error) => unreachable!("events have string keys: {error}"),
        }
    }
}

/// Writes a file, and the folder it is in.
fn write(path: &Path, content: &[u8]) -> Result<(), CliError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(CliError::disk(folder, "make the folder"))?;
    }
    std::fs::write(path, content).map_err(CliError::disk(path, "write"))
}

/// Makes the folders of reports and artifacts, before there is something to
/// lose.
fn make_folders(
    reports: &[(PathBuf, ReportKind)],
    artifacts: Option<&Path>,
) -> Result<(), CliError> {
    let parents = reports.iter().filter_map(|(path, _)| path.parent());
    for folder in parents.chain(artifacts) {
        std::fs::create_dir_all(folder).map_err(CliError::disk(folder, "make the folder"))?;
    }
    Ok(())
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
