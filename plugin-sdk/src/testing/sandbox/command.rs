//! The `ringfence` command, and the project that it builds.

use std::env;
use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// The environment variable that names the command.
const VARIABLE: &str = "RINGFENCE";

/// The command, with the project of this test built.
#[derive(Clone, Debug)]
pub(super) struct Ringfence {
    program: OsString,
    project: PathBuf,
}

/// Builds the project of this test program, the first time that it is asked.
pub(super) fn built() -> Result<Ringfence, String> {
    static BUILT: OnceLock<Result<Ringfence, String>> = OnceLock::new();
    BUILT.get_or_init(Ringfence::build).clone()
}

impl Ringfence {
    fn build() -> Result<Self, String> {
        let ringfence = Self {
            program: env::var_os(VARIABLE).unwrap_or_else(|| "ringfence".into()),
            project: project()?,
        };
        let child = ringfence.start("build")?;
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(ringfence),
            false => Err(ringfence.failed("build", &output)),
        }
    }

    /// Gives the agent a task, and returns what came of it, both as JSON.
    pub(super) fn attempt(&self, task: &str) -> Result<String, String> {
        let mut child = self.start("attempt")?;
        if let Some(mut stdin) = child.stdin.take() {
            // Where that fails, the command has ended, and said why.
            let _ = stdin.write_all(task.as_bytes());
        }
        let output = child
            .wait_with_output()
            .map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(self.failed("attempt", &output)),
        }
    }

    fn start(&self, command: &str) -> Result<Child, String> {
        let started = Command::new(&self.program)
            .arg(command)
            .arg(&self.project)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        started.map_err(|error| {
            let program = self.program.to_string_lossy();
            let hint = match error.kind() {
                ErrorKind::NotFound => format!(
                    "\nhint: run the tests with `ringfence test`, or install the command and put it on the search path, or name it with {VARIABLE}=/path/to/ringfence"
                ),
                _ => String::new(),
            };
            format!("`{program}` cannot be started: {error}{hint}")
        })
    }

    fn failed(&self, command: &str, output: &Output) -> String {
        format!(
            "`{} {command}` failed: {}\n{}",
            self.program.to_string_lossy(),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
    }
}

/// The folder of the package whose tests these are: cargo says it to each.
fn project() -> Result<PathBuf, String> {
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(folder) => Ok(folder.into()),
        None => env::current_dir().map_err(|error| format!("there is no folder: {error}")),
    }
}
