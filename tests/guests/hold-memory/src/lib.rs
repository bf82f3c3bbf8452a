//! Holds so much memory at once, every byte of it written.

use std::hint::black_box;

use ringfence_sdk::prelude::*;

struct HoldMemory;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    mib: usize,
}

impl Agent for HoldMemory {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "hold-memory",
            env!("CARGO_PKG_VERSION"),
            "holds so much memory at once, every byte of it written",
        )
        .role("test")
        .role("hold-memory")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<usize>, Failure> {
        let held = black_box(vec![1_u8; input.mib << 20]);
        Ok(Outcome::completed(held.len()))
    }
}

ringfence_sdk::register!(HoldMemory);
