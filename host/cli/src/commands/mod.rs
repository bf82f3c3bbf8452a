//! One file a command.

mod agents;
mod audit;
mod call;
mod check;
mod drive;
mod graph;
mod guarded;
mod history;
mod inspect;
mod interrupt;
mod kept;
mod offline;
mod report;
mod resume;
mod run;
mod runs;
mod session;
mod watch;
mod workflow;

pub(crate) use agents::{list, release};
pub(crate) use call::call;
pub(crate) use check::check;
pub(crate) use graph::graph;
pub(crate) use inspect::inspect;
pub(crate) use run::run;
pub(crate) use runs::{parse_task, runs};
