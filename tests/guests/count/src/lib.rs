//! Writes down each of its executions in the mount `log`, then works for a
//! while.

use std::fs::OpenOptions;
use std::hint::black_box;
use std::io::Write;

use ringfence_sdk::prelude::*;

struct Count;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// How long it works, in rounds of a loop.
    work: u64,
    /// What its output depends on.
    number: u64,
}

impl Agent for Count {
    type Input = Input;
    type Output = u64;

    fn describe() -> Description {
        Description::new(
            "count",
            env!("CARGO_PKG_VERSION"),
            "writes down each of its executions where the host can see it",
        )
        .role("count")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<u64>, Failure> {
        let task = cx.task();
        let line = format!("{} {} {}\n", task.id, task.round, task.attempt);
        let mut log = OpenOptions::new()
            .append(true)
            .create(true)
            .open("/log/executions")
            .map_err(|error| Failure::permanent(error.to_string()))?;
        log.write_all(line.as_bytes())
            .map_err(|error| Failure::permanent(error.to_string()))?;
        let mut sum = input.number;
        for turn in 0..input.work {
            sum = black_box(sum.wrapping_mul(31).wrapping_add(turn));
        }
        let sum = sum % 1_000_000;
        let artifact = cx.put_artifact("sum.txt", "text/plain", sum.to_string().as_bytes())?;
        Ok(Outcome::completed(sum).with_artifact(artifact))
    }
}

ringfence_sdk::register!(Count);
