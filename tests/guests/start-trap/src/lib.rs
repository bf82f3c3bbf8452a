//! Traps while it is instantiated, before any of its functions is called.

use ringfence_sdk::prelude::*;

struct StartTrap;

impl Agent for StartTrap {
    type Input = serde_json::Value;
    type Output = ();

    fn describe() -> Description {
        Description::new(
            "start-trap",
            env!("CARGO_PKG_VERSION"),
            "traps at the start",
        )
        .role("test")
        .role("start-trap")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<()>, Failure> {
        Ok(Outcome::completed(()))
    }
}

ringfence_sdk::register!(StartTrap);

#[cfg(target_family = "wasm")]
extern "C" fn trap() {
    std::arch::wasm32::unreachable();
}

// SAFETY: the section holds functions of this type, which run once before
// everything else.
#[cfg(target_family = "wasm")]
#[used]
#[unsafe(link_section = ".init_array")]
static AT_START: extern "C" fn() = trap;
