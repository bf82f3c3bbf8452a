//! What the command tells of an attempt.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::super::{LogLine, Progress, StoredArtifact};
use super::SandboxRun;
use crate::{Activity, Finding, LogLevel, Outcome, Output, Rejection};

/// How an attempt in the sandbox failed.
///
/// ```no_run
/// # let run = ringfence_sdk::testing::TestHost::new().execute_in_sandbox();
/// assert!(run.failed().message.contains("too many files"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxFailure {
    /// The kind, for example `invalid-input`, `trap` or `out-of-fuel`.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
}

impl fmt::Display for SandboxFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// What an attempt in the sandbox used.
///
/// ```no_run
/// # let run = ringfence_sdk::testing::TestHost::new().execute_in_sandbox();
/// assert!(run.usage.peak_memory < 2 << 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxUsage {
    /// Fuel units: the same for the same component, task and answers.
    pub fuel: u64,
    /// The most memory held at once, in bytes.
    pub peak_memory: u64,
    /// Time on the clock.
    pub wall: Duration,
    /// Bytes of the outcome and of artifacts put.
    pub bytes_out: u64,
    /// Calls of host functions.
    pub host_calls: u32,
}

/// The document that the command prints.
#[derive(Deserialize)]
struct Document {
    result: Ended,
    usage: Used,
    logs: Vec<Line>,
    progress: Vec<Report>,
    artifacts: Vec<Content>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Ended {
    Completed(Output),
    Rejected(Refused),
    Failed(Failed),
}

#[derive(Deserialize)]
struct Refused {
    reason: String,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Failed {
    code: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Used {
    fuel: u64,
    peak_memory: u64,
    wall_us: u64,
    bytes_out: u64,
    host_calls: u32,
}

#[derive(Deserialize)]
struct Line {
    level: LogLevel,
    message: String,
    #[serde(default)]
    fields: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Report {
    activity: Doing,
    fraction: Option<f32>,
    note: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Doing {
    Thinking,
    Working,
    Waiting,
}

#[derive(Deserialize)]
struct Content {
    hex: String,
}

/// Reads what the command printed; `before` is what was in the store already.
pub(super) fn read(text: &str, before: Vec<StoredArtifact>) -> Result<SandboxRun, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| {
        format!(
            "what `ringfence` printed is not understood: {error}\nhint: the SDK and the command are of different versions; make `sdk/` anew with `ringfence new`"
        )
    })?;
    let mut artifacts = before;
    artifacts.extend(stored(&document.result, &document.artifacts));
    Ok(SandboxRun {
        outcome: outcome(document.result),
        logs: document.logs.into_iter().map(LogLine::from).collect(),
        progress: document.progress.into_iter().map(Progress::from).collect(),
        artifacts,
        usage: SandboxUsage {
            fuel: document.usage.fuel,
            peak_memory: document.usage.peak_memory,
            wall: Duration::from_micros(document.usage.wall_us),
            bytes_out: document.usage.bytes_out,
            host_calls: document.usage.host_calls,
        },
    })
}

fn outcome(ended: Ended) -> Result<Outcome<serde_json::Value>, SandboxFailure> {
    match ended {
        Ended::Completed(output) => Ok(Outcome::Completed {
            value: output.value,
            findings: output.findings,
            artifacts: output.artifacts,
        }),
        Ended::Rejected(Refused { reason, findings }) => {
            Ok(Outcome::Rejected(Rejection { reason, findings }))
        }
        Ended::Failed(Failed { code, message }) => Err(SandboxFailure { code, message }),
    }
}

/// The artifacts of the output, with what is in them, which comes in their order.
fn stored(ended: &Ended, contents: &[Content]) -> Vec<StoredArtifact> {
    let Ended::Completed(output) = ended else {
        return Vec::new();
    };
    let pairs = output.artifacts.iter().zip(contents);
    pairs
        .map(|(artifact, content)| StoredArtifact {
            artifact: artifact.clone(),
            content: bytes(&content.hex),
        })
        .collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

impl From<Line> for LogLine {
    fn from(line: Line) -> Self {
        Self {
            level: line.level,
            message: line.message,
            fields: line.fields,
        }
    }
}

impl From<Report> for Progress {
    fn from(report: Report) -> Self {
        Self {
            activity: match report.activity {
                Doing::Thinking => Activity::Thinking,
                Doing::Working => Activity::Working,
                Doing::Waiting => Activity::Waiting,
            },
            fraction: report.fraction,
            note: report.note,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(result: &serde_json::Value) -> String {
        json!({
            "result": result,
            "usage": {
                "fuel": 7, "peak-memory": 8, "wall-us": 9, "cpu-us": 1, "bytes-out": 2,
                "host-calls": 3, "log-lines": 1, "log-lines-dropped": 0,
            },
            "logs": [{ "level": "info", "message": "hello", "fields": [["n", "1"]] }],
            "progress": [{ "activity": "thinking", "fraction": 0.5, "note": "of it" }],
            "decisions": [],
            "artifacts": [{ "name": "a", "media_type": "text/plain", "hex": "00ff" }],
        })
        .to_string()
    }

    #[test]
    fn all_that_the_command_tells_is_read() {
        let artifact = json!({ "name": "a", "media_type": "text/plain", "sha256": "x", "size": 2 });
        let result =
            json!({ "completed": { "value": 1, "findings": [], "artifacts": [artifact] } });
        let run = read(&document(&result), Vec::new()).unwrap();
        assert_eq!(run.completed(), 1);
        assert_eq!(run.logs[0].fields, [("n".to_owned(), "1".to_owned())]);
        assert_eq!(run.progress[0].activity, Activity::Thinking);
        assert_eq!(run.artifacts[0].content, [0, 255]);
        assert_eq!((run.usage.fuel, run.usage.host_calls), (7, 3));
    }

    #[test]
    fn a_rejection_and_a_failure_are_told_apart() {
        let rejected = json!({ "rejected": { "reason": "no", "findings": [] } });
        assert_eq!(
            read(&document(&rejected), Vec::new())
                .unwrap()
                .rejected()
                .reason,
            "no"
        );
        let failed = json!({ "failed": { "code": "trap", "message": "a panic" } });
        let run = read(&document(&failed), Vec::new()).unwrap();
        assert_eq!(run.failed().to_string(), "trap: a panic");
    }

    #[test]
    fn another_version_is_named_as_the_reason() {
        let error = read("{}", Vec::new()).unwrap_err();
        assert!(error.contains("of different versions"), "{error}");
    }
}
