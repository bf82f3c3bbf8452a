//! Traps in a destructor when its work is done.

use ringfence_sdk::prelude::*;

struct DropTrap;

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it traps on its way out");
    }
}

impl Agent for DropTrap {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new(
            "drop-trap",
            env!("CARGO_PKG_VERSION"),
            "traps in a destructor when its work is done",
        )
        .role("test")
        .role("drop-trap")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        let _bomb = Bomb;
        Ok(Outcome::completed("done".to_owned()))
    }
}

ringfence_sdk::register!(DropTrap);
