//! Why a command stopped.

use std::io;
use std::path::PathBuf;

use crate::wasm::NoWay;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A program did not start.
    #[error("`{program}` does not start")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// A program ended with another status than success.
    #[error("`{command}` ended with {status}")]
    Failed { command: String, status: String },
    /// A file or folder could not be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// There is no way to build for the sandbox's target.
    #[error(transparent)]
    NoWay(#[from] NoWay),
    /// A step of `cargo xtask test` failed.
    #[error("step `{0}` failed; what it said is above")]
    Step(&'static str),
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
