//! Gives back its input. Its name holds a number and is long enough to stand in
//! the file as text, so that a copy with another number is another agent.

use ringfence_sdk::prelude::*;

struct OneOfMany;

impl Agent for OneOfMany {
    type Input = serde_json::Value;
    type Output = serde_json::Value;

    fn describe() -> Description {
        Description::new(
            "one-of-many-agents-with-number-000",
            env!("CARGO_PKG_VERSION"),
            "gives back its input",
        )
        .role("test")
        .role("one-of-many")
    }

    fn execute(input: Self::Input, _: &Context) -> Result<Outcome<Self::Output>, Failure> {
        Ok(Outcome::completed(input))
    }
}

ringfence_sdk::register!(OneOfMany);
