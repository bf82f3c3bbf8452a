//! Has ten thousand roles.

use ringfence_sdk::prelude::*;

struct DescribeManyRoles;

impl Agent for DescribeManyRoles {
    type Input = serde_json::Value;
    type Output = String;

    fn describe() -> Description {
        let mut description = Description::new("describe-many-roles", "1.0.0", "has many roles");
        description.roles = (0..10_000).map(|number| format!("role-{number}")).collect();
        description
    }

    fn execute(_: serde_json::Value, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed("describe-many-roles".to_owned()))
    }
}

ringfence_sdk::register!(DescribeManyRoles);
