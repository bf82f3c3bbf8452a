//! Asks the host for so many random bytes in one call.

use ringfence_sdk::prelude::*;
use wasip2::random::random::get_random_bytes;

struct RandomGiant;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    bytes: u64,
}

impl Agent for RandomGiant {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "random-giant",
            env!("CARGO_PKG_VERSION"),
            "asks the host for so many random bytes in one call",
        )
        .role("test")
        .role("random-giant")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<usize>, Failure> {
        Ok(Outcome::completed(get_random_bytes(input.bytes).len()))
    }
}

ringfence_sdk::register!(RandomGiant);
