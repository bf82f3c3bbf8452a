//! What the gate lets through.

use std::collections::BTreeMap;

use ringfence_sdk::{Failure, Severity};
use serde::Deserialize;

/// What the gate is asked. Nothing has to be given: then every finding that is
/// `high` or worse is one too many.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Findings that are as bad or worse are not let through; `high` where it
    /// is not given.
    #[serde(default)]
    pub fail_at: Option<Severity>,
    /// How many findings of a severity are let through. It goes before
    /// `fail_at`: it can allow some that are worse, and bound those that are
    /// milder.
    #[serde(default)]
    pub max: BTreeMap<Severity, u64>,
    /// Findings of these rules don't count.
    #[serde(default)]
    pub ignore_rules: Vec<String>,
    /// The most that all findings may weigh together; no limit where it is not
    /// given.
    #[serde(default)]
    pub max_weight: Option<u64>,
    /// What a finding of a severity weighs, where it is not info 0, low 1,
    /// medium 3, high 10, critical 30.
    #[serde(default)]
    pub weights: BTreeMap<Severity, u64>,
}

impl Input {
    /// Refuses what would have no effect.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] where weights are given but no limit.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if !self.weights.is_empty() && self.max_weight.is_none() {
            return Err(Failure::invalid_input(
                "`input.weights` has no effect without `input.max_weight`\nhint: say how much all findings may weigh together, for example `max_weight: 100`",
            ));
        }
        Ok(())
    }

    /// How many findings of this severity are let through, if there is a limit.
    pub(crate) fn allowed(&self, severity: Severity) -> Option<u64> {
        let fail_at = self.fail_at.unwrap_or(Severity::High);
        let unsaid = (severity >= fail_at).then_some(0);
        self.max.get(&severity).copied().or(unsaid)
    }

    /// What a finding of this severity weighs.
    pub(crate) fn weight(&self, severity: Severity) -> u64 {
        self.weights
            .get(&severity)
            .copied()
            .unwrap_or(match severity {
                Severity::Info => 0,
                Severity::Low => 1,
                Severity::Medium => 3,
                Severity::High => 10,
                Severity::Critical => 30,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn allowed(input: serde_json::Value) -> [Option<u64>; 5] {
        let input: Input = serde_json::from_value(input).unwrap();
        Severity::ALL.map(|severity| input.allowed(severity))
    }

    #[test]
    fn high_and_worse_fail_unless_the_input_says_otherwise() {
        let (no, free) = (Some(0), None);
        assert_eq!(allowed(json!({})), [free, free, free, no, no]);
        assert_eq!(allowed(json!({ "fail_at": "low" })), [free, no, no, no, no]);
        assert_eq!(
            allowed(json!({ "fail_at": "critical" })),
            [free, free, free, free, no]
        );
        assert_eq!(
            allowed(json!({ "max": { "info": 7, "high": 2 } })),
            [Some(7), free, free, Some(2), no]
        );
    }

    #[test]
    fn weights_can_be_replaced_one_by_one() {
        let input: Input =
            serde_json::from_value(json!({ "weights": { "low": 5 }, "max_weight": 9 })).unwrap();
        assert_eq!(
            Severity::ALL.map(|severity| input.weight(severity)),
            [0, 5, 3, 10, 30]
        );
        assert!(input.check().is_ok());
    }

    #[test]
    fn what_has_no_effect_is_refused() {
        let input: Input = serde_json::from_value(json!({ "weights": { "low": 5 } })).unwrap();
        let failure = input.check().unwrap_err();
        assert!(failure.message().contains("hint: "), "{failure}");
        for bad in [
            json!({ "failat": "high" }),
            json!({ "fail_at": "bad" }),
            json!({ "max": { "worst": 1 } }),
            json!({ "max": { "high": -1 } }),
        ] {
            assert!(
                serde_json::from_value::<Input>(bad.clone()).is_err(),
                "{bad}"
            );
        }
    }
}
