//! Gives the bits of values that are no number, each made another way.

use std::hint::black_box;

use ringfence_sdk::prelude::*;

struct Nan;

impl Agent for Nan {
    type Input = serde_json::Value;
    type Output = Vec<String>;

    fn describe() -> Description {
        Description::new(
            "nan",
            env!("CARGO_PKG_VERSION"),
            "gives the bits of values that are no number, each made another way",
        )
        .role("test")
        .role("nan")
    }

    #[allow(
        clippy::eq_op,
        reason = "a number divided by itself is what makes it none"
    )]
    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<Vec<String>>, Failure> {
        let zero = black_box(0.0_f64);
        let negative = black_box(-1.0_f64);
        let infinite = black_box(f64::INFINITY);
        let odd = black_box(f64::from_bits(0x7ff8_dead_beef_0001));
        let small = black_box(0.0_f32);
        Ok(Outcome::completed(vec![
            format!("{:016x}", black_box(zero / zero).to_bits()),
            format!("{:016x}", black_box(infinite - infinite).to_bits()),
            format!("{:016x}", black_box(negative.sqrt()).to_bits()),
            format!("{:016x}", black_box(odd + 1.0).to_bits()),
            format!("{:016x}", black_box(infinite * zero).to_bits()),
            format!("{:08x}", black_box(small / small).to_bits()),
        ]))
    }
}

ringfence_sdk::register!(Nan);
