//! Which findings count.

use std::collections::{BTreeMap, BTreeSet};

use patch::{AppliedFix, FixReport};
use ringfence_sdk::{Dependency, Failure, Finding, Severity};

/// The findings of all needs, each once, told apart by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Tally<'a> {
    /// Those that are still to be mended, the worst first, then by place.
    pub(crate) remaining: Vec<&'a Finding>,
    /// How many the developer's patch mends.
    pub(crate) fixed: u64,
    /// How many are of rules that don't count.
    pub(crate) ignored: u64,
    /// What the round before was told and the patch mends: told again, as the
    /// next round hears nothing else and would leave it out.
    pub(crate) kept: Vec<&'a Finding>,
}

/// What makes two findings the same: rule and place, or rule and message
/// where there is no place.
type Key<'a> = (&'a str, Option<(&'a str, u32, u32)>, &'a str);

fn key(finding: &Finding) -> Key<'_> {
    let place = finding
        .location
        .as_ref()
        .map(|place| (place.path.as_str(), place.line, place.column));
    let message = if place.is_none() {
        finding.message.as_str()
    } else {
        ""
    };
    (&finding.rule, place, message)
}

/// Goes through what the needs found. Findings that several agents have are
/// one, as bad as the worst of them says. A finding is mended where a
/// developer's report among the needs lists its fix as applied.
///
/// # Errors
/// A need whose value cannot be read.
pub(crate) fn tally<'a>(
    needs: &'a [Dependency],
    feedback: &'a [Finding],
    ignore_rules: &[String],
) -> Result<Tally<'a>, Failure> {
    let mut applied: BTreeSet<AppliedFix> = BTreeSet::new();
    for need in needs {
        let reports = FixReport::all_in(&need.decode()?);
        applied.extend(reports.into_iter().flat_map(|report| report.applied));
    }
    let ignored_rules: BTreeSet<&str> = ignore_rules.iter().map(String::as_str).collect();

    let is_applied = |finding: &&Finding| fix_of(finding).is_some_and(|fix| applied.contains(&fix));
    let mut tally = Tally {
        kept: feedback.iter().filter(is_applied).collect(),
        ..Tally::default()
    };
    let mut ignored: BTreeSet<Key<'_>> = BTreeSet::new();
    let mut mended: BTreeSet<Key<'_>> = BTreeSet::new();
    let mut worst: BTreeMap<Key<'a>, &'a Finding> = BTreeMap::new();
    for finding in needs.iter().flat_map(|need| &need.findings) {
        let key = key(finding);
        if ignored_rules.contains(key.0) {
            ignored.insert(key);
            continue;
        }
        if !applied.is_empty() && is_applied(&finding) {
            mended.insert(key);
        }
        let known = worst.entry(key).or_insert(finding);
        if finding.severity > known.severity {
            *known = finding;
        }
    }
    tally.ignored = ignored.len() as u64;
    tally.fixed = mended.len() as u64;
    tally.remaining = worst
        .into_iter()
        .filter(|(key, _)| !mended.contains(key))
        .map(|(_, finding)| finding)
        .collect();
    tally.remaining.sort_by_key(|finding| {
        let (rule, place, message) = key(finding);
        (std::cmp::Reverse(finding.severity), place, rule, message)
    });
    Ok(tally)
}

/// The finding's fix as the developer would list it.
fn fix_of(finding: &Finding) -> Option<AppliedFix> {
    let edit = finding.fix.as_ref()?;
    let place = finding.location.as_ref();
    Some(AppliedFix {
        rule: finding.rule.clone(),
        path: edit.path.clone(),
        first: edit.first,
        last: edit.last,
        line: place.map_or(0, |place| place.line),
        column: place.map_or(0, |place| place.column),
    })
}

