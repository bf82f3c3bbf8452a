//! Between the contract's generated types and the domain's: the one place
//! where what a guest says is checked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ringfence_flow::{
    Artifact, AttemptResult, ContentHash, Dependency, Edit, Failure, FailureCode, Finding,
    InvalidJson, Json, Location, MAX_MESSAGE_LEN, Output, Rejection, Severity, TaskRequest,
    clean_text,
};

use crate::bindings::ringfence::agent::types as wit;
use crate::component_check::RawDescription;

/// The longest rule of a finding, in bytes.
pub const MAX_RULE_LEN: usize = 128;

/// The longest path in a finding, in bytes.
pub const MAX_PATH_LEN: usize = 1024;

/// The longest name of an artifact, in bytes.
pub const MAX_ARTIFACT_NAME_LEN: usize = 255;

/// The longest media type of an artifact, in bytes.
pub const MAX_MEDIA_TYPE_LEN: usize = 128;

/// What is wrong with an outcome.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidOutcome {
    /// The value is not JSON.
    #[error("the output's value is {0}")]
    Value(InvalidJson),
    /// A finding makes no sense.
    #[error("finding {index} {problem}")]
    Finding {
        /// Which, counted from 1.
        index: usize,
        /// What is wrong.
        problem: FindingProblem,
    },
    /// An artifact makes no sense.
    #[error("artifact {index} {problem}")]
    Artifact {
        /// Which, counted from 1.
        index: usize,
        /// What is wrong.
        problem: ArtifactProblem,
    },
}

/// What is wrong with a finding.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FindingProblem {
    /// No rule, or one that is too long.
    #[error("has a rule of {0} bytes; a rule has 1 to {MAX_RULE_LEN}")]
    Rule(usize),
    /// A message that is too long.
    #[error("has a message of {0} bytes; a message has at most {MAX_MESSAGE_LEN}")]
    Message(usize),
    /// A path that leads out of the mount, or nowhere.
    #[error("names the path `{}`; a path is relative to its mount, with `/` between its parts and without `..`", clean_text(.0, 100))]
    Path(String),
    /// A line or column 0.
    #[error("is at line {line}, column {column}; both count from 1")]
    Place {
        /// The line.
        line: u32,
        /// The column.
        column: u32,
    },
    /// An edit of no lines.
    #[error(
        "replaces lines {first} to {last}; lines count from 1 and the last is not before the first"
    )]
    Lines {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
}

/// What is wrong with an artifact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArtifactProblem {
    /// A name that is no file name.
    #[error(
        "has a name that is no file name; one has 1 to {MAX_ARTIFACT_NAME_LEN} printable bytes without `/`"
    )]
    Name,
    /// A media type that is none.
    #[error(
        "has a media type that is none; one is like `text/plain`, in at most {MAX_MEDIA_TYPE_LEN} bytes"
    )]
    MediaType,
    /// A hash that is none.
    #[error("has a `sha256` that is no hash")]
    Hash,
    /// A content that the attempt neither put nor was given.
    #[error("was neither put by this attempt nor given to it")]
    Unknown,
}

/// The task as the guest sees it.
pub(crate) fn task(request: &TaskRequest) -> wit::Task {
    wit::Task {
        run: request.run.to_string(),
        id: request.key.to_string(),
        role: request.role.to_string(),
        priority: match request.priority {
            ringfence_flow::Priority::Low => wit::Priority::Low,
            ringfence_flow::Priority::Normal => wit::Priority::Normal,
            ringfence_flow::Priority::High => wit::Priority::High,
            ringfence_flow::Priority::Critical => wit::Priority::Critical,
            ringfence_flow::Priority::Emergency => wit::Priority::Emergency,
        },
        attempt: request.attempt,
        round: request.round,
        input: request.input.as_str().to_owned(),
        needs: request.needs.iter().map(dependency).collect(),
        feedback: request.feedback.iter().map(finding).collect(),
        time_left_ms: request.time_left.as_millis() as u64,
    }
}

