//! From a project to its component.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use ringfence_flow::ByteSize;

use crate::language::Missing;
use crate::project::Project;

/// A component that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its file.
    pub component: PathBuf,
    /// The size of its file.
    pub size: ByteSize,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Tools are missing.
    #[error("{}", each(.0))]
    Missing(Vec<Missing>),
    /// A tool could not be started.
    #[error("`{program}` cannot be started: {source}")]
    NotStarted {
        /// The tool.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A tool failed, and has said why.
    #[error("`{command}` failed: {status}; what it said is above")]
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The tools ended well and left no component.
    #[error("{what}\nhint: {hint}")]
    NoComponent {
        /// What was looked for.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A file could not be read or written.
    #[error("`{}` cannot be {action}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was to be done, as in `written`.
        action: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn each(missing: &[Missing]) -> String {
    let lines: Vec<_> = missing.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl BuildError {
    /// Makes the error of an operation on `path`.
    pub(crate) fn file(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path,
            action,
            source,
        }
    }
}

impl Project {
    /// Builds the component to [`component`](Self::component). What the tools say
    /// goes to stderr as they say it. The component that was there stays until
    /// the new one takes its place at once.
    ///
    /// # Errors
    /// [`BuildError`], where tools are missing or do not build it.
    pub fn build(&self) -> Result<Built, BuildError> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(BuildError::Missing(self.placed(missing)));
        }
        let dist = self.dist();
        fs::create_dir_all(&dist).map_err(BuildError::file(&dist, "made"))?;
        let component = self.component();
        let fresh = component.with_extension("wasm.new");
        self.toolchain().build(self, &fresh)?;
        let size = fs::metadata(&fresh).map_err(BuildError::file(&fresh, "read"))?;
        fs::rename(&fresh, &component).map_err(BuildError::file(&component, "written"))?;
        remove_others(&dist, &component)?;
        Ok(Built {
            component,
            size: ByteSize::bytes(size.len()),
        })
    }
}

impl Project {
    /// The same, with where to type it: the project's folder may be another one.
    fn placed(&self, missing: Vec<Missing>) -> Vec<Missing> {
        let here = env::current_dir().and_then(|here| here.canonicalize());
        if here.is_ok_and(|here| here == self.folder()) {
            return missing;
        }
        let there = self.folder().display();
        let placed = missing.into_iter().map(|Missing { what, hint }| Missing {
            what,
            hint: format!("{hint}, in {there}"),
        });
        placed.collect()
    }
}

/// Takes away what the project built under another name.
fn remove_others(dist: &Path, component: &Path) -> Result<(), BuildError> {
    for entry in fs::read_dir(dist).map_err(BuildError::file(dist, "read"))? {
        let path = entry.map_err(BuildError::file(dist, "read"))?.path();
        let is_component = path.extension().is_some_and(|ending| ending == "wasm");
        if is_component && path != component {
            fs::remove_file(&path).map_err(BuildError::file(&path, "removed"))?;
        }
    }
    Ok(())
}

/// Runs a tool to its end, with what it prints going to stderr: stdout is for
/// what the command itself has to say.
pub(crate) fn run(command: &mut Command) -> Result<(), BuildError> {
    command.stdin(Stdio::null()).stdout(io::stderr());
    let status = command.status().map_err(not_started(command))?;
    check(command, status)
}

/// The error of a tool that could not be started.
pub(crate) fn not_started(command: &Command) -> impl FnOnce(io::Error) -> BuildError {
    let program = command.get_program().to_string_lossy().into_owned();
    move |source| BuildError::NotStarted { program, source }
}

/// The error of a tool that failed.
pub(crate) fn check(command: &Command, status: ExitStatus) -> Result<(), BuildError> {
    if status.success() {
        return Ok(());
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    Err(BuildError::Failed {
        command: words.join(" "),
        status,
    })
}
