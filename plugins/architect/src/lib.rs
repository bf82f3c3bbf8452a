//! Surveys a source tree and splits it into shards.
//!
//! The agent of the role `architect` reads each Rust file of a mount and says
//! what there is: modules and their sizes, public items, which module uses
//! which, the largest files, and modules that use each other in a circle. For
//! the tasks that come after it, it splits the files into shards of about the
//! same size, each file in exactly one. Asked for the shards alone it reads no source
//! file, so that those tasks can begin at once; and a large tree is surveyed in parts, on
//! all cores, and the parts are joined.
//!
//! ```text
//! shards:
//!   role: architect
//!   mounts: [src]
//!   input: { only: shards }
//! review:
//!   role: reviewer
//!   needs: [shards]
//!   mounts: [src]
//!   for_each: ${{ tasks.shards.output.shards }}
//!   input: { files: "${{ item.files }}" }
//! parts:
//!   role: architect
//!   needs: [shards]
//!   mounts: [src]
//!   for_each: ${{ tasks.shards.output.shards }}
//!   input: { only: part, files: "${{ item.files }}" }
//! survey:
//!   role: architect
//!   needs: [shards, parts]
//!   input: { only: join }
//! ```

mod agent;
mod cycles;
mod findings;
mod input;
mod layout;
mod part;
mod parts;
mod shards;
mod survey;

pub use agent::{Answer, Architect};
pub use input::{Input, Only};
pub use part::{Part, PartFile};
pub use shards::{Shard, Split};
pub use survey::{Cycle, Edge, LargeFile, Module, Survey};

ringfence_sdk::register!(Architect);
