//! What the page's template shows without a script.

use std::sync::Arc;

use minijinja::value::Value;
use ringfence_flow::{
    FailureRecord, RunRecord, RunSummary, TaskKey, TaskRecord, TaskStatus, show_duration, show_time,
};
use serde::Serialize;

use super::data::severities;
use super::policy::{base64, policy};
use crate::wording::{
    MAX_INSIDE, WORST_FIRST, capitalized, count, explanation, grouped, part, verdict,
};

/// How many failures, decisions and artifacts are shown.
const MAX_LISTED: usize = 500;

#[derive(Serialize)]
pub(super) struct View {
    title: String,
    workflow: String,
    policy: Value,
    style: Value,
    script: Value,
    data: Value,
    status: &'static str,
    verdict: String,
    explanation: String,
    facts: Vec<Fact>,
    severities: Vec<SeverityTile>,
    figures: Vec<Figure>,
    inputs: Vec<Fact>,
    graph: Option<Value>,
    has_findings: bool,
    has_attempts: bool,
    has_logs: bool,
    tasks: Vec<TaskRow>,
    rounds: Vec<RoundRow>,
    failures: Vec<FailureRow>,
    failures_left_out: usize,
    decisions: Vec<DecisionRow>,
    decisions_left_out: u64,
    artifacts: Vec<ArtifactRow>,
    version: &'static str,
}

#[derive(Serialize)]
struct Fact {
    name: String,
    value: String,
}

#[derive(Serialize)]
struct SeverityTile {
    severity: &'static str,
    label: String,
    number: u64,
    count: String,
}

#[derive(Serialize)]
struct Figure {
    label: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct TaskRow {
    name: String,
    role: String,
    wave: Option<u32>,
    status: &'static str,
    items: Option<String>,
    reason: Option<Arc<str>>,
    attempts: String,
    time: String,
    fuel: String,
    memory: String,
    cpu: String,
}

#[derive(Serialize)]
struct RoundRow {
    number: u32,
    gate: String,
    reason: Arc<str>,
    tasks: String,
    feedback: String,
}

#[derive(Serialize)]
struct FailureRow {
    place: String,
    code: &'static str,
    message: Arc<str>,
    at: Option<String>,
}

#[derive(Serialize)]
struct DecisionRow {
    allowed: bool,
    effect: Arc<str>,
    rule: Arc<str>,
    task: String,
    agent: String,
    count: String,
}

#[derive(Serialize)]
struct ArtifactRow {
    name: Arc<str>,
    key: String,
    media_type: Arc<str>,
    size: String,
    sha256: String,
}

fn fact(name: &str, value: impl Into<String>) -> Fact {
    Fact {
        name: name.to_owned(),
        value: value.into(),
    }
}

/// Like the template engine, in the one place where it does not do it.
fn safe(text: impl Into<String>) -> Value {
    Value::from_safe_string(text.into())
}

impl View {
    /// `data` is JSON that may stand in a `script` element.
    pub(super) fn of(
        record: &RunRecord,
        style: &str,
        script: &str,
        data: String,
        graph_svg: Option<&str>,
    ) -> Self {
        let summary = record.summary();
        let workflow = record
            .workflow
            .as_ref()
            .map_or_else(|| "run".to_owned(), ToString::to_string);
        let failures = record.failures();
        let artifacts = record.artifacts();
        let decisions = record.decisions();
        Self {
            title: format!("{workflow}: {}", verdict(record.status)),
            policy: safe(policy(style, script)),
            style: safe(style),
            script: safe(script),
            data: safe(data),
            status: verdict(record.status),
            verdict: capitalized(verdict(record.status)),
            explanation: capitalized(&explanation(record, &summary)),
            facts: facts(record, &summary),
            severities: severity_tiles(&summary),
            figures: figures(&summary),
            inputs: inputs(record),
            // An image cannot run scripts, whatever names it shows.
            graph: graph_svg.map(|svg| {
                safe(format!(
                    "data:image/svg+xml;base64,{}",
                    base64(svg.as_bytes())
                ))
            }),
            has_findings: summary.findings.total() > 0,
            has_attempts: has_attempts(record),
            has_logs: record
                .attempts
                .iter()
                .any(|attempt| !attempt.log.is_empty()),
            tasks: record
                .tasks_with_inside(MAX_INSIDE)
                .into_iter()
                .map(|(path, task)| TaskRow::of(&path, task))
                .collect(),
            rounds: rounds(record),
            failures_left_out: failures.len().saturating_sub(MAX_LISTED),
            failures: failures
                .iter()
                .take(MAX_LISTED)
                .map(FailureRow::of)
                .collect(),
            decisions_left_out: record.decisions_omitted
                + decisions.len().saturating_sub(MAX_LISTED) as u64,
            decisions: decision_rows(record),
            artifacts: artifacts
                .into_iter()
                .take(MAX_LISTED)
                .map(|put| ArtifactRow {
                    name: put.artifact.name,
                    key: put.key.to_string(),
                    media_type: put.artifact.media_type,
                    size: ringfence_flow::ByteSize::bytes(put.artifact.size).to_string(),
                    sha256: put.artifact.sha256.to_string(),
                })
                .collect(),
            version: env!("CARGO_PKG_VERSION"),
            workflow,
        }
    }
}

/// Whether somebody worked, here or in a run inside.
fn has_attempts(record: &RunRecord) -> bool {
    let inside = |task: &TaskRecord| {
        let mut children = task.instances().filter_map(|(_, at)| at.child.as_deref());
        children.any(has_attempts)
    };
    !record.attempts.is_empty() || record.tasks.values().any(inside)
}

fn facts(record: &RunRecord, summary: &RunSummary) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(run) = &record.run {
        facts.push(fact("Run", run.as_str()));
    }
    if let Some(started) = record.started {
        facts.push(fact("Started", show_time(started)));
    }
    facts.push(fact("Duration", show_duration(summary.duration)));
    if !record.resumes.is_empty() {
        let away = record.resumes.iter().map(|resumed| resumed.away).sum();
        let times = count(record.resumes.len() as u64, "time");
        facts.push(fact(
            "Resumed",
            format!("{times}, nobody drove it for {}", show_duration(away)),
        ));
    }
    facts.push(fact("Rounds", summary.rounds.to_string()));
    facts.push(fact("Seed", record.seed.to_string()));
    facts
}

