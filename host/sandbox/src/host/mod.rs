//! The host functions that guests call: one file for each interface.
//!
//! An answer that denies is the interface's own error, never a trap, and comes
//! before any effect. Counting calls and paying for them is not done here but
//! where execution crosses the border (see `meter`).

mod artifacts;
mod files;
mod folders;
mod listing;
mod log;
mod model;
mod progress;
mod random;
mod streams;

pub(crate) use files::tell_refusals;
pub(crate) use folders::OpenFolders;
pub(crate) use model::NO_MODELS;
pub(crate) use random::Randomness;
pub(crate) use streams::{MeteredIo, MeteredStreams};
