//! Has a name of one mebibyte.

use ringfence_sdk::prelude::*;

struct DescribeLongName;

impl Agent for DescribeLongName {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new("x".repeat(1 << 20), "1.0.0", "has a long name").role("test")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-long-name".to_owned()))
    }
}

ringfence_sdk::register!(DescribeLongName);
