//! Has no name.

use ringfence_sdk::prelude::*;

struct DescribeEmpty;

impl Agent for DescribeEmpty {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new("", "1.0.0", "has no name").role("test")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-empty".to_owned()))
    }
}

ringfence_sdk::register!(DescribeEmpty);
