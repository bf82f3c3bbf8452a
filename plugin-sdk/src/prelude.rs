//! What nearly every agent needs, in one `use`.
//!
//! The derives come from serde, which an agent's own manifest names too.
//!
//! ```
//! use ringfence_sdk::prelude::*;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Report {
//!     lines: usize,
//! }
//!
//! let outcome = Outcome::completed(Report { lines: 3 })
//!     .with_findings([Finding::new("short", Severity::Info, "only three lines")]);
//! assert_eq!(outcome.findings().len(), 1);
//! ```

pub use serde::{Deserialize, Serialize};

pub use crate::{
    Activity, Agent, Artifact, Context, Dependency, Description, Edit, Failure, Finding, Location,
    Outcome, Output, Priority, Rejection, Severity, Task, register,
};
