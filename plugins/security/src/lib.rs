//! Finds what makes Rust code dangerous.
//!
//! The agent of the role `security` reads each Rust file of a mount, or those
//! that its input names, and reports what an attacker could use or a reviewer
//! has to look at twice. It runs nothing and needs no network.

mod agent;
mod rules;

pub use agent::{Input, Output, Security};

ringfence_sdk::register!(Security);
