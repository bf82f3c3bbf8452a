//! From the tree to the model: the workflow, its inputs, its defaults.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::decode_task::{decode_task, template};
use super::files::Files;
use super::keys;
use super::limits::limits;
use super::places::Places;
use super::policy::{RetryFile, budget, retry, retry_budget};
use crate::diagnostic::Diagnostic;
use crate::document::{Fields, Reader};
use crate::plan::MAX_TASKS;
use crate::yaml::{Entry, Node, NodeKind};
use crate::{
    BudgetKind, BudgetOverrides, DEFAULT_CONCURRENCY, InputName, InputSpec, InputType, OnFailure,
    Priority, RetryBudget, Template, Workflow, WorkflowName,
};

/// The most attempts of a run that may be asked to be under way at once.
pub(super) const MAX_CONCURRENCY: u32 = 10_000;

/// What the tasks take over where they don't say.
pub(super) struct Defaults {
    pub(super) priority: Priority,
    pub(super) workflow_priority: Priority,
    pub(super) retry: RetryFile,
    pub(super) budgets: BudgetOverrides,
    pub(super) start_timeout: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    pub(super) cache: bool,
    pub(super) on_failure: OnFailure,
    pub(super) deadline: Option<Duration>,
}

/// In which list of the file a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Tasks,
    Finally,
}

impl Section {
    const fn key(self) -> &'static str {
        match self {
            Self::Tasks => "tasks",
            Self::Finally => "finally",
        }
    }
}

/// Reads a whole file. Parts that are wrong are left out and noted.
pub(super) fn decode(
    reader: &mut Reader<'_>,
    root: &Node,
    files: &mut Files<'_>,
) -> Option<(Workflow, Places)> {
    let fields = reader.fields(root, "the file", &keys::WORKFLOW)?;
    check_version(reader, &fields);
    let name = reader
        .required(&fields, "name", None, "my-workflow")
        .and_then(|node| reader.name::<WorkflowName>(node, "name"));
    let description = description(reader, &fields);
    let inputs = fields
        .get("inputs")
        .map_or_else(Vec::new, |node| inputs(reader, node));
    let concurrency = fields
        .get("concurrency")
        .and_then(|node| reader.count(node, "concurrency", 1..MAX_CONCURRENCY + 1));
    let deadline = fields
        .get("deadline")
        .and_then(|node| reader.duration(node, "deadline"));
    let priority = fields
        .get("priority")
        .and_then(|node| priority(reader, node))
        .unwrap_or_default();
    let mut places = Places {
        tasks_key: fields.key_range("tasks").unwrap_or_default(),
        ..Places::default()
    };
    let defaults = defaults(
        reader,
        fields.get("defaults"),
        priority,
        deadline,
        &mut places.default_budgets,
    );
    let (limits, limit_places) = fields
        .get("limits")
        .map(|node| limits(reader, node))
        .unwrap_or_default();
    places.limits = limit_places;
    let retry_budget = fields
        .get("retry_budget")
        .map_or_else(RetryBudget::default, |node| retry_budget(reader, node));
    let mut tasks = Vec::new();
    let listed = reader.required(&fields, "tasks", None, "{ hello: { role: architect } }");
    let mut entries: Vec<_> = task_entries(reader, listed, Section::Tasks)
        .iter()
        .map(|entry| (entry, Section::Tasks))
        .collect();
    places.incomplete = entries.is_empty();
    let finally = task_entries(reader, fields.get("finally"), Section::Finally);
    entries.extend(finally.iter().map(|entry| (entry, Section::Finally)));
    for (entry, section) in entries {
        match decode_task(reader, entry, &defaults, section, files) {
            None => {
                places.incomplete = true;
                places.unread.insert(entry.key.text.clone());
            }
            Some((task, task_places)) => {
                places.incomplete |= task_places.needs_listed > task.needs.len();
                tasks.push(task);
                places.tasks.push(task_places);
            }
        }
    }
    let output = fields
        .get("output")
        .map(|node| Template(template(reader, node, false, &mut places.output)));
    let workflow = Workflow {
        name: name.or_else(|| WorkflowName::new("unnamed").ok())?,
        description,
        inputs,
        concurrency: concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        deadline,
        priority,
        limits,
        retry_budget,
        output,
        tasks,
    };
    Some((workflow, places))
}

