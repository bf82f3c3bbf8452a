//! Findings, gathered in a bounded amount of output.

use std::collections::BTreeMap;

use ringfence_sdk::{Edit, Finding, Severity};

/// How many findings an attempt reports unless its input says otherwise.
pub const DEFAULT_MAX_FINDINGS: usize = 2_000;

/// How many bytes of findings an attempt reports. An outcome may have 1 MiB by
/// default; the rest is for what the host adds around each finding.
const MAX_BYTES: usize = 640 * 1024;

/// The bytes that a finding costs besides its texts.
const BYTES_PER_FINDING: usize = 96;

/// The rule under which it is said that findings were left out.
const CUT: &str = "findings-left-out";

/// The findings of one attempt.
#[derive(Clone, Debug, Default)]
pub struct Report {
    path: String,
    findings: Vec<Finding>,
}

/// What a [`Report`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The findings by path, line, column and rule; where some were left out,
    /// the last finding says how many.
    pub findings: Vec<Finding>,
    /// How often each rule was broken, those left out included.
    pub by_rule: BTreeMap<String, u64>,
}

impl Report {
    /// Findings that follow are about the file `path`.
    pub fn enter(&mut self, path: &str) {
        path.clone_into(&mut self.path);
    }

    /// A finding in the current file at `place`.
    pub fn add(
        &mut self,
        rule: &str,
        severity: Severity,
        place: source::Position,
        message: impl Into<String>,
    ) {
        self.findings.push(Finding::new(rule, severity, message).at(
            self.path.as_str(),
            place.line,
            place.column,
        ));
    }

    /// What others found.
    pub fn take_over(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// The same as [`add`](Self::add) with an edit that mends it, where there is one.
    pub fn add_with_fix(
        &mut self,
        rule: &str,
        severity: Severity,
        place: source::Position,
        message: impl Into<String>,
        edit: Option<source::LineEdit>,
    ) {
        self.add(rule, severity, place, message);
        if let (Some(finding), Some(edit)) = (self.findings.last_mut(), edit) {
            finding.fix = Some(Edit::replace_lines(
                self.path.as_str(),
                edit.first..=edit.last,
                edit.replacement,
            ));
        }
    }

    /// What of the tree nobody looks at.
    pub(crate) fn left_out(&mut self, tree: &source::Tree) {
        if tree.left_out() > 0 {
            let message = format!(
                "{} files and folders beyond the limits of a tree are not checked; hint: mount a \
                 smaller tree",
                tree.left_out()
            );
            self.findings
                .push(Finding::new("tree-cut", Severity::Info, message));
        }
        for folder in tree.unreadable() {
            let message = format!("the folder `{folder}` cannot be listed and is not checked");
            self.findings
                .push(Finding::new("folder-not-checked", Severity::Info, message));
        }
    }

    /// How many findings there are so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether there are no findings so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings in order, each place and rule once. At most `max`, and no
    /// more than an outcome can carry: the worst stay, and one more finding
    /// says what was left out.
    #[must_use]
    pub fn finish(mut self, max: usize) -> Summary {
        self.findings
            .sort_by(|a, b| order(a).cmp(&order(b)).then(b.severity.cmp(&a.severity)));
        self.findings.dedup_by(|a, b| order(a) == order(b));
        let mut by_rule = BTreeMap::new();
        for finding in &self.findings {
            *by_rule.entry(finding.rule.clone()).or_insert(0) += 1;
        }
        let findings = cut(self.findings, max);
        Summary { findings, by_rule }
    }
}

fn order(finding: &Finding) -> impl Ord {
    // What is about no place stands apart by what it says.
    let text = match finding.location {
        Some(_) => "",
        None => finding.message.as_str(),
    };
    (finding.location.as_ref(), finding.rule.as_str(), text)
}

fn cut(findings: Vec<Finding>, max: usize) -> Vec<Finding> {
    // A stable sort: among findings of one severity, the first files stay.
    let mut ranked: Vec<(usize, &Finding)> = findings.iter().enumerate().collect();
    ranked.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.severity));
    let mut bytes = 0;
    let kept = ranked
        .iter()
        .take(max)
        .take_while(|(_, finding)| {
            bytes += size(finding);
            bytes <= MAX_BYTES
        })
        .count();
    if kept == findings.len() {
        return findings;
    }
    let mut left_out = BTreeMap::new();
    for (_, finding) in &ranked[kept..] {
        *left_out.entry(finding.severity).or_insert(0_u64) += 1;
    }
    let counts: Vec<String> = left_out
        .iter()
        .rev()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let note = format!(
        "{} more findings are left out ({}); hint: review fewer files at once, or raise \
         `max_findings`",
        findings.len() - kept,
        counts.join(", ")
    );
    let mut keep = vec![false; findings.len()];
    for (index, _) in &ranked[..kept] {
        keep[*index] = true;
    }
    let mut rest: Vec<Finding> = findings
        .into_iter()
        .zip(keep)
        .filter_map(|(finding, keep)| keep.then_some(finding))
        .collect();
    rest.push(Finding::new(CUT, Severity::Info, note));
    rest
}