fn dependency(dependency: &Dependency) -> wit::Dependency {
    wit::Dependency {
        task: dependency.task.to_string(),
        output: wit::Output {
            value: dependency.output.value.as_str().to_owned(),
            findings: dependency.output.findings.iter().map(finding).collect(),
            artifacts: dependency.output.artifacts.iter().map(artifact).collect(),
        },
    }
}

fn finding(finding: &Finding) -> wit::Finding {
    wit::Finding {
        rule: finding.rule.to_string(),
        severity: match finding.severity {
            Severity::Info => wit::Severity::Info,
            Severity::Low => wit::Severity::Low,
            Severity::Medium => wit::Severity::Medium,
            Severity::High => wit::Severity::High,
            Severity::Critical => wit::Severity::Critical,
        },
        message: finding.message.to_string(),
        location: finding.location.as_ref().map(|location| wit::Location {
            path: location.path.to_string(),
            line: location.line,
            column: location.column,
        }),
        fix: finding.fix.as_ref().map(|fix| wit::Edit {
            path: fix.path.to_string(),
            first: fix.first,
            last: fix.last,
            replacement: fix.replacement.to_string(),
        }),
    }
}

fn artifact(artifact: &Artifact) -> wit::Artifact {
    wit::Artifact {
        name: artifact.name.to_string(),
        media_type: artifact.media_type.to_string(),
        sha256: artifact.sha256.to_string(),
        size: artifact.size,
    }
}

/// A description as the guest gives it.
pub(crate) fn description(
    raw: crate::bindings::exports::ringfence::agent::agent::Description,
) -> RawDescription {
    RawDescription {
        name: raw.name,
        version: raw.version,
        summary: raw.summary,
        roles: raw.roles,
        input_schema: raw.input_schema,
        output_schema: raw.output_schema,
    }
}

/// The bytes of what a task gives to its agent to read.
pub(crate) fn request_size(request: &TaskRequest) -> u64 {
    let needs = request.needs.iter().map(|need| {
        let artifacts = need.output.artifacts.iter();
        need.output.value.as_str().len()
            + domain_findings_size(&need.output.findings)
            + artifacts
                .map(|artifact| artifact.name.len() + artifact.media_type.len())
                .sum::<usize>()
    });
    let bytes = request.input.as_str().len()
        + domain_findings_size(&request.feedback)
        + needs.sum::<usize>();
    bytes as u64
}

fn domain_findings_size(findings: &[Finding]) -> usize {
    let one = |finding: &Finding| {
        let location = finding.location.as_ref().map_or(0, |at| at.path.len());
        let fix = finding.fix.as_ref();
        let fix = fix.map_or(0, |fix| fix.path.len() + fix.replacement.len());
        finding.rule.len() + finding.message.len() + location + fix
    };
    findings.iter().map(one).sum()
}

/// The bytes of an outcome: what the output's budget is about.
pub(crate) fn outcome_size(outcome: &Result<wit::Outcome, wit::Failure>) -> u64 {
    let bytes = match outcome {
        Ok(wit::Outcome::Completed(output)) => {
            let artifacts = output.artifacts.iter();
            output.value.len()
                + findings_size(&output.findings)
                + artifacts
                    .map(|a| a.name.len() + a.media_type.len() + a.sha256.len())
                    .sum::<usize>()
        }
        Ok(wit::Outcome::Rejected(rejection)) => {
            rejection.reason.len() + findings_size(&rejection.findings)
        }
        Err(wit::Failure::InvalidInput(message) | wit::Failure::Permanent(message)) => {
            message.len()
        }
        Err(wit::Failure::Transient(transient)) => transient.message.len(),
    };
    bytes as u64
}

