//! From the tree to the model: one task.

use std::ops::Range;

use super::decode::{
    Defaults, MAX_CONCURRENCY, Section, boolean, check_deadline, duration, nowhere, on_failure,
    priority,
};
use super::decode_body::body;
use super::files::Files;
use super::keys;
use super::places::{PlacedExpression, TaskPlaces};
use super::policy::{RetryFile, budget, merge, policy, retry};
use crate::diagnostic::Diagnostic;
use crate::document::{Fields, Reader};
use crate::expr::{TemplateNode, TextPart, text_node};
use crate::yaml::{Entry, Node, NodeKind};
use crate::{
    AgentName, DEFAULT_MAX_ROUNDS, Expression, ForEach, MountName, OnFailure, OnItemFailure,
    OnReject, Task, TaskId, Template, TemplateSyntax,
};

/// The most rounds that a file may ask for.
pub(super) const MAX_ROUNDS: u32 = 1_000;

/// Reads a task. Parts that are wrong are left out and noted.
pub(super) fn decode_task(
    reader: &mut Reader<'_>,
    entry: &Entry,
    defaults: &Defaults,
    section: Section,
    files: &mut Files<'_>,
) -> Option<(Task, TaskPlaces)> {
    let key = &entry.key;
    let id = reader.name_of::<TaskId>(&key.text, &key.range);
    let fields = reader.fields(&entry.value, &format!("`{}`", key.text), &keys::TASK)?;
    let place = |name: &str| {
        fields
            .get(name)
            .map_or_else(nowhere, |node| node.range.clone())
    };
    let mut places = TaskPlaces {
        id: key.range.clone(),
        role: place("role"),
        agent: place("agent"),
        require: place("require"),
        workflow: place("workflow"),
        redo_from: nowhere(),
        ..TaskPlaces::default()
    };
    let body = body(reader, &fields, &key.range, &mut places, files);
    let needs = fields
        .get("needs")
        .map_or_else(Vec::new, |node| reader.names::<TaskId>(node, "needs"));
    let mounts = fields
        .get("mounts")
        .map_or_else(Vec::new, |node| reader.names::<MountName>(node, "mounts"));
    let fallback = fallback(reader, &fields);
    let for_each = fields
        .get("for_each")
        .and_then(|node| for_each(reader, node, &mut places));
    let on_item_failure = fields
        .get("for_each")
        .and_then(|node| on_item_failure(reader, node));
    let when = fields
        .get("when")
        .and_then(|node| expression(reader, node, "when", &mut places.expressions));
    let sees_item = fields.get("for_each").is_some();
    let input = fields
        .get("input")
        .map(|node| Template(template(reader, node, sees_item, &mut places.expressions)));
    let on_reject = fields
        .get("on_reject")
        .and_then(|node| on_reject(reader, &fields, node, section, &mut places));
    let priority = fields
        .get("priority")
        .and_then(|node| priority(reader, node))
        .unwrap_or(defaults.priority);
    let retry = fields
        .get("retry")
        .map_or_else(RetryFile::default, |node| retry(reader, node));
    let budgets = budget(reader, &fields, &mut places.budgets);
    let start_timeout = duration(reader, &fields, "start_timeout").or(defaults.start_timeout);
    let total_timeout = duration(reader, &fields, "total_timeout").or(defaults.total_timeout);
    let cache = boolean(reader, &fields, "cache").unwrap_or(defaults.cache);
    let on_failure = fields
        .get("on_failure")
        .and_then(|node| on_failure(reader, node))
        .unwrap_or(defaults.on_failure);
    let for_each = for_each.map(|map| ForEach {
        on_item_failure: on_item_failure.unwrap_or(match on_failure {
            OnFailure::Fail => OnItemFailure::FailFast,
            OnFailure::Continue | OnFailure::SkipDependents => OnItemFailure::FailAtEnd,
        }),
        ..map
    });
    check_deadline(
        reader,
        defaults.deadline,
        budgets.time,
        fields.get("timeout"),
    );
    places.needs_listed = match fields.get("needs").map(|node| &node.kind) {
        None => 0,
        Some(NodeKind::List(items)) => items.len(),
        Some(_) => 1,
    };
    let (needs, need_places) = needs.into_iter().unzip();
    let (mounts, mount_places) = mounts.into_iter().unzip();
    let (fallback, fallback_places) = fallback.into_iter().unzip();
    places.needs = need_places;
    places.mounts = mount_places;
    places.fallback = fallback_places;
    let task = Task {
        id: id?,
        body: body?,
        needs,
        for_each,
        when,
        input,
        mounts,
        priority,
        retry: policy(
            defaults.workflow_priority,
            &defaults.retry,
            priority,
            &retry,
        ),
        budgets: merge(&budgets, &defaults.budgets),
        start_timeout,
        total_timeout,
        cache,
        fallback,
        on_reject,
        on_failure,
        finally: section == Section::Finally,
    };
    Some((task, places))
}

