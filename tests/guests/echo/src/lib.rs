//! Gives back what it got: the well-behaved neighbour of the others.

use ringfence_sdk::prelude::*;
use serde_json::Value;

struct Echo;

#[derive(Serialize)]
struct Heard {
    input: Value,
    needs: Vec<String>,
    feedback: usize,
    attempt: u32,
    round: u32,
}

impl Agent for Echo {
    type Input = Value;
    type Output = Heard;

    fn describe() -> Description {
        Description::new("echo", env!("CARGO_PKG_VERSION"), "gives back its input")
            .role("test")
            .role("echo")
    }

    fn execute(input: Value, cx: &Context) -> Result<Outcome<Heard>, Failure> {
        let task = cx.task();
        Ok(Outcome::completed(Heard {
            input,
            needs: task.needs.iter().map(|need| need.task.clone()).collect(),
            feedback: task.feedback.len(),
            attempt: task.attempt,
            round: task.round,
        }))
    }
}

ringfence_sdk::register!(Echo);
