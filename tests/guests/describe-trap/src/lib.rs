//! Traps when asked who it is.

use ringfence_sdk::prelude::*;

struct DescribeTrap;

impl Agent for DescribeTrap {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        panic!("it does not say who it is")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-trap".to_owned()))
    }
}

ringfence_sdk::register!(DescribeTrap);
