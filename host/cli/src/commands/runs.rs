//! `ringfence runs`

use console::Style;
use ringfence::flow::{Decision, RunId, TaskPath, nearest, show_duration};
use ringfence::journal::{RunStanding, RunState};

use super::audit::audit;
use super::history::{self, earlier_runs};
use super::resume::{how_to_go_on, resume};
use super::{offline, watch};
use crate::args::{DecideArgs, Format, Global, RunsCommand};
use crate::control::{Answer, Ask, ControlError, Status, ask, live_runs};
use crate::error::CliError;
use crate::exit::ExitCode;
use crate::output::{print, print_json};
use crate::ui::Table;

/// The longest question that a list shows, in bytes.
const MAX_QUESTION: usize = 60;

pub(crate) async fn runs(global: &Global, command: &RunsCommand) -> Result<ExitCode, CliError> {
    match command {
        RunsCommand::List { format } => list(global, *format)?,
        RunsCommand::Show {
            run,
            report,
            format,
        } => history::show(global, run, report, *format)?,
        RunsCommand::Watch { run, format } => watch::watch(global, run, *format).await?,
        RunsCommand::Events(args) => watch::events(global, args).await?,
        RunsCommand::Logs { run, task, format } => {
            history::logs(global, run, task.as_ref(), *format)?;
        }
        RunsCommand::Audit {
            run,
            denied,
            format,
        } => audit(global, run, *denied, *format)?,
        RunsCommand::Resume(args) => return resume(global, args, None).await,
        RunsCommand::Retry { from, resume: args } => return resume(global, args, Some(from)).await,
        RunsCommand::Prune { older_than, format } => history::prune(global, *older_than, *format)?,
        RunsCommand::Approve(args) => decide(global, args, true)?,
        RunsCommand::Reject(args) => decide(global, args, false)?,
        RunsCommand::Cancel { run, format } => cancel(global, run, *format)?,
    }
    Ok(ExitCode::Completed)
}

fn cancel(global: &Global, run: &RunId, format: Format) -> Result<(), CliError> {
    let (status, said) = if is_left(global, run) {
        match offline::cancel(global, run)? {
            Some(status) => (status.as_str(), format!("`{run}` is cancelled")),
            None => (
                "stopping",
                format!(
                    "`{run}` is cancelled; its tasks of `finally` are left: {}",
                    how_to_go_on(run)
                ),
            ),
        }
    } else {
        tell(global, run, &Ask::Cancel)?;
        ("stopping", format!("`{run}` is told to stop"))
    };
    match format {
        Format::Human => print(&said),
        Format::Json => print_json(&serde_json::json!({ "run": run, "status": status })),
    }
    Ok(())
}

/// Whether the journal holds the run and nobody drives it.
fn is_left(global: &Global, run: &RunId) -> bool {
    let known = earlier_runs(global).unwrap_or_default();
    known
        .iter()
        .any(|known| known.run == *run && known.state == RunState::Interrupted)
}

/// How many earlier runs are listed for people.
const MAX_LISTED: usize = 50;

fn list(global: &Global, format: Format) -> Result<(), CliError> {
    let live = live_runs().map_err(CliError::from)?;
    let mut earlier = earlier_runs(global)?;
    earlier.retain(|run| live.iter().all(|status| status.run != run.run));
    if format == Format::Json {
        print_json(&for_programs(&live, &earlier));
        return Ok(());
    }
    let mut parts = Vec::new();
    match live.as_slice() {
        [] if earlier.iter().all(|run| run.state != RunState::Running) => {
            parts.push("no run is live\n".to_owned());
        }
        [] => {}
        live => parts.push(for_people(live)),
    }
    if !earlier.is_empty() {
        let listed = &earlier[..earlier.len().min(MAX_LISTED)];
        parts.push(history::table(listed));
    }
    print(&parts.join("\n"));
    Ok(())
}

/// All runs, each with its state; live ones with how they are going.
fn for_programs(live: &[Status], earlier: &[RunStanding]) -> Vec<serde_json::Value> {
    let live = live.iter().map(|status| {
        let mut json = serde_json::json!(status);
        json["state"] = RunState::Running.as_str().into();
        json
    });
    let earlier = earlier.iter().map(|run| {
        serde_json::json!({
            "run": run.run,
            "state": run.state.as_str(),
            "workflow": run.workflow,
            "created": run.created,
            "ended": run.ended,
        })
    });
    live.chain(earlier).collect()
}

