//! Whether an attempt went as a case expects.

use std::fmt;
use std::time::Duration;

use ringfence_flow::{AttemptResult, ByteSize, Finding, Fuel, LogLine, show_duration};
use serde::Serialize;
use serde_json::Value;

use crate::case::{
    ArtifactPattern, Case, Expectation, ExpectedEnd, FindingPattern, LogPattern, Uses,
};
use crate::compare::{diff, diff_texts, holds, same};
use crate::trial::{Trial, TrialArtifact};

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mismatch {
    /// What, in one line.
    pub what: String,
    /// More of it, perhaps over several lines; perhaps empty.
    pub detail: String,
}

impl Mismatch {
    fn new(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            detail: detail.into(),
        }
    }
}

/// Everything that is not as `case` expects.
#[must_use]
pub fn judge(case: &Case, trial: &Trial) -> Vec<Mismatch> {
    let Expectation {
        end: expected,
        findings: expected_findings,
        logs: expected_logs,
        artifacts: expected_artifacts,
    } = &case.expect;
    let mut found: Vec<Mismatch> = end(expected, trial).into_iter().collect();
    let ends_as_expected = found.is_empty();
    if let Some(expected) = expected_findings
        && let Some(actual) = findings_of(&trial.result)
    {
        found.extend(findings(expected, actual));
    }
    if let Some(expected) = expected_logs {
        found.extend(logs(expected, &trial.logs));
    }
    if let Some(expected) = expected_artifacts
        && ends_as_expected
    {
        found.extend(artifacts(expected, &trial.artifacts));
    }
    found.extend(uses(&case.uses, trial));
    found
}

fn end(expected: &ExpectedEnd, trial: &Trial) -> Option<Mismatch> {
    match (expected, &trial.result) {
        (ExpectedEnd::Completed(expected), AttemptResult::Completed(output)) => {
            value(expected, &output.value.to_value())
        }
        (ExpectedEnd::Contains(part), AttemptResult::Completed(output)) => {
            part_of(part, &output.value.to_value())
        }
        (ExpectedEnd::Rejected { reason }, AttemptResult::Rejected(rejection)) => {
            lacks("the reason", &rejection.reason, reason.as_deref())
        }
        (ExpectedEnd::Fails { code, message }, AttemptResult::Failed(failure))
            if failure.code == *code =>
        {
            lacks("the message", &failure.message, message.as_deref())
        }
        (expected, actual) => Some(Mismatch::new(
            format!("expected it {}, and it {}", wanted(expected), ended(actual)),
            because(actual),
        )),
    }
}

fn value(expected: &Value, actual: &Value) -> Option<Mismatch> {
    match same(expected, actual) {
        true => None,
        false => Some(Mismatch::new(
            "the value differs (- expected, + given)",
            diff(expected, actual),
        )),
    }
}

fn part_of(part: &Value, actual: &Value) -> Option<Mismatch> {
    match holds(actual, part) {
        true => None,
        false => Some(Mismatch::new(
            "the value does not hold what is expected (- expected, + given)",
            diff(part, actual),
        )),
    }
}

fn lacks(what: &str, text: &str, part: Option<&str>) -> Option<Mismatch> {
    let part = part.filter(|part| !text.contains(part))?;
    Some(Mismatch::new(
        format!("{what} does not contain `{part}`"),
        text,
    ))
}

/// What is wanted, as in "expected it to complete".
fn wanted(expected: &ExpectedEnd) -> String {
    match expected {
        ExpectedEnd::Completed(_) | ExpectedEnd::Contains(_) => "to complete".to_owned(),
        ExpectedEnd::Rejected { .. } => "to reject".to_owned(),
        ExpectedEnd::Fails { code, .. } => format!("to fail with `{code}`"),
    }
}

/// How it ended, as in "and it completed".
fn ended(actual: &AttemptResult) -> String {
    match actual {
        AttemptResult::Completed(_) => "completed".to_owned(),
        AttemptResult::Rejected(_) => "rejected".to_owned(),
        AttemptResult::Failed(failure) => format!("failed with `{}`", failure.code),
    }
}

/// What it has to say of its end.
fn because(actual: &AttemptResult) -> String {
    match actual {
        AttemptResult::Completed(output) => output.value.as_str().to_owned(),
        AttemptResult::Rejected(rejection) => rejection.reason.to_string(),
        AttemptResult::Failed(failure) => failure.message.to_string(),
    }
}