fn fallback(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<(AgentName, Range<usize>)> {
    let Some(node) = fields.get("fallback") else {
        return Vec::new();
    };
    let agents = reader.names::<AgentName>(node, "fallback");
    let pinned = fields.get("agent").map(|node| reader.text_at(&node.range));
    for (agent, place) in &agents {
        if pinned == Some(agent.as_str()) {
            let message = format!("`{agent}` is the task's agent; it cannot stand in for itself");
            let diagnostic = Diagnostic::new("duplicate-name", message, reader.span(place));
            reader.report(diagnostic.hinting("remove it from `fallback`".to_owned()));
        }
    }
    agents
}

fn for_each(reader: &mut Reader<'_>, node: &Node, places: &mut TaskPlaces) -> Option<ForEach> {
    if let NodeKind::Map(_) = node.kind {
        let fields = reader.fields(node, "`for_each`", &keys::FOR_EACH)?;
        let concurrency = fields
            .get("concurrency")
            .and_then(|node| reader.count(node, "concurrency", 1..MAX_CONCURRENCY + 1));
        let items = reader.required(&fields, "items", Some(&node.range), "${{ inputs.files }}")?;
        return Some(ForEach {
            items: expression(reader, items, "items", &mut places.expressions)?,
            concurrency,
            on_item_failure: OnItemFailure::default(),
        });
    }
    Some(ForEach {
        items: expression(reader, node, "for_each", &mut places.expressions)?,
        concurrency: None,
        on_item_failure: OnItemFailure::default(),
    })
}

/// What `for_each` says of items that fail, if anything.
fn on_item_failure(reader: &mut Reader<'_>, for_each: &Node) -> Option<OnItemFailure> {
    let NodeKind::Map(entries) = &for_each.kind else {
        return None;
    };
    let entry = entries
        .iter()
        .find(|entry| entry.key.text == "on_item_failure")?;
    let words = OnItemFailure::ALL.map(|choice| (choice.as_str(), choice));
    reader.word(&entry.value, "on_item_failure", &words)
}

fn on_reject(
    reader: &mut Reader<'_>,
    task: &Fields<'_>,
    node: &Node,
    section: Section,
    places: &mut TaskPlaces,
) -> Option<OnReject> {
    if let (Some(place), Section::Finally) = (task.key_range("on_reject"), section) {
        let diagnostic = Diagnostic::new(
            "conflicting-keys",
            "a task of `finally` runs once, so it has no `on_reject`",
            reader.span(&place),
        );
        reader.report(diagnostic.hinting("move the gate to `tasks`".to_owned()));
    }
    if let (Some(place), Some(for_each)) = (task.key_range("on_reject"), task.key_range("for_each"))
    {
        let diagnostic = Diagnostic::new(
            "conflicting-keys",
            "a `for_each` task has no `on_reject`: its items could disagree",
            reader.span(&place),
        )
        .also(reader.span(&for_each), "one instance for each item")
        .hinting("let a vote (`require: all`) that needs it send the work back".to_owned());
        reader.report(diagnostic);
    }
    let fields = reader.fields(node, "`on_reject`", &keys::ON_REJECT)?;
    let from = reader.required(&fields, "redo_from", Some(&node.range), "fix")?;
    places.redo_from = from.range.clone();
    let max_rounds = fields
        .get("max_rounds")
        .and_then(|node| reader.count(node, "max_rounds", 1..MAX_ROUNDS + 1));
    Some(OnReject {
        redo_from: reader.name::<TaskId>(from, "redo_from")?,
        max_rounds: max_rounds.unwrap_or(DEFAULT_MAX_ROUNDS),
    })
}

/// An expression, with or without `${{ }}` around it.
fn expression(
    reader: &mut Reader<'_>,
    node: &Node,
    key: &str,
    places: &mut Vec<PlacedExpression>,
) -> Option<Expression> {
    let text = match &node.kind {
        NodeKind::Text { text, .. } => text.clone(),
        NodeKind::Bool(value) => value.to_string(),
        _ => {
            let message = format!("`{key}` is {}; it is to be an expression", node.describe());
            let hint = match node.kind {
                NodeKind::List(_) => format!(
                    "write `{key}: ${{{{ {} }}}}`",
                    crate::clean_text(&node.to_json().to_string().replace('"', "'"), 200)
                ),
                _ => format!("for example `{key}: ${{{{ inputs.files }}}}`"),
            };
            let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&node.range));
            reader.report(diagnostic.hinting(Some(hint)));
            return None;
        }
    };
    let (parsed, at) = if text.contains("${{") {
        let at = text.find("${{").unwrap_or(0) + 3;
        let lead = text[at..].len() - text[at..].trim_start().len();
        match text_node(&text) {
            Ok(TemplateNode::Value(expression)) => (Ok(expression), at + lead),
            Ok(_) => {
                let message = format!("`{key}` is one expression, without text around it");
                let diagnostic =
                    Diagnostic::new("expression-syntax", message, reader.span(&node.range));
                let hint = "put all of it inside one `${{ }}`".to_owned();
                reader.report(diagnostic.hinting(hint));
                return None;
            }
            Err(error) => (Err(error), at + lead),
        }
    } else {
        let lead = text.len() - text.trim_start().len();
        let parsed = Expression::parse(text.trim());
        (
            parsed.map_err(|error| TemplateSyntax::Expression { error, at: lead }),
            lead,
        )
    };
    match parsed {
        Ok(expression) => {
            places.push(placed(reader, node, &expression, at, false));
            Some(expression)
        }
        Err(error) => {
            report_syntax(reader, node, error);
            None
        }
    }
}

