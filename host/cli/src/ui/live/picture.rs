//! What the screen shows of a run at one moment.

use std::collections::{BTreeMap, VecDeque};

use console::{Style, truncate_str};
use ringfence::flow::{
    Activity, AttemptOutcome, AttemptRecord, LogLine, RunRecord, TaskId, TaskKey, TaskKind,
    TaskRecord, TaskState, TaskStatus, Timestamp, WorkflowMetrics, show_duration,
};

use super::super::plain::first_line;

/// The most lines of a picture, however high the terminal is.
const MOST_LINES: usize = 40;

/// How many attempts that are under way have a line each.
const MOST_AT_WORK: usize = 8;

/// How many lines of agents' logs are shown.
pub(super) const MOST_LOGGED: usize = 4;

/// How many tasks of a wave are named where a wave has one line.
const MOST_NAMED: usize = 6;

/// How wide the bars are.
const BAR: usize = 28;
const SMALL_BAR: usize = 10;

/// The widths up to which names make room.
const WIDEST_NAME: usize = 24;
const WIDEST_AGENT: usize = 18;

/// A line that an agent wrote.
#[derive(Debug)]
pub(super) struct Logged {
    /// For example `build[2]/test echo`.
    pub(super) who: String,
    pub(super) line: LogLine,
}

/// What there is to draw.
pub(super) struct Picture<'a> {
    pub(super) record: &'a RunRecord,
    pub(super) metrics: &'a WorkflowMetrics,
    pub(super) log: &'a VecDeque<Logged>,
    pub(super) now: Timestamp,
    pub(super) signs: &'a Signs,
}

/// How states are drawn.
pub(super) struct Signs {
    waiting: &'static str,
    running: &'static str,
    completed: &'static str,
    failed: &'static str,
    other: &'static str,
    skipped: &'static str,
    full: &'static str,
    empty: &'static str,
    from: &'static str,
}

impl Signs {
    pub(super) const UNICODE: Self = Self {
        waiting: "·",
        running: "▸",
        completed: "✓",
        failed: "✗",
        other: "!",
        skipped: "–",
        full: "━",
        empty: "─",
        from: "←",
    };

    /// For terminals that do without.
    pub(super) const ASCII: Self = Self {
        waiting: ".",
        running: ">",
        completed: "+",
        failed: "x",
        other: "!",
        skipped: "-",
        full: "=",
        empty: "-",
        from: "<-",
    };

    fn of(&self, state: TaskState) -> String {
        let style = Style::new().for_stderr();
        let (style, sign) = match state {
            TaskState::Waiting => (style.dim(), self.waiting),
            TaskState::Running => (style.cyan(), self.running),
            TaskState::Ended(TaskStatus::Completed) => (style.green(), self.completed),
            TaskState::Ended(TaskStatus::Failed) => (style.red(), self.failed),
            TaskState::Ended(TaskStatus::Rejected | TaskStatus::Cancelled) => {
                (style.yellow(), self.other)
            }
            TaskState::Ended(TaskStatus::Skipped) => (style.dim(), self.skipped),
        };
        style.apply_to(sign).to_string()
    }

    fn bar(&self, share: f64, width: usize) -> String {
        let style = Style::new().for_stderr();
        let full = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
        let rest = self.empty.repeat(width - full);
        format!(
            "{}{}",
            style.clone().green().apply_to(self.full.repeat(full)),
            style.dim().apply_to(rest)
        )
    }
}

fn dim(text: impl std::fmt::Display) -> String {
    let style = Style::new().for_stderr().dim();
    style.apply_to(text).to_string()
}

/// An attempt that is under way, here or in a run inside.
struct AtWork<'a> {
    key: String,
    attempt: &'a AttemptRecord,
}

