//! For people who write Ringfence agents in Rust.
//!
//! An agent is a type that implements [`Agent`]; [`register!`] makes it the
//! one that a component exports. A whole one:
//!
//! ```
//! use ringfence_sdk::prelude::*;
//!
//! struct Hello;
//!
//! #[derive(Deserialize)]
//! struct Input {
//!     name: String,
//! }
//!
//! impl Agent for Hello {
//!     type Input = Input;
//!     type Output = String;
//!
//!     fn describe() -> Description {
//!         Description::new("hello", env!("CARGO_PKG_VERSION"), "greets by name").role("greeter")
//!     }
//!
//!     fn execute(input: Input, cx: &Context) -> Result<Outcome<String>, Failure> {
//!         cx.log().info("greeting");
//!         Ok(Outcome::completed(format!("Hello, {}!", input.name)))
//!     }
//! }
//!
//! ringfence_sdk::register!(Hello);
//! # fn main() {}
//! ```
//!
//! `ringfence new NAME` makes a project of one, with this crate inside. Its
//! manifest says `crate-type = ["cdylib", "rlib"]`, and `ringfence build`, or
//! `cargo build --release --target wasm32-wasip2`, makes a component of it that
//! can be dropped into a plugins folder.
//!
//! # In the sandbox
//! Nothing is there by default: no files, no network, no environment. A folder
//! that the operator grants and the workflow mounts as `src` is
//! [`Context::mount`]`("src")`, and `std::fs` works there. A panic ends the
//! attempt as a trap, with the panic's message and place; a [`Failure`] is
//! better, because it says whether trying again can help.
//!
//! The SDK brings an [allocator](https://doc.rust-lang.org/std/alloc/trait.GlobalAlloc.html)
//! for short attempts with its feature `allocator`, which is on by default; an agent
//! that has its own turns it off.
//!
//! # Tests
//! [`testing::TestHost`] runs an agent natively, against a host that records
//! what the agent does, so `cargo test` is enough to try one out.
//! [`TestHost::execute_in_sandbox`](testing::TestHost::execute_in_sandbox) runs its
//! component, with all budgets, in the sandbox of the installed `ringfence` command.

mod agent;
#[cfg(all(
    target_family = "wasm",
    not(target_feature = "atomics"),
    feature = "allocator"
))]
mod allocator;
#[doc(hidden)]
pub mod bindings;
mod context;
mod conv;
mod decode;
mod description;
mod expected;
mod failure;
mod finding;
#[doc(hidden)]
pub mod guest;
#[cfg(target_family = "wasm")]
mod imports;
mod log;
mod model;
mod outcome;
pub mod prelude;
mod progress;
mod task;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use serde;
pub use serde_json;

pub use agent::Agent;
pub use context::Context;
pub use description::Description;
pub use failure::Failure;
pub use finding::{Edit, Finding, Location, Severity};
pub use log::{Log, LogLevel};
pub use model::{ModelError, ModelMessage, ModelRequest, ModelResponse, Speaker};
pub use outcome::{Outcome, Rejection};
pub use progress::Activity;
pub use task::{Artifact, Dependency, Output, Priority, Task};

/// The snippets of the page on agents are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/agents.md")]
struct AgentsPage;
