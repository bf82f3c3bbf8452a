//! From the tree of a case file to a task.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence_flow::document::{Entry, Fields, Node, NodeKind, Reader};
use ringfence_flow::{
    Diagnostic, Edit, Finding, Json, Location, MountAccess, MountName, Priority, Severity, TaskId,
    TaskKey,
};

use super::read::{from_one, list, text};
use super::{CaseArtifact, CaseMount, CaseNeed, CaseTask, keys};

/// How the path of a mount ends that may be written to.
const WRITABLE: &str = ":rw";

pub(super) fn task(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> Option<CaseTask> {
    let fields = reader.fields(node, "`task`", &keys::TASK)?;
    let mut task = CaseTask::of(match fields.get("input") {
        Some(node) => json(reader, node)?,
        None => Json::from(&serde_json::json!({})),
    });
    if let Some(node) = fields.get("id") {
        task.key = key(reader, node)?;
    }
    if let Some(node) = fields.get("role") {
        task.role = reader.name(node, "role");
    }
    if let Some(node) = fields.get("priority") {
        let words = Priority::ALL.map(|priority| (priority.as_str(), priority));
        task.priority = reader.word(node, "priority", &words)?;
    }
    task.attempt = from_one(reader, &fields, "attempt").unwrap_or(1);
    task.round = from_one(reader, &fields, "round").unwrap_or(1);
    if let Some(node) = fields.get("needs") {
        let items = list(
            reader,
            node,
            "needs",
            "outputs",
            "[{ task: survey, value: {} }]",
        );
        task.needs = each(items, |item| need(reader, item, folder));
    }
    if let Some(node) = fields.get("feedback") {
        task.feedback = findings(reader, node, "feedback");
    }
    if let Some(node) = fields.get("mounts") {
        task.mounts = mounts(reader, node, folder);
    }
    if let Some(node) = fields.get("artifacts") {
        task.artifacts = artifacts(reader, node, folder);
    }
    if let Some(node) = fields.get("timeout") {
        task.timeout = reader.duration(node, "timeout");
    }
    Some(task)
}

/// All items that could be read; what is wrong with the others has been noted.
fn each<T>(items: &[Node], read: impl FnMut(&Node) -> Option<T>) -> Vec<T> {
    items.iter().filter_map(read).collect()
}

fn json(reader: &mut Reader<'_>, node: &Node) -> Option<Json> {
    match Json::parse(&node.to_json().to_string()) {
        Ok(json) => Some(json),
        Err(error) => {
            let span = reader.span(&node.range);
            reader.report(Diagnostic::new("invalid-json", error.to_string(), span));
            None
        }
    }
}

/// A task's name, perhaps with the index of an item: `review[3]`.
fn key(reader: &mut Reader<'_>, node: &Node) -> Option<TaskKey> {
    let text = reader.text(node, "id", "review[3]")?;
    let (name, item) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((name, index)) => (name, Some(index)),
        None => (text, None),
    };
    let task: TaskId = reader.name_of(name, &node.range)?;
    let Some(index) = item else {
        return Some(TaskKey::single(task));
    };
    let Ok(index) = index.parse() else {
        let message = format!("`{index}` is no index of an item");
        let diagnostic = Diagnostic::new("invalid-number", message, reader.span(&node.range));
        reader.report(diagnostic.hinting("items count from 0, as in `review[3]`".to_owned()));
        return None;
    };
    Some(TaskKey::item(task, index))
}

