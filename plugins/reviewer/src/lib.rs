//! Finds what makes Rust code hard to keep.
//!
//! The agent of the role `reviewer` reads each Rust file of a mount, or those
//! that its input names, and reports what stops a program (`unwrap`, `panic!`
//! and their like outside of tests), functions that are hard to take in, public
//! items without documentation, prints that were left in, and what can be said
//! shorter or clearer for certain. Where a machine can mend a finding for
//! certain, the finding carries the edit.

mod agent;
mod rules;

pub use agent::{Input, Output, Reviewer};

ringfence_sdk::register!(Reviewer);