fn size(finding: &Finding) -> usize {
    let place = finding.location.as_ref().map_or(0, |l| l.path.len());
    let fix = finding
        .fix
        .as_ref()
        .map_or(0, |edit| edit.path.len() + edit.replacement.len());
    BYTES_PER_FINDING + finding.rule.len() + finding.message.len() + place + fix
}

#[cfg(test)]
mod tests {
    use super::*;
    use source::Position;

    fn report(entries: &[(&str, u32, &str, Severity)]) -> Report {
        let mut report = Report::default();
        for (path, line, rule, severity) in entries {
            report.enter(path);
            let place = Position {
                line: *line,
                column: 1,
            };
            report.add(rule, *severity, place, "m");
        }
        report
    }

    fn places(summary: &Summary) -> Vec<String> {
        summary
            .findings
            .iter()
            .map(|f| match &f.location {
                Some(place) => format!("{}:{} {}", place.path, place.line, f.rule),
                None => f.rule.clone(),
            })
            .collect()
    }

    #[test]
    fn findings_are_in_order_and_each_once() {
        let summary = report(&[
            ("b.rs", 1, "x", Severity::Low),
            ("a.rs", 10, "x", Severity::Low),
            ("a.rs", 2, "y", Severity::Low),
            ("a.rs", 2, "x", Severity::Low),
            ("a.rs", 2, "x", Severity::High),
        ])
        .finish(10);
        assert_eq!(
            places(&summary),
            ["a.rs:2 x", "a.rs:2 y", "a.rs:10 x", "b.rs:1 x"]
        );
        assert_eq!(summary.findings[0].severity, Severity::High);
        assert_eq!(summary.by_rule["x"], 3);
    }

    #[test]
    fn the_worst_findings_stay() {
        let entries = [
            ("a.rs", 1, "x", Severity::Low),
            ("a.rs", 2, "x", Severity::Info),
            ("a.rs", 3, "y", Severity::High),
        ];
        let summary = report(&entries).finish(2);
        assert_eq!(places(&summary), ["a.rs:1 x", "a.rs:3 y", CUT]);
        assert!(
            summary.findings[2]
                .message
                .starts_with("1 more findings are left out (1 info)")
        );
        assert_eq!(summary.by_rule.values().sum::<u64>(), 3);
        assert_eq!(
            report(&entries).finish(3).findings.len(),
            3,
            "nothing is cut"
        );
    }

    #[test]
    fn an_outcome_can_carry_what_is_reported() {
        let mut all = Report::default();
        for line in 1..=2_000 {
            all.enter("a.rs");
            all.add(
                "x",
                Severity::Low,
                Position { line, column: 1 },
                "m".repeat(1_000),
            );
        }
        let kept: usize = all.finish(2_000).findings.iter().map(size).sum();
        assert!(kept > MAX_BYTES / 2 && kept <= MAX_BYTES + 1_000, "{kept}");
    }
}
