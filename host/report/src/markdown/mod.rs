//! Markdown: what a person pastes into a pull request.

mod escape;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment};
use ringfence_flow::{
    Failure, FindingRecord, RunRecord, RunStatus, RunSummary, Severity, TaskRecord, clean_text,
    show_duration,
};
use serde::Serialize;

use crate::wording::{
    MAX_INSIDE, WORST_FIRST, capitalized, count, explanation, grouped, part, verdict,
};
use crate::{ReportError, SourceLookup};

/// How many findings are listed. Pull requests take 65,536 characters.
const MAX_FINDINGS: usize = 100;

/// How many failures are listed with their message.
const MAX_FAILURES: usize = 20;

/// How many refusals of grants are listed.
const MAX_DENIALS: usize = 50;

/// The longest source line, rule and path that is shown, in bytes.
const MAX_LINE: usize = 200;

/// Longer messages of findings and reasons are cut, in bytes.
const MAX_SENTENCE: usize = 400;

/// Longer messages of failures are cut, in bytes.
const MAX_MESSAGE: usize = 1_000;

/// A summary of a run as GitHub-flavoured Markdown: verdict, findings by
/// severity and the worst of them by file, tasks with what they used, failures.
///
/// # Errors
/// [`ReportError::Template`] if the template cannot be rendered.
pub fn markdown(record: &RunRecord, sources: &dyn SourceLookup) -> Result<String, ReportError> {
    render(&Page::of(record, sources)).map_err(|source| ReportError::Template {
        format: "Markdown",
        source,
    })
}

fn render(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    // Whatever is not marked as safe is escaped when it is written out.
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("markdown".into()));
    environment.set_formatter(|out, _, value| {
        if value.is_safe() {
            write!(out, "{value}")?;
        } else if let Some(text) = value.as_str() {
            out.write_str(&escape::text(text))?;
        } else {
            out.write_str(&escape::text(&value.to_string()))?;
        }
        Ok(())
    });
    environment
        .template_from_named_str("report.md", include_str!("report.md"))?
        .render(Value::from(Serde(page)))
}

fn code(text: &str) -> Value {
    Value::from_safe_string(escape::code(&clean_text(text, MAX_LINE)))
}

fn sentence(text: &str) -> String {
    match clean_text(text.trim(), MAX_SENTENCE) {
        text if text.is_empty() => "no message".to_owned(),
        text => text,
    }
}

/// Text that this crate made from figures, in which nothing needs an escape.
fn figure(text: impl Into<String>) -> Value {
    Value::from_safe_string(text.into())
}

const fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🟥",
        Severity::High => "🟧",
        Severity::Medium => "🟨",
        Severity::Low => "🟦",
        Severity::Info => "⬜",
    }
}

const fn verdict_mark(status: Option<RunStatus>) -> &'static str {
    match status {
        Some(RunStatus::Completed) => "✅",
        Some(RunStatus::Rejected | RunStatus::Failed) => "❌",
        Some(RunStatus::Cancelled) => "⏹️",
        None => "⏳",
    }
}

#[derive(Serialize)]
struct Page {
    mark: &'static str,
    workflow: String,
    verdict: &'static str,
    explanation: String,
    tasks_line: String,
    severities: Vec<SeverityRow>,
    files: Vec<FileSection>,
    findings_left_out: Option<String>,
    tasks: Vec<TaskRow>,
    rounds: Vec<RoundRow>,
    failures: Vec<FailureRow>,
    failures_left_out: Option<String>,
    denied: Vec<Denial>,
    footer: Value,
}

#[derive(Serialize)]
struct SeverityRow {
    mark: &'static str,
    severity: &'static str,
    count: String,
}

#[derive(Serialize)]
struct FileSection {
    path: Value,
    findings: Vec<FindingRow>,
}

#[derive(Serialize)]
struct FindingRow {
    mark: &'static str,
    place: Value,
    message: String,
    rule: Value,
    fixable: bool,
    line: Option<Value>,
}

#[derive(Serialize)]
struct TaskRow {
    name: Value,
    status: String,
    attempts: Value,
    time: Value,
    fuel: Value,
    memory: Value,
    cpu: Value,
}

