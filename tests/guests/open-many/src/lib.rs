//! Holds so many resources of the host open at once.

use ringfence_sdk::prelude::*;
use wasip2::clocks::monotonic_clock::subscribe_duration;

struct OpenMany;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    count: usize,
    /// A mount, whose root it lists so many times in place of anything else.
    #[serde(default)]
    list: Option<String>,
    /// Whether it holds each listing until the last is there.
    #[serde(default)]
    hold: bool,
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

    fn execute(input: Input, cx: &Context) -> Result<Outcome<usize>, Failure> {
        if let Some(mount) = &input.list {
            return Ok(Outcome::completed(list(&cx.mount(mount), &input)));
        }
        // Pollables need no grant. None is dropped before the last is there.
        let open: Vec<_> = (0..input.count)
            .map(|_| subscribe_duration(u64::MAX))
            .collect();
        Ok(Outcome::completed(open.len()))
    }
}

/// How many listings there could be.
fn list(folder: &std::path::Path, input: &Input) -> usize {
    let mut held = Vec::new();
    for done in 0..input.count {
        match std::fs::read_dir(folder) {
            Ok(listing) if input.hold => held.push(listing),
            Ok(_) => {}
            Err(_) => return done,
        }
    }
    input.count
}

ringfence_sdk::register!(OpenMany);
