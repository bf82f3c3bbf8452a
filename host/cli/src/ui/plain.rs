//! A run as plain lines, where there is no terminal.

use std::time::Duration;

use console::Style;
use ringfence::engine::RunObserver;
use ringfence::flow::{
    AgentChange, AgentConduct, AttemptResult, BreakerState, RunEvent, RunEventKind, RunId, TaskId,
    TaskKey, TaskStatus, Timestamp, clean_text, show_duration,
};
use ringfence::report::wording::count;

/// The longest text of an agent's that a line shows, in bytes.
const MAX_SHOWN: usize = 300;

/// Prints a line for what a person wants to know: tasks that end (not their
/// items, of which there may be 100,000), and whatever goes wrong.
#[derive(Debug)]
pub(crate) struct PlainView {
    started: Option<Timestamp>,
    dim: Style,
    print: fn(&str),
}

impl PlainView {
    /// Prints lines through `print`.
    pub(crate) fn new(print: fn(&str)) -> Self {
        Self {
            started: None,
            dim: Style::new().for_stderr().dim(),
            print,
        }
    }

    /// The line for an event, if it has one.
    pub(crate) fn line(event: &RunEvent) -> Option<String> {
        line(&event.run, event.at, "", &event.event)
    }
}

/// The line for what happened, if it has one. `path` leads from the run that
/// somebody started to the one in which it happened.
fn line(run: &RunId, at: Timestamp, path: &str, event: &RunEventKind) -> Option<String> {
    let text = match event {
        RunEventKind::Child { key, event, .. } => {
            return line(run, at, &format!("{path}{key}/"), event);
        }
        RunEventKind::ApprovalRequested {
            task,
            message,
            until,
            ..
        } => {
            let within = |until: Timestamp| {
                let seconds = until.since(at).as_secs_f64().round() as u64;
                format!(" within {}", show_duration(Duration::from_secs(seconds)))
            };
            let until = until.map(within);
            format!(
                "{task} waits for approval{}: {}\n          ringfence runs approve {run} {path}{task}",
                until.unwrap_or_default(),
                first_line(message)
            )
        }
        event => plain_line(at, event)?,
    };
    Some(format!("{path}{text}"))
}

fn plain_line(at: Timestamp, event: &RunEventKind) -> Option<String> {
    Some(match event {
        RunEventKind::TaskExpanded { task, items } => {
            format!("{task}: {}", count(u64::from(*items), "item"))
        }
        RunEventKind::AttemptEnded {
            key,
            agent,
            attempt,
            result,
            ..
        } => {
            let AttemptResult::Failed(failure) = result else {
                return None;
            };
            let text = first_line(&failure.to_string());
            format!("{key}: attempt {attempt} by `{agent}` failed: {text}")
        }
        RunEventKind::RetryScheduled {
            key, attempt, wait, ..
        } => {
            format!(
                "{key}: attempt {attempt} follows in {}",
                show_duration(*wait)
            )
        }
        RunEventKind::FallbackChosen { key, agent, .. } => {
            format!("{key}: `{agent}` takes over")
        }
        RunEventKind::RoundStarted {
            gate,
            round,
            reason,
            feedback,
            ..
        } => format!(
            "{gate} rejected: {}; round {round} starts with {} as feedback",
            first_line(reason),
            count(feedback.len() as u64, "finding")
        ),
        RunEventKind::TaskEnded {
            key: TaskKey { task, item: None },
            status,
            reason,
            failure,
            ..
        } => match (status, reason, failure) {
            (TaskStatus::Completed, _, _) => format!("{task}: completed"),
            (status, _, Some(failure)) => {
                format!("{task}: {status}: {}", first_line(&failure.to_string()))
            }
            (status, Some(reason), None) => format!("{task}: {status}: {}", first_line(reason)),
            (status, None, None) => format!("{task}: {status}"),
        },
        RunEventKind::BreakerMoved { agent, state } => match state {
            BreakerState::Closed => format!("`{agent}` is trusted again"),
            BreakerState::Open { until } => {
                let rest = show_duration(until.since(at));
                format!("`{agent}` failed too often in a row and is given a rest of {rest}")
            }
            BreakerState::HalfOpen { .. } => {
                format!("`{agent}` is tried again")
            }
        },
        RunEventKind::AgentSetAside {
            agent,
            faults,
            last,
        } => {
            let conduct = AgentConduct {
                faults: *faults,
                last: *last,
                set_aside: true,
            };
            format!(
                "`{agent}` is set aside after {conduct}; `ringfence agents release {agent}` lets it work again"
            )
        }
        RunEventKind::AgentChanged { agent, change } => match change {
            AgentChange::Added { version, hash } => {
                format!("`{agent}` {version} ({}) has come", hash.short())
            }
            AgentChange::Replaced { version, hash } => {
                format!("`{agent}` is now {version} ({})", hash.short())
            }
            AgentChange::Removed => format!("`{agent}` was taken away"),
        },
        RunEventKind::RunStopping { failure } => {
            format!("stopping: {}", first_line(&failure.to_string()))
        }
        RunEventKind::ApprovalDecided { task, decision, .. } => {
            let verb = if decision.approved {
                "approved"
            } else {
                "rejected"
            };
            let by = decision.by.as_deref().unwrap_or("nobody");
            match &decision.note {
                Some(note) => format!("{task}: {verb} by {by}: {}", first_line(note)),
                None => format!("{task}: {verb} by {by}"),
            }
        }
        RunEventKind::ResultRecalled {
            key: key @ TaskKey { item: None, .. },
            agent,
            from,
            ..
        } => format!("{key}: the result that `{agent}` gave in run {from}"),
        RunEventKind::ChildStarted { key, workflow, .. } => {
            format!("{key}: the workflow `{workflow}` starts")
        }
        RunEventKind::AttemptLost {
            key,
            agent,
            attempt,
            ..
        } => {
            format!("{key}: attempt {attempt} by `{agent}` was lost with its process")
        }
        RunEventKind::RunResumed { away } => {
            format!("goes on after {}", show_duration(*away))
        }
        RunEventKind::RunRetried { tasks } => {
            let names: Vec<_> = tasks.iter().map(TaskId::as_str).collect();
            format!("runs again: {}", names.join(", "))
        }
        RunEventKind::FinallyStarted { status, .. } => {
            format!("{status} so far; the tasks of `finally` run")
        }
        RunEventKind::ApprovalRequested { .. }
        | RunEventKind::ResultRecalled { .. }
        | RunEventKind::Child { .. }
        | RunEventKind::RunStarted { .. }
        | RunEventKind::AttemptStarted { .. }
        | RunEventKind::AttemptProgress { .. }
        | RunEventKind::AttemptLog { .. }
        | RunEventKind::GrantDecided { .. }
        | RunEventKind::TaskEnded { .. }
        | RunEventKind::RunEnded { .. } => return None,
    })
}

/// The first line of a guest's text, bounded.
pub(crate) fn first_line(text: &str) -> String {
    clean_text(text.lines().next().unwrap_or_default(), MAX_SHOWN)
}

impl RunObserver for PlainView {
    fn event(&mut self, event: &RunEvent) {
        let started = *self.started.get_or_insert(event.at);
        if let Some(line) = Self::line(event) {
            let at = format!("{:>8}", show_duration(event.at.since(started)));
            (self.print)(&format!("{} {line}", self.dim.apply_to(at)));
        }
    }
}
