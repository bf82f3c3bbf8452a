//! Runs workflows of agents that nobody has to trust, each attempt in a
//! WebAssembly sandbox of its own.
//!
//! This is the door for programs that embed the host: the crates behind it
//! under one name, and the operator's file. `examples/embed.rs` runs a
//! workflow in 40 lines.

pub mod config;
pub mod hot;

pub use ringfence_engine as engine;
pub use ringfence_flow as flow;
pub use ringfence_journal as journal;
pub use ringfence_report as report;
pub use ringfence_sandbox as sandbox;

/// The snippets of the page on patterns are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/patterns.md")]
struct PatternsPage;
