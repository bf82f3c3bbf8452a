//! Who does what next, over all runs of one host.
//!
//! A run [submits](Fleet::submit) a [`Demand`] for each attempt it wants and
//! gets a [`Ticket`]. The fleet picks the next ticket by urgency and the agent
//! by load, never above what the host, the run or the agent allows:
//!
//! ```text
//!            more than one candidate        answers
//!  queued ----------------------> asking ----------> queued among the capable
//!    |                              |                        |
//!    | one candidate                | none is capable        | slot and closed breaker
//!    v                              v                        v
//!  running (until `ended`)        refused                  running
//! ```
//!
//! A ticket leaves by `ended`, by `withdraw` or by being refused; each frees
//! whatever it held.

mod choice;
mod conduct;
mod demand;
mod gate;
mod lane;
mod member;
mod queue;
mod room;
mod roster;
mod scheduler;

pub use conduct::{AgentConduct, ConductBook, ConductPolicy};
pub use demand::{Answer, Considered, Demand, Refusal, WhyNot};
pub use lane::MAX_EMERGENCIES_IN_A_ROW;
pub use room::{RunLimits, RunSlot};
pub use roster::AgentChange;
pub use scheduler::{AgentLoad, Fleet, FleetAction, FleetPolicy, Ticket};