fn severity_tiles(summary: &RunSummary) -> Vec<SeverityTile> {
    let tile = |(severity, name): (ringfence_flow::Severity, &'static str)| SeverityTile {
        severity: name,
        label: capitalized(name),
        number: summary.findings.get(severity),
        count: grouped(summary.findings.get(severity)),
    };
    WORST_FIRST
        .into_iter()
        .zip(severities())
        .map(tile)
        .collect()
}

fn figures(summary: &RunSummary) -> Vec<Figure> {
    let totals = &summary.totals;
    let mut task_notes = Vec::new();
    if summary.tasks_failed > 0 {
        task_notes.push(format!("{} failed", summary.tasks_failed));
    }
    if summary.tasks_skipped > 0 {
        task_notes.push(format!("{} skipped", summary.tasks_skipped));
    }
    let mut attempt_notes = Vec::new();
    if totals.failed_attempts > 0 {
        attempt_notes.push(format!("{} failed", grouped(totals.failed_attempts)));
    }
    match totals.retries {
        0 => {}
        1 => attempt_notes.push("1 retry".to_owned()),
        retries => attempt_notes.push(format!("{} retries", grouped(retries))),
    }
    if totals.fallbacks > 0 {
        attempt_notes.push(count(totals.fallbacks, "fallback"));
    }
    let host_calls = count(totals.host_calls, "host call");
    vec![
        Figure {
            label: "Tasks completed",
            value: format!("{} of {}", summary.tasks_completed, summary.tasks),
            note: task_notes.join(", "),
        },
        Figure {
            label: "Attempts",
            value: grouped(totals.attempts),
            note: attempt_notes.join(", "),
        },
        Figure {
            label: "Fixes available",
            value: grouped(summary.fixable),
            note: match summary.files {
                0 => String::new(),
                files => format!("findings in {}", count(files, "file")),
            },
        },
        Figure {
            label: "Fuel",
            value: totals.fuel.to_string(),
            note: host_calls,
        },
        Figure {
            label: "CPU time",
            value: show_duration(totals.cpu),
            note: format!("peak memory {}", totals.peak_memory),
        },
    ]
}

