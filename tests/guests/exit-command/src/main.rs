//! A plain command: ends with the exit code that its task's input names, as in
//! `{"code": 3}`, and gives what a rejection has to say on the way.

use std::io::{self, Read};

use serde_json::Value;

fn main() {
    let mut task = String::new();
    io::stdin()
        .read_to_string(&mut task)
        .expect("the task is readable");
    let task: Value = serde_json::from_str(&task).expect("the task is JSON");
    let code = task["input"]["code"].as_u64().expect("a code is given");
    println!(
        r#"{{"reason": "it ended with {code}", "value": {code}, "findings": [{{"rule": "exit", "severity": "high", "message": "exit code {code}"}}]}}"#
    );
    eprintln!("ending with {code}");
    exit(u8::try_from(code).expect("the code is a byte"));
}

/// The standard library knows only success and failure on this target.
fn exit(code: u8) -> ! {
    #[cfg(target_family = "wasm")]
    wasip2::cli::exit::exit_with_code(code);
    std::process::exit(code.into())
}
