//! One file a command.

mod agents;
mod call;
mod check;
mod graph;
mod inspect;
mod interrupt;
mod report;
mod run;
mod runs;
mod session;
mod workflow;

pub(crate) use agents::list;
pub(crate) use call::call;
pub(crate) use check::check;
pub(crate) use graph::graph;
pub(crate) use inspect::inspect;
pub(crate) use run::run;
pub(crate) use runs::{parse_task, runs};
