//! The other of two agents of one name.

use ringfence_sdk::prelude::*;

struct TwinB;

impl Agent for TwinB {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new("twin", "2.0.0", "the second of two")
            .role("test")
            .role("twin")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("twin-b".to_owned()))
    }
}

ringfence_sdk::register!(TwinB);
