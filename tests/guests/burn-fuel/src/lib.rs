//! Computes for at least so many units of fuel.

use std::hint::black_box;

use ringfence_sdk::prelude::*;

struct BurnFuel;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// At least this much.
    units: u64,
}

impl Agent for BurnFuel {
    type Input = Input;
    type Output = u64;

    fn describe() -> Description {
        Description::new(
            "burn-fuel",
            env!("CARGO_PKG_VERSION"),
            "computes for at least so many units of fuel",
        )
        .role("test")
        .role("burn-fuel")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<u64>, Failure> {
        // A turn of the loop is a handful of instructions, each one unit.
        let mut state = 1_u64;
        for turn in 0..input.units / 4 {
            state = black_box(
                state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(turn),
            );
        }
        Ok(Outcome::completed(state))
    }
}

ringfence_sdk::register!(BurnFuel);