fn findings_of(result: &AttemptResult) -> Option<&[Finding]> {
    match result {
        AttemptResult::Completed(output) => Some(&output.findings),
        AttemptResult::Rejected(rejection) => Some(&rejection.findings),
        AttemptResult::Failed(_) => None,
    }
}

fn findings(expected: &[FindingPattern], actual: &[Finding]) -> Option<Mismatch> {
    let fits = expected.len() == actual.len()
        && expected
            .iter()
            .zip(actual)
            .all(|(pattern, finding)| pattern.fits(finding));
    if fits {
        return None;
    }
    // A pattern that fits is shown as the finding, so that only the others differ.
    let mut rest = actual.iter();
    let wanted = expected.iter().map(|pattern| {
        let same = rest.clone().position(|finding| pattern.fits(finding));
        match same.and_then(|at| rest.nth(at)) {
            Some(finding) => show_finding(finding),
            None => pattern.to_string(),
        }
    });
    let wanted: Vec<_> = wanted.collect();
    let found: Vec<_> = actual.iter().map(show_finding).collect();
    Some(Mismatch::new(
        "the findings differ (- expected, + given)",
        diff_texts(&lines(&wanted), &lines(&found)),
    ))
}

fn lines(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.replace('\n', " ")).collect();
    lines.join("\n") + "\n"
}

fn show_finding(finding: &Finding) -> String {
    let place = finding.location.as_ref();
    let place = place.map(|place| format!(" at {}:{}", place.path, place.line));
    let fix = if finding.fix.is_some() {
        ", with a fix"
    } else {
        ""
    };
    format!(
        "{} [{}]{}: {}{fix}",
        finding.severity,
        finding.rule,
        place.unwrap_or_default(),
        finding.message
    )
}

impl FindingPattern {
    fn fits(&self, finding: &Finding) -> bool {
        let place = finding.location.as_ref();
        let is = |wanted: &Option<String>, text: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| text == Some(wanted))
        };
        is(&self.rule, Some(&finding.rule))
            && is(&self.path, place.map(|place| &*place.path))
            && self
                .severity
                .is_none_or(|severity| severity == finding.severity)
            && self
                .message
                .as_deref()
                .is_none_or(|part| finding.message.contains(part))
            && self
                .line
                .is_none_or(|line| place.is_some_and(|place| place.line == line))
            && self.fix.is_none_or(|fix| fix == finding.fix.is_some())
    }
}

impl fmt::Display for FindingPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = || "...".to_owned();
        let severity = self.severity.map(|severity| severity.to_string());
        let rule = self.rule.clone().unwrap_or_else(any);
        write!(f, "{} [{rule}]", severity.unwrap_or_else(any))?;
        if self.path.is_some() || self.line.is_some() {
            let line = self.line.map(|line| line.to_string());
            let path = self.path.clone().unwrap_or_else(any);
            write!(f, " at {path}:{}", line.unwrap_or_else(any))?;
        }
        write!(f, ": {}", self.message.clone().unwrap_or_else(any))?;
        match self.fix {
            Some(true) => f.write_str(", with a fix"),
            Some(false) => f.write_str(", without a fix"),
            None => Ok(()),
        }
    }
}

fn logs(expected: &[LogPattern], actual: &[LogLine]) -> Option<Mismatch> {
    let shown = || {
        let lines = actual.iter().map(show_log);
        lines.collect::<Vec<_>>().join("\n")
    };
    if expected.is_empty() {
        let unwanted = (!actual.is_empty()).then(shown);
        return unwanted.map(|shown| Mismatch::new("nothing was to be logged", shown));
    }
    let mut rest = actual.iter();
    let missing = expected.iter().find(|pattern| {
        !rest.any(|line| {
            line.message.contains(&pattern.message)
                && pattern.level.is_none_or(|level| level == line.level)
        })
    })?;
    let level = missing.level.map(|level| format!("{}: ", level.as_str()));
    let what = format!(
        "the log lacks `{}{}`, or has it too early",
        level.unwrap_or_default(),
        missing.message
    );
    Some(Mismatch::new(what, shown()))
}

fn show_log(line: &LogLine) -> String {
    format!("{}: {}", line.level.as_str(), line.message)
}

fn artifacts(expected: &[ArtifactPattern], actual: &[TrialArtifact]) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for pattern in expected {
        let named = actual
            .iter()
            .find(|given| *given.artifact.name == *pattern.name);
        match named {
            Some(given) => found.extend(artifact(pattern, given)),
            None => {
                let what = format!("there is no artifact `{}`", pattern.name);
                found.push(Mismatch::new(what, ""));
            }
        }
    }
    for given in actual {
        let name = &*given.artifact.name;
        if !expected.iter().any(|pattern| pattern.name == name) {
            let what = format!("there is an artifact `{name}` that nobody expects");
            found.push(Mismatch::new(what, ""));
        }
    }
    found
}

