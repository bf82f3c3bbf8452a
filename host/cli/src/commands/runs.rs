//! `ringfence runs`

use console::Style;
use ringfence::flow::{RunId, TaskPath, nearest, show_duration};

use crate::args::{DecideArgs, Format, RunsCommand};
use crate::control::{Answer, Ask, ControlError, Status, ask, live_runs};
use crate::error::CliError;
use crate::output::{print, print_json};
use crate::ui::Table;

/// The longest question that a list shows, in bytes.
const MAX_QUESTION: usize = 60;

pub(crate) fn runs(command: &RunsCommand) -> Result<(), CliError> {
    match command {
        RunsCommand::List { format } => list(*format),
        RunsCommand::Approve(args) => decide(args, true),
        RunsCommand::Reject(args) => decide(args, false),
        RunsCommand::Cancel { run } => {
            tell(run, &Ask::Cancel)?;
            print(&format!("`{run}` is told to stop"));
            Ok(())
        }
    }
}

fn list(format: Format) -> Result<(), CliError> {
    let live = live_runs().map_err(CliError::from)?;
    match format {
        Format::Json => print_json(&live),
        Format::Human if live.is_empty() => print("no run is live"),
        Format::Human => print(&for_people(&live)),
    }
    Ok(())
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

fn decide(args: &DecideArgs, approved: bool) -> Result<(), CliError> {
    let DecideArgs { run, task, note } = args;
    let ask = Ask::Decide {
        task: task.to_string(),
        approved,
        note: note.clone(),
        by: user(),
    };
    tell(run, &ask)?;
    let verb = if approved { "approved" } else { "rejected" };
    print(&format!("{verb} `{task}` of `{run}`"));
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
fn tell(run: &RunId, what: &Ask) -> Result<(), CliError> {
    match ask(run, what) {
        Ok(Answer::Done | Answer::Status(_)) => Ok(()),
        Ok(Answer::Refused { message }) => {
            let (message, hint) = match message.split_once("; hint: ") {
                Some((message, hint)) => (message.to_owned(), hint.to_owned()),
                None => (message, "`ringfence runs list` shows what waits".to_owned()),
            };
            Err(CliError::usage(message, hint))
        }
        Err(ControlError::NoRun(run)) => {
            let live = live_runs().unwrap_or_default();
            let names: Vec<_> = live.iter().map(|status| status.run.as_str()).collect();
            let hint = match nearest(run.as_str(), names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if names.is_empty() => "no run is live".to_owned(),
                None => format!("live are `{}`", names.join("`, `")),
            };
            Err(CliError::usage(
                format!("no live run is called `{run}`"),
                hint,
            ))
        }
        Err(error) => Err(error.into()),
    }
}

/// A task of a run, as the command line names it.
pub(crate) fn parse_task(text: &str) -> Result<TaskPath, String> {
    text.parse::<TaskPath>().map_err(|error| error.to_string())
}
