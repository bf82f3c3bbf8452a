//! Has no role.

use ringfence_sdk::prelude::*;

struct DescribeNoRole;

impl Agent for DescribeNoRole {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new("describe-no-role", "1.0.0", "has no role")
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-no-role".to_owned()))
    }
}

ringfence_sdk::register!(DescribeNoRole);
