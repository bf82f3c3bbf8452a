//! A listing as the pricing agent gives it.

use std::collections::BTreeMap;

use ringfence_sdk::prelude::*;

/// The file that the listings come from, and findings point into.
pub const FILE: &str = "listings.csv";

/// What becomes of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It goes into the catalogue.
    Listed,
    /// A person has to look at it first.
    Withdrawn,
    /// The same thing is in the catalogue already.
    Duplicate,
}

/// A cleaned listing. What could not be read is not there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Listing {
    /// Its line in the file.
    pub line: u32,
    /// The columns at which its cells begin.
    pub at: BTreeMap<String, u32>,
    /// The seller's number.
    pub id: String,
    /// One line for a reader.
    pub title: String,
    /// Street and number.
    pub street: String,
    /// The town.
    pub town: String,
    /// The postcode.
    pub postcode: String,
    /// `flat` or `house`.
    pub kind: String,
    /// Square metres.
    pub area: Option<f64>,
    /// Rooms, perhaps halves.
    pub rooms: Option<f64>,
    /// The year in which it was built.
    pub year: Option<u32>,
    /// Euros.
    pub price: Option<f64>,
    /// Euros, by the formula.
    pub estimate: Option<f64>,
    /// Energy class.
    pub energy: String,
    /// What the seller says.
    pub text: String,
    /// What becomes of it.
    pub status: Status,
    /// Why it is not listed.
    pub reasons: Vec<String>,
    /// What was mended.
    pub changes: Vec<String>,
}

impl Listing {
    /// What a square metre costs, where both are known.
    #[must_use]
    pub fn per_metre(&self) -> Option<f64> {
        self.price
            .zip(self.area)
            .filter(|(_, area)| *area > 0.0)
            .map(|(price, area)| price / area)
    }

    /// Something to say about one of its cells.
    pub(crate) fn finding(
        &self,
        rule: &str,
        severity: Severity,
        cell: &str,
        message: String,
    ) -> Finding {
        let column = self.at.get(cell).copied().unwrap_or(1);
        Finding::new(rule, severity, message).at(FILE, self.line, column)
    }
}

/// All listings of a task's map over the shards, in the order of the file.
pub(crate) fn of_need(cx: &Context, task: &str) -> Result<Vec<Listing>, Failure> {
    /// What the pricing agent gives for a shard.
    #[derive(Deserialize)]
    struct Shard {
        listings: Vec<Listing>,
    }
    let need = cx.need(task).ok_or_else(|| {
        Failure::invalid_input(format!(
            "the task does not need `{task}`\nhint: write `needs: [{task}]`"
        ))
    })?;
    let shards: Vec<Shard> = need.decode()?;
    Ok(shards
        .into_iter()
        .flat_map(|shard| shard.listings)
        .collect())
}

/// Whole euros with commas, as in `349,000`.
pub(crate) fn euros(amount: f64) -> String {
    let digits = format!("{:.0}", amount.max(0.0));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn euros_have_commas() {
        let written = [0.0, 999.4, 1000.0, 349_000.0, 1_249_000.0].map(euros);
        assert_eq!(written, ["0", "999", "1,000", "349,000", "1,249,000"]);
    }
}
