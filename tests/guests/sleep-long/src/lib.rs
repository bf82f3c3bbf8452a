//! Waits in a host call: for so long, or for ever.

use std::thread;
use std::time::Duration;

use ringfence_sdk::prelude::*;

struct SleepLong;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    #[serde(default)]
    millis: Option<u64>,
}

impl Agent for SleepLong {
    type Input = Input;
    type Output = ();

    fn describe() -> Description {
        Description::new(
            "sleep-long",
            env!("CARGO_PKG_VERSION"),
            "waits in a host call: for so long, or for ever",
        )
        .role("test")
        .role("sleep-long")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<()>, Failure> {
        if let Some(millis) = input.millis {
            thread::sleep(Duration::from_millis(millis));
            return Ok(Outcome::completed(()));
        }
        loop {
            thread::sleep(Duration::from_secs(1_000_000));
        }
    }
}

ringfence_sdk::register!(SleepLong);
