//! The edits that could be made, the most pressing first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ringfence_sdk::{Edit, Finding, Severity};

use crate::feedback::Feedback;
use crate::input::Input;

/// An edit, and the findings that it mends.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) edit: &'a Edit,
    /// What it mends: at least one, none twice.
    pub(crate) mends: BTreeSet<Mended<'a>>,
    /// How bad the worst of them is.
    pub(crate) severity: Severity,
    /// Whether a gate asks for one of them.
    pub(crate) asked_for: bool,
}

/// What tells findings apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mended<'a> {
    pub(crate) rule: &'a str,
    /// The finding's line and column; 0 where it has no place.
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl<'a> Mended<'a> {
    pub(crate) fn of(finding: &'a Finding) -> Self {
        let (line, column) = finding
            .location
            .as_ref()
            .map_or((0, 0), |place| (place.line, place.column));
        Self {
            rule: &finding.rule,
            line,
            column,
        }
    }
}

impl Candidate<'_> {
    /// The rule that the edit is named by.
    pub(crate) fn rule(&self) -> &str {
        self.mends.first().map_or("", |mended| mended.rule)
    }
}

/// The edits that `findings`, and the feedback itself, carry. Equal edits are
/// one. First comes what a gate asks for, then what mends the worst; what is
/// equally pressing goes by its place. So the order depends on nothing but the
/// edits themselves.
pub(crate) fn candidates<'a>(
    findings: impl Iterator<Item = &'a Finding>,
    feedback: &Feedback<'a>,
    input: &Input,
) -> Vec<Candidate<'a>> {
    let mut by_edit: BTreeMap<&Edit, Candidate<'a>> = BTreeMap::new();
    let wanted = findings.filter(|finding| input.wants(finding));
    for finding in wanted.chain(feedback.with_fixes()) {
        let Some(edit) = &finding.fix else { continue };
        let candidate = by_edit.entry(edit).or_insert_with(|| Candidate {
            edit,
            mends: BTreeSet::new(),
            severity: finding.severity,
            asked_for: false,
        });
        candidate.mends.insert(Mended::of(finding));
        candidate.severity = candidate.severity.max(finding.severity);
        candidate.asked_for |= feedback.asks_for(finding);
    }
    let mut candidates: Vec<_> = by_edit.into_values().collect();
    // The sort is stable, and the map was in the order of the edits.
    candidates.sort_by_key(|candidate| Reverse((candidate.asked_for, candidate.severity)));
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str, severity: Severity, line: u32, text: &str) -> Finding {
        Finding::new(rule, severity, "m")
            .at("a.rs", line, 1)
            .fix(Edit::replace_lines("a.rs", line..=line, text))
    }

    fn order(findings: &[Finding], feedback: &[Finding]) -> Vec<String> {
        let feedback = Feedback::new(findings.iter(), feedback);
        candidates(findings.iter(), &feedback, &Input::default())
            .iter()
            .map(|c| format!("{}:{}", c.edit.first, c.edit.replacement))
            .collect()
    }

    #[test]
    fn the_worst_comes_first_then_the_place_decides() {
        let findings = [
            finding("r", Severity::Low, 1, "x"),
            finding("r", Severity::High, 9, "x"),
            finding("r", Severity::High, 2, "y"),
            finding("r", Severity::High, 2, "x"),
        ];
        let expected = ["2:x", "2:y", "9:x", "1:x"];
        assert_eq!(order(&findings, &[]), expected);
        let backwards: Vec<_> = findings.iter().rev().cloned().collect();
        assert_eq!(order(&backwards, &[]), expected);
    }

    #[test]
    fn what_a_gate_repeats_comes_before_everything() {
        let findings = [
            finding("r", Severity::High, 1, "x"),
            finding("s", Severity::Low, 2, "x"),
        ];
        assert_eq!(order(&findings, &findings[1..]), ["2:x", "1:x"]);
    }

    #[test]
    fn what_a_gate_mends_itself_is_an_edit_too() {
        let own = finding("gate", Severity::Info, 3, "x");
        assert_eq!(
            order(&[finding("r", Severity::High, 1, "x")], &[own]),
            ["3:x", "1:x"]
        );
    }

    #[test]
    fn equal_edits_are_one() {
        let findings = [
            finding("b", Severity::Low, 1, "x"),
            finding("a", Severity::High, 1, "x"),
            finding("a", Severity::Medium, 1, "x"),
        ];
        let feedback = Feedback::new(findings.iter(), &[]);
        let candidates = candidates(findings.iter(), &feedback, &Input::default());
        assert_eq!(candidates.len(), 1);
        assert_eq!(candidates[0].mends.len(), 2);
        assert_eq!(
            (candidates[0].rule(), candidates[0].severity),
            ("a", Severity::High)
        );
    }

    #[test]
    fn findings_without_a_fix_give_none() {
        assert!(
            order(
                &[Finding::new("r", Severity::High, "m").at("a.rs", 1, 1)],
                &[]
            )
            .is_empty()
        );
    }
}
