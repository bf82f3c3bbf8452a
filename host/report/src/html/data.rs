//! What the page's script draws: embedded as JSON, so that thousands of rows
//! cost nothing before they are looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    AttemptOutcome, AttemptRecord, CriticalStep, Edit, Finding, FindingRecord, LogLevel,
    MAX_MESSAGE_LEN, RunRecord, TaskKey, TaskRecord, Timestamp, clean_text,
};
use serde::Serialize;

use crate::SourceLookup;
use crate::wording::{MAX_INSIDE, WORST_FIRST};

/// How many findings and attempts a page holds. A browser takes this many; the
/// page says how many are left out.
pub(super) const MAX_ROWS: usize = 20_000;

/// How many lines above and below a finding are shown.
const CONTEXT: u32 = 2;

/// How many lines an edit may replace and still be shown as a difference.
const MAX_EDIT_LINES: u32 = 60;

/// The longest source line and log message, in bytes.
const MAX_TEXT: usize = 600;

/// How many log lines of one task are shown: the last ones.
const MAX_LOG_LINES: usize = 200;

#[derive(Serialize)]
pub(super) struct Data {
    /// Length of the run in microseconds: the width of the timeline.
    duration: u64,
    findings: Vec<FindingRow>,
    findings_left_out: usize,
    /// Lines by path and number.
    sources: BTreeMap<String, BTreeMap<u32, String>>,
    /// The tasks of the timeline, in the order of the plan.
    tasks: Vec<String>,
    attempts: Vec<AttemptRow>,
    attempts_left_out: usize,
    rounds: Vec<RoundMark>,
    resumes: Vec<ResumeMark>,
    waits: Vec<WaitRow>,
    critical: Vec<StepRow>,
    logs: Vec<TaskLog>,
}

#[derive(Serialize)]
struct FindingRow {
    severity: &'static str,
    rule: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    task: String,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<FixRow>,
}

#[derive(Serialize)]
struct FixRow {
    path: String,
    first: u32,
    last: u32,
    replacement: String,
}

#[derive(Serialize)]
struct AttemptRow {
    /// Index in `tasks`.
    task: usize,
    key: String,
    agent: String,
    attempt: u32,
    round: u32,
    outcome: &'static str,
    /// Microseconds after the start of the run.
    start: u64,
    /// Microseconds.
    wall: u64,
    cpu: u64,
    fuel: u64,
    memory: u64,
    findings: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel_budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_budget: Option<u64>,
    /// Why it failed or rejected, or what it said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    critical: bool,
}

#[derive(Serialize)]
struct RoundMark {
    at: u64,
    round: u32,
    gate: String,
}

/// Where the run went on after nobody had driven it.
#[derive(Serialize)]
struct ResumeMark {
    at: u64,
    away: u64,
}

/// A person is asked.
#[derive(Serialize)]
struct WaitRow {
    /// Index in `tasks`.
    task: usize,
    start: u64,
    wall: u64,
    note: String,
}

/// A step of the critical path.
#[derive(Serialize)]
struct StepRow {
    task: String,
    round: u32,
    start: u64,
    /// Without the time for which nobody drove the run.
    wall: u64,
    waited: u64,
}

#[derive(Serialize)]
struct TaskLog {
    task: String,
    omitted: u64,
    lines: Vec<LogRow>,
}

#[derive(Serialize)]
struct LogRow {
    attempt: String,
    level: &'static str,
    text: String,
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Data {
    pub(super) fn of(record: &RunRecord, sources: &dyn SourceLookup) -> Self {
        let start = record.started.unwrap_or_else(|| first_start(record));
        let tasks = record.tasks_with_inside(MAX_INSIDE);
        let places: HashMap<_, _> = tasks
            .iter()
            .map(|(path, _)| path.as_str())
            .zip(0..)
            .collect();
        let mut attempts = Vec::new();
        let all = collect_attempts(record, "", &places, &mut attempts);
        attempts.sort_by_key(|placed| placed.attempt.started);
        attempts.truncate(MAX_ROWS);
        let path = record.critical_path();
        let critical = critical_attempts(record, &path);
        let mut findings = record.findings();
        let findings_left_out = findings.len().saturating_sub(MAX_ROWS);
        if findings_left_out > 0 {
            // Of too many the mildest are left out.
            findings.sort_by_key(|found| std::cmp::Reverse(found.finding.severity));
            findings.truncate(MAX_ROWS);
        }
        let waits = tasks
            .iter()
            .zip(0..)
            .filter_map(|((_, task), place)| WaitRow::of(task, place, start, record.updated));
        Self {
            duration: micros(record.ended.unwrap_or(record.updated).since(start)),
            sources: lines(findings.iter().map(|found| &found.finding), sources),
            findings: findings.iter().map(FindingRow::of).collect(),
            findings_left_out,
            attempts_left_out: all - attempts.len(),
            waits: waits.collect(),
            attempts: attempts
                .iter()
                .map(|placed| AttemptRow {
                    task: placed.task,
                    key: format!("{}{}", placed.around, placed.attempt.key),
                    critical: critical.contains(&std::ptr::from_ref(placed.attempt)),
                    ..AttemptRow::of(placed.attempt, start, record.updated)
                })
                .collect(),
            resumes: record
                .resumes
                .iter()
                .map(|resumed| ResumeMark {
                    at: micros(resumed.at.since(start)),
                    away: micros(resumed.away),
                })
                .collect(),
            critical: path
                .iter()
                .map(|step| StepRow {
                    task: step.task.to_string(),
                    round: step.round,
                    start: micros(step.started.since(start)),
                    wall: micros(step.ended.since(step.started).saturating_sub(step.away)),
                    waited: micros(step.waited),
                })
                .collect(),
            rounds: record
                .rounds
                .iter()
                .map(|round| RoundMark {
                    at: micros(round.at.since(start)),
                    round: round.round,
                    gate: round.gate.to_string(),
                })
                .collect(),
            logs: logs(record),
            tasks: tasks.into_iter().map(|(path, _)| path).collect(),
        }
    }

    /// The JSON, written so that it can stand in a `script` element: no
    /// character that could end it or start a comment is left as it is.
    pub(super) fn to_script(&self) -> serde_json::Result<String> {
        let json = serde_json::to_string(self)?;
        Ok(json
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\u{2028}', "\\u2028")
            .replace('\u{2029}', "\\u2029"))
    }
}

/// An attempt of the run or of one inside, with its row in the timeline.
struct Placed<'a> {
    task: usize,
    around: String,
    attempt: &'a AttemptRecord,
}

