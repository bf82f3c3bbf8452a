//! Where data goes.

use std::io::Write;

/// Prints data to stdout. When whoever reads it has gone (`| head`), so has
/// the reason to go on: the command ends quietly, as others do.
pub(crate) fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| match text.ends_with('\n') {
            true => Ok(()),
            false => stdout.write_all(b"\n"),
        })
        .and_then(|()| stdout.flush());
    if written.is_err() {
        std::process::exit(crate::exit::ExitCode::Disk as i32);
    }
}

/// Prints a document as JSON, over several lines.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print(&text),
        Err(error) => unreachable!("what is printed has string keys: {error}"),
    }
}

/// Prints a line for people to stderr.
#[expect(
    clippy::print_stderr,
    reason = "this is the one way to speak to people beside the data"
)]
pub(crate) fn say(text: &str) {
    eprintln!("{text}");
}
