//! Never answers when asked who it is.

use ringfence_sdk::prelude::*;

struct DescribeSpin;

impl Agent for DescribeSpin {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        loop {
            std::hint::black_box(());
        }
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-spin".to_owned()))
    }
}

ringfence_sdk::register!(DescribeSpin);