/// Collects the attempts of tasks that have a row. Gives how many there are.
fn collect_attempts<'a>(
    record: &'a RunRecord,
    around: &str,
    places: &HashMap<&str, usize>,
    placed: &mut Vec<Placed<'a>>,
) -> usize {
    let mut all = record.attempts.len();
    placed.extend(record.attempts.iter().filter_map(|attempt| {
        Some(Placed {
            task: *places.get(format!("{around}{}", attempt.key.task).as_str())?,
            around: around.to_owned(),
            attempt,
        })
    }));
    for (id, task) in &record.tasks {
        for (item, instance) in task.instances() {
            if let Some(child) = &instance.child {
                let key = TaskKey {
                    task: id.clone(),
                    item,
                };
                all += collect_attempts(child, &format!("{around}{key}/"), places, placed);
            }
        }
    }
    all
}

/// The attempts that the run waited for: of each step those of the instance
/// that ended last.
fn critical_attempts(record: &RunRecord, path: &[CriticalStep]) -> HashSet<*const AttemptRecord> {
    let steps: HashSet<_> = path.iter().map(|step| (&step.task, step.round)).collect();
    let mut last: HashMap<_, &AttemptRecord> = HashMap::new();
    for attempt in &record.attempts {
        let step = (&attempt.key.task, attempt.round);
        if steps.contains(&step) {
            let known = last.entry(step).or_insert(attempt);
            if attempt.ended >= known.ended {
                *known = attempt;
            }
        }
    }
    let waited_for = |attempt: &&AttemptRecord| {
        let step = (&attempt.key.task, attempt.round);
        last.get(&step).is_some_and(|last| last.key == attempt.key)
    };
    let attempts = record.attempts.iter().filter(waited_for);
    attempts.map(std::ptr::from_ref).collect()
}

impl WaitRow {
    fn of(task: &TaskRecord, place: usize, start: Timestamp, now: Timestamp) -> Option<Self> {
        let approval = task.approval.as_ref()?;
        let until = task.whole.ended.unwrap_or(now);
        let said = match &approval.decision {
            None => "nobody has answered".to_owned(),
            Some(decision) => format!(
                "{} by {}",
                if decision.approved {
                    "approved"
                } else {
                    "rejected"
                },
                decision.by.as_deref().unwrap_or("nobody")
            ),
        };
        Some(Self {
            task: place,
            start: micros(approval.asked.since(start)),
            wall: micros(until.since(approval.asked)),
            note: clean_text(&said, MAX_TEXT),
        })
    }
}

fn first_start(record: &RunRecord) -> Timestamp {
    let starts = record.attempts.iter().map(|attempt| attempt.started);
    starts.min().unwrap_or(record.updated)
}

/// Guest text without what could turn a line around.
fn shown(text: &str) -> String {
    clean_text(text, MAX_MESSAGE_LEN)
}

impl FindingRow {
    fn of(found: &FindingRecord) -> Self {
        let finding = &found.finding;
        let place = finding
            .location
            .as_ref()
            .filter(|place| !place.path.is_empty());
        let is_range = |edit: &&Edit| edit.first > 0 && edit.last >= edit.first;
        Self {
            severity: finding.severity.as_str(),
            rule: shown(&finding.rule),
            message: shown(&finding.message),
            path: place.map(|place| shown(&place.path)),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            task: found.key.task.to_string(),
            key: found.key.to_string(),
            agent: found.agent.as_ref().map(ToString::to_string),
            fix: finding.fix.as_ref().filter(is_range).map(|edit| FixRow {
                path: shown(&edit.path),
                first: edit.first,
                last: edit.last,
                replacement: clean_text(&edit.replacement, 16 * MAX_TEXT),
            }),
        }
    }
}