impl Picture<'_> {
    /// The lines, for a terminal of this many rows and columns.
    pub(super) fn lines(&self, (rows, columns): (u16, u16)) -> Vec<String> {
        // The cursor takes a row.
        let room = MOST_LINES.min(usize::from(rows).saturating_sub(1)).max(1);
        let width = usize::from(columns).max(20) - 1;
        let mut lines = vec![self.head(BAR.min(width / 4))];
        let below = self.below(room.saturating_sub(1) / 2);
        let room_for_graph = room.saturating_sub(1 + below.len());
        lines.extend(self.graph(room_for_graph));
        lines.extend(below);
        lines.truncate(room);
        let fitting = |line: &String| truncate_str(line, width, "…").into_owned();
        lines.iter().map(fitting).collect()
    }

    /// How far the run has come.
    fn head(&self, bar: usize) -> String {
        let metrics = self.metrics;
        let name = self
            .record
            .workflow
            .as_ref()
            .map_or("", |name| name.as_str());
        let bold = Style::new().for_stderr().bold();
        let done = metrics.completed + metrics.failed + metrics.skipped;
        let failed = match metrics.failed {
            0 => String::new(),
            failed => {
                let red = Style::new().for_stderr().red();
                format!(", {}", red.apply_to(format!("{failed} failed")))
            }
        };
        let started = self.record.started.unwrap_or(self.now);
        let mut times = vec![clock(self.now.since(started))];
        let left = metrics.estimated_completion;
        if let Some(left) = left.filter(|left| left.as_secs() > 0) {
            times.push(format!("about {} left", clock(left)));
        }
        format!(
            "{} {} {:.0} %  {done} of {}{failed}  {}",
            bold.apply_to(name),
            self.signs.bar(metrics.percentage / 100.0, bar),
            metrics.percentage,
            metrics.total,
            dim(times.join(", "))
        )
    }

    /// The graph: a line for each task, or if there is no room a line for each
    /// wave, or for those waves in which something happens.
    fn graph(&self, room: usize) -> Vec<String> {
        let tasks = self.record.tasks_in_order();
        if tasks.len() <= room {
            let names = tasks.iter().map(|(id, _)| id.as_str().len());
            let width = names.max().unwrap_or(0).min(WIDEST_NAME);
            let line = |(id, task): &(&TaskId, &TaskRecord)| self.task(id, task, width);
            return tasks.iter().map(line).collect();
        }
        let mut waves: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for (id, task) in tasks {
            let wave = task.plan.as_ref().map_or(0, |plan| plan.wave);
            waves.entry(wave).or_default().push((id, task));
        }
        let waves: Vec<_> = waves.into_iter().collect();
        let (from, to) = window(&waves, room);
        let mut lines = Vec::new();
        let left_out = |count: usize, place: &str| match count {
            1 => dim(format!("    1 wave {place}")),
            count => dim(format!("    {count} waves {place}")),
        };
        if from > 0 {
            lines.push(left_out(from, "before"));
        }
        let shown = waves[from..to].iter();
        lines.extend(shown.map(|(wave, tasks)| self.wave(*wave, tasks)));
        if to < waves.len() {
            lines.push(left_out(waves.len() - to, "after"));
        }
        lines
    }

    fn task(&self, id: &TaskId, task: &TaskRecord, width: usize) -> String {
        let plan = task.plan.as_ref();
        let needs = plan.map(|plan| plan.needs.iter().map(TaskId::as_str).collect::<Vec<_>>());
        let needs = needs.filter(|needs| !needs.is_empty());
        let needs = needs.map_or_else(String::new, |needs| {
            dim(format!("{} {}", self.signs.from, needs.join(", ")))
        });
        let role = plan.map_or("", |plan| match (&plan.role, plan.kind) {
            (Some(role), _) if role.as_str() == id.as_str() => "",
            (Some(role), _) => role.as_str(),
            (None, TaskKind::Agent | TaskKind::Vote) => "vote",
            (None, TaskKind::Approval) => "approval",
            (None, TaskKind::Workflow) => "workflow",
        });
        let detail = detail(task);
        let parts = [dim(role), detail, needs];
        let parts: Vec<_> = parts.into_iter().filter(|part| !is_blank(part)).collect();
        let id = truncate_str(id.as_str(), width, "…");
        format!(
            "  {} {id:<width$}  {}",
            self.signs.of(task.state()),
            parts.join("  ")
        )
    }

    fn wave(&self, wave: u32, tasks: &[(&TaskId, &TaskRecord)]) -> String {
        if tasks.len() <= MOST_NAMED {
            let name = |(id, task): &(&TaskId, &TaskRecord)| {
                let items = task.item_counts().map(|items| {
                    let ended = items.total - items.waiting - items.running;
                    format!(" {ended}/{}", items.total)
                });
                format!(
                    "{} {id}{}",
                    self.signs.of(task.state()),
                    items.unwrap_or_default()
                )
            };
            let names: Vec<_> = tasks.iter().map(name).collect();
            return format!("{wave:>4}  {}", names.join("  "));
        }
        let counts = [
            TaskState::Ended(TaskStatus::Completed),
            TaskState::Running,
            TaskState::Ended(TaskStatus::Failed),
            TaskState::Ended(TaskStatus::Rejected),
            TaskState::Ended(TaskStatus::Cancelled),
            TaskState::Ended(TaskStatus::Skipped),
            TaskState::Waiting,
        ];
        let counts = counts.iter().filter_map(|state| {
            let count = tasks.iter().filter(|(_, t)| t.state() == *state).count();
            (count > 0).then(|| format!("{} {count} {}", self.signs.of(*state), state.as_str()))
        });
        let counts: Vec<_> = counts.collect();
        format!("{wave:>4}  {}", counts.join("  "))
    }

    /// What stands below the graph: who is at work, and what they wrote.
    fn below(&self, room: usize) -> Vec<String> {
        let mut at_work = Vec::new();
        collect(self.record, "", &mut at_work);
        let mut lines = Vec::new();
        let most = MOST_AT_WORK.min(room);
        if most >= 2 && !at_work.is_empty() {
            lines.push(dim("at work"));
            let fits = at_work.len() < most;
            let shown = if fits { at_work.len() } else { most - 2 };
            let names = |name: fn(&AtWork<'_>) -> usize, widest: usize| {
                at_work[..shown]
                    .iter()
                    .map(name)
                    .max()
                    .unwrap_or(0)
                    .min(widest)
            };
            let widths = (
                names(|at_work| at_work.key.len(), WIDEST_NAME),
                names(|at_work| at_work.attempt.agent.as_str().len(), WIDEST_AGENT),
            );
            lines.extend(at_work[..shown].iter().map(|one| self.attempt(one, widths)));
            if !fits {
                lines.push(dim(format!("  and {} more", at_work.len() - shown)));
            }
        }
        let most = room.saturating_sub(lines.len() + 1).min(self.log.len());
        if most > 0 {
            lines.push(dim("log"));
            let logged = self.log.iter().skip(self.log.len() - most);
            lines.extend(logged.map(|logged| {
                let (level, text) = (logged.line.level.as_str(), first_line(&logged.line.message));
                dim(format!("  {} {level}: {text}", logged.who))
            }));
        }
        lines
    }

    fn attempt(
        &self,
        AtWork { key, attempt }: &AtWork<'_>,
        (wide, wide_agent): (usize, usize),
    ) -> String {
        let mut parts = vec![clock(self.now.since(attempt.started))];
        if attempt.attempt > 1 {
            parts.push(format!("attempt {}", attempt.attempt));
        }
        if let Some(progress) = &attempt.progress {
            if let Some(share) = progress.fraction {
                let share = f64::from(share);
                parts.push(format!(
                    "{} {:.0} %",
                    self.signs.bar(share, SMALL_BAR),
                    share * 100.0
                ));
            }
            match progress.activity {
                Activity::Thinking => parts.push("thinking".to_owned()),
                Activity::Waiting => parts.push("waiting".to_owned()),
                Activity::Working => {}
            }
            if !progress.note.is_empty() {
                parts.push(first_line(&progress.note));
            }
        }
        let (key, agent) = (truncate_str(key, wide, "…"), attempt.agent.as_str());
        let agent = truncate_str(agent, wide_agent, "…");
        format!(
            "  {key:<wide$}  {}  {}",
            dim(format!("{agent:<wide_agent$}")),
            parts.join("  ")
        )
    }
}

