//! Gives an output of so many bytes: in its value, or in its findings.

use ringfence_sdk::prelude::*;

struct WriteOutput;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    bytes: usize,
    #[serde(default)]
    in_findings: bool,
}

impl Agent for WriteOutput {
    type Input = Input;
    type Output = String;

    fn describe() -> Description {
        Description::new(
            "write-output",
            env!("CARGO_PKG_VERSION"),
            "gives an output of so many bytes: in its value, or in its findings",
        )
        .role("test")
        .role("write-output")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<String>, Failure> {
        let text = "x".repeat(input.bytes);
        Ok(if input.in_findings {
            Outcome::completed(String::new()).with_findings([Finding::new(
                "long",
                Severity::Info,
                text,
            )])
        } else {
            Outcome::completed(text)
        })
    }
}

ringfence_sdk::register!(WriteOutput);
