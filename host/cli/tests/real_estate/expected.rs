//! What was planted, and what has to come of each row.

use serde::Deserialize;

use crate::support::root;

/// A row of the listings.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) id: String,
    /// The rule that finds its fault, if it has one.
    pub(crate) fault: Option<String>,
    pub(crate) fate: Fate,
    pub(crate) price: u64,
    pub(crate) area: u64,
    pub(crate) postcode: String,
}

/// What has to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fate {
    Listed,
    Withdrawn,
    Duplicate,
}

pub(crate) fn rows() -> Vec<Row> {
    let file = root().join("workflows/real-estate/expected.json");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Lines and rules of what was planted, by line.
pub(crate) fn planted(rows: &[Row]) -> Vec<(u64, &str)> {
    let planted = rows
        .iter()
        .filter_map(|row| Some((row.line, row.fault.as_deref()?)));
    planted.collect()
}
