//! What the developer is asked.

use ringfence_sdk::{Finding, Severity};
use serde::Deserialize;
use source::DEFAULT_MOUNT;

/// The most edits of one patch, unless the input says less. More than that
/// nobody reads, and the report on them has to fit into the output.
pub const MAX_EDITS: u32 = 2_000;

/// Which fixes to apply. Nothing has to be given: then all are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Leave out findings that are milder.
    #[serde(default)]
    pub min_severity: Option<Severity>,
    /// Mend findings of these rules only.
    #[serde(default)]
    pub rules: Option<Vec<String>>,
    /// Leave out findings of these rules.
    #[serde(default)]
    pub exclude_rules: Vec<String>,
    /// The most edits of the patch; the worst findings go first. [`MAX_EDITS`]
    /// at most, and where it is not given.
    #[serde(default)]
    pub max_edits: Option<u32>,
    /// The mount that holds the tree; `src` where it is not given.
    #[serde(default)]
    pub mount: Option<String>,
}

impl Input {
    /// Whether the finding is to be mended.
    pub(crate) fn wants(&self, finding: &Finding) -> bool {
        let named = |rules: &[String]| rules.contains(&finding.rule);
        self.min_severity
            .is_none_or(|least| finding.severity >= least)
            && self.rules.as_deref().is_none_or(named)
            && !named(&self.exclude_rules)
    }

    /// The most edits of the patch.
    pub(crate) fn max_edits(&self) -> usize {
        self.max_edits.unwrap_or(MAX_EDITS).min(MAX_EDITS) as usize
    }

    /// The name of the mount.
    pub(crate) fn mount(&self) -> &str {
        self.mount.as_deref().unwrap_or(DEFAULT_MOUNT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(value: serde_json::Value) -> Input {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn everything_is_wanted_unless_the_input_says_otherwise() {
        let low = Finding::new("a", Severity::Low, "");
        let high = Finding::new("b", Severity::High, "");
        let wants = |value| {
            let input = input(value);
            (input.wants(&low), input.wants(&high))
        };
        assert_eq!(wants(json!({})), (true, true));
        assert_eq!(wants(json!({ "min_severity": "high" })), (false, true));
        assert_eq!(wants(json!({ "rules": ["a"] })), (true, false));
        assert_eq!(wants(json!({ "rules": [] })), (false, false));
        assert_eq!(wants(json!({ "exclude_rules": ["a"] })), (false, true));
        assert_eq!(
            wants(json!({ "rules": ["a"], "exclude_rules": ["a"] })),
            (false, false)
        );
    }

    #[test]
    fn the_number_of_edits_has_a_ceiling() {
        assert_eq!(input(json!({})).max_edits(), 2_000);
        assert_eq!(input(json!({ "max_edits": 3 })).max_edits(), 3);
        assert_eq!(input(json!({ "max_edits": u32::MAX })).max_edits(), 2_000);
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(serde_json::from_value::<Input>(json!({ "rule": ["a"] })).is_err());
        assert!(serde_json::from_value::<Input>(json!({ "min_severity": "bad" })).is_err());
    }
}
