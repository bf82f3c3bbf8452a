//! Makes so many host calls.

use ringfence_sdk::prelude::*;

struct CallHost;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    times: usize,
}

impl Agent for CallHost {
    type Input = Input;
    type Output = usize;

    fn describe() -> Description {
        Description::new(
            "call-host",
            env!("CARGO_PKG_VERSION"),
            "makes so many host calls",
        )
        .role("test")
        .role("call-host")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<usize>, Failure> {
        for _ in 0..input.times {
            cx.progress(Activity::Working, None, "");
        }
        Ok(Outcome::completed(input.times))
    }
}

ringfence_sdk::register!(CallHost);
