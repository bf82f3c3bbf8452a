//! Where data goes.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
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

/// Prints a value as one line of JSON.
pub(crate) fn print_json_line(value: &impl serde::Serialize) {
    match serde_json::to_string(value) {
        Ok(line) => print(&line),
        Err(error) => unreachable!("what is printed has string keys: {error}"),
    }
}

/// Prints a document as JSON, over several lines.
pub(crate) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print(&text),
        Err(error) => unreachable!("what is printed has string keys: {error}"),
    }
}

/// The picture that is drawn on stderr, if one is: lines go above it.
static SCREEN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// As long as it lives, what is said goes above a picture.
#[derive(Debug)]
pub(crate) struct Screen(());

impl Screen {
    /// Lets lines go above `picture`.
    pub(crate) fn take(picture: &ProgressBar) -> Self {
        *screen() = Some(picture.clone());
        Self(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        *screen() = None;
    }
}

fn screen() -> MutexGuard<'static, Option<ProgressBar>> {
    SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints a line for people to stderr. When nobody reads it any more, what is
/// done goes on all the same.
pub(crate) fn say(text: &str) {
    let _ = writeln!(Stderr, "{text}");
}

/// Stderr, above what is drawn on it.
#[derive(Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let write = || std::io::stderr().lock().write_all(bytes);
        match &*screen() {
            Some(picture) => picture.suspend(write),
            None => write(),
        }
    }

    fn write_fmt(&mut self, arguments: std::fmt::Arguments<'_>) -> std::io::Result<()> {
        // At once, so that the picture is taken away once.
        self.write_all(arguments.to_string().as_bytes())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().lock().flush()
    }
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
