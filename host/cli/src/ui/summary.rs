//! How a run went, in a screenful.

use std::fmt::Write as _;

use console::Style;
use ringfence::flow::{
    FindingRecord, RunRecord, RunStatus, Severity, TaskRecord, TaskState, TaskStatus, show_duration,
};

use super::Table;
use super::plain::first_line;

/// How many findings the screen shows; the reports have them all.
const SHOWN_FINDINGS: usize = 10;

/// The summary of a run that has ended, for stdout.
pub(crate) fn print_summary(record: &RunRecord, text: &mut String) {
    let summary = record.summary();
    print_tasks(record, text);
    print_findings(&record.findings(), text);
    if let Some(failure) = &record.failure {
        let _ = writeln!(text, "\n{failure}");
    }
    let totals = &summary.totals;
    let _ = writeln!(
        text,
        "\n{} `{}` in {}: {} of {} tasks completed, {} attempts ({} failed), fuel {}, cpu {}, at most {} of memory each",
        verdict(summary.status),
        record.workflow.as_ref().map_or("", |name| name.as_str()),
        show_duration(summary.duration),
        summary.tasks_completed,
        summary.tasks,
        totals.attempts,
        totals.failed_attempts,
        totals.fuel,
        show_duration(totals.cpu),
        totals.peak_memory,
    );
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
    for (id, task) in record.tasks_in_order() {
        let findings: usize = task.instances().map(|(_, i)| i.findings.len()).sum();
        table.row([
            id.to_string(),
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
        None => task.state().as_str().to_owned(),
    };
    let style = match task.state() {
        TaskState::Ended(TaskStatus::Completed) => Style::new().green(),
        TaskState::Ended(TaskStatus::Failed) => Style::new().red(),
        TaskState::Ended(TaskStatus::Rejected) => Style::new().yellow(),
        _ => Style::new().dim(),
    };
    style.apply_to(word).to_string()
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
    let mut worst: Vec<_> = findings
        .iter()
        .filter(|f| f.finding.severity >= Severity::Medium)
        .collect();
    worst.sort_by_key(|f| std::cmp::Reverse(f.finding.severity));
    for record in worst.iter().take(SHOWN_FINDINGS) {
        let finding = &record.finding;
        let place = finding
            .location
            .as_ref()
            .map(|place| format!("{}:{}:{}: ", place.path, place.line, place.column))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} {place}{} [{}]",
            coloured(finding.severity),
            first_line(&finding.message),
            finding.rule
        );
    }
    if worst.len() > SHOWN_FINDINGS {
        let more = worst.len() - SHOWN_FINDINGS;
        let _ = writeln!(
            text,
            "  and {more} more of medium or worse; `--report FILE.html` shows all"
        );
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
