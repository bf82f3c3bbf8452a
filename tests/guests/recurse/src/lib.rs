//! Calls itself so deep, or for ever.

use std::hint::black_box;

use ringfence_sdk::prelude::*;

fn descend(left: u64) -> u64 {
    if left == 0 {
        return 0;
    }
    // Work after the call keeps it from becoming a loop.
    black_box(descend(black_box(left - 1))) + 1
}

struct Recurse;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(default)]
    depth: Option<u64>,
}

impl Agent for Recurse {
    type Input = Input;
    type Output = u64;

    fn describe() -> Description {
        Description::new(
            "recurse",
            env!("CARGO_PKG_VERSION"),
            "calls itself so deep, or for ever",
        )
        .role("test")
        .role("recurse")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<u64>, Failure> {
        Ok(Outcome::completed(descend(input.depth.unwrap_or(u64::MAX))))
    }
}

ringfence_sdk::register!(Recurse);
