//! From the tree to the model: who does a task.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::decode::duration;
use super::decode_task::template;
use super::files::Files;
use super::keys;
use super::places::TaskPlaces;
use crate::diagnostic::Diagnostic;
use crate::document::{Fields, Reader};
use crate::plan::MAX_TASKS;
use crate::yaml::{Node, NodeKind};
use crate::{
    AgentName, Approval, OnTimeout, Require, Role, SubWorkflow, TaskBody, Template, Workflow,
    suggest,
};

/// What only a task that an agent does can have.
const AGENT_KEYS: [&str; 10] = [
    "role",
    "agent",
    "mounts",
    "priority",
    "timeout",
    "retry",
    "budget",
    "fallback",
    "start_timeout",
    "cache",
];

/// What only a task with instances can have.
const INSTANCE_KEYS: [&str; 3] = ["for_each", "input", "total_timeout"];

/// The kinds of tasks that no agent does.
const KINDS: [Kind; 3] = [
    Kind {
        key: "require",
        what: "a vote (`require`) is done by nobody",
        label: "this makes it a vote",
    },
    Kind {
        key: "approve",
        what: "an approval (`approve`) is given by a person",
        label: "this makes it an approval",
    },
    Kind {
        key: "workflow",
        what: "the tasks of another workflow (`workflow`) say that themselves",
        label: "this makes it a workflow",
    },
];

/// A kind of task that no agent does.
#[derive(Clone, Copy)]
struct Kind {
    key: &'static str,
    what: &'static str,
    label: &'static str,
}

/// Reads who does a task.
pub(super) fn body(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    blame: &Range<usize>,
    places: &mut TaskPlaces,
    files: &mut Files<'_>,
) -> Option<TaskBody> {
    let mut kinds = KINDS
        .into_iter()
        .filter_map(|kind| Some((kind, fields.get(kind.key)?)));
    let Some((kind, node)) = kinds.next() else {
        return agent(reader, fields, blame);
    };
    let mut conflict = |place: &Range<usize>, message: String| {
        let diagnostic = Diagnostic::new("conflicting-keys", message, reader.span(place))
            .also(reader.span(&node.range), kind.label)
            .hinting("remove one of them".to_owned());
        reader.report(diagnostic);
    };
    for (other, place) in kinds {
        let message = format!("a task has `{}` or `{}`", kind.key, other.key);
        conflict(&place.range, message);
    }
    let instances = INSTANCE_KEYS.iter().filter(|_| kind.key != "workflow");
    for other in AGENT_KEYS.iter().chain(instances) {
        if let Some(place) = fields.key_range(other) {
            conflict(&place, format!("{}, so it has no `{other}`", kind.what));
        }
    }
    match kind.key {
        "require" => require(reader, node).map(TaskBody::Vote),
        "approve" => approval(reader, node, places).map(TaskBody::Approval),
        _ => sub_workflow(reader, fields, node, places, files).map(TaskBody::Workflow),
    }
}

fn agent(reader: &mut Reader<'_>, fields: &Fields<'_>, blame: &Range<usize>) -> Option<TaskBody> {
    let role = reader
        .required(fields, "role", Some(blame), "reviewer")
        .and_then(|node| reader.name::<Role>(node, "role"));
    let agent = fields
        .get("agent")
        .and_then(|node| reader.name::<AgentName>(node, "agent"));
    Some(TaskBody::Agent { role: role?, agent })
}

fn require(reader: &mut Reader<'_>, node: &Node) -> Option<Require> {
    if let NodeKind::Map(_) = node.kind {
        let fields = reader.fields(node, "`require`", &keys::REQUIRE)?;
        let count = reader.required(&fields, "at_least", Some(&node.range), "2")?;
        return reader
            .count(count, "at_least", 1..MAX_TASKS as u32 + 1)
            .map(Require::AtLeast);
    }
    reader.word(
        node,
        "require",
        &[("all", Require::All), ("any", Require::Any)],
    )
}

