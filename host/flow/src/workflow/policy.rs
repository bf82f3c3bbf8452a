//! Retries and budgets as files say them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::keys;
use crate::diagnostic::Diagnostic;
use crate::document::{Fields, Reader};
use crate::yaml::{Key, Node, NodeKind};
use crate::{
    Backoff, BudgetKind, BudgetOverrides, CodeRetry, FailureCode, Jitter, Priority, Retry,
    RetryBudget, RetryPolicy, suggest,
};

/// The most retries that a file may ask for.
pub(super) const MAX_RETRIES: u32 = 1_000;

/// What a file says of waits before retries: only what differs from the
/// default.
#[derive(Clone, Copy, Debug, Default)]
struct BackoffFile {
    initial: Option<Duration>,
    factor: Option<f64>,
    max: Option<Duration>,
    jitter: Option<Jitter>,
}

impl BackoffFile {
    fn over(&self, base: Backoff) -> Backoff {
        let initial = self.initial.unwrap_or(base.initial);
        Backoff {
            initial,
            factor: self.factor.unwrap_or(base.factor),
            // A longer first backoff alone moves the cap with it.
            max: self.max.unwrap_or(base.max.max(initial)),
            jitter: self.jitter.unwrap_or(base.jitter),
        }
    }
}

/// What a file says of failures of one code.
#[derive(Clone, Copy, Debug)]
struct CodeRetryFile {
    max_retries: Option<u32>,
    backoff: BackoffFile,
}

/// What a file says of retries: only what differs from the default.
#[derive(Clone, Debug, Default)]
pub(super) struct RetryFile {
    max_retries: Option<u32>,
    backoff: BackoffFile,
    escalate: Option<bool>,
    on: BTreeMap<FailureCode, CodeRetryFile>,
}

