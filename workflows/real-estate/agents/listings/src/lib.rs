//! The agent that sees all listings together. It has three roles:
//!
//! - `intake` reads the file and splits it into shards;
//! - `comparison` finds prices far from those of the same town, and listings
//!   that are the same thing in other words;
//! - `publisher` makes the catalogue page.

mod catalogue;
mod compare;
mod csv;
mod duplicates;
mod intake;
mod listing;
mod outliers;

use ringfence_sdk::prelude::*;
use serde_json::Value;

pub use listing::{FILE, Listing, Status};

/// The agent.
#[derive(Debug)]
pub struct Listings;

impl Agent for Listings {
    type Input = Value;
    type Output = Value;

    fn describe() -> Description {
        Description::new(
            "listings",
            env!("CARGO_PKG_VERSION"),
            "reads listings, compares them, and makes the catalogue page",
        )
        .role("intake")
        .role("comparison")
        .role("publisher")
    }

    fn execute(_: Value, cx: &Context) -> Result<Outcome<Value>, Failure> {
        match cx.task().role.as_str() {
            "intake" => intake::execute(cx),
            "comparison" => compare::execute(cx),
            "publisher" => catalogue::execute(cx),
            other => Err(Failure::invalid_input(format!(
                "the role is `{other}`\nhint: this agent is for `intake`, `comparison` and `publisher`"
            ))),
        }
    }
}

ringfence_sdk::register!(Listings);

#[cfg(test)]
mod tests;
