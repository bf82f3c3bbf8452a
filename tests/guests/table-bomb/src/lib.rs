//! Has a table that is far too large: its linker leaves a hundred million
//! empty entries before the first function.

use ringfence_sdk::prelude::*;

struct TableBomb;

impl Agent for TableBomb {
    type Input = serde_json::Value;
    type Output = ();

    fn describe() -> Description {
        Description::new("table-bomb", env!("CARGO_PKG_VERSION"), "has a giant table")
            .role("test")
            .role("table-bomb")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<()>, Failure> {
        Ok(Outcome::completed(()))
    }
}

ringfence_sdk::register!(TableBomb);
