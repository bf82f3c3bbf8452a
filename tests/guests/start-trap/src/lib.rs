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

/// What a component calls when it is instantiated.
// SAFETY: nothing else here has this name, and the linker adds none for a
// library.
#[cfg(target_family = "wasm")]
#[unsafe(export_name = "_initialize")]
extern "C" fn initialize() {
    std::arch::wasm32::unreachable();
}
