//! From the tree of a case file to its cases.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use ringfence_flow::Diagnostic;
use ringfence_flow::document::{Fields, Node, NodeKind, Reader, read};

use super::read_expect::expectation;
use super::read_task::task;
use super::{Case, CaseTask, Uses, keys};

/// Reads one task, as JSON or YAML; paths in it are relative to `folder`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_task(text: &str, folder: &Path) -> Result<CaseTask, Vec<Diagnostic>> {
    read(text, |reader, root| task(reader, root, folder))
}

/// Reads the list of cases.
pub(super) fn cases(reader: &mut Reader<'_>, root: &Node, folder: &Path) -> Option<Vec<Case>> {
    let NodeKind::List(items) = &root.kind else {
        let message = format!(
            "a case file is a list of cases, and this is {}",
            root.describe()
        );
        let diagnostic = Diagnostic::new("wrong-type", message, reader.span(&root.range));
        reader.report(diagnostic.hinting("put `- ` in front of each case".to_owned()));
        return None;
    };
    let mut names: HashMap<String, Range<usize>> = HashMap::new();
    let mut cases = Vec::new();
    for item in items {
        let Some(case) = case(reader, item, folder, &mut names) else {
            continue;
        };
        cases.push(case);
    }
    Some(cases)
}

fn case(
    reader: &mut Reader<'_>,
    node: &Node,
    folder: &Path,
    names: &mut HashMap<String, Range<usize>>,
) -> Option<Case> {
    let fields = reader.fields(node, "a case", &keys::CASE)?;
    let name = reader
        .required(&fields, "name", None, "greets by name")
        .and_then(|node| Some((reader.text(node, "name", "greets by name")?, &node.range)));
    if let Some((name, place)) = &name {
        match names.get(*name) {
            Some(first) => {
                let message = format!("two cases are called `{name}`");
                let diagnostic = Diagnostic::new("duplicate-name", message, reader.span(place))
                    .also(reader.span(first), "first here")
                    .hinting("rename one of them".to_owned());
                reader.report(diagnostic);
            }
            None => {
                names.insert((*name).to_owned(), (*place).clone());
            }
        }
    }
    let task = reader
        .required(&fields, "task", None, "{ input: {} }")
        .and_then(|node| task(reader, node, folder));
    let expect = reader
        .required(&fields, "expect", None, "{ completed: {} }")
        .and_then(|node| expectation(reader, node));
    let uses = match fields.get("uses") {
        Some(node) => uses(reader, node)?,
        None => Uses::default(),
    };
    Some(Case {
        name: name?.0.to_owned(),
        line: reader.span(&node.range).line,
        task: task?,
        expect: expect?,
        uses,
    })
}

fn uses(reader: &mut Reader<'_>, node: &Node) -> Option<Uses> {
    let fields = reader.fields(node, "`uses`", &keys::USES)?;
    let mut uses = Uses::default();
    if let Some(node) = fields.get("fuel") {
        uses.fuel = reader.fuel(node, "fuel");
    }
    if let Some(node) = fields.get("memory") {
        uses.memory = reader.size(node, "memory", false);
    }
    if let Some(node) = fields.get("time") {
        uses.time = reader.duration(node, "time");
    }
    if let Some(node) = fields.get("output") {
        uses.output = reader.size(node, "output", true);
    }
    if let Some(node) = fields.get("host-calls") {
        uses.host_calls = reader.count(node, "host-calls", 0..u32::MAX);
    }
    Some(uses)
}

/// The items of a list of maps.
pub(super) fn list<'n>(
    reader: &mut Reader<'_>,
    node: &'n Node,
    key: &str,
    of: &str,
    example: &str,
) -> &'n [Node] {
    match &node.kind {
        NodeKind::List(items) => items,
        _ => {
            reader.wrong_type(node, key, &format!("a list of {of}"), example);
            &[]
        }
    }
}

/// A text under a key, if it is there.
pub(super) fn text(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.get(key)?;
    reader.text(node, key, "some text").map(ToOwned::to_owned)
}

/// A number that counts from 1, if it is there.
pub(super) fn from_one(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<u32> {
    let node = fields.get(key)?;
    reader.count(node, key, 1..u32::MAX)
}
