//! What goes wrong outside of a run, and the exit code it has.

use std::fmt;
use std::path::{Path, PathBuf};

use ringfence::journal::JournalError;
use ringfence_project::{BuildError, ProjectError, ScaffoldError, TrialError};

use crate::exit::ExitCode;
use crate::output::shown;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The command line asks for something that does not exist.
    #[error("{message}\nhint: {hint}")]
    Usage { message: String, hint: String },
    /// A workflow, a configuration or a plugin is not valid. What is wrong has
    /// been printed already.
    #[error("{0}")]
    Invalid(String),
    /// No loaded agent can take a task. Which has been printed already.
    #[error("{0}")]
    NoCapableAgent(String),
    /// A file could not be read or written.
    #[error("{}: cannot {action}: {source}{}", shown(.path), disk_hint(.source))]
    Disk {
        path: PathBuf,
        action: &'static str,
        source: std::io::Error,
    },
    /// A folder cannot be used.
    #[error("{0}")]
    Files(String),
    /// The host stopped in the middle.
    #[error("{0}; this is a defect of ringfence")]
    Host(#[from] ringfence::engine::HostGone),
    /// The run could not be started.
    #[error("{0}")]
    NotStarted(#[from] ringfence::engine::StartError),
    /// A report could not be made of the run.
    #[error("{0}; this is a defect of ringfence")]
    Report(#[from] ringfence::report::ReportError),
    /// A live run cannot be spoken to.
    #[error("{0}")]
    Control(#[from] crate::control::ControlError),
    /// The journal cannot be used.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// No project could be made.
    #[error("{0}")]
    New(#[from] ScaffoldError),
    /// A folder is not taken for a project.
    #[error("{0}")]
    Project(#[from] ProjectError),
    /// A project does not build.
    #[error("{0}")]
    Build(#[from] BuildError),
    /// An agent cannot be tried with a task.
    #[error("{0}")]
    Trial(#[from] TrialError),
    /// The host could not start.
    #[error("the host cannot start: {0}")]
    Start(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What to do about an error of the file system, where that is known.
fn disk_hint(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "\nhint: is the path right? It counts from the current folder",
        ErrorKind::PermissionDenied => {
            "\nhint: `ls -l` shows who may; choose another path, or ask its owner"
        }
        ErrorKind::IsADirectory => "\nhint: name a file in that folder",
        ErrorKind::NotADirectory => {
            "\nhint: a part of the path is a file, where a folder has to be"
        }
        ErrorKind::StorageFull => "\nhint: the disk is full; make room, or choose another path",
        ErrorKind::ReadOnlyFilesystem => {
            "\nhint: nothing can be written there; choose another path"
        }
        _ => "",
    }
}

impl CliError {
    pub(crate) fn usage(message: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self::Usage {
            message: message.to_string(),
            hint: hint.to_string(),
        }
    }

    /// Makes the error of an operation on `path`.
    pub(crate) fn disk(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Disk {
            path,
            action,
            source,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage { .. }
            | Self::New(ScaffoldError::Exists(_))
            | Self::Project(ProjectError::NoProject(_) | ProjectError::NoFolder(_))
            | Self::Journal(
                JournalError::NoRun { .. } | JournalError::SameName(_) | JournalError::Driven(_),
            ) => ExitCode::Usage,
            Self::NoCapableAgent(_) => ExitCode::NoCapableAgent,
            Self::Disk { .. }
            | Self::Files(_)
            | Self::Control(_)
            | Self::Journal(_)
            | Self::New(_)
            | Self::Project(ProjectError::Unreadable { .. })
            | Self::Build(BuildError::File { .. }) => ExitCode::Disk,
            Self::Invalid(_) | Self::Project(_) | Self::Trial(_) => ExitCode::Invalid,
            Self::Build(_)
            | Self::Host(_)
            | Self::NotStarted(_)
            | Self::Report(_)
            | Self::Start(_) => ExitCode::Failed,
        }
    }
}