/// The inputs of the workflow, one by one where they are an object.
fn inputs(record: &RunRecord) -> Vec<Fact> {
    match record.inputs.to_value() {
        serde_json::Value::Object(inputs) => inputs
            .iter()
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => fact(name, text.as_str()),
                value => fact(name, value.to_string()),
            })
            .collect(),
        serde_json::Value::Null => Vec::new(),
        value => vec![fact("inputs", value.to_string())],
    }
}

impl TaskRow {
    fn of(name: &str, task: &TaskRecord) -> Self {
        let totals = &task.totals;
        let plan = task.plan.as_ref();
        let time = match (task.whole.started, task.whole.ended) {
            (Some(started), Some(ended)) => show_duration(ended.since(started)),
            _ => String::new(),
        };
        let used = |text: String| {
            if totals.attempts == 0 {
                String::new()
            } else {
                text
            }
        };
        let retries = match totals.retries {
            0 => String::new(),
            1 => " (1 retry)".to_owned(),
            retries => format!(" ({} retries)", grouped(retries)),
        };
        Self {
            name: name.to_owned(),
            role: plan
                .and_then(|plan| plan.role.as_ref())
                .map_or_else(String::new, ToString::to_string),
            wave: plan.map(|plan| plan.wave),
            status: task.state().as_str(),
            items: task.item_counts().map(|items| {
                let ended_otherwise = [
                    (items.failed, "failed"),
                    (items.rejected, "rejected"),
                    (items.skipped, "skipped"),
                    (items.cancelled, "cancelled"),
                ];
                let mut text = part(items.completed.into(), items.total.into(), "item");
                for (number, word) in ended_otherwise {
                    if number > 0 {
                        text.push_str(&format!(", {number} {word}"));
                    }
                }
                text
            }),
            reason: task.whole.reason.clone().filter(|_| {
                let status = task.state().ended();
                status.is_some_and(|status| status != TaskStatus::Completed)
            }),
            attempts: format!("{}{retries}", grouped(totals.attempts)),
            time,
            fuel: used(totals.fuel.to_string()),
            memory: used(totals.peak_memory.to_string()),
            cpu: used(show_duration(totals.cpu)),
        }
    }
}

fn rounds(record: &RunRecord) -> Vec<RoundRow> {
    let row = |round: &ringfence_flow::RoundRecord| RoundRow {
        number: round.round,
        gate: round.gate.to_string(),
        reason: Arc::clone(&round.reason),
        tasks: round
            .tasks
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
        feedback: count(round.feedback.len() as u64, "finding"),
    };
    record.rounds.iter().map(row).collect()
}

impl FailureRow {
    fn of(failed: &FailureRecord) -> Self {
        let key = failed.key.as_ref().map(TaskKey::to_string);
        let mut place = key.unwrap_or_else(|| "run".to_owned());
        if let (Some(agent), Some(attempt)) = (&failed.agent, failed.attempt) {
            place.push_str(&format!(", attempt {attempt} by {agent}"));
        }
        if let Some(round @ 2..) = failed.round {
            place.push_str(&format!(", round {round}"));
        }
        Self {
            place,
            code: failed.failure.code.as_str(),
            message: Arc::clone(&failed.failure.message),
            at: failed.at.map(show_time),
        }
    }
}

/// Refusals first: they are what the operator looks for.
fn decision_rows(record: &RunRecord) -> Vec<DecisionRow> {
    let (allowed, denied): (Vec<_>, Vec<_>) = record
        .decisions()
        .partition(|decision| decision.decision.allowed);
    denied
        .into_iter()
        .chain(allowed)
        .take(MAX_LISTED)
        .map(|decision| DecisionRow {
            allowed: decision.decision.allowed,
            effect: Arc::clone(&decision.decision.effect),
            rule: Arc::clone(&decision.decision.rule),
            task: decision.task.to_string(),
            agent: decision.agent.to_string(),
            count: grouped(decision.count),
        })
        .collect()
}
