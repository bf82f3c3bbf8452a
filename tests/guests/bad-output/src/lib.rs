//! Gives what is no outcome, in the way that its input names. It does without
//! the SDK's trait, which would not let it.

use ringfence_sdk::bindings::exports::ringfence::agent::agent::{
    Description, Failure, Guest, Outcome, Task,
};
use ringfence_sdk::bindings::ringfence::agent::types::{
    Artifact, Finding, Location, Output, Severity,
};

struct BadOutput;

impl Guest for BadOutput {
    fn describe() -> Description {
        Description {
            name: "bad-output".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: "gives what is no outcome".to_owned(),
            roles: vec!["test".to_owned(), "bad-output".to_owned()],
            input_schema: None,
            output_schema: None,
        }
    }

    fn can_handle(_: Task) -> bool {
        true
    }

    fn execute(task: Task) -> Result<Outcome, Failure> {
        let mut output = Output {
            value: "null".to_owned(),
            findings: Vec::new(),
            artifacts: Vec::new(),
        };
        match task.input.trim_matches('"') {
            "broken" => output.value = "{\"open\": ".to_owned(),
            "empty" => output.value.clear(),
            "deep" => output.value = "[".repeat(100_000) + &"]".repeat(100_000),
            "not-utf-8" => {
                // SAFETY: none. The text is not looked at before it leaves the
                // sandbox, where it is meant to be refused.
                output.value = unsafe { String::from_utf8_unchecked(vec![b'"', 0xff, b'"']) };
            }
            "line-zero" => output.findings.push(Finding {
                rule: "odd".to_owned(),
                severity: Severity::Low,
                message: "at line 0, and a \u{1b}[31mred\u{202e} message\nof two lines".to_owned(),
                location: Some(Location {
                    path: "../../etc/passwd".to_owned(),
                    line: 0,
                    column: 0,
                }),
                fix: None,
            }),
            "forged-artifact" => output.artifacts.push(Artifact {
                name: "never-put.txt".to_owned(),
                media_type: "text/plain".to_owned(),
                sha256: "0".repeat(64),
                size: 1,
            }),
            "bad-hash" => output.artifacts.push(Artifact {
                name: "../escape".to_owned(),
                media_type: "text/plain".to_owned(),
                sha256: "no hash".to_owned(),
                size: u64::MAX,
            }),
            other => return Err(Failure::InvalidInput(format!("no kind `{other}`"))),
        }
        Ok(Outcome::Completed(output))
    }
}

#[cfg(target_family = "wasm")]
ringfence_sdk::bindings::export!(BadOutput with_types_in ringfence_sdk::bindings);
#[cfg(not(target_family = "wasm"))]
const _: std::marker::PhantomData<BadOutput> = std::marker::PhantomData;
