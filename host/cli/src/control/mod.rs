//! How another process speaks to a live run: each run listens on a Unix socket
//! in a folder that only its user can enter. One line of JSON asks, one
//! answers.

#[cfg(unix)]
mod client;
#[cfg(not(unix))]
mod missing;
#[cfg(unix)]
mod place;
mod protocol;
#[cfg(unix)]
mod server;
mod status;

#[cfg(unix)]
pub(crate) use client::{ask, live_runs};
#[cfg(not(unix))]
pub(crate) use missing::{Server, ask, live_runs};
pub(crate) use protocol::{Answer, Ask};
#[cfg(unix)]
pub(crate) use server::Server;
pub(crate) use status::{AgentStatus, Status, Watch};

use std::io;

use ringfence::flow::RunId;

/// Why a live run cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// No place for sockets is known, or it cannot be trusted.
    #[error("{0}")]
    Place(String),
    /// There is no live run of this name.
    #[error("no live run is called `{0}`")]
    NoRun(RunId),
    /// It was there, and did not answer as it should.
    #[error("the run `{run}` does not answer: {source}")]
    NoAnswer {
        run: RunId,
        #[source]
        source: io::Error,
    },
}
