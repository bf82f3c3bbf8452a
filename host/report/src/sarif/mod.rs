//! SARIF 2.1.0: findings for tools that show them beside the code.

mod fingerprint;
mod location;
mod model;

use std::collections::BTreeMap;

use ringfence_flow::{
    FindingRecord, LogLevel, Role, RunRecord, RunStatus, RunSummary, Severity, TaskId,
};

use crate::wording::{explanation, one_line, verdict};
use crate::{ReportError, SourceLookup};
use fingerprint::Fingerprints;
use model::{
    AutomationDetails, BaseUri, Driver, Invocation, Log, Message, Notification, NotificationRule,
    ResultProperties, Rule, RuleProperties, RuleReference, Run, SarifResult, Tool,
};

/// Where the schema of the format is found, as each file says.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// How many failures are listed. A run of many attempts can have as many.
const MAX_NOTIFICATIONS: usize = 1_000;

/// The findings of a run as a SARIF 2.1.0 log.
///
/// Paths are relative to `SRCROOT`, the mount; whoever reads the file says
/// where that is. A path that leads out of it is not given as a place, only
/// named. The fingerprints stay the same when lines move: they are made from
/// the rule, the path and the text of the line.
///
/// # Errors
/// [`ReportError::Json`] if the log cannot be written as JSON.
pub fn sarif(record: &RunRecord, sources: &dyn SourceLookup) -> Result<String, ReportError> {
    let findings = record.findings();
    let rules = rules(record, &findings);
    let index: BTreeMap<_, _> = rules.iter().map(|rule| rule.id.clone()).zip(0..).collect();
    let mut fingerprints = Fingerprints::new(sources);
    let results = findings
        .iter()
        .map(|found| result(found, &index, &mut fingerprints))
        .collect();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "ringfence",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules,
                    notifications: notification_rules(record),
                },
            },
            automation_details: automation(record),
            original_uri_base_ids: BTreeMap::from([(
                location::BASE,
                BaseUri {
                    description: Message::new("The mounted folder that the agents read."),
                },
            )]),
            column_kind: "unicodeCodePoints",
            invocations: [invocation(record)],
            results,
        }],
    };
    serde_json::to_string_pretty(&log).map_err(|source| ReportError::Json {
        format: "SARIF",
        source,
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// The number from 0 to 10 that code scanning sorts security findings by: the
/// middle of the range that CVSS gives each word.
const fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

/// One entry a rule. A rule is as severe as the worst finding that has it, and
/// about security if a task of that role gave one.
fn rules(record: &RunRecord, findings: &[FindingRecord]) -> Vec<Rule> {
    let is_security = |task: &TaskId| {
        let plan = record.tasks.get(task).and_then(|task| task.plan.as_ref());
        plan.and_then(|plan| plan.role.as_ref()).map(Role::as_str) == Some("security")
    };
    let mut rules: BTreeMap<&str, (Severity, bool)> = BTreeMap::new();
    for found in findings {
        let rule = rules
            .entry(&found.finding.rule)
            .or_insert((Severity::Info, false));
        rule.0 = rule.0.max(found.finding.severity);
        rule.1 |= is_security(&found.key.task);
    }
    let rule = |(id, (severity, security)): (&str, (Severity, bool))| Rule {
        id: rule_id(id),
        short_description: Message::new(&title(id)),
        default_configuration: model::Configuration {
            level: level(severity),
        },
        properties: RuleProperties {
            tags: [if security {
                "security"
            } else {
                "maintainability"
            }],
            security_severity: security.then_some(security_severity(severity)),
            severity: severity.as_str(),
        },
    };
    let mut rules: Vec<_> = rules.into_iter().map(rule).collect();
    // Two rules may differ only in characters that no identifier has.
    rules.dedup_by(|a, b| a.id == b.id);
    rules
}

/// A rule's name, without what could forge a line in whatever shows it.
fn rule_id(rule: &str) -> String {
    match one_line(rule) {
        id if id.is_empty() => "unnamed".to_owned(),
        id => id,
    }
}

/// `Unsafe without comment` for `unsafe-without-comment`.
fn title(rule: &str) -> String {
    crate::wording::capitalized(&rule_id(rule).replace(['-', '_'], " "))
}

fn result(
    found: &FindingRecord,
    rules: &BTreeMap<String, usize>,
    fingerprints: &mut Fingerprints<'_>,
) -> SarifResult {
    let finding = &found.finding;
    let rule_id = rule_id(&finding.rule);
    SarifResult {
        rule_index: rules.get(&rule_id).copied(),
        rule_id,
        level: level(finding.severity),
        message: Message::new(&finding.message),
        locations: finding.location.iter().map(location::of).collect(),
        fixes: finding.fix.iter().filter_map(location::fix).collect(),
        partial_fingerprints: BTreeMap::from([("ringfence/v1", fingerprints.next(finding))]),
        properties: ResultProperties {
            severity: finding.severity.as_str(),
            task: found.key.to_string(),
            agent: found.agent.as_ref().map(ToString::to_string),
        },
    }
}

fn automation(record: &RunRecord) -> Option<AutomationDetails> {
    let (workflow, run) = (record.workflow.as_ref()?, record.run.as_ref()?);
    Some(AutomationDetails {
        id: format!("ringfence/{workflow}/{run}"),
    })
}

fn invocation(record: &RunRecord) -> Invocation {
    let summary: RunSummary = record.summary();
    Invocation {
        // A gate that rejects has done its work: findings are no failure.
        execution_successful: matches!(
            record.status,
            Some(RunStatus::Completed | RunStatus::Rejected)
        ),
        start_time_utc: record.started.map(ringfence_flow::rfc3339),
        end_time_utc: record.ended.map(ringfence_flow::rfc3339),
        exit_code_description: format!(
            "{}: {}",
            verdict(record.status),
            explanation(record, &summary)
        ),
        tool_execution_notifications: notifications(record),
    }
}

/// The codes of the failures that happened, each once.
fn notification_rules(record: &RunRecord) -> Vec<NotificationRule> {
    let mut codes: Vec<_> = record
        .failures()
        .iter()
        .take(MAX_NOTIFICATIONS)
        .map(|failed| failed.failure.code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    codes
        .into_iter()
        .map(|code| NotificationRule { id: code.as_str() })
        .collect()
}

fn notifications(record: &RunRecord) -> Vec<Notification> {
    let failures = record.failures();
    let shown = failures.iter().take(MAX_NOTIFICATIONS).map(|failed| {
        let mut place = String::new();
        if let Some(key) = &failed.key {
            place = format!("{key}: ");
        }
        if let (Some(agent), Some(attempt)) = (&failed.agent, failed.attempt) {
            place.push_str(&format!("attempt {attempt} by {agent}: "));
        }
        // An attempt that failed may have been made up for by the next one.
        let level = if failed.attempt.is_some() {
            LogLevel::Warn
        } else {
            LogLevel::Error
        };
        Notification {
            descriptor: Some(RuleReference {
                id: failed.failure.code.as_str(),
            }),
            level: notification_level(level),
            message: Message::new(&format!("{place}{}", failed.failure.message)),
            time_utc: failed.at.map(ringfence_flow::rfc3339),
        }
    });
    let mut notifications: Vec<_> = shown.collect();
    let left_out = failures.len().saturating_sub(MAX_NOTIFICATIONS);
    if left_out > 0 {
        notifications.push(Notification {
            descriptor: None,
            level: notification_level(LogLevel::Info),
            message: Message::new(&format!("{left_out} more failures are not listed")),
            time_utc: None,
        });
    }
    notifications
}

const fn notification_level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warning",
        LogLevel::Info | LogLevel::Debug | LogLevel::Trace => "note",
    }
}