fn need(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> Option<CaseNeed> {
    let fields = reader.fields(node, "a need", &keys::NEED)?;
    let task = reader
        .required(&fields, "task", None, "survey")
        .and_then(|node| reader.name(node, "task"));
    let value = match fields.get("value") {
        Some(node) => json(reader, node),
        None => Some(Json::null()),
    };
    let found = fields.get("findings");
    let put = fields.get("artifacts");
    Some(CaseNeed {
        task: task?,
        value: value?,
        findings: found
            .map(|node| findings(reader, node, "findings"))
            .unwrap_or_default(),
        artifacts: put
            .map(|node| artifacts(reader, node, folder))
            .unwrap_or_default(),
    })
}

fn findings(reader: &mut Reader<'_>, node: &Node, key: &str) -> Vec<Finding> {
    let example = "[{ rule: some-rule, severity: low, message: what is wrong }]";
    let items = list(reader, node, key, "findings", example);
    each(items, |item| finding(reader, item))
}

fn finding(reader: &mut Reader<'_>, node: &Node) -> Option<Finding> {
    let fields = reader.fields(node, "a finding", &keys::FINDING)?;
    let rule = required_text(reader, &fields, "rule", "some-rule");
    let message = required_text(reader, &fields, "message", "what is wrong");
    let severity = reader
        .required(&fields, "severity", None, "low")
        .and_then(|node| severity(reader, node));
    let location = match fields.get("location") {
        Some(node) => Some(location(reader, node)?),
        None => None,
    };
    let fix = match fields.get("fix") {
        Some(node) => Some(edit(reader, node)?),
        None => None,
    };
    Some(Finding {
        rule: rule?.into(),
        severity: severity?,
        message: message?.into(),
        location,
        fix,
    })
}

pub(super) fn severity(reader: &mut Reader<'_>, node: &Node) -> Option<Severity> {
    let words = Severity::ALL.map(|severity| (severity.as_str(), severity));
    reader.word(node, "severity", &words)
}

fn location(reader: &mut Reader<'_>, node: &Node) -> Option<Location> {
    let fields = reader.fields(node, "`location`", &keys::LOCATION)?;
    let path = required_text(reader, &fields, "path", "src/lib.rs");
    let line = reader.required(&fields, "line", None, "1");
    let line = line.and_then(|node| reader.count(node, "line", 1..u32::MAX));
    let column = from_one(reader, &fields, "column").unwrap_or(1);
    Some(Location {
        path: path?.into(),
        line: line?,
        column,
    })
}

fn edit(reader: &mut Reader<'_>, node: &Node) -> Option<Edit> {
    let fields = reader.fields(node, "`fix`", &keys::EDIT)?;
    let path = required_text(reader, &fields, "path", "src/lib.rs");
    let first = reader.required(&fields, "first", None, "1");
    let first = first.and_then(|node| reader.count(node, "first", 1..u32::MAX));
    let last = reader.required(&fields, "last", None, "1");
    let last = last.and_then(|node| reader.count(node, "last", 1..u32::MAX));
    let replacement = required_text(reader, &fields, "replacement", "''");
    Some(Edit {
        path: path?.into(),
        first: first?,
        last: last?,
        replacement: replacement?.into(),
    })
}

fn mounts(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> Vec<CaseMount> {
    let NodeKind::Map(entries) = &node.kind else {
        reader.wrong_type(
            node,
            "mounts",
            "a map from names to folders",
            "{ src: ../src }",
        );
        return Vec::new();
    };
    let read = |entry: &Entry| mount(reader, entry, folder);
    entries.iter().filter_map(read).collect()
}

fn mount(reader: &mut Reader<'_>, entry: &Entry, folder: &Path) -> Option<CaseMount> {
    let name: MountName = reader.name_of(&entry.key.text, &entry.key.range)?;
    let written = reader.text(&entry.value, name.as_str(), "../src")?;
    let (path, access) = match written.strip_suffix(WRITABLE) {
        Some(path) => (path, MountAccess::ReadWrite),
        None => (written, MountAccess::ReadOnly),
    };
    let at = folder.join(path);
    let found = at.canonicalize().map_err(|error| error.to_string());
    let found = found.and_then(|found| match found.is_dir() {
        true => Ok(found),
        false => Err("only folders are mounted".to_owned()),
    });
    match found {
        Ok(folder) => Some(CaseMount {
            name,
            folder,
            access,
        }),
        Err(why) => unusable(reader, &entry.value, &at, &why),
    }
}

/// Notes that a file or folder that a case names cannot be used.
fn unusable<T>(reader: &mut Reader<'_>, node: &Node, path: &Path, why: &str) -> Option<T> {
    let message = format!("`{}` cannot be used: {why}", path.display());
    let diagnostic = Diagnostic::new("unusable-path", message, reader.span(&node.range));
    let hint = "paths in a case count from the folder of its file";
    reader.report(diagnostic.hinting(hint.to_owned()));
    None
}

fn artifacts(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> Vec<CaseArtifact> {
    let example = "[{ name: notes.txt, text: none }]";
    let items = list(reader, node, "artifacts", "artifacts", example);
    each(items, |item| artifact(reader, item, folder))
}

fn artifact(reader: &mut Reader<'_>, node: &Node, folder: &Path) -> Option<CaseArtifact> {
    let fields = reader.fields(node, "an artifact", &keys::ARTIFACT)?;
    let name = required_text(reader, &fields, "name", "notes.txt");
    let media_type = text(reader, &fields, "media_type");
    let content = content(reader, &fields, node, folder);
    Some(CaseArtifact {
        name: name?,
        media_type: media_type.unwrap_or_else(|| "text/plain".to_owned()),
        content: content?,
    })
}

fn content(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    artifact: &Node,
    folder: &Path,
) -> Option<Arc<[u8]>> {
    let (text, hex, file) = (fields.get("text"), fields.get("hex"), fields.get("file"));
    match (text, hex, file) {
        (Some(node), None, None) => {
            let text = reader.text(node, "text", "some text")?;
            Some(text.as_bytes().into())
        }
        (None, Some(node), None) => {
            let digits = reader.text(node, "hex", "'00ff'")?;
            let bytes = from_hex(digits);
            if bytes.is_none() {
                let message = "`hex` has two hexadecimal digits for each byte";
                let span = reader.span(&node.range);
                reader.report(Diagnostic::new("invalid-hex", message, span));
            }
            bytes
        }
        (None, None, Some(node)) => {
            let path: PathBuf = folder.join(reader.text(node, "file", "notes.txt")?);
            match fs::read(&path) {
                Ok(bytes) => Some(bytes.into()),
                Err(error) => unusable(reader, node, &path, &error.to_string()),
            }
        }
        _ => {
            let message = "an artifact has exactly one of `text`, `hex` and `file`";
            let span = reader.span(&artifact.range);
            let diagnostic = Diagnostic::new("invalid-content", message, span);
            reader.report(diagnostic.hinting("for example `text: none`".to_owned()));
            None
        }
    }
}

fn from_hex(digits: &str) -> Option<Arc<[u8]>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
    digits.chunks_exact(2).map(byte).collect()
}

fn required_text(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    key: &str,
    example: &str,
) -> Option<String> {
    let node = reader.required(fields, key, None, example)?;
    reader.text(node, key, example).map(ToOwned::to_owned)
}