fn check_version(reader: &mut Reader<'_>, fields: &Fields<'_>) {
    let Some(node) = reader.required(fields, "version", None, "1") else {
        return;
    };
    if matches!(&node.kind, NodeKind::Number(number) if number.as_u64() == Some(1)) {
        return;
    }
    let found = reader.text_at(&node.range);
    let message =
        format!("this host reads workflow files of version 1, this one is of version {found}");
    let diagnostic = Diagnostic::new("unsupported-version", message, reader.span(&node.range));
    reader.report(diagnostic.hinting("write `version: 1`".to_owned()));
}

fn description(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<String> {
    let node = fields.get("description")?;
    let text = reader.text(node, "description", "\"what it does\"")?;
    Some(text.trim().to_owned())
}

fn task_entries<'n>(
    reader: &mut Reader<'_>,
    node: Option<&'n Node>,
    section: Section,
) -> &'n [Entry] {
    let Some(node) = node else { return &[] };
    let key = section.key();
    let (message, hint) = match &node.kind {
        NodeKind::Map(entries) if entries.len() > MAX_TASKS => (
            format!(
                "a workflow has at most {MAX_TASKS} tasks, this one has {}",
                entries.len()
            ),
            "use one task with `for_each` over a list",
        ),
        NodeKind::Map(entries) if !entries.is_empty() => return entries,
        NodeKind::Map(_) | NodeKind::Null => (
            match section {
                Section::Tasks => "a workflow has at least one task".to_owned(),
                Section::Finally => "`finally` has at least one task".to_owned(),
            },
            "for example `hello: { role: architect }`",
        ),
        NodeKind::List(_) => (
            format!("`{key}` is a list; it is to be a map from names to tasks"),
            "write `hello:` instead of `- name: hello`",
        ),
        _ => (
            format!(
                "`{key}` is {}; it is to be a map from names to tasks",
                node.describe()
            ),
            "for example `hello: { role: architect }`",
        ),
    };
    let code = match &node.kind {
        NodeKind::Map(entries) if !entries.is_empty() => "too-many-tasks",
        NodeKind::Map(_) | NodeKind::Null => "no-tasks",
        _ => "wrong-type",
    };
    let place = match &node.kind {
        NodeKind::Map(entries) => entries
            .get(MAX_TASKS)
            .map_or_else(|| node.range.clone(), |entry| entry.key.range.clone()),
        _ => node.range.clone(),
    };
    let diagnostic = Diagnostic::new(code, message, reader.span(&place));
    reader.report(diagnostic.hinting(hint.to_owned()));
    &[]
}

fn inputs(reader: &mut Reader<'_>, node: &Node) -> Vec<InputSpec> {
    let NodeKind::Map(entries) = &node.kind else {
        let message = format!(
            "`inputs` is {}; it is to be a map from names to inputs",
            node.describe()
        );
        let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&node.range));
        reader.report(diagnostic.hinting("for example `path: { type: string }`".to_owned()));
        return Vec::new();
    };
    entries
        .iter()
        .filter_map(|entry| input(reader, entry))
        .collect()
}

const TYPES: [(&str, InputType); 6] = [
    ("string", InputType::String),
    ("integer", InputType::Integer),
    ("number", InputType::Number),
    ("boolean", InputType::Boolean),
    ("array", InputType::Array),
    ("object", InputType::Object),
];

fn input(reader: &mut Reader<'_>, entry: &Entry) -> Option<InputSpec> {
    let name = reader.name_of::<InputName>(&entry.key.text, &entry.key.range);
    let fields = reader.fields(&entry.value, &format!("`{}`", entry.key.text), &keys::INPUT)?;
    let kind = reader
        .required(&fields, "type", Some(&entry.key.range), "string")
        .and_then(|node| reader.word(node, "type", &TYPES));
    let description = description(reader, &fields);
    let mut allowed = Vec::new();
    if let Some(node) = fields.get("enum") {
        match &node.kind {
            NodeKind::List(items) if !items.is_empty() => {
                for item in items {
                    if fits(reader, item, kind, "a value of `enum`") {
                        allowed.push(item.to_json());
                    }
                }
            }
            _ => {
                let message = "`enum` is to be a list of at least one value";
                let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&node.range));
                reader.report(diagnostic.hinting("for example `enum: [low, high]`".to_owned()));
            }
        }
    }
    let default = fields.get("default").and_then(|node| {
        let value = fits(reader, node, kind, "the default").then(|| node.to_json())?;
        if !allowed.is_empty() && !allowed.contains(&value) {
            let values: Vec<_> = allowed.iter().map(ToString::to_string).collect();
            let message = format!("the default of `{}` is none of its `enum`", entry.key.text);
            let diagnostic =
                Diagnostic::new("default-not-allowed", message, reader.span(&node.range));
            reader.report(diagnostic.hinting(Some(format!("it is one of {}", values.join(", ")))));
        }
        Some(value)
    });
    Some(InputSpec {
        name: name?,
        kind: kind?,
        description,
        allowed,
        default,
    })
}

