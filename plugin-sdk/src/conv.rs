//! Between the contract's generated types and the crate's own. Nobody else
//! sees generated types, but for those who hand them through.

#[cfg(not(target_family = "wasm"))]
mod native;
#[cfg(target_family = "wasm")]
mod sandbox;

use std::time::Duration;

use serde::Serialize;

use crate::bindings::ringfence::agent::types as wire;
use crate::{Artifact, Dependency, Edit, Failure, Finding, Location, Priority, Severity, Task};

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::wire_task;
#[cfg(target_family = "wasm")]
pub(crate) use sandbox::{
    activity, description, failure, level, model_error, model_request, model_response, outcome,
};

pub(crate) fn task(from: wire::Task) -> Task {
    Task {
        run: from.run,
        id: from.id,
        role: from.role,
        priority: priority(from.priority),
        attempt: from.attempt,
        round: from.round,
        needs: from.needs.into_iter().map(dependency).collect(),
        feedback: from.feedback.into_iter().map(finding).collect(),
        time_left: Duration::from_millis(from.time_left_ms),
        input: from.input,
    }
}

fn dependency(from: wire::Dependency) -> Dependency {
    Dependency {
        task: from.task,
        findings: from.output.findings.into_iter().map(finding).collect(),
        artifacts: from.output.artifacts.into_iter().map(artifact).collect(),
        value: from.output.value,
    }
}

pub(crate) fn artifact(from: wire::Artifact) -> Artifact {
    Artifact {
        name: from.name,
        media_type: from.media_type,
        sha256: from.sha256,
        size: from.size,
    }
}

pub(crate) fn wire_artifact(from: Artifact) -> wire::Artifact {
    wire::Artifact {
        name: from.name,
        media_type: from.media_type,
        sha256: from.sha256,
        size: from.size,
    }
}

pub(crate) fn finding(from: wire::Finding) -> Finding {
    Finding {
        rule: from.rule,
        severity: severity(from.severity),
        message: from.message,
        location: from.location.map(|place| Location {
            path: place.path,
            line: place.line,
            column: place.column,
        }),
        fix: from.fix.map(|edit| Edit {
            path: edit.path,
            first: edit.first,
            last: edit.last,
            replacement: edit.replacement,
        }),
    }
}

pub(crate) fn wire_finding(from: Finding) -> wire::Finding {
    wire::Finding {
        rule: from.rule,
        severity: wire_severity(from.severity),
        message: from.message,
        location: from.location.map(|place| wire::Location {
            path: place.path,
            line: place.line,
            column: place.column,
        }),
        fix: from.fix.map(|edit| wire::Edit {
            path: edit.path,
            first: edit.first,
            last: edit.last,
            replacement: edit.replacement,
        }),
    }
}

const fn severity(from: wire::Severity) -> Severity {
    match from {
        wire::Severity::Info => Severity::Info,
        wire::Severity::Low => Severity::Low,
        wire::Severity::Medium => Severity::Medium,
        wire::Severity::High => Severity::High,
        wire::Severity::Critical => Severity::Critical,
    }
}

const fn wire_severity(from: Severity) -> wire::Severity {
    match from {
        Severity::Info => wire::Severity::Info,
        Severity::Low => wire::Severity::Low,
        Severity::Medium => wire::Severity::Medium,
        Severity::High => wire::Severity::High,
        Severity::Critical => wire::Severity::Critical,
    }
}

const fn priority(from: wire::Priority) -> Priority {
    match from {
        wire::Priority::Low => Priority::Low,
        wire::Priority::Normal => Priority::Normal,
        wire::Priority::High => Priority::High,
        wire::Priority::Critical => Priority::Critical,
        wire::Priority::Emergency => Priority::Emergency,
    }
}

/// # Errors
/// A permanent failure if the value has no form in JSON, for example a map
/// whose keys are no text.
pub(crate) fn value_json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value)
        .map_err(|error| Failure::permanent(format!("the output has no form in JSON: {error}")))
}

/// Rounded up, so that a wait is never shorter than what was asked for.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Output;
    use crate::testing::TestHost;

    #[test]
    fn a_task_comes_back_as_it_went() {
        let host = TestHost::new();
        let artifact = host.put_artifact("a.txt", "text/plain", b"a");
        let finding = Finding::new("rule", Severity::Medium, "message")
            .at("a.rs", 1, 2)
            .fix(Edit::replace_lines("a.rs", 1..=2, "x\n"));
        let there = host
            .input(serde_json::json!({ "a": [1, null] }))
            .need_output(
                "survey",
                Output {
                    value: serde_json::json!({ "b": 2 }),
                    findings: vec![finding.clone()],
                    artifacts: vec![artifact],
                },
            )
            .feedback([finding])
            .priority(Priority::Emergency)
            .time_left(Duration::from_millis(1_500))
            .task();
        assert_eq!(task(wire_task(there.clone())), there);
    }

    #[test]
    fn what_a_task_gave_is_read_where_it_is_looked_at() {
        let there = TestHost::new().need("survey", serde_json::json!(1), []);
        let mut wired = wire_task(there.task());
        wired.needs[0].output.value = "{".to_owned();
        let here = task(wired);
        assert_eq!(here.needs[0].value_json(), "{");
        let failure = here.needs[0].decode::<serde_json::Value>().unwrap_err();
        assert!(
            failure.to_string().contains("`needs.survey.?`"),
            "{failure}"
        );
    }

    #[test]
    fn each_severity_and_priority_has_its_own_case() {
        for case in Severity::ALL {
            assert_eq!(severity(wire_severity(case)), case);
        }
        for case in [
            Priority::Low,
            Priority::Normal,
            Priority::High,
            Priority::Critical,
            Priority::Emergency,
        ] {
            let there = TestHost::new().priority(case).task();
            assert_eq!(wire_task(there).priority as u8, case as u8);
        }
    }

    #[test]
    fn waits_are_rounded_up() {
        assert_eq!(millis(Duration::from_micros(1)), 1);
        assert_eq!(millis(Duration::from_millis(7)), 7);
        assert_eq!(millis(Duration::MAX), u64::MAX);
    }

    #[test]
    fn a_value_without_a_form_in_json_is_a_permanent_failure() {
        let keys_are_no_text = std::collections::BTreeMap::from([((1, 2), 3)]);
        let failure = value_json(&keys_are_no_text).unwrap_err();
        assert!(
            matches!(&failure, Failure::Permanent(m) if m.contains("key must be a string")),
            "{failure:?}"
        );
    }
}
