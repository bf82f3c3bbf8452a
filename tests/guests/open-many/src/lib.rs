//! Holds so many resources of the host open at once.

use ringfence_sdk::prelude::*;
use wasip2::clocks::monotonic_clock::subscribe_duration;

struct OpenMany;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    count: usize,
}

impl Agent for OpenMany {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "open-many",
            env!("CARGO_PKG_VERSION"),
            "holds so many resources of the host open at once",
        )
        .role("test")
        .role("open-many")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<usize>, Failure> {
        // Pollables need no grant. None is dropped before the last is there.
        let open: Vec<_> = (0..input.count)
            .map(|_| subscribe_duration(u64::MAX))
            .collect();
        Ok(Outcome::completed(open.len()))
    }
}

ringfence_sdk::register!(OpenMany);
