//! What a journal tells of runs: `ringfence runs show`, `logs` and `prune`.

use std::path::PathBuf;
use std::time::Duration;

use console::Style;
use ringfence::engine::Clock;
use ringfence::flow::{
    AttemptOutcome, AttemptRecord, RunEvent, RunEventKind, RunId, RunRecord, TaskId, TaskKey,
    TaskPath, TaskRecord, Timestamp, clean_text, nearest, show_duration, show_time,
};
use ringfence::journal::{JournalError, JournalFile, RunStanding, RunState};
use ringfence::report::wording::{count, part};

use super::kept::{journal_place, mounts};
use super::report::Reports;
use crate::args::{Format, Global};
use crate::error::CliError;
use crate::output::{print, print_json, print_json_line};
use crate::ui::{Table, print_summary};

/// The longest failure that the tree shows, in bytes.
const MAX_FAILURE: usize = 200;

/// Opens the journal to read it.
pub(super) fn journal(global: &Global) -> Result<JournalFile, CliError> {
    Ok(JournalFile::open_to_read(&journal_place(global)?)?)
}

/// The runs of the journal, the latest first; none if there is no journal.
pub(super) fn earlier_runs(global: &Global) -> Result<Vec<RunStanding>, CliError> {
    let opened = journal_place(global).map(|place| JournalFile::open_to_read(&place));
    match opened {
        Ok(Ok(file)) => Ok(file.runs()?),
        Ok(Err(JournalError::Missing { .. })) | Err(_) => Ok(Vec::new()),
        Ok(Err(error)) => Err(error.into()),
    }
}

pub(super) fn show(
    global: &Global,
    run: &RunId,
    reports: &[PathBuf],
    format: Format,
) -> Result<(), CliError> {
    let file = journal(global)?;
    let mut record = RunRecord::new();
    file.events(run, 0, |event| record.apply(&event))?;
    if !reports.is_empty() {
        let reports = Reports::prepare(reports)?;
        let header = file.header(run)?;
        let mounts = mounts(&header.context);
        let plan = file.plan(run)?;
        reports.write(&record, &plan, mounts.iter().map(|(_, path)| path))?;
    }
    if format == Format::Json {
        print_json(&record);
        return Ok(());
    }
    let state = file.runs()?.into_iter().find(|known| known.run == *run);
    let state = state.map_or("", |known| known.state.as_str());
    let mut text = format!(
        "{} {state}{}\n\n",
        Style::new().bold().apply_to(run),
        circumstances(&record)
    );
    tree(&record, "", &mut text);
    if record.status.is_some() {
        text.push('\n');
        print_summary(&record, &mut text);
    }
    if state == RunState::Interrupted.as_str() {
        text.push_str(&format!("\n{}\n", super::resume::how_to_go_on(run)));
    }
    print(&text);
    Ok(())
}

/// Of which workflow a run is, when it started, and how often it went on.
fn circumstances(record: &RunRecord) -> String {
    let workflow = record.workflow.as_ref();
    let workflow = workflow.map_or_else(String::new, |name| format!(", workflow {name}"));
    let started = record.started.map_or_else(String::new, |at| {
        let took = show_duration(record.duration());
        format!(", started {}, took {took}", show_time(at))
    });
    let resumed = match record.resumes.len() {
        0 => String::new(),
        1 => ", resumed once".to_owned(),
        times => format!(", resumed {times} times"),
    };
    format!("{workflow}{started}{resumed}")
}

/// The tasks of a run with their attempts, and the runs inside.
fn tree(record: &RunRecord, indent: &str, text: &mut String) {
    for (id, task) in record.tasks_in_order() {
        text.push_str(&format!("{indent}{}\n", task_line(id, task)));
        let of_task = |attempt: &&AttemptRecord| attempt.key.task == *id;
        for attempt in record.attempts.iter().filter(of_task) {
            text.push_str(&format!("{indent}  {}\n", attempt_line(attempt)));
        }
        for (item, instance) in task.instances() {
            if let Some(child) = &instance.child {
                let key = TaskKey {
                    task: id.clone(),
                    item,
                };
                text.push_str(&format!("{indent}  {key} runs\n"));
                tree(child, &format!("{indent}    "), text);
            }
        }
    }
}

fn task_line(id: &TaskId, task: &TaskRecord) -> String {
    let bold = Style::new().bold();
    let round = match task.whole.round {
        0 | 1 => String::new(),
        round => format!(", round {round}"),
    };
    let items = task.item_counts().map_or_else(String::new, |counts| {
        let (done, all) = (counts.completed.into(), counts.total.into());
        format!(", {}", part(done, all, "item"))
    });
    let why = task.whole.failure.as_ref().map(ToString::to_string);
    let why = why.or_else(|| task.whole.reason.as_ref().map(ToString::to_string));
    let why = why.map_or_else(String::new, |why| format!(": {}", short(&why)));
    let state = task.state().as_str();
    format!("{} {state}{round}{items}{why}", bold.apply_to(id))
}

