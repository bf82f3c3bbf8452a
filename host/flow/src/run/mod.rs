//! The state machine of one run.
//!
//! [`Run::handle`] takes what happened and when, and says what to do next.
//! It holds no clock and does no I/O, and everything it draws comes from the
//! run's seed: the same inputs at the same times give the same effects, which
//! is how a journal is replayed.
//!
//! A task moves like this:
//!
//! ```text
//!                 +--> asking (a person) --answered, or too late--+
//!                 |                                               v
//!  waiting --all that it waits for has ended--> active --------> ended
//!     |                                          all its items    |
//!     +--when is false, a need was skipped----------------------->+
//!     ^                                                           |
//!     +-------- a gate further on rejects: the next round --------+
//! ```
//!
//! and each of its items (a task that is no map has one) like this:
//!
//! ```text
//!  idle --> queued --assigned--> running --completed, rejected--> ended
//!   |         ^ |                 |    |                           ^
//!   |         | |   retry         |    +--failed for good----------+
//!   |         | +--- backing off <+    |                           |
//!   |         +-- next fallback <------+                           |
//!   |           +--recalling (`cache`)--an earlier result----------+
//!   |              +--none: running                                |
//!   +--> child (a run of another workflow) --its end---------------+
//! ```
//!
//! A run has two phases: its tasks, and when all have ended or it stops, those
//! of `finally`.

mod activate;
mod again;
mod approval;
mod attempt;
mod child;
mod closing;
mod effect;
mod ending;
mod instance;
mod machine;
mod merge;
mod node;
mod recall;
mod request;
mod resume;
mod rounds;
mod seed;
mod timeouts;
mod timers;
mod vote;

pub use again::RetryError;
pub use effect::{ChildRun, Effect, InstanceRef, Recalled, RunInput};
use ending::NodeEnd;
pub use machine::{Run, RunOptions};
pub use merge::MAX_MERGED_OUTPUT;