/// `approve`: `true`, the question, or a map.
fn approval(reader: &mut Reader<'_>, node: &Node, places: &mut TaskPlaces) -> Option<Approval> {
    let mut question = |reader: &mut Reader<'_>, node: &Node| {
        reader.text(node, "message", "\"Release it?\"")?;
        Some(Template(template(
            reader,
            node,
            false,
            &mut places.expressions,
        )))
    };
    let forever = |message| Approval {
        message,
        timeout: None,
        on_timeout: OnTimeout::default(),
    };
    match node.kind {
        NodeKind::Text { .. } => return Some(forever(question(reader, node))),
        NodeKind::Bool(true) => return Some(forever(None)),
        _ => {}
    }
    let fields = reader.fields(node, "`approve`", &keys::APPROVE)?;
    let words = OnTimeout::ALL.map(|choice| (choice.as_str(), choice));
    let timeout = duration(reader, &fields, "timeout");
    let on_timeout = fields
        .get("on_timeout")
        .and_then(|node| reader.word(node, "on_timeout", &words));
    if let (Some(place), None) = (fields.key_range("on_timeout"), fields.get("timeout")) {
        let message = "`on_timeout` says nothing without a `timeout`";
        let diagnostic = Diagnostic::new("missing-key", message, reader.span(&place));
        reader.report(diagnostic.hinting("add `timeout: 24h`".to_owned()));
    }
    Some(Approval {
        message: fields
            .get("message")
            .and_then(|node| question(reader, node)),
        timeout,
        on_timeout: on_timeout.unwrap_or_default(),
    })
}

fn sub_workflow(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    node: &Node,
    places: &mut TaskPlaces,
    files: &mut Files<'_>,
) -> Option<SubWorkflow> {
    let path = reader.text(node, "workflow", "other.yaml")?;
    match files.read(path) {
        Ok(file) => {
            check_inputs(reader, fields, node, file.plan().workflow());
            let plan = Arc::clone(&file.plan);
            places.file = Some(file);
            Some(SubWorkflow {
                path: path.into(),
                plan,
            })
        }
        Err(error) => {
            let message = format!("`{path}` {error}");
            let diagnostic = Diagnostic::new(error.code(), message, reader.span(&node.range));
            reader.report(diagnostic.hinting(error.hint()));
            None
        }
    }
}

/// Checks the names of an `input` that is a map. One that is an expression is
/// known only when the task starts.
fn check_inputs(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    workflow_node: &Node,
    workflow: &Workflow,
) {
    let (given, place): (BTreeMap<&str, Range<usize>>, _) = match fields.get("input") {
        None => (BTreeMap::new(), workflow_node.range.clone()),
        Some(Node {
            kind: NodeKind::Map(entries),
            range,
        }) => (
            entries
                .iter()
                .map(|entry| (entry.key.text.as_str(), entry.key.range.clone()))
                .collect(),
            range.clone(),
        ),
        Some(_) => return,
    };
    let known = || workflow.inputs.iter().map(|input| input.name.as_str());
    for (name, place) in &given {
        if known().any(|known| known == *name) {
            continue;
        }
        let hint = match suggest::nearest(name, known()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if workflow.inputs.is_empty() => "it takes none".to_owned(),
            None => format!("it takes {}", suggest::list(known(), 16)),
        };
        let message = format!("the workflow `{}` has no input `{name}`", workflow.name);
        reader.report(Diagnostic::new("unknown-name", message, reader.span(place)).hinting(hint));
    }
    // A `for_each` task without an input gives its item.
    let gives_item = fields.get("for_each").is_some() && fields.get("input").is_none();
    let missing = workflow
        .inputs
        .iter()
        .filter(|input| input.default.is_none() && !given.contains_key(input.name.as_str()));
    for input in missing.filter(|_| !gives_item) {
        let message = format!(
            "the workflow `{}` needs the input `{}`",
            workflow.name, input.name
        );
        let hint = format!("add `input: {{ {}: ... }}`", input.name);
        reader.report(Diagnostic::new("missing-key", message, reader.span(&place)).hinting(hint));
    }
}