impl AttemptRow {
    fn of(attempt: &AttemptRecord, start: Timestamp, now: Timestamp) -> Self {
        let budgets = attempt.budgets.as_ref();
        let note = match &attempt.outcome {
            AttemptOutcome::Failed(failure) => Some(failure.to_string()),
            AttemptOutcome::Rejected(reason) => Some(reason.to_string()),
            AttemptOutcome::Running | AttemptOutcome::Completed | AttemptOutcome::Lost => attempt
                .progress
                .as_ref()
                .map(|progress| progress.note.to_string()),
        };
        Self {
            task: 0,
            critical: false,
            key: attempt.key.to_string(),
            agent: attempt.agent.to_string(),
            attempt: attempt.attempt,
            round: attempt.round,
            outcome: attempt.outcome.as_str(),
            start: micros(attempt.started.since(start)),
            wall: micros(attempt.ended.unwrap_or(now).since(attempt.started)),
            cpu: micros(attempt.usage.cpu),
            fuel: attempt.usage.fuel.as_u64(),
            memory: attempt.usage.peak_memory.as_u64(),
            findings: attempt.findings,
            wall_budget: budgets.map(|budgets| micros(budgets.time)),
            fuel_budget: budgets.map(|budgets| budgets.fuel.as_u64()),
            memory_budget: budgets.map(|budgets| budgets.memory.as_u64()),
            note: note
                .filter(|note| !note.is_empty())
                .map(|note| clean_text(&note, MAX_TEXT)),
        }
    }
}

/// The lines that findings and their fixes point at, with those around them.
fn lines<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    sources: &dyn SourceLookup,
) -> BTreeMap<String, BTreeMap<u32, String>> {
    let mut wanted: BTreeMap<Arc<str>, BTreeSet<u32>> = BTreeMap::new();
    let mut want = |path: &Arc<str>, first: u32, last: u32| {
        if first > 0 && last >= first && last - first <= MAX_EDIT_LINES {
            let range = first.saturating_sub(CONTEXT).max(1)..=last.saturating_add(CONTEXT);
            wanted.entry(Arc::clone(path)).or_default().extend(range);
        }
    };
    for finding in findings {
        if let Some(place) = &finding.location {
            want(&place.path, place.line, place.line);
        }
        if let Some(edit) = &finding.fix {
            want(&edit.path, edit.first, edit.last);
        }
    }
    let mut known = BTreeMap::new();
    for (path, numbers) in wanted {
        let Some(text) = sources.source(&path) else {
            continue;
        };
        let found: BTreeMap<_, _> = (1..)
            .zip(text.lines())
            .filter(|(number, _)| numbers.contains(number))
            .map(|(number, line)| (number, clean_text(line, MAX_TEXT)))
            .collect();
        known.insert(shown(&path), found);
    }
    known
}

const fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

/// The last log lines of each task that has any.
fn logs(record: &RunRecord) -> Vec<TaskLog> {
    let mut by_task: HashMap<_, Vec<&AttemptRecord>> = HashMap::new();
    for attempt in record
        .attempts
        .iter()
        .filter(|attempt| !attempt.log.is_empty())
    {
        by_task.entry(&attempt.key.task).or_default().push(attempt);
    }
    let log = |attempts: Vec<&AttemptRecord>, task: String| {
        let mut omitted: u64 = attempts.iter().map(|attempt| attempt.log.omitted).sum();
        let mut lines: Vec<_> = attempts
            .into_iter()
            .flat_map(|attempt| attempt.log.lines.iter().map(move |line| (attempt, line)))
            .collect();
        let cut = lines.len().saturating_sub(MAX_LOG_LINES);
        omitted += cut as u64;
        let lines = lines.split_off(cut);
        let row = |(attempt, line): (&AttemptRecord, &ringfence_flow::LogLine)| {
            let mut text = line.message.to_string();
            for (name, value) in line.fields.iter() {
                text.push_str(&format!(" {name}={value}"));
            }
            LogRow {
                attempt: format!("{} #{}.{}", attempt.key, attempt.round, attempt.attempt),
                level: level(line.level),
                text: clean_text(&text, MAX_TEXT),
            }
        };
        TaskLog {
            task,
            omitted,
            lines: lines.into_iter().map(row).collect(),
        }
    };
    let tasks = record.tasks_in_order().into_iter();
    tasks
        .filter_map(|(id, _)| Some(log(by_task.remove(id)?, id.to_string())))
        .collect()
}

/// The severities in the order in which the page shows them.
pub(super) fn severities() -> impl Iterator<Item = &'static str> {
    WORST_FIRST
        .into_iter()
        .map(ringfence_flow::Severity::as_str)
}
