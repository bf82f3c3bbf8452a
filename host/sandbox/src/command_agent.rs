//! A plain `wasi:cli/command` as an agent.
//!
//! The task is one JSON document on stdin:
//!
//! ```json
//! {
//!   "run": "r-1", "id": "review[3]", "role": "reviewer", "priority": "normal",
//!   "attempt": 1, "round": 1, "input": {"files": ["src/lib.rs"]},
//!   "needs": [{"task": "survey", "output": {"value": {}, "findings": [], "artifacts": []}}],
//!   "feedback": [], "time-left-ms": 30000
//! }
//! ```
//!
//! What it answers is one JSON document on stdout, and its exit code says which:
//!
//! | code | means | stdout |
//! |---|---|---|
//! | 0 | completed | `{"value": ..., "findings": [...], "artifacts": [...]}`; the lists may be left out |
//! | 3 | rejected | `{"reason": "...", "findings": [...]}`; the list may be left out |
//! | 64 to 78 | a permanent failure | ignored; the end of stderr is the message |
//! | others | a transient failure | the same |
//!
//! Keys that are not named here are ignored, so that one document can serve
//! several codes. Many languages only know how to end well or badly on WASI
//! 0.2, which comes out as 0 or 1; to end with another code, call
//! `wasi:cli/exit.exit-with-code`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use ringfence_flow::{
    Artifact, AttemptResult, Dependency, Failure, FailureCode, Finding, Json, MAX_MESSAGE_LEN,
    Output, Priority, Rejection, TaskRequest, clean_text,
};
use serde::{Deserialize, Serialize};

use crate::conv::{self, InvalidOutcome};

/// The exit code of a gate that rejects.
pub const EXIT_REJECTED: i32 = 3;

/// The exit codes of failures that trying again does not mend: those of
/// sysexits.h.
pub const EXIT_PERMANENT: RangeInclusive<i32> = 64..=78;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct TaskDocument<'a> {
    run: &'a str,
    id: String,
    role: &'a str,
    priority: Priority,
    attempt: u32,
    round: u32,
    input: &'a Json,
    needs: &'a [Dependency],
    feedback: &'a [Finding],
    time_left_ms: u64,
}

#[derive(Deserialize)]
struct OutputDocument {
    value: Json,
    #[serde(default)]
    findings: Vec<Finding>,
    #[serde(default)]
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
struct RejectionDocument {
    reason: String,
    #[serde(default)]
    findings: Vec<Finding>,
}

/// The document on stdin.
pub(crate) fn task_document(request: &TaskRequest) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&TaskDocument {
        run: request.run.as_str(),
        id: request.key.to_string(),
        role: request.role.as_str(),
        priority: request.priority,
        attempt: request.attempt,
        round: request.round,
        input: &request.input,
        needs: &request.needs,
        feedback: &request.feedback,
        time_left_ms: request.time_left.as_millis() as u64,
    })
}

/// How an attempt ended that exited with `code`, printed `stdout` and left
/// `stderr` as the end of its errors.
pub(crate) fn result(
    code: i32,
    stdout: &[u8],
    stderr: &str,
    request: &TaskRequest,
) -> AttemptResult {
    let answer = match code {
        0 => completed(stdout, request),
        EXIT_REJECTED => rejected(stdout),
        _ if EXIT_PERMANENT.contains(&code) => Ok(failed(FailureCode::Permanent, code, stderr)),
        _ => Ok(failed(FailureCode::Transient, code, stderr)),
    };
    answer.unwrap_or_else(|problem| {
        AttemptResult::Failed(Failure::new(
            FailureCode::InvalidOutput,
            format!("the command exited with {code}, but {problem}"),
        ))
    })
}

fn failed(code: FailureCode, exit: i32, stderr: &str) -> AttemptResult {
    let message = if stderr.is_empty() {
        format!("the command exited with {exit} and wrote nothing to stderr")
    } else {
        format!("the command exited with {exit}: {stderr}")
    };
    AttemptResult::Failed(Failure::new(code, message))
}

/// What is wrong with what a command printed.
#[derive(Debug, thiserror::Error)]
enum InvalidDocument {
    #[error("what it wrote to stdout is not UTF-8")]
    NotUtf8,
    #[error("what it wrote to stdout is {0}")]
    NotJson(ringfence_flow::InvalidJson),
    #[error("what it wrote to stdout is no {what}: {problem}\nhint: write {example}")]
    Misfit {
        what: &'static str,
        problem: serde_json::Error,
        example: &'static str,
    },
    #[error("{0}")]
    Outcome(InvalidOutcome),
}

fn document(stdout: &[u8]) -> Result<Json, InvalidDocument> {
    let text = std::str::from_utf8(stdout).map_err(|_| InvalidDocument::NotUtf8)?;
    Json::parse(text.trim()).map_err(InvalidDocument::NotJson)
}

