//! A run as plain lines, where there is no terminal.

use console::Style;
use ringfence::engine::RunObserver;
use ringfence::flow::{
    AttemptResult, BreakerState, RunEvent, RunEventKind, TaskKey, TaskStatus, Timestamp,
    clean_text, show_duration,
};

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
        let at = event.at;
        Some(match &event.event {
            RunEventKind::TaskExpanded { task, items } => format!("{task}: {items} items"),
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
                "{gate} rejected: {}; round {round} starts with {} findings as feedback",
                first_line(reason),
                feedback.len()
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
            RunEventKind::RunStopping { failure } => {
                format!("stopping: {}", first_line(&failure.to_string()))
            }
            RunEventKind::RunStarted { .. }
            | RunEventKind::AttemptStarted { .. }
            | RunEventKind::AttemptProgress { .. }
            | RunEventKind::AttemptLog { .. }
            | RunEventKind::GrantDecided { .. }
            | RunEventKind::TaskEnded { .. }
            | RunEventKind::RunEnded { .. } => return None,
        })
    }
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