fn artifact(pattern: &ArtifactPattern, given: &TrialArtifact) -> Vec<Mismatch> {
    let ArtifactPattern {
        name,
        media_type,
        text,
        contains,
    } = pattern;
    let mut found = Vec::new();
    let content = String::from_utf8_lossy(&given.content);
    if let Some(wanted) = media_type
        && **wanted != *given.artifact.media_type
    {
        let actual = &given.artifact.media_type;
        let what = format!("the artifact `{name}` is `{actual}`, and `{wanted}` is expected");
        found.push(Mismatch::new(what, ""));
    }
    if let Some(wanted) = text
        && **wanted != *content
    {
        let what = format!("the artifact `{name}` differs (- expected, + given)");
        found.push(Mismatch::new(what, diff_texts(wanted, &content)));
    }
    found.extend(lacks(
        &format!("the artifact `{name}`"),
        &content,
        contains.as_deref(),
    ));
    found
}

fn uses(most: &Uses, trial: &Trial) -> Vec<Mismatch> {
    let used = &trial.usage;
    let count = |count: u32| u64::from(count);
    let time = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    [
        above("fuel", used.fuel, most.fuel, Fuel::as_u64),
        above("memory", used.peak_memory, most.memory, ByteSize::as_u64),
        above("time", Span(used.wall), most.time.map(Span), |span| {
            time(span.0)
        }),
        above("output", used.bytes_out, most.output, ByteSize::as_u64),
        above("host calls", used.host_calls, most.host_calls, count),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A duration that is shown as people write it.
#[derive(Clone, Copy)]
struct Span(Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show_duration(self.0))
    }
}

