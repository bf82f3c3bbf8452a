//! What the round before was told.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_sdk::{Edit, Finding};

use crate::candidate::Mended;

/// What a gate said when it sent the work back. Each finding of it is one of
/// three things:
///
/// - It repeats a finding that the developer was given: the gate asks for that
///   to be mended, so its fix goes before all others.
/// - It carries a fix that nobody else had: another edit, asked for as well.
/// - Otherwise it complains about what the developer did at that place, so
///   edits of that line are dropped. This is what the tester sends.
#[derive(Debug)]
pub(crate) struct Feedback<'a> {
    repeated: BTreeSet<(&'a str, Mended<'a>)>,
    with_fixes: Vec<&'a Finding>,
    /// For each file the lines complained about, with the rules.
    complaints: BTreeMap<&'a str, BTreeMap<u32, &'a str>>,
}

impl<'a> Feedback<'a> {
    pub(crate) fn new(given: impl Iterator<Item = &'a Finding>, feedback: &'a [Finding]) -> Self {
        let asked: BTreeSet<_> = feedback.iter().filter_map(key).collect();
        let repeated: BTreeSet<_> = given
            .filter_map(key)
            .filter(|key| asked.contains(key))
            .collect();
        let mut with_fixes = Vec::new();
        let mut complaints: BTreeMap<&str, BTreeMap<u32, &str>> = BTreeMap::new();
        for finding in feedback {
            if key(finding).is_some_and(|key| repeated.contains(&key)) {
                continue;
            }
            if finding.fix.is_some() {
                with_fixes.push(finding);
            } else if let Some(place) = &finding.location {
                complaints
                    .entry(&place.path)
                    .or_default()
                    .entry(place.line)
                    .or_insert(&finding.rule);
            }
        }
        Self {
            repeated,
            with_fixes,
            complaints,
        }
    }

    /// The findings that bring a fix of their own.
    pub(crate) fn with_fixes(&self) -> impl Iterator<Item = &'a Finding> {
        self.with_fixes.iter().copied()
    }

    /// Whether the gate wants this finding to be mended.
    pub(crate) fn asks_for(&self, finding: &'a Finding) -> bool {
        key(finding).is_some_and(|key| self.repeated.contains(&key))
            || self
                .with_fixes
                .iter()
                .any(|own| std::ptr::eq(*own, finding))
    }

    /// The rule of a complaint about a line that the edit replaces.
    pub(crate) fn complaint_about(&self, edit: &Edit) -> Option<&'a str> {
        if edit.first > edit.last {
            return None;
        }
        let lines = self.complaints.get(edit.path.as_str())?;
        lines
            .range(edit.first..=edit.last)
            .next()
            .map(|(_, rule)| *rule)
    }
}

fn key(finding: &Finding) -> Option<(&str, Mended<'_>)> {
    let place = finding.location.as_ref()?;
    Some((&place.path, Mended::of(finding)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_sdk::Severity;

    fn at(rule: &str, line: u32) -> Finding {
        Finding::new(rule, Severity::Low, "m").at("a.rs", line, 1)
    }

    fn edit(first: u32, last: u32) -> Edit {
        Edit::replace_lines("a.rs", first..=last, "x")
    }

    #[test]
    fn a_complaint_drops_the_edits_of_its_line() {
        let complaints = [at("patch-does-not-parse", 5)];
        let feedback = Feedback::new([].iter(), &complaints);
        for (first, last, hit) in [
            (5, 5, true),
            (1, 9, true),
            (4, 5, true),
            (1, 4, false),
            (6, 6, false),
            (9, 1, false),
        ] {
            assert_eq!(
                feedback.complaint_about(&edit(first, last)).is_some(),
                hit,
                "{first}-{last}"
            );
        }
        assert_eq!(
            feedback.complaint_about(&Edit::replace_lines("b.rs", 5..=5, "x")),
            None
        );
    }

    #[test]
    fn a_repeated_finding_is_no_complaint() {
        let given = [at("unwrap", 5)];
        let feedback = Feedback::new(given.iter(), &given);
        assert!(feedback.asks_for(&given[0]));
        assert_eq!(feedback.complaint_about(&edit(5, 5)), None);
    }

    #[test]
    fn a_finding_with_a_fix_is_no_complaint() {
        let own = [at("gate", 5).fix(edit(5, 5))];
        let feedback = Feedback::new([].iter(), &own);
        assert_eq!(feedback.with_fixes().count(), 1);
        assert!(feedback.asks_for(&own[0]));
        assert_eq!(feedback.complaint_about(&edit(5, 5)), None);
    }

    #[test]
    fn feedback_about_no_place_changes_nothing() {
        let general = [Finding::new("patch-does-not-apply", Severity::High, "m")];
        let feedback = Feedback::new([].iter(), &general);
        assert_eq!(feedback.with_fixes().count(), 0);
        assert_eq!(feedback.complaint_about(&edit(1, u32::MAX)), None);
    }
}
