//! A plain command: reads the task from its standard input and gives it back
//! as the value of its output.

use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let mut task = String::new();
    io::stdin().read_to_string(&mut task)?;
    eprintln!("read {} bytes", task.len());
    write!(
        io::stdout(),
        r#"{{"value": {task}, "findings": [{{"rule": "read", "severity": "info", "message": "it was read"}}]}}"#
    )
}
