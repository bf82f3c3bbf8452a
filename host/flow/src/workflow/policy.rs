//! Retries and budgets as files say them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::keys;
use super::reader::{Fields, Reader};
use crate::diagnostic::Diagnostic;
use crate::yaml::Node;
use crate::{BudgetKind, BudgetOverrides, Jitter, Priority, RetryPolicy};

/// The most retries that a file may ask for.
pub(super) const MAX_RETRIES: u32 = 1_000;

/// What a file says of retries: only what differs from the default.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RetryFile {
    max_retries: Option<u32>,
    initial: Option<Duration>,
    factor: Option<f64>,
    max: Option<Duration>,
    jitter: Option<Jitter>,
    escalate: Option<bool>,
}

impl RetryFile {
    fn over(&self, base: RetryPolicy) -> RetryPolicy {
        let initial = self.initial.unwrap_or(base.initial);
        RetryPolicy {
            max_retries: self.max_retries.unwrap_or(base.max_retries),
            initial,
            factor: self.factor.unwrap_or(base.factor),
            // A longer first backoff alone moves the cap with it.
            max: self.max.unwrap_or(base.max.max(initial)),
            jitter: self.jitter.unwrap_or(base.jitter),
            escalate: self.escalate.unwrap_or(base.escalate),
        }
    }
}

/// The policy of a task. An emergency is not retried unless somebody who knew
/// of it says so: the task, or the defaults of an emergency workflow.
pub(super) fn policy(
    workflow_priority: Priority,
    defaults: &RetryFile,
    priority: Priority,
    task: &RetryFile,
) -> RetryPolicy {
    let emergency = priority == Priority::Emergency;
    let base = if emergency {
        RetryPolicy::never()
    } else {
        RetryPolicy::default()
    };
    let mut policy = defaults.over(base);
    if emergency && workflow_priority != Priority::Emergency {
        policy.max_retries = 0;
    }
    task.over(policy)
}

/// Reads `retry`.
pub(super) fn retry(reader: &mut Reader<'_>, node: &Node) -> RetryFile {
    let Some(fields) = reader.fields(node, "`retry`", &keys::RETRY) else {
        return RetryFile::default();
    };
    let file = RetryFile {
        max_retries: fields
            .get("max_retries")
            .and_then(|node| reader.count(node, "max_retries", 0..MAX_RETRIES + 1)),
        initial: fields
            .get("initial")
            .and_then(|node| reader.duration(node, "initial")),
        factor: fields
            .get("factor")
            .and_then(|node| reader.number(node, "factor", 1.0, 100.0)),
        max: fields
            .get("max")
            .and_then(|node| reader.duration(node, "max")),
        jitter: fields.get("jitter").and_then(|node| {
            reader.word(
                node,
                "jitter",
                &[("full", Jitter::Full), ("none", Jitter::None)],
            )
        }),
        escalate: fields
            .get("escalate")
            .and_then(|node| reader.boolean(node, "escalate")),
    };
    if let (Some(initial), Some(max), Some(node)) = (file.initial, file.max, fields.get("max"))
        && max < initial
    {
        let message = "`max` is shorter than `initial`, the first backoff";
        let diagnostic = Diagnostic::new("invalid-retry", message, reader.span(&node.range));
        reader.report(diagnostic.hinting("lengthen `max` or shorten `initial`".to_owned()));
    }
    file
}

/// Reads `budget` and `timeout`, which is its `time` under the usual name.
pub(super) fn budget(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    places: &mut BTreeMap<BudgetKind, Range<usize>>,
) -> BudgetOverrides {
    let mut budgets = BudgetOverrides::default();
    let timeout = fields.get("timeout");
    if let Some(node) = timeout {
        budgets.time = reader.duration(node, "timeout");
        places.insert(BudgetKind::Time, node.range.clone());
    }
    let Some(inner) = fields
        .get("budget")
        .and_then(|node| reader.fields(node, "`budget`", &keys::BUDGET))
    else {
        return budgets;
    };
    for kind in BudgetKind::ALL {
        let key = kind.as_str();
        let Some(node) = inner.get(key) else { continue };
        if let (BudgetKind::Time, Some(timeout)) = (kind, timeout) {
            let diagnostic = Diagnostic::new(
                "conflicting-keys",
                "`timeout` and the budget's `time` are the same thing",
                reader.span(&node.range),
            )
            .also(reader.span(&timeout.range), "the timeout")
            .hinting("remove one of them".to_owned());
            reader.report(diagnostic);
            continue;
        }
        places.insert(kind, node.range.clone());
        match kind {
            BudgetKind::Fuel => budgets.fuel = reader.fuel(node, key),
            BudgetKind::Time => budgets.time = reader.duration(node, key),
            BudgetKind::Memory => budgets.memory = reader.size(node, key, false),
            BudgetKind::Output => budgets.output = reader.size(node, key, false),
            BudgetKind::Artifacts => budgets.artifacts = reader.size(node, key, true),
            BudgetKind::LogLines => budgets.log_lines = reader.count(node, key, 0..u32::MAX),
            BudgetKind::LogBytes => budgets.log_bytes = reader.size(node, key, true),
            BudgetKind::HostCalls => budgets.host_calls = reader.count(node, key, 0..u32::MAX),
            BudgetKind::OpenResources => {
                budgets.open_resources = reader.count(node, key, 0..u32::MAX);
            }
        }
    }
    budgets
}

/// What `over` says, and else what `base` says.
pub(super) fn merge(over: &BudgetOverrides, base: &BudgetOverrides) -> BudgetOverrides {
    BudgetOverrides {
        fuel: over.fuel.or(base.fuel),
        time: over.time.or(base.time),
        memory: over.memory.or(base.memory),
        output: over.output.or(base.output),
        artifacts: over.artifacts.or(base.artifacts),
        log_lines: over.log_lines.or(base.log_lines),
        log_bytes: over.log_bytes.or(base.log_bytes),
        host_calls: over.host_calls.or(base.host_calls),
        open_resources: over.open_resources.or(base.open_resources),
    }
}