/// What there is to say of a task beside its state.
fn detail(task: &TaskRecord) -> String {
    let mut parts = Vec::new();
    if let Some(items) = task.item_counts() {
        let ended = items.total - items.waiting - items.running;
        parts.push(format!("{ended}/{}", items.total));
        if items.failed > 0 {
            parts.push(format!("{} failed", items.failed));
        }
        if items.running > 1 {
            parts.push(format!("{} at once", items.running));
        }
    }
    if task.whole.round > 1 {
        parts.push(format!("round {}", task.whole.round));
    }
    let took = match (task.whole.started, task.whole.ended) {
        (Some(started), Some(ended)) => Some(show_duration(ended.since(started))),
        _ => None,
    };
    match task.state() {
        TaskState::Ended(TaskStatus::Completed) => {
            if task.whole.recalled.is_some() {
                parts.push("as before".to_owned());
            }
            parts.extend(took);
        }
        TaskState::Ended(status) => {
            let failure = task.whole.failure.as_ref().map(ToString::to_string);
            let why = failure.as_deref().or(task.whole.reason.as_deref());
            parts.push(match why {
                Some(why) => format!("{status}: {}", first_line(why)),
                None => status.to_string(),
            });
        }
        TaskState::Running if task.approval.is_some() => {
            parts.push("waits for a person".to_owned());
        }
        TaskState::Running | TaskState::Waiting => {}
    }
    parts.join(", ")
}