#[derive(Serialize)]
struct RoundRow {
    number: u32,
    gate: Value,
    reason: String,
}

#[derive(Serialize)]
struct FailureRow {
    place: String,
    code: Value,
    message: Value,
}

#[derive(Serialize)]
struct Denial {
    effect: Value,
    agent: Value,
    task: Value,
    count: u64,
    rule: String,
}

impl Page {
    fn of(record: &RunRecord, sources: &dyn SourceLookup) -> Self {
        let summary = record.summary();
        let mut findings = record.findings();
        // The worst first; equal ones keep the order of the plan.
        findings.sort_by_key(|found| std::cmp::Reverse(found.finding.severity));
        let failures = record.failures();
        Self {
            mark: verdict_mark(record.status),
            workflow: record
                .workflow
                .as_ref()
                .map_or_else(|| "run".to_owned(), ToString::to_string),
            verdict: verdict(record.status),
            explanation: capitalized(&explanation(record, &summary)),
            tasks_line: tasks_line(&summary),
            severities: severities(&summary),
            files: files(&findings, sources),
            findings_left_out: left_out(findings.len(), MAX_FINDINGS),
            tasks: record
                .tasks_with_inside(MAX_INSIDE)
                .into_iter()
                .map(|(path, task)| task_row(&path, task))
                .collect(),
            rounds: record
                .rounds
                .iter()
                .map(|round| RoundRow {
                    number: round.round,
                    gate: code(round.gate.as_str()),
                    reason: sentence(&round.reason),
                })
                .collect(),
            failures: failures
                .iter()
                .take(MAX_FAILURES)
                .map(|failed| FailureRow {
                    place: failure_place(failed),
                    code: code(failed.failure.code.as_str()),
                    message: message_block(&failed.failure),
                })
                .collect(),
            failures_left_out: left_out(failures.len(), MAX_FAILURES),
            denied: record
                .decisions()
                .filter(|decision| !decision.decision.allowed)
                .take(MAX_DENIALS)
                .map(|decision| Denial {
                    effect: code(&decision.decision.effect),
                    agent: code(decision.agent.as_str()),
                    task: code(decision.task.as_str()),
                    count: decision.count,
                    rule: sentence(&decision.decision.rule),
                })
                .collect(),
            footer: Value::from_safe_string(footer(record)),
        }
    }
}

fn left_out(all: usize, shown: usize) -> Option<String> {
    (all > shown).then(|| grouped((all - shown) as u64))
}

fn tasks_line(summary: &RunSummary) -> String {
    if summary.tasks == 0 {
        return "No task was planned.".to_owned();
    }
    let mut line = format!(
        "{} of {} completed in {}, with {}",
        summary.tasks_completed,
        count(summary.tasks, "task"),
        show_duration(summary.duration),
        count(summary.totals.attempts, "attempt")
    );
    for (number, thing) in [
        (summary.totals.retries, "retry"),
        (summary.totals.fallbacks, "fallback"),
        (u64::from(summary.rounds.saturating_sub(1)), "more round"),
    ] {
        match (number, thing) {
            (0, _) => {}
            (1, _) => line.push_str(&format!(", 1 {thing}")),
            (_, "retry") => line.push_str(&format!(", {} retries", grouped(number))),
            (_, _) => line.push_str(&format!(", {} {thing}s", grouped(number))),
        }
    }
    line.push('.');
    line
}

fn severities(summary: &RunSummary) -> Vec<SeverityRow> {
    if summary.findings.total() == 0 {
        return Vec::new();
    }
    WORST_FIRST
        .into_iter()
        .filter(|severity| summary.findings.get(*severity) > 0)
        .map(|severity| SeverityRow {
            mark: mark(severity),
            severity: severity.as_str(),
            count: grouped(summary.findings.get(severity)),
        })
        .collect()
}

