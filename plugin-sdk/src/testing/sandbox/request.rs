//! A test's task, as the command reads it.

use serde_json::{Map, Value, json};

use super::super::{DEFAULT_ROLE, Recorder, StoredArtifact};
use crate::{Artifact, Dependency, Task};

/// The task as a JSON document, or why the sandbox cannot have it.
pub(super) fn of(task: &Task, recorder: &Recorder) -> Result<String, String> {
    if recorder.has_answers() {
        return Err(
            "it scripts answers of a model, and hosts have none\nhint: leave out `model_says` and `model_fails`, or test it with `execute`"
                .to_owned(),
        );
    }
    let stored = recorder.artifacts();
    let input: Value = serde_json::from_str(&task.input)
        .map_err(|error| format!("its input is no JSON document: {error}"))?;
    let needs: Result<Vec<_>, _> = task
        .needs
        .iter()
        .map(|need| dependency(need, &stored))
        .collect();
    let mounts = recorder.mounts().into_iter();
    let mounts: Map<_, _> = mounts
        .map(|(name, folder)| (name, format!("{}:rw", folder.display()).into()))
        .collect();
    let mut document = json!({
        "id": task.id,
        "priority": task.priority,
        "attempt": task.attempt,
        "round": task.round,
        "input": input,
        "needs": needs?,
        "feedback": task.feedback,
        "mounts": mounts,
        "artifacts": stored.iter().map(artifact).collect::<Vec<_>>(),
        "timeout": format!("{}ms", task.time_left.as_millis()),
    });
    if task.role != DEFAULT_ROLE {
        document["role"] = task.role.as_str().into();
    }
    Ok(document.to_string())
}

fn dependency(need: &Dependency, stored: &[StoredArtifact]) -> Result<Value, String> {
    let content = |wanted: &Artifact| {
        let mut stored = stored.iter();
        let found = stored.find(|stored| stored.artifact.sha256 == wanted.sha256);
        found.map(artifact).ok_or_else(|| {
            format!(
                "the artifact `{}` of `{}` is in no store\nhint: put it with `put_artifact` of the same `TestHost`",
                wanted.name, need.task
            )
        })
    };
    let value: Value = need.decode().map_err(|error| error.to_string())?;
    let artifacts: Result<Vec<_>, _> = need.artifacts.iter().map(content).collect();
    Ok(json!({
        "task": need.task,
        "value": value,
        "findings": need.findings,
        "artifacts": artifacts?,
    }))
}

fn artifact(stored: &StoredArtifact) -> Value {
    let digits = stored.content.iter().map(|byte| format!("{byte:02x}"));
    json!({
        "name": stored.artifact.name,
        "media_type": stored.artifact.media_type,
        "hex": digits.collect::<String>(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::TestHost;
    use super::*;
    use crate::{Finding, ModelResponse, Output, Priority, Severity};

    fn request(host: &TestHost) -> Result<Value, String> {
        of(&host.task, &host.recorder).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn all_of_a_task_goes_through() {
        let host = TestHost::new();
        let patch = host.put_artifact("a.patch", "text/x-diff", b"\x00\xff");
        let host = host
            .id("fix[2]")
            .role("developer")
            .priority(Priority::High)
            .attempt(2)
            .round(3)
            .input(json!({ "n": 1 }))
            .need_output(
                "review",
                Output {
                    artifacts: vec![patch],
                    ..Output::of(json!(7))
                },
            )
            .feedback([Finding::new("rule", Severity::Low, "no")])
            .mount("src", "/folder");
        let artifact = json!({ "name": "a.patch", "media_type": "text/x-diff", "hex": "00ff" });
        assert_eq!(
            request(&host).unwrap(),
            json!({
                "id": "fix[2]",
                "role": "developer",
                "priority": "high",
                "attempt": 2,
                "round": 3,
                "input": { "n": 1 },
                "needs": [{ "task": "review", "value": 7, "findings": [], "artifacts": [artifact] }],
                "feedback": [{ "rule": "rule", "severity": "low", "message": "no" }],
                "mounts": { "src": "/folder:rw" },
                "artifacts": [artifact],
                "timeout": "30000ms",
            })
        );
    }

    #[test]
    fn the_role_is_the_agents_own_unless_the_test_says_another() {
        assert_eq!(request(&TestHost::new()).unwrap().get("role"), None);
    }

    #[test]
    fn what_the_sandbox_cannot_have_is_refused() {
        let host = TestHost::new().model_says(ModelResponse::of("yes"));
        assert!(
            request(&host)
                .unwrap_err()
                .starts_with("it scripts answers of a model")
        );

        let elsewhere = TestHost::new().put_artifact("a", "text/plain", b"a");
        let output = Output {
            artifacts: vec![elsewhere],
            ..Output::default()
        };
        let error = request(&TestHost::new().need_output("b", output)).unwrap_err();
        assert!(
            error.starts_with("the artifact `a` of `b` is in no store"),
            "{error}"
        );
    }
}