fn for_people(live: &[Status]) -> String {
    let (dim, bold) = (Style::new().dim(), Style::new().bold());
    let mut table = Table::flush_right(&[2, 3, 4]);
    let head = [
        "run",
        "workflow",
        "for",
        "done",
        "left",
        "waits for approval",
    ];
    table.row(head.map(|cell| dim.apply_to(cell).to_string()));
    for status in live {
        let since = status.started.map(|started| status.now.since(started));
        let mut waiting = status.waiting.iter().map(|waiting| {
            let question = ringfence::flow::clean_text(&waiting.message, MAX_QUESTION);
            format!("{}: {}", waiting.task, question.replace('\n', " "))
        });
        table.row([
            bold.apply_to(&status.run).to_string(),
            status
                .workflow
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            since.map(show_duration).unwrap_or_default(),
            format!("{:.0} %", status.metrics.percentage),
            status
                .metrics
                .estimated_completion
                .filter(|left| !left.is_zero())
                .map(show_duration)
                .unwrap_or_default(),
            waiting.next().unwrap_or_default(),
        ]);
        for more in waiting {
            let nothing = std::iter::repeat_n(String::new(), 5);
            table.row(nothing.chain([more]));
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(&line);
        text.push('\n');
    }
    if let Some((run, task)) = live
        .iter()
        .find_map(|s| Some((&s.run, &s.waiting.first()?.task)))
    {
        text.push_str(&format!(
            "\n{} ringfence runs approve {run} {task}\n",
            dim.apply_to("answer with")
        ));
    }
    text
}

fn decide(global: &Global, args: &DecideArgs, approved: bool) -> Result<(), CliError> {
    let DecideArgs {
        run, task, note, ..
    } = args;
    let verb = if approved { "approved" } else { "rejected" };
    let left = is_left(global, run);
    let ended = if left {
        let decision = Decision::of(&user(), approved, note.as_deref());
        offline::decide(global, run, task, decision)?
    } else {
        let ask = Ask::Decide {
            task: task.to_string(),
            approved,
            note: note.clone(),
            by: user(),
        };
        tell(global, run, &ask)?;
        None
    };
    let task = task.to_string();
    let more = match ended {
        Some(status) => format!("; the run has ended: {status}"),
        None if left => format!("; {}", how_to_go_on(run)),
        None => String::new(),
    };
    match args.format {
        Format::Human => print(&format!("{verb} `{task}` of `{run}`{more}")),
        Format::Json => print_json(&serde_json::json!({
            "run": run,
            "task": task,
            "approved": approved,
            "driven": !left,
            "ended": ended,
        })),
    }
    Ok(())
}

/// Who types this, as far as the environment says.
fn user() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    named.unwrap_or_else(|| "somebody".to_owned())
}

/// Asks a live run to do something.
fn tell(global: &Global, run: &RunId, what: &Ask) -> Result<(), CliError> {
    match ask(run, what) {
        Ok(Answer::Done | Answer::Status(_)) => Ok(()),
        Ok(Answer::Refused { message }) => {
            let (message, hint) = match message.split_once("; hint: ") {
                Some((message, hint)) => (message.to_owned(), hint.to_owned()),
                None => (message, "`ringfence runs list` shows what waits".to_owned()),
            };
            Err(CliError::usage(message, hint))
        }
        Err(ControlError::NoRun(run)) => Err(not_live(global, &run)),
        Err(error) => Err(error.into()),
    }
}

/// Why a run cannot be spoken to.
fn not_live(global: &Global, run: &RunId) -> CliError {
    let earlier = earlier_runs(global).unwrap_or_default();
    let known = earlier.iter().find(|known| known.run == *run);
    match known.map(|known| known.state) {
        Some(RunState::Ended(status)) => {
            return CliError::usage(
                format!("the run `{run}` has ended: {status}"),
                format!("`ringfence runs show {run}` shows it"),
            );
        }
        Some(RunState::Running) => {
            return CliError::usage(
                format!("the process that drives the run `{run}` does not listen"),
                "it was started with `--no-control`, or by another user; Ctrl-C there cancels it",
            );
        }
        Some(RunState::Interrupted) | None => {}
    }
    let live = live_runs().unwrap_or_default();
    let names: Vec<_> = live.iter().map(|status| status.run.as_str()).collect();
    let hint = match nearest(run.as_str(), names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "no run is live".to_owned(),
        None => format!("live are `{}`", names.join("`, `")),
    };
    CliError::usage(format!("no live run is called `{run}`"), hint)
}

/// A task of a run, as the command line names it.
pub(crate) fn parse_task(text: &str) -> Result<TaskPath, String> {
    text.parse::<TaskPath>().map_err(|error| error.to_string())
}