impl RetryFile {
    fn over(&self, base: &RetryPolicy) -> RetryPolicy {
        let max_retries = self.max_retries.unwrap_or(base.max_retries);
        let backoff = self.backoff.over(base.backoff);
        let mut on = base.on.clone();
        on.extend(self.on.iter().map(|(code, file)| {
            let special = CodeRetry {
                max_retries: file.max_retries.unwrap_or(max_retries),
                backoff: file.backoff.over(backoff),
            };
            (*code, special)
        }));
        RetryPolicy {
            max_retries,
            backoff,
            escalate: self.escalate.unwrap_or(base.escalate),
            on,
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
    let mut policy = defaults.over(&base);
    if emergency && workflow_priority != Priority::Emergency {
        policy.max_retries = 0;
    }
    task.over(&policy)
}

/// Reads `retry`.
pub(super) fn retry(reader: &mut Reader<'_>, node: &Node) -> RetryFile {
    let Some(fields) = reader.fields(node, "`retry`", &keys::RETRY) else {
        return RetryFile::default();
    };
    let escalate = fields
        .get("escalate")
        .and_then(|node| reader.boolean(node, "escalate"));
    let on = fields
        .get("on")
        .map(|node| codes(reader, node))
        .unwrap_or_default();
    if let (Some(node), false) = (fields.get("on"), escalate == Some(true)) {
        check_escalation(reader, node, &on);
    }
    RetryFile {
        max_retries: max_retries(reader, &fields),
        backoff: backoff(reader, &fields),
        escalate,
        on,
    }
}

/// A spent budget is tried again only with more of it.
fn check_escalation(
    reader: &mut Reader<'_>,
    node: &Node,
    on: &BTreeMap<FailureCode, CodeRetryFile>,
) {
    let says_nothing = |(code, retry): &(&FailureCode, &CodeRetryFile)| {
        code.retry() == Retry::WithEscalation && retry.max_retries != Some(0)
    };
    if let Some((code, _)) = on.iter().find(says_nothing) {
        let message = format!("after `{code}` the same again fails the same");
        let diagnostic = Diagnostic::new("invalid-retry", message, reader.span(&node.range));
        let hint = "add `escalate: true`, which doubles the spent budget".to_owned();
        reader.report(diagnostic.hinting(hint));
    }
}

fn max_retries(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<u32> {
    let node = fields.get("max_retries")?;
    reader.count(node, "max_retries", 0..MAX_RETRIES + 1)
}

fn backoff(reader: &mut Reader<'_>, fields: &Fields<'_>) -> BackoffFile {
    let jitters = [("full", Jitter::Full), ("none", Jitter::None)];
    let file = BackoffFile {
        initial: fields
            .get("initial")
            .and_then(|node| reader.duration(node, "initial")),
        factor: fields
            .get("factor")
            .and_then(|node| reader.number(node, "factor", 1.0, 100.0)),
        max: fields
            .get("max")
            .and_then(|node| reader.duration(node, "max")),
        jitter: fields
            .get("jitter")
            .and_then(|node| reader.word(node, "jitter", &jitters)),
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

/// The codes of failures after which a file may ask for retries.
pub(super) fn retry_codes() -> impl Iterator<Item = FailureCode> {
    FailureCode::ALL
        .into_iter()
        .filter(|code| code.retry() != Retry::Never || *code == FailureCode::InvalidOutput)
}

/// Reads `retry.on`: for each code `never`, or what holds for it.
fn codes(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<FailureCode, CodeRetryFile> {
    let NodeKind::Map(entries) = &node.kind else {
        let message = format!(
            "`on` is {}; it is to be a map from failure codes to what holds for them",
            node.describe()
        );
        let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&node.range));
        reader.report(diagnostic.hinting("for example `on: { timed-out: never }`".to_owned()));
        return BTreeMap::new();
    };
    entries
        .iter()
        .filter_map(|entry| {
            let code = code(reader, &entry.key);
            let retry = code_retry(reader, &entry.value);
            Some((code?, retry?))
        })
        .collect()
}

fn code(reader: &mut Reader<'_>, key: &Key) -> Option<FailureCode> {
    if let Some(code) = retry_codes().find(|code| code.as_str() == key.text) {
        return Some(code);
    }
    let known = || retry_codes().map(FailureCode::as_str);
    let (message, hint) = match FailureCode::ALL
        .iter()
        .find(|code| code.as_str() == key.text)
    {
        Some(code) => (
            format!("no retry can help after `{code}`"),
            format!("it may be one of {}", suggest::list(known(), 16)),
        ),
        None => (
            format!("`{}` is no failure code", key.text),
            suggest::nearest(&key.text, known()).map_or_else(
                || format!("it is one of {}", suggest::list(known(), 16)),
                |near| format!("did you mean `{near}`?"),
            ),
        ),
    };
    let diagnostic = Diagnostic::new("unknown-value", message, reader.span(&key.range));
    reader.report(diagnostic.hinting(hint));
    None
}

fn code_retry(reader: &mut Reader<'_>, node: &Node) -> Option<CodeRetryFile> {
    if let NodeKind::Text { .. } = node.kind {
        return reader
            .word(node, "on", &[("never", ())])
            .map(|()| CodeRetryFile {
                max_retries: Some(0),
                backoff: BackoffFile::default(),
            });
    }
    let fields = reader.fields(node, "a code in `on`", &keys::RETRY_ON)?;
    Some(CodeRetryFile {
        max_retries: max_retries(reader, &fields),
        backoff: backoff(reader, &fields),
    })
}

/// Reads `retry_budget`: a number, or `at_least` and `ratio`.
pub(super) fn retry_budget(reader: &mut Reader<'_>, node: &Node) -> RetryBudget {
    let default = RetryBudget::default();
    if let NodeKind::Number(_) = node.kind {
        let at_least = reader.count(node, "retry_budget", 0..u32::MAX);
        return RetryBudget {
            at_least: at_least.unwrap_or(default.at_least),
            ratio: 0.0,
        };
    }
    let Some(fields) = reader.fields(node, "`retry_budget`", &keys::RETRY_BUDGET) else {
        return default;
    };
    let at_least = fields
        .get("at_least")
        .and_then(|node| reader.count(node, "at_least", 0..u32::MAX));
    let ratio = fields
        .get("ratio")
        .and_then(|node| reader.number(node, "ratio", 0.0, f64::from(MAX_RETRIES)));
    RetryBudget {
        at_least: at_least.unwrap_or(default.at_least),
        ratio: ratio.unwrap_or(default.ratio),
    }
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
