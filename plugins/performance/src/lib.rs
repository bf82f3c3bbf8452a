//! Finds needless work in Rust code.
//!
//! The agent of the role `performance` reads each Rust file of a mount, or
//! those that its input names, and reports work that is done again and again,
//! copies that nobody needs, and what makes an async program wait. It sees
//! syntax, not types, so it speaks up only where the syntax leaves no doubt;
//! findings that a machine can mend without changing what the code does carry
//! the edit.

mod agent;
mod rules;

pub use agent::{Input, Output, Performance};

ringfence_sdk::register!(Performance);