fn placed(
    reader: &Reader<'_>,
    node: &Node,
    expression: &Expression,
    at: usize,
    sees_item: bool,
) -> PlacedExpression {
    PlacedExpression {
        expression: expression.clone(),
        whole: node.range.clone(),
        start: start(reader, node, expression.text(), at),
        sees_item,
    }
}

/// The byte of the file at which `part`, which starts at byte `at` of a text
/// value, stands. A text of several lines or with escapes is searched.
fn start(reader: &Reader<'_>, node: &Node, part: &str, at: usize) -> Option<usize> {
    match node.kind {
        NodeKind::Text {
            verbatim: Some(_), ..
        } => Some(node.place(at..at).start),
        _ => {
            let found = reader.text_at(&node.range).find(part)?;
            Some(node.range.start + found)
        }
    }
}

fn report_syntax(reader: &mut Reader<'_>, node: &Node, error: TemplateSyntax) {
    let diagnostic = match error {
        TemplateSyntax::Unclosed { range } => {
            let span = reader.span(&node.place(range.start..range.start + 3));
            Diagnostic::new("expression-syntax", "`${{` has no `}}`", span)
                .hinting("write `$${{` for a plain `${{`".to_owned())
        }
        TemplateSyntax::Expression { error, at } => {
            let place = match start(reader, node, &error.text, at) {
                Some(start) => start + error.range.start..start + error.range.end,
                None => node.range.clone(),
            };
            let message = format!("`{}` is no expression: {}", error.text, error.reason);
            Diagnostic::new("expression-syntax", message, reader.span(&place)).hinting(error.hint)
        }
    };
    reader.report(diagnostic);
}

/// A value with expressions in its texts.
pub(super) fn template(
    reader: &mut Reader<'_>,
    node: &Node,
    sees_item: bool,
    places: &mut Vec<PlacedExpression>,
) -> TemplateNode {
    match &node.kind {
        NodeKind::List(items) => TemplateNode::List(
            items
                .iter()
                .map(|item| template(reader, item, sees_item, places))
                .collect(),
        ),
        NodeKind::Map(entries) => TemplateNode::Map(
            entries
                .iter()
                .map(|entry| {
                    if entry.key.text.contains("${{") {
                        let message = "keys hold no expressions";
                        let span = reader.span(&entry.key.range);
                        let diagnostic = Diagnostic::new("expression-syntax", message, span);
                        let hint = "give the whole map as one expression".to_owned();
                        reader.report(diagnostic.hinting(hint));
                    }
                    let value = template(reader, &entry.value, sees_item, places);
                    (entry.key.text.clone(), value)
                })
                .collect(),
        ),
        NodeKind::Text { text, .. } => match text_node(text) {
            Ok(found) => {
                place_expressions(reader, text, node, &found, sees_item, places);
                found
            }
            Err(error) => {
                report_syntax(reader, node, error);
                TemplateNode::Constant(serde_json::Value::Null)
            }
        },
        NodeKind::Null | NodeKind::Bool(_) | NodeKind::Number(_) => {
            TemplateNode::Constant(node.to_json())
        }
    }
}

/// Notes where the expressions of a text stand: they follow one another.
fn place_expressions(
    reader: &Reader<'_>,
    text: &str,
    node: &Node,
    found: &TemplateNode,
    sees_item: bool,
    places: &mut Vec<PlacedExpression>,
) {
    let parts: Vec<&Expression> = match found {
        TemplateNode::Value(expression) => vec![expression],
        TemplateNode::Text(parts) => parts
            .iter()
            .filter_map(|part| match part {
                TextPart::Expression(expression) => Some(expression),
                TextPart::Literal(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let mut from = 0;
    for expression in parts {
        let opening = text[from..].find("${{").map_or(from, |at| from + at + 3);
        let at = text[opening..]
            .find(expression.text())
            .map_or(opening, |at| opening + at);
        places.push(placed(reader, node, expression, at, sees_item));
        from = at + expression.text().len();
    }
}
