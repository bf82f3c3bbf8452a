//! What is written down of a run, so that nothing is lost when its process
//! dies and another one can go on with it.
//!
//! The journal of a run holds what happened to its state machine and what the
//! machine said then. [`Replay`] tells the machine the same again at the same
//! times: it decides the same, and stands where it stood.

mod entry;
mod happening;
mod keep;
mod path;
mod replay;

pub use entry::JournalEntry;
pub use happening::Happening;
pub use keep::{JournalListener, RunJournal};
pub use path::RunPath;
pub use replay::{Replay, ReplayError};
