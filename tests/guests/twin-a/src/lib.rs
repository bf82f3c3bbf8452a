//! One of two agents of one name.

use ringfence_sdk::prelude::*;

struct TwinA;

impl Agent for TwinA {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new("twin", "1.0.0", "the first of two")
            .role("test")
            .role("twin")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("twin-a".to_owned()))
    }
}

ringfence_sdk::register!(TwinA);
