//! The corpus of hostile plugins: guests of `tests/guests` and files that are no
//! plugins at all, each with what is expected of it.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each suite uses a part of it; a test that cannot go on panics"
)]

mod dropped;
mod expected;

pub use dropped::dropped;
pub use expected::{Attempted, Ends, Expected, expected};

use ringfence_flow::Role;
use ringfence_sandbox::{AgentConfig, SandboxConfig};

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// The guest that suites use as the neighbour who means no harm.
pub const VICTIM: Guest = Guest::Echo;

impl Guest {
    /// What it calls itself.
    pub const fn agent(self) -> &'static str {
        match self {
            Self::OneOfMany => "one-of-many-agents-with-number-000",
            Self::TwinA | Self::TwinB => "twin",
            _ => self.name(),
        }
    }
}

/// Commands have the roles that the operator gives them.
pub fn commands(config: &mut SandboxConfig) {
    for name in [Guest::CatCommand, Guest::ExitCommand, Guest::PrintEndless] {
        let agent = AgentConfig {
            roles: vec![Role::new(name.name()).unwrap()],
            ..AgentConfig::default()
        };
        config.agents.insert(name.name().parse().unwrap(), agent);
    }
}
