//! Computes for ever.

use ringfence_sdk::prelude::*;

struct Spin;

impl Agent for Spin {
    type Input = serde_json::Value;
    type Output = ();

    fn describe() -> Description {
        Description::new("spin", env!("CARGO_PKG_VERSION"), "computes for ever")
            .role("test")
            .role("spin")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<()>, Failure> {
        loop {
            std::hint::black_box(());
        }
    }
}

ringfence_sdk::register!(Spin);
