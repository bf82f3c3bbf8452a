//! A run on a terminal: a line a task, a bar, what goes wrong as it happens.

use std::collections::BTreeMap;
use std::time::Duration;

use console::Style;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringfence::engine::RunObserver;
use ringfence::flow::{
    AttemptResult, PlannedTask, RunEvent, RunEventKind, TaskId, TaskKey, TaskKind, TaskStatus,
    Timestamp, WorkflowMeter, show_duration,
};

use super::PlainView;
use super::plain::first_line;

/// How often the screen is drawn.
const FRAMES_PER_SECOND: u8 = 10;

/// The most tasks that get a line each; of a larger workflow only those that
/// are under way are shown.
const MAX_LINES: usize = 24;

/// A run on a terminal. What is drawn is decided here, when and how by
/// indicatif.
#[derive(Debug)]
pub(crate) struct LiveView {
    screen: MultiProgress,
    bar: ProgressBar,
    meter: WorkflowMeter,
    lines: BTreeMap<TaskId, Line>,
    few: bool,
    counted: Option<Timestamp>,
}

#[derive(Debug)]
struct Line {
    bar: Option<ProgressBar>,
    role: String,
    items: Option<u32>,
    ended_items: u32,
    failed_items: u32,
    under_way: u32,
    round: u32,
    note: String,
}

