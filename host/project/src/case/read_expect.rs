//! From the tree of a case file to what is expected.

use ringfence_flow::document::{Fields, Node, NodeKind, Reader};
use ringfence_flow::{Diagnostic, FailureCode, LogLevel};

use super::read::{from_one, list, text};
use super::read_task::severity;
use super::{ArtifactPattern, Expectation, ExpectedEnd, FindingPattern, LogPattern, keys};

/// The keys that say how an attempt ends, of which there is exactly one.
const ENDS: [&str; 4] = ["completed", "contains", "rejected", "fails"];

/// The codes of failures in which an attempt itself can end.
pub(super) const CODES: [FailureCode; 10] = [
    FailureCode::InvalidInput,
    FailureCode::Permanent,
    FailureCode::Transient,
    FailureCode::Trap,
    FailureCode::TimedOut,
    FailureCode::OutOfFuel,
    FailureCode::OutOfMemory,
    FailureCode::OutputTooLarge,
    FailureCode::TooManyHostCalls,
    FailureCode::InvalidOutput,
];

pub(super) const LEVELS: [LogLevel; 5] = [
    LogLevel::Trace,
    LogLevel::Debug,
    LogLevel::Info,
    LogLevel::Warn,
    LogLevel::Error,
];

pub(super) fn expectation(reader: &mut Reader<'_>, node: &Node) -> Option<Expectation> {
    let fields = reader.fields(node, "`expect`", &keys::EXPECT)?;
    let (end, of_rejection) = end(reader, &fields, node)?;
    let is_completed = matches!(end, ExpectedEnd::Completed(_) | ExpectedEnd::Contains(_));
    let is_failure = matches!(end, ExpectedEnd::Fails { .. });
    only_where(reader, &fields, "message", is_failure, "`fails`");
    only_where(
        reader,
        &fields,
        "artifacts",
        is_completed,
        "`completed` or `contains`",
    );
    only_where(
        reader,
        &fields,
        "findings",
        !is_failure,
        "an outcome, which no failure has",
    );
    let found = match (fields.get("findings"), of_rejection) {
        (Some(node), None) => Some(findings(reader, node)),
        (Some(node), Some(_)) => {
            let message = "`findings` is there twice, and once in `rejected`";
            let span = reader.span(&node.range);
            let diagnostic = Diagnostic::new("conflicting-keys", message, span);
            reader.report(diagnostic.hinting("remove one of them".to_owned()));
            None
        }
        (None, of_rejection) => of_rejection,
    };
    Some(Expectation {
        end,
        findings: found,
        logs: fields.get("logs").map(|node| logs(reader, node)),
        artifacts: fields.get("artifacts").map(|node| artifacts(reader, node)),
    })
}

/// How the attempt ends, and what a rejection says of its findings.
fn end(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    expect: &Node,
) -> Option<(ExpectedEnd, Option<Vec<FindingPattern>>)> {
    let mut given = ENDS.iter().filter_map(|key| Some((*key, fields.get(key)?)));
    let (first, second) = (given.next(), given.next());
    let (key, node) = match (first, second) {
        (Some(end), None) => end,
        (None, _) => {
            let message = "`expect` does not say how the attempt ends";
            let diagnostic = Diagnostic::new("missing-key", message, reader.span(&expect.range));
            let hint =
                "add one of `completed: VALUE`, `contains: VALUE`, `rejected: {}`, `fails: CODE`";
            reader.report(diagnostic.hinting(hint.to_owned()));
            return None;
        }
        (Some((one, first)), Some((other, second))) => {
            let message = format!("an attempt ends in one way, and this has `{one}` and `{other}`");
            let diagnostic =
                Diagnostic::new("conflicting-keys", message, reader.span(&second.range))
                    .also(reader.span(&first.range), format!("`{one}`"))
                    .hinting("keep one of them".to_owned());
            reader.report(diagnostic);
            return None;
        }
    };
    Some(match key {
        "completed" => (ExpectedEnd::Completed(node.to_json()), None),
        "contains" => (ExpectedEnd::Contains(node.to_json()), None),
        "rejected" => rejected(reader, node)?,
        _ => {
            let words = CODES.map(|code| (code.as_str(), code));
            let code = reader.word(node, "fails", &words)?;
            let message = text(reader, fields, "message");
            (ExpectedEnd::Fails { code, message }, None)
        }
    })
}