/// The attempts that are under way: of this run, then of those inside.
fn collect<'a>(record: &'a RunRecord, around: &str, at_work: &mut Vec<AtWork<'a>>) {
    let running = |attempt: &&AttemptRecord| attempt.outcome == AttemptOutcome::Running;
    at_work.extend(
        record
            .attempts
            .iter()
            .filter(running)
            .map(|attempt| AtWork {
                key: format!("{around}{}", attempt.key),
                attempt,
            }),
    );
    for (id, task) in &record.tasks {
        if task.state() != TaskState::Running {
            continue;
        }
        for (item, instance) in task.instances() {
            if let Some(child) = instance.child.as_deref().filter(|run| run.status.is_none()) {
                let key = TaskKey {
                    task: id.clone(),
                    item,
                };
                collect(child, &format!("{around}{key}/"), at_work);
            }
        }
    }
}

/// The waves that have room, from the first in which something is left to do.
fn window(waves: &[(u32, Vec<(&TaskId, &TaskRecord)>)], room: usize) -> (usize, usize) {
    if waves.len() <= room {
        return (0, waves.len());
    }
    // What is left out before and after takes a line each.
    let room = room.saturating_sub(2).max(1);
    let is_open = |(_, tasks): &(u32, Vec<(&TaskId, &TaskRecord)>)| {
        tasks.iter().any(|(_, task)| task.state().ended().is_none())
    };
    let first = waves.iter().position(is_open).unwrap_or(waves.len());
    // One that is over stays in sight, where there is room for it.
    let over = usize::from(room > 2);
    let from = first.saturating_sub(over).min(waves.len() - room);
    (from, from + room)
}

fn is_blank(text: &str) -> bool {
    console::measure_text_width(text) == 0
}

/// A duration for a screen that is drawn again and again: no fractions.
fn clock(duration: std::time::Duration) -> String {
    match duration.as_secs() {
        0 => "0 s".to_owned(),
        seconds => show_duration(std::time::Duration::from_secs(seconds)),
    }
}
