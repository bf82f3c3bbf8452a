//! What fuzzers drive: each target takes bytes that mean nothing, and panics if
//! a promise is broken.
//!
//! `fuzz/` has the programs for `cargo fuzz`; `tests/smoke.rs` runs the corpus
//! and so many mutations of it with every `cargo xtask test`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a broken promise is a panic"
)]

mod component;
mod host_calls;
mod live;
mod texts;

/// A target: its name, which is also that of its corpus, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// How many mutations a smoke tries.
    pub smoke: u32,
}

/// All targets.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "workflow",
        run: texts::workflow,
        smoke: 4_000,
    },
    Target {
        name: "config",
        run: texts::config,
        smoke: 4_000,
    },
    Target {
        name: "expression",
        run: texts::expression,
        smoke: 4_000,
    },
    Target {
        name: "event",
        run: texts::event,
        smoke: 4_000,
    },
    Target {
        name: "component",
        run: component::component,
        smoke: 60,
    },
    Target {
        name: "host-calls",
        run: host_calls::host_calls,
        smoke: 400,
    },
];

/// The target called `name`.
///
/// # Panics
/// There is none.
#[must_use]
pub fn target(name: &str) -> Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    *found.expect("a target of this name")
}
