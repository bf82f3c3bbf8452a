//! What agents that look for faults in Rust code share: [`run`], which is an
//! attempt but for the rules, the bounded and ordered [`Report`] that the rules
//! write, and [`Imports`], which tell what a name in a file stands for.

mod imports;
mod report;
mod run;

pub use imports::Imports;
pub use report::{DEFAULT_MAX_FINDINGS, Report, Summary};
pub use run::{Input, Output, run};