/// The worst findings by file, the file with the worst one first.
fn files(findings: &[FindingRecord], sources: &dyn SourceLookup) -> Vec<FileSection> {
    let mut order: Vec<Option<&Arc<str>>> = Vec::new();
    let mut by_file: BTreeMap<Option<&Arc<str>>, Vec<&FindingRecord>> = BTreeMap::new();
    for found in findings.iter().take(MAX_FINDINGS) {
        let place = found.finding.location.as_ref();
        let path = place
            .map(|place| &place.path)
            .filter(|path| !path.trim().is_empty());
        let section = by_file.entry(path).or_default();
        if section.is_empty() {
            order.push(path);
        }
        section.push(found);
    }
    let mut sections = Vec::with_capacity(order.len());
    for path in order {
        let text = path.and_then(|path| sources.source(path));
        let mut found = by_file.remove(&path).unwrap_or_default();
        found.sort_by_key(|found| {
            found
                .finding
                .location
                .as_ref()
                .map(|place| (place.line, place.column))
        });
        let rows = found
            .into_iter()
            .map(|found| finding_row(found, text.as_deref()));
        sections.push(FileSection {
            path: path.map_or_else(|| Value::from("no file"), |path| code(path)),
            findings: rows.collect(),
        });
    }
    sections
}

fn finding_row(found: &FindingRecord, source: Option<&str>) -> FindingRow {
    let finding = &found.finding;
    let place = finding.location.as_ref();
    let line = place.and_then(|place| {
        let index = usize::try_from(place.line.checked_sub(1)?).ok()?;
        let line = source?.lines().nth(index)?.trim();
        Some(clean_text(line, MAX_LINE)).filter(|line| !line.is_empty())
    });
    FindingRow {
        mark: mark(finding.severity),
        place: figure(place.map_or_else(String::new, |place| format!("line {}: ", place.line))),
        message: sentence(&finding.message),
        rule: code(&finding.rule),
        fixable: finding.fix.is_some(),
        line: line.map(|line| code(&line)),
    }
}

fn task_row(name: &str, task: &TaskRecord) -> TaskRow {
    let status = task.state().as_str();
    let status = match task.item_counts() {
        Some(items) => {
            let items = part(items.completed.into(), items.total.into(), "item");
            format!("{status}, {items}")
        }
        None => status.to_owned(),
    };
    let time = match (task.whole.started, task.whole.ended) {
        (Some(started), Some(ended)) => show_duration(ended.since(started)),
        _ => String::new(),
    };
    let totals = &task.totals;
    let attempts = match totals.retries {
        0 => grouped(totals.attempts),
        1 => format!("{} (1 retry)", grouped(totals.attempts)),
        retries => format!(
            "{} ({} retries)",
            grouped(totals.attempts),
            grouped(retries)
        ),
    };
    TaskRow {
        name: code(name),
        status,
        attempts: figure(attempts),
        time: figure(time),
        fuel: figure(totals.fuel.to_string()),
        memory: figure(totals.peak_memory.to_string()),
        cpu: figure(show_duration(totals.cpu)),
    }
}

fn failure_place(failed: &ringfence_flow::FailureRecord) -> String {
    let mut place = failed
        .key
        .as_ref()
        .map_or_else(|| "run".to_owned(), ToString::to_string);
    if let (Some(agent), Some(attempt)) = (&failed.agent, failed.attempt) {
        let _ = write!(place, ", attempt {attempt} by {agent}");
    }
    if let Some(round @ 2..) = failed.round {
        let _ = write!(place, ", round {round}");
    }
    place
}

fn message_block(failure: &Failure) -> Value {
    let message = clean_text(&failure.message, MAX_MESSAGE);
    Value::from_safe_string(escape::block(&message))
}

fn footer(record: &RunRecord) -> String {
    let mut parts = Vec::new();
    if let Some(run) = &record.run {
        parts.push(format!("run {}", escape::code(run.as_str())));
    }
    if let Some(started) = record.started {
        parts.push(format!("started {}", ringfence_flow::show_time(started)));
    }
    parts.push(format!("seed {}", record.seed));
    parts.push(format!("fuel {}", record.totals.fuel));
    parts.push(format!("CPU {}", show_duration(record.totals.cpu)));
    format!(
        "<sub>Ringfence {}: {}</sub>",
        env!("CARGO_PKG_VERSION"),
        parts.join(", ")
    )
}
