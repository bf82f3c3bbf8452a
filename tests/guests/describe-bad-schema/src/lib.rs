//! Has an input schema that is no object.

use ringfence_sdk::prelude::*;

struct DescribeBadSchema;

impl Agent for DescribeBadSchema {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        Description::new("describe-bad-schema", "1.0.0", "has an odd schema")
            .role("test")
            .input_schema(serde_json::Value::from(7))
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-bad-schema".to_owned()))
    }
}

ringfence_sdk::register!(DescribeBadSchema);
