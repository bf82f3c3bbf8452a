//! What the developer says about its patch.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The value that the developer gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixReport {
    /// The findings that the patch mends: all of them.
    pub applied: Vec<AppliedFix>,
    /// Findings with a fix that the patch leaves out; the first ones.
    pub skipped: Vec<SkippedFix>,
    /// How many were left out in all.
    pub skipped_total: usize,
    /// How many files the patch changes.
    pub files: usize,
    /// The patch, unless there is nothing to change.
    pub patch: Option<PatchRef>,
}

impl FixReport {
    /// Each report that `value` is or, where the developer ran once for each
    /// item of a list, holds. Anything else gives none.
    #[must_use]
    pub fn all_in(value: &Value) -> Vec<Self> {
        let one = |value| Self::deserialize(value).ok();
        match value {
            Value::Array(items) => items.iter().filter_map(one).collect(),
            other => one(other).into_iter().collect(),
        }
    }
}

/// A finding that the patch mends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppliedFix {
    /// The finding's rule.
    pub rule: String,
    /// The file.
    pub path: String,
    /// The first line that the edit replaces, counted from 1 in the file
    /// before any edit.
    pub first: u32,
    /// The last line that the edit replaces, inclusive.
    pub last: u32,
    /// The finding's own line; 0 where the finding has no place. Two findings
    /// on a line can differ in nothing else but `line` and `column`.
    pub line: u32,
    /// The finding's own column; 0 where the finding has no place.
    pub column: u32,
}

/// A finding with a fix that the patch leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedFix {
    /// The finding's rule.
    pub rule: String,
    /// The file that its edit names.
    pub path: String,
    /// The first line that its edit names.
    pub first: u32,
    /// The last line that its edit names.
    pub last: u32,
    /// Why, for a person.
    pub why: String,
}

/// Where the patch is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchRef {
    /// The SHA-256 of the artifact, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reports_are_found_alone_and_in_lists() {
        let report = json!({
            "applied": [{ "rule": "r", "path": "a.rs", "first": 1, "last": 2, "line": 1, "column": 5 }],
            "skipped": [],
            "skipped_total": 0,
            "files": 1,
            "patch": { "sha256": "00", "size": 7 },
        });
        assert_eq!(FixReport::all_in(&report)[0].applied[0].column, 5);
        assert_eq!(
            FixReport::all_in(&json!([report, null, 3, report])).len(),
            2
        );
        for other in [
            json!(null),
            json!({}),
            json!("applied"),
            json!({ "applied": 1 }),
        ] {
            assert!(FixReport::all_in(&other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_report_survives_the_way() {
        let report = FixReport {
            applied: Vec::new(),
            skipped: vec![SkippedFix {
                rule: "r".into(),
                path: "a.rs".into(),
                first: 3,
                last: 1,
                why: "the last line is before the first".into(),
            }],
            skipped_total: 9,
            files: 0,
            patch: None,
        };
        let value = serde_json::to_value(&report).unwrap();
        assert_eq!(FixReport::all_in(&value), [report]);
    }
}