/// Whether a value is of an input's type; true where that is not known.
fn fits(reader: &mut Reader<'_>, node: &Node, kind: Option<InputType>, what: &str) -> bool {
    let Some(kind) = kind else { return true };
    if kind.takes(&node.to_json()) {
        return true;
    }
    let message = format!(
        "{what} is {}, but the type is `{}`",
        node.describe(),
        kind.as_str()
    );
    let hint = match (kind, &node.kind) {
        (InputType::String, NodeKind::Null) => Some("write `\"\"` for an empty text".to_owned()),
        (InputType::String, _) => Some("put quotes around it".to_owned()),
        _ => None,
    };
    let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&node.range));
    reader.report(diagnostic.hinting(hint));
    false
}

pub(super) fn priority(reader: &mut Reader<'_>, node: &Node) -> Option<Priority> {
    let words = Priority::ALL.map(|priority| (priority.as_str(), priority));
    reader.word(node, "priority", &words)
}

pub(super) fn on_failure(reader: &mut Reader<'_>, node: &Node) -> Option<OnFailure> {
    let words = OnFailure::ALL.map(|choice| (choice.as_str(), choice));
    reader.word(node, "on_failure", &words)
}

fn defaults(
    reader: &mut Reader<'_>,
    node: Option<&Node>,
    workflow_priority: Priority,
    deadline: Option<Duration>,
    places: &mut BTreeMap<BudgetKind, Range<usize>>,
) -> Defaults {
    let mut defaults = Defaults {
        priority: workflow_priority,
        workflow_priority,
        retry: RetryFile::default(),
        budgets: BudgetOverrides::default(),
        start_timeout: None,
        total_timeout: None,
        cache: false,
        on_failure: OnFailure::default(),
        deadline,
    };
    let Some(fields) = node.and_then(|node| reader.fields(node, "`defaults`", &keys::DEFAULTS))
    else {
        return defaults;
    };
    if let Some(priority) = fields
        .get("priority")
        .and_then(|node| priority(reader, node))
    {
        defaults.priority = priority;
    }
    if let Some(value) = fields
        .get("on_failure")
        .and_then(|node| on_failure(reader, node))
    {
        defaults.on_failure = value;
    }
    if let Some(node) = fields.get("retry") {
        defaults.retry = retry(reader, node);
    }
    defaults.budgets = budget(reader, &fields, places);
    defaults.start_timeout = duration(reader, &fields, "start_timeout");
    defaults.total_timeout = duration(reader, &fields, "total_timeout");
    defaults.cache = boolean(reader, &fields, "cache").unwrap_or_default();
    check_deadline(
        reader,
        deadline,
        defaults.budgets.time,
        fields.get("timeout"),
    );
    defaults
}

pub(super) fn duration(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &str,
) -> Option<Duration> {
    fields.get(key).and_then(|node| reader.duration(node, key))
}

pub(super) fn boolean(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<bool> {
    fields.get(key).and_then(|node| reader.boolean(node, key))
}

/// An attempt cannot take longer than its run.
pub(super) fn check_deadline(
    reader: &mut Reader<'_>,
    deadline: Option<Duration>,
    timeout: Option<Duration>,
    node: Option<&Node>,
) {
    let (Some(deadline), Some(timeout), Some(node)) = (deadline, timeout, node) else {
        return;
    };
    if timeout > deadline {
        let message = format!(
            "the timeout of an attempt is longer than the run's deadline of {}",
            crate::show_duration(deadline)
        );
        let diagnostic =
            Diagnostic::new("timeout-above-deadline", message, reader.span(&node.range));
        reader.report(diagnostic.hinting("shorten it, or move the deadline".to_owned()));
    }
}

/// Nothing, for places that are not there.
pub(super) fn nowhere() -> Range<usize> {
    0..0
}
