//! Keeps the journals of runs in one SQLite file, and their artifacts in a
//! folder beside it, each named by its content.
//!
//! What was said to be kept outlives the process and the machine: the file is
//! written ahead (WAL) and synced before anybody is told. One thread writes,
//! and commits all that has gathered at once.

mod artifacts;
mod checkpoint;
mod conduct;
mod contents;
mod error;
mod header;
mod lease;
mod reader;
mod rows;
mod schema;
mod store;
mod writer;

pub use artifacts::FolderArtifacts;
pub use conduct::ConductFolder;
pub use error::JournalError;
pub use header::RunHeader;
pub use lease::Lease;
pub use reader::{RunStanding, RunState};
pub use store::{JournalFile, Pruned, Resumable, default_journal};