impl LiveView {
    /// Draws on stderr.
    pub(crate) fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(FRAMES_PER_SECOND);
        let screen = MultiProgress::with_draw_target(target);
        let bar = screen.add(ProgressBar::new(0));
        bar.set_style(style("{bar:30.green/dim} {pos}/{len} tasks  {msg}"));
        Self {
            screen,
            bar,
            meter: WorkflowMeter::new(),
            lines: BTreeMap::new(),
            few: true,
            counted: None,
        }
    }

    fn start(&mut self, tasks: &[PlannedTask]) {
        self.few = tasks.len() <= MAX_LINES;
        for planned in tasks {
            let line = Line {
                bar: None,
                role: match (&planned.role, planned.kind) {
                    (Some(role), _) => role.to_string(),
                    (None, TaskKind::Agent | TaskKind::Vote) => "vote".to_owned(),
                    (None, TaskKind::Approval) => "approval".to_owned(),
                    (None, TaskKind::Workflow) => "workflow".to_owned(),
                },
                items: None,
                ended_items: 0,
                failed_items: 0,
                under_way: 0,
                round: 1,
                note: String::new(),
            };
            self.lines.insert(planned.task.clone(), line);
            if self.few {
                self.show(&planned.task);
                self.draw(&planned.task, Mark::Waiting);
            }
        }
    }

    /// Gives a task a line of its own.
    fn show(&mut self, task: &TaskId) {
        let Some(line) = self.lines.get_mut(task) else {
            return;
        };
        if line.bar.is_none() {
            let bar = self
                .screen
                .insert_before(&self.bar, ProgressBar::new_spinner());
            bar.set_style(style("{msg}"));
            line.bar = Some(bar);
        }
    }

    fn draw(&self, task: &TaskId, mark: Mark) {
        let Some(line) = self.lines.get(task) else {
            return;
        };
        let Some(bar) = &line.bar else {
            return;
        };
        bar.set_message(line.text(task, mark));
    }

    fn attempt_started(&mut self, key: &TaskKey, agent: &str, attempt: u32, round: u32) {
        self.show(&key.task);
        if let Some(line) = self.lines.get_mut(&key.task) {
            line.under_way += 1;
            line.round = round;
            line.note = match attempt {
                1 => format!("`{agent}`"),
                n => format!("`{agent}`, attempt {n}"),
            };
        }
        self.draw(&key.task, Mark::Running);
    }

    fn waits_for_person(&mut self, task: &TaskId, round: u32) {
        self.show(task);
        if let Some(line) = self.lines.get_mut(task) {
            line.round = round;
            line.note = "waits for a person".to_owned();
        }
        self.draw(task, Mark::Running);
    }

    fn attempt_ended(&mut self, key: &TaskKey) {
        if let Some(line) = self.lines.get_mut(&key.task) {
            line.under_way = line.under_way.saturating_sub(1);
        }
        self.draw(&key.task, Mark::Running);
    }

    fn item_ended(&mut self, task: &TaskId, status: TaskStatus) {
        if let Some(line) = self.lines.get_mut(task) {
            line.ended_items += 1;
            line.failed_items += u32::from(status == TaskStatus::Failed);
        }
        self.draw(task, Mark::Running);
    }

    fn task_ended(&mut self, task: &TaskId, status: TaskStatus, why: Option<&str>) {
        if let Some(line) = self.lines.get_mut(task) {
            line.note = why.map(first_line).unwrap_or_default();
        }
        self.draw(task, Mark::Ended(status));
        if !self.few
            && let Some(bar) = self.lines.get_mut(task).and_then(|line| line.bar.take())
        {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn round_started(&mut self, tasks: &[TaskId], round: u32) {
        for task in tasks {
            if let Some(line) = self.lines.get_mut(task) {
                line.round = round;
                line.ended_items = 0;
                line.items = None;
                line.note.clear();
            }
            self.draw(task, Mark::Waiting);
        }
    }

    /// Brings the bar up to date, at most as often as it is drawn: the figures
    /// are counted over all tasks and items.
    fn update_bar(&mut self, event: &RunEvent) {
        let frame = Duration::from_secs(1) / u32::from(FRAMES_PER_SECOND);
        let fresh = self.counted.is_some_and(|at| event.at.since(at) < frame);
        if fresh && !matches!(event.event, RunEventKind::RunStarted { .. }) {
            return;
        }
        self.counted = Some(event.at);
        let metrics = self.meter.metrics(event.at);
        self.bar.set_length(metrics.total);
        self.bar.set_position(
            metrics
                .total
                .saturating_sub(metrics.in_progress + waiting(&metrics)),
        );
        let left = metrics
            .estimated_completion
            .filter(|left| *left > Duration::ZERO);
        self.bar.set_message(match left {
            Some(left) => format!("about {} left", show_duration(left)),
            None => String::new(),
        });
    }
}

/// Whether what happened in a run inside is worth a line: a picture of that run
/// there is not, and it may have thousands of tasks that go well.
fn is_news(event: &RunEventKind) -> bool {
    match event {
        RunEventKind::Child { event, .. } => is_news(event),
        RunEventKind::AttemptEnded { result, .. } => matches!(result, AttemptResult::Failed(_)),
        RunEventKind::ApprovalRequested { .. }
        | RunEventKind::ApprovalDecided { .. }
        | RunEventKind::RoundStarted { .. }
        | RunEventKind::AttemptLost { .. }
        | RunEventKind::FallbackChosen { .. }
        | RunEventKind::RunStopping { .. } => true,
        RunEventKind::RunStarted { .. }
        | RunEventKind::TaskExpanded { .. }
        | RunEventKind::AttemptStarted { .. }
        | RunEventKind::AttemptProgress { .. }
        | RunEventKind::AttemptLog { .. }
        | RunEventKind::GrantDecided { .. }
        | RunEventKind::RetryScheduled { .. }
        | RunEventKind::TaskEnded { .. }
        | RunEventKind::ResultRecalled { .. }
        | RunEventKind::ChildStarted { .. }
        | RunEventKind::FinallyStarted { .. }
        | RunEventKind::BreakerMoved { .. }
        | RunEventKind::RunResumed { .. }
        | RunEventKind::RunRetried { .. }
        | RunEventKind::RunEnded { .. } => false,
    }
}

fn waiting(metrics: &ringfence::flow::WorkflowMetrics) -> u64 {
    let known = metrics.completed + metrics.failed + metrics.in_progress + metrics.skipped;
    metrics.total.saturating_sub(known)
}

impl RunObserver for LiveView {
    fn event(&mut self, event: &RunEvent) {
        self.meter.apply(event);
        match &event.event {
            RunEventKind::RunStarted { tasks, .. } => self.start(tasks),
            RunEventKind::TaskExpanded { task, items } => {
                if let Some(line) = self.lines.get_mut(task) {
                    line.items = Some(*items);
                }
            }
            RunEventKind::AttemptStarted {
                key,
                agent,
                attempt,
                round,
                ..
            } => {
                self.attempt_started(key, agent.as_str(), *attempt, *round);
            }
            RunEventKind::AttemptProgress { key, progress, .. } => {
                if let Some(line) = self.lines.get_mut(&key.task) {
                    line.note = first_line(&progress.note);
                }
                self.draw(&key.task, Mark::Running);
            }
            RunEventKind::AttemptEnded { key, result, .. } => {
                self.attempt_ended(key);
                if let AttemptResult::Failed(_) = result {
                    self.say(event);
                }
            }
            RunEventKind::AttemptLost { key, .. } => {
                self.attempt_ended(key);
                self.say(event);
            }
            RunEventKind::RunRetried { tasks } => {
                self.round_started(tasks, 1);
                self.say(event);
            }
            RunEventKind::TaskEnded {
                key,
                status,
                reason,
                failure,
                ..
            } => match key.item {
                Some(_) => self.item_ended(&key.task, *status),
                None => {
                    let failure = failure.as_ref().map(ToString::to_string);
                    let why = failure.as_deref().or(reason.as_deref());
                    self.task_ended(&key.task, *status, why);
                }
            },
            RunEventKind::RoundStarted { tasks, round, .. } => {
                self.round_started(tasks, *round);
                self.say(event);
            }
            RunEventKind::ApprovalRequested { task, round, .. } => {
                self.waits_for_person(task, *round);
                self.say(event);
            }
            RunEventKind::ChildStarted { key, round, .. } => {
                self.attempt_started(key, "its tasks", 1, *round);
            }
            RunEventKind::Child { event: inside, .. } => {
                if is_news(inside) {
                    self.say(event);
                }
            }
            RunEventKind::ApprovalDecided { .. }
            | RunEventKind::FinallyStarted { .. }
            | RunEventKind::FallbackChosen { .. }
            | RunEventKind::BreakerMoved { .. }
            | RunEventKind::RunResumed { .. }
            | RunEventKind::RunStopping { .. } => self.say(event),
            RunEventKind::RunEnded { .. } => self.finish(),
            RunEventKind::RetryScheduled { .. }
            | RunEventKind::ResultRecalled { .. }
            | RunEventKind::AttemptLog { .. }
            | RunEventKind::GrantDecided { .. } => {}
        }
        self.update_bar(event);
    }
}

impl LiveView {
    /// Prints a line above the picture, where it stays.
    fn say(&self, event: &RunEvent) {
        if let Some(line) = PlainView::line(event) {
            // A terminal that cannot be written is gone; the run goes on.
            drop(self.screen.println(line));
        }
    }

    fn finish(&self) {
        for line in self.lines.values() {
            if let Some(bar) = &line.bar {
                bar.finish();
            }
        }
        self.bar.finish_and_clear();
    }
}

#[derive(Clone, Copy)]
enum Mark {
    Waiting,
    Running,
    Ended(TaskStatus),
}

impl Line {
    fn text(&self, task: &TaskId, mark: Mark) -> String {
        let style = Style::new().for_stderr();
        let sign = match mark {
            Mark::Waiting => style.dim().apply_to("."),
            Mark::Running => style.cyan().apply_to(">"),
            Mark::Ended(TaskStatus::Completed) => style.green().apply_to("+"),
            Mark::Ended(TaskStatus::Skipped) => style.dim().apply_to("-"),
            Mark::Ended(TaskStatus::Rejected | TaskStatus::Cancelled) => {
                style.yellow().apply_to("!")
            }
            Mark::Ended(TaskStatus::Failed) => style.red().apply_to("x"),
        };
        let mut parts = Vec::new();
        if let Some(items) = self.items {
            parts.push(format!("{}/{items}", self.ended_items));
        }
        if self.failed_items > 0 {
            parts.push(format!("{} failed", self.failed_items));
        }
        if self.round > 1 {
            parts.push(format!("round {}", self.round));
        }
        if self.under_way > 1 {
            parts.push(format!("{} at once", self.under_way));
        }
        if let Mark::Ended(status) = mark
            && status != TaskStatus::Completed
        {
            parts.push(status.to_string());
        }
        if !self.note.is_empty() && !matches!(mark, Mark::Ended(TaskStatus::Completed)) {
            parts.push(self.note.clone());
        }
        let role = if self.role == task.as_str() {
            ""
        } else {
            &self.role
        };
        format!("{sign} {task:<18} {role:<14} {}", parts.join(", "))
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that does not parse is seen at once in development.
    ProgressStyle::with_template(template).unwrap_or_else(|error| {
        debug_assert!(false, "{error}");
        ProgressStyle::default_bar()
    })
}
