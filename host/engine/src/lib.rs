//! Drives the state machine of runs with tokio.
//!
//! All that decides lives in `ringfence-flow`. This crate carries out: it
//! holds the clock, spawns attempts, passes their ends back and tells
//! observers. One [`Host`] is one task that owns the fleet of agents and all
//! live runs, so nothing here is locked but the numbering of events.

mod approval;
mod artifacts;
mod attempt;
mod children;
mod clock;
mod dispatcher;
mod errands;
mod gathering;
mod host;
mod live;
mod outbox;
mod publisher;
mod recall;
mod results;
mod resume;
mod spans;
mod start;

pub use approval::DecideError;
pub use artifacts::MemoryArtifacts;
pub use clock::Clock;
pub use host::{Host, HostConfig, HostGone, RunControl, RunHandle, RunOutcome, StartError};
pub use publisher::RunObserver;
pub use results::{FolderResults, MemoryResults};
pub use start::{ResumeSpec, RunSpec, draw_run_id, draw_seed};
