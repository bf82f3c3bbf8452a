//! Rejects in every round up to a given one, in which it completes.

use ringfence_sdk::prelude::*;

struct Reject;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// The first round that completes; by default none does.
    #[serde(default)]
    until_round: Option<u32>,
}

impl Agent for Reject {
    type Input = Input;
    type Output = u32;

    fn describe() -> Description {
        Description::new(
            "reject",
            env!("CARGO_PKG_VERSION"),
            "rejects in every round up to a given one, in which it completes",
        )
        .role("test")
        .role("reject")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<u32>, Failure> {
        let round = cx.task().round;
        if input.until_round.is_some_and(|first| round >= first) {
            return Ok(Outcome::completed(round));
        }
        Ok(
            Outcome::rejected(format!("round {round} is not good enough")).with_findings([
                Finding::new("not-good-enough", Severity::High, format!("round {round}")).at(
                    "src/lib.rs",
                    round,
                    1,
                ),
            ]),
        )
    }
}

ringfence_sdk::register!(Reject);
