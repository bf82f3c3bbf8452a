//! The role `comparison`: what only shows when all listings lie side by side.

use ringfence_sdk::prelude::*;
use serde_json::{Value, json};

use crate::listing::{Listing, Status, of_need};
use crate::outliers::Markets;
use crate::{duplicates, outliers};

pub(crate) fn execute(cx: &Context) -> Result<Outcome<Value>, Failure> {
    let mut listings = of_need(cx, "clean")?;
    listings.retain(|listing| listing.status == Status::Listed);
    let (markets, findings) = compare(&listings);
    cx.log()
        .with("listings", listings.len())
        .with("findings", findings.len())
        .info("compared");
    Ok(
        Outcome::completed(json!({ "compared": listings.len(), "towns": markets }))
            .with_findings(findings),
    )
}

/// The market of each town, and what is wrong with listings beside others.
fn compare(listings: &[Listing]) -> (Markets, Vec<Finding>) {
    let markets = outliers::markets(listings);
    let mut findings = outliers::find(listings, &markets);
    findings.extend(duplicates::find(listings));
    (markets, findings)
}