fn findings_size(findings: &[wit::Finding]) -> usize {
    let one = |finding: &wit::Finding| {
        let location = finding.location.as_ref().map_or(0, |at| at.path.len());
        let fix = finding.fix.as_ref();
        let fix = fix.map_or(0, |fix| fix.path.len() + fix.replacement.len());
        finding.rule.len() + finding.message.len() + location + fix
    };
    findings.iter().map(one).sum()
}

/// How an attempt ended, checked. `known` are the artifacts that it put or was
/// given.
///
/// # Errors
/// What is wrong with the outcome; the attempt then failed.
pub(crate) fn outcome(
    outcome: Result<wit::Outcome, wit::Failure>,
    known: &BTreeMap<ContentHash, u64>,
) -> Result<AttemptResult, InvalidOutcome> {
    Ok(match outcome {
        Ok(wit::Outcome::Completed(output)) => AttemptResult::Completed(Output {
            value: Json::parse(&output.value).map_err(InvalidOutcome::Value)?,
            findings: check_findings(output.findings.into_iter().map(raw_finding))?,
            artifacts: check_artifacts(output.artifacts, known)?,
        }),
        Ok(wit::Outcome::Rejected(rejection)) => AttemptResult::Rejected(Rejection {
            reason: clean_text(&rejection.reason, MAX_MESSAGE_LEN).into(),
            findings: check_findings(rejection.findings.into_iter().map(raw_finding))?,
        }),
        Err(failure) => AttemptResult::Failed(match failure {
            wit::Failure::InvalidInput(message) => Failure::new(FailureCode::InvalidInput, message),
            wit::Failure::Permanent(message) => Failure::new(FailureCode::Permanent, message),
            wit::Failure::Transient(transient) => {
                Failure::new(FailureCode::Transient, transient.message)
                    .with_retry_after(transient.retry_after_ms.map(Duration::from_millis))
            }
        }),
    })
}

fn raw_finding(finding: wit::Finding) -> Finding {
    Finding {
        rule: finding.rule.into(),
        severity: match finding.severity {
            wit::Severity::Info => Severity::Info,
            wit::Severity::Low => Severity::Low,
            wit::Severity::Medium => Severity::Medium,
            wit::Severity::High => Severity::High,
            wit::Severity::Critical => Severity::Critical,
        },
        message: finding.message.into(),
        location: finding.location.map(|location| Location {
            path: location.path.into(),
            line: location.line,
            column: location.column,
        }),
        fix: finding.fix.map(|fix| Edit {
            path: fix.path.into(),
            first: fix.first,
            last: fix.last,
            replacement: fix.replacement.into(),
        }),
    }
}

/// Checks findings and cleans their texts; replacements stay as they are.
pub(crate) fn check_findings(
    findings: impl Iterator<Item = Finding>,
) -> Result<Arc<[Finding]>, InvalidOutcome> {
    findings
        .enumerate()
        .map(|(index, finding)| {
            check_finding(finding).map_err(|problem| InvalidOutcome::Finding {
                index: index + 1,
                problem,
            })
        })
        .collect()
}

fn check_finding(finding: Finding) -> Result<Finding, FindingProblem> {
    let rule = finding.rule.len();
    if rule == 0 || rule > MAX_RULE_LEN {
        return Err(FindingProblem::Rule(rule));
    }
    if finding.message.len() > MAX_MESSAGE_LEN {
        return Err(FindingProblem::Message(finding.message.len()));
    }
    if let Some(location) = &finding.location {
        check_path(&location.path)?;
        if location.line == 0 || location.column == 0 {
            return Err(FindingProblem::Place {
                line: location.line,
                column: location.column,
            });
        }
    }
    if let Some(fix) = &finding.fix {
        check_path(&fix.path)?;
        if fix.first == 0 || fix.last < fix.first {
            return Err(FindingProblem::Lines {
                first: fix.first,
                last: fix.last,
            });
        }
    }
    Ok(Finding {
        rule: clean(finding.rule),
        message: clean(finding.message),
        ..finding
    })
}

