//! Describes itself in more bytes than anybody reads.

use ringfence_sdk::prelude::*;

struct DescribeGiant;

impl Agent for DescribeGiant {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new(
            "describe-giant",
            env!("CARGO_PKG_VERSION"),
            "x".repeat(6 << 20),
        )
        .role("test")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-giant".to_owned()))
    }
}

ringfence_sdk::register!(DescribeGiant);