fn completed(stdout: &[u8], request: &TaskRequest) -> Result<AttemptResult, InvalidDocument> {
    let output: OutputDocument =
        document(stdout)?
            .decode()
            .map_err(|problem| InvalidDocument::Misfit {
                what: "output",
                problem,
                example: r#"`{"value": ...}`, with `findings` and `artifacts` if there are any"#,
            })?;
    let artifacts = conv::check_known_artifacts(&output.artifacts, &conv::given_artifacts(request));
    Ok(AttemptResult::Completed(Output {
        findings: checked(&output.findings)?,
        artifacts: artifacts.map_err(InvalidDocument::Outcome)?,
        value: output.value,
    }))
}

fn rejected(stdout: &[u8]) -> Result<AttemptResult, InvalidDocument> {
    let rejection: RejectionDocument =
        document(stdout)?
            .decode()
            .map_err(|problem| InvalidDocument::Misfit {
                what: "rejection",
                problem,
                example: r#"`{"reason": "...", "findings": [...]}`"#,
            })?;
    Ok(AttemptResult::Rejected(Rejection {
        reason: clean_text(&rejection.reason, MAX_MESSAGE_LEN).into(),
        findings: checked(&rejection.findings)?,
    }))
}

fn checked(findings: &[Finding]) -> Result<Arc<[Finding]>, InvalidDocument> {
    conv::check_findings(findings.iter().cloned()).map_err(InvalidDocument::Outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_flow::{Role, RunId, TaskId, TaskKey};
    use std::time::Duration;

    fn request() -> TaskRequest {
        TaskRequest {
            run: RunId::new("r-1").unwrap(),
            key: TaskKey::item(TaskId::new("review").unwrap(), 3),
            role: Role::new("reviewer").unwrap(),
            priority: Priority::High,
            attempt: 2,
            round: 1,
            input: Json::parse(r#"{"files":["a.rs"]}"#).unwrap(),
            needs: Arc::new([Dependency {
                task: TaskId::new("survey").unwrap(),
                output: Output::of(Json::parse("[1]").unwrap()),
            }]),
            feedback: Arc::new([]),
            mounts: Arc::new([]),
            time_left: Duration::from_millis(1_500),
        }
    }

    fn show(code: i32, stdout: &str) -> String {
        match result(code, stdout.as_bytes(), "boom", &request()) {
            AttemptResult::Completed(output) => format!("completed {}", output.value),
            AttemptResult::Rejected(rejection) => {
                format!("rejected {} {}", rejection.reason, rejection.findings.len())
            }
            AttemptResult::Failed(failure) => failure.to_string(),
        }
    }

    #[test]
    fn the_task_is_one_document() {
        let document = String::from_utf8(task_document(&request()).unwrap()).unwrap();
        assert_eq!(
            document,
            r#"{"run":"r-1","id":"review[3]","role":"reviewer","priority":"high","attempt":2,"round":1,"input":{"files":["a.rs"]},"needs":[{"task":"survey","output":{"value":[1],"findings":[],"artifacts":[]}}],"feedback":[],"time-left-ms":1500}"#
        );
    }

    #[test]
    fn the_exit_code_says_how_it_ended() {
        assert_eq!(show(0, "{\"value\": {\"n\": 1}}\n"), r#"completed {"n":1}"#);
        let finding = r#"{"rule":"r","severity":"low","message":"m"}"#;
        let rejection = format!(r#"{{"reason":"no","findings":[{finding}]}}"#);
        assert_eq!(show(3, &rejection), "rejected no 1");
        assert_eq!(
            show(1, &rejection),
            "transient: the command exited with 1: boom"
        );
        assert_eq!(show(0, r#"{"value":1,"reason":"both"}"#), "completed 1");
        assert_eq!(
            show(2, &rejection),
            "transient: the command exited with 2: boom"
        );
        assert_eq!(show(64, ""), "permanent: the command exited with 64: boom");
        assert_eq!(show(78, ""), "permanent: the command exited with 78: boom");
        assert_eq!(show(79, ""), "transient: the command exited with 79: boom");
    }

    #[test]
    fn a_document_that_does_not_fit_is_an_invalid_output() {
        for (code, stdout) in [
            (0, ""),
            (0, "hello"),
            (0, "{}"),
            (0, r#"{"value": 1, "findings": {}}"#),
            (
                0,
                r#"{"value": 1, "findings": [{"rule": "", "severity": "low", "message": ""}]}"#,
            ),
            (3, r#"{"findings": []}"#),
        ] {
            let text = show(code, stdout);
            assert!(
                text.starts_with("invalid-output: the command exited with"),
                "{text}"
            );
        }
        let AttemptResult::Failed(failure) = result(0, b"\xff", "", &request()) else {
            panic!("broken UTF-8 was taken");
        };
        assert_eq!(failure.code, FailureCode::InvalidOutput);
    }
}