fn attempt_line(attempt: &AttemptRecord) -> String {
    let AttemptRecord {
        key,
        agent,
        attempt: number,
        round,
        outcome,
        usage,
        ..
    } = attempt;
    let item = key
        .item
        .map_or_else(String::new, |item| format!("[{item}] "));
    let took = attempt.duration().map(show_duration).unwrap_or_default();
    let why = match outcome {
        AttemptOutcome::Failed(failure) => format!(": {}", short(&failure.to_string())),
        _ => String::new(),
    };
    format!(
        "{item}round {round} attempt {number} by {agent}: {} in {took}, {} fuel, {}{why}",
        outcome.as_str(),
        usage.fuel,
        usage.peak_memory
    )
}

fn short(text: &str) -> String {
    clean_text(text.lines().next().unwrap_or_default(), MAX_FAILURE)
}

pub(super) fn logs(
    global: &Global,
    run: &RunId,
    task: Option<&TaskPath>,
    format: Format,
) -> Result<(), CliError> {
    let file = journal(global)?;
    let task = task.map(ToString::to_string);
    if let Some(task) = &task {
        check_task(&file, run, task)?;
    }
    let wanted = task.as_deref();
    file.events(run, 0, |event| {
        log(&event, "", &event.event, wanted, format);
    })?;
    Ok(())
}

/// Refuses a task that the run does not have.
fn check_task(file: &JournalFile, run: &RunId, task: &str) -> Result<(), CliError> {
    let mut record = RunRecord::new();
    file.events(run, 0, |event| record.apply(&event))?;
    let known = record.tasks_with_inside(usize::MAX);
    let mut names = known.iter().map(|(name, _)| name.as_str());
    if names.clone().any(|name| name == task) {
        return Ok(());
    }
    let hint = match nearest(task, &mut names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("`ringfence runs show {run}` shows its tasks"),
    };
    let said = format!("the run `{run}` has no task `{task}`");
    Err(CliError::usage(said, hint))
}

fn log(event: &RunEvent, path: &str, kind: &RunEventKind, wanted: Option<&str>, format: Format) {
    let is_wanted = |task: &TaskId| wanted.is_none_or(|wanted| wanted == format!("{path}{task}"));
    match kind {
        RunEventKind::Child {
            key, event: inside, ..
        } => {
            log(event, &format!("{path}{key}/"), inside, wanted, format);
        }
        RunEventKind::AttemptLog {
            key,
            agent,
            attempt,
            line,
        } if is_wanted(&key.task) => match format {
            Format::Json => print_json_line(event),
            Format::Human => {
                let fields: String = line
                    .fields
                    .iter()
                    .map(|(name, value)| format!(" {name}={value}"))
                    .collect();
                print(&format!(
                    "{path}{key} {agent} attempt {attempt} {}: {}{fields}",
                    line.level.as_str(),
                    line.message
                ));
            }
        },
        _ => {}
    }
}

pub(super) fn prune(global: &Global, older_than: Duration, format: Format) -> Result<(), CliError> {
    let file = journal(global)?;
    let now = Clock::system().now().since_unix();
    let pruned = file.prune(Timestamp::from_unix(now.saturating_sub(older_than)))?;
    if format == Format::Json {
        print_json(&serde_json::json!({ "runs": pruned.runs, "freed": pruned.freed }));
        return Ok(());
    }
    let freed = match pruned.freed {
        Some(bytes) => format!("{} freed", ringfence::flow::ByteSize::bytes(bytes)),
        None => "contents stay, as another process uses the journal".to_owned(),
    };
    let removed = count(pruned.runs.len() as u64, "run");
    print(&format!("{removed} removed; {freed}"));
    Ok(())
}

/// The runs of the journal as a table.
pub(super) fn table(runs: &[RunStanding]) -> String {
    let (dim, bold) = (Style::new().dim(), Style::new().bold());
    let mut table = Table::flush_right(&[4]);
    let head = ["run", "workflow", "state", "started", "took"];
    table.row(head.map(|cell| dim.apply_to(cell).to_string()));
    for run in runs {
        let took = run.ended.map(|ended| ended.since(run.created));
        table.row([
            bold.apply_to(&run.run).to_string(),
            run.workflow.to_string(),
            run.state.as_str().to_owned(),
            show_time(run.created),
            took.map(show_duration).unwrap_or_default(),
        ]);
    }
    table.lines().map(|line| line + "\n").collect()
}
