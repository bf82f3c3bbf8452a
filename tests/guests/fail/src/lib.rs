//! Fails as its input says, and completes from a given attempt on.

use std::time::Duration;

use ringfence_sdk::prelude::*;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[serde(alias = "invalid")]
    InvalidInput,
    Permanent,
    Transient,
}

struct Fail;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    kind: Kind,
    #[serde(default)]
    message: String,
    #[serde(default)]
    retry_after_ms: Option<u64>,
    /// The first attempt that completes; by default none does.
    #[serde(default)]
    until_attempt: Option<u32>,
}

impl Agent for Fail {
    type Input = Input;
    type Output = u32;

    fn describe() -> Description {
        Description::new(
            "fail",
            env!("CARGO_PKG_VERSION"),
            "fails as its input says, and completes from a given attempt on",
        )
        .role("test")
        .role("fail")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<u32>, Failure> {
        let attempt = cx.task().attempt;
        if input.until_attempt.is_some_and(|first| attempt >= first) {
            return Ok(Outcome::completed(attempt));
        }
        let failure = match input.kind {
            Kind::InvalidInput => Failure::invalid_input(input.message),
            Kind::Permanent => Failure::permanent(input.message),
            Kind::Transient => Failure::transient(input.message),
        };
        Err(match input.retry_after_ms {
            Some(millis) => failure.retry_after(Duration::from_millis(millis)),
            None => failure,
        })
    }
}

ringfence_sdk::register!(Fail);