/// Where more was used than a case allows. What looks the same when it is rounded
/// is told in full.
fn above<T: fmt::Display + Copy>(
    what: &str,
    used: T,
    most: Option<T>,
    amount: impl Fn(T) -> u64,
) -> Option<Mismatch> {
    let most = most.filter(|most| amount(used) > amount(*most))?;
    let (mut shown, mut allowed) = (used.to_string(), most.to_string());
    if shown == allowed {
        (shown, allowed) = (amount(used).to_string(), amount(most).to_string());
    }
    let what = format!("{what}: {shown} used, at most {allowed} expected");
    Some(Mismatch::new(what, ""))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ringfence_flow::{
        Artifact, ContentHash, Failure, FailureCode, Fuel, Json, Location, LogLevel, Output,
        Rejection, Severity, Usage,
    };
    use serde_json::json;

    use super::*;
    use crate::case::CaseFile;

    fn case(expect: &str) -> Case {
        let text = format!("- name: a\n  task: {{}}\n{expect}\n");
        match CaseFile::parse("a.yaml", &text, Path::new(".")) {
            Ok(mut file) => file.cases.remove(0),
            Err(error) => panic!("{error}"),
        }
    }

    fn trial(result: AttemptResult) -> Trial {
        Trial {
            result,
            usage: Usage {
                fuel: Fuel::units(1_000),
                host_calls: 3,
                ..Usage::default()
            },
            logs: ["one", "two", "three"]
                .map(|text| LogLine {
                    level: LogLevel::Info,
                    message: text.into(),
                    fields: Vec::new().into(),
                })
                .into(),
            progress: Vec::new(),
            decisions: Vec::new(),
            artifacts: vec![TrialArtifact {
                artifact: Artifact {
                    name: "notes.txt".into(),
                    media_type: "text/plain".into(),
                    sha256: ContentHash::from_bytes([0; 32]),
                    size: 4,
                },
                content: b"none".as_slice().into(),
            }],
        }
    }

    fn found(path: &str, line: u32, message: &str) -> Finding {
        Finding {
            rule: "some-rule".into(),
            severity: Severity::Low,
            message: message.into(),
            location: Some(Location {
                path: path.into(),
                line,
                column: 1,
            }),
            fix: None,
        }
    }

    fn completed() -> Trial {
        trial(AttemptResult::Completed(Output {
            value: Json::from(&json!({ "text": "Hello", "n": [1, 2] })),
            findings: vec![found("a.rs", 1, "one"), found("b.rs", 2, "two")].into(),
            artifacts: Vec::new().into(),
        }))
    }

    fn rejected() -> Trial {
        trial(AttemptResult::Rejected(Rejection {
            reason: "there are errors".into(),
            findings: vec![found("a.rs", 1, "one")].into(),
        }))
    }

    fn failed() -> Trial {
        trial(AttemptResult::Failed(Failure::new(
            FailureCode::Trap,
            "a panic",
        )))
    }

    /// What differs, all of it in one text.
    fn told(expect: &str, trial: &Trial) -> String {
        let mismatches = judge(&case(expect), trial);
        let lines = mismatches
            .iter()
            .map(|mismatch| match mismatch.detail.as_str() {
                "" => mismatch.what.clone(),
                detail => format!("{}\n{detail}", mismatch.what),
            });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_as_expected_differs_in_nothing() {
        for (expect, trial) in [
            (
                "  expect: { completed: { n: [1, 2.0], text: Hello } }",
                completed(),
            ),
            ("  expect: { contains: { n: [2] } }", completed()),
            (
                "  expect: { contains: {}, findings: [{ path: a.rs, line: 1 }, { message: tw }] }",
                completed(),
            ),
            (
                "  expect: { contains: {}, logs: [one, { level: info, message: thr }] }",
                completed(),
            ),
            (
                "  expect: { contains: {}, artifacts: [{ name: notes.txt, text: none, contains: on }] }",
                completed(),
            ),
            (
                "  expect: { contains: {} }\n  uses: { fuel: 1000, host-calls: 3 }",
                completed(),
            ),
            (
                "  expect: { rejected: { reason: errors, findings: [{ fix: false }] } }",
                rejected(),
            ),
            ("  expect: { fails: trap, message: panic }", failed()),
        ] {
            assert_eq!(told(expect, &trial), "", "{expect}");
        }
    }

    #[test]
    fn what_is_not_as_expected_is_told() {
        let table = [
            (
                "  expect: { completed: { text: Bye, n: [1, 2] } }",
                completed(),
                "the value differs (- expected, + given)\n      1,\n      2\n    ],\n-   \"text\": \"Bye\"\n+   \"text\": \"Hello\"\n  }",
            ),
            (
                "  expect: { contains: 3 }",
                rejected(),
                "expected it to complete, and it rejected\nthere are errors",
            ),
            (
                "  expect: { rejected: {} }",
                failed(),
                "expected it to reject, and it failed with `trap`\na panic",
            ),
            (
                "  expect: { fails: out-of-fuel }",
                failed(),
                "expected it to fail with `out-of-fuel`, and it failed with `trap`\na panic",
            ),
            (
                "  expect: { fails: trap, message: index }",
                failed(),
                "the message does not contain `index`\na panic",
            ),
            (
                "  expect: { contains: {}, findings: [{ message: two }] }",
                completed(),
                "the findings differ (- expected, + given)\n+ low [some-rule] at a.rs:1: one\n  low [some-rule] at b.rs:2: two",
            ),
            (
                "  expect: { contains: {}, findings: [{ message: one }, { rule: other, severity: high, path: c, fix: true }] }",
                completed(),
                "the findings differ (- expected, + given)\n  low [some-rule] at a.rs:1: one\n- high [other] at c:...: ..., with a fix\n+ low [some-rule] at b.rs:2: two",
            ),
            (
                "  expect: { contains: {}, logs: [two, one] }",
                completed(),
                "the log lacks `one`, or has it too early\ninfo: one\ninfo: two\ninfo: three",
            ),
            (
                "  expect: { contains: {}, logs: [] }",
                completed(),
                "nothing was to be logged\ninfo: one\ninfo: two\ninfo: three",
            ),
            (
                "  expect: { contains: {}, artifacts: [{ name: a.patch }] }",
                completed(),
                "there is no artifact `a.patch`\nthere is an artifact `notes.txt` that nobody expects",
            ),
            (
                "  expect: { contains: {}, artifacts: [{ name: notes.txt, media_type: a/b, text: all, contains: x }] }",
                completed(),
                "the artifact `notes.txt` is `text/plain`, and `a/b` is expected\nthe artifact `notes.txt` differs (- expected, + given)\n- all\n+ none\nthe artifact `notes.txt` does not contain `x`\nnone",
            ),
            (
                "  expect: { contains: {} }\n  uses: { fuel: 999, host-calls: 2 }",
                completed(),
                "fuel: 1k used, at most 999 expected\nhost calls: 3 used, at most 2 expected",
            ),
        ];
        for (expect, trial, expected) in table {
            assert_eq!(told(expect, &trial), expected, "{expect}");
        }
    }
}
