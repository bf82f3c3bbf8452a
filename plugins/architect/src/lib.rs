//! Surveys a source tree and splits it into shards.
//!
//! The agent of the role `architect` reads each Rust file of a mount and says
//! what there is: modules and their sizes, public items, which module uses
//! which, the largest files, and modules that use each other in a circle. For
//! the tasks that come after it, it splits the files into shards of about the
//! same size, each file in exactly one.
//!
//! ```text
//! survey:
//!   role: architect
//!   mounts: [src]
//! review:
//!   role: reviewer
//!   needs: [survey]
//!   mounts: [src]
//!   for_each: ${{ tasks.survey.output.shards }}
//!   input: { files: "${{ item.files }}" }
//! ```

mod agent;
mod cycles;
mod findings;
mod input;
mod layout;
mod parts;
mod shards;
mod survey;

pub use agent::Architect;
pub use input::Input;
pub use shards::Shard;
pub use survey::{Cycle, Edge, LargeFile, Module, Survey};

ringfence_sdk::register!(Architect);
