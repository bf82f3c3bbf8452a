//! Running other programs.

use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::Error;

/// How often a program with a time limit is looked at.
const POLL: Duration = Duration::from_millis(50);

/// Runs `command` and waits; what it says goes to the terminal.
///
/// # Errors
/// When it does not start, or ends with another status than success.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let status = status(command)?;
    check(command, status)
}

/// Runs `command` and waits; what it says goes to the terminal.
///
/// # Errors
/// When it does not start.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus, Error> {
    command.status().map_err(not_started(command))
}

/// What `command` writes to its standard output.
///
/// # Errors
/// When it does not start, or ends with another status than success.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(not_started(command))?;
    check(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `command` silently, for `limit` at the longest. `Err` says in a few
/// words why it did not succeed.
pub(crate) fn within(limit: Duration, command: &mut Command) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let errors = child
        .stderr
        .take()
        .map(|stream| thread::spawn(move || io::read_to_string(stream).unwrap_or_default()));
    let status = wait(&mut child, limit).map_err(|error| error.to_string())?;
    let Some(status) = status else {
        // Grandchildren may hold the pipe open, so its reader is left alone.
        return Err(format!("no answer within {} s", limit.as_secs()));
    };
    if status.success() {
        return Ok(());
    }
    let said = errors
        .and_then(|reader| reader.join().ok())
        .unwrap_or_default();
    Err(last_line(&said).map_or_else(|| show(status), str::to_owned))
}

/// `None` when the child was stopped because it took longer than `limit`.
#[allow(
    clippy::disallowed_methods,
    reason = "a developer's tool has no clock to inject"
)]
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}

fn last_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).rfind(|line| !line.is_empty())
}

/// `Ok` if `status` is success.
pub(crate) fn check(command: &Command, status: ExitStatus) -> Result<(), Error> {
    if status.success() {
        Ok(())
    } else {
        Err(Error::Failed {
            command: line(command),
            status: show(status),
        })
    }
}

/// For `map_err` where a program is started.
pub(crate) fn not_started(command: &Command) -> impl FnOnce(io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    |source| Error::Start { program, source }
}

/// A status in words.
pub(crate) fn show(status: ExitStatus) -> String {
    status
        .code()
        .map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

/// A command as a person would type it, without its folders.
fn line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut line = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_is_typed() {
        let mut command = Command::new("/opt/bin/cargo");
        command.args(["build", "--release"]);
        assert_eq!(line(&command), "cargo build --release");
    }

    #[test]
    fn the_last_line_is_the_last_that_says_something() {
        assert_eq!(last_line("info: a\nerror: b\n\n  \n"), Some("error: b"));
        assert_eq!(last_line(" \n"), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_hangs_is_given_up() {
        let mut hangs = Command::new("sleep");
        hangs.arg("600");
        let said = within(Duration::from_secs(0), &mut hangs);
        assert_eq!(said, Err("no answer within 0 s".to_owned()));
    }

    #[test]
    #[cfg(unix)]
    fn a_program_that_fails_says_why() {
        let mut fails = Command::new("sh");
        fails.args(["-c", "echo first >&2; echo the reason >&2; exit 3"]);
        assert_eq!(
            within(Duration::from_secs(60), &mut fails),
            Err("the reason".to_owned())
        );
        let mut fails = Command::new("sh");
        fails.args(["-c", "exit 3"]);
        assert_eq!(
            within(Duration::from_secs(60), &mut fails),
            Err("exit code 3".to_owned())
        );
    }
}
