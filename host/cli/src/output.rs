//! Where data goes.

use std::io::Write;

use ringfence::flow::clean_text;

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

/// Prints a line for people to stderr. When nobody reads it any more, what is
/// done goes on all the same.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A text of several lines, the second and later ones indented: what a guest
/// wrote cannot pass for a line of the host's.
pub(crate) fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}

/// A path on one line, whatever is in its name.
pub(crate) fn shown(path: &std::path::Path) -> String {
    const MAX_SHOWN: usize = 1024;
    clean_text(&path.to_string_lossy().replace('\n', "\\n"), MAX_SHOWN)
}