/// `text`, copied only if something in it has to be escaped.
fn clean(text: Arc<str>) -> Arc<str> {
    let clean = clean_text(&text, usize::MAX);
    if *clean == *text { text } else { clean.into() }
}

fn check_path(path: &str) -> Result<(), FindingProblem> {
    let printable = clean_text(path, usize::MAX) == path && !path.contains(['\n', '\t', '\\']);
    let relative = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if path.len() > MAX_PATH_LEN || !printable || !relative {
        return Err(FindingProblem::Path(path.to_owned()));
    }
    Ok(())
}

fn check_artifacts(
    artifacts: Vec<wit::Artifact>,
    known: &BTreeMap<ContentHash, u64>,
) -> Result<Arc<[Artifact]>, InvalidOutcome> {
    let check = |(index, artifact): (usize, wit::Artifact)| {
        check_artifact(artifact, known).map_err(|problem| InvalidOutcome::Artifact {
            index: index + 1,
            problem,
        })
    };
    artifacts.into_iter().enumerate().map(check).collect()
}

fn check_artifact(
    artifact: wit::Artifact,
    known: &BTreeMap<ContentHash, u64>,
) -> Result<Artifact, ArtifactProblem> {
    let sha256 = artifact.sha256.parse().map_err(|_| ArtifactProblem::Hash)?;
    known_artifact(
        artifact.name.into(),
        artifact.media_type.into(),
        sha256,
        known,
    )
}

fn known_artifact(
    name: Arc<str>,
    media_type: Arc<str>,
    sha256: ContentHash,
    known: &BTreeMap<ContentHash, u64>,
) -> Result<Artifact, ArtifactProblem> {
    check_artifact_names(&name, &media_type)?;
    Ok(Artifact {
        name,
        media_type,
        sha256,
        // The guest's own word on the size is not taken.
        size: *known.get(&sha256).ok_or(ArtifactProblem::Unknown)?,
    })
}

/// Checks artifacts that a command names.
pub(crate) fn check_known_artifacts(
    artifacts: &[Artifact],
    known: &BTreeMap<ContentHash, u64>,
) -> Result<Arc<[Artifact]>, InvalidOutcome> {
    let check = |(index, artifact): (usize, &Artifact)| {
        let (name, media_type) = (artifact.name.clone(), artifact.media_type.clone());
        known_artifact(name, media_type, artifact.sha256, known).map_err(|problem| {
            InvalidOutcome::Artifact {
                index: index + 1,
                problem,
            }
        })
    };
    artifacts.iter().enumerate().map(check).collect()
}

/// The artifacts that a task is given with the outputs that it needs.
pub(crate) fn given_artifacts(request: &TaskRequest) -> BTreeMap<ContentHash, u64> {
    let outputs = request.needs.iter().map(|need| &need.output);
    outputs
        .flat_map(|output| output.artifacts.iter())
        .map(|artifact| (artifact.sha256, artifact.size))
        .collect()
}