/// How many of the findings have each severity; all severities are there.
pub(crate) fn counts(findings: &[&Finding]) -> BTreeMap<Severity, u64> {
    let mut counts: BTreeMap<Severity, u64> = Severity::ALL.map(|severity| (severity, 0)).into();
    for finding in findings {
        *counts.entry(finding.severity).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringfence_sdk::{Edit, Output};
    use serde_json::json;

    fn need(findings: Vec<Finding>) -> Dependency {
        let output = Output {
            findings,
            ..Output::default()
        };
        Dependency::new("quality", output)
    }

    fn applied(fixes: &[(&str, u32, u32)]) -> Dependency {
        let applied: Vec<_> = fixes
            .iter()
            .map(|(rule, line, column)| {
                json!({ "rule": rule, "path": "a.rs", "first": line, "last": line, "line": line, "column": column })
            })
            .collect();
        let value = json!({ "applied": applied, "skipped": [], "skipped_total": 0, "files": 1, "patch": null });
        Dependency::new("fix", Output::of(value))
    }

    fn fixable(rule: &str, line: u32, column: u32) -> Finding {
        Finding::new(rule, Severity::Low, "m")
            .at("a.rs", line, column)
            .fix(Edit::replace_lines("a.rs", line..=line, ""))
    }

    #[test]
    fn what_the_patch_mends_does_not_remain() {
        let needs = [
            need(vec![
                fixable("a", 1, 1),
                fixable("a", 1, 9),
                fixable("b", 1, 1),
                fixable("a", 2, 1),
            ]),
            applied(&[("a", 1, 1)]),
        ];
        let tally = tally(&needs, &[], &[]).unwrap();
        assert_eq!((tally.fixed, tally.remaining.len()), (1, 3));
        // Without a fix nothing was mended, whatever a report says.
        let bare = Finding::new("a", Severity::Low, "m").at("a.rs", 1, 1);
        assert_eq!(
            super::tally(&[need(vec![bare]), applied(&[("a", 1, 1)])], &[], &[])
                .unwrap()
                .fixed,
            0
        );
    }

    #[test]
    fn findings_that_several_agents_have_are_one_and_as_bad_as_the_worst() {
        let mut worse = fixable("a", 1, 1);
        worse.severity = Severity::Critical;
        worse.message = "in other words".into();
        let needs = [
            need(vec![fixable("a", 1, 1), worse]),
            need(vec![fixable("a", 1, 1)]),
        ];
        let tally = tally(&needs, &[], &[]).unwrap();
        assert_eq!(tally.remaining.len(), 1);
        assert_eq!(tally.remaining[0].severity, Severity::Critical);
        let general = |message: &str| Finding::new("a", Severity::Low, message);
        let needs = [need(vec![general("x"), general("y"), general("x")])];
        assert_eq!(super::tally(&needs, &[], &[]).unwrap().remaining.len(), 2);
    }

    #[test]
    fn rules_can_be_ignored() {
        let needs = [need(vec![
            fixable("a", 1, 1),
            fixable("b", 1, 1),
            fixable("a", 1, 1),
        ])];
        let tally = tally(&needs, &[], &["a".to_owned()]).unwrap();
        assert_eq!((tally.ignored, tally.remaining.len()), (1, 1));
    }

    #[test]
    fn the_worst_comes_first_whatever_the_order() {
        let at = |severity, path: &str, line| Finding::new("r", severity, "m").at(path, line, 1);
        let mut findings = vec![
            at(Severity::Critical, "b.rs", 9),
            at(Severity::Low, "a.rs", 1),
            at(Severity::Low, "a.rs", 2),
            at(Severity::Low, "b.rs", 1),
        ];
        let expected = findings.clone();
        findings.reverse();
        let needs = [need(findings)];
        let remaining: Vec<_> = tally(&needs, &[], &[])
            .unwrap()
            .remaining
            .into_iter()
            .cloned()
            .collect();
        assert_eq!(remaining, expected);
    }

    #[test]
    fn every_severity_is_counted() {
        let finding = fixable("a", 1, 1);
        let counts = counts(&[&finding, &finding]);
        assert_eq!(counts.len(), 5);
        assert_eq!(counts[&Severity::Low], 2);
    }
}
