//! Writes so many log lines of so many bytes, then completes.

use ringfence_sdk::prelude::*;

struct FloodLog;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    lines: usize,
    #[serde(default)]
    bytes: usize,
    /// Written instead of letters.
    #[serde(default)]
    text: Option<String>,
}

impl Agent for FloodLog {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "flood-log",
            env!("CARGO_PKG_VERSION"),
            "writes so many log lines of so many bytes, then completes",
        )
        .role("test")
        .role("flood-log")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<usize>, Failure> {
        let line = input.text.unwrap_or_else(|| "x".repeat(input.bytes));
        for number in 0..input.lines {
            cx.log().with("line", number).info(&line);
        }
        Ok(Outcome::completed(input.lines))
    }
}

ringfence_sdk::register!(FloodLog);