fn rejected(
    reader: &mut Reader<'_>,
    node: &Node,
) -> Option<(ExpectedEnd, Option<Vec<FindingPattern>>)> {
    if let NodeKind::Null = node.kind {
        return Some((ExpectedEnd::Rejected { reason: None }, None));
    }
    let fields = reader.fields(node, "`rejected`", &keys::REJECTED)?;
    let reason = text(reader, &fields, "reason");
    let found = fields.get("findings").map(|node| findings(reader, node));
    Some((ExpectedEnd::Rejected { reason }, found))
}

/// Notes a key that makes no sense beside the end that is expected.
fn only_where(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str, fits: bool, what: &str) {
    if let (Some(range), false) = (fields.key_range(key), fits) {
        let message = format!("`{key}` goes with {what}");
        let diagnostic = Diagnostic::new("conflicting-keys", message, reader.span(&range));
        reader.report(diagnostic.hinting("remove it".to_owned()));
    }
}

fn findings(reader: &mut Reader<'_>, node: &Node) -> Vec<FindingPattern> {
    let items = list(
        reader,
        node,
        "findings",
        "findings",
        "[{ rule: some-rule }]",
    );
    let read = |item| finding(reader, item);
    items.iter().filter_map(read).collect()
}

fn finding(reader: &mut Reader<'_>, node: &Node) -> Option<FindingPattern> {
    let fields = reader.fields(node, "a finding", &keys::EXPECTED_FINDING)?;
    Some(FindingPattern {
        rule: text(reader, &fields, "rule"),
        severity: match fields.get("severity") {
            Some(node) => Some(severity(reader, node)?),
            None => None,
        },
        message: text(reader, &fields, "message"),
        path: text(reader, &fields, "path"),
        line: from_one(reader, &fields, "line"),
        fix: match fields.get("fix") {
            Some(node) => Some(reader.boolean(node, "fix")?),
            None => None,
        },
    })
}

fn logs(reader: &mut Reader<'_>, node: &Node) -> Vec<LogPattern> {
    let items = list(reader, node, "logs", "log lines", "[some text]");
    let read = |item| log(reader, item);
    items.iter().filter_map(read).collect()
}

/// A text, or a level and a text.
fn log(reader: &mut Reader<'_>, node: &Node) -> Option<LogPattern> {
    if let NodeKind::Text { text, .. } = &node.kind {
        return Some(LogPattern {
            level: None,
            message: text.clone(),
        });
    }
    let fields = reader.fields(node, "a log line", &keys::EXPECTED_LOG)?;
    let level = match fields.get("level") {
        Some(node) => {
            let words = LEVELS.map(|level| (level.as_str(), level));
            Some(reader.word(node, "level", &words)?)
        }
        None => None,
    };
    Some(LogPattern {
        level,
        message: text(reader, &fields, "message").unwrap_or_default(),
    })
}

fn artifacts(reader: &mut Reader<'_>, node: &Node) -> Vec<ArtifactPattern> {
    let items = list(
        reader,
        node,
        "artifacts",
        "artifacts",
        "[{ name: notes.txt }]",
    );
    let read = |item| artifact(reader, item);
    items.iter().filter_map(read).collect()
}

fn artifact(reader: &mut Reader<'_>, node: &Node) -> Option<ArtifactPattern> {
    let fields = reader.fields(node, "an artifact", &keys::EXPECTED_ARTIFACT)?;
    let name = reader.required(&fields, "name", None, "notes.txt")?;
    Some(ArtifactPattern {
        name: reader.text(name, "name", "notes.txt")?.to_owned(),
        media_type: text(reader, &fields, "media_type"),
        text: text(reader, &fields, "text"),
        contains: text(reader, &fields, "contains"),
    })
}