/// Checks what an agent calls an artifact.
///
/// # Errors
/// Which of the two cannot be.
pub(crate) fn check_artifact_names(name: &str, media_type: &str) -> Result<(), ArtifactProblem> {
    let printable =
        |text: &str| !text.contains(['\n', '\t']) && clean_text(text, usize::MAX) == text;
    let file_name = !name.is_empty()
        && name.len() <= MAX_ARTIFACT_NAME_LEN
        && !name.contains(['/', '\\'])
        && name != "."
        && name != "..";
    if !file_name || !printable(name) {
        return Err(ArtifactProblem::Name);
    }
    let parts = media_type.split_once('/');
    let two_parts = parts.is_some_and(|(kind, of)| !kind.is_empty() && !of.is_empty());
    if !two_parts || media_type.len() > MAX_MEDIA_TYPE_LEN || !printable(media_type) {
        return Err(ArtifactProblem::MediaType);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Finding {
        Finding {
            rule: "unwrap".into(),
            severity: Severity::Low,
            message: "may panic".into(),
            location: Some(Location {
                path: "src/lib.rs".into(),
                line: 1,
                column: 1,
            }),
            fix: Some(Edit {
                path: "src/lib.rs".into(),
                first: 3,
                last: 3,
                replacement: "a?;\n".into(),
            }),
        }
    }

    fn problem(change: impl FnOnce(&mut Finding)) -> String {
        let mut finding = good();
        change(&mut finding);
        check_finding(finding).unwrap_err().to_string()
    }

    #[test]
    fn a_good_finding_passes_unchanged() {
        assert_eq!(check_finding(good()).unwrap(), good());
    }

    #[test]
    fn texts_of_a_finding_are_cleaned_and_its_replacement_is_not() {
        let mut finding = good();
        finding.message = "\u{1b}[31mred".into();
        finding.fix.as_mut().unwrap().replacement = "\u{feff}x\r\n".into();
        let checked = check_finding(finding.clone()).unwrap();
        assert_eq!(&*checked.message, "\\u{1b}[31mred");
        assert_eq!(checked.fix, finding.fix);
    }

    #[test]
    fn paths_stay_within_their_mount() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "./a",
            "a\\b",
            "a\nb",
        ] {
            let text = problem(|finding| finding.location.as_mut().unwrap().path = path.into());
            assert!(text.starts_with("names the path"), "{path:?}: {text}");
            let text = problem(|finding| finding.fix.as_mut().unwrap().path = path.into());
            assert!(text.starts_with("names the path"), "{path:?}: {text}");
        }
    }

    #[test]
    fn numbers_of_a_finding_are_sane() {
        assert!(problem(|f| f.location.as_mut().unwrap().line = 0).contains("line 0"));
        assert!(problem(|f| f.location.as_mut().unwrap().column = 0).contains("column 0"));
        assert!(problem(|f| f.fix.as_mut().unwrap().first = 0).contains("lines 0 to 3"));
        assert!(problem(|f| f.fix.as_mut().unwrap().last = 2).contains("lines 3 to 2"));
    }

    #[test]
    fn texts_of_a_finding_are_bounded() {
        let mut most = good();
        most.rule = "r".repeat(MAX_RULE_LEN).into();
        most.message = "m".repeat(MAX_MESSAGE_LEN).into();
        check_finding(most).unwrap();
        assert!(problem(|f| f.rule = "r".repeat(MAX_RULE_LEN + 1).into()).contains("rule"));
        assert!(problem(|f| f.rule = "".into()).contains("rule"));
        let long = "m".repeat(MAX_MESSAGE_LEN + 1);
        assert!(problem(|f| f.message = long.into()).contains("message"));
        let long = "p".repeat(MAX_PATH_LEN + 1);
        assert!(problem(|f| f.location.as_mut().unwrap().path = long.into()).contains("path"));
    }

    #[test]
    fn an_artifact_is_one_that_the_attempt_knows() {
        let hash = ContentHash::from_bytes([7; 32]);
        let artifact = |name: &str, media_type: &str, sha256: &str| wit::Artifact {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            sha256: sha256.to_owned(),
            size: 999,
        };
        let known = BTreeMap::from([(hash, 5)]);
        let check = |artifact| check_artifact(artifact, &known);
        let good = check(artifact("fixes.patch", "text/x-diff", &hash.to_string())).unwrap();
        assert_eq!(good.size, 5, "the size is the host's");
        let other = ContentHash::from_bytes([8; 32]).to_string();
        assert!(check(artifact("a", "text/plain", &other)).is_err());
        for name in ["", "..", "a/b", "a\nb", &"n".repeat(256)] {
            assert!(
                check(artifact(name, "text/plain", &hash.to_string())).is_err(),
                "{name:?}"
            );
        }
        for media_type in ["", "text", "/plain", "text/\u{202e}"] {
            assert!(check(artifact("a", media_type, &hash.to_string())).is_err());
        }
    }
}
