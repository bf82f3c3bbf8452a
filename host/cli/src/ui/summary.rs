//! How a run went, in a screenful.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Write as _;

use console::Style;
use ringfence::flow::{
    ApprovalRecord, FindingRecord, RunRecord, RunStatus, Severity, TaskRecord, TaskState,
    TaskStatus, show_duration,
};
use ringfence::report::wording::{count, grouped, part};

use super::Table;
use super::plain::first_line;
use crate::output::indented;

/// How many rules the screen names; the reports have all findings.
const SHOWN_RULES: usize = 10;

/// How many tasks of runs inside the screen has room for.
const SHOWN_INSIDE: usize = 24;

/// The summary of a run that has ended, for stdout.
pub(crate) fn print_summary(record: &RunRecord, text: &mut String) {
    let summary = record.summary();
    print_tasks(record, text);
    print_findings(&record.findings(), text);
    print_failures(record, text);
    let totals = &summary.totals;
    let _ = writeln!(
        text,
        "\n{} `{}` in {}: {} completed, {} ({} failed), fuel {}, cpu {}, at most {} of memory each",
        verdict(summary.status),
        record.workflow.as_ref().map_or("", |name| name.as_str()),
        show_duration(summary.duration),
        part(summary.tasks_completed, summary.tasks, "task"),
        count(totals.attempts, "attempt"),
        grouped(totals.failed_attempts),
        totals.fuel,
        show_duration(totals.cpu),
        totals.peak_memory,
    );
}

/// Why the run did not complete, and why tasks failed that it went on without.
fn print_failures(record: &RunRecord, text: &mut String) {
    let mut lines = Vec::new();
    if let Some(failure) = &record.failure {
        let task = record.decided_by.as_ref();
        let task = task.map(|task| format!("{task}: ")).unwrap_or_default();
        lines.push(format!("{task}{}", indented(&failure.to_string())));
    }
    for (id, task) in record.tasks_in_order() {
        let decided = record.decided_by.as_ref() == Some(id);
        if let Some(failure) = task.whole.failure.as_ref().filter(|_| !decided) {
            lines.push(format!("{id}: {}", first_line(&failure.to_string())));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(text, "\n{}", lines.join("\n"));
    }
}

fn verdict(status: Option<RunStatus>) -> String {
    let style = Style::new().bold();
    let (style, word) = match status {
        Some(RunStatus::Completed) => (style.green(), "completed"),
        Some(RunStatus::Rejected) => (style.yellow(), "rejected"),
        Some(RunStatus::Cancelled) => (style.yellow(), "cancelled"),
        Some(RunStatus::Failed) => (style.red(), "failed"),
        None => (style, "unfinished"),
    };
    style.apply_to(word).to_string()
}

fn print_tasks(record: &RunRecord, text: &mut String) {
    let mut table = Table::flush_right(&[2, 3, 4, 5]);
    let dim = Style::new().dim();
    let head = ["task", "state", "attempts", "findings", "fuel", "cpu"];
    table.row(head.map(|cell| dim.apply_to(cell).to_string()));
    for (id, task) in record.tasks_with_inside(SHOWN_INSIDE) {
        let findings: usize = task.instances().map(|(_, i)| i.findings.len()).sum();
        table.row([
            id,
            state(task),
            task.totals.attempts.to_string(),
            findings.to_string(),
            task.totals.fuel.to_string(),
            show_duration(task.totals.cpu),
        ]);
    }
    for line in table.lines() {
        let _ = writeln!(text, "{line}");
    }
}

fn state(task: &TaskRecord) -> String {
    let word = match task.item_counts() {
        Some(counts) => format!(
            "{} {}/{}",
            task.state().as_str(),
            counts.completed,
            counts.total
        ),
        None => match (&task.whole.recalled, &task.approval) {
            (Some(_), _) => format!("{}, cached", task.state().as_str()),
            (None, Some(approval)) => approved(task.state(), approval),
            (None, None) => task.state().as_str().to_owned(),
        },
    };
    let style = match task.state() {
        TaskState::Ended(TaskStatus::Completed) => Style::new().green(),
        TaskState::Ended(TaskStatus::Failed) => Style::new().red(),
        TaskState::Ended(TaskStatus::Rejected) => Style::new().yellow(),
        _ => Style::new().dim(),
    };
    style.apply_to(word).to_string()
}

/// How an approval ended, and who decided.
fn approved(state: TaskState, approval: &ApprovalRecord) -> String {
    let by = approval
        .decision
        .as_ref()
        .and_then(|decision| decision.by.as_deref());
    match by {
        Some(by) => format!("{}, by {}", state.as_str(), first_line(by)),
        None => state.as_str().to_owned(),
    }
}

fn print_findings(findings: &[FindingRecord], text: &mut String) {
    if findings.is_empty() {
        return;
    }
    let counts: Vec<_> = Severity::ALL
        .into_iter()
        .rev()
        .map(|severity| {
            (
                severity,
                findings
                    .iter()
                    .filter(|f| f.finding.severity == severity)
                    .count(),
            )
        })
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {}", coloured(severity)))
        .collect();
    let _ = writeln!(text, "\nfindings: {}", counts.join(", "));
    print_worst(findings, text);
}

/// A line for each rule, the worst first: where it was broken first, and how
/// often.
fn print_worst(findings: &[FindingRecord], text: &mut String) {
    let mut rules: Vec<(&FindingRecord, usize)> = Vec::new();
    let mut places = HashMap::new();
    let is_worth_it = |record: &&FindingRecord| record.finding.severity >= Severity::Medium;
    for record in findings.iter().filter(is_worth_it) {
        let rule = (record.finding.severity, &record.finding.rule);
        let place = *places.entry(rule).or_insert_with(|| {
            rules.push((record, 0));
            rules.len() - 1
        });
        rules[place].1 += 1;
    }
    rules.sort_by_key(|(record, count)| Reverse((record.finding.severity, *count)));
    for (record, count) in rules.iter().take(SHOWN_RULES) {
        let finding = &record.finding;
        let place = finding
            .location
            .as_ref()
            .map(|place| format!("{}:{}:{}: ", place.path, place.line, place.column))
            .unwrap_or_default();
        let more = match count {
            1 => String::new(),
            n => format!(", and {} more", n - 1),
        };
        let _ = writeln!(
            text,
            "  {} {place}{} [{}{more}]",
            coloured(finding.severity),
            first_line(&finding.message),
            finding.rule
        );
    }
    if rules.len() > SHOWN_RULES {
        let _ = writeln!(text, "  and {} rules more", rules.len() - SHOWN_RULES);
    }
    if !rules.is_empty() {
        let _ = writeln!(text, "  `--report FILE.html` shows them all");
    }
}

fn coloured(severity: Severity) -> String {
    let style = match severity {
        Severity::Critical | Severity::High => Style::new().red(),
        Severity::Medium => Style::new().yellow(),
        Severity::Low | Severity::Info => Style::new().dim(),
    };
    style.apply_to(severity).to_string()
}
